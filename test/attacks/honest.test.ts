import { afterEach, describe, expect, it } from 'vitest';
import type { CentralOptions } from '../../src/central/central.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { toHex } from '../../src/shared/bytes.ts';
import { eventHash } from '../../src/shared/journal-hash.ts';
import { orderTag } from '../../src/shared/order-tag.ts';
import { accountsOf, COUNT, soldOffline } from '../concurrency/company.ts';
import { ANY_REFUND, openDb, openRoom, quickSigner, TestJournal } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * What keeps a thief out must not keep out an honest kiosk whose central, disk, line, clock or keys
 * were away. In each of these not one honest fact is set aside, and none waits for ever.
 */
const ACCOUNTS = accountsOf(8);
const rooms: Room[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.close();
});
async function open(over: Partial<CentralOptions> = {}): Promise<Room> {
  const room = await openRoom(await openDb('sqlite'), 3, {
    accounts: ACCOUNTS,
    claims: [],
    refundBudget: ANY_REFUND,
    ...over,
  });
  rooms.push(room);
  return room;
}
const t = (room: Room, i: number): Terminal => room.terminals[i] as Terminal;
const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
let orders = 0;
const number = (room: Room, i: number, epoch = 1): string =>
  `PL-${t(room, i).id}-${epoch}-${String(++orders).padStart(4, '0')}-7000`;

interface Sale {
  readonly id: string;
  readonly q: Quote;
}
async function quoted(room: Room, terminal: number, i: number): Promise<Sale> {
  const id = number(room, terminal);
  const q = await t(room, terminal).client.quote({
    orderId: id,
    cardNo: account(i).cardNo,
    nextCount: COUNT + 1,
    amountFen: 10_000,
  });
  if (!q.ok) throw new Error(q.error.code);
  t(room, terminal).journal.quoted(id, q.value, account(i).userNo);
  t(room, terminal).journal.paid(id, q.value.amountFen);
  return { id, q: q.value };
}
/** Money back for what another kiosk looked at in vain, under central's own claims. */
function refunded(room: Room, { id, q }: Sale, grant: string): void {
  const { journal } = t(room, 0);
  const attemptId = `${id}/1`;
  journal.add('order-refunding', id, { attemptId, failure: { code: 'CARD-0204' }, grant });
  journal.add('attempt-refunded', id, { attemptId, refundId: '50', amountFen: q.amountFen });
  journal.add('order-refunded', id, { attemptId });
}
/** A day at two kiosks: sold, finished elsewhere, handed back, sold while the line was down. */
async function day(room: Room): Promise<void> {
  const quiet = await quoted(room, 0, 0);
  t(room, 0).journal.delivered(quiet.id, quiet.q);
  const [torn, back] = [await quoted(room, 0, 1), await quoted(room, 0, 2)];
  for (const { id, q } of [torn, back]) {
    t(room, 0).journal.delivering(id, q);
    t(room, 0).journal.inDoubt(id);
  }
  await t(room, 0).upload();
  room.now += 200_000;
  const claim = await t(room, 1).client.claim(torn.id, 'write', torn.q.cardNo);
  if (!claim.ok) throw new Error(claim.error.code);
  t(room, 1).journal.assisted(t(room, 0).id, torn.id, torn.q, 'after', {
    grant: claim.value.grant,
  });
  const refund = await t(room, 0).client.claim(back.id, 'refund', back.q.cardNo);
  if (!refund.ok) throw new Error(`${refund.error.code} ${refund.error.detail}`);
  refunded(room, back, refund.value.grant ?? '');
  const q = soldOffline(account(3), 1, '');
  const offline = number(room, 1);
  t(room, 1).journal.quoted(offline, q, account(3).userNo, { offline: true });
  t(room, 1).journal.paid(offline, q.amountFen);
  t(room, 1).journal.delivered(offline, q);
  // Another kiosk could not know of that, and sold the same count of the card; it reads that.
  const rival = number(room, 2);
  const second = soldOffline(account(3), 1, rival);
  t(room, 2).journal.quoted(rival, second, account(3).userNo, { offline: true });
  t(room, 2).journal.paid(rival, second.amountFen);
  t(room, 2).journal.delivering(rival, second);
  t(room, 2).journal.inDoubt(rival);
  const tag = toHex(orderTag(offline));
  const grant = t(room, 0).journal.writeClaim(rival, second.cardNo);
  t(room, 0).journal.assisted(t(room, 2).id, rival, second, 'superseded', { grant, tag });
}
const uploadAll = async (room: Room): Promise<readonly number[]> => {
  const aside: number[] = [];
  for (const terminal of room.terminals) aside.push(...(await terminal.upload()));
  return aside;
};
/** What staff would have to look at, and what the company has. */
async function outcome(room: Room) {
  const { quarantine, heldOpen, unprovenOrders } = await room.central.data();
  const books = await room.db.query(
    `SELECT order_id, state, delivered_by, superseded_by IS NULL AS stands FROM orders
     ORDER BY order_id`,
  );
  const accounts = await room.db.query(
    'SELECT user_no, count, cumulative, carried_micro FROM accounts ORDER BY user_no',
  );
  const ledger = await room.db.query(
    'SELECT order_id, kind, amount_fen, micro FROM ledger ORDER BY order_id, kind',
  );
  return {
    asides: quarantine.map((a) => a.reason),
    waiting: heldOpen,
    unproven: unprovenOrders.length,
    books,
    accounts,
    ledger,
  };
}
const CLEAN = { asides: [], waiting: 0, unproven: 0 };

