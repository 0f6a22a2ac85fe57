import { DEVICE_NAMES } from '../../device/device.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventBody, EventKind } from '../../shared/facts/catalogue.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { ACTS, TOLD_WITH_DETAIL } from './acts.ts';
import { parkedReason } from './standing.ts';
import { both } from './text.ts';

/** Every fact as a sentence, in Chinese and English: the story that staff read of an order. */

const PROVIDERS: Readonly<Record<string, ErrorText>> = {
  wechat: both('微信支付', 'WeChat Pay'),
  alipay: both('支付宝', 'Alipay'),
  unionpay: both('云闪付', 'UnionPay'),
  gateway: both('支付网关', 'the payment gateway'),
};
const CLOSING: Readonly<Record<string, ErrorText>> = {
  customer: both('客户取消', 'cancelled by the customer'),
  expired: both('超时', 'time was up'),
  'card-removed': both('卡被取走', 'the card was taken out'),
  recovery: both('重启后收尾', 'tidied up after a restart'),
  'create-refused': both('支付平台不接受', 'the provider refused it'),
  'late-capture': both('关闭后才收到款', 'captured after closing'),
};
const DELIVERED_BY = {
  'read-back': both('写后回读一致', 'seen by read-back'),
  'later-read': both('后来读卡看到', 'seen by a later read'),
  elsewhere: both('另一台机器上看到', 'seen at another kiosk'),
} as const;
const SETTLED_BY = {
  'refunded-by-hand': both('已人工退款', 'refunded by hand'),
  'delivered-by-hand': both('已人工补写', 'delivered by hand'),
  'nothing-due': both('不欠客户', 'nothing due'),
} as const;
const SLIPS = {
  receipt: both('购气凭条', 'receipt'),
  'in-doubt': both('未完成订单凭条', 'slip of an unfinished order'),
  refund: both('退款凭条', 'refund slip'),
  parked: both('待处理订单凭条', 'slip of a parked order'),
} as const;
const CARD_WHY = {
  wrong: both('密码不对', 'wrong PIN'),
  locked: both('卡的密码已锁', 'the card’s PIN is locked'),
  'not-ours': both('不是本公司的卡', 'not a card of this company'),
  'no-answer': both('卡没有应答', 'no answer'),
} as const;
const VERDICTS = {
  after: both('已写上', 'written'),
  before: both('没有写上', 'not written'),
  torn: both('写了一半', 'half written'),
  superseded: both('已被另一笔购气取代', 'superseded by another purchase'),
  foreign: both('是另外的内容', 'something else'),
} as const;

/** `CARD-0203 写卡中断`, with the technician's detail where there is one. */
function cause(f: { readonly code: string; readonly detail?: string | undefined }): ErrorText {
  const title = Object.hasOwn(ERRORS, f.code)
    ? ERRORS[f.code as keyof typeof ERRORS].title
    : both('', '');
  const detail = f.detail === undefined ? '' : ` (${f.detail})`;
  return both(`${f.code} ${title.zh}${detail}`.trim(), `${f.code} ${title.en}${detail}`.trim());
}

function word(words: Readonly<Record<string, ErrorText>>, key: string): ErrorText {
  return Object.hasOwn(words, key) ? (words[key] as ErrorText) : both(key, key);
}

/** A stored fact as a sentence; one that the catalogue of today does not know is shown by its name. */
export function storyOf(kind: string, body: unknown): ErrorText {
  if (!Object.hasOwn(EVENTS, kind)) return both(kind, kind);
  const parsed = EVENTS[kind as EventKind].safeParse(body);
  return parsed.success
    ? sentenceOf(kind as EventKind, parsed.data as EventBody<EventKind>)
    : both(kind, kind);
}

