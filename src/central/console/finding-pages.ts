import type { Finding } from '../books/findings.ts';
import type { FindingReason } from '../books/tables.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const REASONS: Readonly<Record<FindingReason, string>> = {
  'over-known-limit': '终端明知超限仍售出',
  'over-limit-since': '超限，终端不知情',
  'tariff-announced-since': '价格已变，终端不知情',
};

/** What a person does about each. */
const NEXT: Readonly<Record<FindingReason, string>> = {
  'over-known-limit':
    '气已写到卡上，账已记。本软件的终端不会这样卖：先查这台终端的程序和密钥（必要时停用），再和用户处理超出的部分。',
  'over-limit-since':
    '断线期间别的终端也卖了，或者限额后来改了：终端没有过错。超出的部分按公司规定处理。',
  'tariff-announced-since':
    '新价格公布时终端收不到，按它知道的价格卖的：终端没有过错。差价按公司规定处理。',
};

/** Delivered sales that somebody should know of. */
export function findingsTable(findings: readonly Finding[]): string {
  return table(
    ['时间', '终端', '订单', '用户号', '情况', '说明', ''],
    findings.map((f) => [
      time(f.atMs),
      e(f.terminalId),
      e(f.orderId),
      e(f.userNo),
      f.accuses ? `<b>${REASONS[f.reason]}</b>` : REASONS[f.reason],
      e(f.detail),
      `<a href="/console/finding?order=${encodeURIComponent(f.orderId)}&amp;reason=${f.reason}">处理</a>`,
    ]),
    '',
  );
}

/** One of them, and the form that says that a person has looked at it. */
export function findingPage(f: Finding, by: By): string {
  return page(
    '成交待查',
    '',
    `${TOP}<main><h2>成交待查</h2><div class="card">
${facts([
  ['订单', e(f.orderId)],
  ['终端', e(f.terminalId)],
  ['用户号', e(f.userNo)],
  ['情况', `${REASONS[f.reason]}（${f.reason}）`],
  ['说明', e(f.detail)],
  ['发现', time(f.atMs)],
])}
<p>${NEXT[f.reason]}</p>
<form method="post" action="/console/finding">${hidden({ token: by.token, order: f.orderId, reason: f.reason })}
${whoField(by, '处理人')}
<label for="why">查明的情况</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>已看过</button></form></div></main>`,
  );
}
