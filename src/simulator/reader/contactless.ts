import { bytesOf, hexOf } from '../card/codec.ts';
import type { CpuCard } from '../card/cpu-card.ts';
import { valueBlock, valueOf } from '../card/mifare-classic.ts';
import type { MifareClassic } from '../card/mifare-classic.ts';
import type { SlotCard } from '../vpcd/client.ts';
import { ReaderSlot, Status } from './slot.ts';
import type { Command } from './slot.ts';

/** Where a reader keeps keys: LOAD KEY's structure byte and the numbers it takes. */
export interface KeyPlaces {
  readonly structure: number;
  readonly from: number;
  readonly to: number;
  /** True: lost when the card leaves [K]. */
  readonly volatile: boolean;
}

/** A reader's own ways (cards.md 2.2). */
export interface ContactlessSettings {
  readonly places: readonly KeyPlaces[];
  /** Any refusal by the card. */
  readonly refused: number;
  readonly unsupported: number;
  readonly wrongLength: number;
}

export const ACR122: ContactlessSettings = {
  // Called volatile in its manual: they live as long as the reader has power, whatever the card
  // does.
  places: [{ structure: 0x00, from: 0x00, to: 0x01, volatile: false }],
  refused: 0x6300,
  unsupported: 0x6a81,
  wrongLength: 0x6700,
};
export const ACR128: ContactlessSettings = {
  places: [
    { structure: 0x00, from: 0x20, to: 0x20, volatile: true },
    { structure: 0x20, from: 0x00, to: 0x1f, volatile: false },
  ],
  refused: 0x6300,
  unsupported: 0x6a81,
  wrongLength: 0x6700,
};

/** A reader's key places: given to each card's slot in turn, as one reader serves many cards. */
export type KeyStore = Map<number, Uint8Array>;

/** ATR that PC/SC part 3 makes for a Mifare Classic 1K. */
export const MIFARE_1K_ATR = '3B8F8001804F0CA000000306030001000000006A';
const NOTHING = new Uint8Array(0);

/** A contactless reader of PC/SC part 3 with a Mifare Classic in its field. */
export class ContactlessReader extends ReaderSlot {
  readonly #card: MifareClassic;
  readonly #settings: ContactlessSettings;
  readonly #keys: KeyStore;

  constructor(
    card: MifareClassic,
    settings: ContactlessSettings = ACR122,
    keys: KeyStore = new Map<number, Uint8Array>(),
  ) {
    super(card);
    this.#card = card;
    this.#settings = settings;
    this.#keys = keys;
  }

  protected atrOf(): Uint8Array {
    return bytesOf(MIFARE_1K_ATR);
  }

  protected forgetSession(): void {
    // The card forgets what was open; the reader keeps its keys.
  }

  protected override forgetCard(): void {
    for (const place of this.#settings.places) {
      if (!place.volatile) continue;
      for (let number = place.from; number <= place.to; number++) this.#keys.delete(number);
    }
  }

