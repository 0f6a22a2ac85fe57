import type { z } from 'zod';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Clock, LogFn } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import { Program } from '../../program.ts';
import { Lane } from '../../readers/supervise.ts';
import { helloSchema, lineSchema, PROTOCOL_VERSION } from './protocol.ts';
import type { Ask, Wire } from './protocol.ts';

/** The program says its name within this after its start. */
const HELLO_TIMEOUT_MS = 5_000;
/** Between two lines of a job, the card's own time not counted. */
const ANSWER_TIMEOUT_MS = 10_000;
/** A job that asks without end. */
const MAX_ASKS = 2_000;
/** Before a program that ended is started again. */
const RESTART_DELAYS_MS = [0, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

export interface AdapterOptions {
  readonly id: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly clock: Clock;
  readonly log: LogFn;
}

/** One life of the program, asked line by line. */
class Life {
  readonly program: Program;
  #wake: (() => void) | null = null;

  constructor(o: AdapterOptions) {
    this.program = new Program({ ...o, name: `${o.id} adapter` }, () => this.#wake?.());
  }

  get over(): string | null {
    return this.program.over;
  }

  end(why: string): void {
    this.program.end(why);
  }

  say(message: Wire): void {
    this.program.say(message);
  }

  /** The next line; null: none in time, and the program is ended for it. */
  async line(clock: Clock, timeoutMs: number): Promise<string | null> {
    const { program } = this;
    if (program.waiting === 0 && program.over === null) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(timeoutMs, () =>
          program.end(`said nothing for ${timeoutMs} ms`),
        );
        this.#wake = () => {
          if (program.waiting === 0 && program.over === null) return;
          this.#wake = null;
          cancel();
          resolve();
        };
      });
    }
    return program.over === null ? (program.shift() ?? null) : null;
  }
}

/**
 * The program, supervised: one job at a time, started when it is needed, killed when it is silent
 * or does not keep to the protocol, and started again with back-off. A job that was under way then
 * fails with CARD-0107.
 */
export class AdapterProcess {
  readonly #o: AdapterOptions;
  readonly #lane = new Lane();
  #life: Life | null = null;
  #id = 0;
  #deaths = 0;
  #notBefore = 0;
  #closed = false;

  constructor(options: AdapterOptions) {
    this.#o = options;
  }

  /** One job to its end; `serve` carries out what the program asks for meanwhile. */
  job<T>(
    schema: z.ZodType<T>,
    job: Wire,
    serve: (ask: Ask) => Promise<Result<Wire, Failure>>,
  ): Promise<Result<T, Failure>> {
    return this.#lane.run(async () => {
      const started = await this.#start();
      if (!started.ok) return started;
      const done = await this.#run(started.value, schema, job, serve, ANSWER_TIMEOUT_MS);
      if (started.value.over === null) this.#deaths = 0;
      return done;
    });
  }

  close(): void {
    this.#closed = true;
    this.#life?.end('closed');
    this.#life = null;
  }

  async #start(): Promise<Result<Life, Failure>> {
    const { id, clock, log } = this.#o;
    if (this.#closed) return err(failure('CARD-0107', `${id} adapter: closed`));
    const running = this.#life;
    if (running !== null && running.over === null) return ok(running);
    if (running !== null) this.#died(running.over ?? '');
    const waitMs = this.#notBefore - clock.monoMs();
    if (waitMs > 0)
      return err(failure('CARD-0107', `${id} adapter: started again in ${Math.ceil(waitMs)} ms`));
    const life = new Life(this.#o);
    this.#life = life;
    const hello = await this.#run(
      life,
      helloSchema,
      { do: 'hello', version: PROTOCOL_VERSION, layout: id },
      () => Promise.resolve(err(failure('CARD-0202', 'no card yet'))),
      HELLO_TIMEOUT_MS,
    );
    if (hello.ok && hello.value.layout === id) {
      log('info', 'card', `${id} adapter: process ${life.program.pid}`);
      return ok(life);
    }
    if (hello.ok) life.end(`it is ${hello.value.layout}`);
    const why = life.over ?? (hello.ok ? '' : (hello.error.detail ?? ''));
    life.end(why);
    this.#died(why);
    return err(failure('CARD-0107', `${id} adapter: ${why}`));
  }

  #died(why: string): void {
    this.#life = null;
    const delayMs = RESTART_DELAYS_MS[
      Math.min(this.#deaths, RESTART_DELAYS_MS.length - 1)
    ] as number;
    this.#deaths++;
    this.#notBefore = this.#o.clock.monoMs() + delayMs;
    this.#o.log('warn', 'card', `${this.#o.id} adapter lost, again in ${delayMs} ms`, why);
  }

  async #run<T>(
    life: Life,
    schema: z.ZodType<T>,
    job: Wire,
    serve: (ask: Ask) => Promise<Result<Wire, Failure>>,
    timeoutMs: number,
  ): Promise<Result<T, Failure>> {
    const id = ++this.#id;
    const what = `${this.#o.id} adapter, ${String(job['do'])}`;
    life.say({ id, ...job });
    for (let asks = 0; asks <= MAX_ASKS; asks++) {
      const text = await life.line(this.#o.clock, timeoutMs);
      if (text === null) return err(failure('CARD-0107', `${what}: ${life.over ?? ''}`));
      let said;
      try {
        said = lineSchema.parse(JSON.parse(text));
      } catch (cause) {
        life.end('a line that is no message of the protocol');
        return err(failure('CARD-0107', `${what}: ${life.over ?? ''}`, cause));
      }
      if (said.id !== id) {
        // It answers something else than it was asked: what it says of this card cannot be
        // believed.
        life.end(`an answer to job ${said.id} instead of ${id}`);
        return err(failure('CARD-0107', `${what}: ${life.over ?? ''}`));
      }
      if ('fail' in said) return err(failure(said.fail.code, said.fail.detail));
      if ('ask' in said) {
        const answer = await serve(said.ask);
        if (life.over !== null) return err(failure('CARD-0107', `${what}: ${life.over}`));
        life.say(
          answer.ok
            ? { id, answer: answer.value }
            : {
                id,
                failed: {
                  code: answer.error.code,
                  ...(answer.error.detail === undefined ? {} : { detail: answer.error.detail }),
                },
              },
        );
        continue;
      }
      const value = schema.safeParse(said.ok);
      if (value.success) return ok(value.data);
      life.end('an answer that is not of the protocol');
      return err(failure('CARD-0107', `${what}: ${value.error.message}`));
    }
    life.end(`more than ${MAX_ASKS} questions in one job`);
    return err(failure('CARD-0107', `${what}: ${life.over ?? ''}`));
  }
}
