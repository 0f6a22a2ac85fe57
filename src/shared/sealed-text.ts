import { z } from 'zod';
import type { KeyId, Signer } from './ports.ts';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';
import { signText } from './signatures.ts';
import type { Disbelief, Keyring } from './signatures.ts';

/** Longer than any token of ours. */
export const MAX_TOKEN = 2_000;
/** A token in a body. */
export const tokenSchema = z.string().min(1).max(MAX_TOKEN);

/**
 * A value under a signature, as one line that is kept and handed on:
 * `base64url(JSON).keyId.base64(signature)`. The label is signed with it and keeps one kind of
 * token from being taken for another.
 */
export function seal(signer: Signer & KeyId, label: string, value: unknown): string {
  const body = Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
  const { keyId, signature } = signText(signer, covered(label, body));
  return `${body}.${keyId}.${signature}`;
}

/** Why a token says nothing: its signature, or what it says has another form. */
export type Unsealed = Disbelief | 'not a token of this form';

/** What a token of {@link seal} says, once its signature holds. */
export function unseal<T>(
  keys: Keyring,
  label: string,
  token: string,
  schema: z.ZodType<T>,
): Result<T, Unsealed> {
  const [body = '', keyId, signature, ...more] = token.split('.');
  if (keyId === undefined || signature === undefined || more.length > 0)
    return err('not a token of this form');
  const wrong = keys.disbelief(covered(label, body), { signature, keyId });
  if (wrong !== null) return err(wrong);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  } catch {
    return err('not a token of this form');
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? ok(parsed.data) : err('not a token of this form');
}

const covered = (label: string, body: string): string => `${label}\n${body}`;
