import type { HeldPolicy } from '../../shared/policy.ts';
import type { PolicyRequests, RequestCategory } from '../../shared/policy-requests.ts';
import type { Slot } from '../../shared/requests.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { RequestForm, RequestSession } from '../state/requests.ts';
import { notSelling } from '../watch/selling.ts';

/** Something here does not work: then a number may be left, and one is called back. */
const somethingIsDown = (state: Pick<KioskState, 'service'>): boolean =>
  notSelling(state) !== null ||
  state.service.centralUp === false ||
  state.service.linesDown.length > 0;

/** What can be asked for now; empty: there is no tile. Those outside of their days are shown too. */
export function offeredCategories(state: Pick<KioskState, 'service'>): readonly RequestCategory[] {
  const { policy } = state.service;
  if (policy?.requests === undefined || policy.sealTo === undefined) return [];
  const down = somethingIsDown(state);
  return policy.requests.categories.filter((c) => c.kind !== 'call-back' || down);
}

/** The policy's part, and the category that was chosen. Null: they are not there any more. */
export function chosenOf(
  policy: HeldPolicy | null,
  form: RequestForm,
): { readonly requests: PolicyRequests; readonly category: RequestCategory } | null {
  const requests = policy?.requests;
  const category = requests?.categories.find((c) => c.id === form.category);
  return requests === undefined || category === undefined ? null : { requests, category };
}

/** Central says that no more are taken for it. */
export const isFull = ({ full }: RequestSession, slot: Slot): boolean =>
  full?.some((f) => f.date === slot.date && f.half === slot.half) === true;
