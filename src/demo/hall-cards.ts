import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CardSlot } from '../simulator/vpcd/client.ts';
import { hallClock } from '../main/demo-clock.ts';
import { systemRandom } from '../main/ports.ts';
import { chinaTime } from '../shared/time.ts';
import { HALL_CARDS } from './hall-card.ts';
import type { HallCard, HallVisit } from './hall-card.ts';

/**
 * The hall's drawer of sample cards, their meters, and the slot they go into. Cards keep what was
 * written to them across restarts of the hall.
 */
export class HallCards {
  readonly #folder: string;
  readonly #cards = new Map<string, HallCard>();
  readonly #slot: CardSlot;
  readonly #clock = hallClock();
  #inserted: string | null = null;
  #lastMeter: {
    readonly id: string;
    readonly visit: HallVisit;
    readonly remaining: number;
  } | null = null;

  constructor(folder: string, slot: { host: string; port: number }) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#slot = new CardSlot({
      ...slot,
      clock: this.#clock,
      onTorn: () => {
        this.#inserted = null;
      },
    });
  }

  /** @throws RangeError when the drawer has no such card */
  card(id: string): HallCard {
    const have = this.#cards.get(id);
    if (have !== undefined) return have;
    const sample = HALL_CARDS.find((c) => c.id === id);
    if (sample === undefined) throw new RangeError(`no sample card ${id}`);
    const file = join(this.#folder, `${id}.json`);
    // The meter stands at the customer's home: what it knows is what the last visit left on the
    // card.
    const card = sample.make(
      existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { card: unknown }).card : null,
      systemRandom,
    );
    card.onChange(() => {
      writeFileSync(`${file}.new`, JSON.stringify({ card: card.toJSON() }));
      renameSync(`${file}.new`, file);
    });
    this.#cards.set(id, card);
    return card;
  }

  insert(id: string): void {
    this.#slot.insert(this.card(id).slot);
    this.#inserted = id;
  }

  remove(): void {
    this.#slot.remove();
    this.#inserted = null;
  }

  /** How long the card takes for each answer, ms. */
  set delayMs(ms: number) {
    this.#slot.delayMs = ms;
  }

  get inserted(): string | null {
    return this.#inserted;
  }

  /**
   * Tears the inserted card out before or after the n-th command from now; `lie`: the next write
   * answers 9000 and stores nothing.
   */
  arm(
    fault: { kind: 'tear'; at: number; when: 'before' | 'after' } | { kind: 'lie' },
    id = this.#inserted,
  ): void {
    if (id === null) return;
    this.card(id).arm(fault);
  }

  /** Puts the card into its meter. */
  visitMeter(id: string): { visit: HallVisit; remaining: number } | null {
    if (this.#inserted === id) return null;
    const { meter } = this.card(id);
    if (meter === null) return null;
    // YYMMDDhhmm by the meter's clock, which is China's.
    const visit = meter.visit(chinaTime(this.#clock.nowMs()).replaceAll(/\D/g, '').slice(2, 12));
    const remaining = meter.state().remaining;
    this.#lastMeter = { id, visit, remaining };
    return { visit, remaining };
  }

  /** The customer burns gas. */
  consume(id: string, quantity: number): void {
    this.card(id).meter?.consume(quantity);
  }

  transcript(id: string): readonly string[] {
    return this.card(id).transcript;
  }

  view(): { inserted: string | null; connected: boolean; lastMeter: unknown; cards: unknown[] } {
    return {
      inserted: this.#inserted,
      connected: this.#slot.connected(),
      lastMeter: this.#lastMeter,
      cards: HALL_CARDS.map((c) => {
        const card = this.card(c.id);
        return {
          id: c.id,
          family: c.family,
          titleZh: c.titleZh,
          titleEn: c.titleEn,
          cardNo: c.cardNo,
          expectedCode: c.expectedCode,
          purchase: card.purchase(),
          meterRemaining: card.meter?.state().remaining ?? null,
        };
      }),
    };
  }
}
