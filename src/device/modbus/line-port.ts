import { EventEmitter } from 'node:events';
import type { SerialLine } from './types.ts';

/** Function codes that are used here (MODBUS Application Protocol V1.1b3, 6.1, 6.2, 6.5). */
const [READ_COILS, READ_INPUTS, WRITE_COIL] = [1, 2, 5];
/** Set in the function code of a refusal, which is so many bytes long (there, 7; CRC included). */
const EXCEPTION = 0x80;
const EXCEPTION_BYTES = 5;
/** The longest RTU frame (MODBUS over Serial Line V1.02, 2.5.1). */
const MAX_FRAME = 256;

/** How long the answer to this request is, CRC included. */
function answerBytes(request: Uint8Array): number {
  const code = request[1];
  if (code === WRITE_COIL) return 8;
  const count = ((request[4] ?? 0) << 8) | (request[5] ?? 0);
  return code === READ_COILS || code === READ_INPUTS ? 5 + Math.ceil(count / 8) : 0;
}

/**
 * What modbus-serial writes to and hears from: a line that is open already. It puts the answer to
 * what was asked last together, whatever lies before it on the line, and tells nothing that nobody
 * asked for: what comes too late is not the next question's answer.
 */
export class LinePort extends EventEmitter {
  readonly #line: SerialLine;
  #request: Uint8Array | null = null;
  #heard: Uint8Array = new Uint8Array();

  constructor(line: SerialLine) {
    super();
    this.#line = line;
    line.onData((bytes) => this.#take(bytes));
  }

  readonly isOpen = true;
  open(done: (error: Error | null) => void): void {
    done(null);
  }
  close(done?: () => void): void {
    done?.();
  }

  write(request: Uint8Array): void {
    this.#request = request;
    this.#heard = new Uint8Array();
    this.#line.write(request);
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#request = null;
    this.#heard = new Uint8Array();
  }

  #take(bytes: Uint8Array): void {
    const request = this.#request;
    if (request === null) return;
    this.#heard = new Uint8Array([...this.#heard, ...bytes]).slice(-MAX_FRAME);
    for (let at = 0; at + 1 < this.#heard.length; at++) {
      if (this.#heard[at] !== request[0]) continue;
      const code = this.#heard[at + 1];
      const length =
        code === request[1]
          ? answerBytes(request)
          : code === ((request[1] ?? 0) | EXCEPTION)
            ? EXCEPTION_BYTES
            : 0;
      if (length === 0) continue;
      if (at + length > this.#heard.length) return;
      const frame = Buffer.from(this.#heard.slice(at, at + length));
      this.forget();
      this.emit('data', frame);
      return;
    }
  }
}
