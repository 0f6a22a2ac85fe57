import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { natural } from './central-api/base.ts';
import type { Random } from './ports.ts';

/**
 * How a machine and central prove to each other that both know a one-time code, without sending it
 * (decision 0063).
 *
 * The code is 80 bits of chance, typed by a person. HKDF-SHA-256 (RFC 5869) makes three things of
 * it: a handle, by which central finds what it keeps; the seed of an Ed25519 key, of which central
 * keeps the public half only; and a secret for central's answer. The machine signs what it asks
 * with the code's key and with its own new key, both over the same text: whoever stands between
 * can neither put another key in, nor take the code for a key of his own, since the code is never
 * on the line. Central's answer carries an HMAC by the code over the very request and all that it
 * says, central's public keys among it: nobody else can make one, and one that was kept answers no
 * other request. What is kept at central does not open the door: who reads its database cannot
 * enrol, and the code's 80 bits are beyond guessing from it.
 */

/** Crockford's base32, without I, L, O, U: https://www.crockford.com/base32.html. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 16 characters of 5 bits. */
const CODE_CHARS = 16;
const LABEL = 'pilotlight enrolment 1';
/** A raw Ed25519 private key as PKCS#8 begins so (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A new code, in groups of four: `7K3M-Q0XZ-…`. */
export function makeCode(random: Random): string {
  const text = Array.from(random.bytes(CODE_CHARS), (b) => ALPHABET[b % 32] as string).join('');
  return (text.match(/.{4}/g) as string[]).join('-');
}

/**
 * A code as it was meant: without hyphens and spaces, in capitals, with the letters that Crockford
 * reads as digits. Full-width characters count as what they look like. Null: it is none.
 */
export function readCode(typed: string): string | null {
  const text = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\u2010-\u2015-]/g, '')
    .replace(/[IL]/g, '1')
    .replaceAll('O', '0');
  return text.length === CODE_CHARS && [...text].every((c) => ALPHABET.includes(c)) ? text : null;
}

/** What a code is good for; only the machine has the private key. */
export interface CodeKeys {
  /** Hex; public. */
  readonly handle: string;
  readonly privateKey: KeyObject;
  /** PEM (SPKI). */
  readonly publicKeyPem: string;
  /** Hex. */
  readonly answerSecret: string;
}

/** @param code as {@link readCode} gives it */
export function keysOfCode(code: string): CodeKeys {
  const derive = (what: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', code, '', `${LABEL} ${what}`, bytes));
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, derive('machine', 32)]),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    handle: derive('handle', 16).toString('hex'),
    privateKey,
    publicKeyPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
    answerSecret: derive('central', 32).toString('hex'),
  };
}

const base64 = z.string().regex(/^[0-9A-Za-z+/]{86}==$/);
/** Body of `POST /v1/enrol`. Signatures are Ed25519 over {@link enrolText}. */
export const enrolRequestSchema = z.strictObject({
  handle: z.string().regex(/^[0-9a-f]{32}$/),
  /** The machine's new key, PEM (SPKI). */
  publicKeyPem: z.string().max(500),
  /** Another one for every request, hex. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  /** By the code's key. */
  codeSignature: base64,
  /** By the new key: its private half is there. */
  keySignature: base64,
  /** By the key that the machine has, where that is changed; left out: it has none. */
  oldSignature: base64.optional(),
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

/** What all signatures of an enrolment cover. */
export const enrolText = (asked: Pick<EnrolRequest, 'handle' | 'publicKeyPem' | 'nonce'>): string =>
  `PILOTLIGHT-ENROL-1\n${asked.handle}\n${keyDigest(asked.publicKeyPem)}\n${asked.nonce}\n`;

/** What the answer says, as JSON text in `body`. */
export const enrolledSchema = z.object({
  terminalId: z.string().regex(/^\d{12}$/),
  site: z.string().min(1).max(60),
  name: z.string().min(1).max(60),
  /**
   * `waiting`: a person at central compares the fingerprint first (`central terminal confirm`) ·
   * `active`: the key counts.
   */
  state: z.enum(['waiting', 'active']),
  /** Of the machine's key, see {@link fingerprintOf}. */
  fingerprint: z.string(),
  publicKeys: z.object({
    policy: z.string().max(500),
    answers: z.string().max(500),
    gateway: z.string().max(500),
  }),
  serverTimeMs: natural,
});
export type Enrolled = z.infer<typeof enrolledSchema>;
/** Answer of `POST /v1/enrol`; `proof` is {@link answerProof} over `body`. */
export const enrolAnswerSchema = z.object({
  body: z.string().max(8_000),
  proof: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Central's proof that it knows the code: HMAC-SHA-256 over request and answer, hex. */
export const answerProof = (answerSecret: string, asked: EnrolRequest, body: string): string =>
  createHmac('sha256', Buffer.from(answerSecret, 'hex'))
    .update(
      `PILOTLIGHT-ENROLLED-1\n${hash('sha256', enrolText(asked), 'hex')}\n${hash('sha256', body, 'hex')}\n`,
    )
    .digest('hex');

/** Is this {@link answerProof} central's? */
export const isAnswerProof = (
  answerSecret: string,
  asked: EnrolRequest,
  answer: { readonly body: string; readonly proof: string },
): boolean =>
  timingSafeEqual(
    Buffer.from(answerProof(answerSecret, asked, answer.body), 'hex'),
    Buffer.from(answer.proof, 'hex'),
  );

/** SHA-256 over a public key's SPKI (DER), hex. @throws where it is no public key */
const keyDigest = (pem: string): string =>
  hash('sha256', createPublicKey(pem).export({ type: 'spki', format: 'der' }), 'hex');

/** An Ed25519 key in the one spelling that is kept. @throws where it is none */
export function normalKey(pem: string): string {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/**
 * Twenty digits in five groups that two people can read to each other: 66 bits of SHA-256 over the
 * keys. Whoever wants another key with the same ones tries 2^66 of them.
 *
 * @throws where one is no public key
 */
export function fingerprintOf(...pems: readonly string[]): string {
  const digest = hash('sha256', pems.map(keyDigest).join('\n'), 'hex');
  const digits = (BigInt(`0x${digest}`) % 10n ** 20n).toString().padStart(20, '0');
  return (digits.match(/.{4}/g) as string[]).join(' ');
}

/** Do two fingerprints say the same, however they were typed? */
export const sameFingerprint = (a: string, b: string): boolean => {
  const digits = (text: string): string => text.normalize('NFKC').replace(/[\s-]/g, '');
  return digits(a) === digits(b) && /^\d{20}$/.test(digits(a));
};

/** What a person compares of central, from its three public keys. */
export const centralFingerprint = (keys: Enrolled['publicKeys']): string =>
  fingerprintOf(keys.policy, keys.answers, keys.gateway);
