import { whoTakes } from '../../../payment/codes.ts';
import { USER_NO } from '../../../shared/central-api/index.ts';
import type { CreditAccount } from '../../../shared/central-api/index.ts';
import { PROVIDER_KINDS } from '../../../shared/contract/index.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { CreditPolicy } from '../../../shared/policy-credit.ts';
import { cardNoOf } from '../../../shared/sale.ts';
import type { KioskEvent, KioskState, Step } from '../../state/kiosk.ts';
import type { Now } from '../../state/order.ts';
import type {
  AccountService,
  AccountSession,
  CreditChoice,
  UserNoSession,
} from '../../state/visit.ts';
import { halted, outOfService } from '../../watch/selling.ts';
import { noteLookUp } from '../look-ups.ts';
import { creditChoices } from '../paying.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from '../service.ts';
import type { Service, VisitEvent } from '../service.ts';
import {
  active,
  leave,
  moreTime,
  orderSession,
  rest,
  someMoreTime,
  step,
  untilDeadline,
} from '../step.ts';
import { confirming, isLargeSum } from '../large-sum.ts';
import { askingNoSlip, mustAgreeToNoSlip } from '../no-slip.ts';
import { screenMs } from '../times.ts';
import {
  chosenItems,
  consentTo,
  contractOf,
  fits,
  isAskedAboutSlip,
  isAgreed,
  isConfirming,
  offeredItems,
  partShown,
  prepayOffered,
  stageShown,
  sumOf,
  takenItems,
} from './choice.ts';
import { accountView, userNoView } from './view.ts';

/**
 * Sales without a card: an IoT meter's top-up and bills, by user number. Its account is central's
 * word each time; once it is agreed to, the order has the visit (order-visit.ts).
 */
export const accountSale: Service<'user-no' | 'account'> = {
  'user-no': {
    on: (state, s, event, ctx) => {
      if (event.type === 'credit-account') return onAccount(state, s, event, ctx);
      if (event.type === 'reader') return onReader(state, s, event);
      if (event.type === 'card-read') return onCardRead(state, s, event, ctx);
      // A bill's barcode, or the QR code on it.
      if (event.type === 'scanned') return lookUp(state, s, numberIn(event.code, state), ctx);
      return event.type === 'intent' ? onNumberTap(state, s, event.intent, ctx) : null;
    },
    settle: untilDeadline,
    givesWay: false,
    view: (state, s, base, ctx) => userNoView(state, s, base, ctx),
    needs: (_state, s) => ({ card: s.card === null ? 'out' : 'in', scanner: true }),
  },
  account: {
    on: (state, s, event, ctx) => {
      if (event.type === 'intent') return onTap(state, s, event.intent, ctx);
      // The card has said its number, and may be taken.
      if (event.type === 'reader' && event.state === 'empty' && s.card === null)
        return { state, effects: [] };
      if (event.type !== 'credit-not-begun' || event.asked !== s.asked) return null;
      return step(state, {
        ...s,
        busy: false,
        confirming: false,
        slipless: false,
        problem: event.failure.code,
      });
    },
    outcome: (state, event, ctx) =>
      event.type === 'credit-begun' ? onBegun(state, event, ctx) : null,
    settle: (state, s, ctx) =>
      s.busy && ctx.monoMs >= s.deadlineMono ? rest(state, s, null) : untilDeadline(state, s, ctx),
    givesWay: false,
    view: (state, s, base, ctx) => accountView(state, s, base, ctx),
    needs: (_state, s) => (s.card === null ? GIVE_CARD_BACK : KEEP_CARD),
  },
};

/** Is this service to be had now? Only with central at the other end of the line. */
export function creditOffered(state: KioskState, service: AccountService): boolean {
  const { policy, centralUp, lineUp, blocked } = state.service;
  const credit = policy?.credit;
  return (
    (service === 'bills' ? credit?.bills : credit?.topUp) !== undefined &&
    centralUp !== false &&
    lineUp !== false &&
    blocked === null &&
    outOfService(state) === null &&
    creditChoices(state).length > 0
  );
}

/** The tile was touched, or the next bill of this visit is to be paid. */
export function openAccount(
  state: KioskState,
  service: AccountService,
  now: Now,
  card: number | null = null,
): Step {
  return step(state, {
    card,
    at: 'user-no',
    service,
    stage: 'typing',
    asked: 0,
    problem: null,
    deadlineMono: now.monoMs + screenMs(state, 'user-no'),
  });
}

