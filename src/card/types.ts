import type { Failure } from '../shared/errors.ts';
import type { Result } from '../shared/result.ts';

/**
 * What a supervised reader says of itself. `insertion` rises by one with every card that comes in,
 * and never falls.
 */
export type ReaderStatus =
  | { readonly state: 'offline'; readonly insertion: number; readonly failure: Failure }
  | { readonly state: 'empty'; readonly insertion: number }
  /** Held out at a motor reader's gate for the customer to take; the insertion is over. */
  | { readonly state: 'leaving'; readonly insertion: number }
  | { readonly state: 'mute'; readonly insertion: number; readonly failure: Failure }
  | { readonly state: 'present'; readonly insertion: number; readonly atr: Uint8Array };

/**
 * A supervised smart-card reader. It never gives up: a lost service or reader is rebuilt with
 * back-off and shows as `offline` meanwhile.
 */
export interface CardReader {
  readonly id: string;
  /** Name as the service gives it; the configured pattern while offline. */
  readonly name: () => string;
  readonly status: () => ReaderStatus;
  /** Calls back on every change, never at once; returns an unsubscribe function. */
  readonly onStatus: (listener: (status: ReaderStatus) => void) => () => void;
  /**
   * A channel bound to one insertion: after the card left (or another came) it fails for ever with
   * CARD-0102.
   */
  readonly open: (insertion: number) => CardChannel;
  /** Absent: the customer's hand moves the card. */
  readonly gate?: CardGate;
  readonly close: () => Promise<void>;
}

/**
 * What a motor reader does with the card itself. Every verb fails with CARD-0107 (the device) or
 * CARD-0111 (the card did not move; with the device's own code).
 */
export interface CardGate {
  /** Takes cards in, or keeps the slot shut. */
  readonly accept: (on: boolean) => Promise<Result<void, Failure>>;
  /** Ends the insertion and holds the card out for the customer. */
  readonly eject: () => Promise<Result<void, Failure>>;
  /** Ends the insertion and drops the card into the bin. */
  readonly capture: () => Promise<Result<void, Failure>>;
}

/** APDUs to one insertion of one card; one exchange in flight, each with a named time-out. */
export interface CardChannel {
  readonly insertion: number;
  /**
   * One command, its whole answer with SW1 SW2 at the end; 61xx and 6Cxx are handled below (never
   * re-sending a command that changes the card). Fails with CARD-0102 (card gone or reset), 0106
   * (communication), 0107, 0108. A failure after sending says nothing about whether the card
   * carried the command out.
   *
   * @param bound `session`: all that this command presumes of the card was read over this channel
   *   since the card was last reset, and it stores no purchase. It then goes to the card that was
   *   read, whatever a reader has yet to tell of an exchange before (decision 0018). Left out: it
   *   may presume more, and may have to wait for the reader's word.
   */
  readonly transmit: (apdu: Uint8Array, bound?: 'session') => Promise<Result<Uint8Array, Failure>>;
  /** Resets the card within the same insertion; all verified state is gone. */
  readonly reset: () => Promise<Result<Uint8Array, Failure>>;
  /** The card as a memory card; null: this reader does not speak to any. */
  readonly memory: MemoryCardPort | null;
  /** The card as a Mifare card; null: this reader has no antenna. */
  readonly mifare: MifarePort | null;
}

/** Memory chips that a reader may be told to expect. */
export type MemoryChip =
  | 'SLE4442'
  | 'SLE4428'
  | 'AT24C01'
  | 'AT24C02'
  | 'AT24C04'
  | 'AT24C08'
  | 'AT24C16'
  | 'AT24C32'
  | 'AT24C64'
  | 'AT88SC102'
  | 'AT88SC1608';
/**
 * `main`: user memory (AT88SC1608: zone × 256 + address). `protection`: one-way bits, 0 =
 * protected. `config`: an AT88SC1608's own zone.
 */
