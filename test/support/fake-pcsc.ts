import type {
  CardConnection,
  PcscService,
  WatchedReader,
} from '../../src/card/readers/pcsc-service.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';

/** SCARD_STATE_* and results (pcsclite.h). */
const STATE = { unknown: 0x04, empty: 0x10, present: 0x20 } as const;
const E = {
  invalidHandle: 0x8010_0003,
  unknownReader: 0x8010_0009,
  sharing: 0x8010_000b,
  noCard: 0x8010_000c,
  unavailable: 0x8010_0017,
  noService: 0x8010_001d,
  reset: 0x8010_0068,
  removed: 0x8010_0069,
} as const;

/**
 * What goes wrong at an exchange: the service dies, another program resets the card, the reader's
 * plug is pulled, the card is.
 */
export type PcscTrouble = 'kill' | 'reset' | 'unplug' | 'pull';

interface Place {
  slot: SlotCard | null;
  events: number;
  /** Rises with each reset by somebody else. */
  resets: number;
  /** Who is connected. */
  holder: FakeConnection | null;
}

const fails = (what: string, code: number): Error =>
  new Error(`${what} error: (0x${code.toString(16)})`);
const soon = (fn: () => void): void => queueMicrotask(fn);

/** The listeners of the service's objects. */
class Emitter {
  readonly #listeners = new Map<string, ((value: never) => void)[]>();
  on(event: string, listener: (value: never) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }
  emit(event: string, value?: unknown): void {
    for (const l of this.#listeners.get(event) ?? []) (l as (v: unknown) => void)(value);
  }
}

class FakeMonitor extends Emitter implements WatchedReader {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

class FakeConnection implements CardConnection {
  readonly name: string;
  connected = false;
  readonly pcsc: FakePcsc;
  life: number;
  events = 0;
  resets = 0;

  constructor(pcsc: FakePcsc, name: string) {
    this.pcsc = pcsc;
    this.name = name;
    this.life = pcsc.life;
  }
  connect(done: (error: Error | null, protocol: number) => void): void {
    const code = this.pcsc.attach(this);
    soon(() => done(code === null ? null : fails('SCardConnect', code), 1));
  }
  disconnect(disposition: 'leave' | 'reset', done: (error: Error | null) => void): void {
    this.connected = false;
    const stuck = this.pcsc.stuck > 0;
    if (stuck) this.pcsc.stuck--;
    const code = stuck ? E.invalidHandle : this.pcsc.detach(this, disposition === 'reset');
    soon(() => done(code === null ? null : fails('SCardDisconnect', code)));
  }
  transmit(
    data: Uint8Array,
    _protocol: number,
    done: (error: Error | null, value: Uint8Array) => void,
  ): void {
    const answer = this.pcsc.exchange(this, Uint8Array.from(data));
    soon(() =>
      typeof answer === 'number'
        ? done(fails('SCardTransmit', answer), new Uint8Array(0))
        : done(null, answer),
    );
  }
}

/**
 * The PC/SC service with its readers in this process: for what a real pcscd cannot be told to do
 * at an exact moment. Readers and cards come and go by name.
 */
export class FakePcsc {
  readonly service: PcscService;
  /** Rises with each start of the service. */
  life = 1;
  up = true;
  /** Exchanges so far, of all readers. */
  exchanges = 0;
  /** Contexts that were built. */
  contexts = 0;
  /**
   * So many disconnections from now on fail, and the card stays with that connection as long as its
   * context lives.
   */
  stuck = 0;
  /** Every command that reached a card, by reader. */
  readonly sent: { readonly reader: string; readonly apdu: Uint8Array }[] = [];
  /** Where to; news of cards wait there while it is set. */
  heldNews: (() => void)[] | null = null;
  #trouble: { at: number; readonly when: 'before' | 'after'; readonly what: PcscTrouble } | null =
    null;
  readonly #places = new Map<string, Place>();
  readonly #contexts: Emitter[] = [];
  /** Each with its context. */
  readonly #monitors = new Map<FakeMonitor, Emitter>();

