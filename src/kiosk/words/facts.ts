import { wantsCounter } from '../../journal/fold.ts';
import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import type { MaintenanceAction } from '../../shared/contract/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventKind, JournalEvent } from '../../shared/facts/catalogue.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { never } from '../../shared/result.ts';

/**
 * What maintenance mode says of orders: every fact as a sentence, every parked piece with its next
 * step. Chinese and English.
 */
function both(zh: string, en: string): ErrorText {
  return { zh, en };
}

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
  'in-doubt': both('未完成订单凭证', 'slip of an unfinished order'),
  refund: both('退款凭证', 'refund slip'),
  parked: both('待处理订单凭证', 'slip of a parked order'),
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
    ? sentenceOf({ kind, orderId: null, body: parsed.data } as JournalEvent)
    : both(kind, kind);
}

/** One fact as a sentence of a story. */
export function sentenceOf(event: JournalEvent): ErrorText {
  switch (event.kind) {
    case 'order-quoted': {
      const b = event.body;
      const goods =
        b.unit === 'volume' ? `${formatQuantity(b.quantity)} m³` : `¥${formatYuan(b.quantity)}`;
      return both(
        `报价 ¥${formatYuan(b.amountFen)}，写 ${goods}，第 ${b.nextCount} 次${b.offline ? '（离线价）' : ''}`,
        `quoted ¥${formatYuan(b.amountFen)} for ${goods}, purchase ${b.nextCount}${b.offline ? ' (offline price)' : ''}`,
      );
    }
    case 'credit-quoted':
      return both(
        `报价 ¥${formatYuan(event.body.amountFen)}，记入账户，${event.body.lines.length} 项`,
        `quoted ¥${formatYuan(event.body.amountFen)} for an account, ${event.body.lines.length} items`,
      );
    case 'credit-posting':
      return both('请求中心记账', 'central is asked to post it');
    case 'credit-posted':
      return both(
        `已记账，凭证 ${event.body.reference}`,
        `posted, reference ${event.body.reference}`,
      );
    case 'attempt-creating': {
      const by = word(PROVIDERS, event.body.provider);
      return both(
        `向${by.zh}收款，商户单号 ${event.body.outTradeNo}`,
        `collecting by ${by.en}, number ${event.body.outTradeNo}`,
      );
    }
    case 'attempt-pending':
      return both('付款码已显示', 'the payment code is shown');
    case 'attempt-paid': {
      const sum = formatYuan(event.body.amountFen);
      return event.body.taken
        ? both(
            `确认收款 ¥${sum}，平台单号 ${event.body.transactionId}`,
            `¥${sum} captured, provider’s number ${event.body.transactionId}`,
          )
        : both(
            `另收到 ¥${sum}，订单不需要，自动退回`,
            `¥${sum} captured that the order does not take: it refunds itself`,
          );
    }
    case 'attempt-closing': {
      const why = word(CLOSING, event.body.why);
      return both(`正在关闭收款：${why.zh}`, `closing the payment: ${why.en}`);
    }
    case 'attempt-closed':
      return both('收款已关闭，平台已确认', 'the payment is closed, confirmed by the provider');
    case 'attempt-refunding':
      return both(
        `开始退款 ¥${formatYuan(event.body.amountFen)}，退款单号 ${event.body.outRefundNo}`,
        `refunding ¥${formatYuan(event.body.amountFen)}, number ${event.body.outRefundNo}`,
      );
    case 'attempt-refunded':
      return both(
        `已退款 ¥${formatYuan(event.body.amountFen)}`,
        `¥${formatYuan(event.body.amountFen)} refunded`,
      );
    case 'attempt-parked': {
      const why = parkedReason(event.body.reason);
      const of = cause(event.body.failure);
      return both(
        `这笔款待处理：${why.zh}，${of.zh}`,
        `this payment is parked: ${why.en}; ${of.en}`,
      );
    }
    case 'order-paid':
      return both('订单已付款', 'the order is paid');
    case 'order-delivering':
      return both(
        `开始写卡，累计 ${formatQuantity(event.body.cumulative)}`,
        `writing begins, cumulative ${formatQuantity(event.body.cumulative)}`,
      );
    case 'order-kept':
      return both('卡在写入中的应答已存盘', 'what the card said during the write was kept');
    case 'order-in-doubt': {
      const of = cause(event.body.failure);
      if (event.body.wants === 'counter')
        return both(
          `卡找不回来，等中心确认后转人工：${of.zh}`,
          `the card will not come back, goes to a person once central confirms: ${of.en}`,
        );
      return event.body.wants === 'refund'
        ? both(`没有写上卡，准备退款：${of.zh}`, `not written, to be refunded: ${of.en}`)
        : both(`写卡存疑：${of.zh}`, `in doubt: ${of.en}`);
    }
    case 'order-delivered': {
      const by = DELIVERED_BY[event.body.by];
      return both(
        `已写到卡上，第 ${event.body.count} 次（${by.zh}）`,
        `on the card, purchase ${event.body.count} (${by.en})`,
      );
    }
    case 'order-closed': {
      const why = word(CLOSING, event.body.why);
      return both(`订单已取消：${why.zh}`, `the order is closed: ${why.en}`);
    }
    case 'order-refunding': {
      const of = cause(event.body.failure);
      return both(`订单转退款：${of.zh}`, `the order is refunded: ${of.en}`);
    }
    case 'order-refunded':
      return both('订单已退款', 'the order was refunded');
    case 'order-parked': {
      const why = parkedReason(event.body.reason);
      return both(`订单待人工处理：${why.zh}`, `the order is parked: ${why.en}`);
    }
    case 'assist-writing':
      return both(
        `代终端 ${event.body.origin} 接着写卡，第 ${event.body.count} 次`,
        `finishing terminal ${event.body.origin}’s order, purchase ${event.body.count}`,
      );
    case 'assist-kept':
      return both(
        `代终端 ${event.body.origin} 写卡中的应答已存盘`,
        `what the card said while finishing terminal ${event.body.origin}’s order was kept`,
      );
    case 'assist-ended': {
      const saw = VERDICTS[event.body.verdict];
      return both(`代写结束，卡上${saw.zh}`, `finishing ended, the card says: ${saw.en}`);
    }
    case 'order-restated':
      return both('新纪元里重新申报此订单', 'the order was said again in a new epoch');
    case 'attempt-refund-retried':
      return both(
        `${event.body.who} 重新退款：${event.body.why}`,
        `${event.body.who} let it be refunded again: ${event.body.why}`,
      );
    case 'parked-settled': {
      const how = SETTLED_BY[event.body.how];
      return both(
        `${event.body.who} 了结：${how.zh}，单据 ${event.body.reference}，${event.body.why}`,
        `${event.body.who} settled it: ${how.en}, receipt ${event.body.reference}, ${event.body.why}`,
      );
    }
    case 'slip-printed': {
      const what = SLIPS[event.body.what];
      return event.body.ok
        ? both(`已打印${what.zh}`, `${what.en} printed`)
        : both(`${what.zh}没有打出来`, `${what.en} was not printed`);
    }
    case 'core-started':
      return both(
        `机器启动，版本 ${event.body.version}`,
        `the core started, version ${event.body.version}`,
      );
    case 'epoch-began':
      return both(
        `账本开始新纪元：${event.body.why}`,
        `the journal began a new epoch: ${event.body.why}`,
      );
    case 'journal-restored':
      return both(
        `账本已恢复到第 ${event.body.restoredSeq} 条：${event.body.why}`,
        `the journal was restored up to ${event.body.restoredSeq}: ${event.body.why}`,
      );
    case 'damage-accepted':
      return both(
        `${event.body.who} 确认恢复结果：${event.body.why}`,
        `${event.body.who} accepted the restore: ${event.body.why}`,
      );
    case 'journal-pruned':
      return both(
        `旧账已清理 ${event.body.events} 条`,
        `${event.body.events} old facts were let go`,
      );
    case 'maintenance-entered':
      return event.body.by === 'card'
        ? both(
            `${event.body.who} 凭技术员卡进入维护`,
            `${event.body.who} entered maintenance by card`,
          )
        : both(`${event.body.who} 进入维护`, `${event.body.who} entered maintenance`);
    case 'maintenance-left': {
      const why = {
        exit: both('退出', 'left'),
        idle: both('无操作退出', 'left by time'),
        restart: both('因重启结束', 'ended by a restart'),
        'card-out': both('技术员卡已取出', 'the card was taken out'),
      }[event.body.why];
      return both(
        `${event.body.who} 的维护结束：${why.zh}`,
        `${event.body.who}’s maintenance ended: ${why.en}`,
      );
    }
    case 'maintenance-refused': {
      const { card, fails } = event.body;
      if (card !== undefined)
        return both(
          `${card.who} 的技术员卡没有打开维护（${CARD_WHY[card.why].zh}），第 ${fails} 次`,
          `${card.who}’s card did not open maintenance (${CARD_WHY[card.why].en}), try ${fails}`,
        );
      return both(
        `维护密码不对，第 ${event.body.fails} 次`,
        `wrong maintenance PIN, try ${event.body.fails}`,
      );
    }
    case 'maintenance-action':
      return both(
        `${event.body.who} 操作 ${event.body.action}${event.body.why === '' ? '' : `：${event.body.why}`}`,
        `${event.body.who} did ${event.body.action}${event.body.why === '' ? '' : `: ${event.body.why}`}`,
      );
    case 'clock-step':
      return both(
        `时钟跳变 ${event.body.stepMs} 毫秒`,
        `the clock stepped by ${event.body.stepMs} ms`,
      );
    case 'policy-taken':
      return both(`采用第 ${event.body.version} 版策略`, `policy ${event.body.version} taken`);
    case 'reconciled':
      return both(
        `${event.body.date} 对账（${event.body.provider}）：${event.body.persons} 笔需人工处理`,
        `${event.body.date} reconciled (${event.body.provider}): ${event.body.persons} for a person`,
      );
    default:
      return never(event);
  }
}

