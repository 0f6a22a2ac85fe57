import { beforeEach, describe, expect, it } from 'vitest';
import { judgeStatus } from '../../../src/device/printer/answers.ts';
import { EscposPrinter } from '../../../src/device/printer/escpos-printer.ts';
import { encodeSlip } from '../../../src/device/printer/escpos.ts';
import { layOut } from '../../../src/device/printer/layout.ts';
import type { PrinterPort } from '../../../src/device/printer/line.ts';
import { PRINTER_MODELS } from '../../../src/device/printer/models.ts';
import type { PrinterModelName } from '../../../src/device/printer/models.ts';
import { serialLine } from '../../../src/device/printer/serial-line.ts';
import type { PrinterStatus, SlipLine } from '../../../src/device/printer/types.ts';
import type { PrintedLine, SimulatedPrinter } from '../../../src/simulator/printer/printer.ts';
import { EagerClock } from '../../support/clock.ts';
import { directPort, driver, simulated, withCodes } from '../../support/printer-ends.ts';

const SLIP: readonly SlipLine[] = [
  { kind: 'text', text: '阜城燃气', align: 'center', size: 'double' },
  { kind: 'text', text: '购气凭条', align: 'center' },
  { kind: 'rule' },
  { kind: 'pair', label: '订单号', value: '0012·4471' },
  { kind: 'pair', label: '已写入卡', value: '37.73 m³' },
  { kind: 'text', text: '请回家后将卡插入表，听到提示音再拔出。若表不响，请拨打热线。' },
  { kind: 'qr', text: 'https://q.example/0012' },
];
const NUMBER = '0012 4471';

let paper: SimulatedPrinter;
let printer: EscposPrinter;
const made = (model: PrinterModelName, marked = false): void => {
  paper = simulated(model);
  printer = driver(directPort(paper), model, new EagerClock(), marked);
};
/** What a whole slip looks like on this model. */
const whole = (model: PrinterModelName): unknown[] => {
  const { clears } = PRINTER_MODELS[model];
  const tail: SlipLine[] = clears
    ? []
    : [{ kind: 'text', text: `—— ${NUMBER} ——`, align: 'center' }];
  return layOut([...SLIP, ...tail], PRINTER_MODELS[model]);
};
const CODES = ['https://q.example/0012'];
const out = (): (readonly PrintedLine[])[] => paper.slips.map((s) => withCodes(s.lines, CODES));
const print = () => printer.print(SLIP, NUMBER);
const textOf = (lines: readonly PrintedLine[]): string =>
  lines.map((l) => (l.kind === 'text' ? l.text : `[${l.kind}]`)).join('\n');
const isVoid = (lines: readonly PrintedLine[]): boolean => textOf(lines).includes('作废');

beforeEach(() => made('generic-58'));

