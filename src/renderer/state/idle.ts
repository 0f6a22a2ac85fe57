import { useSyncExternalStore } from 'react';
import type { Snapshot } from '../../shared/contract/index.ts';

/**
 * Nobody has touched the start screen for a while: it becomes the attract view. The page knows it
 * by itself. The core knows no touches that mean nothing, and a view that has to wake within a
 * tenth of a second may not have to ask anybody.
 */

/** So long the start screen stands untouched, where policy says nothing else. */
export const ATTRACT_MS = 90_000;

/** The time that {@link Idle} goes by: monotonic, and a timer. */
export interface IdleClock {
  readonly monoMs: () => number;
  /** Runs `then` after a while. @returns what takes it back */
  readonly after: (ms: number, then: () => void) => () => void;
}

/**
 * How long a snapshot lets the page stand before it attracts; null: there is somebody, or a word to
 * him.
 */
function patienceOf(snapshot: Snapshot | null): number | null {
  if (snapshot?.screen !== 'start' || snapshot.word !== null) return null;
  // Who has made the screen fit himself stands before it: the core makes it plain again first.
  const { largeText, lowReach, highContrast } = snapshot.access;
  const isFitted = largeText || lowReach || highContrast || snapshot.voice?.spoken === true;
  return isFitted ? null : (snapshot.attractAfterMs ?? ATTRACT_MS);
}

/** Counts from the last touch, key or other screen. */
export class Idle {
  readonly #clock: IdleClock;
  readonly #listeners = new Set<() => void>();
  #patienceMs: number | null = null;
  #since: number;
  #idle = false;
  #cancel = (): void => undefined;

  constructor(clock: IdleClock) {
    this.#clock = clock;
    this.#since = clock.monoMs();
  }

  /** This snapshot is shown now; null: none is. */
  show(snapshot: Snapshot | null): void {
    const patienceMs = patienceOf(snapshot);
    if (this.#patienceMs === null || patienceMs === null) this.#since = this.#clock.monoMs();
    this.#patienceMs = patienceMs;
    this.#count();
  }

  /** Somebody is there: a finger, or a key. */
  touched(): void {
    this.#since = this.#clock.monoMs();
    this.#count();
  }

  /** Is nobody there? */
  readonly isIdle = (): boolean => this.#idle;

  /** Called whenever {@link isIdle} has changed; returns how to stop. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #count(): void {
    this.#cancel();
    this.#cancel = () => undefined;
    const leftMs =
      this.#patienceMs === null ? null : this.#since + this.#patienceMs - this.#clock.monoMs();
    if (leftMs !== null && leftMs > 0)
      this.#cancel = this.#clock.after(leftMs, () => this.#count());
    const idle = leftMs !== null && leftMs <= 0;
    if (idle === this.#idle) return;
    this.#idle = idle;
    for (const listener of this.#listeners) listener();
  }
}

/** This page's own. */
export const idle = new Idle({
  monoMs: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
});

/**
 * Lets it hear of touches and snapshots. What wakes the page presses nothing: it began on other
 * controls than those that stand there when it ends (taps.ts).
 */
export function watchIdle(
  target: Pick<Window, 'addEventListener'>,
  views: {
    readonly subscribe: (listener: (state: { snapshot: Snapshot | null }) => void) => unknown;
  },
  of: Idle = idle,
): void {
  for (const kind of ['pointerdown', 'keydown'] as const)
    target.addEventListener(kind, () => of.touched(), { capture: true });
  views.subscribe(({ snapshot }) => of.show(snapshot));
}

/** Does the page attract now, since nobody is there? */
export function useIdle(): boolean {
  return useSyncExternalStore(idle.onChange, idle.isIdle, idle.isIdle);
}
