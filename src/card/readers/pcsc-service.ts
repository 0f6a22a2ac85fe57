/**
 * A call of the service that failed. The message holds the numeric PC/SC result where there is one,
 * as `(0x80100069)`.
 */
export type Done<T> = (error: Error | null, value: T) => void;

/** What the service's monitor says of one reader, from when it was told of until its end. */
export interface WatchedReader {
  readonly name: string;
  /** `state`: SCARD_STATE_*, with the reader's count of card events in the upper 16 bits. */
  on(
    event: 'status',
    listener: (status: { readonly state: number; readonly atr: Uint8Array }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

/**
 * A connection to the card in one reader; nobody else's while it stands (SCARD_SHARE_EXCLUSIVE).
 * One call at a time.
 */
export interface CardConnection {
  readonly connected: boolean;
  /**
   * T=0 or T=1, as the card likes; the protocol is answered. News of the reader that were there
   * before the answer are told before it.
   */
  connect(done: Done<number>): void;
  /** `reset`: the card is reset and forgets what was verified; `leave`: it is let go as it is. */
  disconnect(disposition: 'leave' | 'reset', done: (error: Error | null) => void): void;
  /** Sends one command, once. */
  transmit(data: Uint8Array, protocol: number, done: Done<Uint8Array>): void;
}

/**
 * One life of the service, as far as a driver is concerned: it ends with the first error and is
 * made anew.
 */
export interface PcscContext {
  on(event: 'reader', listener: (reader: WatchedReader) => void): unknown;
  /** The service is there; its readers, if it has any, are told of next. */
  on(event: 'ready', listener: () => void): unknown;
  /**
   * It is over. `code` of the error: MODULE_NOT_FOUND or ERR_DLOPEN_FAILED where the package itself
   * cannot be had.
   */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** A connection beside the monitor, by the reader's name; nothing is sent yet. */
  connection(reader: string): CardConnection;
  /** Ends all of it at once, whatever is under way; calls under way fail. */
  close(): void;
}

/** Begins a life of the service. May throw where it is away. */
export type PcscService = () => PcscContext;
