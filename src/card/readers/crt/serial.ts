import { createRequire } from 'node:module';
import type { SerialLine } from '../serial-line.ts';

/** What this driver uses of the npm package `serialport` 13. */
interface NativePort {
  open(done: (error: Error | null) => void): void;
  close(done: (error: Error | null) => void): void;
  write(bytes: Uint8Array): boolean;
  readonly isOpen: boolean;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'close', listener: (error: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}
type Parity = 'none' | 'even' | 'odd';
interface SerialPortModule {
  readonly SerialPort: new (options: {
    path: string;
    baudRate: number;
    dataBits: 8;
    parity: Parity;
    stopBits: 1;
    autoOpen: false;
    hupcl: false;
  }) => NativePort;
}

/**
 * A CRT reader takes on the rate of the first command; this one is quick enough for a whole card
 * and safe on a metre of cable.
 */
export const DEFAULT_BAUD = 38_400;

/**
 * Opens a serial port, 8N1 where nothing else is said, for this process alone; rejects while it is
 * not there. The package is loaded on first use.
 */
export function openSerial(
  path: string,
  baudRate: number,
  parity: Parity = 'none',
): Promise<SerialLine> {
  return new Promise((resolve, reject) => {
    const { SerialPort } = createRequire(import.meta.url)('serialport') as SerialPortModule;
    const port = new SerialPort({
      path,
      baudRate,
      dataBits: 8,
      parity,
      stopBits: 1,
      autoOpen: false,
      hupcl: false,
    });
    let gone: (cause: unknown) => void = () => undefined;
    let over = false;
    const end = (cause: unknown): void => {
      if (over) return;
      over = true;
      gone(cause);
    };
    port.on('error', end);
    port.on('close', end);
    port.open((error) => {
      if (error !== null) {
        reject(error);
        return;
      }
      resolve({
        write: (bytes) => {
          if (port.isOpen) port.write(Buffer.from(bytes));
        },
        onData: (listener) => void port.on('data', (bytes) => listener(Uint8Array.from(bytes))),
        onClose: (listener) => {
          gone = listener;
        },
        close: () =>
          new Promise<void>((done) => {
            over = true;
            if (port.isOpen) port.close(() => done());
            else done();
          }),
      });
    });
  });
}
