import { beforeEach, describe, expect, it } from 'vitest';
import { PcscReader } from '../../../src/card/index.ts';
import type { CardChannel, CardLayout, ReaderStatus } from '../../../src/card/index.ts';
import { fromHex } from '../../../src/shared/bytes.ts';
import { LAYOUT_CASES } from '../../conformance/cards.ts';
import type { Specimen } from '../../conformance/cards.ts';
import { ManualClock } from '../../support/clock.ts';
import { FakePcsc } from '../../support/fake-pcsc.ts';
import type { PcscTrouble } from '../../support/fake-pcsc.ts';
import { ok } from '../../../src/shared/result.ts';
import { codeOf, GOLDEN_PURCHASE, must } from './rig.ts';

const [FRONT, BACK] = ['Virtual PCD 00 00', 'Virtual PCD 00 01'] as const;
let clock: ManualClock;
let pcsc: FakePcsc;

beforeEach(() => {
  clock = new ManualClock(0);
  pcsc = new FakePcsc();
});

const readerOf = (match: string): PcscReader =>
  new PcscReader({
    id: match,
    match,
    model: 'acs',
    clock,
    log: () => undefined,
    service: pcsc.service,
  });

async function pass(ms: number): Promise<void> {
  for (let t = 0; t < ms; t += 50) {
    clock.advance(50);
    await new Promise<void>((done) => {
      setImmediate(done);
    });
  }
}
/** Lets time go on until the work is done. */
async function during<T>(work: Promise<T>): Promise<T> {
  let over = false;
  void work.finally(() => {
    over = true;
  });
  for (let t = 0; !over; t++) {
    if (t > 2_000) throw new Error('no end');
    await pass(50);
  }
  return work;
}
async function until(reader: PcscReader, state: ReaderStatus['state']): Promise<ReaderStatus> {
  for (let t = 0; reader.status().state !== state; t++) {
    if (t > 400) throw new Error(`still ${JSON.stringify(reader.status())}`);
    await pass(50);
  }
  return reader.status();
}
async function channelOf(reader: PcscReader): Promise<CardChannel> {
  return reader.open((await until(reader, 'present')).insertion);
}
const caseOf = (
  name: string,
): {
  readonly layout: CardLayout;
  readonly golden: () => Specimen;
  readonly other: () => Specimen;
} => {
  const c = LAYOUT_CASES[name];
  if (c === undefined) throw new Error(name);
  return c;
};