  protected run(command: Command): Uint8Array {
    const { ins, p1, p2 } = command;
    switch (ins) {
      case 0xca:
        // The answer to select (P1 01) is for cards that have one.
        if (p1 !== 0 || p2 !== 0) throw new Status(this.#settings.unsupported);
        return this.#sized(command, this.#card.uid);
      case 0x82:
        return this.#loadKey(command);
      case 0x86: {
        const [version, high, block, type, number] = this.#data(command, 5) as unknown as [
          number,
          number,
          number,
          number,
          number,
        ];
        if (version !== 0x01 || high !== 0x00) throw new Status(this.#settings.unsupported);
        return this.#authenticate(block, type, number);
      }
      case 0x88: {
        // The older form, without a length: FF 88 00 block type number.
        return this.#authenticate(p2, command.p3 ?? 0, command.data[0] ?? -1);
      }
      case 0xb0: {
        const block = this.#card.read(p2);
        if (block === null) throw new Status(this.#settings.refused);
        return this.#sized(command, block);
      }
      case 0xd6:
        return this.#done(this.#card.write(p2, this.#data(command, 16)));
      case 0xd7:
        return command.data.length === 2 ? this.#copy(p2, command) : this.#change(p2, command);
      case 0xb1: {
        const block = this.#card.read(p2);
        const found = block === null ? null : valueOf(block);
        if (found === null) throw new Status(this.#settings.refused);
        return this.#sized(command, bigEndian(found.value));
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  #loadKey(command: Command): Uint8Array {
    const key = this.#data(command, 6);
    const place = this.#settings.places.find(
      (p) => p.structure === command.p1 && command.p2 >= p.from && command.p2 <= p.to,
    );
    if (place === undefined) throw new Status(this.#settings.refused);
    this.#keys.set(command.p2, key);
    return NOTHING;
  }

  #authenticate(block: number, type: number, number: number): Uint8Array {
    const key = this.#keys.get(number);
    if (key === undefined || (type !== 0x60 && type !== 0x61))
      throw new Status(this.#settings.refused);
    return this.#done(this.#card.authenticate(block, type === 0x60 ? 'A' : 'B', key));
  }

  /** 00 stores a value, 01 adds, 02 takes away; the amount is 4 bytes, highest first. */
  #change(block: number, command: Command): Uint8Array {
    const data = this.#data(command, 5);
    const amount = new DataView(data.buffer, data.byteOffset + 1, 4).getInt32(0);
    switch (data[0] as number) {
      case 0x00:
        return this.#done(this.#card.write(block, valueBlock(amount, block)));
      case 0x01:
        return this.#done(this.#card.add(block, 'increment', amount) && this.#card.transfer(block));
      case 0x02:
        return this.#done(this.#card.add(block, 'decrement', amount) && this.#card.transfer(block));
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  #copy(source: number, { data }: Command): Uint8Array {
    if (data[0] !== 0x03) throw new Status(this.#settings.unsupported);
    return this.#done(this.#card.restore(source) && this.#card.transfer(data[1] as number));
  }

  #done(isDone: boolean): Uint8Array {
    if (!isDone) throw new Status(this.#settings.refused);
    return NOTHING;
  }

  /** Exactly so many bytes, or 6C and how many. Le 00 stands for all. */
  #sized({ p3, data }: Command, answer: Uint8Array): Uint8Array {
    if (p3 === null || data.length > 0) throw new Status(this.#settings.wrongLength);
    if (p3 !== 0 && p3 !== answer.length) throw new Status(0x6c00 | answer.length);
    return answer;
  }

  #data({ data }: Command, length: number): Uint8Array {
    if (data.length !== length) throw new Status(this.#settings.wrongLength);
    return data;
  }
}

function bigEndian(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setInt32(0, value);
  return out;
}

/**
 * Answer to select of the simulated card (ISO 14443-4): TL, T0, TA, TB, TC, then its historical
 * bytes. Real cards' differ [K].
 */
const ATS = '0A78809002504C435055';
/** Bytes of an answer to select before its historical ones, where T0 announces TA, TB and TC. */
const ATS_HEAD = 5;

/**
 * The ATR that PC/SC part 3 makes of an answer to select: 3B 8n 80 01, the historical bytes, and
 * the XOR of all behind the first.
 */
function atrOfAts(ats: Uint8Array): Uint8Array {
  const historical = ats.subarray(ATS_HEAD);
  const body = [0x80 | historical.length, 0x80, 0x01, ...historical];
  return Uint8Array.of(
    0x3b,
    ...body,
    body.reduce((sum, byte) => sum ^ byte, 0),
  );
}

/**
 * A CPU card behind ISO 14443-4 (FM1208 and its like) in a contactless reader of PC/SC part 3: its
 * ATR is the reader's, `FF CA` is the reader's too, and everything else goes to the card as it is.
 */
export class ContactlessCpu implements SlotCard {
  readonly card: CpuCard;
  readonly #uid: Uint8Array;
  readonly #settings: ContactlessSettings;

  /** @param uid 4 bytes, hex */
  constructor(card: CpuCard, uid: string, settings: ContactlessSettings = ACR122) {
    this.card = card;
    this.#uid = bytesOf(uid);
    this.#settings = settings;
  }

  insert(): void {
    this.card.insert();
  }
  remove(): void {
    this.card.remove();
  }
  reset(): Uint8Array | null {
    this.card.reset();
    return this.answerToReset();
  }
  answerToReset(): Uint8Array | null {
    return this.card.answerToReset() === null ? null : atrOfAts(bytesOf(ATS));
  }
  powerOff(): void {
    this.card.powerOff();
  }

  process(apdu: Uint8Array): ReturnType<SlotCard['process']> {
    if (apdu[0] !== 0xff || this.card.answerToReset() === null) return this.card.process(apdu);
    return { kind: 'answer', bytes: this.#own(apdu) };
  }

  /** The reader's own commands; a CPU card has no blocks to read or keys to load. */
  #own(apdu: Uint8Array): Uint8Array {
    const status = (sw: number): Uint8Array => Uint8Array.of(sw >> 8, sw & 0xff);
    if (hexOf(apdu.subarray(0, 2)) !== 'FFCA' || (apdu[2] as number) > 1 || apdu[3] !== 0)
      return status(this.#settings.unsupported);
    if (apdu.length !== 5) return status(this.#settings.wrongLength);
    const answer = apdu[2] === 0 ? this.#uid : bytesOf(ATS);
    if (apdu[4] !== 0 && apdu[4] !== answer.length) return status(0x6c00 | answer.length);
    return Uint8Array.of(...answer, 0x90, 0x00);
  }
}
