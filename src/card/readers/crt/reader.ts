import { concatBytes, equalBytes, toHex } from '../../../shared/bytes.ts';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Clock, LogFn } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type {
  CardChannel,
  CardGate,
  CardReader,
  MemoryArea,
  MemoryCardPort,
  MemoryChip,
  ReaderStatus,
} from '../../types.ts';
import { changesNothing } from '../reading.ts';
import { Lane, StatusBoard } from '../supervise.ts';
import { transmitT0 } from '../t0.ts';
import { CrtLink } from './link.ts';
import type { CrtAnswer, CrtPort } from './link.ts';
import type { SerialLine } from '../serial-line.ts';
import { Crt02Link } from './link02.ts';
import { crtModelOf } from './models.ts';
import type { CrtDialect, CrtModel } from './models.ts';

/** Commands (CM) and their parameters (PM), cards.md 5.1. */
const INIT = 0x30;
const STATUS = 0x31;
const STATUS_STATE = 0x30;
const MOVE = 0x32;
const ENTRY = 0x33;
const ENTRY_ON = 0x30;
const ENTRY_OFF = 0x31;
const CPU = 0x51;
const CPU_COLD_RESET = 0x30;
const CPU_OFF = 0x31;
const CPU_APDU = 0x39;
/** 5 V, ISO 7816-3. */
const VOLTS_5 = Uint8Array.of(0x33);
const SLE = 0x53;
const SLE_RESET = 0x30;
const SLE_OFF = 0x31;
const SLE_OPERATION: Readonly<Partial<Record<MemoryChip, number>>> = {
  SLE4442: 0x33,
  SLE4428: 0x34,
};
/**
 * cards.md 5.1 names CM 54 and its reset, off, read and write; their data are unconfirmed: the type
 * byte of a reset, and reads and writes in the form of the SLE4428's.
 */
const I2C = 0x54;
const I2C_RESET = 0x30;
const I2C_OFF = 0x31;
const I2C_READ = 0x33;
const I2C_WRITE = 0x34;
const I2C_TYPE: Readonly<Partial<Record<MemoryChip, number>>> = {
  AT24C01: 0x30,
  AT24C02: 0x31,
  AT24C04: 0x32,
  AT24C08: 0x33,
  AT24C16: 0x34,
  AT24C32: 0x35,
  AT24C64: 0x36,
};
/** A chip that is asked for this byte acknowledges or is not there. */
const I2C_FIRST_BYTE = Uint8Array.of(0x00, 0xb0, 0x00, 0x00, 0x01);
/** What PC/SC readers make up for a chip without an answer to reset, and so we. */
const I2C_ATR = Uint8Array.of(0x3b, 0x00);
/** Instructions to a memory card. */
const READ_INS = 0xb0;
const WRITE_INS = 0xd0;
const SAM = 0x52;
const SAM_COLD_RESET = 0x30;
const SAM_APDU = 0x39;
const SAM_SLOT = 0x40;
/** Slots are told as 30–34. */
const SAM_SLOTS = 5;
const SAM_FIRST = 0x30;
const VERSION = 0xa4;
/** Unconfirmed (cards.md names the command, not its parameter). */
const VERSION_TEXT = 0x30;

/** st0: where the card is. */
const AT_GATE = 0x31;
const INSIDE = 0x32;

/** cards.md 5.1 leaves time-outs to the host: a motion is over in seconds, a chip answers sooner. */
const MOVE_TIMEOUT_MS = 15_000;
const CHIP_TIMEOUT_MS = 5_000;
const ASK_TIMEOUT_MS = 2_000;
const POLL_MS = 250;
/** A card that is being drawn in is gone from the gate sooner: one that lies there so long lies. */
const LIES_MS = 10_000;
/** Back-off before the port is opened again. */
const REBUILD_DELAYS_MS = [1_000, 1_500, 2_000, 3_000] as const;
/** A device whose firmware text is not known is asked again this seldom: somebody has to see to it. */
const UNKNOWN_MODEL_MS = 30_000;

/**
 * The device's errors that end the card's session, in words (cards.md 5.1); what is not here is
 * said by its code.
 */