describe('printed means printed', () => {
  it('the whole slip, as it was laid out, and only then', async () => {
    expect(await print()).toEqual({ ok: true, value: undefined });
    expect(paper.slips.map((s) => s.lines)).toEqual([whole('generic-58')]);
    expect(paper.unknown).toEqual([]);
    expect(paper.condition.automaticStatus).toBe(false);
  });

  it.each(['generic-58', 'epson-tm-t88'] as const)(
    '%s: paper that ends in the middle: a part is printed, and it is said so',
    async (model) => {
      made(model);
      expect(await print()).toMatchObject({ ok: true });
      paper.condition.rowsLeft = 4;
      expect(await print()).toMatchObject({
        ok: false,
        error: { code: 'DEV-0102', detail: 'paper end' },
      });
      expect(paper.slips).toHaveLength(1);
      expect(await printer.status()).toMatchObject({ ready: false, trouble: 'paper-end' });
      paper.condition.paper = 'ok';
      expect(await printer.status()).toMatchObject({ ready: true });
      expect(await print()).toMatchObject({ ok: true });
      expect(paper.slips.at(-1)?.lines).toEqual(whole(model));
      const rest = paper.slips.slice(1, -1).map((s) => s.lines);
      // One that forgets prints nothing of it; what another has held says whose it is.
      if (model === 'epson-tm-t88') expect(rest.every(isVoid)).toBe(true);
      else expect(rest.some((lines) => textOf(lines).endsWith(`—— ${NUMBER} ——`))).toBe(true);
      expect(paper.unknown).toEqual([]);
    },
  );

  it('without paper nothing is sent: it would come out before the next customer', async () => {
    paper.condition.paper = 'end';
    expect(await print()).toMatchObject({
      ok: false,
      error: { code: 'DEV-0101', detail: 'paper end' },
    });
    paper.condition.paper = 'ok';
    expect(await printer.status()).toMatchObject({ ready: true });
    expect(paper.slips).toHaveLength(0);
  });

  it('an answer for the last slip is none for the next one', async () => {
    const clock = new EagerClock();
    const inner = directPort(paper);
    // It answers in its turn some time after it printed, and still owes an answer for the last slip.
    let owed = false;
    const slow: PrinterPort = {
      keeps: false,
      open: async () => {
        const line = await inner.open();
        let hear: (bytes: Uint8Array) => void = () => undefined;
        line.onData((bytes) => {
          if (((bytes[0] ?? 0) & 0x90) === 0) clock.after(300, () => hear(bytes));
          else hear(bytes);
        });
        const write = (bytes: Uint8Array): void => {
          line.write(bytes);
          if (owed && bytes.length > 100) {
            owed = false;
            hear(Uint8Array.of(0));
          }
        };
        return { ...line, write, onData: (listener) => void (hear = listener) };
      },
    };
    const model = PRINTER_MODELS['generic-58'];
    const late = new EscposPrinter({ port: slow, model, paper: { marked: false }, clock });
    expect(await late.print(SLIP, NUMBER)).toMatchObject({ ok: true });
    paper.cutAfter(60);
    expect(await late.print(SLIP, NUMBER)).toMatchObject({ ok: false });
    owed = true;
    // The parting takes three rows and more; the paper ends in the slip behind it.
    paper.condition.rowsLeft = 6;
    expect(await late.print(SLIP, NUMBER)).toMatchObject({
      ok: false,
      error: { code: 'DEV-0102', detail: 'paper end' },
    });
  });

  it('one that goes on speaking unasked is never believed, and holds nobody up', async () => {
    const clock = new EagerClock();
    const inner = directPort(paper);
    const babbling: PrinterPort = {
      keeps: false,
      open: async () => {
        const line = await inner.open();
        let hear: (bytes: Uint8Array) => void = () => undefined;
        let over = false;
        const speak = (): void => {
          if (over) return;
          hear(Uint8Array.of(0x0c));
          clock.after(700, speak);
        };
        clock.after(700, speak);
        const close = (): Promise<void> => {
          over = true;
          return line.close();
        };
        return {
          ...line,
          close,
          onData: (listener) => {
            hear = listener;
            line.onData(listener);
          },
        };
      },
    };
    const babbler = driver(babbling, 'generic-58', clock);
    expect(await babbler.print(SLIP, NUMBER)).toMatchObject({
      ok: false,
      error: { code: 'DEV-0101', detail: 'it speaks without being asked' },
    });
    await babbler.close();
    expect(paper.slips).toEqual([]);
    expect(clock.monoMs()).toBeLessThan(30_000);
  });

  it('a printer that is silent, and one that is off', async () => {
    paper.condition.mute = true;
    expect(await print()).toMatchObject({
      error: { code: 'DEV-0101', detail: 'no status answer' },
    });
    paper.condition.mute = false;
    paper.condition.off = true;
    expect(await printer.status()).toMatchObject({ trouble: 'unreachable' });
    paper.condition.off = false;
    expect(await print()).toMatchObject({ ok: true });
    expect(paper.slips).toHaveLength(1);
  });

  it('a port that never opens is a status, and the next one is tried', async () => {
    let opens = 0;
    const port: PrinterPort = {
      keeps: false,
      open: () => (++opens === 1 ? new Promise(() => undefined) : directPort(paper).open()),
    };
    const slow = driver(port, 'generic-58', new EagerClock());
    expect(await slow.status()).toMatchObject({ trouble: 'unreachable' });
    expect(await slow.status()).toMatchObject({ ready: true });
    await slow.close();
    expect(await slow.status()).toMatchObject({ trouble: 'unreachable' });
  });

  it('automatic status on: it is told apart, and switched off', async () => {
    paper.condition.automaticStatus = true;
    expect(await printer.status()).toMatchObject({ ready: true, paperLow: false });
    paper.condition.paper = 'low';
    expect(await printer.status()).toMatchObject({ ready: true, paperLow: true });
    expect(await print()).toMatchObject({ ok: true });
    expect(paper.condition.automaticStatus).toBe(false);
    paper.condition.automaticStatus = true;
    paper.condition.paper = 'end';
    expect(await printer.status()).toMatchObject({ ready: false, trouble: 'paper-end' });
  });

  it('killed in the middle of a slip: whoever comes up parts it from the next one', async () => {
    let begun = false;
    const trace = { begun: () => begun, note: (is: boolean) => void (begun = is) };
    const process = (): EscposPrinter =>
      new EscposPrinter({
        port: directPort(paper),
        model: PRINTER_MODELS['generic-58'],
        paper: { marked: false },
        clock: new EagerClock(),
        trace,
      });
    const killed = process();
    expect(await killed.print(SLIP, NUMBER)).toMatchObject({ ok: true });
    expect(begun).toBe(false);
    paper.cutAfter(150);
    expect(await killed.print(SLIP, NUMBER)).toMatchObject({ ok: false });
    expect(begun).toBe(true);
    const next = process();
    expect(await next.status()).toMatchObject({ ready: true });
    expect(isVoid(paper.slips.at(-1)?.lines ?? [])).toBe(true);
    expect(begun).toBe(false);
    expect(await next.print(SLIP, NUMBER)).toMatchObject({ ok: true });
    expect(paper.slips.at(-1)?.lines).toEqual(whole('generic-58'));
  });

  it('says by itself what a slip showed', async () => {
    const heard: (PrinterStatus['trouble'] | 'off')[] = [];
    const off = printer.onStatus((status) => heard.push(status.trouble));
    paper.condition.paper = 'end';
    await print();
    paper.condition.paper = 'ok';
    paper.condition.rowsLeft = 6;
    await print();
    off();
    await print();
    expect(heard).toEqual(['paper-end', 'paper-end']);
  });
});

