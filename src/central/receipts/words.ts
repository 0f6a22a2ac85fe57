import type { Receipt } from './receipt.ts';

/** A sentence in both languages. */
export type Both = readonly [zh: string, en: string];

/** How an order stands, as a customer hears it: what happened, and what he does next. */
export interface Standing {
  readonly title: Both;
  readonly next: Both;
}

const GO_HOME: Both = [
  '请回家后把卡插入表，听到提示音再拔出。',
  'At home, insert the card into your meter until it beeps.',
];
const AT_THE_PUMP: Both = [
  '钱已经在卡里，到加气站就能用；余额以加气机显示为准。',
  'The money is on the card: use it at any filling station. The pump shows what is left.',
];
const IN_THE_BOOKS: Both = ['已入账，无需再到柜台。', 'It is in the books. Nothing else to do.'];
const AT_THE_METER: Both = [
  '已充入账户余额。表上要等下次联网才更新：请先关好灶具，再按表上的按键。',
  "It is on your account. The meter learns of it when it next goes online: turn off your stove, then press the meter's button.",
];
const WAY_BACK: Both = [
  '款项原路退回付款账户，一般几分钟内到账，最迟以支付平台为准。',
  'It goes back the way it was paid, mostly within minutes; the wallet has the last word.',
];
const NOT_AGAIN: Both = [
  '请勿再次付款。没有办成的，钱自动原路退回。',
  'Do not pay again. What cannot be completed goes back the way it was paid.',
];
const CARD_AGAIN: Both = [
  '请把同一张卡放回原来的机器，会接着写完。请勿再次付款。',
  'Put the same card into the same machine: it goes on. Do not pay again.',
];

/** By state and money of central's books; the sentences say no more than those prove. */
export function orderStands({ state, goods, money }: Receipt): Standing {
  const back = money.takenFen > 0 && money.backFen >= money.takenFen;
  switch (state) {
    case 'delivered':
      return delivered(goods);
    case 'refunded':
      return { title: ['已退款', 'Refunded'], next: WAY_BACK };
    case 'refunding':
      return { title: ['正在退款', 'Being refunded'], next: WAY_BACK };
    case 'parked':
      return {
        title: ['由工作人员处理', 'Our staff are on it'],
        next: [
          '您的钱是安全的。请凭订单号到营业厅，或拨打热线。',
          'Your money is safe. Ask at a counter or call us with the order number.',
        ],
      };
    case 'closed':
      if (back) return { title: ['已退款', 'Refunded'], next: WAY_BACK };
      if (money.takenFen > 0) return { title: ['正在退款', 'Being refunded'], next: WAY_BACK };
      return {
        title: ['没有办理，也没有收款', 'Not bought, not charged'],
        next: [
          '如果您的付款账户已扣款，会自动原路退回。',
          'If your wallet was charged all the same, it goes back by itself.',
        ],
      };
    case 'quoted':
    case 'collecting':
      return { title: ['付款正在核实', 'The payment is being checked'], next: NOT_AGAIN };
    case 'paid':
    case 'delivering':
    case 'in-doubt':
      return goods.kind === 'credit'
        ? { title: ['已收到付款，正在入账', 'Paid, and being credited'], next: NOT_AGAIN }
        : {
            title: ['已收到付款，还没有确认写卡', 'Paid; the card is not confirmed yet'],
            next: CARD_AGAIN,
          };
  }
}

function delivered(goods: Receipt['goods']): Standing {
  if (goods.kind === 'card')
    return {
      title: ['已写入卡', 'Written to the card'],
      next: goods.cardKind === 'fuel' ? AT_THE_PUMP : GO_HOME,
    };
  const topUp = goods.lines.some((line) => line.kind === 'balance');
  return { title: ['已入账', 'Credited'], next: topUp ? AT_THE_METER : IN_THE_BOOKS };
}
