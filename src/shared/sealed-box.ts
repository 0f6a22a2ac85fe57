import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  hkdfSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from './ports.ts';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';
import { keyIdOf } from './signing.ts';

/**
 * What only the holder of a key can read: sealed to an X25519 public key by a key of its own (RFC
 * 7748), HKDF-SHA-256 (RFC 5869) and AES-256-GCM, as in ECIES. `context` is bound to it, so that
 * what was sealed for one thing is not taken for another's.
 *
 * The text is `keyId.ephemeral.nonce.ciphertext`, each but the first base64url.
 */

/** What is sealed is as long as the next multiple of this, so that its length tells little. */
const PAD_BYTES = 128;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LABEL = 'pilotlight sealed box 1';
/** A raw X25519 private key as PKCS#8 begins so (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');

/** Longer than anything of ours. */
export const MAX_SEALED = 4_000;

/**
 * A public key to seal to, as the policy carries it: base64 of its SPKI.
 *
 * @throws where it is no X25519 key
 */
export function sealingKey(spki: string): KeyObject {
  const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
  return x25519(key);
}

/** The public half of a private key, as {@link sealingKey} takes it. @throws as it does */
export function sealingKeyOf(privateKey: KeyObject | string): string {
  const key = openingKey(privateKey);
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
}

/** A private key that opens (PEM, PKCS#8). @throws where it is no X25519 key */
export const openingKey = (pem: KeyObject | string): KeyObject =>
  x25519(typeof pem === 'string' ? createPrivateKey(pem) : pem);

function x25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'x25519')
    throw new TypeError(`not an x25519 key: ${key.asymmetricKeyType ?? key.type}`);
  return key;
}

const raw = (publicKey: KeyObject): Buffer =>
  publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI.length);

/** Both sides come to the same key: the shared secret, bound to the public keys it is made of. */
function contentKey(mine: KeyObject, theirs: KeyObject, ephemeral: Buffer, to: Buffer): Buffer {
  const secret = diffieHellman({ privateKey: mine, publicKey: theirs });
  return Buffer.from(hkdfSync('sha256', secret, Buffer.concat([ephemeral, to]), LABEL, 32));
}

/** Seals a text. @param context what it belongs to; has to be known to whoever opens it */
export function sealTo(to: KeyObject, text: string, context: string, random: Random): string {
  const mine = createPrivateKey({
    key: Buffer.concat([PKCS8, random.bytes(32)]),
    format: 'der',
    type: 'pkcs8',
  });
  const ephemeral = raw(createPublicKey(mine));
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv(
    'aes-256-gcm',
    contentKey(mine, to, ephemeral, raw(to)),
    nonce,
  ).setAAD(Buffer.from(context, 'utf8'));
  const plain = Buffer.from(text, 'utf8');
  const padded = Buffer.alloc(Math.ceil((plain.length + 2) / PAD_BYTES) * PAD_BYTES);
  padded.writeUInt16BE(plain.length);
  plain.copy(padded, 2);
  const closed = Buffer.concat([cipher.update(padded), cipher.final(), cipher.getAuthTag()]);
  return [
    keyIdOf(to),
    ephemeral.toString('base64url'),
    Buffer.from(nonce).toString('base64url'),
    closed.toString('base64url'),
  ].join('.');
}

/** Why nothing is to be read. */
export type Unopened = 'another key' | 'not sealed for this, or damaged';

/** Opens what was sealed to one of these keys for this context. */
export function openSealed(
  keys: readonly KeyObject[],
  sealed: string,
  context: string,
): Result<string, Unopened> {
  const [keyId = '', ...rest] = sealed.split('.');
  const [ephemeral, nonce, closed] = rest.map((part) => Buffer.from(part, 'base64url'));
  if (
    ephemeral?.length !== 32 ||
    nonce?.length !== NONCE_BYTES ||
    closed === undefined ||
    closed.length <= TAG_BYTES ||
    rest.length !== 3
  )
    return err('not sealed for this, or damaged');
  const key = keys.find((one) => keyIdOf(one) === keyId);
  if (key === undefined) return err('another key');
  try {
    const theirs = createPublicKey({
      key: Buffer.concat([SPKI, ephemeral]),
      format: 'der',
      type: 'spki',
    });
    const opener = createDecipheriv(
      'aes-256-gcm',
      contentKey(key, theirs, ephemeral, raw(createPublicKey(key))),
      nonce,
    )
      .setAAD(Buffer.from(context, 'utf8'))
      .setAuthTag(closed.subarray(-TAG_BYTES));
    const padded = Buffer.concat([opener.update(closed.subarray(0, -TAG_BYTES)), opener.final()]);
    return ok(padded.subarray(2, 2 + padded.readUInt16BE()).toString('utf8'));
  } catch {
    return err('not sealed for this, or damaged');
  }
}

/** What a fact says of a sealed text: enough to know it again, and nothing of what is in it. */
export const sealedHash = (sealed: string): string => hash('sha256', sealed, 'hex');
