import { useLayoutEffect, useSyncExternalStore } from 'react';
import type { Snapshot } from '../../shared/contract/index.ts';
import { pressedOn } from './store.ts';

/**
 * A second tap is not a second wish: a tap is meant for what was painted when the finger went down,
 * and what has just come under the finger was not looked at yet.
 */

/** So long the controls of a new view are deaf. */
export const DEAF_MS = 250;

/** The time that {@link Taps} goes by: monotonic, and a timer. */
export interface TapClock {
  readonly monoMs: () => number;
  readonly after: (delayMs: number, fn: () => void) => void;
}

/** Which screen a person saw. */
export type Seen = Pick<Snapshot, 'screen' | 'revision'>;

/** Judges each tap by the view that was painted when it began. */
export class Taps {
  readonly #clock: TapClock;
  readonly #pressedOn: (seen: Seen | null) => void;
  readonly #listeners = new Set<() => void>();
  /** The controls that stand there: a screen’s, or a pad’s that took their place. */
  #view = { name: '' };
  #deafUntil = 0;
  #shown: Seen | null = null;
  #press: { readonly view: object; readonly deaf: boolean } | null = null;

  /** @param on told what was seen when a finger went down; null once its tap is over */
  constructor(clock: TapClock, on: (seen: Seen | null) => void) {
    this.#clock = clock;
    this.#pressedOn = on;
  }

  /** This snapshot is painted now. */
  saw(seen: Seen): void {
    this.#shown = seen;
  }

  /** Other controls stand there now than a moment ago. */
  newView(name: string): void {
    const view = { name };
    this.#view = view;
    this.#deafUntil = this.#clock.monoMs() + DEAF_MS;
    this.#listenAgain(view, DEAF_MS);
    this.#tell();
  }

  /**
   * Tells when the controls hear again. A browser's timer and its clock are rounded each for
   * itself: one that fires a moment early would find them deaf still, and they would stay so.
   */
  #listenAgain(view: object, inMs: number): void {
    this.#clock.after(inMs, () => {
      if (view !== this.#view) return;
      const leftMs = this.#deafUntil - this.#clock.monoMs();
      if (leftMs > 0) this.#listenAgain(view, Math.max(1, leftMs));
      else this.#tell();
    });
  }

  /** Do the controls hear nothing now? */
  readonly isDeaf = (): boolean => this.#clock.monoMs() < this.#deafUntil;

  /** Called whenever {@link isDeaf} may have changed; returns how to stop. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A finger went down. */
  down(): void {
    this.#press = { view: this.#view, deaf: this.isDeaf() };
    this.#pressedOn(this.#shown);
  }

  /**
   * A control is pressed: may it act? A finger's tap by the view on which it went down; a key's by
   * now.
   */
  mayAct(): boolean {
    const press = this.#press;
    return press === null ? !this.isDeaf() : press.view === this.#view && !press.deaf;
  }

  /**
   * Something is meant for the controls that stand there now, and may be done a moment later.
   * Returns whether it still may: the same controls are there, and heard it.
   */
  glance(): () => boolean {
    const [view, deaf] = [this.#view, this.isDeaf()];
    return () => !deaf && view === this.#view;
  }

  /** The tap is over, whatever it did. */
  over(): void {
    this.#press = null;
    this.#pressedOn(null);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The page's own. */
export const taps = new Taps(
  {
    monoMs: () => performance.now(),
    after: (delayMs, fn) => void setTimeout(fn, delayMs),
  },
  pressedOn,
);

/** Every tap of this page is judged before any control hears of it. */
export function listenToTaps(target: Window, judge: Taps = taps): void {
  const options = { capture: true };
  target.addEventListener('pointerdown', () => judge.down(), options);
  target.addEventListener('pointercancel', () => judge.over(), options);
  target.addEventListener(
    'click',
    (event) => {
      if (judge.mayAct()) return;
      event.stopImmediatePropagation();
      event.preventDefault();
      judge.over();
    },
    options,
  );
  // After the control itself.
  target.addEventListener('click', () => judge.over());
  // A key's press of a control belongs to no finger.
  target.addEventListener('keydown', () => judge.over(), options);
}

/** This snapshot is on the screen. */
export function usePainted(snapshot: Snapshot | null): void {
  useLayoutEffect(() => {
    if (snapshot !== null) taps.saw(snapshot);
  }, [snapshot]);
}

/** Another value of `view` means that other controls stand there. */
export function useNewView(view: string): void {
  useLayoutEffect(() => taps.newView(view), [view]);
}

/** Are the controls deaf now? */
export function useDeaf(): boolean {
  return useSyncExternalStore(taps.onChange, taps.isDeaf, () => false);
}