describe.each(['generic-58', 'unicode-80', 'epson-tm-t88', 'custom-kpm'] as const)(
  '%s: after each fault the next slip prints once',
  (model) => {
    beforeEach(async () => {
      made(model);
      expect(await print()).toMatchObject({ ok: true });
      paper.slips.length = 0;
    });
    const mended = async (): Promise<void> => {
      Object.assign(paper.condition, {
        paper: 'ok',
        coverOpen: false,
        cutterJam: false,
        overheated: false,
        off: false,
        mute: false,
      });
      expect(await print()).toMatchObject({ ok: true });
      expect(await print()).toMatchObject({ ok: true });
      const [last, ...before] = out().toReversed();
      expect([last, before[0]]).toEqual([whole(model), whole(model)]);
      // What came out before is whole, is said to be void, or bears its number.
      for (const lines of before.slice(1))
        if (!isVoid(lines) && !textOf(lines).endsWith(`—— ${NUMBER} ——`))
          expect(lines).toEqual(whole(model));
      if (PRINTER_MODELS[model].presenter !== null)
        for (const { lines, way } of paper.slips)
          expect(way).toBe(isVoid(lines) ? 'retracted' : 'ejected');
      expect(paper.unknown).toEqual([]);
    };

    it('the paper ends at each row', async () => {
      const rows = whole(model).length;
      for (let left = 1; left <= rows; left++) {
        paper.slips.length = 0;
        paper.condition.rowsLeft = left;
        expect(await print()).toMatchObject({ ok: false, error: { code: 'DEV-0102' } });
        paper.condition.rowsLeft = null;
        await mended();
      }
    });

    it('cover, cutter, heat, silence and power in the middle', async () => {
      const during = async (fault: () => void, ok = false): Promise<void> => {
        paper.slips.length = 0;
        fault();
        expect((await print()).ok).toBe(ok);
        await mended();
      };
      await during(() => (paper.condition.cutterJam = true));
      await during(() => paper.cutAfter(60));
      await during(() => {
        paper.cutAfter(90);
        paper.condition.rowsLeft = 2;
      });
      for (const fault of ['coverOpen', 'overheated', 'mute', 'off'] as const)
        await during(() => (paper.condition[fault] = true));
      paper.slips.length = 0;
      paper.condition.rowsLeft = 3;
      await print();
      paper.powerOff();
      await mended();
    });
  },
);

