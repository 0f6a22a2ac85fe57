import * as sle4428 from '../card/sle4428.ts';
import type { Sle4428 } from '../card/sle4428.ts';
import * as sle4442 from '../card/sle4442.ts';
import { Sle4442 } from '../card/sle4442.ts';
import { ReaderSlot, Status, onesIn, presentTo, synchronousAtr } from './slot.ts';
import type { Command } from './slot.ts';

/**
 * What is not confirmed about OMNIKEY readers: cards.md 2.1 knows three instructions (write D6,
 * change 21, read protection 3A) and no status word. The rest is as ISO 7816-4 would have it. Try
 * it on a real reader and change it here.
 */
export interface OmnikeySettings {
  /** CHANGE (FF 21) carries the present code before the new one (ISO 7816-4), or the new one alone. */
  readonly changeCarries: 'old-and-new' | 'new';
  /** VERIFY (FF 20) without data tells the tries left, as ISO 7816-4 has it, and spends none. */
  readonly verifyTellsTries: boolean;
  /**
   * A write before the code was presented: refused by the reader with this, or (null) answered 9000
   * and lost.
   */
  readonly unverifiedWrite: number | null;
  readonly unsupported: number;
  readonly wrongLength: number;
  readonly pastEnd: number;
  /** The right code; a wrong one answers 63 C0 + tries left; none left: */
  readonly locked: number;
}

export const OMNIKEY_SETTINGS: OmnikeySettings = {
  changeCarries: 'old-and-new',
  verifyTellsTries: true,
  unverifiedWrite: 0x6982,
  unsupported: 0x6d00,
  wrongLength: 0x6700,
  pastEnd: 0x6b00,
  locked: 0x6983,
};

const NOTHING = new Uint8Array(0);

/** What the two SLE chips have in common for this reader. */
interface Ports {
  readonly size: number;
  readonly codeLength: number;
  readonly fullCounter: number;
  readonly counter: () => number;
  readonly read: (address: number, length: number) => Uint8Array;
  readonly write: (address: number, byte: number) => void;
  readonly writeCode: (code: Uint8Array) => void;
  readonly present: (code: Uint8Array) => number;
  /** Protection bits of eight addresses, lowest in bit 0. */
  readonly protection: (address: number) => number;
  /** Addresses that have a protection bit. */
  readonly protectable: number;
}

function portsOf(chip: Sle4442 | Sle4428): Ports {
  if (chip instanceof Sle4442) {
    const counter = (): number => chip.send(sle4442.READ_SECURITY, 0)[0] as number;
    return {
      size: 256,
      codeLength: 3,
      fullCounter: 0x07,
      counter,
      read: (address, length) => chip.send(sle4442.READ_MAIN, address).slice(0, length),
      write: (address, byte) => chip.send(sle4442.UPDATE_MAIN, address, byte),
      writeCode: (code) =>
        code.forEach((byte, i) => chip.send(sle4442.UPDATE_SECURITY, i + 1, byte)),
      present: (code) =>
        presentTo(
          counter,
          (left) => chip.send(sle4442.UPDATE_SECURITY, 0, left),
          () => code.forEach((byte, i) => chip.send(sle4442.COMPARE, i + 1, byte)),
          () => chip.send(sle4442.UPDATE_SECURITY, 0, 0xff),
        ),
      protection: (address) => chip.send(sle4442.READ_PROTECTION, 0)[address >> 3] as number,
      protectable: 32,
    };
  }
  const counter = (): number => chip.send(sle4428.READ, sle4428.COUNTER_ADDRESS)[0] as number;
  return {
    size: 1024,
    codeLength: 2,
    fullCounter: 0xff,
    counter,
    read: (address, length) => chip.send(sle4428.READ, address).slice(0, length),
    write: (address, byte) => chip.send(sle4428.UPDATE, address, byte),
    writeCode: (code) =>
      code.forEach((byte, i) => chip.send(sle4428.UPDATE, sle4428.CODE_ADDRESS + i, byte)),
    present: (code) =>
      presentTo(
        counter,
        (left) => chip.send(sle4428.WRITE_COUNTER, sle4428.COUNTER_ADDRESS, left),
        () => code.forEach((byte, i) => chip.send(sle4428.VERIFY, sle4428.CODE_ADDRESS + i, byte)),
        () => chip.send(sle4428.UPDATE, sle4428.COUNTER_ADDRESS, 0xff),
      ),
    protection: (address) => {
      const bits = chip.send(sle4428.READ_WITH_BITS, address);
      return Array.from({ length: 8 }, (_, i) => (bits[2 * i + 1] as number) << i).reduce(
        (sum, bit) => sum | bit,
        0,
      );
    },
    protectable: 1024,
  };
}

