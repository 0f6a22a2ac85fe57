import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { toHex } from '../../shared/bytes.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { chatter } from '../chatter.ts';
import type { CardConnection, PcscContext, PcscService, WatchedReader } from './pcsc-service.ts';
import { messageSchema } from './pcsc-wire.ts';
import type { Request } from './pcsc-wire.ts';

/**
 * From the start of the process until it has its context. Node takes some 0.1 s; a service that
 * hangs holds it up for ever.
 */
const READY_TIMEOUT_MS = 8_000;
/**
 * How often a process that has nothing to do is asked whether it is there, and how long it may take
 * to say so.
 */
const PING_EVERY_MS = 5_000;
const PING_TIMEOUT_MS = 5_000;

export interface PcscProcessOptions {
  /** The program: src/main/pcsc/main.ts, or what was built of it. */
  readonly entry: string;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * The PC/SC package in a process of its own, one for each life of the service (decision 0023).
 * Ending that process is the only way to have everything back that the package took: sockets,
 * threads, and calls that never end.
 */
export function pcscProcess(options: PcscProcessOptions): PcscService {
  return () => new ProcessContext(options);
}

/** The process sees nothing of the kiosk's environment but where programs and the service are. */
function hostEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) => ['PATH', 'SYSTEMROOT'].includes(key.toUpperCase()) || key.startsWith('PCSCLITE_'),
    ),
  );
}

type ParsedMessage = ReturnType<typeof messageSchema.parse>;
type Done = Extract<ParsedMessage, { say: 'done' }>;
type Unsent = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

class Emitter {
  readonly #listeners = new Map<string, ((value: never) => void)[]>();
  on(event: string, listener: (value: never) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }
  emit(event: string, value?: unknown): void {
    for (const listener of this.#listeners.get(event) ?? [])
      (listener as (v: unknown) => void)(value);
  }
}

class Watched extends Emitter implements WatchedReader {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

class ProcessContext implements PcscContext {
  readonly #o: PcscProcessOptions;
  readonly #child: ChildProcess;
  readonly #watched = new Map<number, Watched>();
  readonly #pending = new Map<number, (done: Done | Error) => void>();
  readonly #news = new Emitter();
  #cancelTimer: () => void;
  #id = 0;
  #connections = 0;
  #over = false;

  constructor(options: PcscProcessOptions) {
    this.#o = options;
    const child = fork(options.entry, [], {
      env: hostEnv(),
      execArgv: [],
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8');
    child.stderr?.on(
      'data',
      chatter(options.clock, (text) => options.log('debug', 'card', 'PC/SC process says', text)),
    );
    child.on('message', (raw) => this.#take(raw));
    child.on('error', (cause) => this.#end(new Error(`PC/SC process: ${cause.message}`)));
    child.on('exit', (code, signal) =>
      this.#end(new Error(`PC/SC process ended with ${signal ?? String(code)}`)),
    );
    this.#cancelTimer = options.clock.after(READY_TIMEOUT_MS, () =>
      this.#end(new Error(`PC/SC process: not ready in ${READY_TIMEOUT_MS} ms`)),
    );
  }

  on(event: 'reader' | 'ready' | 'error', listener: (value: never) => void): void {
    this.#news.on(event, listener);
  }

  connection(reader: string): CardConnection {
    const connection = ++this.#connections;
    let connected = false;
    return {
      get connected(): boolean {
        return connected;
      },
      connect: (done) =>
        this.#ask({ do: 'connect', connection, reader }, (answer) => {
          if (answer instanceof Error) done(answer, 0);
          else {
            connected = true;
            done(null, answer.protocol ?? 0);
          }
        }),
      disconnect: (disposition, done) =>
        this.#ask({ do: 'disconnect', connection, reset: disposition === 'reset' }, (answer) => {
          if (!(answer instanceof Error)) connected = false;
          done(answer instanceof Error ? answer : null);
        }),
      transmit: (data, protocol, done) =>
        this.#ask({ do: 'transmit', connection, protocol, data: toHex(data) }, (answer) => {
          if (answer instanceof Error) done(answer, new Uint8Array(0));
          else done(null, answer.data ?? new Uint8Array(0));
        }),
    };
  }

  close(): void {
    this.#end(null);
  }

  /** Whatever comes of it, `done` is called once, and never before this returns. */
  #ask(request: Unsent, done: (answer: Done | Error) => void): void {
    if (this.#over) {
      queueMicrotask(() => done(new Error('PC/SC process: it is over')));
      return;
    }
    const id = ++this.#id;
    this.#pending.set(id, done);
    // Where it cannot be sent, the process is at its end, and that is told.
    this.#child.send({ id, ...request } satisfies Request, () => undefined);
  }

  #take(raw: unknown): void {
    if (this.#over) return;
    const parsed = messageSchema.safeParse(raw);
    if (!parsed.success) {
      this.#end(new Error('PC/SC process: a message that is not of the protocol'));
      return;
    }
    const message = parsed.data;
    switch (message.say) {
      case 'ready':
        this.#ping();
        this.#news.emit('ready');
        return;
      case 'over':
        this.#end(
          Object.assign(
            new Error(message.message),
            message.code === undefined ? {} : { code: message.code },
          ),
        );
        return;
      case 'reader': {
        const reader = new Watched(message.name);
        this.#watched.set(message.watch, reader);
        this.#news.emit('reader', reader);
        return;
      }
      case 'status':
        this.#watched
          .get(message.watch)
          ?.emit('status', { state: message.state, atr: message.atr });
        return;
      case 'error':
        this.#watched.get(message.watch)?.emit('error', new Error(message.message));
        return;
      case 'end':
        this.#watched.get(message.watch)?.emit('end');
        this.#watched.delete(message.watch);
        return;
      case 'done':
      case 'failed': {
        const done = this.#pending.get(message.id);
        this.#pending.delete(message.id);
        done?.(message.say === 'done' ? message : new Error(message.message));
        return;
      }
      default:
        message satisfies never;
    }
  }

  /**
   * A process whose thread is caught in native code tells of no card any more: found out within two
   * of these times.
   */
  #ping(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#o.clock.after(PING_EVERY_MS, () => {
      this.#ask({ do: 'ping' }, (answer) => {
        if (!(answer instanceof Error)) this.#ping();
      });
      this.#cancelTimer = this.#o.clock.after(PING_TIMEOUT_MS, () =>
        this.#end(new Error(`PC/SC process: no sign of life in ${PING_TIMEOUT_MS} ms`)),
      );
    });
  }

  /** @param why null: the driver wants it so, and is told nothing. */
  #end(why: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    // It holds nothing that it could lose; the service lets go of a client that is gone, and resets
    // its card.
    this.#child.kill('SIGKILL');
    if (why !== null) this.#news.emit('error', why);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const done of pending) done(why ?? new Error('PC/SC process: closed'));
  }
}
