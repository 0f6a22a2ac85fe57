import { expect, it } from 'vitest';
import type { CardChannel, Keep, WritePlan } from '../../src/card/index.ts';
import { err, ok } from '../../src/shared/result.ts';
import type { Result } from '../../src/shared/result.ts';
import type { Failure } from '../../src/shared/errors.ts';
import type { ChipFault } from '../../src/simulator/card/chip.ts';
import { codeOf, GOLDEN_PURCHASE, must } from '../unit/card/rig.ts';
import { IN_FLIGHT } from './cards.ts';
import type { LayoutCase, Specimen } from './cards.ts';

/**
 * Cuts that a slow bench tries at most, where its `every` would be more: each is several
 * insertions.
 */
const MOST_SAMPLED = 14;

/** A reader of some kind, as the suite uses it. */
export interface Bench {
  /** Puts the card in (once more, where it is in) and gives the channel of that insertion. */
  readonly insert: (card: Specimen) => Promise<CardChannel>;
  readonly remove: () => Promise<void>;
  /** The card leaves the slot before or after the n-th exchange of the slot from now on. */
  readonly tear: (card: Specimen, at: number, when: 'before' | 'after') => void;
  /** Exchanges of the slot so far. */
  readonly exchanges: () => number;
  /** A slow bench takes a sample of the cuts: every n-th, and of very many fewer. */
  readonly every: number;
}

/**
 * What every layout must hold, on every kind of reader: docs/adding-a-meter-maker.md says why.
 * Registers its tests.
 *
 * @param bench made anew for each test by the caller's hooks
 */
