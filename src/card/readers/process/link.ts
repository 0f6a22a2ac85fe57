import type { z } from 'zod';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Clock } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import { Program } from '../../program.ts';
import type { ProgramOptions } from '../../program.ts';
import { lineSchema } from './protocol.ts';

/** A job as it is asked: `do`, and what belongs to it. */
export type Job = Readonly<Record<string, unknown>> & { readonly do: string };

/**
 * One life of a reader's program: one job at a time, each with its time-out. A program that is
 * silent, or says what is no answer to its job, is ended; whether the card carried the job out is
 * then unknown.
 */
export class ReaderLink {
  readonly #program: Program;
  readonly #clock: Clock;
  readonly #lost: (why: string) => void;
  #id = 0;
  #waiting: ((line: string | null) => void) | null = null;
  #closed = false;

  /** @param lost it ended, or was ended for what it said; not called after {@link ReaderLink.close} */
  constructor(options: ProgramOptions, lost: (why: string) => void) {
    this.#clock = options.clock;
    this.#lost = lost;
    this.#program = new Program(options, () => this.#changed());
  }

  get pid(): number {
    return this.#program.pid;
  }

  /**
   * One job to its end. CARD-0107: the program is gone or broke the protocol; CARD-0108: it was
   * silent for so long; else what it says itself.
   */
  async ask<T>(schema: z.ZodType<T>, job: Job, timeoutMs: number): Promise<Result<T, Failure>> {
    const program = this.#program;
    const gone = (): { readonly ok: false; readonly error: Failure } =>
      err(failure('CARD-0107', `${job.do}: ${program.over ?? 'closed'}`));
    if (program.over !== null) return gone();
    if (program.waiting > 0) {
      // Whatever it answers next could be the answer to something else.
      program.end('a line that nobody asked for');
      return gone();
    }
    const id = ++this.#id;
    program.say({ id, ...job });
    const line = await this.#line(timeoutMs);
    if (line === null) {
      const silent = program.over === null;
      if (silent) program.end(`${job.do}: no answer in ${timeoutMs} ms`);
      return silent ? err(failure('CARD-0108', `${job.do}: no answer in ${timeoutMs} ms`)) : gone();
    }
    return this.#judge(schema, job, id, line);
  }

  /** Ends the program without another word. */
  close(): void {
    this.#closed = true;
    this.#program.end('closed');
  }

  #judge<T>(schema: z.ZodType<T>, job: Job, id: number, line: string): Result<T, Failure> {
    const broken = (why: string, cause?: unknown): Result<T, Failure> => {
      this.#program.end(`${job.do}: ${why}`);
      return err(failure('CARD-0107', `${job.do}: ${why}`, cause));
    };
    let said;
    try {
      said = lineSchema.parse(JSON.parse(line));
    } catch (cause) {
      return broken('a line that is no message of the protocol', cause);
    }
    if (said.id !== id) return broken(`an answer to job ${said.id} instead of ${id}`);
    if ('fail' in said)
      return err(failure(said.fail.code, `${job.do}: ${said.fail.detail ?? 'no detail'}`));
    const value = schema.safeParse(said.ok);
    return value.success ? ok(value.data) : broken('an answer that is not of the protocol');
  }

  #line(timeoutMs: number): Promise<string | null> {
    const there = this.#program.shift();
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => this.#waiting?.(null));
      this.#waiting = (line) => {
        this.#waiting = null;
        cancel();
        resolve(line);
      };
    });
  }

  #changed(): void {
    const { over } = this.#program;
    if (this.#waiting !== null) {
      const line = over === null ? this.#program.shift() : null;
      if (line !== undefined) this.#waiting(line);
    }
    if (over !== null && !this.#closed) {
      this.#closed = true;
      this.#lost(over);
    }
  }
}