describe('not one honest fact is set aside', () => {
  it('by a central that was restored from nothing but what it began with', async () => {
    const room = await open();
    await day(room);
    await uploadAll(room);
    const before = await outcome(room);
    expect(before).toMatchObject(CLEAN);
    expect(before.books.length).toBe(5);
    // No quote, no claim, no evidence is remembered: only the keys are the same.
    const restored = await open();
    restored.now = room.now + 3_600_000;
    for (const [i, terminal] of restored.terminals.entries()) terminal.journal = t(room, i).journal;
    expect(await uploadAll(restored)).toEqual([]);
    expect(await outcome(restored)).toEqual(before);
  });

  it('of a kiosk whose journal came back in a new epoch and goes on with what it was granted', async () => {
    const room = await open();
    const sale = await quoted(room, 0, 0);
    t(room, 0).journal.delivering(sale.id, sale.q);
    t(room, 0).journal.inDoubt(sale.id);
    await t(room, 0).upload();
    const refund = await t(room, 0).client.claim(sale.id, 'refund', sale.q.cardNo);
    if (!refund.ok) throw new Error(refund.error.detail);
    const last = t(room, 0).journal;
    await t(room, 0).client.requestEpoch({
      epoch: 1,
      lastSeq: last.events.length,
      lastHash: last.hashAt(last.events.length),
      why: 'x',
    });
    await room.central.grantEpoch(t(room, 0).id);
    t(room, 0).journal = new TestJournal(t(room, 0).id, 2);
    t(room, 0).sent = 0;
    t(room, 0).journal.add('epoch-began', null, {
      previousEpoch: 1,
      previousSeq: last.events.length,
      previousHash: last.hashAt(last.events.length),
      why: 'restored',
    });
    // What it was granted in its last life stands in the second log.
    await room.db.query('UPDATE orders SET refund_granted = false, refund_claimed_ms = NULL');
    refunded(room, sale, refund.value.grant ?? '');
    expect(await uploadAll(room)).toEqual([]);
    expect(await outcome(room)).toMatchObject(CLEAN);
  });

  it('that comes a week late, in whatever order the kiosks are heard', async () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const room = await open();
      await day(room);
      room.now += 7 * 86_400_000;
      for (const i of order) expect(await t(room, i).upload()).toEqual([]);
      expect(await outcome(room)).toMatchObject(CLEAN);
    }
  });

  it.each([0, 1, 946_684_800_000, 4_102_444_800_000, Number.MAX_SAFE_INTEGER])(
    'of a kiosk whose clock says %d',
    async (wallMs) => {
      const room = await open();
      await day(room);
      // Each fact as it would be with that clock.
      for (const { journal } of room.terminals) {
        for (const [i, e] of journal.events.entries()) {
          const { seq, kind, orderId, body } = e;
          const event = { epoch: 1, seq, kind, wallMs, orderId, body };
          journal.events[i] = { ...e, wallMs, hash: eventHash(journal.hashAt(seq - 1), event) };
        }
      }
      const late = await open();
      for (const [i, terminal] of late.terminals.entries()) terminal.journal = t(room, i).journal;
      late.now = room.now + 86_400_000;
      expect(await uploadAll(late)).toEqual([]);
      expect(await outcome(late)).toMatchObject(CLEAN);
      const page = { method: 'GET', target: '/', headers: {}, body: new Uint8Array(0) } as const;
      expect((await late.central.staff(page)).status).toBe(200);
    },
  );

  it('that central’s keys of before signed, once they were changed', async () => {
    const room = await open();
    await day(room);
    const changed = await open({
      answerSigner: quickSigner('answers of tomorrow'),
      gatewaySigner: quickSigner('gateway of tomorrow'),
      earlierKeys: { answers: [quickSigner('answers')], gateway: [quickSigner('gateway')] },
    });
    changed.now = room.now;
    for (const [i, terminal] of room.terminals.entries()) {
      const { events } = terminal.journal;
      const batch = { epoch: 1, fromSeq: 1, prevHash: terminal.journal.hashAt(0), events };
      // The kiosk has the next key already; its own line is told by another test.
      const told = await t(changed, i).client.upload(batch);
      expect(told.kind, 'this kiosk knows only the old answer key').toBe('away');
    }
    expect(await outcome(changed)).toMatchObject(CLEAN);
    expect((await outcome(changed)).books.length).toBe(5);
  });
});
