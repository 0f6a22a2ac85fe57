import { existsSync, readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { canonicalJson } from '../shared/central-api.ts';
import { EVENTS } from '../shared/events.ts';
import type { EventKind, JournalEvent } from '../shared/events.ts';
import { eventHash, genesisHash } from '../shared/journal-hash.ts';
import { fold } from './fold.ts';
import type { AttemptRow, OrderRow } from './fold.ts';
import { Journal } from './journal.ts';
import { schemaDigest } from './schema.ts';
import { SecondLog, readSecondLog } from './second-log.ts';

export interface VerifyReport {
  readonly ok: boolean;
  readonly terminalId: string | null;
  readonly epoch: number | null;
  readonly events: number;
  readonly orders: number;
  readonly attempts: number;
  readonly headHash: string | null;
  readonly unsent: number;
  /** Each names the first bad place of its kind. */
  readonly problems: readonly string[];
}

/**
 * Checks a journal without changing it: SQLite's own check, schema, hash chain, bodies by the catalogue, rows
 * against a fold of all events, and the second log against the journal. Safe beside a running core (a reader).
 */
export function verifyJournal(dataDir: string, secondPath: string | null): VerifyReport {
  const problems: string[] = [];
  const empty = { terminalId: null, epoch: null, events: 0, orders: 0, attempts: 0, headHash: null, unsent: 0 };
  const file = Journal.file(dataDir);
  if (!existsSync(file)) return { ok: false, ...empty, problems: [`no journal at ${file}`] };
  let db: Database.Database;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
  } catch (cause) {
    return { ok: false, ...empty, problems: [`cannot be opened: ${String(cause)}`] };
  }
  try {
    const report = db.transaction(() => verifyOpen(db, secondPath, problems))();
    // What the second log has, SQLite had before: asked afresh, since a running core goes on appending.
    if (secondPath !== null && report.epoch !== null) {
      const last = readSecondLog(SecondLog.path(secondPath, report.epoch)).events.at(-1)?.seq ?? 0;
      const held = db.prepare<[], number | null>('SELECT max(seq) FROM events').pluck().get() ?? 0;
      if (last > held) problems.push(`second log: ends at ${last}, the journal already at ${held}`);
    }
    return { ...report, ok: problems.length === 0 };
  } catch (cause) {
    return { ok: false, ...empty, problems: [...problems, `cannot be read: ${String(cause)}`] };
  } finally {
    db.close();
  }
}

