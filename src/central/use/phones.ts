import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { chinaDate } from '../../shared/time.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

/**
 * The last four digits of the telephone number on record, by which the holder of a user number is
 * known. Four digits are tried through in a moment by whoever has the database, so they are kept
 * under a key that is not in it: made of the key that opens what identifies customers.
 */

/** Ten wrong answers a day, then none is right until tomorrow. */
export const WRONG_A_DAY = 10;

function keyedHash(key: KeyObject, userNo: string, last4: string): string {
  const secret = key.export({ type: 'pkcs8', format: 'der' });
  const derived = hkdfSync('sha256', secret, '', 'PILOTLIGHT-ACCOUNT-PHONE', 32);
  return createHmac('sha256', Buffer.from(derived)).update(`${userNo}\n${last4}`).digest('hex');
}

/** What is kept of the digits; by the newest key. */
export function hashedDigits(
  keys: readonly KeyObject[],
  userNo: string,
  last4: string,
): string | null {
  const [newest] = keys;
  return newest === undefined ? null : keyedHash(newest, userNo, last4);
}

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/**
 * Are these the digits on record? A number that is nobody's costs the same questions and the same
 * work as wrong digits, so that neither answer nor time tells the one from the other. Wrong ones
 * are counted, by account and day of China's.
 */
export async function knowsDigits(
  sql: Sql,
  keys: readonly KeyObject[],
  { userNo, last4 }: { readonly userNo: string; readonly last4: string },
  nowMs: number,
): Promise<boolean> {
  const today = chinaDate(nowMs);
  const [row] = await sql.query<{ last4: string; wrong_day: string | null; wrong_count: unknown }>(
    'SELECT last4, wrong_day, wrong_count FROM account_phones WHERE user_no = $1',
    [userNo],
  );
  const kept = row?.last4 ?? '0'.repeat(64);
  const matches = keys.map((key) => sameText(keyedHash(key, userNo, last4), kept)).includes(true);
  const barred =
    row !== undefined && row.wrong_day === today && num(row.wrong_count) >= WRONG_A_DAY;
  const known = row !== undefined && matches && !barred;
  // The same statement in every case; of who is right, and of nobody, it changes nothing.
  await sql.query(
    `UPDATE account_phones SET wrong_day = $2,
       wrong_count = CASE WHEN wrong_day = $2 THEN wrong_count + 1 ELSE 1 END
     WHERE user_no = $1 AND $3 = 1`,
    [userNo, today, known ? 0 : 1],
  );
  return known;
}
