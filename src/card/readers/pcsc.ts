import { createRequire } from 'node:module';
import { toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel, CardReader, ReaderStatus } from '../types.ts';
import { pcscMifarePort } from './contactless.ts';
import { dialectOf } from './dialects/index.ts';
import { pcscMemoryPort } from './memory.ts';
import type { NativeContext, NativeReader, PcscModule } from './pcsc-native.ts';
import { changesNothing } from './reading.ts';
import { Lane, StatusBoard, withDeadline } from './supervise.ts';
import { transmitT0 } from './t0.ts';

export type { PcscModule } from './pcsc-native.ts';

/** Back-off before the context is built anew: short enough that a reader is usable within 5 s of the cause ending. */
const REBUILD_DELAYS_MS = [1_000, 1_500, 2_000, 3_000] as const;
/** SCardConnect powers the card up; ISO 7816-3 allows a slow ATR about a second. */
const CONNECT_TIMEOUT_MS = 5_000;
/** One APDU; CCID readers give up on a silent card well before this. */
const TRANSMIT_TIMEOUT_MS = 10_000;
/** SCardDisconnect with reset or power-off. */
const DISCONNECT_TIMEOUT_MS = 5_000;
/**
 * After a connect the monitor gets this long to tell of an exchange of cards just before it: longer than pcscd's poll
 * of 400 ms. Until then the card is read and nothing else is sent to it (decision 0018). A service that reports the
 * connection itself (Windows) ends the time at once.
 */
const CONFIRM_MS = 500;
/** Another process holds the card: how often and how far apart to ask again. */
const SHARING_RETRIES = 5;
const SHARING_RETRY_MS = 200;
/**
 * After a communication error the monitor gets this long to notice that the card is gone or another; then a card
 * that is still there counts as a new insertion. pcscd polls a reader without interrupts every 400 ms.
 */
const RENEW_DELAY_MS = 900;
/** A card that fails so often in a row without leaving is broken. */
const MAX_RENEWALS = 3;
/** A short answer: 256 bytes and SW1 SW2. */
const MAX_ANSWER = 258;

/** SCARD_STATE_* (pcsclite.h); the upper 16 bits count the reader's card events. */
const STATE_UNKNOWN = 0x0004;
const STATE_UNAVAILABLE = 0x0008;
const STATE_PRESENT = 0x0020;
const STATE_EXCLUSIVE = 0x0080;
const STATE_MUTE = 0x0200;
const EVENT_COUNT_UNIT = 0x1_0000;

/** SCARD_* results (pcsclite.h). */
const E_INVALID_HANDLE = 0x8010_0003;
const E_UNKNOWN_READER = 0x8010_0009;
const E_SHARING_VIOLATION = 0x8010_000b;
const E_NO_SMARTCARD = 0x8010_000c;
const E_READER_UNAVAILABLE = 0x8010_0017;
const E_NO_SERVICE = 0x8010_001d;
const E_SERVICE_STOPPED = 0x8010_001e;
const E_NO_READERS = 0x8010_002e;
const W_UNSUPPORTED_CARD = 0x8010_0065;
const W_UNRESPONSIVE_CARD = 0x8010_0066;
const W_RESET_CARD = 0x8010_0068;
const W_REMOVED_CARD = 0x8010_0069;
/** The whole context is dead: tear down and build anew. */
const LOST: ReadonlySet<number> = new Set([E_INVALID_HANDLE, E_UNKNOWN_READER, E_READER_UNAVAILABLE, E_NO_SERVICE, E_SERVICE_STOPPED, E_NO_READERS]);

export interface PcscReaderOptions {
  readonly id: string;
  /** Part of the PC/SC reader's name, case ignored; the first that matches is used. Absent: the first reader. */
  readonly match?: string;
  /** Dialect in which it speaks to memory cards; absent: by its name. */
  readonly model?: string;
  readonly clock: Clock;
  readonly log: LogFn;
  /** Loads the native package; the default asks for `pcsclite`. */
  readonly load?: () => PcscModule;
}

interface Insertion {
  readonly number: number;
  /** The reader's event count when the card came; a change means that another card may be there. */
  readonly events: number;
  readonly atr: Uint8Array;
  ended: Failure | null;
  protocol: number | null;
  /** When the connection was made, by the monotonic clock. */
  connectedAt: number;
  /** The monitor has told of the connection, or has had its time to. */
  confirmed: boolean;
}