/** Whose account is looked at, without its number being typed. */
interface Again {
  readonly service: AccountService;
  readonly userNo: string;
  readonly card: number | null;
}

/** The account of a card that is in, or the same one once more: what is still owed there. */
export function accountAgain(state: KioskState, { service, userNo, card }: Again, now: Now): Step {
  const { state: opened } = openAccount(state, service, now, card);
  return opened.session.at === 'user-no'
    ? lookUp(opened, opened.session, userNo, now)
    : { state: opened, effects: [] };
}

/**
 * A bill's code is the number itself, or a link or text that has it as its one run of digits. A
 * wallet's payment code that is held out too early is none, and goes nowhere.
 */
function numberIn(code: string, { service: { policy } }: KioskState): string {
  if (whoTakes(code, policy?.paymentCodes, PROVIDER_KINDS) !== null) return '';
  if (USER_NO.test(code)) return code;
  const runs = code.match(/\d{4,20}/g) ?? [];
  return runs.length === 1 ? (runs[0] ?? '') : '';
}

function lookUp(state: KioskState, s: UserNoSession, userNo: string, now: Now): Step {
  if (s.stage === 'asking') return { state, effects: [] };
  const refused = (problem: ErrorCode): Step =>
    active({ ...state, session: s }, { ...s, problem }, screenMs(state, 'user-no'), now);
  const credit = state.service.policy?.credit;
  // The policy gave the service up while the number was typed.
  if (credit === undefined) return refused('SALE-0110');
  if (!USER_NO.test(userNo) || userNo.length > credit.userNo.digits) return refused('SALE-0119');
  const lookedUp = noteLookUp(state, userNo, credit.lookUps, now);
  if (lookedUp === null) return refused('SALE-0121');
  const asked = Math.max(s.asked, state.creditAsked) + 1;
  return step(
    {
      ...state,
      lookedUp,
      creditAsked: asked,
    },
    {
      ...s,
      stage: 'asking',
      problem: null,
      asked,
      deadlineMono: now.monoMs + screenMs(state, 'user-no'),
    },
    { do: 'ask-credit', asked, userNo },
  );
}

/** A household's card says its user number: instead of typing, and no more than that. */
function onReader(
  state: KioskState,
  s: UserNoSession,
  event: Extract<KioskEvent, { type: 'reader' }>,
): Step | null {
  if (s.card !== null) return null;
  if (event.state === 'empty') return { state: { ...state, session: typingAgain(s) }, effects: [] };
  if (event.state !== 'present' || s.stage !== 'typing') return null;
  return step(
    { ...state, cardBusy: true },
    { ...s, stage: 'reading', problem: null },
    { do: 'read-card', insertion: event.insertion },
  );
}

/** A card that was taken before it was read leaves the pad; a question to central goes on. */
const typingAgain = (s: UserNoSession): UserNoSession =>
  s.stage === 'reading' ? { ...s, stage: 'typing' } : s;

function onCardRead(
  state: KioskState,
  s: UserNoSession,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  now: Now,
): Step | null {
  if (s.stage !== 'reading') return null;
  const own = event.result.ok ? paidFor(state, event.result.value.cardNo) : null;
  if (own !== null) return step(state, orderSession(own, event.insertion, true));
  const typing = typingAgain(s);
  return event.result.ok
    ? lookUp(state, typing, event.result.value.userNo, now)
    : active(
        { ...state, session: typing },
        { ...typing, problem: event.result.error.code },
        screenMs(state, 'user-no'),
        now,
      );
}

/** What was paid for this very card comes before anything that it is put in for; null: nothing was. */
function paidFor({ orders }: KioskState, cardNo: string): string | null {
  for (const { order } of orders.values())
    if (
      cardNoOf(order) === cardNo &&
      (order.state === 'paid' || order.state === 'delivering' || order.state === 'in-doubt')
    )
      return order.orderId;
  return null;
}

function onNumberTap(
  state: KioskState,
  s: UserNoSession,
  intent: Extract<VisitEvent, { type: 'intent' }>['intent'],
  now: Now,
): Step | null {
  if (intent.type === 'exit') return step(state, leave(state, now));
  if (intent.type === 'more-time') return moreTime(state, s, now);
  if (intent.type === 'activity')
    return active(state, { ...s, problem: null }, screenMs(state, 'user-no'), now);
  return intent.type === 'enter-user-no' && s.stage === 'typing'
    ? lookUp(state, s, intent.value, now)
    : null;
}

