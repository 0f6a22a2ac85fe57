import { canonicalJson } from '../shared/central-api.ts';
import type { UploadAnswer, UploadEvent, UploadRequest } from '../shared/central-api.ts';
import { EVENTS } from '../shared/events.ts';
import type { EventKind, JournalEvent } from '../shared/events.ts';
import { eventHash, genesisHash, headText } from '../shared/journal-hash.ts';
import { MICRO_PER_FEN } from '../shared/money.ts';
import type { Verifier } from '../shared/ports.ts';
import { bool, giveBack, num, takeClaim } from './accounts.ts';
import type { Db, Sql } from './db.ts';
import { Refusal } from './problem.ts';
import { QUOTE_CLAIM_MS } from './quotes.ts';

interface TerminalRow {
  public_key: string;
  epoch: unknown;
  last_seq: unknown;
  last_hash: string;
}
interface OrderRow {
  order_id: string;
  terminal_id: string;
  card_no: string;
  user_no: string;
  next_count: unknown;
  amount_fen: unknown;
  quantity: unknown;
  carried_used_micro: unknown;
  carried_after_micro: unknown;
  state: string;
  money_taken: unknown;
}
/** Where an event stands, for the ledger and the quarantine. */
interface Place {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly nowMs: number;
}

/** Central cannot use this event; it is set aside and acknowledged. */
class Unusable extends Error {}

/** How long a terminal may wait before its next upload when it has nothing urgent. */
const NEXT_UPLOAD_MS = 2000;

/**
 * Takes a batch of a terminal's journal exactly once: the terminal's row is locked, what is held already is
 * compared by hash and skipped, the rest is appended with its effects, and the cursor moves, all in one
 * transaction. Numbers start at 1; before them stands the genesis hash.
 */
export async function ingest(db: Db, terminalId: string, request: UploadRequest, nowMs: number, verifierFor: (publicKey: string) => Verifier): Promise<UploadAnswer> {
  try {
    return await db.transaction((tx) => take(tx, terminalId, request, nowMs, verifierFor));
  } catch (cause) {
    if (cause instanceof Refusal && cause.type === 'fork') await db.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [terminalId, `FORK: ${cause.message}`]);
    throw cause;
  }
}

async function take(tx: Sql, terminalId: string, request: UploadRequest, nowMs: number, verifierFor: (publicKey: string) => Verifier): Promise<UploadAnswer> {
  const terminal = (await tx.query<TerminalRow>('SELECT * FROM terminals WHERE terminal_id = $1 FOR UPDATE', [terminalId]))[0];
  if (terminal === undefined) throw new Refusal('unknown-terminal', 'not registered');
  const epoch = num(terminal.epoch);
  const lastSeq = num(terminal.last_seq);
  if (request.epoch !== epoch) throw new Refusal('old-epoch', `epoch ${request.epoch} is not the granted ${epoch}`);
  if (request.fromSeq < 1 || request.events.some((e, i) => e.seq !== request.fromSeq + i)) throw new Refusal('bad-request', 'event numbers are not contiguous from fromSeq');
  const last = request.events.at(-1) as UploadEvent;
  if (!verifierFor(terminal.public_key).verify(Buffer.from(headText(epoch, last.seq, last.hash), 'utf8'), Buffer.from(request.headSig, 'base64'))) throw new Refusal('bad-signature', 'headSig does not sign this head');
  if (request.fromSeq > lastSeq + 1) throw new Refusal('gap', `holding up to ${lastSeq}`, { expectedSeq: lastSeq + 1 });

  let previous = request.prevHash;
  for (const e of request.events) {
    if (eventHash(previous, { epoch, seq: e.seq, kind: e.kind, wallMs: e.wallMs, orderId: e.orderId, body: e.body }) !== e.hash) throw new Refusal('bad-request', `the hash of event ${e.seq} is not that of its contents`);
    previous = e.hash;
  }

  const heldHash = async (seq: number): Promise<string | undefined> =>
    seq === 0 ? genesisHash(terminalId, epoch) : (await tx.query<{ hash: string }>('SELECT hash FROM journal_events WHERE terminal_id = $1 AND epoch = $2 AND seq = $3', [terminalId, epoch, seq]))[0]?.hash;
  if ((await heldHash(request.fromSeq - 1)) !== request.prevHash) throw new Refusal('fork', `event ${request.fromSeq - 1} has another hash here`);

  const quarantined: number[] = [];
  for (const e of request.events) {
    if (e.seq <= lastSeq) {
      if ((await heldHash(e.seq)) !== e.hash) throw new Refusal('fork', `event ${e.seq} has another hash here`);
      continue;
    }
    const place: Place = { terminalId, epoch, seq: e.seq, wallMs: e.wallMs, nowMs };
    await tx.query('INSERT INTO journal_events (terminal_id, epoch, seq, kind, wall_ms, order_id, body, hash, received_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)', [terminalId, epoch, e.seq, storable(e.kind), e.wallMs, storable(e.orderId), canonicalJson(e.body), e.hash, nowMs]);
    const reason = await applyOrReason(tx, place, e);
    if (reason !== null) {
      quarantined.push(e.seq);
      await tx.query('INSERT INTO quarantine (terminal_id, epoch, seq, kind, order_id, reason, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)', [terminalId, epoch, e.seq, storable(e.kind), storable(e.orderId), storable(reason), nowMs]);
    }
  }
  const ackSeq = Math.max(lastSeq, last.seq);
  const ackHash = last.seq >= lastSeq ? last.hash : terminal.last_hash;
  await tx.query('UPDATE terminals SET last_seq = $2, last_hash = $3, last_upload_ms = $4 WHERE terminal_id = $1', [terminalId, ackSeq, ackHash, nowMs]);
  return { ackSeq, ackHash, serverTimeMs: nowMs, nextUploadAfterMs: NEXT_UPLOAD_MS, quarantined };
}

