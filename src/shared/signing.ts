import { constants, createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { KeyId, Signer, SigningKey, Verifier } from './ports.ts';
import { Keyring } from './signatures.ts';

/**
 * Signs with Ed25519, and verifies what it signed.
 *
 * @param pem private key, PKCS#8
 * @throws when it is not a private key
 */
export function ed25519Signer(pem: KeyObject | string): SigningKey {
  const key = ofType(typeof pem === 'string' ? createPrivateKey(pem) : pem, 'ed25519');
  const { keyId, verify: verifies } = ed25519Verifier(createPublicKey(key));
  return { keyId, sign: (bytes) => sign(null, bytes, key), verify: verifies };
}

/**
 * Verifies Ed25519.
 *
 * @param pem public key, SPKI
 * @throws when it is not a public key
 */
export function ed25519Verifier(pem: KeyObject | string): Verifier & KeyId {
  const key = ofType(typeof pem === 'string' ? createPublicKey(pem) : pem, 'ed25519');
  return {
    keyId: keyIdOf(key),
    verify: (bytes, signature) => holds(() => verify(null, bytes, key, signature)),
  };
}

const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

/**
 * The Ed25519 keys of one signer as a file has them: the current one (PEM, SPKI), and behind it,
 * while it is being changed, the next one.
 *
 * @throws when it holds no public key, more than two, or another kind
 */
export function ed25519Keyring(pem: string): Keyring {
  const [current, next, ...more] = pem.match(PUBLIC_KEY) ?? [];
  if (current === undefined || more.length > 0)
    throw new TypeError('not one public key (PEM), or two: the current and the next');
  return new Keyring(
    ed25519Verifier(current),
    ...(next === undefined ? [] : [ed25519Verifier(next)]),
  );
}

/**
 * Signs with RSASSA-PKCS1-v1_5 and SHA-256, as WeChat Pay and Alipay want it.
 *
 * @throws when it is not an RSA private key
 */
export function rsaSha256Signer(key: KeyObject | string): Signer & KeyId {
  const object = ofType(typeof key === 'string' ? createPrivateKey(key) : key, 'rsa');
  return {
    keyId: keyIdOf(object),
    sign: (bytes) =>
      sign('RSA-SHA256', bytes, { key: object, padding: constants.RSA_PKCS1_PADDING }),
  };
}

/**
 * Verifies RSASSA-PKCS1-v1_5 with SHA-256.
 *
 * @param key public key or certificate
 * @throws when it is not an RSA public key
 */
export function rsaSha256Verifier(key: KeyObject | string): Verifier & KeyId {
  const object = ofType(typeof key === 'string' ? createPublicKey(key) : key, 'rsa');
  return {
    keyId: keyIdOf(object),
    verify: (bytes, signature) =>
      holds(() =>
        verify(
          'RSA-SHA256',
          bytes,
          { key: object, padding: constants.RSA_PKCS1_PADDING },
          signature,
        ),
      ),
  };
}

/** A key pair's id: the first 16 hex digits of SHA-256 over its public half (SPKI, DER). */
export function keyIdOf(key: KeyObject): string {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16);
}

function ofType(key: KeyObject, type: 'ed25519' | 'rsa'): KeyObject {
  if (key.asymmetricKeyType !== type)
    throw new TypeError(`not an ${type} key: ${key.asymmetricKeyType ?? key.type}`);
  return key;
}

/** Whatever makes a signature impossible to check makes it a bad one. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
