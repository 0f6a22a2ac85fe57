import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whosePin } from '../../kiosk/maintenance/pin.ts';
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
}

/** What maintenance mode needs of this machine. */
export function machinePorts(o: MachineOptions): NonNullable<Parts['maintenance']> {
  return {
    enabled: o.users.length > 0,
    checkPin: (pin, of) =>
      whosePin(of === undefined ? o.users : o.users.filter((user) => user.name === of), pin),
    cards: new Map(
      o.users.flatMap((user) => (user.card === undefined ? [] : [[user.card, user.name] as const])),
    ),
    verify: () => verifyBeside(o),
    scratch: () => scratch(o),
  };
}

/** `pilotlight journal verify` in a process of its own: the kiosk goes on meanwhile. Never rejects. */
function verifyBeside(o: MachineOptions): Promise<{ ok: boolean; problems: readonly string[] }> {
  const entry = CLI.map((file) => fileURLToPath(new URL(file, import.meta.url))).find((file) =>
    existsSync(file),
  );
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