/** PostgreSQL text cannot hold NUL; the hash still covers the original. */
function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\0', '\uFFFD')) as T;
}

/** Effects of one event inside a savepoint. @returns why it is unusable, null when it was applied */
async function applyOrReason(tx: Sql, place: Place, e: UploadEvent): Promise<string | null> {
  if (!Object.hasOwn(EVENTS, e.kind)) return `unknown kind ${e.kind.slice(0, 60)}`;
  const parsed = EVENTS[e.kind as EventKind].safeParse(e.body);
  if (!parsed.success) return `body: ${parsed.error.issues.map((i) => `${i.path.join('.')} ${i.message}`).join('; ').slice(0, 300)}`;
  await tx.query('SAVEPOINT event');
  try {
    await apply(tx, place, { kind: e.kind, orderId: e.orderId, body: parsed.data } as JournalEvent);
    await tx.query('RELEASE SAVEPOINT event');
    return null;
  } catch (cause) {
    const reason = unusableReason(cause);
    if (reason === null) throw cause;
    await tx.query('ROLLBACK TO SAVEPOINT event');
    await tx.query('RELEASE SAVEPOINT event');
    return reason;
  }
}

/** SQLSTATE classes 22 (data) and 23 (constraint) are the event's fault; anything else is ours and fails the batch. */
function unusableReason(cause: unknown): string | null {
  if (cause instanceof Unusable) return cause.message;
  const state = (cause as { code?: unknown } | null)?.code;
  return typeof state === 'string' && /^2[23]/.test(state) ? `${state}: ${cause instanceof Error ? cause.message : ''}`.slice(0, 300) : null;
}

const PAID_STATES = ['paid', 'delivering', 'in-doubt', 'refunding', 'parked'];

