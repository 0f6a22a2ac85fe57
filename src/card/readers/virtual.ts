import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { concatBytes } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel, CardReader, ReaderStatus } from '../types.ts';
import { pcscMifarePort } from './contactless.ts';
import { dialectOf } from './dialects/index.ts';
import { pcscMemoryPort } from './memory.ts';
import type { MemoryDialect } from './memory.ts';
import { Lane, StatusBoard, withDeadline } from './supervise.ts';
import { transmitT0 } from './t0.ts';
import type { Transcript } from './transcript.ts';

/** vpcd's one-byte commands (vsmartcard, "vpcd protocol"); everything longer is an APDU. */
const VPCD_ON = 0x01;
const VPCD_RESET = 0x02;
const VPCD_ATR = 0x04;
/** A card that gives no ATR within this time is mute. */
const ATR_TIMEOUT_MS = 2_000;
/** One APDU; a real card's longest waiting time is of this order. */
const APDU_TIMEOUT_MS = 10_000;
/** Wait before a taken or lost port is tried again. */
const LISTEN_RETRY_MS = 1_000;

export interface VirtualReaderOptions {
  readonly id: string;
  /** Loopback only. */
  readonly host: string;
  /** 0: a free port, see {@link VirtualReader.listening}. */
  readonly port: number;
  /** Dialect in which it speaks to memory cards; the default is ACS's. */
  readonly model?: string;
  readonly clock: Clock;
  readonly log: LogFn;
  /** Where everything that goes to a card and comes from it is written down. */
  readonly transcript?: Transcript;
}

function frame(payload: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(payload.length >>> 8, payload.length & 0xff), payload);
}

/** One simulated card's connection: one answer is awaited at a time. */
class Link {
  readonly socket: Socket;
  insertion = 0;
  gone = false;
  #buffer: Uint8Array = new Uint8Array(0);
  #waiting: ((answer: Uint8Array | null) => void) | null = null;

