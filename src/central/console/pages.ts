import { maskName } from '../../shared/mask.ts';
import { formatMicroYuan, formatQuantity, formatYuan } from '../../shared/money.ts';
import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { Money, TerminalDay } from '../books/reconcile.ts';

/** What the console shows; also `GET /console/data.json`. */
export interface ConsoleData {
  readonly accounts: readonly {
    readonly cardNo: string;
    readonly userNo: string;
    readonly holder: string;
    readonly kind: string;
    readonly state: string;
    readonly count: number;
    readonly cumulative: number;
    readonly yearQuantity: number;
    readonly carriedMicro: number;
    readonly reservedMicro: number;
    readonly claim: string | null;
  }[];
  readonly orders: readonly {
    readonly orderId: string;
    readonly terminalId: string;
    readonly cardNo: string;
    readonly nextCount: number;
    readonly amountFen: number;
    readonly quantity: number;
    readonly state: string;
    readonly offline: boolean;
    readonly note: string | null;
    readonly changedMs: number;
    /** The terminal that may write now. */ readonly writer: string | null;
    readonly refundClaimed: boolean;
    /** Left to a person, and no refund followed. */ readonly counterClaimed: boolean;
    readonly deliveredBy: string | null;
  }[];
  readonly terminals: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly lastSeq: number;
    readonly lastUploadMs: number | null;
    readonly alarm: string | null;
    /** Facts kept that were told under numbers held otherwise. */ readonly forked: number;
    /** Asks for a new epoch and waits for a person. */ readonly epochRequest: {
      readonly epoch: number;
      readonly lastSeq: number;
      readonly lastHash: string;
      readonly why: string;
      readonly atMs: number;
    } | null;
  }[];
  /** The newest 100 that nobody has settled; `quarantineOpen` counts all. */
  readonly quarantine: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly seq: number;
    readonly kind: string;
    readonly orderId: string | null;
    readonly reason: string;
    readonly atMs: number;
    readonly body: string;
  }[];
  readonly quarantineOpen: number;
  /** What terminals told of their own journals, newest first. */
  readonly notes: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly seq: number;
    readonly kind: string;
    readonly body: string;
    readonly atMs: number;
  }[];
  /**
   * Captures that the gateway could not hand back by itself and nobody has settled, newest first:
   * money at the merchant that belongs to no order.
   */
  readonly parkedCaptures: readonly {
    readonly terminalId: string;
    readonly outTradeNo: string;
    readonly wallet: string;
    readonly leg: string;
    readonly amountFen: number;
    readonly capturedFen: number | null;
    readonly transactionId: string | null;
    readonly reason: string;
    readonly atMs: number;
  }[];
  /** The newest 50 things that persons did about such captures. */
  readonly settlements: readonly {
    readonly leg: string;
    readonly outcome: string;
    readonly reference: string;
    readonly who: string;
    readonly why: string;
    readonly atMs: number;
  }[];
  /** Sums over the whole ledger, by kind. */
  readonly ledger: readonly {
    readonly kind: string;
    readonly entries: number;
    readonly amountFen: number;
    readonly quantity: number;
    readonly micro: number;
  }[];
}

type Row = Record<string, unknown>;
const text = (v: unknown): string => (typeof v === 'string' ? v : String(v));
const textOrNull = (v: unknown): string | null => (v === null || v === undefined ? null : text(v));