/** Each kind of fact as a sentence; `b` is what it says. */
const SENTENCES: { readonly [K in EventKind]: (b: EventBody<K>) => ErrorText } = {
  'order-quoted': (b) => {
    const goods =
      b.unit === 'volume' ? `${formatQuantity(b.quantity)} m³` : `¥${formatYuan(b.quantity)}`;
    return both(
      `报价 ¥${formatYuan(b.amountFen)}，写 ${goods}，第 ${b.nextCount} 次${b.offline ? '（离线价）' : ''}`,
      `quoted ¥${formatYuan(b.amountFen)} for ${goods}, purchase ${b.nextCount}${b.offline ? ' (offline price)' : ''}`,
    );
  },
  'credit-quoted': (b) =>
    both(
      `报价 ¥${formatYuan(b.amountFen)}，记入账户，${b.lines.length} 项`,
      `quoted ¥${formatYuan(b.amountFen)} for an account, ${b.lines.length} items`,
    ),
  'credit-posting': () => both('请求中心记账', 'central is asked to post it'),
  'credit-posted': (b) => both(`已记账，凭证 ${b.reference}`, `posted, reference ${b.reference}`),
  'attempt-creating': (b) => {
    const by = word(PROVIDERS, b.provider);
    return both(
      `向${by.zh}收款，商户单号 ${b.outTradeNo}`,
      `collecting by ${by.en}, number ${b.outTradeNo}`,
    );
  },
  'attempt-pending': () => both('等待付款', 'waiting for the payment'),
  'attempt-paid': (b) => {
    const sum = formatYuan(b.amountFen);
    return b.taken
      ? both(
          `确认收款 ¥${sum}，平台单号 ${b.transactionId}`,
          `¥${sum} captured, provider’s number ${b.transactionId}`,
        )
      : both(
          `另收到 ¥${sum}，订单不需要，自动退回`,
          `¥${sum} captured that the order does not take: it refunds itself`,
        );
  },
  'attempt-closing': (b) => {
    const why = word(CLOSING, b.why);
    return both(`正在关闭收款：${why.zh}`, `closing the payment: ${why.en}`);
  },
  'attempt-closed': () =>
    both('收款已关闭，平台已确认', 'the payment is closed, confirmed by the provider'),
  'attempt-refunding': (b) =>
    both(
      `开始退款 ¥${formatYuan(b.amountFen)}，退款单号 ${b.outRefundNo}`,
      `refunding ¥${formatYuan(b.amountFen)}, number ${b.outRefundNo}`,
    ),
  'attempt-refunded': (b) =>
    both(`已退款 ¥${formatYuan(b.amountFen)}`, `¥${formatYuan(b.amountFen)} refunded`),
  'attempt-parked': (b) => {
    const why = parkedReason(b.reason);
    const of = cause(b.failure);
    return both(`这笔款待处理：${why.zh}，${of.zh}`, `this payment is parked: ${why.en}; ${of.en}`);
  },
  'order-paid': () => both('订单已付款', 'the order is paid'),
  'order-delivering': (b) =>
    both(
      `开始写卡，累计 ${formatQuantity(b.cumulative)}`,
      `writing begins, cumulative ${formatQuantity(b.cumulative)}`,
    ),
  'order-kept': () =>
    both('卡在写入中的应答已存盘', 'what the card said during the write was kept'),
  'order-in-doubt': (b) => {
    const of = cause(b.failure);
    if (b.wants === 'counter')
      return both(
        `卡找不回来，等中心确认后转人工：${of.zh}`,
        `the card will not come back, goes to a person once central confirms: ${of.en}`,
      );
    return b.wants === 'refund'
      ? both(`没有写上卡，准备退款：${of.zh}`, `not written, to be refunded: ${of.en}`)
      : both(`写卡存疑：${of.zh}`, `in doubt: ${of.en}`);
  },
  'order-delivered': (b) => {
    const by = DELIVERED_BY[b.by];
    return both(
      `已写到卡上，第 ${b.count} 次（${by.zh}）`,
      `on the card, purchase ${b.count} (${by.en})`,
    );
  },
  'order-closed': (b) => {
    const why = word(CLOSING, b.why);
    return both(`订单已取消：${why.zh}`, `the order is closed: ${why.en}`);
  },
  'order-refunding': (b) => {
    const of = cause(b.failure);
    return both(`订单转退款：${of.zh}`, `the order is refunded: ${of.en}`);
  },
  'order-refunded': () => both('订单已退款', 'the order was refunded'),
  'order-parked': (b) => {
    const why = parkedReason(b.reason);
    return both(`订单待人工处理：${why.zh}`, `the order is parked: ${why.en}`);
  },
  'assist-writing': (b) =>
    both(
      `代终端 ${b.origin} 接着写卡，第 ${b.count} 次`,
      `finishing terminal ${b.origin}’s order, purchase ${b.count}`,
    ),
  'assist-kept': (b) =>
    both(
      `代终端 ${b.origin} 写卡中的应答已存盘`,
      `what the card said while finishing terminal ${b.origin}’s order was kept`,
    ),
  'assist-ended': (b) => {
    const saw = VERDICTS[b.verdict];
    return both(`代写结束，卡上${saw.zh}`, `finishing ended, the card says: ${saw.en}`);
  },
  'order-restated': () => both('新纪元里重新申报此订单', 'the order was said again in a new epoch'),
  'attempt-refund-retried': (b) =>
    both(`${b.who} 重新退款：${b.why}`, `${b.who} let it be refunded again: ${b.why}`),
  'parked-settled': (b) => {
    const how = SETTLED_BY[b.how];
    return both(
      `${b.who} 了结：${how.zh}，单据 ${b.reference}，${b.why}`,
      `${b.who} settled it: ${how.en}, receipt ${b.reference}, ${b.why}`,
    );
  },
  'slip-printed': (b) => {
    const what = SLIPS[b.what];
    return b.ok
      ? both(`已打印${what.zh}`, `${what.en} printed`)
      : b.partly === true
        ? both(`${what.zh}可能只打了一部分`, `${what.en} may be printed only in part`)
        : both(`${what.zh}没有打出来`, `${what.en} was not printed`);
  },
  'card-seen': (b) => both(`读到卡：第 ${b.count} 次购买`, `a card was read: purchase ${b.count}`),
  'card-left': (b) =>
    ({
      capturing: both('没有取走的卡收进收卡箱', 'a card that was left is taken into the bin'),
      'not-captured': both('没有取走的卡收不进收卡箱', 'a card that was left was not taken in'),
      called: both('卡留在卡口，已通知人员', 'a card was left in the slot, staff are called'),
      taken: both('留下的卡已取走', 'the card that was left is gone'),
    })[b.outcome],
  'visit-rated': (b) =>
    ({
      good: both('顾客评价：满意', 'the customer was satisfied'),
      fair: both('顾客评价：一般', 'the customer found it fair'),
      poor: both('顾客评价：不满意', 'the customer was not satisfied'),
    })[b.rating],
  'request-made': (b) =>
    both(`受理了${b.name.zh}，受理号 ${b.number}`, `took a request: ${b.name.en}, ${b.number}`),
  'card-refused': (b) =>
    both(
      `卡没有接受密钥${b.left === null ? '' : `，还剩 ${b.left} 次`}`,
      `the card refused the key${b.left === null ? '' : `, ${b.left} tries left`}`,
    ),
  'core-started': (b) =>
    both(`机器启动，版本 ${b.version}`, `the core started, version ${b.version}`),
  'epoch-began': (b) => both(`账本开始新纪元：${b.why}`, `the journal began a new epoch: ${b.why}`),
  'journal-restored': (b) =>
    both(
      `账本已恢复到第 ${b.restoredSeq} 条：${b.why}`,
      `the journal was restored up to ${b.restoredSeq}: ${b.why}`,
    ),
  'damage-accepted': (b) =>
    both(`${b.who} 确认恢复结果：${b.why}`, `${b.who} accepted the restore: ${b.why}`),
  'journal-pruned': (b) => both(`旧账已清理 ${b.events} 条`, `${b.events} old facts were let go`),
  'device-changed': deviceSentence,
  'maintenance-entered': (b) =>
    b.by === 'card'
      ? both(`${b.who} 凭技术员卡进入维护`, `${b.who} entered maintenance by card`)
      : both(`${b.who} 进入维护`, `${b.who} entered maintenance`),
  'maintenance-left': (b) => {
    const why = {
      exit: both('退出', 'left'),
      idle: both('无操作退出', 'left by time'),
      restart: both('因重启结束', 'ended by a restart'),
      'card-out': both('技术员卡已取出', 'the card was taken out'),
    }[b.why];
    return both(`${b.who} 的维护结束：${why.zh}`, `${b.who}’s maintenance ended: ${why.en}`);
  },
  'maintenance-refused': (b) => {
    const { card, fails } = b;
    if (card !== undefined)
      return both(
        `${card.who} 的技术员卡没有打开维护（${CARD_WHY[card.why].zh}），第 ${fails} 次`,
        `${card.who}’s card did not open maintenance (${CARD_WHY[card.why].en}), try ${fails}`,
      );
    return both(`维护密码不对，第 ${b.fails} 次`, `wrong maintenance PIN, try ${b.fails}`);
  },
  'maintenance-action': (b) => {
    const what = word(ACTS, b.action);
    const detail = b.detail !== undefined && TOLD_WITH_DETAIL.has(b.action) ? ` (${b.detail})` : '';
    return both(
      `${b.who} 操作：${what.zh}${detail}${b.why === '' ? '' : `，${b.why}`}`,
      `${b.who} did: ${what.en}${detail}${b.why === '' ? '' : `, ${b.why}`}`,
    );
  },
  'clock-step': (b) => both(`时钟跳变 ${b.stepMs} 毫秒`, `the clock stepped by ${b.stepMs} ms`),
  'policy-taken': (b) => both(`采用第 ${b.version} 版策略`, `policy ${b.version} taken`),
  reconciled: (b) =>
    both(
      `${b.date} 对账（${b.provider}）：${b.persons} 笔需人工处理`,
      `${b.date} reconciled (${b.provider}): ${b.persons} for a person`,
    ),
  'shift-closed': (b) =>
    both(
      `${b.who} 结了第 ${b.shift.number} 班：收 ¥${formatYuan(b.shift.captured.fen)}`,
      `${b.who} closed shift ${b.shift.number}: ¥${formatYuan(b.shift.captured.fen)} captured`,
    ),
};

/** A door that is open and mains that failed are told in words of their own. */
const HALT_WORDS: Readonly<Record<string, ErrorText>> = {
  'DEV-0302': both('市电中断，改用备用电源', 'the mains failed: on battery'),
  'DEV-0303': both('备用电源快用完，准备关机', 'the battery ends: shutting down'),
  'DEV-0401': both('机门打开', 'the door was opened'),
};

function deviceSentence({ device, state, usable, code }: EventBody<'device-changed'>): ErrorText {
  const halt = code === null ? undefined : HALT_WORDS[code];
  if (halt !== undefined) return halt;
  const why = code === null ? '' : ` ${code}`;
  const { zh, en } = word(DEVICE_NAMES, device);
  if (!usable) return both(`${zh}不可用${why}`, `${en} fails${why}`);
  return state === 'online'
    ? both(`${zh}正常`, `${en} is well`)
    : both(`${zh}需要照看`, `${en} wants attention`);
}

/** One fact as a sentence of a story. */
export function sentenceOf<K extends EventKind>(kind: K, body: EventBody<K>): ErrorText {
  return SENTENCES[kind](body);
}
