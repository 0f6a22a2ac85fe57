const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0').toUpperCase(),
);

/** Upper-case hex of bytes, without separators. */
export function toHex(bytes: Uint8Array): string {
  let s = '';
  for (let i = 0; i < bytes.length; i++) s += HEX[bytes[i] as number];
  return s;
}

/**
 * Bytes of a hex string; white space is allowed between bytes.
 *
 * @throws RangeError when the text is not whole hex bytes (a programming error: never call it on
 *   untrusted input unchecked).
 */
export function fromHex(hex: string): Uint8Array {
  const clean = /\s/.test(hex) ? hex.replace(/\s+/g, '') : hex;
  if (clean.length % 2 !== 0) throw new RangeError(`not hex: ${hex.slice(0, 40)}`);
  const out = new Uint8Array(clean.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = nibble(clean.charCodeAt(2 * i));
    const low = nibble(clean.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) throw new RangeError(`not hex: ${hex.slice(0, 40)}`);
    out[i] = high * 16 + low;
  }
  return out;
}

/** The value of a hex digit's character code; -1: none. */
function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code & ~32;
  return letter >= 65 && letter <= 70 ? letter - 55 : -1;
}

/** Same length and same bytes. Not for secrets: it ends at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let diff = 0;
  for (let i = 0; i < a.length; i++) diff |= (a[i] as number) ^ (b[i] as number);
  return diff === 0;
}

/** One after the other, copied. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
