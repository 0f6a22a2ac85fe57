import { bytesOf, checksum, hexOf } from '../card/codec.ts';
import type { CpuCard } from '../card/cpu-card.ts';
import { meterAreaHex } from './meter.ts';
import type { MeterState, MeterVisit } from './meter.ts';

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  return Number.parseInt(hexOf(bytes.subarray(at, at + length)), 16);
}

/**
 * A meter that takes what is in the purse, whole, and shows the number of loads as its count.
 * Quantities in fen.
 */
export class PurseMeter {
  #state: MeterState;

  constructor(state: MeterState) {
    this.#state = state;
  }

  /** The meter that last wrote a card's area; null: none did, or the card has no purse. */
  static ofCard(card: CpuCard, ceiling: number): PurseMeter | null {
    const area = card.peek('1A');
    if (
      card.purse === null ||
      area === null ||
      area[0] !== 0x58 ||
      checksum(area.subarray(0, 30)) !== numberAt(area, 30, 2)
    )
      return null;
    return new PurseMeter({
      meterNo: hexOf(area.subarray(18, 23)),
      count: numberAt(area, 1, 2),
      remaining: numberAt(area, 3, 4),
      used: numberAt(area, 7, 4),
      ceiling,
      valveClosed: area[16] !== 0,
      faults: area[17] as number,
    });
  }

  state(): MeterState {
    return this.#state;
  }

  /** Gas flows; no more than is there. */
  consume(quantity: number): void {
    const flow = Math.min(quantity, this.#state.remaining);
    this.#state = {
      ...this.#state,
      remaining: this.#state.remaining - flow,
      used: this.#state.used + flow,
    };
  }

  /**
   * @param now `YYMMDDhhmm`
   * @param cut the card is pulled after the debit, before the meter wrote its area
   */
  visit(card: CpuCard, now: string, cut = false): MeterVisit {
    const area = card.peek('1A');
    const { purse } = card;
    if (purse === null || area === null)
      return { accepted: false, reason: 'no application', credited: 0 };
    if (area[0] === 0x58 && hexOf(area.subarray(18, 23)) !== this.#state.meterNo)
      return { accepted: false, reason: 'other meter', credited: 0 };
    const { balance, onlineSeq } = purse.state;
    if (this.#state.remaining + balance > this.#state.ceiling)
      return { accepted: false, reason: 'ceiling', credited: 0 };
    if (balance > 0) purse.debit(balance, `00${this.#state.meterNo}`, `20${now}00`);
    this.#state = { ...this.#state, count: onlineSeq, remaining: this.#state.remaining + balance };
    if (!cut) card.poke('1A', bytesOf(meterAreaHex(this.#state, now)));
    return { accepted: true, credited: balance };
  }
}
