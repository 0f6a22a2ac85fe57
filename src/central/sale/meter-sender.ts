import type { LogFn } from '../../shared/ports.ts';
import { DAY_MS } from '../../shared/time.ts';
import { select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { METER_COMMANDS } from './credit-tables.ts';
import type { MeterCommandRow } from './credit-tables.ts';
import type { MeterPlatform } from './meter-platform.ts';

const FIRST_LOOK_MS = 5_000;
const MAX_LOOK_MS = 3_600_000;
const SWEEP_ROWS = 50;
/** A meter talks to its platform once a day; behind this somebody looks at it. */
export const OVERDUE_MS = 2 * DAY_MS;

/**
 * Looks once at the meters that are due: each is told the newest of its commands, which says all
 * that the ones before it did, until it has confirmed it. Never rejects for one of them.
 */
export async function sweepMeters(
  db: Db,
  platform: MeterPlatform,
  nowMs: number,
  log?: LogFn,
): Promise<void> {
  const due = await db.query<{ meter_no: string }>(
    `SELECT meter_no FROM meter_commands WHERE state <> 'done' AND look_ms <= $1
     GROUP BY meter_no ORDER BY MIN(look_ms), meter_no LIMIT ${SWEEP_ROWS}`,
    [nowMs],
  );
  for (const { meter_no } of due)
    await db
      .alone(`meter ${meter_no}`, () => tellMeter(db, platform, meter_no, nowMs))
      .catch((cause: unknown) =>
        log?.('error', 'central', cause instanceof Error ? cause.message : String(cause), cause),
      );
}

async function tellMeter(
  db: Db,
  platform: MeterPlatform,
  meterNo: string,
  nowMs: number,
): Promise<void> {
  const open = await select(
    db,
    METER_COMMANDS,
    `meter_no = $1 AND state <> 'done' ORDER BY count DESC`,
    [meterNo],
  );
  const [newest] = open;
  if (newest === undefined) return;
  await db.query(
    `UPDATE meter_commands SET state = 'sent', sent_ms = COALESCE(sent_ms, $2)
     WHERE meter_no = $1 AND state = 'waiting' AND count <= $3`,
    [meterNo, nowMs, newest.count],
  );
  const { count, total_fen: totalFen } = newest;
  const stands = await platform.tell({ meterNo, count, totalFen });
  const said = stands === null ? 'no answer' : await confirm(db, newest, stands, nowMs);
  await db.query(
    `UPDATE meter_commands SET look_ms = $2, said = $3 WHERE meter_no = $1 AND state <> 'done'`,
    [meterNo, nowMs + waitOf(newest, nowMs), said],
  );
}

const waitOf = ({ made_ms }: MeterCommandRow, nowMs: number): number =>
  Math.min(MAX_LOOK_MS, Math.max(FIRST_LOOK_MS, nowMs - made_ms));

/** What a meter confirmed is in it, and what came before that too. @returns what is said of the rest */
function confirm(
  db: Db,
  newest: MeterCommandRow,
  stands: { readonly count: number; readonly totalFen: number },
  nowMs: number,
): Promise<string> {
  return db.transaction(async (tx) => {
    // A meter that has changed its account may have commands of both.
    await tx.query(
      `SELECT 1 FROM credit_accounts WHERE user_no IN
         (SELECT user_no FROM meter_commands WHERE meter_no = $1)
       ORDER BY user_no FOR NO KEY UPDATE`,
      [newest.meter_no],
    );
    const [meant] = await select(tx, METER_COMMANDS, 'meter_no = $1 AND count = $2', [
      newest.meter_no,
      stands.count,
    ]);
    if (stands.count === 0) return 'not yet';
    // A meter that counts otherwise than we do: nothing of it is believed, somebody looks.
    if (meant?.total_fen !== stands.totalFen)
      return `the meter has count ${stands.count}, total ${stands.totalFen} fen`;
    const done = await tx.query<{ user_no: string; amount_fen: unknown }>(
      `UPDATE meter_commands SET state = 'done', done_ms = $3, said = NULL
       WHERE meter_no = $1 AND count <= $2 AND state <> 'done' RETURNING user_no, amount_fen`,
      [newest.meter_no, stands.count, nowMs],
    );
    for (const { user_no, amount_fen } of done)
      await tx.query(
        `UPDATE credit_accounts SET on_the_way_fen = on_the_way_fen - $2 WHERE user_no = $1`,
        [user_no, num(amount_fen)],
      );
    return 'not yet';
  });
}

/** Commands that a meter has not confirmed, the longest first; overdue: somebody repairs it. */
export const openCommands = (sql: Sql): Promise<readonly MeterCommandRow[]> =>
  select(sql, METER_COMMANDS, `state <> 'done' ORDER BY made_ms, meter_no, count LIMIT 200`, []);

/**
 * Somebody is sent to the meter. It stays on the way until the meter has confirmed it: nothing is
 * ever handed back for it.
 *
 * @returns false: it is not open
 */
export const noteRepair = async (
  db: Db,
  told: {
    readonly meterNo: string;
    readonly count: number;
    readonly who: string;
    readonly why: string;
  },
): Promise<boolean> =>
  (
    await db.query(
      `UPDATE meter_commands SET repair_who = $3, repair_why = $4
       WHERE meter_no = $1 AND count = $2 AND state <> 'done' RETURNING count`,
      [told.meterNo, told.count, told.who, told.why],
    )
  ).length > 0;
