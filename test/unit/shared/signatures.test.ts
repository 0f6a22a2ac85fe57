import { createPublicKey, generateKeyPairSync, hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Keyring, signText } from '../../../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';

const pair = () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicKey = createPublicKey(privateKey);
  return { publicKey, signer: ed25519Signer(privateKey), verifier: ed25519Verifier(publicKey) };
};

describe('signatures', () => {
  const [now, next, stranger] = [pair(), pair(), pair()] as const;
  const ring = new Keyring(now.verifier, next.verifier);

  it('a key’s id is the beginning of its public half’s hash, the same for signer and verifier', () => {
    const spki = now.publicKey.export({ type: 'spki', format: 'der' });
    expect(now.signer.keyId).toBe(hash('sha256', spki, 'hex').slice(0, 16));
    expect(now.verifier.keyId).toBe(now.signer.keyId);
    expect(next.signer.keyId).not.toBe(now.signer.keyId);
  });

  it('the current key’s and the next key’s hold, each under its own name only', () => {
    const a = signText(now.signer, 'text');
    const b = signText(next.signer, 'text');
    expect(ring.disbelief('text', a)).toBeNull();
    expect(ring.disbelief('text', b)).toBeNull();
    expect(ring.disbelief('other', a)).toBe('signature does not match');
    expect(ring.disbelief('text', { ...a, keyId: b.keyId })).toBe('signature does not match');
  });

  it('an unknown key is refused by its name, whatever it signed', () => {
    const said = signText(stranger.signer, 'text');
    expect(ring.disbelief('text', said)).toBe('signature by a key that is not known here');
    expect(ring.disbelief('text', { ...signText(now.signer, 'text'), keyId: '' })).toBe(
      'signature by a key that is not known here',
    );
  });

  it('one that names no key is checked by the current one alone', () => {
    const { signature } = signText(now.signer, 'text');
    expect(ring.disbelief('text', { signature })).toBeNull();
    expect(ring.disbelief('text', { signature: signText(next.signer, 'text').signature })).toBe(
      'signature does not match',
    );
  });

  it('a signature is there, and has one spelling', () => {
    const said = signText(now.signer, 'text');
    expect(ring.disbelief('text', { ...said, signature: '' })).toBe('signature missing');
    for (const signature of [`${said.signature}\n`, said.signature.replace(/=+$/, ''), 'AA=='])
      expect(ring.disbelief('text', { ...said, signature })).toBe('signature does not match');
  });
});