/** What the monitor said last. */
interface Seen {
  readonly events: number;
  readonly atr: Uint8Array;
  readonly present: boolean;
  readonly mute: boolean;
}

/** The numeric PC/SC result in a message of `pcsclite`, e.g. `SCardTransmit error: …(0x80100069)`. */
export function pcscCode(error: unknown): number | null {
  const match = /0x([0-9a-f]{8,16})\b/i.exec(error instanceof Error ? error.message : String(error));
  return match === null ? null : Number.parseInt((match[1] as string).slice(-8), 16);
}

/** The native package; throws where it is missing or not built. */
export function loadPcsclite(): PcscModule {
  return createRequire(import.meta.url)('pcsclite') as PcscModule;
}

function detailOf(what: string, error: unknown): string {
  const code = pcscCode(error);
  return code === null ? `${what}: ${error instanceof Error ? error.message : String(error)}` : `${what}: 0x${code.toString(16).toUpperCase()}`;
}

/**
 * Native objects that are done with. `pcsclite` frees memory that its own late callbacks still use, and its reader
 * objects without a monitor thread are not safe to collect at all: they are kept.
 */
const keptAlive: object[] = [];
/**
 * Connections by package and reader name: each holds a service context that the package never gives back, so one is
 * used for as long as the service lives.
 */
const wiresByModule = new WeakMap<PcscModule, Map<string, NativeReader>>();

function wiresOf(module: PcscModule): Map<string, NativeReader> {
  const known = wiresByModule.get(module);
  if (known !== undefined) return known;
  const made = new Map<string, NativeReader>();
  wiresByModule.set(module, made);
  return made;
}

/**
 * A PC/SC reader. The package's monitor dies for ever on any error, so every error tears the whole context down and
 * builds a new one. Watching and talking use two native objects: the package's monitor callback takes the lock that
 * an exchange holds, and would stop this process for as long as a card is silent.
 */
export class PcscReader implements CardReader {
  readonly id: string;
  readonly #options: PcscReaderOptions;
  readonly #clock: Clock;
  readonly #board: StatusBoard;
  readonly #lane = new Lane();
  #closed = false;
  #context: NativeContext | null = null;
  #monitor: NativeReader | null = null;
  #wires = new Map<string, NativeReader>();
  #name: string;
  /** Rises with every teardown; callbacks of an older context are ignored. */
  #generation = 0;
  #failures = 0;
  #cancelRebuild: () => void = () => undefined;
  #insertions = 0;
  #insertion: Insertion | null = null;
  #seen: Seen | null = null;
  #renewals = 0;
  #cancelRenewal: () => void = () => undefined;
  /** Ends the wait of {@link PcscReader.#confirm}. */
  #confirmed: (() => void) | null = null;

