import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE, sampleCard } from '../../simulator/card/catalogue.ts';
import { CpuCard } from '../../simulator/card/cpu-card.ts';
import type { CpuCardState } from '../../simulator/card/cpu-card.ts';
import { Meter } from '../../simulator/meter/meter.ts';
import type { MeterVisit } from '../../simulator/meter/meter.ts';
import { CardSlot } from '../../simulator/vpcd/client.ts';
import { systemClock, systemRandom } from '../ports.ts';

const CEILING = 100_000;

/** The hall's drawer of sample cards, their meters, and the slot they go into. Cards keep what was written to them across restarts of the hall. */
export class HallCards {
  readonly #folder: string;
  readonly #cards = new Map<string, CpuCard>();
  readonly #meters = new Map<string, Meter | null>();
  readonly #slot: CardSlot;
  #inserted: string | null = null;
  #lastMeter: { readonly id: string; readonly visit: MeterVisit; readonly remaining: number } | null = null;

  constructor(folder: string, slot: { host: string; port: number }) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#slot = new CardSlot({
      ...slot,
      clock: systemClock,
      onTorn: () => {
        this.#inserted = null;
      },
    });
  }

  card(id: string): CpuCard {
    const have = this.#cards.get(id);
    if (have !== undefined) return have;
    const sample = sampleCard(id);
    const file = join(this.#folder, `${id}.json`);
    const card = existsSync(file) ? CpuCard.fromJSON((JSON.parse(readFileSync(file, 'utf8')) as { card: CpuCardState }).card, systemRandom) : sample.make(systemRandom);
    // The meter stands at the customer's home: what it knows is what the last visit left on the card.
    this.#meters.set(id, Meter.ofCard(card, CEILING));
    card.onChange(() => {
      writeFileSync(`${file}.new`, JSON.stringify({ card: card.toJSON() }));
      renameSync(`${file}.new`, file);
    });
    this.#cards.set(id, card);
    return card;
  }

  insert(id: string): void {
    const card = this.card(id);
    this.#slot.insert(card);
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

  /** Tears the inserted card out before or after the n-th command from now; `lie`: the next write answers 9000 and stores nothing. */
  arm(fault: { kind: 'tear'; at: number; when: 'before' | 'after' } | { kind: 'lie' }, id = this.#inserted): void {
    if (id === null) return;
    this.card(id).arm(fault.kind === 'tear' ? { ...fault, from: 'arming' } : fault);
  }

  /** Puts the card into its meter. */
  visitMeter(id: string): { visit: MeterVisit; remaining: number } | null {
    if (this.#inserted === id) return null;
    const card = this.card(id);
    const meter = this.#meters.get(id);
    if (meter == null) return null;
    const d = new Date();
    const two = (n: number): string => String(n).padStart(2, '0');
    const visit = meter.visit(card, `${two(d.getFullYear() % 100)}${two(d.getMonth() + 1)}${two(d.getDate())}${two(d.getHours())}${two(d.getMinutes())}`);
    const remaining = meter.state().remaining;
    this.#lastMeter = { id, visit, remaining };
    return { visit, remaining };
  }

  /** The customer burns gas. */
  consume(id: string, quantity: number): void {
    this.card(id);
    this.#meters.get(id)?.consume(quantity);
  }

  transcript(id: string): readonly string[] {
    return this.card(id).transcript;
  }

  view(): { inserted: string | null; connected: boolean; lastMeter: unknown; cards: unknown[] } {
    return {
      inserted: this.#inserted,
      connected: this.#slot.connected(),
      lastMeter: this.#lastMeter,
      cards: CATALOGUE.map((c) => {
        const card = this.#cards.get(c.id);
        const record = (card ?? this.card(c.id)).peek('17');
        const view = record === null ? null : { count: record[0] as number * 256 + (record[1] as number), quantity: Buffer.from(record).readUInt32BE(2), cumulative: Buffer.from(record).readUInt32BE(6) };
        return { id: c.id, titleZh: c.titleZh, titleEn: c.titleEn, cardNo: c.cardNo, expectedCode: c.expectedCode, purchase: view, meterRemaining: this.#meters.get(c.id)?.state().remaining ?? null };
      }),
    };
  }
}
