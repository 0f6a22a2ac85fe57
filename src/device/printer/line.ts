/** A line to a printer, whatever it is made of. */
export interface PrinterLine {
  /** Takes the bytes and returns at once; they go out as the printer takes them. */
  readonly write: (bytes: Uint8Array) => void;
  /** Who hears from now on what comes in; there is one listener. */
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  /** Who hears that the line is gone; said once, and not after `close`. There is one listener. */
  readonly onClose: (listener: (cause: unknown) => void) => void;
  /** Drops what was not written yet. */
  readonly close: () => Promise<void>;
}

/** How a printer is reached. */
export interface PrinterPort {
  /** Rejects while it is not there; never waits for longer than the port's own time. */
  readonly open: () => Promise<PrinterLine>;
  /** Stays open between slips: a serial port whose lines fall resets some printers. */
  readonly keeps: boolean;
}
