import type { Sle4442 } from '../card/sle4442.ts';
import { BlockMeter } from './block-meter.ts';
import type { BlockMeterVisit } from './block-meter.ts';
import { in4442 } from './slots.ts';
import type { MeterState } from './meter.ts';

/**
 * A meter for PL-4442 cards. Its rule is _count exact_: it takes a card whose newest count is its
 * own plus one, once.
 */
export class Meter4442 {
  readonly #meter: BlockMeter;

  constructor(state: MeterState) {
    this.#meter = new BlockMeter(state);
  }

  /** The meter that last wrote a card's area; null when none did or the area is damaged. */
  static ofCard(card: Sle4442, ceiling: number): Meter4442 | null {
    const found = BlockMeter.ofCard(in4442(card), ceiling);
    return found === null ? null : new Meter4442(found.state());
  }

  state(): MeterState {
    return this.#meter.state();
  }

  /** Gas flows; no more than is there. */
  consume(quantity: number): void {
    this.#meter.consume(quantity);
  }

  /**
   * The card is put into the meter, and taken out again.
   *
   * @param now `YYMMDDhhmm`, the meter's clock
   */
  visit(card: Sle4442, now: string): BlockMeterVisit {
    return this.#meter.visit(in4442(card), now);
  }
}
