/**
 * The simulated card's own number and check formats (layouts.md); nothing here is shared with the
 * driver.
 */

/** Hex digits (white space allowed) to bytes. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

/** Bytes to upper-case hex. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

/** `value` as `length` big-endian bytes, in hex. */
export function numberHex(value: number, length: number): string {
  return value
    .toString(16)
    .toUpperCase()
    .padStart(2 * length, '0');
}

const CRC_TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = index * 256;
  for (let i = 0; i < 8; i++)
    value = value >= 0x8000 ? ((value * 2) % 0x10000) ^ 0x1021 : value * 2;
  return value;
});

/** CRC-16/CCITT-FALSE, table-driven. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0xffff;
  for (const byte of bytes) sum = ((sum % 256) * 256) ^ (CRC_TABLE[(sum >> 8) ^ byte] as number);
  return sum;
}

/** A block with its big-endian checksum behind it, in hex. */
export function sealed(hex: string): string {
  return hex + numberHex(checksum(bytesOf(hex)), 2);
}
