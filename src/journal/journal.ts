import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Account, UploadEvent } from '../shared/central-api.ts';
import { canonicalJson } from '../shared/central-api.ts';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { EVENTS } from '../shared/events.ts';
import type { JournalEvent } from '../shared/events.ts';
import { eventHash, genesisHash } from '../shared/journal-hash.ts';
import { toHex } from '../shared/bytes.ts';
import type { Clock, Random } from '../shared/ports.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { fold } from './fold.ts';
import type { AttemptRow, OrderRow } from './fold.ts';
import { migrate } from './schema.ts';
import { SecondLog, syncFolder } from './second-log.ts';
import type { LoggedEvent } from './second-log.ts';

export interface JournalOptions {
  readonly dataDir: string;
  readonly secondPath: string;
  readonly terminalId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Called before the process must end: a write or fsync error is never retried. */
  readonly onFatal: (failure: Failure) => void;
}

/** Free space below which selling stops, and below which the journal counts as full. */
export const MIN_FREE_BYTES = 128 * 1024 * 1024;
/** How long a closed attempt is still asked about: a WeChat code lives 2 h, an order 7 days at most for late notices; the day after covers the bill. */
export const ASK_CLOSED_MS = 25 * 3600_000;

/**
 * The journal: append-only facts in SQLite, and the order and attempt rows folded from them. One connection, one
 * process. `append` returns only when its events are on disk twice (SQLite with synchronous FULL, then the second
 * log): only then may an effect begin.
 */
export class Journal {
  readonly #db: Database.Database;
  readonly #lock: Database.Database;
  readonly #second: SecondLog;
  readonly #options: JournalOptions;
  readonly #bootId: string;
  readonly epoch: number;
  #lastSeq: number;
  #lastHash: string;
  #dead = false;

  private constructor(db: Database.Database, lock: Database.Database, second: SecondLog, options: JournalOptions, epoch: number, lastSeq: number, lastHash: string) {
    this.#db = db;
    this.#lock = lock;
    this.#second = second;
    this.#options = options;
    this.#bootId = toHex(options.random.bytes(8));
    this.epoch = epoch;
    this.#lastSeq = lastSeq;
    this.#lastHash = lastHash;
  }

  static file(dataDir: string): string {
    return join(dataDir, 'journal.db');
  }

  /**
   * Opens or makes the journal of this terminal. JRNL-0101 cannot be opened or held by another process, JRNL-0102
   * schema, JRNL-0103 damaged (quick_check, chain or second log), JRNL-0105 not synchronous.
   */
  static open(options: JournalOptions): Result<Journal, Failure> {
    let lock: Database.Database | null = null;
    let db: Database.Database | null = null;
    const fail = (f: Failure): Result<Journal, Failure> => {
      db?.close();
      lock?.close();
      return err(f);
    };
    try {
      mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
      // A second core on the same folder must never run: this lock is the operating system's and dies with the process.
      lock = new Database(join(options.dataDir, 'core.lock'), { timeout: 0 });
      lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    } catch (cause) {
      return fail(failure('JRNL-0101', 'the data folder is in use by another core, or cannot be written', cause));
    }
    try {
      db = new Database(Journal.file(options.dataDir));
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma('foreign_keys = ON');
      db.pragma('trusted_schema = OFF');
      db.pragma('cell_size_check = ON');
      if (db.pragma('quick_check', { simple: true }) !== 'ok') return fail(failure('JRNL-0103', 'quick_check failed'));
      const migrated = migrate(db);
      if (!migrated.ok) return fail(migrated.error);
      const get = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
      const set = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
      const owner = get.get('terminal_id');
      if (owner === undefined) {
        db.transaction(() => {
          set.run('terminal_id', options.terminalId);
          set.run('epoch', '1');
          set.run('order_counter', '0');
        })();
        syncFolder(options.dataDir);
      } else if (owner !== options.terminalId) {
        return fail(failure('JRNL-0101', `the journal belongs to terminal ${owner}`));
      }
      set.run('opened', String(options.clock.nowMs()));
      // Asked after the first write: WAL may otherwise answer FULL and run NORMAL (SQLite's default for WAL builds).
      if (db.pragma('synchronous', { simple: true }) !== 2 || db.pragma('journal_mode', { simple: true }) !== 'wal') return fail(failure('JRNL-0105'));
      const epoch = Number(get.get('epoch'));
      const last = db.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1').get();
      const second = SecondLog.open(options.secondPath, epoch);
      const journal = new Journal(db, lock, second, options, epoch, last?.seq ?? 0, last?.hash ?? genesisHash(options.terminalId, epoch));
      const joined = journal.#joinSecondLog();
      if (!joined.ok) {
        journal.close();
        return joined;
      }
      return ok(journal);
    } catch (cause) {
      return fail(failure('JRNL-0101', undefined, cause));
    }
  }

