import { AT24_SIZES, At24 } from '../card/at24.ts';
import { At88Sc102 } from '../card/at88sc102.ts';
import { At88Sc1608 } from '../card/at88sc1608.ts';
import * as sle4428 from '../card/sle4428.ts';
import { Sle4428 } from '../card/sle4428.ts';
import * as sle4442 from '../card/sle4442.ts';
import { Sle4442 } from '../card/sle4442.ts';
import { ReaderSlot, Status, presentTo, synchronousAtr } from './slot.ts';
import type { Command } from './slot.ts';

export type AcsChip = Sle4442 | Sle4428 | At24 | At88Sc102 | At88Sc1608;
/** CCID models (ACR38 6.04, ACR39, ACR1281), or the old ACR38 (1.9, 6.02). */
export type AcsVariant = 'ccid' | 'acr38';

/** What cards.md 2.1 does not confirm for every model. */
export interface AcsSettings {
  /** Memory commands before a card type was selected since the last insertion or reset. */
  readonly unselected: number;
  /** Selecting a type that the card is not. */
  readonly wrongType: number;
  /** A command that the selected type does not have. */
  readonly unsupported: number;
  /** A wrong length, and reading or writing past the end. */
  readonly wrongLength: number;
}

export const ACS_SETTINGS: AcsSettings = {
  unselected: 0x6300,
  wrongType: 0x6300,
  unsupported: 0x6a81,
  wrongLength: 0x6700,
};

/** Card types of `FF A4`. 02 and 09 are unconfirmed [K]. */
const TYPES: Readonly<Record<number, (chip: AcsChip) => boolean>> = {
  0x01: (chip) => chip instanceof At24 && chip.size <= 2048,
  0x02: (chip) => chip instanceof At24 && chip.size > 2048,
  0x04: (chip) => chip instanceof At88Sc1608,
  0x05: (chip) => chip instanceof Sle4428,
  0x06: (chip) => chip instanceof Sle4442,
  0x09: (chip) => chip instanceof At88Sc102,
};
const PAGE_CODES: Readonly<Record<number, number>> = {
  0x03: 8,
  0x04: 16,
  0x05: 32,
  0x06: 64,
  0x07: 128,
};
const DEFAULT_PAGE = 8;
const NOTHING = new Uint8Array(0);

/**
 * An ACS reader with a memory chip in it. It answers 9000 to a write whatever became of it (its
 * manuals promise no comparing): only reading back tells. Presenting a code answers `90` and the
 * error counter, also when it was wrong.
 */
export class AcsReader extends ReaderSlot {
  readonly #chip: AcsChip;
  readonly #variant: AcsVariant;
  readonly #settings: AcsSettings;
  #selected = false;
  #page = DEFAULT_PAGE;

  constructor(chip: AcsChip, variant: AcsVariant = 'ccid', settings: AcsSettings = ACS_SETTINGS) {
    super(chip);
    this.#chip = chip;
    this.#variant = variant;
    this.#settings = settings;
  }

  protected atrOf(chipAtr: Uint8Array): Uint8Array {
    // I2C and AT88 chips have no ATR that PC/SC could use: the reader shows its own.
    return synchronousAtr(
      this.#chip instanceof Sle4442 || this.#chip instanceof Sle4428 ? chipAtr : NOTHING,
    );
  }

  protected forgetSession(): void {
    this.#selected = false;
  }

  protected override forgetCard(): void {
    this.#page = DEFAULT_PAGE;
  }