const ERRORS: Readonly<Record<string, string>> = {
  '00': 'undefined command',
  '01': 'parameter',
  '02': 'order of commands',
  '03': 'not supported',
  '04': 'data',
  '05': 'contact not released',
  '10': 'card jam',
  '12': 'sensor',
  '13': 'card too long',
  '14': 'card too short',
  '40': 'recycle off',
  '41': 'magnet',
  '43': 'cannot reach the IC position',
  '45': 'moved by hand',
  '50': 'counter overflow',
  '51': 'motor',
  '60': 'short circuit',
  '61': 'activation',
  '62': 'not supported by the card',
  '63': 'no response',
  '64': 'protocol',
  '65': 'not active',
  '66': 'transfer',
  '67': 'transfer',
  '68': 'time-out',
  '69': 'not an EMV card',
  A0: 'stacker empty',
  A1: 'bin full',
  B0: 'not initialised',
  // The old dialect's (link02.ts): the end of an operation, and what lies inside that is no card.
  PN: 'the operation failed',
  PE: 'no card',
  PW: 'the card is not where it must be',
  SF: 'a card that is too long',
  SG: 'a card that is too short',
  F: 'the entry is not as it was told',
};
const MOVED_BY_HAND = '45';
/** It lost its power meanwhile: everything begins anew. */
const NOT_INITIALISED = 'B0';
const CHIP_TIMED_OUT = '68';

/** First four bytes of a memory card, and the chip that gives them (cards.md 1.1). */
const SLE_ATR: Readonly<Partial<Record<MemoryChip, Uint8Array>>> = {
  SLE4442: Uint8Array.of(0xa2, 0x13, 0x10, 0x91),
  SLE4428: Uint8Array.of(0x92, 0x23, 0x10, 0x91),
};
/** PC/SC part 3 makes an ATR of them so. */
const MEMORY_ATR = Uint8Array.of(0x3b, 0x04);

/** Inner status words of memory-card operations (cards.md 5.1). */
const SW_OK = 0x9000;
const SW_KEY_WRONG = 0x6f01;
const SW_KEY_LOCKED = 0x6f02;

export interface CrtReaderOptions {
  readonly id: string;
  /** For people: the port's path. */
  readonly path: string;
  /** Opens the serial port, 8N1; rejects while it is not there. */
  readonly open: () => Promise<SerialLine>;
  /** Left out: F2. Neither is ever tried on a device that may have the other. */
  readonly dialect?: CrtDialect;
  readonly clock: Clock;
  readonly log: LogFn;
}

/** How a card is powered: by CPU reset, SLE reset, or as an I2C chip. */
type CardKind = 'cpu' | 'memory' | 'i2c';
/**
 * A SAM (PSAM) in one of the reader's own slots: a card that nobody takes out. It keeps its session
 * over the coming and going of customers' cards, and loses it with the reader.
 */
export interface SamPort {
  /**
   * One command, its whole answer with SW1 SW2; 61xx and 6Cxx as for every card. CARD-0107: the
   * reader is away, or the SAM was not reset since it came back; CARD-0106, 0108: the exchange
   * broke, and it is to be reset.
   */
  readonly transmit: (apdu: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /** Power on or a cold reset: its ATR. CARD-0101: nothing in this slot answers. */
  readonly reset: () => Promise<Result<Uint8Array, Failure>>;
}

interface Insertion {
  readonly number: number;
  readonly atr: Uint8Array;
  readonly kind: CardKind;
  ended: Failure | null;
}

/**
 * A motor reader of the CRT family on a serial port. It takes the card in, holds it (it cannot be
 * pulled out during a write), and gives it back or captures it when told. Supervised like every
 * reader: a port or device that is lost is `offline` and comes back by itself.
 */
export class CrtReader implements CardReader {
  readonly id: string;
  readonly gate: CardGate;
  readonly #o: CrtReaderOptions;
  readonly #board: StatusBoard;
  readonly #lane = new Lane();
  #closed = false;
  #link: CrtPort | null = null;
  #model: CrtModel | null = null;
  #name: string;
  #insertions = 0;
  #insertion: Insertion | null = null;
  /** A card is inside that gave no answer: it is left alone until it is given back. */
  #muteInside = false;
  /**
   * The card at the gate waits to be taken: it was given back, by this process or the one before,
   * or it was pushed in half and left.
   */
  #givenBack = false;
  /** Since when an open entry has a card before it, monotonic; null: it has none. */
  #atGateMono: number | null = null;
  #accepting = true;
  /** The SAM slot that the device was told of last; null: none since it began. */
  #samSlot: number | null = null;
  /** SAMs that were reset since the device began, and whose exchanges did not break. */
  readonly #samsOn = new Set<number>();
  /** What the device was told last of its entry; null: not told since it began. */
  #entry: boolean | null = null;
  #failures = 0;
  #cancelTimer: () => void = () => undefined;

