import type { TerminalStatus } from '../../shared/trust.ts';
import { anyOf, list } from '../db/sets.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { heartbeatsOf } from '../fleet/heartbeats.ts';
import type { HeardTerminal } from '../fleet/heartbeats.ts';
import { SILENT_MS } from './heartbeat-pages.ts';

/** One terminal as the console shows it. */
export interface TerminalShown {
  readonly terminalId: string;
  /** Where it stands, and what it is called there; null: it was let in before they were kept. */
  readonly site: string | null;
  readonly name: string | null;
  readonly epoch: number;
  readonly lastSeq: number;
  readonly lastUploadMs: number | null;
  readonly alarm: string | null;
  readonly status: TerminalStatus;
  /** Until when its old key counts beside the next one; null: it is not being changed. */
  readonly oldKeyUntilMs: number | null;
  /** Facts kept that were told under numbers held otherwise. */
  readonly forked: number;
  /** Null: it was never heard. */
  readonly heard: HeardTerminal | null;
  /** Asks for a new epoch and waits for a person. */
  readonly epochRequest: {
    readonly epoch: number;
    readonly lastSeq: number;
    readonly lastHash: string;
    readonly why: string;
    readonly atMs: number;
  } | null;
}

type Row = Record<string, unknown>;
const text = (v: unknown): string => (typeof v === 'string' ? v : String(v));
const textOrNull = (v: unknown): string | null => (v === null || v === undefined ? null : text(v));

/** Which terminals a page shows. */
export interface TerminalsAsked {
  /** Only this one. */
  readonly only?: string | undefined;
  /** Those behind this number. */
  readonly after?: string | undefined;
  readonly status?: TerminalStatus | undefined;
  /** `missed`: silent, or serving nobody · `alarm`: with an alarm, or asking for an epoch. */
  readonly show?: 'all' | 'missed' | 'alarm' | undefined;
  /** For `missed`. */
  readonly nowMs?: number | undefined;
  readonly limit: number;
}
const SHOWN: Readonly<Record<'all' | 'missed' | 'alarm', string>> = {
  all: '',
  missed: `AND t.status <> 'revoked' AND EXISTS (SELECT 1 FROM terminal_heartbeats h
    WHERE h.terminal_id = t.terminal_id AND (h.at_ms < $2 OR h.level = 'out-of-service'))`,
  alarm: `AND (t.alarm IS NOT NULL OR EXISTS (SELECT 1 FROM epoch_requests r
    WHERE r.terminal_id = t.terminal_id AND r.granted_ms IS NULL))`,
};

/** By number. */
export async function terminalsOf(
  sql: Sql,
  { only, after, status, show = 'all', nowMs = 0, limit }: TerminalsAsked,
): Promise<readonly TerminalShown[]> {
  const params: unknown[] = [only ?? after ?? ''];
  if (show === 'missed') params.push(nowMs - SILENT_MS);
  if (status !== undefined) params.push(status);
  const rows = await sql.query<Row>(
    `SELECT t.*, COALESCE((SELECT last_seq FROM cursors c WHERE c.terminal_id = t.terminal_id AND c.epoch = t.epoch), 0) AS last_seq,
       (SELECT COUNT(*) FROM forked_events f WHERE f.terminal_id = t.terminal_id) AS forked
         FROM terminals t WHERE t.terminal_id ${only === undefined ? '>' : '='} $1
           ${SHOWN[show]} ${status === undefined ? '' : `AND t.status = $${params.length}`}
         ORDER BY t.terminal_id LIMIT ${Math.trunc(limit)}`,
    params,
  );
  const ids = rows.map((r) => text(r['terminal_id']));
  const asking = new Map(
    (
      await sql.query<Row>(
        `SELECT * FROM epoch_requests WHERE granted_ms IS NULL AND terminal_id ${anyOf('$1')}`,
        [list(ids)],
      )
    ).map((r) => [text(r['terminal_id']), r]),
  );
  const heard = await heartbeatsOf(sql, ids);
  return rows.map((r) => ({
    terminalId: text(r['terminal_id']),
    site: textOrNull(r['site']),
    name: textOrNull(r['name']),
    heard: heard.get(text(r['terminal_id'])) ?? null,
    epoch: num(r['epoch']),
    lastSeq: num(r['last_seq']),
    lastUploadMs: r['last_upload_ms'] === null ? null : num(r['last_upload_ms']),
    alarm: textOrNull(r['alarm']),
    status: text(r['status']) as TerminalStatus,
    oldKeyUntilMs: numOrNull(r['old_until_ms']),
    forked: num(r['forked']),
    epochRequest: requestOf(asking.get(text(r['terminal_id']))),
  }));
}

/** One terminal as the console shows it; null: there is none. */
export const terminalOf = async (sql: Sql, terminalId: string): Promise<TerminalShown | null> =>
  (await terminalsOf(sql, { only: terminalId.replaceAll('\0', ''), limit: 1 }))[0] ?? null;

function requestOf(r: Row | undefined): TerminalShown['epochRequest'] {
  return r === undefined
    ? null
    : {
        epoch: num(r['epoch']),
        lastSeq: num(r['last_seq']),
        lastHash: text(r['last_hash']),
        why: text(r['why']),
        atMs: num(r['at_ms']),
      };
}
