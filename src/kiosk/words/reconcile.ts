import type { ErrorText } from '../../shared/errors.ts';
import type { Deed, Difference, DifferenceType } from '../reconcile/report.ts';

/** Each difference in a person's words. */
export const DIFFERENCE_WORDS: Readonly<Record<DifferenceType, ErrorText>> = {
  'captured-no-order': {
    zh: '账单已收款，账本没有对应的收款',
    en: 'the bill has a payment, the journal has none',
  },
  'order-not-captured': {
    zh: '账本已收款，账单没有',
    en: 'the journal has a payment, the bill has none',
  },
  'amount-differs': { zh: '金额不一致', en: 'the sums differ' },
  'refund-missing': {
    zh: '账本已退款，账单没有',
    en: 'the journal has a refund, the bill has none',
  },
  'refund-unknown': {
    zh: '账单有退款，账本没有',
    en: 'the bill has a refund that the journal has not',
  },
  'refund-failed': {
    zh: '退款没有到账',
    en: 'the bill says that the refund did not reach the customer',
  },
  'reversed-but-paid': {
    zh: '账本已撤销，账单仍为已收款',
    en: 'the journal says taken back, the bill says paid',
  },
  'ledger-missing': { zh: '收费中心没有这笔账', en: 'central’s ledger has no such entry' },
  'ledger-differs': { zh: '收费中心的账与账本不一致', en: 'central’s ledger says otherwise' },
  'bill-missing': {
    zh: '连续几天没有取到当日账单',
    en: 'the day’s bill did not come for days',
  },
  'not-yet': { zh: '尚未结束', en: 'not over yet' },
};

/** What the system does about it by itself. */
export const DEED_WORDS: Readonly<Record<Deed, ErrorText>> = {
  nothing: { zh: '系统无法自行处理', en: 'nothing: it cannot' },
  'asks-again': {
    zh: '持续向支付平台查询，查到即自动退款',
    en: 'goes on asking the provider; a capture that it finds is refunded',
  },
  refunding: { zh: '正在退款或已退款', en: 'is refunding it, or has' },
  parked: { zh: '已挂起，在维护界面等待处理', en: 'parked it for a person, in maintenance mode' },
  settled: { zh: '已由人工处理', en: 'a person has settled it' },
  uploads: { zh: '等待上传', en: 'the fact waits to be uploaded' },
  waits: { zh: '等次日账单', en: 'waits for the next day’s bill' },
};

const NONE: ErrorText = { zh: '无需处理。', en: 'Nothing to do.' };

/** What a person must do: one sentence. */
export function todo(d: Pick<Difference, 'type' | 'did' | 'person'>): ErrorText {
  if (!d.person) return NONE;
  switch (d.type) {
    case 'captured-no-order':
      if (d.did === 'asks-again')
        return {
          zh: '在商户平台核对这笔交易；确已收款且未自动退款的，原路退款。',
          en: 'Look the trade up at the provider; if it is paid and the kiosk has not refunded it by tomorrow’s bill, refund it there.',
        };
      if (d.did === 'parked')
        return {
          zh: '在商户平台原路退款，再到维护界面登记“已人工退款”。',
          en: 'Refund it at the provider, then settle it in maintenance mode as refunded by hand.',
        };
      return {
        zh: '查明账本为何没有这笔交易（恢复、换盘），与顾客核对后原路退款。',
        en: 'Find out why the journal has not got it (restored, another disk), then refund it at the provider.',
      };
    case 'order-not-captured':
      return {
        zh: '凭交易号请支付平台查账；已写卡的，这笔货款待追。',
        en: 'Ask the provider about this number; what was delivered for it has not been paid.',
      };
    case 'amount-differs':
      return {
        zh: '与支付平台核对金额，差额补退或追收。',
        en: 'Compare the sums with the provider, and hand back or claim the difference.',
      };
    case 'refund-missing':
      return {
        zh: '凭退款单号请支付平台查询；确未退出的，原路退款。',
        en: 'Ask the provider about the refund number; if nothing went back, refund it there.',
      };
    case 'refund-unknown':
      if (d.did === 'parked')
        return {
          zh: '钱已退回顾客：在维护界面登记“无需处理”，不要再退。',
          en: 'The money has gone back: settle it in maintenance mode as nothing due, and do not refund it again.',
        };
      if (d.did === 'settled')
        return {
          zh: '可能退了两次：与支付平台核对。',
          en: 'It may have gone back twice: compare with the provider.',
        };
      return {
        zh: '查明是谁退的款；已写卡的，货款待追。',
        en: 'Find out who refunded it; what was delivered for it is no longer paid.',
      };
    case 'refund-failed':
      return d.did === 'settled'
        ? {
            zh: '没有到账，却没有登记“已人工退款”：与顾客核对，还没拿到钱的，另行退给顾客。',
            en: 'It did not arrive and was not settled as refunded by hand: ask the customer, and hand it over otherwise if it is still owed.',
          }
        : d.did === 'parked'
          ? {
              zh: '没有到账，另行退给顾客，再到维护界面登记“已人工退款”。',
              en: 'It did not arrive: hand the money over otherwise, then settle it in maintenance mode as refunded by hand.',
            }
          : {
              zh: '没有到账，另行退给顾客。',
              en: 'It did not arrive: hand the money over to the customer otherwise.',
            };
    case 'reversed-but-paid':
      return {
        zh: '在商户平台核对；确已收款的，原路退款。',
        en: 'Look the trade up at the provider; if it is paid, refund it there.',
      };
    case 'ledger-missing':
      return {
        zh: '到收费中心的隔离区查找这台终端的记录并处理。',
        en: 'Look for this terminal’s fact in central’s quarantine and settle it.',
      };
    case 'ledger-differs':
      return {
        zh: '核对收费中心总账与终端账本，人工调整。',
        en: 'Compare central’s ledger with the journal, and adjust.',
      };
    case 'bill-missing':
      return {
        zh: '到商户平台下载当日账单，与本机账本逐笔核对；平台也没有账单的，请平台说明。',
        en: 'Fetch that day’s bill from the provider’s portal and compare it with the journal; if there is none either, ask the provider why.',
      };
    case 'not-yet':
      return NONE;
    default:
      return d.type satisfies never;
  }
}
