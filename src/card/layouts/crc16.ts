/**
 * CRC-16/CCITT-FALSE (poly 1021, init FFFF, not reflected), the check of every block in layouts.md;
 * `"123456789"` → 29B1.
 */
export function crc16(data: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of data) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x8000) === 0 ? (crc << 1) & 0xffff : ((crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}
