import { terminalOf } from '../../shared/order-id.ts';
import type { UploadEvent } from '../../shared/central-api/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventKind, JournalEvent } from '../../shared/facts/catalogue.ts';
import { deleteRows, insertRows, updateRows } from '../db/sets.ts';
import { sqlState, storable } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { Books, Verdict } from './books.ts';
import { seeCards } from './card-seen.ts';
import type { Sight } from './card-seen.ts';
import { takeRequests } from '../requests/requests.ts';
import type { MadeRequest } from '../requests/requests.ts';
import { rateVisits } from './ratings.ts';
import type { RatedVisit } from './ratings.ts';
import { resetTaken, stopRefused } from './card-tries.ts';
import type { KeyRefusal, KeyTaken } from './card-tries.ts';
import { apply, changesBooks } from './facts.ts';
import { loadFor, loadWaiting } from './load.ts';
import type { HeldFact } from './load.ts';
import { HELD_FACTS, QUARANTINE } from './tables.ts';
import type { Trust } from './trust.ts';
import { write } from './write.ts';

/** Whose facts are posted. */
export interface Poster {
  readonly terminalId: string;
  readonly epoch: number;
  readonly nowMs: number;
  readonly trust: Trust;
}
/** A fact that the books are asked about, of the batch or one that waited. */
interface Entry {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly fact: JournalEvent;
}
/** What a person is to look at. */
interface Aside {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly orderId: string | null;
  readonly reason: string;
}

/**
 * What facts that were just taken do to the books: loaded, applied one after another in memory, and
 * written, in the batch's transaction.
 *
 * @returns the numbers of those that were set aside
 */
export async function post(
  tx: Sql,
  poster: Poster,
  events: readonly UploadEvent[],
): Promise<number[]> {
  const { terminalId, epoch, nowMs } = poster;
  const entries: Entry[] = [];
  const asides: Aside[] = [];
  const sights: Sight[] = [];
  const rated: RatedVisit[] = [];
  const made: MadeRequest[] = [];
  const refusals: KeyRefusal[] = [];
  const taken: KeyTaken[] = [];
  for (const { seq, wallMs, kind, orderId, body } of events) {
    const fact = factOf(kind, orderId, body);
    if (typeof fact === 'string')
      asides.push({ terminalId, epoch, seq, kind, orderId, reason: fact });
    else if (fact.kind === 'card-seen') sights.push({ terminalId, wallMs, body: fact.body });
    else if (fact.kind === 'visit-rated')
      rated.push({ orderId: fact.orderId ?? '', terminalId, wallMs, ...fact.body });
    else if (fact.kind === 'request-made') made.push({ seq, body: fact.body });
    else if (fact.kind === 'card-refused')
      refusals.push({ terminalId, wallMs, orderId, body: fact.body });
    else if (changesBooks(fact.kind)) entries.push({ terminalId, epoch, seq, wallMs, fact });
  }
  asides.push(...(await settle(tx, poster, entries)));
  // A read-back that was set aside lifts no stop.
  const doubted = new Set(
    asides.filter((a) => a.terminalId === terminalId && a.epoch === epoch).map((a) => a.seq),
  );
  for (const { seq, wallMs, fact } of entries)
    if (fact.orderId !== null && tookKey(fact) && !doubted.has(seq))
      taken.push({ orderId: fact.orderId, wallMs });
  // After what the same batch tells was bought.
  await seeCards(tx, sights, nowMs);
  await rateVisits(
    tx,
    rated.filter((r) => terminalOf(r.orderId) === terminalId),
    nowMs,
  );
  await stopRefused(tx, refusals, nowMs);
  await resetTaken(tx, taken, nowMs);
  const odd = await takeRequests(tx, poster, made);
  for (const [seq, reason] of odd)
    asides.push({ terminalId, epoch, seq, kind: 'request-made', orderId: null, reason });
  const rows = asides.toSorted((a, b) => a.seq - b.seq);
  await setAside(tx, rows, nowMs);
  const own = rows.filter((r) => r.terminalId === terminalId && r.epoch === epoch);
  const told = new Set(events.map((e) => e.seq));
  return own.flatMap((r) => (told.has(r.seq) ? [r.seq] : []));
}

