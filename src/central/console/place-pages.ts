import { formatYuan } from '../../shared/money.ts';
import type { UnprovenOrder } from '../books/evidence-again.ts';
import type { BillStranger } from '../gateway/bill-strangers.ts';
import type { RefundWait } from '../gateway/budgets.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { UnprovenRefund } from '../sale/budgets.ts';
import { handTables } from './by-hand.ts';
import type { HandCases } from './by-hand.ts';
import type { ConsoleData } from './data.ts';
import { heardCell } from './heartbeat-pages.ts';
import { page, table, time, TOP } from './html.ts';
import { heldTable, ordersTable, parkedTable, quarantineTable, settlementsTable } from './pages.ts';
import { budgetTable } from './refund-budget.ts';
import { refundsTable, unprovenTable } from './refund-pages.ts';

type Terminal = ConsoleData['terminals'][number];

const STATUS: Readonly<Record<Terminal['status'], string>> = {
  active: '正常',
  suspended: '停售',
  revoked: '已注销',
};
const LEVELS: Readonly<Record<string, string>> = {
  ample: '充足',
  low: '不足',
  empty: '用完',
};
/** How much paper a printer has, as its terminal told last; a dash where it has none or tells none. */
const paperOf = (t: Terminal): string =>
  t.heard?.beat?.devices
    .filter((d) => d.device === 'printer')
    .flatMap((d) => d.consumables)
    .map((c) =>
      c.level === 'ample'
        ? '充足'
        : `<span class="tag warn">${e(LEVELS[c.level] ?? '未知')}</span>`,
    )
    .join(' ') || '—';

/** What is looked for among terminals. */
export interface TerminalsShown {
  readonly show: 'all' | 'missed' | 'alarm';
  readonly status: Terminal['status'] | '';
  readonly after: string;
}

/** A page of terminals. @param next the last one's number where there are more; null: none */
export function terminalsPage(
  terminals: readonly Terminal[],
  asked: TerminalsShown,
  next: string | null,
  nowMs: number,
): string {
  const option = (value: string, words: string, is: boolean): string =>
    `<option value="${value}"${is ? ' selected' : ''}>${words}</option>`;
  const address = (after: string): string =>
    `/console/terminals?${e(new URLSearchParams({ ...asked, after }).toString())}`;
  return page(
    '终端',
    '',
    `${TOP}<main><h2>终端</h2>
<form class="filter" method="get" action="/console/terminals"><label>看<select name="show">${option('all', '全部', asked.show === 'all')}${option('missed', '失联或停用', asked.show === 'missed')}${option('alarm', '报警、申请纪元', asked.show === 'alarm')}</select></label><label>状态<select name="status">${option('', '全部', asked.status === '')}${Object.entries(
      STATUS,
    )
      .map(([value, words]) => option(value, words, asked.status === value))
      .join(
        '',
      )}</select></label><label>从终端号之后<input name="after" value="${e(asked.after)}" maxlength="40"></label><button>查看</button></form>
${table(
  ['终端号', '网点', '名称', '状态', '服务', '纸', '版本', '上次上传', '未上传', '新纪元', '报警'],
  terminals.map((t) => [
    `<a href="/console/terminal?terminal=${encodeURIComponent(t.terminalId)}">${e(t.terminalId)}</a>`,
    e(t.site ?? '—'),
    e(t.name ?? '—'),
    t.status === 'active' ? STATUS.active : `<span class="tag warn">${STATUS[t.status]}</span>`,
    heardCell(t.heard, nowMs),
    paperOf(t),
    e(t.heard?.beat?.version ?? '—'),
    time(t.lastUploadMs),
    t.heard?.beat == null ? '—' : `${t.heard.beat.unsent.events} 条`,
    t.epochRequest === null
      ? '—'
      : `<a href="/console/epoch?terminal=${encodeURIComponent(t.terminalId)}">申请中，去核对</a>`,
    t.alarm === null ? '—' : `<div class="why">${e(t.alarm)}</div>`,
  ]),
  '没有这样的终端',
)}${next === null ? '' : `<p><a href="${address(next)}">下一页</a></p>`}</main>`,
  );
}

/** Money that is parked, held, or waits for a person. */
export interface MoneyShown extends Pick<ConsoleData, 'parkedCaptures' | 'settlements'> {
  readonly parked: ConsoleData['orders'];
  readonly byHand: HandCases;
  readonly unprovenRefunds: readonly UnprovenRefund[];
  readonly unprovenOrders: readonly UnprovenOrder[];
  /** What a wallet's bill lists and the gateway does not know. */
  readonly strangers: readonly BillStranger[];
}

