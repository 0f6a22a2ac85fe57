import { formatMicroYuan, formatQuantity, formatYuan } from '../shared/money.ts';
import { bool, num } from './accounts.ts';
import type { Sql } from './db.ts';

/** What the console shows; also `GET /console/data.json`. */
export interface ConsoleData {
  readonly accounts: readonly { readonly cardNo: string; readonly userNo: string; readonly holder: string; readonly kind: string; readonly state: string; readonly count: number; readonly cumulative: number; readonly yearQuantity: number; readonly carriedMicro: number; readonly reservedMicro: number; readonly claim: string | null }[];
  readonly orders: readonly { readonly orderId: string; readonly terminalId: string; readonly cardNo: string; readonly nextCount: number; readonly amountFen: number; readonly quantity: number; readonly state: string; readonly offline: boolean; readonly note: string | null; readonly changedMs: number }[];
  readonly terminals: readonly { readonly terminalId: string; readonly epoch: number; readonly lastSeq: number; readonly lastUploadMs: number | null; readonly alarm: string | null }[];
  readonly quarantine: readonly { readonly terminalId: string; readonly epoch: number; readonly seq: number; readonly kind: string; readonly orderId: string | null; readonly reason: string }[];
  /** Sums over the whole ledger, by kind. */
  readonly ledger: readonly { readonly kind: string; readonly entries: number; readonly amountFen: number; readonly quantity: number; readonly micro: number }[];
}

type Row = Record<string, unknown>;
const text = (v: unknown): string => (typeof v === 'string' ? v : String(v));
const textOrNull = (v: unknown): string | null => (v === null || v === undefined ? null : text(v));

/** `张小明` → `张*明`: the console is for staff, but a screen has many eyes. */
function masked(name: string): string {
  const chars = [...name];
  return chars.length < 2 ? '*' : chars.length === 2 ? `${chars[0]}*` : `${chars[0]}${'*'.repeat(chars.length - 2)}${chars.at(-1)}`;
}

export async function consoleData(sql: Sql, nowMs: number): Promise<ConsoleData> {
  const accounts = await sql.query<Row>(
    `SELECT c.card_no, a.*, COALESCE((SELECT SUM(micro) FROM reserves r WHERE r.user_no = a.user_no AND r.state = 'held'), 0)::bigint AS reserved,
       (SELECT order_id FROM claims k WHERE k.card_no = c.card_no AND (k.expires_ms IS NULL OR k.expires_ms > $1)) AS claim
     FROM cards c JOIN accounts a USING (user_no) ORDER BY c.card_no LIMIT 500`,
    [nowMs],
  );
  const orders = await sql.query<Row>('SELECT * FROM orders ORDER BY changed_ms DESC, order_id DESC LIMIT 50');
  const terminals = await sql.query<Row>('SELECT t.*, COALESCE((SELECT last_seq FROM cursors c WHERE c.terminal_id = t.terminal_id AND c.epoch = t.epoch), 0) AS last_seq FROM terminals t ORDER BY t.terminal_id LIMIT 500');
  const quarantine = await sql.query<Row>('SELECT * FROM quarantine WHERE settled_ms IS NULL ORDER BY at_ms DESC, seq DESC LIMIT 100');
  const ledger = await sql.query<Row>('SELECT kind, COUNT(*) AS entries, SUM(amount_fen)::bigint AS amount_fen, SUM(quantity)::bigint AS quantity, SUM(micro)::bigint AS micro FROM ledger GROUP BY kind ORDER BY kind');
  return {
    accounts: accounts.map((r) => ({ cardNo: text(r['card_no']), userNo: text(r['user_no']), holder: masked(text(r['holder_name'])), kind: text(r['kind']), state: text(r['state']), count: num(r['count']), cumulative: num(r['cumulative']), yearQuantity: num(r['year_quantity']), carriedMicro: num(r['carried_micro']), reservedMicro: num(r['reserved']), claim: textOrNull(r['claim']) })),
    orders: orders.map((r) => ({ orderId: text(r['order_id']), terminalId: text(r['terminal_id']), cardNo: text(r['card_no']), nextCount: num(r['next_count']), amountFen: num(r['amount_fen']), quantity: num(r['quantity']), state: text(r['state']), offline: bool(r['offline']), note: textOrNull(r['note']), changedMs: num(r['changed_ms']) })),
    terminals: terminals.map((r) => ({ terminalId: text(r['terminal_id']), epoch: num(r['epoch']), lastSeq: num(r['last_seq']), lastUploadMs: r['last_upload_ms'] === null ? null : num(r['last_upload_ms']), alarm: textOrNull(r['alarm']) })),
    quarantine: quarantine.map((r) => ({ terminalId: text(r['terminal_id']), epoch: num(r['epoch']), seq: num(r['seq']), kind: text(r['kind']), orderId: textOrNull(r['order_id']), reason: text(r['reason']) })),
    ledger: ledger.map((r) => ({ kind: text(r['kind']), entries: num(r['entries']), amountFen: num(r['amount_fen']), quantity: num(r['quantity']), micro: num(r['micro']) })),
  };
}

