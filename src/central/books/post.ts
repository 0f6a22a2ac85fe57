import type { UploadEvent } from '../../shared/central-api/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventKind, JournalEvent } from '../../shared/facts/catalogue.ts';
import { insertRows } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { storable } from './books.ts';
import { apply, changesBooks } from './facts.ts';
import { loadFor } from './load.ts';
import { QUARANTINE } from './tables.ts';
import { write } from './write.ts';

/** Whose facts are posted. */
export interface Poster {
  readonly terminalId: string;
  readonly epoch: number;
  readonly nowMs: number;
}
/** A fact that the books are asked about. */
interface Entry {
  readonly seq: number;
  readonly wallMs: number;
  readonly fact: JournalEvent;
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
  const aside = new Map<number, string>();
  const entries: Entry[] = [];
  for (const e of events) {
    const read = factOf(e);
    if (typeof read === 'string') aside.set(e.seq, read);
    else if (changesBooks(read.kind)) entries.push({ seq: e.seq, wallMs: e.wallMs, fact: read });
  }
  for (const [seq, reason] of await settle(tx, poster, entries)) aside.set(seq, reason);
  const set = events.filter((e) => aside.has(e.seq));
  await insertRows(
    tx,
    QUARANTINE,
    set.map((e) => ({
      terminal_id: poster.terminalId,
      epoch: poster.epoch,
      seq: e.seq,
      kind: storable(e.kind),
      order_id: storable(e.orderId),
      reason: storable(aside.get(e.seq) ?? ''),
      at_ms: poster.nowMs,
    })),
  );
  return set.map((e) => e.seq);
}

/** The fact as the catalogue has it, or why it is none. */
function factOf(e: UploadEvent): JournalEvent | string {
  if (!Object.hasOwn(EVENTS, e.kind)) return `unknown kind ${e.kind.slice(0, 60)}`;
  const parsed = EVENTS[e.kind as EventKind].safeParse(e.body);
  if (!parsed.success)
    return `body: ${parsed.error.issues
      .map((i) => `${i.path.join('.')} ${i.message}`)
      .join('; ')
      .slice(0, 300)}`;
  return { kind: e.kind, orderId: e.orderId, body: parsed.data } as JournalEvent;
}

/**
 * Why facts were set aside, by number. What the database itself refuses (a text that it cannot
 * hold) is the fault of one fact, not of those beside it: they are posted one by one then, so that
 * no fact holds up a terminal's journal for ever.
 */
async function settle(
  tx: Sql,
  poster: Poster,
  entries: readonly Entry[],
): Promise<ReadonlyMap<number, string>> {
  if (entries.length === 0) return new Map();
  await tx.query('SAVEPOINT posting');
  try {
    const aside = await postTogether(tx, poster, entries);
    await tx.query('RELEASE SAVEPOINT posting');
    return aside;
  } catch (cause) {
    const reason = refusedData(cause);
    if (reason === null) throw cause;
    await tx.query('ROLLBACK TO SAVEPOINT posting');
    await tx.query('RELEASE SAVEPOINT posting');
    if (entries.length === 1) return new Map(entries.map((e) => [e.seq, reason]));
    const aside = new Map<number, string>();
    for (const entry of entries)
      for (const [seq, why] of await settle(tx, poster, [entry])) aside.set(seq, why);
    return aside;
  }
}

async function postTogether(
  tx: Sql,
  { terminalId, epoch, nowMs }: Poster,
  entries: readonly Entry[],
): Promise<ReadonlyMap<number, string>> {
  const books = await loadFor(
    tx,
    terminalId,
    entries.map((e) => e.fact),
  );
  const aside = new Map<number, string>();
  for (const { seq, wallMs, fact } of entries) {
    const at = { terminalId, epoch, seq, wallMs, nowMs };
    const verdict = books.judge(fact.orderId, terminalId, () => apply(books, at, fact.kind, fact));
    if (verdict.kind === 'set-aside') aside.set(seq, verdict.reason);
  }
  await write(tx, terminalId, books);
  return aside;
}

/**
 * SQLSTATE classes 22 (data) and 23 (constraint) are the fact's fault; anything else is ours and
 * fails the batch: then null.
 */
function refusedData(cause: unknown): string | null {
  const state = (cause as { code?: unknown } | null)?.code;
  return typeof state === 'string' && /^2[23]/.test(state)
    ? `${state}: ${cause instanceof Error ? cause.message : ''}`.slice(0, 300)
    : null;
}
