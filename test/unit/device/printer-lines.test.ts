import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeSlip } from '../../../src/device/printer/escpos.ts';
import { layOut } from '../../../src/device/printer/layout.ts';
import { openPrinterFile } from '../../../src/device/printer/file-line.ts';
import type { PrinterPort } from '../../../src/device/printer/line.ts';
import type { Clock } from '../../../src/shared/ports.ts';
import { systemClock } from '../../support/clock.ts';
import { PRINTER_MODELS } from '../../../src/device/printer/models.ts';
import type { SlipLine } from '../../../src/device/printer/types.ts';
import { until } from '../../support/hall.ts';
import { driver, ptyEnds, tcpEnds } from '../../support/printer-ends.ts';
import type { PrinterEnds } from '../../support/printer-ends.ts';

/**
 * Each line end to end: the driver, a real TCP connection or pseudo-terminal, and the simulated
 * printer's bytes. The model says which slip it printed and can forget, so that nothing waits.
 */
const MODEL = 'epson-tm-t88';
const SLIP: readonly SlipLine[] = [
  { kind: 'text', text: '阜城燃气', align: 'center', size: 'double' },
  { kind: 'pair', label: '订单号', value: '0012 4471' },
  { kind: 'text', text: '请回家后将卡插入表，听到提示音再拔出。' },
  { kind: 'qr', text: 'https://q.example/0012' },
];
const WHOLE = layOut(SLIP, PRINTER_MODELS[MODEL]);
/** So many points at which each line is cut; more of them in the full run. */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const CUTS = FULL ? 200 : 20;

const LINES = [
  { name: 'tcp', make: () => tcpEnds(MODEL), cuts: CUTS },
  { name: 'a serial port', make: () => ptyEnds(MODEL, 'serial'), cuts: CUTS },
  { name: 'a character device', make: () => ptyEnds(MODEL, 'file'), cuts: FULL ? CUTS : 4 },
];

let ends: PrinterEnds | null = null;
afterEach(async () => {
  await ends?.close();
  ends = null;
});

describe.each(LINES)('over $name', ({ make, cuts }) => {
  /** The last paper is the slip, whole, and what came out before it is said to be void. */
  const printsOnce = async ({ paper, printer }: PrinterEnds): Promise<void> => {
    expect(await printer.print(SLIP)).toEqual({ ok: true, value: undefined });
    const [last, ...before] = paper.slips.toReversed();
    expect(last?.lines).toEqual(WHOLE);
    for (const { lines } of before)
      expect(lines.some((l) => l.kind === 'text' && l.text.includes('作废'))).toBe(true);
    expect(paper.unknown).toEqual([]);
    paper.slips.length = 0;
  };

  it('prints, says how it stands, and after each fault the next slip once', async () => {
    ends = await make();
    const { paper, printer } = ends;
    await printsOnce(ends);
    paper.condition.paper = 'low';
    expect(await printer.status()).toMatchObject({ ready: true, paperLow: true });
    paper.condition.automaticStatus = true;
    paper.condition.rowsLeft = 2;
    expect(await printer.print(SLIP)).toMatchObject({ error: { code: 'DEV-0102' } });
    expect(await printer.status()).toMatchObject({ trouble: 'paper-end' });
    paper.condition.paper = 'ok';
    expect(await printer.status()).toMatchObject({ ready: true });
    await printsOnce(ends);
    paper.condition.cutterJam = true;
    expect(await printer.print(SLIP)).toMatchObject({ error: { code: 'DEV-0102' } });
    expect(await printer.status()).toMatchObject({ trouble: 'cutter' });
    paper.condition.cutterJam = false;
    paper.slips.length = 0;
    await printsOnce(ends);
  });

  it('unplugged and plugged in again, idle and in the middle of a slip', async () => {
    ends = await make();
    const { paper, printer } = ends;
    await printsOnce(ends);
    await ends.unplug();
    // A serial port may stay when the cable goes: silent first, as a real one is.
    expect(['unreachable', 'silent']).toContain((await printer.status()).trouble);
    expect(await printer.print(SLIP)).toMatchObject({ error: { code: 'DEV-0101' } });
    await ends.plug();
    await until('it is back', async () => (await printer.status()).ready);
    await printsOnce(ends);
    paper.condition.rowsLeft = 2;
    const printing = printer.print(SLIP);
    await until('the paper ends', () => paper.condition.paper === 'end');
    await ends.unplug();
    expect(await printing).toMatchObject({ error: { code: 'DEV-0102' } });
    // Switched off beside: it has forgotten, and nothing answers for it.
    paper.powerOff();
    paper.condition.paper = 'ok';
    await ends.plug();
    await until('it is back', async () => (await printer.status()).ready);
    await printsOnce(ends);
  });

  it(`cut at ${cuts} points`, async () => {
    ends = await make();
    const { paper, printer } = ends;
    await printsOnce(ends);
    const { length } = encodeSlip(SLIP, PRINTER_MODELS[MODEL], { marked: false });
    for (let n = 0; n < cuts; n++) {
      paper.cutAfter(1 + Math.floor((n * (length + 10)) / cuts));
      expect(await printer.print(SLIP)).toMatchObject({ ok: false, error: { code: 'DEV-0102' } });
      // The whole slip may be out where only its confirmation was cut.
      paper.slips.length = 0;
      await ends.unplug();
      await ends.plug();
      await printsOnce(ends);
    }
  });
});

it.runIf(existsSync('/dev/zero'))(
  'a device that speaks without an end is a printer that does not answer, and can be closed',
  async () => {
    // Its time-outs, ten times as fast.
    const hurried: Clock = {
      ...systemClock,
      after: (ms, fn) => systemClock.after(ms / 10, fn),
    };
    const port: PrinterPort = { open: () => openPrinterFile('/dev/zero', hurried), keeps: false };
    const printer = driver(port, MODEL, hurried);
    expect(await printer.status()).toMatchObject({ ready: false, trouble: 'silent' });
    const open = (): number =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/zero';
        } catch {
          return false;
        }
      }).length;
    await printer.close();
    expect(open()).toBe(0);
  },
);
