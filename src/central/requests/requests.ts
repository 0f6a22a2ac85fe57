import type { KeyObject } from 'node:crypto';
import type { RequestStatus } from '../../shared/central-api/index.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { orderRefDigits, terminalOf } from '../../shared/order-id.ts';
import type { PolicyRequests } from '../../shared/policy-requests.ts';
import type { Slot } from '../../shared/requests.ts';
import { sealedHash } from '../../shared/sealed-box.ts';
import { DAY_MS, chinaDate } from '../../shared/time.ts';
import { anyOf, list } from '../db/sets.ts';
import { num, storable } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { partOf, readRequest } from './rows.ts';
import type { RequestRow } from './rows.ts';

/** A fact that says that a customer asked for something. */
export interface MadeRequest {
  readonly seq: number;
  readonly body: EventBody<'request-made'>;
}

/**
 * Takes requests in, in their batch's transaction, each number once: told again (in a new epoch,
 * or from a restored disk) it changes nothing.
 *
 * @returns why a person should look at it, by the fact's number: another terminal's number, or one
 *   that stands here with another sealed part
 */
export async function takeRequests(
  tx: Sql,
  by: { readonly terminalId: string; readonly epoch: number; readonly nowMs: number },
  made: readonly MadeRequest[],
): Promise<ReadonlyMap<number, string>> {
  const wrong = new Map<number, string>();
  for (const { seq, body } of made) {
    const { number, choice, slot } = body;
    const ref = orderRefDigits(number);
    if (terminalOf(number) !== by.terminalId || ref === null) {
      wrong.set(seq, `request ${number} is not terminal ${by.terminalId}’s`);
      continue;
    }
    const added = await tx.query(
      `INSERT INTO requests (number, ref, terminal_id, epoch, seq, category, kind, name_zh, name_en,
         choice_id, choice_zh, choice_en, slot_date, slot_half, user_no, made_ms, taken_ms, due_ms,
         sealed_hash, state, changed_ms, acts, wrong_count)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, 'accepted', $17, 0, 0)
       ON CONFLICT (number) DO NOTHING RETURNING number`,
      [
        number,
        ref,
        by.terminalId,
        by.epoch,
        seq,
        storable(body.category),
        body.kind,
        storable(body.name.zh),
        storable(body.name.en),
        storable(choice?.id ?? null),
        storable(choice?.zh ?? null),
        storable(choice?.en ?? null),
        storable(slot?.date ?? null),
        slot?.half ?? null,
        body.userNo,
        body.madeMs,
        by.nowMs,
        body.dueMs,
        body.sealedHash,
      ],
    );
    if (added.length > 0) continue;
    const held = await tx.query<{ sealed_hash: string }>(
      'SELECT sealed_hash FROM requests WHERE number = $1',
      [number],
    );
    if (held[0]?.sealed_hash !== body.sealedHash)
      wrong.set(seq, `request ${number} stands here with another sealed part`);
  }
  return wrong;
}

/**
 * Takes what was sealed for a request; again and again does nothing more.
 *
 * @throws unknown-request where its fact has not come, sealed-mismatch where the fact names another
 */
export async function takeSealed(
  sql: Sql,
  terminalId: string,
  number: string,
  sealed: string,
  nowMs: number,
): Promise<void> {
  const rows = await sql.query<{ sealed_hash: string }>(
    'SELECT sealed_hash FROM requests WHERE number = $1 AND terminal_id = $2',
    [number, terminalId],
  );
  if (rows[0] === undefined) throw new Refusal('unknown-request', 'no such request is held');
  if (rows[0].sealed_hash !== sealedHash(sealed))
    throw new Refusal('sealed-mismatch', 'the fact names another sealed part');
  // What was forgotten stays so, however late it is sent again.
  await sql.query(
    `UPDATE requests SET sealed = $2, sealed_ms = $3
     WHERE number = $1 AND sealed IS NULL AND forgotten_ms IS NULL`,
    [number, sealed, nowMs],
  );
}

/** So often a day a request may be asked for with the wrong digits; then for none any more. */
const WRONG_A_DAY = 10;