describe('an insertion is confirmed before the card is changed', () => {
  it('a card exchanged before the connection, of which the news come late, is read at most', async () => {
    const { layout, golden } = caseOf('PL-4442');
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    const [first, second] = [golden(), golden()];
    pcsc.insert(FRONT, first.slot);
    const channel = await channelOf(reader);
    const kept = [first.keeps(), second.keeps()];
    // The same bytes, so that no comparing of images can tell them apart: only the insertion can.
    const plan = must(layout.plan(must(await during(layout.read(channel))), GOLDEN_PURCHASE));
    await pass(1_000);
    // Reset by us, and at the next moment another card: its news are on their way.
    must(await during(channel.reset()));
    pcsc.heldNews = [];
    pcsc.insert(FRONT, second.slot);
    const applied = layout.apply(channel, plan);
    pcsc.releaseNews();
    expect(codeOf(await during(applied))).toBe('CARD-0102');
    expect([first.keeps(), second.keeps()]).toEqual(kept);
    await reader.close();
  });

  it('within its time a card is read at once, and written to only afterwards', async () => {
    const { layout, golden } = caseOf('PL-4442');
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    pcsc.insert(FRONT, golden().slot);
    const channel = await channelOf(reader);
    const from = clock.monoMs();
    const reading = must(await during(layout.read(channel)));
    expect(clock.monoMs() - from).toBeLessThan(300);
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    let presentedAt = -1;
    const applied = layout.apply(channel, plan);
    for (let t = 0; t < 30 && presentedAt < 0; t++) {
      await pass(50);
      if (pcsc.sent.some(({ apdu }) => apdu[0] === 0xff && apdu[1] === 0x20))
        presentedAt = clock.monoMs() - from;
    }
    expect(presentedAt).toBeGreaterThanOrEqual(500);
    must(await during(applied));
    // A reset begins a connection anew; the read-back does not wait.
    must(await during(channel.reset()));
    const back = clock.monoMs();
    expect(layout.classify(plan, must(await during(layout.readImage(channel))))).toBe('after');
    expect(clock.monoMs() - back).toBeLessThan(300);
    await reader.close();
  });

  it('a purse shows its number and takes its PIN at once, and is loaded only afterwards', async () => {
    const { layout, golden } = caseOf('PL-PURSE');
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    const card = golden();
    pcsc.insert(FRONT, card.slot);
    const channel = await channelOf(reader);
    const from = clock.monoMs();
    const reading = must(await during(layout.read(channel)));
    expect(clock.monoMs() - from).toBeLessThan(300);
    expect(pcsc.sent.filter(({ apdu }) => apdu[1] === 0x20).length).toBeGreaterThan(0);
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    let creditedAt = -1;
    const applied = layout.apply(channel, plan, () => Promise.resolve(ok(undefined)));
    for (let t = 0; t < 30 && creditedAt < 0; t++) {
      await pass(50);
      if (pcsc.sent.some(({ apdu }) => apdu[0] === 0x80 && apdu[1] === 0x52))
        creditedAt = clock.monoMs() - from;
    }
    expect(creditedAt).toBeGreaterThanOrEqual(500);
    must(await during(applied));
    await reader.close();
  });

  it('a purse that was exchanged just before the connection has its PIN from what was read of itself, loses no try, and is not loaded', async () => {
    const { layout, golden } = caseOf('PL-PURSE');
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    // The same bytes: only the insertion can tell them apart.
    const [first, second] = [golden(), golden()];
    pcsc.insert(FRONT, first.slot);
    const plan = must(
      layout.plan(must(await during(layout.read(await channelOf(reader)))), GOLDEN_PURCHASE),
    );
    pcsc.remove(FRONT);
    await until(reader, 'empty');
    pcsc.insert(FRONT, first.slot);
    // Its second insertion: nobody is connected yet, so that the service has nothing against
    // another card.
    const channel = await channelOf(reader);
    const kept = [first.keeps(), second.keeps()];
    pcsc.heldNews = [];
    pcsc.insert(FRONT, second.slot);
    pcsc.sent.length = 0;
    const applied = layout.apply(channel, plan, () => Promise.resolve(ok(undefined)));
    await pass(300);
    const sent = (cla: number, ins: number): number =>
      pcsc.sent.filter(({ apdu }) => apdu[0] === cla && apdu[1] === ins).length;
    expect([sent(0x00, 0x20), sent(0x80, 0x50), sent(0x80, 0x52)]).toEqual([2, 1, 0]);
    pcsc.releaseNews();
    expect(codeOf(await during(applied))).toBe('CARD-0203');
    expect(sent(0x80, 0x52)).toBe(0);
    expect([first.keeps(), second.keeps()]).toEqual(kept);
    // Before its first command of a session nothing was read of this card: the PIN waits, like any
    // change.
    await until(reader, 'present');
    const blind = reader.open(reader.status().insertion);
    const from = clock.monoMs();
    pcsc.sent.length = 0;
    const verify = blind.transmit(fromHex('0020000003123456'), 'session');
    await pass(450);
    expect(pcsc.sent.filter(({ apdu }) => apdu[1] === 0x20)).toEqual([]);
    must(await during(verify));
    expect(clock.monoMs() - from).toBeGreaterThanOrEqual(500);
    await reader.close();
  });

  it('what was read over one connection counts for no other', async () => {
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    pcsc.insert(FRONT, caseOf('PL-PURSE').golden().slot);
    const channel = await channelOf(reader);
    must(await during(channel.transmit(fromHex('0084000008'))));
    must(await during(channel.reset()));
    pcsc.sent.length = 0;
    const verify = channel.transmit(fromHex('0020000003123456'), 'session');
    await pass(300);
    expect(pcsc.sent).toEqual([]);
    must(await during(verify));
    await reader.close();
  });

  it('a card that was exchanged while nobody had told of it takes nothing, even if it could be read', async () => {
    const { golden } = caseOf('PL-4442');
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    const [first, second] = [golden(), golden()];
    pcsc.insert(FRONT, first.slot);
    const channel = await channelOf(reader);
    const kept = second.keeps();
    // Nobody is connected yet, so that the service itself has nothing against the second card.
    pcsc.heldNews = [];
    pcsc.insert(FRONT, second.slot);
    const asked = pcsc.exchanges;
    const select = channel.transmit(fromHex('FFA400000106'));
    must(await during(select));
    expect(pcsc.exchanges).toBe(asked + 1);
    const present = channel.transmit(fromHex('FF20000003116806'));
    await pass(200);
    pcsc.releaseNews();
    expect(codeOf(await during(present))).toBe('CARD-0102');
    expect(pcsc.sent.filter(({ apdu }) => apdu[1] === 0x20)).toEqual([]);
    expect(second.keeps()).toBe(kept);
    await reader.close();
  });
});

