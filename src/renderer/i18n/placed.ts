import type { CardEntry, Locale } from '../../shared/contract/index.ts';
import type { MessageKey } from './zh-CN.ts';

/**
 * Messages that say another thing where a card is laid on the reader instead of put into it. A
 * message that is not here is true of both; that none is forgotten, a test watches.
 */
export const PLACED: Readonly<Record<Locale, Readonly<Partial<Record<MessageKey, string>>>>> = {
  'zh-CN': {
    'clock.card': '请在 {seconds} 秒内放卡',
    'start.title': '放上燃气卡\n即可充值',
    'start.noSelling.lead': '放上燃气卡可查看余量',
    'attract.card': '或直接放上燃气卡',
    'req.user.hint': '缴费单右上角；也可放上燃气卡',
    'req.user.reading': '正在读卡，请勿取卡',
    'start.help.1': '放上燃气卡',
    'insert.header': '请放卡',
    'insert.query.title': '请放上燃气卡',
    'insert.query.lead': '放好后自动显示卡内信息。',
    'insert.unfinished.title': '请放上付款时用的卡',
    'reading.lead': '请勿取卡，一般只需几秒。',
    doNotRemove: '请勿取卡',
    'userNo.scanOrCard': '也可以放卡，或把缴费单上的条码对准扫码口。',
    'userNo.card': '也可以放卡。',
    'pay.paying.lead': '付款后本页自动继续，请勿取卡。',
    'pay.charging.lead': '已读到您的付款码，请勿取卡。',
    'writing.title': '请勿取卡',
    'writing.safe': '万一中断也不会丢钱：再次放卡，机器会接着写完。',
    'doubt.card.title': '请重新放上同一张卡',
    'doubt.card.1': '现在放卡：机器自动接着写完，约 3 秒。',
    'doubt.paid.header': '等您放卡',
    'doubt.paid.title': '请放回同一张卡',
    'doubt.paid.1': '现在放卡：机器自动写卡，不再收钱。',
    'doubt.paid.2': '时间到了没有放回：钱自动原路退回。',
    'unfinished.found.lead': '机器马上接着写，请勿取卡。不会再收钱。',
    'unfinished.finishing.lead': '请勿取卡，大约需要 3 秒。不会再收钱。',
    'start.word.card-taken.body': '要接着买，请再放上卡，选金额付款，等屏幕说“请取卡”再取。',
    'start.word.card-too-soon.title': '卡拿得太早，还没有读完',
    'start.word.card-too-soon.body': '请再放上卡，放好不要动，等屏幕提示。没有扣款。',
    'start.word.restarted.body':
      '刚才正在付款的，请放上原来的卡：已付款的接着写卡，没有付款的可以重新买。不放卡的，已付的款会自动原路退回。请不要重复付款。',
    'status.writing.now': '请放上付款时用的那张卡，机器自动接着写，不再收钱。',
    'status.in-doubt.now': '请放上付款时用的那张卡，机器自动接着写，不再收钱。',
    'status.not-found.lead': '请核对凭条上的十二位数字，或直接放卡查询。',
    'status.not-found.now': '如果已经付款，您的钱是安全的：放卡即可接着办。',
    'status.no-answer.now': '您的钱是安全的。请稍后再查，或直接放卡。',
    'out.safe.card.title': '您的卡可以取走',
    'out.safe.card': '卡还放在机器上的，请取走；要接着办，请等恢复后再放卡，或拨打热线。',
  },
  en: {
    'start.title': 'Lay down your\ngas card',
    'start.noSelling.lead': 'Lay down your card to see what is on it',
    'attract.card': 'or lay down your gas card',
    'req.user.hint': 'On your bill; or lay down the card',
    'req.user.reading': 'Reading the card, leave it there',
    'start.help.1': 'Lay down your gas card',
    'insert.header': 'Lay down your card',
    'insert.query.title': 'Lay down your gas card',
    'insert.unfinished.title': 'Lay down the card you paid for',
    'reading.lead': 'Leave the card there. It takes a few seconds.',
    doNotRemove: 'Leave the card there',
    'userNo.scanOrCard': "Or lay down the card, or hold the bill's barcode to the scanner.",
    'userNo.card': 'Or lay down the card.',
    'pay.paying.lead': 'This page goes on by itself. Leave the card there.',
    'pay.charging.lead': 'Your payment code was read. Leave the card there.',
    'writing.title': 'Leave the card there',
    'writing.safe':
      'If it is interrupted, no money is lost: lay the card down again and it goes on.',
    'doubt.card.title': 'Lay down the same card again',
    'doubt.card.1': 'Lay it down now: the machine finishes in about 3 seconds.',
    'doubt.paid.title': 'Lay down the same card again',
    'doubt.paid.1': 'Lay it down now: it is written, and nothing more is charged.',
    'unfinished.found.lead': 'The machine goes on now. Leave the card there. No new charge.',
    'unfinished.finishing.lead': 'Leave the card there, about 3 seconds. No new charge.',
    'start.word.card-taken.title': 'The card was taken away, and nothing was charged',
    'start.word.card-taken.body':
      'To go on, lay the card down again, choose an amount and pay; take it when the screen says so.',
    'start.word.card-too-soon.title': 'The card was taken away before it was read',
    'start.word.card-too-soon.body':
      'Lay it down again and leave it until the screen says so. Nothing was charged.',
    'start.word.restarted.body':
      'If you were paying: lay down the same card. What was paid goes on to the card; what was not can be bought again. Without the card, what was paid is refunded by itself. Please do not pay twice.',
    'status.writing.now':
      'Lay down the card you paid for: the machine goes on, without charging again.',
    'status.in-doubt.now':
      'Lay down the card you paid for: the machine goes on, without charging again.',
    'status.not-found.lead': 'Please check the twelve digits on the slip, or lay down the card.',
    'status.not-found.now': 'If you paid, your money is safe: lay down the card and it goes on.',
    'status.no-answer.now': 'Your money is safe. Please ask again later, or lay down the card.',
    'out.safe.card.title': 'You may take your card',
    'out.safe.card':
      'Card still here? Please take it; to go on, lay it down again when service is back, or call the hotline.',
  },
};

/** A message's other words; undefined: it has none, or the card is not laid on. */
export const placedText = (
  key: MessageKey,
  locale: Locale,
  way: CardEntry['way'],
): string | undefined => (way === 'place' ? PLACED[locale][key] : undefined);
