import type { CardEntry } from './contract/base.ts';
import { ERRORS, shownTitle } from './errors.ts';
import type { ErrorCode, ErrorText } from './errors.ts';

const NOT_CHARGED = { zh: '没有收您的钱。', en: 'You have not been charged.' } as const;

/**
 * What customers read of these errors where a card is laid on the reader instead of put into it;
 * all others are true of both.
 */
export const ERRORS_PLACED: Readonly<Partial<Record<ErrorCode, ErrorText>>> = {
  'CARD-0101': {
    zh: `请把卡拿起来擦干净，照图重新放好。${NOT_CHARGED.zh}`,
    en: `Please take the card, wipe it, and lay it down again as the picture shows. ${NOT_CHARGED.en}`,
  },
  'CARD-0102': {
    zh: '卡已取走。请重新放上。',
    en: 'The card was taken away. Please lay it down again.',
  },
  'CARD-0106': {
    zh: `读卡时通信中断，请重新放卡。${NOT_CHARGED.zh}`,
    en: `The connection to the card broke. Please lay it down again. ${NOT_CHARGED.en}`,
  },
  'CARD-0107': {
    zh: '机器正在自动处理。已付款的订单不受影响：再次放卡即可接着办。',
    en: 'The machine is mending itself. Paid orders are safe: lay the card down again and it goes on.',
  },
  'CARD-0108': {
    zh: `请重新放卡。${NOT_CHARGED.zh}`,
    en: `Please lay the card down again. ${NOT_CHARGED.en}`,
  },
  'CARD-0203': {
    zh: '写卡没有做完。您的钱是安全的：请重新放上同一张卡。',
    en: 'The write was not finished. Your money is safe: please lay the same card down again.',
  },
  'CARD-0205': {
    zh: '请放上付款时用的那张卡。您的钱是安全的。',
    en: 'Please lay down the card you paid for. Your money is safe.',
  },
  'SALE-0115': {
    zh: '没有查到这张卡有没办完的订单。要充值，请取卡后重新放上；如果已经付款，请拨打热线，报订单号。',
    en: 'Nothing is unfinished for this card here. To recharge, take the card and lay it down again. If you have paid, call the hotline with the order number.',
  },
  'SALE-0116': {
    zh: '这张卡有一笔已付款、还没写完的订单，现在连不上收费系统，不能接着写。您的钱是安全的：请稍后再放卡，机器会自动写完。',
    en: 'A paid purchase on this card is not finished, and the system cannot be reached to go on with it. Your money is safe: lay the card down again later and the machine finishes it.',
  },
  'SALE-0117': {
    zh: '请核对凭条上的十二位订单号，或者直接放卡查询。',
    en: 'Please check the twelve digits on the slip, or lay down the card.',
  },
  'SALE-0123': {
    zh: `这个用户号不能在这里充值。卡表请放上燃气卡；普通表请点“交账单”。${NOT_CHARGED.zh}`,
    en: `It cannot be topped up here. For a card meter lay down the card; for an ordinary meter choose "Pay bills". ${NOT_CHARGED.en}`,
  },
  'BILL-0105': {
    zh: '这笔订单正在另一台机器上办，请几分钟后再放卡。您的钱是安全的。',
    en: 'This order is being finished at another machine. Please lay the card down again in a few minutes. Your money is safe.',
  },
  'BILL-0111': {
    zh: '卡片要由工作人员核对后退款，您的钱是安全的。请带卡和凭条到营业厅，或拨打热线；也可以重新放卡，机器会再写一次。',
    en: 'Staff must check the card before the money goes back. Your money is safe. Please bring the card and the slip to a service hall or call the hotline; or lay the card down again, and the machine writes it once more.',
  },
  'BILL-0112': {
    zh: '收费系统还没有核对到您的付款，机器会自动再试，您的钱是安全的。请先不要取卡；要离开的，请带好凭条，以后放卡接着办。',
    en: 'Your payment is still being confirmed; the machine tries again by itself. Your money is safe. Please leave the card there; if you must go, keep the slip: laying the card down later goes on.',
  },
  'DEV-0303': {
    zh: '备用电源快用完，机器即将关机。已付款的不受影响，来电后再次放卡即可接着办。',
    en: 'The battery is almost empty and the machine shuts down. Paid orders are safe: once the power is back, lay the card down and it goes on.',
  },
  'CORE-0101': {
    zh: '机器正在自动恢复，请稍候。已付款的订单不受影响：恢复后再次放卡即可接着办。',
    en: 'The machine is recovering, please wait. Paid orders are safe: once it is back, lay the card down and it goes on.',
  },
};

/** An error as a customer reads it at a machine that takes its card this way. */
export const errorWords = (
  code: ErrorCode,
  way: CardEntry['way'],
): { readonly title: ErrorText; readonly body: ErrorText } => ({
  title: shownTitle(code),
  body: (way === 'place' ? ERRORS_PLACED[code] : undefined) ?? ERRORS[code].customer,
});
