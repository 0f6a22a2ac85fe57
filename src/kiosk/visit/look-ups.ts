import type { KioskState } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';

/** Looking up accounts is no directory: so many numbers in this time, whoever stands there. */
const LOOK_UPS_MS = 120_000;

/**
 * May this be looked up now? What was asked before, once more, tells nothing new.
 *
 * @param asked a user number, or with it what proves whose it is: each other try counts
 * @returns the list with it; null: too many lately
 */
export function noteLookUp(
  state: Pick<KioskState, 'lookedUp'>,
  asked: string,
  most: number,
  { monoMs }: Now,
): KioskState['lookedUp'] | null {
  const lately = state.lookedUp.filter(
    (l) => monoMs - l.atMono < LOOK_UPS_MS && l.userNo !== asked,
  );
  return lately.length >= most ? null : [...lately, { userNo: asked, atMono: monoMs }];
}
