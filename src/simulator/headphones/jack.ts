import { appendFileSync, writeFileSync } from 'node:fs';

/**
 * A headphone jack as the kernel tells of it: a file to which each change appends the events of a
 * sound card's switch, two to a change (the switch, then the end of the report).
 */
export class SimulatedJack {
  readonly #path: string;
  #plugged = false;

  /** Nothing is plugged in. */
  constructor(path: string) {
    this.#path = path;
    writeFileSync(path, '');
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  /** Somebody plugs headphones in, or pulls them. */
  plug(plugged: boolean): void {
    this.#plugged = plugged;
    appendFileSync(this.#path, Buffer.concat([event(5, 2, plugged ? 1 : 0), event(0, 0, 0)]));
  }
}

/**
 * Its time (seconds, microseconds: eight bytes each; nobody reads it), type, code (two), value
 * (four).
 */
function event(type: number, code: number, value: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}
