import { num, numOrNull } from './sql.ts';
import type { Db } from './sql.ts';

/** The database's present history. */
export interface Life {
  /**
   * 0: it goes on from the beginning; else since it was first seen to go on from a standby or a
   * backup. What was committed shortly before may be missing.
   */
  readonly sinceMs: number;
  /** When it had heard a terminal for the last time then: a backup is older than its return. */
  readonly heardMs: number;
}

/** Which history the database is in, and since when. */
export async function lifeSince(db: Db, nowMs: number): Promise<Life> {
  const life = await db.life();
  const known = await db.query<{ life: string; since_ms: unknown; heard_ms: unknown }>(
    'SELECT life, since_ms, heard_ms FROM database_lives',
  );
  const row = known.find((k) => k.life === life);
  if (row !== undefined) {
    const sinceMs = num(row.since_ms);
    return { sinceMs, heardMs: numOrNull(row.heard_ms) ?? sinceMs };
  }
  await db.query(
    `INSERT INTO database_lives (life, since_ms, heard_ms)
     VALUES ($1, $2, (SELECT MAX(last_upload_ms) FROM terminals)) ON CONFLICT DO NOTHING`,
    [life, known.length === 0 ? 0 : nowMs],
  );
  return lifeSince(db, nowMs);
}
