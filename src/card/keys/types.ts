import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

/**
 * What a purse answered to INITIALIZE FOR LOAD, with what it was asked (docs/layouts/pl-purse.md).
 * Amounts in fen.
 */
export interface LoadAnswer {
  readonly balance: number;
  readonly amount: number;
  /** The online sequence number before the load. */
  readonly seq: number;
  /** 4 bytes of the card; they make the session key. */
  readonly random: Uint8Array;
  /** 6 bytes BCD. */
  readonly terminal: Uint8Array;
  /** 4 bytes, by which the card shows that it knows its load key. */
  readonly mac1: Uint8Array;
}

/** The leave to credit a purse with one answer's amount, once. */
export interface LoadLeave {
  /**
   * 7 bytes BCD, YYYYMMDD hhmmss: what MAC2 covers and the card writes into its log. The provider's
   * own clock where it has one.
   */
  readonly when: Uint8Array;
  /** 4 bytes. */
  readonly mac2: Uint8Array;
}

/**
 * `MNT`: what stands before a technician's card number in its diversification data. No customer's
 * serial begins so, as 4D is not BCD.
 */
export const TECHNICIAN = Uint8Array.of(0x4d, 0x4e, 0x54);

/** Bytes on a chip without a code, and the 8 bytes behind them that say whose they are. */
export interface ProvenBlock {
  readonly data: Uint8Array;
  readonly mac: Uint8Array;
}

/** What a CPU card is written with: a file under secure messaging, or the purse. */
export type CpuUse = 'file' | 'purse';

/**
 * What opens a memory card: the code of the chip that is named, or an AT88SC102's erase key of its
 * first or second zone (docs/layouts say how each comes of the card number).
 */
export type CardCode =
  | 'SLE4442'
  | 'SLE4428'
  | 'AT88SC102'
  | 'AT88SC102-EZ1'
  | 'AT88SC102-EZ2'
  | 'AT88SC1608';

/**
 * Gives cryptograms, never keys, so that the keys may live in a PSAM, at central or in a sealed
 * file. `s8` is a CPU card's diversification data: the last 8 bytes of the card's application
 * serial, whose last 5 are the card number. Every verb fails with CARD-0206 when the provider
 * cannot be reached, does not answer within its own time-out, or does not hold the key; no verb
 * writes to a card, so nothing is known of the card by its failing.
 */
export interface KeyProvider {
  readonly id: string;
  /** Proves that the verbs below would work now for this CPU card; touches no card. */
  readonly prove: (s8: Uint8Array, use?: CpuUse) => Promise<Result<void, Failure>>;
  /** Proves that {@link cardCode} would work now, without asking for the code. */
  readonly proveCode: (code: CardCode, cardNo: Uint8Array) => Promise<Result<void, Failure>>;
  /**
   * A memory card's code, for one card at a time; `cardNo`: 5 bytes BCD. It is used at once and
   * never stored.
   */
  readonly cardCode: (code: CardCode, cardNo: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /**
   * The 8 bytes that prove `data` to be an issuer's or a kiosk's, on a chip that has no code;
   * `cardNo`: 5 bytes BCD.
   */
  readonly blockMac: (cardNo: Uint8Array, data: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /** Judges such proofs, one answer for each, in their order; tells nobody what the right ones are. */
  readonly checkBlocks: (
    cardNo: Uint8Array,
    blocks: readonly ProvenBlock[],
  ) => Promise<Result<readonly boolean[], Failure>>;
  /** Proves that {@link blockMac} would work now for this card, without asking for a proof. */
  readonly proveBlock: (cardNo: Uint8Array) => Promise<Result<void, Failure>>;
  /**
   * A Mifare sector's key, 6 bytes, for one card at a time. `uid`: its first 4 bytes. Used at once
   * and never stored. Key A reads; for key B, which writes, `cardNo` says whose card was read with
   * key A (5 bytes BCD).
   */
  readonly sectorKey: (
    uid: Uint8Array,
    sector: number,
    which: 'A' | 'B',
    cardNo?: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  /** Proves that {@link sectorKey} would work now, without asking for a key. */
  readonly proveSector: () => Promise<Result<void, Failure>>;
  /** The 8 bytes that EXTERNAL AUTHENTICATE sends for an 8-byte challenge. */
  readonly externalAuth: (
    s8: Uint8Array,
    challenge: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  /**
   * Judges what a technician's card answered to INTERNAL AUTHENTICATE. Its key comes of the card
   * number behind {@link TECHNICIAN}, so that no cryptogram which a customer's card is given can be
   * played back as such an answer. CARD-0201: the answer is not this card's. `cardNo`: 5 bytes BCD;
   * `challenge` and `answer`: 8 bytes each.
   */
  readonly checkTechnician: (
    cardNo: Uint8Array,
    challenge: Uint8Array,
    answer: Uint8Array,
  ) => Promise<Result<void, Failure>>;
  /** The 4-byte secure-messaging MAC over `header5 ‖ data` for a 4-byte challenge. */
  readonly updateMac: (
    s8: Uint8Array,
    challenge: Uint8Array,
    header5: Uint8Array,
    data: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  /**
   * Checks MAC1 of a purse's answer, and only then makes MAC2. CARD-0201: MAC1 is not the card's.
   *
   * @param when the kiosk's time, 7 bytes BCD, for a provider without a clock of its own
   */
  readonly loadLeave: (
    s8: Uint8Array,
    answer: LoadAnswer,
    when: Uint8Array,
  ) => Promise<Result<LoadLeave, Failure>>;
  /**
   * Judges MAC1 of a purse's answer, and makes nothing: asked with a terminal number that nobody
   * could know before, it shows that the card itself said so, just now. CARD-0201: MAC1 is not the
   * card's.
   */
  readonly checkLoad: (s8: Uint8Array, answer: LoadAnswer) => Promise<Result<void, Failure>>;
}
