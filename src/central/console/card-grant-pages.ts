import { formatMicroYuan, formatQuantity } from '../../shared/money.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { CardGrantRow } from '../sale/card-grant-rows.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const STATES: Readonly<Record<CardGrantRow['state'], string>> = {
  asked: '待第二人核准',
  done: '已核准',
  refused: '不予核准',
};

const grantsTable = (grants: readonly CardGrantRow[]): string =>
  table(
    ['提出', '用户号', '工单', '数量', '折合（元）', '提出人', '理由', ''],
    grants.map((g) => [
      time(g.asked_ms),
      e(g.user_no),
      e(g.reference),
      formatQuantity(g.quantity),
      formatMicroYuan(g.micro),
      e(g.asked_who),
      e(g.asked_why),
      `<a href="/console/card-grant?id=${g.id}">核准</a>`,
    ]),
    '没有待核准的补气',
  );

/** What waits for a second person, and the form of the first. */
export const cardGrantsPage = (waiting: readonly CardGrantRow[], by: By): string =>
  page(
    '卡表换表补气',
    '',
    `${TOP}<main><h2>待第二人核准</h2>${grantsTable(waiting)}
<h2>卡表换表补气</h2><div class="card">
<p>旧表里没有用完的，凭换表工单补给卡表用户：折成余款，下次购气时和买的气一起写到卡上，机器上会告诉顾客。补的量从本年已购里减去，不占阶梯和限购。一张工单只补一次；每户每年、全公司每天都有额度。物联表用户请到<a href="/console/credit/acts">错户更正和补气</a>。</p>
<form method="post" action="/console/card-grants">${hidden({ token: by.token })}
<label for="number">用户号或卡号</label><input id="number" name="number" required maxlength="20" autocomplete="off">
<label for="quantity">数量（立方米；存钱的卡填元）</label><input id="quantity" name="quantity" required maxlength="9" inputmode="decimal" autocomplete="off">
<label for="reference">换表工单号</label><input id="reference" name="reference" required maxlength="64" autocomplete="off">
${whoField(by, '提出人')}
<label for="why">理由（旧表读数、谁看过表）</label><input id="why" name="why" required minlength="4" maxlength="300" autocomplete="off">
<br><button>提出，等第二人核准</button></form></div></main>`,
  );

/** One grant, and the form of the second person while it waits. */
export const cardGrantPage = (g: CardGrantRow, by: By): string =>
  page(
    '卡表换表补气',
    '',
    `${TOP}<main><h2>卡表换表补气 ${g.id}</h2><div class="card">${facts([
      ['状态', STATES[g.state]],
      ['用户号', e(g.user_no)],
      ['换表工单', e(g.reference)],
      ['数量', formatQuantity(g.quantity)],
      ['折合（元）', formatMicroYuan(g.micro)],
      ['提出人', `${e(g.asked_who)}，${time(g.asked_ms)}`],
      ['理由', e(g.asked_why)],
      ...(g.decided_who === null
        ? []
        : [
            ['第二人', `${e(g.decided_who)}，${time(g.decided_ms)}`] as const,
            ['说明', e(g.decided_why ?? '')] as const,
          ]),
    ])}
${g.state === 'asked' ? decision(g, by) : ''}</div></main>`,
  );

const decision = (
  g: CardGrantRow,
  by: By,
): string => `<p>提出的人不能自己核准。核准之前什么都没有变；折合金额按核准时的阶梯重新计算。</p>
<form method="post" action="/console/card-grant">${hidden({ token: by.token, id: g.id })}
<label for="verdict">决定</label><select id="verdict" name="verdict" required><option value="">请选择</option><option value="confirmed">核准</option><option value="refused">不予核准</option></select>
${whoField(by, '核准人（第二人）')}
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form>`;
