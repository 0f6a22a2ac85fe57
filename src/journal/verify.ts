import { journalFile, listed } from './disk.ts';
import { tellCause } from './disk-cause.ts';
import { openToRead } from './open-to-read.ts';
import type { OpenToRead } from './open-to-read.ts';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { canonicalJson } from '../shared/canonical-json.ts';
import { EVENTS } from '../shared/facts/catalogue.ts';
import type { EventKind, JournalEvent } from '../shared/facts/catalogue.ts';
import { genesisHash } from '../shared/journal-hash.ts';
import { sameJson } from '../shared/same.ts';
import { EVENT_COLUMNS } from './records.ts';
import type { Anchor, EventRecord, Place } from './records.ts';
import { fold } from './fold.ts';
import type { AttemptRow, OrderRow } from './fold.ts';
import { shiftProblems } from './daybook.ts';
import { chainHash } from './hash.ts';
import { anchorOf, eventName, linkProblem } from './inspect.ts';
import { schemaDigest } from './schema.ts';
import { SecondLog, scanSecondLog, secondLogFacts } from './second-log.ts';
import type { SecondStore } from './storage.ts';

/** What a check of the whole journal found. */
export interface VerifyReport {
  readonly ok: boolean;
  readonly terminalId: string | null;
  readonly epoch: number | null;
  readonly events: number;
  readonly orders: number;
  readonly attempts: number;
  readonly headHash: string | null;
  readonly unsent: number;
  /** Refused by central for good and kept here. */
  readonly stranded: number;
  /** The last fact that was pruned; null: the chain is whole from its first. */
  readonly anchor: Place | null;
  /** Each names the first bad place of its kind. */
  readonly problems: readonly string[];
}

/** The second logs, of which none has to fit into memory. */
type SecondLogs = Pick<SecondStore, 'scan' | 'facts'>;
/** The most that one append can hold: a second log that lacks more was not merely cut. */
const MOST_CUT = 8;

/**
 * Checks a journal without changing it: SQLite's own check, schema, hash chain over all epochs,
 * bodies by the catalogue, rows against a fold of all events, and the second logs against the
 * journal. Safe beside a running core.
 */
export function verifyJournal(dataDir: string, secondPath: string | null): VerifyReport {
  const empty = {
    ok: false,
    terminalId: null,
    epoch: null,
    events: 0,
    orders: 0,
    attempts: 0,
    headHash: null,
    unsent: 0,
    stranded: 0,
    anchor: null,
  };
  const file = journalFile(dataDir);
  if (!existsSync(file)) return { ...empty, problems: [`no journal at ${file}`] };
  let open: OpenToRead;
  try {
    open = openToRead(file);
  } catch (cause) {
    return { ...empty, problems: [tellCause('cannot be opened', cause)] };
  }
  const { db } = open;
  const verify = (): VerifyReport =>
    verifyDatabase(
      db,
      secondPath === null
        ? null
        : {
            scan: (epoch) => scanSecondLog(SecondLog.path(secondPath, epoch)),
            facts: (epoch) => secondLogFacts(SecondLog.path(secondPath, epoch)),
          },
      (epoch) => secondPath !== null && existsSync(SecondLog.path(secondPath, epoch)),
    );
  try {
    return secondPath === null ? verify() : whileLogsStay(secondPath, verify);
  } catch (cause) {
    return { ...empty, problems: [tellCause('cannot be read', cause)] };
  } finally {
    open.close();
  }
}

/**
 * A check that found something is made once more where a running core put a shorter log in the
 * place of one that was being read, as it does once in weeks.
 */
export function whileLogsStay<T extends { readonly ok: boolean }>(
  secondPath: string,
  check: () => T,
): T {
  // Another log under the same name is another file.
  const files = (): string =>
    listed(secondPath)
      .filter((name) => name.endsWith('.log'))
      .map((name) => `${name} ${statSync(join(secondPath, name), { bigint: true }).ino}`)
      .join();
  const before = files();
  const found = check();
  return found.ok || files() === before ? found : check();
}

/** The same on an open connection. `second` null: the second logs are not checked. */
export function verifyDatabase(
  db: Database.Database,
  second: SecondLogs | null,
  exists: (epoch: number) => boolean = () => true,
): VerifyReport {
  const problems: string[] = [];
  const report = db.transaction(() => verifyOpen(db, second, exists, problems))();
  // What the second log has, SQLite had before: asked afresh, since a running core goes on
  // appending.
  if (second !== null && report.epoch !== null) {
    const last = second.scan(report.epoch).last?.seq ?? 0;
    const held =
      db
        .prepare<[number], number | null>('SELECT max(seq) FROM events WHERE epoch = ?')
        .pluck()
        .get(report.epoch) ?? 0;
    if (last > held) problems.push(`second log: ends at ${last}, the journal already at ${held}`);
  }
  return { ...report, problems, ok: problems.length === 0 };
}

