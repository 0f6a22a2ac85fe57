import { cardSaleOf } from '../../../src/shared/sale.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account, ClaimedOrder } from '../../../src/shared/central-api/index.ts';
import { CLAIM_USE_MS } from '../../../src/shared/central-api/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { World } from '../../support/kiosk-world.ts';

/**
 * Orders in doubt, once central may know of them: what this kiosk may do alone, what it needs a
 * claim for, and what it does for another kiosk's order.
 */
let w: World;
/** Writes of another kiosk's orders, which this kiosk's own books do not have. */
let foreignQuantity = 0;
beforeEach(async () => {
  foreignQuantity = 0;
  w = new World();
  await w.start();
});
afterEach(async () => {
  const wrong = await w.close();
  expect(
    foreignQuantity === 0
      ? wrong
      : wrong.filter(
          (p) => !p.startsWith(`card golden: cumulative rose by ${foreignQuantity}, delivered 0`),
        ),
  ).toEqual([]);
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const OTHER = '000000000999';
const THEIRS = `PL-${OTHER}-1-0007-1234`;

/** Another kiosk's order for the card, as central tells it to whoever holds the claim. */
function theirOrder(id: string, orderId = THEIRS): ClaimedOrder {
  const card = w.card(id);
  const [pub, holder, record] = (['15', '16', '17'] as const).map(
    (f) => card.peek(f) as Uint8Array,
  ) as [Uint8Array, Uint8Array, Uint8Array];
  const { count, cumulative } = w.purchase(id);
  const quantity = 1_000;
  const after = new Uint8Array(17);
  const v = new DataView(after.buffer);
  v.setUint16(0, count + 1);
  v.setUint32(2, quantity);
  v.setUint32(6, cumulative + quantity);
  after.set([0x26, 0x11, 0x22], 10);
  after.set(orderTag(orderId), 13);
  const identity = hex(pub) + hex(holder);
  return {
    orderId,
    terminalId: OTHER,
    cardNo: '8800003921',
    userNo: '1002203344',
    layout: 'PL-CPU',
    unit: 'volume',
    nextCount: count + 1,
    amountFen: 2_650,
    quantity,
    cumulative: cumulative + quantity,
    carriedAfterMicro: 0,
    tag: hex(orderTag(orderId)),
    before: identity + hex(record),
    after: identity + hex(after),
    plan: ['theirs'],
  };
}
function theirs(state: 'in-doubt' | 'delivering' | 'paid' = 'in-doubt'): ClaimedOrder {
  const order = theirOrder('golden');
  w.central.foreignClaim.set('8800003921', {
    orderId: THEIRS,
    terminalId: OTHER,
    nextCount: order.nextCount,
    state,
  });
  return order;
}
const granted = (order: ClaimedOrder) =>
  ok({ kind: 'write' as const, ttlMs: 180_000, order, serverTimeMs: 1_234 });
const facts = () => w.kinds().filter((k) => k.startsWith('assist'));

describe('another kiosk’s order', () => {
  it('is finished here under central’s claim, its intent durable before the first byte, and reported', async () => {
    const order = theirs();
    const before = w.purchase('golden');
    let intentFirst = false;
    w.card('golden').onChange(() => {
      intentFirst ||= facts().at(-1) === 'assist-writing';
    });
    w.central.claimAnswers.push(granted(order));
    await w.insert('golden');
    await w.untilScreen('unfinished');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    expect(w.shown('unfinished')).toMatchObject({
      amountFen: 2_650,
      quantity: 1_000,
      orderRef: '0999 0007 1234',
    });
    foreignQuantity = 1_000;
    expect(intentFirst).toBe(true);
    expect(facts()).toEqual(['assist-writing', 'assist-ended']);
    expect(w.purchase('golden')).toEqual({
      count: before.count + 1,
      cumulative: before.cumulative + 1_000,
    });
    expect(w.journal.orders()).toEqual([]);
  });

  it('is found on the card: reported, and nothing is written', async () => {
    const order = theirs();
    w.card('golden').poke('17', Buffer.from(order.after.slice(-34), 'hex'));
    foreignQuantity = 1_000;
    w.central.claimAnswers.push(granted(order));
    await w.insert('golden');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    expect(facts()).toEqual(['assist-ended']);
  });

  it('that somebody called delivered is written all the same, where the card shows nothing of it', async () => {
    const order = theirOrder('golden');
    const account = w.central.accounts.get('8800003921') as Account;
    w.central.accounts.set('8800003921', {
      ...account,
      count: order.nextCount,
      cumulative: order.cumulative,
      unread: { orderId: THEIRS, terminalId: OTHER, nextCount: order.nextCount },
    });
    w.central.claimAnswers.push(granted(order));
    await w.insert('golden');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    foreignQuantity = 1_000;
    expect(w.central.claimed.at(-1)).toEqual({ finish: true });
    expect(facts()).toEqual(['assist-writing', 'assist-ended']);
    expect(w.purchase('golden').count).toBe(order.nextCount);
    // Once it is on the card there is nothing to finish, and the next purchase is offered.
    await w.remove();
    w.visitMeter('golden');
    await w.run(7_000);
    await w.toAmount('golden');
  });

  it('is superseded: another purchase has its count on the card', async () => {
    const order = theirs();
    const other = Buffer.from(order.after.slice(-34), 'hex');
    other.set([1, 2, 3, 4], 13);
    w.card('golden').poke('17', other);
    foreignQuantity = 1_000;
    w.central.claimAnswers.push(granted(order));
    await w.insert('golden');
    await w.until(
      'superseded',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'refunding',
    );
    expect(w.journal.story(THEIRS).map((e) => (e.body as { verdict?: string }).verdict)).toEqual([
      'superseded',
    ]);
  });

  it.each([
    ['BILL-0101', 'SALE-0116'],
    ['BILL-0105', 'BILL-0105'],
    ['BILL-0107', 'BILL-0107'],
    ['BILL-0108', 'BILL-0108'],
  ] as const)('central answers %s: nothing is written, nothing is sold', async (answer, shown) => {
    theirs();
    w.central.claimAnswers.push(err(failure(answer)));
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe(shown);
    expect(facts()).toEqual([]);
  });

  it('is only being paid there: not ours to finish', async () => {
    theirs('paid');
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0107');
  });

  it('is pulled out during the write here: put in again it is asked for again and finished once', async () => {
    const order = theirs();
    const before = w.purchase('golden');
    w.central.claimAnswers.push(granted(order), granted(order));
    w.card('golden').arm({ kind: 'tear', at: 18, when: 'before', from: 'arming' });
    await w.insert('golden');
    await w.untilScreen('in-doubt');
    await w.insert('golden');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    foreignQuantity = 1_000;
    expect(w.purchase('golden')).toEqual({
      count: before.count + 1,
      cumulative: before.cumulative + 1_000,
    });
  });

  it('is pulled out while central is asked: told as not written, but never of a write whose end nobody saw', async () => {
    const order = theirs();
    const verdicts = () =>
      w.journal
        .story(THEIRS)
        .flatMap((e) =>
          e.kind === 'assist-ended' ? [(e.body as { verdict: string }).verdict] : [],
        );
    const askedAndPulled = async (): Promise<void> => {
      w.central.claimAnswers.push(granted(order));
      let open: () => void = () => undefined;
      w.central.claimGate = new Promise((done) => {
        open = done;
      });
      await w.insert('golden');
      await w.run(1_000);
      await w.remove();
      w.central.claimGate = null;
      open();
      await w.run(1_000);
    };
    await askedAndPulled();
    expect(verdicts()).toEqual(['before']);
    // Which claim it ends: a later one may overtake it on the way to central.
    expect(w.journal.story(THEIRS).at(-1)?.body).toMatchObject({ claimMs: 1_234 });
    // Now a write is begun and the card torn out of it: this kiosk does not know what is on the
    // card.
    w.central.claimAnswers.push(granted(order));
    w.card('golden').arm({ kind: 'tear', at: 18, when: 'after', from: 'arming' });
    await w.insert('golden');
    await w.untilScreen('in-doubt');
    await askedAndPulled();
    expect(verdicts()).toEqual(['before']);
    w.central.claimAnswers.push(granted(order));
    await w.insert('golden');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    foreignQuantity = 1_000;
  });

  it('is pulled out of the write and put in again before that has ended: read and finished, not asked for', async () => {
    const order = theirs();
    w.central.claimAnswers.push(granted(order), granted(order));
    let once = false;
    w.card('golden').onChange(() => {
      if (once) return;
      once = true;
      w.slot.remove();
      w.slot.insert(w.card('golden'));
    });
    await w.insert('golden');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
      30_000,
    );
    foreignQuantity = 1_000;
  });

  it('is not begun by a kiosk whose own facts central does not take: what it did would never be told', async () => {
    theirs();
    w.kiosk.setService({ blocked: failure('BILL-0104') });
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('BILL-0104');
    expect(facts()).toEqual([]);
    // Out of service for another reason it still helps.
    await w.remove();
    w.kiosk.setService({ blocked: failure('SALE-0110') });
    w.central.claimAnswers.push(granted(theirs()));
    await w.insert('golden');
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    foreignQuantity = 1_000;
  });

  it('takes 9000 and stores nothing, always: given up after three writes, told as not written', async () => {
    const order = theirs();
    for (let n = 0; n < 9; n++) w.card('golden').arm({ kind: 'lie' });
    w.central.claimAnswers.push(granted(order));
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.journal.story(THEIRS).map((e) => e.kind)).toEqual([
      'assist-writing',
      'assist-writing',
      'assist-writing',
      'assist-ended',
    ]);
    expect(w.journal.story(THEIRS).at(-1)?.body).toMatchObject({
      verdict: 'before',
      claimMs: 1_234,
    });
  });

  it('the core dies during the write: the card is asked about again, and written once', async () => {
    const order = theirs();
    const before = w.purchase('golden');
    w.central.claimAnswers.push(granted(order), granted(order));
    await w.insert('golden');
    await w.until('writing', () => facts().length > 0);
    w.kill();
    await w.start();
    await w.until(
      'delivered',
      () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
    );
    foreignQuantity = 1_000;
    expect(w.purchase('golden')).toEqual({
      count: before.count + 1,
      cumulative: before.cumulative + 1_000,
    });
  });
});

