/** A line to the field bus: a serial port, or the demo's over TCP. */
export interface SerialLine {
  readonly write: (bytes: Uint8Array) => void;
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  /** The line is gone; said once. */
  readonly onClose: (listener: (cause: unknown) => void) => void;
  readonly close: () => Promise<void>;
}

/** One input or output of the module. */
export interface Point {
  /** As Modbus counts it, from 0: the module's DI1 or DO1 is mostly 0. */
  readonly address: number;
  /** It means the opposite; left out: it does not. */
  readonly invert?: boolean | undefined;
}