  constructor() {
    this.service = () => {
      if (!this.up) throw fails('SCardEstablishContext', E.noService);
      this.contexts++;
      const emitter = new Emitter();
      this.#contexts.push(emitter);
      const connections: FakeConnection[] = [];
      soon(() => {
        emitter.emit('ready');
        for (const name of this.#places.keys()) this.#announce(emitter, name);
      });
      return {
        on: (event: string, listener: (value: never) => void) => emitter.on(event, listener),
        connection: (name: string) => {
          const made = new FakeConnection(this, name);
          connections.push(made);
          return made;
        },
        close: () => {
          const at = this.#contexts.indexOf(emitter);
          if (at >= 0) this.#contexts.splice(at, 1);
          for (const [monitor, of] of this.#monitors)
            if (of === emitter) this.#monitors.delete(monitor);
          // The service lets go of a client that is gone, and resets its card.
          for (const connection of connections) this.detach(connection, true);
        },
      };
    };
  }

  #announce(emitter: Emitter, name: string): void {
    const monitor = new FakeMonitor(name);
    this.#monitors.set(monitor, emitter);
    emitter.emit('reader', monitor);
    soon(() => this.#tell(monitor));
  }
  #tell(monitor: FakeMonitor): void {
    const place = this.#places.get(monitor.name);
    if (place === undefined || !this.#monitors.has(monitor)) return;
    const atr = place.slot?.answerToReset() ?? new Uint8Array(0);
    monitor.emit('status', {
      state: place.events * 0x1_0000 + (place.slot === null ? STATE.empty : STATE.present),
      atr,
    });
  }
  #news(name: string): void {
    const say = (): void => {
      for (const m of this.#monitors.keys()) if (m.name === name) this.#tell(m);
    };
    if (this.heldNews === null) soon(say);
    else this.heldNews.push(say);
  }
  /** Lets the news go that were held back. */
  releaseNews(): void {
    const held = this.heldNews ?? [];
    this.heldNews = null;
    for (const say of held) say();
  }

  // ---- the world ----

  plug(name: string): void {
    this.#places.set(name, { slot: null, events: 0, resets: 0, holder: null });
    if (this.up) for (const context of this.#contexts) this.#announce(context, name);
  }
  has(name: string): boolean {
    return this.#places.has(name);
  }
  unplug(name: string): void {
    const place = this.#places.get(name);
    this.#places.delete(name);
    place?.slot?.powerOff();
    place?.slot?.remove();
    for (const m of this.#monitors.keys()) {
      if (m.name !== name) continue;
      this.#monitors.delete(m);
      soon(() => {
        m.emit('status', { state: STATE.unknown });
        m.emit('end');
      });
    }
  }
  insert(name: string, slot: SlotCard): void {
    const place = this.#place(name);
    if (place.slot !== null) this.remove(name);
    slot.insert();
    slot.reset();
    place.slot = slot;
    place.events++;
    this.#news(name);
  }
  remove(name: string): void {
    const place = this.#place(name);
    if (place.slot === null) return;
    place.slot.remove();
    place.slot = null;
    place.events++;
    this.#news(name);
  }
  /** The service dies on the spot. */
  kill(): void {
    this.up = false;
    for (const place of this.#places.values()) {
      place.holder = null;
      place.slot?.powerOff();
    }
    const [monitors, contexts] = [[...this.#monitors.keys()], [...this.#contexts]];
    this.#monitors.clear();
    this.#contexts.length = 0;
    soon(() => {
      for (const m of monitors) m.emit('error', fails('SCardGetStatusChange', E.noService));
      for (const c of contexts) c.emit('error', fails('SCardListReaders', E.noService));
    });
  }
  start(): void {
    this.life++;
    this.up = true;
    for (const place of this.#places.values()) {
      place.events = 0;
      place.slot?.reset();
    }
  }
  /**
   * Trouble at the n-th exchange from now; `after`: the card has carried it out, and nobody hears
   * of it.
   */
  troubleAt(at: number, when: 'before' | 'after', what: PcscTrouble): void {
    this.#trouble = { at, when, what };
  }

  calm(): void {
    this.#trouble = null;
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`no reader ${name}`);
    return place;
  }

  // ---- for connections ----

  attach(reader: FakeConnection): number | null {
    if (!this.up) return E.noService;
    if (reader.life !== this.life) return E.invalidHandle;
    const place = this.#places.get(reader.name);
    if (place === undefined) return E.unknownReader;
    if (place.slot === null) return E.noCard;
    if (place.holder !== null) return E.sharing;
    place.holder = reader;
    reader.connected = true;
    reader.events = place.events;
    reader.resets = place.resets;
    return null;
  }
  detach(reader: FakeConnection, reset: boolean): number | null {
    if (!this.up) return E.noService;
    const place = this.#places.get(reader.name);
    if (place?.holder !== reader) return E.invalidHandle;
    place.holder = null;
    if (reset) place.slot?.reset();
    return null;
  }
  exchange(reader: FakeConnection, apdu: Uint8Array): Uint8Array | number {
    this.exchanges++;
    const trouble = this.#trouble !== null && --this.#trouble.at === 0 ? this.#trouble : null;
    if (trouble?.when === 'before') this.#make(trouble.what, reader.name);
    const answer = this.#carryOut(reader, apdu);
    if (trouble?.when !== 'after') return answer;
    this.#make(trouble.what, reader.name);
    // It was carried out; the answer is lost on the way.
    return this.#carryOut(reader, null);
  }
  #make(what: PcscTrouble, name: string): void {
    if (what === 'kill') this.kill();
    else if (what === 'unplug') this.unplug(name);
    else if (what === 'pull') this.remove(name);
    else {
      const place = this.#place(name);
      place.resets++;
      place.slot?.reset();
    }
  }
  /** @param apdu null: only whether it would reach the card, else why not */
  #carryOut(reader: FakeConnection, apdu: Uint8Array | null): Uint8Array | number {
    if (!this.up) return E.noService;
    const place = this.#places.get(reader.name);
    if (place === undefined) return E.unavailable;
    if (place.slot === null || reader.events !== place.events) return E.removed;
    if (reader.resets !== place.resets) return E.reset;
    if (place.holder !== reader) return E.invalidHandle;
    if (apdu === null) return E.unavailable;
    this.sent.push({ reader: reader.name, apdu });
    const outcome = place.slot.process(apdu);
    if (outcome.kind === 'answer') return outcome.bytes;
    this.remove(reader.name);
    return E.removed;
  }
}
