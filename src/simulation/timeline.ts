import type { Clock } from '../shared/ports.ts';

interface Entry {
  readonly atMs: number;
  readonly id: number;
  fn: (() => void) | null;
}

/**
 * Virtual time: what was put on it happens in order of its instant, and of its putting where that
 * is the same.
 */
export class Timeline {
  #nowMs = 0;
  #ids = 0;
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** @returns cancel, any number of times */
  after(delayMs: number, fn: () => void): () => void {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), id: this.#ids++, fn };
    this.#push(entry);
    return () => {
      entry.fn = null;
    };
  }

  /**
   * Goes to the next instant at or before `untilMs` at which something happens and lets one thing
   * happen. False: nothing is left; time stands at `untilMs`.
   */
  step(untilMs: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#pop();
      const { fn } = first;
      if (fn === null) continue;
      this.#nowMs = first.atMs;
      fn();
      return true;
    }
  }

  #less(a: Entry, b: Entry): boolean {
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.id < b.id);
  }
  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Entry;
      if (!this.#less(entry, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = entry;
  }
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#less(heap[child + 1] as Entry, heap[child] as Entry))
        child += 1;
      if (!this.#less(heap[child] as Entry, last)) break;
      heap[i] = heap[child] as Entry;
      i = child;
    }
    heap[i] = last;
  }
}

/** 2026-11-22 12:00 UTC. */
export const T0 = Date.UTC(2026, 10, 22, 12);

/**
 * One process's clocks: the monotonic one begins at its start, the wall clock may be wrong, and
 * nothing rings after its end.
 */
export class ProcessClock implements Clock {
  readonly #timeline: Timeline;
  readonly #life: { readonly alive: boolean };
  readonly #bootMs: number;
  readonly #skewMs: () => number;

  constructor(timeline: Timeline, life: { readonly alive: boolean }, skewMs: () => number) {
    this.#timeline = timeline;
    this.#life = life;
    this.#bootMs = timeline.nowMs;
    this.#skewMs = skewMs;
  }

  nowMs(): number {
    return T0 + Math.floor(this.#timeline.nowMs) + this.#skewMs();
  }
  monoMs(): number {
    return this.#timeline.nowMs - this.#bootMs;
  }
  after(delayMs: number, fn: () => void): () => void {
    const life = this.#life;
    return this.#timeline.after(delayMs, () => {
      if (life.alive) fn();
    });
  }
}