export async function consoleData(sql: Sql, nowMs: number): Promise<ConsoleData> {
  const accounts = await sql.query<Row>(
    `SELECT c.card_no, a.*, COALESCE((SELECT SUM(micro) FROM reserves r WHERE r.user_no = a.user_no AND r.state = 'held'), 0)::bigint AS reserved,
       (SELECT order_id FROM claims k WHERE k.card_no = c.card_no AND (k.expires_ms IS NULL OR k.expires_ms > $1)) AS claim
     FROM cards c JOIN accounts a USING (user_no) ORDER BY c.card_no LIMIT 500`,
    [nowMs],
  );
  const orders = await sql.query<Row>(
    'SELECT * FROM orders ORDER BY changed_ms DESC, order_id DESC LIMIT 50',
  );
  const terminals =
    await sql.query<Row>(`SELECT t.*, COALESCE((SELECT last_seq FROM cursors c WHERE c.terminal_id = t.terminal_id AND c.epoch = t.epoch), 0) AS last_seq,
       (SELECT COUNT(*) FROM forked_events f WHERE f.terminal_id = t.terminal_id) AS forked FROM terminals t ORDER BY t.terminal_id LIMIT 500`);
  const asking = new Map(
    (await sql.query<Row>('SELECT * FROM epoch_requests WHERE granted_ms IS NULL')).map((r) => [
      text(r['terminal_id']),
      r,
    ]),
  );
  const quarantine =
    await sql.query<Row>(`SELECT q.*, (SELECT body FROM journal_events j WHERE j.terminal_id = q.terminal_id AND j.epoch = q.epoch AND j.seq = q.seq) AS body
     FROM quarantine q WHERE q.settled_ms IS NULL ORDER BY q.at_ms DESC, q.seq DESC LIMIT 100`);
  const open = (
    await sql.query<Row>('SELECT COUNT(*) AS n FROM quarantine WHERE settled_ms IS NULL')
  )[0];
  const notes = await sql.query<Row>(
    'SELECT * FROM terminal_notes ORDER BY at_ms DESC, seq DESC LIMIT 50',
  );
  const parked = await sql.query<Row>(
    `SELECT * FROM gateway_legs g WHERE state = 'parked' AND NOT EXISTS (SELECT 1 FROM gateway_settlements s WHERE s.leg = g.leg AND s.outcome <> 'again') ORDER BY changed_ms DESC LIMIT 100`,
  );
  const settlements = await sql.query<Row>(
    'SELECT * FROM gateway_settlements ORDER BY entry_id DESC LIMIT 50',
  );
  const ledger = await sql.query<Row>(
    'SELECT kind, COUNT(*) AS entries, SUM(amount_fen)::bigint AS amount_fen, SUM(quantity)::bigint AS quantity, SUM(micro)::bigint AS micro FROM ledger GROUP BY kind ORDER BY kind',
  );
  return {
    accounts: accounts.map((r) => ({
      cardNo: text(r['card_no']),
      userNo: text(r['user_no']),
      // The console is for staff, but a screen has many eyes.
      holder: maskName(text(r['holder_name'])),
      kind: text(r['kind']),
      state: text(r['state']),
      count: num(r['count']),
      cumulative: num(r['cumulative']),
      yearQuantity: num(r['year_quantity']),
      carriedMicro: num(r['carried_micro']),
      reservedMicro: num(r['reserved']),
      claim: textOrNull(r['claim']),
    })),
    orders: orders.map((r) => ({
      orderId: text(r['order_id']),
      terminalId: text(r['terminal_id']),
      cardNo: text(r['card_no']),
      nextCount: num(r['next_count']),
      amountFen: num(r['amount_fen']),
      quantity: num(r['quantity']),
      state: text(r['state']),
      offline: bool(r['offline']),
      note: textOrNull(r['note']),
      changedMs: num(r['changed_ms']),
      writer:
        r['write_until_ms'] !== null && num(r['write_until_ms']) > nowMs
          ? textOrNull(r['write_terminal'])
          : null,
      refundClaimed: r['refund_claimed_ms'] !== null && !bool(r['counter_claim']),
      counterClaimed: bool(r['counter_claim']),
      deliveredBy: textOrNull(r['delivered_by']),
    })),
    terminals: terminals.map((r) => ({
      terminalId: text(r['terminal_id']),
      epoch: num(r['epoch']),
      lastSeq: num(r['last_seq']),
      lastUploadMs: r['last_upload_ms'] === null ? null : num(r['last_upload_ms']),
      alarm: textOrNull(r['alarm']),
      forked: num(r['forked']),
      epochRequest: requestOf(asking.get(text(r['terminal_id']))),
    })),
    quarantine: quarantine.map((r) => ({
      terminalId: text(r['terminal_id']),
      epoch: num(r['epoch']),
      seq: num(r['seq']),
      kind: text(r['kind']),
      orderId: textOrNull(r['order_id']),
      reason: text(r['reason']),
      atMs: num(r['at_ms']),
      body: text(r['body'] ?? ''),
    })),
    quarantineOpen: num(open?.['n']),
    notes: notes.map((r) => ({
      terminalId: text(r['terminal_id']),
      epoch: num(r['epoch']),
      seq: num(r['seq']),
      kind: text(r['kind']),
      body: text(r['body']),
      atMs: num(r['at_ms']),
    })),
    parkedCaptures: parked.map((r) => ({
      terminalId: text(r['terminal_id']),
      outTradeNo: text(r['out_trade_no']),
      wallet: text(r['wallet']),
      leg: text(r['leg']),
      amountFen: num(r['amount_fen']),
      capturedFen: r['captured_fen'] === null ? null : num(r['captured_fen']),
      transactionId: textOrNull(r['transaction_id']),
      reason: text(r['reason'] ?? ''),
      atMs: num(r['changed_ms']),
    })),
    settlements: settlements.map((r) => ({
      leg: text(r['leg']),
      outcome: text(r['outcome']),
      reference: text(r['reference']),
      who: text(r['who']),
      why: text(r['why']),
      atMs: num(r['at_ms']),
    })),
    ledger: ledger.map((r) => ({
      kind: text(r['kind']),
      entries: num(r['entries']),
      amountFen: num(r['amount_fen']),
      quantity: num(r['quantity']),
      micro: num(r['micro']),
    })),
  };
}

