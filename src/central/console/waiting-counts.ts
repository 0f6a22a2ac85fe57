import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { SILENT_MS } from './heartbeat-pages.ts';

/** One kind of what waits for a person. */
export interface Waiting {
  /** Stable. */
  readonly kind: string;
  readonly words: string;
  readonly count: number;
  readonly path: string;
}

/** What waits, by kind: a count each, by statements that an index answers. */
const KINDS: readonly (readonly [kind: string, words: string, path: string, sql: string])[] = [
  [
    'proposals',
    '待第二人核准',
    '/console/proposals',
    `SELECT COUNT(*) AS n FROM staff_proposals WHERE state = 'open' AND lapses_ms > $1`,
  ],
  [
    'alarms',
    '报警未消',
    '/console/alarms',
    'SELECT COUNT(*) AS n FROM alarms WHERE cleared_ms IS NULL AND raised_ms <= $1',
  ],
  [
    'silent',
    '终端失联或停用',
    '/console/terminals?show=missed',
    `SELECT COUNT(*) AS n FROM terminal_heartbeats h JOIN terminals t
       ON t.terminal_id = h.terminal_id
     WHERE t.status <> 'revoked' AND (h.at_ms < $1::bigint - ${SILENT_MS} OR h.level = 'out-of-service')`,
  ],
  [
    'terminal-alarms',
    '终端报警、申请纪元',
    '/console/terminals?show=alarm',
    `SELECT COUNT(*) AS n FROM terminals t WHERE $1::bigint > 0 AND (t.alarm IS NOT NULL OR EXISTS
       (SELECT 1 FROM epoch_requests r WHERE r.terminal_id = t.terminal_id
        AND r.granted_ms IS NULL))`,
  ],
  [
    'parked',
    '挂起的订单',
    '/console/money',
    `SELECT COUNT(*) AS n FROM orders WHERE state = 'parked' AND $1::bigint > 0`,
  ],
  [
    'parked-captures',
    '待退的重复付款',
    '/console/money',
    `SELECT COUNT(*) AS n FROM gateway_legs g WHERE state = 'parked' AND $1::bigint > 0 AND NOT EXISTS
       (SELECT 1 FROM gateway_settlements s WHERE s.leg = g.leg AND s.outcome <> 'again')`,
  ],
  [
    'by-hand',
    '现场处理待核准',
    '/console/money',
    `SELECT COUNT(*) AS n FROM hand_requests WHERE state = 'waiting' AND $1::bigint > 0`,
  ],
  [
    'unproven-refunds',
    '退款待核对卡',
    '/console/money',
    `SELECT COUNT(*) AS n FROM unproven_refunds u JOIN orders o ON o.order_id = u.order_id
     WHERE u.state = 'waiting' AND o.state NOT IN ('delivered', 'refunded', 'parked')
       AND o.delivered_by IS NULL AND $1::bigint > 0`,
  ],
  [
    'refund-budgets',
    '超限退款',
    '/console/budgets',
    'SELECT COUNT(*) AS n FROM refund_waits WHERE allowed_ms IS NULL AND $1::bigint > 0',
  ],
  [
    'quarantine',
    '隔离的记录',
    '/console/held-facts',
    'SELECT COUNT(*) AS n FROM quarantine WHERE settled_ms IS NULL AND $1::bigint > 0',
  ],
  [
    'held',
    '等待其他终端',
    '/console/held-facts',
    'SELECT COUNT(*) AS n FROM held_facts WHERE $1::bigint > 0',
  ],
  [
    'unproven-orders',
    '付款缺凭据',
    '/console/money',
    `SELECT COUNT(*) AS n FROM orders WHERE unproven AND $1::bigint > 0`,
  ],
  [
    'findings',
    '成交待查',
    '/console/overview',
    'SELECT COUNT(*) AS n FROM sale_findings WHERE settled_ms IS NULL AND accuses AND $1::bigint > 0',
  ],
  [
    'stopped-cards',
    '停用待查的卡',
    '/console/overview',
    'SELECT COUNT(DISTINCT card_no) AS n FROM card_stops WHERE settled_ms IS NULL AND $1::bigint > 0',
  ],
  [
    'company',
    '公司账务不收、有矛盾',
    '/console/company',
    `SELECT (SELECT COUNT(*) FROM company_purchases WHERE state = 'refused')
       + (SELECT COUNT(*) FROM company_findings) AS n WHERE $1::bigint > 0`,
  ],
  [
    'requests',
    '报修和预约',
    '/console/requests',
    'SELECT COUNT(*) AS n FROM requests WHERE closed_ms IS NULL AND $1::bigint > 0',
  ],
  [
    'credit-acts',
    '更正和补气待核准',
    '/console/credit/acts',
    `SELECT COUNT(*) AS n FROM credit_acts WHERE state = 'asked' AND $1::bigint > 0`,
  ],
  [
    'card-grants',
    '卡表补气待核准',
    '/console/card-grants',
    `SELECT COUNT(*) AS n FROM card_grants WHERE state = 'asked' AND $1::bigint > 0`,
  ],
  [
    'postings',
    '记账在途',
    '/console/credit',
    `SELECT COUNT(*) AS n FROM postings WHERE state IN ('open', 'posting') AND $1::bigint > 0`,
  ],
  [
    'invoices',
    '红冲待核准',
    '/console/invoices',
    'SELECT COUNT(*) AS n FROM invoices WHERE asked_who IS NOT NULL AND $1::bigint > 0',
  ],
];

/** How much waits for a person, by kind. */
export async function waitingCounts(sql: Sql, nowMs: number): Promise<readonly Waiting[]> {
  const found: Waiting[] = [];
  for (const [kind, words, path, count] of KINDS) {
    const [row] = await sql.query<{ n: unknown }>(count, [nowMs]);
    found.push({ kind, words, path, count: num(row?.n ?? 0) });
  }
  return found;
}
