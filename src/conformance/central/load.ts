import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { KeyId, Signer } from '../../shared/ports.ts';
import { Keyring } from '../../shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../shared/signing.ts';
import type { SuitePorts } from '../ports.ts';
import { centralSuiteSchema } from './config.ts';
import type { CentralSuiteParts } from './world.ts';

/** What a file says wrongly, in a sentence each. */
export class BadConfig extends Error {}

/** @throws BadConfig where the text is no JSON of the schema */
export function configIn<T>(schema: z.ZodType<T>, text: string, file: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BadConfig(`${file}: not JSON: ${cause instanceof Error ? cause.message : ''}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new BadConfig(`${file}:\n${z.prettifyError(parsed.error)}`);
}

/** A file beside the configuration. @throws BadConfig where it is not there, or no such key */
export function beside<T>(
  ports: Pick<SuitePorts, 'readText'>,
  configFile: string,
  file: string,
  read: (text: string) => T,
): T {
  try {
    return read(ports.readText(resolve(dirname(configFile), file)));
  } catch (cause) {
    throw new BadConfig(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/**
 * The suite's parts as a file names them.
 *
 * @throws BadConfig with a sentence for whoever wrote it
 */
export function loadCentralSuite(
  ports: SuitePorts,
  url: string,
  configFile: string,
  pages: string | null,
): CentralSuiteParts {
  const text = beside(ports, configFile, resolve(configFile), (t) => t);
  const config = configIn(centralSuiteSchema, text, configFile);
  const signer = (file: string): Signer & KeyId => beside(ports, configFile, file, ed25519Signer);
  const keys = (file: string): Keyring =>
    new Keyring(beside(ports, configFile, file, ed25519Verifier));
  const { suspended, revoked, receiptKeyFile, gatewayKeyFile } = config;
  return {
    url,
    pages,
    send: ports.send,
    clock: ports.clock,
    random: ports.random,
    timeoutMs: 30_000,
    config,
    answerKeys: keys(config.answerKeyFile),
    policyKeys: keys(config.policyKeyFile),
    gatewayKeys: gatewayKeyFile === undefined ? null : keys(gatewayKeyFile),
    receipts: receiptKeyFile === undefined ? null : signer(receiptKeyFile),
    signers: config.terminals.map((terminal) => signer(terminal.keyFile)),
    suspended: suspended === undefined ? null : signer(suspended.keyFile),
    revoked: revoked === undefined ? null : signer(revoked.keyFile),
  };
}