/** All of it, kind by kind. */
export const moneyPage = (m: MoneyShown): string =>
  page(
    '挂起和待退',
    '',
    `${TOP}<main><h2>挂起的订单</h2><p>收了款，没有交付也没有退，等人处理：在现场登记，由第二人在下面核准；终端已注销的到<a href="/console/adopted">接管</a>。</p>${ordersTable({ orders: m.parked })}
${handTables(m.byHand)}
<h2>待退的重复付款</h2>${m.parkedCaptures.length === 0 ? '<p class="empty">没有</p>' : parkedTable(m)}
<h2>账单里网关不认识的款</h2>${m.strangers.length === 0 ? '<p class="empty">没有</p>' : strangersTable(m.strangers)}
<h2>只凭读卡器的退款</h2>${m.unprovenRefunds.length === 0 ? '<p class="empty">没有</p>' : refundsTable(m.unprovenRefunds)}
<h2>缺少付款凭据的订单</h2>${m.unprovenOrders.length === 0 ? '<p class="empty">没有</p>' : unprovenTable(m.unprovenOrders)}
<h2>重复付款处理记录</h2>${m.settlements.length === 0 ? '<p class="empty">没有</p>' : settlementsTable(m)}</main>`,
  );

const STRANGER_KINDS: Readonly<Record<BillStranger['kind'], string>> = {
  payment: '收款',
  refund: '退款',
  reversal: '撤销',
};
/** Money that moved while the database that knew of it was lost: a person finds whose it is. */
const strangersTable = (strangers: readonly BillStranger[]): string =>
  `<p>数据库恢复过备份时才会有：钱包收或退了，网关没有记录，也没有终端再问起。请在钱包的商户平台按单号查付款人，与终端的流水核对后处理。</p>${table(
    ['时间', '商户', '钱包', '类别', '商户单号（钱包）', '退款单号', '金额（元）'],
    strangers.map((s) => [
      time(s.atMs),
      e(s.merchant),
      e(s.wallet),
      STRANGER_KINDS[s.kind],
      e(s.number),
      e(s.refundNo || '—'),
      formatYuan(s.amountFen),
    ]),
    '',
  )}`;

/** What a terminal has handed back today. */
export interface BudgetDay {
  readonly terminalId: string;
  readonly refunds: number;
  readonly fen: number;
}

/** Refunds beyond their terminals' budgets, and what of the budgets is spent today. */
export const budgetsPage = (
  waits: readonly RefundWait[],
  days: readonly BudgetDay[],
  date: string,
): string =>
  page(
    '退款限额',
    '',
    `${TOP}<main>${waits.length === 0 ? '<h2>超出当日限额的退款</h2><p class="empty">没有</p>' : budgetTable(waits)}
<h2>今天（${e(date)}）各终端已退</h2>${table(
      ['终端', '笔数', '金额（元）'],
      days.map((d) => [e(d.terminalId), e(d.refunds), formatYuan(d.fen)]),
      '今天还没有退款',
    )}</main>`,
  );

/** A revoked terminal with payments that it will not settle. */
export interface Adoptable {
  readonly terminalId: string;
  readonly payments: number;
  readonly fen: number;
}

/** Open payments of terminals that do not settle them any more. */
export const adoptedPage = (found: readonly Adoptable[], more: boolean): string =>
  page(
    '接管未结的款',
    '',
    `${TOP}<main><h2>接管未结的款</h2><p>已注销的终端没有办完的款，由两个人在这里办理。</p>${table(
      ['终端', '未结', '金额（元）', ''],
      found.map((f) => [
        e(f.terminalId),
        `${f.payments} 笔`,
        formatYuan(f.fen),
        `<a href="/console/adopt?terminal=${encodeURIComponent(f.terminalId)}">处理</a>`,
      ]),
      '没有未结的款',
    )}${more ? '<p>只看了最近注销的 200 台。</p>' : ''}</main>`,
  );

/** Facts that could not be used, and facts that wait. */
export const factsPage = (
  d: Pick<ConsoleData, 'quarantine' | 'held' | 'quarantineOpen' | 'heldOpen'>,
  nowMs: number,
): string =>
  page(
    '隔离和等待',
    '',
    `${TOP}<main><h2>隔离区（${d.quarantineOpen} 条）</h2>${quarantineTable(d)}
<h2>等待中的记录（${d.heldOpen} 条）</h2><p>等其他终端上传后自动入账；超过一天仍在等待的，请核实那台终端。</p>${heldTable(d, nowMs)}</main>`,
  );
