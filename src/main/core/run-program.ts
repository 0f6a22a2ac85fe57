import { spawn } from 'node:child_process';
import type { RunProgram } from '../../device/speaker/types.ts';
import type { Clock } from '../../shared/ports.ts';

/** What a program says is cut here. */
const MAX_TEXT = 64 * 1024;

/** Runs programs of this machine, in the C locale, so that what they say can be read. */
export const runProgram =
  (clock: Clock): RunProgram =>
  (command, args, { input, timeoutMs }) =>
    new Promise((resolve) => {
      const child = spawn(command, [...args], { env: { ...process.env, LC_ALL: 'C' } });
      const said = { stdout: '', stderr: '' };
      const cancel = clock.after(timeoutMs, () => child.kill('SIGKILL'));
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].on('data', (bytes: Buffer) => {
          if (said[stream].length < MAX_TEXT) said[stream] += bytes.toString('utf8');
        });
      child.once('error', () => {
        cancel();
        resolve(null);
      });
      child.once('close', (code) => {
        cancel();
        resolve({ code, ...said });
      });
      // It may end before it has read everything.
      child.stdin.on('error', () => undefined);
      child.stdin.end(input ?? new Uint8Array());
    });