describe('an order of ours in doubt', () => {
  /** Torn before the update, reported, the customer gone; then this process is another. */
  async function reportedDoubt(): Promise<void> {
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.until('uploaded', () => w.journal.unsent(1) === null);
  }

  it('is written again at once under our own lease, though central is away', async () => {
    await reportedDoubt();
    w.central.away = true;
    await w.run(CLAIM_USE_MS - 30_000);
    await w.insert('golden');
    await w.untilScreen('done');
    expect(w.state()).toBe('delivered/paid');
    w.central.away = false;
  });

  it('needs central once the lease is over: said so, money safe, and finished when central is back', async () => {
    await reportedDoubt();
    w.central.away = true;
    await w.run(CLAIM_USE_MS + 10_000);
    await w.insert('golden');
    await w.until(
      'waits for central',
      () => w.screen === 'in-doubt' && w.shown('in-doubt').reason === 'central',
    );
    expect(w.order().writes).toBe(1);
    w.central.away = false;
    await w.until('delivered', () => w.order().state === 'delivered');
    expect(w.order().writes).toBe(2);
  });

  it('needs central after a restart too', async () => {
    await reportedDoubt();
    w.kill();
    await w.start();
    w.central.away = true;
    await w.insert('golden');
    await w.run(10_000);
    expect(w.state()).toBe('in-doubt/paid');
    await w.remove();
    w.central.away = false;
    await w.insert('golden');
    await w.until('delivered', () => w.order().state === 'delivered');
  });

  it('was never sent to central: written without asking anybody', async () => {
    await w.toPay();
    w.central.away = true;
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    // An upload that failed may have reached central all the same; only one that never left is sure
    // not to have.
    w.journal.mayBeReported = () => false;
    await w.run(CLAIM_USE_MS + 10_000);
    await w.insert('golden');
    await w.until('delivered', () => w.order().state === 'delivered');
    w.central.away = false;
  });

  it('another kiosk has the claim: waits, and does not write', async () => {
    await reportedDoubt();
    await w.run(CLAIM_USE_MS + 10_000);
    for (let n = 0; n < 3; n++) w.central.claimAnswers.push(err(failure('BILL-0105')));
    await w.insert('golden');
    await w.until('asked in vain', () => w.central.claimAnswers.length === 0);
    expect(w.order()).toMatchObject({ state: 'in-doubt', writes: 1 });
    await w.until('delivered', () => w.order().state === 'delivered');
  });

  it('was delivered elsewhere: central tells, and the order ends', async () => {
    await reportedDoubt();
    const o = w.order();
    // The other kiosk wrote it.
    w.card('golden').poke('17', Buffer.from((o.delivery?.after ?? '').slice(-34), 'hex'));
    const command = {
      kind: 'delivered-elsewhere',
      orderId: o.orderId,
      terminalId: OTHER,
      count: cardSaleOf(o).nextCount,
      quantity: cardSaleOf(o).quantity,
      cumulative: o.delivery?.cumulative ?? 0,
    } as const;
    w.kiosk.command({ ...command, quantity: 1 });
    expect(w.state()).toBe('in-doubt/paid');
    w.kiosk.command(command);
    expect(w.state()).toBe('delivered/paid');
    w.kiosk.command(command);
    expect(w.kinds().filter((k) => k === 'order-delivered')).toHaveLength(1);
  });

  it('is not parked by one refusal behind an outage: so often central is to have said it itself', async () => {
    await reportedDoubt();
    await w.run(CLAIM_USE_MS + 10_000);
    for (let n = 0; n < 20; n++) w.central.claimAnswers.push(err(failure('BILL-0101')));
    w.central.claimAnswers.push(err(failure('BILL-0108')));
    await w.insert('golden');
    await w.run(900_000);
    expect(w.central.claimAnswers).toEqual([]);
    expect(w.state()).toBe('delivered/paid');
  });

  it('is not known at central though all of it was told: parked for a person, not asked about for ever', async () => {
    await reportedDoubt();
    await w.run(CLAIM_USE_MS + 10_000);
    for (let n = 0; n < 60; n++) w.central.claimAnswers.push(err(failure('BILL-0108')));
    // Not told yet: central will know it.
    const unsent = w.journal.unsent.bind(w.journal);
    w.journal.unsent = () => null;
    w.journal.append([
      { kind: 'slip-printed', orderId: w.order().orderId, body: { what: 'in-doubt', ok: true } },
    ]);
    await w.insert('golden');
    await w.run(600_000);
    expect(w.state()).toBe('in-doubt/paid');
    w.journal.unsent = unsent;
    w.journal.acknowledge(1, w.journal.head.seq, w.journal.head.hash);
    await w.run(600_000);
    expect(w.order()).toMatchObject({ state: 'parked', reason: 'not-at-central' });
    await w.remove();
    await w.run(200_000);
    expect(w.screen).toBe('start');
  });

  it('was superseded elsewhere: the money goes back under the refund claim', async () => {
    await reportedDoubt();
    w.kiosk.command({ kind: 'superseded', orderId: w.order().orderId, terminalId: OTHER });
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.central.refundClaims.has(w.order().orderId)).toBe(true);
  });
});

