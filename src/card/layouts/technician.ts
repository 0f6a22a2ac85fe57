import { concatBytes, fromHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { exchange, formatSw } from '../families/fmcos.ts';
import { LEAST_TRIES } from '../families/pin-notes.ts';
import type { KeyProvider } from '../keys/types.ts';
import type { CardChannel, PinVerdict } from '../types.ts';

/**
 * A technician's CPU card (docs/layouts/pl-technician.md): it judges his PIN itself, and proves by
 * INTERNAL AUTHENTICATE that it is no copy. Its key works only once the PIN was verified, so that a
 * go-between which takes any PIN gets no proof.
 */

/**
 * Application types of SFI 15 and marks of memory cards from 80 on are staff and tool cards; this
 * one is a technician's.
 */
export const TECHNICIAN_TYPE = 0x81;

/**
 * What cards.md has as background knowledge only ([K]): one place to change for cards that do it
 * otherwise.
 */
export interface TechnicianSettings {
  /** P2 of VERIFY PIN. */
  readonly pinId: number;
  /** P1 and P2 of INTERNAL AUTHENTICATE: how it computes, and with which key. */
  readonly internalMode: number;
  readonly internalKey: number;
  /** Digits to bytes: packed BCD, F behind an odd one. */
  readonly pinBytes: (pin: string) => Uint8Array;
}
export const REFERENCE_TECHNICIAN: TechnicianSettings = {
  pinId: 0x00,
  internalMode: 0x00,
  internalKey: 0x01,
  pinBytes: (pin) => fromHex(pin.length % 2 === 0 ? pin : `${pin}F`),
};

const PROOF_LENGTH = 8;

/**
 * On a card that was selected and recognised just now, after a reset. CARD-0106: answers that are
 * none of a technician's card.
 */
export async function provePin(
  keys: KeyProvider,
  channel: CardChannel,
  cardNo: string,
  pin: string,
  challenge: Uint8Array,
  settings: TechnicianSettings,
): Promise<Result<PinVerdict, Failure>> {
  const verify = Uint8Array.of(0x00, 0x20, 0x00, settings.pinId);
  const asked = await exchange(channel, verify);
  if (!asked.ok) return asked;
  const tries = asked.value.sw;
  if (tries === 0x6983) return ok('locked');
  // 9000 too: a PIN that holds after a reset was never asked for.
  if ((tries & 0xfff0) !== 0x63c0)
    return err(failure('CARD-0106', `VERIFY without data: ${formatSw(tries)}`));
  if ((tries & 0x0f) < LEAST_TRIES) return ok('locked');

  const bytes = settings.pinBytes(pin);
  const verified = await exchange(channel, concatBytes(verify, Uint8Array.of(bytes.length), bytes));
  if (!verified.ok) return verified;
  const { sw } = verified.value;
  if (sw === 0x6983) return ok('locked');
  if ((sw & 0xfff0) === 0x63c0) return ok((sw & 0x0f) < LEAST_TRIES ? 'locked' : 'wrong');
  // A PIN of a length that this card does not have.
  if (sw === 0x6700) return ok('wrong');
  if (sw !== 0x9000) return err(failure('CARD-0106', `VERIFY ${formatSw(sw)}`));

  const proven = await exchange(
    channel,
    concatBytes(
      Uint8Array.of(0x00, 0x88, settings.internalMode, settings.internalKey, challenge.length),
      challenge,
    ),
  );
  if (!proven.ok) return proven;
  if (proven.value.sw !== 0x9000 || proven.value.data.length !== PROOF_LENGTH)
    return ok('not-ours');
  const judged = await keys.checkTechnician(fromHex(cardNo), challenge, proven.value.data);
  if (judged.ok) return ok('open');
  return judged.error.code === 'CARD-0201' ? ok('not-ours') : err(judged.error);
}
