import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ed25519Signer,
  ed25519Verifier,
  rsaSha256Signer,
  rsaSha256Verifier,
} from '../../../src/shared/signing.ts';
import type { Signer, Verifier } from '../../../src/shared/ports.ts';

const ed = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const text = Buffer.from('what is signed');

describe.each<[string, Signer, Verifier]>([
  ['Ed25519', ed25519Signer(ed.privateKey), ed25519Verifier(ed.publicKey)],
  ['RSA', rsaSha256Signer(rsa.privateKey), rsaSha256Verifier(rsa.publicKey)],
])('%s', (_name, signer, verifier) => {
  it('holds for the bytes that were signed, and for nothing else', () => {
    const signature = signer.sign(text);
    expect(verifier.verify(text, signature)).toBe(true);
    expect(verifier.verify(Buffer.from('what is signeD'), signature)).toBe(false);
    for (const i of [0, signature.length >> 1, signature.length - 1]) {
      const flipped = Buffer.from(signature);
      flipped[i] = (flipped[i] as number) ^ 1;
      expect(verifier.verify(text, flipped)).toBe(false);
    }
    // Never throws, whatever it is given.
    for (const wrong of [
      new Uint8Array(0),
      signature.subarray(1),
      Buffer.concat([signature, signature]),
    ])
      expect(verifier.verify(text, wrong)).toBe(false);
  });
});

it('a key of another kind is refused when it is loaded', () => {
  expect(() => ed25519Signer(rsa.privateKey)).toThrow('not an ed25519 key');
  expect(() => ed25519Verifier(rsa.publicKey)).toThrow('not an ed25519 key');
  expect(() => rsaSha256Signer(ed.privateKey)).toThrow('not an rsa key');
  expect(() => rsaSha256Verifier(ed.publicKey)).toThrow('not an rsa key');
  expect(() => ed25519Signer(ed.publicKey)).toThrow();
  expect(() => ed25519Signer('')).toThrow();
});