  constructor(options: CrtReaderOptions) {
    this.id = options.id;
    this.#o = options;
    this.#name = options.path;
    this.#board = new StatusBoard({
      state: 'offline',
      insertion: 0,
      failure: failure('CARD-0107', 'starting'),
    });
    this.gate = {
      accept: (on) => {
        this.#accepting = on;
        return this.#lane.run(() => this.#tellEntry());
      },
      eject: () => this.#lane.run(() => this.#giveBack('gate')),
      capture: () => this.#lane.run(() => this.#giveBack('capture')),
    };
    this.#later(0, () => this.#begin());
  }

  name(): string {
    return this.#name;
  }
  status(): ReaderStatus {
    return this.#board.get();
  }
  onStatus(listener: (status: ReaderStatus) => void): () => void {
    return this.#board.on(listener);
  }

  open(insertion: number): CardChannel {
    return {
      insertion,
      transmit: (apdu) =>
        this.#lane.run(() =>
          transmitT0(apdu, (raw) => this.#chip(insertion, 'APDU', CPU, CPU_APDU, raw)),
        ),
      reset: () => this.#lane.run(() => this.#reset(insertion)),
      memory: this.#memory(insertion),
      mifare: null,
    };
  }

  /**
   * The SAM in slot 0–4.
   *
   * @throws RangeError for another number (a programming error)
   */
  sam(slot: number): SamPort {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SAM_SLOTS)
      throw new RangeError(`SAM slot ${slot}`);
    return {
      transmit: (apdu) =>
        this.#lane.run(() => transmitT0(apdu, (raw) => this.#samExchange(slot, raw))),
      reset: () => this.#lane.run(() => this.#samReset(slot)),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer();
    this.#end(failure('CARD-0107', 'closed'));
    const link = this.#link;
    this.#link = null;
    await link?.close();
    this.#board.set({
      state: 'offline',
      insertion: this.#insertions,
      failure: failure('CARD-0107', 'closed'),
    });
  }

  // ---- the device ----

  #later(delayMs: number, job: () => Promise<void>): void {
    this.#cancelTimer();
    if (this.#closed) return;
    this.#cancelTimer = this.#o.clock.after(delayMs, () => void this.#lane.run(job));
  }

  async #begin(): Promise<void> {
    let line: SerialLine;
    try {
      line = await this.#o.open();
    } catch (cause) {
      this.#lose(
        failure(
          'CARD-0107',
          `${this.#o.path}: ${cause instanceof Error ? cause.message : String(cause)}`,
          cause,
        ),
      );
      return;
    }
    if (this.#closed) {
      await line.close();
      return;
    }
    const link =
      this.#o.dialect === '02'
        ? new Crt02Link(line, this.#o.clock)
        : new CrtLink(line, this.#o.clock);
    this.#link = link;
    const version = await link.command(VERSION, VERSION_TEXT, new Uint8Array(0), ASK_TIMEOUT_MS);
    if (!version.ok) {
      this.#lose(version.error);
      return;
    }
    const text =
      version.value.kind === 'done'
        ? new TextDecoder('latin1').decode(version.value.answer.data).trim()
        : '';
    const model = crtModelOf(text, this.#o.dialect);
    if (model === null) {
      // The same code moves the card to its contacts on one model and into the bin on another.
      this.#lose(
        failure('CARD-0107', `firmware "${text}" is not of a known model: nothing is moved`),
        UNKNOWN_MODEL_MS,
      );
      return;
    }
    this.#model = model;
    this.#name = `${text} ${this.#o.path}`;
    this.#entry = null;
    this.#muteInside = false;
    this.#samSlot = null;
    this.#samsOn.clear();
    const init = await this.#ask(
      'initialise',
      INIT,
      model.initKeep,
      new Uint8Array(0),
      MOVE_TIMEOUT_MS,
    );
    if (!init.ok) {
      this.#lose(init.error);
      return;
    }
    this.#failures = 0;
    this.#o.log('info', 'card', `reader ${this.id}: ${this.#name}`);
    await this.#poll();
  }

  async #poll(): Promise<void> {
    const state = await this.#ask(
      'status',
      STATUS,
      STATUS_STATE,
      new Uint8Array(0),
      ASK_TIMEOUT_MS,
    );
    if (!state.ok) {
      if (state.error.code === 'CARD-0107' || this.#insertion === null) this.#lose(state.error);
      else this.#later(POLL_MS, () => this.#poll());
      return;
    }
    const where = state.value.status[0];
    if (where === INSIDE) {
      this.#givenBack = false;
      this.#atGateMono = null;
      if (this.#insertion === null && !this.#muteInside) await this.#cardIn();
    } else {
      this.#muteInside = false;
      this.#end(
        failure('CARD-0102', where === AT_GATE ? 'the card is at the gate' : 'card removed'),
      );
      this.#givenBack = where === AT_GATE && this.#liesAtGate();
      if (where !== AT_GATE) this.#atGateMono = null;
      const state = this.#givenBack ? 'leaving' : 'empty';
      if (this.#board.get().state !== state)
        this.#board.set({ state, insertion: this.#insertions });
      if (where !== AT_GATE) await this.#tellEntry();
    }
    if (this.#link !== null) this.#later(POLL_MS, () => this.#poll());
  }

  /**
   * A card at the gate is on its way in only where the device was told to take cards. After a start
   * it was not: that one was held out before, by a process that knows of it no more.
   */
  #liesAtGate(): boolean {
    const { clock } = this.#o;
    if (this.#entry !== true) return true;
    this.#atGateMono ??= clock.monoMs();
    return this.#givenBack || clock.monoMs() - this.#atGateMono >= LIES_MS;
  }

  async #tellEntry(): Promise<Result<void, Failure>> {
    if (this.#link === null) return err(failure('CARD-0107', 'not connected'));
    if (this.#entry === this.#accepting) return ok(undefined);
    const told = await this.#ask(
      'entry',
      ENTRY,
      this.#accepting ? ENTRY_ON : ENTRY_OFF,
      new Uint8Array(0),
      ASK_TIMEOUT_MS,
    );
    if (!told.ok) return told;
    this.#entry = this.#accepting;
    return ok(undefined);
  }

  async #cardIn(): Promise<void> {
    const model = this.#model as CrtModel;
    // Some shut by themselves behind a card: told again once it is out.
    this.#entry = null;
    const moved = await this.#ask(
      'to the IC position',
      MOVE,
      model.move.ic,
      new Uint8Array(0),
      MOVE_TIMEOUT_MS,
    );
    const woken = moved.ok ? await this.#wake() : moved;
    const number = ++this.#insertions;
    if (!woken.ok) {
      if (woken.error.code === 'CARD-0107') {
        this.#lose(woken.error);
        return;
      }
      this.#muteInside = true;
      this.#board.set({
        state: 'mute',
        insertion: number,
        failure: failure('CARD-0101', woken.error.detail, woken.error),
      });
      return;
    }
    this.#insertion = { number, ...woken.value, ended: null };
    this.#board.set({ state: 'present', insertion: number, atr: woken.value.atr });
  }

  /** A processor card's ATR, or what PC/SC makes of a memory card's first bytes. */
  async #wake(): Promise<Result<{ readonly atr: Uint8Array; readonly kind: CardKind }, Failure>> {
    const cpu = await this.#ask('CPU reset', CPU, CPU_COLD_RESET, VOLTS_5, CHIP_TIMEOUT_MS);
    // First byte: the protocol that the reader found.
    if (cpu.ok && cpu.value.data.length > 2)
      return ok({ atr: cpu.value.data.slice(1), kind: 'cpu' });
    if (!cpu.ok && cpu.error.code === 'CARD-0107') return cpu;
    const memory = await this.#ask('SLE reset', SLE, SLE_RESET, new Uint8Array(0), CHIP_TIMEOUT_MS);
    if (memory.ok && memory.value.data.length === 4)
      return ok({ atr: concatBytes(MEMORY_ATR, memory.value.data), kind: 'memory' });
    const mute = memory.ok
      ? err(failure('CARD-0101', `answer to reset of ${memory.value.data.length} bytes`))
      : memory;
    if (!memory.ok && memory.error.code !== 'CARD-0106') return memory;
    const i2c = await this.#ask(
      'I2C reset',
      I2C,
      I2C_RESET,
      Uint8Array.of(I2C_TYPE.AT24C16 as number),
      CHIP_TIMEOUT_MS,
    );
    if (!i2c.ok) return i2c.error.code === 'CARD-0107' ? i2c : mute;
    const there = await this.#ask('I2C read', I2C, I2C_READ, I2C_FIRST_BYTE, CHIP_TIMEOUT_MS);
    if (!there.ok && there.error.code === 'CARD-0107') return there;
    // One byte and 9000; anything else is no chip that answers.
    return there.ok && there.value.data.length === 3 ? ok({ atr: I2C_ATR, kind: 'i2c' }) : mute;
  }

  async #giveBack(to: 'gate' | 'capture'): Promise<Result<void, Failure>> {
    const model = this.#model;
    if (this.#link === null || model === null) return err(failure('CARD-0107', 'not connected'));
    const pm = model.move[to];
    if (pm === null) return err(failure('CARD-0107', `${model.id} has no bin`));
    const kind = this.#insertion?.kind;
    this.#end(failure('CARD-0102', to === 'gate' ? 'given back' : 'captured'));
    // Whatever becomes of the answer: what lies at the gate from now on was in, and is not taken
    // yet.
    this.#givenBack = to === 'gate';
    await this.#ask('power off', CPU, CPU_OFF, new Uint8Array(0), CHIP_TIMEOUT_MS);
    await this.#ask('power off', SLE, SLE_OFF, new Uint8Array(0), CHIP_TIMEOUT_MS);
    if (kind === 'i2c')
      await this.#ask('power off', I2C, I2C_OFF, new Uint8Array(0), CHIP_TIMEOUT_MS);
    const moved = await this.#ask(
      to === 'gate' ? 'to the gate' : 'into the bin',
      MOVE,
      pm,
      new Uint8Array(0),
      MOVE_TIMEOUT_MS,
    );
    if (!moved.ok) {
      const stuck = failure('CARD-0111', moved.error.detail, moved.error);
      if (moved.error.code === 'CARD-0107') return moved;
      // Left alone until it is told to go once more.
      this.#muteInside = true;
      this.#board.set({ state: 'mute', insertion: this.#insertions, failure: stuck });
      return err(stuck);
    }
    this.#muteInside = false;
    if (this.#givenBack) this.#board.set({ state: 'leaving', insertion: this.#insertions });
    this.#later(POLL_MS, () => this.#poll());
    return ok(undefined);
  }

  #end(why: Failure): void {
    const insertion = this.#insertion;
    this.#insertion = null;
    if (insertion !== null) insertion.ended = why;
  }

  #lose(
    why: Failure,
    delayMs = REBUILD_DELAYS_MS[Math.min(this.#failures, REBUILD_DELAYS_MS.length - 1)] as number,
  ): void {
    if (this.#closed) return;
    this.#end(why);
    this.#samSlot = null;
    this.#samsOn.clear();
    this.#failures++;
    const link = this.#link;
    this.#link = null;
    this.#o.log('warn', 'card', `reader ${this.id} lost, again in ${delayMs} ms`, why.detail);
    this.#board.set({ state: 'offline', insertion: this.#insertions, failure: why });
    void link?.close();
    this.#later(delayMs, () => this.#begin());
  }

  /**
   * One command. CARD-0107: the device does not answer; else CARD-0102, 0106 or 0108 by its error,
   * whose code is kept in the detail.
   */
  async #ask(
    what: string,
    cm: number,
    pm: number,
    data: Uint8Array,
    timeoutMs: number,
  ): Promise<Result<CrtAnswer, Failure>> {
    const link = this.#link;
    if (link === null) return err(failure('CARD-0107', 'not connected'));
    const outcome = await link.command(cm, pm, data, timeoutMs, mayChange(cm, pm, data));
    if (!outcome.ok)
      return err(
        failure(outcome.error.code, `${what}: ${outcome.error.detail ?? ''}`, outcome.error),
      );
    if (outcome.value.kind === 'done') return ok(outcome.value.answer);
    const { error } = outcome.value;
    const code =
      error === NOT_INITIALISED
        ? 'CARD-0107'
        : error === MOVED_BY_HAND
          ? 'CARD-0102'
          : error === CHIP_TIMED_OUT
            ? 'CARD-0108'
            : 'CARD-0106';
    return err(failure(code, `${what}: ${error} ${ERRORS[error] ?? ''}`.trimEnd()));
  }

  // ---- the SAMs ----

  async #samSelect(slot: number): Promise<Result<void, Failure>> {
    if (this.#link === null) return err(failure('CARD-0107', 'not connected'));
    if (this.#samSlot === slot) return ok(undefined);
    this.#samSlot = null;
    const told = await this.#ask(
      `SAM slot ${slot}`,
      SAM,
      SAM_SLOT,
      Uint8Array.of(SAM_FIRST + slot),
      ASK_TIMEOUT_MS,
    );
    if (!told.ok) return told;
    this.#samSlot = slot;
    return ok(undefined);
  }

  async #samReset(slot: number): Promise<Result<Uint8Array, Failure>> {
    this.#samsOn.delete(slot);
    const selected = await this.#samSelect(slot);
    if (!selected.ok) return selected;
    const answer = await this.#ask(
      `SAM ${slot} reset`,
      SAM,
      SAM_COLD_RESET,
      VOLTS_5,
      CHIP_TIMEOUT_MS,
    );
    if (!answer.ok)
      return answer.error.code === 'CARD-0107'
        ? answer
        : err(failure('CARD-0101', answer.error.detail, answer.error));
    if (answer.value.data.length <= 2)
      return err(
        failure('CARD-0101', `SAM ${slot}: answer to reset of ${answer.value.data.length} bytes`),
      );
    this.#samsOn.add(slot);
    return ok(answer.value.data.slice(1));
  }

  async #samExchange(slot: number, raw: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    // What was verified or begun in it is gone with the reader's power: nobody may go on as if it
    // were not.
    if (!this.#samsOn.has(slot))
      return err(failure('CARD-0107', `SAM ${slot} was not reset since the reader came back`));
    const selected = await this.#samSelect(slot);
    const answer = selected.ok
      ? await this.#ask(`SAM ${slot} APDU`, SAM, SAM_APDU, raw, CHIP_TIMEOUT_MS)
      : selected;
    if (answer.ok) return ok(answer.value.data);
    this.#samsOn.delete(slot);
    if (answer.error.code === 'CARD-0107') this.#lose(answer.error);
    return answer;
  }

  // ---- the card ----

  #live(number: number): Result<Insertion, Failure> {
    const status = this.#board.get();
    if (status.state === 'offline')
      return err(failure('CARD-0107', status.failure.detail, status.failure.cause));
    const insertion = this.#insertion;
    return insertion?.number === number
      ? ok(insertion)
      : err(failure('CARD-0102', `insertion ${number} is over`));
  }

  /**
   * One exchange with the card; where it breaks, whatever lies inside counts as another insertion.
   *
   * @param mayRefuse a refusal (CARD-0106) is an answer, and ends nothing
   */
  async #chip(
    number: number,
    what: string,
    cm: number,
    pm: number,
    data: Uint8Array,
    mayRefuse = false,
  ): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const answer = await this.#ask(what, cm, pm, data, CHIP_TIMEOUT_MS);
    if (live.value.ended !== null) return err(live.value.ended);
    if (answer.ok) return ok(answer.value.data);
    if (mayRefuse && answer.error.code === 'CARD-0106') return answer;
    this.#end(answer.error);
    if (answer.error.code === 'CARD-0107') this.#lose(answer.error);
    else {
      this.#board.set({ state: 'empty', insertion: this.#insertions });
      this.#later(POLL_MS, () => this.#poll());
    }
    return answer;
  }

  async #reset(number: number): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const { kind } = live.value;
    if (kind === 'i2c') {
      const again = await this.#chip(
        number,
        'I2C reset',
        I2C,
        I2C_RESET,
        Uint8Array.of(I2C_TYPE.AT24C16 as number),
      );
      return again.ok ? ok(I2C_ATR) : again;
    }
    const answer =
      kind === 'cpu'
        ? await this.#chip(number, 'CPU reset', CPU, CPU_COLD_RESET, VOLTS_5)
        : await this.#chip(number, 'SLE reset', SLE, SLE_RESET, new Uint8Array(0));
    if (!answer.ok) return answer;
    const atr = kind === 'cpu' ? answer.value.slice(1) : concatBytes(MEMORY_ATR, answer.value);
    if (equalBytes(atr, live.value.atr)) return ok(atr);
    const other = failure('CARD-0102', `ATR ${toHex(atr)} instead of ${toHex(live.value.atr)}`);
    this.#end(other);
    return err(other);
  }

  #memory(number: number): MemoryCardPort {
    /** An operation and its inner status word. */
    const operate = async (
      chip: MemoryChip,
      what: string,
      data: Uint8Array,
    ): Promise<Result<{ readonly data: Uint8Array; readonly sw: number }, Failure>> => {
      const isI2c = I2C_TYPE[chip] !== undefined;
      const pm = isI2c ? (data[1] === WRITE_INS ? I2C_WRITE : I2C_READ) : SLE_OPERATION[chip];
      if (pm === undefined) return err(failure('CARD-0103', `this reader does not know ${chip}`));
      const answer = await this.#lane.run(() =>
        this.#chip(number, what, isI2c ? I2C : SLE, pm, data),
      );
      if (!answer.ok) return answer;
      const { value } = answer;
      if (value.length < 2)
        return err(failure('CARD-0106', `${what}: answer of ${value.length} bytes`));
      return ok({
        data: value.subarray(0, value.length - 2),
        sw: ((value[value.length - 2] as number) << 8) | (value[value.length - 1] as number),
      });
    };
    const refused = (what: string, sw: number): { readonly ok: false; readonly error: Failure } =>
      err(failure('CARD-0106', `${what}: ${sw.toString(16).toUpperCase()}`));
    const read = async (
      chip: MemoryChip,
      what: string,
      command: Uint8Array,
      length: number,
    ): Promise<Result<Uint8Array, Failure>> => {
      const answer = await operate(chip, what, command);
      if (!answer.ok) return answer;
      if (answer.value.sw !== SW_OK) return refused(what, answer.value.sw);
      return answer.value.data.length === length
        ? ok(answer.value.data)
        : err(failure('CARD-0106', `${what}: ${answer.value.data.length} of ${length} bytes`));
    };
    return {
      select: async (chip) => {
        const live = this.#live(number);
        if (!live.ok) return live;
        const type = I2C_TYPE[chip];
        if ((type !== undefined) !== (live.value.kind === 'i2c'))
          return err(failure('CARD-0103', `what is in is not ${chip}`));
        if (type !== undefined) {
          const told = await this.#lane.run(() =>
            this.#chip(number, `I2C reset ${chip}`, I2C, I2C_RESET, Uint8Array.of(type), true),
          );
          return told.ok
            ? ok(undefined)
            : err(
                told.error.code === 'CARD-0106'
                  ? failure('CARD-0103', told.error.detail, told.error)
                  : told.error,
              );
        }
        const wanted = SLE_ATR[chip];
        if (wanted === undefined)
          return err(failure('CARD-0103', `this reader does not know ${chip}`));
        const answer = await this.#lane.run(() =>
          this.#chip(number, 'SLE reset', SLE, SLE_RESET, new Uint8Array(0)),
        );
        if (!answer.ok) return answer;
        return equalBytes(answer.value, wanted)
          ? ok(undefined)
          : err(failure('CARD-0103', `${toHex(answer.value)} is not ${chip}`));
      },
      read: (chip, area, at, length) =>
        read(chip, `read ${area} ${at}`, readCommand(chip, area, at, length), length),
      write: async (chip, area, at, bytes) => {
        const what = `write ${area} ${at}`;
        if (area !== 'main') return err(failure('CARD-0103', `${what}: not by this driver`));
        const answer = await operate(
          chip,
          what,
          concatBytes(
            Uint8Array.of(
              0x00,
              WRITE_INS,
              chip === 'SLE4442' ? 0x00 : at >>> 8,
              at & 0xff,
              bytes.length & 0xff,
            ),
            bytes,
          ),
        );
        if (!answer.ok)
          return err(
            failure(
              'CARD-0203',
              `${what}: ${answer.error.code} ${answer.error.detail ?? ''}`.trimEnd(),
              answer.error,
            ),
          );
        return answer.value.sw === SW_OK
          ? ok(undefined)
          : err(failure('CARD-0203', `${what}: ${answer.value.sw.toString(16).toUpperCase()}`));
      },
      counter: async (chip) => {
        if (SLE_OPERATION[chip] === undefined)
          return err(failure('CARD-0103', `${chip} has no code that this reader knows`));
        const answer =
          chip === 'SLE4442'
            ? await read(chip, 'security memory', Uint8Array.of(0x00, 0xb0, 0x02, 0x00, 0x04), 4)
            : await read(chip, 'error counter', Uint8Array.of(0x00, 0xb0, 0x03, 0xfd, 0x01), 1);
        return answer.ok ? ok(answer.value[0] as number) : answer;
      },
      present: async (chip, code) => {
        if (SLE_OPERATION[chip] === undefined)
          return err(failure('CARD-0103', `${chip} has no code that this reader knows`));
        const head =
          chip === 'SLE4442'
            ? Uint8Array.of(0x00, 0x20, 0x03, 0x01, 0x03)
            : Uint8Array.of(0x00, 0x20, 0x00, 0x00, 0x02);
        const answer = await operate(chip, 'present code', concatBytes(head, code));
        if (!answer.ok) return answer;
        const { sw } = answer.value;
        if (sw !== SW_OK && sw !== SW_KEY_WRONG && sw !== SW_KEY_LOCKED)
          return refused('present code', sw);
        const full = chip === 'SLE4442' ? 0x07 : 0xff;
        if (sw === SW_OK) return ok({ verified: true, counter: full });
        const counter = await operate(
          chip,
          'error counter',
          chip === 'SLE4442'
            ? Uint8Array.of(0x00, 0xb0, 0x02, 0x00, 0x04)
            : Uint8Array.of(0x00, 0xb0, 0x03, 0xfd, 0x01),
        );
        return ok({
          verified: false,
          counter: sw === SW_KEY_LOCKED || !counter.ok ? 0 : (counter.value.data[0] ?? 0),
        });
      },
      eraseZone: (chip) =>
        Promise.resolve(err(failure('CARD-0103', `this reader does not know ${chip}`))),
    };
  }
}

/**
 * A command that reaches a card and may leave it otherwise than it was, its counters of tries
 * included.
 */
function mayChange(cm: number, pm: number, data: Uint8Array): boolean {
  if ((cm === CPU && pm === CPU_APDU) || (cm === SAM && pm === SAM_APDU))
    return !changesNothing(data);
  const operates =
    (cm === SLE && Object.values(SLE_OPERATION).includes(pm)) || (cm === I2C && pm === I2C_WRITE);
  return operates && data[1] !== READ_INS;
}

function readCommand(chip: MemoryChip, area: MemoryArea, at: number, length: number): Uint8Array {
  if (I2C_TYPE[chip] !== undefined)
    return Uint8Array.of(0x00, 0xb0, at >>> 8, at & 0xff, length & 0xff);
  if (chip === 'SLE4428')
    return area === 'main'
      ? Uint8Array.of(0x00, 0xb0, at >>> 8, at & 0xff, length & 0xff)
      : Uint8Array.of(0x00, 0xb0, 0x10, 0x00, 0x80);
  return area === 'main'
    ? Uint8Array.of(0x00, 0xb0, 0x00, at, length & 0xff)
    : Uint8Array.of(0x00, 0xb0, 0x01, 0x00, 0x04);
}
