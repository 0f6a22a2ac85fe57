import { createHmac, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isMobile } from '../../shared/requests.ts';
import { DAY_MS } from '../../shared/time.ts';
import { anyOf, list } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { partOf, readRequest } from './rows.ts';
import type { RequestRow } from './rows.ts';

/**
 * Who is told of interruptions by SMS. Asked for and stopped at the machines, as requests; a number
 * that says stop is deleted, and what it had asked for before is over, however late it comes.
 */

/** So many areas a number is told of. */
const AREAS_A_PHONE = 3;
/** So many numbers one machine subscribes in a day: its key may be a thief's. */
const A_TERMINAL_A_DAY = 200;
/** A kiosk keeps what it could not tell for so long at the most; then no earlier word can come. */
const STOP_KEPT_MS = 100 * DAY_MS;
const SWEEP_ROWS = 100;
const LABEL = 'pilotlight sms tag 1';

/** What stands for a telephone number, under each of central's keys; the first is written. */
export const tagsOf = (keys: readonly KeyObject[], phone: string): readonly string[] =>
  keys.map((key) => {
    const secret = key.export({ type: 'pkcs8', format: 'der' });
    const made = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), LABEL, 32));
    return createHmac('sha256', made).update(phone, 'utf8').digest('base64url');
  });

/** What the customer reads when he asks how it stands. */
const REPLIES = {
  subscribed: '已登记，停气前发短信给您。',
  stopped: '已退订，号码已删除。',
  // By the clock of its machine it was asked for before the last subscription, which stands.
  again: '还有一次更晚的登记没有退订，请再退订一次。',
  later: '之后已经退订，没有登记。',
  full: '没有登记：号码或机器登记的太多，请打客服热线。',
  unreadable: '没有登记：号码读不出来，请再登记一次。',
} as const;

/** Does what customers asked for since; one request is one transaction, done once. */
export async function takeSmsRequests(
  db: Db,
  keys: readonly KeyObject[],
  nowMs: number,
): Promise<void> {
  const rows = await db.query<{ number: string }>(
    `SELECT number FROM requests
     WHERE closed_ms IS NULL AND kind IN ('outage-sms', 'outage-sms-stop') AND sealed IS NOT NULL
     ORDER BY made_ms, number LIMIT ${SWEEP_ROWS}`,
  );
  for (const { number } of rows)
    await db.transaction(async (tx) => {
      const [found] = await tx.query<Record<string, unknown>>(
        'SELECT * FROM requests WHERE number = $1 AND closed_ms IS NULL FOR NO KEY UPDATE',
        [number],
      );
      if (found === undefined) return;
      const row = readRequest(found);
      const area = typeof found['choice_id'] === 'string' ? found['choice_id'] : null;
      const reply = REPLIES[await take(tx, keys, { row, area }, nowMs)];
      // The subscription has the number; whoever stopped has none here any more.
      await tx.query(
        `UPDATE requests SET state = 'done', reply = $2, changed_ms = $3, closed_ms = $3,
           sealed = NULL, forgotten_ms = $3 WHERE number = $1`,
        [number, reply, nowMs],
      );
    });
}

async function take(
  tx: Sql,
  keys: readonly KeyObject[],
  { row, area }: { readonly row: RequestRow; readonly area: string | null },
  nowMs: number,
): Promise<keyof typeof REPLIES> {
  const phone = partOf(keys, row)?.phone;
  if (phone === undefined || !isMobile(phone)) return 'unreadable';
  const tags = tagsOf(keys, phone);
  // A machine's clock may be wrong, and its word a thief's: nothing was asked for after it came here.
  const madeMs = Math.min(row.madeMs, row.takenMs);
  if (row.kind === 'outage-sms-stop') {
    return (await stopSms(tx, tags, madeMs)) ? 'stopped' : 'again';
  }
  if (area === null) return 'unreadable';
  return (await isStoppedSince(tx, tags, madeMs))
    ? 'later'
    : subscribe(tx, { row: { ...row, madeMs }, area, tags }, nowMs);
}

