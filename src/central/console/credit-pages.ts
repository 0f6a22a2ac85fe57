import { formatYuan } from '../../shared/money.ts';
import type { CreditLine } from '../../shared/sale.ts';
import type { PostingState } from '../../shared/order-rules.ts';
import { linesOf } from '../books/load-credit.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { ITEM_FROM, ITEM_WORDS } from '../sale/credit-office.ts';
import type { ItemWord, OfficeAccount, PayeeDay } from '../sale/credit-office.ts';
import { ELSEWHERE } from '../sale/credit-tables.ts';
import type { CreditActRow, CreditItemRow, PostingRow } from '../sale/credit-tables.ts';
import { isKeptFor, termsAt } from '../sale/credit-terms.ts';
import { maskName } from '../../shared/mask.ts';
import { actsTable } from './act-pages.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const KINDS: Readonly<Record<CreditLine['kind'], string>> = {
  balance: '表端充值',
  prepay: '预存',
  gas: '燃气费',
  water: '水费',
  heat: '暖气费',
};
const STATES: Readonly<Record<PostingState, string>> = {
  open: '待付款',
  posting: '记账中',
  posted: '已记账',
  refused: '不能记账',
  void: '已作废',
};
const ITEMS: Readonly<Record<CreditItemRow['state'], string>> = {
  open: '未缴',
  paid: '已缴',
  debited: '银行代扣中',
  withdrawn: '已撤销',
};
const WORDS: Readonly<Record<ItemWord, string>> = {
  paid: '已在别处缴清',
  debited: '银行代扣开始',
  open: '代扣失败，恢复未缴',
  withdrawn: '开错，撤销',
};
const signed = (fen: number): string => `${fen < 0 ? '-' : ''}${formatYuan(Math.abs(fen))}`;
const linkTo = (userNo: string): string =>
  `<a href="/console/credit?user=${encodeURIComponent(userNo)}">${e(userNo)}</a>`;

/** Orders without a card, each with where it stands. */
export const postingsTable = (postings: readonly PostingRow[], empty: string): string =>
  table(
    ['时间', '订单', '终端', '户号', '收款方', '项目', '金额（元）', '状态', '凭证'],
    postings.map((p) => [
      time(p.opened_ms),
      e(p.order_id),
      e(p.terminal_id),
      linkTo(p.user_no),
      e(p.payee),
      linesOf(p)
        .map((line) => `${KINDS[line.kind]} ${e(line.period)}`.trim())
        .join('<br>'),
      formatYuan(p.amount_fen),
      `<span class="tag${p.state === 'posted' ? ' good' : p.state === 'posting' ? ' warn' : ''}">${STATES[p.state]}</span>${p.why === null ? '' : ` ${e(p.why)}`}${p.state === 'posting' ? ` <a href="/console/credit/posting?order=${encodeURIComponent(p.order_id)}">查看</a>` : ''}`,
      e(p.reference ?? '—'),
    ]),
    empty,
  );

const search = `<form method="get" action="/console/credit"><label for="user">户号</label><input id="user" name="user" maxlength="20" autocomplete="off" required> <button>查看</button></form>
<p><a href="/console/credit/settlement">按收款方结算</a>　<a href="/console/credit/book-file">今天的记账文件</a>　<a href="/console/credit/acts">错户更正和补气</a>　<a href="/console/card-grants">卡表换表补气</a></p>`;

/** Where staff begins: a user number, and the orders that are not over. */
export const creditPage = (open: readonly PostingRow[], count: number, meters: string): string =>
  page(
    '缴费账户',
    '',
    `${TOP}<main><h2>缴费账户</h2>${search}
<h2>未结的缴费订单（${count}）</h2>${postingsTable(open, '没有未结的缴费订单')}
<h2>表端未生效的充值</h2>${meters}</main>`,
  );

