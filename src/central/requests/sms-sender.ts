import { hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Outage } from '../../shared/policy-info.ts';
import type { Policy } from '../../shared/policy.ts';
import { isMobile } from '../../shared/requests.ts';
import { chinaTime, DAY_MS } from '../../shared/time.ts';
import { anyOf, list } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { partOf } from './rows.ts';
import type { SmsPlatform, SmsSaid } from './sms-platform.ts';
import { forgetSms, stopSms, tagsOf, takeSmsRequests } from './sms-subscribers.ts';

/**
 * Tells subscribers of interruptions (停气短信): one message for a number and an interruption, its
 * row durable before it is sent, under an id that is always the same, so that a database that went
 * on from a backup sends none twice.
 */

/** Companies announce it so long before. */
const AHEAD_MS = 2 * DAY_MS;
/** Nobody is woken from nine in the evening to eight in the morning (China's clock). */
const QUIET = { fromHour: 21, toHour: 8 } as const;
const FIRST_LOOK_MS = 30_000;
const MAX_LOOK_MS = 3_600_000;
const SWEEP_ROWS = 200;
/** What stops it, in an answer of nothing else. */
const STOP = /^(?:T|TD|N|退订)$/i;

/** What messages are made of. */
export interface SmsParts {
  readonly db: Db;
  readonly platform: SmsPlatform;
  readonly keys: readonly KeyObject[];
  readonly outages: readonly Outage[];
  readonly nowMs: number;
}

/** The interruptions that any of these policies tells of, each once. */
export const outagesIn = (policies: readonly Policy[]): readonly Outage[] => [
  ...new Map(
    policies.flatMap((p) => p.info?.outages ?? []).map((o) => [canonicalJson(o), o]),
  ).values(),
];

/**
 * One round: what was asked for, who said stop, what is to be told, and the telling. One process at
 * a time, so that nobody is told who has just said stop.
 */
export const sweepSms = (parts: SmsParts): Promise<void> =>
  parts.db.alone('sms', () => round(parts));

async function round(parts: SmsParts): Promise<void> {
  const { db, keys, nowMs } = parts;
  await takeSmsRequests(db, keys, nowMs);
  await hearReplies(parts);
  for (const outage of parts.outages) if (isTold(outage, nowMs)) await planFor(db, outage, nowMs);
  await db.query(
    `UPDATE sms_messages SET state = 'dropped', sealed = NULL, said = 'over'
     WHERE state IN ('waiting', 'sent') AND until_ms <= $1`,
    [nowMs],
  );
  const due = await db.query<{ message_id: string }>(
    `SELECT message_id FROM sms_messages
     WHERE state IN ('waiting', 'sent') AND look_ms <= $1 ${isQuiet(nowMs) ? 'AND sudden' : ''}
     ORDER BY look_ms, message_id LIMIT ${SWEEP_ROWS}`,
    [nowMs],
  );
  // A platform that is away is not asked two hundred times more.
  for (const { message_id: id } of due) if (!(await tell(parts, id))) break;
  await forgetSms(db, nowMs);
}

/** In the night, by China's clock. */
export function isQuiet(nowMs: number): boolean {
  const hour = Number(chinaTime(nowMs).slice(11, 13));
  return hour >= QUIET.fromHour || hour < QUIET.toHour;
}

const isTold = ({ smsAreas, fromMs, toMs }: Outage, nowMs: number): boolean =>
  (smsAreas ?? []).length > 0 && fromMs - nowMs <= AHEAD_MS && toMs > nowMs;

/** One interruption, whatever is corrected of its reason and end. */
const outageId = ({ area, fromMs }: Outage): string =>
  hash('sha256', `${fromMs} ${area.zh}`, 'hex').slice(0, 24);

/** What a customer reads: where, from when to when, why, and how he stops it. */
export function smsText({ area, reason, fromMs, toMs, sudden }: Outage): string {
  const [from, to] = [chinaTime(fromMs), chinaTime(toMs)];
  const day = (t: string): string => `${Number(t.slice(5, 7))}月${Number(t.slice(8, 10))}日`;
  const until = from.slice(0, 10) === to.slice(0, 10) ? '' : day(to);
  const what = sudden === true ? '突发停气' : '停气';
  return `${what}通知：${area.zh}，${day(from)}${from.slice(11, 16)}至${until}${to.slice(11, 16)}停气（${reason.zh}）。请关好阀门和灶具。回T退订`;
}

