import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../shared/ports.ts';

/** The command line beside this core: from the sources, built, or installed. */
const CLI = ['../cli/main.ts', '../cli/cli.mjs', './cli.mjs'];
/** Characters of an answer that are read; the longest names a thousand problems. */
const MAX_SAID = 4 << 20;

/** How a command ended, and what it said until then. */
export type Said =
  | { readonly kind: 'ended'; readonly out: string; readonly err: string; readonly how: string }
  /** Its time was over, or its end was asked for. */
  | { readonly kind: 'given-up' }
  | { readonly kind: 'not-begun'; readonly cause: unknown };

export interface BesideOptions {
  readonly clock: Clock;
  /** A command that has not ended by then is killed. */
  readonly limitMs: number;
  /** What it reads on its standard input; left out: nothing. */
  readonly input?: string;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
  /** Left out: the command line beside this core; undefined: there is none. */
  readonly entry?: string | undefined;
}

const commandLine = (): string | undefined =>
  CLI.map((file) => fileURLToPath(new URL(file, import.meta.url))).find((file) => existsSync(file));

/**
 * Runs a command of `pilotlight` in a process of its own: the kiosk goes on meanwhile. Never
 * rejects.
 */
export function runBeside(args: readonly string[], options: BesideOptions): Promise<Said> {
  const { clock, limitMs, input, signal } = options;
  const entry = 'entry' in options ? options.entry : commandLine();
  if (entry === undefined)
    return Promise.resolve({
      kind: 'not-begun',
      cause: 'the command line is not installed beside the core',
    });
  if (signal?.aborted === true) return Promise.resolve({ kind: 'given-up' });
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [entry, ...args], { stdio: 'pipe', windowsHide: true });
  } catch (cause) {
    return Promise.resolve({ kind: 'not-begun', cause });
  }
  return new Promise((done) => {
    const said = { out: '', err: '' };
    let cancel = (): void => undefined;
    const end = (result: Said): void => {
      cancel();
      signal?.removeEventListener('abort', giveUp);
      done(result);
    };
    const giveUp = (): void => {
      child.kill('SIGKILL');
      // One that waits for a dead device may not even be killed: it is not waited for.
      end({ kind: 'given-up' });
    };
    // First of all: where there are no more files to open, the child has not even streams.
    child.on('error', (cause) => end({ kind: 'not-begun', cause }));
    cancel = clock.after(limitMs, giveUp);
    for (const [stream, name] of [[child.stdout, 'out'] as const, [child.stderr, 'err'] as const]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        said[name] = (said[name] + text).slice(0, MAX_SAID);
      });
    }
    child.on('close', (code, by) => end({ kind: 'ended', ...said, how: String(code ?? by) }));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
    signal?.addEventListener('abort', giveUp);
  });
}
