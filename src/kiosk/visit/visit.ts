import { cardNoOf } from '../../shared/sale.ts';
import type { CardReading } from '../../card/types.ts';
import type { Intent, ProviderKind } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { never } from '../../shared/result.ts';
import { whoTakes } from '../../payment/codes.ts';
import { UNKNOWN_GIVE_UP_MS } from '../order/attempts.ts';
import { MAX_ATTEMPTS } from '../orders.ts';
import { keyIsWrong } from '../delivery/card-refusals.ts';
import { judgeAccount, judgeCard, mostFen, roomQuantity, tooMuch } from './card-sale/sellable.ts';
import type {
  AmountSession,
  Effect,
  KioskEvent,
  KioskState,
  OrderSession,
  Session,
  Step,
} from '../state/kiosk.ts';
import type { NextAttempt, Now, OpenOrder } from '../state/order.ts';

/** How long each screen waits for a person. */
export const SCREEN_MS = {
  'insert-card': 60_000,
  'cannot-sell': 60_000,
  'card-info': 60_000,
  amount: 120_000,
  /** Thanks, once the card is out. */
  thanks: 6_000,
  cancelled: 8_000,
  'in-doubt': 120_000,
  refunded: 30_000,
  'take-card': 20_000,
} as const;
/**
 * A customer's language and text size outlive the visit by this much: time to begin again, not to
 * greet the next one.
 */
export const PLAIN_AGAIN_MS = 30_000;
/** Each "more time" gives a minute, as often as WCAG 2.2.1 asks. */
const MORE_TIME_MS = 60_000;
const MORE_TIME_MAX = 10;

export const IDLE: Session = { at: 'idle' };

function step(state: KioskState, session: Session, ...effects: Effect[]): Step {
  return { state: { ...state, session }, effects };
}

/** A card is in the reader, or held out at its gate. */
export function cardToTake({ reader }: Pick<KioskState, 'reader'>): boolean {
  return reader.state === 'present' || reader.state === 'mute' || reader.state === 'leaving';
}

/** After a visit: if the card is still inside, it is to be taken first. */
function leave(state: KioskState, now: Now): Session {
  return cardToTake(state)
    ? { at: 'take-card', deadlineMono: now.monoMs + SCREEN_MS['take-card'] }
    : IDLE;
}

export function cannotSell(
  state: KioskState,
  now: Now,
  reason: ErrorCode,
  reading: CardReading | null,
  account: Extract<Session, { at: 'cannot-sell' }>['account'] = null,
): Step {
  return step(state, {
    at: 'cannot-sell',
    reason,
    reading,
    account,
    deadlineMono: now.monoMs + SCREEN_MS['cannot-sell'],
  });
}

export function orderSession(orderId: string, insertion: number, found: boolean): OrderSession {
  return {
    at: 'order',
    orderId,
    insertion,
    found,
    lastCheck: null,
    checked: null,
    wrongCard: false,
    receipt: 'none',
    slip: 'none',
    cardOut: false,
    ending: null,
    gaveUp: false,
    closeWhy: null,
    scanProblem: null,
  };
}

/**
 * The session's answer to one event. Orders move by themselves (orders.ts); this is what the
 * customer sees and may do.
 */
