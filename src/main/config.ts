import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import {
  PUBLISHED_PIN_HASH,
  completeConfig,
  configProblems,
  terminalConfigSchema,
} from '../shared/config/terminal.ts';
import type { TerminalConfig } from '../shared/config/terminal.ts';

export interface LoadedConfig {
  readonly config: TerminalConfig;
  /** The file itself. */
  readonly file: string;
  /** Relative paths in the file start here. */
  readonly baseDir: string;
  readonly path: (relative: string) => string;
}

/** Reads and checks `terminal.json`. CONF-0101 names every bad key. */
export function loadConfig(file: string): Result<LoadedConfig, Failure> {
  const full = resolve(file);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(full, 'utf8'));
  } catch (cause) {
    return err(
      failure(
        'CONF-0101',
        `${full}: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause,
      ),
    );
  }
  const parsed = terminalConfigSchema.safeParse(json);
  if (!parsed.success)
    return err(
      failure('CONF-0101', `${full}: ${configProblems(parsed.error).join('; ')}`, parsed.error),
    );
  const config = completeConfig(parsed.data);
  const sample = sampleProblem(config);
  if (sample !== null) return err(failure('CONF-0103', `${full}: ${sample}`));
  const open = config.mode === 'production' ? changeable(full, config) : null;
  if (open !== null) return err(failure('CONF-0101', open));
  const problem = crossProblem(config);
  if (problem !== null) return err(failure('CONF-0101', `${full}: ${problem}`));
  const baseDir = dirname(full);
  return ok({
    config,
    file: full,
    baseDir,
    path: (p) => (isAbsolute(p) ? p : resolve(baseDir, p)),
  });
}

/** The configuration itself, and meter makers' programs: what the kiosk's user starts. */
function changeable(full: string, { layouts = [] }: TerminalConfig): string | null {
  const programs = layouts.map((l) => resolve(dirname(full), l.command[0] ?? ''));
  // One that is missing is named when it is started.
  const files = [full, ...programs.filter((program) => existsSync(program))];
  return files.map(writableByOthers).find((problem) => problem !== null) ?? null;
}

/**
 * Whoever may write what a kiosk believes says who central is, and what the kiosk is. Null: only
 * its owner may (or this is Windows, where the folder's access list is the operator's to set).
 */
export function writableByOthers(file: string): string | null {
  if (process.platform === 'win32') return null;
  const { mode } = statSync(file);
  return (mode & 0o022) === 0
    ? null
    : `${file} can be changed by others (mode ${(mode & 0o777).toString(8)}): chmod go-w ${file}`;
}

/** What is published is for the demo only. */
function sampleProblem(c: TerminalConfig): string | null {
  if (c.mode !== 'production') return null;
  const known = c.maintenance.users.findIndex((user) => user.hash === PUBLISHED_PIN_HASH);
  const problems = [
    ...(c.keys.kind === 'sample' ? ['keys.kind: sample keys are refused outside demo mode'] : []),
    ...(known < 0
      ? []
      : [
          `maintenance.users[${known}]: the demo's PIN is refused outside demo mode; make one with \`npx pilotlight pin\``,
        ]),
  ];
  return problems.length === 0 ? null : problems.join('; ');
}

