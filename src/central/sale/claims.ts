import { CLAIM_MS } from '../../shared/central-api/index.ts';
import type {
  ClaimAnswer,
  ClaimRequest,
  ClaimedOrder,
  Command,
} from '../../shared/central-api/index.ts';
import { lifeSince } from '../db/lives.ts';
import type { Life } from '../db/lives.ts';
import { select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import {
  awaitsEcho,
  isCounterClaimed,
  isDelivered,
  isRefundClaimed,
  keptOf,
  lockOrder,
  lockQuote,
  saidByAnother,
  writer,
} from './orders.ts';
import { keysGiven } from './key-rights.ts';
import { REFUND_BUDGET, spendBudget } from './budgets.ts';
import type { RefundAsked, RefundBudget } from './budgets.ts';
import { ORDERS } from './tables.ts';
import type { OrderRow } from './tables.ts';

/**
 * Grants or refuses a claim, as `claimRequestSchema` says. The order's row is locked, so of two
 * kiosks that ask at once one waits and finds the other's. Asked again by its holder a write claim
 * is renewed and a final claim is the same as before, so a lost answer costs nothing.
 *
 * A lease that ran out says nothing of what its holder did with it. So the refund claim is refused
 * not only while another terminal may write, but until that terminal told that the card is as it
 * was, or the origin says that it looked at the card under a write claim of its own, which still
 * runs. That the claim was granted is not enough: its answer may be lost, and the card gone again
 * with half a write on it. A counter claim stands for no such knowledge, so a refund claim is
 * granted over it only where the order's terminal read the card as unwritten while it held the
 * counter claim. Whether such a read is enough for money to go back, the budget says
 * ({@link spendBudget}).
 */
export async function claim(
  db: Db,
  terminalId: string,
  orderId: string,
  request: ClaimRequest,
  nowMs: number,
  budget: RefundBudget = REFUND_BUDGET,
): Promise<ClaimAnswer> {
  const life = request.kind === 'refund' ? await lifeSince(db, nowMs) : null;
  const answer = await db.transaction(async (tx): Promise<ClaimAnswer | Refusal> => {
    const order = await lockOrder(tx, orderId);
    if (order === null) throw new Refusal('not-in-doubt', 'the order is not known here');
    if (order.sale !== 'card' || order.card_no !== request.cardNo)
      throw new Refusal('bad-request', 'the order is another card’s');
    switch (request.kind) {
      case 'write':
        return writeClaim(tx, terminalId, order, request, nowMs);
      case 'refund':
        // A card's key that is given at this moment is seen, or sees the claim.
        await lockQuote(tx, orderId);
        return refundClaim(tx, terminalId, order, { request, life, budget }, nowMs);
      case 'counter':
        return counterClaim(tx, terminalId, order, nowMs);
      default:
        return request.kind satisfies never;
    }
  });
  // What waits is on record, so it is no rolled-back transaction.
  if (answer instanceof Refusal) throw answer;
  return answer;
}

async function writeClaim(
  tx: Sql,
  terminalId: string,
  order: OrderRow,
  request: ClaimRequest,
  nowMs: number,
): Promise<ClaimAnswer> {
  const own = order.terminal_id === terminalId;
  const again = request.finish === true && (await isUnread(tx, order));
  if (isDelivered(order) && !again)
    throw new Refusal('already-delivered', 'the order was delivered');
  if (isRefundClaimed(order)) throw new Refusal('refund-claimed', 'the order is being refunded');
  if (isCounterClaimed(order))
    throw new Refusal('counter-claimed', 'the order is left to a person');
  // Another kiosk could only find out once more that the card has moved on, and each claim would
  // stand in the way of the refund.
  if (order.superseded_by !== null && !own)
    throw new Refusal('not-in-doubt', 'another purchase has this count on the card');
  if (
    order.state !== 'delivering' &&
    order.state !== 'in-doubt' &&
    !again &&
    !(own && order.state === 'paid')
  )
    throw new Refusal('not-in-doubt', `the order is ${order.state}`);
  const holder = writer(order, nowMs);
  if (holder !== null && holder !== terminalId)
    throw new Refusal('claimed', `terminal ${holder} may write until ${order.write_until_ms}`);
  const plan = claimedOrder(order);
  // Another kiosk can do nothing without the plan.
  if (plan === null && !own)
    throw new Refusal('not-in-doubt', 'the plan of the write is not known here');
  await tx.query('UPDATE orders SET write_terminal = $2, write_until_ms = $3 WHERE order_id = $1', [
    order.order_id,
    terminalId,
    nowMs + CLAIM_MS,
  ]);
  // What another one before did not tell stays open until the origin says what it saw.
  if (!own)
    await tx.query('UPDATE orders SET write_open = $2, write_open_ms = $3 WHERE order_id = $1', [
      order.order_id,
      terminalId,
      nowMs,
    ]);
  return { kind: 'write', ttlMs: CLAIM_MS, order: plan, serverTimeMs: nowMs };
}

/**
 * Another kiosk's word that a purchase is on its card bars the refund, never the finishing: a card
 * that shows it unwritten gets the same record, as long as nothing was bought after it.
 */
async function isUnread(tx: Sql, order: OrderRow): Promise<boolean> {
  if (!saidByAnother(order)) return false;
  const [account] = await tx.query<{ count: unknown }>(
    'SELECT count FROM accounts WHERE user_no = $1',
    [order.user_no],
  );
  return account !== undefined && num(account.count) === order.next_count;
}

async function refundClaim(
  tx: Sql,
  terminalId: string,
  order: OrderRow,
  {
    request,
    life,
    budget,
  }: {
    readonly request: ClaimRequest;
    readonly life: Life | null;
    readonly budget: RefundBudget;
  },
  nowMs: number,
): Promise<ClaimAnswer | Refusal> {
  const { claimMs } = request;
  if (order.terminal_id !== terminalId)
    throw new Refusal('bad-request', 'only the order’s own terminal refunds it', { status: 409 });
  if (isDelivered(order)) throw new Refusal('already-delivered', 'the order was delivered');
  const counter = isCounterClaimed(order);
  // Under its own counter claim the terminal has read the card again: nobody can have been writing
  // since.
  if (counter && (claimMs === undefined || claimMs < (order.refund_claimed_ms ?? 0)))
    throw new Refusal(
      'counter-claimed',
      'whether it was written is not known: the order is left to a person',
    );
  if (counter || order.refund_claimed_ms === null) {
    // Its money is not known here yet: the terminal asks again when its journal is uploaded.
    if (!order.money_taken)
      throw new Refusal(
        'not-in-doubt',
        `the order is ${order.state}, no money is known to be taken`,
      );
    const holder = writer(order, nowMs);
    if (holder !== null && holder !== terminalId)
      throw new Refusal('claimed', `terminal ${holder} may write until ${order.write_until_ms}`);
    // Its write may be on the card, not told yet: the origin's last look at the card is older than
    // that. Unless another purchase has this count on the card: then nobody's write of this one is.
    // From that grant until now the order was this terminal's alone: what it read under it nobody
    // can have changed since. (`write_terminal` does not say so: a late fact or an unheard grant
    // sets it too.)
    const underClaim = claimMs !== undefined && claimMs <= nowMs && nowMs < claimMs + CLAIM_MS;
    const saw = counter || underClaim;
    if (order.write_open !== null && order.superseded_by === null && !saw)
      throw new Refusal(
        'claimed',
        `terminal ${order.write_open} has not told what it wrote: the card must be read again, under a write claim`,
      );
    await refuseWhileDeliveryWaits(tx, order);
    if (life !== null) await refuseWhileForgetful(tx, life, nowMs);
    const why = await spendBudget(tx, order, askedOf(request, underClaim), budget, nowMs);
    if (why !== null) return new Refusal('not-proven', why);
    await tx.query(
      `UPDATE orders SET refund_claimed_ms = $2, refund_granted = true, counter_claim = false,
         write_terminal = NULL, write_until_ms = NULL WHERE order_id = $1`,
      [order.order_id, nowMs],
    );
  } else {
    await refuseHandedBack(tx, order);
    // Its terminal began the refund by itself, with a card's key in hand: that is no claim yet.
    if (!order.refund_granted && (await keysGiven(tx, order.order_id)).length > 0) {
      const why = await spendBudget(tx, order, askedOf(request, false), budget, nowMs);
      if (why !== null) return new Refusal('not-proven', why);
      await tx.query('UPDATE orders SET refund_granted = true WHERE order_id = $1', [
        order.order_id,
      ]);
    }
  }
  return { kind: 'refund', ttlMs: 0, order: null, serverTimeMs: nowMs };
}

const askedOf = (
  { unwritten, proven, writes, read }: ClaimRequest,
  underClaim: boolean,
): RefundAsked => ({
  unwritten: unwritten ?? 'unproven',
  provenUnderClaim: underClaim && proven === true,
  writes: writes ?? 0,
  read: read ?? null,
});

/** Only a journal that forgot it asks: what a person handed back is not refunded once more. */
async function refuseHandedBack(tx: Sql, order: OrderRow): Promise<void> {
  if (order.state !== 'parked') return;
  const handedBack = await tx.query(
    `SELECT 1 FROM ledger r JOIN ledger c ON c.order_id = r.order_id
       AND c.attempt_id = r.attempt_id AND c.kind = 'captured' WHERE r.order_id = $1
       AND r.kind = 'refunded'`,
    [order.order_id],
  );
  if (handedBack.length > 0) throw new Refusal('not-in-doubt', 'a person handed the money back');
}

/**
 * A delivery that the books cannot take yet (the purchase before it is not told) is on the card all
 * the same. Its own kiosk asks all the same when its journal forgot it.
 */
async function refuseWhileDeliveryWaits(tx: Sql, order: OrderRow): Promise<void> {
  const waiting = await tx.query<{ terminal_id: string; kind: string; body: string }>(
    `SELECT h.terminal_id, e.kind, e.body FROM held_facts h JOIN journal_events e
       ON e.terminal_id = h.terminal_id AND e.epoch = h.epoch AND e.seq = h.seq
     WHERE h.order_id = $1 AND e.kind IN ('order-delivered', 'assist-ended') ORDER BY h.held_no`,
    [order.order_id],
  );
  const told = waiting.find(
    ({ kind, body }) =>
      kind === 'order-delivered' || (JSON.parse(body) as { verdict?: unknown }).verdict === 'after',
  );
  if (told !== undefined)
    throw new Refusal(
      'claimed',
      `terminal ${told.terminal_id} told that it is on the card, which waits for other facts`,
    );
}

/** Terminals say where their journals stand once an hour, also when there is nothing to tell. */
const HEARD_WITHIN_MS = 24 * 3_600_000;

/**
 * A database that goes on from a standby or a backup may have forgotten a write claim, and what its
 * holder told of it. So no money goes back until every terminal that was there shortly before has
 * said where its journal stands, and was asked for what is missing; or a day has passed.
 */
async function refuseWhileForgetful(tx: Sql, life: Life, nowMs: number): Promise<void> {
  const { sinceMs, heardMs } = life;
  if (sinceMs === 0 || nowMs - sinceMs > HEARD_WITHIN_MS) return;
  const silent = await tx.query<{ terminal_id: string }>(
    `SELECT terminal_id FROM terminals WHERE last_upload_ms < $1 AND last_upload_ms >= $2
     ORDER BY terminal_id LIMIT 1`,
    [sinceMs, heardMs - HEARD_WITHIN_MS],
  );
  if (silent[0] !== undefined)
    throw new Refusal(
      'claimed',
      `central’s database was restored, and terminal ${silent[0].terminal_id} was not heard since`,
    );
}

/**
 * No money moves by it, so what another terminal never told does not stand in its way: a person
 * finds out. But nobody may be writing.
 */
async function counterClaim(
  tx: Sql,
  terminalId: string,
  order: OrderRow,
  nowMs: number,
): Promise<ClaimAnswer> {
  if (order.terminal_id !== terminalId)
    throw new Refusal('bad-request', 'only the order’s own terminal leaves it to a person', {
      status: 409,
    });
  if (isDelivered(order))
    throw new Refusal('already-delivered', 'the order was delivered, nothing is left to a person');
  if (isRefundClaimed(order))
    throw new Refusal('refund-claimed', 'the order is being refunded, nothing is left to a person');
  if (!isCounterClaimed(order)) {
    if (!order.money_taken)
      throw new Refusal(
        'not-in-doubt',
        `the order is ${order.state}, nothing is known to be paid for it`,
      );
    const holder = writer(order, nowMs);
    if (holder !== null && holder !== terminalId)
      throw new Refusal(
        'claimed',
        `terminal ${holder} may be writing until ${order.write_until_ms}`,
      );
    await tx.query(
      `UPDATE orders SET refund_claimed_ms = $2, counter_claim = true, write_terminal = NULL,
       write_until_ms = NULL WHERE order_id = $1`,
      [order.order_id, nowMs],
    );
  }
  return { kind: 'counter', ttlMs: 0, order: null, serverTimeMs: nowMs };
}

function claimedOrder(o: OrderRow): ClaimedOrder | null {
  if (
    o.before_image === null ||
    o.after_image === null ||
    o.plan === null ||
    o.layout === null ||
    o.unit === null ||
    o.cumulative === null
  )
    return null;
  return {
    orderId: o.order_id,
    terminalId: o.terminal_id,
    cardNo: o.card_no,
    userNo: o.user_no,
    layout: o.layout,
    unit: o.unit,
    nextCount: o.next_count,
    amountFen: o.amount_fen,
    quantity: o.quantity,
    cumulative: o.cumulative,
    carriedAfterMicro: o.carried_after_micro,
    tag: o.tag,
    before: o.before_image,
    after: o.after_image,
    plan: JSON.parse(o.plan) as string[],
    kept: [...keptOf(o)],
  };
}

/** What a terminal is to be told: the same until its journal shows that it was done. */
export async function commands(sql: Sql, terminalId: string): Promise<readonly Command[]> {
  // The first condition is the index's; the second leaves out what is over, so that it never crowds
  // out what is to be told.
  const rows = await select(
    sql,
    ORDERS,
    `terminal_id = $1
       AND ((delivered_by IS NOT NULL AND NOT origin_delivered) OR superseded_by IS NOT NULL)
       AND ((delivered_by <> terminal_id AND NOT origin_delivered)
         OR (superseded_by IS NOT NULL AND delivered_by IS NULL
         AND state IN ('paid', 'delivering', 'in-doubt'))) LIMIT 500`,
    [terminalId],
  );
  // Sorted here: mostly there is nothing to sort, and a sorter costs a database more than the
  // search.
  return rows
    .toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1))
    .flatMap((o): Command[] => {
      if (awaitsEcho(o))
        return [
          {
            kind: 'delivered-elsewhere',
            orderId: o.order_id,
            terminalId: o.delivered_by ?? '',
            count: o.next_count,
            quantity: o.quantity,
            cumulative: o.cumulative ?? 0,
          },
        ];
      if (
        o.superseded_by !== null &&
        !isDelivered(o) &&
        ['paid', 'delivering', 'in-doubt'].includes(o.state)
      )
        return [{ kind: 'superseded', orderId: o.order_id, terminalId: o.superseded_by }];
      return [];
    });
}
