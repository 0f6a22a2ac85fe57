import { timingSafeEqual } from 'node:crypto';
import { foldedName } from '../../shared/same-name.ts';
import type { Random } from '../../shared/ports.ts';
import { num } from '../db/sql.ts';
import type { Db, Script, Sql } from '../db/sql.ts';
import { audited } from './audit.ts';
import { hashPassword, isOutdated, isPassword, SCRYPT_COST } from './passwords.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from './passwords.ts';
import type { ScryptCost } from './passwords.ts';
import { beginSession, sessionOf } from './sessions.ts';
import { newTotpSecret, totpStep } from './totp.ts';
import { tokenHash } from './tokens.ts';
import { forgetTries, mayTry } from './tries.ts';

/** What logging in needs. */
export interface LogInParts {
  readonly db: Db;
  readonly nowMs: number;
  readonly random: Random;
  /** What new hashes cost; left out: {@link SCRYPT_COST}. */
  readonly cost?: ScryptCost | undefined;
}
/**
 * Why not. `wrong`: name, password or code, and nobody is told which · `too-many`: wait a quarter
 * of an hour · `weak`: too short, too long, or the name · `differ`: typed twice, differently.
 */
export type LogInBar = 'wrong' | 'too-many' | 'weak' | 'differ';
/** The secret of the new session, or why not. */
export type LoggedIn =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly bar: LogInBar };
const barred = (bar: LogInBar): LoggedIn => ({ ok: false, bar });

interface StaffRow {
  readonly name: string;
  readonly password: string | null;
  readonly totp_secret: string | null;
  readonly totp_step: unknown;
  readonly set_up_hash: string | null;
  readonly set_up_until_ms: unknown;
  readonly set_up_secret: string | null;
  readonly disabled_ms: unknown;
}

const staffRow = async (sql: Sql, folded: string, lock = ''): Promise<StaffRow | undefined> =>
  (await sql.query<StaffRow>(`SELECT * FROM staff WHERE folded = $1${lock}`, [folded]))[0];

/** Hashes that are nobody's, one for each cost: an unknown name takes as long as a known one. */
const nobodys = new Map<string, Promise<string>>();
function nobody(random: Random, cost: ScryptCost): Promise<string> {
  const key = `${cost.n} ${cost.r} ${cost.p}`;
  let made = nobodys.get(key);
  if (made === undefined)
    nobodys.set(key, (made = hashPassword(tokenHash(String(random.bytes(16))), random, cost)));
  return made;
}
/** Base32 of nothing in particular. */
const NOBODYS_TOTP = 'A'.repeat(32);

/** Who it claims to be. */
export interface Claimed {
  readonly name: string;
  readonly password: string;
  readonly code: string;
  /** Where it came from; undefined: not known. */
  readonly source: string | undefined;
}

/**
 * Begins a session where name, password and code are right together. Whatever is wrong, the same is
 * done and the same is answered. Each code counts once, in whatever process.
 */
export async function logIn(parts: LogInParts, claimed: Claimed): Promise<LoggedIn> {
  const { db, nowMs, random } = parts;
  const proven = await prove(parts, claimed);
  if (!proven.ok) return proven;
  const { row, step, newHash } = proven;
  const token = await db.transaction(async (tx) => {
    if (!(await takeStep(tx, row, step, nowMs))) return null;
    if (newHash !== null)
      await tx.query('UPDATE staff SET password = $2 WHERE name = $1', [row.name, newHash]);
    await forgetTries(tx, foldedName(row.name), claimed.source, nowMs);
    await note(tx, row.name, 'log-in', nowMs);
    return beginSession(tx, { name: row.name, kind: 'full' }, nowMs, random);
  });
  return token === null ? barred('wrong') : { ok: true, token };
}

const note = (tx: Script, name: string, act: string, nowMs: number): Promise<void> =>
  audited(tx, {
    atMs: nowMs,
    who: name,
    via: 'console',
    act,
    subject: name,
    before: null,
    after: null,
  });