export type MemoryArea = 'main' | 'protection' | 'config';

/** What a card said to its code. `counter`: its error counter afterwards, as the chip keeps it. */
export interface CodeOutcome {
  readonly verified: boolean;
  readonly counter: number;
}

/**
 * A card without a processor, through a reader that speaks its chip's language. Nothing is retried.
 * A code that was verified holds until the card is reset or loses its power.
 */
export interface MemoryCardPort {
  /**
   * Tells the reader which chip to expect: first after insertion and after each reset. CARD-0103:
   * not this chip, or the reader does not know it.
   */
  readonly select: (chip: MemoryChip) => Promise<Result<void, Failure>>;
  readonly read: (
    chip: MemoryChip,
    area: MemoryArea,
    at: number,
    length: number,
  ) => Promise<Result<Uint8Array, Failure>>;
  /**
   * In rising order of address. CARD-0202: refused before anything was stored; CARD-0203: some of
   * it may be stored.
   */
  readonly write: (
    chip: MemoryChip,
    area: MemoryArea,
    at: number,
    bytes: Uint8Array,
  ) => Promise<Result<void, Failure>>;
  /**
   * The error counter, as the chip keeps it; reading it costs nothing. `set`: of which code, on a
   * chip with several (AT88SC1608: its password set).
   */
  readonly counter: (chip: MemoryChip, set?: number) => Promise<Result<number, Failure>>;
  /**
   * Presents the code once. A failure says nothing about whether a try was spent. `set` as in
   * {@link MemoryCardPort.counter}.
   */
  readonly present: (
    chip: MemoryChip,
    code: Uint8Array,
    set?: number,
  ) => Promise<Result<CodeOutcome, Failure>>;
  /**
   * Erases an application zone of an AT88SC102 by its key: all bits to 1. Success says that the
   * command was carried out, not that the key was right: only reading tells. CARD-0202, 0203 as
   * {@link MemoryCardPort.write}.
   */
  readonly eraseZone: (
    chip: MemoryChip,
    zone: 1 | 2,
    key: Uint8Array,
  ) => Promise<Result<void, Failure>>;
}

/**
 * A Mifare Classic card in a contactless reader. Nothing is retried; a sector that was opened stays
 * open until another is, a refusal, or a reset.
 */
export interface MifarePort {
  readonly uid: () => Promise<Result<Uint8Array, Failure>>;
  /**
   * Opens the sector of this block with a key of 6 bytes. False: the card refused; it keeps no
   * count of tries.
   */
  readonly authenticate: (
    block: number,
    which: 'A' | 'B',
    key: Uint8Array,
  ) => Promise<Result<boolean, Failure>>;
  /** 16 bytes of an open sector. */
  readonly read: (block: number) => Promise<Result<Uint8Array, Failure>>;
  /** CARD-0203: whatever went wrong, some of it may be stored. */
  readonly write: (block: number, bytes: Uint8Array) => Promise<Result<void, Failure>>;
}

/** What a meter wrote back at its last visit. */
export interface MeterArea {
  readonly visited: boolean;
  readonly countTaken: number;
  /** 0.01 units. */
  readonly remainingQuantity: number;
  readonly cumulativeUsed: number;
  /** `YYMMDDhhmm`. */
  readonly lastVisit: string;
  readonly valveClosed: boolean;
  /** Bits: 0 battery low, 1 magnet, 2 leak, 3 flow, 4 clock. */
  readonly faults: number;
  readonly meterNo: string;
}