  constructor(options: PcscReaderOptions) {
    this.id = options.id;
    this.#options = options;
    this.#clock = options.clock;
    this.#name = options.match ?? '';
    this.#board = new StatusBoard({ state: 'offline', insertion: 0, failure: failure('CARD-0107', 'starting') });
    this.#cancelRebuild = this.#clock.after(0, () => {
      this.#build();
    });
  }

  name(): string {
    return this.#name;
  }

  status(): ReaderStatus {
    return this.#board.get();
  }

  onStatus(listener: (status: ReaderStatus) => void): () => void {
    return this.#board.on(listener);
  }

  open(insertion: number): CardChannel {
    const dialect = dialectOf(this.#name, this.#options.model);
    return {
      insertion,
      transmit: (apdu) => this.#lane.run(() => transmitT0(apdu, (raw) => this.#exchange(insertion, raw))),
      reset: () => this.#lane.run(() => this.#reset(insertion)),
      mifare: pcscMifarePort(this.#name, (raw) => this.#lane.run(() => this.#exchange(insertion, raw))),
      memory: dialect === null ? null : pcscMemoryPort(dialect, (raw) => this.#lane.run(() => this.#exchange(insertion, raw))),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRebuild();
    this.#cancelRenewal();
    this.#endInsertion(failure('CARD-0107', 'closed'));
    await this.#lane.run(() => this.#hangUp('SCARD_LEAVE_CARD'));
    this.#tearDown();
    this.#board.set({ state: 'offline', insertion: this.#insertions, failure: failure('CARD-0107', 'closed') });
  }

  // ---- the context ----

  #build(): void {
    if (this.#closed) return;
    const generation = this.#generation;
    const current = (): boolean => generation === this.#generation && !this.#closed;
    try {
      const module = (this.#options.load ?? loadPcsclite)();
      this.#wires = wiresOf(module);
      const context = module();
      this.#context = context;
      context.on('error', (error) => {
        if (current()) this.#lose(detailOf('monitor', error), error);
      });
      context.on('reader', (reader) => {
        if (current() && this.#monitor === null && this.#matches(reader.name)) this.#attach(reader, current);
        else this.#ignore(reader, current);
      });
      this.#setOffline(failure('CARD-0107', `no reader matches "${this.#options.match ?? ''}"`));
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      this.#lose(code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED' ? `package pcsclite is missing or not built (${String(code)})` : detailOf('context', error), error);
    }
  }

  #matches(name: string): boolean {
    return name.toLowerCase().includes((this.#options.match ?? '').toLowerCase());
  }

  /**
   * Another reader's end is news too while ours is not there: the context's own monitor, which would tell of ours, can
   * die without a word (it clears an error that came while it was reporting). Once ours is attached it has a monitor
   * of its own, and its card is none of the other reader's business.
   */
  #ignore(reader: NativeReader, current: () => boolean): void {
    reader.on('error', (error) => {
      if (current()) this.#lose(detailOf('status', error), error);
    });
    reader.on('end', () => {
      if (current() && this.#monitor === null) this.#lose(`reader ${reader.name} is gone`);
    });
  }

  #attach(reader: NativeReader, current: () => boolean): void {
    this.#monitor = reader;
    this.#name = reader.name;
    this.#failures = 0;
    this.#options.log('info', 'card', `reader ${this.id}: ${reader.name}`);
    reader.on('status', (status) => {
      if (current()) this.#observe(status.state, status.atr ?? new Uint8Array(0));
    });
    reader.on('error', (error) => {
      if (current()) this.#lose(detailOf('status', error), error);
    });
    reader.on('end', () => {
      if (current()) this.#lose(`reader ${reader.name} is gone`);
    });
  }

  #observe(state: number, atr: Uint8Array): void {
    if ((state & (STATE_UNKNOWN | STATE_UNAVAILABLE)) !== 0) {
      this.#lose(`reader state 0x${state.toString(16)}`);
      return;
    }
    const before = this.#seen;
    const seen: Seen = {
      events: Math.floor(state / EVENT_COUNT_UNIT),
      atr: Uint8Array.from(atr),
      present: (state & STATE_PRESENT) !== 0,
      mute: (state & STATE_MUTE) !== 0 || atr.length < 2,
    };
    this.#seen = seen;
    if (before === null || before.present !== seen.present || before.events !== seen.events || before.mute !== seen.mute) {
      this.#cancelRenewal();
      this.#renewals = 0;
      this.#endInsertion(failure('CARD-0102', 'card removed'));
      if (seen.present) this.#begin(seen);
      else this.#board.set({ state: 'empty', insertion: this.#insertions });
    }
    if ((state & STATE_EXCLUSIVE) !== 0 && this.#insertion !== null) {
      this.#insertion.confirmed = true;
      this.#confirmed?.();
    }
  }

  #begin(seen: Seen): void {
    const number = ++this.#insertions;
    this.#insertion = { number, events: seen.events, atr: seen.mute ? new Uint8Array(0) : seen.atr, ended: null, protocol: null, connectedAt: 0, confirmed: false };
    this.#board.set(seen.mute ? { state: 'mute', insertion: number, failure: failure('CARD-0101', 'no ATR') } : { state: 'present', insertion: number, atr: seen.atr });
  }

  /**
   * An exchange broke although the monitor saw nothing: whatever is in the slot must be taken for another card. It
   * counts as a new insertion once the monitor had time to see better.
   */
  #renew(insertion: Insertion, why: Failure): void {
    if (this.#insertion !== insertion) return;
    this.#endInsertion(failure('CARD-0102', `insertion ended by ${why.code}`, why));
    if (this.#renewals >= MAX_RENEWALS) {
      this.#board.set({ state: 'mute', insertion: insertion.number, failure: why });
      return;
    }
    this.#renewals++;
    this.#board.set({ state: 'empty', insertion: this.#insertions });
    this.#cancelRenewal = this.#clock.after(RENEW_DELAY_MS, () => {
      if (this.#insertion === null && this.#seen?.present === true) this.#begin(this.#seen);
    });
  }

  #endInsertion(why: Failure): void {
    const insertion = this.#insertion;
    if (insertion === null) return;
    this.#insertion = null;
    insertion.ended = why;
    this.#confirmed?.();
    void this.#lane.run(() => this.#hangUp('SCARD_LEAVE_CARD'));
  }

  #setOffline(why: Failure): void {
    this.#board.set({ state: 'offline', insertion: this.#insertions, failure: why });
  }

  /** Something of the service failed: everything goes, and comes back after a back-off. */
  #lose(detail: string, cause?: unknown): void {
    if (this.#closed) return;
    const why = failure('CARD-0107', detail, cause);
    this.#generation++;
    this.#cancelRenewal();
    this.#seen = null;
    this.#endInsertion(why);
    // The package calls back while it holds a lock that its close() wants.
    this.#clock.after(0, this.#detachNatives());
    const delayMs = REBUILD_DELAYS_MS[Math.min(this.#failures, REBUILD_DELAYS_MS.length - 1)] as number;
    this.#failures++;
    this.#options.log('warn', 'card', `reader ${this.id} lost, again in ${delayMs} ms`, detail);
    this.#setOffline(why);
    this.#cancelRebuild();
    this.#cancelRebuild = this.#clock.after(delayMs, () => {
      this.#build();
    });
  }

  #tearDown(): void {
    this.#generation++;
    this.#detachNatives()();
  }

  #detachNatives(): () => void {
    const natives = [this.#monitor, this.#context];
    this.#monitor = null;
    this.#context = null;
    return () => {
      for (const native of natives) {
        if (native === null) continue;
        keptAlive.push(native);
        try {
          native.close();
        } catch (error) {
          this.#options.log('debug', 'card', 'close', detailOf('close', error));
        }
      }
    };
  }

  // ---- the exchange; every function below runs in the lane ----

  #live(number: number): Result<Insertion, Failure> {
    const insertion = this.#insertion;
    const status = this.#board.get();
    if (status.state === 'offline') return err(failure('CARD-0107', status.failure.detail, status.failure.cause));
    if (insertion === null || insertion.number !== number) return err(failure('CARD-0102', `insertion ${number} is over`));
    return insertion.atr.length < 2 ? err(failure('CARD-0101', 'no ATR')) : ok(insertion);
  }

  /** The talking object of the watched reader, made once for each life of the service. */
  #wire(): NativeReader | null {
    const known = this.#wires.get(this.#name);
    if (known !== undefined) return known;
    const monitor = this.#monitor;
    if (monitor === null) return null;
    const Native = monitor.constructor as new (name: string) => NativeReader;
    const wire = new Native(monitor.name);
    keptAlive.push(wire);
    this.#wires.set(this.#name, wire);
    return wire;
  }

  /**
   * A card that may have left is let go as it is: after a failed reset of an empty slot, pcscd misses a card that comes
   * before its next poll until that card is taken out again.
   */
  async #hangUp(disposition: 'SCARD_LEAVE_CARD' | 'SCARD_RESET_CARD'): Promise<void> {
    const wire = this.#wires.get(this.#name);
    if (wire === undefined || !wire.connected) return;
    const done = await withDeadline(this.#clock, DISCONNECT_TIMEOUT_MS, new Promise<Error | null>((resolve) => {
      wire.disconnect(wire[disposition], (error) => { resolve(error ?? null); });
    }));
    // A handle that cannot be given back would hold the object for ever.
    if (!done.done || done.value !== null) this.#wires.delete(this.#name);
  }

  async #connect(insertion: Insertion): Promise<Result<void, Failure>> {
    for (let attempt = 0; ; attempt++) {
      const wire = this.#wire();
      if (wire === null) return err(failure('CARD-0107', 'reader offline'));
      insertion.confirmed = false;
      const connected = await withDeadline(this.#clock, CONNECT_TIMEOUT_MS, new Promise<Result<number, unknown>>((resolve) => {
        wire.connect({ share_mode: wire.SCARD_SHARE_EXCLUSIVE, protocol: wire.SCARD_PROTOCOL_T0 | wire.SCARD_PROTOCOL_T1 }, (error, protocol) => {
          resolve(error === null || error === undefined ? ok(protocol) : err(error));
        });
      }));
      if (!connected.done) {
        this.#wires.delete(this.#name);
        this.#lose(`connect: no end in ${CONNECT_TIMEOUT_MS} ms`);
        return err(failure('CARD-0108', 'connect'));
      }
      if (!connected.value.ok) {
        const { error } = connected.value;
        const code = pcscCode(error);
        if (code === E_SHARING_VIOLATION && attempt < SHARING_RETRIES) {
          await sleep(this.#clock, SHARING_RETRY_MS);
          if (insertion.ended !== null) return err(insertion.ended);
          continue;
        }
        if (code === E_INVALID_HANDLE && attempt === 0) {
          // The object's context belongs to a service that is no more.
          this.#wires.delete(this.#name);
          continue;
        }
        return err(this.#judge('SCardConnect', error, insertion));
      }
      insertion.connectedAt = this.#clock.monoMs();
      // The monitor's news travel apart from the connection's: those that were on their way are taken in first.
      await sleep(this.#clock, 0);
      if (insertion.ended !== null) {
        await this.#hangUp('SCARD_LEAVE_CARD');
        return err(insertion.ended);
      }
      insertion.protocol = connected.value.value;
      return ok(undefined);
    }
  }

  /**
   * Before anything but reading: the monitor has had its time since the connection, so that an exchange of cards just
   * before it is known by its event count.
   */
  async #confirm(insertion: Insertion): Promise<Result<void, Failure>> {
    if (!insertion.confirmed) {
      const leftMs = insertion.connectedAt + CONFIRM_MS - this.#clock.monoMs();
      if (leftMs > 0) await withDeadline(this.#clock, leftMs, new Promise<void>((resolve) => { this.#confirmed = resolve; }));
      this.#confirmed = null;
      insertion.confirmed = true;
    }
    return insertion.ended === null ? ok(undefined) : err(insertion.ended);
  }

  async #exchange(number: number, raw: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const insertion = live.value;
    if (insertion.protocol === null) {
      const connected = await this.#connect(insertion);
      if (!connected.ok) return connected;
    }
    if (!changesNothing(raw)) {
      const confirmed = await this.#confirm(insertion);
      if (!confirmed.ok) return confirmed;
    }
    const wire = this.#wires.get(this.#name);
    if (wire === undefined || insertion.protocol === null) return err(failure('CARD-0106', 'not connected'));
    const { protocol } = insertion;
    const answer = await withDeadline(this.#clock, TRANSMIT_TIMEOUT_MS, new Promise<Result<Uint8Array, unknown>>((resolve) => {
      wire.transmit(Buffer.from(raw), MAX_ANSWER, protocol, (error, data) => {
        resolve(error === null || error === undefined ? ok(Uint8Array.from(data)) : err(error));
      });
    }));
    if (!answer.done) {
      this.#wires.delete(this.#name);
      this.#lose(`transmit: no answer in ${TRANSMIT_TIMEOUT_MS} ms`);
      return err(failure('CARD-0108', `no answer in ${TRANSMIT_TIMEOUT_MS} ms`));
    }
    if (insertion.ended !== null) return err(insertion.ended);
    // Some drivers give an empty answer where the card left.
    if (answer.value.ok && answer.value.value.length >= 2) return ok(answer.value.value);
    return err(this.#judge('SCardTransmit', answer.value.ok ? `answer of ${answer.value.value.length} bytes` : answer.value.error, insertion));
  }

  async #reset(number: number): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const insertion = live.value;
    insertion.protocol = null;
    await this.#hangUp('SCARD_RESET_CARD');
    if (insertion.ended !== null) return err(insertion.ended);
    const connected = await this.#connect(insertion);
    return connected.ok ? ok(insertion.atr) : connected;
  }

  /** What a failed call means for the card (cards.md 2.4), with the raw code kept. */
  #judge(call: string, error: unknown, insertion: Insertion): Failure {
    const code = pcscCode(error);
    const detail = detailOf(call, error);
    if (code === W_REMOVED_CARD || code === E_NO_SMARTCARD) {
      const gone = failure('CARD-0102', detail, error);
      this.#renew(insertion, gone);
      return gone;
    }
    if (code === W_RESET_CARD) {
      const reset = failure('CARD-0102', detail, error);
      this.#renew(insertion, reset);
      return reset;
    }
    if (code === W_UNRESPONSIVE_CARD || code === W_UNSUPPORTED_CARD) {
      const mute = failure('CARD-0101', `${detail}, ATR ${toHex(insertion.atr)}`, error);
      this.#renew(insertion, mute);
      return mute;
    }
    if (code === E_SHARING_VIOLATION) return failure('CARD-0107', `${detail}, held by another process`, error);
    if (code !== null && LOST.has(code)) {
      this.#wires.delete(this.#name);
      this.#lose(detail, error);
      return failure('CARD-0107', detail, error);
    }
    const broken = failure('CARD-0106', detail, error);
    this.#renew(insertion, broken);
    return broken;
  }
}
