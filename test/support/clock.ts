import type { Clock } from '../../src/shared/ports.ts';

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** A clock that stands still until told to go on. */
export class ManualClock implements Clock {
  #mono = 0;
  #wall: number;
  #next = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly fn: () => void }>();

  constructor(wallMs: number) {
    this.#wall = wallMs;
  }

  nowMs(): number {
    return this.#wall;
  }

  monoMs(): number {
    return this.#mono;
  }

  after(delayMs: number, fn: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#mono + delayMs, fn });
    return () => {
      this.#timers.delete(id);
    };
  }

  /** Timers that have neither rung nor been called off. */
  pending(): number {
    return this.#timers.size;
  }

  /** Somebody sets the wall clock. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /** Goes on by `ms` and runs what falls due, in order. */
  advance(ms: number): void {
    const end = this.#mono + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, t]) => t.at <= end)
        .toSorted(([ia, a], [ib, b]) => a.at - b.at || ia - ib)[0];
      if (due === undefined) break;
      const [id, timer] = due;
      this.#timers.delete(id);
      this.#wall += timer.at - this.#mono;
      this.#mono = timer.at;
      timer.fn();
    }
    this.#wall += end - this.#mono;
    this.#mono = end;
  }
}

/**
 * A clock that goes on by itself, as soon as nothing else is to be done: for what waits for time
 * and for answers that come at once.
 */
export class EagerClock implements Clock {
  #mono = 0;
  #next = 0;
  #going = false;
  readonly #timers = new Map<number, { readonly at: number; readonly fn: () => void }>();

  nowMs(): number {
    return this.#mono;
  }
  monoMs(): number {
    return this.#mono;
  }
  after(delayMs: number, fn: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#mono + delayMs, fn });
    this.#go();
    return () => void this.#timers.delete(id);
  }
  #go(): void {
    if (this.#going) return;
    this.#going = true;
    setImmediate(() => {
      this.#going = false;
      const [first] = [...this.#timers].toSorted(([, a], [, b]) => a.at - b.at);
      if (first === undefined) return;
      const [id, { at, fn }] = first;
      this.#timers.delete(id);
      this.#mono = at;
      fn();
      this.#go();
    });
  }
}
