import { describe, expect, it } from 'vitest';
import { plM1Layout } from '../../../src/card/index.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { IN_FLIGHT } from '../../../src/simulator/card/chip.ts';
import type { ChipFault } from '../../../src/simulator/card/chip.ts';
import { issueM1, sectorKeyHex } from '../../../src/simulator/card/issue-m1.ts';
import { MifareClassic, blankMifare } from '../../../src/simulator/card/mifare-classic.ts';
import {
  ACR128,
  ContactlessReader,
  MIFARE_1K_ATR,
} from '../../../src/simulator/reader/contactless.ts';
import { Desk, golden4442 } from './chips.ts';
import { codeOf, demoKeys, GOLDEN_PURCHASE, must } from './rig.ts';

const plM1 = plM1Layout(demoKeys);
const UID = '0A1B2C3D';
const golden = (): MifareClassic =>
  new MifareClassic(
    issueM1({
      uid: UID,
      cardNo: '8800003921',
      userNo: '1002203344',
      a: { seq: 0x29, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' },
      b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
      meterArea: toHex(golden4442().peek().subarray(0x60, 0x80)),
    }),
  );

describe('PL-M1', () => {
  it('is read whole and takes the golden purchase, in one block', async () => {
    const card = golden();
    expect(plM1.mayBe(fromHex(MIFARE_1K_ATR))).toBe(true);
    const channel = new Desk(new ContactlessReader(card)).insert();
    const reading = must(await plM1.read(channel));
    expect(reading).toMatchObject({
      layout: 'PL-M1',
      cardNo: '8800003921',
      userNo: '1002203344',
      count: 41,
      cumulative: 205_000,
      visited: true,
      fresh: false,
      unfinished: false,
      meter: { remainingQuantity: 1234, meterNo: '0260001577' },
    });
    expect(toHex(card.peek(4))).toBe('52880000392110022033440101030185');
    const plan = must(plM1.plan(reading, GOLDEN_PURCHASE));
    must(await plM1.apply(channel, plan));
    must(await channel.reset());
    expect(plM1.classify(plan, must(await plM1.readImage(channel)))).toBe('after');
    expect(toHex(card.peek(6))).toBe('2A002A000EBD00032F85ADE6788A2FC4');
    expect(card.ops).toBe(1);
    must(await plM1.apply(channel, plan));
    expect(card.ops).toBe(1);
  });

  it('keys of its own: two makers of them agree, and a reader of another model takes them at its own place', async () => {
    expect(toHex(must(await demoKeys.sectorKey(fromHex(UID), 1, 'B')))).toBe(
      sectorKeyHex(UID, 1, 'B'),
    );
    // ACR128 keeps a volatile key under number 20 only: the driver goes by its name.
    const slot = new ContactlessReader(golden(), ACR128);
    slot.insert();
    expect(
      toHex((slot.process(fromHex('FF82000006000000000000')) as { bytes: Uint8Array }).bytes),
    ).not.toBe('9000');
    expect(
      toHex((slot.process(fromHex('FF82002006000000000000')) as { bytes: Uint8Array }).bytes),
    ).toBe('9000');
  });

  it('a blank card, and one with other keys, are not ours; a card whose write key differs is refused without a change', async () => {
    expect(
      codeOf(
        await plM1.read(
          new Desk(new ContactlessReader(new MifareClassic(blankMifare(UID)))).insert(),
        ),
      ),
    ).toBe('CARD-0103');
    const card = golden();
    const trailer = card.peek(7);
    trailer.fill(0x11, 10);
    card.poke(7, trailer);
    const channel = new Desk(new ContactlessReader(card)).insert();
    const plan = must(plM1.plan(must(await plM1.read(channel)), GOLDEN_PURCHASE));
    expect(codeOf(await plM1.apply(channel, plan))).toBe('CARD-0201');
    expect(card.ops).toBe(0);
  });

  it('cut at every command and in the write: delivered once', async () => {
    const count = golden();
    const first = new Desk(new ContactlessReader(count)).insert();
    const from = count.commands;
    must(await plM1.apply(first, must(plM1.plan(must(await plM1.read(first)), GOLDEN_PURCHASE))));
    const cuts: ChipFault[] = IN_FLIGHT.map((inFlight) => ({ afterOps: 1, inFlight }));
    for (let n = 1; n <= count.commands - from; n++)
      for (const when of ['before', 'after'] as const) cuts.push({ atCommand: n, when });
    const met = new Set<string>();
    for (const cut of cuts) {
      const card = golden();
      const desk = new Desk(new ContactlessReader(card));
      const channel = desk.insert();
      const plan = must(plM1.plan(must(await plM1.read(channel)), GOLDEN_PURCHASE));
      card.arm(cut);
      await plM1.apply(channel, plan);
      card.disarm();
      const verdict = plM1.classify(plan, must(await plM1.readImage(desk.insert())));
      met.add(verdict);
      expect(['before', 'torn', 'after'], JSON.stringify(cut)).toContain(verdict);
      must(await plM1.apply(desk.insert(), plan));
      expect(must(await plM1.read(desk.insert())), JSON.stringify(cut)).toMatchObject({
        count: 42,
        cumulative: 208_773,
      });
    }
    console.log(`PL-M1: ${cuts.length} cut points`);
    expect([...met].toSorted()).toEqual(['after', 'before', 'torn']);
  });
});
