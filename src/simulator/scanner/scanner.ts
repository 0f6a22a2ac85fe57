import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * A code scanner on a TCP port or any other line (`plug`): whoever listens gets each code, framed
 * as it is set up.
 */
export class SimulatedScanner {
  /** What it sends around each code. */
  framing: { readonly prefix: string; readonly suffix: string } = { prefix: '', suffix: '\r' };
  /** The bytes that make it look and stop; null: it looks always. */
  trigger: { readonly on: readonly number[]; readonly off: readonly number[] } | null = null;
  #looks = false;
  #heard: number[] = [];
  #server: Server | null = null;
  readonly #lines = new Set<(bytes: Uint8Array) => void>();
  readonly #sockets = new Set<Socket>();

  /** Is its light on? */
  get looks(): boolean {
    return this.trigger === null || this.#looks;
  }

  /** Somebody listens. @returns takes the bytes that he sends */
  plug(say: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
    this.#lines.add(say);
    return (bytes) => this.#receive(bytes);
  }

  /** @param port 0: any free one */
  start(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        const say = (bytes: Uint8Array): void => void socket.write(bytes);
        socket.on('data', this.plug(say));
        socket.on('close', () => {
          this.#sockets.delete(socket);
          this.#lines.delete(say);
        });
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        this.#server = server;
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  /** Somebody holds a code before it. False: it does not look, or nobody listens. */
  show(code: string): boolean {
    if (!this.looks) return false;
    const { prefix, suffix } = this.framing;
    for (const say of this.#lines) say(Buffer.from(`${prefix}${code}${suffix}`, 'latin1'));
    return this.#lines.size > 0;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server === null) return resolve();
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
      this.#server = null;
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.trigger === null) return;
    const { on, off } = this.trigger;
    for (const byte of bytes) {
      this.#heard = [...this.#heard, byte].slice(-Math.max(on.length, off.length));
      const ends = (by: readonly number[]): boolean =>
        by.every((b, i) => this.#heard[this.#heard.length - by.length + i] === b);
      if (ends(on)) this.#looks = true;
      else if (ends(off)) this.#looks = false;
    }
  }
}
