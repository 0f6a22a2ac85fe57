import Database from 'better-sqlite3';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { genesisHash } from '../shared/journal-hash.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { EVENT_COLUMNS } from './records.ts';
import type { Anchor, EventRecord } from './records.ts';
import { chainHash } from './hash.ts';
import { checkSchema } from './schema.ts';
import type { LogLink, SecondScan } from './second-log.ts';
import type { JournalStorage } from './storage.ts';

/** How many of the newest facts are checked at a start; `journal verify` checks all. */
const CHECKED_AT_START = 20_000;

export type Found =
  /** A new machine: nothing anywhere. */
  | { readonly kind: 'new' }
  /** `logs`: the second logs as they were looked through, by epoch. */
  | { readonly kind: 'good'; readonly logs: ReadonlyMap<number, SecondScan> }
  | { readonly kind: 'damaged'; readonly why: string }
  /** Not for this program or this machine: left as it is. */
  | { readonly kind: 'refused'; readonly failure: Failure };

const damaged = (why: string): Found => ({ kind: 'damaged', why });

/**
 * Looks at what is on the disks, changing nothing.
 *
 * @throws when the system cannot read for a reason that is no damage.
 */
export function inspect(storage: JournalStorage, terminalId: string): Found {
  const logs = new Map(storage.second.epochs().map((epoch) => [epoch, storage.second.scan(epoch)]));
  const ours = [...logs].filter(([epoch, log]) => isOurs(log, terminalId, epoch));
  const kept = storage.backups.list().length > 0 || ours.length > 0;
  if (!storage.exists()) return kept ? damaged('the database is missing') : { kind: 'new' };
  try {
    return storage.look((db) => {
      if (storage.durable) {
        const check = quickCheck(db);
        if (check !== null) return damaged(check);
      }
      const schema = checkSchema(db);
      if (!schema.ok) return { kind: 'refused', failure: schema.error };
      const owner =
        schema.value === 0
          ? undefined
          : db
              .prepare<[], string>("SELECT value FROM meta WHERE key = 'terminal_id'")
              .pluck()
              .get();
      // Cut while it was made.
      if (owner === undefined) return kept ? damaged('the database is empty') : { kind: 'new' };
      if (owner !== terminalId)
        return {
          kind: 'refused',
          failure: failure('JRNL-0101', `the journal belongs to terminal ${owner}`),
        };
      if (storage.durable) {
        const chain = checkChain(db, terminalId, CHECKED_AT_START);
        if (!chain.ok) return damaged(chain.error);
      }
      const head = db.prepare<[number], { seq: number; hash: string }>(
        'SELECT seq, hash FROM events WHERE epoch = ? ORDER BY seq DESC LIMIT 1',
      );
      const hashAt = db
        .prepare<[number, number], string>('SELECT hash FROM events WHERE epoch = ? AND seq = ?')
        .pluck();
      const anchor = anchorOf(db);
      for (const [epoch, log] of ours) {
        if (anchor !== null && epoch < anchor.epoch) continue;
        const last = lastOf(log);
        if (last === null) continue;
        const held = head.get(epoch)?.seq ?? (anchor?.epoch === epoch ? anchor.seq : 0);
        if (last.seq > held)
          return damaged(`the second log is ahead: epoch ${epoch}, ${last.seq} > ${held}`);
        const here = hashAt.get(epoch, last.seq);
        if (here !== undefined && here !== last.hash)
          return damaged(`the second log differs at epoch ${epoch}, ${last.seq}`);
      }
      return { kind: 'good', logs };
    });
  } catch (cause) {
    if (isDamage(cause)) return damaged(cause instanceof Error ? cause.message : String(cause));
    throw cause;
  }
}

/** The fact with the highest number; lines behind a bad one count. */
function lastOf({ last, lastBeyond }: SecondScan): LogLink | null {
  if (last === null || lastBeyond === null) return last ?? lastBeyond;
  return last.seq >= lastBeyond.seq ? last : lastBeyond;
}

/** Does this log begin as one of this terminal's? */
export function isOurs(
  { anchor, first, lastBeyond }: SecondScan,
  terminalId: string,
  epoch: number,
): boolean {
  if (anchor !== null) return anchor.terminalId === terminalId;
  if (first === null) return lastBeyond !== null;
  return first.seq === 1 && first.prevHash === genesisHash(terminalId, epoch);
}