async function apply(tx: Sql, at: Place, event: JournalEvent): Promise<void> {
  switch (event.kind) {
    case 'assist-writing':
    case 'assist-ended':
    case 'epoch-began':
    case 'journal-restored':
    case 'order-restated':
    case 'damage-accepted':
    case 'journal-pruned':
    case 'maintenance-entered':
    case 'maintenance-left':
    case 'maintenance-refused':
    case 'maintenance-action':
    case 'attempt-refund-retried':
    case 'parked-settled':
    case 'core-started':
    case 'attempt-pending':
    case 'attempt-closing':
    case 'attempt-closed':
    case 'attempt-refunding':
    case 'slip-printed':
    case 'clock-step':
    case 'policy-taken':
      return;
    case 'order-quoted':
      return quoted(tx, at, requireId(event.orderId), event.body);
    case 'attempt-creating': {
      const order = await orderOf(tx, at, event.orderId);
      if (order.state === 'quoted') await move(tx, at, order, 'collecting', ['quoted']);
      return;
    }
    case 'attempt-paid': {
      const order = await orderOf(tx, at, event.orderId);
      // A taken one is entered by order-paid, which follows it in the same journal transaction.
      if (!event.body.taken) await enter(tx, at, order, 'captured-extra', { attemptId: event.body.attemptId, amountFen: event.body.amountFen, reference: event.body.transactionId });
      return;
    }
    case 'attempt-refunded': {
      const order = await orderOf(tx, at, event.orderId);
      await enter(tx, at, order, 'refunded', { attemptId: event.body.attemptId, amountFen: event.body.amountFen, reference: event.body.refundId });
      return;
    }
    case 'attempt-parked': {
      const order = await orderOf(tx, at, event.orderId);
      await enter(tx, at, order, 'parked', { attemptId: event.body.attemptId, reference: event.body.reason });
      await note(tx, order, `付款 ${event.body.attemptId} 已挂起：${event.body.reason}`);
      return;
    }
    case 'order-paid': {
      const order = await orderOf(tx, at, event.orderId);
      if (event.body.amountFen !== num(order.amount_fen)) throw new Unusable(`paid ${event.body.amountFen} fen, the order is ${num(order.amount_fen)}`);
      await move(tx, at, order, 'paid', ['quoted', 'collecting']);
      await tx.query('UPDATE orders SET money_taken = true WHERE order_id = $1', [order.order_id]);
      await enter(tx, at, order, 'captured', { attemptId: event.body.attemptId, amountFen: event.body.amountFen });
      const holder = await takeClaim(tx, { cardNo: order.card_no, nextCount: num(order.next_count), orderId: order.order_id, terminalId: at.terminalId, expiresMs: null }, at.nowMs);
      // Both took money for one count (offline sales): both stand in the books, and a person sees it here.
      if (holder !== null) await note(tx, order, `次数已被订单 ${holder.order_id} 占用`);
      return;
    }
    case 'order-delivering':
      return move(tx, at, await orderOf(tx, at, event.orderId), 'delivering', ['paid', 'delivering', 'in-doubt']);
    case 'order-in-doubt':
      return move(tx, at, await orderOf(tx, at, event.orderId), 'in-doubt', ['paid', 'delivering', 'in-doubt']);
    case 'order-delivered':
      return delivered(tx, at, await orderOf(tx, at, event.orderId), event.body);
    case 'order-closed': {
      const order = await orderOf(tx, at, event.orderId);
      if (bool(order.money_taken)) throw new Unusable('closed although it took money');
      await move(tx, at, order, 'closed', ['quoted', 'collecting']);
      await giveBack(tx, order.order_id);
      return;
    }
    case 'order-refunding':
      return move(tx, at, await orderOf(tx, at, event.orderId), 'refunding', PAID_STATES);
    case 'order-refunded': {
      const order = await orderOf(tx, at, event.orderId);
      await move(tx, at, order, 'refunded', PAID_STATES);
      await giveBack(tx, order.order_id);
      return;
    }
    case 'order-parked': {
      const order = await orderOf(tx, at, event.orderId);
      await move(tx, at, order, 'parked', ['quoted', 'collecting', ...PAID_STATES]);
      await note(tx, order, `${event.body.reason}；${event.body.nextStep}`);
      return;
    }
    default:
      return event satisfies never;
  }
}

async function quoted(tx: Sql, at: Place, orderId: string, body: Extract<JournalEvent, { kind: 'order-quoted' }>['body']): Promise<void> {
  const cost = body.shares.reduce((sum, s) => sum + s.costMicro, 0);
  const bought = body.shares.reduce((sum, s) => sum + s.quantity, 0);
  if (bought !== body.quantity) throw new Unusable('the shares do not add up to the quantity');
  if (body.shares.some((s) => s.costMicro !== s.priceE4 * s.quantity)) throw new Unusable('a share’s cost is not price × quantity');
  if (body.amountFen * MICRO_PER_FEN + body.carriedUsedMicro - cost !== body.carriedAfterMicro) throw new Unusable('amount + carried − cost is not the remainder');
  if (body.offline && body.carriedUsedMicro !== 0) throw new Unusable('carried money is never spent offline');
  const card = (await tx.query<{ user_no: string }>('SELECT user_no FROM cards WHERE card_no = $1', [body.cardNo]))[0];
  if (card === undefined) throw new Unusable(`no account has card ${body.cardNo}`);
  if (card.user_no !== body.userNo) throw new Unusable('the card belongs to another user');
  if (body.carriedUsedMicro > 0) {
    const reserve = (await tx.query<{ micro: unknown }>(`SELECT micro FROM reserves WHERE order_id = $1 AND user_no = $2`, [orderId, card.user_no]))[0];
    if (reserve === undefined || num(reserve.micro) !== body.carriedUsedMicro) throw new Unusable('no reserve of that size stands behind the carried money');
  }
  await tx.query(
    `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity, carried_used_micro, carried_after_micro, offline, tag, state, created_ms, changed_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'quoted', $12, $12)`,
    [orderId, at.terminalId, body.cardNo, body.userNo, body.nextCount, body.amountFen, body.quantity, body.carriedUsedMicro, body.carriedAfterMicro, body.offline, body.tag, at.wallMs],
  );
  if (body.offline) {
    const holder = await takeClaim(tx, { cardNo: body.cardNo, nextCount: body.nextCount, orderId, terminalId: at.terminalId, expiresMs: at.nowMs + QUOTE_CLAIM_MS }, at.nowMs);
    if (holder !== null) await tx.query('UPDATE orders SET note = $2 WHERE order_id = $1', [orderId, `离线成交时次数已被订单 ${holder.order_id} 占用`]);
  }
}

