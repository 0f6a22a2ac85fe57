import type { CardView, Header, Locale, QuoteView, Screen, Snapshot } from '../../src/shared/contract.ts';

/** One picture: a screen in one of its states. `keys` are pressed on the keypad, which is opened first. */
export interface ScreenFixture {
  readonly screen: Screen;
  readonly variant: string;
  readonly snapshot: Snapshot;
  readonly keys?: string;
  /** Left out of the committed pictures; still drawn and checked. */
  readonly checkOnly?: true;
}

const NOW_MS = Date.UTC(2026, 10, 22, 1, 26, 0);
const ORDER = '0311 2209 2641';

export const header: Header = {
  brand: { zh: '阜城燃气 自助服务', en: 'Fucheng Gas Self-service' },
  site: { zh: '市民中心24小时服务厅', en: 'Civic Centre 24-hour hall' },
  terminalName: { zh: '03号机', en: 'No. 3' },
  terminalId: 'FC-0003',
  hotline: '0558-5550110',
};

export const card: CardView = {
  holderMasked: '张*明', cardMasked: '8800 **** 3921', kind: 'gas', unit: 'volume', count: 41, pendingQuantity: 0, remainingQuantity: 1_842,
  yearQuantity: 21_450, tierPriceE4: 26_500, tierUptoQuantity: 36_000, tierNumber: 1,
};

export const quote: QuoteView = { amountFen: 10_000, quantity: 3_773, shares: [{ tier: 1, priceE4: 26_500, quantity: 3_773 }], carriedUsedMicro: 0, carriedAfterMicro: 15_500, offline: false };
const tieredQuote: QuoteView = {
  amountFen: 100_000, quantity: 33_210,
  shares: [{ tier: 1, priceE4: 26_500, quantity: 14_550 }, { tier: 2, priceE4: 31_800, quantity: 18_000 }, { tier: 3, priceE4: 39_750, quantity: 660 }],
  carriedUsedMicro: 4_200, carriedAfterMicro: 12_345, offline: false,
};

/** Fields every snapshot has. */
export function base(locale: Locale = 'zh-CN', textSize: 'normal' | 'large' = 'normal'): { revision: number; locale: Locale; textSize: 'normal' | 'large'; header: Header; nowMs: number; demo: boolean } {
  return { revision: 7, locale, textSize, header, nowMs: NOW_MS, demo: false };
}

const inSeconds = (seconds: number): number => NOW_MS + seconds * 1000 - 400;

