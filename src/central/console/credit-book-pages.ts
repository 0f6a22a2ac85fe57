import { formatYuan } from '../../shared/money.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { BookManner, BookPosting } from '../sale/account-book.ts';
import { BOOK_WORDS } from '../sale/credit-decisions.ts';
import type { BookWord, UnderWay } from '../sale/credit-decisions.ts';
import { facts, hidden, page, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const MANNERS: Readonly<Record<BookManner, string>> = {
  idempotent: '可重复发送',
  queryable: '只可查询',
  'file-only': '只收日终文件',
};
const WORDS: Readonly<Record<BookWord, string>> = {
  posted: '账本已入账',
  refused: '账本没有入账，退款',
};

/** A posting that the account book outside has not spoken of, and the form for two persons. */
export function underWayPage(u: UnderWay, by: By): string {
  const { posting: p, manner, sentMs, said, asked } = u;
  return page(
    '记账中的订单',
    '',
    `${TOP}<main><h2>记账中的订单</h2><div class="card">${facts([
      ['订单', e(p.order_id)],
      ['终端', e(p.terminal_id)],
      ['户号', e(p.user_no)],
      ['收款方', e(p.payee)],
      ['金额（元）', formatYuan(p.amount_fen)],
      ['记账编号', e(p.reference ?? '—')],
      ['钱包交易号', e(p.wallet_number ?? '—')],
      ['账本', manner === null ? '还没有应答' : MANNERS[manner]],
      ['发出', time(sentMs)],
      ['账本最后的应答', e(said ?? '—')],
      ...(asked === null
        ? []
        : [['已提出', `${WORDS[asked.word]} ${e(asked.voucher)}（${e(asked.who)}）`] as const]),
    ])}
<p>请在公司账本里按记账编号查明。两个人各填一次、结果和凭证号一致才算数，之后不能修改：已入账的不再退款，没有入账的自动退款。两个人说法不同，都作废重来。</p>
<form method="post" action="/console/credit/posting">${hidden({ token: by.token, order: p.order_id })}
<label for="word">结果</label><select id="word" name="word" required><option value="">请选择</option>${BOOK_WORDS.map((w) => `<option value="${w}">${WORDS[w]}</option>`).join('')}</select>
<label for="voucher">账本凭证号（已入账必填）</label><input id="voucher" name="voucher" maxlength="64" autocomplete="off">
${whoField(by, '处理人')}
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form></div></main>`,
  );
}

/** A field of the day's file: quoted, since a number may begin with a zero. */
const field = (value: string | number): string => `"${String(value).replaceAll('"', '""')}"`;

/**
 * A day's file for a book that takes nothing else: CSV, UTF-8, one posting a line. `again`: a row
 * that a restored database made anew, which an earlier file may have.
 */
export const bookFile = (
  rows: readonly { readonly posting: BookPosting; readonly again: boolean }[],
): string =>
  [
    'reference,user_no,payee,amount_fen,lines,paid_ms,wallet_number,again',
    ...rows.map(({ posting: p, again }) =>
      [
        p.reference,
        p.userNo,
        p.payee,
        p.amountFen,
        p.lines.map((line) => `${line.item}:${line.amountFen}`).join(';'),
        p.paidMs,
        p.walletNumber,
        again ? 1 : 0,
      ]
        .map(field)
        .join(','),
    ),
    '',
  ].join('\r\n');
