import type { Painted } from '../../shared/contract/index.ts';

/** A page that listens has painted by then: its letters are loaded first, from a slow disk. */
export const FIRST_BEAT_MS = 30_000;
/** A page says each few seconds that it painted; silent for so long, something is amiss … */
export const SILENT_MS = 12_000;
/** … and after so much more it is certain: a machine that was asleep wakes page and shell at once. */
export const CERTAIN_MS = 3_000;
/** How often a page is loaded anew that no reload has helped. */
export const BEAT_SELDOM_MS = 600_000;
/** More recoveries in a row than these do not help. */
const PATIENCE = 6;
/** A page that painted so often since it was recovered is well again. */
const STEADY_BEATS = 10;

/** What the watch does to its page. */
export interface BeatPorts {
  /** Loads the page anew. */
  readonly recover: (why: string) => void;
  /** Runs `then` after a while. @returns what takes it back */
  readonly after: (ms: number, then: () => void) => () => void;
}

/** What outlives a page: recoveries in a row after which nothing was painted. */
export interface BeatMemory {
  fruitless: number;
}

/** Watches over the frames of one page. */
export interface BeatWatch {
  /** The page is loaded, or loaded anew: its first frame is awaited. */
  readonly began: () => void;
  /** This revision went out to the page. */
  readonly sent: (revision: number) => void;
  /** The page says what it painted. */
  readonly painted: (beat: Painted) => void;
  readonly stop: () => void;
}

/**
 * Notices a page that lives, answers and paints nothing, or paints what is over: of what had gone
 * out to it, nothing is on the screen SILENT_MS and CERTAIN_MS later. A page that nobody can see
 * paints nothing either; it says so, and is let alone until it is seen again.
 */
export function createBeatWatch(ports: BeatPorts, memory: BeatMemory): BeatWatch {
  /** What went out last … */
  let wanted = -1;
  /** … and what had gone out when the page was waited for: older than this is no progress. */
  let due = -1;
  let beats = 0;
  let over = false;
  let cancel = (): void => undefined;

  function waitFor(ms: number, why: string): void {
    cancel();
    // Asked once more: whoever slept till now had no time to say anything.
    cancel = ports.after(ms, () => {
      cancel = ports.after(CERTAIN_MS, () => lost(why));
    });
  }

  function lost(why: string): void {
    memory.fruitless += 1;
    beats = 0;
    due = -1;
    waitFor(memory.fruitless < PATIENCE ? FIRST_BEAT_MS : BEAT_SELDOM_MS, why);
    ports.recover(why);
  }

  return {
    began: () => {
      if (!over && memory.fruitless < PATIENCE) waitFor(FIRST_BEAT_MS, 'the page painted nothing');
    },
    sent: (revision) => {
      wanted = revision;
    },
    painted: ({ revision, hidden }) => {
      if (over) return;
      if (hidden) return cancel();
      // It paints, and what it paints is over: the time for the newer screen goes on.
      if (revision < due) return undefined;
      beats += 1;
      if (beats >= STEADY_BEATS) memory.fruitless = 0;
      due = wanted;
      waitFor(SILENT_MS, `the page is alive and paints nothing since revision ${revision}`);
      return undefined;
    },
    stop: () => {
      over = true;
      cancel();
    },
  };
}
