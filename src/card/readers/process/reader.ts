import type { z } from 'zod';
import { toHex } from '../../../shared/bytes.ts';
import { failure } from '../../../shared/errors.ts';
import type { ErrorCode, Failure } from '../../../shared/errors.ts';
import type { Clock, LogFn } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type { CardChannel, CardGate, CardReader, ReaderStatus } from '../../types.ts';
import type { SamPort } from '../crt/reader.ts';
import { Lane, StatusBoard } from '../supervise.ts';
import { transmitT0 } from '../t0.ts';
import { ReaderLink } from './link.ts';
import type { Job } from './link.ts';
import { processMemoryPort, processMifarePort } from './ports.ts';
import type { Exchange } from './ports.ts';
import {
  READER_PROTOCOL,
  atrSchema,
  bytesSchema,
  doneSchema,
  helloSchema,
  slotSchema,
} from './protocol.ts';
import type { Hello, Slot } from './protocol.ts';

/** Loading a library and opening its port. */
const HELLO_TIMEOUT_MS = 10_000;
/** How the slot stands is asked so often; the program answers from what its library knows. */
const POLL_MS = 250;
const STATUS_TIMEOUT_MS = 5_000;
/** One exchange: readers give up on a silent card well before this. */
const CARD_TIMEOUT_MS = 10_000;
/** A motion is over in seconds. */
const MOVE_TIMEOUT_MS = 20_000;
/** Back-off before a program that ended is started again. */
const RESTART_DELAYS_MS = [500, 1_000, 2_000, 5_000] as const;
/** One that lived for so long is well: what it ends of then is nothing that it ends of each time. */
const STEADY_MS = 10_000;
/** A card that fails so often in a row without leaving is broken. */
const MAX_RENEWALS = 3;

/** Failures after which whatever is in the slot is taken for another card. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CARD-0101',
  'CARD-0102',
  'CARD-0106',
  'CARD-0107',
  'CARD-0108',
]);

export interface ProcessReaderOptions {
  readonly id: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Where it runs. */
  readonly cwd: string;
  /** A motor moves the card; the program must say so too. */
  readonly hasGate: boolean;
  readonly clock: Clock;
  readonly log: LogFn;
}

interface Insertion {
  readonly number: number;
  /** The program's own number of the card. */
  readonly card: number;
  readonly atr: Uint8Array;
  ended: Failure | null;
}

/**
 * A reader that only its maker's library can drive: the library runs in a program of its own
 * (docs/adding-a-reader.md), so that one built for 32 bits can be used, and one that hangs or
 * crashes takes no sale with it. Supervised like every reader: a program that is gone is `offline`
 * and comes back by itself. Nothing that was under way in it is sent again.
 */
export class ProcessReader implements CardReader {
  readonly id: string;
  readonly gate?: CardGate;
  readonly #o: ProcessReaderOptions;
  readonly #board: StatusBoard;
  readonly #lane = new Lane();
  #closed = false;
  #link: ReaderLink | null = null;
  #hello: Hello | null = null;
  #insertions = 0;
  #insertion: Insertion | null = null;
  /** The card whose session broke: it counts as a new one once a reset has shown that it answers. */
  #broken: { readonly card: number; readonly why: Failure } | null = null;
  #renewals = 0;
  /** The card that its program says is mute; null: none is. */
  #muted: number | null = null;
  /**
   * The card that was given back or captured, or did not move when it was told to: whatever the
   * slot says of it under this number, it is no new insertion. Left alone until it is gone.
   */
  #settled: number | null = null;
  #accepting = true;
  /** What the program was told last of the entry; null: not told since it began, or a card came. */
  #entry: boolean | null = null;
  /** Why it could not be told last, which is logged once; null: it could. */
  #entryWhy: string | null = null;
  /** SAMs that were reset since the program began, and whose exchanges did not break. */
  readonly #samsOn = new Set<number>();
  /** Programs in a row that did not live for long. */
  #deaths = 0;
  #begunMono = 0;
  #cancelTimer: () => void = () => undefined;

