import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import { watchTries } from '../../../src/card/index.ts';
import type { CardChannel } from '../../../src/card/index.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { failure } from '../../../src/shared/errors.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { findAccount } from '../../../src/kiosk/visit/card-sale/quoting.ts';
import { World } from '../../support/kiosk-world.ts';

/** Selling again and again does not lock a card: its last try is never spent. */
const GOLDEN = '8800003921';
const WRONG = '00112233445566778899AABBCCDDEEFF';
let w: World;
beforeEach(async () => {
  w = new World();
  w.replaceCard('golden', { authKey: WRONG });
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const tries = (): unknown => w.card('golden').toJSON().authTries;
async function refusedSale(): Promise<void> {
  await w.toPay();
  w.pay.pay();
  await w.until('refunded', () => w.order().state === 'refunded');
  await w.remove();
  await w.untilScreen('start', 60_000);
}
async function refusedBefore(): Promise<void> {
  const { size } = w.pay.trades;
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell').reason).toBe('CARD-0201');
  expect(w.pay.trades.size).toBe(size);
  await w.remove();
  await w.untilScreen('start');
}

it('a refusal outlives a restart, with central there and away', async () => {
  await refusedSale();
  expect(tries()).toBe(2);
  expect(w.kinds().filter((k) => k === 'card-refused')).toHaveLength(1);
  // The account as it was kept before the refusal: this kiosk's own note decides.
  w.central.away = true;
  await w.start();
  await refusedBefore();
  w.central.away = false;
  await w.start();
  await refusedBefore();
  expect(tries()).toBe(2);
});

it.each([
  ['not told yet', false, 2_000, undefined, { left: 2 }],
  ['told, and done with', true, 2_000, undefined, undefined],
  [
    'told, and central kept none: beyond a terminal’s bound',
    true,
    undefined,
    undefined,
    { left: 2 },
  ],
  ['told, and only an earlier one was done with', true, 2_000, 2_000, { left: 2 }],
  ['told, and done with after an earlier one', true, 3_000, 2_000, undefined],
] as const)(
  'central’s word ends a note: %s',
  async (_what, told, keyLookedMs, lookedMs, refusedKey) => {
    const account = { ...w.central.accounts.get(GOLDEN), keyLookedMs };
    let note: string | null = JSON.stringify([[GOLDEN, { left: 2, orderId: 'o', lookedMs }]]);
    const journal = {
      meta: () => note,
      setMeta: (_: string, text: string) => (note = text),
      isTold: () => told,
      cacheAccount: () => undefined,
      deliveriesBeyond: () => [],
      unfinishedOfOtherCard: () => undefined,
    } as unknown as Journal;
    const billing = {
      account: () => Promise.resolve(ok({ account, serverTimeMs: 0 })),
    } as unknown as BillingClient;
    const found = await findAccount(billing, journal, null, '000000000311', GOLDEN, 0);
    expect(found.ok && found.value.account.refusedKey).toEqual(refusedKey);
  },
);

it('another kiosk’s refusal is central’s answer, before any money is taken', async () => {
  const account = w.central.accounts.get(GOLDEN);
  if (account !== undefined)
    w.central.accounts.set(GOLDEN, { ...account, refusedKey: { left: 1 } });
  await refusedBefore();
  expect(tries()).toBe(3);
});

it('cleared again and again without a look at the card, the last try stays', async () => {
  for (const left of [2, 1]) {
    await refusedSale();
    expect(tries()).toBe(left);
    await refusedBefore();
    w.central.clearKey(GOLDEN);
    // So long the process itself leaves such a card alone.
    await w.run(600_000);
  }
  // Cleared once more, and this kiosk knows what it heard of the card last.
  w.journal.setMeta('refused_keys', JSON.stringify([[GOLDEN, { left: 1, orderId: 'x' }]]));
  w.central.away = true;
  await refusedBefore();
  expect(tries()).toBe(1);
});

it('a paid order is not tried with the last try: its money goes back', async () => {
  await w.toPay();
  // Known since the sale began: another order of this card was refused meanwhile.
  w.journal.setMeta('refused_keys', JSON.stringify([[GOLDEN, { left: 1, orderId: 'x' }]]));
  w.pay.pay();
  await w.until('refunded', () => w.order().state === 'refunded');
  expect(w.order()).toMatchObject({ reason: 'CARD-0110', writes: 1 });
  expect(tries()).toBe(3);
});

it('a card that took its key is as good as any', async () => {
  w.replaceCard('golden', {});
  await w.toPay();
  w.journal.setMeta('refused_keys', JSON.stringify([[GOLDEN, { left: 2, orderId: 'x' }]]));
  w.pay.pay();
  await w.untilScreen('done');
  expect(w.journal.meta('refused_keys')).toBe('[]');
});

it.each([
  ['EXTERNAL AUTHENTICATE refused', '0082000008FFFFFFFFFFFFFFFF', '63C2', { left: 2 }],
  ['a blind PIN refused', '0020000003123456', '63C1', { left: 1 }],
  ['blocked', '0020000003123456', '6983', { left: 0 }],
  ['asked only', '00200000', '63C1', null],
  ['another command', '00B0950000', '63C1', null],
  ['taken', '0082000008FFFFFFFFFFFFFFFF', '9000', null],
] as const)('%s is seen on the channel, whatever layout speaks', async (_, apdu, sw, spent) => {
  const never = (): never => {
    throw new Error('not asked for');
  };
  const channel: CardChannel = {
    insertion: 1,
    transmit: () => Promise.resolve(ok(Uint8Array.from(Buffer.from(sw, 'hex')))),
    reset: () => Promise.resolve(err(failure('CARD-0102'))),
    memory: {
      select: never,
      read: never,
      write: never,
      counter: never,
      eraseZone: never,
      present: () => Promise.resolve(ok({ verified: false, counter: 3 })),
    },
    mifare: null,
  };
  const watched = watchTries(channel);
  await watched.channel.transmit(Uint8Array.from(Buffer.from(apdu, 'hex')));
  expect(watched.spent()).toEqual(spent);
  await watched.channel.memory?.present('SLE4428', Uint8Array.of(0, 0));
  expect(watched.spent()).toEqual({ left: null });
});
