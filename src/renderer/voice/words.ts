import type { Locale } from '../../shared/contract/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { en } from '../i18n/en.ts';
import { zhCN } from '../i18n/zh-CN.ts';
import type { MessageKey } from '../i18n/zh-CN.ts';

/**
 * What is spoken, by message id. The words are the catalogue's own: whoever changes them there has
 * changed the clip. Only what no screen has, since it stands there in figures, is written here.
 */

/** Messages of the catalogue that are said as they stand; none has a `{name}` in it. */
export const SAID = [
  'start.hello',
  'start.title',
  'start.noSelling.title',
  'start.outage',
  'start.noSelling.lead',
  'start.word.card-taken.title',
  'start.word.card-taken.body',
  'start.word.card-too-soon.title',
  'start.word.card-too-soon.body',
  'start.word.restarted.title',
  'start.word.restarted.body',
  'entry.insert.up',
  'entry.insert.down',
  'entry.motor.up',
  'entry.motor.down',
  'entry.place',
  'insert.query.title',
  'insert.query.lead',
  'insert.unfinished.title',
  'insert.unfinished.lead',
  'hall.menu.title',
  'hall.sites.title',
  'hall.outages.title',
  'hall.prices.title',
  'hall.papers.title',
  'hall.stewards.title',
  'hall.stations.title',
  'req.menu.title',
  'req.choice.title',
  'req.slot.title',
  'req.phone.title',
  'req.sms.phone.hint',
  'req.user.title',
  'req.user.reading',
  'req.confirm.title',
  'req.sms.subscribe.title',
  'req.sms.subscribe.consent',
  'req.sms.stop.title',
  'req.sms.stop.consent',
  'req.making.title',
  'req.making.lead',
  'req.made.title',
  'req.made.ask',
  'req.sms.subscribe.made',
  'req.sms.stop.made',
  'req.slip.none',
  'req.slip.printed',
  'req.slip.partly',
  'req.slip.failed',
  'req.find.ref',
  'req.status.asking.title',
  'req.status.asking.lead',
  'req.status.no-answer.title',
  'req.status.no-answer.lead',
  'req.status.not-found.title',
  'req.status.not-found.lead',
  'req.status.accepted.title',
  'req.status.accepted.lead',
  'req.status.scheduled.title',
  'req.status.scheduled.lead',
  'req.status.done.title',
  'req.status.done.lead',
  'req.status.declined.title',
  'req.status.declined.lead',
  'my.no.title',
  'my.no.asking',
  'my.header',
  'my.away',
  'my.slip.printed',
  'my.slip.partly',
  'my.slip.failed',
  'reading.card.title',
  'reading.account.title',
  'doNotRemove',
  'cannot.header',
  'cannot.debt.lead',
  'info.title',
  'info.take',
  'amount.title',
  'amount.noPrinter',
  'noSlip.title',
  'noSlip.lead.code',
  'noSlip.lead.photo',
  'noSlip.counts',
  'userNo.title',
  'userNo.asking',
  'isItYou.title',
  'isItYou.lead',
  'topUp.title',
  'prepay.title',
  'bills.choose',
  'bills.none',
  'bills.none.lead',
  'contract.lead',
  'confirm.title',
  'confirm.lead',
  'pay.creating',
  'pay.creating.lead',
  'pay.scan.wechat',
  'pay.scan.alipay',
  'pay.scan.unionpay',
  'pay.scan.gateway',
  'pay.onlyScreen',
  'pay.orShowCode',
  'pay.paying',
  'pay.paying.lead',
  'pay.charging',
  'pay.charging.lead',
  'pay.confirm',
  'pay.confirm.lead',
  'pay.switching',
  'pay.switching.lead',
  'pay.closing',
  'pay.closing.lead',
  'pay.card-out',
  'pay.card-out.lead',
  'pay.unknown',
  'pay.unknown.lead',
  'pay.check.asking',
  'pay.check.not-paid',
  'pay.check.line-down',
  'writing.title',
  'credit.writing.title',
  'credit.writing.lead',
  'done.take.title',
  'done.thanks.title',
  'done.thanks.fuel',
  'credit.done.title',
  'credit.done.lead',
  'credit.done.topUp',
  'rate.thanks',
  'receipt.printed',
  'receipt.partly',
  'receipt.failed',
  'receipt.none',
  'doubt.safe',
  'doubt.card.title',
  'doubt.card.lead',
  'doubt.paid.title',
  'doubt.paid.lead',
  'doubt.payment.title',
  'doubt.payment.lead',
  'doubt.credit.payment.lead',
  'doubt.central.title',
  'doubt.central.lead',
  'doubt.posting.title',
  'doubt.posting.lead',
  'doubt.posting.taken',
  'unfinished.found.title',
  'unfinished.found.lead',
  'unfinished.credit.found.lead',
  'unfinished.finishing.title',
  'unfinished.finishing.lead',
  'unfinished.delivered.title',
  'unfinished.delivered.lead',
  'unfinished.delivered.fuel',
  'unfinished.refunding.title',
  'unfinished.refunding.lead',
  'unfinished.refunded.title',
  'unfinished.refunded.lead',
  'unfinished.parked.title',
  'unfinished.parked.lead',
  'refund.refunding.title',
  'refund.refunding.lead',
  'refund.refunded.title',
  'refund.refunded.lead',
  'refund.parked.title',
  'refund.parked.lead',
  'status.asking.title',
  'status.asking.lead',
  'status.asking.now',
  'status.paying.title',
  'status.paying.lead',
  'status.paying.now',
  'status.writing.title',
  'status.writing.lead',
  'status.writing.now',
  'status.in-doubt.title',
  'status.in-doubt.lead',
  'status.in-doubt.now',
  'status.delivered.title',
  'status.delivered.lead',
  'status.delivered.now',
  'status.refunding.title',
  'status.refunding.lead',
  'status.refunding.now',
  'status.refunded.title',
  'status.refunded.lead',
  'status.refunded.now',
  'status.parked.title',
  'status.parked.lead',
  'status.parked.now',
  'status.closed.title',
  'status.closed.lead',
  'status.closed.now',
  'status.not-found.title',
  'status.not-found.lead',
  'status.not-found.now',
  'status.no-answer.title',
  'status.no-answer.lead',
  'status.no-answer.now',
  'status.credit.writing.title',
  'status.credit.writing.lead',
  'status.credit.writing.now',
  'status.credit.delivered.title',
  'status.credit.delivered.lead',
  'status.credit.delivered.now',
  'status.meter.confirmed',
  'status.meter.on-the-way',
  'status.moved',
  'take.title',
  'take.lead',
  'expired.title',
  'expired.lead',
  'cancelled.title',
  'cancelled.lead',
  'out.kicker',
] as const satisfies readonly MessageKey[];
/** See {@link SAID}. */
export type SaidKey = (typeof SAID)[number];

