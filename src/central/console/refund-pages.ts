import { formatYuan } from '../../shared/money.ts';
import type { StoppedCard } from '../books/card-seen.ts';
import type { UnprovenOrder } from '../books/evidence-again.ts';
import type { UnprovenRefund } from '../sale/budgets.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

/**
 * What a person is to look at because of what readers say: refunds on their word
 * (src/central/sale/budgets.ts), and cards that showed what cannot be (books/card-seen.ts).
 */

const STATES: Readonly<Record<UnprovenRefund['state'], string>> = {
  waiting: '等待核对',
  granted: '额度内已退',
  allowed: '已批准',
  refused: '不退，柜台处理',
};

/** What waits for a person, and what went back within the budget. */
export function refundsTable(refunds: readonly UnprovenRefund[]): string {
  return table(
    ['订单号', '终端', '卡号', '金额（元）', '状态', '原因', '时间', ''],
    refunds.map((r) => [
      e(r.orderId),
      e(r.terminalId),
      e(r.cardNo),
      formatYuan(r.amountFen),
      r.asked === null ? STATES[r.state] : `${STATES[r.state]}，待第二人核准`,
      `<div class="why">${e(r.reason)}</div>`,
      time(r.firstMs),
      `<a href="/console/refund?order=${encodeURIComponent(r.orderId)}">处理</a>`,
    ]),
    '',
  );
}

/** Orders whose payment nobody but their terminal knows of, and the way to look once more. */
export function unprovenTable(orders: readonly UnprovenOrder[]): string {
  return `<p>只有终端说付了款：次数已计，结余、发票和人工退款都要等凭据。网关或钱包的公钥换过后，<a href="/console/evidence">再核对一次</a>。</p>${table(
    ['订单号', '终端', '卡号', '金额（元）', '时间'],
    orders.map((o) => [
      e(o.orderId),
      e(o.terminalId),
      e(o.cardNo),
      formatYuan(o.amountFen),
      time(o.sinceMs),
    ]),
    '',
  )}`;
}

/** The form by which a person has the evidence looked at once more. */
export function evidencePage(orders: number, by: By): string {
  return page(
    '核对付款凭据',
    '',
    `${TOP}<main><h2>核对付款凭据</h2><div class="card"><p>${orders} 笔订单还没有付款凭据。核对不改变任何款项，只把已有凭据的订单补记完整。</p>
<form method="post" action="/console/evidence">${hidden({ token: by.token })}<button>再核对一次</button></form></div></main>`,
  );
}

const CHOICES: Readonly<
  Record<UnprovenRefund['state'], readonly (readonly ['allow' | 'refuse' | 'clear', string])[]>
> = {
  waiting: [
    ['allow', '已核对卡和表，没有写上：退款'],
    ['refuse', '不退款，在柜台处理'],
  ],
  refused: [['allow', '已核对卡和表，没有写上：退款']],
  granted: [['clear', '已核对卡和表，账户恢复正常']],
  allowed: [],
};

const ASKED: Readonly<Record<string, string>> = { allow: '退款', clear: '账户恢复正常' };

/** One of them, and the form by which a person decides. */
export function refundPage(r: UnprovenRefund, by: By): string {
  return page(
    '待核对的退款',
    '',
    `${TOP}<main><h2>待核对的退款</h2><div class="card">
${facts([
  ['订单号', e(r.orderId)],
  ['终端', e(r.terminalId)],
  ['卡号', e(r.cardNo)],
  ['金额（元）', formatYuan(r.amountFen)],
  ['状态', `${STATES[r.state]}${r.who === null ? '' : `（${e(r.who)}）`}`],
  ['原因', e(r.reason)],
  ['时间', time(r.firstMs)],
  ...(r.asked === null
    ? []
    : [
        [
          '已提出，待第二人核准',
          `${ASKED[r.asked.what] ?? ''}（${e(r.asked.who)}）：${e(r.asked.why)}`,
        ] as const,
      ]),
])}
<p>写卡已经开始，“没有写上”只是读卡器一面之词：卡和读卡器之间若夹了东西，钱退了气也在卡上。请收下卡，在柜台的读卡器上看次数，再看表上的累计量，然后决定。退款、恢复额度要两个人：一个人提出，另一个人选同样的决定核准。</p>
<form method="post" action="/console/refund">${hidden({ token: by.token, order: r.orderId })}
<label for="decision">决定</label><select id="decision" name="decision" required><option value="">请选择</option>${CHOICES[
      r.state
    ]
      .map(([value, words]) => `<option value="${value}">${words}</option>`)
      .join('')}</select>
${whoField(by, '处理人')}
<label for="why">理由</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form></div></main>`,
  );
}

/** Cards that nothing is sold to. */
export function stoppedTable(cards: readonly StoppedCard[]): string {
  return table(
    ['卡号', '用户号', '原因', '终端', '时间', ''],
    cards.map((c) => [
      e(c.cardNo),
      e(c.userNo),
      `<div class="why">${e(c.reason)}</div>`,
      e(c.terminalId),
      time(c.atMs),
      `<a href="/console/card?card=${encodeURIComponent(c.cardNo)}">处理</a>`,
    ]),
    '',
  );
}

/** What to do about a card that refused a kiosk's key; nothing for another stop. */
function keyWords({ keyTries }: StoppedCard): string {
  if (keyTries === null) return '';
  const left = keyTries < 0 ? '卡不报还剩几次' : `还剩 ${keyTries} 次`;
  return `<p>卡没有接受密钥（${left}）：再错可能锁死。请在柜台查明是卡不对还是终端密钥不对，把卡的错误计数复位以后，再恢复使用。</p>
`;
}

/**
 * One card with all that it is stopped for, newest first, and the form that lets it be sold to
 * again.
 */
export function stoppedPage(stops: readonly StoppedCard[], by: By): string {
  const [c] = stops;
  if (c === undefined) return '';
  return page(
    '停用待查的卡',
    '',
    `${TOP}<main><h2>停用待查的卡</h2><div class="card">
${facts([
  ['卡号', e(c.cardNo)],
  ['用户号', e(c.userNo)],
  ...stops.map((s): [string, string] => [
    '原因',
    `${e(s.reason)}（${e(s.terminalId)}，${time(s.atMs)}）`,
  ]),
])}
<pre>${e(c.seen)}</pre>
${stops.map(keyWords).join('')}<p>请收下卡，在柜台的读卡器上核对，再看表上的累计量。该补的款收到、账户的累计改对以后，再恢复使用：那时卡和表上有的，从此算作应有的。</p>
<form method="post" action="/console/card">${hidden({ token: by.token, card: c.cardNo, until: c.atMs })}
${whoField(by, '处理人')}
<label for="why">查明的情况</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>恢复使用</button></form></div></main>`,
  );
}
