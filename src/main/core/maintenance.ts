import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StickView } from '../../shared/contract/index.ts';
import { failure, isErrorCode } from '../../shared/errors.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { findPlace, stickView } from '../export/stick.ts';
import { whosePin } from '../../kiosk/maintenance/pin.ts';
import type { ProgramLine } from '../../kiosk/maintenance/logs.ts';
import type { SystemPort } from '../../kiosk/maintenance/system.ts';
import type { MaintenanceUser } from '../../kiosk/maintenance/pin.ts';
import type { Clock } from '../../shared/ports.ts';
import type { Parts } from './wire.ts';

/** The command line beside this core: from the sources, built, or installed. */
const CLI = ['../cli/main.ts', '../cli/cli.mjs', './cli.mjs'];
/** A check that has not ended by then is given up; a journal of years takes seconds. */
const VERIFY_MS = 300_000;
/** Characters of its report; the longest names a thousand problems. */
const MAX_REPORT = 4 << 20;
const SCRATCH_BYTES = 64 * 1024;

export interface MachineOptions {
  readonly users: readonly MaintenanceUser[];
  readonly dataDir: string;
  readonly secondPath: string;
  readonly clock: Clock;
  /** The machine itself, and what its programs warned of; left out: nothing is known of it. */
  readonly system?: SystemPort;
  readonly programLines?: () => readonly ProgramLine[];
  /** What may be exported; left out: nothing. */
  readonly exports?: {
    readonly configFile: string;
    /** Null: to the stick that is in. */
    readonly folder: string | null;
    readonly sealed: boolean;
    /** The log's last lines. */
    readonly log: () => string;
  };
}

/** What maintenance mode needs of this machine. */
export function machinePorts(o: MachineOptions): NonNullable<Parts['maintenance']> {
  return {
    enabled: o.users.length > 0,
    checkPin: (pin, of) =>
      whosePin(of === undefined ? o.users : o.users.filter((user) => user.name === of), pin),
    roles: new Map(
      o.users.flatMap(({ name, role }) => (role === undefined ? [] : [[name, role] as const])),
    ),
    ...(o.exports === undefined ? {} : { exports: exportsOf(o.exports, o.clock) }),
    ...(o.system === undefined ? {} : { system: o.system }),
    ...(o.programLines === undefined ? {} : { programLines: o.programLines }),
    cards: new Map(
      o.users.flatMap((user) => (user.card === undefined ? [] : [[user.card, user.name] as const])),
    ),
    verify: () => verifyBeside(o),
    scratch: () => scratch(o),
  };
}

const commandLine = (): string | undefined =>
  CLI.map((file) => fileURLToPath(new URL(file, import.meta.url))).find((file) => existsSync(file));

/** An export that has not ended by then hangs with its stick. */
const EXPORT_MS = 240_000;

/** Exports are written by a process of their own: one that hangs with a pulled stick is ended. */
function exportsOf(
  o: NonNullable<MachineOptions['exports']>,
  clock: Clock,
): NonNullable<NonNullable<Parts['maintenance']>['exports']> {
  let seen: StickView = { state: 'none', name: '', freeBytes: 0 };
  let looking = false;
  const look = async (): Promise<void> => {
    seen = stickView(await findPlace(o.folder));
    looking = false;
  };
  return {
    sealed: o.sealed,
    // As last seen: a stick that does not answer holds nothing up.
    stick: () => {
      if (!looking) {
        looking = true;
        void look();
      }
      return seen;
    },
    write: () => exportBeside(o.configFile, o.log(), clock),
  };
}

/** What `pilotlight export write --json` says. */
type ExportAnswer =
  | { readonly ok: true; readonly name: string; readonly bytes: number; readonly sealed: boolean }
  | { readonly ok: false; readonly code: string; readonly detail?: string };

function exportBeside(
  configFile: string,
  log: string,
  clock: Clock,
): Promise<Result<ErrorText, Failure>> {
  const entry = commandLine();
  if (entry === undefined) return Promise.resolve(err(failure('MNT-0207', 'no command line')));
  return new Promise((done) => {
    const child = spawn(
      process.execPath,
      [entry, 'export', 'write', '--config', configFile, '--log', '-', '--json'],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    let out = '';
    const end = (result: Result<ErrorText, Failure>): void => {
      cancel();
      done(result);
    };
    const cancel = clock.after(EXPORT_MS, () => {
      child.kill('SIGKILL');
      // A process that waits for a dead device may not even be killed: it is not waited for.
      end(err(failure('MNT-0205', 'no answer from the stick')));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      out = (out + chunk.toString()).slice(0, MAX_REPORT);
    });
    child.on('error', (cause) => end(err(failure('MNT-0207', String(cause), cause))));
    child.on('close', () => end(exported(out)));
    child.stdin.on('error', () => undefined);
    child.stdin.end(log);
  });
}

function exported(out: string): Result<ErrorText, Failure> {
  let answer: ExportAnswer;
  try {
    answer = JSON.parse(out) as ExportAnswer;
  } catch {
    return err(failure('MNT-0207', 'it ended without an answer'));
  }
  if (!answer.ok)
    return err(
      failure(isErrorCode(answer.code) ? answer.code : 'MNT-0207', answer.detail ?? answer.code),
    );
  const { name, bytes } = answer;
  const kilobytes = Math.ceil(bytes / 1000);
  return ok({
    zh: `已写到U盘并核对：${name}（${kilobytes} KB），可以拔出`,
    en: `written and checked: ${name} (${kilobytes} kB); the stick may be taken out`,
  });
}

/** `pilotlight journal verify` in a process of its own: the kiosk goes on meanwhile. Never rejects. */
function verifyBeside(o: MachineOptions): Promise<{ ok: boolean; problems: readonly string[] }> {
  const entry = commandLine();
  if (entry === undefined)
    return Promise.resolve({
      ok: false,
      problems: ['the command line is not installed beside the core'],
    });
  return new Promise((done) => {
    const child = spawn(
      process.execPath,
      [entry, 'journal', 'verify', '--data', o.dataDir, '--second', o.secondPath, '--json'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const cancel = o.clock.after(VERIFY_MS, () => child.kill('SIGKILL'));
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.length > MAX_REPORT) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err = (err + chunk.toString()).slice(0, MAX_REPORT);
    });
    child.on('error', (cause) => {
      cancel();
      done({ ok: false, problems: [String(cause)] });
    });
    child.on('close', (code, signal) => {
      cancel();
      try {
        const report = JSON.parse(out) as { ok: boolean; problems?: readonly string[] };
        done({ ok: report.ok, problems: report.problems ?? [] });
      } catch {
        done({
          ok: false,
          problems: [
            `the check ended without a report (${code ?? signal ?? ''}) ${err.slice(0, 200)}`.trim(),
          ],
        });
      }
    });
  });
}

/**
 * Writes, syncs and reads a scratch file back; the milliseconds it took.
 *
 * @throws what the disk says.
 */
async function scratch(o: MachineOptions): Promise<number> {
  const file = join(o.dataDir, 'self-test.tmp');
  const began = o.clock.monoMs();
  const bytes = randomBytes(SCRATCH_BYTES);
  const handle = await open(file, 'w+', 0o600);
  try {
    await handle.write(bytes, 0, bytes.length, 0);
    await handle.sync();
    const back = Buffer.alloc(bytes.length);
    const { bytesRead } = await handle.read(back, 0, back.length, 0);
    if (bytesRead !== bytes.length || !back.equals(bytes))
      throw new Error('what was read back is not what was written');
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
  return o.clock.monoMs() - began;
}
