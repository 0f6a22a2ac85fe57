/** What a customer asks the company for at the machine (报修和预约): its words, free of schemas. */

/** What kinds of requests there are; a policy's categories are each of one kind. */
export const REQUEST_KINDS = [
  /** 报修 */
  'repair',
  /** 点火 */
  'ignition',
  /** 改装 */
  'conversion',
  /** 安检 */
  'inspection',
  /** 投诉 */
  'complaint',
  /** 建议 */
  'suggestion',
  /** 代购气: for whoever cannot come himself. */
  'proxy',
  /** 测温 */
  'temperature',
  /** 报停 */
  'stop-heating',
  /** 恢复供暖 */
  'resume-heating',
  /** 系统故障留电话: offered only while something here does not work. */
  'call-back',
  /** 停气短信: interruptions of an area are told by SMS, until this number says stop. */
  'outage-sms',
  /** 停气短信退订 */
  'outage-sms-stop',
] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Half of a day: a visit is promised for one of them. */
export const HALVES = ['am', 'pm'] as const;
export type Half = (typeof HALVES)[number];

/** When somebody is to come. */
export interface Slot {
  /** China's calendar, `YYYY-MM-DD`. */
  readonly date: string;
  readonly half: Half;
}

/** How a request stands at central; the last two end it. */
export const REQUEST_STATES = ['accepted', 'scheduled', 'done', 'declined'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** Where a customer is in making one; a tap names the step that it was made on. */
export const REQUEST_STEPS = ['menu', 'choice', 'slot', 'phone', 'user', 'confirm'] as const;
export type RequestStep = (typeof REQUEST_STEPS)[number];

/** The longest number that anybody keys in. */
export const MAX_DIGITS = 16;

/**
 * A telephone number of China, keyed in without blanks: a mobile of eleven digits, a land line with
 * its area code, or one of this town without.
 */
export const isPhone = (digits: string): boolean =>
  /^(?:1[3-9]\d{9}|0\d{9,11}|[2-9]\d{6,7})$/.test(digits);

/** A mobile of China: what an SMS reaches. */
export const isMobile = (digits: string): boolean => /^1[3-9]\d{9}$/.test(digits);

/** What a kind does about messages of interruptions; null: it is another kind, which people answer. */
export const smsOf = (kind: RequestKind): 'subscribe' | 'stop' | null =>
  kind === 'outage-sms' ? 'subscribe' : kind === 'outage-sms-stop' ? 'stop' : null;

/** A user number (户号), as companies give them out. */
export const isUserNo = (digits: string): boolean => /^\d{6,16}$/.test(digits);
