import { createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { HttpAnswer } from '../../shared/http.ts';
import type { Verifier } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { whyNotTrusted } from './client.ts';

/** The APIv3 key: 32 bytes (payments.md section A, "Callback"). */
export const API_V3_KEY_BYTES = 32;
/** AES-256-GCM: the tag is the ciphertext's last 16 bytes, the nonce has 12 (payments.md section A). */
const TAG_BYTES = 16;
const NONCE_BYTES = 12;

const envelopeSchema = z.object({
  resource: z.object({
    algorithm: z.literal('AEAD_AES_256_GCM'),
    ciphertext: z.base64(),
    nonce: z.string().length(NONCE_BYTES),
    associated_data: z.string().max(64).default(''),
  }),
});
/** What is taken of the resource; a refund's names no appid. */
const resourceSchema = z.object({
  mchid: z.string(),
  appid: z.string().optional(),
  out_trade_no: z.string().min(6).max(32),
});

export interface CallbackKeys {
  readonly mchid: string;
  readonly appid: string;
  readonly platformKeys: ReadonlyMap<string, Verifier>;
  /** {@link API_V3_KEY_BYTES} bytes. */
  readonly apiV3Key: Uint8Array;
}

/**
 * A callback of the platform's: signed like its answers, its resource encrypted under the
 * merchant's APIv3 key. What it gives is the number that it speaks of and nothing else: whoever
 * hears it asks the platform about that number, so that a callback never moves money, and a
 * repeated one changes nothing. Never throws; PAY-0201 where anything of it does not hold, and
 * nothing of what it says is told then.
 *
 * @param header a request header by its lower-case name
 */
export function readCallback(
  keys: CallbackKeys,
  header: HttpAnswer['header'],
  body: Uint8Array,
  nowMs: number,
): Result<{ readonly outTradeNo: string }, Failure> {
  const no = (why: string, cause?: unknown): Result<never, Failure> =>
    err(failure('PAY-0201', `callback not believed: ${why}`, cause));
  const doubt = whyNotTrusted(header, body, keys.platformKeys, nowMs);
  if (doubt !== null) return no(doubt);
  const envelope = envelopeSchema.safeParse(parse(body));
  if (!envelope.success)
    return no(
      `signed, but not the promised form (${envelope.error.issues[0]?.path.join('.') ?? ''})`,
      envelope.error,
    );
  const { ciphertext, nonce, associated_data } = envelope.data.resource;
  const plain = decrypted(keys.apiV3Key, Buffer.from(ciphertext, 'base64'), nonce, associated_data);
  if (plain === null) return no('its resource is not of this merchant’s APIv3 key, or was changed');
  const resource = resourceSchema.safeParse(parse(plain));
  if (!resource.success) return no('its resource has not the promised form', resource.error);
  const { mchid, appid, out_trade_no } = resource.data;
  if (mchid !== keys.mchid) return no(`it names merchant ${mchid.slice(0, 32)}`);
  if (appid !== undefined && appid !== keys.appid)
    return no(`it names appid ${appid.slice(0, 32)}`);
  return ok({ outTradeNo: out_trade_no });
}

function decrypted(
  key: Uint8Array,
  sealed: Buffer,
  nonce: string,
  associatedData: string,
): Buffer | null {
  if (sealed.length < TAG_BYTES || Buffer.byteLength(nonce, 'utf8') !== NONCE_BYTES) return null;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'utf8'), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(associatedData, 'utf8'));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const text = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    // The tag is compared here and nowhere else: without final() anything decrypts to something.
    return Buffer.concat([text, decipher.final()]);
  } catch {
    return null;
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