export function sessionStep(state: KioskState, event: KioskEvent, now: Now): Step {
  const s = state.session;
  switch (event.type) {
    case 'reader':
      return onReader(state, event, now);
    case 'card-read':
      return onCardRead(state, event, now);
    case 'account': {
      if (s.at !== 'reading' || s.insertion !== event.insertion || s.reading === null)
        return { state, effects: [] };
      const { reading, purpose } = s;
      if (purpose === 'query')
        return step(state, {
          at: 'card-info',
          reading,
          account: event.result.ok ? event.result.value.account : null,
          deadlineMono: now.monoMs + SCREEN_MS['card-info'],
        });
      if (!event.result.ok) return cannotSell(state, now, event.result.error.code, reading);
      // Another kiosk's order was begun on this card and not finished: it is finished here, before
      // anything else is sold.
      const { claim } = event.result.value.account;
      if (
        claim !== null &&
        claim.terminalId !== now.terminalId &&
        (claim.state === 'delivering' || claim.state === 'in-doubt')
      ) {
        // What this kiosk would tell of it central does not take now: another one finishes it.
        const untold = state.maintenance.blocked?.code;
        if (untold === 'BILL-0104' || untold === 'BILL-0109' || untold === 'JRNL-0106')
          return cannotSell(state, now, untold, reading);
        return step(
          state,
          {
            at: 'assist',
            insertion: s.insertion,
            reading,
            orderId: claim.orderId,
            origin: claim.terminalId,
            stage: 'asking',
            order: null,
            claimMs: 0,
            untilMono: now.monoMs,
            writes: 0,
            deadlineMono: now.monoMs,
          },
          {
            do: 'assist-claim',
            insertion: s.insertion,
            orderId: claim.orderId,
            cardNo: reading.cardNo,
          },
        );
      }
      if (event.parked !== null) {
        const { orderId } = event.parked.order;
        return step(
          { ...state, orders: new Map(state.orders).set(orderId, event.parked) },
          orderSession(orderId, event.insertion, true),
        );
      }
      const { account, offline } = event.result.value;
      const { policy } = state.service;
      if (policy === null) return cannotSell(state, now, 'SALE-0110', reading, account);
      const reason = judgeAccount(reading, account, policy);
      // Who looks for stuck money is told that there is none, and is not led to pay again.
      if (purpose === 'unfinished' && reason !== 'SALE-0107')
        return cannotSell(state, now, 'SALE-0115', reading, account);
      if (reason !== null) return cannotSell(state, now, reason, reading, account);
      // Whose purchase that is, and whether it still counts, only central could tell.
      if (offline && reading.unfinished)
        return cannotSell(state, now, 'SALE-0107', reading, account);
      if (state.service.lineUp === false)
        return cannotSell(state, now, 'SALE-0111', reading, account);
      if (state.service.blocked !== null)
        return cannotSell(state, now, state.service.blocked.code, reading, account);
      return step(state, {
        at: 'amount',
        insertion: s.insertion,
        reading,
        account,
        offline,
        chosenFen: null,
        quote: null,
        problem: null,
        busy: null,
        asked: 0,
        extended: 0,
        deadlineMono: now.monoMs + SCREEN_MS.amount,
      });
    }
    case 'preview': {
      if (s.at !== 'amount' || s.asked !== event.asked || s.busy !== 'quoting')
        return { state, effects: [] };
      if (!event.result.ok)
        return step(state, { ...s, busy: null, quote: null, problem: event.result.error.code });
      const { quote, offline } = event.result.value;
      if (quote.quantity > roomQuantity(s.reading, s.account))
        return step(state, {
          ...s,
          busy: null,
          quote: null,
          problem: tooMuch(s.reading, s.account),
        });
      return step(state, { ...s, busy: null, quote, offline, problem: null });
    }
    case 'order-begun':
      if (s.at !== 'amount' || s.insertion !== event.insertion || s.busy !== 'paying')
        return step(state, s, { do: 'release', orderId: event.orderId });
      return step(state, orderSession(event.orderId, event.insertion, false), {
        do: 'journal',
        events: event.events,
      });
    case 'order-not-begun':
      if (s.at !== 'amount' || s.insertion !== event.insertion) return { state, effects: [] };
      return step(state, { ...s, busy: null, problem: event.failure.code });
    case 'order-found': {
      if (s.at !== 'order-status' || s.ref !== event.ref) return { state, effects: [] };
      const { result } = event;
      return step(state, {
        ...s,
        found: result.ok ? result.value : null,
        answer: !result.ok ? 'no-answer' : result.value === null ? 'not-found' : 'known',
        deadlineMono: now.monoMs + SCREEN_MS['card-info'],
      });
    }
    case 'printed': {
      const fact: Effect = {
        do: 'journal',
        events: [
          {
            kind: 'slip-printed',
            orderId: event.orderId,
            body: { what: event.what, ok: event.ok },
          },
        ],
      };
      if (s.at !== 'order' || s.orderId !== event.orderId) return { state, effects: [fact] };
      return step(
        state,
        event.what === 'receipt'
          ? { ...s, receipt: event.ok ? 'printed' : 'failed' }
          : { ...s, slip: event.ok ? 'printed' : 'failed' },
        fact,
      );
    }
    case 'scanned':
      return onScanned(state, event);
    case 'intent':
      return onIntent(state, event.intent, now);
    case 'tick':
    case 'maintenance':
    case 'called':
    case 'written':
    case 'keep':
    case 'claimed':
    case 'heard':
    case 'command':
    case 'assist-claimed':
    case 'assist-written':
    case 'service':
      return { state, effects: [] };
    default:
      return never(event);
  }
}