function onAccount(
  state: KioskState,
  s: UserNoSession,
  event: Extract<KioskEvent, { type: 'credit-account' }>,
  now: Now,
): Step | null {
  if (s.stage !== 'asking' || s.asked !== event.asked) return null;
  const { result } = event;
  const again = (problem: ErrorCode): Step =>
    step(state, {
      ...s,
      stage: 'typing',
      problem,
      deadlineMono: now.monoMs + screenMs(state, 'user-no'),
    });
  if (!result.ok) return again(result.error.code);
  const credit = state.service.policy?.credit;
  if (s.service === 'top-up' && result.value.topUp === null) return again('SALE-0123');
  return step(state, {
    at: 'account',
    service: s.service,
    // A card says whose it is.
    stage: s.card === null ? 'is-it-you' : 'choose',
    account: result.value,
    chosenFen: null,
    chosen: s.card === null ? null : firstChoice(s.service, result.value, credit),
    agreed: null,
    problem: null,
    busy: false,
    confirming: false,
    slipless: false,
    asked: s.asked,
    card: s.card,
    extended: 0,
    deadlineMono: now.monoMs + screenMs(state, 'account'),
  });
}

function onTap(
  state: KioskState,
  s: AccountSession,
  intent: Extract<VisitEvent, { type: 'intent' }>['intent'],
  now: Now,
): Step | null {
  if (intent.type === 'more-time') return someMoreTime(state, s, now);
  if (intent.type === 'activity') return active(state, s, screenMs(state, 'account'), now);
  // The order is being begun: nothing can be changed until that is known.
  if (s.busy) return null;
  const credit = state.service.policy?.credit;
  const fresh: AccountSession = {
    ...s,
    problem: null,
    // A question of which the policy left nothing is over: what is chosen next is asked about anew.
    confirming: isConfirming(s, credit),
    slipless: isAskedAboutSlip(s, credit),
    deadlineMono: now.monoMs + screenMs(state, 'account'),
  };
  if (intent.type === 'exit') return step(state, leave(state, now));
  if (intent.type === 'pay') return pay(state, fresh, intent.value, now);
  if (fresh.confirming || fresh.slipless)
    return intent.type === 'back'
      ? step(state, { ...fresh, confirming: false, slipless: false })
      : null;
  if (intent.type === 'not-me') return openAccount(state, s.service, now);
  if (s.stage === 'is-it-you') {
    if (intent.type !== 'its-me') return null;
    const chosen = firstChoice(s.service, s.account, credit);
    return step(state, { ...fresh, stage: 'choose', chosen });
  }
  if (stageShown(s, credit) === 'contract') {
    if (intent.type === 'back') return step(state, { ...fresh, stage: 'choose', agreed: null });
    const text = contractOf(s, credit)?.text;
    return intent.type === 'agree' && text != null
      ? step(state, { ...fresh, agreed: intent.value ? consentTo(text, state, now.nowMs) : null })
      : null;
  }
  if (intent.type === 'choose-amount') return chooseSum(state, fresh, intent.value, credit);
  if (stageShown(s, credit) === 'prepay')
    return intent.type === 'back'
      ? step(state, { ...fresh, stage: 'choose', chosenFen: null })
      : null;
  if (intent.type === 'prepay')
    return prepayOffered(s, credit) === null
      ? null
      : step(state, { ...fresh, stage: 'prepay', chosen: null, chosenFen: null });
  return intent.type === 'choose-bill' ? chooseBill(state, fresh, intent.value, credit) : null;
}

/** All that the oldest one's payee is owed. */
function firstChoice(
  service: AccountService,
  account: CreditAccount,
  credit: CreditPolicy | undefined,
): AccountSession['chosen'] {
  const items = service === 'bills' ? offeredItems(account, credit) : [];
  const payee = items[0]?.payee;
  return payee === undefined
    ? null
    : { payee, count: items.filter((i) => i.payee === payee).length };
}

function chooseSum(
  state: KioskState,
  s: AccountSession,
  amountFen: number,
  credit: CreditPolicy | undefined,
): Step | null {
  const sums = sumsOf(s, credit);
  if (sums == null) return null;
  const may = fits(amountFen, sums);
  return step(state, {
    ...s,
    chosenFen: may ? amountFen : null,
    problem: may ? null : 'SALE-0105',
  });
}

/** Between which sums the customer may choose here. */
function sumsOf(s: AccountSession, credit: CreditPolicy | undefined) {
  if (s.service === 'top-up') return credit?.topUp;
  return stageShown(s, credit) === 'prepay' ? credit?.bills?.prepay : partShown(s, credit);
}

