import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

const RESTART_MS = 500;
const ANSWER_MS = 2_000;

/** What a service process says to the hall. */
export type ChildMessage =
  | { readonly ready: true; readonly port: number }
  | { readonly answered: number; readonly value: unknown };
/** What the hall asks it. */
export interface ChildQuestion {
  readonly ask: number;
  readonly question: string;
}

/** A service process of the hall: started, and started again when it dies, until it is stopped. */
export class HallChild {
  readonly #name: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #stopping = false;
  #wasReady = false;
  #onReady: () => void = () => undefined;
  readonly #say: (text: string) => void;
  readonly #restartMs: number;
  #asked = 0;
  readonly #answers = new Map<number, (value: unknown) => void>();

  constructor(
    name: string,
    args: readonly string[],
    say: (text: string) => void,
    restartMs = RESTART_MS,
  ) {
    this.#restartMs = restartMs;
    this.#name = name;
    this.#args = args;
    this.#say = say;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it serves; rejects when its very first start fails. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#spawn(reject);
    });
  }

  #spawn(failed: (error: Error) => void): void {
    // A group of its own: a Ctrl-C in the terminal reaches the hall first, which stops its children
    // in order.
    const child = spawn(process.execPath, [...this.#args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: process.platform !== 'win32',
    });
    this.#child = child;
    child.on('message', (message: ChildMessage) => {
      if ('answered' in message) return this.#answers.get(message.answered)?.(message.value);
      this.#wasReady = true;
      this.#onReady();
    });
    child.on('exit', (code, signal) => {
      if (this.#stopping) return;
      if (!this.#wasReady) {
        failed(new Error(`${this.#name} ended (${code ?? signal}) before it was ready`));
        return;
      }
      this.#say(`${this.#name} ended (${code ?? signal}); starting it again`);
      setTimeout(() => {
        if (!this.#stopping) this.#spawn(() => this.#spawn(() => undefined));
      }, this.#restartMs);
    });
  }

  /**
   * What the child says to a question of its own service. Null: it is away, or says nothing in
   * time.
   */
  ask(question: string): Promise<unknown> {
    const child = this.#child;
    const id = ++this.#asked;
    return new Promise<unknown>((resolve) => {
      if (child?.connected !== true) return resolve(null);
      const late = setTimeout(() => resolve(null), ANSWER_MS);
      this.#answers.set(id, (value) => {
        clearTimeout(late);
        resolve(value);
      });
      child.send({ ask: id, question }, (error) => {
        if (error !== null) this.#answers.get(id)?.(null);
      });
    }).finally(() => this.#answers.delete(id));
  }

  /** SIGKILL. False: there is no process to kill just now. */
  kill(): boolean {
    return this.#child?.kill('SIGKILL') ?? false;
  }

  stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null)
      return Promise.resolve();
    return new Promise((resolve) => {
      const hard = setTimeout(() => child.kill('SIGKILL'), 8_000);
      child.once('exit', () => {
        clearTimeout(hard);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}
