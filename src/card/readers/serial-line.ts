/** A serial line, as far as this driver uses one. */
export interface SerialLine {
  readonly write: (bytes: Uint8Array) => void;
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  /** The port is gone; said once. */
  readonly onClose: (listener: (cause: unknown) => void) => void;
  readonly close: () => Promise<void>;
}

/** How the frames of a serial device are cut, for {@link recordSerial}. */
export interface SerialFraming {
  /**
   * Length of the frame or handshake byte at the beginning of these bytes; null: it is not whole
   * yet.
   */
  readonly cut: (bytes: Uint8Array) => number | null;
  /** Where a card's command or answer begins within a frame; null: it carries none. */
  readonly inner: (frame: Uint8Array) => number | null;
  /** Bytes after it: end mark and check. */
  readonly tail: number;
  /** The host's question for news: written down only where its answer differs from the last. */
  readonly idle: Uint8Array;
}
