/**
 * What is common to the simulated memory chips: power, a count of everything that changes silicon,
 * and cuts at any of those changes. What a command means, and what a half-done change leaves, is
 * each chip's own.
 */

/**
 * What stays of the cell whose change is cut: nothing happened; erased and not yet written; some of
 * its bits written; all of it, though nobody heard so. A write that needs no erasing (only 1 → 0)
 * knows no `ff`: there it is `old`.
 */
export type InFlight = 'old' | 'ff' | 'partial' | 'new';
export const IN_FLIGHT: readonly InFlight[] = ['old', 'ff', 'partial', 'new'];

/**
 * A fault that is armed once and then carried out. Changes and commands count from arming, the
 * first is 1.
 */
export type ChipFault =
  /**
   * Power goes in the n-th change. `rest`: what stays of the page behind that byte, on chips that
   * program a page at once (otherwise and by default: old); `garbage`: the whole page, also what
   * was not written to, is noise.
   */
  | {
      readonly afterOps: number;
      readonly inFlight: InFlight;
      readonly rest?: 'old' | 'ff' | 'new' | 'garbage';
    }
  /** Power goes before or after the n-th command, in no change. */
  | { readonly atCommand: number; readonly when: 'before' | 'after' }
  /** The next n changes of user memory are answered well and store nothing (worn cells). */
  | { readonly lie: number }
  /** No answer to anything, from now on. */
  | { readonly mute: true };

/**
 * Thrown by a command in which the power went, and by every command to a chip without power: there
 * is no answer.
 */
export class Torn extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Torn';
  }
}

/** A memory chip, from the side of whoever holds its contacts. */
export interface MemoryChip {
  /**
   * Power on or reset: all that was verified is forgotten. The chip's own answer to reset (4 bytes;
   * none for chips that give none); null: mute.
   */
  powerOn(): Uint8Array | null;
  powerOff(): void;
  /** True from a cut until power comes back. */
  readonly torn: boolean;
  /** Changes of silicon since the chip was made, a cut one included. */
  readonly ops: number;
  /** Commands since the chip was made. */
  readonly commands: number;
  /** Time spent erasing and writing since the chip was made, ms. */
  readonly busyMs: number;
  arm(fault: ChipFault): void;
  disarm(): void;
  /** Calls back after every change of what the chip keeps. */
  onChange(listener: () => void): void;
}

/**
 * A cell of 8 bits that is erased, then written: what a cut leaves of it. `partial`: every other
 * bit of what was to be written.
 */
export function updated(old: number, next: number, left: InFlight): number {
  switch (left) {
    case 'old':
      return old;
    case 'ff':
      return 0xff;
    case 'partial':
      return 0xff & ~everyOther(0xff & ~next);
    case 'new':
      return next;
  }
}

/** A write that only clears bits: what a cut leaves. `partial` has cleared at least one of them. */
export function cleared(old: number, next: number, left: InFlight): number {
  switch (left) {
    case 'old':
    case 'ff':
      return old;
    case 'partial':
      return old & ~everyOther(old & ~next);
    case 'new':
      return old & next;
  }
}

/**
 * An erasing alone, to the bits of `full`: what a cut leaves. `partial` has set at least one bit,
 * and not all where there are several.
 */
export function erased(old: number, full: number, left: InFlight): number {
  switch (left) {
    case 'old':
      return old;
    case 'partial':
      return old | everyOther(full & ~old);
    case 'ff':
    case 'new':
      return full;
  }
}

/**
 * What a page may be found full of when its programming was cut: the same for the same page, like
 * nothing that was ever written.
 */
export function noise(page: Uint8Array): void {
  for (const [i, old] of page.entries()) page[i] = (old * 31 + i * 73 + 0x5a) & 0xff;
}

/** The first, third, fifth … of the set bits. */
function everyOther(bits: number): number {
  let out = 0;
  let take = true;
  for (let bit = 1; bit <= bits; bit <<= 1) {
    if ((bits & bit) === 0) continue;
    if (take) out |= bit;
    take = !take;
  }
  return out;
}

