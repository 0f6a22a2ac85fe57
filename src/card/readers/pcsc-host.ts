import { createRequire } from 'node:module';
import { toHex } from '../../shared/bytes.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock } from '../../shared/ports.ts';
import { requestSchema } from './pcsc-wire.ts';
import type { Message } from './pcsc-wire.ts';

/** What is used of the npm package `pcsclite` 1.0.1. */
export interface NativeReader {
  readonly name: string;
  readonly connected: boolean;
  on(
    event: 'status',
    listener: (status: { readonly state: number; readonly atr?: Uint8Array }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  connect(
    options: { share_mode: number; protocol: number },
    done: (error: Error | null | undefined, protocol: number) => void,
  ): void;
  disconnect(disposition: number, done: (error?: Error | null) => void): void;
  transmit(
    data: Uint8Array,
    answerLength: number,
    protocol: number,
    done: (error: Error | null | undefined, answer: Uint8Array) => void,
  ): void;
}
export interface NativeContext {
  on(event: 'reader', listener: (reader: NativeReader) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Values of pcsclite.h and winscard.h alike. */
const SCARD_SHARE_EXCLUSIVE = 1;
const SCARD_PROTOCOL_T0 = 1;
const SCARD_PROTOCOL_T1 = 2;
const SCARD_LEAVE_CARD = 0;
const SCARD_RESET_CARD = 1;
/** A short answer: 256 bytes and SW1 SW2. */
const MAX_ANSWER = 258;

/**
 * The native package.
 *
 * @throws Error where it is missing or not built
 */
function loadPcsclite(): () => NativeContext {
  return createRequire(import.meta.url)('pcsclite') as () => NativeContext;
}

export interface HostOptions {
  readonly clock: Clock;
  /** The native package, for a test; left out: `pcsclite`. May throw. */
  readonly load?: () => () => NativeContext;
  readonly send: (message: Message) => void;
  /** Ends this process at once, without waiting for native calls. Never returns in production. */
  readonly end: () => void;
}

/**
 * The other end of pcsc-process.ts: one service context with its monitor, and the connections that
 * are asked for. It decides nothing and repeats nothing. The package never gives a context back,
 * and frees memory that its own late callbacks use: so nothing here is let go of, and the process's
 * end is what releases it.
 *
 * @returns takes in what the driver sends
 */
export function hostPcsc(o: HostOptions): (raw: unknown) => void {
  const connections = new Map<number, NativeReader>();
  const watched: NativeReader[] = [];
  let Native: (new (name: string) => NativeReader) | null = null;
  let context: NativeContext | null = null;
  const over = (error: unknown): void => {
    const code = (error as { code?: unknown } | null)?.code;
    o.send({
      say: 'over',
      message: error instanceof Error ? error.message : String(error),
      ...(typeof code === 'string' ? { code } : {}),
    });
  };
  try {
    context = (o.load ?? loadPcsclite)()();
    context.on('error', over);
    context.on('reader', (reader) => {
      const watch = watched.push(reader);
      Native ??= reader.constructor as new (name: string) => NativeReader;
      o.send({ say: 'reader', watch, name: reader.name });
      reader.on('status', ({ state, atr }) =>
        o.send({ say: 'status', watch, state: state >>> 0, atr: toHex(atr ?? new Uint8Array(0)) }),
      );
      reader.on('error', (error) => o.send({ say: 'error', watch, message: error.message }));
      reader.on('end', () => o.send({ say: 'end', watch }));
    });
    o.send({ say: 'ready' });
  } catch (error) {
    over(error);
  }

  return (raw) => {
    const parsed = requestSchema.safeParse(raw);
    if (!parsed.success) {
      o.end();
      return;
    }
    const request = parsed.data;
    const { id } = request;
    const failed = (error: Error): void => o.send({ say: 'failed', id, message: error.message });
    if (request.do === 'ping') {
      o.send({ say: 'done', id });
      return;
    }
    const known = connections.get(request.connection);
    switch (request.do) {
      case 'connect': {
        // The watched object itself would hold the monitor's lock, and with it this thread, for as
        // long as a card is silent.
        const native = known ?? (Native === null ? null : new Native(request.reader));
        if (native === null || native.connected) {
          failed(new Error(native === null ? 'no reader yet' : 'already connected'));
          return;
        }
        connections.set(request.connection, native);
        native.connect(
          { share_mode: SCARD_SHARE_EXCLUSIVE, protocol: SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1 },
          (error, protocol) => {
            if (error !== null && error !== undefined) failed(error);
            // One turn of the loop: the monitor's news that are here already, on a way of their
            // own, go first.
            else void sleep(o.clock, 0).then(() => o.send({ say: 'done', id, protocol }));
          },
        );
        return;
      }
      case 'disconnect':
        if (known === undefined) failed(new Error('not connected'));
        else
          known.disconnect(request.reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD, (error) => {
            if (error !== null && error !== undefined) failed(error);
            else o.send({ say: 'done', id });
          });
        return;
      case 'transmit':
        if (known === undefined) failed(new Error('not connected'));
        else
          known.transmit(
            Buffer.from(request.data),
            MAX_ANSWER,
            request.protocol,
            (error, answer) => {
              if (error !== null && error !== undefined) failed(error);
              else o.send({ say: 'done', id, data: toHex(answer) });
            },
          );
        return;
      default:
        request satisfies never;
    }
  };
}
