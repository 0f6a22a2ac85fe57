import type { Random } from '../../shared/ports.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { countingRoles, rolesOf } from './roles.ts';
import type { Role } from './roles.ts';
import { BEARER_PREFIX, newToken, tokenHash } from './tokens.ts';

/** Without a request for so long a session is over, ms. */
export const IDLE_MS = 30 * 60_000;
/** … and after so long in any case, ms. */
export const SESSION_MS = 12 * 3_600_000;
/** A one-time code was typed: so long to enrol an authenticator, ms. */
export const SET_UP_SESSION_MS = 20 * 60_000;
/** When a session was seen is written down no more often than this, ms. */
const SEEN_EVERY_MS = 60_000;

/** Who asks, by a session or a bearer token. */
export interface Person {
  readonly name: string;
  readonly roles: readonly Role[];
}
/** What a session is good for. */
export type SessionKind = 'full' | 'set-up';

/**
 * Begins a session under a new secret: whatever the browser carried before is nobody's.
 *
 * @returns the secret, for the cookie; the database keeps its hash
 */
export async function beginSession(
  tx: Sql,
  { name, kind }: { readonly name: string; readonly kind: SessionKind },
  nowMs: number,
  random: Random,
): Promise<string> {
  const token = newToken(random);
  const lifeMs = kind === 'full' ? SESSION_MS : SET_UP_SESSION_MS;
  // Sessions of everybody that are over go by the way.
  await tx.query('DELETE FROM staff_sessions WHERE ends_ms <= $1 OR seen_ms <= $2', [
    nowMs,
    nowMs - IDLE_MS,
  ]);
  await tx.query(
    `INSERT INTO staff_sessions (token_hash, name, kind, created_ms, seen_ms, ends_ms)
     VALUES ($1, $2, $3, $4, $4, $5)`,
    [tokenHash(token), name, kind, nowMs, nowMs + lifeMs],
  );
  return token;
}

/**
 * Whose session it is, as of now: roles and whether he is let in at all are read at each request.
 *
 * @param watching a page that loads itself anew: nobody has done anything
 * @returns null: nobody's
 */
export async function sessionOf(
  sql: Sql,
  { token, kind, watching }: { token: string; kind: SessionKind; watching: boolean },
  nowMs: number,
): Promise<Person | null> {
  const [row] = await sql.query<{ name: string; roles: string; seen_ms: unknown }>(
    `SELECT s.name, t.roles, s.seen_ms FROM staff_sessions s JOIN staff t ON t.name = s.name
     WHERE s.token_hash = $1 AND s.kind = $2 AND s.ends_ms > $3 AND s.seen_ms > $4
       AND t.disabled_ms IS NULL`,
    [tokenHash(token), kind, nowMs, nowMs - IDLE_MS],
  );
  if (row === undefined) return null;
  if (!watching && nowMs - num(row.seen_ms) >= SEEN_EVERY_MS)
    await sql.query(
      'UPDATE staff_sessions SET seen_ms = $2 WHERE token_hash = $1 AND seen_ms < $2',
      [tokenHash(token), nowMs],
    );
  return { name: row.name, roles: rolesOf(row.roles) };
}

/** Whose bearer token it is: it may what its owner may, of what it was made for. Null: nobody's. */
export async function bearerOf(sql: Sql, token: string, nowMs: number): Promise<Person | null> {
  if (!token.startsWith(BEARER_PREFIX)) return null;
  const [row] = await sql.query<{ name: string; own: string; roles: string }>(
    `SELECT k.name, k.roles, t.roles AS own FROM staff_tokens k JOIN staff t ON t.name = k.name
     WHERE k.token_hash = $1 AND k.ends_ms > $2 AND t.disabled_ms IS NULL`,
    [tokenHash(token), nowMs],
  );
  if (row === undefined) return null;
  const own = rolesOf(row.own);
  return {
    name: row.name,
    roles: countingRoles(rolesOf(row.roles), own),
  };
}
