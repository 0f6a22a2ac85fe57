import { num } from './sql.ts';
import type { Db } from './sql.ts';

/**
 * Since when the database goes on in its present history: 0, from the beginning; else since it was
 * first seen to go on from a standby or a backup. What was committed shortly before may be missing.
 */
export async function lifeSince(db: Db, nowMs: number): Promise<number> {
  const life = await db.life();
  const known = await db.query<{ life: string; since_ms: unknown }>(
    'SELECT life, since_ms FROM database_lives',
  );
  const row = known.find((k) => k.life === life);
  if (row !== undefined) return num(row.since_ms);
  await db.query(
    `INSERT INTO database_lives (life, since_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    [life, known.length === 0 ? 0 : nowMs],
  );
  return lifeSince(db, nowMs);
}
