import { orderTag } from './order-tag.ts';
import type { Random } from './ports.ts';

/**
 * `PL-<terminal>-<epoch>-<counter>-<random>`: the counter is the journal's, the epoch and the
 * randomness make sure that a restored disk never makes a number again. An id whose tag would mean
 * "no order" is never given out.
 */
export function makeOrderId(
  terminalId: string,
  epoch: number,
  counter: number,
  random: Random,
): string {
  for (;;) {
    const id = `PL-${terminalId}-${epoch}-${String(counter).padStart(4, '0')}-${digits(random, 4)}`;
    if (orderTag(id).some((b) => b !== 0)) return id;
  }
}

/**
 * A request's number, `RQ-<terminal>-<epoch>-<counter>-<random>`: made as orders' are, from the
 * same counter, so that no reference is both a request's and an order's. What is below tells their
 * parts alike.
 */
export const makeRequestNo = (
  terminalId: string,
  epoch: number,
  counter: number,
  random: Random,
): string => `RQ-${terminalId}-${epoch}-${String(counter).padStart(4, '0')}-${digits(random, 4)}`;

/**
 * `n`-th attempt of an order: id and provider numbers. At most 32 characters of `[0-9A-Za-z]`
 * (WeChat's `out_trade_no`).
 */
export function makeAttemptIds(
  orderId: string,
  n: number,
  random: Random,
): { attemptId: string; outTradeNo: string; outRefundNo: string } {
  const { terminalId, epoch, counter } = partsOf(orderId);
  const body = `${terminalId}E${epoch}N${counter}A${n}X${letters(random, 5)}`;
  return { attemptId: `${orderId}/${n}`, outTradeNo: `P${body}`, outRefundNo: `R${body}` };
}

/**
 * Which attempt of an order a number at a provider is; null where the number has another form, or
 * is of another order.
 */
export function attemptOf(orderId: string, outTradeNo: string): string | null {
  const { terminalId, epoch, counter } = partsOf(orderId);
  const begin = `P${terminalId}E${epoch}N${counter}A`;
  const n = outTradeNo.startsWith(begin)
    ? /^(\d+)X/.exec(outTradeNo.slice(begin.length))?.[1]
    : null;
  return n === undefined || n === null ? null : `${orderId}/${n}`;
}

/**
 * What the id of an attempt's order begins with, by its number at a provider; null where that has
 * another form. The random digits at the end are in no number.
 */
export function orderPrefixOf(outTradeNo: string): string | null {
  const [, terminalId, epoch, counter] = /^P(.+)E(\d+)N(\d+)A\d+X/.exec(outTradeNo) ?? [];
  return counter === undefined ? null : `PL-${terminalId}-${epoch}-${counter}-`;
}

function digits(random: Random, length: number): string {
  return Array.from({ length }, () => pick(random, '0123456789')).join('');
}
function letters(random: Random, length: number): string {
  return Array.from({ length }, () => pick(random, '0123456789ABCDEFGHJKLMNPQRSTUVWXYZ')).join('');
}
/** Unbiased: bytes past the last whole multiple are drawn again. */
function pick(random: Random, alphabet: string): string {
  const limit = 256 - (256 % alphabet.length);
  for (;;) {
    const b = random.bytes(1)[0] as number;
    if (b < limit) return alphabet[b % alphabet.length] as string;
  }
}

/** The parts of an order id as text; empty where the id has another form. */
interface OrderIdParts {
  readonly terminalId: string;
  readonly epoch: string;
  readonly counter: string;
  readonly random: string;
}
function partsOf(orderId: string): OrderIdParts {
  const [, terminalId = '', epoch = '', counter = '', random = ''] = orderId.split('-');
  return { terminalId, epoch, counter, random };
}

/** The terminal whose order it is; empty where the id has another form. */
export const terminalOf = (orderId: string): string => partsOf(orderId).terminalId;
/** The epoch of the journal in which it was made; null where the id has another form. */
export function epochOf(orderId: string): number | null {
  const { epoch } = partsOf(orderId);
  return /^\d+$/.test(epoch) ? Number(epoch) : null;
}
/** Its number among the terminal's orders; 0 where the id has another form. */
export const counterOf = (orderId: string): number => Number(partsOf(orderId).counter);

/**
 * The reference that customers read on screens and slips: the last four digits of the terminal, the
 * counter (four or more) and the four random digits, with spaces between.
 */
export function orderRef(orderId: string): string {
  const { terminalId, counter, random } = partsOf(orderId);
  return `${terminalId.slice(-4)} ${counter} ${random}`.trim();
}

const REFERENCE = /^\d{12,16}$/;
/** Is this the reference of an order, typed without its spaces? */
export const isOrderRef = (digits: string): boolean => REFERENCE.test(digits);
/** {@link orderRef} without spaces, as it is typed and looked up; null where the id has another form. */
export function orderRefDigits(orderId: string): string | null {
  const digits = orderRef(orderId).replaceAll(' ', '');
  return isOrderRef(digits) ? digits : null;
}