function onReader(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'reader' }>,
  now: Now,
): Step {
  const s = state.session;
  const fresh = event.insertion !== state.reader.insertion;
  const reader = {
    state: event.state,
    insertion: event.insertion,
    failure: event.failure,
    sinceMs: event.state === state.reader.state ? state.reader.sinceMs : now.nowMs,
  };
  const next: KioskState = {
    ...state,
    reader,
    card: fresh || event.state !== 'present' ? null : state.card,
  };
  const read: Effect = { do: 'read-card', insertion: event.insertion };

  if (event.state === 'present') {
    if (!fresh && state.card !== null) return { state: next, effects: [] };
    // Only an order that waits for a card keeps the screen; one whose payment is asked about in the
    // background lets the next visit begin.
    const paymentInDoubt = s.at === 'order' && s.gaveUp && s.ending !== null;
    if (
      s.at === 'order' &&
      !paymentInDoubt &&
      (s.ending === null || s.ending.screen === 'in-doubt')
    )
      return step({ ...next, cardBusy: true }, { ...s, wrongCard: false }, read);
    // A write under another kiosk's claim is on its way to a card that is gone: its end is waited
    // for.
    if (s.at === 'assist' && s.stage === 'writing') return { state: next, effects: [] };
    const purpose =
      s.at === 'insert-card' ? s.purpose : s.at === 'order-status' ? 'unfinished' : 'buy';
    return step(
      { ...next, cardBusy: true },
      { at: 'reading', insertion: event.insertion, stage: 'card', purpose, reading: null },
      read,
    );
  }
  if (event.state === 'mute') {
    if ((s.at === 'order' && s.ending === null) || (s.at === 'assist' && s.stage === 'writing'))
      return { state: next, effects: [] };
    return cannotSell(next, now, event.failure?.code ?? 'CARD-0101', null);
  }
  // A motor reader holds it out: the screen stays until it is taken.
  if (event.state === 'leaving') return { state: next, effects: [] };
  // empty or offline: the card is gone
  switch (s.at) {
    case 'idle':
      return { state: next, effects: [] };
    case 'insert-card':
    case 'order-status':
      return event.state === 'offline' ? step(next, IDLE) : { state: next, effects: [] };
    case 'assist':
      if (s.stage === 'writing') return { state: next, effects: [] };
      return s.stage === 'pulled' ? { state: next, effects: [] } : step(next, IDLE);
    case 'reading':
    case 'cannot-sell':
    case 'card-info':
    case 'amount':
    case 'take-card':
      return step(next, IDLE);
    case 'order':
      return step(next, cardLeft(s, next.orders.get(s.orderId), now));
    default:
      return never(s);
  }
}

function cardLeft(s: OrderSession, open: OpenOrder | undefined, now: Now): Session {
  if (s.ending?.screen === 'done')
    return {
      ...s,
      cardOut: true,
      ending: { screen: 'done', deadlineMono: now.monoMs + SCREEN_MS.thanks },
    };
  if (open?.order.state === 'collecting' && s.closeWhy === null && !s.gaveUp)
    return { ...s, closeWhy: 'card-removed', wrongCard: false };
  return { ...s, cardOut: true, wrongCard: false };
}

