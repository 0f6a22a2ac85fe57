import { chinaDate, DAY_MS } from '../../../shared/time.ts';
import { heartbeatSchema } from '../../../shared/central-api/index.ts';
import type { Heartbeat } from '../../../shared/central-api/index.ts';
import { num } from '../../db/sql.ts';
import type { Sql } from '../../db/sql.ts';
import { strangersCount } from '../../gateway/bill-strangers.ts';
import { TRY_SPAN_MS } from '../accounts.ts';
import type { AlarmCode } from './config.ts';

/** Something that an alarm is of. */
export interface Found {
  /** A terminal; empty: central as a whole. No personal data. */
  readonly subject: string;
  /** How bad, in the rule's unit. */
  readonly measure: number;
  readonly detail: string;
}
/** One rule. */
export interface AlarmRule {
  readonly words: string;
  readonly unit: string;
  /** From this measure on, where the configuration has none. */
  readonly threshold: number;
}

/** What each alarm means; its code is the key. */
export const ALARM_RULES: Readonly<Record<AlarmCode, AlarmRule>> = {
  'TERMINAL-SILENT': { words: '终端失联', unit: '分钟', threshold: 15 },
  'TERMINAL-OUT-OF-SERVICE': { words: '终端停用', unit: '台', threshold: 1 },
  'TERMINAL-PAPER-OUT': { words: '终端缺纸', unit: '台', threshold: 1 },
  'TERMINAL-UNSENT': { words: '终端有记录没有上传', unit: '条', threshold: 200 },
  'TERMINAL-ALARM': { words: '终端报警（分叉、请求过多等）', unit: '台', threshold: 1 },
  'TERMINAL-ASKS-EPOCH': { words: '终端申请新纪元', unit: '台', threshold: 1 },
  'FACTS-QUARANTINED': { words: '记录被隔离', unit: '条', threshold: 1 },
  'MONEY-PARKED': { words: '有款挂起', unit: '笔', threshold: 1 },
  'REFUNDS-WAIT': { words: '退款等人', unit: '笔', threshold: 1 },
  'CROSS-CHECK': { words: '对账或成交有差异', unit: '笔', threshold: 1 },
  'LOG-INS-FAILED': { words: '登录失败过多', unit: '次', threshold: 20 },
};

/** So many terminals are told of one by one; more are one alarm of all. */
export const ONE_BY_ONE = 20;
/** What an alarm of many terminals is of. */
export const MANY = '*';
/** How bad an alarm is, in words. Of many terminals they are counted, whatever the rule measures. */
export const measureOf = (alarm: {
  readonly code: AlarmCode;
  readonly subject: string;
  readonly measure: number;
}): string => `${alarm.measure} ${alarm.subject === MANY ? '台' : ALARM_RULES[alarm.code].unit}`;
const ROWS_AT_ONCE = 1_000;

/** What every rule finds at this moment, before thresholds. */
export async function look(
  sql: Sql,
  nowMs: number,
): Promise<ReadonlyMap<AlarmCode, readonly Found[]>> {
  const found = new Map<AlarmCode, Found[]>();
  const add = (code: AlarmCode, one: Found): void => {
    const list = found.get(code);
    if (list === undefined) found.set(code, [one]);
    else list.push(one);
  };
  await lookAtTerminals(sql, nowMs, add);
  const rows = await sql.query<{ terminal_id: string; alarm: string }>(
    `SELECT terminal_id, alarm FROM terminals WHERE alarm IS NOT NULL AND status <> 'revoked'
     ORDER BY terminal_id LIMIT 500`,
  );
  for (const row of rows)
    add('TERMINAL-ALARM', {
      subject: row.terminal_id,
      measure: 1,
      detail: row.alarm.slice(0, 200),
    });
  const asking = await sql.query<{ terminal_id: string }>(
    'SELECT terminal_id FROM epoch_requests WHERE granted_ms IS NULL ORDER BY terminal_id LIMIT 500',
  );
  for (const row of asking)
    add('TERMINAL-ASKS-EPOCH', { subject: row.terminal_id, measure: 1, detail: '' });
  for (const [code, detail, text, params] of counts(nowMs)) {
    const [row] = await sql.query<{ n: unknown }>(text, params);
    add(code, { subject: '', measure: num(row?.n ?? 0), detail });
  }
  return found;
}

