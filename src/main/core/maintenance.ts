import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
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
import { runBeside } from './beside.ts';
import type { Parts } from './wire.ts';

/** A check that has not ended by then is given up. */
const VERIFY_MS = 300_000;
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

async function exportBeside(
  configFile: string,
  log: string,
  clock: Clock,
): Promise<Result<ErrorText, Failure>> {
  const said = await runBeside(
    ['export', 'write', '--config', configFile, '--log', '-', '--json'],
    { clock, limitMs: EXPORT_MS, input: log },
  );
  switch (said.kind) {
    case 'not-begun':
      return err(failure('MNT-0207', String(said.cause), said.cause));
    case 'given-up':
      return err(failure('MNT-0205', 'no answer from the stick'));
    case 'ended':
      return exported(said.out);
  }
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
async function verifyBeside(
  o: MachineOptions,
): Promise<{ ok: boolean; problems: readonly string[] }> {
  const said = await runBeside(
    ['journal', 'verify', '--data', o.dataDir, '--second', o.secondPath, '--json'],
    { clock: o.clock, limitMs: VERIFY_MS },
  );
  const not = (why: string): { ok: boolean; problems: readonly string[] } => ({
    ok: false,
    problems: [why.trim()],
  });
  if (said.kind === 'not-begun') return not(String(said.cause));
  if (said.kind === 'given-up') return not(`the check had no end in ${VERIFY_MS / 60_000} minutes`);
  try {
    const report = JSON.parse(said.out) as { ok: boolean; problems?: readonly string[] };
    return { ok: report.ok, problems: report.problems ?? [] };
  } catch {
    return not(`the check ended without a report (${said.how}) ${said.err.slice(0, 200)}`);
  }
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
