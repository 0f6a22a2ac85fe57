import { concatBytes } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';

/** ISO 7816-3 T=0: `61xx`, xx more bytes wait for GET RESPONSE. */
const SW1_MORE = 0x61;
/** ISO 7816-3 T=0: `6Cxx`, wrong Le, nothing was done; xx is right. */
const SW1_WRONG_LE = 0x6c;
/**
 * A short answer is at most 256 bytes; a card that keeps answering 61xx beyond this many rounds is
 * broken.
 */
const MAX_ROUNDS = 16;

/** Commands that change nothing on the card, by CLA and INS, and so may be repeated with another Le. */
const REPEATABLE = new Set([
  0x00_b0, // READ BINARY
  0x00_b2, // READ RECORD
  0x00_84, // GET CHALLENGE
  0x00_c0, // GET RESPONSE
  0x80_5c, // GET BALANCE
  0x80_5a, // GET TRANSACTION PROVE
]);

/**
 * The command with this Le in the place where ISO 7816-4 has it; null when the command has no such
 * place.
 */
function withLe(apdu: Uint8Array, le: number): Uint8Array | null {
  if (apdu.length === 4) return concatBytes(apdu, Uint8Array.of(le));
  const bodyEnd = apdu.length === 5 ? 4 : 5 + (apdu[4] as number);
  if (apdu.length !== bodyEnd + 1) return null;
  return concatBytes(apdu.subarray(0, bodyEnd), Uint8Array.of(le));
}

/**
 * One command with its T=0 aftermath: 61xx is fetched with GET RESPONSE until the end, 6Cxx repeats
 * only the very command that got it, once, and only when that command cannot change the card
 * (cards.md 2.3).
 *
 * @param send one raw exchange: the answer with SW1 SW2 at its end
 */
export async function transmitT0(
  apdu: Uint8Array,
  send: (raw: Uint8Array) => Promise<Result<Uint8Array, Failure>>,
): Promise<Result<Uint8Array, Failure>> {
  const parts: Uint8Array[] = [];
  let command = apdu;
  let corrected = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const answer = await send(command);
    if (!answer.ok) return answer;
    const raw = answer.value;
    if (raw.length < 2) return err(failure('CARD-0106', `answer of ${raw.length} bytes`));
    const sw1 = raw[raw.length - 2] as number;
    const sw2 = raw[raw.length - 1] as number;
    if (
      sw1 === SW1_WRONG_LE &&
      !corrected &&
      REPEATABLE.has(((command[0] as number) << 8) | (command[1] as number))
    ) {
      const repeat = withLe(command, sw2);
      if (repeat !== null) {
        corrected = true;
        command = repeat;
        continue;
      }
    }
    if (sw1 === SW1_MORE) {
      parts.push(raw.subarray(0, raw.length - 2));
      command = Uint8Array.of(0x00, 0xc0, 0x00, 0x00, sw2);
      corrected = false;
      continue;
    }
    return ok(parts.length === 0 ? raw : concatBytes(...parts, raw));
  }
  return err(failure('CARD-0106', `no end after ${MAX_ROUNDS} rounds of 61xx`));
}
