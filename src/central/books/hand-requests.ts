import { attemptOf } from '../../shared/order-id.ts';
import { sameName } from '../../shared/same-name.ts';
import { select } from '../db/sets.ts';
import { storable } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { barredByInvoice } from '../invoices/bar.ts';
import { HOW_WORDS, settle } from './by-hand.ts';
import { capturedBy, note } from './books.ts';
import type { Books, Place } from './books.ts';
import { settleAdopted } from './adopt.ts';
import { loadRequests, loadWaiting } from './load.ts';
import { postWaiting } from './post.ts';
import { HAND_REQUESTS } from './tables.ts';
import type { HandRequest } from './tables.ts';
import type { Trust } from './trust.ts';
import { write } from './write.ts';

/** Journals begin with epoch 1: what the console asks for stands before them. */
const CONSOLE_EPOCH = 0;

/** Which request. */
export interface RequestPlace {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
}
/**
 * How the money went back. `original`: to the wallet that paid, as the wallet's own console shows ·
 * `other`: cash or a transfer, which needs a reason.
 */
export const ROUTES = ['original', 'other'] as const;
/** What the second person decides. */
export interface HandDecision extends RequestPlace {
  readonly verdict: 'confirmed' | 'refused';
  readonly who: string;
  readonly why: string;
  /** The payer's transaction number, as the wallet has it; empty: not told. */
  readonly transactionNo: string;
  readonly route: (typeof ROUTES)[number] | '';
}
/**
 * done · gone: nobody waits for it · same-person: who asked does not confirm · wrong-number: not
 * the payment's · no-route: money went back, and nobody says how · invoiced: its invoice is taken
 * back first, which is asked for by this · unusable: the books cannot take it any more, and say
 * why.
 */
export type Decided =
  | { readonly kind: 'done' | 'gone' | 'same-person' | 'wrong-number' | 'no-route' | 'invoiced' }
  | { readonly kind: 'unusable'; readonly reason: string };

/** The request at a place, whatever became of it; null: none. */
export async function handRequest(sql: Sql, place: RequestPlace): Promise<HandRequest | null> {
  const { terminalId, epoch, seq } = place;
  const found = await select(sql, HAND_REQUESTS, 'terminal_id = $1 AND epoch = $2 AND seq = $3', [
    terminalId,
    epoch,
    seq,
  ]);
  return found[0] ?? null;
}

/** What a decision is taken with. */
export interface DecidedBy {
  readonly nowMs: number;
  readonly trust: Trust;
  /** Stores a refund that the gateway then sends; the answer: null, or why it cannot be. */
  readonly handBack: (
    tx: Sql,
    terminalId: string,
    refundNo: string,
    nowMs: number,
  ) => Promise<string | null>;
}

/** A second person confirms or refuses a request. Refused, everything is as it was before. */
export async function decideByHand(db: Db, d: HandDecision, by: DecidedBy): Promise<Decided> {
  const { nowMs, trust } = by;
  return db.transaction(async (tx) => {
    const seen = await handRequest(tx, d);
    if (seen === null) return { kind: 'gone' };
    // In central's one order: the terminal, then the account and the order.
    await tx.query('SELECT 1 FROM terminals WHERE terminal_id = $1 FOR NO KEY UPDATE', [
      d.terminalId,
    ]);
    const { books } = await loadWaiting(tx, seen.order_id);
    await loadRequests(tx, books, seen.order_id);
    const asked = books.requests
      .all()
      .find((r) => r.terminal_id === d.terminalId && r.epoch === d.epoch && r.seq === d.seq);
    if (asked?.state !== 'waiting') return { kind: 'gone' };
    if (sameName(asked.who, d.who)) return { kind: 'same-person' };
    const at: Place = { ...d, wallMs: nowMs, nowMs, trust };
    if (d.verdict === 'confirmed') {
      const barred = await barOf(tx, books, asked, d);
      if (barred !== null) return barred;
      const told = books.judge(null, d.terminalId, () =>
        asked.epoch === CONSOLE_EPOCH ? settleAdopted(books, at, asked) : settle(books, at, asked),
      );
      if (told.kind !== 'applied') return { kind: 'unusable', reason: told.reason };
      // What was just tried is not written: the money waits for the red one, which is kept.
      if (await isBarredByInvoice(tx, books, asked, d, nowMs)) return { kind: 'invoiced' };
      if (asked.how === 'refund-by-gateway') {
        const barred = await by.handBack(tx, d.terminalId, asked.reference, nowMs);
        if (barred !== null) return { kind: 'unusable', reason: barred };
      }
    }
    decided(books, asked, d, nowMs);
    await write(tx, d.terminalId, books);
    await postWaiting(tx, { ...d, nowMs, trust }, asked.order_id);
    return { kind: 'done' };
  });
}

/** Is it the payment of an invoice that stands? Then two persons have wanted it back by this. */
async function isBarredByInvoice(
  tx: Sql,
  books: Books,
  asked: HandRequest,
  d: HandDecision,
  nowMs: number,
): Promise<boolean> {
  if (asked.how !== 'refunded-by-hand' && asked.how !== 'refund-by-gateway') return false;
  const order = books.orders.get(asked.order_id);
  if (order === undefined) return false;
  const attemptId =
    asked.attempt_id === '' ? capturedBy(books, order)?.attemptId : asked.attempt_id;
  if (attemptId === undefined) return false;
  const wanted = { who: asked.who, second: d.who, why: `${asked.why}；${d.why}` };
  return barredByInvoice(tx, { orderId: asked.order_id, attemptId }, wanted, nowMs);
}

