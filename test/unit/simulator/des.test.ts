import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  cardKey,
  desBlock,
  desBlockInverse,
  macOf,
  tripleDesBlock,
} from '../../../src/simulator/card/des.ts';
import { bytesOf, checksum, hexOf, sealed } from '../../../src/simulator/card/codec.ts';
import { retailMac } from '../../../src/card/keys/des-mac.ts';
import { crc16 } from '../../../src/card/layouts/crc16.ts';

describe('the simulated card’s own DES', () => {
  it('agrees with OpenSSL on random keys and blocks', () => {
    for (let i = 0; i < 60; i++) {
      const key = randomBytes(8);
      const key16 = randomBytes(16);
      const block = randomBytes(8);
      const cipher = createCipheriv(
        'des-ede3',
        Buffer.concat([key, key, key]),
        null,
      ).setAutoPadding(false);
      expect(hexOf(desBlock(key, block))).toBe(hexOf(cipher.update(block)));
      const inverse = createDecipheriv(
        'des-ede3',
        Buffer.concat([key, key, key]),
        null,
      ).setAutoPadding(false);
      expect(hexOf(desBlockInverse(key, block))).toBe(hexOf(inverse.update(block)));
      const triple = createCipheriv(
        'des-ede3',
        Buffer.concat([key16, key16.subarray(0, 8)]),
        null,
      ).setAutoPadding(false);
      expect(hexOf(tripleDesBlock(key16, block))).toBe(hexOf(triple.update(block)));
    }
  });

  it('agrees with the driver’s MAC and checksum on messages of every length', () => {
    for (let length = 0; length < 40; length++) {
      const key = randomBytes(16);
      const start = randomBytes(8);
      const message = randomBytes(length);
      expect(hexOf(macOf(key, start, [...message]))).toBe(hexOf(retailMac(key, start, message)));
      expect(checksum(message)).toBe(crc16(message));
    }
  });

  it('has the golden keys and checksum', () => {
    expect(
      hexOf(cardKey(bytesOf('0F1E2D3C4B5A69788796A5B4C3D2E1F0'), bytesOf('0000008800003921'))),
    ).toBe('5B65FC38E7CDFAA410A609982DC34C17');
    expect(sealed('290029001388000320C8A1B2C3D4')).toMatch(/797A$/);
  });
});
