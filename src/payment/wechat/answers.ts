import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Exchange } from './client.ts';

/** An answer whose signature held. */
export type Answer = Extract<Exchange, { kind: 'answer' }>;

/** pay.weixin.qq.com doc 4012791877. */
export const OUT_TRADE_NO = /^[0-9A-Za-z_\-|*]{6,32}$/;
export const MAX_DESCRIPTION = 127;

/**
 * Error codes come with and without underscores (the 2021 pages write `ORDERPAID`); both are
 * compared without.
 */
const plain = (code: string): string => code.replaceAll('_', '');
export const isCode = (answer: Answer, ...codes: readonly string[]): boolean =>
  answer.status >= 400 && codes.some((c) => plain(c) === plain(answer.code));

/**
 * Our side is set up wrongly; the same request never works (error table of the v3 docs,
 * 4013071031).
 */
export const MISCONFIGURED = [
  'PARAM_ERROR',
  'INVALID_REQUEST',
  'APPID_MCHID_NOT_MATCH',
  'MCH_NOT_EXISTS',
  'SIGN_ERROR',
  'NO_AUTH',
] as const;
/** The business said no, for good. */
export const REFUSED = [
  'ORDER_CLOSED',
  'OUT_TRADE_NO_USED',
  'RULE_LIMIT',
  'TRADE_ERROR',
  'ACCOUNT_ERROR',
  'NOT_ENOUGH',
] as const;

export function unknown(f: Failure): { readonly kind: 'unknown'; readonly failure: Failure } {
  return { kind: 'unknown', failure: f };
}

/** What the platform said, for people. */
export const said = (x: Answer): string =>
  `HTTP ${x.status}${x.code === '' ? '' : ` ${x.code}`}${x.message === '' ? '' : `: ${x.message}`}`;

/** No answer that can be used, as `create` and `charge` tell it. */
export const notMade = (x: Exclude<Exchange, Answer>): Failure =>
  x.kind === 'silent' ? failure('PAY-0101', x.failure.detail, x.failure.cause) : x.failure;

/** The first `max` characters, never half a surrogate pair. */
export function clip(text: string, max: number): string {
  let out = '';
  for (const ch of text) {
    if (out.length + ch.length > max) break;
    out += ch;
  }
  return out;
}
