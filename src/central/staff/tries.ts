import type { Db } from '../db/sql.ts';
import { num } from '../db/sql.ts';
import { crowdOf } from '../http/limits.ts';
import { TRY_SPAN_MS } from './accounts.ts';

/**
 * So often in a quarter of an hour may somebody fail: by the name that was typed, whether anybody
 * has it or not, and by where it came from (an office stands behind one address). A code is
 * one of a million, so that a thief who has the password needs years.
 */
export const TRIES = { name: 10, source: 40 } as const;
/** Old counts are kept this long, for the alarm of failed log-ins. */
const KEPT_SPANS = 8;

const names = (folded: string, source: string | undefined): readonly string[] => [
  ...(source === undefined ? [] : [`source ${crowdOf(source)}`]),
  // A name may be typed as long as one likes.
  `name ${folded.slice(0, 64)}`,
];

/**
 * Counts one try before it is looked at, so that many at once are no more than many one after
 * another, in whatever process.
 *
 * @returns false: it is one too many, and nothing is looked at
 */
export async function mayTry(
  db: Db,
  folded: string,
  source: string | undefined,
  nowMs: number,
): Promise<boolean> {
  const span = Math.floor(nowMs / TRY_SPAN_MS);
  for (const what of names(folded, source)) {
    const rows = await db.query<{ n: unknown }>(
      `INSERT INTO staff_tries (what, span, n) VALUES ($1, $2, 1)
       ON CONFLICT (what, span) DO UPDATE SET n = staff_tries.n + 1 RETURNING n`,
      [what, span],
    );
    const n = num(rows[0]?.n ?? 0);
    // Whoever guesses names fills no table with them: his source is counted first.
    if (n > (what.startsWith('source ') ? TRIES.source : TRIES.name)) return false;
    if (n === 1) await db.query('DELETE FROM staff_tries WHERE span < $1', [span - KEPT_SPANS]);
  }
  return true;
}

/** It was the right one: what he mistyped before counts no more. */
export async function forgetTries(
  db: Pick<Db, 'query'>,
  folded: string,
  source: string | undefined,
  nowMs: number,
): Promise<void> {
  const span = Math.floor(nowMs / TRY_SPAN_MS);
  for (const what of names(folded, source))
    await db.query(
      what.startsWith('source ')
        ? 'UPDATE staff_tries SET n = n - 1 WHERE what = $1 AND span = $2 AND n > 0'
        : 'DELETE FROM staff_tries WHERE what = $1 AND span = $2',
      [what, span],
    );
}