const PARKED: Readonly<Record<string, { readonly reason: ErrorText; readonly next: ErrorText }>> = {
  'refund-refused': {
    reason: both('退款被支付平台拒绝', 'The provider refused the refund'),
    next: both(
      '查清原因（超过退款期限、商户账户受限等），处理后按“重新退款”；或人工退给客户后登记。',
      'Find out why (too late for a refund, the merchant’s account restricted), mend it and refund again; or hand it back and record it.',
    ),
  },
  'refund-abnormal': {
    reason: both(
      '退款异常，平台退不回去',
      'The refund is abnormal: the provider cannot hand it back',
    ),
    next: both(
      '客户的收款账户异常：在商户平台处理异常退款后按“重新退款”；或转账给客户后登记。',
      'The customer’s account is the trouble: mend the refund on the merchant site, then refund again; or transfer the sum and record it.',
    ),
  },
  'refunded-elsewhere': {
    reason: both('平台上已有一笔不是本机的退款', 'The provider shows a refund that is not ours'),
    next: both(
      '在商户平台核对：全额已退就登记；没有退给客户再按“重新退款”。',
      'Compare on the merchant site: record it if all was refunded; if the customer got nothing, refund again.',
    ),
  },
  refund: {
    reason: both('退款没有成功', 'The refund did not go through'),
    next: both(
      '查清原因后按“重新退款”；或人工退款后登记。',
      'Find out why, then refund again; or refund by hand and record it.',
    ),
  },
  'no-provider': {
    reason: both(
      '原来收款的支付平台已不在本机配置里，问不到结果',
      'Its payment provider is no longer configured here and cannot be asked',
    ),
    next: both(
      '在商户平台按商户单号查：收到过款就退给客户后登记，没有就登记“无需处理”。已知收款待退的，恢复该平台的配置、重启后按“重新退款”。',
      'Search the merchant site by number: refund what was captured and record it; if nothing was, record that nothing is due. A refund that was under way can be asked for again once the provider is configured again.',
    ),
  },
  'amount-differs': {
    reason: both('平台收到的金额和订单不同', 'The provider captured another sum than the order’s'),
    next: both(
      '在商户平台查实收金额，退给客户或补写后登记。',
      'Look up the captured sum on the merchant site; refund or deliver it by hand, then record it.',
    ),
  },
  'card-foreign': {
    reason: both(
      '卡上是另外的内容，不能判断是否写上',
      'The card holds something else: whether it was written cannot be told',
    ),
    next: both(
      '到柜台核对卡和表：没有到账就补写或退款，然后登记。',
      'Check card and meter at a counter: deliver or refund by hand if it is missing, then record it.',
    ),
  },
  'card-lost': {
    reason: both(
      '卡找不回来，不知道是否写上',
      'The card will not come back: whether it was written is not known',
    ),
    next: both(
      '先在中心和表上查气是否到账：没到就补气、换卡写入或退款；然后登记，新卡随即可用。',
      'First look at central and on the meter whether the gas arrived: deliver or refund by hand if not, then record it; a new card works from then on.',
    ),
  },
  'delivered-before': {
    reason: both(
      '中心已记为写卡成功，本机账本没有（恢复过）',
      'Central has it as delivered, this restored journal does not',
    ),
    next: both(
      '到中心核对该订单和卡：已到账就登记“无需处理”。',
      'Compare the order at central and the card: if it is there, record that nothing is due.',
    ),
  },
  'not-at-central': {
    reason: both(
      '中心没有收到这笔订单（账本分叉或恢复过）',
      'Central never took this order (forked or restored journal)',
    ),
    next: both(
      '到中心和商户平台核对：补写或退款，然后登记。',
      'Compare central and the merchant site: deliver or refund by hand, then record it.',
    ),
  },
  'no-layout': {
    reason: both('本机没有这种卡的程序', 'This kiosk has no layout for the card'),
    next: both(
      '到柜台核对卡：补写或退款，然后登记。',
      'Check the card at a counter: deliver or refund by hand, then record it.',
    ),
  },
  'no-plan': {
    reason: both('写卡计划丢失', 'The plan of the write is missing'),
    next: both(
      '到柜台核对卡：补写或退款，然后登记。',
      'Check the card at a counter: deliver or refund by hand, then record it.',
    ),
  },
  'no-attempt': {
    reason: both('账上没有对应的收款', 'No payment is on record for it'),
    next: both(
      '在商户平台按商户单号查：有款就退，没有就登记“无需处理”。',
      'Search the merchant site by number: refund what is there; if nothing is, record that nothing is due.',
    ),
  },
  payment: {
    reason: both('收款有问题', 'The payment is in question'),
    next: both(
      '在商户平台查实收金额，退款或补写后登记。',
      'Look the payment up on the merchant site; refund or deliver by hand, then record it.',
    ),
  },
};
/** What is parked for any other reason (a newer kiosk's). */
const OTHER = {
  reason: both('需要人工核对', 'A person must look at it'),
  next: both(
    '在商户平台和卡上核对后登记。',
    'Compare the merchant site and the card, then record it.',
  ),
};