/**
 * How a request stands, for whoever knows its number and the last four digits of the telephone
 * number that was left. Null: anything else, and it does not tell what.
 */
export async function statusOf(
  sql: Sql,
  keys: readonly KeyObject[],
  { ref, last4 }: { readonly ref: string; readonly last4: string },
  nowMs: number,
): Promise<RequestStatus | null> {
  const rows = await sql.query<Record<string, unknown>>(
    'SELECT * FROM requests WHERE ref = $1 ORDER BY made_ms DESC LIMIT 5',
    [ref],
  );
  const today = chinaDate(nowMs);
  const right = rows
    .map(readRequest)
    .find(
      (row) =>
        !(row.wrongDay === today && row.wrongCount >= WRONG_A_DAY) &&
        partOf(keys, row)?.phone.slice(-4) === last4,
    );
  if (right !== undefined) return toldOf(right);
  await sql.query(
    `UPDATE requests SET wrong_day = $2,
       wrong_count = CASE WHEN wrong_day = $2 THEN wrong_count + 1 ELSE 1 END WHERE ref = $1`,
    [ref, today],
  );
  return null;
}

const toldOf = (row: RequestRow): RequestStatus => ({
  ref: row.ref,
  name: row.name,
  choice: row.choice,
  slot: row.slot,
  state: row.state,
  reply: row.reply,
  dueMs: row.dueMs,
});

/** Half days of a category of which as many were asked for as are taken. */
export async function fullSlots(
  sql: Sql,
  requests: PolicyRequests | undefined,
  category: string,
  nowMs: number,
): Promise<readonly Slot[]> {
  const most = requests?.categories.find((c) => c.id === category)?.slots?.perHalfDay;
  if (most === undefined) return [];
  const rows = await sql.query<{ slot_date: string; slot_half: Slot['half'] }>(
    `SELECT slot_date, slot_half FROM requests
     WHERE category = $1 AND slot_date >= $2 AND slot_half IS NOT NULL AND state <> 'declined'
     GROUP BY slot_date, slot_half HAVING COUNT(*) >= $3 ORDER BY slot_date, slot_half LIMIT 200`,
    [category, chinaDate(nowMs), most],
  );
  return rows.map((r) => ({ date: r.slot_date, half: r.slot_half }));
}

/** Terminals of which closed requests still say whose they are. */
export async function closedAt(sql: Sql): Promise<readonly string[]> {
  const rows = await sql.query<{ terminal_id: string }>(
    `SELECT DISTINCT terminal_id FROM requests
     WHERE closed_ms IS NOT NULL AND forgotten_ms IS NULL ORDER BY terminal_id`,
  );
  return rows.map((row) => row.terminal_id);
}

/** Deletes what identifies the customers of these terminals' requests, closed so many days ago. */
export async function forgetClosed(
  sql: Sql,
  terminalIds: readonly string[],
  keepDays: number,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `UPDATE requests SET sealed = NULL, forgotten_ms = $1
     WHERE closed_ms IS NOT NULL AND closed_ms <= $2 AND forgotten_ms IS NULL
       AND terminal_id ${anyOf('$3')}`,
    [nowMs, nowMs - keepDays * DAY_MS, list(terminalIds)],
  );
}

/** How many requests wait for staff, and why, for the console's first line. */
export interface RequestCounts {
  readonly open: number;
  readonly overdue: number;
  readonly partMissing: number;
}

/** A sealed part comes seconds after its fact: after so long it is missing. */
export const PART_LATE_MS = DAY_MS;

/** See {@link RequestCounts}. */
export async function requestCounts(sql: Sql, nowMs: number): Promise<RequestCounts> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT COUNT(*) AS open, COUNT(*) FILTER (WHERE due_ms < $1) AS overdue,
       COUNT(*) FILTER (WHERE sealed_ms IS NULL AND taken_ms < $2) AS missing
     FROM requests WHERE closed_ms IS NULL`,
    [nowMs, nowMs - PART_LATE_MS],
  );
  const [row] = rows;
  return {
    open: num(row?.['open'] ?? 0),
    overdue: num(row?.['overdue'] ?? 0),
    partMissing: num(row?.['missing'] ?? 0),
  };
}