/** A card read whole and decoded by its layout. */
export interface CardReading {
  readonly layout: string;
  readonly cardNo: string;
  readonly userNo: string;
  /** `fuel`: a refuelling card (加气卡), whose money a pump takes and no meter. */
  readonly kind: 'gas' | 'water' | 'heat' | 'fuel';
  readonly unit: 'volume' | 'money';
  readonly region: number;
  /** Purchases on the card. */
  readonly count: number;
  /** The newest purchase, 0.01 units (or fen). */
  readonly lastQuantity: number;
  readonly cumulative: number;
  /**
   * Tag of the newest purchase, 4 bytes. Empty: this kind of card keeps none, so it cannot say by
   * itself whose its newest purchase is.
   */
  readonly tag: Uint8Array;
  readonly meter: MeterArea;
  /** True: the meter has taken the newest purchase. */
  readonly visited: boolean;
  /** A card that no meter has written to yet (new, whatever its count). */
  readonly fresh: boolean;
  /**
   * A purchase was begun on it and is not whole: whose, only central (or the kiosk that began it)
   * knows.
   */
  readonly unfinished: boolean;
  /**
   * Identity and the kiosk's own fields: what a write may touch and what classification looks at.
   * Opaque to the kiosk.
   */
  readonly image: Uint8Array;
}

export interface Purchase {
  readonly orderId: string;
  readonly quantity: number;
  /** `YYYY-MM-DD`, the business date. */
  readonly date: string;
}

/** The durable plan of one write. Images as in {@link CardReading.image}. */
export interface WritePlan {
  readonly cardNo: string;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly tag: Uint8Array;
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
  /** For people: the steps in order. */
  readonly steps: readonly string[];
  /** What the layout had kept of this order's writes so far, oldest first; left out: nothing. */
  readonly kept?: readonly Uint8Array[];
}

/** The part of a plan by which a later read is judged. */
export type Judged = Pick<WritePlan, 'before' | 'after' | 'tag' | 'kept'>;

/**
 * Keeps what a card (or the key provider) said in the middle of a write, with the order, for good:
 * once it says ok, the record is durable, and comes back in `kept` whenever the order is judged.
 * Opaque to the kiosk; never a key or a code.
 */
export type Keep = (record: Uint8Array) => Promise<Result<void, Failure>>;

/**
 * Told during a write, for the screen only: so many of the plan's steps are done. What comes of it
 * changes nothing of the write; it neither fails nor is waited for.
 */
export type StepsDone = (done: number) => void;
/** Nobody looks. */
export const UNSEEN: StepsDone = () => undefined;

/** after: ours is on the card · before: nothing was written · torn: finish the plan · foreign: park. */
export type Classification = 'after' | 'before' | 'torn' | 'foreign';

/**
 * By what rule the maker's meters take a purchase. `count-exact`: its count is the meter's own + 1,
 * and the quantity is added. `count-greater`: its count is any greater one, and the quantity is
 * added. `cumulative`: what the card's cumulative quantity has more than the meter's is added.
 * `purse`: the meter debits a purse on the card.
 */
export type Acceptance = 'count-exact' | 'count-greater' | 'cumulative' | 'purse';

/**
 * A technician's card. A layout that recognises one refuses to sell to it as to every staff card
 * (CARD-0109), and says so in the failure's cause; nothing is believed of the number but that it
 * stands on the card.
 */
export class TechnicianCard {
  readonly cardNo: string;
  /**
   * The layout whose chip judges the PIN and proves the card ({@link CardLayout.presentPin}); null:
   * this chip can do neither, and the kiosk judges the PIN.
   */
  readonly judgedBy: string | null;
  constructor(cardNo: string, judgedBy: string | null) {
    this.cardNo = cardNo;
    this.judgedBy = judgedBy;
  }
}

/** Whose technician card a reading failed on; null: it failed for another reason. */
export function technicianOf(result: Result<unknown, Failure>): TechnicianCard | null {
  return !result.ok &&
    result.error.code === 'CARD-0109' &&
    result.error.cause instanceof TechnicianCard
    ? result.error.cause
    : null;
}

/**
 * What became of a technician's PIN at his card. `open`: the card took it and proved itself.
 * `wrong`: it did not take it. `locked`: it is not presented (any more), only the last try is left,
 * or none. `not-ours`: the card took it and could not prove that it is the company's.
 */
