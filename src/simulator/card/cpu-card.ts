import type { Random } from '../../shared/ports.ts';
import { bytesOf, hexOf, numberHex } from './codec.ts';
import { desBlock, macOf, tripleDesBlock } from './des.ts';
import { CardPurse, Refused } from './purse.ts';
import type { PurseState } from './purse.ts';

/** Short file ids of the PL.METER application (layouts.md, "PL-CPU"). */
export type FileId = '15' | '16' | '17' | '1A';

/** Byte strings are hex. */
export interface TechnicianState {
  readonly pin: string;
  /** Tries left. */
  readonly tries: number;
  readonly maxTries: number;
  readonly key: string;
}

/** Everything a card keeps without power, as JSON. All byte strings are hex. */
export interface CpuCardState {
  readonly kind: 'pl-cpu';
  readonly atr: string;
  /** Name of the card's one application. */
  readonly aid: string;
  /** Absent files answer 6A82. */
  readonly files: Readonly<Partial<Record<FileId, string>>>;
  /** The card's own keys. */
  readonly authKey: string;
  readonly macKey: string;
  /** Tries left for external authentication. */
  readonly authTries: number;
  /** SELECT answers with this instead, e.g. `6283` or `6A81`. */
  readonly selectSw?: string;
  /** SELECT gives no FCI. */
  readonly noFci?: boolean;
  /** Gives no ATR at all. */
  readonly mute?: boolean;
  /**
   * A technician's card: his PIN, and the key that answers once it was verified
   * (docs/layouts/pl-technician.md).
   */
  readonly technician?: TechnicianState;
  /** The card's purse (docs/layouts/pl-purse.md); absent: it has none. */
  readonly purse?: PurseState;
}

/** A fault that is armed once and then carried out. */
export type CardFault =
  /**
   * The card leaves the slot at the n-th APDU (1-based), before or after carrying it out; `from`
   * counts since insertion or since arming.
   */
  | {
      readonly kind: 'tear';
      readonly at: number;
      readonly when: 'before' | 'after';
      readonly from: 'insertion' | 'arming';
    }
  /** No answer to anything, from now on. */
  | { readonly kind: 'mute' }
  /** The next file update, or load of the purse, answers 9000 and stores nothing. */
  | { readonly kind: 'lie' };

/** What the world sees of one APDU: an answer, the card leaving, or nothing. */
export type CardOutcome =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  | { readonly kind: 'torn' }
  | { readonly kind: 'silent' };

/** ATR of the reference card: T=0 (layouts.md). */
export const REFERENCE_ATR = '3B6500009C02020702';
/** `PL.METER`. */
export const METER_AID = '504C2E4D45544552';
/** The reference card locks its authentication key after this many wrong cryptograms. */
export const AUTH_TRIES = 3;
const TRANSCRIPT_LIMIT = 4_000;

class Status {
  readonly sw: number;
  constructor(sw: number) {
    this.sw = sw;
  }
}

/**
 * Deterministic challenges: a counter under DES. For cards whose challenges need not surprise
 * anyone.
 */
export function counterRandom(seed: number): Random {
  let counter = 0;
  return {
    bytes: (length) => {
      const out: number[] = [];
      while (out.length < length) {
        const block = new Uint8Array(8);
        new DataView(block.buffer).setUint32(0, seed);
        new DataView(block.buffer).setUint32(4, counter++);
        out.push(...desBlock(bytesOf('50494C4F544C4754'), block));
      }
      return Uint8Array.from(out.slice(0, length));
    },
  };
}

/**
 * A reference CPU card, byte by byte: files, access conditions, challenges, external authentication
 * with its retry counter, secure messaging, and an update of SFI 17 that is whole or not at all.
 * Where it has a purse, that too.
 */
