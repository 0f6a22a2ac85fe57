import type { Snapshot } from '../shared/contract/index.ts';
import type { Visitor } from './account-customer.ts';
import type { Dice } from './dice.ts';
import type { Site } from './site.ts';

const PATIENCE_MS = 180_000;

/** A person who asks for something, and goes when the machine says that it has it. */
export class RequestCustomer implements Visitor {
  readonly site: Site;
  readonly phone: string;
  done = false;
  leftover: string | null = null;
  readonly #dice: Dice;
  readonly #arrivedMs: number;
  readonly #after: (delayMs: number, fn: () => void) => void;
  readonly #told: (ref: string, phone: string) => void;
  #thinking = false;
  #waited = 0;
  #begun = false;

  /** @param at `told`: the machine says that it was taken */
  constructor(
    site: Site,
    at: {
      readonly dice: Dice;
      readonly nowMs: number;
      readonly after: (delayMs: number, fn: () => void) => void;
      readonly told: (ref: string, phone: string) => void;
    },
  ) {
    this.site = site;
    this.#dice = at.dice;
    this.#arrivedMs = at.nowMs;
    this.#after = at.after;
    this.#told = at.told;
    this.phone = `138${String(at.dice.between(0, 99_999_999)).padStart(8, '0')}`;
  }

  look(): void {
    if (this.#thinking || this.done) return;
    this.#thinking = true;
    this.#after(this.#dice.between(300, 3_000), () => {
      this.#thinking = false;
      if (!this.done) this.#act();
    });
  }

  overdue(nowMs: number): boolean {
    return nowMs - this.#arrivedMs > PATIENCE_MS;
  }

  #act(): void {
    const s = this.site.snapshot;
    if (s?.screen === 'request') return this.#answer(s);
    if (s?.screen !== 'start' || this.#begun || !s.tiles.includes('request')) {
      // The machine began anew, or somebody's order comes first.
      this.#waited += 1;
      if (this.#waited > 8) this.done = true;
      return;
    }
    this.#begun = true;
    this.site.tap('open', 'request');
  }

  #answer({ shown, problem }: Extract<Snapshot, { screen: 'request' }>): void {
    const { site } = this;
    const { step } = shown;
    if (problem !== null) {
      this.done = true;
      site.tap('exit');
    } else if (step === 'menu') {
      const open = shown.categories.filter((c) => c.open);
      if (open.length > 0) site.tap('request-pick', this.#dice.pick(open).id, { step });
    } else if (step === 'choice') {
      site.tap('request-pick', this.#dice.pick(shown.choices).id, { step });
    } else if (step === 'slot') {
      const free = shown.days.flatMap(({ date, halves }) =>
        halves.flatMap(({ half, state }) => (state === 'free' ? [`${date} ${half}`] : [])),
      );
      if (free.length === 0) site.tap('request-back');
      else site.tap('request-pick', this.#dice.pick(free), { step });
    } else if (step === 'phone') {
      site.tap('request-digits', this.phone, { step });
    } else if (step === 'user') {
      site.tap('request-digits', '1002203344', { step });
    } else if (step === 'confirm') {
      // Some tap twice.
      site.tap('request-submit');
      if (this.#dice.chance(0.3)) site.tap('request-submit');
    } else if (step === 'made') {
      this.#told(shown.ref.replaceAll(' ', ''), this.phone);
      this.done = true;
      site.tap('exit');
    }
  }
}
