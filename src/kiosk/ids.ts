import { orderTag } from '../shared/order-tag.ts';
import type { Random } from '../shared/ports.ts';

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
 * `n`-th attempt of an order: id and provider numbers. At most 32 characters of `[0-9A-Za-z]`
 * (WeChat's `out_trade_no`).
 */
export function makeAttemptIds(
  orderId: string,
  n: number,
  random: Random,
): { attemptId: string; outTradeNo: string; outRefundNo: string } {
  const [, terminal = '', epoch = '', counter = ''] = orderId.split('-');
  const body = `${terminal}E${epoch}N${counter}A${n}X${letters(random, 5)}`;
  return { attemptId: `${orderId}/${n}`, outTradeNo: `P${body}`, outRefundNo: `R${body}` };
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
