import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLOCK_FILE, CLOCK_NAME, shiftIn } from '../main/demo-clock.ts';

/** A time with its zone: `2026-12-31T23:59:30+08:00`. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * The wall clock of the hall's processes. It is set by the command line or at the dock, and stays
 * set in the hall's data: a journal whose clock went back at the next start would be no journal.
 */
export class HallClock {
  readonly #file: string;

  /**
   * Every process that is started from here on reads this clock.
   *
   * @throws Error where the file holds no number
   */
  constructor(dataDir: string) {
    this.#file = join(dataDir, CLOCK_NAME);
    shiftIn(this.#file);
    process.env[CLOCK_FILE] = this.#file;
  }

  /** Milliseconds since 1970 UTC. */
  nowMs(): number {
    return Date.now() + this.shiftMs;
  }
  /** How far it is ahead of the machine's, ms. */
  get shiftMs(): number {
    return shiftIn(this.#file);
  }

  /** Sets it to this time, also back: for a hall that starts. @throws RangeError */
  begin(time: string): void {
    this.#set(parsed(time));
  }

  /**
   * Sets it forward in a hall that runs.
   *
   * @throws RangeError where the time is behind: the hall's books do not turn back
   */
  forward(time: string): void {
    const atMs = parsed(time);
    if (atMs < this.nowMs()) throw new RangeError(`${time} is behind the hall's clock`);
    this.#set(atMs);
  }

  #set(atMs: number): void {
    // Whoever reads it meanwhile finds the old number or the new one.
    writeFileSync(`${this.#file}.new`, String(atMs - Date.now()));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function parsed(time: string): number {
  const atMs = TIME.test(time) ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new RangeError(`${time}: a time with its zone, as 2026-12-31T23:59:30+08:00`);
  return atMs;
}