/** TLS, or no line at all. */
function isPrivateLine(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** What one key alone cannot say. */
function crossProblem(c: TerminalConfig): string | null {
  for (const [i, r] of c.readers.entries()) {
    if (r.kind === 'virtual' && !/^tcp:\/\/127\.0\.0\.1:\d{1,5}$/.test(r.path ?? ''))
      return `readers[${i}].path: a virtual reader needs tcp://127.0.0.1:PORT`;
    if (r.kind === 'crt' && r.path === undefined)
      return `readers[${i}].path: a motor reader needs its serial port, e.g. /dev/ttyS0`;
    if (r.kind !== 'crt' && r.dialect !== undefined)
      return `readers[${i}].dialect: only a motor reader has one`;
    if (r.kind === 'virtual' && c.mode === 'production')
      return `readers[${i}].kind: a virtual reader is for demo mode only`;
  }
  if (c.keys.kind === 'psam') {
    const { kind, match, path, slot } = c.keys.reader;
    if (kind === 'crt-sam' && c.readers[0]?.kind !== 'crt')
      return 'keys.reader.kind: a SAM slot is the motor reader’s: readers[0].kind is not crt';
    if (kind === 'crt-sam' && c.readers[0]?.dialect === '02')
      return 'keys.reader.kind: the SAM slots of a motor reader of dialect 02 are not known';
    if (kind === 'crt-sam' && (match !== undefined || path !== undefined))
      return 'keys.reader: a SAM slot is named by its number alone (slot)';
    if (kind !== 'crt-sam' && slot !== undefined)
      return 'keys.reader.slot: only a motor reader has SAM slots (kind crt-sam)';
    const same = c.readers.some(
      (r) =>
        r.kind === 'pcsc' &&
        match !== undefined &&
        (r.match ?? '').toLowerCase() === match.toLowerCase(),
    );
    if (
      kind === 'pcsc' &&
      (match === undefined ||
        same ||
        c.readers.some((r) => r.kind === 'pcsc' && (r.match ?? '') === ''))
    )
      return 'keys.reader.match: a PSAM needs a reader by name, and the customer’s reader another name (readers[0].match)';
    if (kind === 'virtual' && !/^tcp:\/\/127\.0\.0\.1:\d{1,5}$/.test(path ?? ''))
      return 'keys.reader.path: a virtual PSAM needs tcp://127.0.0.1:PORT';
    if (kind === 'virtual' && c.mode === 'production')
      return 'keys.reader.kind: a virtual PSAM is for demo mode only';
  }
  if (c.mode === 'production') {
    const direct = c.payments.findIndex((p) => p.kind === 'unionpay');
    // Its answers are proven by a key that this machine has too, or by nothing but TLS: whoever has
    // the machine could make them.
    if (direct >= 0)
      return `payments[${direct}].kind: UnionPay’s answers prove nothing to central; in production it is paid through the gateway`;
    if (c.keys.kind === 'sealed' && c.keys.diskKey !== 'tpm')
      return 'keys.diskKey: who takes the disk has a whole city’s cards; in production only on a disk whose key is in this machine’s TPM ("diskKey": "tpm"), else a PSAM or keys at central';
  }
  // Central's answers say what a sum buys and whether a card may be written: on a line in clear
  // anybody says it.
  if (c.mode === 'production' && !isPrivateLine(c.central.baseUrl))
    return 'central.baseUrl: https is needed, but for this machine itself';
  const { caFile, proxy } = c.central;
  if ((caFile ?? proxy) !== undefined && !c.central.baseUrl.startsWith('https:'))
    return 'central.caFile, central.proxy: only a line of https has them (central.baseUrl)';
  const twice = (c.layouts ?? []).find((l, i, all) => all.findIndex((o) => o.id === l.id) !== i);
  if (twice !== undefined) return `layouts: ${twice.id} is there twice`;
  if (c.readers.length > 1) return 'readers: one reader is supported so far';
  if (c.printer.kind === 'virtual' && !/^tcp:\/\/127\.0\.0\.1:\d{1,5}$/.test(c.printer.path ?? ''))
    return 'printer.path: a virtual printer needs tcp://127.0.0.1:PORT';
  if (c.scanner.kind === 'virtual' && !/^tcp:\/\/127\.0\.0\.1:\d{1,5}$/.test(c.scanner.path ?? ''))
    return 'scanner.path: a virtual scanner needs tcp://127.0.0.1:PORT';
  if (c.scanner.kind === 'virtual' && c.mode === 'production')
    return 'scanner.kind: a virtual scanner is for demo mode only';
  return null;
}

/** `tcp://127.0.0.1:7001` → its parts. */
export function tcpAddress(url: string): { host: string; port: number } {
  const u = new URL(url);
  return { host: u.hostname, port: Number(u.port) };
}
