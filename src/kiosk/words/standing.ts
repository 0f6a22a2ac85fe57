import { PARK_REASONS, isParkReason } from '../../shared/park-reasons.ts';
import type { ParkReason } from '../../shared/park-reasons.ts';
import { wantsCounter } from '../../journal/fold.ts';
import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import type { MaintenanceAction } from '../../shared/contract/index.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';
import { both } from './text.ts';

/** How an order stands, what a person is to do about it, and what his word on it becomes. */

const PARKED: Readonly<
  Record<ParkReason, { readonly reason: ErrorText; readonly next: ErrorText }>
> = {
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
  'no-delivery': {
    reason: both('本机程序不会办理这种业务', 'This program does not deliver such a sale'),
    next: both(
      '升级程序后办理，或到柜台入账或退款，然后登记。',
      'Deliver or refund at a counter (or after an update), then record it.',
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

/** Why something is parked; a reason without words of its own is said by its name. */
export function parkedReason(reason: string): ErrorText {
  return (
    (isParkReason(reason) ? PARKED[reason] : undefined)?.reason ??
    both(`${OTHER.reason.zh} (${reason})`, `${OTHER.reason.en} (${reason})`)
  );
}
/** Every reason that has its own words. */
export const PARKED_REASONS: readonly string[] = PARK_REASONS;

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
    const words = (isParkReason(piece.reason) ? PARKED[piece.reason] : undefined) ?? OTHER;
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
  const unwritten = order.state === 'in-doubt' && order.wantsRefund;
  const open = unwritten ? UNWRITTEN : OPEN_STEPS[order.state];
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
      '不用处理，机器一直问到退款有结果。超出本机一天限额的（PAY-0205）等中心两个人放行，或第二天自动退。',
      'Nothing to do: the machine asks until the refund has an end. Beyond its refunds of a day (PAY-0205) two persons at central let it go, or it goes the next day.',
    ),
  },
};

/** In doubt, and read as unwritten: the money goes back, or a person looks at the card first. */
const UNWRITTEN = {
  reason: both(
    '没有写上，等中心准许退款',
    'Not written; waits for central to let the money go back',
  ),
  next: both(
    '几分钟内自动退款。没有退的，是中心要先核对卡（BILL-0111）：请客户再插卡写一次，或收下卡，在中心控制台“只凭读卡器的退款”里办理。',
    'Refunded by itself within minutes. If not, central wants the card checked first (BILL-0111): let the customer insert it once more, or take the card and decide at central’s console.',
  ),
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
    piece.reason === 'no-delivery' ||
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
