import { Torn } from '../card/chip.ts';
import { bytesOf, checksum, hexOf } from '../card/codec.ts';
import { codeOf4442 } from '../card/issue-4442.ts';
import { COMPARE, READ_MAIN, READ_SECURITY, UPDATE_MAIN, UPDATE_SECURITY } from '../card/sle4442.ts';
import type { Sle4442 } from '../card/sle4442.ts';
import { meterAreaHex } from './meter.ts';
import type { MeterRefusal, MeterState } from './meter.ts';

export type Meter4442Refusal = MeterRefusal | 'code' | 'torn';
export interface Meter4442Visit {
  /** False with `torn`: the card left before the meter had taken anything. */
  readonly accepted: boolean;
  readonly reason?: Meter4442Refusal;
  /** 0.01 units added now; 0 when the meter already had this purchase. */
  readonly credited: number;
  /** False: taken, but the card left while its area was being written; the next visit writes it again. */
  readonly written: boolean;
}

interface Block {
  readonly seq: number;
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
}

const AREA = 0x60;
const AREA_LENGTH = 32;
const LAST_SEQ = 0xfe;

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  return Number.parseInt(hexOf(bytes.subarray(at, at + length)), 16);
}

function isSealed(bytes: Uint8Array): boolean {
  return checksum(bytes.subarray(0, -2)) === numberAt(bytes, bytes.length - 2, 2);
}

/** A purchase block; null: not valid (layouts.md, "Reading"). */
function blockAt(main: Uint8Array, at: number): Block | null {
  const bytes = main.subarray(at, at + 16);
  const seq = bytes[0] as number;
  if (seq === 0x00 || seq === 0xff || !isSealed(bytes)) return null;
  return { seq, count: numberAt(bytes, 1, 2), quantity: numberAt(bytes, 3, 3), cumulative: numberAt(bytes, 6, 4) };
}

function follows(older: Block, newer: Block): boolean {
  return newer.seq === (older.seq === LAST_SEQ ? 1 : older.seq + 1) && newer.count === older.count + 1 && newer.cumulative === older.cumulative + newer.quantity;
}

/** The purchase that counts; null: none can be told. */
function newestOf(main: Uint8Array): Block | null {
  const a = blockAt(main, 0x30);
  const b = blockAt(main, 0x40);
  let newest: Block | null;
  if (a === null || b === null) newest = a ?? b;
  else newest = follows(b, a) ? a : follows(a, b) ? b : null;
  return newest === null || newest.count === 0xffff ? null : newest;
}

/** What the meter wrote last; null: nothing that holds. */
function areaOf(main: Uint8Array): Uint8Array | null {
  const area = main.subarray(AREA, AREA + AREA_LENGTH);
  return area[0] === 0x58 && isSealed(area) ? area : null;
}

/**
 * A meter for PL-4442 cards. Its rule is *count exact*: it takes a card whose newest count is its own plus one, once.
 * It works through the card's contacts like any other: the code first, then byte after byte; so its own writes can be
 * cut too. What it takes it keeps before it writes to the card: a cut visit credits once, and is written at the next.
 */
export class Meter4442 {
  #state: MeterState;

  constructor(state: MeterState) {
    this.#state = state;
  }

  /** The meter that last wrote a card's area; null when none did or the area is damaged. */
  static ofCard(card: Sle4442, ceiling: number): Meter4442 | null {
    const area = areaOf(card.peek());
    if (area === null) return null;
    return new Meter4442({
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
    this.#state = { ...this.#state, remaining: this.#state.remaining - flow, used: this.#state.used + flow };
  }

  /**
   * The card is put into the meter, and taken out again.
   * @param now `YYMMDDhhmm`, the meter's clock
   */
  visit(card: Sle4442, now: string): Meter4442Visit {
    let taken: number | null = null;
    try {
      const atr = card.powerOn();
      if (atr === null || hexOf(atr) !== 'A2131091') return refused('no application');
      const main = card.send(READ_MAIN, 0);
      const found = this.#judge(main);
      if (typeof found === 'string') return refused(found);
      // Nothing is taken from a card that can't be written to: another meter could take the same again.
      if (!present(card, codeOf4442(hexOf(main.subarray(0x21, 0x26))))) return refused('code');
      taken = found.count === this.#state.count ? 0 : found.quantity;
      this.#state = { ...this.#state, count: found.count, remaining: this.#state.remaining + taken };
      for (const [i, byte] of bytesOf(meterAreaHex(this.#state, now)).entries()) {
        if (main[AREA + i] !== byte) card.send(UPDATE_MAIN, AREA + i, byte);
      }
      return { accepted: true, credited: taken, written: true };
    } catch (error) {
      if (!(error instanceof Torn)) throw error;
      return taken === null ? refused('torn') : { accepted: true, credited: taken, written: false };
    } finally {
      card.powerOff();
    }
  }

  /** The purchase to take or taken already, or why not. */
  #judge(main: Uint8Array): Block | Meter4442Refusal {
    const issuer = main.subarray(0x20, 0x30);
    if (issuer[0] !== 0x50 || issuer.reduce((sum, byte) => sum ^ byte, 0) !== 0) return 'no application';
    const newest = newestOf(main);
    if (newest === null) return 'unreadable';
    const area = areaOf(main);
    if (area !== null && hexOf(area.subarray(18, 23)) !== this.#state.meterNo) return 'other meter';
    if (newest.count === this.#state.count) return newest;
    if (newest.count !== this.#state.count + 1) return 'count';
    return this.#state.remaining + newest.quantity > this.#state.ceiling ? 'ceiling' : newest;
  }
}

function refused(reason: Meter4442Refusal): Meter4442Visit {
  return { accepted: false, reason, credited: 0, written: false };
}

/** The code, by the chip's own procedure; false: it did not open. */
function present(card: Sle4442, code: Uint8Array): boolean {
  const counter = card.send(READ_SECURITY, 0)[0] as number;
  if (counter === 0) return false;
  card.send(UPDATE_SECURITY, 0, counter & (counter - 1));
  for (const [i, byte] of code.entries()) card.send(COMPARE, i + 1, byte);
  card.send(UPDATE_SECURITY, 0, 0xff);
  return card.send(READ_SECURITY, 0)[0] === 0x07;
}
