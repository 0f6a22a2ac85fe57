import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A scanner for the demo: whoever connects to its port gets each code as text ended by CR. */
export class SimulatedScanner {
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();

  /** @param port 0: any free one */
  start(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
        // The trigger's bytes: this one looks always.
        socket.resume();
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        this.#server = server;
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  /** Somebody holds a code before it. False: no kiosk is connected. */
  show(code: string): boolean {
    for (const socket of this.#sockets) socket.write(`${code}\r`);
    return this.#sockets.size > 0;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server === null) return resolve();
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
      this.#server = null;
    });
  }
}