function onCardRead(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  now: Now,
): Step {
  if (event.insertion !== state.reader.insertion || state.reader.state !== 'present')
    return { state: { ...state, cardBusy: false }, effects: [] };
  const next: KioskState = {
    ...state,
    cardBusy: false,
    card: { insertion: event.insertion, result: event.result },
  };
  const s = state.session;
  if (s.at === 'order') {
    const paid = next.orders.get(s.orderId)?.order;
    const cardNo = paid === undefined ? undefined : cardNoOf(paid);
    return step(next, {
      ...s,
      wrongCard: event.result.ok && cardNo !== undefined && event.result.value.cardNo !== cardNo,
    });
  }
  if (s.at !== 'reading' || s.insertion !== event.insertion) return { state: next, effects: [] };
  if (!event.result.ok) return cannotSell(next, now, event.result.error.code, null);
  const reading = event.result.value;
  for (const { order } of next.orders.values()) {
    if (cardNoOf(order) !== reading.cardNo) continue;
    if (order.state === 'paid' || order.state === 'delivering' || order.state === 'in-doubt')
      return step(next, orderSession(order.orderId, event.insertion, true));
    if ((order.state === 'quoted' || order.state === 'collecting') && s.purpose !== 'query')
      return cannotSell(next, now, 'SALE-0114', reading);
    if (order.state === 'refunding' && s.purpose === 'unfinished')
      return step(next, orderSession(order.orderId, event.insertion, true));
  }
  // Another card of the same account: its next count may be the other order's.
  if (s.purpose !== 'query') {
    for (const { order } of next.orders.values()) {
      if (order.sale.userNo !== reading.userNo || cardNoOf(order) === reading.cardNo) continue;
      if (order.state === 'paid' || order.state === 'delivering' || order.state === 'in-doubt')
        return cannotSell(next, now, 'SALE-0107', reading);
      if (order.state === 'quoted' || order.state === 'collecting')
        return cannotSell(next, now, 'SALE-0114', reading);
    }
  }
  const reason = judgeCard(reading);
  if (reason !== null && s.purpose !== 'query') return cannotSell(next, now, reason, reading);
  if (s.purpose === 'buy' && keyIsWrong(next.refusals, reading.layout))
    return cannotSell(next, now, 'CARD-0206', reading);
  return step(
    next,
    { ...s, stage: 'account', reading },
    { do: 'ask-account', insertion: event.insertion, reading },
  );
}

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

