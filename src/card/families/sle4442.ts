import { toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel, MemoryCardPort } from '../types.ts';

/** SLE4442, SLE5542 and clones: 256 bytes, a code of three bytes with three tries (cards.md 1.2). */

const CHIP = 'SLE4442';
/** The counter has one bit for each try that is left. */
const TRIES_MASK = 0x07;
/** The last try is never spent by a machine: one more mistake would end the card. */
const LEAST_TRIES = 2;

function bits(value: number): number {
  let n = 0;
  for (let v = value; v > 0; v >>= 1) n += v & 1;
  return n;
}

/** The card as an SLE4442, newly selected: nothing is verified. CARD-0103 where the reader has no way to it. */
export async function openSle4442(channel: CardChannel): Promise<Result<MemoryCardPort, Failure>> {
  const { memory } = channel;
  if (memory === null) return err(failure('CARD-0103', 'this reader does not speak to memory cards'));
  const selected = await memory.select(CHIP);
  return selected.ok ? ok(memory) : selected;
}

export function readMain(port: MemoryCardPort, at: number, length: number): Promise<Result<Uint8Array, Failure>> {
  return port.read(CHIP, 'main', at, length);
}

/** Fails with CARD-0110 where the code may not be presented any more: fewer than two tries are left. */
export async function checkTries(port: MemoryCardPort): Promise<Result<void, Failure>> {
  const counter = await port.counter(CHIP);
  if (!counter.ok) return counter;
  const left = bits(counter.value & TRIES_MASK);
  return left >= LEAST_TRIES ? ok(undefined) : err(failure('CARD-0110', `error counter ${toHex(Uint8Array.of(counter.value))}, ${left} tries left`));
}

/** Presents the code where two tries or more are left. CARD-0110: fewer (nothing was presented); CARD-0201: refused. */
export async function verifyCode(port: MemoryCardPort, code: Uint8Array): Promise<Result<void, Failure>> {
  const tries = await checkTries(port);
  if (!tries.ok) return tries;
  const outcome = await port.present(CHIP, code);
  if (!outcome.ok) return outcome;
  const { verified, counter } = outcome.value;
  return verified ? ok(undefined) : err(failure('CARD-0201', `code refused, error counter ${toHex(Uint8Array.of(counter))}`));
}

/**
 * Makes `have` at `at` into `want`, changed bytes only, in rising order of address: each byte costs the chip an erase
 * and a write (5 ms), and each is one more that a cut may catch. @returns how many commands it took
 */
export async function writeChanged(port: MemoryCardPort, at: number, have: Uint8Array, want: Uint8Array): Promise<Result<number, Failure>> {
  let commands = 0;
  for (let i = 0; i < want.length; ) {
    if (have[i] === want[i]) {
      i++;
      continue;
    }
    let end = i + 1;
    while (end < want.length && have[end] !== want[end]) end++;
    const written = await port.write(CHIP, 'main', at + i, want.subarray(i, end));
    if (!written.ok) return commands === 0 ? written : err(failure('CARD-0203', written.error.detail, written.error));
    commands++;
    i = end;
  }
  return ok(commands);
}
