import type { Clock } from '../../shared/ports.ts';
import type { SlotCard } from '../vpcd/client.ts';

/**
 * For the next command. `drop-command`, `nak`, `ack-lost`: before it was taken. `answer-lost`,
 * `broken`, `stuck`: it was carried out (`stuck`: it never ends) and that is not said. `error`: the
 * device's negative answer with this byte. `fails`: the operation ends with this byte instead of 59.
 */
export type OldCrtFault =
  | {
      readonly kind:
        | 'drop-command'
        | 'nak'
        | 'ack-lost'
        | 'answer-lost'
        | 'broken'
        | 'broken-for-good'
        | 'stuck';
    }
  | { readonly kind: 'error' | 'fails'; readonly code: number };

export interface OldCrtOptions {
  readonly clock: Clock;
  /** What it answers to a reset. */
  readonly firmware: string;
  readonly motionMs?: number;
  /** The code by which the front takes every card; other firmwares have another. */
  readonly openCode?: number;
  readonly send: (bytes: Uint8Array) => void;
}

/**
 * An old CRT-310 from its serial line's other end: frames that begin with 02, commands that wait
 * for 05, the card's way through the machine. It has contacts for processor cards; others get no
 * answer.
 */
export class OldCrtDevice {
  readonly #o: OldCrtOptions;
  /** `=>` and `<=` lines, oldest first. */
  readonly transcript: string[] = [];
  readonly faults: OldCrtFault[] = [];
  /** Motions that were carried out. */
  readonly motions: string[] = [];
  #buffer: number[] = [];
  #front: 'shut' | 'magnetic' | 'any' = 'shut';
  #place: 'none' | 'held' | 'inside' | 'contacts' = 'none';
  #card: SlotCard | null = null;
  #powered = false;
  /** Taken with 06, and not yet begun. */
  #pending: readonly number[] | null = null;
  #fault: OldCrtFault | null = null;
  #running: (() => void) | null = null;
  #last: Uint8Array | null = null;

  constructor(options: OldCrtOptions) {
    this.#o = options;
  }

  get open(): boolean {
    return this.#front === 'any' && this.#place === 'none';
  }
  /** A customer offers a card without a magnetic stripe. False: the shutter stays shut. */
  offer(card: SlotCard): boolean {
    if (!this.open) return false;
    this.#card = card;
    this.#place = 'inside';
    card.insert();
    return true;
  }
  /** The card that is held out is taken, or one is pulled out by force. */
  take(): boolean {
    if (this.#place === 'none') return false;
    this.#card?.remove();
    this.#card = null;
    this.#place = 'none';
    this.#powered = false;
    return true;
  }

  /** Mains off and on: the card stays where it is, and everything that was told is forgotten. */
  powerCycle(): void {
    this.#buffer = [];
    this.#front = 'shut';
    this.#powered = false;
    this.#pending = null;
    this.#last = null;
    this.#running?.();
    this.#running = null;
    this.#card?.powerOff();
  }

  receive(bytes: Uint8Array): void {
    this.#buffer.push(...bytes);
    for (;;) {
      const b = this.#buffer;
      if (b.length === 0) return;
      if (b[0] !== 0x02) {
        this.#control(b.shift() as number);
        continue;
      }
      if (b.length < 3) return;
      const length = (b[1] as number) * 256 + (b[2] as number);
      if (b.length < length + 5) return;
      this.#frame(b.splice(0, length + 5));
    }
  }

  #control(byte: number): void {
    this.transcript.push(`=> ${hex([byte])}`);
    if (byte === 0x15 && this.#last !== null) this.#say(this.#last);
    if (byte === 0x04) {
      this.#running?.();
      this.#running = null;
      this.#pending = null;
      this.#say(Uint8Array.of(0x04));
    }
    if (byte !== 0x05 || this.#pending === null || this.#running !== null) return;
    const frame = this.#pending;
    const fault = this.#fault;
    this.#pending = null;
    if (fault?.kind === 'stuck') {
      this.#running = () => undefined;
      return;
    }
    this.#running = this.#o.clock.after(frame[3] === 0x32 ? (this.#o.motionMs ?? 0) : 0, () => {
      this.#running = null;
      const [cm, pm] = [frame[3] as number, frame[4] as number];
      const result =
        fault?.kind === 'error'
          ? fault.code
          : fault?.kind === 'fails'
            ? [fault.code]
            : this.#carryOut(cm, pm, frame.slice(5, -2));
      const body = typeof result === 'number' ? [0x4e, cm, result] : [cm, pm, ...result];
      const out = [0x02, body.length >> 8, body.length & 255, ...body, 0x03];
      out.push(out.reduce((s, x) => s ^ x, 0));
      this.#last = Uint8Array.from(out);
      const broken = Uint8Array.from(out, (x, i) => (i === out.length - 1 ? x ^ 0x10 : x));
      if (fault?.kind === 'broken-for-good') this.#last = broken;
      if (fault?.kind === 'answer-lost') this.#last = null;
      else this.#say(fault?.kind === 'broken' ? broken : this.#last);
    });
  }

