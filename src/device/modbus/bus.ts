import { createRequire } from 'node:module';
import type { EventEmitter } from 'node:events';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { LinePort } from './line-port.ts';
import type { Point, SerialLine } from './types.ts';

/** What is used of the npm package `modbus-serial` 8. */
interface Master {
  open(done: (error: Error | null) => void): void;
  writeFC1(unit: number, address: number, count: number, next: Next<{ data: boolean[] }>): void;
  writeFC2(unit: number, address: number, count: number, next: Next<{ data: boolean[] }>): void;
  writeFC5(unit: number, address: number, on: boolean, next: Next<{ state: boolean }>): void;
}
type Next<T> = (error: Error | null, answer: T) => void;
type MasterModule = new (port: EventEmitter) => Master;

export interface BusOptions {
  /** Opens the line; rejects while it is not there. */
  readonly open: () => Promise<SerialLine>;
  /** The module's address on the bus, 1 to 247. */
  readonly unit: number;
  /** What is read, again and again. */
  readonly inputs: readonly Point[];
  /** What is written. */
  readonly outputs: readonly Point[];
  readonly clock: Clock;
  readonly log: LogFn;
}

/** Five looks a second: a door is seen before a hand is through it. */
export const POLL_MS = 200;
/**
 * A module answers within some ten milliseconds; at 9600 bits a second the longest of our answers
 * takes ten more.
 */
export const ANSWER_MS = 300;
/** One answer is missed on any long cable; so many in a row are a silent module. */
export const MISSES = 3;
const BACK_OFF_MS = [500, 1_000, 2_000, 5_000] as const;
/** Outputs are written anew so often: a module that lost its power forgets them. */
const REFRESH_MS = 10_000;

/**
 * The one line to the machine's inputs and outputs, Modbus RTU, of which this program is the
 * master: one exchange at a time. A module that is silent is asked more and more seldom, and comes
 * back by itself.
 */
export class ModbusBus {
  readonly #o: BusOptions;
  readonly #from: number;
  readonly #count: number;
  readonly #changed = new Set<() => void>();
  readonly #wanted = new Map<number, boolean>();
  readonly #written = new Map<number, boolean>();
  #line: SerialLine | null = null;
  #port: LinePort | null = null;
  #master: Master | null = null;
  #inputs: ReadonlyMap<number, boolean> | null = null;
  #failure: Failure | null = failure('DEV-0403', 'not asked yet');
  #misses = 0;
  #fails = 0;
  #refreshAtMono = 0;
  #turn: Promise<void> | null = null;
  #cancel: () => void = () => undefined;
  /** Ends the exchange that is under way. */
  #break: ((cause: Error) => void) | null = null;
  #closed = false;

  constructor(options: BusOptions) {
    this.#o = options;
    const addresses = options.inputs.map((p) => p.address);
    this.#from = Math.min(...addresses);
    this.#count = addresses.length === 0 ? 0 : Math.max(...addresses) - this.#from + 1;
    // What nobody wants is off, and is made so.
    for (const p of options.outputs) this.#wanted.set(p.address, p.invert === true);
    void this.look();
  }

