import type { SnapshotOf } from '../shared/contract/index.ts';
import type { Dice } from './dice.ts';
import type { Site } from './site.ts';

/** The households that pay without a card (credit-checks.ts), by their numbers. */
export const HOMES = ['2002001001', '2002001002', '2002001003', '2002001004'] as const;
/** The digits that open each of them, and some that do not. */
export const DIGITS = '6212';
const WRONG = '0000';

/** What one of the customers typed to see an account without its card. */
export interface Tried {
  readonly userNo: string;
  readonly last4: string;
}

/** A person at his own account: looks at a page or two, wants a copy, or goes on to buy. */
export class Onlooker {
  readonly #site: Site;
  readonly #dice: Dice;
  #left = 4;
  tried: Tried | null = null;

  constructor(site: Site, dice: Dice) {
    this.#site = site;
    this.#dice = dice;
  }

  /** @returns false: he has seen enough */
  typesNumber(s: SnapshotOf<'my-account-no'>): boolean {
    if (s.busy) return true;
    if (s.problem !== null && this.#left-- <= 0) return false;
    const userNo = this.#dice.pick(HOMES);
    this.tried = { userNo, last4: this.#dice.chance(0.6) ? DIGITS : WRONG };
    this.#site.tap('my-look', userNo, { last4: this.tried.last4 });
    return true;
  }

  /** @returns false: he has seen enough */
  looks(s: SnapshotOf<'my-account'>): boolean {
    if (this.#left-- <= 0) return false;
    if (s.order !== null) this.#site.tap(s.canPrint ? 'print' : 'back');
    else if (s.purchases.length > 0 && this.#dice.chance(0.4))
      this.#site.tap('my-order', this.#dice.below(s.purchases.length));
    else if (s.recharge && this.#dice.chance(0.2)) this.#site.tap('recharge');
    else this.#site.tap('my-page', this.#dice.pick(s.pages));
    return true;
  }
}
