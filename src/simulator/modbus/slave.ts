import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * CRC of RTU frames (MODBUS over Serial Line V1.02, 6.2.2): polynomial A001 reflected, low byte
 * first.
 */
export function crc(bytes: Uint8Array): readonly [number, number] {
  let sum = 0xffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >> 1) ^ 0xa001 : sum >> 1;
  }
  return [sum & 0xff, sum >> 8];
}

/** Every request that is understood here is so long; others are dropped, as silence on the line. */
const REQUEST = 8;

/**
 * A digital input and output module at the slave's end of an RTU line, byte by byte: read coils
 * (01), read discrete inputs (02), write a single coil (05), and the exceptions 01, 02 and 03
 * (MODBUS Application Protocol V1.1b3, 6.1, 6.2, 6.5, 7).
 */
export class SimulatedIo {
  readonly unit: number;
  readonly inputs: boolean[] = Array.from({ length: 8 }, () => false);
  readonly coils: boolean[] = Array.from({ length: 8 }, () => false);
  /** Nothing is answered: no power, or a wire is off. */
  silent = false;
  /** So many answers come with a wrong check. */
  garbled = 0;
  /** Bytes of noise before each answer. */
  noise: readonly number[] = [];
  /** Each coil as it was written, oldest first. */
  readonly writes: (readonly [address: number, on: boolean])[] = [];
  #heard: number[] = [];
  #server: Server | null = null;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  constructor(unit = 1) {
    this.unit = unit;
  }

  /** What came over the line; the answer, if there is one. */
  hear(bytes: Uint8Array): Uint8Array | null {
    this.#heard.push(...bytes);
    while (this.#heard.length >= REQUEST) {
      const frame = Uint8Array.from(this.#heard.slice(0, REQUEST));
      const [low, high] = crc(frame.subarray(0, 6));
      if (frame[6] !== low || frame[7] !== high) {
        this.#heard.shift();
        continue;
      }
      this.#heard = this.#heard.slice(REQUEST);
      const answer = frame[0] === this.unit && !this.silent ? this.#answer(frame) : null;
      if (answer !== null) return answer;
    }
    return null;
  }

  #answer(frame: Uint8Array): Uint8Array {
    const [unit = 0, code = 0] = frame;
    const address = ((frame[2] ?? 0) << 8) | (frame[3] ?? 0);
    const value = ((frame[4] ?? 0) << 8) | (frame[5] ?? 0);
    return this.#framed(this.#body(code, address, value, unit));
  }

  #body(code: number, address: number, value: number, unit: number): readonly number[] {
    const exception = (n: number): readonly number[] => [unit, code | 0x80, n];
    if (code === 1 || code === 2) {
      const bits = code === 1 ? this.coils : this.inputs;
      if (value < 1 || value > 2_000) return exception(3);
      if (address + value > bits.length) return exception(2);
      const packed = Array.from({ length: Math.ceil(value / 8) }, () => 0);
      for (let i = 0; i < value; i++)
        if (bits[address + i] === true) packed[i >> 3] = (packed[i >> 3] ?? 0) | (1 << (i & 7));
      return [unit, code, packed.length, ...packed];
    }
    if (code !== 5) return exception(1);
    if (address >= this.coils.length) return exception(2);
    if (value !== 0x0000 && value !== 0xff00) return exception(3);
    this.coils[address] = value === 0xff00;
    this.writes.push([address, value === 0xff00]);
    return [unit, code, address >> 8, address & 0xff, value >> 8, value & 0xff];
  }

  #framed(body: readonly number[]): Uint8Array {
    const [low, high] = crc(Uint8Array.from(body));
    const wrong = this.garbled > 0 ? 1 : 0;
    this.garbled -= wrong;
    return Uint8Array.from([...this.noise, ...body, low ^ wrong, high]);
  }

  /** The demo's line: the same bytes over a loopback connection. */
  start(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
        socket.on('data', (bytes: Buffer) => {
          const answer = this.hear(bytes);
          if (answer !== null) socket.write(answer);
        });
      });
      server.once('error', reject);
      server.listen(port === 0 ? this.#port : port, '127.0.0.1', () => {
        this.#server = server;
        this.#port = (server.address() as AddressInfo).port;
        resolve(this.#port);
      });
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      const server = this.#server;
      this.#server = null;
      if (server === null) return resolve();
      server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}