/** Every screen in the states a customer can meet. */
export function screenFixtures(locale: Locale, textSize: 'normal' | 'large'): readonly ScreenFixture[] {
  const b = base(locale, textSize);
  const amount = { ...b, screen: 'amount', card, presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000], minFen: 1_000, maxFen: 100_000, chosenFen: 10_000, quote, problem: null, busy: false, providers: ['wechat'], printerReady: true, deadlineMs: inSeconds(96) } as const;
  const money = { orderRef: ORDER, amountFen: 10_000, quantity: 3_773, unit: 'volume' } as const;
  const pay = { ...b, screen: 'pay', ...money, provider: 'wechat', qrText: 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz', state: 'waiting', cancelOffered: true, lastCheck: null, deadlineMs: inSeconds(118) } as const;
  const start = { ...b, screen: 'start', tiles: ['query', 'unfinished'], providers: ['wechat', 'alipay'], degraded: [], selling: true, notices: [] } as const;
  const all: (readonly [string, Snapshot, Partial<ScreenFixture>?])[] = [
    ['ready', { ...start, tiles: [...start.tiles], providers: [...start.providers], degraded: [], notices: [] }],
    ['degraded', { ...start, tiles: [...start.tiles], providers: ['wechat'], degraded: ['DEV-0101', 'SALE-0111'], selling: false, notices: [{ title: { zh: '停气公告', en: 'Notice' }, body: { zh: '沙河路 11月24日 9:00–17:00 检修停气，请提前准备。', en: 'Shahe Road: no gas on 24 Nov from 9:00 to 17:00 for maintenance.' } }] }],
    ['demo', { ...start, demo: true, tiles: [...start.tiles], providers: ['gateway'], degraded: [], notices: [] }, { checkOnly: true }],
    ['query', { ...b, screen: 'insert-card', purpose: 'query', deadlineMs: inSeconds(52) }],
    ['unfinished-leaving', { ...b, screen: 'insert-card', purpose: 'unfinished', deadlineMs: inSeconds(14) }],
    ['card', { ...b, screen: 'reading', stage: 'card' }],
    ['account', { ...b, screen: 'reading', stage: 'account' }, { checkOnly: true }],
    ['not-visited', { ...b, screen: 'cannot-sell', reason: 'SALE-0101', reference: 'SALE-0101 · 0311', card: { ...card, pendingQuantity: 3_773 }, deadlineMs: inSeconds(45) }],
    ['foreign', { ...b, screen: 'cannot-sell', reason: 'CARD-0103', reference: 'CARD-0103 · 0311', card: null, deadlineMs: inSeconds(45) }],
    ['damaged', { ...b, screen: 'cannot-sell', reason: 'CARD-0104', reference: '', card: null, deadlineMs: inSeconds(45) }, { checkOnly: true }],
    ['checking', { ...b, screen: 'cannot-sell', reason: 'SALE-0114', reference: 'SALE-0114 · 0311', card, deadlineMs: inSeconds(45) }, { checkOnly: true }],
    ...(['SALE-0102', 'SALE-0103', 'SALE-0104', 'SALE-0105', 'SALE-0106', 'SALE-0107', 'SALE-0108', 'SALE-0109', 'SALE-0111', 'SALE-0112', 'SALE-0113', 'SALE-0115', 'CARD-0101', 'CARD-0105', 'CARD-0109', 'CARD-0110'] as const).map((reason): readonly [string, Snapshot] => [reason.toLowerCase(), { ...b, screen: 'cannot-sell', reason, reference: `${reason} · 0311`, card: reason.startsWith('SALE') ? card : null, deadlineMs: inSeconds(45) }]),
    ['central-away', { ...b, screen: 'cannot-sell', reason: 'SALE-0110', reference: 'SALE-0110 · 0311', card, deadlineMs: inSeconds(12) }],
    ['online', { ...b, screen: 'card-info', card, lastVisit: '2026-11-18', deadlineMs: inSeconds(58) }],
    ['offline', { ...b, screen: 'card-info', card: { ...card, yearQuantity: null, tierPriceE4: null, tierUptoQuantity: null, tierNumber: null }, lastVisit: null, deadlineMs: inSeconds(58) }, { checkOnly: true }],
    ['choose', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], chosenFen: null, quote: null }],
    ['quoted', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen] }],
    ['tiers', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], chosenFen: 100_000, quote: tieredQuote, printerReady: false }],
    ['offline', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], quote: { ...quote, offline: true, carriedAfterMicro: 0 }, printerReady: false }, { checkOnly: true }],
    ['busy', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], quote: null, busy: true }, { checkOnly: true }],
    ['problem', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], chosenFen: 50_000, quote: null, problem: 'SALE-0106', deadlineMs: inSeconds(16) }],
    ['keypad', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], chosenFen: null, quote: null }, { keys: '128' }],
    ['keypad-too-much', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen], chosenFen: null, quote: null }, { keys: '1280', checkOnly: true }],
    ['waiting', pay],
    ['not-paid', { ...pay, provider: 'alipay', qrText: 'https://qr.alipay.com/bax03431ljhokirwl38f00a7', lastCheck: 'not-paid' }],
    ['creating', { ...pay, provider: 'gateway', qrText: null, state: 'creating', deadlineMs: null }, { checkOnly: true }],
    ['paying', { ...pay, qrText: null, state: 'paying', cancelOffered: false, deadlineMs: inSeconds(62) }],
    ['closing', { ...pay, qrText: null, state: 'closing', cancelOffered: false, deadlineMs: null }, { checkOnly: true }],
    ['unknown', { ...pay, qrText: null, state: 'unknown', cancelOffered: true, lastCheck: 'line-down', deadlineMs: inSeconds(40) }],
    ['writing', { ...b, screen: 'writing', ...money, stage: 'writing' }],
    ['checking', { ...b, screen: 'writing', ...money, stage: 'checking' }, { checkOnly: true }],
    ['take-card', { ...b, screen: 'done', ...money, count: 42, carriedAfterMicro: 15_500, cardOut: false, receipt: 'printing', deadlineMs: null }],
    ['thanks', { ...b, screen: 'done', ...money, count: 42, carriedAfterMicro: 15_500, cardOut: true, receipt: 'printed', deadlineMs: inSeconds(10) }],
    ['no-receipt', { ...b, screen: 'done', ...money, count: 42, carriedAfterMicro: 15_500, cardOut: true, receipt: 'failed', deadlineMs: inSeconds(10) }, { checkOnly: true }],
    ['card', { ...b, screen: 'in-doubt', reason: 'card', ...money, slip: 'printed', deadlineMs: inSeconds(100) }],
    ['payment', { ...b, screen: 'in-doubt', reason: 'payment', ...money, slip: 'failed', deadlineMs: inSeconds(18) }],
    ['wrong-card', { ...b, screen: 'in-doubt', reason: 'wrong-card', ...money, slip: 'none', deadlineMs: inSeconds(100) }],
    ['found', { ...b, screen: 'unfinished', state: 'found', ...money, deadlineMs: null }],
    ['finishing', { ...b, screen: 'unfinished', state: 'finishing', ...money, deadlineMs: null }, { checkOnly: true }],
    ['refunding', { ...b, screen: 'unfinished', state: 'refunding', ...money, deadlineMs: null }, { checkOnly: true }],
    ['refunded', { ...b, screen: 'unfinished', state: 'refunded', ...money, deadlineMs: inSeconds(30) }, { checkOnly: true }],
    ['parked', { ...b, screen: 'unfinished', state: 'parked', ...money, deadlineMs: inSeconds(30) }],
    ['refunding', { ...b, screen: 'refunding', state: 'refunding', reason: 'CARD-0202', orderRef: ORDER, amountFen: 10_000, slip: 'printing', deadlineMs: null }],
    ['refunded', { ...b, screen: 'refunding', state: 'refunded', reason: 'CARD-0202', orderRef: ORDER, amountFen: 10_000, slip: 'printed', deadlineMs: inSeconds(30) }],
    ['parked', { ...b, screen: 'refunding', state: 'parked', reason: 'PAY-0301', orderRef: ORDER, amountFen: 10_000, slip: 'failed', deadlineMs: inSeconds(30) }, { checkOnly: true }],
    ['visit-over', { ...b, screen: 'take-card', deadlineMs: inSeconds(18) }],
    ['cancelled', { ...b, screen: 'cancelled', amountFen: 10_000, deadlineMs: inSeconds(15) }],
    ['reader', { ...b, screen: 'out-of-service', reason: 'CARD-0107', reference: 'CARD-0107 · 0311', nearestSite: { name: '沙河路营业厅（室内）', detail: '步行约 900 米 · 现在营业，至 20:00' } }],
    ['core-down', { ...b, screen: 'out-of-service', reason: 'CORE-0101', reference: '', nearestSite: null }],
  ];
  return all.map(([variant, snapshot, more]) => ({ screen: snapshot.screen, variant, snapshot, ...more }));
}
