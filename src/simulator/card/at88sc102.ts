import { Chip, cleared, erased } from './chip.ts';
import type { InFlight } from './chip.ts';
import { bytesOf, hexOf } from './codec.ts';

/** First bit and number of bits. */
export interface BitRange {
  readonly at: number;
  readonly bits: number;
}

/**
 * What is not confirmed about the chip (cards.md 1.4 marks the map [K]; its sources disagree on the
 * tries: 4 in the sheet of 2008, 8 in that of 1999). Check against the sheet of the chip that is
 * used, and change it here.
 */
export interface At88Sc102Settings {
  readonly map: Readonly<
    Record<
      'fz' | 'iz' | 'sc' | 'scac' | 'cpz' | 'az1' | 'ez1' | 'az2' | 'ez2' | 'ec2' | 'mtz',
      BitRange
    >
  >;
  /** How many bits of SCAC count as tries. */
  readonly tries: 4 | 8;
  /** What a bit reads as that may not be read. */
  readonly hiddenBit: 0 | 1;
  /** With the issuer fuse blown: erasing a zone needs the security code beside the erase key. */
  readonly eraseNeedsCode: boolean;
  /**
   * Addresses by which the two fuses are blown (readers' manuals name these; blowing is
   * irreversible).
   */
  readonly fuses: Readonly<Record<'ec2en' | 'issuer', number>>;
}

export const AT88SC102_SETTINGS: At88Sc102Settings = {
  map: {
    fz: { at: 0, bits: 16 },
    iz: { at: 16, bits: 64 },
    sc: { at: 80, bits: 16 },
    scac: { at: 96, bits: 16 },
    cpz: { at: 112, bits: 64 },
    az1: { at: 176, bits: 512 },
    ez1: { at: 688, bits: 48 },
    az2: { at: 736, bits: 512 },
    ez2: { at: 1248, bits: 32 },
    ec2: { at: 1280, bits: 128 },
    mtz: { at: 1408, bits: 16 },
  },
  tries: 4,
  hiddenBit: 1,
  eraseNeedsCode: true,
  fuses: { ec2en: 1529, issuer: 1552 },
};

/** Everything an AT88SC102 keeps without power, as JSON. */
export interface At88Sc102State {
  readonly kind: 'at88sc102';
  /** All zones in the order of the map, 178 bytes in hex; bit 0 is the highest of byte 0. */
  readonly memory: string;
  /** False: personalised (security level 2). */
  readonly issuerFuse: boolean;
  /** True: AZ2 can be erased as often as EC2 has bits; false: without counting. */
  readonly ec2Fuse: boolean;
}

const WRITE_MS = 3;
const WORD = 16;
type Zone = keyof At88Sc102Settings['map'];

/**
 * An AT88SC102, bit by bit: writing clears single bits, erasing sets words of 16 bits, or, in the
 * application zones of a personalised card, the whole zone. The code counts as known once it
 * compared, a fresh bit of the attempts counter was written, and both happened in this powered
 * session. Like the SLE chips it never says no.
 */
export class At88Sc102 extends Chip {
  readonly #settings: At88Sc102Settings;
  readonly #memory: Uint8Array;
  /** The zone of each bit: thousands of bits are asked for in every purchase. */
  readonly #zones: readonly (Zone | undefined)[];
  #issuerFuse: boolean;
  #ec2Fuse: boolean;
  // Lost with power:
  #codeRight = false;
  #verified = false;
  #keyRight: 'ez1' | 'ez2' | null = null;
  #ec2Spent = false;

