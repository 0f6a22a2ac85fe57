import { foldedName } from '../../shared/same-name.ts';
import type { Random } from '../../shared/ports.ts';
import { DAY_MS } from '../../shared/time.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Db, Script, Sql } from '../db/sql.ts';
import { audited } from './audit.ts';
import { endFirstWords } from './first-words.ts';
import type { Via } from './audit.ts';
import { countingRoles, rolesOf } from './roles.ts';
import type { Role } from './roles.ts';
import { BEARER_PREFIX, newToken, SET_UP_PREFIX, tokenHash } from './tokens.ts';

/** So long the one-time code of a first log-in is good, ms. */
export const SET_UP_MS = 7 * DAY_MS;
/** A bearer token lives no longer than this, days. */
export const MAX_TOKEN_DAYS = 366;

/**
 * What a name may be: Chinese and Latin letters, digits, `. - _`. No other script: its letters look
 * like these and are not.
 */
export const STAFF_NAME = /^[\p{Script=Han}A-Za-z0-9][\p{Script=Han}A-Za-z0-9._-]{0,23}$/u;

/** Who does it, and when. */
export interface Doer {
  readonly who: string;
  readonly via: Via;
  readonly nowMs: number;
}
/** One who works at central, without his secrets. */
export interface StaffMember {
  readonly name: string;
  readonly roles: readonly Role[];
  /** Has a password and an authenticator. */
  readonly isSetUp: boolean;
  /** Until when his one-time code is good; null: none is out. */
  readonly setUpUntilMs: number | null;
  readonly disabledMs: number | null;
  /** Failed tries of the last quarter of an hour or two. */
  readonly failed: number;
}
/** Why nothing was changed. */
export type StaffBar =
  | 'bad-name'
  | 'no-roles'
  | 'taken'
  | 'unknown'
  | 'disabled'
  | 'bad-days'
  | 'not-theirs';
/** The value, or why not. */
export type StaffDone<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly bar: StaffBar };
const done = <T>(value: T): StaffDone<T> => ({ ok: true, value });
const barred = (bar: StaffBar) => ({ ok: false, bar }) as const;

/** The columns that an audit may show. */
interface Shown {
  readonly name: string;
  readonly roles: string;
  readonly disabled_ms: unknown;
  readonly set_up_until_ms: unknown;
}
const shown = (row: Shown | undefined): unknown =>
  row === undefined
    ? null
    : {
        name: row.name,
        roles: row.roles,
        disabled: row.disabled_ms !== null,
        setUpUntilMs: numOrNull(row.set_up_until_ms),
      };

const lockStaff = async (tx: Sql, name: string): Promise<Shown | undefined> =>
  (
    await tx.query<Shown>(
      `SELECT name, roles, disabled_ms, set_up_until_ms FROM staff
       WHERE folded = $1 FOR NO KEY UPDATE`,
      [foldedName(name)],
    )
  )[0];

/** What he proposed is over, in whatever form. */
async function endProposals(tx: Sql, name: string, nowMs: number): Promise<void> {
  await tx.query(`UPDATE staff_proposals SET state = 'lapsed' WHERE who = $1 AND state = 'open'`, [
    name,
  ]);
  await endFirstWords(tx, name, [], nowMs);
}

/** His roles as of now; none: there is nobody of this name who is let in. */
export async function standingRoles(sql: Sql, name: string): Promise<readonly Role[]> {
  const [row] = await sql.query<{ roles: string }>(
    'SELECT roles FROM staff WHERE name = $1 AND disabled_ms IS NULL',
    [name],
  );
  return row === undefined ? [] : rolesOf(row.roles);
}

/** Ends what he is logged in by; bearer tokens too where `tokens`. */
async function endSessions(tx: Sql, name: string, tokens: boolean): Promise<void> {
  await tx.query('DELETE FROM staff_sessions WHERE name = $1', [name]);
  if (tokens) await tx.query('DELETE FROM staff_tokens WHERE name = $1', [name]);
}

/**
 * A new person. Names that differ in case, width or signs only are one name.
 *
 * @returns the one-time code of the first log-in, told once and kept as a hash
 */
export async function addStaff(
  db: Db,
  { name, roles }: { readonly name: string; readonly roles: readonly Role[] },
  by: Doer,
  random: Random,
): Promise<StaffDone<string>> {
  const folded = foldedName(name);
  if (!STAFF_NAME.test(name) || folded === '') return barred('bad-name');
  if (roles.length === 0) return barred('no-roles');
  const code = newToken(random, SET_UP_PREFIX);
  return db.transaction(async (tx) => {
    const made = await tx.query<Shown>(
      `INSERT INTO staff (name, folded, roles, totp_step, set_up_hash, set_up_until_ms, created_ms,
         changed_ms) VALUES ($1, $2, $3, 0, $4, $5, $6, $6)
       ON CONFLICT (folded) DO NOTHING RETURNING name, roles, disabled_ms, set_up_until_ms`,
      [name, folded, roles.join(','), tokenHash(code), by.nowMs + SET_UP_MS, by.nowMs],
    );
    if (made[0] === undefined) return barred('taken');
    await note(tx, by, 'staff-add', name, null, shown(made[0]));
    return done(code);
  });
}

const note = (
  tx: Script,
  { who, via, nowMs }: Doer,
  act: string,
  subject: string,
  before: unknown,
  after: unknown,
): Promise<void> => audited(tx, { atMs: nowMs, who, via, act, subject, before, after });

/**
 * Somebody who lost his password or authenticator begins anew: both are gone, whatever he was
 * logged in by, and what was proposed in his name. A disabled one is let in again by this.
 *
 * @returns the one-time code
 */