export type PinVerdict = 'open' | 'wrong' | 'locked' | 'not-ours';

/**
 * One meter maker's cards: reading, judging and writing them. Stateless; all state is in the
 * images.
 */
export interface CardLayout {
  readonly id: string;
  /**
   * What the meter does with a purchase; nothing in the kiosk depends on it, the simulated meters
   * and the conformance suite do.
   */
  readonly acceptance: Acceptance;
  /** Cheap guess from the ATR, to pick among layouts; true = may be ours. */
  readonly mayBe: (atr: Uint8Array) => boolean;
  /** Reads the card whole. Fails with CARD-0101…0110. */
  readonly read: (channel: CardChannel) => Promise<Result<CardReading, Failure>>;
  /**
   * Selects again and re-reads identity and the kiosk's own fields: the image that `classify`
   * judges. After a `reset()` it is the read-back of a write.
   */
  readonly readImage: (channel: CardChannel) => Promise<Result<Uint8Array, Failure>>;
  /** Proves that the key provider can write this card, without touching it. Fails with CARD-0206. */
  readonly proveAuthority: (reading: CardReading) => Promise<Result<void, Failure>>;
  /**
   * The write of one purchase on top of `reading`. Pure. Fails with CARD-0104 when count or
   * cumulative would overflow.
   */
  readonly plan: (reading: CardReading, purchase: Purchase) => Result<WritePlan, Failure>;
  /**
   * Re-reads identity and before-image (CARD-0205 when they differ; nothing was written), then runs
   * the steps. CARD-0201/0202: the card refused, nothing was written by the last command; any other
   * failure: in doubt.
   *
   * @param keep where a card's own answers are what proves a write: without it nothing is written
   *   to such a card (CARD-0206)
   * @param steps hears of each step that is done; a layout that cannot tell says nothing
   */
  readonly apply: (
    channel: CardChannel,
    plan: WritePlan,
    keep?: Keep,
    steps?: StepsDone,
  ) => Promise<Result<void, Failure>>;
  /**
   * Judges an order's card by a later read (identity and the kiosk's own fields only), and by what
   * was kept of its writes. Pure.
   */
  readonly classify: (plan: Judged, current: Uint8Array) => Classification;
  /**
   * What the card gave as proof of the write (a purse's TAC), of a read that is _after_. Pure. Left
   * out: such cards give none.
   */
  readonly proof?: (plan: Judged, current: Uint8Array) => Uint8Array | null;
  /**
   * The image as the card itself states it now: read once more over 8 fresh random bytes of ours,
   * which its MAC covers and nobody could know before. Whatever was computed for it earlier is of
   * no use any more. CARD-0201: the MAC is not the card's, so somebody else answered. Left out:
   * such cards prove nothing, and a read is the word of whoever sits between card and reader.
   */
  readonly provenImage?: (
    channel: CardChannel,
    challenge: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  /**
   * Whether anything by which the card can be written has left for it, by what was kept of the
   * write. Pure. Left out: from the write's beginning on.
   */
  readonly exposed?: (kept: readonly Uint8Array[]) => boolean;
  /** Same identity (card number, issuer data), whatever was bought since. */
  readonly sameCard: (a: Uint8Array, b: Uint8Array) => boolean;
  /**
   * Presents a technician's PIN (digits) to his card, never with its last try, and has the card
   * prove itself by answering `challenge` (8 fresh random bytes). Whatever was verified is
   * forgotten afterwards. Fails where no verdict came: with the card's failure, or CARD-0206 where
   * the key provider could not judge. Left out: such cards are no technicians'.
   */
  readonly presentPin?: (
    channel: CardChannel,
    cardNo: string,
    pin: string,
    challenge: Uint8Array,
  ) => Promise<Result<PinVerdict, Failure>>;
}
