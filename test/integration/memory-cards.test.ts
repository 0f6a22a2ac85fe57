import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PcscReader } from '../../src/card/index.ts';
import type { CardReader } from '../../src/card/index.ts';
import { toHex } from '../../src/shared/bytes.ts';
import { CATALOGUE_4442 } from '../../src/simulator/card/catalogue-4442.ts';
import type { AcsReader } from '../../src/simulator/reader/acs.ts';
import { pcscService } from '../../src/main/pcsc/service.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { acs, golden4428, golden4442, pl4428, pl4442 } from '../unit/card/chips.ts';
import { cardIn, codeOf, GOLDEN_PURCHASE, must, until } from '../unit/card/rig.ts';

let pcscd: Pcscd;
let slot: CardSlot;
const readers: CardReader[] = [];

/** pcscd's virtual reader has no maker's name: its dialect is said. */
function reader(model = 'acs'): PcscReader {
  const made = new PcscReader({
    id: 'r',
    match: 'virtual pcd',
    model,
    clock: systemClock,
    log: () => undefined,
    service: pcscService(systemClock, () => undefined),
  });
  readers.push(made);
  return made;
}

beforeAll(async () => {
  pcscd = await preparePcscd();
  await pcscd.start();
  slot = new CardSlot({ host: '127.0.0.1', port: pcscd.port, clock: systemClock });
});
afterEach(async () => {
  slot.remove();
  for (const r of readers.splice(0)) {
    await until(r, (s) => s.state === 'empty' || s.state === 'offline');
    await r.close();
  }
});
afterAll(async () => {
  await pcscd.stop();
});

describe('memory cards behind a real pcscd', () => {
  it.each([
    ['PL-4442', pl4442, golden4442, '3B04A2131091'],
    ['PL-4428', pl4428, golden4428, '3B0492231091'],
  ] as const)('%s is read whole and takes the golden purchase', async (_id, layout, make, atr) => {
    const r = reader();
    const chip = make();
    slot.insert(acs(chip));
    const status = await until(r, (s) => s.state === 'present');
    expect(status.state === 'present' ? toHex(status.atr) : '').toBe(atr);
    expect(layout.mayBe(status.state === 'present' ? status.atr : new Uint8Array(0))).toBe(true);
    const channel = r.open(status.insertion);
    const reading = must(await layout.read(channel));
    expect(reading).toMatchObject({
      cardNo: '8800003921',
      userNo: '1002203344',
      count: 41,
      visited: true,
    });
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    must(await layout.apply(channel, plan));
    must(await channel.reset());
    expect(chip.verified).toBe(false);
    expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
    expect(toHex(chip.peek().subarray(0x40, 0x50))).toBe('2A002A000EBD00032F85ADE6788A2FC4');
  });

  it.each([2, 9, 15])(
    'torn out in the %i. change of the chip: the next insertion finishes it',
    async (afterOps) => {
      const r = reader();
      const chip = golden4442();
      const card: AcsReader = acs(chip);
      slot.insert(card);
      const first = await cardIn(r);
      const plan = must(pl4442.plan(must(await pl4442.read(first)), GOLDEN_PURCHASE));
      chip.arm({ afterOps, inFlight: 'partial' });
      const torn = await pl4442.apply(first, plan);
      chip.disarm();
      expect(torn.ok).toBe(false);
      await until(r, (s) => s.state === 'empty');
      slot.insert(card);
      const second = await cardIn(r);
      const verdict = pl4442.classify(plan, must(await pl4442.readImage(second)));
      expect(['before', 'torn', 'after']).toContain(verdict);
      must(await pl4442.apply(second, plan));
      expect(must(await pl4442.read(second))).toMatchObject({ count: 42, cumulative: 208_773 });
    },
  );

  it('cards that are not sold to have their verdicts (all of them: test/unit/card/pl-sle.test.ts)', async () => {
    const r = reader();
    for (const sample of CATALOGUE_4442.filter((c) =>
      ['4442-torn', '4442-locked', '4442-staff'].includes(c.id),
    )) {
      const chip = sample.make();
      slot.insert(acs(chip));
      const read = codeOf(await pl4442.read(await cardIn(r)));
      expect(read, sample.id).toBe(
        sample.expectedCode === null ||
          sample.expectedCode.startsWith('SALE') ||
          sample.id === '4442-fresh'
          ? 'ok'
          : sample.expectedCode,
      );
      expect(chip.ops, sample.id).toBe(0);
      slot.remove();
      await until(r, (s) => s.state === 'empty');
    }
  });

  it('the old ACR38’s way', async () => {
    const r = reader('acr38');
    slot.insert(acs(golden4442(), 'acr38'));
    const channel = await cardIn(r);
    const plan = must(pl4442.plan(must(await pl4442.read(channel)), GOLDEN_PURCHASE));
    must(await pl4442.apply(channel, plan));
    expect(must(await pl4442.read(channel)).count).toBe(42);
  });
});
