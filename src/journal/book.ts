import { cardNoOf } from '../shared/sale.ts';
import type Database from 'better-sqlite3';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import { fold } from './fold.ts';
import type { AttemptRow, Folded, Ledger, OrderRow } from './fold.ts';
import type { Anchor, MetaKey, Place } from './records.ts';
import { statementsOf } from './statements.ts';
import type { Statements } from './statements.ts';

/** Parked and not settled: a person still has to act. */
const waits = (row: OrderRow | AttemptRow): 0 | 1 =>
  row.state === 'parked' && row.settled === null ? 1 : 0;

/** How many rows of each kind are kept parsed. */
const KEPT_ROWS = 256;

/**
 * The tables as the journal writes them: events with the rows folded from them. Knows nothing of
 * files.
 */
export class Book implements Ledger {
  readonly db: Database.Database;
  readonly st: Statements;
  readonly #orders = new Map<string, OrderRow>();
  readonly #attempts = new Map<string, AttemptRow>();
  /** Ids of an order's attempts, oldest first, for orders whose attempts were asked for. */
  readonly #attemptIds = new Map<string, readonly string[]>();
  readonly #meta = new Map<string, string | null>();

  constructor(db: Database.Database) {
    this.db = db;
    this.st = statementsOf(db);
  }

  readonly order = (orderId: string): OrderRow | undefined =>
    kept(this.#orders, orderId, this.st.order);
  readonly attempt = (attemptId: string): AttemptRow | undefined =>
    kept(this.#attempts, attemptId, this.st.attempt);

  /** Oldest first. */
  attemptsOf(orderId: string): AttemptRow[] {
    const ids = this.#attemptIds.get(orderId);
    if (ids !== undefined) return ids.flatMap((id) => this.attempt(id) ?? []);
    const rows = this.st.attemptsOf.all(orderId).map((text) => JSON.parse(text) as AttemptRow);
    for (const row of rows) keep(this.#attempts, row.attemptId, row);
    keep(
      this.#attemptIds,
      orderId,
      rows.map((row) => row.attemptId),
    );
    return rows;
  }

  /** Everything is read again: a transaction that wrote some was rolled back, or they were deleted. */
  forget(): void {
    this.#orders.clear();
    this.#attempts.clear();
    this.#attemptIds.clear();
    this.#meta.clear();
  }

  /**
   * The event, the rows that it changes, and its place in the outbox: inside the caller's
   * transaction.
   *
   * @throws IllegalTransition
   */
  put(
    event: JournalEvent,
    at: {
      readonly epoch: number;
      readonly seq: number;
      readonly wallMs: number;
      readonly monoMs: number;
      readonly bootId: string;
      readonly bodyJson: string;
      readonly prevHash: string;
      readonly hash: string;
    },
  ): void {
    // First: what the fold refuses has written nothing.
    const folded = fold(this, event, at.wallMs);
    this.st.insertEvent.run(
      at.epoch,
      at.seq,
      event.kind,
      at.wallMs,
      at.monoMs,
      at.bootId,
      event.orderId,
      at.bodyJson,
      at.prevHash,
      at.hash,
    );
    this.putRows(folded, at);
    this.#keepApart(event, at);
    this.st.insertOutbox.run(at.epoch, at.seq);
  }

  /** Facts that are also kept where pruning does not reach. */
  #keepApart(
    { kind, body }: JournalEvent,
    at: Place & { readonly wallMs: number; readonly bodyJson: string },
  ): void {
    if (kind === 'shift-closed') this.st.putShift.run(at.epoch, at.seq, at.wallMs, at.bodyJson);
    if (kind === 'reconciled') this.st.putCompared.run(body.date, body.provider, at.bodyJson);
  }

  putRows({ order, attempt }: Folded, at: Place): void {
    if (order !== undefined) {
      this.st.putOrder.run(
        order.orderId,
        order.state,
        order.sale.userNo,
        cardNoOf(order),
        order.sale.amountFen,
        waits(order),
        at.epoch,
        at.seq,
        JSON.stringify(order),
      );
      keep(this.#orders, order.orderId, order);
    }
    if (attempt !== undefined) {
      this.st.putAttempt.run(
        attempt.attemptId,
        attempt.orderId,
        attempt.state,
        attempt.outTradeNo,
        attempt.outRefundNo,
        attempt.amountFen,
        waits(attempt),
        attempt.createdMs,
        at.epoch,
        at.seq,
        JSON.stringify(attempt),
      );
      keep(this.#attempts, attempt.attemptId, attempt);
      const ids = this.#attemptIds.get(attempt.orderId);
      if (ids?.includes(attempt.attemptId) === false)
        this.#attemptIds.set(attempt.orderId, [...ids, attempt.attemptId]);
    }
  }

  meta(key: MetaKey): string | null {
    let value = this.#meta.get(key);
    if (value === undefined) {
      value = this.st.getMeta.get(key) ?? null;
      this.#meta.set(key, value);
    }
    return value;
  }
  setMeta(key: MetaKey, value: string): void {
    this.st.setMeta.run(key, value);
    this.#meta.set(key, value);
  }
  dropMeta(key: MetaKey): void {
    this.st.dropMeta.run(key);
    this.#meta.set(key, null);
  }
  /** Where the chain of this journal begins when older facts were pruned. */
  anchor(): Anchor | null {
    const text = this.meta('anchor');
    return text === null ? null : (JSON.parse(text) as Anchor);
  }
}

function kept<T>(
  cache: Map<string, T>,
  id: string,
  read: Database.Statement<[string], string>,
): T | undefined {
  const have = cache.get(id);
  if (have !== undefined) return have;
  const text = read.get(id);
  if (text === undefined) return undefined;
  const row = JSON.parse(text) as T;
  keep(cache, id, row);
  return row;
}

function keep<T>(cache: Map<string, T>, id: string, row: T): void {
  if (cache.size >= KEPT_ROWS && !cache.has(id)) cache.clear();
  cache.set(id, row);
}
