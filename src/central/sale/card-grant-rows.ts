import { DAY_MS } from '../../shared/time.ts';
import { flag, nullable, select, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

/** One grant; changed only where its state is `asked`. */
export const CARD_GRANTS = table('card_grants', ['id'], {
  id: whole,
  user_no: text(),
  /** 0.01 units. */
  quantity: whole,
  /** What they cost the account, 10⁻⁶ yuan: when it was asked for, then when it was confirmed. */
  micro: whole,
  reference: text(),
  state: text<'asked' | 'done' | 'refused'>(),
  asked_who: text(),
  asked_why: text(),
  asked_ms: whole,
  decided_who: nullable(text()),
  decided_why: nullable(text()),
  decided_ms: nullable(whole),
});
export type CardGrantRow = RowOf<typeof CARD_GRANTS>;

/** Grants that wait for a second person, oldest first. */
export const waitingCardGrants = (sql: Sql): Promise<readonly CardGrantRow[]> =>
  select(sql, CARD_GRANTS, `state = 'asked' ORDER BY asked_ms, id LIMIT 200`, []);
/** One by its number, whatever became of it; null: there is none. */
export const cardGrant = async (sql: Sql, id: number): Promise<CardGrantRow | null> =>
  (await select(sql, CARD_GRANTS, 'id = $1', [id]))[0] ?? null;

/** For so long the customer is told at the machine. */
const TOLD_MS = 90 * DAY_MS;
/** A purchase is told with its kiosk's clock, which may be a little behind. */
const CLOCKS_MS = DAY_MS / 2;

/** The newest grant of a household, in what its customer is told; null: none lately. */
export async function grantTold(
  sql: Sql,
  userNo: string,
  nowMs: number,
): Promise<{ readonly quantity: number; readonly atMs: number; readonly waits: boolean } | null> {
  const [row] = await sql.query<Record<'quantity' | 'at_ms' | 'written', unknown>>(
    `SELECT g.quantity, g.decided_ms AS at_ms, EXISTS (SELECT 1 FROM ledger l
       WHERE l.user_no = g.user_no AND l.kind = 'carried-used' AND l.micro <= 0 - g.micro
         AND l.at_ms > g.decided_ms - ${CLOCKS_MS}) AS written
     FROM card_grants g WHERE g.user_no = $1 AND g.state = 'done' AND g.decided_ms > $2
     ORDER BY g.decided_ms DESC, g.id DESC LIMIT 1`,
    [userNo, nowMs - TOLD_MS],
  );
  return row === undefined
    ? null
    : { quantity: num(row.quantity), atMs: num(row.at_ms), waits: !flag.read(row.written) };
}
