import { whoTakes } from '../../payment/codes.ts';
import type { ProviderKind } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { HOUSE_PAYEE } from '../../shared/sale.ts';
import { MAX_ATTEMPTS } from '../order/attempt-run.ts';
import { putOrder } from '../state/context.ts';
import type { KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { NextAttempt, Now, OpenOrder } from '../state/order.ts';
import type { OrderSession } from '../state/visit.ts';
import { step } from './step.ts';

/** Paying, as the customer can have a say in it: cancel, another way, a code, "I have paid". */

/** What the pay screen may be cancelled at: until the payment is in flight. */
export function cancelOffered(s: OrderSession, open: OpenOrder): boolean {
  const attempt = open.attempts.at(-1);
  if (attempt === undefined || s.closeWhy !== null || s.gaveUp || open.next !== null) return false;
  // The customer's code is on its way.
  if (attempt.method === 'code' && attempt.state === 'creating') return false;
  return (
    (attempt.state === 'creating' || attempt.state === 'pending') &&
    open.runs.get(attempt.attemptId)?.paying !== true
  );
}

/** May the customer change to another way of paying now? While a QR code waits to be scanned. */
function maySwitch(s: OrderSession, open: OpenOrder): boolean {
  return (
    cancelOffered(s, open) &&
    open.attempts.at(-1)?.method === undefined &&
    open.attempts.length < MAX_ATTEMPTS
  );
}

/**
 * In the last so long of a QR code the customer may have a new one: a little more than the screen
 * warns, for the tap's own way.
 */
const NEW_CODE_MS = 30_000;

/** Is a new QR code to be had once this one's end is near? As long as it may be changed at all. */
export function newCodeOffered(s: OrderSession, open: OpenOrder): boolean {
  return maySwitch(s, open) && open.attempts.at(-1)?.state === 'pending';
}

/**
 * A new QR code of the same wallet, its own time long: the old one is closed at the platform first,
 * as for another wallet, so that never two can be paid. Null: it is not near its end.
 */
export function newCode(state: KioskState, now: Now): Step | null {
  const at = switchable(state);
  const attempt = at?.open.attempts.at(-1);
  const provider =
    at === null ? undefined : choicesFor(state, at.open).find((kind) => kind === attempt?.provider);
  if (
    at === null ||
    attempt === undefined ||
    provider === undefined ||
    !newCodeOffered(at.s, at.open) ||
    attempt.expiresAtMs - now.nowMs > NEW_CODE_MS
  )
    return null;
  return switchTo(state, at, { provider, authCode: null });
}

/**
 * The code ran out with nothing paid, and the card is still in: whoever stands there may go on at
 * once, without taking the card out.
 */
export function againOffered(state: KioskState, s: OrderSession, open: OpenOrder): boolean {
  return (
    open.order.state === 'closed' &&
    open.attempts.at(-1)?.reason === 'expired' &&
    !s.cardOut &&
    state.reader.state === 'present' &&
    state.reader.insertion === s.insertion
  );
}

/** May a code that is scanned now take the place of what is asked? Not while another is charged. */
export function scanOffered(s: OrderSession, open: OpenOrder): boolean {
  return cancelOffered(s, open) && open.attempts.at(-1)?.method !== 'code';
}

/** The order whose payment the customer may change now. */
function switchable(
  state: KioskState,
): { readonly s: OrderSession; readonly open: OpenOrder } | null {
  const s = state.session;
  const open = s.at === 'order' ? state.orders.get(s.orderId) : undefined;
  return s.at === 'order' && open !== undefined && maySwitch(s, open) ? { s, open } : null;
}

/** Who takes the customer's code now. */
export function takers({
  codeProviders,
  service,
}: Pick<KioskState, 'codeProviders' | 'service'>): readonly ProviderKind[] {
  return codeProviders.filter((kind) => !service.linesDown.includes(kind));
}
/** Those of {@link takers} whose merchant collects for this order's payee. */
export const takersFor = (state: KioskState, { order }: OpenOrder): readonly ProviderKind[] =>
  takers(state).filter((kind) => collects(state, kind, order.sale.payee));

/** Will this code be charged if it is scanned now? */
export function takesScan(state: KioskState, code: string): boolean {
  const at = switchable(state);
  return (
    at !== null &&
    whoTakes(code, state.service.policy?.paymentCodes, takersFor(state, at.open)) !== null
  );
}

/**
 * The customer pays another way: orders.ts ends the QR code first, and asks by this one once that
 * is certain.
 */
function switchTo(
  state: KioskState,
  at: { readonly s: OrderSession; readonly open: OpenOrder },
  next: NextAttempt,
): Step {
  return step(putOrder(state, { ...at.open, next }), {
    ...at.s,
    scanProblem: null,
    lastCheck: null,
  });
}

/** A code was held before the scanner: it is charged, or why it is not is said. */
export function onScanned(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'scanned' }>,
): Step {
  const at = switchable(state);
  if (at === null || state.codeProviders.length === 0) return { state, effects: [] };
  const problem = (code: ErrorCode): Step => step(state, { ...at.s, scanProblem: code });
  // The scanner reads what is held before it again and again: a code that was just declined does
  // not hide why.
  if (event.used)
    return declinedFor(at.open) === null ? problem('PAY-0403') : { state, effects: [] };
  const { paymentCodes } = state.service.policy ?? {};
  const provider = whoTakes(event.code, paymentCodes, takersFor(state, at.open));
  // A code of a wallet that is taken here when its line is up: another one's would do.
  if (
    provider === null &&
    whoTakes(
      event.code,
      paymentCodes,
      state.codeProviders.filter((kind) => collects(state, kind, at.open.order.sale.payee)),
    ) !== null
  )
    return problem('PAY-0406');
  return provider === null
    ? problem('PAY-0404')
    : switchTo(state, at, { provider, authCode: event.code });
}

