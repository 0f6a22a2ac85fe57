import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { Journal } from '../../journal/journal.ts';
import { openToRead } from '../../journal/open-to-read.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { ed25519Keyring } from '../../shared/signing.ts';
import { loadConfig } from '../config.ts';
import { loadTerminalKeys } from '../core/terminal-keys.ts';
import { makeBundle } from '../export/bundle.ts';
import type { Bundle } from '../export/bundle.ts';
import { openBundle } from '../export/open.ts';
import type { Opened } from '../export/open.ts';
import { findPlace } from '../export/stick.ts';
import { writeNew } from '../export/write.ts';

/** What was written, and where. */
export interface Written {
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
  readonly sealed: boolean;
}

const NOT_READY = {
  none: 'MNT-0201',
  several: 'MNT-0202',
  'read-only': 'MNT-0203',
  full: 'MNT-0204',
} as const;

/**
 * Makes an export of a terminal's journal, beside the core that has it open, and writes it to the
 * stick that is in (or to the folder that terminal.json names). Errors: MNT-0201 … MNT-0207,
 * CONF-0101.
 */
export async function writeExport(
  configFile: string,
  options: { readonly log: string; readonly nowMs: number; readonly program: string },
): Promise<Result<Written, Failure>> {
  const loaded = loadConfig(configFile);
  if (!loaded.ok) return loaded;
  const { config, path } = loaded.value;
  const folder = config.export?.folder;
  const place = await findPlace(folder === undefined ? null : path(folder));
  if (place.state !== 'ready') return err(failure(NOT_READY[place.state]));
  const keys = loadTerminalKeys(loaded.value);
  if (!keys.ok) return err(failure('MNT-0207', keys.error.detail));
  const { recipients = [] } = config.export ?? {};
  let bundle: Bundle;
  try {
    const open = openToRead(Journal.file(path(config.dataDir)));
    try {
      const { terminalId } = config;
      const { signer } = keys.value;
      bundle = await makeBundle({ db: open.db, terminalId, signer, recipients, ...options });
    } finally {
      open.close();
    }
  } catch (cause) {
    return err(failure('MNT-0207', cause instanceof Error ? cause.message : String(cause), cause));
  }
  if (place.freeBytes < bundle.bytes.length) return err(failure('MNT-0204', place.path));
  const written = await writeNew(place.path, bundle.name, bundle.bytes, place.device);
  return written.ok
    ? ok({
        folder: place.path,
        name: bundle.name,
        bytes: bundle.bytes.length,
        sealed: recipients.length > 0,
      })
    : written;
}

/**
 * The company opens an export: decrypted, verified against the terminal's public key, and only then
 * unpacked into a folder that is made for it. The error says why not.
 */
export async function openExport(o: {
  readonly file: string;
  /** File of the company's age identity; null: the export is not sealed. */
  readonly keyFile: string | null;
  readonly terminalKeyFile: string;
  readonly out: string;
}): Promise<Result<Opened, string>> {
  if (existsSync(o.out)) return err(`${o.out} is there already: name a new folder with --out`);
  let opened;
  try {
    const identities =
      o.keyFile === null
        ? []
        : (readFileSync(o.keyFile, 'utf8').match(/^AGE-SECRET-KEY-\S+$/gm) ?? []);
    const keys = ed25519Keyring(readFileSync(o.terminalKeyFile, 'utf8'));
    opened = await openBundle(readFileSync(o.file), identities, keys);
  } catch (cause) {
    return err(cause instanceof Error ? cause.message : String(cause));
  }
  if (!opened.ok) return opened;
  mkdirSync(o.out, { recursive: true, mode: 0o700 });
  for (const { name, bytes } of opened.value.files)
    writeFileSync(join(o.out, name), bytes, { mode: 0o600, flag: 'wx' });
  writeFileSync(
    join(o.out, 'manifest.json'),
    `${JSON.stringify(opened.value.manifest, null, 2)}\n`,
    { mode: 0o600, flag: 'wx' },
  );
  return opened;
}

/** A pair for a company that has none: the file's text, and what goes into terminal.json. */
export async function exportKey(): Promise<{
  readonly identity: string;
  readonly recipient: string;
}> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}
