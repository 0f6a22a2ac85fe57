import { shiftHash } from '../shared/shift-hash.ts';
import { shiftImbalance, shiftRef } from '../shared/shift.ts';
import type { Shift } from '../shared/shift.ts';
import { Dice } from './dice.ts';
import type { Site } from './site.ts';
import type { Town } from './town.ts';

/** So often a person who comes by closes the shift. */
const CLOSES = 0.12;

/**
 * Staff close shifts at any moment: each balances to the fen, agrees with the rows, begins where
 * the last one ended, and is the same at the quiet end whatever happened to the machine meanwhile.
 */
export class ShiftChecks {
  readonly #world: Town;
  /** Its own, so that the town goes the way that it would have gone without. */
  readonly #dice: Dice;
  readonly #told: { readonly site: Site; readonly shift: Shift }[] = [];

  constructor(world: Town) {
    this.#world = world;
    this.#dice = new Dice(world.seed, 7_041);
  }

  /** Somebody comes by. */
  comeBy(site: Site): void {
    const { journal } = site;
    if (this.#world.quiet || !this.#dice.chance(CLOSES)) return;
    if (!site.alive || journal === null) return;
    try {
      const shift = journal.closeShift('大厅', '');
      if (shift === null) return;
      this.#told.push({ site, shift });
      this.#world.count('shift-closed');
      this.#balances(site, shift);
      site.wired.uploader.kick();
    } catch {
      // The power went, or the disk failed, while it was written: nobody was told that it is closed.
    }
  }

  #balances(site: Site, shift: Shift): void {
    const off = shiftImbalance(shift);
    const { transitFen, parkedFen } = shift.difference;
    if (off.transit !== 0 || off.parked !== 0 || transitFen !== 0 || parkedFen !== 0)
      this.#world.problem(
        `shift ${shiftRef(shift)} of ${site.terminalId} is off by ${off.transit} and ${off.parked} fen, its rows by ${transitFen} and ${parkedFen}`,
      );
  }

  /** At the quiet end. */
  final(): void {
    for (const site of this.#world.sites) {
      const { journal } = site;
      const open = journal?.openShift() ?? null;
      if (journal === null || open === null) continue;
      this.#balances(site, open);
      const closed = journal.closedShifts(Number.MAX_SAFE_INTEGER);
      for (const told of this.#told) {
        if (told.site !== site) continue;
        const now = closed.find((c) => shiftRef(c.shift) === shiftRef(told.shift));
        if (now === undefined || now.hash !== shiftHash(told.shift))
          this.#world.problem(
            `shift ${shiftRef(told.shift)} of ${site.terminalId} ${now === undefined ? 'is gone' : 'has changed'}`,
          );
      }
      const captured = journal
        .orders()
        .flatMap((o) => journal.attemptsOf(o.orderId))
        .reduce((n, a) => n + (a.transactionId === null ? 0 : a.amountFen), 0);
      const shifts = [open, ...closed.map((c) => c.shift)];
      const told = shifts.reduce((n, s) => n + s.captured.fen, 0);
      if (told !== captured)
        this.#world.problem(
          `the shifts of ${site.terminalId} captured ${told} fen, its journal ${captured}`,
        );
    }
  }
}
