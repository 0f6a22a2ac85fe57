import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { CentralOptions } from '../../central/central.ts';
import type { JsonPortOptions } from '../../central/http/json-port.ts';
import { httpInvoiceProvider } from '../../central/invoices/provider-http.ts';
import { httpSmsPlatform } from '../../central/requests/sms-platform.ts';
import { httpCompanyAccounts } from '../../central/sale/company-accounts-http.ts';
import { httpAccountBook } from '../../central/sale/account-book-http.ts';
import { httpMeterPlatform } from '../../central/sale/meter-platform.ts';
import { loadPayments } from '../../payment/load.ts';
import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { MerchantWallet } from '../../payment/merchants.ts';
import { configProblems } from '../../shared/config/terminal.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { ed25519Signer, ed25519Verifier } from '../../shared/signing.ts';
import { loadCardKeys } from '../core/card-keys.ts';
import { writableByOthers } from '../config.ts';
import { centralConfigSchema } from './config.ts';
import type { CentralConfig } from './config.ts';
import { loadStaff } from './load-staff.ts';
import { isPrivateLine } from './private-line.ts';

/** `central.json`, checked. */
export interface LoadedCentral {
  readonly config: CentralConfig;
  /** The file itself. */
  readonly file: string;
  /** A path of the configuration, as this process reaches it. */
  readonly path: (relative: string) => string;
}