/**
 * An OMNIKEY reader with an SLE4442 or SLE4428 in it: no card type to select, ISO-like
 * instructions.
 */
export class OmnikeyReader extends ReaderSlot {
  readonly #ports: Ports;
  readonly #settings: OmnikeySettings;
  #presented = false;

  constructor(chip: Sle4442 | Sle4428, settings: OmnikeySettings = OMNIKEY_SETTINGS) {
    super(chip);
    this.#ports = portsOf(chip);
    this.#settings = settings;
  }

  protected atrOf(chipAtr: Uint8Array): Uint8Array {
    return synchronousAtr(chipAtr);
  }

  protected forgetSession(): void {
    this.#presented = false;
  }

  protected run(command: Command): Uint8Array {
    const { ins, p1, p2, p3, data } = command;
    const address = p1 * 256 + p2;
    switch (ins) {
      case 0xb0: {
        const length = this.#le(command);
        this.#within(address, length, this.#ports.size);
        return this.#ports.read(address, length);
      }
      case 0x3a: {
        const length = this.#le(command);
        this.#within(address, length * 8, this.#ports.protectable);
        return Uint8Array.from({ length }, (_, i) => this.#ports.protection(address + 8 * i));
      }
      case 0xd6:
        if (data.length === 0) throw new Status(this.#settings.wrongLength);
        this.#within(address, data.length, this.#ports.size);
        this.#wantCode();
        for (const [i, byte] of data.entries()) this.#ports.write(address + i, byte);
        return NOTHING;
      case 0x20:
        if (data.length === 0 && (p3 ?? 0) === 0) {
          if (!this.#settings.verifyTellsTries) throw new Status(this.#settings.wrongLength);
          return this.#saidOf(this.#ports.counter(), this.#presented);
        }
        if (data.length !== this.#ports.codeLength) throw new Status(this.#settings.wrongLength);
        return this.#verify(data);
      case 0x21: {
        const { codeLength } = this.#ports;
        const both = this.#settings.changeCarries === 'old-and-new';
        if (data.length !== (both ? 2 : 1) * codeLength)
          throw new Status(this.#settings.wrongLength);
        if (both) this.#verify(data.slice(0, codeLength));
        else this.#wantCode();
        this.#ports.writeCode(data.slice(-codeLength));
        return NOTHING;
      }
      default:
        throw new Status(this.#settings.unsupported);
    }
  }

  #verify(code: Uint8Array): Uint8Array {
    const counter = this.#ports.present(code);
    this.#presented = counter === this.#ports.fullCounter;
    return this.#saidOf(counter, this.#presented);
  }

  #saidOf(counter: number, isOpen: boolean): Uint8Array {
    if (isOpen) return NOTHING;
    throw new Status(counter === 0 ? this.#settings.locked : 0x63c0 | onesIn(counter));
  }

  #wantCode(): void {
    if (!this.#presented && this.#settings.unverifiedWrite !== null)
      throw new Status(this.#settings.unverifiedWrite);
  }

  #le({ p3, data }: Command): number {
    if (p3 === null || data.length > 0) throw new Status(this.#settings.wrongLength);
    return p3 === 0 ? 256 : p3;
  }

  #within(address: number, length: number, size: number): void {
    if (address + length > size) throw new Status(this.#settings.pastEnd);
  }
}
