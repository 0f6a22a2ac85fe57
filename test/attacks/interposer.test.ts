import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pl4442Layout, plCpuLayout, plPurseLayout } from '../../src/card/index.ts';
import { REFUND_BUDGET } from '../../src/central/sale/budgets.ts';
import { DEMO_ACCOUNTS } from '../../src/demo/central-data.ts';
import { HALL_CARDS } from '../../src/demo/hall-card.ts';
import type { HallCard, HallSample } from '../../src/demo/hall-card.ts';
import { cardSaleOf } from '../../src/shared/sale.ts';
import { Interposer, LIES } from '../../src/simulator/reader/interposer.ts';
import { seededRandom, T0, World } from '../support/kiosk-world.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room } from '../unit/central/harness.ts';
import { demoKeys } from '../unit/card/rig.ts';

/**
 * A customer's chip between card and reader writes the genuine card, tells the kiosk that it was
 * refused, and plays the card's old bytes: the money back and the gas on the card. A purse proves
 * what it holds, so nothing is gained; of the others so much as central's budget lets go on a
 * reader's word, once, and no more.
 */
type Kind = keyof typeof LIES;
/** A card of each kind. */
const CARDS: Readonly<Record<Kind, string>> = {
  file: 'good',
  purse: 'purse-good',
  memory: '4442-good',
};
const FEN = 30_000;

let w: World;
let room: Room;
let refundedFen: number;
let card: HallCard;

async function begin(kind: Kind): Promise<HallSample> {
  const sample = HALL_CARDS.find((c) => c.id === CARDS[kind]) as HallSample;
  room = await openRoom('sqlite', 1, {
    accounts: DEMO_ACCOUNTS.filter((a) => a.cardNo === sample.cardNo),
  });
  Object.defineProperty(room, 'now', { get: () => w.clock.nowMs() });
  w.billing = (room.terminals[0] as Room['terminals'][number]).client;
  await w.start();
  card = sample.make(null, seededRandom(sample.id));
  return sample;
}
beforeEach(() => {
  w = new World([]);
  w.layouts = [
    pl4442Layout(demoKeys),
    plCpuLayout(demoKeys),
    plPurseLayout(demoKeys, { terminalId: '000000000311', nowMs: () => T0 }),
  ];
  refundedFen = 0;
});
afterEach(async () => {
  await w.close();
  await room.close();
});

