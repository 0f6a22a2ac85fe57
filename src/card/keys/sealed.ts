import { createCipheriv, createDecipheriv, hash, hkdfSync } from 'node:crypto';
import { z } from 'zod';
import { fromHex, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { masterKeyProvider } from './master.ts';
import type { MasterKeys } from './master.ts';
import type { KeyProvider } from './types.ts';

/**
 * Master keys in a file that opens wherever a machine's id and a secret are: AES-256-GCM under a
 * key that HKDF makes of both. The file alone, in a backup or on another machine, gives nothing
 * away, and a changed byte is seen. But `/etc/machine-id` and the secret are usually on the same
 * disk as the file: whoever takes that disk, or a whole image of it, has the keys, unless the disk
 * itself opens by this machine's TPM only; and whoever is root on the running machine has them
 * anyhow. A PSAM or central withstands both.
 */

const FORMAT = 'pilotlight-keys-1';
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const SECRET_BYTES = 32;

/**
 * SHA-256 of the published sample keys (layouts.md): refused, and not told to whoever opens a
 * package.
 */
const PUBLISHED: ReadonlySet<string> = new Set([
  'a8faed6abbf35c12a4b26e40f6feb19d736d90045c83b9f9a31f638d323e6811',
  '4179529caf32c8cca4a1772697d3c8b15837a02eefe85cd8f9483480e663f2f1',
  'f3fd0e95d3e5e207adf68faac4579aa5710558e89657f6624b543626bda56567',
  '23e539af5f8dfb79d507876033129a47a907bd43e43ecab7c9a70bca2a52ee10',
]);

const key16 = z.string().regex(/^[0-9A-Fa-f]{32}$/, 'hex of 16 bytes');
/** The keys as an operator brings them. */
export const masterKeysSchema = z.strictObject({
  psc: key16,
  auth: key16,
  mac: key16,
  load: key16.optional(),
});

/** As {@link masterKeysSchema} has checked them. */
export function masterKeysOf({
  psc,
  auth,
  mac,
  load,
}: z.infer<typeof masterKeysSchema>): MasterKeys {
  return {
    psc: fromHex(psc),
    auth: fromHex(auth),
    mac: fromHex(mac),
    ...(load === undefined ? {} : { load: fromHex(load) }),
  };
}
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9A-F]{${2 * bytes}}$`));
const sealedSchema = z.strictObject({
  format: z.literal(FORMAT),
  salt: hex(SALT_BYTES),
  nonce: hex(NONCE_BYTES),
  sealed: z.string().regex(/^([0-9A-F]{2})+$/),
  tag: hex(TAG_BYTES),
});

/** What binds a sealed file to its machine. */
export interface MachineBinding {
  /** The machine's own identity (`/etc/machine-id`, the Windows MachineGuid). */
  readonly machineId: string;
  /** 32 random bytes, made when the machine was set up, readable by the kiosk's user only. */
  readonly secret: Uint8Array;
}

function sealingKey(binding: MachineBinding, salt: Uint8Array): Uint8Array {
  if (binding.machineId.trim() === '' || binding.secret.length !== SECRET_BYTES)
    throw new RangeError('a machine id and a secret of 32 bytes are needed');
  return new Uint8Array(
    hkdfSync('sha256', binding.secret, salt, `${FORMAT}\n${binding.machineId.trim()}`, KEY_BYTES),
  );
}

/**
 * The text of a sealed file.
 *
 * @throws RangeError for a binding that binds nothing
 */
export function sealKeys(keys: MasterKeys, binding: MachineBinding, random: Random): string {
  const salt = random.bytes(SALT_BYTES);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(binding, salt), nonce);
  cipher.setAAD(Buffer.from(FORMAT));
  const plain = JSON.stringify({
    psc: toHex(keys.psc),
    auth: toHex(keys.auth),
    mac: toHex(keys.mac),
    ...(keys.load === undefined ? {} : { load: toHex(keys.load) }),
  });
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return `${JSON.stringify({ format: FORMAT, salt: toHex(salt), nonce: toHex(nonce), sealed: toHex(sealed), tag: toHex(cipher.getAuthTag()) }, null, 2)}\n`;
}

/**
 * The provider of a sealed file. CONF-0101: not such a file, sealed for another machine, or
 * changed; CONF-0103: it holds sample keys.
 */
export function sealedKeyProvider(
  text: string,
  binding: MachineBinding,
): Result<KeyProvider, Failure> {
  const bad = (why: string, cause?: unknown): { readonly ok: false; readonly error: Failure } =>
    err(failure('CONF-0101', `sealed keys: ${why}`, cause));
  let file: z.infer<typeof sealedSchema>;
  try {
    file = sealedSchema.parse(JSON.parse(text));
  } catch {
    return bad('not a file of `pilotlight keys seal`');
  }
  let keys: MasterKeys;
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      sealingKey(binding, fromHex(file.salt)),
      fromHex(file.nonce),
    );
    decipher.setAAD(Buffer.from(FORMAT));
    decipher.setAuthTag(fromHex(file.tag));
    const plain = Buffer.concat([decipher.update(fromHex(file.sealed)), decipher.final()]).toString(
      'utf8',
    );
    keys = masterKeysOf(masterKeysSchema.parse(JSON.parse(plain)));
  } catch {
    // No cause: an error of the parser could carry some of the keys.
    return bad('sealed for another machine, or changed');
  }
  const sample = (['psc', 'auth', 'mac', 'load'] as const).find((name) =>
    PUBLISHED.has(hash('sha256', keys[name] ?? new Uint8Array(0), 'hex')),
  );
  return sample === undefined
    ? ok(masterKeyProvider('sealed', keys))
    : err(failure('CONF-0103', `sealed keys: ${sample} is the published sample key`));
}
