import { Torn } from '../card/chip.ts';
import { bytesOf, checksum, hexOf } from '../card/codec.ts';
import { meterAreaHex } from './meter.ts';
import type { MeterRefusal, MeterState } from './meter.ts';

/** By what rule a meter takes a purchase (docs/adding-a-meter-maker.md). */
export type MeterRule = 'count-exact' | 'count-greater' | 'cumulative';

export type BlockMeterRefusal = MeterRefusal | 'code' | 'torn';
export interface BlockMeterVisit {
  /** False with `torn`: the card left before the meter had taken anything. */
  readonly accepted: boolean;
  readonly reason?: BlockMeterRefusal;
  /** 0.01 units added now; 0 when the meter already had this purchase. */
  readonly credited: number;
  /**
   * False: taken, but the card left while its area was being written; the next visit writes it
   * again.
   */
  readonly written: boolean;
}

/** What a meter reads of a card with two purchase blocks. */
export interface CardBytes {
  /** 16 bytes: mark, card number, … , XOR. */
  readonly identity: Uint8Array;
  /** 16 bytes each; null: a block that this meter does not believe. */
  readonly blocks: readonly [Uint8Array | null, Uint8Array | null];
  /**
   * Where the meter writes, behind the one block and the other; the same twice on cards that have
   * one place.
   */
  readonly areas: readonly [Uint8Array, Uint8Array];
}

/**
 * A card in the meter's slot: how this kind of chip is read, opened and written by the meter. Its
 * commands throw Torn when the card leaves.
 */
export interface CardInMeter {
  readonly mark: number;
  readonly rule: MeterRule;
  /**
   * True: an area is written once for each purchase, as the chip clears bits only; another visit
   * finishes what was cut and says nothing new.
   */
  readonly once: boolean;
  /** As it is: no command, no conditions. */
  peek(): CardBytes;
  /** Power on, and read; null: no such chip. */
  read(): CardBytes | null;
  /** The meter's own code; false: it did not open. */
  unlock(cardNo: string): boolean;
  /** @param slot the block that was taken */
  write(area: Uint8Array, slot: 0 | 1): void;
  powerOff(): void;
}

interface Block {
  readonly slot: 0 | 1;
  readonly seq: number;
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
  /** Of the order, hex. */
  readonly tag: string;
}

const LAST_SEQ = 0xfe;

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  return Number.parseInt(hexOf(bytes.subarray(at, at + length)), 16);
}

function isSealed(bytes: Uint8Array): boolean {
  return checksum(bytes.subarray(0, -2)) === numberAt(bytes, bytes.length - 2, 2);
}

/** A purchase block; null: not valid (layouts.md, "Reading"). */
function blockIn(card: CardBytes, slot: 0 | 1): Block | null {
  const bytes = card.blocks[slot];
  if (bytes === null) return null;
  const seq = bytes[0] as number;
  if (seq === 0x00 || seq === 0xff || !isSealed(bytes)) return null;
  return {
    slot,
    seq,
    count: numberAt(bytes, 1, 2),
    quantity: numberAt(bytes, 3, 3),
    cumulative: numberAt(bytes, 6, 4),
    tag: hexOf(bytes.subarray(10, 14)),
  };
}

function follows(older: Block, newer: Block): boolean {
  return (
    newer.seq === (older.seq === LAST_SEQ ? 1 : older.seq + 1) &&
    newer.count === older.count + 1 &&
    newer.cumulative === older.cumulative + newer.quantity
  );
}

/** The purchase that counts; null: none can be told. */
function newestOf(card: CardBytes): Block | null {
  const a = blockIn(card, 0);
  const b = blockIn(card, 1);
  let newest: Block | null;
  if (a === null || b === null) newest = a ?? b;
  else newest = follows(b, a) ? a : follows(a, b) ? b : null;
  return newest === null || newest.count === 0xffff ? null : newest;
}

/** What the meter wrote last; null: nothing that holds. */
function lastArea({ areas }: CardBytes): Uint8Array | null {
  const held = areas.filter((area) => area[0] === 0x58 && isSealed(area));
  return held.toSorted((a, b) => numberAt(b, 1, 2) - numberAt(a, 1, 2))[0] ?? null;
}