type Cut = Extract<ChipFault, { afterOps: number }>;
type Break = Extract<ChipFault, { atCommand: number }>;

export abstract class Chip implements MemoryChip {
  #powered = false;
  #torn = false;
  #mute = false;
  #ops = 0;
  #commands = 0;
  #busyMs = 0;
  #lies = 0;
  #cuts: { cut: Cut; at: number }[] = [];
  #breaks: { fault: Break; at: number }[] = [];
  #onChange: () => void = () => undefined;

  get torn(): boolean {
    return this.#torn;
  }
  get ops(): number {
    return this.#ops;
  }
  get commands(): number {
    return this.#commands;
  }
  get busyMs(): number {
    return this.#busyMs;
  }

  powerOn(): Uint8Array | null {
    this.forget();
    this.#torn = false;
    this.#powered = !this.#mute;
    return this.#mute ? null : this.answerToReset();
  }

  powerOff(): void {
    this.forget();
    this.#powered = false;
  }

  arm(fault: ChipFault): void {
    if ('mute' in fault) this.#mute = true;
    else if ('lie' in fault) this.#lies += fault.lie;
    else if ('afterOps' in fault) this.#cuts.push({ cut: fault, at: this.#ops + fault.afterOps });
    else this.#breaks.push({ fault, at: this.#commands + fault.atCommand });
  }

  disarm(): void {
    this.#mute = false;
    this.#lies = 0;
    this.#cuts = [];
    this.#breaks = [];
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** The chip's own answer to reset, power being on. */
  protected abstract answerToReset(): Uint8Array;
  /** All that lives without silicon is lost. */
  protected abstract forget(): void;

  /**
   * One command.
   *
   * @throws Torn when an armed cut falls into it, or without power.
   */
  protected command<T>(run: () => T): T {
    if (!this.#powered || this.#mute) throw new Torn('the chip has no power');
    this.#commands++;
    const due = this.#breaks.find((b) => b.at === this.#commands);
    this.#breaks = this.#breaks.filter((b) => b !== due);
    if (due?.fault.when === 'before') this.#tear();
    const answer = run();
    if (due?.fault.when === 'after') this.#tear();
    return answer;
  }

  /**
   * One change of silicon. `store` is told what becomes of the cell: 'new', unless the power goes.
   *
   * @param kind 'user' memory can be worn and lie; counters, codes and protection cannot
   * @param durationMs what the change takes when it is not cut
   */
  protected change(
    kind: 'user' | 'inner',
    durationMs: number,
    store: (left: InFlight) => void,
  ): void {
    this.changePage(kind, durationMs, [store]);
  }

  /**
   * A page programmed at once: each cell counts as one change, and a cut in one of them cuts the
   * page.
   *
   * @param spoil makes noise of the whole page
   */
  protected changePage(
    kind: 'user' | 'inner',
    durationMs: number,
    cells: readonly ((left: InFlight) => void)[],
    spoil: () => void = () => undefined,
  ): void {
    for (const [i, store] of cells.entries()) {
      this.#ops++;
      const due = this.#cuts.find((c) => c.at === this.#ops);
      const lies = kind === 'user' && this.#lies > 0;
      if (lies) this.#lies--;
      if (due === undefined) {
        if (!lies) store('new');
        continue;
      }
      this.#cuts = this.#cuts.filter((c) => c !== due);
      if (!lies) store(due.cut.inFlight);
      const { rest = 'old' } = due.cut;
      if (rest === 'garbage') spoil();
      else for (const later of cells.slice(i + 1)) later(rest);
      this.#onChange();
      this.#tear();
    }
    this.#busyMs += durationMs;
    if (cells.length > 0) this.#onChange();
  }

  /** What the chip keeps was changed from outside its own commands. */
  protected changed(): void {
    this.#onChange();
  }

  #tear(): never {
    this.#torn = true;
    this.powerOff();
    throw new Torn('the card left');
  }
}