/** Reads and checks `central.json`. CONF-0101 names every bad key, a sentence each. */
export function loadCentralConfig(file: string): Result<LoadedCentral, Failure> {
  const full = resolve(file);
  const bad = (text: string, cause?: unknown): Result<never, Failure> =>
    err(failure('CONF-0101', `${full}: ${text}`, cause));
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(full, 'utf8'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return bad('is not there; --config names another', cause);
    if (code === 'EACCES')
      return bad(
        'may not be read by this user (chmod 640, chgrp to the one who runs central)',
        cause,
      );
    return bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const parsed = centralConfigSchema.safeParse(json);
  if (!parsed.success) return bad(lines(configProblems(parsed.error)), parsed.error);
  const config = parsed.data;
  const open = config.mode === 'production' ? writableByOthers(full) : null;
  if (open !== null) return err(failure('CONF-0101', open));
  const problem = crossProblem(config);
  if (problem !== null) return bad(problem);
  const baseDir = dirname(full);
  return ok({
    config,
    file: full,
    path: (p) => (isAbsolute(p) ? p : resolve(baseDir, p)),
  });
}

/** A line for each problem; one alone stays in its line. */
const lines = (problems: readonly string[]): string =>
  problems.length === 1
    ? (problems[0] as string)
    : `${problems.length} problems:${problems.map((one) => `\n  ${one}`).join('')}`;

/** What one key alone cannot say; null: nothing is wrong. */
function crossProblem({
  accounts,
  accountBook,
  staff,
  mode,
  listen,
  payments,
  terminalWallets,
  cardKeys,
  database,
}: CentralConfig): string | null {
  const ports = Object.values(listen).map(({ port, host = '127.0.0.1' }) => `${host} ${port}`);
  if (new Set(ports).size < ports.length) return 'listen: two doors have one port';
  if (database.kind === 'postgres' && new URL(database.url).password !== '')
    return 'database.url: the password stands in database.passwordFile, not in the address';
  for (const [key, wallets = []] of [
    ['payments.wallets', payments?.wallets],
    ['terminalWallets', terminalWallets],
  ] as const) {
    const gateway = wallets.findIndex(({ wallet }) => wallet.kind === 'gateway');
    if (gateway >= 0) return `${key}[${gateway}]: a gateway is no wallet`;
  }
  if (accounts?.credit === true && accountBook === undefined)
    return 'accounts.credit: accounts without a card need an accountBook, where their payments are posted';
  if (mode === 'demo') return null;
  if (staff === undefined) return 'staff: its people log in, in production (staff.publicOrigin)';
  if (cardKeys?.kind === 'sample')
    return 'cardKeys.kind: the published keys are refused outside demo mode';
  if (cardKeys !== undefined && cardKeys.diskKey !== 'tpm')
    return 'cardKeys.diskKey: who takes the disk has a whole city’s cards; in production only on a disk whose key is in this machine’s TPM ("diskKey": "tpm"), else PSAMs in the terminals';
  if (payments !== undefined && !payments.publicUrl.startsWith('https:'))
    return 'payments.publicUrl: https is needed: customers pay by what they are shown there';
  return null;
}

/** Central's own keys, as they sign and as others know them. */
export interface CentralKeys {
  readonly private: Readonly<Record<KeyName, KeyObject>>;
  /** PEM (SPKI). */
  readonly public: Readonly<Record<KeyName, string>>;
  readonly requests: readonly KeyObject[];
}
/** Each signs one thing, so that what one signed is never taken for another. */
export const KEY_NAMES = ['policy', 'answers', 'gateway'] as const;
/** One of {@link KEY_NAMES}. */
export type KeyName = (typeof KEY_NAMES)[number];

/**
 * Reads the private keys. CONF-0101 names each that is missing, readable by others, or of another
 * kind.
 */
export function loadCentralKeys({ config, path }: LoadedCentral): Result<CentralKeys, Failure> {
  const problems: string[] = [];
  const read = (key: string, relative: string, type: 'ed25519' | 'x25519'): KeyObject | null => {
    const file = path(relative);
    const object = readSecret(file, config.mode, (text) => createPrivateKey(text));
    if (!object.ok)
      problems.push(
        `${key}: ${object.error}${existsSync(file) ? '' : '; `init` makes it, or put the one from the backup there'}`,
      );
    else if (object.value.asymmetricKeyType !== type)
      problems.push(`${key}: ${file}: not an ${type === 'ed25519' ? 'Ed25519' : 'X25519'} key`);
    else return object.value;
    return null;
  };
  const own = KEY_NAMES.map((name) => read(`keys.${name}`, config.keys[name], 'ed25519'));
  const requests = (config.keys.requests ?? []).map((file, i) =>
    read(`keys.requests[${i}]`, file, 'x25519'),
  );
  const [policy, answers, gateway] = own;
  if (!policy || !answers || !gateway || requests.includes(null))
    return err(failure('CONF-0101', lines(problems)));
  const keys = { policy, answers, gateway };
  const shown = (key: KeyObject): string =>
    createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  const told = { policy: shown(policy), answers: shown(answers), gateway: shown(gateway) };
  if (new Set(Object.values(told)).size < KEY_NAMES.length)
    return err(failure('CONF-0101', 'keys: policy, answers and gateway need a key each'));
  return ok({ private: keys, public: told, requests: requests.filter((key) => key !== null) });
}

/** A secret's file, for its owner only. */
function readSecret<T>(
  file: string,
  mode: CentralConfig['mode'],
  parse: (text: string) => T,
): Result<T, string> {
  try {
    if (
      mode === 'production' &&
      process.platform !== 'win32' &&
      (statSync(file).mode & 0o077) !== 0
    )
      return err(`${file} is readable by others; chmod 600 it`);
    return ok(parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return err(`${file} is not there`);
    if (code === 'EACCES')
      return err(`${file} may not be read by this user; it belongs to the one who runs central`);
    return err(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** A secret in words, alone in its file: without the end of its line, and never empty. */
export function readSecretText(file: string, mode: CentralConfig['mode']): Result<string, string> {
  const read = readSecret(file, mode, (text) => text.trim());
  return read.ok && read.value === '' ? err(`${file} is empty`) : read;
}

/** What the service is made of besides its database. */
export type ServiceParts = Omit<
  CentralOptions,
  'db' | 'listen' | 'policy' | 'terminals' | 'tariffs' | 'accounts' | 'claims'
>;
/** What of the world they need. */
export interface ServicePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogFn;
  /** This machine's identity, for sealed card keys; left out: its own. */
  readonly machineId?: () => string;
}

/** How long one question to a wallet may take, ms: a terminal waits for its answer. */
const WALLET_TIMEOUT_MS = 8_000;

/**
 * Everybody who stands behind central, as the configuration has them. CONF-0101 names each key
 * whose file or address is wrong; nothing is asked yet.
 */
export function loadService(
  loaded: LoadedCentral,
  keys: CentralKeys,
  ports: ServicePorts,
): Result<ServiceParts, Failure> {
  const { config, path } = loaded;
  const problems: string[] = [];
  const json = (key: string, at: Outside): JsonPortOptions => {
    const secret = readSecretText(path(at.secretFile), config.mode);
    if (!secret.ok) problems.push(`${key}.secretFile: ${secret.error}`);
    if (config.mode === 'production' && !isPrivateLine(at.baseUrl))
      problems.push(`${key}.baseUrl: https is needed, but for this machine itself`);
    return {
      baseUrl: at.baseUrl,
      secret: secret.ok ? secret.value : '',
      clock: ports.clock,
      timeoutMs: at.timeoutMs,
    };
  };
  const earlier = (name: 'answers' | 'gateway') =>
    (config.keys.earlier?.[name] ?? []).flatMap((file, i) => {
      try {
        return [ed25519Verifier(readFileSync(path(file), 'utf8'))];
      } catch (cause) {
        problems.push(`keys.earlier.${name}[${i}]: ${String(cause)}`);
        return [];
      }
    });
  const wallets = loadWallets('payments.wallets', loaded, ports, problems);
  const terminalWallets = loadWallets('terminalWallets', loaded, ports, problems);
  const cardKeys = loadKeysOfCards(loaded, ports, problems);
  const secretOf = (file: string) => readSecretText(file, config.mode);
  const people = loadStaff(loaded, ports, secretOf, problems);
  const { payments, invoices, smsPlatform, meterPlatform, accountBook, refundBudget, accounts } =
    config;
  const parts: ServiceParts = {
    policySigner: ed25519Signer(keys.private.policy),
    answerSigner: ed25519Signer(keys.private.answers),
    gatewaySigner: ed25519Signer(keys.private.gateway),
    earlierKeys: { answers: earlier('answers'), gateway: earlier('gateway') },
    requestKeys: keys.requests.map((key) =>
      key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ),
    publicKeys: keys.public,
    now: () => ports.clock.nowMs(),
    clock: ports.clock,
    log: ports.log,
    ...people,
    ...(config.policyValidDays === undefined ? {} : { policyValidDays: config.policyValidDays }),
    ...(terminalWallets.length === 0 ? {} : { wallets: terminalWallets }),
    ...(refundBudget === undefined ? {} : { refundBudget }),
    ...(cardKeys === undefined ? {} : { cardKeys }),
    ...(invoices === undefined
      ? {}
      : {
          invoices: {
            provider: httpInvoiceProvider(json('invoices.provider', invoices.provider)),
            config: invoices.config,
          },
        }),
    ...(smsPlatform === undefined
      ? {}
      : { smsPlatform: httpSmsPlatform(json('smsPlatform', smsPlatform)) }),
    ...(meterPlatform === undefined
      ? {}
      : { meterPlatform: httpMeterPlatform(json('meterPlatform', meterPlatform)) }),
    ...(accountBook === undefined
      ? {}
      : { accountBook: httpAccountBook(json('accountBook', accountBook)) }),
    ...(accounts === undefined
      ? {}
      : {
          accountSource: httpCompanyAccounts({
            ...json('accounts', accounts),
            credit: accounts.credit,
            maxAgeMs: accounts.maxAgeMs,
          }),
        }),
    ...(payments === undefined
      ? {}
      : {
          payments: {
            wallets,
            payees: payments.payees ?? {},
            publicUrl: payments.publicUrl.replace(/\/+$/, ''),
            clock: ports.clock,
            random: ports.random,
            log: ports.log,
            ...(payments.refundBudget === undefined ? {} : { refundBudget: payments.refundBudget }),
          },
        }),
  };
  return problems.length === 0 ? ok(parts) : err(failure('CONF-0101', lines(problems)));
}
type Outside = NonNullable<CentralConfig['smsPlatform']>;

function loadWallets(
  key: 'payments.wallets' | 'terminalWallets',
  { config, path }: LoadedCentral,
  { clock, random }: ServicePorts,
  problems: string[],
): readonly MerchantWallet[] {
  const given = key === 'terminalWallets' ? config.terminalWallets : config.payments?.wallets;
  return (given ?? []).flatMap(({ merchant = HOUSE_MERCHANT, wallet }, i) => {
    const loaded = loadPayments(
      {
        mode: config.mode,
        // Told to the wallet as the store's number where the configuration names none.
        terminalId: merchant,
        central: { baseUrl: 'https://central.invalid', keyFile: '', policyKeyFile: '' },
        payments: [wallet],
      } as Parameters<typeof loadPayments>[0],
      path('.'),
      { clock, random, timeoutMs: WALLET_TIMEOUT_MS },
    );
    if (loaded.ok) return loaded.value.map((provider) => ({ merchant, provider }));
    problems.push(
      (loaded.error.detail ?? loaded.error.code).replaceAll('payments[0]', `${key}[${i}].wallet`),
    );
    return [];
  });
}

function loadKeysOfCards(
  { config: { mode, cardKeys }, path }: LoadedCentral,
  { machineId }: ServicePorts,
  problems: string[],
): CentralOptions['cardKeys'] {
  if (cardKeys === undefined) return undefined;
  const loaded = loadCardKeys({ config: { mode, keys: cardKeys }, path }, machineId);
  if (loaded.ok) return loaded.value;
  problems.push((loaded.error.detail ?? loaded.error.code).replaceAll('keys.', 'cardKeys.'));
  return undefined;
}