/** The customer chose one of the ways to pay that are offered. Null: it is none of them now. */
export function payWith(state: KioskState, provider: ProviderKind): Step | null {
  const at = switchable(state);
  if (
    at === null ||
    !choicesFor(state, at.open).includes(provider) ||
    at.open.attempts.at(-1)?.provider === provider
  )
    return null;
  return switchTo(state, at, { provider, authCode: null });
}

/** "I have paid": the provider is asked at once. Null: there is nothing to ask about. */
export function checkPayment(
  state: KioskState,
  s: OrderSession,
  open: OpenOrder,
  now: Now,
): Step | null {
  const attempt = open.attempts.at(-1);
  const run = attempt === undefined ? undefined : open.runs.get(attempt.attemptId);
  if (attempt === undefined || run === undefined || attempt.state !== 'pending') return null;
  const runs = new Map(open.runs).set(attempt.attemptId, {
    ...run,
    retryAtMono: now.monoMs,
    // Now, and not when the question that is held finds it worth an answer.
    plainNext: true,
  });
  return step(putOrder(state, { ...open, runs }), {
    ...s,
    lastCheck: 'asking',
    checked: { attemptId: attempt.attemptId, asked: run.asked },
  });
}

/**
 * Whose QR codes the customer may choose from now: one for every wallet where the gateway offers
 * it, and none whose line is down.
 */
export function payChoices({
  providers,
  service,
}: Pick<KioskState, 'providers' | 'service'>): readonly ProviderKind[] {
  const up = providers.filter((kind) => !service.linesDown.includes(kind));
  return up.includes('gateway') ? ['gateway'] : up;
}

/**
 * As {@link payChoices}, of those whose captures central can believe: what is posted to an account
 * is paid by them only.
 */
export function creditChoices(
  state: Pick<KioskState, 'providers' | 'unprovable' | 'service'>,
): readonly ProviderKind[] {
  return payChoices(state).filter((kind) => !state.unprovable.includes(kind));
}
/** Those of {@link creditChoices} whose merchant collects for this payee. */
export const choicesOfPayee = (state: KioskState, payee: string): readonly ProviderKind[] =>
  creditChoices(state).filter((kind) => collects(state, kind, payee));

/** Is what this way of paying takes this payee's? Which of its merchants the gateway finds out. */
const collects = (
  { collectsFor }: Pick<KioskState, 'collectsFor'>,
  kind: ProviderKind,
  payee: string,
): boolean => kind === 'gateway' || payee === HOUSE_PAYEE || collectsFor.includes(payee);

/** The ways to pay that this order has now. */
export const choicesFor = (state: KioskState, { order }: OpenOrder): readonly ProviderKind[] =>
  order.sale.kind === 'credit' ? choicesOfPayee(state, order.sale.payee) : payChoices(state);

/**
 * Wallets that a customer would expect here and that cannot be paid with now: said before anybody
 * begins.
 */
export function payAway(state: Pick<KioskState, 'providers' | 'service'>): readonly ProviderKind[] {
  const choices = payChoices(state);
  return choices.length === 0 || choices.includes('gateway')
    ? []
    : state.providers.filter((kind) => kind !== 'gateway' && !choices.includes(kind));
}

/** Why the last code payment came to nothing; null: there was none, or it is still going on. */
export function declinedFor(open: OpenOrder): ErrorCode | null {
  const last = open.attempts.findLast((a) => a.method === 'code');
  if (last === undefined || (last.state !== 'closing' && last.state !== 'closed')) return null;
  // Whoever chose another way since knows.
  if (open.attempts.at(-1) !== last && open.attempts.at(-2) !== last) return null;
  if (last.reason === 'declined') return open.runs.get(last.attemptId)?.refusal?.code ?? 'PAY-0402';
  return last.reason === 'expired' ? 'PAY-0405' : null;
}