/**
 * Judges again what waits behind an order or its account; for whoever changed that without a fact.
 * The caller has the locks (`load.ts`).
 */
export async function postWaiting(tx: Sql, poster: Poster, orderId: string): Promise<void> {
  await setAside(tx, await settleWaiting(tx, poster, orderId), poster.nowMs);
}

/** For a person. */
async function setAside(tx: Sql, asides: readonly Aside[], nowMs: number): Promise<void> {
  await insertRows(
    tx,
    QUARANTINE,
    asides.map((r) => ({
      terminal_id: r.terminalId,
      epoch: r.epoch,
      seq: r.seq,
      kind: storable(r.kind),
      order_id: storable(r.orderId),
      reason: storable(r.reason),
      at_ms: nowMs,
    })),
  );
}

/** It tells of a write that the card took. */
function tookKey(fact: JournalEvent): boolean {
  if (fact.kind === 'assist-ended') return fact.body.written && fact.body.verdict === 'after';
  return fact.kind === 'order-delivered' && fact.body.by === 'read-back';
}

/** The fact as the catalogue has it, or why it is none. */
function factOf(kind: string, orderId: string | null, body: unknown): JournalEvent | string {
  if (!Object.hasOwn(EVENTS, kind)) return `unknown kind ${kind.slice(0, 60)}`;
  const parsed = EVENTS[kind as EventKind].safeParse(body);
  if (!parsed.success)
    return `body: ${parsed.error.issues
      .map((i) => `${i.path.join('.')} ${i.message}`)
      .join('; ')
      .slice(0, 300)}`;
  return { kind, orderId, body: parsed.data } as JournalEvent;
}

const asideOf = ({ terminalId, epoch, seq, fact }: Entry, reason: string): Aside => ({
  terminalId,
  epoch,
  seq,
  kind: fact.kind,
  orderId: fact.orderId,
  reason,
});

/**
 * The facts that were set aside. What the database itself refuses (a text that it cannot hold) is
 * the fault of one fact, not of those beside it, nor of the one that it waited for: they are posted
 * one by one then, so that no fact holds up a terminal's journal for ever.
 */
async function settle(
  tx: Sql,
  poster: Poster,
  entries: readonly Entry[],
): Promise<readonly Aside[]> {
  const [first] = entries;
  if (first === undefined) return [];
  const asides = await unlessRefused(tx, () => postTogether(tx, poster, entries));
  if (typeof asides !== 'string') return asides;
  if (entries.length > 1) {
    const facts = entries.map((e) => ({ ...e.fact, orderId: storable(e.fact.orderId) }));
    // With what was undone its locks went: taken one by one they would be in nobody's order.
    await unlessRefused(tx, () => loadFor(tx, poster.terminalId, facts));
    const each: Aside[] = [];
    for (const entry of entries) each.push(...(await settle(tx, poster, [entry])));
    return each;
  }
  const alone = await unlessRefused(tx, () => postAlone(tx, poster, first));
  if (typeof alone === 'string') return [asideOf(first, alone)];
  const { orderId } = first.fact;
  return orderId === null ? alone : [...alone, ...(await settleWaiting(tx, poster, orderId))];
}

/** What waits behind an order or its account, one fact after another, until none can be taken. */
async function settleWaiting(tx: Sql, poster: Poster, orderId: string): Promise<readonly Aside[]> {
  const asides: Aside[] = [];
  for (let moved = true; moved;) {
    moved = false;
    for (const { row } of (await loadWaiting(tx, orderId)).held) {
      const judge = async (refused: string | null): Promise<Taken> => {
        const { books, held } = await loadWaiting(tx, orderId);
        const bench = new Bench(books, poster, held);
        const over = bench.takeWaiting(row, refused);
        await writeBench(tx, poster, books, bench);
        return { over, asides: bench.asides };
      };
      const told = await unlessRefused(tx, () => judge(null));
      const taken = typeof told === 'string' ? await judge(told) : told;
      asides.push(...taken.asides);
      moved ||= taken.over;
    }
  }
  return asides;
}
interface Taken {
  /** It waits no longer. */
  readonly over: boolean;
  readonly asides: readonly Aside[];
}