/** The newest purchase on a card, as it lies there; null: none can be told. */
export function purchaseOn(
  card: CardInMeter,
): { readonly count: number; readonly quantity: number; readonly cumulative: number } | null {
  const newest = newestOf(card.peek());
  return newest === null
    ? null
    : { count: newest.count, quantity: newest.quantity, cumulative: newest.cumulative };
}

/** The tag of that purchase, hex; null: none can be told. */
export function tagOn(card: CardInMeter): string | null {
  return newestOf(card.peek())?.tag ?? null;
}

/**
 * A meter for cards with two purchase blocks. It works through the card's contacts like any other:
 * the code first, then its area; so its own writes can be cut too. What it takes it keeps before it
 * writes to the card: a cut visit credits once, and is written at the next. The rule by which it
 * takes a purchase is that of the maker whose cards it reads.
 */
export class BlockMeter {
  #state: MeterState;
  /** The area as it was first written for the last purchase taken. */
  #answer: { readonly count: number; readonly bytes: Uint8Array } | null = null;

  constructor(state: MeterState) {
    this.#state = state;
  }

  /** The meter that last wrote a card's area; null when none did or the area is damaged. */
  static ofCard(card: CardInMeter, ceiling: number): BlockMeter | null {
    const area = lastArea(card.peek());
    if (area === null) return null;
    return new BlockMeter({
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
   * The card is put into the meter, and taken out again.
   *
   * @param now `YYMMDDhhmm`, the meter's clock
   */
  visit(card: CardInMeter, now: string): BlockMeterVisit {
    let taken: number | null = null;
    try {
      const found = card.read();
      if (found === null) return refused('no application');
      const judged = this.#judge(card, found);
      if (typeof judged === 'string') return refused(judged);
      const { block, credit } = judged;
      // Nothing is taken from a card that can't be written to: another meter could take the same
      // again.
      if (!card.unlock(hexOf(found.identity.subarray(1, 6)))) return refused('code');
      taken = credit;
      this.#state = {
        ...this.#state,
        count: block.count,
        remaining: this.#state.remaining + credit,
      };
      if (!card.once || this.#answer?.count !== block.count) {
        // A meter that was put up anew knows of its answer what stands on the card.
        const there = found.areas[block.slot];
        const isThere =
          card.once &&
          there[0] === 0x58 &&
          isSealed(there) &&
          numberAt(there, 1, 2) === block.count;
        this.#answer = {
          count: block.count,
          bytes: isThere ? there : bytesOf(meterAreaHex(this.#state, now)),
        };
      }
      card.write(this.#answer.bytes, block.slot);
      return { accepted: true, credited: taken, written: true };
    } catch (error) {
      if (!(error instanceof Torn)) throw error;
      return taken === null ? refused('torn') : { accepted: true, credited: taken, written: false };
    } finally {
      card.powerOff();
    }
  }

  /** The purchase to take or taken already and what it adds, or why not. */
  #judge(
    card: CardInMeter,
    found: CardBytes,
  ): { readonly block: Block; readonly credit: number } | BlockMeterRefusal {
    const { identity } = found;
    if (identity[0] !== card.mark || identity.reduce((sum, byte) => sum ^ byte, 0) !== 0)
      return 'no application';
    const block = newestOf(found);
    if (block === null) return 'unreadable';
    const area = lastArea(found);
    if (area !== null && hexOf(area.subarray(18, 23)) !== this.#state.meterNo) return 'other meter';
    const credit = this.#creditOf(card.rule, block);
    if (credit === null) return 'count';
    return this.#state.remaining + credit > this.#state.ceiling ? 'ceiling' : { block, credit };
  }

  /** What this purchase adds by the maker's rule; null: it is not taken. */
  #creditOf(rule: MeterRule, block: Block): number | null {
    const { count, remaining, used } = this.#state;
    switch (rule) {
      case 'count-exact':
        return block.count === count ? 0 : block.count === count + 1 ? block.quantity : null;
      case 'count-greater':
        return block.count === count ? 0 : block.count > count ? block.quantity : null;
      case 'cumulative': {
        const more = block.cumulative - (remaining + used);
        return more < 0 ? null : more;
      }
    }
  }
}

function refused(reason: BlockMeterRefusal): BlockMeterVisit {
  return { accepted: false, reason, credited: 0, written: false };
}