  #frame(frame: readonly number[]): void {
    this.transcript.push(`=> ${hex(frame)}`);
    const fault = this.faults.shift() ?? null;
    if (fault?.kind === 'drop-command') return;
    if (
      fault?.kind === 'nak' ||
      frame.slice(0, -1).reduce((s, x) => s ^ x, 0) !== frame.at(-1) ||
      frame.at(-2) !== 0x03
    )
      return this.#say(Uint8Array.of(0x15));
    // A command that comes anew before it was begun takes the place of the one before.
    this.#pending = frame;
    this.#fault = fault;
    this.#last = null;
    if (fault?.kind !== 'ack-lost') this.#say(Uint8Array.of(0x06));
  }

  #say(bytes: Uint8Array): void {
    this.transcript.push(`<= ${hex([...bytes])}`);
    this.#o.send(bytes);
  }

  /** The answer's data, or an error's byte. */
  #carryOut(cm: number, pm: number, data: readonly number[]): readonly number[] | number {
    switch (cm) {
      case 0x30:
        if (pm !== 0x30) return 0x31;
        this.#front = 'shut';
        this.#powered = false;
        if (this.#place === 'contacts') this.#place = 'inside';
        return [...this.#o.firmware].map((c) => c.charCodeAt(0));
      case 0x31:
        if (pm !== 0x30) return 0x31;
        return [
          { none: 0x4e, held: 0x49, inside: 0x4a, contacts: 0x4b }[this.#place],
          { shut: 0x4e, magnetic: 0x49, any: 0x4a }[this.#front],
          0x4e,
        ];
      case 0x2f:
        if (data.length !== 1) return 0x32;
        this.#front = pm === (this.#o.openCode ?? 0x33) ? 'any' : pm === 0x31 ? 'shut' : 'magnetic';
        return [0x59];
      case 0x32:
        return this.#move(pm);
      case 0x37:
        return this.#cpu(pm, data);
      default:
        return 0x30;
    }
  }

  #move(pm: number): readonly number[] | number {
    const to = { 0x2e: 'inside', 0x2f: 'contacts', 0x30: 'out', 0x31: 'held', 0x33: 'rear' }[pm];
    if (to === undefined) return 0x31;
    if (this.#card === null) return [0x45];
    this.motions.push(to);
    this.#powered = false;
    this.#card.powerOff();
    if (to === 'out' || to === 'rear') this.take();
    else this.#place = to as 'inside' | 'contacts' | 'held';
    return [0x59];
  }

  #cpu(pm: number, data: readonly number[]): readonly number[] | number {
    if (this.#card === null) return [0x45];
    if (this.#place !== 'contacts') return [0x57];
    if (pm === 0x30) {
      const atr = this.#card.reset();
      this.#powered = atr !== null;
      return atr === null ? [0x4e] : [0x59, 0x30, atr.length, ...atr];
    }
    if (
      pm !== 0x31 ||
      !this.#powered ||
      (data[0] as number) * 256 + (data[1] as number) !== data.length - 2
    )
      return pm === 0x31 ? [0x4e] : 0x31;
    const outcome = this.#card.process(Uint8Array.from(data.slice(2)));
    if (outcome.kind === 'answer')
      return [0x59, outcome.bytes.length >> 8, outcome.bytes.length & 255, ...outcome.bytes];
    // Held by the machine it cannot leave by itself: a torn card is one that was wrenched out.
    if (outcome.kind === 'torn') this.take();
    return [0x4e];
  }
}

function hex(bytes: readonly number[]): string {
  return bytes.map((b) => b.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}