function requestOf(r: Row | undefined): ConsoleData['terminals'][number]['epochRequest'] {
  return r === undefined
    ? null
    : {
        epoch: num(r['epoch']),
        lastSeq: num(r['last_seq']),
        lastHash: text(r['last_hash']),
        why: text(r['why']),
        atMs: num(r['at_ms']),
      };
}

const escapeHtml = (v: string | number | null): string =>
  v === null ? '' : String(v).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const STATES: Record<string, string> = {
  normal: '正常',
  'hot-listed': '挂失',
  debt: '欠费',
  quoted: '已报价',
  collecting: '待付款',
  paid: '已付款',
  delivering: '写卡中',
  'in-doubt': '待核实',
  delivered: '已完成',
  closed: '已关闭',
  refunding: '退款中',
  refunded: '已退款',
  parked: '已挂起',
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
const WARN = ['hot-listed', 'debt', 'in-doubt', 'refunding', 'parked'];
const tag = (state: string): string =>
  `<span class="tag${WARN.includes(state) ? ' warn' : state === 'delivered' || state === 'normal' ? ' good' : ''}">${escapeHtml(STATES[state] ?? state)}</span>`;
const time = (ms: number | null): string =>
  ms === null ? '—' : new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');

function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): string {
  if (rows.length === 0) return `<p class="empty">${empty}</p>`;
  return `<div class="scroll"><table><thead><tr>${heads.map((h) => `<th>${h}</th>`).join('')}</tr></thead><tbody>${rows.map((r) => `<tr>${r.map((c) => `<td>${c}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`;
}

const STYLE = `:root{color-scheme:light}*{box-sizing:border-box}body{margin:0;background:#f3f5f9;color:#1b2536;font:15px/1.6 "Noto Sans SC","Source Han Sans SC","Microsoft YaHei",sans-serif}
header{background:#12305c;color:#fff;padding:18px 28px;display:flex;align-items:baseline;gap:16px}header h1{font-size:21px;margin:0}header span{opacity:.8}header a{color:#fff}
main{max-width:1320px;margin:0 auto;padding:20px 28px 48px}h2{font-size:17px;margin:26px 0 10px}
.scroll{background:#fff;border:1px solid #dde3ee;border-radius:10px;overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{padding:8px 14px;text-align:left;white-space:nowrap;font-variant-numeric:tabular-nums}th{background:#f8fafd;color:#5a6780;font-weight:500;border-bottom:1px solid #dde3ee}tr+tr td{border-top:1px solid #edf0f6}
.tag{display:inline-block;padding:0 9px;border-radius:9px;background:#e8edf6;color:#33507f}.tag.good{background:#e2f4e8;color:#1c6b3a}.tag.warn{background:#fdecdf;color:#a1490b}.empty{color:#6b778d;background:#fff;border:1px solid #dde3ee;border-radius:10px;padding:14px}.alarm{background:#fbe3e3;color:#9b1c1c;border-radius:10px;padding:10px 16px;font-weight:600}
.card{background:#fff;border:1px solid #dde3ee;border-radius:10px;padding:6px 20px 20px;max-width:860px}dl{display:grid;grid-template-columns:8em 1fr;gap:4px 16px}dt{color:#5a6780}dd{margin:0;overflow-wrap:anywhere}pre{background:#f8fafd;border:1px solid #dde3ee;border-radius:8px;padding:12px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
label{display:block;margin:12px 0 2px;color:#5a6780}input,select{width:100%;max-width:420px;padding:8px 10px;border:1px solid #c5cfdf;border-radius:8px;font:inherit}button{margin-top:18px;padding:9px 22px;border:0;border-radius:8px;background:#12305c;color:#fff;font:inherit;cursor:pointer}`;

function page(title: string, head: string, body: string): string {
  return `<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head}<title>${title}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** The console's main page, whole, without scripts; it reloads itself. */
export function consolePage(d: ConsoleData, nowMs: number): string {
  const e = escapeHtml;
  const alarms = d.terminals.filter((t) => t.alarm !== null || t.epochRequest !== null).length;
  const fate = (o: ConsoleData['orders'][number]): string =>
    [
      o.writer === null ? '' : `写卡授权：${e(o.writer)}`,
      o.refundClaimed ? '退款授权' : '',
      o.counterClaimed ? '人工处理授权' : '',
      o.deliveredBy === null || o.deliveredBy === o.terminalId ? '' : `由 ${e(o.deliveredBy)} 完成`,
    ]
      .filter((x) => x !== '')
      .join('；');
  return page(
    '长明 · 收费中心',
    '<meta http-equiv="refresh" content="5">',
    `<header><h1>长明 · 收费中心</h1><span>参考实现</span><span>${time(nowMs)}</span></header><main>
${alarms + d.quarantineOpen + d.parkedCaptures.length > 0 ? `<p class="alarm">需要人工处理：${alarms} 台终端报警，${d.quarantineOpen} 条记录隔离，${d.parkedCaptures.length} 笔重复付款待退</p>` : ''}
<h2>最近订单</h2>${table(
      [
        '订单号',
        '终端',
        '卡号',
        '次数',
        '金额（元）',
        '气量/水量',
        '状态',
        '授权',
        '方式',
        '备注',
        '时间',
      ],
      d.orders.map((o) => [
        e(o.orderId),
        e(o.terminalId),
        e(o.cardNo),
        e(o.nextCount),
        formatYuan(o.amountFen),
        formatQuantity(o.quantity),
        tag(o.state),
        fate(o),
        o.offline ? '离线' : '联机',
        e(o.note),
        time(o.changedMs),
      ]),
      '还没有订单',
    )}
${
  d.parkedCaptures.length === 0
    ? ''
    : `<h2>待退的重复付款</h2>${table(
        ['时间', '终端', '商户单号（终端）', '钱包', '商户单号（钱包）', '收到（元）', '原因', ''],
        d.parkedCaptures.map((p) => [
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
      )}`
}
${
  d.settlements.length === 0
    ? ''
    : `<h2>重复付款处理记录</h2>${table(
        ['时间', '商户单号（钱包）', '结果', '凭证号', '处理人', '说明'],
        d.settlements.map((s) => [
          time(s.atMs),
          e(s.leg),
          e(OUTCOME_WORDS[s.outcome] ?? s.outcome),
          e(s.reference || '—'),
          e(s.who),
          e(s.why),
        ]),
        '',
      )}`
}
<h2>账户</h2>${table(
      [
        '卡号',
        '用户号',
        '户名',
        '类别',
        '状态',
        '次数',
        '累计',
        '本年',
        '结转（元）',
        '预留（元）',
        '占用订单',
      ],
      d.accounts.map((a) => [
        e(a.cardNo),
        e(a.userNo),
        e(a.holder),
        a.kind === 'gas' ? '燃气' : a.kind === 'water' ? '水' : '热力',
        tag(a.state),
        e(a.count),
        formatQuantity(a.cumulative),
        formatQuantity(a.yearQuantity),
        formatMicroYuan(a.carriedMicro),
        formatMicroYuan(a.reservedMicro),
        e(a.claim ?? '—'),
      ]),
      '没有账户',
    )}
<h2>终端</h2>${table(
      ['终端号', '纪元', '已收到', '上次上传', '分叉记录', '新纪元', '报警'],
      d.terminals.map((t) => [
        e(t.terminalId),
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
    )}
<h2>总账</h2><p><a href="/console/reconcile">每日对账</a></p>${table(
      ['科目', '笔数', '金额（元）', '数量', '结转（元）'],
      d.ledger.map((l) => [
        e(LEDGER[l.kind] ?? l.kind),
        e(l.entries),
        formatYuan(l.amountFen),
        formatQuantity(l.quantity),
        formatMicroYuan(l.micro),
      ]),
      '没有记账',
    )}
<h2>隔离区</h2>${table(
      ['终端', '纪元', '序号', '事件', '订单', '原因', ''],
      d.quarantine.map((q) => [
        e(q.terminalId),
        e(q.epoch),
        e(q.seq),
        e(q.kind),
        e(q.orderId ?? '—'),
        e(q.reason),
        `<a href="/console/quarantine?terminal=${encodeURIComponent(q.terminalId)}&amp;epoch=${q.epoch}&amp;seq=${q.seq}">查看</a>`,
      ]),
      '没有隔离的记录',
    )}
<h2>终端账本</h2>${table(
      ['时间', '终端', '纪元', '事件', '内容'],
      d.notes.map((n) => [
        time(n.atMs),
        e(n.terminalId),
        e(n.epoch),
        e(NOTES[n.kind] ?? n.kind),
        e(n.body.slice(0, 200)),
      ]),
      '没有记录',
    )}
</main>`,
  );
}

const TOP = '<header><h1>长明 · 收费中心</h1><a href="/">返回</a></header>';
const hidden = (fields: Readonly<Record<string, string | number>>): string =>
  Object.entries(fields)
    .map(([k, v]) => `<input type="hidden" name="${k}" value="${escapeHtml(v)}">`)
    .join('');
const facts = (rows: readonly (readonly [string, string])[]): string =>
  `<dl>${rows.map(([k, v]) => `<dt>${k}</dt><dd>${v}</dd>`).join('')}</dl>`;

/** One quarantined fact with its body, and the form that settles it. */
export function quarantinePage(q: ConsoleData['quarantine'][number], token: string): string {
  const e = escapeHtml;
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
<form method="post" action="/console/quarantine">${hidden({ token, terminal: q.terminalId, epoch: q.epoch, seq: q.seq })}
<label for="who">处理人</label><input id="who" name="who" required maxlength="60" autocomplete="off">
<label for="why">结论</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<label for="amount">调整金额（元，可为负；不调整则留空）</label><input id="amount" name="amount" inputmode="decimal" pattern="-?[0-9]{1,9}([.][0-9]{1,2})?" autocomplete="off">
<label for="reference">调整凭证号</label><input id="reference" name="reference" maxlength="100" autocomplete="off">
<br><button>已处理</button></form></div></main>`,
  );
}

/**
 * A capture that the gateway could not hand back: what is known, and the form that says what became
 * of it.
 */
export function parkedPage(
  p: ConsoleData['parkedCaptures'][number],
  outcomes: readonly string[],
  token: string,
): string {
  const e = escapeHtml;
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
<form method="post" action="/console/payment">${hidden({ token, leg: p.leg })}
<label for="outcome">结果</label><select id="outcome" name="outcome" required><option value="">请选择</option>${outcomes.map((o) => `<option value="${e(o)}">${e(OUTCOME_WORDS[o] ?? o)}</option>`).join('')}</select>
<label for="reference">退款单号或凭证号（已退款、已退还时必填）</label><input id="reference" name="reference" maxlength="100" autocomplete="off">
<label for="who">处理人</label><input id="who" name="who" required maxlength="60" autocomplete="off">
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form></div></main>`,
  );
}

/** What a terminal says that asks for a new epoch, and the button that grants it. */
export function epochPage(t: ConsoleData['terminals'][number], token: string): string {
  const e = escapeHtml;
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
<form method="post" action="/console/epoch">${hidden({ token, terminal: t.terminalId })}<button>批准新纪元</button></form>`;
  return page(
    '新纪元',
    '',
    `${TOP}<main><h2>终端 ${e(t.terminalId)} 的新纪元</h2><div class="card">${facts([
      ['报警', e(t.alarm ?? '—')],
      ['分叉记录', e(t.forked)],
    ])}${form}</div></main>`,
  );
}

const DIFFERENCES: Record<string, string> = {
  'captured-no-order': '账单已收、账本没有',
  'order-not-captured': '账本已收、账单没有',
  'amount-differs': '金额不一致',
  'refund-missing': '账本已退、账单没有',
  'refund-unknown': '账单已退、账本没有',
  'reversed-but-paid': '账本已撤销、账单已收',
  'ledger-missing': '总账没有',
  'ledger-differs': '总账不一致',
  'not-yet': '尚未结束',
};
const sums = (m: Money): string => `${m.count} 笔 ${formatYuan(m.fen)}`;

/** A day, terminal by terminal: journal, ledger and the bills as told. */
export function reconcilePage(date: string, days: readonly TerminalDay[]): string {
  const e = escapeHtml;
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
<p>账单由各终端在次日 10:30 以后核对并上报。跨零点的付款，账单与账本可能各记一天，由终端按订单号核对。</p></main>`,
  );
}
