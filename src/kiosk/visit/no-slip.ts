import { isUsable } from '../../device/device.ts';
import type { Snapshot } from '../../shared/contract/index.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { AccountSession, AmountSession } from '../state/visit.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';
import type { Base, ViewContext } from './view-base.ts';

/**
 * Where no slip can be printed, the customer agrees to that before money is asked for: a step of
 * the visit in front of the order, as that of a large sum, on which nothing is reserved yet
 * (decision 0051). Every service that takes money goes through it.
 */

/** Is the customer asked whether he does without a slip? */
export const mustAgreeToNoSlip = (
  state: KioskState,
  { slipless }: Pick<AmountSession, 'slipless'>,
): boolean => !slipless && !isUsable(state.service.devices, 'printer');

/** The same visit, with the question before it and the time to read it. */
export function askingNoSlip<S extends AmountSession | AccountSession>(
  state: KioskState,
  s: S,
  now: Now,
): S {
  const deadlineMono = Math.max(s.deadlineMono, now.monoMs + screenMs(state, 'no-slip'));
  return { ...s, slipless: true, problem: null, deadlineMono };
}

/** Its screen. */
export const noSlipView = (
  state: KioskState,
  { busy, deadlineMono }: { readonly busy: boolean; readonly deadlineMono: number },
  { amountFen, card }: { readonly amountFen: number; readonly card: boolean },
  base: Base,
  ctx: ViewContext,
): Snapshot => ({
  ...base,
  screen: 'no-slip',
  amountFen,
  card,
  code: state.service.policy?.receipts !== undefined,
  busy,
  deadlineMs: wallMs(ctx, deadlineMono),
});
