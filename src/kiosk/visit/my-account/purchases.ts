import type { Purchase } from '../../../shared/central-api/index.ts';
import { SHOWN_PURCHASES } from '../../../shared/my-account.ts';

/**
 * The last purchases, the newest first: this machine's own as its journal has them, and central's
 * of other machines. Of one that both have the journal's word is the newer one, but for what only
 * central hears: that the meter has it.
 */
export function mergedPurchases(
  own: readonly Purchase[],
  central: readonly Purchase[],
): readonly Purchase[] {
  const told = new Map(central.map((p) => [p.orderId, p]));
  for (const p of own) {
    const known = told.get(p.orderId);
    told.set(p.orderId, known?.stands === 'at-meter' && p.stands === 'credited' ? known : p);
  }
  return [...told.values()]
    .toSorted((a, b) => b.atMs - a.atMs || b.orderId.localeCompare(a.orderId))
    .slice(0, SHOWN_PURCHASES);
}