export function parkedReason(reason: string): ErrorText {
  return (
    (Object.hasOwn(PARKED, reason) ? PARKED[reason] : undefined)?.reason ??
    both(`${OTHER.reason.zh} (${reason})`, `${OTHER.reason.en} (${reason})`)
  );
}
/** Every reason that has its own words. */
export const PARKED_REASONS: readonly string[] = Object.keys(PARKED);

/** Parked money that a refund of ours may still hand back. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'refund-refused',
  'refund-abnormal',
  'refunded-elsewhere',
  'refund',
]);

/** What of an order waits for a person. */
export interface ParkedPiece {
  readonly attempt: AttemptRow | null;
  readonly reason: string;
}

/**
 * The parked and unsettled pieces of an order: its attempts one by one, and the order itself where
 * no such attempt stands for it.
 */
export function parkedPieces(
  order: OrderRow,
  attempts: readonly AttemptRow[],
): readonly ParkedPiece[] {
  const pieces: ParkedPiece[] = attempts
    .filter((a) => a.state === 'parked' && a.settled === null)
    .map((attempt) => ({ attempt, reason: attempt.reason ?? 'payment' }));
  if (order.state === 'parked' && order.settled === null && pieces.length === 0)
    pieces.push({ attempt: null, reason: order.reason ?? 'payment' });
  return pieces;
}