describe('a refund after a write was begun', () => {
  async function lyingCard(): Promise<void> {
    await w.toPay();
    for (let n = 0; n < 9; n++) w.card('golden').arm({ kind: 'lie' });
    w.central.away = true;
    w.pay.pay();
    await w.until('wants its money back', () => w.order().wantsRefund);
  }

  it('is told again to a central that forgot it, which goes on from a standby: no person has to', async () => {
    await lyingCard();
    let open: () => void = () => undefined;
    w.central.claimGate = new Promise((resolve) => (open = resolve));
    w.central.away = false;
    await w.until('all of it is told', () => w.journal.isTold(w.order().orderId));
    const held = w.central.events.length;
    w.central.events.splice(w.central.events.findIndex((e) => e.kind === 'order-delivering'));
    open();
    // Nothing new is written down meanwhile that would be sent; and well before the hour in which it
    // says by itself where it stands.
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    await w.run(5_000);
    expect(w.central.events.length).toBeGreaterThan(held);
    expect(w.kinds()).not.toContain('order-parked');
  });

  it('waits for central’s claim, whatever else happens meanwhile', async () => {
    await lyingCard();
    expect(w.screen).toBe('refunding');
    await w.run(60_000);
    expect(w.state()).toBe('in-doubt/paid');
    w.kill();
    await w.start();
    await w.run(60_000);
    expect(w.state()).toBe('in-doubt/paid');
    w.central.away = false;
    await w.until('refunded', () => w.state() === 'refunded/refunded');
  });

  it('nothing is written any more once it was decided, though the card would take it now', async () => {
    await lyingCard();
    const before = w.purchase('golden');
    w.card('golden').disarm();
    await w.remove();
    await w.insert('golden');
    await w.run(20_000);
    await w.remove();
    w.central.away = false;
    await w.insert('golden');
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.purchase('golden')).toEqual(before);
  });

  it('our refund claim of an earlier life forbids the write', async () => {
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    w.central.refundClaims.add(w.order().orderId);
    w.kill();
    await w.start();
    const before = w.purchase('golden');
    await w.insert('golden');
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.purchase('golden')).toEqual(before);
  });

  it('a restored journal calls it paid, and central granted its refund in another life: refunded though the card is in the slot', async () => {
    w.kill();
    const client = w.central.client.bind(w.central);
    w.central.client = (world, life) => ({
      ...client(world, life),
      claim: (_orderId, kind) =>
        Promise.resolve(
          kind === 'write'
            ? err(failure('BILL-0107'))
            : ok({ kind, ttlMs: 0, order: null, serverTimeMs: 0 }),
        ),
    });
    await w.start();
    w.journal.mayBeReported = () => true;
    const before = w.purchase('golden');
    await w.toPay();
    w.pay.pay();
    await w.until('refunded', () => w.state() === 'refunded/refunded', 60_000);
    expect(w.purchase('golden')).toEqual(before);
  });

  it('another kiosk never told what it wrote: the card here tells, under our write claim, and the refund follows', async () => {
    await lyingCard();
    w.central.away = false;
    w.central.claimAnswers.push(err(failure('BILL-0105')));
    await w.until('refunded', () => w.state() === 'refunded/refunded');
  });
});