export function conformance(name: string, c: LayoutCase, bench: () => Bench): void {
  const { layout } = c;
  const blackBox = c.blackBox === true;

  it(`${name}: the golden card is read whole, and reading changes nothing`, async () => {
    const card = c.golden();
    const kept = card.keeps();
    const reading = must(await layout.read(await bench().insert(card)));
    expect(reading).toMatchObject({
      layout: layout.id,
      cardNo: '8800003921',
      userNo: '1002203344',
      kind: c.kind ?? 'gas',
      unit: c.unit ?? 'volume',
      count: 41,
      ...(blackBox ? {} : { lastQuantity: 5000, cumulative: c.cumulative ?? 205_000 }),
      visited: true,
      fresh: false,
      unfinished: false,
    });
    expect(reading.meter).toMatchObject({
      countTaken: 41,
      ...(blackBox ? {} : { remainingQuantity: 1234 }),
      valveClosed: false,
      faults: 0,
    });
    must(await layout.proveAuthority(reading));
    expect(card.keeps()).toBe(kept);
    // The simulated meter keeps the rule that the layout says its maker has.
    expect(card.rule).toBe(layout.acceptance);
  });

  it(`${name}: planning is pure and exact; what would overflow is refused`, async () => {
    const card = c.golden();
    const reading = must(await layout.read(await bench().insert(card)));
    const before = reading.image.slice();
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    expect(plan).toMatchObject({
      cardNo: '8800003921',
      count: 42,
      quantity: 3773,
      cumulative: (blackBox ? 0 : (c.cumulative ?? 205_000)) + 3773,
    });
    expect(must(layout.plan(reading, GOLDEN_PURCHASE))).toEqual(plan);
    expect(reading.image).toEqual(before);
    expect(plan.before).toEqual(before);
    expect(layout.classify(plan, plan.before)).toBe('before');
    // Where the card's own answers are the proof, an image alone proves nothing.
    expect(layout.classify(plan, plan.after)).toBe(
      layout.proof === undefined ? 'after' : 'foreign',
    );
    expect(layout.sameCard(plan.before, plan.after)).toBe(true);
    for (const quantity of [0, -1, 1.5, Number.NaN, 0x1_0000_0000])
      expect(codeOf(layout.plan(reading, { ...GOLDEN_PURCHASE, quantity })), String(quantity)).toBe(
        'CARD-0104',
      );
    expect(codeOf(layout.plan({ ...reading, count: 0xfffe }, GOLDEN_PURCHASE))).toBe('CARD-0104');
    expect(codeOf(layout.plan({ ...reading, cumulative: 0xffff_ffff }, GOLDEN_PURCHASE))).toBe(
      'CARD-0104',
    );
  });

  it(`${name}: a purchase is written, read back after a reset, and not written twice`, async () => {
    const card = c.golden();
    const channel = await bench().insert(card);
    const { plan, keep } = remembering(
      must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE)),
    );
    const steps: number[] = [];
    must(await layout.apply(channel, plan, keep, (done) => steps.push(done)));
    // Who counts the steps counts each that is done, and all of them in the end.
    expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b));
    expect(steps.at(-1) ?? plan.steps.length).toBe(plan.steps.length);
    must(await channel.reset());
    expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
    const kept = card.keeps();
    const again = await layout.apply(channel, plan, keep);
    expect(again.ok || again.error.code === 'CARD-0205').toBe(true);
    expect(card.keeps()).toBe(kept);
    expect(must(await layout.read(channel))).toMatchObject({
      count: 42,
      lastQuantity: 3773,
      ...(blackBox ? {} : { cumulative: (c.cumulative ?? 205_000) + 3773 }),
    });
    await bench().remove();
    if (card.meter !== null) expect(card.meter()).toMatchObject({ accepted: true, credited: 3773 });
  });

  it(`${name}: another card, and one that was bought for elsewhere, are not touched`, async () => {
    const card = c.golden();
    const { plan, keep } = remembering(
      must(layout.plan(must(await layout.read(await bench().insert(card))), GOLDEN_PURCHASE)),
    );
    const other = c.other();
    const kept = other.keeps();
    const there = await bench().insert(other);
    expect(codeOf(await layout.apply(there, plan, keep))).toBe('CARD-0205');
    expect(other.keeps()).toBe(kept);
    expect(layout.classify(plan, must(await layout.readImage(there)))).toBe('foreign');

    const channel = await bench().insert(card);
    const theirs = remembering(
      must(
        layout.plan(must(await layout.read(channel)), {
          ...GOLDEN_PURCHASE,
          orderId: 'PL-000000000312-1-0001',
          // Under the same count the same quantity is the same to a black box: central's claim on
          // the count is what keeps the two apart.
          quantity: GOLDEN_PURCHASE.quantity + (blackBox ? 100 : 0),
        }),
      ),
    );
    must(await layout.apply(channel, theirs.plan, theirs.keep));
    const now = card.keeps();
    expect(codeOf(await layout.apply(await bench().insert(card), plan, keep))).toBe('CARD-0205');
    expect(card.keeps()).toBe(now);
    expect(layout.classify(plan, must(await layout.readImage(await bench().insert(card))))).toBe(
      'foreign',
    );
  });

  it(`${name}: a channel of an earlier insertion writes to no card`, async () => {
    const card = c.golden();
    const first = await bench().insert(card);
    const { plan, keep } = remembering(
      must(layout.plan(must(await layout.read(first)), GOLDEN_PURCHASE)),
    );
    const second = await bench().insert(card);
    const kept = card.keeps();
    expect(codeOf(await layout.apply(first, plan, keep))).toBe('CARD-0102');
    expect(card.keeps()).toBe(kept);
    must(await layout.readImage(second));
  });

  it(`${name}: a card that answers well and stores nothing is not believed`, async () => {
    const card = c.golden();
    const channel = await bench().insert(card);
    const { plan, keep } = remembering(
      must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE)),
    );
    card.lie();
    await layout.apply(channel, plan, keep);
    card.disarm();
    const reset = await channel.reset();
    expect(
      layout.classify(
        plan,
        must(await layout.readImage(reset.ok ? channel : await bench().insert(card))),
      ),
    ).toBe('before');
  });

  for (const { what, make, code } of c.refused) {
    it(`${name}: ${what} is ${code}, and reading changes nothing`, async () => {
      const card = make();
      const kept = card.keeps();
      expect(codeOf(await layout.read(await bench().insert(card)))).toBe(code);
      expect(card.keeps()).toBe(kept);
    });
  }

  it(`${name}: cut at every exchange and inside every change: written once, and its meter takes it once`, async () => {
    const b = bench();
    const probe = c.golden();
    let channel = await b.insert(probe);
    const first = remembering(must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE)));
    const from = { exchanges: b.exchanges(), changes: probe.changes() };
    must(await layout.apply(channel, first.plan, first.keep));
    const cuts: ({ readonly at: number; readonly when: 'before' | 'after' } | ChipFault)[] = [];
    for (let at = 1; at <= b.exchanges() - from.exchanges; at++)
      for (const when of ['before', 'after'] as const) cuts.push({ at, when });
    if (probe.cut !== null)
      for (let n = 1; n <= probe.changes() - from.changes; n++)
        for (const inFlight of IN_FLIGHT) cuts.push({ afterOps: n, inFlight });
    // Odd, as what may be left of a change has four forms.
    const step = b.every === 1 ? 1 : Math.max(b.every, Math.ceil(cuts.length / MOST_SAMPLED) | 1);
    const tried = cuts.filter((_, i) => i % step === 0);
    const met: Record<string, number> = {};
    for (const cut of tried) {
      for (const visits of tried.length > 200 ? [false] : [false, true]) {
        const card = c.golden();
        if (visits && card.meter === null) continue;
        const where = JSON.stringify({ cut, visits });
        channel = await b.insert(card);
        const { plan, keep } = remembering(
          must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE)),
        );
        if ('at' in cut) b.tear(card, cut.at, cut.when);
        else card.cut?.(cut);
        await layout.apply(channel, plan, keep);
        card.disarm();
        await b.remove();
        let credited = visits ? (card.meter?.().credited ?? 0) : 0;
        channel = await b.insert(card);
        const image = await layout.readImage(channel);
        if (blackBox && isForAPerson(layout, plan, image)) {
          // A person looks at it: the meter took it once at the most, and nothing more is written.
          met['parked'] = (met['parked'] ?? 0) + 1;
          await b.remove();
          credited += card.meter?.().credited ?? 0;
          expect([0, GOLDEN_PURCHASE.quantity], where).toContain(credited);
          continue;
        }
        const verdict = layout.classify(plan, must(image));
        met[verdict] = (met[verdict] ?? 0) + 1;
        expect(['before', 'torn', 'after'], where).toContain(verdict);
        if (verdict !== 'after')
          expect(finished(await layout.apply(channel, plan, keep)), where).toEqual(ok(undefined));
        expect(must(await layout.read(channel)), where).toMatchObject({
          count: 42,
          // Money that a pump took is on the card no more.
          ...(blackBox
            ? {}
            : {
                cumulative: (c.cumulative ?? 205_000) + 3773 - (c.kind === 'fuel' ? credited : 0),
              }),
        });
        await b.remove();
        if (card.meter !== null) {
          const visit = card.meter();
          expect(visit.accepted, where).toBe(true);
          credited += visit.credited;
          expect(credited, where).toBe(GOLDEN_PURCHASE.quantity);
        }
      }
    }
    console.log(
      `${name}: ${tried.length} of ${cuts.length} cut points: ${Object.entries(met)
        .map(([v, n]) => `${v} ${n}`)
        .join(', ')}`,
    );
    expect(tried.length).toBeGreaterThan(2);
  }, 240_000);
}

/** A plan, and a memory for what its layout keeps, as the journal is one. */
function remembering(plan: WritePlan): {
  readonly plan: WritePlan & { readonly kept: Uint8Array[] };
  readonly keep: Keep;
} {
  const kept: Uint8Array[] = [];
  return {
    plan: { ...plan, kept },
    keep: (record) => {
      kept.push(record.slice());
      return Promise.resolve(ok(undefined));
    },
  };
}

/** What a black box says of a card that nobody but its maker can judge. */
function isForAPerson(
  layout: LayoutCase['layout'],
  plan: WritePlan,
  image: Result<Uint8Array, Failure>,
): boolean {
  return image.ok
    ? layout.classify(plan, image.value) === 'foreign'
    : image.error.code === 'CARD-0104';
}

function finished(applied: Result<void, Failure>): Result<void, string> {
  return applied.ok ? applied : err(`${applied.error.code} ${applied.error.detail ?? ''}`);
}