/** What a count by the database tells. */
const counts = (
  nowMs: number,
): readonly (readonly [AlarmCode, string, string, readonly unknown[]])[] => [
  ['FACTS-QUARANTINED', '', 'SELECT COUNT(*) AS n FROM quarantine WHERE settled_ms IS NULL', []],
  [
    'MONEY-PARKED',
    '挂起的订单和待退的重复付款',
    `SELECT (SELECT COUNT(*) FROM orders WHERE state = 'parked')
       + (SELECT COUNT(*) FROM gateway_legs g WHERE state = 'parked' AND NOT EXISTS
         (SELECT 1 FROM gateway_settlements s WHERE s.leg = g.leg AND s.outcome <> 'again')) AS n`,
    [],
  ],
  [
    'REFUNDS-WAIT',
    '超限的和待核对卡的',
    `SELECT (SELECT COUNT(*) FROM refund_waits WHERE allowed_ms IS NULL)
       + (SELECT COUNT(*) FROM unproven_refunds u JOIN orders o ON o.order_id = u.order_id
         WHERE u.state = 'waiting' AND o.delivered_by IS NULL
           AND o.state NOT IN ('delivered', 'refunded', 'parked')) AS n`,
    [],
  ],
  [
    'CROSS-CHECK',
    '账单差异（近七天）、账单里网关不认识的款、待查的成交、公司账务系统不收的和有矛盾的',
    `SELECT (SELECT COALESCE(SUM(persons), 0) FROM bill_days WHERE date >= $1)
       + ${strangersCount('$2')}
       + (SELECT COUNT(*) FROM sale_findings WHERE settled_ms IS NULL AND accuses)
       + (SELECT COUNT(*) FROM company_purchases WHERE state = 'refused')
       + (SELECT COUNT(*) FROM company_findings) AS n`,
    [chinaDate(nowMs - 7 * DAY_MS), nowMs - 7 * DAY_MS],
  ],
  [
    'LOG-INS-FAILED',
    '最近一刻钟',
    `SELECT COALESCE(SUM(n), 0) AS n FROM staff_tries WHERE span >= $1 AND what LIKE 'name %'`,
    [Math.floor(nowMs / TRY_SPAN_MS) - 1],
  ],
];

/** What heartbeats tell, in one pass over them. */
async function lookAtTerminals(
  sql: Sql,
  nowMs: number,
  add: (code: AlarmCode, one: Found) => void,
): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const rows: readonly { terminal_id: string; at_ms: unknown; level: string; body: string }[] =
      await sql.query(
        `SELECT h.terminal_id, h.at_ms, h.level, h.body FROM terminal_heartbeats h
           JOIN terminals t ON t.terminal_id = h.terminal_id
         WHERE h.terminal_id > $1 AND t.status <> 'revoked'
         ORDER BY h.terminal_id LIMIT ${ROWS_AT_ONCE}`,
        [after],
      );
    for (const row of rows) {
      const subject = row.terminal_id;
      const minutes = Math.floor((nowMs - num(row.at_ms)) / 60_000);
      add('TERMINAL-SILENT', { subject, measure: minutes, detail: '' });
      const read = heartbeatSchema.safeParse(JSON.parse(row.body));
      const beat = read.success ? read.data : null;
      if (row.level === 'out-of-service')
        add('TERMINAL-OUT-OF-SERVICE', {
          subject,
          measure: 1,
          detail: beat?.codes.slice(0, 5).join(' ') ?? '',
        });
      if (beat === null) continue;
      add('TERMINAL-UNSENT', { subject, measure: beat.unsent.events, detail: '' });
      if (isOutOfPaper(beat)) add('TERMINAL-PAPER-OUT', { subject, measure: 1, detail: '' });
    }
    after = rows.length < ROWS_AT_ONCE ? undefined : rows.at(-1)?.terminal_id;
  }
}

/** Its printer has none left. A battery is a consumable as well, and no paper. */
const isOutOfPaper = ({ devices }: Heartbeat): boolean =>
  devices.some((d) => d.device === 'printer' && d.consumables.some((c) => c.level === 'empty'));

/**
 * What is to be told of: beyond the threshold, and where many terminals are in the same trouble one
 * alarm of all of them beside those that stand already.
 */
export function tellable(
  found: readonly Found[],
  threshold: number,
  standing: ReadonlySet<string>,
): readonly Found[] {
  const over = found.filter((one) => one.measure >= threshold);
  if (over.length <= ONE_BY_ONE && !(standing.has(MANY) && over.length > ONE_BY_ONE / 2))
    return over;
  return [
    ...over.filter((one) => standing.has(one.subject)),
    { subject: MANY, measure: over.length, detail: `共 ${over.length} 台` },
  ];
}