describe('two readers at once', () => {
  it('are told apart by their names, whichever is plugged in first, and hold two cards without disturbing one another', async () => {
    const [front, back] = [readerOf('PCD 00 00'), readerOf('PCD 00 01')];
    await pass(200);
    expect([front.status().state, back.status().state]).toEqual(['offline', 'offline']);
    pcsc.plug(BACK);
    await until(back, 'empty');
    expect(front.status().state).toBe('offline');
    pcsc.plug(FRONT);
    await until(front, 'empty');
    expect([front.name(), back.name()]).toEqual([FRONT, BACK]);

    const [a, b] = [caseOf('PL-4442'), caseOf('PL-CPU')];
    const [cardA, cardB] = [a.golden(), b.golden()];
    pcsc.insert(FRONT, cardA.slot);
    pcsc.insert(BACK, cardB.slot);
    const [inFront, behind] = [await channelOf(front), await channelOf(back)];
    const plans = [
      must(a.layout.plan(must(await during(a.layout.read(inFront))), GOLDEN_PURCHASE)),
      must(b.layout.plan(must(await during(b.layout.read(behind))), GOLDEN_PURCHASE)),
    ] as const;
    // Both are written at the same time, exchange by exchange.
    const both = Promise.all([a.layout.apply(inFront, plans[0]), b.layout.apply(behind, plans[1])]);
    for (const applied of await during(both)) must(applied);
    expect(a.layout.classify(plans[0], must(await during(a.layout.readImage(inFront))))).toBe(
      'after',
    );
    expect(b.layout.classify(plans[1], must(await during(b.layout.readImage(behind))))).toBe(
      'after',
    );
    expect(
      new Set(pcsc.sent.filter(({ reader }) => reader === FRONT).map(({ apdu }) => apdu[0])),
    ).toEqual(new Set([0xff]));
    await front.close();
    await back.close();
  });

  it('one of them unplugged, and its card with it, leaves the other’s insertion as it is', async () => {
    const [front, back] = [readerOf('PCD 00 00'), readerOf('PCD 00 01')];
    pcsc.plug(FRONT);
    pcsc.plug(BACK);
    await until(front, 'empty');
    await until(back, 'empty');
    const { layout, golden } = caseOf('PL-CPU');
    pcsc.insert(FRONT, golden().slot);
    pcsc.insert(BACK, golden().slot);
    const channel = await channelOf(front);
    await until(back, 'present');
    const plan = must(layout.plan(must(await during(layout.read(channel))), GOLDEN_PURCHASE));
    const contexts = pcsc.contexts;
    pcsc.unplug(BACK);
    expect(codeOf(await during(layout.apply(channel, plan)))).toBe('ok');
    expect(front.status()).toMatchObject({ state: 'present', insertion: channel.insertion });
    await until(back, 'offline');
    // The reader that is gone looks for itself anew, and finds itself.
    pcsc.plug(BACK);
    await until(back, 'empty');
    expect(pcsc.contexts).toBeGreaterThan(contexts);
    expect(front.status()).toMatchObject({ state: 'present', insertion: channel.insertion });
    await front.close();
    await back.close();
  });

  it('the death of the service is told once by each, and both come back to their own cards', async () => {
    const [front, back] = [readerOf('PCD 00 00'), readerOf('PCD 00 01')];
    pcsc.plug(FRONT);
    pcsc.plug(BACK);
    const { layout, golden, other } = caseOf('PL-CPU');
    await until(front, 'empty');
    await until(back, 'empty');
    pcsc.insert(FRONT, golden().slot);
    pcsc.insert(BACK, other().slot);
    await during(layout.read(await channelOf(front)));
    await during(layout.read(await channelOf(back)));
    const told: string[] = [];
    front.onStatus((s) => told.push(`front ${s.state}`));
    back.onStatus((s) => told.push(`back ${s.state}`));
    const contexts = pcsc.contexts;
    pcsc.kill();
    await pass(500);
    pcsc.start();
    await until(front, 'present');
    await until(back, 'present');
    expect(told.filter((t) => t === 'front offline')).toHaveLength(2);
    expect(told.filter((t) => t === 'back offline')).toHaveLength(2);
    expect(told.filter((t) => t.endsWith('present'))).toHaveLength(2);
    // One context for each reader, not one for each message of the death.
    expect(pcsc.contexts - contexts).toBe(2);
    expect(must(await during(layout.read(await channelOf(front)))).cardNo).toBe('8800003921');
    expect(must(await during(layout.read(await channelOf(back)))).cardNo).not.toBe('8800003921');
    await front.close();
    await back.close();
  });
});

