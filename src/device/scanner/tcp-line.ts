import { connect } from 'node:net';
import type { ScannerLine } from './line-scanner.ts';

/**
 * The demo's scanner: the same bytes over a loopback connection. Rejects while nobody listens
 * there.
 */
export function openTcpLine(host: string, port: number): Promise<ScannerLine> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      // The end is told by `close`.
      socket.on('error', () => undefined);
      resolve({
        write: (bytes) => void socket.write(bytes),
        onData: (listener) =>
          void socket.on('data', (chunk: Buffer) => listener(Uint8Array.from(chunk))),
        onClose: (listener) =>
          void socket.once('close', () => listener(new Error('the connection was closed'))),
        close: () =>
          new Promise((done) => {
            if (socket.destroyed) return done();
            socket.once('close', () => done());
            socket.destroy();
          }),
      });
    });
  });
}
