import Database from 'better-sqlite3';
import { canonicalJson } from '../shared/canonical-json.ts';
import type { Account, UploadEvent } from '../shared/central-api/index.ts';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { EVENTS } from '../shared/facts/catalogue.ts';
import type { EventBody, EventKind, JournalEvent } from '../shared/facts/catalogue.ts';
import { genesisHash } from '../shared/journal-hash.ts';
import { shiftHash } from '../shared/shift-hash.ts';
import type { ClosedShift, Shift } from '../shared/shift.ts';
import { toHex } from '../shared/bytes.ts';
import type { Clock, Random } from '../shared/ports.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { judgeFor, makeBackup } from './backup.ts';
import type { BackupMade } from './backup.ts';
import { Book } from './book.ts';
import { Daybook, closedShifts, comparedOn } from './daybook.ts';
import { restatement } from './fold.ts';
import type { AttemptRow, OrderRow } from './fold.ts';
import { chainHash } from './hash.ts';
import { diskFailure, journalFailure, systemCode } from './disk-cause.ts';
import { inspect } from './inspect.ts';
import type { Found } from './inspect.ts';
import { readMoneyDay } from './money-day.ts';
import type { MoneyDay, MoneyQuery } from './money-day.ts';
import { placeOfTime, readBack } from './read-back.ts';
import type { BackFrom, BackRead } from './read-back.ts';
import { recentOrders } from './recent.ts';
import { carryOut, planRestore } from './restore.ts';
import { migrate } from './schema.ts';
import { SecondLogs } from './second-logs.ts';
import type { EpochSpan } from './second-logs.ts';
import { MOST_IN_ONE_APPEND } from './join.ts';
import { deletePruned, planPrune } from './prune.ts';
import { before, toLogged } from './records.ts';
import type { Anchor, LoggedEvent, MetaKey, Place } from './records.ts';
import { searchOrders } from './search.ts';
import type { OrderQuery } from './search.ts';
import type { Statements } from './statements.ts';
import { MIN_FREE_BYTES, journalFile } from './disk.ts';
import { BALLAST_BYTES, FULL_FREE_BYTES, fileStorage } from './storage.ts';
import type { JournalStorage } from './storage.ts';
import { verifyDatabase } from './verify.ts';
import type { VerifyReport } from './verify.ts';

export { MIN_FREE_BYTES } from './disk.ts';

export interface JournalOptions {
  readonly dataDir: string;
  readonly secondPath: string;
  readonly terminalId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Called before the process must end: a write or fsync error is never retried. */
  readonly onFatal: (failure: Failure) => void;
  /**
   * Where the journal lives; default: real files in `dataDir` and `secondPath`, which are not used
   * otherwise.
   */
  readonly storage?: JournalStorage;
  /**
   * Makes a backup of this journal in a process of its own: copying and judging takes as long as
   * the journal is long, and this process is to serve customers meanwhile. Never rejects. Left out:
   * it is made in this process.
   */
  readonly backupApart?: () => Promise<BackupMade>;
}

/**
 * Is the journal what central and the last run know it as? While it is not good nothing may be
 * sold.
 */
export type Condition =
  | { readonly kind: 'good' }
  /**
   * It was damaged and brought back. Good again once a technician accepted it and central granted
   * an epoch that was begun.
   */
  | {
      readonly kind: 'restored';
      readonly atMs: number;
      readonly why: string;
      readonly aside: string;
      readonly restoredSeq: number;
      readonly lostAfterSeq: number | null;
      readonly accepted: boolean;
      readonly epochGranted: boolean;
    }
  /**
   * Central holds other facts than this journal (an old disk, a cloned one). Good again in a new
   * epoch.
   */
  | {
      readonly kind: 'forked';
      readonly atMs: number;
      readonly why: string;
      readonly epochGranted: boolean;
    };

/**
 * `low`: sell nothing more. `full`: as low, and the ballast was given up so that what is in flight
 * can end.
 */
export type Space = 'ample' | 'low' | 'full';

/**
 * How long a closed attempt is still asked about, since a payment may have crossed with its
 * closing. Codes live 2 h at most; what is later still shows up in the platform's bill of the day.
 */
