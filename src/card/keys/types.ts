import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

/**
 * What opens a memory card: the code of the chip that is named, or an AT88SC102's erase key of its first or second zone
 * (docs/layouts say how each comes of the card number).
 */
export type CardCode = 'SLE4442' | 'SLE4428' | 'AT88SC102' | 'AT88SC102-EZ1' | 'AT88SC102-EZ2' | 'AT88SC1608';

/**
 * Gives cryptograms, never keys, so that the keys may live in a PSAM, at central or in a sealed file. `s8` is a CPU card's
 * diversification data: the last 8 bytes of the card's application serial. Every verb fails with CARD-0206 when the
 * provider cannot be reached or does not hold the key.
 */
export interface KeyProvider {
  readonly id: string;
  /** Proves that the verbs below would work now for this card; touches no card. */
  readonly prove: (s8: Uint8Array) => Promise<Result<void, Failure>>;
  /** A memory card's code, for one card at a time; `cardNo`: 5 bytes BCD. It is used at once and never stored. */
  readonly cardCode: (code: CardCode, cardNo: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /** The 8 bytes that prove `data` to be an issuer's or a kiosk's, on a chip that has no code; `cardNo`: 5 bytes BCD. Offline: a card is not readable without it. */
  readonly blockMac: (cardNo: Uint8Array, data: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /** A Mifare sector's key, 6 bytes, for one card at a time. `uid`: its first 4 bytes. Used at once and never stored. */
  readonly sectorKey: (uid: Uint8Array, sector: number, which: 'A' | 'B') => Promise<Result<Uint8Array, Failure>>;
  /** The 8 bytes that EXTERNAL AUTHENTICATE sends for an 8-byte challenge. */
  readonly externalAuth: (s8: Uint8Array, challenge: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /** The 4-byte secure-messaging MAC over `header5 ‖ data` for a 4-byte challenge. */
  readonly updateMac: (s8: Uint8Array, challenge: Uint8Array, header5: Uint8Array, data: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
}
