import type { Heartbeat } from '../../shared/central-api/index.ts';
import { fingerprintOf } from '../../shared/enrolment.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Script, Sql } from '../db/sql.ts';
import { enrolmentOf, enrolmentsOf } from './enrolments.ts';
import type { Enrolment } from './enrolments.ts';
import { heartbeatsOf } from './heartbeats.ts';
import { liveKeys } from './keys.ts';
import type { KeyColumns } from './keys.ts';

/** A terminal as staff see it. */
export interface FleetTerminal {
  readonly terminalId: string;
  /** Null: of before there were sites. */
  readonly site: string | null;
  readonly name: string | null;
  /**
   * `enrolling`: its code was not used · `waiting`: its key waits for a person's word · the others
   * as {@link import('../../shared/trust.ts').TerminalStatus}.
   */
  readonly state: 'enrolling' | 'waiting' | 'active' | 'suspended' | 'revoked';
  /** Fingerprints of the keys that count, the newest last. */
  readonly fingerprints: readonly string[];
  /** Until when the older of two keys counts. */
  readonly oldKeyUntilMs: number | null;
  readonly epoch: number | null;
  readonly lastSeq: number | null;
  readonly lastUploadMs: number | null;
  readonly alarm: string | null;
  /** Null: never heard. */
  readonly heard: { readonly atMs: number; readonly beat: Heartbeat | null } | null;
  /** The code that it has now; null: none, or it was used. */
  readonly code: Pick<Enrolment, 'purpose' | 'untilMs' | 'state'> | null;
}

interface Row extends KeyColumns {
  readonly terminal_id: string;
  readonly site: string | null;
  readonly name: string | null;
  readonly status: 'active' | 'suspended' | 'revoked';
  readonly epoch: unknown;
  readonly last_seq: unknown;
  readonly last_upload_ms: unknown;
  readonly alarm: string | null;
}
const COLUMNS = `t.terminal_id, site, name, status, public_key, next_key, old_until_ms, t.epoch, last_upload_ms, alarm,
  (SELECT c.last_seq FROM cursors c WHERE c.terminal_id = t.terminal_id AND c.epoch = t.epoch)
    AS last_seq`;

/** A key's fingerprint; one that is no Ed25519 key has its text. */
function told(pem: string): string {
  try {
    return fingerprintOf(pem);
  } catch {
    return pem.slice(0, 24);
  }
}

const ofRow = (
  row: Row,
  e: Enrolment | undefined,
  heard: FleetTerminal['heard'],
  nowMs: number,
): FleetTerminal => {
  const keys = liveKeys(row, nowMs);
  return {
    terminalId: row.terminal_id,
    site: row.site,
    name: row.name,
    state: row.status,
    fingerprints: keys.map(told),
    oldKeyUntilMs: keys.length > 1 ? numOrNull(row.old_until_ms) : null,
    epoch: num(row.epoch),
    lastSeq: numOrNull(row.last_seq),
    lastUploadMs: numOrNull(row.last_upload_ms),
    alarm: row.alarm,
    heard,
    code: e === undefined || e.state === 'done' ? null : e,
  };
};

const ofEnrolment = (e: Enrolment): FleetTerminal => ({
  terminalId: e.terminalId,
  site: e.site,
  name: e.name,
  state: e.state === 'open' ? 'enrolling' : 'waiting',
  // Of one that waits it is not told here: it is to be read off the machine.
  fingerprints: [],
  oldKeyUntilMs: null,
  epoch: null,
  lastSeq: null,
  lastUploadMs: null,
  alarm: null,
  heard: null,
  code: e,
});

/** All terminals by number, those that are only being let in among them. */
export async function fleetOf(sql: Sql, nowMs: number): Promise<readonly FleetTerminal[]> {
  const enrolments = new Map((await enrolmentsOf(sql)).map((e) => [e.terminalId, e]));
  const rows = await sql.query<Row>(`SELECT ${COLUMNS} FROM terminals t ORDER BY t.terminal_id`);
  const heard = await heartbeatsOf(
    sql,
    rows.map((row) => row.terminal_id),
  );
  const there = new Set(rows.map((row) => row.terminal_id));
  return [
    ...rows.map((row) =>
      ofRow(row, enrolments.get(row.terminal_id), heard.get(row.terminal_id) ?? null, nowMs),
    ),
    ...[...enrolments.values()]
      .filter((e) => e.purpose === 'add' && !there.has(e.terminalId))
      .map(ofEnrolment),
  ].toSorted((a, b) => (a.terminalId < b.terminalId ? -1 : 1));
}

/** Where a terminal stands and what it is called, in its row or its enrolment. */
export interface Placed {
  readonly site: string | null;
  readonly name: string | null;
  readonly status: FleetTerminal['state'];
}
/** Null: no such terminal. Its row, or its enrolment, is locked until the commit. */
export async function placeOf(tx: Sql, terminalId: string): Promise<Placed | null> {
  const [row] = await tx.query<Placed>(
    'SELECT site, name, status FROM terminals WHERE terminal_id = $1 FOR NO KEY UPDATE',
    [terminalId],
  );
  if (row !== undefined) return row;
  const e = await enrolmentOf(tx, { terminalId }, true);
  return e === null || e.purpose !== 'add'
    ? null
    : { site: e.site, name: e.name, status: e.state === 'open' ? 'enrolling' : 'waiting' };
}

/** Writes where a terminal stands and what it is called, wherever that is kept. */
export async function place(
  tx: Script,
  terminalId: string,
  { site, name }: Pick<Placed, 'site' | 'name'>,
): Promise<void> {
  for (const table of ['terminals', 'enrolments'])
    await tx.query(
      `UPDATE ${table} SET site = COALESCE($2, site), name = COALESCE($3, name)
       WHERE terminal_id = $1`,
      [terminalId, site, name],
    );
}
