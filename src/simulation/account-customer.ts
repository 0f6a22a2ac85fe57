import type { Snapshot } from '../shared/contract/index.ts';
import type { Phone } from './customer.ts';
import type { Dice } from './dice.ts';
import type { Site } from './site.ts';

/** Who stands before a machine, with a card or without. */
export interface Visitor {
  done: boolean;
  /** A code of a payment that was called off: paid after all, later. */
  leftover: string | null;
  look(): void;
  overdue(nowMs: number): boolean;
}

/** What somebody without a card has in mind. */
export const ACCOUNT_PLANS = [
  'pay',
  'pay',
  'pay',
  'pay',
  'pay',
  'pay-all',
  'pay-all',
  'cancel',
  'let-expire',
  'pay-and-run',
  'switch',
] as const;
export type AccountPlan = (typeof ACCOUNT_PLANS)[number];

/** A household that is credited without a card. */
export interface Household {
  readonly userNo: string;
  readonly service: 'top-up' | 'bills';
}

const PATIENCE_MS = 300_000;

/** A person who pays by a user number: looks, thinks, does one thing, looks again. */
export class AccountCustomer implements Visitor {
  readonly site: Site;
  readonly home: Household;
  readonly plan: AccountPlan;
  done = false;
  leftover: string | null = null;
  readonly #dice: Dice;
  readonly #phone: Phone;
  readonly #arrivedMs: number;
  readonly #after: (delayMs: number, fn: () => void) => void;
  #thinking = false;
  #begun = false;
  #mistyped = false;
  #paid = false;
  #switched = false;
  #asked = 0;

  constructor(
    site: Site,
    home: Household,
    plan: AccountPlan,
    at: {
      readonly dice: Dice;
      readonly phone: Phone;
      readonly nowMs: number;
      readonly after: (delayMs: number, fn: () => void) => void;
    },
  ) {
    this.site = site;
    this.home = home;
    this.plan = plan;
    this.#dice = at.dice;
    this.#phone = at.phone;
    this.#arrivedMs = at.nowMs;
    this.#after = at.after;
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

  #leave(): void {
    this.done = true;
  }

  #act(): void {
    const s = this.site.snapshot;
    if (s === null) return;
    switch (s.screen) {
      case 'start':
        if (this.#begun || this.#asked++ > 8) return this.#leave();
        if (!s.tiles.includes(this.home.service)) return;
        this.#begun = true;
        return this.site.tap('open', this.home.service);
      case 'user-no':
        return this.#typeNumber(s);
      case 'is-it-you':
        return this.site.tap(s.userNo === this.home.userNo ? 'its-me' : 'not-me');
      case 'top-up':
        return this.#chooseSum(s);
      case 'bills':
        return this.#chooseBills(s);
      case 'contract':
        if (s.busy) return;
        return s.agreed ? this.site.tap('pay', s.amountFen) : this.site.tap('agree', true);
      case 'confirm-sum':
      case 'no-slip':
        if (s.busy) return;
        return this.#dice.chance(0.15) ? this.site.tap('back') : this.site.tap('pay', s.amountFen);
      case 'pay':
        return this.#atPay(s);
      case 'done':
        if (this.plan === 'pay-all' && s.restFen !== undefined) {
          this.#paid = false;
          return this.site.tap('pay-next');
        }
        return this.#leave();
      case 'in-doubt':
        return this.#dice.chance(0.3) ? this.#leave() : undefined;
      case 'refunding':
        return s.state === 'refunding' ? undefined : this.#leave();
      case 'cannot-sell':
      case 'cancelled':
      case 'unfinished':
      case 'order-status':
      case 'out-of-service':
      case 'take-card':
        return this.#leave();
      case 'amount':
      case 'card-info':
      case 'info':
      case 'insert-card':
      case 'maintenance':
      case 'my-account':
      case 'my-account-no':
      case 'maintenance-pin':
      case 'request':
      case 'reading':
      case 'writing':
        return;
    }
  }

  #typeNumber(s: Extract<Snapshot, { screen: 'user-no' }>): void {
    if (s.busy) return;
    if (s.problem !== null && (s.problem !== 'SALE-0119' || this.#asked++ > 3))
      return this.#leave();
    if (!this.#mistyped && this.#dice.chance(0.15)) {
      this.#mistyped = true;
      return this.site.tap('enter-user-no', `${this.home.userNo.slice(0, -1)}9`);
    }
    this.site.tap('enter-user-no', this.home.userNo);
  }

  #chooseSum(s: Extract<Snapshot, { screen: 'top-up' }>): void {
    if (s.busy) return;
    if (s.problem !== null && this.#asked++ > 3) return this.#leave();
    if (s.chosenFen === null) return this.site.tap('choose-amount', this.#dice.pick(s.presetsFen));
    this.site.tap('pay', s.chosenFen);
  }

  #chooseBills(s: Extract<Snapshot, { screen: 'bills' }>): void {
    if (s.busy) return;
    if (s.groups.length === 0 && s.prepay === true && this.#dice.chance(0.8))
      return this.site.tap('prepay');
    if (s.problem !== null || s.groups.length === 0) return this.#leave();
    const bills = s.groups.flatMap((g) => g.bills);
    // Most pay one bill of several.
    const second = bills.filter((b) => b.ticked)[1];
    if (second !== undefined && this.plan !== 'pay-all' && this.#dice.chance(0.7))
      return this.site.tap('choose-bill', second.item);
    if (s.chosenFen === 0) {
      const first = bills[0];
      return first === undefined ? this.#leave() : this.site.tap('choose-bill', first.item);
    }
    if (s.part !== undefined && s.part.restFen === null && this.#dice.chance(0.4))
      return this.site.tap('choose-amount', this.#dice.between(s.part.minFen, s.part.maxFen));
    this.site.tap('pay', s.chosenFen);
  }

  #atPay(s: Extract<Snapshot, { screen: 'pay' }>): void {
    const code = s.qrText;
    if (s.state !== 'waiting' || code === null || this.#paid) return;
    const other = s.choices.find((kind) => kind !== s.provider);
    if (this.plan === 'switch' && !this.#switched && other !== undefined) {
      this.#switched = true;
      return this.site.tap('pay-with', other);
    }
    if (this.plan === 'cancel') {
      this.leftover = code;
      return s.cancelOffered ? this.site.tap('cancel') : undefined;
    }
    if (this.plan === 'let-expire') {
      this.leftover = code;
      return;
    }
    this.#paid = true;
    this.#phone.pay(code, false);
    if (this.plan === 'pay-and-run') this.#leave();
  }
}
