import type { Clock } from '../../shared/ports.ts';
import type { SlotCard } from '../vpcd/client.ts';

/**
 * A memory card as a CRT reader operates it: four bytes at reset, and operations in the form of
 * APDUs with an inner status word.
 */
export interface CrtMemoryCard {
  readonly kind: 'SLE4442' | 'SLE4428' | 'AT24';
  insert(): void;
  remove(): void;
  /** Power on: its first four bytes; null: it does not answer. */
  reset(): Uint8Array | null;
  powerOff(): void;
  /**
   * AT24: powered, and told of its kind (30 to 34 are C01 to C16, 35 and 36 C32 and C64) [K].
   * False: nothing acknowledges.
   */
  power?(type: number): boolean;
  /** The whole answer with the inner status word; null: the card gave up in the middle. */
  operate(command: Uint8Array): Uint8Array | null;
}
export type CrtCard =
  | { readonly kind: 'cpu'; readonly card: SlotCard }
  | { readonly kind: 'memory'; readonly card: CrtMemoryCard };

/**
 * A fault for the next command. `drop-command`: as if it never came. `ack-lost`, `answer-lost`:
 * done, and not said; `silent`: neither of both. `broken`: the answer's BCC is wrong, once.
 * `stuck`: it takes the command and never ends. `error`: refused with these two characters before
 * anything was done.
 */
export type CrtFault =
  | {
      readonly kind:
        | 'drop-command'
        | 'ack-lost'
        | 'answer-lost'
        | 'silent'
        | 'nak'
        | 'broken'
        | 'stuck'
        | 'stops-in-the-middle';
    }
  | { readonly kind: 'error'; readonly code: string };

export interface CrtDeviceOptions {
  readonly clock: Clock;
  /** Version text, as the firmware says it. */
  readonly firmware: string;
  /** PM of MOVE for each place, as this model has them. */
  readonly move: Readonly<Record<number, 'ic' | 'gate' | 'eject' | 'capture' | 'rf'>>;
  readonly initKeep: number;
  /** `E`: newer firmwares say 45 where older say 4E. */
  readonly errorHeader?: 0x4e | 0x45;
  /** A motion takes so long, ms. */
  readonly motionMs?: number;
  /** SAMs in the machine's own slots, by number from 0. */
  readonly sams?: Readonly<Record<number, SlotCard>>;
  /** Bytes to the host. */
  readonly send: (bytes: Uint8Array) => void;
}

/** So many cards the bin holds; then the status says full, and a capture is refused (A1). */
export const BIN_CARDS = 20;

const ACK = 0x06;
const NAK = 0x15;
const EOT = 0x04;

/** Tables of the models, by name of their firmware text (cards.md 5.1). */
export const CRT_571_MOVES = {
  0x30: 'gate',
  0x31: 'ic',
  0x32: 'rf',
  0x33: 'capture',
  0x39: 'eject',
} as const;
export const CRT_310_MOVES = { 0x30: 'eject', 0x32: 'rf', 0x33: 'ic' } as const;

/**
 * A CRT motor reader from its serial line's other end: frames, handshake, the card's way through
 * the machine, contacts that must be down before a chip answers, the error codes. What the host
 * sends is counted, so that a test can tell that nothing was moved twice.
 */
export class CrtDevice {
  readonly #o: CrtDeviceOptions;
  /** `=>` and `<=` lines, oldest first. */
  readonly transcript: string[] = [];
  readonly faults: CrtFault[] = [];
  /** Motions that were carried out. */
  readonly motions: string[] = [];
  readonly bin: CrtCard[] = [];
  #buffer: number[] = [];
  #initialised = false;
  #entry = false;
  #place: 'none' | 'gate' | 'inside' | 'ic' = 'none';
  #card: CrtCard | null = null;
  #powered = false;
  #samSlot = 0;
  readonly #samsPowered = new Set<number>();
  #last: Uint8Array | null = null;
  #running: (() => void) | null = null;

  constructor(options: CrtDeviceOptions) {
    this.#o = options;
  }

  get place(): 'none' | 'gate' | 'inside' | 'ic' {
    return this.#place;
  }
  get entryOn(): boolean {
    return this.#entry;
  }

