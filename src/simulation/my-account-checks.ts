import type { SeedHousehold } from '../central/use/households.ts';
import type { Snapshot } from '../shared/contract/index.ts';
import type { MyAccountPolicy } from '../shared/policy-my-account.ts';
import { cardNoOf } from '../shared/sale.ts';
import { DIGITS, HOMES } from './my-account-customer.ts';
import type { Tried } from './my-account-customer.ts';
import type { Site } from './site.ts';
import type { Town } from './town.ts';

/** What the town's machines show of accounts. */
export const TOWN_MY_ACCOUNT: MyAccountPolicy = {
  abnormalPercent: 200,
  abnormalAbove: 500,
  byNumber: true,
  lookUps: 20,
};

/** Two years of every household that pays without a card; the third one’s use doubled. */
export const TOWN_USE: readonly SeedHousehold[] = HOMES.map((userNo, n) => ({
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
