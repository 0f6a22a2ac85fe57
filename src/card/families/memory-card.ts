import { toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { UNSEEN } from '../types.ts';
import type { CardChannel, MemoryArea, MemoryCardPort, MemoryChip, StepsDone } from '../types.ts';

/** A chip and the code that opens it. The error counter has one bit for each try that is left. */
export interface CodedChip {
  readonly chip: MemoryChip;
  /** Bits of the counter that are tries. */
  readonly tries: number;
  /** Which code, on a chip with several; else 0. */
  readonly set: number;
}

/** The last try is never spent by a machine: one more mistake would end the card. */
const LEAST_TRIES = 2;

function bits(value: number): number {
  let n = 0;
  for (let v = value; v > 0; v >>= 1) n += v & 1;
  return n;
}

/**
 * Fails with CARD-0110 where a code may not be presented any more: by this counter fewer than two
 * tries are left.
 */
export function enoughTries(coded: CodedChip, counter: number): Result<void, Failure> {
  const left = bits(counter & coded.tries);
  return left >= LEAST_TRIES
    ? ok(undefined)
    : err(
        failure('CARD-0110', `error counter ${toHex(Uint8Array.of(counter))}, ${left} tries left`),
      );
}

/** A memory card, newly selected: nothing is verified. */
export class MemoryCard {
  readonly chip: MemoryChip;
  readonly #coded: CodedChip;
  readonly #port: MemoryCardPort;

  private constructor(coded: CodedChip, port: MemoryCardPort) {
    this.chip = coded.chip;
    this.#coded = coded;
    this.#port = port;
  }

  /** CARD-0103: another chip, or the reader has no way to it. */
  static async open(coded: CodedChip, channel: CardChannel): Promise<Result<MemoryCard, Failure>> {
    const { memory } = channel;
    if (memory === null)
      return err(failure('CARD-0103', 'this reader does not speak to memory cards'));
    const selected = await memory.select(coded.chip);
    return selected.ok ? ok(new MemoryCard(coded, memory)) : selected;
  }

  read(
    at: number,
    length: number,
    area: MemoryArea = 'main',
  ): Promise<Result<Uint8Array, Failure>> {
    return this.#port.read(this.chip, area, at, length);
  }

  /**
   * Fails with CARD-0110 where the code may not be presented any more: fewer than two tries are
   * left.
   */
  async checkTries(): Promise<Result<void, Failure>> {
    const counter = await this.#port.counter(this.chip, this.#coded.set);
    return counter.ok ? enoughTries(this.#coded, counter.value) : counter;
  }

  /**
   * Presents the code where two tries or more are left. CARD-0110: fewer (nothing was presented);
   * CARD-0201: refused.
   */
  async verify(code: Uint8Array): Promise<Result<void, Failure>> {
    const tries = await this.checkTries();
    if (!tries.ok) return tries;
    const outcome = await this.#port.present(this.chip, code, this.#coded.set);
    if (!outcome.ok) return outcome;
    const { verified, counter } = outcome.value;
    return verified
      ? ok(undefined)
      : err(failure('CARD-0201', `code refused, error counter ${toHex(Uint8Array.of(counter))}`));
  }

  /** As {@link MemoryCardPort.eraseZone}. */
  eraseZone(zone: 1 | 2, key: Uint8Array): Promise<Result<void, Failure>> {
    return this.#port.eraseZone(this.chip, zone, key);
  }

  /**
   * Makes `have` at `at` into `want`, changed bytes only, in rising order of address: each byte
   * costs the chip an erase and a write (5 ms), and each is one more that a cut may catch.
   *
   * @returns how many commands it took
   */
  async writeChanged(
    at: number,
    have: Uint8Array,
    want: Uint8Array,
  ): Promise<Result<number, Failure>> {
    let commands = 0;
    for (let i = 0; i < want.length;) {
      if (have[i] === want[i]) {
        i++;
        continue;
      }
      let end = i + 1;
      while (end < want.length && have[end] !== want[end]) end++;
      const written = await this.#port.write(this.chip, 'main', at + i, want.subarray(i, end));
      if (!written.ok)
        return commands === 0
          ? written
          : err(failure('CARD-0203', written.error.detail, written.error));
      commands++;
      i = end;
    }
    return ok(commands);
  }

  /**
   * {@link MemoryCard.writeChanged} in several steps, one after the other. CARD-0202 only where the
   * card refused the very first command; once something was sent, every failure leaves it open what
   * is stored.
   */
  async writeSteps(
    steps: readonly WriteStep[],
    done: StepsDone = UNSEEN,
  ): Promise<Result<void, Failure>> {
    let begun = false;
    for (const [n, { at, have, want }] of steps.entries()) {
      const written = await this.writeChanged(at, have, want);
      if (!written.ok)
        return begun ? err(failure('CARD-0203', written.error.detail, written.error)) : written;
      begun ||= written.value > 0;
      done(n + 1);
    }
    return ok(undefined);
  }
}

/** `have` is what stands at `at` when the step's turn comes, `want` what is to stand there. */
export interface WriteStep {
  readonly at: number;
  readonly have: Uint8Array;
  readonly want: Uint8Array;
}