  protected run(command: Command): Uint8Array {
    if (command.ins === 0xa4) return this.#select(command);
    if (!this.#selected) throw new Status(this.#settings.unselected);
    const chip = this.#chip;
    if (chip instanceof Sle4442) return this.#sle4442(chip, command);
    if (chip instanceof Sle4428) return this.#sle4428(chip, command);
    if (chip instanceof At24) return this.#at24(chip, command);
    if (chip instanceof At88Sc102) return this.#at88sc102(chip, command);
    return this.#at88sc1608(chip, command);
  }

  #select({ data }: Command): Uint8Array {
    const wanted = TYPES[data[0] ?? -1];
    if (data.length !== 1) throw new Status(this.#settings.wrongLength);
    this.#selected = false;
    if (wanted === undefined) throw new Status(this.#settings.unsupported);
    // The type is told by powering the card down and up: whatever was verified is gone.
    const atr = this.power();
    if (atr === null || !wanted(this.#chip)) throw new Status(this.#settings.wrongType);
    this.#selected = true;
    return this.#variant === 'acr38' ? atr : NOTHING;
  }

  /** Le, where 00 is 256 or `none`; and no data. */
  #le({ p3, data }: Command, none = 256): number {
    if (p3 === null || data.length > 0) throw new Status(this.#settings.wrongLength);
    return p3 === 0 ? none : p3;
  }

  /** A read of `length` bytes within `size`. */
  #within(address: number, length: number, size: number): void {
    if (length === 0 || address + length > size) throw new Status(this.#settings.wrongLength);
  }

  /** Data of at least one byte, of `length` where told. */
  #data({ data }: Command, length = data.length): Uint8Array {
    if (data.length === 0 || data.length !== length) throw new Status(this.#settings.wrongLength);
    return data;
  }

  /** The old ACR38 wants Le 00 where CCID models want the length. */
  #counterLe(command: Command, length: number): void {
    if (this.#le(command, 0) !== (this.#variant === 'acr38' ? 0 : length))
      throw new Status(this.#settings.wrongLength);
  }

  #sle4442(chip: Sle4442, command: Command): Uint8Array {
    const { ins, p2 } = command;
    switch (ins) {
      case 0xb0: {
        const length = this.#le(command);
        this.#within(p2, length, 256);
        const bytes = chip.send(sle4442.READ_MAIN, p2).slice(0, length);
        return this.#variant === 'acr38'
          ? Uint8Array.of(...bytes, ...chip.send(sle4442.READ_PROTECTION, 0))
          : bytes;
      }
      case 0xb1:
        this.#counterLe(command, 4);
        return chip.send(sle4442.READ_SECURITY, 0);
      case 0xb2:
        if (this.#le(command) !== 4) throw new Status(this.#settings.wrongLength);
        return chip.send(sle4442.READ_PROTECTION, 0);
      case 0xd0:
      case 0xd1: {
        const data = this.#data(command);
        this.#within(p2, data.length, ins === 0xd0 ? 256 : 32);
        for (const [i, byte] of data.entries())
          chip.send(ins === 0xd0 ? sle4442.UPDATE_MAIN : sle4442.WRITE_PROTECTION, p2 + i, byte);
        return NOTHING;
      }
      case 0xd2:
        for (const [i, byte] of this.#data(command, 3).entries())
          chip.send(sle4442.UPDATE_SECURITY, i + 1, byte);
        return NOTHING;
      case 0x20: {
        const code = this.#data(command, 3);
        const left = presentTo(
          () => chip.send(sle4442.READ_SECURITY, 0)[0] as number,
          (counter) => chip.send(sle4442.UPDATE_SECURITY, 0, counter),
          () => code.forEach((byte, i) => chip.send(sle4442.COMPARE, i + 1, byte)),
          () => chip.send(sle4442.UPDATE_SECURITY, 0, 0xff),
        );
        throw new Status(0x9000 | left);
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  #sle4428(chip: Sle4428, command: Command): Uint8Array {
    const { ins, p1, p2 } = command;
    const address = p1 * 256 + p2;
    switch (ins) {
      case 0xb0: {
        const length = this.#le(command);
        // The old ACR38 gives no more than EC at once.
        if (this.#variant === 'acr38' && length > 0xec)
          throw new Status(this.#settings.wrongLength);
        this.#within(address, length, 1024);
        return chip.send(sle4428.READ, address).slice(0, length);
      }
      case 0xb1:
        this.#counterLe(command, 3);
        return chip.send(sle4428.READ, sle4428.COUNTER_ADDRESS);
      case 0xb2: {
        // Eight addresses to the byte, lowest in bit 0; at most 32 bytes.
        const length = this.#le(command);
        if (length > 32) throw new Status(this.#settings.wrongLength);
        this.#within(address, length * 8, 1024);
        const bits = chip.send(sle4428.READ_WITH_BITS, address);
        return Uint8Array.from({ length }, (_, i) => {
          let byte = 0;
          for (let bit = 0; bit < 8; bit++) byte |= (bits[2 * (8 * i + bit) + 1] as number) << bit;
          return byte;
        });
      }
      case 0xd0:
      case 0xd1: {
        const data = this.#data(command);
        this.#within(address, data.length, 1024);
        for (const [i, byte] of data.entries())
          chip.send(ins === 0xd0 ? sle4428.UPDATE : sle4428.PROTECT, address + i, byte);
        return NOTHING;
      }
      case 0x20: {
        const code = this.#data(command, 2);
        const left = presentTo(
          () => chip.send(sle4428.READ, sle4428.COUNTER_ADDRESS)[0] as number,
          (counter) => chip.send(sle4428.WRITE_COUNTER, sle4428.COUNTER_ADDRESS, counter),
          () =>
            code.forEach((byte, i) => chip.send(sle4428.VERIFY, sle4428.CODE_ADDRESS + i, byte)),
          () => chip.send(sle4428.UPDATE, sle4428.COUNTER_ADDRESS, 0xff),
        );
        throw new Status(0x9000 | left);
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  #at24(chip: At24, command: Command): Uint8Array {
    const { ins, p1, p2 } = command;
    const address = p1 * 256 + p2;
    switch (ins) {
      case 0x01: {
        const page = PAGE_CODES[this.#data(command, 1)[0] as number];
        if (page === undefined) throw new Status(this.#settings.unsupported);
        this.#page = page;
        return NOTHING;
      }
      case 0xb0: {
        const length = this.#le(command);
        this.#within(address, length, chip.size);
        return chip.read(address, length);
      }
      case 0xd0: {
        const data = this.#data(command);
        this.#within(address, data.length, chip.size);
        // Cut at the pages that the reader was told of: too big a page wraps in the chip, and
        // spoils it.
        for (let at = 0; at < data.length;) {
          const end = Math.min(data.length, at + this.#page - ((address + at) % this.#page));
          chip.write(address + at, data.slice(at, end));
          at = end;
        }
        return NOTHING;
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  /**
   * Byte addresses are bit addresses / 8. Whether a code was right shows only in what can be read
   * afterwards.
   */
  #at88sc102(chip: At88Sc102, command: Command): Uint8Array {
    const { ins, p1, p2 } = command;
    const { map } = chip.settings;
    const size = chip.peek().length;
    switch (ins) {
      case 0xb0: {
        const length = this.#le(command);
        this.#within(p2, length, size);
        return chip.read(p2, length);
      }
      case 0xd0: {
        const data = this.#data(command);
        this.#within(p2, data.length, size);
        for (const [i, byte] of data.entries()) {
          for (let bit = 0; bit < 8; bit++)
            if ((byte & (0x80 >> bit)) === 0) chip.write((p2 + i) * 8 + bit);
        }
        return NOTHING;
      }
      case 0xd2:
        chip.erase(p2 * 8);
        return NOTHING;
      case 0x20: {
        // P1 is the length of the counter in bits: 08 for the code, 80 for a counted erasing, 00
        // for one without.
        const ranges: readonly (readonly [
          number,
          { readonly at: number; readonly bits: number },
          number,
          number,
        ])[] = [
          [0x08, map.sc, map.scac.at, map.scac.at],
          [0x00, map.ez1, 0, map.az1.at],
          [0x00, map.ez2, 0, map.az2.at],
          [0x80, map.ez2, map.ec2.at, map.az2.at],
        ];
        const found = ranges.find(([length, key]) => length === p1 && key.at === p2 * 8);
        if (found === undefined) throw new Status(this.#settings.unsupported);
        const [length, key, counterAt, eraseAt] = found;
        chip.compare(key.at, this.#data(command, key.bits / 8));
        if (length > 0) {
          const counter = chip.read(counterAt >> 3, length / 8);
          const bit = Array.from({ length }, (_, i) => i).find(
            (i) => ((counter[i >> 3] as number) & (0x80 >> (i & 7))) !== 0,
          );
          if (bit === undefined) throw new Status(0x6300);
          chip.write(counterAt + bit);
        }
        chip.erase(eraseAt);
        return NOTHING;
      }
      case 0x05: {
        const data = this.#data(command, 4);
        chip.blow((data[0] as number) * 256 + (data[1] as number));
        return NOTHING;
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  #at88sc1608(chip: At88Sc1608, command: Command): Uint8Array {
    const { ins, p1, p2 } = command;
    switch (ins) {
      case 0xb0:
      case 0xb1: {
        const length = this.#le(command);
        this.#within(p2, length, ins === 0xb0 ? 256 : 128);
        return ins === 0xb0 ? chip.readUser(p1 & 7, p2, length) : chip.readConfig(p2, length);
      }
      case 0xd0:
      case 0xd1: {
        const data = this.#data(command);
        this.#within(p2, data.length, ins === 0xd0 ? 256 : 128);
        for (let at = 0; at < data.length;) {
          const end = Math.min(data.length, at + 16 - ((p2 + at) % 16));
          if (ins === 0xd0) chip.writeUser(p1 & 7, p2 + at, data.slice(at, end));
          else chip.writeConfig(p2 + at, data.slice(at, end));
          at = end;
        }
        return NOTHING;
      }
      case 0x20: {
        // One byte says which: bit 3 for the read password, bits 0–2 the set; then the password.
        const data = this.#data(command, 4);
        const index = data[0] as number;
        const use = (index & 8) === 0 ? 'write' : 'read';
        chip.verify(index & 7, use, data.slice(1));
        // The old ACR38 says 9000 whatever came of it; CCID models say the counter.
        if (this.#variant === 'acr38') return NOTHING;
        throw new Status(0x9000 | chip.tries(index & 7, use));
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }
}

/** The page size code of `FF 01` for a chip. */
export function pageCodeOf(chip: At24): number {
  const page = AT24_SIZES[chip.type].page;
  return Number(Object.entries(PAGE_CODES).find(([, size]) => size === page)?.[0]);
}
