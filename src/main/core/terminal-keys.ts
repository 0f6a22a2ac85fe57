import { readFileSync, statSync } from 'node:fs';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { KeyId, Signer } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { ed25519Keyring, ed25519Signer } from '../../shared/signing.ts';
import { writableByOthers } from '../config.ts';
import type { LoadedConfig } from '../config.ts';

const bad = (why: string, cause?: unknown): { readonly ok: false; readonly error: Failure } =>
  err(failure('CONF-0101', why, cause));

/** A secret file's text. CONF-0101: it cannot be read, or others than its owner can read it. */
export function secretText(key: string, file: string): Result<string, Failure> {
  try {
    // Windows has no such mode bits; there the folder's access list is the operator's to set.
    const { mode } = statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      return bad(
        `${key}: ${file} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`,
      );
    return ok(readFileSync(file, 'utf8'));
  } catch (cause) {
    return bad(`${key}: ${file}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`);
  }
}

export interface TerminalKeys {
  /** The terminal's own: whoever has it speaks for this machine. */
  readonly signer: Signer & KeyId;
  /** Central's: whoever has its private half says what may be sold. */
  readonly policyKeys: Keyring;
  /** Central's: whoever has its private half answers and grants in its name. */
  readonly answerKeys: Keyring;
}

/**
 * The keys between this terminal and central. CONF-0101: their files; in production the terminal's
 * own must be its owner's only.
 */
export function loadTerminalKeys({
  config,
  path,
}: Pick<LoadedConfig, 'config' | 'path'>): Result<TerminalKeys, Failure> {
  const keyFile = path(config.central.keyFile);
  try {
    const own =
      config.mode === 'production'
        ? secretText('central.keyFile', keyFile)
        : ok(readFileSync(keyFile, 'utf8'));
    if (!own.ok) return own;
    const signer = ed25519Signer(own.value);
    const policyKeys = centralKeys({ config, path }, 'policyKeyFile');
    if (!policyKeys.ok) return policyKeys;
    const answerKeys = centralKeys({ config, path }, 'answerKeyFile');
    if (!answerKeys.ok) return answerKeys;
    return ok({ signer, policyKeys: policyKeys.value, answerKeys: answerKeys.value });
  } catch (cause) {
    return bad(`central.keyFile: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/**
 * One of central's public keys, as `terminal.json` names its file, with its next one. CONF-0101: it
 * cannot be read, holds something else, or, in production, others than its owner can change it.
 */
export function centralKeys(
  { config, path }: Pick<LoadedConfig, 'config' | 'path'>,
  name: 'policyKeyFile' | 'answerKeyFile' | 'gatewayKeyFile',
): Result<Keyring, Failure> {
  const file = path(config.central[name]);
  try {
    const open = config.mode === 'production' ? writableByOthers(file) : null;
    if (open !== null) return bad(`central.${name}: ${open}`);
    const pem = readFileSync(file, 'utf8');
    if (pem.includes('PRIVATE KEY'))
      return bad(`central.${name}: ${file} is a private key; central’s public key belongs here`);
    return ok(ed25519Keyring(pem));
  } catch (cause) {
    return bad(
      `central.${name}: ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}