/** Will this code be charged if it is scanned now? */
export function takesScan(state: KioskState, code: string): boolean {
  return (
    switchable(state) !== null &&
    whoTakes(code, state.service.policy?.paymentCodes, takers(state)) !== null
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
  return step(
    { ...state, orders: new Map(state.orders).set(at.s.orderId, { ...at.open, next }) },
    { ...at.s, scanProblem: null, lastCheck: null },
  );
}

function onScanned(state: KioskState, event: Extract<KioskEvent, { type: 'scanned' }>): Step {
  const at = switchable(state);
  if (at === null || state.codeProviders.length === 0) return { state, effects: [] };
  const problem = (code: ErrorCode): Step => step(state, { ...at.s, scanProblem: code });
  // The scanner reads what is held before it again and again: a code that was just declined does
  // not hide why.
  if (event.used)
    return declinedFor(at.open) === null ? problem('PAY-0403') : { state, effects: [] };
  const provider = whoTakes(event.code, state.service.policy?.paymentCodes, takers(state));
  // A code of a wallet that is taken here when its line is up: another one's would do.
  if (
    provider === null &&
    whoTakes(event.code, state.service.policy?.paymentCodes, state.codeProviders) !== null
  )
    return problem('PAY-0406');
  return provider === null
    ? problem('PAY-0404')
    : switchTo(state, at, { provider, authCode: event.code });
}

function onIntent(state: KioskState, intent: Intent, now: Now): Step {
  const s = state.session;
  const nothing: Step = { state, effects: [] };
  switch (intent.type) {
    case 'set-locale':
      return { state: { ...state, locale: intent.value, plainAtMono: null }, effects: [] };
    case 'set-text-size':
      return { state: { ...state, textSize: intent.value, plainAtMono: null }, effects: [] };
    case 'open':
      if (s.at !== 'idle') return nothing;
      return step(state, {
        at: 'insert-card',
        purpose: intent.value,
        deadlineMono: now.monoMs + SCREEN_MS['insert-card'],
      });
    case 'exit':
      switch (s.at) {
        case 'idle':
        case 'reading':
        case 'take-card':
          return nothing;
        case 'insert-card':
        case 'order-status':
          return step(state, IDLE);
        case 'assist':
          return s.stage === 'asking' || s.stage === 'writing'
            ? nothing
            : step(state, leave(state, now));
        case 'cannot-sell':
        case 'card-info':
          return step(state, leave(state, now));
        case 'amount':
          return s.busy === 'paying' ? nothing : step(state, leave(state, now));
        case 'order':
          return s.ending === null || (s.ending.screen === 'done' && !s.cardOut)
            ? nothing
            : step(state, leave(state, now));
        default:
          return never(s);
      }
    case 'choose-amount':
      return s.at === 'amount' ? chooseAmount(state, s, intent.value, now) : nothing;
    case 'pay':
      if (
        s.at !== 'amount' ||
        s.busy !== null ||
        s.quote === null ||
        s.chosenFen !== intent.value ||
        s.quote.amountFen !== intent.value
      )
        return nothing;
      return step(
        state,
        { ...s, busy: 'paying', problem: null },
        { do: 'begin-order', session: s, amountFen: intent.value },
      );
    case 'cancel': {
      const open = s.at === 'order' ? state.orders.get(s.orderId) : undefined;
      if (s.at !== 'order' || open === undefined || !cancelOffered(s, open)) return nothing;
      return step(state, { ...s, closeWhy: 'customer' });
    }
    case 'scan':
      // The shell's keyboard-wedge scanner; the core takes it where it comes in (Kiosk.intent).
      return nothing;
    case 'pay-with': {
      const at = switchable(state);
      if (
        at === null ||
        !payChoices(state).includes(intent.value) ||
        at.open.attempts.at(-1)?.provider === intent.value
      )
        return nothing;
      return switchTo(state, at, { provider: intent.value, authCode: null });
    }
    case 'check-payment': {
      const open = s.at === 'order' ? state.orders.get(s.orderId) : undefined;
      const attempt = open?.attempts.at(-1);
      const run = attempt === undefined ? undefined : open?.runs.get(attempt.attemptId);
      if (
        s.at !== 'order' ||
        open === undefined ||
        attempt === undefined ||
        run === undefined ||
        attempt.state !== 'pending'
      )
        return nothing;
      const runs = new Map(open.runs).set(attempt.attemptId, { ...run, retryAtMono: now.monoMs });
      return step(
        { ...state, orders: new Map(state.orders).set(s.orderId, { ...open, runs }) },
        { ...s, lastCheck: 'asking', checked: { attemptId: attempt.attemptId, asked: run.asked } },
      );
    }
    case 'more-time':
      if (s.at === 'amount' && s.extended < MORE_TIME_MAX)
        return step(state, {
          ...s,
          extended: s.extended + 1,
          deadlineMono: Math.max(s.deadlineMono, now.monoMs) + MORE_TIME_MS,
        });
      if (
        s.at === 'insert-card' ||
        s.at === 'cannot-sell' ||
        s.at === 'card-info' ||
        s.at === 'order-status'
      )
        return step(state, { ...s, deadlineMono: now.monoMs + MORE_TIME_MS });
      // The wait for a paid order's card is the order's, not the screen's.
      if (
        s.at === 'order' &&
        s.ending?.screen === 'in-doubt' &&
        state.orders.get(s.orderId)?.order.state !== 'paid'
      )
        return step(state, {
          ...s,
          ending: { ...s.ending, deadlineMono: now.monoMs + SCREEN_MS['in-doubt'] },
        });
      return nothing;
    case 'print': {
      const open = s.at === 'order' ? state.orders.get(s.orderId) : undefined;
      if (s.at !== 'order' || open === undefined) return nothing;
      if (open.order.state === 'delivered' && s.receipt !== 'printing')
        return step(
          state,
          { ...s, receipt: 'printing' },
          { do: 'print', orderId: s.orderId, what: 'receipt' },
        );
      if (open.order.state !== 'delivered' && s.slip !== 'printing' && s.ending !== null)
        return step(
          state,
          { ...s, slip: 'printing' },
          { do: 'print', orderId: s.orderId, what: slipOf(open) },
        );
      return nothing;
    }
    case 'find-order':
      if (s.at !== 'insert-card' || s.purpose !== 'unfinished') return nothing;
      return step(
        state,
        {
          at: 'order-status',
          ref: intent.value,
          found: null,
          answer: 'asking',
          deadlineMono: now.monoMs + SCREEN_MS['insert-card'],
        },
        { do: 'find-order', ref: intent.value },
      );
    case 'open-maintenance':
    case 'enter-pin':
    case 'maintenance-tab':
    case 'maintenance-order':
    case 'maintenance-do':
      return nothing;
    case 'leave':
      if (s.at === 'assist' && s.stage === 'pulled') return step(state, leave(state, now));
      if (s.at !== 'order' || s.ending === null || s.ending.screen === 'done') return nothing;
      return step(state, leave(state, now));
    default:
      return never(intent);
  }
}

export function slipOf(open: OpenOrder): 'in-doubt' | 'refund' | 'parked' {
  if (open.order.state === 'in-doubt' && open.order.wantsRefund) return 'refund';
  if (open.order.state === 'refunding' || open.order.state === 'refunded') return 'refund';
  return open.order.state === 'parked' ? 'parked' : 'in-doubt';
}

function chooseAmount(state: KioskState, s: AmountSession, amountFen: number, now: Now): Step {
  const { policy } = state.service;
  if (policy === null || s.busy === 'paying') return { state, effects: [] };
  const most = mostFen(s.reading, s.account, policy);
  const asked = s.asked + 1;
  const deadlineMono = Math.max(s.deadlineMono, now.monoMs + SCREEN_MS.amount / 2);
  if (amountFen < policy.minFen || amountFen > policy.maxFen)
    return step(state, {
      ...s,
      asked,
      chosenFen: null,
      quote: null,
      busy: null,
      problem: 'SALE-0105',
      deadlineMono,
    });
  if (amountFen > most)
    return step(state, {
      ...s,
      asked,
      chosenFen: null,
      quote: null,
      busy: null,
      problem: tooMuch(s.reading, s.account),
      deadlineMono,
    });
  return step(
    state,
    {
      ...s,
      asked,
      chosenFen: amountFen,
      quote: null,
      problem: null,
      busy: 'quoting',
      deadlineMono,
    },
    { do: 'preview', asked, reading: s.reading, account: s.account, offline: s.offline, amountFen },
  );
}

/**
 * The card is back, and central is asked for the first time whether it may be finished: a moment,
 * not worth a screen of its own.
 */
function askingFirst(open: OpenOrder): boolean {
  return (
    open.order.state === 'in-doubt' &&
    !open.order.wantsRefund &&
    open.claim.asking &&
    open.claim.failure === null
  );
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

/** Which screen an order's session shows now. */
export function orderScreen(
  s: OrderSession,
  open: OpenOrder,
): 'pay' | 'writing' | 'done' | 'in-doubt' | 'refunding' | 'cancelled' | 'unfinished' {
  const { order } = open;
  switch (order.state) {
    case 'quoted':
    case 'collecting':
      return s.gaveUp ? 'in-doubt' : 'pay';
    case 'paid':
    case 'delivering':
    case 'in-doubt':
      if (open.writing || askingFirst(open)) return s.found ? 'unfinished' : 'writing';
      if (order.state === 'in-doubt' && order.wantsRefund)
        return s.found ? 'unfinished' : 'refunding';
      if (order.state === 'paid' && open.waitCardUntilMono === null && !s.wrongCard)
        return s.found ? 'unfinished' : 'writing';
      return 'in-doubt';
    case 'delivered':
      return 'done';
    case 'refunding':
    case 'refunded':
    case 'parked':
      return s.found ? 'unfinished' : 'refunding';
    case 'closed':
      return open.attempts.some((a) => a.taken === false) ? 'refunding' : 'cancelled';
    default:
      return never(order.state);
  }
}

/**
 * What time and the orders' progress do to the session: endings, give-ups, prints, and orders
 * found. Called after every change.
 */
export function settleSession(
  state: KioskState,
  now: Now,
): Step & { readonly wakeAtMono: number | null } {
  return settleVisit(
    state.session.at === 'idle' || state.plainAtMono === null
      ? state
      : { ...state, plainAtMono: null },
    now,
  );
}

/**
 * On the start screen the words of the last customer are kept for a moment, then it greets the next
 * one as usual.
 */
function settleIdle(state: KioskState, now: Now): Step & { readonly wakeAtMono: number | null } {
  if (state.locale === 'zh-CN' && state.textSize === 'normal')
    return { state, effects: [], wakeAtMono: null };
  const at = state.plainAtMono ?? now.monoMs + PLAIN_AGAIN_MS;
  if (now.monoMs >= at)
    return {
      state: { ...state, locale: 'zh-CN', textSize: 'normal', plainAtMono: null },
      effects: [],
      wakeAtMono: null,
    };
  return {
    state: state.plainAtMono === at ? state : { ...state, plainAtMono: at },
    effects: [],
    wakeAtMono: at,
  };
}

function settleVisit(state: KioskState, now: Now): Step & { readonly wakeAtMono: number | null } {
  const s = state.session;
  const done = (session: Session, wakeAtMono: number | null, ...effects: Effect[]) => ({
    ...step(state, session, ...effects),
    wakeAtMono,
  });

  if (s.at !== 'order') {
    // A paid order of the card in the reader goes on by itself: the customer watches it.
    const writing = [...state.orders.values()].find((o) => o.writing);
    if (writing !== undefined && s.at !== 'amount')
      return done(orderSession(writing.order.orderId, state.reader.insertion, true), now.monoMs);
    if (s.at === 'idle') return settleIdle(state, now);
    if (
      s.at === 'cannot-sell' &&
      s.reason === 'SALE-0114' &&
      s.reading !== null &&
      state.reader.state === 'present' &&
      !state.cardBusy
    ) {
      const { cardNo, userNo } = s.reading;
      const still = [...state.orders.values()].some(
        (o) =>
          (cardNoOf(o.order) === cardNo || o.order.sale.userNo === userNo) &&
          (o.order.state === 'collecting' || o.order.state === 'quoted'),
      );
      if (!still) {
        const { insertion } = state.reader;
        return {
          ...step(
            { ...state, card: null, cardBusy: true },
            { at: 'reading', insertion, stage: 'card', purpose: 'buy', reading: null },
            { do: 'read-card', insertion },
          ),
          wakeAtMono: null,
        };
      }
    }
    if (
      s.at === 'reading' ||
      (s.at === 'assist' && (s.stage === 'asking' || s.stage === 'writing'))
    )
      return done(s, null);
    if (now.monoMs < s.deadlineMono) return done(s, s.deadlineMono);
    if (s.at === 'amount' && s.busy === 'paying') return done(s, null);
    if (s.at === 'take-card') {
      const inside = cardToTake(state);
      return inside
        ? done(
            { ...s, deadlineMono: now.monoMs + SCREEN_MS['take-card'] },
            now.monoMs + SCREEN_MS['take-card'],
          )
        : done(IDLE, null);
    }
    return done(leave(state, now), now.monoMs);
  }

  const open = state.orders.get(s.orderId);
  if (open === undefined) return done(leave(state, now), now.monoMs);
  let next: OrderSession = s;
  const effects: Effect[] = [];
  const attempt = open.attempts.at(-1);
  const run = attempt === undefined ? undefined : open.runs.get(attempt.attemptId);
  let wake: number | null = null;

  // Another way of paying has begun: the question is void.
  if (s.lastCheck === 'asking' && s.checked?.attemptId !== attempt?.attemptId)
    next = { ...next, lastCheck: null };
  else if (s.lastCheck === 'asking' && run !== undefined && run.asked > (s.checked?.asked ?? 0))
    next = { ...next, lastCheck: run.lastFailure === null ? 'not-paid' : 'line-down' };
  if (open.order.state === 'collecting' && !next.gaveUp && run?.unknownSinceMono != null) {
    const at = run.unknownSinceMono + UNKNOWN_GIVE_UP_MS;
    if (now.monoMs >= at) next = { ...next, gaveUp: true, closeWhy: next.closeWhy ?? 'expired' };
    else wake = at;
  }
  const screen = orderScreen(next, open);
  const ended =
    screen !== 'pay' &&
    screen !== 'writing' &&
    !(
      screen === 'unfinished' &&
      (open.writing || open.order.state === 'paid' || askingFirst(open))
    );
  if (!ended) {
    if (next.ending !== null) next = { ...next, ending: null };
  } else if (next.ending === null || next.ending.screen !== endingKey(screen, open)) {
    const ms =
      screen === 'done'
        ? SCREEN_MS.thanks
        : screen === 'cancelled'
          ? SCREEN_MS.cancelled
          : screen === 'in-doubt'
            ? SCREEN_MS['in-doubt']
            : SCREEN_MS.refunded;
    next = {
      ...next,
      ending: {
        screen: endingKey(screen, open),
        deadlineMono: (screen === 'in-doubt' ? open.waitCardUntilMono : null) ?? now.monoMs + ms,
      },
    };
    const inside = state.reader.state === 'present' || state.reader.state === 'leaving';
    if (screen === 'done') next = { ...next, cardOut: !inside };
    if (state.service.printer.ready) {
      if (screen === 'done' && next.receipt === 'none') {
        next = { ...next, receipt: 'printing' };
        effects.push({ do: 'print', orderId: s.orderId, what: 'receipt' });
      } else if (
        screen !== 'done' &&
        screen !== 'cancelled' &&
        (next.slip === 'none' || (s.ending?.screen === 'in-doubt' && screen !== 'in-doubt'))
      ) {
        next = { ...next, slip: 'printing' };
        effects.push({ do: 'print', orderId: s.orderId, what: slipOf(open) });
      }
    }
  }
  if (next.ending !== null) {
    const mayEnd = !(screen === 'done' && !next.cardOut);
    if (
      mayEnd &&
      now.monoMs >= next.ending.deadlineMono &&
      !(open.order.state === 'paid' && open.waitCardUntilMono !== null)
    )
      return done(leave(state, now), now.monoMs, ...effects);
    if (mayEnd)
      wake = wake === null ? next.ending.deadlineMono : Math.min(wake, next.ending.deadlineMono);
  }
  return done(next, wake, ...effects);
}

function endingKey(screen: string, open: OpenOrder): string {
  return screen === 'refunding' || screen === 'unfinished'
    ? `${screen}:${open.order.state === 'closed' ? (open.attempts.find((a) => a.taken === false)?.state ?? '') : open.order.state}`
    : screen;
}