/**
 * A touch on a bill ticks it with all older ones of its payee; on a ticked one it takes the tick
 * off it and off all newer ones. One payee is paid at a time.
 */
function chooseBill(
  state: KioskState,
  s: AccountSession,
  item: string,
  credit: CreditPolicy | undefined,
): Step | null {
  const items = offeredItems(s.account, credit);
  const payee = items.find((i) => i.item === item)?.payee;
  if (payee === undefined) return null;
  const at = items.filter((i) => i.payee === payee).findIndex((i) => i.item === item);
  const ticked = s.chosen?.payee === payee ? s.chosen.count : 0;
  const count = at < ticked ? at : at + 1;
  return step(state, {
    ...s,
    stage: 'choose',
    chosen: count === 0 ? null : { payee, count },
    chosenFen: null,
    agreed: null,
  });
}

/**
 * The customer agrees to the sum that is shown; a contract is read and agreed to before, and a
 * large sum, and that there is no slip, once more.
 */
function pay(state: KioskState, s: AccountSession, amountFen: number, now: Now): Step | null {
  const credit = state.service.policy?.credit;
  if (s.stage === 'is-it-you' || amountFen === 0 || sumOf(s, credit) !== amountFen) return null;
  const contract = contractOf(s, credit);
  if (contract !== undefined && contract.text === null)
    return step(state, { ...s, confirming: false, slipless: false, problem: 'SALE-0110' });
  if (contract !== undefined && (s.stage !== 'contract' || !isAgreed(state, s, credit)))
    return step(state, {
      ...s,
      stage: 'contract',
      agreed: null,
      confirming: false,
      slipless: false,
    });
  const sale = saleOf(s, credit);
  if (sale === null) return null;
  if (!s.confirming && isLargeSum(state, amountFen)) return step(state, confirming(state, s, now));
  if (mustAgreeToNoSlip(state, s)) return step(state, askingNoSlip(state, s, now));
  const asked = state.creditAsked + 1;
  return step(
    { ...state, creditAsked: asked },
    { ...s, busy: true, asked },
    { do: 'begin-credit', asked, sale },
  );
}

function saleOf(s: AccountSession, credit: CreditPolicy | undefined): CreditChoice | null {
  const { userNo, topUp, asOfMs } = s.account;
  if (stageShown(s, credit) === 'prepay') {
    const payee = prepayOffered(s, credit)?.payee;
    if (payee === undefined || s.chosenFen === null) return null;
    const lines = [{ item: 'balance', kind: 'prepay' as const, amountFen: s.chosenFen }];
    return { userNo, payee, lines, asOfMs, consent: null };
  }
  if (s.service === 'top-up') {
    if (topUp === null || s.chosenFen === null) return null;
    const lines = [{ item: 'balance', kind: 'balance' as const, amountFen: s.chosenFen }];
    return { userNo, payee: topUp.payee, lines, asOfMs, consent: null };
  }
  if (s.chosen === null) return null;
  const part = partShown(s, credit)?.fen ?? null;
  const lines = chosenItems(s, credit).map(({ item, kind, dueFen }) =>
    part === null
      ? { item, kind, amountFen: dueFen }
      : { item, kind, amountFen: part, part: true as const },
  );
  const consent = contractOf(s, credit) === undefined ? null : s.agreed;
  return { userNo, payee: s.chosen.payee, lines, asOfMs, consent };
}

/** All is at hand to make the order. Where the customer went away meanwhile, none is made. */
function onBegun(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'credit-begun' }>,
  now: Now,
): Step {
  const s = state.session;
  const { orderId, events } = event;
  if (s.at !== 'account' || halted(state) !== null || !s.busy || s.asked !== event.asked)
    return step(state, s, { do: 'release', orderId });
  // The printer was well when he agreed.
  if (mustAgreeToNoSlip(state, s))
    return step(state, askingNoSlip(state, { ...s, busy: false }, now), { do: 'release', orderId });
  const credit = state.service.policy?.credit;
  const owed = takenItems(s.account, credit).reduce((sum, i) => sum + i.dueFen, 0);
  return step(
    state,
    {
      // No card is waited for, and none that comes in is this visit's.
      ...orderSession(orderId, NO_CARD, false),
      cardOut: true,
      account: {
        service: s.service,
        userNo: s.account.userNo,
        restFen:
          s.service === 'bills' && stageShown(s, credit) !== 'prepay' ? owed - sumOf(s, credit) : 0,
        card: s.card,
      },
    },
    { do: 'journal', events },
  );
}

/** No insertion has this number. */
export const NO_CARD = -1;