/** Each number of these areas has a message, once; whoever subscribes later too. */
async function planFor(db: Db, outage: Outage, nowMs: number): Promise<void> {
  const id = outageId(outage);
  const rows = await db.query<{ tag: string; number: string; sealed: string }>(
    `SELECT tag, number, sealed FROM sms_subscriptions s WHERE area ${anyOf('$1')}
       AND NOT EXISTS (SELECT 1 FROM sms_messages m WHERE m.tag = s.tag AND m.outage = $2)
     ORDER BY tag, area LIMIT ${SWEEP_ROWS}`,
    [list(outage.smsAreas ?? []), id],
  );
  for (const { tag, number, sealed } of rows)
    await db.query(
      `INSERT INTO sms_messages (message_id, tag, outage, body, number, sealed, sudden, state,
         made_ms, look_ms, until_ms)
       SELECT $1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $8, $9
       WHERE EXISTS (SELECT 1 FROM sms_subscriptions WHERE tag = $2) ON CONFLICT DO NOTHING`,
      [
        hash('sha256', `${id} ${tag}`, 'hex').slice(0, 32),
        tag,
        id,
        smsText(outage),
        number,
        sealed,
        outage.sudden === true,
        nowMs,
        outage.toMs,
      ],
    );
}

interface Message {
  readonly body: string;
  readonly number: string;
  readonly sealed: string | null;
  readonly state: string;
  readonly made_ms: unknown;
}
/**
 * One message, one step on: sent, or asked about where what became of it is not known.
 *
 * @returns false: the platform did not answer
 */
async function tell({ db, platform, keys, nowMs }: SmsParts, id: string): Promise<boolean> {
  const [m] = await db.query<Message>(
    `UPDATE sms_messages SET look_ms = $3
     WHERE message_id = $1 AND state IN ('waiting', 'sent') AND look_ms <= $2
     RETURNING body, number, sealed, state, made_ms`,
    [id, nowMs, nowMs + FIRST_LOOK_MS],
  );
  if (m === undefined) return true;
  const to = partOf(keys, m)?.phone;
  if (to === undefined || !isMobile(to))
    return end(db, id, { kind: 'refused', detail: 'the number cannot be read' }, nowMs);
  if (m.state === 'sent') {
    const became = await platform.ask(id);
    if (became.kind !== 'unheard') return end(db, id, became, laterOf(m, nowMs));
  }
  // Durable before it leaves: from here on it may have been sent.
  const going = await db.query(
    `UPDATE sms_messages SET state = 'sent', sent_ms = COALESCE(sent_ms, $2)
     WHERE message_id = $1 AND state IN ('waiting', 'sent') RETURNING message_id`,
    [id, nowMs],
  );
  if (going.length === 0) return true;
  return end(db, id, await platform.send({ id, to, text: m.body }), laterOf(m, nowMs));
}

const laterOf = (m: Message, nowMs: number): number =>
  nowMs + Math.min(MAX_LOOK_MS, Math.max(FIRST_LOOK_MS, nowMs - num(m.made_ms)));

/** What the platform said: final, or it is looked at again. @returns whether it said anything */
async function end(db: Db, id: string, said: SmsSaid, lookMs: number): Promise<boolean> {
  if (said.kind === 'accepted' || said.kind === 'refused') {
    await db.query(
      `UPDATE sms_messages SET state = $2, sealed = NULL, said = $3
       WHERE message_id = $1 AND state IN ('waiting', 'sent')`,
      [id, said.kind, said.kind === 'refused' ? said.detail : null],
    );
    return true;
  }
  await db.query(
    `UPDATE sms_messages SET look_ms = $2, said = $3
     WHERE message_id = $1 AND state IN ('waiting', 'sent')`,
    [id, lookMs, said.kind],
  );
  return false;
}

/** Who answers T is told nothing more. Nothing else of an answer is kept. */
async function hearReplies({ db, platform, keys }: SmsParts): Promise<void> {
  const after = await heardTo(db);
  const replies = await platform.replies(after);
  if (replies === null) return;
  for (const { seq, from, text, atMs } of replies.toSorted((a, b) => a.seq - b.seq))
    await db.transaction(async (tx) => {
      await tx.query('INSERT INTO sms_replies (one, seq) VALUES (1, 0) ON CONFLICT DO NOTHING');
      const next = await tx.query(
        'UPDATE sms_replies SET seq = $1 WHERE one = 1 AND seq < $1 RETURNING seq',
        [seq],
      );
      if (next.length === 0 || !STOP.test(text.trim().normalize('NFKC'))) return;
      const tags = tagsOf(keys, from);
      await stopSms(tx, tags, Math.max(atMs, await lastSentMs(tx, tags)));
    });
}
/** An answer is to a message: it came after that, whatever the platform's clock says. 0: none. */
async function lastSentMs(sql: Sql, tags: readonly string[]): Promise<number> {
  const [row] = await sql.query<{ ms: unknown }>(
    `SELECT MAX(sent_ms) AS ms FROM sms_messages WHERE tag ${anyOf('$1')}`,
    [list(tags)],
  );
  return num(row?.ms ?? 0);
}
async function heardTo(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ seq: unknown }>('SELECT seq FROM sms_replies');
  return num(row?.seq ?? 0);
}