/**
 * Takes the code's step, once; false: it was taken, or password or standing changed meanwhile. The
 * condition stands in the statement, so of two at once one is refused.
 */
const takeStep = async (tx: Sql, row: StaffRow, step: number, nowMs: number): Promise<boolean> =>
  (
    await tx.query(
      `UPDATE staff SET totp_step = $2, changed_ms = $4 WHERE name = $1 AND totp_step < $2
         AND password = $3 AND disabled_ms IS NULL RETURNING name`,
      [row.name, step, row.password, nowMs],
    )
  ).length > 0;

type Proven =
  | {
      readonly ok: true;
      readonly row: StaffRow;
      readonly step: number;
      readonly newHash: string | null;
    }
  | Extract<LoggedIn, { ok: false }>;

/** Name, password and code, looked at together. */
async function prove(parts: LogInParts, claimed: Claimed): Promise<Proven> {
  const { db, nowMs, random, cost = SCRYPT_COST } = parts;
  const folded = foldedName(claimed.name);
  const password = claimed.password.slice(0, MAX_PASSWORD + 1);
  if (!(await mayTry(db, folded, claimed.source, nowMs))) return { ok: false, bar: 'too-many' };
  // Made for everybody, so that the first of an unknown name takes no longer either.
  const other = await nobody(random, cost);
  const row = await staffRow(db, folded);
  const stored = row?.password ?? other;
  const isRight = await isPassword(password, stored);
  const step = totpStep(row?.totp_secret ?? NOBODYS_TOTP, claimed.code.replaceAll(' ', ''), nowMs);
  if (
    row === undefined ||
    row.password === null ||
    row.totp_secret === null ||
    row.disabled_ms !== null ||
    !isRight ||
    step === null ||
    step <= num(row.totp_step)
  )
    return { ok: false, bar: 'wrong' };
  const newHash = isOutdated(stored, cost) ? await hashPassword(password, random, cost) : null;
  return { ok: true, row, step, newHash };
}

/** Too short, too long, or what everybody knows of him. */
const isWeak = (password: string, name: string): boolean =>
  [...password].length < MIN_PASSWORD ||
  password.length > MAX_PASSWORD ||
  new Set(password).size < 5 ||
  foldedName(password).replaceAll(foldedName(name), '').length < MIN_PASSWORD / 2;

/**
 * The one-time code of a first log-in begins a session that is good for enrolling only. It stays
 * good until somebody has enrolled by it.
 */
export async function beginSetUp(
  { db, nowMs, random }: LogInParts,
  { name, code, source }: { name: string; code: string; source: string | undefined },
): Promise<LoggedIn> {
  const folded = foldedName(name);
  if (!(await mayTry(db, folded, source, nowMs))) return barred('too-many');
  const token = await db.transaction(async (tx) => {
    const row = await staffRow(tx, folded, ' FOR NO KEY UPDATE');
    const [want, got] = [
      Buffer.from(row?.set_up_hash ?? tokenHash('nobody’s'), 'utf8'),
      Buffer.from(tokenHash(code.trim()), 'utf8'),
    ];
    const isRight = want.length === got.length && timingSafeEqual(want, got);
    if (
      row === undefined ||
      row.set_up_hash === null ||
      row.disabled_ms !== null ||
      num(row.set_up_until_ms) <= nowMs ||
      !isRight
    )
      return null;
    // Whoever began before him with the same code enrols nothing.
    await tx.query('DELETE FROM staff_sessions WHERE name = $1', [row.name]);
    await tx.query('UPDATE staff SET set_up_secret = $2 WHERE name = $1', [
      row.name,
      newTotpSecret(random),
    ]);
    await forgetTries(tx, folded, source, nowMs);
    return beginSession(tx, { name: row.name, kind: 'set-up' }, nowMs, random);
  });
  return token === null ? barred('wrong') : { ok: true, token };
}

