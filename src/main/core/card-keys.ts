import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  centralKeyProvider,
  masterKeysOf,
  masterKeysSchema,
  psamKeyProvider,
  REFERENCE_PSAM,
  sampleKeyProvider,
  sealKeys,
  sealedKeyProvider,
} from '../../card/index.ts';
import type {
  ApduPort,
  AskCentral,
  KeyProvider,
  MachineBinding,
  Patience,
  PsamKey,
  PsamSettings,
} from '../../card/index.ts';
import { fromHex, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { PsamProfile } from '../../shared/config/terminal.ts';
import type { LoadedConfig } from '../config.ts';
import { secretText } from './terminal-keys.ts';

/** The kernel's first TPM (Documentation/ABI/stable/sysfs-class-tpm). */
const TPM = '/sys/class/tpm/tpm0';
/** systemd's machine-id(5). */
const MACHINE_ID = '/etc/machine-id';
const SECRET_BYTES = 32;

const bad = (why: string, cause?: unknown): { readonly ok: false; readonly error: Failure } =>
  err(failure('CONF-0101', why, cause));

/**
 * This machine's own identity.
 *
 * @throws where it has none
 */
export function machineId(): string {
  if (process.platform !== 'win32') return readFileSync(MACHINE_ID, 'utf8').trim();
  const said = execFileSync(
    'reg',
    ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid'],
    { encoding: 'utf8' },
  );
  const guid = /MachineGuid\s+REG_SZ\s+(\S+)/.exec(said)?.[1];
  if (guid === undefined) throw new Error('no MachineGuid');
  return guid;
}

function bindingOf(key: string, file: string, id: () => string): Result<MachineBinding, Failure> {
  const text = secretText(key, file);
  if (!text.ok) return text;
  if (!/^[0-9A-Fa-f]{64}\s*$/.test(text.value))
    return bad(`${key}: ${file}: not a secret of ${SECRET_BYTES} bytes in hex`);
  try {
    return ok({ machineId: id(), secret: fromHex(text.value.trim()) });
  } catch (cause) {
    return bad(
      `this machine has no identity to bind keys to: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

/** Where keys are that are not in this process. Left out (doctor): they are named and not asked. */
export interface KeyPorts {
  readonly psam: (
    reader: Extract<LoadedConfig['config']['keys'], { kind: 'psam' }>['reader'],
  ) => ApduPort;
  readonly central: AskCentral;
  /** How long a central is asked again that does not know of a payment yet; left out: not. */
  readonly patience?: Patience;
}
const notHere = () => Promise.resolve(bad('not asked here'));
const NO_PORTS: KeyPorts = {
  psam: () => ({ transmit: notHere, reset: notHere }),
  central: notHere,
};

/** A company's PSAM: the reference profile, and what its configuration says otherwise. */
export function psamSettings(profile: PsamProfile = {}): PsamSettings {
  const key = (text: string | undefined, otherwise: PsamKey | undefined): PsamKey | undefined =>
    text === undefined
      ? otherwise
      : { usage: Number.parseInt(text.slice(0, 2), 16), id: Number.parseInt(text.slice(2), 16) };
  const byte = (text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : Number.parseInt(text, 16);
  const r = REFERENCE_PSAM;
  const load = profile.load === null ? undefined : key(profile.load, r.load);
  return {
    application: profile.application === undefined ? r.application : fromHex(profile.application),
    auth: key(profile.auth, r.auth) ?? r.auth,
    mac: key(profile.mac, r.mac) ?? r.mac,
    ...(load === undefined ? {} : { load }),
    psc: key(profile.psc, r.psc) ?? r.psc,
    encrypt: byte(profile.encrypt, r.encrypt),
    macWithStart: byte(profile.macWithStart, r.macWithStart),
    ...(profile.wholeMac === undefined ? {} : { wholeMac: byte(profile.wholeMac, 0) }),
  };
}

/**
 * The card keys that the configuration names. CONF-0101: their files; CONF-0103: published keys
 * where they are refused.
 */
export function loadCardKeys(
  {
    config,
    path,
  }: {
    readonly config: Pick<LoadedConfig['config'], 'keys' | 'mode'>;
    readonly path: LoadedConfig['path'];
  },
  id: () => string = machineId,
  ports: KeyPorts = NO_PORTS,
): Result<KeyProvider, Failure> {
  const { keys } = config;
  if (keys.kind === 'sample') return sampleKeyProvider(config.mode);
  if (keys.kind === 'psam')
    return ok(psamKeyProvider(ports.psam(keys.reader), psamSettings(keys.profile)));
  if (keys.kind === 'central') return ok(centralKeyProvider(ports.central, ports.patience));
  if (keys.diskKey === 'tpm' && process.platform === 'linux' && !existsSync(TPM))
    return bad('keys.diskKey: this machine has no TPM (/sys/class/tpm/tpm0)');
  const binding = bindingOf('keys.secretFile', path(keys.secretFile), id);
  if (!binding.ok) return binding;
  const text = secretText('keys.file', path(keys.file));
  return text.ok ? sealedKeyProvider(text.value, binding.value) : text;
}

/**
 * `npx pilotlight keys seal`: seals the master keys of a JSON file for this machine. The machine's
 * secret is made where there is none yet; nothing that exists is written over.
 */
export function sealCardKeys(
  files: { readonly from: string; readonly to: string; readonly secret: string },
  random: Random,
  id: () => string = machineId,
): Result<{ readonly madeSecret: boolean }, Failure> {
  if (existsSync(files.to)) return bad(`${files.to} exists: it is not written over`);
  const text = secretText('the keys', files.from);
  if (!text.ok) return text;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.value);
  } catch {
    return bad(`${files.from}: not JSON`);
  }
  const keys = masterKeysSchema.safeParse(parsed);
  // The values are not repeated: they may be keys with one digit wrong.
  if (!keys.success)
    return bad(
      `${files.from}: ${keys.error.issues.map((i) => `${i.path.join('.') || '(root)'}: ${i.message}`).join('; ')}`,
    );
  const madeSecret = !existsSync(files.secret);
  try {
    if (madeSecret)
      writeFileSync(files.secret, `${toHex(random.bytes(SECRET_BYTES))}\n`, {
        mode: 0o600,
        flag: 'wx',
      });
    const binding = bindingOf('the secret', files.secret, id);
    if (!binding.ok) return binding;
    const sealed = sealKeys(masterKeysOf(keys.data), binding.value, random);
    const opened = sealedKeyProvider(sealed, binding.value);
    if (!opened.ok) return opened;
    writeFileSync(files.to, sealed, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    return bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
  return ok({ madeSecret });
}