function verifyOpen(
  db: Database.Database,
  second: SecondLogs | null,
  exists: (epoch: number) => boolean,
  problems: string[],
): VerifyReport {
  const check = db.pragma('integrity_check', { simple: true });
  if (check !== 'ok') problems.push(`integrity_check: ${String(check)}`);
  const meta = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  if (meta.get('schema_digest') !== schemaDigest(db)) problems.push('the schema was altered');
  const terminalId = meta.get('terminal_id') ?? '';
  const epoch = Number(meta.get('epoch') ?? '0');
  const anchor = anchorOf(db);
  const orders = new Map<string, OrderRow>();
  const attempts = new Map<string, AttemptRow>();
  /** By epoch: hashes from its first event here on. */
  const spans = new Map<
    number,
    { readonly first: number; readonly prevHash: string; readonly hashes: string[] }
  >();
  const ledger = {
    order: (id: string) => orders.get(id),
    attempt: (id: string) => attempts.get(id),
  };
  let head: Anchor | null = anchor;
  let events = 0;
  let chainBroken = false;
  /**
   * What the prunes said: the chain may begin at any of these, or (restored from an older copy)
   * before.
   */
  const pruned = new Set<string>();
  for (const r of db
    .prepare<[], EventRecord>(`SELECT ${EVENT_COLUMNS} FROM events ORDER BY epoch, seq`)
    .iterate()) {
    events += 1;
    if (!chainBroken) {
      const hash = chainHash(r.prev_hash, {
        epoch: r.epoch,
        seq: r.seq,
        kind: r.kind,
        wallMs: r.wall_ms,
        orderId: r.order_id,
        bodyJson: r.body,
      });
      const broken =
        r.hash === hash
          ? linkProblem(head, r, terminalId)
          : `${eventName(r)}: the hash chain breaks here`;
      if (broken !== null) {
        problems.push(broken);
        chainBroken = true;
      } else {
        const body = checkBody(r, problems);
        if (body !== null) {
          if (body.kind === 'journal-pruned')
            pruned.add(
              canonicalJson({
                epoch: body.body.epoch,
                seq: body.body.uptoSeq,
                hash: body.body.uptoHash,
              }),
            );
          try {
            const folded = fold(ledger, body, r.wall_ms);
            if (folded.order !== undefined) orders.set(folded.order.orderId, folded.order);
            if (folded.attempt !== undefined)
              attempts.set(folded.attempt.attemptId, folded.attempt);
          } catch (cause) {
            problems.push(`${eventName(r)}: ${String(cause)}`);
          }
        }
      }
    }
    head = { epoch: r.epoch, seq: r.seq, hash: r.hash };
    let span = spans.get(r.epoch);
    if (span === undefined)
      spans.set(r.epoch, (span = { first: r.seq, prevHash: r.prev_hash, hashes: [] }));
    span.hashes.push(r.hash);
  }
  if (!chainBroken && anchor !== null && !pruned.has(canonicalJson(anchor)))
    problems.push('the anchor is not what any prune said');
  if (events > 0 && head !== null && head.epoch !== epoch)
    problems.push(`the epoch is said to be ${epoch}, the last event is of ${head.epoch}`);
  compareRows(db, 'orders', 'order_id', orders, problems);
  compareRows(db, 'attempts', 'attempt_id', attempts, problems);
  if (!chainBroken) problems.push(...shiftProblems(db));
  for (const table of ['outbox', 'stranded'] as const) {
    const gap = db
      .prepare<[], Place>(
        `SELECT epoch, seq FROM ${table} t WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.epoch = t.epoch AND e.seq = t.seq) LIMIT 1`,
      )
      .get();
    if (gap !== undefined) problems.push(`${table} ${gap.seq}: no such event`);
  }
  if (second !== null) {
    for (const [e, span] of spans)
      compareSecondLog(second, exists(e), e, span, e === epoch, problems);
    if (spans.size === 0)
      compareSecondLog(
        second,
        exists(epoch),
        epoch,
        { first: 1, prevHash: genesisHash(terminalId, epoch), hashes: [] },
        true,
        problems,
      );
  }
  const count = (table: 'outbox' | 'stranded'): number =>
    db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  return {
    ok: problems.length === 0,
    terminalId,
    epoch,
    events,
    orders: orders.size,
    attempts: attempts.size,
    headHash: events === 0 ? null : (head?.hash ?? null),
    unsent: count('outbox'),
    stranded: count('stranded'),
    anchor: anchor === null ? null : { epoch: anchor.epoch, seq: anchor.seq },
    problems,
  };
}

