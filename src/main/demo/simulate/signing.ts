import type { Signer, Verifier } from '../../../shared/ports.ts';

/** A keyed checksum in the place of a signature (FNV-1a, twice): quick, and a wrong key or a changed byte still fails. Never outside the simulation. */
export function quickKey(name: string): Signer & Verifier {
  let seed = 0x811c9dc5;
  for (const c of name) seed = Math.imul(seed ^ c.charCodeAt(0), 0x01000193);
  const of = (bytes: Uint8Array): Uint8Array => {
    let a = seed;
    let b = ~seed;
    for (let i = 0; i < bytes.length; i++) {
      const v = bytes[i] as number;
      a = Math.imul(a ^ v, 0x01000193);
      b = Math.imul(b ^ v, 0x85ebca6b) + a;
    }
    const out = new Uint8Array(8);
    const view = new DataView(out.buffer);
    view.setUint32(0, a >>> 0);
    view.setUint32(4, b >>> 0);
    return out;
  };
  return {
    sign: of,
    verify: (bytes, signature) => {
      const want = of(bytes);
      return signature.length === want.length && want.every((v, i) => v === signature[i]);
    },
  };
}
