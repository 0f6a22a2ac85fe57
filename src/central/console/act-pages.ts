import { formatYuan } from '../../shared/money.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { heldLines } from '../sale/credit-held.ts';
import { BALANCE_ITEM } from '../sale/credit-tables.ts';
import type { CreditActRow } from '../sale/credit-tables.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const KINDS: Readonly<Record<CreditActRow['kind'], string>> = { move: '错户更正', grant: '补气' };
const STATES: Readonly<Record<CreditActRow['state'], string>> = {
  asked: '待第二人核准',
  done: '已核准',
  refused: '不予核准',
};
const lines = (json: string): string =>
  heldLines(json)
    .map(
      ({ item, amountFen }) =>
        `${item === BALANCE_ITEM ? '余额' : `账单 ${e(item)}`} ${formatYuan(amountFen)}`,
    )
    .join('；');
const account = (userNo: string): string =>
  `<a href="/console/credit?user=${encodeURIComponent(userNo)}">${e(userNo)}</a>`;

/** Acts on accounts, each with where it stands. */
export const actsTable = (acts: readonly CreditActRow[], empty: string): string =>
  table(
    ['提出', '事项', '订单/工单', '从', '到', '金额（元）', '提出人', '理由', '状态', ''],
    acts.map((a) => [
      time(a.asked_ms),
      KINDS[a.kind],
      e(a.order_id ?? a.reference),
      a.from_user === null ? '—' : account(a.from_user),
      account(a.to_user),
      formatYuan(a.amount_fen),
      e(a.asked_who),
      e(a.asked_why),
      a.state === 'asked'
        ? STATES.asked
        : `${STATES[a.state]}（${e(a.decided_who ?? '')}，${time(a.decided_ms)}）`,
      a.state === 'asked' ? `<a href="/console/credit/act?id=${a.id}">核准</a>` : '',
    ]),
    empty,
  );

/** Who asks, and why. @param id of the form's fields, since a page has two forms */
const person = (by: By, id: string, hint: string): string => `${whoField(by, '提出人', `${id}-who`)}
<label for="${id}-why">理由（${hint}）</label><input id="${id}-why" name="why" required minlength="4" maxlength="300" autocomplete="off">
<br><button>提出，等第二人核准</button>`;

/** What waits for a second person, and the forms of the first. */
export const actsPage = (waiting: readonly CreditActRow[], by: By): string =>
  page(
    '错户更正和补气',
    '',
    `${TOP}<main><h2>待第二人核准</h2>${actsTable(waiting, '没有待核准的更正和补气')}
<h2>错户更正</h2><div class="card">
<p>顾客把别人的户号当成自己的付了款。整笔订单转到他说的户号：收款和订单不变，收款方的结算不变，两块表各收到新的累计金额。原户的余额已经用掉的不能转。</p>
<form method="post" action="/console/credit/move">${hidden({ token: by.token })}
<label for="order">订单</label><input id="order" name="order" required maxlength="64" autocomplete="off">
<label for="to">转到户号</label><input id="to" name="to" required maxlength="20" autocomplete="off">
<label for="items">付这些账单（编号，用逗号分开；不填则转入余额）</label><input id="items" name="items" maxlength="600" autocomplete="off">
${person(by, 'move', '谁付错、怎样查清')}</form></div>
<h2>换表补气（物联表）</h2><div class="card">
<p>旧表里没有用完的，凭换表工单补进账户，并按新的累计金额发到新表。一张工单只补一次；每户每年、全公司每天都有额度。</p>
<form method="post" action="/console/credit/grant">${hidden({ token: by.token })}
<label for="user">户号</label><input id="user" name="user" required maxlength="20" autocomplete="off">
<label for="yuan">金额（元）</label><input id="yuan" name="yuan" required maxlength="9" inputmode="decimal" autocomplete="off">
<label for="reference">换表工单号</label><input id="reference" name="reference" required maxlength="64" autocomplete="off">
${person(by, 'grant', '旧表读数、谁看过表')}</form></div></main>`,
  );

/** One act, and the form of the second person while it waits. */
export const actPage = (a: CreditActRow, by: By): string =>
  page(
    KINDS[a.kind],
    '',
    `${TOP}<main><h2>${KINDS[a.kind]} ${a.id}</h2><div class="card">${facts([
      ['状态', STATES[a.state]],
      ...(a.from_user === null || a.from_lines === null
        ? [['换表工单', e(a.reference)] as const]
        : [
            ['订单', e(a.order_id ?? '')] as const,
            ['从户号', `${account(a.from_user)}　${lines(a.from_lines)}`] as const,
          ]),
      ['到户号', `${account(a.to_user)}　${lines(a.to_lines)}`],
      ['收款方', e(a.payee)],
      ['金额（元）', formatYuan(a.amount_fen)],
      ['提出人', `${e(a.asked_who)}，${time(a.asked_ms)}`],
      ['理由', e(a.asked_why)],
      ...(a.decided_who === null
        ? []
        : [
            ['第二人', `${e(a.decided_who)}，${time(a.decided_ms)}`] as const,
            ['说明', e(a.decided_why ?? '')] as const,
          ]),
    ])}
${a.state === 'asked' ? decision(a, by) : ''}</div></main>`,
  );

const decision = (
  a: CreditActRow,
  by: By,
): string => `<p>提出的人不能自己核准。核准之前什么都没有变；核准之后不能撤销，转错了再提一次更正。</p>
<form method="post" action="/console/credit/act">${hidden({ token: by.token, id: a.id })}
<label for="verdict">决定</label><select id="verdict" name="verdict" required><option value="">请选择</option><option value="confirmed">核准</option><option value="refused">不予核准</option></select>
${whoField(by, '核准人（第二人）')}
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form>`;