/** Writes down who decided what. */
function decided(books: Books, asked: HandRequest, d: HandDecision, nowMs: number): void {
  books.requests.put({
    ...asked,
    state: d.verdict,
    decided_who: storable(d.who),
    decided_why: storable(d.why),
    transaction_no: d.transactionNo === '' ? null : storable(d.transactionNo),
    route: d.route === '' ? null : d.route,
    decided_ms: nowMs,
  });
  const order = books.orders.get(asked.order_id);
  if (order === undefined) return;
  const what = `${HOW_WORDS[asked.how]}（${asked.who}）：${asked.reference}；${asked.why}`;
  const verdict = d.verdict === 'confirmed' ? '核准' : '不予核准，订单仍待处理';
  note(books, order, `${what}；${d.who} ${verdict}：${d.why}`);
}

/** Why a request cannot be confirmed so; null: it can. */
async function barOf(
  tx: Sql,
  books: Books,
  asked: HandRequest,
  d: HandDecision,
): Promise<Decided | null> {
  const order = books.orders.get(asked.order_id);
  const back = asked.how === 'refunded-by-hand';
  if (back && d.route === '') return { kind: 'no-route' };
  const attempt = asked.attempt_id === '' ? undefined : asked.attempt_id;
  const money = order === undefined ? null : capturedBy(books, order, attempt);
  // Of these the books may not know the money; whoever took it does.
  const byGateway = asked.how === 'refund-by-gateway' || asked.how === 'credited';
  if (money === null && !back && !byGateway) return null;
  const legs = await legsOf(tx, asked);
  if (legs.some((leg) => leg.refunds > 0) && back)
    return { kind: 'unusable', reason: 'the gateway is asked to hand this payment back already' };
  // By whoever took the money, where that is known; else by its terminal's word.
  const proven = books.evidence
    .all()
    .filter((v) => v.order_id === asked.order_id && v.attempt_id === asked.attempt_id)
    .map((v) => v.wallet_number);
  const numbers = [...proven, ...legs.flatMap((leg) => leg.transactionNo ?? [])];
  const known = numbers.length > 0 ? numbers : await toldNumbers(tx, asked);
  const own = known.includes(d.transactionNo);
  // A payment of which nobody has told: its number is at the wallet only, and is no other's.
  const found = known.length === 0 && d.transactionNo.length >= MIN_NUMBER;
  if (!own && !(found && !(await isAnothers(tx, asked, d.transactionNo))))
    return { kind: 'wrong-number' };
  return null;
}
/** No wallet's transaction number is shorter. */
const MIN_NUMBER = 8;

interface PaidLeg {
  readonly transactionNo: string | null;
  readonly refunds: number;
}
/** What the gateway itself captured for the attempt that is meant. */
async function legsOf(tx: Sql, asked: HandRequest): Promise<readonly PaidLeg[]> {
  const rows = await tx.query<{ out_trade_no: string; transaction_id: string; n: unknown }>(
    `SELECT t.out_trade_no, l.transaction_id, (SELECT COUNT(*) FROM gateway_refunds r
       WHERE r.leg = l.leg AND r.state <> 'refused') AS n
     FROM gateway_trades t JOIN gateway_legs l ON l.leg = t.leg
     WHERE t.terminal_id = $1 AND (t.order_id = $2 OR t.out_trade_no = $3)`,
    [
      asked.terminal_id,
      asked.order_id,
      asked.how === 'refund-by-gateway' ? asked.reference.slice(1) : '',
    ],
  );
  return rows
    .filter(
      (r) =>
        asked.attempt_id === '' ||
        r.out_trade_no === asked.attempt_id ||
        attemptOf(asked.order_id, r.out_trade_no) === asked.attempt_id,
    )
    .map((r) => ({ transactionNo: r.transaction_id, refunds: Number(r.n) }));
}

/** The numbers under which the terminal told of the attempt's payment. */
async function toldNumbers(tx: Sql, asked: HandRequest): Promise<readonly string[]> {
  const rows = await tx.query<{ body: string }>(
    `SELECT body FROM journal_events
     WHERE terminal_id = $1 AND order_id = $2 AND kind = 'attempt-paid'`,
    [asked.terminal_id, asked.order_id],
  );
  return rows
    .map((r) => JSON.parse(r.body) as { attemptId?: unknown; transactionId?: unknown })
    .filter((b) => asked.attempt_id === '' || b.attemptId === asked.attempt_id)
    .flatMap((b) => (typeof b.transactionId === 'string' ? [b.transactionId] : []));
}

/** The number confirmed something of another order before. */
async function isAnothers(tx: Sql, asked: HandRequest, transactionNo: string): Promise<boolean> {
  const found = await tx.query(
    `SELECT 1 FROM hand_requests WHERE transaction_no = $1 AND state = 'confirmed'
       AND (order_id <> $2 OR attempt_id <> $3)
     UNION ALL SELECT 1 FROM payment_evidence WHERE wallet_number = $1
     UNION ALL SELECT 1 FROM gateway_legs WHERE transaction_id = $1 LIMIT 1`,
    [transactionNo, asked.order_id, asked.attempt_id],
  );
  return found.length > 0;
}
