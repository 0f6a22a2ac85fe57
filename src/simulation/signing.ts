import { crc32 } from 'node:zlib';
import type { KeyId, Signer, Verifier } from '../shared/ports.ts';

/**
 * A keyed checksum in the place of a signature (CRC-32 begun at the key, and the length): quick,
 * and a wrong key or a changed byte still fails. Never outside the simulation.
 */
export function quickKey(name: string): Signer & Verifier & KeyId {
  const seed = crc32(name, 0x811c9dc5);
  const of = (bytes: Uint8Array): Uint8Array => {
    const out = new Uint8Array(8);
    const view = new DataView(out.buffer);
    view.setUint32(0, crc32(bytes, seed));
    view.setUint32(4, bytes.length);
    return out;
  };
  return {
    keyId: `quick-${name}`,
    sign: of,
    verify: (bytes, signature) => {
      const want = of(bytes);
      return signature.length === want.length && want.every((v, i) => v === signature[i]);
    },
  };
}