/** One visit: pays `fen`, and waits until the order is at rest. @returns its state */
async function buy(slot: HallCard['slot'], fen = FEN): Promise<string> {
  w.slot.insert(slot);
  await w.run(100);
  await w.untilScreen('amount');
  await w.tap('choose-amount', fen);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  await w.tap('pay', fen);
  await w.until('the code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
  w.pay.pay();
  await rest();
  return w.order().state;
}
async function rest(): Promise<void> {
  await w.until(
    'its end',
    () => ['refunded', 'delivered'].includes(w.order().state) || waits(),
    120_000,
  );
  refundedFen = [...w.pay.trades.values()]
    .flatMap((trade) => [...trade.refunds.values()])
    .reduce((sum, r) => sum + r.fen, 0);
}
const waits = (): boolean => w.order().state === 'in-doubt' && reason() === 'BILL-0111';
const reason = (): string | null =>
  w.snapshot?.screen === 'refunding' && w.snapshot.state === 'parked' ? w.snapshot.reason : null;
const interposed = (kind: Kind): Interposer =>
  new Interposer(card.slot, { ...LIES[kind], enough: onCard });
/** Of the newest order on the genuine card, as its meter would take it. */
const onCard = (): boolean => card.purchase()?.quantity === cardSaleOf(w.order()).quantity;
const gas = (): number => card.meter?.visit('2611221200').credited ?? 0;
async function leave(): Promise<void> {
  await w.remove();
  await w.run(60_000);
}
const unproven = async () => (await room.central.data()).unprovenRefunds;

describe('a chip between card and reader', () => {
  it.each(['file', 'memory'] as const)(
    '%s: gains one refund within the budget, and then waits for a person, told to the customer',
    async (kind) => {
      await begin(kind);
      const first = interposed(kind);
      expect(await buy(first)).toBe('refunded');
      expect([first.lying, onCard()]).toEqual([true, true]);
      expect(refundedFen).toBe(FEN);
      await leave();
      expect(gas()).toBe(cardSaleOf(w.order()).quantity);
      expect(refundedFen).toBeLessThanOrEqual(REFUND_BUDGET.accountFen);
      // Again, with the count that central still sells: the chip plays the old bytes from the start.
      expect(await unproven()).toMatchObject([{ state: 'granted', openFen: FEN }]);
      const fresh = HALL_CARDS.find((c) => c.id === CARDS[kind]) as HallSample;
      card = fresh.make(null, seededRandom('again'));
      expect(await buy(interposed(kind), 10_000)).toBe('in-doubt');
      expect(refundedFen).toBe(FEN);
      expect(w.printed.at(-1)).toContain('卡片要由工作人员核对后退款');
      expect(w.shown('refunding')).toMatchObject({ state: 'parked', reason: 'BILL-0111' });
      expect((await unproven())[0]).toMatchObject({
        state: 'waiting',
        reason: 'the account has had one since its last clean visit',
      });
      // However long it is asked, no more.
      await leave();
      await w.run(7_200_000);
      expect(refundedFen).toBe(FEN);
      expect(w.order().state).toBe('in-doubt');
    },
  );

  it('a purse proves itself: nothing is gained, from the first time on', async () => {
    await begin('purse');
    const chip = interposed('purse');
    expect(await buy(chip)).toBe('in-doubt');
    expect([chip.lying, onCard()]).toEqual([true, true]);
    expect(refundedFen).toBe(0);
    expect((await unproven())[0]).toMatchObject({
      state: 'waiting',
      reason: 'the card could prove that it is unwritten, and what answered could not',
    });
    // Without the chip the card is read as it is, and what was paid is what is on it.
    await leave();
    w.slot.insert(card.slot);
    await w.until('delivered', () => w.order().state === 'delivered');
    expect(refundedFen).toBe(0);
  });

  it('an honest purse that was not written proves that, and the money goes back however much it is', async () => {
    await begin('purse');
    expect(await buy(refusing(card.slot, 'purse'), 50_000)).toBe('refunded');
    expect(refundedFen).toBe(50_000);
    expect(await unproven()).toEqual([]);
  });

  it('shown once without the chip, a refunded purchase on the card stops the card', async () => {
    await begin('file');
    expect(await buy(interposed('file'))).toBe('refunded');
    await leave();
    await w.until('told', () => w.journal.unsent(1) === null);
    w.slot.insert(card.slot);
    await w.run(60_000);
    await w.until('told', () => w.journal.unsent(1) === null);
    expect((await room.central.data()).stoppedCards.map((c) => c.reason)).toEqual([
      `order ${w.order().orderId} was refunded, and is on the card`,
    ]);
    await leave();
    w.slot.insert(card.slot);
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0104');
    // One fact an insertion, and none where nothing changed.
    const seen = w.kinds().filter((k) => k === 'card-seen');
    expect(seen).toHaveLength(2);
  });

  it('put in again without it, a card whose refund waits is written after all: one purchase, no refund', async () => {
    await begin('file');
    expect(await buy(interposed('file'))).toBe('refunded');
    await leave();
    card = (HALL_CARDS.find((c) => c.id === 'good') as HallSample).make(null, seededRandom('b'));
    expect(await buy(refusing(card.slot, 'file'))).toBe('in-doubt');
    await leave();
    w.slot.insert(card.slot);
    await w.until('delivered', () => w.order().state === 'delivered', 60_000);
    expect(onCard()).toBe(true);
    expect(refundedFen).toBe(FEN);
  });
});

/** A worn card: it refuses every write, and nothing is stored. */
function refusing(slot: HallCard['slot'], kind: Kind): HallCard['slot'] {
  return {
    insert: () => slot.insert(),
    remove: () => slot.remove(),
    reset: () => slot.reset(),
    answerToReset: () => slot.answerToReset(),
    powerOff: () => slot.powerOff(),
    process: (apdu) =>
      LIES[kind].isWrite(apdu) ? { kind: 'answer', bytes: LIES[kind].says } : slot.process(apdu),
  };
}