async function isStoppedSince(sql: Sql, tags: readonly string[], atMs: number): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM sms_stops WHERE tag ${anyOf('$1')} AND at_ms >= $2 LIMIT 1`,
    [list(tags), atMs],
  );
  return rows.length > 0;
}

async function subscribe(
  tx: Sql,
  asked: { readonly row: RequestRow; readonly area: string; readonly tags: readonly string[] },
  nowMs: number,
): Promise<'subscribed' | 'full'> {
  const { row, area, tags } = asked;
  const has = await tx.query<{ area: string }>(
    `SELECT area FROM sms_subscriptions WHERE tag ${anyOf('$1')}`,
    [list(tags)],
  );
  if (has.some((s) => s.area === area)) return 'subscribed';
  const [today] = await tx.query<{ n: unknown }>(
    `SELECT COUNT(*) AS n FROM requests WHERE terminal_id = $1 AND kind = 'outage-sms'
       AND closed_ms > $2`,
    [row.terminalId, nowMs - DAY_MS],
  );
  if (has.length >= AREAS_A_PHONE || num(today?.n ?? 0) >= A_TERMINAL_A_DAY) return 'full';
  await tx.query(
    `INSERT INTO sms_subscriptions (tag, area, number, sealed, since_ms)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    // A machine's clock may be ahead: nobody subscribes in the future, where no stop reaches.
    [tags[0], area, row.number, row.sealed, Math.min(row.madeMs, nowMs)],
  );
  return 'subscribed';
}

/**
 * A number wants no more: what it asked for until then is deleted, and what waits for it is not
 * sent. What was asked for later stays.
 *
 * @returns false: something was asked for later, and the number is told still
 */
export async function stopSms(tx: Sql, tags: readonly string[], atMs: number): Promise<boolean> {
  const those = list(tags);
  for (const tag of tags)
    await tx.query(
      `INSERT INTO sms_stops (tag, at_ms) VALUES ($1, $2)
       ON CONFLICT (tag) DO UPDATE SET at_ms = GREATEST(sms_stops.at_ms, EXCLUDED.at_ms)`,
      [tag, atMs],
    );
  await tx.query(`DELETE FROM sms_subscriptions WHERE tag ${anyOf('$1')} AND since_ms <= $2`, [
    those,
    atMs,
  ]);
  const left = await tx.query(`SELECT 1 FROM sms_subscriptions WHERE tag ${anyOf('$1')} LIMIT 1`, [
    those,
  ]);
  if (left.length > 0) return false;
  await tx.query(`DELETE FROM sms_messages WHERE tag ${anyOf('$1')} AND state = 'waiting'`, [
    those,
  ]);
  await tx.query(
    `UPDATE sms_messages SET state = 'dropped', sealed = NULL, said = 'stopped'
     WHERE tag ${anyOf('$1')} AND state = 'sent'`,
    [those],
  );
  return true;
}

/** Deletes what is not needed any more. */
export async function forgetSms(sql: Sql, nowMs: number): Promise<void> {
  await sql.query('DELETE FROM sms_stops WHERE at_ms <= $1', [nowMs - STOP_KEPT_MS]);
  await sql.query(
    `DELETE FROM sms_messages WHERE until_ms <= $1 AND state NOT IN ('waiting', 'sent')`,
    [nowMs - 30 * DAY_MS],
  );
}

/** What stands, for the console: by area how many numbers, by state how many messages. */
export interface SmsCounts {
  readonly areas: readonly { readonly area: string; readonly numbers: number }[];
  readonly messages: readonly { readonly state: string; readonly count: number }[];
}
/** See {@link SmsCounts}. */
export async function smsCounts(sql: Sql): Promise<SmsCounts> {
  const areas = await sql.query<{ area: string; n: unknown }>(
    'SELECT area, COUNT(*) AS n FROM sms_subscriptions GROUP BY area ORDER BY area',
  );
  const messages = await sql.query<{ state: string; n: unknown }>(
    'SELECT state, COUNT(*) AS n FROM sms_messages GROUP BY state ORDER BY state',
  );
  return {
    areas: areas.map((a) => ({ area: a.area, numbers: num(a.n) })),
    messages: messages.map((m) => ({ state: m.state, count: num(m.n) })),
  };
}
