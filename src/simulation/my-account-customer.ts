import type { SeedHousehold } from '../central/use/households.ts';
import type { Snapshot, SnapshotOf } from '../shared/contract/index.ts';
import { cardNoOf } from '../shared/sale.ts';
import type { MyAccountPolicy } from '../shared/policy-my-account.ts';
import { HOUSEHOLDS } from './credit-checks.ts';
import type { Dice } from './dice.ts';
import type { Site } from './site.ts';
import type { Town } from './town.ts';

/** What the town's machines show of accounts. */
export const TOWN_MY_ACCOUNT: MyAccountPolicy = {
  abnormalPercent: 200,
  abnormalAbove: 500,
  byNumber: true,
  lookUps: 20,
};
const DIGITS = '6212';
const WRONG = '0000';

/** Two years of every household that pays without a card; the third one’s use doubled. */
export const TOWN_USE: readonly SeedHousehold[] = HOUSEHOLDS.map(({ userNo }, n) => ({
  userNo,
  phoneLast4: DIGITS,
  uses: [
    {
      kind: 'gas',
      unit: 'm3',
      tariff: { id: 'gas-residential', version: 1 },
      months: Array.from({ length: 24 }, (_, i) => ({
        month: `${2025 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, '0')}`,
        quantity: n === 2 && i >= 12 ? 5_000 : 2_000,
      })),
      faults: n === 3 ? [{ fault: 'battery', sinceMs: 1 }] : [],
    },
  ],
}));

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
    const { userNo } = this.#dice.pick(HOUSEHOLDS);
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

/**
 * Nobody sees another's account: a card shows its own, a number opens only with its digits, and a
 * purchase that is shown was made for that very account.
 */
export function checkMyAccount(
  town: Town,
  site: Site,
  s: Extract<Snapshot, { screen: 'my-account' }>,
  tried: Tried | null,
): void {
  town.count('my-account');
  const held = town.cards.find((c) => c.card === site.slot.card);
  if (s.byCard && held === undefined) return;
  if (!s.byCard && tried?.last4 !== DIGITS)
    town.problem(`${site.terminalId}: an account was opened by digits that are not its own`);
  for (const { orderRef } of s.purchases)
    for (const { journal } of town.sites) {
      const row = journal?.findByRef(orderRef);
      if (row === undefined) continue;
      const own = s.byCard ? cardNoOf(row) === held?.cardNo : row.sale.userNo === tried?.userNo;
      if (!own) town.problem(`${site.terminalId}: order ${row.orderId} is shown to another`);
    }
}
