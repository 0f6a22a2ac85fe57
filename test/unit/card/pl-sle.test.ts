import { describe, expect, it } from 'vitest';
import type { CardLayout } from '../../../src/card/index.ts';
import { toHex } from '../../../src/shared/bytes.ts';
import { CATALOGUE_4442, sampleCard4442 } from '../../../src/simulator/card/catalogue-4442.ts';
import { issue4442 } from '../../../src/simulator/card/issue-4442.ts';
import { IN_FLIGHT } from '../../../src/simulator/card/chip.ts';
import type { ChipFault } from '../../../src/simulator/card/chip.ts';
import { Sle4442 } from '../../../src/simulator/card/sle4442.ts';
import type { Sle4428 } from '../../../src/simulator/card/sle4428.ts';
import { Meter4442 } from '../../../src/simulator/meter/meter-4442.ts';
import { OmnikeyReader } from '../../../src/simulator/reader/omnikey.ts';
import { acs, Desk, golden4428, golden4442, pl4428, pl4442 } from './chips.ts';
import { codeOf, GOLDEN_PURCHASE, must } from './rig.ts';

const CEILING = 1_000_000;
const line = (card: Sle4442 | Sle4428, at: number): string =>
  toHex(card.peek().subarray(at, at + 16));

describe('PL-4442', () => {
  it.each(['acs', 'acr38'] as const)(
    'reads the golden card whole and buys to the golden bytes (%s)',
    async (dialect) => {
      const card = golden4442();
      const desk = new Desk(acs(card, dialect === 'acs' ? 'ccid' : 'acr38'), dialect);
      const channel = desk.insert();
      const reading = must(await pl4442.read(channel));
      expect(reading).toMatchObject({
        layout: 'PL-4442',
        cardNo: '8800003921',
        userNo: '1002203344',
        kind: 'gas',
        unit: 'volume',
        region: 3,
        count: 41,
        lastQuantity: 5000,
        cumulative: 205_000,
        visited: true,
        fresh: false,
        unfinished: false,
        meter: {
          countTaken: 41,
          remainingQuantity: 1234,
          cumulativeUsed: 203_766,
          lastVisit: '2511150830',
          valveClosed: false,
          faults: 0,
          meterNo: '0260001577',
        },
      });
      expect(toHex(reading.tag)).toBe('A1B2C3D4');
      const plan = must(pl4442.plan(reading, GOLDEN_PURCHASE));
      expect(plan).toMatchObject({
        cardNo: '8800003921',
        count: 42,
        quantity: 3773,
        cumulative: 208_773,
      });
      must(await pl4442.apply(channel, plan));
      must(await channel.reset());
      const image = must(await pl4442.readImage(channel));
      expect(pl4442.classify(plan, image)).toBe('after');
      expect(line(card, 0x40)).toBe('2A002A000EBD00032F85ADE6788A2FC4');
      expect(line(card, 0x30)).toBe('290029001388000320C8A1B2C3D4797A');
      // Again: there is nothing left to do, and nothing is written twice.
      const { ops } = card;
      must(await pl4442.apply(channel, plan));
      expect(card.ops).toBe(ops);
    },
  );

  it('behind an OMNIKEY reader, as far as its manual is known: read, refused with the last try, bought', async () => {
    const card = golden4442();
    const channel = new Desk(new OmnikeyReader(card), 'omnikey').insert();
    const plan = must(pl4442.plan(must(await pl4442.read(channel)), GOLDEN_PURCHASE));
    must(await pl4442.apply(channel, plan));
    must(await channel.reset());
    expect(pl4442.classify(plan, must(await pl4442.readImage(channel)))).toBe('after');
    for (const id of ['4442-last-try', '4442-locked'] as const)
      expect(
        codeOf(
          await pl4442.read(
            new Desk(new OmnikeyReader(sampleCard4442(id).make()), 'omnikey').insert(),
          ),
        ),
        id,
      ).toBe('CARD-0110');
    const other = sampleCard4442('4442-other-key').make();
    const there = new Desk(new OmnikeyReader(other), 'omnikey').insert();
    expect(
      codeOf(
        await pl4442.apply(
          there,
          must(pl4442.plan(must(await pl4442.read(there)), GOLDEN_PURCHASE)),
        ),
      ),
    ).toBe('CARD-0201');
  });

  it('a new card’s first purchase goes into B, whatever lies there', async () => {
    for (const b of ['FF', '00']) {
      const state = issue4442({
        cardNo: '8800003932',
        userNo: '1002203332',
        meterArea: '00'.repeat(32),
      });
      const card = new Sle4442({
        ...state,
        main: state.main.slice(0, 0x80) + b.repeat(16) + state.main.slice(0xa0),
      });
      const channel = new Desk(acs(card)).insert();
      const reading = must(await pl4442.read(channel));
      expect(reading).toMatchObject({ count: 0, cumulative: 0, fresh: true, unfinished: false });
      expect(line(card, 0x30)).toBe('0100000000000000000000000000D20B');
      const plan = must(pl4442.plan(reading, GOLDEN_PURCHASE));
      must(await pl4442.apply(channel, plan));
      expect(must(await pl4442.read(channel))).toMatchObject({
        count: 1,
        lastQuantity: 3773,
        cumulative: 3773,
      });
    }
  });

  it('a block whose seq is 00 or FF is none, though its crc holds', async () => {
    for (const seq of [0x00, 0xff]) {
      const card = new Sle4442(
        issue4442({
          cardNo: '8800003921',
          userNo: '1002203344',
          a: { seq: 0x01, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' },
          b: { seq, count: 42, quantity: 3773, cumulative: 208_773, tag: 'ADE6788A' },
        }),
      );
      expect(must(await pl4442.read(new Desk(acs(card)).insert()))).toMatchObject({
        count: 41,
        unfinished: true,
      });
    }
  });

  it('seq goes from FE to 01', async () => {
    const { main, ...rest } = issue4442({
      cardNo: '8800003921',
      userNo: '1002203344',
      a: { seq: 0xfd, count: 253, quantity: 100, cumulative: 25_300, tag: '0000AA01' },
      b: { seq: 0xfe, count: 254, quantity: 100, cumulative: 25_400, tag: '0000AA02' },
    });
    const card = new Sle4442({ ...rest, main });
    const channel = new Desk(acs(card)).insert();
    const reading = must(await pl4442.read(channel));
    expect(reading.count).toBe(254);
    must(await pl4442.apply(channel, must(pl4442.plan(reading, GOLDEN_PURCHASE))));
    expect(line(card, 0x30).slice(0, 6)).toBe('0100FF');
    expect(must(await pl4442.read(channel)).count).toBe(255);
  });

  const verdicts: Readonly<Record<string, string>> = {
    '4442-golden': 'ok',
    '4442-good': 'ok',
    '4442-not-visited': 'ok',
    '4442-bad-crc': 'CARD-0104',
    '4442-fresh': 'ok',
    '4442-torn': 'ok',
    '4442-last-try': 'CARD-0110',
    '4442-locked': 'CARD-0110',
    '4442-other-key': 'ok',
    '4442-staff': 'CARD-0109',
    '4442-blank': 'CARD-0105',
  };
  it.each(CATALOGUE_4442.map((c) => c.id))(
    '%s has its own verdict, and reading changes nothing',
    async (id) => {
      const card = sampleCard4442(id).make();
      const before = JSON.stringify(card.toJSON());
      expect(codeOf(await pl4442.read(new Desk(acs(card)).insert()))).toBe(verdicts[id]);
      expect(JSON.stringify(card.toJSON())).toBe(before);
      expect(card.ops).toBe(0);
    },
  );

  it('a half-written purchase shows', async () => {
    expect(
      must(await pl4442.read(new Desk(acs(sampleCard4442('4442-torn').make())).insert())),
    ).toMatchObject({ count: 40, unfinished: true });
  });

  it('a wrong code is presented once in a visit and never with the last try', async () => {
    const card = sampleCard4442('4442-other-key').make();
    const desk = new Desk(acs(card));
    const before = toHex(card.peek());
    for (const [visit, expected] of ['CARD-0201', 'CARD-0201', 'CARD-0110'].entries()) {
      const channel = desk.insert();
      const reading = await pl4442.read(channel);
      if (visit === 2) {
        expect(codeOf(reading)).toBe(expected);
        break;
      }
      expect(
        codeOf(await pl4442.apply(channel, must(pl4442.plan(must(reading), GOLDEN_PURCHASE)))),
      ).toBe(expected);
    }
    expect(toHex(card.peek())).toBe(before);
    expect(Number.parseInt(card.toJSON().security.slice(0, 2), 16)).toBe(0x04);
  });

  it('another card, or one that was bought for meanwhile, is not touched', async () => {
    const card = golden4442();
    const desk = new Desk(acs(card));
    const plan = must(pl4442.plan(must(await pl4442.read(desk.insert())), GOLDEN_PURCHASE));
    const other = sampleCard4442('4442-not-visited').make();
    const elsewhere = new Desk(acs(other));
    expect(codeOf(await pl4442.apply(elsewhere.insert(), plan))).toBe('CARD-0205');
    expect(other.ops).toBe(0);
    const mine = must(
      pl4442.plan(must(await pl4442.read(desk.insert())), {
        ...GOLDEN_PURCHASE,
        orderId: 'PL-000000000312-1-0001',
      }),
    );
    must(await pl4442.apply(desk.insert(), mine));
    const { ops } = card;
    expect(codeOf(await pl4442.apply(desk.insert(), plan))).toBe('CARD-0205');
    expect(card.ops).toBe(ops);
    expect(pl4442.classify(plan, must(await pl4442.readImage(desk.insert())))).toBe('foreign');
  });

  it('a card that answers well and stores nothing is not believed', async () => {
    const card = golden4442();
    const desk = new Desk(acs(card));
    const channel = desk.insert();
    const plan = must(pl4442.plan(must(await pl4442.read(channel)), GOLDEN_PURCHASE));
    card.arm({ lie: 1_000 });
    await pl4442.apply(channel, plan);
    card.disarm();
    must(await channel.reset());
    expect(pl4442.classify(plan, must(await pl4442.readImage(channel)))).toBe('before');
  });

  it('ours under a newer purchase of somebody else is still ours', async () => {
    const card = golden4442();
    const desk = new Desk(acs(card));
    const plan = must(pl4442.plan(must(await pl4442.read(desk.insert())), GOLDEN_PURCHASE));
    must(await pl4442.apply(desk.insert(), plan));
    const next = must(
      pl4442.plan(must(await pl4442.read(desk.insert())), {
        ...GOLDEN_PURCHASE,
        orderId: 'PL-000000000312-1-0001',
      }),
    );
    must(await pl4442.apply(desk.insert(), next));
    expect(pl4442.classify(plan, must(await pl4442.readImage(desk.insert())))).toBe('after');
  });
});

/** Every place at which a purchase can be cut. */
async function cutsOf(layout: CardLayout, make: () => Sle4442 | Sle4428): Promise<ChipFault[]> {
  const card = make();
  const desk = new Desk(acs(card));
  const channel = desk.insert();
  const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
  const from = { ops: card.ops, commands: card.commands };
  must(await layout.apply(channel, plan));
  const cuts: ChipFault[] = [];
  for (let n = 1; n <= card.ops - from.ops; n++)
    for (const inFlight of IN_FLIGHT) cuts.push({ afterOps: n, inFlight });
  for (let n = 1; n <= card.commands - from.commands; n++)
    for (const when of ['before', 'after'] as const) cuts.push({ atCommand: n, when });
  return cuts;
}

/**
 * What a card's story came to. `locked`: fewer than two tries are left, nobody presents its code
 * any more.
 */
type End = 'delivered' | 'locked';

/**
 * Sells, is cut at each of these places in turn, and finishes as the kiosk does: the card is read,
 * judged, and the same plan goes on. Between two insertions the card may visit its meter.
 */
async function live(
  layout: CardLayout,
  card: Sle4442 | Sle4428,
  cuts: readonly ChipFault[],
  meter: Meter4442 | null,
): Promise<{ end: End; verdicts: string[] }> {
  const desk = new Desk(acs(card));
  let channel = desk.insert();
  const reading = must(await layout.read(channel));
  const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
  const verdicts: string[] = [];
  let credited = 0;
  for (const cut of [...cuts, null]) {
    if (cut !== null) card.arm(cut);
    const applied = await layout.apply(channel, plan);
    card.disarm();
    desk.remove();
    if (!applied.ok && applied.error.code === 'CARD-0110') return { end: 'locked', verdicts };
    if (meter !== null) credited += meter.visit(card as Sle4442, '2611221200').credited;
    channel = desk.insert();
    const verdict = layout.classify(plan, must(await layout.readImage(channel)));
    verdicts.push(verdict);
    expect(['before', 'torn', 'after'], JSON.stringify(cut)).toContain(verdict);
    // Whole or not at all, to whoever reads it.
    const now = await layout.read(channel);
    if (now.ok) {
      expect(now.value.count, JSON.stringify(cut)).toBe(verdict === 'after' ? 42 : 41);
      if (verdict === 'torn') expect(now.value.unfinished).toBe(true);
    } else expect(now.error.code, JSON.stringify(cut)).toBe('CARD-0110');
    if (verdict === 'after') break;
  }
  expect(verdicts.at(-1)).toBe('after');
  desk.remove();
  if (meter !== null) {
    const visit = meter.visit(card as Sle4442, '2611221201');
    expect(visit.accepted, JSON.stringify([cuts, visit])).toBe(true);
    credited += visit.credited;
    expect(credited).toBe(GOLDEN_PURCHASE.quantity);
  }
  return { end: 'delivered', verdicts };
}

describe('cut at every place', () => {
  const full = process.env['PILOTLIGHT_FULL'] === '1';

  it.each(['straight back', 'by way of its meter'] as const)(
    'PL-4442, %s: delivered exactly once',
    async (way) => {
      const cuts = await cutsOf(pl4442, golden4442);
      const met = new Map<string, number>();
      for (const cut of cuts) {
        const card = golden4442();
        const meter = way === 'straight back' ? null : Meter4442.ofCard(card, CEILING);
        const { end, verdicts } = await live(pl4442, card, [cut], meter);
        expect(end, JSON.stringify(cut)).toBe('delivered');
        met.set(verdicts[0] ?? '', (met.get(verdicts[0] ?? '') ?? 0) + 1);
      }
      console.log(
        `PL-4442, ${way}: ${cuts.length} cut points: ${[...met].map(([v, n]) => `${v} ${n}`).join(', ')}`,
      );
      expect(cuts.length).toBeGreaterThan(100);
      for (const verdict of ['before', 'torn', 'after'])
        expect(met.get(verdict) ?? 0).toBeGreaterThan(0);
    },
  );

  it('PL-4428: delivered exactly once', async () => {
    const cuts = await cutsOf(pl4428, golden4428);
    for (const cut of cuts)
      expect((await live(pl4428, golden4428(), [cut], null)).end, JSON.stringify(cut)).toBe(
        'delivered',
      );
    console.log(`PL-4428: ${cuts.length} cut points`);
    expect(cuts.length).toBeGreaterThan(100);
  });

  it('PL-4442, cut twice: delivered once, or locked by two cuts inside the code’s check', async () => {
    const cuts = await cutsOf(pl4442, golden4442);
    const seconds = full ? cuts : cuts.filter((_, i) => i % 7 === 0);
    let locked = 0;
    let delivered = 0;
    for (const first of cuts) {
      for (const second of seconds) {
        const { end } = await live(pl4442, golden4442(), [first, second], null);
        if (end === 'locked') {
          locked++;
          // The chip itself forces it: both cuts took a try.
          for (const cut of [first, second])
            expect(
              'afterOps' in cut ? cut.afterOps <= 2 : 'atCommand' in cut,
              JSON.stringify([first, second]),
            ).toBe(true);
        } else delivered++;
      }
    }
    console.log(
      `PL-4442, cut twice: ${cuts.length * seconds.length} pairs, ${delivered} delivered, ${locked} locked`,
    );
    expect(delivered).toBeGreaterThan(locked);
  }, 120_000);
});