export interface Standing {
  /**
   * The order's state, `parked` while any piece of it waits for a person, `settled` once a person
   * ended it.
   */
  readonly state: string;
  readonly reason: ErrorText;
  readonly nextStep: ErrorText;
  readonly actions: readonly MaintenanceAction[];
}

/** Where an order stands for a technician, and what takes it on. */
export function standingOf(
  order: OrderRow,
  attempts: readonly AttemptRow[],
  printer: boolean,
): Standing {
  const print: MaintenanceAction[] = printer ? ['print-story'] : [];
  const lose: MaintenanceAction[] =
    order.state === 'in-doubt' && !wantsCounter(order) ? ['card-lost'] : [];
  const piece = parkedPieces(order, attempts)[0];
  if (piece !== undefined) {
    const words = (Object.hasOwn(PARKED, piece.reason) ? PARKED[piece.reason] : undefined) ?? OTHER;
    return {
      state: 'parked',
      reason: parkedReason(piece.reason),
      nextStep: words.next,
      actions: [...actionsOf(piece), ...lose, ...print],
    };
  }
  const none = both('', '');
  if (wantsCounter(order)) return { state: order.state, ...CARD_LOST, actions: print };
  if (
    order.state !== 'in-doubt' &&
    (order.settled !== null || attempts.some((a) => a.settled !== null))
  )
    return {
      state: order.state === 'parked' || order.state === 'closed' ? 'settled' : order.state,
      reason: none,
      nextStep: none,
      actions: print,
    };
  const open = OPEN_STEPS[order.state];
  return {
    state: order.state,
    reason: open?.reason ?? none,
    nextStep: open?.next ?? none,
    actions: [...lose, ...print],
  };
}

