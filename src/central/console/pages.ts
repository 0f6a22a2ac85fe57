import type { TerminalStatus } from '../../shared/trust.ts';
import { TOO_MANY } from '../fleet/status.ts';
import { formatMicroYuan, formatQuantity, formatYuan } from '../../shared/money.ts';
import { shiftDoubts, shiftRef } from '../../shared/shift.ts';
import type { Money, TerminalDay } from '../books/reconcile.ts';
import { epochAsked } from '../books/epochs.ts';
import { handTables } from './by-hand.ts';
import { budgetTable } from './refund-budget.ts';
import type { ConsoleData } from './data.ts';
import { chipsTable } from './chip-pages.ts';
import { findingsTable } from './finding-pages.ts';
import { requestAlarms, requestsLine } from './request-pages.ts';
import { invoiceAlarms, invoicesLine } from './invoice-pages.ts';
import { refundsTable, stoppedTable, unprovenTable } from './refund-pages.ts';
import { devicesTable, heardCell, isMissed } from './heartbeat-pages.ts';
import { BAR, facts, hidden, isOpenTo, page, table, tag, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';
import { escapeHtml } from '../http/escape.ts';

const ACCOUNT_KINDS: Readonly<Record<string, string>> = {
  gas: '燃气',
  water: '水',
  heat: '热力',
  fuel: '加气',
};
const LEDGER: Record<string, string> = {
  captured: '收款',
  'captured-extra': '多收（自动退）',
  delivered: '售出',
  refunded: '退款',
  carried: '结转',
  'carried-used': '结转使用',
  parked: '挂起',
  adjustment: '人工调整',
};
const NOTES: Record<string, string> = {
  'epoch-began': '开始新纪元',
  'journal-restored': '账本已恢复',
  'damage-accepted': '技术员已确认',
};
const OUTCOME_WORDS: Record<string, string> = {
  refunded: '已在钱包商户平台退款',
  'paid-out': '已用其他方式退还',
  'nothing-due': '核实无需再退',
  again: '请网关再退一次',
};
const e = escapeHtml;
/** A reason in a table: it wraps, so that what stands after it is in sight. */
const why = (reason: string): string => `<div class="why">${e(reason)}</div>`;

/** The console's main page, whole, without scripts; it reloads itself. */
export function consolePage(d: ConsoleData, nowMs: number, by: By): string {
  const alarms = d.terminals.filter((t) => t.alarm !== null || t.epochRequest !== null).length;
  const missed = d.terminals.filter((t) => isMissed(t.heard, nowMs)).length;
  const parked = d.parkedCaptures.length;
  const byHand = d.byHand.waitingCount;
  const unproven = d.unprovenRefunds.filter((r) => r.state === 'waiting').length;
  const accused = d.findings.filter((f) => f.accuses).length;
  const asked = [...requestAlarms(d.requests), ...invoiceAlarms(d.invoices)];
  const wanted = [
    `${alarms} 台终端报警`,
    ...(missed === 0 ? [] : [`${missed} 台终端失联或停用`]),
    `${d.quarantineOpen} 条记录隔离`,
    `${parked} 笔重复付款待退`,
    `${byHand} 笔现场处理待核准`,
    ...(d.stoppedCards.length === 0 ? [] : [`${d.stoppedCards.length} 张卡停用待查`]),
    ...(unproven === 0 ? [] : [`${unproven} 笔退款待核对卡`]),
    ...(d.unprovenOrders.length === 0 ? [] : [`${d.unprovenOrders.length} 笔付款缺凭据`]),
    ...(accused === 0 ? [] : [`${accused} 笔超限成交待查`]),
    ...asked,
  ].join('，');
  return page(
    '长明 · 收费中心',
    // Where staff log in, a page that is only looked at must not keep anybody logged in.
    by.who === null
      ? '<meta http-equiv="refresh" content="5">'
      : '<meta http-equiv="refresh" content="60;url=/console/overview?watching=1">',
    `<header><h1>长明 · 收费中心</h1>${by.who === null ? '<span>参考实现</span>' : ''}<span>${time(nowMs)}</span></header>${BAR}<main>
${alarms + missed + d.quarantineOpen + parked + unproven + byHand + d.stoppedCards.length + d.unprovenOrders.length + accused + asked.length > 0 ? `<p class="alarm">需要人工处理：${wanted}</p>` : ''}
${requestsLine(d.requests)}
${invoicesLine(d.invoices)}
<h2>最近订单</h2>${ordersTable(d)}
${d.unprovenRefunds.length === 0 ? '' : `<h2>只凭读卡器的退款</h2>${refundsTable(d.unprovenRefunds)}`}
${d.unprovenOrders.length === 0 ? '' : `<h2>缺少付款凭据的订单</h2>${unprovenTable(d.unprovenOrders)}`}
${d.findings.length === 0 ? '' : `<h2>成交待查</h2>${findingsTable(d.findings)}`}
${d.stoppedCards.length === 0 ? '' : `<h2>停用待查的卡</h2>${stoppedTable(d.stoppedCards)}`}
${d.otherChips.length === 0 ? '' : `<h2>换了芯片的卡</h2>${chipsTable(d.otherChips)}`}
${parked === 0 ? '' : `<h2>待退的重复付款</h2>${parkedTable(d)}`}
${d.settlements.length === 0 ? '' : `<h2>重复付款处理记录</h2>${settlementsTable(d)}`}
${budgetTable(d.refundWaits)}
${handTables(d.byHand)}
${isOpenTo(by, 'GET', '/console/credit') ? accountsPart(d) : ''}
<h2>终端</h2>${terminalsTable(d, nowMs)}
${d.ratings.length === 0 ? '' : `<h2>顾客评价（近 30 天）</h2>${ratingsTable(d)}`}
<h2>总账</h2><p><a href="/console/reconcile">每日对账</a></p>${ledgerTable(d)}
<h2>隔离区</h2>${quarantineTable(d)}
${d.heldOpen === 0 ? '' : `<h2>等待中的记录（${d.heldOpen} 条）</h2><p>等其他终端上传后自动入账；超过一天仍在等待的，请核实那台终端。</p>${heldTable(d, nowMs)}`}
<h2>终端账本</h2>${notesTable(d)}
</main>`,
  );
}

const ratingsTable = ({ ratings }: ConsoleData): string =>
  table(
    ['终端', '满意', '一般', '不满意', '满意率'],
    ratings.map((r) => [
      e(r.terminalId),
      e(r.good),
      e(r.fair),
      e(r.poor),
      `${Math.round((100 * r.good) / (r.good + r.fair + r.poor))}%`,
    ]),
    '',
  );

/** Who may write, who hands back, who has done it. */
const fate = (o: ConsoleData['orders'][number]): string =>
  [
    o.writer === null ? '' : `写卡授权：${e(o.writer)}`,
    o.refundClaimed ? '退款授权' : '',
    o.counterClaimed ? '人工处理授权' : '',
    o.deliveredBy === null || o.deliveredBy === o.terminalId ? '' : `由 ${e(o.deliveredBy)} 完成`,
  ]
    .filter((x) => x !== '')
    .join('；');
/** See its heads. */
export const ordersTable = ({ orders }: Pick<ConsoleData, 'orders'>): string =>
  table(
    [
      '订单号',
      '终端',
      '卡号/户号',
      '次数',
      '金额（元）',
      '气量/水量',
      '状态',
      '授权',
      '方式',
      '备注',
      '时间',
    ],
    orders.map((o) => [
      e(o.orderId),
      e(o.terminalId),
      e(o.cardNo),
      e(o.nextCount ?? '—'),
      formatYuan(o.amountFen),
      o.nextCount === null ? '—' : formatQuantity(o.quantity),
      tag(o.state),
      fate(o),
      o.offline ? '离线' : '联机',
      e(o.note),
      time(o.changedMs),
    ]),
    '还没有订单',
  );

/** See its heads. */
export const parkedTable = ({ parkedCaptures }: Pick<ConsoleData, 'parkedCaptures'>): string =>
  table(
    ['时间', '终端', '商户单号（终端）', '钱包', '商户单号（钱包）', '收到（元）', '原因', ''],
    parkedCaptures.map((p) => [
      time(p.atMs),
      e(p.terminalId),
      e(p.outTradeNo),
      e(p.wallet),
      e(p.leg),
      p.capturedFen === null ? '—' : formatYuan(p.capturedFen),
      e(p.reason),
      `<a href="/console/payment?leg=${encodeURIComponent(p.leg)}">处理</a>`,
    ]),
    '',
  );

/** See its heads. */
export const settlementsTable = ({ settlements }: Pick<ConsoleData, 'settlements'>): string =>
  table(
    ['时间', '商户单号（钱包）', '结果', '凭证号', '处理人', '说明'],
    settlements.map((s) => [
      time(s.atMs),
      e(s.leg),
      e(OUTCOME_WORDS[s.outcome] ?? s.outcome),
      e(s.reference || '—'),
      e(s.who),
      e(s.why),
    ]),
    '',
  );

const accountsTable = ({ accounts }: ConsoleData): string =>
  table(
    [
      '卡号',
      '用户号',
      '户名',
      '类别',
      '状态',
      '次数',
      '累计',
      '价格',
      '本年',
      '限购余量',
      '结转（元）',
      '预留（元）',
      '占用订单',
    ],
    accounts.map((a) => [
      e(a.cardNo),
      e(a.userNo),
      e(a.holder),
      ACCOUNT_KINDS[a.kind] ?? e(a.kind),
      tag(a.state),
      e(a.count),
      formatQuantity(a.cumulative),
      e(a.tariff),
      formatQuantity(a.yearQuantity),
      a.leftQuantity === null ? '—' : formatQuantity(a.leftQuantity),
      formatMicroYuan(a.carriedMicro),
      formatMicroYuan(a.reservedMicro),
      e(a.claim ?? '—'),
    ]),
    '没有账户',
  );

/** The accounts, and the ways to their bills: whose role answers customers. */
const accountsPart = (d: ConsoleData): string =>
  `<h2>账户</h2><p><a href="/console/credit">缴费账户和账单</a>　<a href="/console/credit/settlement">按收款方结算</a>　<a href="/console/company">公司账务系统</a></p>${accountsTable(d)}`;

const STATUS_WORDS: Readonly<Record<TerminalStatus, string>> = {
  active: '正常',
  suspended: '停售',
  revoked: '已注销',
};

const terminalsTable = ({ terminals }: ConsoleData, nowMs: number): string =>
  table(
    [
      '终端号',
      '网点',
      '名称',
      '状态',
      '心跳',
      '纪元',
      '已收到',
      '上次上传',
      '分叉记录',
      '新纪元',
      '报警',
    ],
    terminals.map((t) => [
      e(t.terminalId),
      e(t.site ?? '—'),
      e(t.name ?? '—'),
      `<a href="/console/terminal?terminal=${encodeURIComponent(t.terminalId)}">${STATUS_WORDS[t.status]}</a>`,
      heardCell(t.heard, nowMs),
      e(t.epoch),
      e(t.lastSeq),
      time(t.lastUploadMs),
      t.forked === 0 ? '—' : e(t.forked),
      t.epochRequest === null
        ? '—'
        : `<a href="/console/epoch?terminal=${encodeURIComponent(t.terminalId)}">申请中，去核对</a>`,
      e(t.alarm ?? '—'),
    ]),
    '没有终端',
  );

const ledgerTable = ({ ledger }: ConsoleData): string =>
  table(
    ['科目', '笔数', '金额（元）', '数量', '结转（元）'],
    ledger.map((l) => [
      e(LEDGER[l.kind] ?? l.kind),
      e(l.entries),
      formatYuan(l.amountFen),
      formatQuantity(l.quantity),
      formatMicroYuan(l.micro),
    ]),
    '没有记账',
  );

/** See its heads. */
export const quarantineTable = ({ quarantine }: Pick<ConsoleData, 'quarantine'>): string =>
  table(
    ['终端', '纪元', '序号', '事件', '订单', '原因', ''],
    quarantine.map((q) => [
      e(q.terminalId),
      e(q.epoch),
      e(q.seq),
      e(q.kind),
      e(q.orderId ?? '—'),
      why(q.reason),
      `<a href="/console/quarantine?terminal=${encodeURIComponent(q.terminalId)}&amp;epoch=${q.epoch}&amp;seq=${q.seq}">查看</a>`,
    ]),
    '没有隔离的记录',
  );

/** After so long the other terminal should have been heard. */
const LONG_MS = 24 * 3_600_000;

/** See its heads. */
export const heldTable = ({ held }: Pick<ConsoleData, 'held'>, nowMs: number): string =>
  table(
    ['等待自', '终端', '纪元', '序号', '事件', '订单', '原因', ''],
    held.map((h) => [
      nowMs - h.sinceMs > LONG_MS ? `<b>${time(h.sinceMs)}</b>` : time(h.sinceMs),
      e(h.terminalId),
      e(h.epoch),
      e(h.seq),
      e(h.kind),
      e(h.orderId),
      why(h.reason),
      `<a href="/console/held?terminal=${encodeURIComponent(h.terminalId)}&amp;epoch=${h.epoch}&amp;seq=${h.seq}">查看</a>`,
    ]),
    '没有等待中的记录',
  );

const notesTable = ({ notes }: ConsoleData): string =>
  table(
    ['时间', '终端', '纪元', '事件', '内容'],
    notes.map((n) => [
      time(n.atMs),
      e(n.terminalId),
      e(n.epoch),
      e(NOTES[n.kind] ?? n.kind),
      e(n.body.slice(0, 200)),
    ]),
    '没有记录',
  );

/** One quarantined fact with its body, and the form that settles it. */
export function quarantinePage(q: ConsoleData['quarantine'][number], by: By): string {
  return page(
    '隔离记录',
    '',
    `${TOP}<main><h2>隔离记录</h2><div class="card">
${facts([
  ['终端', e(q.terminalId)],
  ['纪元 / 序号', `${e(q.epoch)} / ${e(q.seq)}`],
  ['事件', e(q.kind)],
  ['订单', e(q.orderId ?? '—')],
  ['原因', e(q.reason)],
  ['收到', time(q.atMs)],
])}
<pre>${e(q.body)}</pre>
<form method="post" action="/console/quarantine">${hidden({ token: by.token, terminal: q.terminalId, epoch: q.epoch, seq: q.seq })}
${whoField(by, '处理人')}
<label for="why">结论</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<label for="amount">调整金额（元，可为负；不调整则留空）</label><input id="amount" name="amount" inputmode="decimal" pattern="-?[0-9]{1,9}([.][0-9]{1,2})?" autocomplete="off">
<label for="reference">调整凭证号</label><input id="reference" name="reference" maxlength="100" autocomplete="off">
<br><button>已处理</button></form></div></main>`,
  );
}

/** A fact that waits for another terminal's, and the form that gives it up. */
export function heldPage(h: ConsoleData['held'][number], by: By): string {
  return page(
    '等待中的记录',
    '',
    `${TOP}<main><h2>等待中的记录</h2><div class="card">
${facts([
  ['终端', e(h.terminalId)],
  ['纪元 / 序号', `${e(h.epoch)} / ${e(h.seq)}`],
  ['事件', e(h.kind)],
  ['订单', e(h.orderId)],
  ['原因', e(h.reason)],
  ['等待自', time(h.sinceMs)],
])}
<pre>${e(h.body)}</pre>
<p>只有确定那台终端不会再上传时才放弃等待；之后在隔离区处理。</p>
<form method="post" action="/console/held">${hidden({ token: by.token, terminal: h.terminalId, epoch: h.epoch, seq: h.seq })}
${whoField(by, '处理人')}
<label for="why">理由</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>不再等待，移到隔离区</button></form></div></main>`,
  );
}

/**
 * A capture that the gateway could not hand back: what is known, and the form that says what became
 * of it.
 */
export function parkedPage(
  p: ConsoleData['parkedCaptures'][number],
  outcomes: readonly string[],
  by: By,
): string {
  return page(
    '待退的重复付款',
    '',
    `${TOP}<main><h2>待退的重复付款</h2><div class="card">
${facts([
  ['终端', e(p.terminalId)],
  ['商户单号（终端）', e(p.outTradeNo)],
  ['钱包', e(p.wallet)],
  ['商户单号（钱包）', e(p.leg)],
  ['钱包交易号', e(p.transactionId ?? '—')],
  ['退款单号', e(`X${p.leg}`)],
  ['应收（元）', formatYuan(p.amountFen)],
  ['收到（元）', p.capturedFen === null ? '—' : formatYuan(p.capturedFen)],
  ['原因', e(p.reason)],
  ['时间', time(p.atMs)],
])}
<p>先到钱包的商户平台，按“商户单号（钱包）”查明这笔款现在的状态，再登记。登记之后不能修改。</p>
<form method="post" action="/console/payment">${hidden({ token: by.token, leg: p.leg })}
<label for="outcome">结果</label><select id="outcome" name="outcome" required><option value="">请选择</option>${outcomes.map((o) => `<option value="${e(o)}">${e(OUTCOME_WORDS[o] ?? o)}</option>`).join('')}</select>
<label for="reference">退款单号或凭证号（已退款、已退还时必填）</label><input id="reference" name="reference" maxlength="100" autocomplete="off">
${whoField(by, '处理人')}
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form></div></main>`,
  );
}

/** What a terminal says that asks for a new epoch, and the button that grants it. */
export function epochPage(t: ConsoleData['terminals'][number], by: By): string {
  const r = t.epochRequest;
  const form =
    r === null
      ? '<p>这台终端没有申请新纪元。</p>'
      : `${facts([
          ['申请时的纪元', e(r.epoch)],
          ['磁盘上最后一条', `${e(r.lastSeq)}（${e(r.lastHash.slice(0, 16))}…）`],
          ['中心已收到', `纪元 ${e(t.epoch)} 第 ${e(t.lastSeq)} 条`],
          ['原因', e(r.why)],
          ['时间', time(r.atMs)],
        ])}
<p>批准前请确认：这是唯一在用的磁盘，没有第二台机器用着它的副本。批准后旧纪元不再售气。</p>
<form method="post" action="/console/epoch">${hidden({ token: by.token, terminal: t.terminalId, asked: epochAsked(r) })}<button>批准新纪元</button></form>`;
  return page(
    '新纪元',
    '',
    `${TOP}<main><h2>终端 ${e(t.terminalId)} 的新纪元</h2><div class="card">${facts([
      ['报警', e(t.alarm ?? '—')],
      ['分叉记录', e(t.forked)],
    ])}${form}</div></main>`,
  );
}

/** The form that changes a terminal's key. */
const keyForm = (terminalId: string, by: By): string => `<h2>换密钥</h2>
<p>先在终端上生成新密钥，再把新公钥登记在这里；两把密钥同时有效到重叠期满，之后只认新的。旧密钥可能泄露时填 0，立即只认新的；同一把新公钥再登记一次，可以提前结束重叠期。</p>
<form method="post" action="/console/key">${hidden({ token: by.token, terminal: terminalId })}
<label for="key">新公钥（PEM）</label><textarea id="key" name="key" rows="4" cols="66" required maxlength="2000"></textarea>
<label for="hours">重叠期（小时，0 至 720）</label><input id="hours" name="hours" inputmode="numeric" pattern="[0-9]{1,3}" value="72" required>
${whoField(by, '处理人', 'key-who')}
<label for="key-why">理由</label><input id="key-why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记新密钥</button></form>`;

const skewOf = (ms: number | null): string => (ms === null ? '—' : `${(ms / 1_000).toFixed(1)} 秒`);

/** What a terminal may do and how it stands, and the form that changes it. */
export function terminalPage(t: ConsoleData['terminals'][number], by: By): string {
  const wanted = (['active', 'suspended', 'revoked'] as const).filter((s) => s !== t.status);
  const form =
    t.status === 'revoked'
      ? '<p>已注销的终端不再启用：请用新密钥登记一台新的。它之后上传的内容只作为证据保存。</p>' +
        `<p><a href="/console/adopt?terminal=${encodeURIComponent(t.terminalId)}">接管它未结的款</a></p>`
      : `<p>停售：不再报价、收款、计算卡密钥；上传、撤单、退款照常。注销：一概拒绝，密钥视为已失窃，不能撤回。</p>
<form method="post" action="/console/terminal">${hidden({ token: by.token, terminal: t.terminalId })}
<label for="status">改为</label><select id="status" name="status" required><option value="">请选择</option>${wanted
          .map((s) => `<option value="${s}">${STATUS_WORDS[s]}</option>`)
          .join('')}</select>
${whoField(by, '处理人')}
<label for="why">理由</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>更改</button></form>`;
  const looked =
    t.alarm?.startsWith(TOO_MANY) === true
      ? `<p>报警“${e(t.alarm)}”：一分钟内的请求（refund：一天的退款；card-stop：一天里要停用的卡）过多，可能密钥失窃或程序出错。查明后确认，报警解除。</p>
<form method="post" action="/console/alarm">${hidden({ token: by.token, terminal: t.terminalId })}
${whoField(by, '处理人', 'alarm-who')}
<label for="alarm-why">查明的原因</label><input id="alarm-why" name="why" required maxlength="300" autocomplete="off">
<br><button>已核实</button></form>`
      : '';
  return page(
    '终端状态',
    '',
    `${TOP}<main><h2>终端 ${e(t.terminalId)}</h2><div class="card">${facts([
      ['网点', e(t.site ?? '—')],
      ['名称', e(t.name ?? '—')],
      ['状态', STATUS_WORDS[t.status]],
      ['报警', e(t.alarm ?? '—')],
      ['上次上传', time(t.lastUploadMs)],
      ...(t.heard?.beat == null
        ? []
        : [
            ['版本', e(t.heard.beat.version)] as const,
            ['磁盘剩余', `${(t.heard.beat.freeBytes / 1e9).toFixed(1)} GB`] as const,
            ['时钟相差', skewOf(t.heard.beat.clockSkewMs)] as const,
            ['未上传', `${t.heard.beat.unsent.events} 条`] as const,
          ]),
      ...(t.oldKeyUntilMs === null ? [] : [['旧密钥有效至', time(t.oldKeyUntilMs)] as const]),
    ])}${looked}${form}${t.status === 'revoked' || !isOpenTo(by, 'POST', '/console/key') ? '' : keyForm(t.terminalId, by)}</div>
${t.heard?.beat == null ? '' : `<h2>设备（${time(t.heard.atMs)}）</h2>${devicesTable(t.heard.beat)}`}</main>`,
  );
}

const DIFFERENCES: Record<string, string> = {
  'captured-no-order': '账单已收、账本没有',
  'order-not-captured': '账本已收、账单没有',
  'amount-differs': '金额不一致',
  'refund-missing': '账本已退、账单没有',
  'refund-unknown': '账单已退、账本没有',
  'refund-failed': '退款没有到账，另行退给顾客',
  'reversed-but-paid': '账本已撤销、账单已收',
  'ledger-missing': '总账没有',
  'ledger-differs': '总账不一致',
  'bill-missing': '没有取到账单，到商户平台核对',
  'not-yet': '尚未结束',
};
/** A sum that may be below zero. */
const signed = (fen: number): string => `${fen < 0 ? '−' : ''}${formatYuan(Math.abs(fen))}`;
const sums = (m: Money): string => `${m.count} 笔 ${signed(m.fen)}`;

/** A day, terminal by terminal: journal, ledger and the bills as told. */
export function reconcilePage(date: string, days: readonly TerminalDay[]): string {
  const same = (a: Money, b: Money): boolean => a.count === b.count && a.fen === b.fen;
  const verdict = (d: TerminalDay): string => {
    const persons = d.bills.reduce((n, b) => n + b.persons, 0);
    const books =
      same(d.journal.paid, d.ledger.paid) && same(d.journal.refunded, d.ledger.refunded);
    if (persons > 0 || !books)
      return `<span class="tag warn">${[persons > 0 ? `${persons} 笔需人工处理` : '', books ? '' : '账本与总账不一致'].filter((x) => x !== '').join('；')}</span>`;
    return d.bills.length === 0
      ? '<span class="tag">账单未核对</span>'
      : '<span class="tag good">相符</span>';
  };
  const open = (d: TerminalDay): string =>
    d.bills
      .flatMap((b) =>
        Object.entries(b.differences).map(
          ([type, n]) => `${e(b.provider)} ${e(DIFFERENCES[type] ?? type)} ${n}`,
        ),
      )
      .join('；');
  return page(
    `对账 ${e(date)}`,
    '',
    `${TOP}<main><h2>对账 ${e(date)}</h2>
<form method="get" action="/console/reconcile"><label for="date">日期</label><input id="date" name="date" type="date" value="${e(date)}" required> <button>查看</button></form>
${table(
  [
    '终端',
    '账本收款',
    '账本退款',
    '总账收款',
    '总账退款',
    '账单收款',
    '账单退款与撤销',
    '差异',
    '结论',
  ],
  days.map((d) => [
    e(d.terminalId),
    sums(d.journal.paid),
    sums(d.journal.refunded),
    sums(d.ledger.paid),
    sums(d.ledger.refunded),
    d.bills.map((b) => `${e(b.provider)} ${sums(b.paid)}`).join('<br>') || '—',
    d.bills.map((b) => `${e(b.provider)} ${sums(b.back)}`).join('<br>') || '—',
    open(d) || '—',
    verdict(d),
  ]),
  '没有终端',
)}
<h2>这一天结的班</h2>
${table(
  [
    '终端',
    '班次',
    '结班人',
    '上班在途',
    '收款',
    '到账',
    '退款',
    '转待处理',
    '本班在途',
    '待处理',
    '说明',
  ],
  days.flatMap((d) =>
    d.shifts.map(({ shift: s, who, why, right }) => [
      e(d.terminalId),
      e(shiftRef(s)),
      e(who),
      signed(s.opening.transit.fen),
      sums(s.captured),
      sums(s.delivered),
      sums(s.refunded),
      signed(s.parked.fen),
      signed(s.closing.transit.fen),
      sums(s.closing.parked),
      right && shiftDoubts(s).every((doubt) => doubt !== 'books')
        ? e(why) || '—'
        : `<span class="tag warn">账不平</span> ${e(why)}`,
    ]),
  ),
  '没有结班',
)}
<p>账单由各终端在次日 10:30 以后核对并上报。跨零点的付款，账单与账本可能各记一天，由终端按订单号核对。</p></main>`,
  );
}
