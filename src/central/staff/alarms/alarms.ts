import { canonicalJson } from '../../../shared/canonical-json.ts';
import type { Clock, LogFn } from '../../../shared/ports.ts';
import type { HttpSend } from '../../../shared/http.ts';
import { DbError, num, numOrNull } from '../../db/sql.ts';
import type { Db, Sql } from '../../db/sql.ts';
import { ALARM_CODES } from './config.ts';
import type { AlarmCode, AlarmsConfig } from './config.ts';
import { mailChannel, webhookChannel } from './messages.ts';
import type { AlarmChannel, AlarmNotice } from './messages.ts';
import { ALARM_RULES, look, tellable } from './rules.ts';
import type { Found } from './rules.ts';

/** Whom central tells of its alarms. */
export interface AlarmsOptions {
  readonly config: AlarmsConfig;
  /** What `mail.passwordFile` holds; left out: none. */
  readonly mailPassword?: string;
  /** What `mail.caFile` holds; left out: none. */
  readonly mailCaPem?: string;
  /** What `webhook.secretFile` holds. */
  readonly webhookSecret?: string;
  readonly clock: Clock;
  /** Left out: the platform's. */
  readonly send?: HttpSend;
}

/** Left out of the configuration, ms. */
const EVERY_MS = 60_000;
/** What is not found for so long is over, so that what comes and goes is told once. */
export const CLEAR_AFTER_MS = 3 * 60_000;
/** It is told again when it is this many times as bad as when it was told last. */
const WORSE = 2;
/** After the first failure, ms; doubled each time. */
const RETRY_MS = 60_000;
const RETRY_MOST_MS = 3_600_000;
/** Of one round. */
const MESSAGES_AT_ONCE = 20;
/** Whoever sends a message has it for so long, ms; who died over it leaves it to the next. */
const LEASE_MS = 5 * 60_000;
/** Alarms that are over, and told, are kept so long, ms. */
const KEPT_MS = 400 * 86_400_000;

/** Looks, and tells; in several processes each thing is told once. */
export interface Alarms {
  /** Looks where it is time to, and delivers what is due. Rejects at a defect only. */
  readonly sweep: () => Promise<void>;
}

/** @throws where the configuration names a channel whose secret is not given */
export function alarmsOf(db: () => Db, options: AlarmsOptions, log?: LogFn): Alarms {
  const { config, clock, mailPassword, webhookSecret } = options;
  const channels = new Map<'mail' | 'webhook', AlarmChannel>();
  if (config.mail !== undefined) {
    if (config.mail.user !== undefined && mailPassword === undefined)
      throw new Error('alarms.mail has a user and no password');
    channels.set(
      'mail',
      mailChannel(config.mail, config.rules, {
        password: mailPassword ?? null,
        caPem: options.mailCaPem ?? null,
      }),
    );
  }
  if (config.webhook !== undefined) {
    if (webhookSecret === undefined || webhookSecret === '')
      throw new Error('alarms.webhook has no secret');
    channels.set('webhook', webhookChannel(config.webhook, webhookSecret, clock, options.send));
  }
  const names = [...channels.keys()];
  let lookedMs = Number.NEGATIVE_INFINITY;
  return {
    sweep: async () => {
      try {
        const nowMs = clock.nowMs();
        const isDue = nowMs - lookedMs >= (config.everyMs ?? EVERY_MS);
        if (isDue) {
          await db().alone('alarms look', () => lookAndNote(db(), config, names, nowMs));
          lookedMs = nowMs;
        }
        await deliver(db(), channels, clock);
      } catch (cause) {
        // Another process is at it, or the database is away: the next round comes.
        if (!(cause instanceof DbError)) throw cause;
        log?.('debug', 'alarms', cause.message);
      }
    },
  };
}

interface AlarmRow {
  readonly id: unknown;
  readonly subject: string;
  readonly measure: unknown;
  readonly told_measure: unknown;
  readonly detail: string;
  readonly raised_ms: unknown;
  readonly changed_ms: unknown;
}

/** Raises, worsens and clears; each with its messages, in one transaction for each rule. */
async function lookAndNote(
  db: Db,
  config: AlarmsConfig,
  channels: readonly string[],
  nowMs: number,
): Promise<void> {
  const all = await look(db, nowMs);
  for (const code of ALARM_CODES) {
    const rule = config.rules?.[code];
    const found = rule?.off === true ? [] : (all.get(code) ?? []);
    await db.transaction((tx) =>
      note(tx, code, found, rule?.threshold ?? ALARM_RULES[code].threshold, { channels, nowMs }),
    );
  }
  await db.query(`DELETE FROM alarm_messages WHERE delivered_ms IS NOT NULL AND made_ms < $1`, [
    nowMs - KEPT_MS,
  ]);
}

