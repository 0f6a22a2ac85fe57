import { maskName } from '../../shared/mask.ts';
import { formatYuan } from '../../shared/money.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { InvoiceBody, RedReason } from '../invoices/provider.ts';
import { isOver, redOf } from '../invoices/rows.ts';
import type { InvoiceRow, InvoiceState } from '../invoices/rows.ts';
import { INVOICE_LISTS, isOverdue } from '../invoices/seen.ts';
import type { InvoiceCounts, InvoiceList } from '../invoices/seen.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const STATES: Readonly<Record<InvoiceState, string>> = {
  waiting: '等蓝票的结果',
  asked: '已提交，等结果',
  pending: '平台处理中',
  issued: '已开具',
  refused: '被拒绝',
  reversed: '已红冲',
  void: '无需红冲',
};
const KINDS: Readonly<Record<InvoiceRow['kind'], string>> = { blue: '蓝票', red: '红票' };
const REASONS: Readonly<Record<RedReason, string>> = {
  title: '开票有误',
  'money-back': '款已退回，或待退',
};
const LISTS: Readonly<Record<InvoiceList, string>> = {
  stuck: '需要处理',
  'under-way': '正在办理',
  issued: '已开具',
  reversed: '已红冲',
};

/** The first page's line, where there are invoices. */
export const invoicesLine = (c: InvoiceCounts): string =>
  Object.values(c).every((n: number) => n === 0)
    ? ''
    : `<p><a href="/console/invoices">电子发票</a>：已开具 ${c.issued} 张，正在办理 ${c.underWay} 张</p>`;

/** What calls for a person. */
export const invoiceAlarms = (c: InvoiceCounts): readonly string[] => [
  ...(c.overdue === 0 ? [] : [`${c.overdue} 张发票太久没有结果`]),
  ...(c.blueRefused === 0 ? [] : [`${c.blueRefused} 张发票被拒绝`]),
  ...(c.redRefused === 0 ? [] : [`${c.redRefused} 张发票红冲被拒绝`]),
  ...(c.toDecide === 0 ? [] : [`${c.toDecide} 张发票红冲待第二人核准`]),
];

const address = (row: InvoiceRow): string =>
  `/console/invoice?request=${encodeURIComponent(row.of_request ?? row.request_id)}`;
const standing = (row: InvoiceRow, nowMs: number): string =>
  `${isOverdue(row, nowMs) ? '<b>超时</b> ' : ''}<span class="tag${row.state === 'issued' ? ' good' : row.state === 'refused' ? ' warn' : ''}">${STATES[row.state]}</span>${row.said === null ? '' : ` ${e(row.said)}`}`;

/** The newest of a list. */
export const invoicesPage = (
  list: InvoiceList,
  rows: readonly InvoiceRow[],
  nowMs: number,
): string =>
  page(
    '电子发票',
    '',
    `${TOP}<main><h2>电子发票：${LISTS[list]}</h2>
<p>${INVOICE_LISTS.map((one) => (one === list ? `<b>${LISTS[one]}</b>` : `<a href="/console/invoices?list=${one}">${LISTS[one]}</a>`)).join('　')}</p>
${table(
  ['提交', '订单', '种类', '金额（元）', '发票号码', '状态', ''],
  rows.map((row) => [
    time(row.made_ms),
    e(row.order_id),
    KINDS[row.kind],
    formatYuan(row.amount_fen),
    e(row.number ?? '—'),
    standing(row, nowMs),
    `<a href="${address(row)}">查看</a>`,
  ]),
  '没有这样的发票',
)}</main>`,
  );

/** One invoice with all that was asked for its order; and the form that takes it back. */
export function invoicePage(
  rows: readonly InvoiceRow[],
  requestId: string,
  nowMs: number,
  by: By,
): string {
  const blue = rows.find((row) => row.request_id === requestId) as InvoiceRow;
  const body = JSON.parse(blue.body) as InvoiceBody;
  const history = table(
    ['提交', '请求号', '种类', '发票号码', '状态', '由谁', '理由'],
    rows.map((row) => [
      time(row.made_ms),
      e(row.request_id),
      row.kind === 'red'
        ? `${KINDS.red}（${REASONS[JSON.parse(row.body) as RedReason]}）`
        : KINDS.blue,
      e(row.number ?? '—'),
      standing(row, nowMs),
      row.kind === 'blue'
        ? '顾客'
        : row.second_who === null
          ? e(row.who)
          : `${e(row.who)}、${e(row.second_who)}`,
      `<div class="why">${e(row.why ?? '')}</div>`,
    ]),
    '',
  );
  return page(
    '电子发票',
    '',
    `${TOP}<main><h2>订单 ${e(blue.order_id)} 的发票</h2><div class="card">${facts([
      ['状态', standing(blue, nowMs)],
      ['发票号码', e(blue.number ?? '—')],
      ['开票日期', time(blue.issued_ms)],
      ['抬头', buyerOf(blue)],
      ['税号', e(blue.buyer_tax_no ?? '—')],
      ['开票单位', `${e(body.seller.name)}（${e(body.seller.taxNo)}）`],
      ['金额（元）', formatYuan(blue.amount_fen)],
      ['项目', body.lines.map((l) => e(`${l.name} ${l.spec}`.trim())).join('<br>')],
      ['备注', e(body.remark)],
    ])}${formOf(rows, blue, by)}</div><h2>经过</h2>${history}</main>`,
  );
}

/** A person's name is masked: a screen has many eyes. */
function buyerOf({ buyer_kind, buyer_name }: InvoiceRow): string {
  if (buyer_name === null) return '已按规定删除';
  return buyer_kind === 'company' || buyer_name === '个人'
    ? e(buyer_name)
    : `个人（${e(maskName(buyer_name))}）`;
}

function formOf(rows: readonly InvoiceRow[], blue: InvoiceRow, by: By): string {
  const red = redOf(rows, blue);
  if (isOver(blue)) return '';
  if (blue.state !== 'issued')
    return '<p>还没有结果：中心会按同一个请求号一直查下去，不会另开一张。</p>';
  if (red !== null && red.state !== 'refused')
    return '<p>红冲正在办理。对方须确认的，72 小时不确认就作废，届时可以再申请。</p>';
  const asked =
    blue.asked_who === null
      ? '<p>抬头或税号开错的，由一个人提出、另一个人核准，全额红冲；红冲以后顾客再扫凭条上的码重开。顾客已经拿去抵扣或入账的，要他先同意。</p>'
      : `<p class="alarm">${e(blue.asked_who)} 提出红冲：${e(blue.asked_why)}。提出的人不能自己核准。</p>`;
  const refused =
    red === null ? '' : `<p class="alarm">上次红冲被拒绝：${e(red.said ?? '没有说明')}</p>`;
  return `${refused}${asked}<form method="post" action="/console/invoice">${hidden({ token: by.token, request: blue.request_id })}
${whoField(by, blue.asked_who === null ? '提出人' : '核准人（第二人）')}
<label for="why">理由</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button name="verdict" value="reverse">${blue.asked_who === null ? '提出红冲' : '核准红冲'}</button>${blue.asked_who === null ? '' : ' <button name="verdict" value="drop">撤回，不红冲</button>'}</form>`;
}
