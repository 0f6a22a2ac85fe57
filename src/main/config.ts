import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { PRINTER_MODELS } from '../device/printer/models.ts';
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

/** The configuration itself, and makers' programs: what the kiosk's user starts. */
function changeable(full: string, { layouts = [], readers }: TerminalConfig): string | null {
  const programs = [...layouts, ...readers].flatMap(({ command }) =>
    command === undefined ? [] : [resolve(dirname(full), command[0] as string)],
  );
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
    if ((r.kind === 'process') !== (r.command !== undefined))
      return `readers[${i}].command: a reader of kind process needs its program, and no other has one`;
    if (r.kind !== 'crt' && r.dialect !== undefined)
      return `readers[${i}].dialect: only a motor reader has one`;
    if (r.kind === 'virtual' && c.mode === 'production')
      return `readers[${i}].kind: a virtual reader is for demo mode only`;
  }
  if (c.keys.kind === 'psam') {
    const { kind, match, path, slot } = c.keys.reader;
    if (kind === 'crt-sam' && c.readers[0]?.kind !== 'crt')
      return 'keys.reader.kind: a SAM slot is the motor reader’s: readers[0].kind is not crt';
    if (kind === 'process-sam' && c.readers[0]?.kind !== 'process')
      return 'keys.reader.kind: a SAM slot is the reader’s own: readers[0].kind is not process';
    if (kind === 'crt-sam' && (slot ?? 0) > 4)
      return 'keys.reader.slot: a motor reader has the slots 0 to 4';
    const sam = kind === 'crt-sam' || kind === 'process-sam';
    if (kind === 'crt-sam' && c.readers[0]?.dialect === '02')
      return 'keys.reader.kind: the SAM slots of a motor reader of dialect 02 are not known';
    if (sam && (match !== undefined || path !== undefined))
      return 'keys.reader: a SAM slot is named by its number alone (slot)';
    if (!sam && slot !== undefined)
      return 'keys.reader.slot: only the customer’s reader has SAM slots (kinds crt-sam, process-sam)';
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
  const printer = printerProblem(c.printer);
  if (printer !== null) return printer;
  if (c.scanner.kind === 'virtual' && !/^tcp:\/\/127\.0\.0\.1:\d{1,5}$/.test(c.scanner.path ?? ''))
    return 'scanner.path: a virtual scanner needs tcp://127.0.0.1:PORT';
  if (c.scanner.kind === 'virtual' && c.mode === 'production')
    return 'scanner.kind: a virtual scanner is for demo mode only';
  return sensorProblem(c);
}

/** What UPS, bus and jack say together. */
function sensorProblem({ mode, modbus, headphones }: TerminalConfig): string | null {
  if (modbus === undefined) return null;
  const { path, inputs = {}, outputs = {} } = modbus;
  if (
    path.startsWith('tcp:') &&
    (mode === 'production' || !/^tcp:\/\/127\.0\.0\.1:\d{1,5}$/.test(path))
  )
    return 'modbus.path: a serial port; tcp://127.0.0.1:PORT is for demo mode only';
  if (inputs.jack !== undefined && headphones.kind !== 'none')
    return 'modbus.inputs.jack: there is one jack, and headphones.kind names another';
  for (const [name, points] of Object.entries({ inputs, outputs })) {
    const addresses = Object.values(points).flatMap((p) => (p === undefined ? [] : [p.address]));
    if (new Set(addresses).size < addresses.length)
      return `modbus.${name}: two of them have one address`;
    // What is read is read at once.
    if (name === 'inputs' && Math.max(...addresses) - Math.min(...addresses) >= 64)
      return 'modbus.inputs: they lie more than 64 apart';
  }
  return null;
}

/** Is a printer's path that of Linux's usblp? Any other than this and `tcp:` is a serial port. */
export const isPrinterFile = (path: string): boolean => /(^|\/)(usb)?lp\d+$/.test(path);

/** What of a printer's settings does not go together. */
function printerProblem(p: TerminalConfig['printer']): string | null {
  const path = p.path ?? '';
  if (p.kind !== 'escpos') return null;
  if (path.startsWith('tcp:') && !/^tcp:\/\/[^/:]+:\d{1,5}$/.test(path))
    return 'printer.path: a network printer needs tcp://HOST:PORT, mostly 9100';
  const serial = !path.startsWith('tcp:') && !isPrinterFile(path);
  if (!serial && (p.baudRate ?? p.flow) !== undefined)
    return 'printer.baudRate, printer.flow: only a serial printer has them';
  if (p.markedPaper === true && PRINTER_MODELS[p.model ?? 'generic-58'].blackMark === null)
    return `printer.markedPaper: no command for marked paper is known of the model ${p.model ?? 'generic-58'}`;
  return null;
}

/** `tcp://127.0.0.1:7001` → its parts. */
export function tcpAddress(url: string): { host: string; port: number } {
  const u = new URL(url);
  return { host: u.hostname, port: Number(u.port) };
}