it('cut at each byte: nothing of it is taken for whole, and the next slip prints once', async () => {
  made('generic-58');
  expect(await print()).toMatchObject({ ok: true });
  const bytes = encodeSlip(SLIP, PRINTER_MODELS['generic-58'], { marked: false }, NUMBER).length;
  // And in the question behind it, but for its last byte.
  for (let at = 1; at < bytes + 3; at++) {
    paper.slips.length = 0;
    paper.cutAfter(at);
    expect(await print()).toMatchObject({ ok: false, error: { code: 'DEV-0102' } });
    expect(await print()).toMatchObject({ ok: true });
    const [last, ...before] = paper.slips.map((s) => s.lines).toReversed();
    expect(last).toEqual(whole('generic-58'));
    for (const lines of before)
      expect(isVoid(lines) || textOf(lines).endsWith(`—— ${NUMBER} ——`)).toBe(true);
    expect(paper.unknown).toEqual([]);
  }
});

describe('status', () => {
  it.each([
    ['well', [0x12, 0x12, 0x12, 0x12], null, false],
    ['low', [0x12, 0x12, 0x12, 0x1e], null, true],
    ['out', [0x1a, 0x32, 0x12, 0x72], 'paper-end', false],
    ['open', [0x1a, 0x16, 0x12, 0x12], 'cover-open', false],
    ['jammed', [0x1a, 0x52, 0x1a, 0x12], 'cutter', false],
    ['hot', [0x1a, 0x52, 0x52, 0x12], 'overheated', false],
    ['broken', [0x1a, 0x52, 0x32, 0x12], 'error', false],
    ['a paper jam', [0x1a, 0x52, 0x16, 0x12], 'error', false],
    ['an error without a cause', [0x1a, 0x52, 0x12, 0x12], 'error', false],
    ['off line', [0x1a, 0x12, 0x12, 0x12], 'offline', false],
    ['silent', [0x12], 'silent', false],
  ])('%s', (_what, bytes, trouble, paperLow) => {
    const status = judgeStatus(bytes);
    expect([status.ready, status.paperLow, status.trouble]).toEqual([
      trouble === null,
      paperLow,
      trouble,
    ]);
    expect(status.failure === null).toBe(status.ready);
  });

  it('while a slip is stuck it is never ready, whoever asks', async () => {
    await print();
    for (const [fault, trouble] of [
      ['cutterJam', 'cutter'],
      ['overheated', 'overheated'],
      ['coverOpen', 'cover-open'],
    ] as const) {
      paper.condition[fault] = true;
      await print();
      expect(await printer.status()).toMatchObject({ ready: false, trouble });
      paper.condition[fault] = false;
      expect(await printer.status()).toMatchObject({ ready: true });
    }
  });
});

describe('marked paper', () => {
  it('is fed to its mark before each cut, where the model has a command for it', async () => {
    const bytes = (marked: boolean): string =>
      Buffer.from(encodeSlip(SLIP, PRINTER_MODELS['snbc-bt-ur056'], { marked })).toString('hex');
    expect(bytes(true).endsWith('1b64041d0c1d564200')).toBe(true);
    expect(bytes(false).endsWith('1b64041d564200')).toBe(true);
    made('custom-kpm', true);
    expect(await print()).toMatchObject({ ok: true });
    expect(paper.slips.map((s) => s.way)).toEqual(['ejected']);
    expect(paper.unknown).toEqual([]);
  });
});

it('no slip has a real-time command in it, by whichever picture', () => {
  const codes = Array.from({ length: 8 }, (_, n) =>
    'https://pay.example/r/'.padEnd(30 + n * 45, `${n}x`),
  );
  for (const name of ['unicode-80', 'snbc-bt-ur056'] as const)
    for (const text of codes) {
      const slip = encodeSlip(
        [{ kind: 'qr', text }],
        PRINTER_MODELS[name],
        { marked: true },
        NUMBER,
      );
      for (const second of [0x04, 0x05, 0x14])
        expect(Buffer.from(slip).includes(Buffer.of(0x10, second))).toBe(false);
    }
});

it('a serial printer that holds back by DTR gets pieces while its line is up', async () => {
  const clock = new EagerClock();
  const written: number[] = [];
  let up = false;
  let looks = 0;
  const line = serialLine(
    {
      write: (bytes) => void written.push(bytes.length),
      lines: () => Promise.resolve({ dsr: ++looks > 3 ? (up = !up) : false }),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
      onData: () => undefined,
      onClose: () => undefined,
    },
    'dtr',
    clock,
  );
  line.write(new Uint8Array(100));
  line.write(new Uint8Array(50));
  expect(written).toEqual([]);
  await expect.poll(() => written).toEqual([64, 64, 22]);
  line.write(new Uint8Array(10));
  await line.close();
  expect(written).toHaveLength(3);
});
