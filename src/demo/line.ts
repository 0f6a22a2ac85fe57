import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** A TCP line that can be cut and mended: what the kiosk sees of a service whose network fails. */
export class Line {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #cut = false;
  /** Bytes wait so long before they go on, both ways. */
  delayMs = 0;

  get cut(): boolean {
    return this.#cut;
  }
  set cut(value: boolean) {
    this.#cut = value;
    if (value) for (const s of this.#sockets) s.resetAndDestroy();
  }

  start(port: number, targetPort: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((client) => {
        if (this.#cut) {
          client.resetAndDestroy();
          return;
        }
        const far = connect({ host: '127.0.0.1', port: targetPort });
        this.#sockets.add(client);
        const close = (): void => {
          this.#sockets.delete(client);
          client.destroy();
          far.destroy();
        };
        client.on('error', close).on('close', close);
        far.on('error', close).on('close', close);
        const pass = (to: Socket) => (chunk: Buffer) => {
          if (this.delayMs === 0) to.write(chunk);
          else setTimeout(() => to.write(chunk), this.delayMs);
        };
        client.on('data', pass(far));
        far.on('data', pass(client));
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        this.#server = server;
        const a = server.address();
        resolve(typeof a === 'object' && a !== null ? a.port : port);
      });
    });
  }

  close(): Promise<void> {
    for (const s of this.#sockets) s.destroy();
    return new Promise((resolve) =>
      this.#server === null ? resolve() : this.#server.close(() => resolve()),
    );
  }
}
