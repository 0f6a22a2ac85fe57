import { concatBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel } from '../types.ts';

/** ISO 7816-4 / FMCOS commands of a CPU card's file mode (cards.md 3.1). */

/** A card's whole answer, split. */
export interface CardAnswer {
  readonly data: Uint8Array;
  /** SW1 SW2 as one number, e.g. `0x9000`. */
  readonly sw: number;
}

/** `0x6A82` → `"6A82"`. */
export function formatSw(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, '0');
}

/**
 * Sends a command and splits its answer. Fails as the channel does, and with CARD-0106 for an
 * answer without SW.
 */
export async function exchange(
  channel: CardChannel,
  apdu: Uint8Array,
  bound?: 'session',
): Promise<Result<CardAnswer, Failure>> {
  const answer = await channel.transmit(apdu, bound);
  if (!answer.ok) return answer;
  const { value } = answer;
  if (value.length < 2)
    return err(
      failure('CARD-0106', `answer of ${value.length} bytes to ${toHex(apdu.subarray(0, 4))}`),
    );
  const sw = ((value[value.length - 2] as number) << 8) | (value[value.length - 1] as number);
  return ok({ data: value.subarray(0, value.length - 2), sw });
}

/** SELECT by name: `00 A4 04 00 Lc AID` (no Le under T=0). */
export function selectAid(aid: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x00, 0xa4, 0x04, 0x00, aid.length), aid);
}

/** READ BINARY by short file id: `00 B0 80+SFI off Le`. */
export function readBinary(sfi: number, offset: number, length: number): Uint8Array {
  return Uint8Array.of(0x00, 0xb0, 0x80 | sfi, offset, length);
}

/** GET CHALLENGE: `00 84 00 00 04|08`. The challenge serves the very next command only. */
export function getChallenge(length: 4 | 8): Uint8Array {
  return Uint8Array.of(0x00, 0x84, 0x00, 0x00, length);
}

/** EXTERNAL AUTHENTICATE: `00 82 00 kid 08 E`. */
export function externalAuthenticate(keyId: number, cryptogram: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x00, 0x82, 0x00, keyId, cryptogram.length), cryptogram);
}

/**
 * Header of UPDATE BINARY with secure messaging: `04 D6 80+SFI off Lc`, where Lc counts the 4 bytes
 * of the MAC.
 */
export function updateBinaryHeader(sfi: number, offset: number, dataLength: number): Uint8Array {
  return Uint8Array.of(0x04, 0xd6, 0x80 | sfi, offset, dataLength + 4);
}

/** The DF name (tag 84) inside an FCI template (tag 6F), ISO 7816-4; null when there is none. */
export function fciName(fci: Uint8Array): Uint8Array | null {
  if (fci[0] !== 0x6f || fci[1] === undefined || fci[1] > 0x7f || fci.length < 2 + fci[1])
    return null;
  const end = 2 + fci[1];
  let at = 2;
  while (at + 1 < end) {
    const length = fci[at + 1] as number;
    if (length > 0x7f || at + 2 + length > end) return null;
    if (fci[at] === 0x84) return fci.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  return null;
}

/** GET CHALLENGE as bytes; CARD-0106 when the card gives none of that length. */
export async function challenge(
  channel: CardChannel,
  length: 4 | 8,
): Promise<Result<Uint8Array, Failure>> {
  const answer = await exchange(channel, getChallenge(length));
  if (!answer.ok) return answer;
  const { data, sw } = answer.value;
  if (sw !== 0x9000 || data.length !== length)
    return err(failure('CARD-0106', `GET CHALLENGE ${formatSw(sw)}, ${data.length} bytes`));
  return ok(data);
}
