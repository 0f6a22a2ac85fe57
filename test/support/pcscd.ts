import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './ports.ts';

/**
 * A pcscd of its own with one virtual reader (vpcd) on a free port. pcscd's folder for socket and
 * pid file is fixed at build time, so it runs in a mount namespace of its own in which a private
 * folder lies over that one; clients reach the socket through PCSCLITE_CSOCK_NAME. Linux with root
 * only.
 */
export interface Pcscd {
  /** vpcd's port: a simulated card connects here. */
  readonly port: number;
  /** Value for PCSCLITE_CSOCK_NAME; already set in this process. */
  readonly socket: string;
  /**
   * Starts it (again), with its readers or, as if their plug were out, without; resolves when the
   * service answers. A plug pulled while it runs cannot be played: its readers are serial, and
   * SIGUSR1, which pcscd's manual names for reading their configuration anew, does nothing in 1.9.9
   * built with libudev (its recheck has no caller, and refuses a file that was changed). Unplugging
   * at each exchange is test/unit/card/pcsc-two.test.ts.
   */
  readonly start: (plugged?: boolean) => Promise<void>;
  /** Kills it on the spot, as a crash would. */
  readonly kill: () => Promise<void>;
  /** Stands still, answering nobody, as a service in trouble does; `resume` ends that. */
  readonly hang: () => void;
  readonly resume: () => void;
  /** Stops it and removes everything. */
  readonly stop: () => Promise<void>;
}

const RUN_DIR = '/run/pcscd';
const PCSCD = '/usr/sbin/pcscd';
const DRIVERS = [
  '/usr/lib/pcsc/drivers/serial/libifdvpcd.so',
  '/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so',
];
const START_TIMEOUT_MS = 10_000;

function answers(open: () => ReturnType<typeof connect>): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open();
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

/**
 * Prepares a private pcscd without starting it. @throws Error that names what is missing on this
 * machine.
 */
export async function preparePcscd(): Promise<Pcscd> {
  if (process.platform !== 'linux') throw new Error('a private pcscd needs Linux');
  if (!existsSync(PCSCD)) throw new Error(`${PCSCD} is missing: install pcscd`);
  const driver = DRIVERS.find((path) => existsSync(path));
  if (driver === undefined) throw new Error('vpcd’s driver is missing: install vsmartcard-vpcd');
  // It stays when we go: another test's pcscd may be about to mount over it, and no one can see
  // that from here.
  mkdirSync(RUN_DIR, { recursive: true });
  if (spawnSync('unshare', ['-m', 'true']).status !== 0)
    throw new Error('a mount namespace is refused here: run as root');

  const dir = mkdtempSync(join(tmpdir(), 'pilotlight-pcscd-'));
  const config = join(dir, 'reader.conf');
  const run = join(dir, 'run');
  mkdirSync(run);
  const port = await freePorts(1);
  const hex = `0x${port.toString(16).toUpperCase()}`;
  const readers = `FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:${hex}\nLIBPATH ${driver}\nCHANNELID ${hex}\n`;
  const socket = join(run, 'pcscd.comm');
  const outerSocket = process.env['PCSCLITE_CSOCK_NAME'];
  process.env['PCSCLITE_CSOCK_NAME'] = socket;
  let child: ChildProcess | null = null;

  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      running.once('exit', () => {
        resolve();
      });
      running.kill('SIGKILL');
    });
  };

  const start = async (plugged = true): Promise<void> => {
    writeFileSync(config, plugged ? readers : '');
    rmSync(run, { recursive: true, force: true });
    mkdirSync(run);
    let output = '';
    const started = spawn(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        `mount --bind "${run}" ${RUN_DIR} && exec ${PCSCD} --foreground --config "${config}"`,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    child = started;
    started.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    started.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await answers(() => connect(socket)))) {
      if (started.exitCode !== null)
        throw new Error(`pcscd ended with ${started.exitCode}: ${output}`);
      if (performance.now() > deadline)
        throw new Error(`pcscd does not answer on ${socket}: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  return {
    port,
    socket,
    start,
    kill,
    hang: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop: async () => {
      await kill();
      if (outerSocket === undefined) delete process.env['PCSCLITE_CSOCK_NAME'];
      else process.env['PCSCLITE_CSOCK_NAME'] = outerSocket;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
