import { heartbeatSchema } from '../../shared/central-api/index.ts';
import type { Heartbeat } from '../../shared/central-api/index.ts';
import { anyOf, list } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

/** How a terminal stood when it was heard last. */
export interface HeardTerminal {
  /** By central's clock. */
  readonly atMs: number;
  /** Null: a later program's, which this one cannot read. */
  readonly beat: Heartbeat | null;
}

/** Keeps the last heartbeat of a terminal; what was told out of turn is the older one. */
export async function keepHeartbeat(
  sql: Sql,
  terminalId: string,
  beat: Heartbeat,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `INSERT INTO terminal_heartbeats (terminal_id, at_ms, level, body) VALUES ($1, $2, $3, $4)
     ON CONFLICT (terminal_id) DO UPDATE
       SET at_ms = EXCLUDED.at_ms, level = EXCLUDED.level, body = EXCLUDED.body
       WHERE terminal_heartbeats.at_ms <= EXCLUDED.at_ms`,
    [terminalId, nowMs, beat.level, JSON.stringify(beat)],
  );
}

/** Of these terminals, those that were ever heard. */
export async function heartbeatsOf(
  sql: Sql,
  terminalIds: Iterable<string>,
): Promise<ReadonlyMap<string, HeardTerminal>> {
  const rows = await sql.query<{ terminal_id: string; at_ms: unknown; body: string }>(
    `SELECT terminal_id, at_ms, body FROM terminal_heartbeats WHERE terminal_id ${anyOf('$1')}`,
    [list(terminalIds)],
  );
  return new Map(
    rows.map((row) => {
      const parsed = heartbeatSchema.safeParse(JSON.parse(row.body));
      return [row.terminal_id, { atMs: num(row.at_ms), beat: parsed.success ? parsed.data : null }];
    }),
  );
}