  constructor(state: At88Sc102State, settings: At88Sc102Settings = AT88SC102_SETTINGS) {
    super();
    this.#settings = settings;
    this.#memory = bytesOf(state.memory);
    this.#issuerFuse = state.issuerFuse;
    this.#ec2Fuse = state.ec2Fuse;
    const zones: (Zone | undefined)[] = [];
    for (const [zone, range] of Object.entries(settings.map))
      for (let bit = range.at; bit < range.at + range.bits; bit++) zones[bit] = zone as Zone;
    this.#zones = zones;
    if (this.#memory.length * 8 !== settings.map.mtz.at + settings.map.mtz.bits)
      throw new RangeError('memory and map of an AT88SC102 differ');
  }

  toJSON(): At88Sc102State {
    return {
      kind: 'at88sc102',
      memory: hexOf(this.#memory),
      issuerFuse: this.#issuerFuse,
      ec2Fuse: this.#ec2Fuse,
    };
  }

  get settings(): At88Sc102Settings {
    return this.#settings;
  }

  get verified(): boolean {
    return this.#verified;
  }

  /** All bytes as they are: no command, no conditions. */
  peek(): Uint8Array {
    return this.#memory.slice();
  }

  /** @param address of a byte, that is bit / 8 */
  poke(address: number, bytes: Uint8Array): void {
    this.#memory.set(bytes, address);
    this.changed();
  }

  /**
   * Eight bits from a byte's address on; such as may not be read are hidden.
   *
   * @throws Torn
   */
  read(address: number, length: number): Uint8Array {
    return this.command(() =>
      Uint8Array.from({ length }, (_, i) => {
        let byte = 0;
        for (let bit = 0; bit < 8; bit++)
          byte = (byte << 1) | this.#visible((address + i) * 8 + bit);
        return byte;
      }),
    );
  }

  /**
   * Writes a 0 at one bit.
   *
   * @throws Torn
   */
  write(bit: number): void {
    this.command(() => {
      const zone = this.#zoneOf(bit);
      if (zone === null || !this.#mayWrite(zone) || this.#bit(bit) === 0) return;
      const at = bit >> 3;
      const old = this.#memory[at] as number;
      this.change(zone.startsWith('az') ? 'user' : 'inner', WRITE_MS, (left) => {
        this.#memory[at] = cleared(old, old & ~(0x80 >> (bit & 7)), left);
      });
      if (zone === 'scac') {
        // Whatever compared before counts for this bit only.
        if (this.#codeRight && bit - this.#settings.map.scac.at < this.#settings.tries)
          this.#verified = true;
        this.#codeRight = false;
      }
      if (zone === 'ec2') this.#ec2Spent = this.#keyRight === 'ez2';
    });
  }

  /**
   * Presents a code at the address of the security code or of an erase key. A wrong one spends
   * nothing by itself: the attempts counter does, which the reader must write.
   *
   * @throws Torn
   */
  compare(bit: number, code: Uint8Array): void {
    this.command(() => {
      const { sc, ez1, ez2 } = this.#settings.map;
      const is = (range: BitRange): boolean =>
        bit === range.at &&
        hexOf(this.#memory.subarray(range.at >> 3, (range.at + range.bits) >> 3)) === hexOf(code);
      if (bit === sc.at) {
        this.#codeRight = is(sc);
        this.#verified = false;
      } else {
        this.#keyRight = is(ez1) ? 'ez1' : is(ez2) ? 'ez2' : null;
        this.#ec2Spent = false;
      }
    });
  }

  /**
   * Erases what belongs to the bit: its word, or its application zone on a personalised card.
   *
   * @throws Torn
   */
  erase(bit: number): void {
    this.command(() => {
      const zone = this.#zoneOf(bit);
      if (zone === null) return;
      if ((zone === 'az1' || zone === 'az2') && !this.#issuerFuse) {
        if (this.#mayEraseZone(zone)) this.#eraseRange(this.#settings.map[zone], 'user');
        this.#keyRight = null;
        this.#ec2Spent = false;
        return;
      }
      if (this.#mayEraseWord(zone))
        this.#eraseRange(
          { at: bit - (bit % WORD), bits: WORD },
          zone.startsWith('az') ? 'user' : 'inner',
        );
    });
  }

  /**
   * Blows a fuse for ever; needs the security code.
   *
   * @throws Torn
   */
  blow(bit: number): void {
    this.command(() => {
      if (!this.#verified || !this.#issuerFuse) return;
      const { issuer, ec2en } = this.#settings.fuses;
      if (bit !== issuer && bit !== ec2en) return;
      if (bit === ec2en && !this.#ec2Fuse) return;
      this.change('inner', WRITE_MS, (left) => {
        if (left === 'old' || left === 'ff') return;
        if (bit === issuer) this.#issuerFuse = false;
        else this.#ec2Fuse = false;
      });
    });
  }

  protected answerToReset(): Uint8Array {
    return new Uint8Array(0);
  }

  protected forget(): void {
    this.#codeRight = false;
    this.#verified = false;
    this.#keyRight = null;
    this.#ec2Spent = false;
  }

  #bit(bit: number): 0 | 1 {
    return ((this.#memory[bit >> 3] as number) & (0x80 >> (bit & 7))) === 0 ? 0 : 1;
  }

  #zoneOf(bit: number): Zone | null {
    return this.#zones[bit] ?? null;
  }

  #visible(bit: number): 0 | 1 {
    const zone = this.#zoneOf(bit);
    return zone !== null && this.#mayRead(zone) ? this.#bit(bit) : this.#settings.hiddenBit;
  }

  #mayRead(zone: Zone): boolean {
    switch (zone) {
      case 'fz':
      case 'iz':
      case 'scac':
      case 'cpz':
      case 'ec2':
      case 'mtz':
        return true;
      case 'sc':
      case 'ez1':
      case 'ez2':
        return this.#issuerFuse && this.#verified;
      case 'az1':
      case 'az2':
        // The second bit of an application zone: 1 lets everybody read.
        return this.#verified || this.#bit(this.#settings.map[zone].at + 1) === 1;
    }
  }

  #mayWrite(zone: Zone): boolean {
    switch (zone) {
      case 'fz':
        return false;
      case 'iz':
      case 'ez1':
      case 'ez2':
        return this.#issuerFuse && this.#verified;
      case 'scac':
      case 'mtz':
        return true;
      case 'sc':
      case 'cpz':
        return this.#verified;
      case 'az1':
      case 'az2':
        // The first bit: 0 closes the zone to writing once the card is personalised.
        return this.#verified && (this.#issuerFuse || this.#bit(this.#settings.map[zone].at) === 1);
      case 'ec2':
        return this.#issuerFuse ? this.#verified : this.#keyRight === 'ez2';
    }
  }

  #mayEraseWord(zone: Zone): boolean {
    switch (zone) {
      case 'fz':
        return false;
      case 'mtz':
        return true;
      case 'scac':
      case 'sc':
      case 'cpz':
        return this.#verified;
      case 'iz':
      case 'ez1':
      case 'ez2':
      case 'ec2':
      case 'az1':
      case 'az2':
        return this.#issuerFuse && this.#verified;
    }
  }

  #mayEraseZone(zone: 'az1' | 'az2'): boolean {
    if (this.#settings.eraseNeedsCode && !this.#verified) return false;
    if (zone === 'az1') return this.#keyRight === 'ez1';
    return this.#keyRight === 'ez2' && (!this.#ec2Fuse || this.#ec2Spent);
  }

  /** Erased at once; a partial erasing leaves every other byte half done. */
  #eraseRange(range: BitRange, kind: 'user' | 'inner'): void {
    const from = range.at >> 3;
    const before = this.#memory.slice(from, from + range.bits / 8);
    this.change(kind, WRITE_MS, (left: InFlight) => {
      for (const [i, old] of before.entries())
        this.#memory[from + i] = erased(
          old,
          0xff,
          left === 'partial' && i % 2 === 1 ? 'new' : left,
        );
    });
  }
}

/**
 * A chip as its factory delivers it: everything erased but the transport code and the fabrication
 * zone, both fuses intact.
 */
export function blank102(
  securityCode: string,
  settings: At88Sc102Settings = AT88SC102_SETTINGS,
): At88Sc102State {
  const memory = new Uint8Array((settings.map.mtz.at + settings.map.mtz.bits) / 8).fill(0xff);
  memory.set(bytesOf('0F0F'), settings.map.fz.at >> 3);
  memory.set(bytesOf(securityCode), settings.map.sc.at >> 3);
  return { kind: 'at88sc102', memory: hexOf(memory), issuerFuse: true, ec2Fuse: true };
}