async function delivered(tx: Sql, at: Place, order: OrderRow, body: Extract<JournalEvent, { kind: 'order-delivered' }>['body']): Promise<void> {
  if (!bool(order.money_taken)) throw new Unusable('delivered before it was paid');
  if (body.count !== num(order.next_count) || body.quantity !== num(order.quantity)) throw new Unusable(`delivered count ${body.count}, quantity ${body.quantity}; the order is ${num(order.next_count)}, ${num(order.quantity)}`);
  const account = (await tx.query<{ count: unknown }>('SELECT count FROM accounts WHERE user_no = $1 FOR UPDATE', [order.user_no]))[0];
  if (account === undefined) throw new Unusable('the account is gone');
  if (num(account.count) !== body.count - 1) throw new Unusable(`the account’s count is ${num(account.count)}, delivered was ${body.count}`);
  await move(tx, at, order, 'delivered', ['paid', 'delivering', 'in-doubt', 'parked']);
  const used = num(order.carried_used_micro);
  if (used > 0) {
    // A reserve that was given back is taken again from what is free; where that is gone the check on the account refuses, and a person settles it.
    await tx.query(`UPDATE accounts SET carried_micro = carried_micro - $3 WHERE user_no = $2 AND EXISTS (SELECT 1 FROM reserves WHERE order_id = $1 AND state = 'released')`, [order.order_id, order.user_no, used]);
    const consumed = await tx.query(`UPDATE reserves SET state = 'consumed' WHERE order_id = $1 AND state <> 'consumed' RETURNING micro`, [order.order_id]);
    if (consumed.length !== 1) throw new Unusable('its carried reserve was used before');
    await enter(tx, at, order, 'carried-used', { micro: -used });
  } else {
    await tx.query(`UPDATE reserves SET state = 'consumed' WHERE order_id = $1 AND state = 'held' AND micro = 0`, [order.order_id]);
  }
  const remainder = num(order.carried_after_micro);
  await tx.query(
    `UPDATE accounts SET count = count + 1, cumulative = cumulative + $2, year_quantity = year_quantity + $2, carried_micro = carried_micro + $3,
       period_left_quantity = CASE WHEN period_left_quantity IS NULL THEN NULL ELSE GREATEST(period_left_quantity - $2, 0) END WHERE user_no = $1`,
    [order.user_no, body.quantity, remainder],
  );
  await enter(tx, at, order, 'delivered', { amountFen: num(order.amount_fen), quantity: body.quantity });
  if (remainder > 0) await enter(tx, at, order, 'carried', { micro: remainder });
  await tx.query('DELETE FROM claims WHERE order_id = $1', [order.order_id]);
}

function requireId(orderId: string | null): string {
  if (orderId === null || orderId === '') throw new Unusable('an order event without an order id');
  return orderId;
}

async function orderOf(tx: Sql, at: Place, orderId: string | null): Promise<OrderRow> {
  const id = requireId(orderId);
  const order = (await tx.query<OrderRow>('SELECT * FROM orders WHERE order_id = $1 FOR UPDATE', [id]))[0];
  if (order === undefined) throw new Unusable(`order ${id} is not known`);
  if (order.terminal_id !== at.terminalId) throw new Unusable(`order ${id} is terminal ${order.terminal_id}’s`);
  return order;
}

async function move(tx: Sql, at: Place, order: OrderRow, state: string, from: readonly string[]): Promise<void> {
  if (!from.includes(order.state)) throw new Unusable(`${order.state} → ${state} is not a step of an order`);
  await tx.query('UPDATE orders SET state = $2, changed_ms = $3 WHERE order_id = $1', [order.order_id, state, at.wallMs]);
}

async function note(tx: Sql, order: OrderRow, text: string): Promise<void> {
  await tx.query('UPDATE orders SET note = $2 WHERE order_id = $1', [order.order_id, storable(text)]);
}

interface Entry {
  readonly attemptId?: string;
  readonly amountFen?: number;
  readonly quantity?: number;
  readonly micro?: number;
  readonly reference?: string;
}
async function enter(tx: Sql, at: Place, order: OrderRow, kind: string, entry: Entry): Promise<void> {
  await tx.query('INSERT INTO ledger (terminal_id, epoch, seq, order_id, attempt_id, user_no, kind, amount_fen, quantity, micro, reference, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', [
    at.terminalId,
    at.epoch,
    at.seq,
    order.order_id,
    entry.attemptId ?? '',
    order.user_no,
    kind,
    entry.amountFen ?? 0,
    entry.quantity ?? 0,
    entry.micro ?? 0,
    entry.reference ?? null,
    at.wallMs,
  ]);
}