/** Messages that name one of a few things: a clip for each. `{meter}` is its message. */
export const SAID_WITH = {
  'done.thanks.lead': { param: 'meter', keys: ['meter.gas', 'meter.water', 'meter.heat'] },
} as const satisfies Partial<
  Record<MessageKey, { readonly param: string; readonly keys: readonly MessageKey[] }>
>;
/** See {@link SAID_WITH}. */
export type SaidWithKey = keyof typeof SAID_WITH;

/**
 * Sentences that only the voice has. `{sum}` is where a number is said; `[id]` stands for a message
 * of the catalogue.
 */
export const OWN = {
  toPay: { zh: '一共{sum}', en: 'The sum is {sum}' },
  billsReady: {
    zh: '账单已选好。核对以后，请按“[amount.payNone]”',
    en: 'The bills are chosen. Check them, then press “[amount.payNone]”',
  },
  payWith: { zh: '可以用', en: 'You can pay with' },
  toWrite: { zh: '写入卡里{sum}', en: '{sum} for the card' },
  received: { zh: '收您{sum}', en: '{sum} received' },
  written: { zh: '已写入{sum}', en: '{sum} written to the card' },
  credited: { zh: '已入账{sum}', en: '{sum} credited' },
  refunding: { zh: '正在退回{sum}', en: '{sum} is being refunded' },
  refunded: { zh: '已退回{sum}', en: '{sum} refunded' },
  'notCharged.sum': { zh: '取消的金额是{sum}', en: '{sum} is cancelled' },
  carried: { zh: '余款{sum}，下次自动使用', en: '{sum} stays in your account for next time' },
  rest: { zh: '还欠{sum}', en: '{sum} is still owed' },
  balance: { zh: '账户余额{sum}', en: 'The balance is {sum}' },
  owed: { zh: '欠费{sum}', en: '{sum} is owed' },
  onCard: { zh: '卡里还没输进表的有{sum}', en: '{sum} on the card, not yet in the meter' },
  onPurse: { zh: '卡内余额{sum}', en: '{sum} on the card' },
  'hurry.more': {
    zh: '时间快到了。还要继续，请按“[more.button]”。',
    en: 'Your time is running out. To go on, press “[more.button]”.',
  },
  'hurry.code': {
    zh: '付款码快要失效了。还没付款，请按“[code.button]”。',
    en: 'The payment code is running out. If you have not paid, press “[code.button]”.',
  },
  // What only the spoken mode says.
  'spoken.on': {
    zh: '语音模式已打开。按上下键逐项听，按确认键选定，按取消键返回。再按一次语音键，语音模式结束。',
    en: 'Spoken mode is on. Up and down go through the screen, confirm presses, cancel goes back. The speech key ends it.',
  },
  'spoken.off': { zh: '语音模式已关闭', en: 'Spoken mode is off' },
  'spoken.press': { zh: '请按', en: 'press' },
  'spoken.pad': {
    zh: '请用数字键输入，按删除键改正，输完按确认键',
    en: 'Type it with the number keys. Delete corrects it, confirm ends it',
  },
  'spoken.wait': { zh: '现在不用按键，请等候', en: 'There is nothing to press now, please wait' },
  'spoken.chosen': { zh: '已选', en: 'chosen' },
  'spoken.notChosen': { zh: '未选', en: 'not chosen' },
  'spoken.cannot': { zh: '现在不能按', en: 'not available now' },
  'spoken.nothing': { zh: '这个键现在没有作用', en: 'This key does nothing now' },
  'spoken.pickFirst': {
    zh: '请先用上下键选一项，再按确认键',
    en: 'Go to one of them by up and down first, then confirm',
  },
  'spoken.onScreen': { zh: '文字见屏幕', en: 'a text on the screen' },
  'spoken.withHeadphones': { zh: '插上耳机可以听', en: 'plug in headphones to hear it' },
  'spoken.somePrivate': {
    zh: '有些内容插上耳机才能听',
    en: 'Some of it is for headphones only',
  },
  // What the other language’s own word says.
  'spoken.language': { zh: '换成英文', en: 'Change to Chinese' },
  'spoken.or': { zh: '或', en: 'or' },
  'spoken.tail': { zh: '尾号', en: 'ending in' },
  'spoken.perM3': { zh: '每立方米', en: 'for each cubic metre' },
  'spoken.count': { zh: '已输入{sum}', en: '{sum} typed' },
  'spoken.empty': { zh: '还没有输入', en: 'nothing typed yet' },
  'spoken.deleted': { zh: '已删除一位', en: 'one digit deleted' },
  'spoken.volume': { zh: '音量', en: 'volume' },
  'spoken.hurry': {
    zh: '时间快到了。还要继续，请按上键或下键。',
    en: 'Your time is running out. To go on, press up or down.',
  },
  'spoken.hurry.code': {
    zh: '付款码快要失效了。还没付款，请用上下键找到“[code.button]”，按确认键。',
    en: 'The payment code is running out. If you have not paid, find “[code.button]” by up and down, and confirm.',
  },
} as const satisfies Readonly<Record<string, { readonly zh: string; readonly en: string }>>;
/** See {@link OWN}. */
export type OwnKey = keyof typeof OWN;

