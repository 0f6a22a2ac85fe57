import { hash } from 'node:crypto';
import type { Random } from '../../shared/ports.ts';

/** A secret of 256 bits that somebody carries: a session, a set-up code, a bearer token. */
export const newToken = (random: Random, prefix = ''): string =>
  `${prefix}${Buffer.from(random.bytes(32)).toString('base64url')}`;

/**
 * What the database keeps of it. The secret is as long as the hash, so nothing slower is needed,
 * and no salt.
 */
export const tokenHash = (token: string): string =>
  hash('sha256', `pilotlight staff ${token}`, 'hex');

/** What the forms of a session carry: it follows from the cookie, and the cookie not from it. */
export const formTokenOf = (token: string): string =>
  hash('sha256', `pilotlight form ${token}`, 'hex');

/** What bearer tokens begin with, so that scanners of secrets know them. */
export const BEARER_PREFIX = 'pl_';
/** … and one-time codes of the first log-in. */
export const SET_UP_PREFIX = 'pls_';
