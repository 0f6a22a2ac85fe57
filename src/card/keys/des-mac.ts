import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concatBytes } from '../../shared/bytes.ts';

const BLOCK = 8;

/**
 * OpenSSL 3 refuses single DES and offers two-key triple DES only as `des-ede3` with K1‖K2‖K1;
 * K‖K‖K is single DES. A key object, since Node learns only by an exception that bytes are none:
 * three times what the cipher itself takes.
 */
function ede3Key(key: Uint8Array): KeyObject {
  if (key.length === BLOCK) return createSecretKey(concatBytes(key, key, key));
  if (key.length === 2 * BLOCK) return createSecretKey(concatBytes(key, key.subarray(0, BLOCK)));
  throw new RangeError(`a DES key has 8 or 16 bytes, not ${key.length}`);
}

/** DES (8-byte key) or two-key triple DES (16-byte key) in ECB mode, without padding. */
export function desEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv('des-ede3', ede3Key(key), null).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([cipher.update(data), cipher.final()]));
}

/** The inverse of {@link desEncrypt}. */
export function desDecrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('des-ede3', ede3Key(key), null).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([decipher.update(data), decipher.final()]));
}

/** ISO/IEC 9797-1 padding method 2: always 80, then zeros to a whole block. */
export function pad80(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + BLOCK - (data.length % BLOCK));
  out.set(data);
  out[data.length] = 0x80;
  return out;
}

/** The last block of DES-CBC over whole blocks, 8 bytes. */
export function cbcMac(key: Uint8Array, icv: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(
    createCipheriv('des-ede3-cbc', ede3Key(key), icv)
      .setAutoPadding(false)
      .update(data)
      .subarray(-BLOCK),
  );
}

/**
 * Retail MAC (ISO/IEC 9797-1 algorithm 3): DES-CBC under the key's left half, the last block then
 * decrypted under the right half and encrypted under the left. The whole 8 bytes; secure messaging
 * uses the first 4.
 */
export function retailMac(key16: Uint8Array, icv: Uint8Array, data: Uint8Array): Uint8Array {
  const left = key16.subarray(0, BLOCK);
  const right = key16.subarray(BLOCK);
  return desEncrypt(left, desDecrypt(right, cbcMac(left, icv, pad80(data))));
}

/** A card's own key (layouts.md, "Diversification"): 3DES-ECB(MK, s8) ‖ 3DES-ECB(MK, NOT s8). */
export function diversify(masterKey: Uint8Array, s8: Uint8Array): Uint8Array {
  return concatBytes(
    desEncrypt(masterKey, s8),
    desEncrypt(
      masterKey,
      s8.map((b) => ~b & 0xff),
    ),
  );
}