/** Behind a savepoint: what the database said, where it refused it and nothing of it counts. */
async function unlessRefused<T extends object>(
  tx: Sql,
  work: () => Promise<T>,
): Promise<T | string> {
  await tx.query('SAVEPOINT posting');
  try {
    const result = await work();
    await tx.query('RELEASE SAVEPOINT posting');
    return result;
  } catch (cause) {
    const reason = refusedData(cause);
    if (reason === null) throw cause;
    await tx.query('ROLLBACK TO SAVEPOINT posting');
    await tx.query('RELEASE SAVEPOINT posting');
    return reason;
  }
}

async function postTogether(
  tx: Sql,
  poster: Poster,
  entries: readonly Entry[],
): Promise<readonly Aside[]> {
  const { books, held } = await loadFor(
    tx,
    poster.terminalId,
    entries.map((e) => e.fact),
  );
  const bench = new Bench(books, poster, held);
  for (const entry of entries) bench.take(entry);
  await writeBench(tx, poster, books, bench);
  return bench.asides;
}

/** One fact, and nothing that waits for it. */
async function postAlone(tx: Sql, poster: Poster, entry: Entry): Promise<readonly Aside[]> {
  const { books, held } = await loadFor(tx, poster.terminalId, [entry.fact]);
  const bench = new Bench(books, poster, held);
  bench.takeAlone(entry);
  await writeBench(tx, poster, books, bench);
  return bench.asides;
}

async function writeBench(tx: Sql, poster: Poster, books: Books, bench: Bench): Promise<void> {
  await write(tx, poster.terminalId, books);
  const { gone, other, fresh } = bench.changes();
  await deleteRows(tx, HELD_FACTS, gone);
  await updateRows(tx, HELD_FACTS, other);
  await insertRows(tx, HELD_FACTS, fresh);
}

/**
 * At most so many facts of one terminal wait at an order and its account: whoever is uploaded next
 * carries them all. An honest kiosk has a few; what is more goes to a person.
 */
const MAX_WAITING = 200;

type HeldRow = HeldFact['row'];
/** A fact that waits; `row`: so it stands in the database. */
interface Waiting {
  readonly entry: Entry;
  readonly row: HeldRow | null;
  readonly reason: string;
}

/**
 * Takes facts one after another, and holds those that came too early: they are judged again
 * whenever a fact has changed the books, in the order in which they came. A terminal's facts about
 * one order stay in their order: behind one that waits, they wait.
 */
class Bench {
  readonly asides: Aside[] = [];
  readonly #books: Books;
  readonly #poster: Poster;
  readonly #loaded: readonly HeldRow[];
  #waiting: readonly Waiting[];

