import { connect } from 'node:net';
import type { PrinterLine } from './line.ts';

/** A network printer's raw port, 9100 mostly. Rejects where nobody listens. */
export function openTcpPrinter(host: string, port: number): Promise<PrinterLine> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    let over = false;
    let hear: (bytes: Uint8Array) => void = () => undefined;
    let gone: (cause: unknown) => void = () => undefined;
    socket.once('error', reject);
    socket.on('data', (chunk: Buffer) => hear(Uint8Array.from(chunk)));
    socket.once('close', () => {
      if (!over) gone(new Error('the connection was closed'));
    });
    socket.once('connect', () => {
      socket.off('error', reject);
      // The end is told by `close`.
      socket.on('error', () => undefined);
      resolve({
        write: (bytes) => void socket.write(bytes),
        onData: (listener) => {
          hear = listener;
        },
        onClose: (listener) => {
          gone = listener;
        },
        close: () =>
          new Promise((done) => {
            over = true;
            if (socket.destroyed) return done();
            socket.once('close', () => done());
            socket.destroy();
          }),
      });
    });
  });
}
