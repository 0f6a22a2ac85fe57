import type { RequestState } from '../../shared/requests.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { readRequest } from './rows.ts';
import type { RequestRow } from './rows.ts';

/** What the customer reads at the kiosk at the most, in Chinese letters. */
export const MAX_REPLY = 60;

/** The staff's list: open ones by when they are due (so overdue ones first), then closed ones. */
export async function listRequests(sql: Sql): Promise<readonly RequestRow[]> {
  const open = await sql.query<Record<string, unknown>>(
    'SELECT * FROM requests WHERE closed_ms IS NULL ORDER BY due_ms, number LIMIT 500',
  );
  const closed = await sql.query<Record<string, unknown>>(
    'SELECT * FROM requests WHERE closed_ms IS NOT NULL ORDER BY closed_ms DESC, number LIMIT 50',
  );
  return [...open, ...closed].map(readRequest);
}

/** What a person did about a request. */
export interface RequestAct {
  readonly state: RequestState;
  readonly reply: string;
  readonly who: string;
  readonly atMs: number;
}
/** One request with what was done about it, and how many were asked for its half day. */
export interface RequestCase {
  readonly request: RequestRow;
  readonly acts: readonly RequestAct[];
  readonly sameSlot: number;
}

/** Null: there is none. */
export async function requestCase(sql: Sql, number: string): Promise<RequestCase | null> {
  const rows = await sql.query<Record<string, unknown>>(
    'SELECT * FROM requests WHERE number = $1',
    [number],
  );
  if (rows[0] === undefined) return null;
  const request = readRequest(rows[0]);
  const acts = await sql.query<{ state: RequestState; reply: string; who: string; at_ms: unknown }>(
    'SELECT state, reply, who, at_ms FROM request_acts WHERE number = $1 ORDER BY n',
    [number],
  );
  const { slot, category } = request;
  const same =
    slot === null
      ? []
      : await sql.query<{ n: unknown }>(
          `SELECT COUNT(*) AS n FROM requests WHERE category = $1 AND slot_date = $2
             AND slot_half = $3 AND state <> 'declined'`,
          [category, slot.date, slot.half],
        );
  return {
    request,
    acts: acts.map((a) => ({ state: a.state, reply: a.reply, who: a.who, atMs: num(a.at_ms) })),
    sameSlot: num(same[0]?.n ?? 0),
  };
}

/** What a person answers. */
export interface RequestAnswer {
  readonly number: string;
  readonly state: Exclude<RequestState, 'accepted'>;
  /** The customer reads it at the kiosk. */
  readonly reply: string;
  readonly who: string;
}

/**
 * A person answers a request: when somebody comes, that it is done, or that it is declined. The
 * last two end it.
 *
 * @returns false: there is no such request, or it is over
 */
export async function answerRequest(
  db: Db,
  answer: RequestAnswer,
  nowMs: number,
): Promise<boolean> {
  const { number, state, reply, who } = answer;
  const closed = state === 'done' || state === 'declined';
  return db.transaction(async (tx) => {
    const rows = await tx.query<{ acts: unknown }>(
      `UPDATE requests SET state = $2, reply = $3, changed_ms = $4, closed_ms = $5, acts = acts + 1
       WHERE number = $1 AND closed_ms IS NULL RETURNING acts`,
      [number, state, reply, nowMs, closed ? nowMs : null],
    );
    if (rows[0] === undefined) return false;
    await tx.query(
      `INSERT INTO request_acts (number, n, state, reply, who, at_ms)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [number, num(rows[0].acts), state, reply, who, nowMs],
    );
    return true;
  });
}
