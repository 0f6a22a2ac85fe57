import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processLayout } from '../../../src/card/index.ts';
import type { CardLayout } from '../../../src/card/index.ts';
import type { MemoryCardPort } from '../../../src/card/types.ts';
import { fromHex } from '../../../src/shared/bytes.ts';
import { systemClock } from '../../support/clock.ts';
import { acs, Desk, golden4442, pl4442 } from './chips.ts';
import { codeOf, demoKeys, GOLDEN_PURCHASE, must } from './rig.ts';

const ADAPTER = fileURLToPath(new URL('../../../src/demo/adapters/pl-4442.ts', import.meta.url));
let folder: string;
let layout: CardLayout & { readonly close: () => void };
const sample = (): typeof layout =>
  processLayout({
    id: 'PL-4442',
    command: [process.execPath, ADAPTER],
    cwd: folder,
    atrs: ['3B04A2131091'],
    acceptance: 'count-exact',
    keys: demoKeys,
    clock: systemClock,
    log: () => undefined,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-adapter-'));
});
afterEach(() => {
  layout.close();
  rmSync(folder, { recursive: true });
});

/** How it fails: test/conformance/process-layout.test.ts. */
describe('a layout in a process of its own', () => {
  it('reads, proves, plans, writes and judges as the layout in this process does', async () => {
    layout = sample();
    const chip = golden4442();
    const desk = new Desk(acs(chip));
    const channel = desk.insert();
    expect(layout.mayBe(Uint8Array.of(0x3b, 0x04, 0xa2, 0x13, 0x10, 0x91))).toBe(true);
    expect(layout.mayBe(Uint8Array.of(0x3b, 0x04, 0x92, 0x23, 0x10, 0x91))).toBe(false);
    const reading = must(await layout.read(channel));
    expect(reading).toEqual(must(await pl4442.read(channel)));
    must(await layout.proveAuthority(reading));
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    expect(plan).toEqual(must(pl4442.plan(reading, GOLDEN_PURCHASE)));
    must(await layout.apply(channel, plan));
    must(await channel.reset());
    const after = must(await layout.readImage(channel));
    expect(layout.classify(plan, after)).toBe('after');
    expect(layout.sameCard(plan.before, after)).toBe(true);
    expect(
      codeOf(
        await layout.apply(
          channel,
          must(
            layout.plan(
              { ...reading, cardNo: '8800003921' },
              { ...GOLDEN_PURCHASE, orderId: 'PL-000000000311-1-0043' },
            ),
          ),
        ),
      ),
    ).toBe('CARD-0205');
    // A torn card is the program's to judge.
    const torn = plan.before.slice();
    torn[0x20] = 0;
    expect(layout.classify(plan, torn)).toBe(pl4442.classify(plan, torn));
  });

  /**
   * A program that presents the code without a look at its tries, and plans to leave the card as it
   * is.
   */
  const CARELESS = `
    import { createInterface } from 'node:readline';
    const say = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
    let job;
    for await (const line of createInterface({ input: process.stdin })) {
      const said = JSON.parse(line);
      if (said.failed) say({ id: job, fail: said.failed });
      else if (said.answer) say({ id: job, ok: {} });
      else if (said.do === 'hello') say({ id: said.id, ok: { version: said.version, layout: said.layout } });
      else if (said.do === 'plan') say({ id: said.id, ok: { after: said.reading.image, steps: [] } });
      else if (said.do === 'apply') say({ id: (job = said.id), ask: { op: 'verify', chip: 'SLE4442', cardNo: said.plan.cardNo } });
    }`;
  const careless = (): typeof layout => {
    const program = join(folder, 'careless.mjs');
    writeFileSync(program, CARELESS);
    return processLayout({
      id: 'PL-4442',
      command: [process.execPath, program],
      cwd: folder,
      atrs: ['3B04A2131091'],
      acceptance: 'count-exact',
      keys: demoKeys,
      clock: systemClock,
      log: () => undefined,
    });
  };

  it('a program that does not look at the tries never spends the last one', async () => {
    layout = careless();
    const channel = new Desk(acs(golden4442())).insert();
    const reading = must(await pl4442.read(channel));
    const plan = { ...must(pl4442.plan(reading, GOLDEN_PURCHASE)), cardNo: '8800003999' };
    const memory = channel.memory as MemoryCardPort;
    // Another card's code: refused while two tries are left, and not presented after that.
    must(await layout.apply(channel, plan));
    expect(must(await memory.counter('SLE4442'))).toBe(0x06);
    expect(must(await memory.present('SLE4442', fromHex('000000')))).toMatchObject({
      verified: false,
    });
    const left = must(await memory.counter('SLE4442'));
    expect(codeOf(await layout.apply(channel, plan))).toBe('CARD-0110');
    expect(must(await memory.counter('SLE4442'))).toBe(left);
  });

  it('a plan that would leave the card as it is is none: it would read as delivered with nothing written', async () => {
    layout = careless();
    const reading = must(await pl4442.read(new Desk(acs(golden4442())).insert()));
    expect(codeOf(layout.plan(reading, GOLDEN_PURCHASE))).toBe('CARD-0104');
  });
});