  /** A customer offers a card. False: the entry is shut, or another card is in. */
  offer(card: CrtCard): boolean {
    if (!this.#entry || this.#place !== 'none') return false;
    this.#card = card;
    this.#place = 'inside';
    this.#entry = false;
    card.card.insert();
    return true;
  }
  /** A customer pushes a card into the open mouth and lets go before it is drawn in. */
  halfIn(card: CrtCard): boolean {
    if (!this.#entry || this.#place !== 'none') return false;
    this.#card = card;
    this.#place = 'gate';
    return true;
  }
  /** The card at the gate is taken. */
  take(): CrtCard | null {
    if (this.#place !== 'gate') return null;
    return this.#out();
  }
  /** Pulled out by force, or taken out through the service door. */
  wrench(): CrtCard | null {
    return this.#place === 'none' ? null : this.#out();
  }
  #out(): CrtCard | null {
    const card = this.#card;
    this.#card = null;
    this.#place = 'none';
    this.#powered = false;
    card?.card.remove();
    return card;
  }

  /** Mains off and on: the card stays where it is, and everything that was told is forgotten. */
  powerCycle(): void {
    this.#buffer = [];
    this.#initialised = false;
    this.#entry = false;
    this.#powered = false;
    this.#samSlot = 0;
    this.#samsPowered.clear();
    for (const sam of Object.values(this.#o.sams ?? {})) sam.powerOff();
    this.#running?.();
    this.#running = null;
    this.#last = null;
    this.#card?.card.powerOff();
  }

  receive(bytes: Uint8Array): void {
    this.#buffer.push(...bytes);
    for (;;) {
      const b = this.#buffer;
      if (b.length === 0) return;
      if (b[0] !== 0xf2) {
        const c = b.shift();
        if (c === NAK && this.#last !== null) this.#say(this.#last);
        if (c === EOT) {
          this.#running?.();
          this.#running = null;
          this.#say(Uint8Array.of(EOT));
        }
        continue;
      }
      if (b.length < 4) return;
      const length = (b[2] as number) * 256 + (b[3] as number);
      if (b.length < length + 6) return;
      const frame = b.splice(0, length + 6);
      this.transcript.push(`=> ${hex(frame)}`);
      this.#frame(frame, length);
    }
  }

  #say(bytes: Uint8Array): void {
    this.transcript.push(`<= ${hex([...bytes])}`);
    this.#o.send(bytes);
  }

  #frame(frame: readonly number[], length: number): void {
    const fault = this.faults.shift() ?? null;
    if (fault?.kind === 'drop-command') return;
    if (
      fault?.kind === 'nak' ||
      frame.slice(0, -1).reduce((s, x) => s ^ x, 0) !== frame.at(-1) ||
      frame[4] !== 0x43
    ) {
      this.#say(Uint8Array.of(NAK));
      return;
    }
    if (this.#running !== null) return;
    this.#last = null;
    if (fault?.kind !== 'ack-lost' && fault?.kind !== 'silent') this.#say(Uint8Array.of(ACK));
    const cm = frame[5] as number;
    const pm = frame[6] as number;
    const data = Uint8Array.from(frame.slice(7, 4 + length));
    if (fault?.kind === 'stuck') {
      this.#running = () => undefined;
      return;
    }
    const answer = (): void => {
      this.#running = null;
      const result = fault?.kind === 'error' ? fault.code : this.#carryOut(cm, pm, data);
      const body =
        typeof result === 'string'
          ? [this.#o.errorHeader ?? 0x4e, cm, pm, ...[...result].map((c) => c.charCodeAt(0))]
          : [0x50, cm, pm, ...this.#status(), ...result];
      const out = [0xf2, 0, body.length >> 8, body.length & 255, ...body, 0x03];
      out.push(out.reduce((s, x) => s ^ x, 0));
      this.#last = Uint8Array.from(out);
      if (fault?.kind === 'answer-lost' || fault?.kind === 'silent') return;
      if (fault?.kind === 'broken')
        this.#say(Uint8Array.from(out, (x, i) => (i === out.length - 1 ? x ^ 0x40 : x)));
      else if (fault?.kind === 'stops-in-the-middle') this.#say(Uint8Array.from(out.slice(0, -2)));
      else this.#say(this.#last);
    };
    this.#running = this.#o.clock.after(
      cm === 0x30 || cm === 0x32 ? (this.#o.motionMs ?? 0) : 0,
      answer,
    );
  }

  #status(): number[] {
    return [
      this.#place === 'none' ? 0x30 : this.#place === 'gate' ? 0x31 : 0x32,
      0x32,
      this.bin.length >= BIN_CARDS ? 0x31 : 0x30,
    ];
  }

  /** Data of the positive answer, or the error's two characters. */
  #carryOut(cm: number, pm: number, data: Uint8Array): readonly number[] | string {
    if (cm === 0xa4) return [...this.#o.firmware].map((c) => c.charCodeAt(0));
    if (cm === 0x30) return this.#init(pm);
    if (cm === 0x31) return [];
    if (!this.#initialised) return 'B0';
    switch (cm) {
      case 0x32:
        return this.#move(pm);
      case 0x33:
        this.#entry = pm === 0x30 && this.#place === 'none';
        return [];
      case 0x51:
        return this.#cpu(pm, data);
      case 0x52:
        return this.#sam(pm, data);
      case 0x53:
        return this.#sle(pm, data);
      case 0x54:
        return this.#i2c(pm, data);
      default:
        return '00';
    }
  }

  #init(pm: number): readonly number[] | string {
    if (pm !== this.#o.initKeep) return '01';
    this.#initialised = true;
    this.#entry = false;
    this.#powered = false;
    // Contacts go up; the card stays in the machine.
    if (this.#place === 'ic') this.#place = 'inside';
    return [...this.#o.firmware].map((c) => c.charCodeAt(0));
  }

  #move(pm: number): readonly number[] | string {
    const to = this.#o.move[pm];
    if (to === undefined) return '03';
    if (this.#place === 'none' || this.#card === null) return '02';
    // A full bin takes no more: the card stays where it is.
    if (to === 'capture' && this.bin.length >= BIN_CARDS) return 'A1';
    this.motions.push(to);
    this.#powered = false;
    this.#card.card.powerOff();
    if (to === 'ic') this.#place = 'ic';
    else if (to === 'capture') {
      const card = this.#out();
      if (card !== null) this.bin.push(card);
    } else if (to === 'rf') this.#place = 'inside';
    else this.#place = 'gate';
    return [];
  }

  #cpu(pm: number, data: Uint8Array): readonly number[] | string {
    const card = this.#card;
    if (pm === 0x31) {
      this.#powered = false;
      card?.card.powerOff();
      return [];
    }
    if (this.#place !== 'ic' || card === null) return '65';
    if (card.kind !== 'cpu') return '63';
    if (pm === 0x30) {
      const atr = card.card.reset();
      this.#powered = atr !== null;
      return atr === null ? '63' : [0x30, ...atr];
    }
    if (pm !== 0x39 && pm !== 0x33) return '03';
    if (!this.#powered) return '65';
    const outcome = card.card.process(data);
    if (outcome.kind === 'answer') return [...outcome.bytes];
    if (outcome.kind === 'silent') return '68';
    // Held by the machine it cannot leave by itself: a torn card is one that was wrenched out.
    this.#out();
    return '45';
  }

  #sam(pm: number, data: Uint8Array): readonly number[] | string {
    if (pm === 0x40) {
      const slot = (data[0] ?? 0) - 0x30;
      if (data.length !== 1 || slot < 0 || slot > 4) return '04';
      this.#samSlot = slot;
      return [];
    }
    const sam = this.#o.sams?.[this.#samSlot];
    if (sam === undefined) return '63';
    if (pm === 0x30) {
      // The first reset of a card that was put in long ago.
      if (!this.#samsPowered.has(this.#samSlot)) sam.insert();
      const atr = sam.reset();
      if (atr === null) return '63';
      this.#samsPowered.add(this.#samSlot);
      return [0x30, ...atr];
    }
    if (pm !== 0x39) return '03';
    if (!this.#samsPowered.has(this.#samSlot)) return '65';
    const outcome = sam.process(data);
    return outcome.kind === 'answer' ? [...outcome.bytes] : '68';
  }

  #sle(pm: number, data: Uint8Array): readonly number[] | string {
    const card = this.#card;
    if (pm === 0x31) {
      this.#powered = false;
      card?.card.powerOff();
      return [];
    }
    if (this.#place !== 'ic' || card === null) return '65';
    if (card.kind !== 'memory' || card.card.kind === 'AT24') return '63';
    if (pm === 0x30) {
      const atr = card.card.reset();
      this.#powered = atr !== null;
      return atr === null ? '63' : [...atr];
    }
    if (!this.#powered) return '65';
    if (pm !== (card.card.kind === 'SLE4442' ? 0x33 : 0x34)) return '62';
    const answer = card.card.operate(data);
    if (answer !== null) return [...answer];
    this.#out();
    return '45';
  }

  #i2c(pm: number, data: Uint8Array): readonly number[] | string {
    const card = this.#card;
    if (pm === 0x31) {
      this.#powered = false;
      card?.card.powerOff();
      return [];
    }
    if (this.#place !== 'ic' || card === null) return '65';
    if (card.kind !== 'memory' || card.card.kind !== 'AT24') return '63';
    if (pm === 0x30) {
      if (data.length !== 1) return '01';
      this.#powered = card.card.power?.(data[0] as number) === true;
      return this.#powered ? [] : '63';
    }
    if (pm !== 0x33 && pm !== 0x34) return '03';
    // A write by the operation for reading, and the other way round, is not carried out.
    if ((data[1] === 0xd0) !== (pm === 0x34)) return '01';
    if (!this.#powered) return '65';
    const answer = card.card.operate(data);
    if (answer !== null) return [...answer];
    this.#out();
    return '45';
  }
}

function hex(bytes: readonly number[]): string {
  return bytes.map((b) => b.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}
