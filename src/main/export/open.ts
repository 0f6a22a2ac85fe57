import { Decrypter } from 'age-encryption';
import { chainHash } from '../../journal/hash.ts';
import type { LoggedEvent } from '../../journal/records.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { unseal } from '../../shared/sealed-text.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { unzip } from '../../shared/zip.ts';
import {
  EXPORT_LABEL,
  MANIFEST,
  SIGNATURE,
  manifestSchema,
  sha256,
  signedSchema,
} from './bundle.ts';
import type { Manifest } from './bundle.ts';

/** No export of ours unpacks to more. */
const MOST_BYTES = 1 << 30;

/** An export that is what its machine said. */
export interface Opened {
  readonly manifest: Manifest;
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
}

/**
 * Opens an export and believes none of it before the machine's signature holds: manifest, each
 * file's hash, no file that is not named, and the chain of its facts. The error says what does not
 * hold.
 *
 * @param identities of the company, `AGE-SECRET-KEY-1…`; for an export that is not sealed none
 * @param keys the terminal's public key
 */
export async function openBundle(
  bytes: Uint8Array,
  identities: readonly string[],
  keys: Keyring,
): Promise<Result<Opened, string>> {
  const archive = await unsealed(bytes, identities);
  if (!archive.ok) return archive;
  let entries;
  try {
    entries = unzip(archive.value, MOST_BYTES);
  } catch (cause) {
    return err(`not an export: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const byName = new Map(entries.map((e) => [e.name.toString('utf8'), e.bytes]));
  const said = byName.get(MANIFEST);
  const token = byName.get(SIGNATURE)?.toString('utf8').trim();
  if (said === undefined || token === undefined) return err('no manifest, or no signature on it');
  const signed = unseal(keys, EXPORT_LABEL, token, signedSchema);
  if (!signed.ok) return err(`the signature does not hold: ${signed.error}`);
  if (signed.value.sha256 !== sha256(said))
    return err('the manifest is not the one that was signed');
  const manifest = manifestSchema.safeParse(JSON.parse(said.toString('utf8')));
  if (!manifest.success || manifest.data.terminalId !== signed.value.terminalId)
    return err('the manifest has another form');
  const files: { name: string; bytes: Buffer }[] = [];
  for (const { name, sha256: hash } of manifest.data.files) {
    const file = byName.get(name);
    if (file === undefined) return err(`${name} is missing`);
    if (sha256(file) !== hash) return err(`${name} was changed`);
    files.push({ name, bytes: file });
  }
  if (byName.size !== files.length + 2)
    return err('there is a file that the manifest does not name');
  const facts = files.find((f) => f.name === 'facts.jsonl');
  const broken = facts === undefined ? null : brokenAt(facts.bytes.toString('utf8'));
  return broken === null ? ok({ manifest: manifest.data, files }) : err(broken);
}

const AGE = Buffer.from('age-encryption.org/');

async function unsealed(
  bytes: Uint8Array,
  identities: readonly string[],
): Promise<Result<Buffer, string>> {
  const buffer = Buffer.from(bytes);
  if (!buffer.subarray(0, AGE.length).equals(AGE)) return ok(buffer);
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
    return ok(Buffer.from(await decrypter.decrypt(bytes)));
  } catch (cause) {
    return err(
      `this key does not open it: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

/** Where the chain of the facts does not hold; null: nowhere. */
function brokenAt(lines: string): string | null {
  let last: LoggedEvent | null = null;
  for (const line of lines.split('\n')) {
    if (line === '') continue;
    const fact = JSON.parse(line) as LoggedEvent;
    const { hash, prevHash, body, ...rest } = fact;
    const name = `fact ${fact.seq} of epoch ${fact.epoch}`;
    if (chainHash(prevHash, { ...rest, bodyJson: canonicalJson(body) }) !== hash)
      return `${name} was changed`;
    const follows =
      last === null || last.epoch !== fact.epoch
        ? true
        : prevHash === last.hash && fact.seq === last.seq + 1;
    if (!follows) return `${name} does not follow the one before`;
    last = fact;
  }
  return null;
}
