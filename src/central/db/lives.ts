import { DAY_MS } from '../../shared/time.ts';
import { num, numOrNull } from './sql.ts';
import type { Db } from './sql.ts';

/** The database's present history. */
export interface Life {
  /** As the database names it. */
  readonly name: string;
  /**
   * 0: it goes on from the beginning; else since it was first seen to go on from a standby or a
   * backup. What was committed shortly before may be missing.
   */
  readonly sinceMs: number;
  /** When it had heard a terminal for the last time then: a backup is older than its return. */
  readonly heardMs: number;
  /**
   * The backup was made then or later, as far as uploads tell; 0: it had heard nobody. What another
   * backup shortly before this one left to be found may be missing still: then it is that one's.
   */
  readonly backupMs: number;
  /** Since when it is looked for what such a backup lacked: `sinceMs`, or an earlier life's. */
  readonly lookedSinceMs: number;
}

/** Terminals ask about a lost payment for so long; wallets keep reversals and bills no longer. */
export const LOOKED_FOR_MS = 8 * DAY_MS;

/** Which history the database is in, and since when. */
export async function lifeSince(db: Db, nowMs: number): Promise<Life> {
  const life = await db.life();
  const known = await db.query<{ life: string; since_ms: unknown; heard_ms: unknown }>(
    'SELECT life, since_ms, heard_ms FROM database_lives',
  );
  const row = known.find((k) => k.life === life);
  if (row !== undefined) {
    const sinceMs = num(row.since_ms);
    const open = known.filter(
      ({ since_ms: since }) =>
        num(since) > 0 && num(since) <= sinceMs && num(since) > sinceMs - LOOKED_FOR_MS,
    );
    return {
      name: life,
      sinceMs,
      heardMs: numOrNull(row.heard_ms) ?? sinceMs,
      backupMs: Math.min(...[row, ...open].map((k) => numOrNull(k.heard_ms) ?? 0)),
      lookedSinceMs: Math.min(sinceMs, ...open.map((k) => num(k.since_ms))),
    };
  }
  await db.query(
    `INSERT INTO database_lives (life, since_ms, heard_ms)
     VALUES ($1, $2, (SELECT MAX(last_upload_ms) FROM terminals)) ON CONFLICT DO NOTHING`,
    [life, known.length === 0 ? 0 : nowMs],
  );
  return lifeSince(db, nowMs);
}

/** The same for whoever asks at each request: what a life is never changes, so its row is read once. */
export function lifeBook(db: () => Db): (nowMs: number) => Promise<Life> {
  const known = new Map<string, Life>();
  return async (nowMs) => {
    const name = await db().life();
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    const life = await lifeSince(db(), nowMs);
    known.set(life.name, life);
    return life;
  };
}