/** Whose sentences are for technicians only. */
const STAFF_ONLY = /^(?:MNT-010[12]|INV|DEV-0(?:30[14]|40[23]|501|601))-?/;
/** Errors that a customer may hear of. */
export const SAID_ERRORS: readonly ErrorCode[] = (Object.keys(ERRORS) as ErrorCode[]).filter(
  (code) => !STAFF_ONLY.test(code),
);

/**
 * Names a clip: of a message, of a piece of an own sentence, of an error, a number, a unit, a text,
 * a letter, a part of a date.
 */
export type ClipId =
  | `m/${string}`
  | `w/${string}`
  | `e/${string}`
  | `n/${string}`
  | `u/${string}`
  | `t/${string}`
  | `l/${string}`
  | `d/${string}`;

/** A clip's other words, where a card is laid on the reader (i18n/placed.ts). */
export const placedClip = (clip: ClipId): ClipId => `${clip}@place`;

/** The screens' words of a language. */
export const catalogueOf = (locale: Locale): Readonly<Record<MessageKey, string>> =>
  locale === 'en' ? en : zhCN;

/** What stands before and behind the number of an own sentence; a sentence without one is `before`. */
export function ownPieces(
  key: OwnKey,
  locale: Locale,
): { readonly before: string; readonly after: string } {
  const texts = catalogueOf(locale);
  const text = OWN[key][locale === 'en' ? 'en' : 'zh'].replace(
    /\[([^\]]+)\]/g,
    (_, id: MessageKey) => texts[id],
  );
  const [before = '', after = ''] = text.split('{sum}');
  return { before: before.trim(), after: after.trim() };
}

/** The clip of an own sentence's piece. */
export const ownClip = (key: OwnKey, piece: 'before' | 'after'): ClipId => `w/${key}/${piece}`;