  /** The last events may be in SQLite and not yet in the second log (killed between); the other way round is damage. */
  #joinSecondLog(): Result<void, Failure> {
    if (this.#second.lastSeq > this.#lastSeq) return err(failure('JRNL-0103', `the second log is ahead: ${this.#second.lastSeq} > ${this.#lastSeq}`));
    if (this.#second.lastSeq > 0) {
      const same = this.#db.prepare<[number], string>('SELECT hash FROM events WHERE seq = ?').pluck().get(this.#second.lastSeq);
      if (same !== undefined && same !== this.#second.lastHash) return err(failure('JRNL-0103', `the second log differs at ${this.#second.lastSeq}`));
    }
    const missing = this.#db.prepare<[number], EventRecord>('SELECT * FROM events WHERE seq > ? ORDER BY seq').all(this.#second.lastSeq);
    if (missing.length > 0) this.#second.append(missing.map(toLogged));
    return ok(undefined);
  }

  /** Appends events with their rows and outbox entries in one transaction, durable when it returns. @throws IllegalTransition (nothing is written). */
  append(events: readonly JournalEvent[]): void {
    if (events.length === 0) return;
    if (this.#dead) throw new Error('the journal is closed after a write error');
    const { clock } = this.#options;
    const logged: LoggedEvent[] = [];
    let seq = this.#lastSeq;
    let prevHash = this.#lastHash;
    const insert = this.#db.prepare('INSERT INTO events (seq, epoch, kind, wall_ms, mono_ms, boot_id, order_id, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    const outbox = this.#db.prepare('INSERT INTO outbox (seq) VALUES (?)');
    try {
      this.#db
        .transaction(() => {
          for (const event of events) {
            const body = EVENTS[event.kind].parse(event.body);
            seq += 1;
            const record = { epoch: this.epoch, seq, kind: event.kind, wallMs: clock.nowMs(), orderId: event.orderId, body };
            const hash = eventHash(prevHash, record);
            insert.run(seq, this.epoch, event.kind, record.wallMs, Math.round(clock.monoMs()), this.#bootId, event.orderId, canonicalJson(body), prevHash, hash);
            this.#write(fold(this, event, record.wallMs), seq);
            outbox.run(seq);
            logged.push({ ...record, prevHash, hash });
            prevHash = hash;
          }
        })
        .immediate();
    } catch (error) {
      if (error instanceof Database.SqliteError) this.#fatal(error);
      throw error;
    }
    this.#lastSeq = seq;
    this.#lastHash = prevHash;
    try {
      this.#second.append(logged);
    } catch (error) {
      this.#fatal(error);
      throw error;
    }
  }

  #fatal(cause: unknown): void {
    this.#dead = true;
    this.#options.onFatal(failure('JRNL-0101', 'a journal write failed; restart and recover from disk', cause));
  }

  #write(folded: ReturnType<typeof fold>, seq: number): void {
    const { order, attempt } = folded;
    if (order !== undefined) {
      this.#db
        .prepare('INSERT INTO orders (order_id, state, card_no, amount_fen, last_seq, row) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, last_seq = excluded.last_seq, row = excluded.row')
        .run(order.orderId, order.state, order.quote.cardNo, order.quote.amountFen, seq, canonicalJson(order));
    }
    if (attempt !== undefined) {
      this.#db
        .prepare('INSERT INTO attempts (attempt_id, order_id, state, out_trade_no, out_refund_no, amount_fen, created_ms, last_seq, row) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (attempt_id) DO UPDATE SET state = excluded.state, last_seq = excluded.last_seq, row = excluded.row')
        .run(attempt.attemptId, attempt.orderId, attempt.state, attempt.outTradeNo, attempt.outRefundNo, attempt.amountFen, attempt.createdMs, seq, canonicalJson(attempt));
    }
  }

  // ---- rows ----
  readonly order = (orderId: string): OrderRow | undefined => parseRow<OrderRow>(this.#db.prepare<[string], string>('SELECT row FROM orders WHERE order_id = ?').pluck().get(orderId));
  readonly attempt = (attemptId: string): AttemptRow | undefined => parseRow<AttemptRow>(this.#db.prepare<[string], string>('SELECT row FROM attempts WHERE attempt_id = ?').pluck().get(attemptId));

  attemptsOf(orderId: string): AttemptRow[] {
    return this.#db.prepare<[string], string>('SELECT row FROM attempts WHERE order_id = ? ORDER BY created_ms, attempt_id').pluck().all(orderId).map((r) => JSON.parse(r) as AttemptRow);
  }

  /** Orders that the kiosk still has to bring to an end: open ones, and those with an attempt that holds, or could still receive, money. */
  openOrders(): OrderRow[] {
    const since = this.#options.clock.nowMs() - ASK_CLOSED_MS;
    return this.#db
      .prepare<[number], string>(
        `SELECT row FROM orders WHERE state NOT IN ('delivered','closed','refunded','parked')
           OR order_id IN (SELECT order_id FROM attempts WHERE state IN ('creating','pending','closing','refunding')
                           OR (state = 'paid' AND json_extract(row, '$.taken') = 0)
                           OR (state = 'closed' AND created_ms > ?)) ORDER BY order_id`,
      )
      .pluck()
      .all(since)
      .map((r) => JSON.parse(r) as OrderRow);
  }

  orders(): OrderRow[] {
    return this.#db.prepare<[], string>('SELECT row FROM orders ORDER BY last_seq').pluck().all().map((r) => JSON.parse(r) as OrderRow);
  }

  /** A new order number: the counter is durable before it is used, so that it is never given twice. */
  nextOrderNumber(): number {
    return this.#db.transaction(() => {
      const n = Number(this.meta('order_counter') ?? '0') + 1;
      this.setMeta('order_counter', String(n));
      return n;
    })();
  }

  // ---- outbox ----
  /** The oldest events that central has not acknowledged. */
  unsent(limit: number): { fromSeq: number; prevHash: string; events: UploadEvent[] } | null {
    const rows = this.#db.prepare<[number], EventRecord>('SELECT e.* FROM outbox o JOIN events e USING (seq) ORDER BY seq LIMIT ?').all(limit);
    const first = rows[0];
    if (first === undefined) return null;
    return { fromSeq: first.seq, prevHash: first.prev_hash, events: rows.map((r) => ({ seq: r.seq, kind: r.kind, wallMs: r.wall_ms, orderId: r.order_id, body: JSON.parse(r.body) as unknown, hash: r.hash })) };
  }

  /** Central holds everything up to `seq` with this hash. False: the hash is not ours (fork). */
  acknowledge(seq: number, hash: string): boolean {
    if (seq > 0) {
      const ours = this.#db.prepare<[number], string>('SELECT hash FROM events WHERE seq = ?').pluck().get(seq);
      if (ours !== hash) return false;
    }
    this.#db.prepare('DELETE FROM outbox WHERE seq <= ?').run(seq);
    return true;
  }

  /** Central holds less than we thought: everything from `seq` on is to be sent again. */
  resendFrom(seq: number): void {
    this.#db.prepare('INSERT OR IGNORE INTO outbox (seq) SELECT seq FROM events WHERE seq >= ?').run(seq);
  }

  unsynced(): { events: number; oldestMs: number | null; soldFen: number } {
    const row = this.#db.prepare<[], { n: number; oldest: number | null }>('SELECT count(*) n, min(e.wall_ms) oldest FROM outbox o JOIN events e USING (seq)').get();
    const sold = this.#db
      .prepare<[], number>("SELECT coalesce(sum(json_extract(e.body, '$.amountFen')), 0) FROM outbox o JOIN events e USING (seq) WHERE e.kind = 'order-paid'")
      .pluck()
      .get();
    return { events: row?.n ?? 0, oldestMs: row?.oldest ?? null, soldFen: sold ?? 0 };
  }

  /** Our deliveries to a card beyond `count`, oldest first: all of them, or only those that central has not acknowledged. */
  deliveriesBeyond(cardNo: string, count: number, which: 'all' | 'unacknowledged'): { count: number; quantity: number }[] {
    return this.#db
      .prepare<[string, number], { count: number; quantity: number }>(
        `SELECT json_extract(e.body, '$.count') count, json_extract(e.body, '$.quantity') quantity FROM orders r
          JOIN events e ON e.order_id = r.order_id ${which === 'all' ? '' : 'JOIN outbox USING (seq)'}
          WHERE r.card_no = ? AND e.kind = 'order-delivered' AND json_extract(e.body, '$.count') > ? ORDER BY count`,
      )
      .all(cardNo, count);
  }

  // ---- what is kept of central's answers ----
  cacheAccount(account: Account, fetchedMs: number): void {
    this.#db.prepare('INSERT INTO account_cache (card_no, fetched_ms, body) VALUES (?, ?, ?) ON CONFLICT (card_no) DO UPDATE SET fetched_ms = excluded.fetched_ms, body = excluded.body').run(account.cardNo, fetchedMs, canonicalJson(account));
  }
  cachedAccount(cardNo: string): { account: Account; fetchedMs: number } | null {
    const row = this.#db.prepare<[string], { fetched_ms: number; body: string }>('SELECT fetched_ms, body FROM account_cache WHERE card_no = ?').get(cardNo);
    return row === undefined ? null : { account: JSON.parse(row.body) as Account, fetchedMs: row.fetched_ms };
  }
  meta(key: string): string | null {
    return this.#db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck().get(key) ?? null;
  }
  setMeta(key: string, value: string): void {
    this.#db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value);
  }

  get head(): { seq: number; hash: string } {
    return { seq: this.#lastSeq, hash: this.#lastHash };
  }

  /** Free bytes where the journal lives. */
  freeBytes(): number {
    const s = statfsSync(this.#options.dataDir);
    return s.bavail * s.bsize;
  }

  close(): void {
    this.#dead = true;
    this.#second.close();
    this.#db.close();
    this.#lock.close();
  }
}

interface EventRecord {
  seq: number;
  epoch: number;
  kind: string;
  wall_ms: number;
  order_id: string | null;
  body: string;
  prev_hash: string;
  hash: string;
}

function toLogged(r: EventRecord): LoggedEvent {
  return { epoch: r.epoch, seq: r.seq, kind: r.kind, wallMs: r.wall_ms, orderId: r.order_id, body: JSON.parse(r.body) as unknown, prevHash: r.prev_hash, hash: r.hash };
}

function parseRow<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
