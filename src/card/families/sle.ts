import { toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel, MemoryCardPort } from '../types.ts';

/**
 * SLE4442 and SLE5542 (256 bytes, a code of three bytes, three tries) and SLE4428 and SLE5528 (1024 bytes, two bytes,
 * eight tries), with their clones: cards.md 1.2 and 1.3. The counter has one bit for each try that is left.
 */
export type SleChip = 'SLE4442' | 'SLE4428';

const TRIES_MASK: Readonly<Record<SleChip, number>> = { SLE4442: 0x07, SLE4428: 0xff };
/** The last try is never spent by a machine: one more mistake would end the card. */
const LEAST_TRIES = 2;

function bits(value: number): number {
  let n = 0;
  for (let v = value; v > 0; v >>= 1) n += v & 1;
  return n;
}

/** A card of this chip, newly selected: nothing is verified. */
export class SleCard {
  readonly chip: SleChip;
  readonly #port: MemoryCardPort;

  private constructor(chip: SleChip, port: MemoryCardPort) {
    this.chip = chip;
    this.#port = port;
  }

  /** CARD-0103: another chip, or the reader has no way to it. */
  static async open(chip: SleChip, channel: CardChannel): Promise<Result<SleCard, Failure>> {
    const { memory } = channel;
    if (memory === null) return err(failure('CARD-0103', 'this reader does not speak to memory cards'));
    const selected = await memory.select(chip);
    return selected.ok ? ok(new SleCard(chip, memory)) : selected;
  }

  read(at: number, length: number): Promise<Result<Uint8Array, Failure>> {
    return this.#port.read(this.chip, 'main', at, length);
  }

  /** Fails with CARD-0110 where the code may not be presented any more: fewer than two tries are left. */
  async checkTries(): Promise<Result<void, Failure>> {
    const counter = await this.#port.counter(this.chip);
    if (!counter.ok) return counter;
    const left = bits(counter.value & TRIES_MASK[this.chip]);
    return left >= LEAST_TRIES ? ok(undefined) : err(failure('CARD-0110', `error counter ${toHex(Uint8Array.of(counter.value))}, ${left} tries left`));
  }

  /** Presents the code where two tries or more are left. CARD-0110: fewer (nothing was presented); CARD-0201: refused. */
  async verify(code: Uint8Array): Promise<Result<void, Failure>> {
    const tries = await this.checkTries();
    if (!tries.ok) return tries;
    const outcome = await this.#port.present(this.chip, code);
    if (!outcome.ok) return outcome;
    const { verified, counter } = outcome.value;
    return verified ? ok(undefined) : err(failure('CARD-0201', `code refused, error counter ${toHex(Uint8Array.of(counter))}`));
  }

  /**
   * Makes `have` at `at` into `want`, changed bytes only, in rising order of address: each byte costs the chip an erase
   * and a write (5 ms), and each is one more that a cut may catch. @returns how many commands it took
   */
  async writeChanged(at: number, have: Uint8Array, want: Uint8Array): Promise<Result<number, Failure>> {
    let commands = 0;
    for (let i = 0; i < want.length; ) {
      if (have[i] === want[i]) {
        i++;
        continue;
      }
      let end = i + 1;
      while (end < want.length && have[end] !== want[end]) end++;
      const written = await this.#port.write(this.chip, 'main', at + i, want.subarray(i, end));
      if (!written.ok) return commands === 0 ? written : err(failure('CARD-0203', written.error.detail, written.error));
      commands++;
      i = end;
    }
    return ok(commands);
  }
}