const OPEN_STEPS: Readonly<
  Partial<Record<OrderRow['state'], { readonly reason: ErrorText; readonly next: ErrorText }>>
> = {
  quoted: {
    reason: both('正在开始', 'Beginning'),
    next: both(
      '不用处理，机器自动继续或取消。',
      'Nothing to do: it goes on, or is closed, by itself.',
    ),
  },
  collecting: {
    reason: both('正在收款或核实', 'Collecting, or asking how it went'),
    next: both(
      '不用处理，机器一直问到平台给出结果。',
      'Nothing to do: the machine asks until the provider answers for good.',
    ),
  },
  paid: {
    reason: both('已付款，等卡', 'Paid, waiting for the card'),
    next: both(
      '插入同一张卡即写；两分钟不来自动退款。',
      'Insert the same card to write it; refunded by itself after two minutes.',
    ),
  },
  delivering: {
    reason: both('正在写卡', 'Being written'),
    next: both('不用处理。', 'Nothing to do.'),
  },
  'in-doubt': {
    reason: both('写卡没有做完', 'The write was not finished'),
    next: both(
      '退出维护后，客户插入同一张卡，机器自动接着写或退款。卡真的找不回来才按“卡找不回来”。',
      'After maintenance, the customer inserts the same card and the machine finishes or refunds it by itself. Only if the card is gone for good: “Card is gone”.',
    ),
  },
  refunding: {
    reason: both('正在退款', 'Being refunded'),
    next: both(
      '不用处理，机器一直问到退款有结果。',
      'Nothing to do: the machine asks until the refund has an end.',
    ),
  },
};