function verifyOpen(db: Database.Database, secondPath: string | null, problems: string[]): VerifyReport {
  const check = db.pragma('integrity_check', { simple: true });
  if (check !== 'ok') problems.push(`integrity_check: ${String(check)}`);
  const meta = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  if (meta.get('schema_digest') !== schemaDigest(db)) problems.push('the schema was altered');
  const terminalId = meta.get('terminal_id') ?? '';
  const epoch = Number(meta.get('epoch') ?? '0');
  const orders = new Map<string, OrderRow>();
  const attempts = new Map<string, AttemptRow>();
  const hashes = new Map<number, string>();
  const ledger = { order: (id: string) => orders.get(id), attempt: (id: string) => attempts.get(id) };
  let prevHash = genesisHash(terminalId, epoch);
  let seq = 0;
  let chainBroken = false;
  for (const r of db.prepare('SELECT * FROM events ORDER BY seq').iterate() as Iterable<{ seq: number; epoch: number; kind: string; wall_ms: number; order_id: string | null; body: string; prev_hash: string; hash: string }>) {
    seq += 1;
    if (!chainBroken) {
      const body = JSON.parse(r.body) as unknown;
      const hash = eventHash(prevHash, { epoch: r.epoch, seq: r.seq, kind: r.kind, wallMs: r.wall_ms, orderId: r.order_id, body });
      if (r.seq !== seq || r.prev_hash !== prevHash || r.hash !== hash) {
        problems.push(`event ${r.seq}: the hash chain breaks here`);
        chainBroken = true;
      } else {
        const schema = EVENTS[r.kind as EventKind];
        const parsed = schema?.safeParse(body);
        if (parsed === undefined || !parsed.success) problems.push(`event ${r.seq}: not of the catalogue (${r.kind})`);
        else {
          try {
            const folded = fold(ledger, { kind: r.kind, orderId: r.order_id, body: parsed.data } as JournalEvent, r.wall_ms);
            if (folded.order !== undefined) orders.set(folded.order.orderId, folded.order);
            if (folded.attempt !== undefined) attempts.set(folded.attempt.attemptId, folded.attempt);
          } catch (cause) {
            problems.push(`event ${r.seq}: ${String(cause)}`);
          }
        }
      }
    }
    prevHash = r.hash;
    hashes.set(r.seq, r.hash);
  }
  compareRows(db, 'orders', 'order_id', orders, problems);
  compareRows(db, 'attempts', 'attempt_id', attempts, problems);
  const gap = db.prepare<[], number>('SELECT seq FROM outbox WHERE seq NOT IN (SELECT seq FROM events) LIMIT 1').pluck().get();
  if (gap !== undefined) problems.push(`outbox ${gap}: no such event`);
  if (secondPath !== null) compareSecondLog(SecondLog.path(secondPath, epoch), hashes, seq, problems);
  return {
    ok: problems.length === 0,
    terminalId,
    epoch,
    events: seq,
    orders: orders.size,
    attempts: attempts.size,
    headHash: seq === 0 ? null : prevHash,
    unsent: db.prepare<[], number>('SELECT count(*) FROM outbox').pluck().get() ?? 0,
    problems,
  };
}

function compareRows(db: Database.Database, table: 'orders' | 'attempts', key: string, want: ReadonlyMap<string, unknown>, problems: string[]): void {
  let found = 0;
  for (const r of db.prepare(`SELECT ${key} id, state, row FROM ${table} ORDER BY ${key}`).iterate() as Iterable<{ id: string; state: string; row: string }>) {
    found += 1;
    const expected = want.get(r.id) as { state: string } | undefined;
    if (expected === undefined || canonicalJson(expected) !== r.row || expected.state !== r.state) {
      problems.push(`${table} ${r.id}: the row is not what its events say`);
      return;
    }
  }
  if (found !== want.size) problems.push(`${table}: ${found} rows, the events make ${want.size}`);
}

function compareSecondLog(path: string, hashes: ReadonlyMap<number, string>, lastSeq: number, problems: string[]): void {
  if (!existsSync(path)) {
    if (lastSeq > 0) problems.push('the second log is missing');
    return;
  }
  const { events, goodBytes } = readSecondLog(path);
  let prevHash: string | null = null;
  for (const [index, e] of events.entries()) {
    const { hash, prevHash: before, ...facts } = e;
    if (e.seq !== index + 1 || (prevHash !== null && before !== prevHash) || eventHash(before, facts) !== hash) {
      problems.push(`second log: line ${index + 1} is not event ${index + 1}`);
      return;
    }
    prevHash = hash;
    // A running core may have appended past the snapshot that this check reads.
    if (e.seq <= lastSeq && hashes.get(e.seq) !== e.hash) {
      problems.push(`second log: event ${e.seq} differs from the journal`);
      return;
    }
  }
  // Half a line at the end is a write that was cut, or is going on; a whole line that fails its checksum was altered.
  if (readFileSync(path).subarray(goodBytes).includes(0x0a)) problems.push(`second log: line ${events.length + 1} fails its checksum`);
  // The last batch may be in SQLite only (killed between the two writes); its effect had not begun.
  const last = events.at(-1)?.seq ?? 0;
  if (last + 8 < lastSeq) problems.push(`second log: ends at ${last}, the journal at ${lastSeq}`);
}