  constructor(options: ProcessReaderOptions) {
    this.id = options.id;
    this.#o = options;
    this.#board = new StatusBoard({
      state: 'offline',
      insertion: 0,
      failure: failure('CARD-0107', 'starting'),
    });
    if (options.hasGate)
      this.gate = {
        accept: (on) => {
          this.#accepting = on;
          return this.#lane.run(() => this.#tellEntry());
        },
        eject: () => this.#lane.run(() => this.#move('eject')),
        capture: () => this.#lane.run(() => this.#move('capture')),
      };
    this.#later(0, () => this.#begin());
  }

  name(): string {
    return this.#hello?.name ?? (this.#o.command[0] as string);
  }
  status(): ReaderStatus {
    return this.#board.get();
  }
  onStatus(listener: (status: ReaderStatus) => void): () => void {
    return this.#board.on(listener);
  }

  open(insertion: number): CardChannel {
    const ask: Exchange = (schema, job) =>
      this.#lane.run(() => this.#exchange(insertion, schema, job));
    return {
      insertion,
      transmit: (apdu) =>
        this.#lane.run(() =>
          transmitT0(apdu, async (raw) => {
            const job = { do: 'transmit', apdu: toHex(raw) };
            const said = await this.#exchange(insertion, bytesSchema, job);
            return said.ok ? ok(said.value.bytes) : said;
          }),
        ),
      reset: () => this.#lane.run(() => this.#reset(insertion)),
      memory: this.#hello?.memory === true ? processMemoryPort(ask) : null,
      mifare: this.#hello?.mifare === true ? processMifarePort(ask) : null,
    };
  }

  /** The SAM in this slot of the reader; CARD-0107 where it has none. */
  sam(slot: number): SamPort {
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
    const why = failure('CARD-0107', 'closed');
    this.#end(why);
    // What is under way has its end first: a program that is cut in a write leaves a torn card.
    await this.#lane.run(() => Promise.resolve(this.#link?.close()));
    this.#link = null;
    this.#board.set({ state: 'offline', insertion: this.#insertions, failure: why });
  }

  // ---- the program ----

  #later(delayMs: number, job: () => Promise<void>): void {
    this.#cancelTimer();
    if (this.#closed) return;
    this.#cancelTimer = this.#o.clock.after(delayMs, () => void this.#lane.run(job));
  }

  async #begin(): Promise<void> {
    if (this.#closed) return;
    const { id, command, cwd, clock, log } = this.#o;
    const link: ReaderLink = new ReaderLink(
      { name: `reader ${id}`, command, cwd, clock, log },
      (why) => {
        if (this.#link === link) this.#lose(failure('CARD-0107', why));
      },
    );
    this.#link = link;
    const hello = await link.ask(
      helloSchema,
      { do: 'hello', version: READER_PROTOCOL, reader: id },
      HELLO_TIMEOUT_MS,
    );
    if (this.#link !== link) return;
    if (!hello.ok) return this.#lose(hello.error);
    if (hello.value.gate !== this.#o.hasGate) {
      const why = this.#o.hasGate
        ? 'terminal.json says that a motor moves the card (entry), its program knows of none'
        : 'a motor moves its card, and terminal.json does not say so (entry)';
      return this.#lose(failure('CARD-0107', why));
    }
    this.#hello = hello.value;
    this.#begunMono = clock.monoMs();
    log('info', 'card', `reader ${id}: ${hello.value.name}, process ${link.pid}`);
    await this.#poll();
  }

  async #poll(): Promise<void> {
    const link = this.#link;
    if (link === null || this.#closed) return;
    const slot = await link.ask(slotSchema, { do: 'status' }, STATUS_TIMEOUT_MS);
    if (this.#link !== link) return;
    if (!slot.ok) return this.#lose(slot.error);
    if (this.#o.clock.monoMs() - this.#begunMono >= STEADY_MS) this.#deaths = 0;
    await this.#observe(slot.value);
    if (this.#link !== link) return;
    this.#later(POLL_MS, () => this.#poll());
  }

  async #observe(slot: Slot): Promise<void> {
    const before = this.#board.get();
    if (slot.state === 'empty' || slot.state === 'leaving') {
      this.#end(failure('CARD-0102', slot.state === 'empty' ? 'card removed' : 'given back'));
      this.#broken = null;
      this.#muted = null;
      this.#renewals = 0;
      if (slot.state === 'empty') this.#settled = null;
      if (before.state !== slot.state)
        this.#board.set({ state: slot.state, insertion: this.#insertions });
      // Asked for again until it is done: an entry that stays shut keeps everybody out.
      if (slot.state === 'empty') await this.#tellEntry();
      return;
    }
    // Some shut by themselves behind a card.
    this.#entry = null;
    if (this.#settled === slot.card) return;
    this.#settled = null;
    if (this.#broken !== null && this.#broken.card !== slot.card) {
      this.#broken = null;
      this.#renewals = 0;
    }
    if (slot.state === 'mute') return this.#mute(slot.card, slot.detail ?? 'no ATR');
    this.#muted = null;
    if (this.#insertion?.card === slot.card) return;
    this.#end(failure('CARD-0102', 'another card'));
    if (this.#broken === null) this.#beginInsertion(slot.card, slot.atr);
    else await this.#renew(slot.card, this.#broken.why);
  }

  #mute(card: number, detail: string): void {
    if (this.#muted === card) return;
    this.#end(failure('CARD-0102', 'the card is mute'));
    this.#muted = card;
    const why = failure('CARD-0101', detail);
    this.#board.set({ state: 'mute', insertion: ++this.#insertions, failure: why });
  }

  #beginInsertion(card: number, atr: Uint8Array): void {
    const number = ++this.#insertions;
    this.#broken = null;
    this.#insertion = { number, card, atr, ended: null };
    this.#board.set({ state: 'present', insertion: number, atr });
  }

  /** A card whose session broke and that is still there counts as new, if a reset finds it alive. */
  async #renew(card: number, why: Failure): Promise<void> {
    if (this.#renewals >= MAX_RENEWALS) {
      if (this.#board.get().state !== 'mute')
        this.#board.set({ state: 'mute', insertion: this.#insertions, failure: why });
      return;
    }
    this.#renewals++;
    const again = await this.#link?.ask(atrSchema, { do: 'reset', card }, CARD_TIMEOUT_MS);
    if (again?.ok === true) this.#beginInsertion(card, again.value.atr);
  }

  async #tellEntry(): Promise<Result<void, Failure>> {
    if (!this.#o.hasGate) return ok(undefined);
    if (this.#link === null) return err(failure('CARD-0107', 'not connected'));
    const on = this.#accepting;
    if (this.#entry === on) return ok(undefined);
    const told = await this.#link.ask(doneSchema, { do: 'accept', on }, STATUS_TIMEOUT_MS);
    if (!told.ok) {
      const why = told.error.detail ?? told.error.code;
      if (this.#entryWhy !== why)
        this.#o.log('warn', 'card', `reader ${this.id}: entry ${on ? 'on' : 'off'} failed`, why);
      this.#entryWhy = why;
      return told;
    }
    this.#entry = on;
    this.#entryWhy = null;
    return ok(undefined);
  }

  async #move(verb: 'eject' | 'capture'): Promise<Result<void, Failure>> {
    const link = this.#link;
    if (link === null) return err(failure('CARD-0107', 'not connected'));
    this.#settled = this.#insertion?.card ?? this.#broken?.card ?? this.#muted ?? this.#settled;
    this.#end(failure('CARD-0102', verb === 'eject' ? 'given back' : 'captured'));
    const moved = await link.ask(doneSchema, { do: verb }, MOVE_TIMEOUT_MS);
    if (moved.ok) {
      const state = verb === 'eject' ? 'leaving' : 'empty';
      this.#board.set({ state, insertion: this.#insertions });
      return ok(undefined);
    }
    const { error } = moved;
    // Silent or gone, it was ended; one that says itself that its device is away is ended, too.
    if (error.code === 'CARD-0107' || error.code === 'CARD-0108') {
      const away = failure('CARD-0107', error.detail, error);
      if (this.#link === link) this.#lose(away);
      return err(away);
    }
    // Left alone until it is told to go once more, or somebody took it.
    const stuck = failure('CARD-0111', error.detail, error);
    this.#board.set({ state: 'mute', insertion: this.#insertions, failure: stuck });
    return err(stuck);
  }

  #end(why: Failure): void {
    const insertion = this.#insertion;
    this.#insertion = null;
    if (insertion !== null) insertion.ended = why;
  }

  /** The program is of no use any more: it is ended, and begun anew after a back-off. */
  #lose(why: Failure): void {
    if (this.#closed) return;
    const link = this.#link;
    this.#link = null;
    link?.close();
    this.#end(why);
    this.#broken = null;
    this.#muted = null;
    this.#settled = null;
    this.#entry = null;
    this.#renewals = 0;
    this.#samsOn.clear();
    const delayMs = RESTART_DELAYS_MS[
      Math.min(this.#deaths, RESTART_DELAYS_MS.length - 1)
    ] as number;
    this.#deaths++;
    this.#o.log('warn', 'card', `reader ${this.id} lost, again in ${delayMs} ms`, why.detail);
    this.#board.set({ state: 'offline', insertion: this.#insertions, failure: why });
    this.#later(delayMs, () => this.#begin());
  }

  // ---- the card; every function below runs in the lane ----

  #live(number: number): Result<Insertion, Failure> {
    const status = this.#board.get();
    if (status.state === 'offline')
      return err(failure('CARD-0107', status.failure.detail, status.failure.cause));
    const insertion = this.#insertion;
    return insertion?.number === number
      ? ok(insertion)
      : err(failure('CARD-0102', `insertion ${number} is over`));
  }

  /** One job with the card; where it breaks, whatever is in the slot counts as another card. */
  async #exchange<T>(number: number, schema: z.ZodType<T>, job: Job): Promise<Result<T, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const insertion = live.value;
    const link = this.#link;
    if (link === null) return err(failure('CARD-0107', 'not connected'));
    const said = await link.ask(schema, { ...job, card: insertion.card }, CARD_TIMEOUT_MS);
    if (insertion.ended !== null) return err(insertion.ended);
    if (said.ok) return said;
    if (!ENDS.has(said.error.code)) return said;
    this.#end(said.error);
    if (said.error.code === 'CARD-0107') this.#lose(said.error);
    else if (this.#link !== null) {
      this.#broken = { card: insertion.card, why: said.error };
      this.#board.set({ state: 'empty', insertion: this.#insertions });
      this.#later(POLL_MS, () => this.#poll());
    }
    return said;
  }

  async #reset(number: number): Promise<Result<Uint8Array, Failure>> {
    const live = this.#live(number);
    if (!live.ok) return live;
    const { atr } = live.value;
    const said = await this.#exchange(number, atrSchema, { do: 'reset' });
    if (!said.ok) return said;
    if (toHex(said.value.atr) === toHex(atr)) return ok(atr);
    const other = failure('CARD-0102', `ATR ${toHex(said.value.atr)} instead of ${toHex(atr)}`);
    this.#broken = { card: live.value.card, why: other };
    this.#end(other);
    this.#board.set({ state: 'empty', insertion: this.#insertions });
    return err(other);
  }

  // ---- the SAMs ----

  #samLink(slot: number): Result<ReaderLink, Failure> {
    if (this.#link === null || this.#hello === null)
      return err(failure('CARD-0107', 'not connected'));
    return slot < this.#hello.sams
      ? ok(this.#link)
      : err(failure('CARD-0107', `${this.#hello.name} has ${this.#hello.sams} SAM slots`));
  }

  async #samReset(slot: number): Promise<Result<Uint8Array, Failure>> {
    this.#samsOn.delete(slot);
    const link = this.#samLink(slot);
    if (!link.ok) return link;
    const said = await link.value.ask(atrSchema, { do: 'sam-reset', slot }, CARD_TIMEOUT_MS);
    if (!said.ok) return said;
    this.#samsOn.add(slot);
    return ok(said.value.atr);
  }

  async #samExchange(slot: number, raw: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const link = this.#samLink(slot);
    if (!link.ok) return link;
    // What was verified or begun in it is gone with the program: nobody may go on as if it were not.
    if (!this.#samsOn.has(slot))
      return err(failure('CARD-0107', `SAM ${slot} was not reset since the reader came back`));
    const job = { do: 'sam-transmit', slot, apdu: toHex(raw) };
    const said = await link.value.ask(bytesSchema, job, CARD_TIMEOUT_MS);
    if (said.ok) return ok(said.value.bytes);
    this.#samsOn.delete(slot);
    return said;
  }
}
