import type { Painted } from '../../shared/contract/index.ts';
import { store } from './store.ts';

/**
 * The page tells its shell that it paints: a page can be alive and blank, and only what is on the
 * panel helps a customer. It stands outside of React, which may be what is broken.
 */

/** A page says it each so often. Well below the shell's patience (main/shell/beat-watch.ts). */
export const BEAT_MS = 3_000;
/** Between two beats, however fast the screens change: less than a page may send. */
const LEAST_MS = 1_000;
/** Blank for so long, a page that has no shell to do it loads itself anew … */
export const BLANK_MS = 10_000;
/** … and so often in a row at most: a page that is blank again and again is not helped by it. */
const RELOADS = 5;
const RELOADS_KEY = 'pilotlight-reloads';

/** What the beat needs of its page. */
export interface BeatPage {
  /** What the next painted frame shows: calls back once it is painted; never, while nothing paints. */
  readonly painted: (then: (revision: number) => void) => void;
  readonly hidden: () => boolean;
  readonly monoMs: () => number;
  readonly after: (ms: number, then: () => void) => () => void;
}

/** Says what is painted: after each change of the screen, and in between. */
export class Beat {
  readonly #page: BeatPage;
  readonly #tell: (beat: Painted) => void;
  #last = Number.NEGATIVE_INFINITY;
  #asked = false;
  #cancel = (): void => undefined;

  constructor(page: BeatPage, tell: (beat: Painted) => void) {
    this.#page = page;
    this.#tell = tell;
    this.changed();
  }

  /** Another screen is to be painted, or the page is seen, or hidden, from now on. */
  changed(): void {
    this.#in(Math.max(0, this.#last + LEAST_MS - this.#page.monoMs()));
  }

  #in(ms: number): void {
    this.#cancel();
    this.#cancel = this.#page.after(ms, () => this.#now());
  }

  #now(): void {
    this.#last = this.#page.monoMs();
    this.#in(BEAT_MS);
    if (this.#page.hidden()) return this.#tell({ revision: -1, hidden: true });
    // One question at a time: frames that never come must not pile up.
    if (this.#asked) return;
    this.#asked = true;
    this.#page.painted((revision) => {
      this.#asked = false;
      this.#tell({ revision, hidden: false });
    });
  }
}

/** The revision that stands in the document; -1: there is no screen in it. */
function revisionShown(): number {
  const shown = document.querySelector<HTMLElement>('#root [data-revision]');
  return Number(shown?.dataset['revision'] ?? -1);
}

const after = (ms: number, then: () => void): (() => void) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

const page: BeatPage = {
  painted: (then) =>
    requestAnimationFrame(() => {
      const shown = revisionShown();
      // The task behind the frame: what stood in the document by then is painted.
      setTimeout(() => then(shown), 0);
    }),
  hidden: () => document.visibilityState === 'hidden',
  monoMs: () => performance.now(),
  after,
};

/** Begins to tell; called once by the transport. */
export function onPainted(tell: (beat: Painted) => void): void {
  const beat = new Beat(page, tell);
  document.addEventListener('visibilitychange', () => beat.changed());
  store.subscribe(() => beat.changed());
}

/** Neither a screen nor a veil is there: nobody would learn anything. */
const isBlank = (): boolean =>
  revisionShown() < 0 && document.querySelector('#root [data-veil]') === null;

/** For a page whose shell cannot reload it: it looks at itself. */
export function loadAnewWhenBlank(): void {
  let blankFor = 0;
  setInterval(() => {
    blankFor = isBlank() && document.visibilityState === 'visible' ? blankFor + BEAT_MS : 0;
    if (!isBlank()) {
      sessionStorage.removeItem(RELOADS_KEY);
      return;
    }
    const before = Number(sessionStorage.getItem(RELOADS_KEY) ?? 0);
    if (blankFor < BLANK_MS || before >= RELOADS) return;
    sessionStorage.setItem(RELOADS_KEY, String(before + 1));
    location.reload();
  }, BEAT_MS);
}
