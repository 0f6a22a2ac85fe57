import { createHash } from 'node:crypto';

/**
 * The order's mark on the card: first 4 bytes of SHA-256 over the order id in ASCII (docs/layouts).
 * `00000000` means "no order", so an id whose tag would be zero must not be used.
 */
export function orderTag(orderId: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(orderId, 'ascii').digest().subarray(0, 4));
}
