import { createRequire } from 'node:module';
import { concatBytes } from '../../shared/bytes.ts';
import type { Clock } from '../../shared/ports.ts';
import type { PrinterLine } from './line.ts';

/**
 * How a serial printer says that its buffer is full: `dtr`: by its DTR line, which is our DSR (the
 * factory setting of most); `rts`: by its RTS, our CTS; `xon`: by XOFF and XON.
 */
export type SerialFlow = 'none' | 'dtr' | 'rts' | 'xon';

export interface SerialSettings {
  readonly baudRate: number;
  readonly flow: SerialFlow;
}

/** What this line uses of a serial port. */
export interface NativePort {
  readonly write: (bytes: Uint8Array) => void;
  /** The modem lines as they stand; rejects where a port has none. */
  readonly lines: () => Promise<{ readonly dsr: boolean }>;
  /** Drops what the system has not sent yet. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  readonly onClose: (listener: (cause: unknown) => void) => void;
}

/** So much at once by DTR: less than printers keep room for when they say stop (Epson: 128 bytes). */
const PIECE_BYTES = 64;
const LOOK_MS = 20;

/**
 * The line over a port. Linux has no DTR/DSR flow control: here pieces go out while DSR is up. A
 * port without modem lines takes everything at once.
 */
export function serialLine(port: NativePort, flow: SerialFlow, clock: Clock): PrinterLine {
  let waiting: Uint8Array = new Uint8Array();
  let writing = false;
  let over = false;
  const send = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0 && !over) {
      const may = await port.lines().then(
        ({ dsr }) => dsr,
        () => true,
      );
      if (over) break;
      if (may) {
        port.write(waiting.subarray(0, PIECE_BYTES));
        waiting = waiting.subarray(PIECE_BYTES);
      } else await new Promise<void>((again) => void clock.after(LOOK_MS, again));
    }
    writing = false;
  };
  return {
    write: (bytes) => {
      if (over) return;
      if (flow !== 'dtr') {
        port.write(bytes);
        return;
      }
      waiting = concatBytes(waiting, bytes);
      if (!writing) void send();
    },
    onData: port.onData,
    onClose: port.onClose,
    close: async () => {
      over = true;
      // A printer that says stop would keep the close waiting.
      await port.flush().catch(() => undefined);
      await port.close();
    },
  };
}

/** What is used of the npm package `serialport` 13. */
interface Serialport {
  open(done: (error: Error | null) => void): void;
  close(done: (error: Error | null) => void): void;
  flush(done: (error: Error | null) => void): void;
  get(done: (error: Error | null, lines?: { dsr: boolean }) => void): void;
  write(bytes: Uint8Array): boolean;
  readonly isOpen: boolean;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'close' | 'error', listener: (error: Error | null) => void): unknown;
}
interface SerialportModule {
  readonly SerialPort: new (options: {
    path: string;
    baudRate: number;
    dataBits: 8;
    parity: 'none';
    stopBits: 1;
    autoOpen: false;
    hupcl: false;
    rtscts: boolean;
    xon: boolean;
    xoff: boolean;
  }) => Serialport;
}

/**
 * Opens a printer's serial port, 8N1, for this process alone; rejects while it is not there. The
 * package is loaded on first use.
 */
export function openSerialPrinter(
  path: string,
  { baudRate, flow }: SerialSettings,
  clock: Clock,
): Promise<PrinterLine> {
  return new Promise((resolve, reject) => {
    const { SerialPort } = createRequire(import.meta.url)('serialport') as SerialportModule;
    const port = new SerialPort({
      path,
      baudRate,
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
      autoOpen: false,
      hupcl: false,
      rtscts: flow === 'rts',
      xon: flow === 'xon',
      xoff: flow === 'xon',
    });
    port.open((error) =>
      error === null ? resolve(serialLine(native(port), flow, clock)) : reject(error),
    );
  });
}

function native(port: Serialport): NativePort {
  let hear: (bytes: Uint8Array) => void = () => undefined;
  let gone: (cause: unknown) => void = () => undefined;
  let over = false;
  const end = (cause: unknown): void => {
    if (over) return;
    over = true;
    gone(cause);
  };
  port.on('data', (bytes) => hear(Uint8Array.from(bytes)));
  port.on('error', end);
  port.on('close', end);
  return {
    write: (bytes) => {
      if (port.isOpen) port.write(Buffer.from(bytes));
    },
    lines: () =>
      new Promise((resolve, reject) =>
        port.get((error, lines) =>
          lines === undefined ? reject(error ?? new Error('no modem lines')) : resolve(lines),
        ),
      ),
    flush: () => new Promise((done) => (port.isOpen ? port.flush(() => done()) : done())),
    close: () =>
      new Promise((done) => {
        over = true;
        if (port.isOpen) port.close(() => done());
        else done();
      }),
    onData: (listener) => {
      hear = listener;
    },
    onClose: (listener) => {
      gone = listener;
    },
  };
}