export class CpuCard {
  readonly atr: Uint8Array;
  /** `=> command`, `<= answer` and `-- event` lines, oldest first. */
  readonly transcript: string[] = [];
  /** False: no transcript is kept (long simulations). */
  recording = true;
  readonly #aid: Uint8Array;
  readonly #files = new Map<number, Uint8Array>();
  readonly #authKey: Uint8Array;
  readonly #macKey: Uint8Array;
  readonly #random: Random;
  readonly #origin: CpuCardState;
  readonly #purse: CardPurse | null;
  #authTries: number;
  #technician: TechnicianState | null;
  #faults: { fault: CardFault; base: number }[] = [];
  #apdus = 0;
  #silent: boolean;
  // Lost with power:
  #selected = false;
  #authenticated = false;
  #pinHolds = false;
  #challenge: Uint8Array | null = null;
  #waiting: Uint8Array | null = null;
  #onChange: () => void = () => undefined;

  constructor(state: CpuCardState, random: Random) {
    this.#origin = state;
    this.#random = random;
    this.atr = bytesOf(state.atr);
    this.#aid = bytesOf(state.aid);
    for (const [sfi, hex] of Object.entries(state.files))
      this.#files.set(Number.parseInt(sfi, 16), bytesOf(hex));
    this.#authKey = bytesOf(state.authKey);
    this.#macKey = bytesOf(state.macKey);
    this.#authTries = state.authTries;
    this.#technician = state.technician ?? null;
    this.#silent = state.mute === true;
    this.#purse =
      state.purse === undefined ? null : new CardPurse(state.purse, () => this.#onChange());
  }

  /** The purse, as its meter reaches it; null: the card has none. */
  get purse(): CardPurse | null {
    return this.#purse;
  }

  /** What the card keeps without power. */
  toJSON(): CpuCardState {
    const file = (sfi: number): string => hexOf(this.#files.get(sfi) as Uint8Array);
    const ids = [...this.#files.keys()].map((sfi) => sfi.toString(16).toUpperCase() as FileId);
    return {
      ...this.#origin,
      ...(this.#technician === null ? {} : { technician: this.#technician }),
      ...(this.#purse === null ? {} : { purse: this.#purse.state }),
      authTries: this.#authTries,
      files: Object.fromEntries(ids.map((id) => [id, file(Number.parseInt(id, 16))])),
    };
  }

  static fromJSON(state: CpuCardState, random: Random): CpuCard {
    return new CpuCard(state, random);
  }

  /** Calls back after every change of what the card keeps, before its answer is given out. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Memory as the meter's own contacts see it: no conditions. */
  peek(file: FileId): Uint8Array | null {
    return this.#files.get(Number.parseInt(file, 16))?.slice() ?? null;
  }

  poke(file: FileId, bytes: Uint8Array): void {
    this.#files.set(Number.parseInt(file, 16), bytes.slice());
    this.#onChange();
  }

  /** Arms a fault for the APDUs to come; several may be armed. */
  arm(fault: CardFault): void {
    if (fault.kind === 'mute') this.#silent = true;
    else
      this.#faults.push({
        fault,
        base: fault.kind === 'tear' && fault.from === 'arming' ? this.#apdus : 0,
      });
  }

  disarm(): void {
    this.#faults = [];
    this.#silent = this.#origin.mute === true;
  }

  /** The card comes into a slot. */
  insert(): void {
    this.#apdus = 0;
    for (const armed of this.#faults) armed.base = 0;
    this.#note('-- inserted');
    this.#forget();
  }

  /** The card leaves the slot. */
  remove(): void {
    this.#note('-- removed');
    this.#forget();
  }

  /** Power on or reset; null: mute. */
  reset(): Uint8Array | null {
    this.#note('-- reset');
    this.#forget();
    return this.answerToReset();
  }

  /** The ATR as the slot keeps it; null: mute. */
  answerToReset(): Uint8Array | null {
    return this.#silent ? null : this.atr;
  }

  powerOff(): void {
    this.#forget();
  }

  /** One APDU. */
  process(apdu: Uint8Array): CardOutcome {
    if (this.#silent) return { kind: 'silent' };
    this.#apdus++;
    if (this.recording) this.#note(`=> ${hexOf(apdu)}`);
    const tear = this.#faults.find(
      ({ fault, base }) => fault.kind === 'tear' && this.#apdus - base === fault.at,
    );
    if (tear !== undefined) this.#faults = this.#faults.filter((f) => f !== tear);
    const when = tear?.fault.kind === 'tear' ? tear.fault.when : null;
    if (when === 'before') {
      this.#note('-- torn before');
      return { kind: 'torn' };
    }
    const answer = this.#run(apdu);
    if (when === 'after') {
      this.#note('-- torn after');
      return { kind: 'torn' };
    }
    if (this.recording) this.#note(`<= ${hexOf(answer)}`);
    return { kind: 'answer', bytes: answer };
  }

  #note(line: string): void {
    if (!this.recording) return;
    this.transcript.push(line);
    if (this.transcript.length > TRANSCRIPT_LIMIT)
      this.transcript.splice(0, this.transcript.length - TRANSCRIPT_LIMIT);
  }

  #forget(): void {
    this.#selected = false;
    this.#authenticated = false;
    this.#pinHolds = false;
    this.#challenge = null;
    this.#waiting = null;
    this.#purse?.forget();
  }

  #run(apdu: Uint8Array): Uint8Array {
    try {
      const data = this.#command(apdu);
      return Uint8Array.of(...data, 0x90, 0x00);
    } catch (status) {
      if (!(status instanceof Status) && !(status instanceof Refused)) throw status;
      return Uint8Array.of(status.sw >> 8, status.sw & 0xff);
    }
  }

  #command(apdu: Uint8Array): Uint8Array {
    if (apdu.length < 4) throw new Status(0x6700);
    const [cla, ins, p1, p2] = apdu as unknown as [number, number, number, number];
    // A challenge serves the very next command only.
    const challenge = this.#challenge;
    this.#challenge = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    // CREDIT follows INITIALIZE at once; between them the answer is fetched, and nothing else.
    if (ins !== 0xc0 && !(cla === 0x80 && ins === 0x52)) this.#purse?.endLoad();
    if (cla === 0x80 && this.#purse !== null)
      return this.#purseCommand(this.#purse, ins, p1, p2, apdu);
    if (cla !== 0x00 && cla !== 0x04) throw new Status(0x6e00);
    if (cla === 0x04 && ins !== 0xd6)
      throw new Status(ins === 0xa4 || ins === 0xb0 ? 0x6882 : 0x6d00);
    switch (ins) {
      case 0xa4:
        return this.#select(p1, p2, apdu);
      case 0xc0:
        return this.#getResponse(waiting, apdu);
      case 0xb0:
        return this.#readBinary(p1, p2, apdu);
      case 0x84:
        return this.#getChallenge(p1, p2, apdu);
      case 0x82:
        return this.#externalAuthenticate(p1, p2, apdu, challenge);
      case 0x88:
        return this.#internalAuthenticate(p1, p2, apdu);
      case 0x20:
        if (this.#technician !== null && this.#selected)
          return this.#verifyPin(this.#technician, p1, p2, apdu);
        if (this.#purse === null || !this.#selected) throw new Status(0x6d00);
        if (p1 !== 0 || p2 !== 0) throw new Status(0x6a86);
        return this.#purse.verify(apdu.length === 4 ? null : this.#body(apdu));
      case 0xb2:
        if (this.#purse === null || !this.#selected) throw new Status(0x6d00);
        if (p2 !== 0xc4) throw new Status(0x6a82);
        if (apdu.length !== 5) throw new Status(0x6700);
        if (apdu[4] !== 0x17) throw new Status(0x6c17);
        return this.#purse.record(p1);
      case 0xd6:
        return this.#updateBinary(cla === 0x04, p1, p2, apdu, challenge);
      default:
        throw new Status(0x6d00);
    }
  }

  #purseCommand(
    purse: CardPurse,
    ins: number,
    p1: number,
    p2: number,
    apdu: Uint8Array,
  ): Uint8Array {
    if (!this.#selected) throw new Status(0x6985);
    const what = `${numberHex(ins, 1)}${numberHex(p1, 1)}${numberHex(p2, 1)}`;
    let answer: Uint8Array;
    switch (what) {
      case '500002':
        answer = purse.initialize(this.#body(apdu), this.#random.bytes(4));
        break;
      case '520000': {
        const lie = this.#faults.find(({ fault }) => fault.kind === 'lie');
        this.#faults = this.#faults.filter((f) => f !== lie);
        answer = purse.credit(this.#body(apdu), lie !== undefined);
        break;
      }
      case '5A0002':
        answer = purse.prove(p2, this.#body(apdu));
        break;
      case '5C0002':
        if (apdu[4] !== 4) throw new Status(0x6c04);
        return purse.balance();
      default:
        throw new Status(
          ins === 0x50 || ins === 0x52 || ins === 0x5a || ins === 0x5c ? 0x6a86 : 0x6d00,
        );
    }
    // T=0: an answer to a command with data waits to be fetched.
    this.#waiting = answer;
    throw new Status(0x6100 | answer.length);
  }

  #body(apdu: Uint8Array): Uint8Array {
    if (apdu.length < 6 || apdu.length !== 5 + (apdu[4] as number)) throw new Status(0x6700);
    return apdu.subarray(5);
  }

  #select(p1: number, p2: number, apdu: Uint8Array): Uint8Array {
    if (p1 !== 0x04 || p2 !== 0x00) throw new Status(0x6a86);
    const name = this.#body(apdu);
    this.#forget();
    if (this.#origin.selectSw !== undefined)
      throw new Status(Number.parseInt(this.#origin.selectSw, 16));
    if (hexOf(name) !== hexOf(this.#aid)) throw new Status(0x6a82);
    this.#selected = true;
    if (this.#origin.noFci === true) return new Uint8Array(0);
    const length = this.#aid.length;
    const fci = Uint8Array.of(
      0x6f,
      length + 7,
      0x84,
      length,
      ...this.#aid,
      0xa5,
      0x03,
      0x88,
      0x01,
      0x15,
    );
    this.#waiting = fci;
    throw new Status(0x6100 | fci.length);
  }

  #getResponse(waiting: Uint8Array | null, apdu: Uint8Array): Uint8Array {
    if (apdu.length !== 5) throw new Status(0x6700);
    if (waiting === null) throw new Status(0x6985);
    if (apdu[4] !== waiting.length) {
      this.#waiting = waiting;
      throw new Status(0x6c00 | waiting.length);
    }
    return waiting;
  }

  #file(p1: number): Uint8Array {
    if ((p1 & 0xe0) !== 0x80) throw new Status(0x6a86);
    const file = this.#files.get(p1 & 0x1f);
    if (!this.#selected || file === undefined) throw new Status(0x6a82);
    return file;
  }

  #readBinary(p1: number, offset: number, apdu: Uint8Array): Uint8Array {
    if (apdu.length !== 5) throw new Status(0x6700);
    const file = this.#file(p1);
    if (offset >= file.length) throw new Status(0x6b00);
    const length = apdu[4] as number;
    const rest = file.length - offset;
    if (length === 0 || length > rest) throw new Status(0x6c00 | rest);
    return file.subarray(offset, offset + length);
  }

  #getChallenge(p1: number, p2: number, apdu: Uint8Array): Uint8Array {
    if (p1 !== 0 || p2 !== 0) throw new Status(0x6a86);
    if (apdu.length !== 5 || (apdu[4] !== 4 && apdu[4] !== 8)) throw new Status(0x6700);
    this.#challenge = this.#random.bytes(apdu[4]);
    return this.#challenge;
  }

  #externalAuthenticate(
    p1: number,
    keyId: number,
    apdu: Uint8Array,
    challenge: Uint8Array | null,
  ): Uint8Array {
    if (p1 !== 0) throw new Status(0x6a86);
    if (!this.#selected || keyId !== 0) throw new Status(0x6a88);
    const cryptogram = this.#body(apdu);
    if (cryptogram.length !== 8) throw new Status(0x6700);
    if (this.#authTries === 0) throw new Status(0x6983);
    if (challenge === null) throw new Status(0x6984);
    const whole = new Uint8Array(8);
    whole.set(challenge);
    if (hexOf(tripleDesBlock(this.#authKey, whole)) !== hexOf(cryptogram)) {
      this.#authenticated = false;
      this.#authTries--;
      this.#onChange();
      throw new Status(0x63c0 | this.#authTries);
    }
    if (this.#authTries !== AUTH_TRIES) {
      this.#authTries = AUTH_TRIES;
      this.#onChange();
    }
    this.#authenticated = true;
    return new Uint8Array(0);
  }

  #verifyPin(technician: TechnicianState, p1: number, p2: number, apdu: Uint8Array): Uint8Array {
    if (p1 !== 0 || p2 !== 0) throw new Status(0x6a86);
    const { tries, maxTries, pin } = technician;
    const left = (n: number): number => (n === 0 ? 0x6983 : 0x63c0 | n);
    if (apdu.length === 4) {
      if (this.#pinHolds) return new Uint8Array(0);
      throw new Status(left(tries));
    }
    const said = this.#body(apdu);
    if (tries === 0) throw new Status(0x6983);
    const keep = (now: number): void => {
      this.#technician = { ...technician, tries: now };
      this.#onChange();
    };
    // Counted before it is compared: power that is cut in between saves no try.
    keep(tries - 1);
    this.#pinHolds = hexOf(said) === pin;
    if (!this.#pinHolds) throw new Status(0x63c0 | (tries - 1));
    keep(maxTries);
    return new Uint8Array(0);
  }

  #internalAuthenticate(p1: number, keyId: number, apdu: Uint8Array): Uint8Array {
    if (this.#technician === null || !this.#selected) throw new Status(0x6d00);
    if (p1 !== 0 || keyId !== 0x01) throw new Status(0x6a88);
    const data = this.#body(apdu);
    if (data.length !== 8) throw new Status(0x6700);
    if (!this.#pinHolds) throw new Status(0x6982);
    this.#waiting = tripleDesBlock(bytesOf(this.#technician.key), data);
    throw new Status(0x6100 | this.#waiting.length);
  }

  #updateBinary(
    secure: boolean,
    p1: number,
    offset: number,
    apdu: Uint8Array,
    challenge: Uint8Array | null,
  ): Uint8Array {
    const file = this.#file(p1);
    const body = this.#body(apdu);
    if ((p1 & 0x1f) !== 0x17 || !this.#authenticated) throw new Status(0x6982);
    if (!secure) throw new Status(0x6987);
    if (body.length < 5) throw new Status(0x6700);
    const data = body.subarray(0, body.length - 4);
    if (offset >= file.length) throw new Status(0x6b00);
    if (offset + data.length > file.length) throw new Status(0x6a84);
    if (challenge === null) throw new Status(0x6984);
    const start = new Uint8Array(8);
    start.set(challenge);
    const mac = macOf(this.#macKey, start, [...apdu.subarray(0, 5), ...data]).subarray(0, 4);
    if (hexOf(mac) !== hexOf(body.subarray(body.length - 4))) {
      this.#authenticated = false;
      throw new Status(0x6988);
    }
    const lie = this.#faults.find(({ fault }) => fault.kind === 'lie');
    if (lie !== undefined) {
      this.#faults = this.#faults.filter((f) => f !== lie);
      return new Uint8Array(0);
    }
    const whole = file.slice();
    whole.set(data, offset);
    this.#files.set(0x17, whole);
    this.#onChange();
    return new Uint8Array(0);
  }
}