async function note(
  tx: Sql,
  code: AlarmCode,
  all: readonly Found[],
  threshold: number,
  by: { readonly channels: readonly string[]; readonly nowMs: number },
): Promise<void> {
  const { nowMs } = by;
  const standing = new Map(
    (
      await tx.query<AlarmRow>(
        'SELECT * FROM alarms WHERE code = $1 AND cleared_ms IS NULL ORDER BY id FOR UPDATE',
        [code],
      )
    ).map((row) => [row.subject, row]),
  );
  const found = tellable(all, threshold, new Set(standing.keys()));
  const tell = (
    id: unknown,
    what: AlarmNotice['what'],
    { subject, measure, detail }: Found,
    raisedMs: number,
  ): Promise<void> =>
    queue(
      tx,
      { alarm: num(id), code, what, subject, measure, detail, raisedMs, atMs: nowMs },
      by.channels,
    );
  for (const one of found) {
    const row = standing.get(one.subject);
    standing.delete(one.subject);
    if (row === undefined) {
      const made = await tx.query<{ id: unknown }>(
        `INSERT INTO alarms (code, subject, measure, told_measure, detail, raised_ms, changed_ms)
         VALUES ($1, $2, $3, $3, $4, $5, $5)
         ON CONFLICT (code, subject) WHERE cleared_ms IS NULL DO NOTHING RETURNING id`,
        [code, one.subject, one.measure, one.detail, nowMs],
      );
      if (made[0] !== undefined) await tell(made[0].id, 'raised', one, nowMs);
      continue;
    }
    const isWorse = one.measure >= WORSE * num(row.told_measure);
    await tx.query(
      `UPDATE alarms SET measure = $2, told_measure = $3, detail = $4, changed_ms = $5
       WHERE id = $1`,
      [row.id, one.measure, isWorse ? one.measure : row.told_measure, one.detail, nowMs],
    );
    if (isWorse) await tell(row.id, 'worse', one, num(row.raised_ms));
  }
  for (const [subject, row] of standing) {
    if (nowMs - num(row.changed_ms) < CLEAR_AFTER_MS) continue;
    await tx.query('UPDATE alarms SET cleared_ms = $2 WHERE id = $1', [row.id, nowMs]);
    const last = { subject, measure: num(row.measure), detail: row.detail };
    await tell(row.id, 'cleared', last, num(row.raised_ms));
  }
}

async function queue(tx: Sql, notice: AlarmNotice, channels: readonly string[]): Promise<void> {
  for (const channel of channels)
    await tx.query(
      `INSERT INTO alarm_messages (alarm_id, channel, what, body, made_ms, due_ms, tries)
       VALUES ($1, $2, $3, $4, $5, $5, 0)`,
      [notice.alarm, channel, notice.what, canonicalJson(notice), notice.atMs],
    );
}

interface Due {
  readonly id: unknown;
  readonly channel: 'mail' | 'webhook';
  readonly body: string;
  readonly tries: unknown;
}

/**
 * Delivers what is due; of one alarm in its order. What fails is tried again, until it is told.
 * Each message is taken before it is sent, so that of several processes one sends it.
 */
async function deliver(
  db: Db,
  channels: ReadonlyMap<'mail' | 'webhook', AlarmChannel>,
  clock: Clock,
): Promise<void> {
  for (const [channel, send] of channels) {
    const due = await db.query<Due>(
      `SELECT * FROM alarm_messages m WHERE delivered_ms IS NULL AND due_ms <= $1 AND channel = $2
         AND NOT EXISTS (SELECT 1 FROM alarm_messages e WHERE e.alarm_id = m.alarm_id
           AND e.channel = m.channel AND e.id < m.id AND e.delivered_ms IS NULL)
       ORDER BY id LIMIT ${MESSAGES_AT_ONCE}`,
      [clock.nowMs(), channel],
    );
    for (const { id, body, tries } of due) {
      const taken = await db.query(
        `UPDATE alarm_messages SET due_ms = $3 WHERE id = $1 AND due_ms <= $2
           AND delivered_ms IS NULL RETURNING id`,
        [id, clock.nowMs(), clock.nowMs() + LEASE_MS],
      );
      if (taken.length === 0) continue;
      const said = await send({ id: num(id), notice: JSON.parse(body) as AlarmNotice });
      const nowMs = clock.nowMs();
      await db.query(
        said === null
          ? 'UPDATE alarm_messages SET delivered_ms = $2, tries = tries + 1, said = NULL WHERE id = $1'
          : `UPDATE alarm_messages SET due_ms = $2, tries = tries + 1, said = $3 WHERE id = $1`,
        said === null
          ? [id, nowMs]
          : [id, nowMs + Math.min(RETRY_MS * 2 ** num(tries), RETRY_MOST_MS), said],
      );
      // Whoever does not answer is asked no more in this round.
      if (said !== null) break;
    }
  }
}

/** One alarm, with how far it was told. */
export interface AlarmSeen extends Found {
  readonly id: number;
  readonly code: AlarmCode;
  readonly raisedMs: number;
  readonly clearedMs: number | null;
  readonly untold: number;
  /** Why the last try failed; null: none did. */
  readonly said: string | null;
}

/** What stands, the newest first, then what is over; at most 300 and 100. */
export async function alarmsSeen(sql: Sql): Promise<readonly AlarmSeen[]> {
  const told = `(SELECT COUNT(*) FROM alarm_messages m WHERE m.alarm_id = a.id
      AND m.delivered_ms IS NULL) AS untold, (SELECT MAX(said) FROM alarm_messages m
      WHERE m.alarm_id = a.id AND m.delivered_ms IS NULL) AS said`;
  const rows = [
    ...(await sql.query<Record<string, unknown>>(
      `SELECT a.*, ${told} FROM alarms a WHERE cleared_ms IS NULL ORDER BY id DESC LIMIT 300`,
    )),
    ...(await sql.query<Record<string, unknown>>(
      `SELECT a.*, ${told} FROM alarms a WHERE cleared_ms IS NOT NULL ORDER BY id DESC LIMIT 100`,
    )),
  ];
  return rows.map((r) => ({
    id: num(r['id']),
    code: r['code'] as AlarmCode,
    subject: String(r['subject']),
    measure: num(r['measure']),
    detail: String(r['detail']),
    raisedMs: num(r['raised_ms']),
    clearedMs: numOrNull(r['cleared_ms']),
    untold: num(r['untold']),
    said: r['said'] === null ? null : String(r['said']),
  }));
}
