import type { UploadEvent } from '../../shared/central-api/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventKind, JournalEvent } from '../../shared/facts/catalogue.ts';
import { deleteRows, insertRows, updateRows } from '../db/sets.ts';
import { sqlState } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { storable } from './books.ts';
import type { Books, Verdict } from './books.ts';
import { apply, changesBooks } from './facts.ts';
import { loadFor } from './load.ts';
import type { HeldFact } from './load.ts';
import { HELD_FACTS, QUARANTINE } from './tables.ts';
import { write } from './write.ts';

/** Whose facts are posted. */
export interface Poster {
  readonly terminalId: string;
  readonly epoch: number;
  readonly nowMs: number;
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
  for (const { seq, wallMs, kind, orderId, body } of events) {
    const fact = factOf(kind, orderId, body);
    if (typeof fact === 'string')
      asides.push({ terminalId, epoch, seq, kind, orderId, reason: fact });
    else if (changesBooks(fact.kind)) entries.push({ terminalId, epoch, seq, wallMs, fact });
  }
  asides.push(...(await settle(tx, poster, entries)));
  const rows = asides.toSorted((a, b) => a.seq - b.seq);
  await insertRows(
    tx,
    QUARANTINE,
    rows.map((r) => ({
      terminal_id: r.terminalId,
      epoch: r.epoch,
      seq: r.seq,
      kind: storable(r.kind),
      order_id: storable(r.orderId),
      reason: storable(r.reason),
      at_ms: nowMs,
    })),
  );
  const own = rows.filter((r) => r.terminalId === terminalId && r.epoch === epoch);
  const told = new Set(events.map((e) => e.seq));
  return own.flatMap((r) => (told.has(r.seq) ? [r.seq] : []));
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
 * the fault of one fact, not of those beside it: they are posted one by one then, so that no fact
 * holds up a terminal's journal for ever.
 */
async function settle(
  tx: Sql,
  poster: Poster,
  entries: readonly Entry[],
): Promise<readonly Aside[]> {
  if (entries.length === 0) return [];
  await tx.query('SAVEPOINT posting');
  try {
    const asides = await postTogether(tx, poster, entries);
    await tx.query('RELEASE SAVEPOINT posting');
    return asides;
  } catch (cause) {
    const reason = refusedData(cause);
    if (reason === null) throw cause;
    await tx.query('ROLLBACK TO SAVEPOINT posting');
    await tx.query('RELEASE SAVEPOINT posting');
    if (entries.length === 1) return entries.map((e) => asideOf(e, reason));
    const asides: Aside[] = [];
    for (const entry of entries) asides.push(...(await settle(tx, poster, [entry])));
    return asides;
  }
}

async function postTogether(
  tx: Sql,
  { terminalId, nowMs }: Poster,
  entries: readonly Entry[],
): Promise<readonly Aside[]> {
  const { books, held } = await loadFor(
    tx,
    terminalId,
    entries.map((e) => e.fact),
  );
  const bench = new Bench(books, nowMs, held);
  for (const entry of entries) bench.take(entry);
  await write(tx, terminalId, books);
  const { gone, other, fresh } = bench.changes();
  await deleteRows(tx, HELD_FACTS, gone);
  await updateRows(tx, HELD_FACTS, other);
  await insertRows(tx, HELD_FACTS, fresh);
  return bench.asides;
}

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
  readonly #nowMs: number;
  readonly #loaded: readonly HeldRow[];
  #waiting: readonly Waiting[];

  constructor(books: Books, nowMs: number, held: readonly HeldFact[]) {
    this.#books = books;
    this.#nowMs = nowMs;
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
    const before = this.#waiting.find((w) => isBehind(entry, w.entry));
    const verdict: Verdict =
      before === undefined
        ? this.#judge(entry)
        : { kind: 'held', reason: `waits behind number ${before.entry.seq}` };
    if (verdict.kind === 'held')
      this.#waiting = [...this.#waiting, { entry, row: null, reason: verdict.reason }];
    else if (verdict.kind === 'applied') this.#again();
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
        else if (verdict.kind === 'applied') moved = true;
      }
      this.#waiting = still;
    }
  }

  #judge(entry: Entry): Verdict {
    const { fact, ...place } = entry;
    const at = { ...place, nowMs: this.#nowMs };
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
        held_ms: row?.held_ms ?? this.#nowMs,
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

const isBehind = (entry: Entry, before: Entry): boolean =>
  entry.terminalId === before.terminalId &&
  entry.fact.orderId !== null &&
  entry.fact.orderId === before.fact.orderId;

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