  constructor(books: Books, poster: Poster, held: readonly HeldFact[]) {
    this.#books = books;
    this.#poster = poster;
    this.#loaded = held.map((h) => h.row);
    this.#waiting = held.flatMap((h) => {
      const { row, kind, wallMs } = h;
      const place = { terminalId: row.terminal_id, epoch: row.epoch, seq: row.seq };
      const fact = factOf(kind, row.order_id, JSON.parse(h.body));
      // It was read when it came: by another version of this program.
      if (typeof fact === 'string') {
        this.asides.push({ ...place, kind, orderId: row.order_id, reason: fact });
        return [];
      }
      return [{ entry: { ...place, wallMs, fact }, row, reason: row.reason }];
    });
  }

  take(entry: Entry): void {
    // What was set aside may have told that a purchase is on the card.
    if (this.takeAlone(entry).kind !== 'held') this.#again();
  }

  /** Nothing that waits for it is judged again. */
  takeAlone(entry: Entry): Verdict {
    const before = this.#waiting.find((w) => isBehind(entry, w.entry));
    const verdict: Verdict =
      before === undefined
        ? this.#judge(entry)
        : { kind: 'held', reason: `waits behind number ${before.entry.seq}` };
    if (verdict.kind !== 'held') return verdict;
    if (this.#beside(entry) >= MAX_WAITING) {
      const reason = `${verdict.reason}; ${MAX_WAITING} facts of this terminal wait already`;
      this.asides.push(asideOf(entry, reason));
      return { kind: 'set-aside', reason };
    }
    this.#waiting = [...this.#waiting, { entry, row: null, reason: verdict.reason }];
    return verdict;
  }

  /** How many facts of its terminal wait at its order and account. */
  #beside({ terminalId, fact }: Entry): number {
    const accountOf = (orderId: string | null): string | undefined =>
      this.#books.orders.get(orderId ?? '')?.user_no;
    const account = accountOf(fact.orderId);
    return this.#waiting.filter(
      ({ entry: w }) =>
        w.terminalId === terminalId &&
        (w.fact.orderId === fact.orderId ||
          (account !== undefined && accountOf(w.fact.orderId) === account)),
    ).length;
  }

  /**
   * Judges one that waits, and no other.
   *
   * @param refused what the database said of it; then it is set aside
   * @returns whether it waits no longer
   */
  takeWaiting(row: HeldRow, refused: string | null): boolean {
    const place = this.#waiting.findIndex(
      ({ entry: w }) =>
        w.terminalId === row.terminal_id && w.epoch === row.epoch && w.seq === row.seq,
    );
    const meant = this.#waiting[place];
    if (meant === undefined) return false;
    if (this.#waiting.slice(0, place).some((w) => isBehind(meant.entry, w.entry))) return false;
    if (refused !== null) this.asides.push(asideOf(meant.entry, refused));
    else if (this.#judge(meant.entry).kind === 'held') return false;
    this.#waiting = this.#waiting.toSpliced(place, 1);
    return true;
  }

  /** Judges what waits until nothing of it can be taken any more. */
  #again(): void {
    for (let moved = true; moved && this.#waiting.length > 0;) {
      moved = false;
      const still: Waiting[] = [];
      for (const w of this.#waiting) {
        const behind = still.some((s) => isBehind(w.entry, s.entry));
        const verdict = behind ? null : this.#judge(w.entry);
        if (verdict === null) still.push(w);
        else if (verdict.kind === 'held') still.push({ ...w, reason: verdict.reason });
        else moved = true;
      }
      this.#waiting = still;
    }
  }

  #judge(entry: Entry): Verdict {
    const { fact, ...place } = entry;
    const { nowMs, trust } = this.#poster;
    const at = { ...place, nowMs, trust };
    const verdict = this.#books.judge(fact.orderId, at.terminalId, () =>
      apply(this.#books, at, fact.kind, fact),
    );
    if (verdict.kind === 'set-aside') this.asides.push(asideOf(entry, verdict.reason));
    return verdict;
  }

  /** What became of the rows: facts that wait no longer, for something else, or from now on. */
  changes(): Record<'gone' | 'other' | 'fresh', readonly HeldRow[]> {
    const now = this.#waiting.map(({ entry, row, reason }) => ({
      row,
      wanted: {
        terminal_id: entry.terminalId,
        epoch: entry.epoch,
        seq: entry.seq,
        order_id: entry.fact.orderId ?? '',
        user_no: this.#books.orders.get(entry.fact.orderId ?? '')?.user_no ?? null,
        reason: storable(reason),
        held_ms: row?.held_ms ?? this.#poster.nowMs,
      },
    }));
    const still = new Set(now.map((n) => n.row));
    return {
      gone: this.#loaded.filter((row) => !still.has(row)),
      other: now.flatMap(({ row, wanted }) =>
        row !== null && (row.user_no !== wanted.user_no || row.reason !== wanted.reason)
          ? [wanted]
          : [],
      ),
      fresh: now.flatMap(({ row, wanted }) => (row === null ? [wanted] : [])),
    };
  }
}

/** Later in the same journal, about the same order. What an older epoch says came before. */
const isBehind = (entry: Entry, before: Entry): boolean =>
  entry.terminalId === before.terminalId &&
  entry.fact.orderId !== null &&
  entry.fact.orderId === before.fact.orderId &&
  (before.epoch < entry.epoch || (before.epoch === entry.epoch && before.seq < entry.seq));

/**
 * SQLSTATE classes 22 (data) and 23 (constraint) are the fact's fault; anything else is ours and
 * fails the batch: then null.
 */
function refusedData(cause: unknown): string | null {
  const state = sqlState(cause);
  return /^2[23]/.test(state)
    ? `${state}: ${cause instanceof Error ? cause.message : ''}`.slice(0, 300)
    : null;
}