  constructor(socket: Socket, onGone: () => void) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => {
      this.#take(chunk);
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.gone = true;
      this.#answer(null);
      onGone();
    });
  }

  command(code: number): void {
    this.socket.write(frame(Uint8Array.of(code)));
  }

  /** The card's next answer; null when it left. */
  ask(payload: Uint8Array): Promise<Uint8Array | null> {
    if (this.gone) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.socket.write(frame(payload));
    });
  }

  #answer(answer: Uint8Array | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(answer);
  }

  #take(chunk: Uint8Array): void {
    this.#buffer = concatBytes(this.#buffer, chunk);
    while (this.#buffer.length >= 2) {
      const length = ((this.#buffer[0] as number) << 8) | (this.#buffer[1] as number);
      if (this.#buffer.length < 2 + length) return;
      const payload = this.#buffer.slice(2, 2 + length);
      this.#buffer = this.#buffer.slice(2 + length);
      // An answer that nobody asked for could be taken for the next command's: the link is not to
      // be trusted any more.
      if (this.#waiting === null) this.socket.destroy();
      this.#answer(payload);
    }
  }
}

/**
 * A reader on a loopback TCP port that speaks vpcd's protocol from vpcd's side: a simulated card
 * connects as a client (inserted), answers, and disconnects (pulled). The same card connects to a
 * real pcscd with vpcd unchanged.
 */
export class VirtualReader implements CardReader {
  readonly id: string;
  readonly #options: VirtualReaderOptions;
  readonly #board: StatusBoard;
  readonly #lane = new Lane();
  readonly #dialect: MemoryDialect | null;
  #server: Server | null = null;
  #closed = false;
  #insertion = 0;
  #link: Link | null = null;
  /** Cards that connected while the slot was taken, in order of arrival. */
  readonly #queue: Link[] = [];
  #cancelRetry: () => void = () => undefined;
  readonly #listening: Promise<number>;
  #resolveListening: (port: number) => void = () => undefined;

  constructor(options: VirtualReaderOptions) {
    this.id = options.id;
    this.#options = options;
    this.#dialect = dialectOf('', options.model ?? 'acs');
    this.#board = new StatusBoard({
      state: 'offline',
      insertion: 0,
      failure: failure('CARD-0107', 'not listening yet'),
    });
    this.#listening = new Promise((resolve) => {
      this.#resolveListening = resolve;
    });
    this.#listen();
  }

  /** The port, once the reader listens for the first time. */
  listening(): Promise<number> {
    return this.#listening;
  }

  name(): string {
    return `virtual ${this.#options.host}:${this.#options.port}`;
  }

  status(): ReaderStatus {
    return this.#board.get();
  }

  onStatus(listener: (status: ReaderStatus) => void): () => void {
    return this.#board.on(listener);
  }

  open(insertion: number): CardChannel {
    return {
      insertion,
      transmit: (apdu) =>
        this.#lane.run(() => transmitT0(apdu, (raw) => this.#exchange(insertion, raw))),
      reset: () => this.#lane.run(() => this.#reset(insertion)),
      mifare: pcscMifarePort('', (raw) => this.#lane.run(() => this.#exchange(insertion, raw))),
      memory:
        this.#dialect === null
          ? null
          : pcscMemoryPort(this.#dialect, (raw) =>
              this.#lane.run(() => this.#exchange(insertion, raw)),
            ),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRetry();
    const server = this.#server;
    this.#server = null;
    for (const link of [this.#link, ...this.#queue]) link?.socket.destroy();
    this.#board.set({
      state: 'offline',
      insertion: this.#insertion,
      failure: failure('CARD-0107', 'closed'),
    });
    if (server !== null)
      await new Promise<void>((resolve) =>
        server.close(() => {
          resolve();
        }),
      );
  }

  #listen(): void {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#arrive(socket);
    });
    server.on('error', (cause: NodeJS.ErrnoException) => {
      server.close();
      if (this.#closed || (this.#server !== null && this.#server !== server)) return;
      this.#server = null;
      const code = cause.code === 'EADDRINUSE' ? 'CONF-0102' : 'CARD-0107';
      this.#board.set({
        state: 'offline',
        insertion: this.#insertion,
        failure: failure(code, `${this.name()}: ${cause.code ?? cause.message}`, cause),
      });
      this.#options.log('warn', 'card', `virtual reader ${this.id} cannot listen`, cause.message);
      this.#cancelRetry = this.#options.clock.after(LISTEN_RETRY_MS, () => {
        this.#listen();
      });
    });
    server.listen(this.#options.port, this.#options.host, () => {
      if (this.#closed) {
        server.close();
        return;
      }
      this.#server = server;
      this.#board.set({ state: 'empty', insertion: this.#insertion });
      this.#resolveListening((server.address() as AddressInfo).port);
    });
  }

  #arrive(socket: Socket): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    const link: Link = new Link(socket, () => {
      this.#leave(link);
    });
    if (this.#link === null) this.#power(link);
    else this.#queue.push(link);
  }

  #leave(link: Link): void {
    const at = this.#queue.indexOf(link);
    if (at >= 0) this.#queue.splice(at, 1);
    if (this.#link !== link) return;
    this.#link = null;
    if (this.#closed) return;
    this.#options.transcript?.remove();
    this.#board.set({ state: 'empty', insertion: this.#insertion });
    const next = this.#queue.shift();
    if (next !== undefined && this.#link === null) this.#power(next);
  }

  #power(link: Link): void {
    this.#link = link;
    link.insertion = ++this.#insertion;
    link.command(VPCD_ON);
    void this.#lane.run(async () => {
      const atr = await this.#askAtr(link);
      if (this.#link !== link || link.gone || this.#closed) return;
      this.#options.transcript?.insert(atr ?? new Uint8Array(0));
      this.#board.set(
        atr === null
          ? { state: 'mute', insertion: link.insertion, failure: failure('CARD-0101', 'no ATR') }
          : { state: 'present', insertion: link.insertion, atr },
      );
    });
  }

  async #askAtr(link: Link): Promise<Uint8Array | null> {
    const answer = await withDeadline(
      this.#options.clock,
      ATR_TIMEOUT_MS,
      link.ask(Uint8Array.of(VPCD_ATR)),
    );
    return answer.done && answer.value !== null && answer.value.length >= 2 ? answer.value : null;
  }

  #live(insertion: number): Result<Link, Failure> {
    const link = this.#link;
    if (this.#board.get().state === 'offline') return err(failure('CARD-0107', 'reader offline'));
    if (link === null || link.gone || link.insertion !== insertion)
      return err(failure('CARD-0102', `insertion ${insertion} is over`));
    return this.#board.get().state === 'mute' ? err(failure('CARD-0101', 'no ATR')) : ok(link);
  }

  async #exchange(insertion: number, raw: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(insertion);
    if (!live.ok) return live;
    const { transcript } = this.#options;
    transcript?.sent(raw);
    const answer = await withDeadline(this.#options.clock, APDU_TIMEOUT_MS, live.value.ask(raw));
    if (!answer.done) {
      transcript?.failed(`no answer in ${APDU_TIMEOUT_MS} ms`);
      // A late answer must never be taken for the next command's.
      live.value.socket.destroy();
      return err(failure('CARD-0108', `no answer in ${APDU_TIMEOUT_MS} ms`));
    }
    if (answer.value === null) {
      transcript?.failed('the card left');
      return err(failure('CARD-0102', 'the card left during the exchange'));
    }
    transcript?.got(answer.value);
    return ok(answer.value);
  }

  async #reset(insertion: number): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(insertion);
    if (!live.ok) return live;
    this.#options.transcript?.reset();
    live.value.command(VPCD_RESET);
    const atr = await this.#askAtr(live.value);
    if (atr !== null) return ok(atr);
    const { gone } = live.value;
    live.value.socket.destroy();
    return err(
      gone
        ? failure('CARD-0102', 'the card left during the reset')
        : failure('CARD-0101', 'no ATR after reset'),
    );
  }
}