export function resetStaff(
  db: Db,
  name: string,
  by: Doer,
  random: Random,
): Promise<StaffDone<string>> {
  const code = newToken(random, SET_UP_PREFIX);
  return changed(db, name, by, 'staff-reset', true, async (tx, known) => {
    await tx.query(
      `UPDATE staff SET password = NULL, totp_secret = NULL, set_up_secret = NULL,
         set_up_hash = $2, set_up_until_ms = $3, disabled_ms = NULL, changed_ms = $4
       WHERE name = $1`,
      [known, tokenHash(code), by.nowMs + SET_UP_MS, by.nowMs],
    );
    await endProposals(tx, known, by.nowMs);
  }).then((told) => (told.ok ? done(code) : told));
}

/**
 * He is let in no more, from the next request on, and what he proposed is over; `resetStaff` lets
 * him in again.
 */
export const disableStaff = (db: Db, name: string, by: Doer): Promise<StaffDone<null>> =>
  changed(db, name, by, 'staff-disable', true, async (tx, known) => {
    await tx.query(
      `UPDATE staff SET disabled_ms = $2, set_up_hash = NULL, set_up_until_ms = NULL,
         changed_ms = $2 WHERE name = $1`,
      [known, by.nowMs],
    );
    await endProposals(tx, known, by.nowMs);
  });

/** All his bearer tokens are over, and he stays logged in. */
export const endTokens = (db: Db, name: string, by: Doer): Promise<StaffDone<number>> =>
  db.transaction(async (tx) => {
    const known = await lockStaff(tx, name);
    if (known === undefined) return barred('unknown');
    const ended = await tx.query('DELETE FROM staff_tokens WHERE name = $1 RETURNING token_hash', [
      known.name,
    ]);
    await note(tx, by, 'staff-tokens-end', known.name, { tokens: ended.length }, { tokens: 0 });
    return done(ended.length);
  });

/** Other roles. He logs in anew; his tokens may no more than he. */
export const setRoles = async (
  db: Db,
  name: string,
  roles: readonly Role[],
  by: Doer,
): Promise<StaffDone<null>> =>
  roles.length === 0
    ? barred('no-roles')
    : changed(db, name, by, 'staff-roles', false, async (tx, known) => {
        await tx.query('UPDATE staff SET roles = $2, changed_ms = $3 WHERE name = $1', [
          known,
          roles.join(','),
          by.nowMs,
        ]);
        await endFirstWords(tx, known, roles, by.nowMs);
      });

function changed(
  db: Db,
  name: string,
  by: Doer,
  act: string,
  tokens: boolean,
  write: (tx: Sql, known: string) => Promise<unknown>,
): Promise<StaffDone<null>> {
  return db.transaction(async (tx) => {
    const before = await lockStaff(tx, name);
    if (before === undefined) return barred('unknown');
    await write(tx, before.name);
    await endSessions(tx, before.name, tokens);
    await note(tx, by, act, before.name, shown(before), shown(await lockStaff(tx, before.name)));
    return done(null);
  });
}

/**
 * A bearer token by which a program does what this person may.
 *
 * @param days from now; at most {@link MAX_TOKEN_DAYS}
 * @returns the token, told once and kept as a hash
 */
export async function makeToken(
  db: Db,
  { name, roles, days }: { name: string; roles: readonly Role[]; days: number },
  by: Doer,
  random: Random,
): Promise<StaffDone<string>> {
  if (roles.length === 0) return barred('no-roles');
  if (!Number.isInteger(days) || days < 1 || days > MAX_TOKEN_DAYS) return barred('bad-days');
  const token = newToken(random, BEARER_PREFIX);
  const endsMs = by.nowMs + days * DAY_MS;
  return db.transaction(async (tx) => {
    const known = await lockStaff(tx, name);
    if (known === undefined) return barred('unknown');
    if (known.disabled_ms !== null) return barred('disabled');
    // A token that may nothing looks like one that works.
    if (countingRoles(roles, rolesOf(known.roles)).length === 0) return barred('not-theirs');
    await tx.query(
      `INSERT INTO staff_tokens (token_hash, name, roles, made_by, created_ms, ends_ms)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [tokenHash(token), known.name, roles.join(','), by.who, by.nowMs, endsMs],
    );
    await note(tx, by, 'staff-token', known.name, null, { roles: roles.join(','), endsMs });
    return done(token);
  });
}

/** Everybody, by name. */
export async function listStaff(sql: Sql, nowMs: number): Promise<readonly StaffMember[]> {
  const rows = await sql.query<Shown & { set_up: unknown; failed: unknown }>(
    `SELECT name, roles, disabled_ms, set_up_until_ms,
       CASE WHEN password IS NULL OR totp_secret IS NULL THEN 0 ELSE 1 END AS set_up,
       COALESCE((SELECT SUM(n) FROM staff_tries t WHERE t.what = 'name ' || s.folded
         AND t.span >= $1), 0)::bigint AS failed
     FROM staff s ORDER BY name`,
    [Math.floor(nowMs / TRY_SPAN_MS) - 1],
  );
  return rows.map((r) => ({
    name: r.name,
    roles: rolesOf(r.roles),
    isSetUp: num(r.set_up) === 1,
    setUpUntilMs: numOrNull(r.set_up_until_ms),
    disabledMs: numOrNull(r.disabled_ms),
    failed: num(r.failed),
  }));
}

/** Tries to log in are counted by this span, ms. */
export const TRY_SPAN_MS = 15 * 60_000;
