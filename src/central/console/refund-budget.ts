import { formatYuan } from '../../shared/money.ts';
import type { RefundWait } from '../gateway/budgets.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

/** Hand-backs beyond their terminals' budgets; empty where none waits. */
export function budgetTable(waits: readonly RefundWait[]): string {
  if (waits.length === 0) return '';
  const rows = table(
    ['时间', '终端', '商户单号（终端）', '退款单号', '金额（元）', '状态', ''],
    waits.map((w) => [
      time(w.sinceMs),
      e(w.terminalId),
      e(w.outTradeNo),
      e(w.number),
      formatYuan(w.fen),
      w.asked === null ? '等待' : '已提出，待第二人核准',
      `<a href="/console/refund-budget?terminal=${encodeURIComponent(w.terminalId)}&amp;number=${encodeURIComponent(w.number)}">核对</a>`,
    ]),
    '',
  );
  return `<h2>超出当日限额的退款（${waits.length} 笔）</h2>${rows}`;
}

/** One of them, and the form by which two persons let it go. */
export function budgetPage(w: RefundWait, by: By): string {
  return page(
    '超出当日限额的退款',
    '',
    `${TOP}<main><h2>超出当日限额的退款</h2><div class="card">
${facts([
  ['终端', e(w.terminalId)],
  ['商户单号（终端）', e(w.outTradeNo)],
  ['退款单号', e(w.number)],
  ['金额（元）', formatYuan(w.fen)],
  ['等待自', time(w.sinceMs)],
  ...(w.asked === null
    ? []
    : [['已提出，待第二人核准', `放行（${e(w.asked.who)}）：${e(w.asked.why)}`] as const]),
])}
<p>这台机器今天的退款超出限额，可能是机器有毛病，也可能有人拿到了它的密钥。先弄清气有没有充上，再放行：要两个人，一个人提出，另一个人核准；有疑问就停用这台终端。放行之后机器会自己再来要，原路退回。不放行也不会丢：明天的限额之内会自动退。</p>
<form method="post" action="/console/refund-budget">${hidden({ token: by.token, terminal: w.terminalId, number: w.number })}
${whoField(by, '处理人')}
<label for="why">理由</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>${w.asked === null ? '提出放行这一笔' : '核准放行这一笔'}</button></form></div></main>`,
  );
}