export const ASK_CLOSED_MS = 25 * 3600_000;
/** A shift of years is counted so many facts at a time: half a second, at 23 µs a fact. */
const COUNTED_AT_ONCE = 20_000;

/**
 * The journal: append-only facts in SQLite, and the order and attempt rows folded from them. One
 * connection, one process. `append` returns only when its events are on disk twice (SQLite with
 * synchronous FULL, then the second log): only then may an effect begin.
 */
export class Journal {
  readonly #storage: JournalStorage;
  readonly #options: JournalOptions;
  readonly #bootId: string;
  readonly #book: Book;
  readonly #st: Statements;
  readonly #daybook: Daybook;
  readonly #second: SecondLogs;
  /** The one that is being made. */
  #backup: Promise<BackupMade> | null = null;
  #head: Anchor;
  /** Highest number noted as sent, by epoch; read once from meta. */
  readonly #sent = new Map<number, number>();
  #dead = false;

  private constructor(db: Database.Database, storage: JournalStorage, options: JournalOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#bootId = toHex(options.random.bytes(8));
    this.#book = new Book(db);
    this.#st = this.#book.st;
    this.#daybook = new Daybook(db);
    const epoch = Number(this.#book.meta('epoch'));
    const last = this.#st.head.get();
    this.#head = last ?? { epoch, seq: 0, hash: genesisHash(options.terminalId, epoch) };
    this.#second = new SecondLogs(storage.second, {
      terminalId: options.terminalId,
      anchor: () => this.#book.anchor(),
      epochs: () => this.#epochs(),
      hashAt: (of, seq) => this.#hashAt(of, seq),
      logged: (of, afterSeq) => this.#logged(of, afterSeq),
    });
  }

  static file(dataDir: string): string {
    return journalFile(dataDir);
  }

  /**
   * Opens or makes the journal of this terminal; what is damaged is set aside whole and brought
   * back from backup and second log (see {@link condition}). JRNL-0101 cannot be opened or held by
   * another process, JRNL-0102 schema, JRNL-0105 not synchronous, JRNL-0107 damaged and nothing to
   * restore it from, JRNL-0108 the disk is read-only or fails.
   */
  static open(options: JournalOptions): Result<Journal, Failure> {
    const storage = options.storage ?? fileStorage(options.dataDir, options.secondPath);
    try {
      // A second core on the same folder must never run.
      storage.lock();
    } catch (cause) {
      storage.close();
      return err(
        systemCode(cause)?.startsWith('SQLITE_BUSY') === true
          ? failure('JRNL-0101', 'the data folder is in use by another core', cause)
          : diskFailure('the data folder cannot be written', cause, [options.dataDir]),
      );
    }
    for (let again = false; ; again = true) {
      try {
        const opened = Journal.#openLocked(storage, options);
        if (!opened.ok) storage.close();
        return opened;
      } catch (cause) {
        if (
          !again &&
          storage.ballast.held() &&
          (isSpaceError(cause) || storage.freeBytes() < FULL_FREE_BYTES)
        ) {
          storage.ballast.drop();
          continue;
        }
        storage.close();
        return err(
          diskFailure('the journal cannot be opened', cause, [options.dataDir, options.secondPath]),
        );
      }
    }
  }

  static #openLocked(storage: JournalStorage, options: JournalOptions): Result<Journal, Failure> {
    const { terminalId, clock } = options;
    storage.finishSwap();
    const found = inspect(storage, terminalId);
    if (found.kind === 'refused') return err(found.failure);
    if (found.kind === 'damaged') {
      const plan = planRestore(storage, terminalId, found.why);
      if (plan === null) return err(failure('JRNL-0107', found.why));
      carryOut(storage, plan, { terminalId, nowMs: clock.nowMs() });
    }
    const db = storage.open();
    const migrated = migrate(db);
    if (!migrated.ok) return migrated;
    const book = new Book(db);
    if (book.meta('terminal_id') === null) {
      db.transaction(() => {
        book.setMeta('terminal_id', terminalId);
        book.setMeta('epoch', '1');
        book.setMeta('order_counter', '0');
      })();
    }
    book.setMeta('opened', String(clock.nowMs()));
    // Asked after the first write: WAL may otherwise answer FULL and run NORMAL (SQLite's default
    // for WAL builds).
    if (
      storage.durable &&
      (db.pragma('synchronous', { simple: true }) !== 2 ||
        db.pragma('journal_mode', { simple: true }) !== 'wal')
    )
      return err(failure('JRNL-0105'));
    const journal = new Journal(db, storage, options);
    journal.#joinSecondLogs(found);
    return ok(journal);
  }

  /** See {@link SecondLogs.join}; what was made anew is said as a fact. */
  #joinSecondLogs(found: Found): void {
    const aside = `damaged-${this.#options.clock.nowMs()}`;
    const remade = this.#second.join(found, this.epoch, aside);
    // Cut between the beginning of an epoch and this.
    this.#restate();
    if (remade.length > 0 && found.kind !== 'damaged')
      this.append([
        {
          kind: 'maintenance-action',
          orderId: null,
          body: { who: 'core', action: 'second-log-remade', why: remade.join('; '), detail: aside },
        },
      ]);
  }

  /** Epochs that have facts here, rising, each with its last number. */
  #epochs(): EpochSpan[] {
    const found: EpochSpan[] = [];
    for (let epoch = 0; ;) {
      const next = this.#st.nextEpoch.get(epoch) ?? null;
      if (next === null) return found;
      found.push({ epoch: next, last: this.#st.lastOf.get(next) ?? 0 });
      epoch = next;
    }
  }
  #hashAt(epoch: number, seq: number): string | undefined {
    const anchor = this.#book.anchor();
    if (anchor !== null && anchor.epoch === epoch && anchor.seq === seq) return anchor.hash;
    return this.#st.hashAt.get(epoch, seq);
  }
  *#logged(epoch: number, afterSeq: number): Generator<LoggedEvent> {
    for (const r of this.#st.missing.iterate(epoch, afterSeq)) yield toLogged(r);
  }

  /**
   * Appends events with their rows and outbox entries in one transaction, durable when it returns.
   *
   * @throws IllegalTransition (nothing is written).
   */
  append(events: readonly JournalEvent[]): void {
    if (events.length > 0) this.#append(events, null);
  }

  /**
   * A request, and beside the fact what identifies its customer (sealed): durable together when it
   * returns.
   */
  makeRequest(body: EventBody<'request-made'>, sealed: string): void {
    this.#append([{ kind: 'request-made', orderId: null, body }], ({ epoch, seq }) => {
      this.#st.putPart.run(body.number, epoch, seq, body.madeMs, sealed);
    });
  }

  /** How many requests were made here since then, of those whose sealed part is still kept. */
  requestsSince(ms: number): number {
    return this.#st.partsSince.get(ms) ?? 0;
  }

  /** Sealed parts that central has not got, the oldest first, of facts that it has. */
  unsentParts(limit: number): { readonly number: string; readonly sealed: string }[] {
    return this.#st.unsentParts.all(limit);
  }

  /** Central has the sealed part of this request. */
  partTaken(number: string): void {
    this.#write(() => this.#st.ackPart.run(this.#options.clock.nowMs(), number), true);
  }

  /**
   * Deletes the sealed parts that central got before `keepMs`, and whatever is older than
   * `oldestMs` though nobody took it.
   */
  forgetParts(keepMs: number, oldestMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    this.#write(() => this.#st.forgetParts.run(nowMs - keepMs, nowMs - oldestMs), true);
  }

  /** `also` runs in the same transaction, after the events. `epoch`: they begin this one. */
  #append(
    events: readonly JournalEvent[],
    also: ((last: Anchor) => void) | null,
    epoch = this.#head.epoch,
  ): void {
    if (this.#dead) throw new Error('the journal is closed after a write error');
    const { clock, terminalId } = this.#options;
    const logged: LoggedEvent[] = [];
    const begins = epoch !== this.#head.epoch;
    let head: Anchor = begins
      ? { epoch, seq: 0, hash: genesisHash(terminalId, epoch) }
      : this.#head;
    this.#write(() => {
      for (const event of events) {
        const body = EVENTS[event.kind].parse(event.body);
        const seq = head.seq + 1;
        const wallMs = clock.nowMs();
        const bodyJson = canonicalJson(body);
        const hash = chainHash(head.hash, {
          epoch,
          seq,
          kind: event.kind,
          wallMs,
          orderId: event.orderId,
          bodyJson,
        });
        this.#book.put(event, {
          epoch,
          seq,
          wallMs,
          monoMs: Math.round(clock.monoMs()),
          bootId: this.#bootId,
          bodyJson,
          prevHash: head.hash,
          hash,
        });
        logged.push({
          epoch,
          seq,
          kind: event.kind,
          wallMs,
          orderId: event.orderId,
          body,
          prevHash: head.hash,
          hash,
        });
        head = { epoch, seq, hash };
      }
      also?.(head);
      this.#storage.beforeCommit?.();
    });
    this.#head = head;
    try {
      if (begins) this.#second.begin(epoch, `damaged-${clock.nowMs()}`);
      this.#second.append(logged);
    } catch (error) {
      this.#fatal(error);
      throw error;
    }
  }

  /**
   * One transaction; an error of the database ends the process. `single`: `fn` runs one statement,
   * which is a transaction by itself.
   */
  #write<T>(fn: () => T, single = false): T {
    if (this.#dead) throw new Error('the journal is closed after a write error');
    try {
      if (!single) this.#st.begin.run();
      const value = fn();
      if (!single) this.#st.commit.run();
      return value;
    } catch (error) {
      if (this.#book.db.inTransaction) this.#st.rollback.run();
      this.#book.forget();
      if (error instanceof Database.SqliteError) this.#fatal(error);
      throw error;
    }
  }

  #fatal(cause: unknown): void {
    this.#dead = true;
    this.#options.onFatal(
      journalFailure('a journal write failed; restart and recover from disk', cause),
    );
  }

  // ---- rows ----
  readonly order = (orderId: string): OrderRow | undefined => this.#book.order(orderId);
  readonly attempt = (attemptId: string): AttemptRow | undefined => this.#book.attempt(attemptId);

  attemptsOf(orderId: string): AttemptRow[] {
    return this.#book.attemptsOf(orderId);
  }

  /**
   * Orders that the kiosk still has to bring to an end: open ones, and those with an attempt that
   * holds, or could still receive, money.
   */
  openOrders(): OrderRow[] {
    // Never later than it is: central's time as last heard, where the machine's clock was set
    // forward; else that clock.
    const nowMs = Math.min(
      this.#options.clock.nowMs(),
      this.centralMs() ?? Number.POSITIVE_INFINITY,
    );
    return parsed<OrderRow>(this.#st.openOrders.all(nowMs - ASK_CLOSED_MS));
  }

  /** Central's clock as it was last kept here; null: never heard. It is at least that late now. */
  centralMs(): number | null {
    const text = this.meta('central_ms');
    return text === null ? null : Number(text);
  }

  /** The policy that was taken last, by the facts that are kept; null: none. Reads all of them. */
  policyVersionTaken(): number | null {
    const version = this.#st.policyTaken.get();
    return version === undefined ? null : version;
  }

  orders(): OrderRow[] {
    return parsed<OrderRow>(this.#st.orders.all());
  }

  /** The orders of an account, or of a card, that changed last: the newest forty at the most. */
  lastOrdersOf(
    of: { readonly userNo: string } | { readonly cardNo: string },
    limit = 40,
  ): OrderRow[] {
    return parsed<OrderRow>(
      'userNo' in of
        ? this.#st.lastOfAccount.all(of.userNo, limit)
        : this.#st.lastOfCard.all(of.cardNo, limit),
    );
  }

  /** What a technician looks at: parked and not settled first, then open ones, then the newest. */
  recentOrders(limit: number): OrderRow[] {
    return recentOrders(this.#book.db, this.#head, limit);
  }

  /** Orders that somebody looks for, what changed last first: `most` of them. */
  search(query: OrderQuery, most: number): OrderRow[] {
    return searchOrders(this.#book.db, query, most);
  }

  /** A stretch of the facts, read backwards: see {@link readBack}. */
  readBack(from: BackFrom, kinds: ReadonlySet<string>, most: number, stretch: number): BackRead {
    return readBack(this.#book.db, from, kinds, most, stretch);
  }

  /** Where the facts of that wall time and later begin: see {@link placeOfTime}. */
  placeOfTime(wallMs: number): Place {
    return placeOfTime(this.#book.db, wallMs, this.#head);
  }

  /** All facts of one order (of another kiosk's too, where it was finished here), oldest first. */
  story(
    orderId: string,
  ): { readonly atMs: number; readonly kind: EventKind; readonly body: unknown }[] {
    return this.#st.story.all(orderId).map((r) => ({
      atMs: r.wall_ms,
      kind: r.kind as EventKind,
      body: JSON.parse(r.body) as unknown,
    }));
  }

  /** What this journal says of money in a span of time (reconciliation). */
  moneyDay(query: MoneyQuery): MoneyDay {
    return readMoneyDay(this.#book.db, query);
  }

  /**
   * The money of the shift that is open, up to now; null: it is still being counted, and goes on
   * when this is asked again.
   */
  openShift(most = COUNTED_AT_ONCE): Shift | null {
    return this.#daybook.soFar(this.#head, most);
  }

  /**
   * Closes the open shift; the next one begins with this very fact. Null: it is still being
   * counted.
   */
  closeShift(who: string, why: string): Shift | null {
    const closing = this.#closing(who, why);
    if (closing === null) return null;
    this.append([closing]);
    return closing.body.shift;
  }

  #closing(who: string, why: string): Extract<JournalEvent, { kind: 'shift-closed' }> | null {
    const shift = this.openShift();
    return shift === null
      ? null
      : { kind: 'shift-closed', orderId: null, body: { shift, hash: shiftHash(shift), who, why } };
  }

  /** The shifts that were closed last, the newest first; also those whose facts were pruned. */
  closedShifts(most: number): ClosedShift[] {
    return closedShifts(this.#book.db, most);
  }

  /** What was found when a day's bills were compared, by provider; empty: they were not, yet. */
  comparedOn(date: string): EventBody<'reconciled'>[] {
    return comparedOn(this.#book.db, date);
  }

  get terminalId(): string {
    return this.#options.terminalId;
  }

  /**
   * The order under the digits of a slip (terminal's last four, counter, four random ones; blanks
   * do not matter). Undefined: none here.
   */
  findByRef(ref: string): OrderRow | undefined {
    const m = /^(\d{4})(\d{4,})(\d{4})$/.exec(ref.replaceAll(/[\s-]/g, ''));
    if (m === null) return undefined;
    const text = this.#st.byRef.get(`PL-%${m[1] ?? ''}-%-${m[2] ?? ''}-${m[3] ?? ''}`);
    return text === undefined ? undefined : (JSON.parse(text) as OrderRow);
  }

  /** A new order number: the counter is durable before it is used, so that it is never given twice. */
  nextOrderNumber(): number {
    return this.#write(() => {
      const n = Number(this.meta('order_counter') ?? '0') + 1;
      this.#book.setMeta('order_counter', String(n));
      return n;
    }, true);
  }

  // ---- outbox ----
  /** The oldest events that central has not acknowledged, of one epoch and without a hole. */
  unsent(
    limit: number,
  ): { epoch: number; fromSeq: number; prevHash: string; events: UploadEvent[] } | null {
    const rows = this.#st.unsent.all(limit);
    const first = rows[0];
    if (first === undefined) return null;
    const { epoch } = first;
    return {
      epoch,
      fromSeq: first.seq,
      prevHash: first.prev_hash,
      events: rows
        .filter((r, i) => r.epoch === epoch && r.seq === first.seq + i)
        .map((r) => ({
          seq: r.seq,
          kind: r.kind,
          wallMs: r.wall_ms,
          orderId: r.order_id,
          body: JSON.parse(r.body) as unknown,
          hash: r.hash,
        })),
    };
  }

  /**
   * An upload that carries the facts of `epoch` up to `seq` is about to leave; durable when it
   * returns.
   */
  noteSent(epoch: number, seq: number): void {
    if (seq <= this.#sentUpTo(epoch)) return;
    this.#write(() => {
      this.#book.setMeta(`sent:${epoch}`, String(seq));
    }, true);
    this.#sent.set(epoch, seq);
  }

  #sentUpTo(epoch: number): number {
    const known = this.#sent.get(epoch);
    if (known !== undefined) return known;
    const seq = Number(this.meta(`sent:${epoch}`) ?? '0');
    this.#sent.set(epoch, seq);
    return seq;
  }

  /**
   * May central have let another kiosk finish this order? True once any of its write facts may have
   * left this kiosk, and for every order of a journal of which another copy went on elsewhere or
   * facts may be missing.
   */
  mayBeReported(orderId: string): boolean {
    if (this.#st.inDoubtWrites.all(orderId).some((at) => at.seq <= this.#sentUpTo(at.epoch)))
      return true;
    const text = this.meta('suspect');
    if (text === null) return false;
    const first = this.#st.firstOf.get(orderId);
    return first !== undefined && !before(JSON.parse(text) as Place, first);
  }

  /** Central was told all of this order that it ever will be: nothing of it waits to be sent. */
  isTold(orderId: string): boolean {
    return this.#st.waiting.get(orderId) === undefined;
  }

  /**
   * Central holds everything of `epoch` up to `seq` with this hash. False: the hash is not ours
   * (fork).
   */
  acknowledge(epoch: number, seq: number, hash: string): boolean {
    if (seq > 0 && this.#hashAt(epoch, seq) !== hash) return false;
    this.#write(() => this.#st.acked.run(epoch, seq), true);
    return true;
  }

  /**
   * Central holds less than we thought: everything of `epoch` from `seq` on is to be sent again.
   * False: that one was pruned, stranded, or is not of this journal.
   */
  resendFrom(epoch: number, seq: number): boolean {
    const anchor = this.#book.anchor();
    if (seq < 1 || (anchor !== null && !before(anchor, { epoch, seq }))) return false;
    this.#write(() => {
      this.#st.resend.run(epoch, seq);
      // What it forgot of the facts it forgot beside them too.
      this.#st.resendParts.run(epoch, seq);
    });
    return this.#st.queued.get(epoch, seq) !== undefined;
  }

  /**
   * Central refused these facts for good (fork, or an epoch that is over): kept, counted, no longer
   * sent. Orders among them are said again in the present epoch, at once or when it begins; those
   * of an epoch that is over may have gone on elsewhere (of the present one `needEpoch` says that).
   * Returns how many.
   */
  strand(epoch: number, fromSeq: number): number {
    const stranded = this.#write(() => {
      const { changes } = this.#st.strand.run(epoch, fromSeq);
      this.#st.unqueue.run(epoch, fromSeq);
      if (epoch < this.epoch) this.#suspect({ epoch, seq: this.#st.lastOf.get(epoch) ?? 0 });
      return changes;
    });
    this.#restate();
    return stranded;
  }

  /** What is kept here only, since central refused it. */
  stranded(): { events: number; orders: number } {
    return this.#st.stranded.get() ?? { events: 0, orders: 0 };
  }

  /**
   * Says each order with facts stranded in an epoch before this one whole, once; and each request
   * again, under its number.
   */
  #restate(): void {
    const { epoch } = this;
    for (const text of this.#st.requestsToRestate.all(epoch)) {
      const body = JSON.parse(text) as EventBody<'request-made'>;
      this.#append([{ kind: 'request-made', orderId: null, body }], (at) => {
        this.#st.requestRestated.run(epoch, body.number);
        this.#st.movePart.run(at.epoch, at.seq, body.number);
      });
    }
    const orderIds = this.#st.toRestate.all(epoch);
    for (let at = 0; at < orderIds.length; at += MOST_IN_ONE_APPEND) {
      const some = orderIds.slice(at, at + MOST_IN_ONE_APPEND);
      this.#append(
        some.map((orderId): JournalEvent => ({
          kind: 'order-restated',
          orderId,
          body: restatement(this.order(orderId), this.attemptsOf(orderId)),
        })),
        () => {
          for (const orderId of some) this.#st.restated.run(epoch, orderId);
        },
      );
    }
  }

  /** What central has still to get; stranded facts are not among them. */
  unsynced(): { events: number; oldestMs: number | null; soldFen: number } {
    const row = this.#st.unsynced.get();
    if (row === undefined || row.n === 0) return { events: 0, oldestMs: null, soldFen: 0 };
    return { events: row.n, oldestMs: row.oldest, soldFen: this.#st.unsyncedFen.get() ?? 0 };
  }

  /**
   * Our deliveries to any card of an account beyond `count`, oldest first: all of them, or only
   * those that central has not acknowledged. `soldMs`: as of which moment each was priced.
   */
  deliveriesBeyond(
    userNo: string,
    count: number,
    which: 'all' | 'unacknowledged',
  ): { count: number; quantity: number; soldMs: number }[] {
    return (which === 'all' ? this.#st.deliveriesAll : this.#st.deliveriesUnacknowledged).all(
      userNo,
      count,
    );
  }

  /** Did this account get something while central was away that central does not know of yet? */
  soldOffline(userNo: string): boolean {
    return this.#st.soldOffline.get(userNo) !== undefined;
  }

  /**
   * An order of ours for another card of this account that took money and has not ended, or waits
   * for a person: it may yet use the account's next count.
   */
  unfinishedOfOtherCard(userNo: string, cardNo: string): OrderRow | undefined {
    const text = this.#st.unfinishedOfOtherCard.get(userNo, cardNo);
    return text === undefined ? undefined : (JSON.parse(text) as OrderRow);
  }

  // ---- epochs and damage ----
  /** The epoch that is written now. */
  get epoch(): number {
    return this.#head.epoch;
  }
  /** The last fact; `seq` 0 with the genesis hash before the first. */
  get head(): Anchor {
    return this.#head;
  }

  /**
   * Begins an epoch that central granted; durable when it returns. False: it is not newer than the
   * present one, and nothing was done.
   */
  beginEpoch(epoch: number, why: string): boolean {
    if (!Number.isSafeInteger(epoch) || epoch <= this.epoch) return false;
    const { epoch: previousEpoch, seq: previousSeq, hash: previousHash } = this.#head;
    this.#append(
      [
        {
          kind: 'epoch-began',
          orderId: null,
          body: { previousEpoch, previousSeq, previousHash, why },
        },
      ],
      () => {
        this.#book.setMeta('epoch', String(epoch));
        const condition = this.condition();
        if (condition.kind !== 'good') this.#setCondition({ ...condition, epochGranted: true });
      },
      epoch,
    );
    this.#restate();
    return true;
  }

  /** Whether anything may be sold on this journal; kept across restarts. */
  condition(): Condition {
    const text = this.meta('condition');
    return text === null ? { kind: 'good' } : (JSON.parse(text) as Condition);
  }
  #setCondition(condition: Condition): void {
    const over =
      condition.kind === 'good' ||
      (condition.epochGranted && (condition.kind === 'forked' || condition.accepted));
    if (over) this.#book.dropMeta('condition');
    else this.#book.setMeta('condition', JSON.stringify(condition));
  }

  /**
   * A technician has looked at a restored journal and lets it go on. False: there is nothing to
   * accept.
   */
  acceptDamage(who: string, why: string): boolean {
    const condition = this.condition();
    if (condition.kind !== 'restored' || condition.accepted) return false;
    this.#append([{ kind: 'damage-accepted', orderId: null, body: { who, why } }], () => {
      this.#setCondition({ ...condition, accepted: true });
    });
    return true;
  }

  /**
   * Central found other facts under our numbers: nothing is sold until an epoch that it grants has
   * begun. Orders held here may have gone on elsewhere.
   */
  needEpoch(why: string): void {
    const condition = this.condition();
    if (condition.kind !== 'good' && !condition.epochGranted && condition.kind === 'forked') return;
    this.#write(() => {
      const { epoch, seq } = this.#head;
      this.#suspect({ epoch, seq });
      this.#setCondition(
        condition.kind === 'restored'
          ? { ...condition, epochGranted: false }
          : { kind: 'forked', atMs: this.#options.clock.nowMs(), why, epochGranted: false },
      );
    });
  }

  /** Orders up to here may have a life that is not on this disk. */
  #suspect(upto: Place): void {
    const text = this.meta('suspect');
    if (text === null || before(JSON.parse(text) as Place, upto))
      this.#book.setMeta('suspect', JSON.stringify({ epoch: upto.epoch, seq: upto.seq }));
  }

  // ---- upkeep ----
  /** Checks everything on this very connection; takes as long as the journal is long. */
  verify(): VerifyReport {
    return verifyDatabase(this.#book.db, this.#storage.second);
  }

  /**
   * A verified copy of the database, named after its head; the newest two are kept. Asked for while
   * one is being made: that one. Never rejects.
   */
  backup(): Promise<BackupMade> {
    if (this.#backup !== null) return this.#backup;
    const { backups } = this.#storage;
    const { backupApart, terminalId } = this.#options;
    const made =
      backupApart?.() ??
      makeBackup(backups, () => backups.make(this.#book.db, judgeFor(terminalId)));
    this.#backup = made;
    void made.finally(() => {
      this.#backup = null;
    });
    return made;
  }

  /**
   * Deletes the oldest facts: those that central acknowledged, older than `keepMs`, of orders that
   * need nothing from anybody and are wholly among them; the chain goes on from an anchor. Null:
   * there was nothing to delete.
   */
  prune(keepMs: number): { readonly events: number; readonly orders: number } | null {
    const { db } = this.#book;
    const open = new Set(this.openOrders().map((o) => o.orderId));
    const plan = planPrune(db, this.#head, open, this.#options.clock.nowMs() - keepMs);
    if (plan === null) return null;
    const { anchor, events, orderIds } = plan;
    // What is pruned is settled: its money stands in a closed shift, and the last one's fact stays.
    const last = this.#daybook.last();
    const settling = last === null || !before(anchor, last.at);
    const closing = settling ? this.#closing('core', 'facts of it are pruned') : null;
    if (settling && closing === null) return null;
    this.#append(
      [
        ...(closing === null ? [] : [closing]),
        {
          kind: 'journal-pruned',
          orderId: null,
          body: {
            epoch: anchor.epoch,
            uptoSeq: anchor.seq,
            uptoHash: anchor.hash,
            events,
            orders: orderIds.length,
          },
        },
      ],
      () => {
        deletePruned(db, plan, (work) => {
          this.#book.setMeta('pruning', 'now');
          work();
          this.#book.dropMeta('pruning');
        });
        this.#book.setMeta('anchor', JSON.stringify(anchor));
      },
    );
    this.#book.forget();
    return { events, orders: orderIds.length };
  }

  /** See {@link SecondLogs.shorten}. */
  shortenSecondLogs(): Promise<void> {
    return this.#second.shorten((cause) => this.#fatal(cause));
  }

  /** How much room there is for facts. Gives the ballast up when there is none. */
  space(): Space {
    const free = this.#storage.freeBytes();
    if (free >= MIN_FREE_BYTES) return 'ample';
    if (free >= FULL_FREE_BYTES) return 'low';
    if (this.#storage.ballast.held()) this.#storage.ballast.drop();
    return 'full';
  }

  /**
   * Takes room for the end of what is in flight while there is ample of it. Called at start and now
   * and then; takes a moment when it makes the file.
   */
  keepBallast(): void {
    const { ballast } = this.#storage;
    if (ballast.held() || this.#storage.freeBytes() <= MIN_FREE_BYTES + BALLAST_BYTES) return;
    try {
      ballast.make(BALLAST_BYTES, this.#options.random.bytes(1 << 16));
    } catch {
      // Somebody else took the room meanwhile: it is asked for again.
      ballast.drop();
    }
  }

  /** Free bytes where the journal or its second log lives, whichever has less. */
  freeBytes(): number {
    return this.#storage.freeBytes();
  }

  // ---- what is kept of central's answers ----
  cacheAccount(account: Account, fetchedMs: number): void {
    this.#write(
      () => this.#st.cacheAccount.run(account.cardNo, fetchedMs, canonicalJson(account)),
      true,
    );
  }
  cachedAccount(cardNo: string): { account: Account; fetchedMs: number } | null {
    const row = this.#st.cachedAccount.get(cardNo);
    return row === undefined
      ? null
      : { account: JSON.parse(row.body) as Account, fetchedMs: row.fetched_ms };
  }
  /** What was kept under this name; null: nothing. */
  meta(key: MetaKey): string | null {
    return this.#book.meta(key);
  }
  /** Durable when it returns. */
  setMeta(key: MetaKey, value: string): void {
    this.#write(() => {
      this.#book.setMeta(key, value);
    });
  }

  close(): void {
    this.#dead = true;
    this.#second.close();
    this.#storage.close();
  }
}

function parsed<T>(texts: readonly string[]): T[] {
  return texts.map((text) => JSON.parse(text) as T);
}

function isSpaceError(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | null)?.code;
  return code === 'SQLITE_FULL' || code === 'ENOSPC';
}