/** One account with all that it owes and paid, and the form for each item. */
export function creditAccountPage(
  { account, items, postings, acts }: OfficeAccount,
  nowMs: number,
): string {
  const terms = (i: CreditItemRow): readonly string[] => {
    const { lateFeeFen, discountFen, dueFen, overdueDays } = termsAt(i, nowMs);
    return [
      formatYuan(i.principal_fen),
      lateFeeFen === 0 ? '—' : `${formatYuan(lateFeeFen)}（${overdueDays} 天）`,
      discountFen === 0 ? '—' : formatYuan(discountFen),
      i.state === 'open' || i.state === 'debited' ? formatYuan(dueFen) : '—',
    ];
  };
  const standing = (i: CreditItemRow): string =>
    isKeptFor(i, () => true, nowMs) && i.state === 'open'
      ? `${ITEMS[i.state]}，正在自助机付款`
      : `${ITEMS[i.state]}${i.paid_by === null ? '' : i.paid_by === ELSEWHERE ? '（别处）' : `（${e(i.paid_by)}）`}`;
  return page(
    '缴费账户',
    '',
    `${TOP}<main><h2>户号 ${e(account.user_no)}</h2><div class="card">${facts([
      // The console is for staff, but a screen has many eyes.
      ['户名', e(maskName(account.holder_name))],
      ['地址', e(account.address)],
      ['状态', account.state === 'normal' ? '正常' : '已停用'],
      ['表号', e(account.meter_no ?? '—')],
      ['余额（元）', account.meter_no === null ? '—' : signed(account.balance_fen)],
      ['表端未确认（元）', signed(account.on_the_way_fen)],
    ])}</div>
<h2>账单</h2>${table(
      [
        '编号',
        '项目',
        '期间',
        '收款方',
        '本金（元）',
        '滞纳金（元）',
        '优惠（元）',
        '应缴（元）',
        '状态',
        '',
      ],
      items.map((i) => [
        e(i.item),
        KINDS[i.kind],
        e(i.period),
        e(i.payee),
        ...terms(i),
        standing(i),
        nextWords(i).length === 0
          ? ''
          : `<a href="/console/credit/item?item=${encodeURIComponent(i.item)}">登记</a>`,
      ]),
      '没有账单',
    )}
<h2>缴费订单</h2>${postingsTable(postings, '没有缴费订单')}
<h2>更正和补气</h2>${actsTable(acts, '没有更正和补气')}<p><a href="/console/credit/acts">提出更正或补气</a></p></main>`,
  );
}

const nextWords = (item: CreditItemRow): readonly ItemWord[] =>
  ITEM_WORDS.filter((word) => ITEM_FROM[word].includes(item.state));

/** The form by which staff says what became of an item elsewhere. */
export const creditItemPage = (item: CreditItemRow, by: By): string =>
  page(
    '登记账单',
    '',
    `${TOP}<main><h2>账单 ${e(item.item)}</h2><div class="card">${facts([
      ['户号', linkTo(item.user_no)],
      ['项目', `${KINDS[item.kind]} ${e(item.period)}`],
      ['本金（元）', formatYuan(item.principal_fen)],
      ['状态', ITEMS[item.state]],
    ])}
<p>已在别处缴清的账单，正在自助机付款的订单会自动退款。登记之后留痕，缴清不能撤回。</p>
<form method="post" action="/console/credit/item">${hidden({ token: by.token, item: item.item, principal: item.principal_fen })}
<label for="word">结果</label><select id="word" name="word" required><option value="">请选择</option>${nextWords(
      item,
    )
      .map((word) => `<option value="${word}">${WORDS[word]}</option>`)
      .join('')}</select>
<label for="reference">凭证号（缴清时必填）</label><input id="reference" name="reference" maxlength="100" autocomplete="off">
${whoField(by, '处理人')}
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form></div></main>`,
  );

/** What each payee gets of a day. */
export const settlementPage = (
  date: string,
  days: readonly PayeeDay[],
  postings: readonly PostingRow[],
  acts: readonly CreditActRow[],
): string =>
  page(
    `结算 ${e(date)}`,
    '',
    `${TOP}<main><h2>按收款方结算 ${e(date)}</h2>
<form method="get" action="/console/credit/settlement"><label for="date">日期</label><input id="date" name="date" type="date" value="${e(date)}" required> <button>查看</button></form>
${table(
  ['收款方', '商户（钱在谁那里）', '笔数', '金额（元）', '其中', '总账已登记（元）'],
  days.map((d) => [
    e(d.payee),
    e(d.merchant),
    e(d.postings),
    formatYuan(d.fen),
    (Object.entries(d.kinds) as [CreditLine['kind'], number][])
      .map(([kind, fen]) => `${KINDS[kind]} ${formatYuan(fen)}`)
      .join('；'),
    `${formatYuan(d.toldFen)}${d.toldFen === d.fen ? '' : ` <span class="tag warn">终端未报 ${formatYuan(d.fen - d.toldFen)}</span>`}`,
  ]),
  '这一天没有记账',
)}
<p>按记账时刻归日。已记账的不再退款；当日钱包账单里多出的，是次日才记账或已退回的付款。</p>
<h2>明细</h2>${postingsTable(postings, '没有明细')}
<h2>当天核准的更正和补气</h2>${actsTable(acts, '没有更正和补气')}
<p>错户更正不改变任何一天、任何收款方的合计：款还是原来那一笔。补气没有收款，不在合计里。</p></main>`,
  );