/** What the page of a first log-in shows; null: the session is over. */
export async function setUpOf(
  db: Db,
  token: string,
  nowMs: number,
): Promise<{ readonly name: string; readonly secret: string } | null> {
  const person = await sessionOf(db, { token, kind: 'set-up', watching: false }, nowMs);
  if (person === null) return null;
  const row = await staffRow(db, foldedName(person.name));
  return row?.set_up_secret == null ? null : { name: row.name, secret: row.set_up_secret };
}

/** A password chosen, and a code of the authenticator that was enrolled. */
export interface Chosen {
  readonly password: string;
  readonly again: string;
  readonly code: string;
  readonly source: string | undefined;
}

/** Ends the first log-in: the code is used up, and he is logged in. */
export async function endSetUp(
  parts: LogInParts,
  token: string,
  chosen: Chosen,
): Promise<LoggedIn> {
  const { db, nowMs, random, cost = SCRYPT_COST } = parts;
  const shown = await setUpOf(db, token, nowMs);
  if (shown === null) return barred('wrong');
  if (chosen.password !== chosen.again) return barred('differ');
  if (isWeak(chosen.password, shown.name)) return barred('weak');
  const folded = foldedName(shown.name);
  if (!(await mayTry(db, folded, chosen.source, nowMs))) return barred('too-many');
  const step = totpStep(shown.secret, chosen.code.replaceAll(' ', ''), nowMs);
  if (step === null) return barred('wrong');
  const password = await hashPassword(chosen.password, random, cost);
  const session = await db.transaction(async (tx) => {
    const set = await tx.query(
      `UPDATE staff SET password = $2, totp_secret = set_up_secret, totp_step = $3,
         set_up_hash = NULL, set_up_until_ms = NULL, set_up_secret = NULL, changed_ms = $4
       WHERE name = $1 AND set_up_secret = $5 AND disabled_ms IS NULL RETURNING name`,
      [shown.name, password, step, nowMs, shown.secret],
    );
    if (set.length === 0) return null;
    await tx.query('DELETE FROM staff_sessions WHERE name = $1', [shown.name]);
    await forgetTries(tx, folded, chosen.source, nowMs);
    await note(tx, shown.name, 'staff-set-up', nowMs);
    return beginSession(tx, { name: shown.name, kind: 'full' }, nowMs, random);
  });
  return session === null ? barred('wrong') : { ok: true, token: session };
}

/**
 * One's own password, by the old one and a code. Whatever else he was logged in by is over.
 *
 * @returns the secret of a new session
 */
export async function changePassword(
  parts: LogInParts,
  name: string,
  told: Chosen & { readonly old: string },
): Promise<LoggedIn> {
  const { db, nowMs, random, cost = SCRYPT_COST } = parts;
  if (told.password !== told.again) return barred('differ');
  if (isWeak(told.password, name)) return barred('weak');
  const { code, source } = told;
  const proven = await prove(parts, { name, password: told.old, code, source });
  if (!proven.ok) return proven;
  const { row, step } = proven;
  const password = await hashPassword(told.password, random, cost);
  const session = await db.transaction(async (tx) => {
    if (!(await takeStep(tx, row, step, nowMs))) return null;
    await tx.query('UPDATE staff SET password = $2 WHERE name = $1', [row.name, password]);
    await tx.query('DELETE FROM staff_sessions WHERE name = $1', [row.name]);
    await forgetTries(tx, foldedName(name), source, nowMs);
    await note(tx, row.name, 'staff-password', nowMs);
    return beginSession(tx, { name: row.name, kind: 'full' }, nowMs, random);
  });
  return session === null ? barred('wrong') : { ok: true, token: session };
}

/** He logs out: this session is over, in every process. */
export const logOut = (db: Db, token: string, name: string, nowMs: number): Promise<void> =>
  db.transaction(async (tx) => {
    await tx.query('DELETE FROM staff_sessions WHERE token_hash = $1', [tokenHash(token)]);
    await note(tx, name, 'log-out', nowMs);
  });