/** WeChat and Alipay payment codes, and key files. */
const SECRET = /^(1[0-5]\d{16}|2[5-9]\d{14,22}|30\d{14,22})$|-----BEGIN/;

/**
 * The event as the catalogue reads it; null: it is not of the catalogue. Nothing beyond the
 * catalogue and nothing secret may be kept.
 */
function checkBody(r: EventRecord, problems: string[]): JournalEvent | null {
  const body = JSON.parse(r.body) as unknown;
  const parsed = EVENTS[r.kind as EventKind]?.safeParse(body);
  if (parsed === undefined || !parsed.success) {
    problems.push(`${eventName(r)}: not of the catalogue (${r.kind})`);
    return null;
  }
  if (canonicalJson(parsed.data) !== r.body)
    problems.push(`${eventName(r)}: holds more than the catalogue knows`);
  if (holdsSecret(parsed.data))
    problems.push(`${eventName(r)}: holds what looks like a payment code or a key`);
  return { kind: r.kind, orderId: r.order_id, body: parsed.data } as JournalEvent;
}

function holdsSecret(value: unknown): boolean {
  if (typeof value === 'string') return SECRET.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsSecret);
}

function compareRows(
  db: Database.Database,
  table: 'orders' | 'attempts',
  key: string,
  want: ReadonlyMap<string, unknown>,
  problems: string[],
): void {
  let found = 0;
  for (const r of db
    .prepare(`SELECT ${key} id, state, waits, row FROM ${table} ORDER BY ${key}`)
    .iterate() as Iterable<{ id: string; state: string; waits: number; row: string }>) {
    found += 1;
    const expected = want.get(r.id) as { state: string; settled: unknown } | undefined;
    if (
      expected === undefined ||
      !sameJson(expected, JSON.parse(r.row)) ||
      expected.state !== r.state ||
      (expected.state === 'parked' && expected.settled === null ? 1 : 0) !== r.waits
    ) {
      problems.push(`${table} ${r.id}: the row is not what its events say`);
      return;
    }
  }
  if (found !== want.size) problems.push(`${table}: ${found} rows, the events make ${want.size}`);
}

function compareSecondLog(
  second: SecondLogs,
  exists: boolean,
  epoch: number,
  span: { readonly first: number; readonly prevHash: string; readonly hashes: readonly string[] },
  current: boolean,
  problems: string[],
): void {
  const name = epoch === 1 ? 'second log' : `second log of epoch ${epoch}`;
  const lastSeq = span.first - 1 + span.hashes.length;
  if (!exists) {
    if (span.hashes.length > 0) problems.push(`the ${name} is missing`);
    return;
  }
  const log = second.scan(epoch);
  // It may begin before the journal does (it is shortened later than the database), never after.
  const begins = log.anchor?.seq ?? 0;
  if (begins > span.first - 1) {
    problems.push(`${name}: begins after ${begins}, the journal after ${span.first - 1}`);
    return;
  }
  let prevHash = log.anchor?.hash ?? null;
  let index = -1;
  for (const e of second.facts(epoch)) {
    index += 1;
    const { hash, prevHash: last, body, ...facts } = e;
    if (
      e.epoch !== epoch ||
      e.seq !== begins + index + 1 ||
      (prevHash !== null && last !== prevHash) ||
      chainHash(last, { ...facts, bodyJson: canonicalJson(body) }) !== hash
    ) {
      problems.push(`${name}: line ${index + 1} is not event ${begins + index + 1}`);
      return;
    }
    prevHash = hash;
    const here = e.seq === span.first - 1 ? span.prevHash : span.hashes[e.seq - span.first];
    // A running core may have appended past the snapshot that this check reads.
    if (here !== undefined && here !== e.hash) {
      problems.push(`${name}: event ${e.seq} differs from the journal`);
      return;
    }
  }
  // Half a line at the end is a write that was cut, or is going on; a whole line that fails its
  // checksum was altered.
  if (log.badLines > 0) problems.push(`${name}: line ${log.lines + 1} fails its checksum`);
  // The last append may be in SQLite only (cut between the two writes); its effect had not begun.
  const last = log.last?.seq ?? begins;
  if (last + (current ? MOST_CUT : 0) < lastSeq)
    problems.push(`${name}: ends at ${last}, the journal at ${lastSeq}`);
}