const escapeHtml = (v: string | number | null): string => (v === null ? '' : String(v).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`));
const STATES: Record<string, string> = { normal: '正常', 'hot-listed': '挂失', debt: '欠费', quoted: '已报价', collecting: '待付款', paid: '已付款', delivering: '写卡中', 'in-doubt': '待核实', delivered: '已完成', closed: '已关闭', refunding: '退款中', refunded: '已退款', parked: '已挂起' };
const LEDGER: Record<string, string> = { captured: '收款', 'captured-extra': '多收（自动退）', delivered: '售出', refunded: '退款', carried: '结转', 'carried-used': '结转使用', parked: '挂起' };
const WARN = ['hot-listed', 'debt', 'in-doubt', 'refunding', 'parked'];
const tag = (state: string): string => `<span class="tag${WARN.includes(state) ? ' warn' : state === 'delivered' || state === 'normal' ? ' good' : ''}">${escapeHtml(STATES[state] ?? state)}</span>`;
const time = (ms: number | null): string => (ms === null ? '—' : new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' '));

function table(heads: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return `<p class="empty">${empty}</p>`;
  return `<div class="scroll"><table><thead><tr>${heads.map((h) => `<th>${h}</th>`).join('')}</tr></thead><tbody>${rows.map((r) => `<tr>${r.map((c) => `<td>${c}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`;
}

/** The console's one page, whole, without scripts; it reloads itself. */
export function consolePage(d: ConsoleData, nowMs: number): string {
  const e = escapeHtml;
  const alarms = d.terminals.filter((t) => t.alarm !== null).length;
  return `<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5"><title>长明 · 收费中心</title><style>
:root{color-scheme:light}*{box-sizing:border-box}body{margin:0;background:#f3f5f9;color:#1b2536;font:15px/1.6 "Noto Sans SC","Source Han Sans SC","Microsoft YaHei",sans-serif}
header{background:#12305c;color:#fff;padding:18px 28px;display:flex;align-items:baseline;gap:16px}header h1{font-size:21px;margin:0}header span{opacity:.8}
main{max-width:1320px;margin:0 auto;padding:20px 28px 48px}h2{font-size:17px;margin:26px 0 10px}
.scroll{background:#fff;border:1px solid #dde3ee;border-radius:10px;overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{padding:8px 14px;text-align:left;white-space:nowrap;font-variant-numeric:tabular-nums}th{background:#f8fafd;color:#5a6780;font-weight:500;border-bottom:1px solid #dde3ee}tr+tr td{border-top:1px solid #edf0f6}
.tag{display:inline-block;padding:0 9px;border-radius:9px;background:#e8edf6;color:#33507f}.tag.good{background:#e2f4e8;color:#1c6b3a}.tag.warn{background:#fdecdf;color:#a1490b}.empty{color:#6b778d;background:#fff;border:1px solid #dde3ee;border-radius:10px;padding:14px}.alarm{background:#fbe3e3;color:#9b1c1c;border-radius:10px;padding:10px 16px;font-weight:600}
</style></head><body><header><h1>长明 · 收费中心</h1><span>参考实现</span><span>${time(nowMs)}</span></header><main>
${alarms + d.quarantine.length > 0 ? `<p class="alarm">需要人工处理：${alarms} 台终端报警，${d.quarantine.length} 条记录隔离</p>` : ''}
<h2>最近订单</h2>${table(['订单号', '终端', '卡号', '次数', '金额（元）', '气量/水量', '状态', '方式', '备注', '时间'], d.orders.map((o) => [e(o.orderId), e(o.terminalId), e(o.cardNo), e(o.nextCount), formatYuan(o.amountFen), formatQuantity(o.quantity), tag(o.state), o.offline ? '离线' : '联机', e(o.note), time(o.changedMs)]), '还没有订单')}
<h2>账户</h2>${table(['卡号', '用户号', '户名', '类别', '状态', '次数', '累计', '本年', '结转（元）', '预留（元）', '占用订单'], d.accounts.map((a) => [e(a.cardNo), e(a.userNo), e(a.holder), a.kind === 'gas' ? '燃气' : a.kind === 'water' ? '水' : '热力', tag(a.state), e(a.count), formatQuantity(a.cumulative), formatQuantity(a.yearQuantity), formatMicroYuan(a.carriedMicro), formatMicroYuan(a.reservedMicro), e(a.claim ?? '—')]), '没有账户')}
<h2>终端</h2>${table(['终端号', '纪元', '已收到', '上次上传', '报警'], d.terminals.map((t) => [e(t.terminalId), e(t.epoch), e(t.lastSeq), time(t.lastUploadMs), e(t.alarm ?? '—')]), '没有终端')}
<h2>总账</h2>${table(['科目', '笔数', '金额（元）', '数量', '结转（元）'], d.ledger.map((l) => [e(LEDGER[l.kind] ?? l.kind), e(l.entries), formatYuan(l.amountFen), formatQuantity(l.quantity), formatMicroYuan(l.micro)]), '没有记账')}
<h2>隔离区</h2>${table(['终端', '纪元', '序号', '事件', '订单', '原因'], d.quarantine.map((q) => [e(q.terminalId), e(q.epoch), e(q.seq), e(q.kind), e(q.orderId ?? '—'), e(q.reason)]), '没有隔离的记录')}
</main></body></html>`;
}