/** In doubt, and a technician said that the card will not come back. */
const CARD_LOST = {
  reason: both(
    '卡找不回来，等中心确认后转人工',
    'The card will not come back: waits for central, then goes to a person',
  ),
  nextStep: both(
    '不用处理，连上中心后自动转人工。卡若又回来，插卡即按卡上内容了结。',
    'Nothing to do: handed to a person once central answers. If the card comes back after all, insert it and what it holds decides.',
  ),
};

function actionsOf(piece: ParkedPiece): readonly MaintenanceAction[] {
  if (
    piece.attempt !== null &&
    (RETRYABLE.has(piece.reason) ||
      (piece.reason === 'no-provider' && piece.attempt.taken !== null))
  )
    return ['retry-refund', 'settle-refunded-by-hand'];
  if (
    piece.reason === 'card-foreign' ||
    piece.reason === 'card-lost' ||
    piece.reason === 'no-layout' ||
    piece.reason === 'no-plan'
  )
    return ['settle-delivered-by-hand', 'settle-refunded-by-hand'];
  return ['settle-refunded-by-hand', 'settle-delivered-by-hand', 'settle-nothing-due'];
}

const HOW = {
  'settle-refunded-by-hand': 'refunded-by-hand',
  'settle-delivered-by-hand': 'delivered-by-hand',
  'settle-nothing-due': 'nothing-due',
} as const;
type SettleAction = keyof typeof HOW;
export type OrderAction = SettleAction | 'retry-refund' | 'card-lost';

/**
 * The facts of a technician's word on an order, from its rows as they stand now. Null: it does not
 * apply (any more). Of several parked payments the first is meant; the next one shows up once it is
 * done.
 */
export function orderFacts(
  order: OrderRow,
  attempts: readonly AttemptRow[],
  action: OrderAction,
  who: string,
  why: string,
  reference: string,
): readonly JournalEvent[] | null {
  const { orderId } = order;
  if (action === 'card-lost') {
    if (order.state !== 'in-doubt' || wantsCounter(order)) return null;
    return [
      { kind: 'maintenance-action', orderId, body: { who, action, why } },
      {
        kind: 'order-in-doubt',
        orderId,
        body: {
          failure: { code: order.reason ?? 'CARD-0203', detail: why.slice(0, 300) },
          wants: 'counter',
        },
      },
    ];
  }
  const pieces = parkedPieces(order, attempts);
  const piece = pieces[0];
  if (piece === undefined || !actionsOf(piece).includes(action)) return null;
  const said: JournalEvent = {
    kind: 'maintenance-action',
    orderId,
    body: { who, action, why, ...(reference === '' ? {} : { detail: reference }) },
  };
  if (action === 'retry-refund')
    return piece.attempt === null
      ? null
      : [
          said,
          {
            kind: 'attempt-refund-retried',
            orderId,
            body: { attemptId: piece.attempt.attemptId, who, why },
          },
        ];
  const settle = (attemptId: string | null): JournalEvent => ({
    kind: 'parked-settled',
    orderId,
    body: { attemptId, how: HOW[action], reference, who, why },
  });
  // The order follows its own payment. Where the parked payment is not the one that it took, its
  // own end is said as well.
  const orderToo =
    piece.attempt !== null &&
    pieces.length === 1 &&
    order.state === 'parked' &&
    order.settled === null &&
    order.paidBy !== piece.attempt.attemptId;
  return [said, settle(piece.attempt?.attemptId ?? null), ...(orderToo ? [settle(null)] : [])];
}
