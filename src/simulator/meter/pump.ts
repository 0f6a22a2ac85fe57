import type { CpuCard } from '../card/cpu-card.ts';
import type { MeterState, MeterVisit } from './meter.ts';

/** As the card's log names it. */
const STATION = '000000009901';
/** So much a car takes at one filling, fen, where the card has it. */
const A_TANK = 8_000;

/**
 * A filling station's pump: it takes a part of what is in the purse, as much as went into the car,
 * and writes nothing else to the card. It knows no count, so it takes from a card at any time.
 */
export class Pump {
  readonly #card: CpuCard;
  #fillings = 0;
  #used = 0;

  /** @param card one with a purse */
  constructor(card: CpuCard) {
    this.#card = card;
  }

  /**
   * @param now `YYMMDDhhmm`
   * @param fen what the car takes, at most what is in the purse
   */
  visit(now: string, fen = A_TANK): MeterVisit {
    const { purse } = this.#card;
    if (purse === null) return { accepted: false, reason: 'no application', credited: 0 };
    const taken = Math.min(fen, purse.state.balance);
    if (taken > 0) purse.debit(taken, STATION, `20${now}00`);
    this.#fillings += taken > 0 ? 1 : 0;
    this.#used += taken;
    return { accepted: true, credited: taken };
  }

  /** Fillings and money so far; a pump keeps nothing for a customer. */
  state(): MeterState {
    return {
      meterNo: STATION.slice(2),
      count: this.#fillings,
      remaining: 0,
      used: this.#used,
      ceiling: 0,
      valveClosed: false,
      faults: 0,
    };
  }
}
