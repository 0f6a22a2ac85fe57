import { bytesOf, checksum, hexOf, numberHex, sealed } from '../card/codec.ts';
import type { CpuCard } from '../card/cpu-card.ts';

/** What a meter remembers. Quantities in the layout's 0.01 units. */
export interface MeterState {
  readonly meterNo: string;
  /** Purchases taken so far. */
  readonly count: number;
  readonly remaining: number;
  readonly used: number;
  readonly ceiling: number;
  readonly valveClosed: boolean;
  readonly faults: number;
}

export type MeterRefusal = 'no application' | 'unreadable' | 'count' | 'ceiling' | 'other meter';
export interface MeterVisit {
  readonly accepted: boolean;
  readonly reason?: MeterRefusal;
  /** 0.01 units added now; 0 when the meter already had this purchase. */
  readonly credited: number;
}

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  return Number.parseInt(hexOf(bytes.subarray(at, at + length)), 16);
}

/** The 32 bytes that a meter writes (layouts.md, bytes 60–7F). */
export function meterAreaHex(state: MeterState, lastVisit: string): string {
  return sealed(
    `58${numberHex(state.count, 2)}${numberHex(state.remaining, 4)}${numberHex(state.used, 4)}${lastVisit}${state.valveClosed ? '01' : '00'}${numberHex(state.faults, 1)}${state.meterNo}${'00'.repeat(7)}`,
  );
}

/** A meter whose acceptance rule is _count exact_: it takes a card whose count is its own plus one. */
export class Meter {
  #state: MeterState;

  constructor(state: MeterState) {
    this.#state = state;
  }

  /** The meter that last wrote a card's area; null when none did or the area is damaged. */
  static ofCard(card: CpuCard, ceiling: number): Meter | null {
    const area = card.peek('1A');
    if (
      area === null ||
      area[0] !== 0x58 ||
      checksum(area.subarray(0, 30)) !== numberAt(area, 30, 2)
    )
      return null;
    return new Meter({
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
   * The card is put into the meter.
   *
   * @param now `YYMMDDhhmm`, the meter's clock
   */
  visit(card: CpuCard, now: string): MeterVisit {
    const record = card.peek('17');
    const area = card.peek('1A');
    if (record === null || area === null)
      return { accepted: false, reason: 'no application', credited: 0 };
    const count = numberAt(record, 0, 2);
    const quantity = numberAt(record, 2, 4);
    if (count === 0xffff) return { accepted: false, reason: 'unreadable', credited: 0 };
    if (area[0] === 0x58 && hexOf(area.subarray(18, 23)) !== this.#state.meterNo)
      return { accepted: false, reason: 'other meter', credited: 0 };
    const again = count === this.#state.count;
    if (!again && count !== this.#state.count + 1)
      return { accepted: false, reason: 'count', credited: 0 };
    if (!again && this.#state.remaining + quantity > this.#state.ceiling)
      return { accepted: false, reason: 'ceiling', credited: 0 };
    const credited = again ? 0 : quantity;
    this.#state = { ...this.#state, count, remaining: this.#state.remaining + credited };
    card.poke('1A', bytesOf(meterAreaHex(this.#state, now)));
    return { accepted: true, credited };
  }
}
