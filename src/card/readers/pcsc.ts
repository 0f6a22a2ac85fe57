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
import type { CardConnection, PcscContext, PcscService, WatchedReader } from './pcsc-service.ts';
import { changesNothing } from './reading.ts';
import { Lane, StatusBoard, withDeadline } from './supervise.ts';
import { transmitT0 } from './t0.ts';

/**
 * Back-off before the context is built anew, its process' start not counted: short enough that a
 * reader is usable within 5 s of the cause ending.
 */
const REBUILD_DELAYS_MS = [1_000, 1_500, 2_000, 2_500] as const;
/** SCardConnect powers the card up; ISO 7816-3 allows a slow ATR about a second. */
const CONNECT_TIMEOUT_MS = 5_000;
/** One APDU; CCID readers give up on a silent card well before this. */
const TRANSMIT_TIMEOUT_MS = 10_000;
/** SCardDisconnect with reset or power-off. */
const DISCONNECT_TIMEOUT_MS = 5_000;
/**
 * After a connect the monitor gets this long to tell of an exchange of cards just before it: longer
 * than pcscd's poll of 400 ms. Until then the card is read and nothing else is sent to it (decision
 * 0018). A service that reports the connection itself (Windows) ends the time at once.
 */
const CONFIRM_MS = 500;
/** Another process holds the card: how often and how far apart to ask again. */
const SHARING_RETRIES = 5;
const SHARING_RETRY_MS = 200;
/**
 * After a communication error the monitor gets this long to notice that the card is gone or
 * another; then a card that is still there counts as a new insertion. pcscd polls a reader without
 * interrupts every 400 ms.
 */
const RENEW_DELAY_MS = 900;
/** A card that fails so often in a row without leaving is broken. */
const MAX_RENEWALS = 3;
/**
 * So many connections may be given up because they could not be ended; then everything goes, for
 * the sake of handles.
 */
const MAX_GIVEN_UP = 8;

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
const LOST: ReadonlySet<number> = new Set([
  E_INVALID_HANDLE,
  E_UNKNOWN_READER,
  E_READER_UNAVAILABLE,
  E_NO_SERVICE,
  E_SERVICE_STOPPED,
  E_NO_READERS,
]);

export interface PcscReaderOptions {
  readonly id: string;
  /**
   * Part of the PC/SC reader's name, case ignored; the first that matches is used. Absent: the
   * first reader.
   */
  readonly match?: string;
  /** Dialect in which it speaks to memory cards; absent: by its name. */
  readonly model?: string;
  readonly clock: Clock;
  readonly log: LogFn;
  readonly service: PcscService;
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
  /**
   * Something was read over this connection: there is a card that a command of this session can be
   * meant for.
   */
  read: boolean;
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
  const match = /0x([0-9a-f]{8,16})\b/i.exec(
    error instanceof Error ? error.message : String(error),
  );
  return match === null ? null : Number.parseInt((match[1] as string).slice(-8), 16);
}

function detailOf(what: string, error: unknown): string {
  const code = pcscCode(error);
  return code === null
    ? `${what}: ${error instanceof Error ? error.message : String(error)}`
    : `${what}: 0x${code.toString(16).toUpperCase()}`;
}

/**
 * A PC/SC reader. The service's monitor dies for ever on any error, so every error ends the whole
 * context, which is a process of its own (decision 0023), and begins a new one. Nothing that was
 * under way in it is sent again.
 */
