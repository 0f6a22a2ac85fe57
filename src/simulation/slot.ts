import { transmitT0 } from '../card/readers/t0.ts';
import type { CardChannel, CardReader, ReaderStatus } from '../card/index.ts';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { pcscMemoryPort } from '../card/readers/memory.ts';
import { ACS_CCID } from '../card/readers/dialects/acs.ts';
import type { SlotCard } from '../simulator/vpcd/client.ts';
import type { SimCard } from './card.ts';
import type { Chip } from './chip.ts';

/** One process, as its ports see it. `point` says that its power goes here. */
export interface Life {
  alive: boolean;
  readonly point: (name: string) => boolean;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/**
 * The slot in a machine's front. It stays when the process dies; a new process counts insertions
 * from the start, as a real one does.
 */
export class Slot {
  readonly #pause: () => Promise<void>;
  card: SimCard | null = null;
  /** Held between its card and this reader; null: nobody does. */
  chip: Chip | null = null;
  /** A card went out in the middle of an APDU. */
  onTorn: () => void = () => undefined;
  #lost = false;
  #status: ReaderStatus = { state: 'empty', insertion: 0 };
  #listeners: ((s: ReaderStatus) => void)[] = [];
  #insertion = 0;

  /** @param pause the time that the wire takes, each way */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** What the reader's contacts touch. */
  #touched(card: SimCard): SlotCard {
    return this.chip !== null && this.chip.card === card ? this.chip.device : card.slot;
  }

  insert(card: SimCard): void {
    this.card = card;
    this.#touched(card).insert();
    this.#insertion += 1;
    if (!this.#lost)
      this.#set({
        state: 'present',
        insertion: this.#insertion,
        atr: this.#touched(card).answerToReset() ?? new Uint8Array(0),
      });
  }
  remove(): SimCard | null {
    const { card } = this;
    if (card !== null) this.#touched(card).remove();
    this.card = null;
    if (!this.#lost) this.#set({ state: 'empty', insertion: this.#insertion });
    return card;
  }
  /** Out and another in between two looks of the reader: it never sees the slot empty. */
  swap(card: SimCard): void {
    if (this.card !== null) this.#touched(this.card).remove();
    this.insert(card);
  }
  /** The PC/SC service is lost, or comes back with whatever is in the reader. */
  lost(lost: boolean): void {
    this.#lost = lost;
    if (lost)
      this.#set({ state: 'offline', insertion: this.#insertion, failure: failure('CARD-0107') });
    else if (this.card === null) this.#set({ state: 'empty', insertion: this.#insertion });
    else this.insert(this.card);
  }
  #set(status: ReaderStatus): void {
    this.#status = status;
    for (const l of this.#listeners) queueMicrotask(() => l(status));
  }

  reader(life: Life): CardReader {
    this.#listeners = [];
    this.#insertion = 0;
    this.#status = { state: 'empty', insertion: 0 };
    if (this.#lost) this.lost(true);
    else if (this.card !== null) this.insert(this.card);
    const live = (insertion: number): Failure | null =>
      this.#status.state === 'present' && this.#status.insertion === insertion && this.card !== null
        ? null
        : failure('CARD-0102', `insertion ${insertion} is over`);
    const exchange = async (
      insertion: number,
      raw: Uint8Array,
    ): Promise<Result<Uint8Array, Failure>> => {
      if (!life.alive || life.point('apdu')) return never();
      await this.#pause();
      if (!life.alive) return never();
      const broken = live(insertion);
      if (broken !== null) return err(broken);
      const outcome = this.#touched(this.card as SimCard).process(raw);
      if (outcome.kind === 'torn') {
        this.remove();
        this.onTorn();
      }
      await this.#pause();
      if (!life.alive || life.point('apdu-answer')) return never();
      // The card may have gone while its answer was on the way.
      if (outcome.kind === 'answer' && live(insertion) !== null)
        return err(live(insertion) as Failure);
      return outcome.kind === 'answer'
        ? ok(outcome.bytes)
        : err(failure(outcome.kind === 'torn' ? 'CARD-0102' : 'CARD-0108'));
    };
    const open = (insertion: number): CardChannel => ({
      insertion,
      memory: pcscMemoryPort(ACS_CCID, (raw) => exchange(insertion, raw)),
      mifare: null,
      transmit: (apdu) => transmitT0(apdu, (raw) => exchange(insertion, raw)),
      reset: async () => {
        if (!life.alive || life.point('reset')) return never();
        const broken = live(insertion);
        if (broken !== null) return err(broken);
        const atr = this.#touched(this.card as SimCard).reset();
        await this.#pause();
        if (!life.alive) return never();
        return atr === null ? err(failure('CARD-0101')) : ok(atr);
      },
    });
    return {
      id: 'slot',
      name: () => 'slot',
      status: () => this.#status,
      onStatus: (listener) => {
        this.#listeners.push(listener);
        return () => {
          this.#listeners = this.#listeners.filter((l) => l !== listener);
        };
      },
      open,
      close: () => Promise.resolve(),
    };
  }
}