  /** Null: the module answers. DEV-0403 otherwise. */
  readonly failure = (): Failure | null => this.#failure;
  /** What this input says; null: it cannot be read. */
  readonly input = (point: Point): boolean | null => {
    const read = this.#inputs?.get(point.address);
    return read === undefined ? null : read !== (point.invert === true);
  };
  /** From the next turn on this output is so. */
  readonly want = (point: Point, on: boolean): void => {
    this.#wanted.set(point.address, on !== (point.invert === true));
  };
  /** Calls back after each turn, and when the module is lost; returns an unsubscribe function. */
  readonly onTurn = (listener: () => void): (() => void) => {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  };
  /** Takes its turn now. */
  readonly look = (): Promise<void> => {
    this.#turn ??= this.#takeTurn().finally(() => {
      this.#turn = null;
    });
    return this.#turn;
  };
  readonly close = async (): Promise<void> => {
    this.#closed = true;
    this.#cancel();
    this.#break?.(new Error('closed'));
    await this.#drop();
  };

  /** Switches an output on, reads back that it is, and puts it as it was. */
  async proves(point: Point): Promise<boolean> {
    while (this.#turn !== null) await this.#turn;
    if (this.#closed) return false;
    this.#cancel();
    const turn = this.#prove(point.address, point.invert !== true);
    this.#turn = turn.then(() => {
      this.#turn = null;
      // The next turn writes it as it is wanted.
      this.#written.delete(point.address);
      this.#again(POLL_MS);
    });
    return turn;
  }

  async #prove(address: number, on: boolean): Promise<boolean> {
    try {
      await this.#connect();
      await this.#write(address, on);
      const read = await this.#ask<{ data: boolean[] }>((m, next) =>
        m.writeFC1(this.#o.unit, address, 1, next),
      );
      return read.data[0] === on;
    } catch {
      return false;
    }
  }

  async #takeTurn(): Promise<void> {
    this.#cancel();
    if (this.#closed) return;
    try {
      await this.#connect();
      if (this.#count > 0) await this.#read();
      await this.#writeOutputs();
      this.#misses = 0;
      this.#fails = 0;
      this.#set(null);
      this.#again(POLL_MS);
    } catch (cause) {
      await this.#missed(cause);
    }
  }

  #again(delayMs: number): void {
    if (!this.#closed) this.#cancel = this.#o.clock.after(delayMs, () => void this.look());
  }

  async #connect(): Promise<void> {
    if (this.#master !== null) return;
    const line = await this.#o.open();
    if (this.#closed) {
      await line.close();
      throw new Error('closed');
    }
    line.onClose(() => {
      if (this.#line !== line) return;
      this.#line = null;
      this.#master = null;
      this.#port = null;
    });
    const Modbus = createRequire(import.meta.url)('modbus-serial') as MasterModule;
    const port = new LinePort(line);
    const master = new Modbus(port);
    await new Promise<void>((resolve, reject) => {
      master.open((error) => (error == null ? resolve() : reject(error)));
    });
    this.#line = line;
    this.#port = port;
    this.#master = master;
    this.#written.clear();
  }

  async #read(): Promise<void> {
    const { data } = await this.#ask<{ data: boolean[] }>((m, next) =>
      m.writeFC2(this.#o.unit, this.#from, this.#count, next),
    );
    this.#inputs = new Map(
      this.#o.inputs.map(({ address }) => [address, data[address - this.#from] === true]),
    );
  }

  async #writeOutputs(): Promise<void> {
    const nowMono = this.#o.clock.monoMs();
    if (nowMono >= this.#refreshAtMono) {
      this.#written.clear();
      this.#refreshAtMono = nowMono + REFRESH_MS;
    }
    for (const [address, on] of this.#wanted)
      if (this.#written.get(address) !== on) await this.#write(address, on);
  }

  async #write(address: number, on: boolean): Promise<void> {
    const { state } = await this.#ask<{ state: boolean }>((m, next) =>
      m.writeFC5(this.#o.unit, address, on, next),
    );
    if (state !== on) throw new Error(`output ${address} answers another value`);
    this.#written.set(address, on);
  }

  /** One exchange: its answer, or an error when none came in time. */
  #ask<T>(send: (master: Master, next: Next<T>) => void): Promise<T> {
    const master = this.#master;
    const port = this.#port;
    if (master === null) return Promise.reject(new Error('the line is gone'));
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        cancel();
        port?.forget();
        reject(cause);
      };
      const cancel = this.#o.clock.after(ANSWER_MS, () => fail(new Error('no answer')));
      this.#break = fail;
      send(master, (error, answer) => {
        if (error != null) return fail(error);
        cancel();
        resolve(answer);
      });
    });
  }

  async #missed(cause: unknown): Promise<void> {
    if (this.#closed) return;
    const gone = this.#master === null;
    this.#misses += 1;
    if (!gone && this.#misses < MISSES) return this.#again(POLL_MS);
    await this.#drop();
    this.#inputs = null;
    this.#set(failure('DEV-0403', cause instanceof Error ? cause.message : String(cause), cause));
    this.#again(BACK_OFF_MS[Math.min(this.#fails++, BACK_OFF_MS.length - 1)] as number);
  }

  async #drop(): Promise<void> {
    const line = this.#line;
    this.#line = null;
    this.#master = null;
    this.#port = null;
    await line?.close().catch(() => undefined);
  }

  #set(f: Failure | null): void {
    if ((f === null) !== (this.#failure === null) || f?.detail !== this.#failure?.detail)
      this.#o.log(
        f === null ? 'info' : 'warn',
        'modbus',
        f === null ? 'the module answers' : `${f.code} ${f.detail ?? ''}`,
      );
    this.#failure = f;
    for (const listener of this.#changed) listener();
  }
}