export class PcscReader implements CardReader {
  readonly id: string;
  readonly #options: PcscReaderOptions;
  readonly #clock: Clock;
  readonly #board: StatusBoard;
  readonly #lane = new Lane();
  #closed = false;
  #context: PcscContext | null = null;
  #monitor: WatchedReader | null = null;
  /**
   * The connection to the card, of this context; null: none was needed yet, or the last could not
   * be ended.
   */
  #wire: CardConnection | null = null;
  #givenUp = 0;
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
    this.#board = new StatusBoard({
      state: 'offline',
      insertion: 0,
      failure: failure('CARD-0107', 'starting'),
    });
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
      transmit: (apdu, bound) =>
        this.#lane.run(() =>
          transmitT0(apdu, (raw) => this.#exchange(insertion, raw, bound === 'session')),
        ),
      reset: () => this.#lane.run(() => this.#reset(insertion)),
      mifare: pcscMifarePort(this.#name, (raw) =>
        this.#lane.run(() => this.#exchange(insertion, raw)),
      ),
      memory:
        dialect === null
          ? null
          : pcscMemoryPort(dialect, (raw) => this.#lane.run(() => this.#exchange(insertion, raw))),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRebuild();
    this.#cancelRenewal();
    this.#endInsertion(failure('CARD-0107', 'closed'));
    await this.#lane.run(() => this.#hangUp('leave'));
    this.#generation++;
    this.#endContext();
    this.#board.set({
      state: 'offline',
      insertion: this.#insertions,
      failure: failure('CARD-0107', 'closed'),
    });
  }

  // ---- the context ----

  #build(): void {
    if (this.#closed) return;
    const generation = this.#generation;
    const current = (): boolean => generation === this.#generation && !this.#closed;
    try {
      const context = this.#options.service();
      this.#context = context;
      context.on('error', (error) => {
        const code = (error as { code?: unknown }).code;
        if (current())
          this.#lose(
            code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED'
              ? `package pcsclite is missing or not built (${code})`
              : detailOf('context', error),
            error,
          );
      });
      context.on('reader', (reader) => {
        if (current() && this.#monitor === null && this.#matches(reader.name))
          this.#attach(reader, current);
        else this.#ignore(reader, current);
      });
      context.on('ready', () => {
        if (current() && this.#monitor === null)
          this.#setOffline(
            failure('CARD-0107', `no reader matches "${this.#options.match ?? ''}"`),
          );
      });
    } catch (error) {
      this.#lose(detailOf('context', error), error);
    }
  }

  #matches(name: string): boolean {
    return name.toLowerCase().includes((this.#options.match ?? '').toLowerCase());
  }

  /**
   * Another reader's end is news too while ours is not there: the context's own monitor, which
   * would tell of ours, can die without a word (it clears an error that came while it was
   * reporting). Once ours is attached it has a monitor of its own, and its card is none of the
   * other reader's business.
   */
  #ignore(reader: WatchedReader, current: () => boolean): void {
    reader.on('error', (error) => {
      if (current()) this.#lose(detailOf('status', error), error);
    });
    reader.on('end', () => {
      if (current() && this.#monitor === null) this.#lose(`reader ${reader.name} is gone`);
    });
  }

  #attach(reader: WatchedReader, current: () => boolean): void {
    this.#monitor = reader;
    this.#name = reader.name;
    this.#failures = 0;
    this.#options.log('info', 'card', `reader ${this.id}: ${reader.name}`);
    reader.on('status', (status) => {
      if (current()) this.#observe(status.state, status.atr);
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
    if (
      before === null ||
      before.present !== seen.present ||
      before.events !== seen.events ||
      before.mute !== seen.mute ||
      // Another chip, whatever the count of events says.
      (!seen.mute && toHex(before.atr) !== toHex(seen.atr))
    ) {
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
    this.#insertion = {
      number,
      events: seen.events,
      atr: seen.mute ? new Uint8Array(0) : seen.atr,
      ended: null,
      protocol: null,
      connectedAt: 0,
      confirmed: false,
      read: false,
    };
    this.#board.set(
      seen.mute
        ? { state: 'mute', insertion: number, failure: failure('CARD-0101', 'no ATR') }
        : { state: 'present', insertion: number, atr: seen.atr },
    );
  }

  /**
   * An exchange broke although the monitor saw nothing: whatever is in the slot must be taken for
   * another card. It counts as a new insertion once the monitor had time to see better.
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
    void this.#lane.run(() => this.#hangUp('leave'));
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
    this.#endContext();
    const delayMs = REBUILD_DELAYS_MS[
      Math.min(this.#failures, REBUILD_DELAYS_MS.length - 1)
    ] as number;
    this.#failures++;
    this.#options.log('warn', 'card', `reader ${this.id} lost, again in ${delayMs} ms`, detail);
    this.#setOffline(why);
    this.#cancelRebuild();
    this.#cancelRebuild = this.#clock.after(delayMs, () => {
      this.#build();
    });
  }

  #endContext(): void {
    const context = this.#context;
    this.#monitor = null;
    this.#context = null;
    this.#wire = null;
    this.#givenUp = 0;
    context?.close();
  }

  // ---- the exchange; every function below runs in the lane ----

  #live(number: number): Result<Insertion, Failure> {
    const insertion = this.#insertion;
    const status = this.#board.get();
    if (status.state === 'offline')
      return err(failure('CARD-0107', status.failure.detail, status.failure.cause));
    if (insertion === null || insertion.number !== number)
      return err(failure('CARD-0102', `insertion ${number} is over`));
    return insertion.atr.length < 2 ? err(failure('CARD-0101', 'no ATR')) : ok(insertion);
  }

  /**
   * A card that may have left is let go as it is: after a failed reset of an empty slot, pcscd
   * misses a card that comes before its next poll until that card is taken out again.
   */
  async #hangUp(disposition: 'leave' | 'reset'): Promise<void> {
    const wire = this.#wire;
    if (wire?.connected !== true) return;
    const done = await withDeadline(
      this.#clock,
      DISCONNECT_TIMEOUT_MS,
      new Promise<Error | null>((resolve) => {
        wire.disconnect(disposition, resolve);
      }),
    );
    if (this.#wire !== wire) return;
    if (!done.done) this.#lose(`disconnect: no end in ${DISCONNECT_TIMEOUT_MS} ms`);
    else if (done.value !== null) {
      // A connection that cannot be ended would hold this object for ever; the next is made beside
      // it.
      this.#wire = null;
      this.#givenUp++;
      if (this.#givenUp > MAX_GIVEN_UP)
        this.#lose(detailOf('SCardDisconnect', done.value), done.value);
    }
  }

  async #connect(insertion: Insertion): Promise<Result<void, Failure>> {
    for (let attempt = 0; ; attempt++) {
      if (this.#monitor === null || this.#context === null)
        return err(failure('CARD-0107', 'reader offline'));
      const wire = (this.#wire ??= this.#context.connection(this.#monitor.name));
      insertion.confirmed = false;
      insertion.read = false;
      const connected = await withDeadline(
        this.#clock,
        CONNECT_TIMEOUT_MS,
        new Promise<Result<number, unknown>>((resolve) => {
          wire.connect((error, protocol) => {
            resolve(error === null ? ok(protocol) : err(error));
          });
        }),
      );
      if (!connected.done) {
        this.#lose(`connect: no end in ${CONNECT_TIMEOUT_MS} ms`);
        return err(failure('CARD-0108', 'connect'));
      }
      if (!connected.value.ok) {
        if (insertion.ended !== null) return err(insertion.ended);
        const { error } = connected.value;
        const code = pcscCode(error);
        if (code === E_SHARING_VIOLATION && attempt < SHARING_RETRIES) {
          await sleep(this.#clock, SHARING_RETRY_MS);
          if (insertion.ended !== null) return err(insertion.ended);
          continue;
        }
        return err(this.#judge('SCardConnect', error, insertion));
      }
      insertion.connectedAt = this.#clock.monoMs();
      // The monitor's news travel apart from the connection's: those that were on their way are
      // taken in first.
      await sleep(this.#clock, 0);
      if (insertion.ended !== null) {
        await this.#hangUp('leave');
        return err(insertion.ended);
      }
      insertion.protocol = connected.value.value;
      return ok(undefined);
    }
  }

  /**
   * Before anything but reading: the monitor has had its time since the connection, so that an
   * exchange of cards just before it is known by its event count.
   */
  async #confirm(insertion: Insertion): Promise<Result<void, Failure>> {
    if (!insertion.confirmed) {
      const leftMs = insertion.connectedAt + CONFIRM_MS - this.#clock.monoMs();
      if (leftMs > 0)
        await withDeadline(
          this.#clock,
          leftMs,
          new Promise<void>((resolve) => {
            this.#confirmed = resolve;
          }),
        );
      this.#confirmed = null;
      insertion.confirmed = true;
    }
    return insertion.ended === null ? ok(undefined) : err(insertion.ended);
  }

  async #exchange(
    number: number,
    raw: Uint8Array,
    ofSession = false,
  ): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const insertion = live.value;
    if (insertion.protocol === null) {
      const connected = await this.#connect(insertion);
      if (!connected.ok) return connected;
    }
    const reads = changesNothing(raw);
    if (!reads && !(ofSession && insertion.read)) {
      const confirmed = await this.#confirm(insertion);
      if (!confirmed.ok) return confirmed;
    }
    const wire = this.#wire;
    if (wire === null || insertion.protocol === null)
      return err(failure('CARD-0106', 'not connected'));
    const { protocol } = insertion;
    const answer = await withDeadline(
      this.#clock,
      TRANSMIT_TIMEOUT_MS,
      new Promise<Result<Uint8Array, unknown>>((resolve) => {
        wire.transmit(raw, protocol, (error, data) => {
          resolve(error === null ? ok(Uint8Array.from(data)) : err(error));
        });
      }),
    );
    if (!answer.done) {
      this.#lose(`transmit: no answer in ${TRANSMIT_TIMEOUT_MS} ms`);
      return err(failure('CARD-0108', `no answer in ${TRANSMIT_TIMEOUT_MS} ms`));
    }
    if (insertion.ended !== null) return err(insertion.ended);
    // Some drivers give an empty answer where the card left.
    if (answer.value.ok && answer.value.value.length >= 2) {
      if (reads) insertion.read = true;
      return ok(answer.value.value);
    }
    return err(
      this.#judge(
        'SCardTransmit',
        answer.value.ok ? `answer of ${answer.value.value.length} bytes` : answer.value.error,
        insertion,
      ),
    );
  }

  async #reset(number: number): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const insertion = live.value;
    insertion.protocol = null;
    await this.#hangUp('reset');
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
    if (code === E_SHARING_VIOLATION) {
      // Perhaps by ourselves: a connection that could not be ended. It ends with its process.
      if (this.#givenUp > 0) this.#lose(detail, error);
      return failure('CARD-0107', `${detail}, held by another process`, error);
    }
    if (code !== null && LOST.has(code)) {
      this.#lose(detail, error);
      return failure('CARD-0107', detail, error);
    }
    const broken = failure('CARD-0106', detail, error);
    this.#renew(insertion, broken);
    return broken;
  }
}
