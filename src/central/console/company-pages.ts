import type { CompanyPurchase } from '../../shared/company-accounts.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { CompanyFinding } from '../sale/company-findings.ts';
import type { CompanyPurchaseRow } from '../sale/tables.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const FINDINGS: Readonly<Record<CompanyFinding['kind'], string>> = {
  'card-moved': '卡号换了户',
  'tariff-changed': '同一版价格变了内容',
  'other-kind': '业务或单位变了',
  'count-behind': '次数少于卡上已写的',
  'forgotten-here': '公司已知、本中心没有的购气',
  'bill-changed': '账单号属于另一户',
};
const STATES: Readonly<Record<CompanyPurchaseRow['state'], string>> = {
  waiting: '待告知',
  booked: '已入账',
  refused: '<b>公司不收</b>',
  settled: '已手工补记',
};
const toldOf = (row: CompanyPurchaseRow): CompanyPurchase =>
  JSON.parse(row.body) as CompanyPurchase;

/** What the company's system said that cannot be, and the purchases that it has not booked. */
export const companyPage = (
  findings: readonly CompanyFinding[],
  purchases: readonly CompanyPurchaseRow[],
): string =>
  page(
    '公司账务系统',
    '',
    `${TOP}<main><h2>答复有矛盾，暂不售</h2>${table(
      ['卡号或户号', '情况', '说明', '起', '最近'],
      findings.map((f) => [
        e(f.about),
        `<b>${FINDINGS[f.kind]}</b>`,
        `<div class="why">${e(f.detail)}</div>`,
        time(f.firstMs),
        time(f.lastMs),
      ]),
      '没有矛盾',
    )}<h2>尚未入账的购气和退款</h2>${table(
      ['时间', '户号', '序号', '订单', '事项', '次数', '金额（元）', '数量', '状态', ''],
      purchases.map((row) => {
        const told = toldOf(row);
        return [
          time(row.made_ms),
          e(row.user_no),
          e(row.tell_no),
          e(row.order_id),
          told.what === 'delivered' ? '购气' : '退款',
          e(told.count),
          formatYuan(told.amountFen),
          formatQuantity(told.quantity),
          `${STATES[row.state]}${row.said === null ? '' : `<div class="why">${e(row.said)}</div>`}`,
          row.state === 'refused'
            ? `<a href="/console/company/purchase?user=${encodeURIComponent(row.user_no)}&amp;no=${row.tell_no}">补记</a>`
            : '',
        ];
      }),
      '都已入账',
    )}<p>待告知的会一直重发，直到公司系统答复；公司不收的须在公司系统手工补记，再在这里登记。购气已经写在卡上，也付了款。</p></main>`,
  );

/** One refused purchase, and the form by which staff says that it was entered by hand. */
export const companyPurchasePage = (row: CompanyPurchaseRow, by: By): string => {
  const told = toldOf(row);
  return page(
    '公司不收的购气',
    '',
    `${TOP}<main><h2>订单 ${e(row.order_id)}</h2><div class="card">${facts([
      ['户号', e(row.user_no)],
      ['卡号', e(told.cardNo)],
      ['次数', e(told.count)],
      ['金额（元）', formatYuan(told.amountFen)],
      ['数量', formatQuantity(told.quantity)],
      ['时间', time(told.endedMs)],
      ['公司的答复', e(row.said ?? '—')],
    ])}
<p>${
      told.what === 'delivered'
        ? '这笔购气在卡上，钱也收了。先在公司系统补记次数、数量和金额，再登记；登记后中心按公司的数计算，不再另加。'
        : '这笔没有写卡，钱已退。在公司系统记下后再登记；次数和数量不变。'
    }</p>
<form method="post" action="/console/company/purchase">${hidden({ token: by.token, user: row.user_no, no: row.tell_no })}
${whoField(by, '登记人')}
<label for="why">说明（公司凭证号）</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>已在公司补记</button></form></div></main>`,
  );
};
