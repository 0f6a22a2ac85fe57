import { concatBytes, toHex } from '../../shared/bytes.ts';
import type { SerialLine } from './crt/link.ts';
import type { Callback, NativeReader, PcscModule } from './pcsc-native.ts';
import { Transcript } from './transcript.ts';

/** SCARD_STATE_PRESENT and _MUTE; the upper 16 bits count the reader's card events (pcsclite.h). */
const PRESENT = 0x0020;
const MUTE = 0x0200;
const EVENT_COUNT_UNIT = 0x1_0000;
const RESET_CARD = 1;

/**
 * The PC/SC package with every reader's exchange written down. One transcript holds one reader's: `of` gives it by
 * name (the same one each time), or null for a reader that is not to be recorded.
 */
export function recordPcsc(module: PcscModule, of: (reader: string) => Transcript | null): PcscModule {
  return () => {
    const context = module();
    return {
      on: (event: 'reader' | 'error', listener: ((reader: NativeReader) => void) | ((error: Error) => void)) =>
        event === 'reader' ? context.on('reader', (reader) => (listener as (reader: NativeReader) => void)(recorded(reader, of(reader.name)))) : context.on('error', listener as (error: Error) => void),
      close: () => context.close(),
    };
  };
}

function recorded(reader: NativeReader, transcript: Transcript | null): NativeReader {
  if (transcript === null) return reader;
  const Native = reader.constructor as new (name: string) => NativeReader;

  /** Made from the watched reader, or (the driver does so) anew by name, as the package's own class is. */
  class Recorded implements NativeReader {
    readonly #native: NativeReader;
    readonly #told = transcript as Transcript;
    #events = -1;

    constructor(from: NativeReader | string) {
      this.#native = typeof from === 'string' ? new Native(from) : from;
    }
    get name(): string {
      return this.#native.name;
    }
    get connected(): boolean {
      return this.#native.connected;
    }
    get SCARD_RESET_CARD(): number {
      return this.#native.SCARD_RESET_CARD;
    }
    get SCARD_LEAVE_CARD(): number {
      return this.#native.SCARD_LEAVE_CARD;
    }
    get SCARD_SHARE_EXCLUSIVE(): number {
      return this.#native.SCARD_SHARE_EXCLUSIVE;
    }
    get SCARD_PROTOCOL_T0(): number {
      return this.#native.SCARD_PROTOCOL_T0;
    }
    get SCARD_PROTOCOL_T1(): number {
      return this.#native.SCARD_PROTOCOL_T1;
    }
    on(event: 'status' | 'error' | 'end', listener: ((status: { readonly state: number; readonly atr?: Uint8Array }) => void) | ((error: Error) => void) | (() => void)): unknown {
      if (event === 'status') {
        return this.#native.on('status', (status) => {
          this.#seen(status.state, status.atr ?? new Uint8Array(0));
          (listener as (s: typeof status) => void)(status);
        });
      }
      if (event === 'error') {
        return this.#native.on('error', (error) => {
          this.#told.gone(error.message);
          (listener as (e: Error) => void)(error);
        });
      }
      return this.#native.on('end', () => {
        this.#told.gone('the reader left');
        (listener as () => void)();
      });
    }
    /** Only what becomes of the card: that somebody uses it is said by the lines about that. */
    #seen(state: number, atr: Uint8Array): void {
      const events = Math.floor(state / EVENT_COUNT_UNIT);
      if (events === this.#events) return;
      const first = this.#events < 0;
      this.#events = events;
      if ((state & PRESENT) !== 0) this.#told.insert((state & MUTE) !== 0 ? new Uint8Array(0) : atr);
      else if (!first) this.#told.remove();
    }
    connect(options: { share_mode: number; protocol: number }, done: Callback<number>): void {
      this.#native.connect(options, (error, protocol) => {
        if (error === null || error === undefined) this.#told.connect(protocol);
        else this.#told.failed(error.message);
        done(error, protocol);
      });
    }
    disconnect(disposition: number, done: (error?: Error | null) => void): void {
      if (disposition === RESET_CARD) this.#told.reset();
      else this.#told.release();
      this.#native.disconnect(disposition, (error) => {
        if (error !== null && error !== undefined) this.#told.failed(error.message);
        done(error);
      });
    }
    transmit(data: Uint8Array, answerLength: number, protocol: number, done: Callback<Uint8Array>): void {
      this.#told.sent(data);
      this.#native.transmit(data, answerLength, protocol, (error, answer) => {
        if (error === null || error === undefined) this.#told.got(answer);
        else this.#told.failed(error.message);
        done(error, answer);
      });
    }
    close(): void {
      this.#native.close();
    }
  }
  return new Recorded(reader);
}

/** How the frames of a serial device are cut, for {@link recordSerial}. */
export interface SerialFraming {
  /** Length of the frame or handshake byte at the beginning of these bytes; null: it is not whole yet. */
  readonly cut: (bytes: Uint8Array) => number | null;
  /** Where a card's command or answer begins within a frame; null: it carries none. */
  readonly inner: (frame: Uint8Array) => number | null;
  /** Bytes after it: end mark and check. */
  readonly tail: number;
  /** The host's question for news: written down only where its answer differs from the last. */
  readonly idle: Uint8Array;
}

/** A transcript of a serial line, without the questions for news that brought none. */
export function serialTranscript(write: (line: string) => void, masked: boolean, framing: SerialFraming): Transcript {
  const question = `=> ${toHex(framing.idle)}`;
  let asked: string[] | null = null;
  let last = '';
  return new Transcript((line) => {
    if (asked !== null && (line.startsWith('<= ') || line === '=> 06')) {
      asked.push(line);
      return;
    }
    if (asked !== null) {
      const text = asked.join('\n');
      if (text !== last) for (const told of asked) write(told);
      last = text;
      asked = null;
    }
    if (line === question) asked = [line];
    else write(line);
  }, masked);
}

/** A serial port with everything that goes over it written down, one frame to the line. */
export async function recordSerial(open: () => Promise<SerialLine>, framing: SerialFraming, transcript: Transcript): Promise<SerialLine> {
  const line = await open();
  let pending: Uint8Array = new Uint8Array(0);
  const flush = (): void => {
    if (pending.length > 0) transcript.gotPieces(pending);
    pending = new Uint8Array(0);
  };
  return {
    write: (bytes) => {
      flush();
      transcript.sentFrame(bytes, framing.inner(bytes), framing.tail);
      line.write(bytes);
    },
    onData: (listener) =>
      line.onData((bytes) => {
        pending = concatBytes(pending, bytes);
        for (let length = framing.cut(pending); length !== null && pending.length > 0; length = framing.cut(pending)) {
          const frame = pending.slice(0, length);
          pending = pending.slice(length);
          transcript.gotFrame(frame, framing.inner(frame), framing.tail);
        }
        listener(bytes);
      }),
    onClose: (listener) =>
      line.onClose((cause) => {
        flush();
        transcript.gone(cause instanceof Error ? cause.message : String(cause));
        listener(cause);
      }),
    close: async () => {
      flush();
      await line.close();
    },
  };
}