describe('an order by its number', () => {
  it('is found here, at central, or nowhere', async () => {
    await w.toPay();
    w.pay.pay();
    await w.untilScreen('done');
    const ref = w.shown('done').orderRef.replaceAll(' ', '');
    await w.remove();
    await w.untilScreen('start');
    await w.tap('open', 'unfinished');
    await w.tap('find-order', ref);
    expect(w.shown('order-status')).toMatchObject({
      state: 'delivered',
      amountFen: 10_000,
      orderRef: w.shown('order-status').orderRef,
    });
    await w.tap('exit');
    await w.tap('open', 'unfinished');
    w.central.statuses = [
      {
        orderId: THEIRS,
        terminalId: OTHER,
        state: 'in-doubt',
        amountFen: 5_000,
        quantity: 1_886,
        unit: 'volume',
      },
    ];
    await w.tap('find-order', '099900071234');
    await w.until('answered', () => w.shown('order-status').state !== 'asking');
    expect(w.shown('order-status')).toMatchObject({ state: 'in-doubt', amountFen: 5_000 });
    await w.tap('exit');
    await w.tap('open', 'unfinished');
    w.central.statuses = [];
    await w.tap('find-order', '000000000000');
    await w.until('answered', () => w.shown('order-status').state !== 'asking');
    expect(w.shown('order-status')).toMatchObject({ state: 'not-found', amountFen: null });
    await w.run(61_000);
    expect(w.screen).toBe('start');
  });
});