/** What SQLite says when the file itself is bad, or the disk under it. */
function isDamage(cause: unknown): boolean {
  const code = cause instanceof Database.SqliteError ? cause.code : '';
  return (
    /^SQLITE_(CORRUPT|NOTADB|ERROR$|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/.test(code) ||
    cause instanceof SyntaxError
  );
}

/** Null: well. */
function quickCheck(db: Database.Database): string | null {
  const first = db.pragma('quick_check(1)', { simple: true });
  return first === 'ok'
    ? null
    : `quick_check: ${String(first).replaceAll(/\s+/g, ' ').slice(0, 200)}`;
}

export function anchorOf(db: Database.Database): Anchor | null {
  const text = db.prepare<[], string>("SELECT value FROM meta WHERE key = 'anchor'").pluck().get();
  return text === undefined ? null : (JSON.parse(text) as Anchor);
}

/**
 * The hash chain over all epochs, from the anchor or the first event; of more than `newest` events
 * only that many. The head on success, null for none.
 */
export function checkChain(
  db: Database.Database,
  terminalId: string,
  newest: number,
): Result<Anchor | null, string> {
  const count = db.prepare<[], number>('SELECT count(*) FROM events').pluck().get() ?? 0;
  const skipped = Math.max(0, count - newest);
  const rows = db.prepare<[number], EventRecord>(
    `SELECT ${EVENT_COLUMNS} FROM events ORDER BY epoch, seq LIMIT -1 OFFSET ?`,
  );
  let head = anchorOf(db);
  let inside = skipped === 0;
  for (const r of rows.iterate(skipped)) {
    if (inside) {
      const broken = linkProblem(head, r, terminalId);
      if (broken !== null) return err(broken);
    }
    // Where older facts are not checked the first one's own link is taken as it is.
    inside = true;
    if (
      chainHash(r.prev_hash, {
        epoch: r.epoch,
        seq: r.seq,
        kind: r.kind,
        wallMs: r.wall_ms,
        orderId: r.order_id,
        bodyJson: r.body,
      }) !== r.hash
    )
      return err(`${eventName(r)}: the hash chain breaks here`);
    head = { epoch: r.epoch, seq: r.seq, hash: r.hash };
  }
  return ok(head);
}

export function eventName(at: { readonly epoch: number; readonly seq: number }): string {
  return at.epoch === 1 ? `event ${at.seq}` : `event ${at.seq} of epoch ${at.epoch}`;
}

/**
 * Does this event follow that head? An epoch's first one says where the last epoch ended. Null: it
 * does.
 */
export function linkProblem(
  head: Anchor | null,
  r: Pick<EventRecord, 'epoch' | 'seq' | 'kind' | 'body' | 'prev_hash'>,
  terminalId: string,
): string | null {
  const broken = `${eventName(r)}: the hash chain breaks here`;
  if (head !== null && r.epoch === head.epoch)
    return r.seq === head.seq + 1 && r.prev_hash === head.hash ? null : broken;
  if (r.seq !== 1 || r.prev_hash !== genesisHash(terminalId, r.epoch)) return broken;
  if (head === null) return r.epoch === 1 || r.kind === 'epoch-began' ? null : broken;
  if (r.epoch < head.epoch || r.kind !== 'epoch-began') return broken;
  const body = JSON.parse(r.body) as {
    previousEpoch?: number;
    previousSeq?: number;
    previousHash?: string;
  };
  return body.previousEpoch === head.epoch &&
    body.previousSeq === head.seq &&
    body.previousHash === head.hash
    ? null
    : `${broken}: epoch ${head.epoch} ended elsewhere`;
}

/** Is this copy whole, and how far does it go? For backups. */
export function judgeCopy(
  db: Database.Database,
  terminalId: string,
): Result<{ readonly head: Anchor; readonly events: number }, string> {
  try {
    const check = quickCheck(db);
    if (check !== null) return err(check);
    const schema = checkSchema(db);
    if (!schema.ok) return err(schema.error.detail ?? schema.error.code);
    const get = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
    const owner = get.get('terminal_id');
    if (owner !== terminalId) return err(`it belongs to terminal ${owner ?? '?'}`);
    const chain = checkChain(db, terminalId, Infinity);
    if (!chain.ok) return chain;
    const epoch = Number(get.get('epoch'));
    return ok({
      head: chain.value ?? { epoch, seq: 0, hash: genesisHash(terminalId, epoch) },
      events: db.prepare<[], number>('SELECT count(*) FROM events').pluck().get() ?? 0,
    });
  } catch (cause) {
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}
