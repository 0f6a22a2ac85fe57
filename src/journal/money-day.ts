import type Database from 'better-sqlite3';
import type { EventKind } from '../shared/facts/catalogue.ts';
import type { AttemptRow, OrderRow } from './fold.ts';
import { anchorOf } from './inspect.ts';

/** The facts in which money moves, or is said to have moved. */
const MONEY_KINDS = [
  'attempt-paid',
  'attempt-refunding',
  'attempt-refunded',
  'attempt-closed',
  'attempt-parked',
  'order-paid',
  'parked-settled',
] as const satisfies readonly EventKind[];
export type MoneyKind = (typeof MONEY_KINDS)[number];

/** One fact of money as the journal has it. */
export interface MoneyFact {
  readonly kind: MoneyKind;
  readonly wallMs: number;
  readonly orderId: string;
  /** Null: of an order that names none (`parked-settled` of the whole order). */
  readonly attemptId: string | null;
  /**
   * Of `attempt-paid`, `attempt-refunded` and `order-paid`, and of `attempt-parked` where the
   * provider stated another sum.
   */
  readonly amountFen: number | null;
  /** Of `attempt-closed`: paid and taken back whole by the provider. */
  readonly reversed: boolean;
  /** Of `parked-settled`. */
  readonly how: 'refunded-by-hand' | 'delivered-by-hand' | 'nothing-due' | null;
  /** It does not wait to be sent: central has acknowledged it, or refused it for good. */
  readonly sent: boolean;
}

/** One attempt with its order's state and everything that was said of its money, oldest first. */
export interface AttemptMoney {
  readonly attempt: AttemptRow;
  readonly orderState: OrderRow['state'];
  /**
   * The order's own facts (`order-paid`, settled as a whole) are among them where they are this
   * attempt's.
   */
  readonly facts: readonly MoneyFact[];
}

/** A China day’s money as the journal has it. */
export interface MoneyDay {
  readonly terminalId: string;
  readonly attempts: readonly AttemptMoney[];
  /**
   * Where older facts were pruned, the time of the first that is kept: before it there is nothing
   * to compare with. Null: all are kept.
   */
  readonly keptFromMs: number | null;
}

/** Which day of which journal. */
export interface MoneyQuery {
  /** Facts of this span are wanted: from … (inclusive) … to (exclusive), wall time. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Attempts under these numbers are wanted too, whenever they were. */
  readonly outTradeNos: readonly string[];
}

/**
 * Facts are written in order of time but for a clock that was set: so many older ones in a row end
 * the search.
 */
const OLDER_IN_A_ROW = 2_000;
/** What a clock that runs away within policy cannot bridge. */
const MARGIN_MS = 2 * 86_400_000;

interface FactRow {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly wall_ms: number;
  readonly order_id: string | null;
  readonly body: string;
  readonly unsent: number;
}

/**
 * What the journal says of money in a span of time. Reads from the newest fact backwards, so that
 * yesterday costs a day's facts and not a year's. Changes nothing; safe on a read-only connection
 * beside a running core.
 */
export function readMoneyDay(db: Database.Database, query: MoneyQuery): MoneyDay {
  return db.transaction(() => read(db, query))();
}

function read(db: Database.Database, { fromMs, toMs, outTradeNos }: MoneyQuery): MoneyDay {
  const wanted: ReadonlySet<string> = new Set(MONEY_KINDS);
  const orders = new Set<string>();
  let older = 0;
  for (const r of db
    .prepare<[], Pick<FactRow, 'kind' | 'wall_ms' | 'order_id'>>(
      'SELECT kind, wall_ms, order_id FROM events ORDER BY epoch DESC, seq DESC',
    )
    .iterate()) {
    older = r.wall_ms < fromMs - MARGIN_MS ? older + 1 : 0;
    if (older > OLDER_IN_A_ROW) break;
    if (r.order_id !== null && r.wall_ms >= fromMs && r.wall_ms < toMs && wanted.has(r.kind))
      orders.add(r.order_id);
  }
  const byNumber = db
    .prepare<[string], string>('SELECT order_id FROM attempts WHERE out_trade_no = ?')
    .pluck();
  for (const no of outTradeNos) {
    const orderId = byNumber.get(no);
    if (orderId !== undefined) orders.add(orderId);
  }

  const orderRow = db
    .prepare<[string], string>('SELECT row FROM orders WHERE order_id = ?')
    .pluck();
  const attemptRows = db
    .prepare<[string], string>(
      'SELECT row FROM attempts WHERE order_id = ? ORDER BY created_ms, attempt_id',
    )
    .pluck();
  const factRows = db.prepare<[string], FactRow>(
    `SELECT e.epoch, e.seq, e.kind, e.wall_ms, e.order_id, e.body, EXISTS (SELECT 1 FROM outbox o WHERE o.epoch = e.epoch AND o.seq = e.seq) AS unsent
     FROM events e WHERE e.order_id = ? ORDER BY e.epoch, e.seq`,
  );
  const attempts: AttemptMoney[] = [];
  for (const orderId of [...orders].toSorted()) {
    const row = orderRow.get(orderId);
    // Another kiosk's order that was finished here: its money is not this journal's.
    if (row === undefined) continue;
    const order = JSON.parse(row) as OrderRow;
    const facts = factRows
      .all(orderId)
      .flatMap((r) => (wanted.has(r.kind) ? [factOf(r, orderId)] : []));
    for (const text of attemptRows.all(orderId)) {
      const attempt = JSON.parse(text) as AttemptRow;
      const ofOrder = order.paidBy === attempt.attemptId;
      attempts.push({
        attempt,
        orderState: order.state,
        facts: facts.filter(
          (f) => f.attemptId === attempt.attemptId || (f.attemptId === null && ofOrder),
        ),
      });
    }
  }
  const keptFromMs =
    anchorOf(db) === null
      ? null
      : (db
          .prepare<[], number>('SELECT wall_ms FROM events ORDER BY epoch, seq LIMIT 1')
          .pluck()
          .get() ?? null);
  const terminalId =
    db.prepare<[], string>("SELECT value FROM meta WHERE key = 'terminal_id'").pluck().get() ?? '';
  return { terminalId, attempts, keptFromMs };
}

function factOf(r: FactRow, orderId: string): MoneyFact {
  const body = JSON.parse(r.body) as {
    attemptId?: string | null;
    amountFen?: number;
    reversed?: boolean;
    how?: MoneyFact['how'];
  };
  // What was going back is no sum that moved.
  const amountFen = r.kind === 'attempt-refunding' ? null : (body.amountFen ?? null);
  return {
    kind: r.kind as MoneyKind,
    wallMs: r.wall_ms,
    orderId,
    attemptId: body.attemptId ?? null,
    amountFen,
    reversed: body.reversed === true,
    how: body.how ?? null,
    sent: r.unsent === 0,
  };
}
