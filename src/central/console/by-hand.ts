import { maskCardNo } from '../../shared/mask.ts';
import { formatYuan } from '../../shared/money.ts';
import { HOW_WORDS } from '../books/by-hand.ts';
import { ROUTES } from '../books/hand-requests.ts';
import { HAND_REQUESTS } from '../books/tables.ts';
import type { HandRequest } from '../books/tables.ts';
import { read } from '../db/sets.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { Stranded } from '../gateway/adopted.ts';
import { facts, hidden, page, table, tag, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

/** A request about parked money, with what the books know of its order. */
export interface HandCase extends HandRequest {
  readonly cardMasked: string;
  readonly amountFen: number;
  /** Null: no money of it is known. */
  readonly capturedFen: number | null;
  /** Of the gateway's refund; null: it was not asked for one. */
  readonly refundState: string | null;
}
/** What people said of parked money. */
export interface HandCases {
  /** The oldest that wait for a second person, at most 20 of each terminal. */
  readonly waiting: readonly HandCase[];
  readonly waitingCount: number;
  /** The newest 50 that were decided. */
  readonly decided: readonly HandCase[];
}

const CASES = `SELECT h.*, CASE WHEN o.sale = 'credit' THEN o.user_no ELSE o.card_no END AS card_no, COALESCE(o.amount_fen, (SELECT t.amount_fen FROM gateway_trades t
    WHERE t.terminal_id = h.terminal_id AND t.out_trade_no = substr(h.reference, 2)), 0) AS amount_fen,
    (SELECT r.state FROM gateway_refunds r WHERE r.terminal_id = h.terminal_id
      AND r.out_refund_no = h.reference) AS refund_state, (SELECT MAX(l.amount_fen) FROM ledger l
    WHERE l.order_id = h.order_id AND l.attempt_id = h.attempt_id
      AND l.kind IN ('captured', 'captured-extra')) AS captured_fen
  FROM hand_requests h LEFT JOIN orders o ON o.order_id = h.order_id`;
const caseOf = (row: Record<string, unknown>): HandCase => ({
  ...read(HAND_REQUESTS, row),
  cardMasked: typeof row['card_no'] === 'string' ? maskCardNo(row['card_no']) : '—',
  amountFen: num(row['amount_fen']),
  capturedFen: numOrNull(row['captured_fen']),
  refundState: typeof row['refund_state'] === 'string' ? row['refund_state'] : null,
});

export async function handCases(sql: Sql): Promise<HandCases> {
  const waiting = await sql.query<Record<string, unknown>>(
    `SELECT * FROM (SELECT c.*, ROW_NUMBER() OVER
       (PARTITION BY c.terminal_id ORDER BY c.asked_ms, c.seq) AS place
       FROM (${CASES} WHERE h.state = 'waiting') c) p
     WHERE p.place <= 20 ORDER BY p.asked_ms, p.seq LIMIT 2000`,
  );
  const [count] = await sql.query<{ n: unknown }>(
    `SELECT COUNT(*) AS n FROM hand_requests WHERE state = 'waiting'`,
  );
  const decided = await sql.query<Record<string, unknown>>(
    `${CASES} WHERE h.state <> 'waiting' ORDER BY h.decided_ms DESC, h.seq DESC LIMIT 50`,
  );
  return {
    waiting: waiting.map(caseOf),
    waitingCount: num(count?.n),
    decided: decided.map(caseOf),
  };
}

/** One that waits, wherever it stands in the list; null: it does not. */
export async function handCase(
  sql: Sql,
  place: { readonly terminalId: string; readonly epoch: number; readonly seq: number },
): Promise<HandCase | null> {
  const rows = await sql.query<Record<string, unknown>>(
    `${CASES} WHERE h.terminal_id = $1 AND h.epoch = $2 AND h.seq = $3 AND h.state = 'waiting'`,
    [place.terminalId, place.epoch, place.seq],
  );
  return rows[0] === undefined ? null : caseOf(rows[0]);
}

/** What the gateway has done about it. */
const REFUND_WORDS: Readonly<Record<string, string>> = {
  asked: '退款中',
  accepted: '退款中',
  done: '已原路退回',
  refused: '<b>钱包拒绝退款，请到钱包商户平台办理</b>',
};
const fate = (h: HandCase): string =>
  h.state === 'refused'
    ? `不予核准<br><a href="${adoptAddress(h.terminal_id)}">重新提出</a>`
    : ['已核准', h.refundState === null ? '' : (REFUND_WORDS[h.refundState] ?? '')]
        .filter((word) => word !== '')
        .join('，');

const adoptAddress = (terminalId: string): string =>
  `/console/adopt?terminal=${encodeURIComponent(terminalId)}`;
const address = (h: HandRequest): string =>
  `/console/by-hand?terminal=${encodeURIComponent(h.terminal_id)}&amp;epoch=${h.epoch}&amp;seq=${h.seq}`;

/** What waits for a second person, and what was decided; empty where nobody asked anything. */
export function handTables({ waiting, waitingCount, decided }: HandCases): string {
  const open = table(
    ['时间', '终端', '订单', '金额（元）', '申请', '单据', '申请人', '理由', ''],
    waiting.map((h) => [
      time(h.asked_ms),
      e(h.terminal_id),
      e(h.order_id),
      formatYuan(h.capturedFen ?? h.amountFen),
      HOW_WORDS[h.how],
      e(h.reference || '—'),
      e(h.who),
      e(h.why),
      `<a href="${address(h)}">核准</a>`,
    ]),
    '',
  );
  const over = table(
    ['时间', '订单', '申请', '申请人', '结果', '第二人', '交易号', '退款途径', '说明'],
    decided.map((h) => [
      time(h.decided_ms),
      e(h.order_id),
      HOW_WORDS[h.how],
      e(h.who),
      fate(h),
      e(h.decided_who),
      e(h.transaction_no ?? '—'),
      h.route === null ? '—' : (ROUTE_WORDS[h.route] ?? e(h.route)),
      e(h.decided_why),
    ]),
    '',
  );
  return [
    waiting.length === 0 ? '' : `<h2>现场处理，待第二人核准（${waitingCount} 笔）</h2>${open}`,
    decided.length === 0 ? '' : `<h2>现场处理的核准记录</h2>${over}`,
  ].join('\n');
}

const ROUTE_WORDS: Readonly<Record<string, string>> = {
  original: '原路（钱包商户平台）',
  other: '其他途径（现金、转账）',
};

/**
 * One request, and the form of the second person. The payer's transaction number is not shown: who
 * confirms has it from the wallet.
 */
export function handPage(h: HandCase, by: By): string {
  const back = h.how === 'refunded-by-hand';
  const routes = ROUTES.map((r) => `<option value="${r}">${ROUTE_WORDS[r]}</option>`).join('');
  return page(
    '现场处理核准',
    '',
    `${TOP}<main><h2>现场处理，待第二人核准</h2><div class="card">
${facts([
  ['申请', HOW_WORDS[h.how]],
  ['申请人', e(h.who)],
  ['理由', e(h.why)],
  ['单据', e(h.reference || '—')],
  ['终端', e(h.terminal_id)],
  ['订单', e(h.order_id)],
  ['卡号/户号', e(h.cardMasked)],
  ['订单金额（元）', formatYuan(h.amountFen)],
  ['已收款（元）', h.capturedFen === null ? '账上没有' : formatYuan(h.capturedFen)],
  ['申请时间', time(h.asked_ms)],
])}
<p>申请人不能自己核准。请到钱包商户平台查到这笔付款，填它的交易号，并看清钱款现在的状态。核准之前不算已退，订单和次数都保留；不予核准，订单照旧待处理。</p>
<form method="post" action="/console/by-hand">${hidden({ token: by.token, terminal: h.terminal_id, epoch: h.epoch, seq: h.seq })}
<label for="verdict">决定</label><select id="verdict" name="verdict" required><option value="">请选择</option><option value="confirmed">核准</option><option value="refused">不予核准</option></select>
<label for="transaction">付款人的钱包交易号（核准时填）</label><input id="transaction" name="transaction" maxlength="64" autocomplete="off">
${back ? `<label for="route">退款途径（核准时选；现金、转账须在说明里写明原因）</label><select id="route" name="route"><option value="">请选择</option>${routes}</select>` : ''}
${whoField(by, '核准人（第二人）')}
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form></div></main>`,
  );
}

const KEYED = '中心已给过这张卡的写卡密钥：气可能已在卡上，退款前请先看卡';

/** What its terminal will not settle any more: central's, by two persons. */
export function adoptPage(
  terminalId: string,
  stranded: readonly (readonly [name: string, payment: Stranded])[],
  by: By,
): string {
  const rows = stranded.map(([name, s]) => [
    e(s.orderId ?? '—'),
    e(s.outTradeNo ?? '—'),
    formatYuan(s.amountFen),
    `${s.state === null ? '账上没有这笔订单' : tag(s.state)}${s.keyed ? `<br>${KEYED}` : ''}`,
    s.outTradeNo === null ? '只在账本' : '网关已收',
    `<a href="${adoptAddress(terminalId)}&amp;piece=${encodeURIComponent(name)}">处理</a>`,
  ]);
  const [one] = stranded;
  const heads = ['订单', '商户单号（终端）', '金额（元）', '状态', '收款', ''];
  return page(
    '接管未结的款',
    '',
    `${TOP}<main><h2>终端 ${e(terminalId)}：接管未结的款</h2>
<p>这里是已注销的终端没有办完的款，和现场申请了、没有核准的款：终端自己不再办理。每一笔由一个人提出、另一个人核准：原路退给顾客，缴费订单按付款凭据补记入账，或登记已由人工处理。</p>
${table(heads, rows, '没有未结的款')}
${stranded.length === 1 && one !== undefined ? adoptForm(terminalId, one[0], one[1], by) : ''}</main>`,
  );
}

function adoptForm(terminalId: string, name: string, s: Stranded, by: By): string {
  const hows = [
    ...(s.outTradeNo === null ? [] : ['refund-by-gateway' as const]),
    ...(s.creditable ? ['credited' as const] : []),
    'refunded-by-hand' as const,
    'delivered-by-hand' as const,
  ];
  return `<div class="card"><form method="post" action="/console/adopt">${hidden({ token: by.token, terminal: terminalId, piece: name })}
<label for="how">怎样处理</label><select id="how" name="how" required><option value="">请选择</option>${hows.map((h) => `<option value="${h}">${HOW_WORDS[h]}</option>`).join('')}</select>
<label for="reference">单据号（人工退款、人工补气必填）</label><input id="reference" name="reference" maxlength="100" autocomplete="off">
${whoField(by, '提出人')}
<label for="why">理由（先查清气有没有充上）</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>提出，等第二人核准</button></form></div>`;
}