/**
 * The card is taken home by nobody: the trouble is the service's or the reader's, and the same card
 * is there again.
 */
describe.each(['PL-CPU', 'PL-4442'])('%s while the service or the reader fails', (name) => {
  const { layout, golden } = caseOf(name);

  async function once(what: PcscTrouble, at: number, when: 'before' | 'after'): Promise<string> {
    clock = new ManualClock(0);
    pcsc = new FakePcsc();
    pcsc.plug(FRONT);
    const reader = readerOf('PCD 00 00');
    await until(reader, 'empty');
    const card = golden();
    pcsc.insert(FRONT, card.slot);
    const channel = await channelOf(reader);
    const plan = must(layout.plan(must(await during(layout.read(channel))), GOLDEN_PURCHASE));
    await pass(600);
    pcsc.troubleAt(at, when, what);
    const applied = await during(layout.apply(channel, plan));
    const kept = card.keeps();
    pcsc.calm();
    if (!applied.ok) {
      // Whatever it was, this insertion is over, and its channel writes no more.
      const again = await during(layout.apply(channel, plan));
      expect(again.ok ? 'ok' : again.error.code).toMatch(/^CARD-010[267]$/);
      expect(card.keeps()).toBe(kept);
    }
    await pass(300);
    if (!pcsc.up) pcsc.start();
    if (!pcsc.has(FRONT)) pcsc.plug(FRONT);
    if (!applied.ok && (what === 'unplug' || what === 'pull')) pcsc.insert(FRONT, card.slot);
    await pass(3_000);
    const back = await channelOf(reader);
    const verdict = layout.classify(plan, must(await during(layout.readImage(back))));
    expect(['before', 'torn', 'after'], `${what} ${when} ${at}`).toContain(verdict);
    if (verdict !== 'after') must(await during(layout.apply(back, plan)));
    must(await during(back.reset()));
    expect(
      layout.classify(plan, must(await during(layout.readImage(back)))),
      `${what} ${when} ${at}`,
    ).toBe('after');
    expect(must(await during(layout.read(back))), `${what} ${when} ${at}`).toMatchObject({
      count: 42,
      lastQuantity: 3773,
      cumulative: 208_773,
    });
    pcsc.remove(FRONT);
    if (card.meter !== null)
      expect(card.meter(), `${what} ${when} ${at}`).toMatchObject({
        accepted: true,
        credited: 3773,
      });
    await reader.close();
    return applied.ok ? 'ok' : `${verdict} after ${applied.error.code}`;
  }

  it.each(['kill', 'reset', 'unplug', 'pull'] as const)(
    '%s at each exchange of the write, before it and after it: written once',
    async (what) => {
      const met = new Map<string, number>();
      // Some exchanges more than the write has: there it is whole.
      let whole = 0;
      for (let at = 1; whole < 2 && at < 40; at++) {
        whole = 0;
        for (const when of ['before', 'after'] as const) {
          const outcome = await once(what, at, when);
          met.set(outcome, (met.get(outcome) ?? 0) + 1);
          if (outcome === 'ok') whole++;
        }
      }
      expect(whole).toBe(2);
      // Cuts on both sides of the point where it counts were met.
      expect([...met.keys()].some((k) => k.startsWith('before'))).toBe(true);
      expect([...met.keys()].some((k) => k.startsWith('after'))).toBe(true);
    },
  );
});

describe('a connection that cannot be ended', () => {
  it('does not hold the reader for ever: it ends with its process, and the next card is read', async () => {
    const { layout, golden } = caseOf('PL-4442');
    const reader = readerOf('PCD 00 00');
    pcsc.plug(FRONT);
    await until(reader, 'empty');
    pcsc.insert(FRONT, golden().slot);
    must(await during(layout.read(await channelOf(reader))));
    pcsc.stuck = 1;
    pcsc.remove(FRONT);
    await until(reader, 'empty');
    const contexts = pcsc.contexts;
    pcsc.insert(FRONT, golden().slot);
    expect(codeOf(await during(layout.read(await channelOf(reader))))).toBe('CARD-0107');
    await pass(5_000);
    expect(pcsc.contexts).toBe(contexts + 1);
    must(await during(layout.read(await channelOf(reader))));
    await reader.close();
  });
});
