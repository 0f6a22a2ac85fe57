import { concatBytes, toHex } from '../../shared/bytes.ts';
import type { SerialFraming, SerialLine } from './serial-line.ts';
import type { CardConnection, PcscService, WatchedReader } from './pcsc-service.ts';
import { Transcript } from './transcript.ts';

/** SCARD_STATE_PRESENT and _MUTE; the upper 16 bits count the reader's card events (pcsclite.h). */
const PRESENT = 0x0020;
const MUTE = 0x0200;
const EVENT_COUNT_UNIT = 0x1_0000;

/**
 * The PC/SC service with every reader's exchange written down. One transcript holds one reader's:
 * `of` gives it by name (the same one each time), or null for a reader that is not to be recorded.
 */
export function recordPcsc(
  service: PcscService,
  of: (reader: string) => Transcript | null,
): PcscService {
  return () => {
    const context = service();
    return {
      on: (event: 'reader' | 'ready' | 'error', listener: (value: never) => void) =>
        event === 'reader'
          ? context.on('reader', (reader) =>
              (listener as (reader: WatchedReader) => void)(
                recordedReader(reader, of(reader.name)),
              ),
            )
          : context.on(event as 'error', listener as (error: Error) => void),
      connection: (name) => recordedConnection(context.connection(name), of(name)),
      close: () => context.close(),
    };
  };
}

function recordedReader(reader: WatchedReader, told: Transcript | null): WatchedReader {
  if (told === null) return reader;
  let known = -1;
  /** Only what becomes of the card: that somebody uses it is said by the lines about that. */
  const seen = (state: number, atr: Uint8Array): void => {
    const events = Math.floor(state / EVENT_COUNT_UNIT);
    if (events === known) return;
    const first = known < 0;
    known = events;
    if ((state & PRESENT) !== 0) told.insert((state & MUTE) !== 0 ? new Uint8Array(0) : atr);
    else if (!first) told.remove();
  };
  return {
    name: reader.name,
    on: (
      event: 'status' | 'error' | 'end',
      listener:
        | ((status: { readonly state: number; readonly atr: Uint8Array }) => void)
        | ((error: Error) => void)
        | (() => void),
    ): unknown => {
      if (event === 'status') {
        return reader.on('status', (status) => {
          seen(status.state, status.atr);
          (listener as (s: typeof status) => void)(status);
        });
      }
      if (event === 'error') {
        return reader.on('error', (error) => {
          told.gone(error.message);
          (listener as (e: Error) => void)(error);
        });
      }
      return reader.on('end', () => {
        told.gone('the reader left');
        (listener as () => void)();
      });
    },
  };
}

function recordedConnection(wire: CardConnection, told: Transcript | null): CardConnection {
  if (told === null) return wire;
  return {
    get connected(): boolean {
      return wire.connected;
    },
    connect: (done) =>
      wire.connect((error, protocol) => {
        if (error === null) told.connect(protocol);
        else told.failed(error.message);
        done(error, protocol);
      }),
    disconnect: (disposition, done) => {
      if (disposition === 'reset') told.reset();
      else told.release();
      wire.disconnect(disposition, (error) => {
        if (error !== null) told.failed(error.message);
        done(error);
      });
    },
    transmit: (data, protocol, done) => {
      told.sent(data);
      wire.transmit(data, protocol, (error, answer) => {
        if (error === null) told.got(answer);
        else told.failed(error.message);
        done(error, answer);
      });
    },
  };
}

/** A transcript of a serial line, without the questions for news that brought none. */
export function serialTranscript(
  write: (line: string) => void,
  masked: boolean,
  framing: SerialFraming,
): Transcript {
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
export async function recordSerial(
  open: () => Promise<SerialLine>,
  framing: SerialFraming,
  transcript: Transcript,
): Promise<SerialLine> {
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
        let at = 0;
        for (
          let length = framing.cut(pending);
          length !== null && at < pending.length;
          length = framing.cut(pending.subarray(at))
        ) {
          const frame = pending.slice(at, at + length);
          at += length;
          transcript.gotFrame(frame, framing.inner(frame), framing.tail);
        }
        pending = pending.slice(at);
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
