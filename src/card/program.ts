import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Clock, LogFn } from '../shared/ports.ts';
import { chatter } from './chatter.ts';
import { Lines } from './lines.ts';

/** A maker's program sees nothing of the kiosk's environment but where programs are. */
export function programEnv(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'] ?? '',
    ...(process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] }),
  };
}

/**
 * A program is the first of a process group, and is ended with all that it began (setsid(2),
 * kill(2)): a script around it, and the helper that holds the reader.
 */
const HAS_GROUPS = process.platform !== 'win32';

export interface ProgramOptions {
  /** For the log. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * One life of a maker's program that is spoken to in lines of JSON on its standard input and
 * output. It is over when the program ends, when it breaks the form of the lines, or when it is
 * ended here; it is never started again by itself.
 */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines = new Lines();
  readonly #changed: () => void;
  #over: string | null = null;

  /** @param changed called when a line came and when it is over */
  constructor(o: ProgramOptions, changed: () => void) {
    this.#changed = changed;
    const [program = '', ...args] = o.command;
    const child = spawn(program, args, {
      cwd: o.cwd,
      env: programEnv(),
      stdio: 'pipe',
      detached: HAS_GROUPS,
    });
    this.#child = child;
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      // What still comes out of the pipe of one that was ended is nobody's.
      if (this.#over !== null) return;
      const wrong = this.#lines.take(text);
      if (wrong !== null) this.end(wrong);
      else this.#changed();
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on(
      'data',
      chatter(o.clock, (text) => o.log('debug', 'card', `${o.name} says`, text)),
    );
    // A pipe that broke is told by the end of the process.
    child.stdin.on('error', () => undefined);
    child.on('error', (cause) => this.end(cause.message));
    // What it began itself has its pipes and its device, and goes with it.
    child.on('exit', () => this.#killAll());
    child.on('close', (code, signal) => this.end(`ended with ${signal ?? String(code)}`));
  }

  /** Why it is over; null: it lives. */
  get over(): string | null {
    return this.#over;
  }

  /** 0: it was never started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Lines that nobody took yet. */
  get waiting(): number {
    return this.#lines.length;
  }

  /** The oldest line that nobody took yet. */
  shift(): string | undefined {
    return this.#lines.shift();
  }

  say(message: Readonly<Record<string, unknown>>): void {
    if (this.#over === null) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends it and what it began (SIGKILL: what hangs in a library takes no other signal). */
  end(why: string): void {
    if (this.#over === null) {
      this.#over = why;
      this.#killAll();
    }
    this.#changed();
  }

  #killAll(): void {
    const { pid } = this.#child;
    if (HAS_GROUPS && pid !== undefined)
      try {
        process.kill(-pid, 'SIGKILL');
        return;
      } catch {
        // Nobody is left of its group.
      }
    this.#child.kill('SIGKILL');
  }
}
