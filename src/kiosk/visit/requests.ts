import type { Intent } from '../../shared/contract/index.ts';
import { isInWindow, isOffered, offeredDays } from '../../shared/policy-requests.ts';
import type { RequestCategory } from '../../shared/policy-requests.ts';
import { HALVES, isMobile, isPhone, isUserNo, smsOf } from '../../shared/requests.ts';
import type { RequestStep, Slot } from '../../shared/requests.ts';
import { never } from '../../shared/result.ts';
import type { ReduceContext } from '../state/context.ts';
import type { KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { RequestForm, RequestNews, RequestSession } from '../state/requests.ts';
import { chosenOf, isFull, offeredCategories } from './request-offer.ts';
import { requestView } from './requests-view.ts';
import { GIVE_CARD_BACK } from './service.ts';
import type { Service } from './service.ts';
import { active, leave, moreTime, step, untilDeadline } from './step.ts';
import { screenMs } from './times.ts';

/**
 * What a customer asks the company for (报修和预约), and how it stands. It works with every line
 * cut: the request is a fact of the journal before the screen says that it was taken.
 */
export const requests: Service<'request'> = {
  request: {
    on: (state, s, event, ctx) => {
      if (event.type === 'intent') return onTap(state, s, event.intent, ctx);
      if (event.type === 'request') return onNews(state, s, event.told, ctx);
      if (event.type === 'reader') return onReader(state, s, event);
      return event.type === 'card-read' ? onCardRead(state, s, event, ctx) : null;
    },
    settle: untilDeadline,
    givesWay: true,
    view: requestView,
    needs: () => GIVE_CARD_BACK,
  },
};

const NOTHING: RequestForm = {
  category: null,
  choice: null,
  slot: null,
  phone: '',
  userNo: null,
};

/** The tile was touched. */
export const openRequests = (state: KioskState, now: Now): Step =>
  step(state, {
    at: 'request',
    step: 'menu',
    page: 0,
    form: NOTHING,
    full: null,
    reading: false,
    problem: null,
    count: 0,
    made: null,
    look: null,
    deadlineMono: now.monoMs + screenMs(state, 'request'),
  });

/** The steps that a category takes, in their order. */
const stepsOf = ({ choices, slots, userNo }: RequestCategory): readonly RequestStep[] => [
  'menu',
  ...(choices.length === 0 ? [] : (['choice'] as const)),
  ...(slots === undefined ? [] : (['slot'] as const)),
  'phone',
  ...(userNo === 'none' ? [] : (['user'] as const)),
  'confirm',
];

/** The step that lies `by` steps on (or back) from this one. */
function stepFrom(category: RequestCategory, from: RequestStep, by: 1 | -1): RequestStep {
  const steps = stepsOf(category);
  return steps[steps.indexOf(from) + by] ?? 'menu';
}

/** What was told is kept, and the next step asked for. */
function on(state: KioskState, s: RequestSession, form: RequestForm, now: Now): Step {
  const chosen = chosenOf(state.service.policy, form);
  if (chosen === null || s.step === 'made' || s.step === 'find' || s.step === 'status')
    return gone(state, s, now);
  const next = { ...s, form, reading: false, problem: null };
  return active(
    state,
    { ...next, step: stepFrom(chosen.category, s.step, 1) },
    screenMs(state, 'request'),
    now,
  );
}

/** The policy changed under the customer: he begins again, and is told so. */
const gone = (state: KioskState, s: RequestSession, now: Now): Step =>
  active(
    state,
    { ...s, step: 'menu', page: 0, form: NOTHING, full: null, reading: false, problem: 'REQ-0102' },
    screenMs(state, 'request'),
    now,
  );

function onTap(
  state: KioskState,
  s: RequestSession,
  intent: Intent,
  ctx: ReduceContext,
): Step | null {
  const { type } = intent;
  if (type === 'exit') return step(state, leave(state, ctx));
  if (type === 'more-time') return moreTime(state, s, ctx);
  if (type === 'activity') return active(state, s, screenMs(state, 'request'), ctx);
  if (type === 'request-page')
    return active(state, { ...s, page: intent.value }, screenMs(state, 'request'), ctx);
  if (type === 'request-back') return onBack(state, s, ctx);
  // What was meant for one question answers no other.
  if (type === 'request-pick')
    return intent.step === s.step ? onPick(state, s, intent.value, ctx) : null;
  if (type === 'request-digits')
    return intent.step === s.step ? onDigits(state, s, intent.value, ctx) : null;
  if (type === 'request-submit' && s.step === 'confirm') return submit(state, s, ctx);
  if (type === 'request-look' && s.step === 'find') return look(state, s, intent, ctx);
  return type === 'request-find' && s.step === 'menu'
    ? active(state, { ...s, step: 'find', problem: null }, screenMs(state, 'request'), ctx)
    : null;
}

function onBack(state: KioskState, s: RequestSession, now: Now): Step {
  const begin = { ...s, problem: null, reading: false, look: null };
  const chosen = chosenOf(state.service.policy, s.form);
  if (s.step === 'made' || s.step === 'find' || s.step === 'status' || chosen === null)
    return active(
      state,
      { ...begin, step: 'menu', form: NOTHING },
      screenMs(state, 'request'),
      now,
    );
  const to = stepFrom(chosen.category, s.step, -1);
  const form = to === 'menu' ? NOTHING : s.form;
  return active(state, { ...begin, step: to, form }, screenMs(state, 'request'), now);
}

function onPick(
  state: KioskState,
  s: RequestSession,
  value: string,
  now: ReduceContext,
): Step | null {
  if (s.step === 'menu') return pickCategory(state, s, value, now);
  const chosen = chosenOf(state.service.policy, s.form);
  if (chosen === null) return gone(state, s, now);
  if (s.step === 'choice')
    return chosen.category.choices.some((c) => c.id === value)
      ? on(state, s, { ...s.form, choice: value }, now)
      : null;
  if (s.step !== 'slot') return null;
  const slot = slotOf(value);
  const days = offeredDays(chosen.category, chosen.requests.calendar, now.nowMs);
  if (slot === null || !isOffered(days, slot) || isFull(s, slot)) return null;
  return on(state, s, { ...s.form, slot }, now);
}

/** `2026-11-30 am`. */
function slotOf(value: string): Slot | null {
  const [date = '', word] = value.split(' ');
  const half = HALVES.find((h) => h === word);
  return half === undefined ? null : { date, half };
}

function pickCategory(
  state: KioskState,
  s: RequestSession,
  id: string,
  now: Now & { readonly nowMs: number },
): Step | null {
  const category = offeredCategories(state).find((c) => c.id === id);
  const { requests } = state.service.policy ?? {};
  if (category === undefined || requests === undefined || !isInWindow(category, now.nowMs))
    return null;
  if (s.count >= requests.perVisit)
    return active(state, { ...s, problem: 'REQ-0101' }, screenMs(state, 'request'), now);
  const begun = on(state, { ...s, full: null }, { ...NOTHING, category: id }, now);
  return category.slots === undefined
    ? begun
    : { ...begun, effects: [{ do: 'request', ask: { op: 'ask-slots', category: id } }] };
}

/** A number that can be called; for messages a mobile. */
function reaches(state: KioskState, form: RequestForm, digits: string): boolean {
  const chosen = chosenOf(state.service.policy, form);
  const sms = chosen === null ? null : smsOf(chosen.category.kind);
  return sms === null ? isPhone(digits) : isMobile(digits);
}

function onDigits(state: KioskState, s: RequestSession, digits: string, now: Now): Step | null {
  if (s.step === 'phone')
    return reaches(state, s.form, digits) ? on(state, s, { ...s.form, phone: digits }, now) : null;
  if (s.step !== 'user') return null;
  if (isUserNo(digits)) return on(state, s, { ...s.form, userNo: digits }, now);
  const chosen = chosenOf(state.service.policy, s.form);
  const skips = digits === '' && chosen?.category.userNo === 'optional';
  return skips ? on(state, s, { ...s.form, userNo: null }, now) : null;
}

/** A card says whose it is, where that is asked for; anywhere else it begins its own visit. */
function onReader(
  state: KioskState,
  s: RequestSession,
  event: Extract<KioskEvent, { type: 'reader' }>,
): Step | null {
  if (event.state === 'empty')
    return { state: { ...state, session: { ...s, reading: false } }, effects: [] };
  if (event.state !== 'present' || s.step !== 'user') return null;
  return step(
    { ...state, cardBusy: true },
    { ...s, reading: true, problem: null },
    { do: 'read-card', insertion: event.insertion },
  );
}

function onCardRead(
  state: KioskState,
  s: RequestSession,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  now: Now,
): Step | null {
  if (!s.reading || s.step !== 'user') return null;
  if (!event.result.ok)
    return active(
      state,
      { ...s, reading: false, problem: event.result.error.code },
      screenMs(state, 'request'),
      now,
    );
  const { userNo } = event.result.value;
  if (!isUserNo(userNo))
    return active(
      state,
      { ...s, reading: false, problem: 'CARD-0104' },
      screenMs(state, 'request'),
      now,
    );
  return on(state, s, { ...s.form, userNo }, now);
}

/** It is made, once: what came of it is an event, and no second tap is taken until then. */
function submit(state: KioskState, s: RequestSession, now: ReduceContext): Step {
  const chosen = chosenOf(state.service.policy, s.form);
  if (chosen === null || !stillHolds(state, s, now)) return gone(state, s, now);
  return step(
    state,
    {
      ...s,
      step: 'made',
      made: null,
      problem: null,
      deadlineMono: now.monoMs + screenMs(state, 'request'),
    },
    { do: 'request', ask: { op: 'make', form: s.form, count: s.count } },
  );
}

/** What was chosen minutes ago may be over: another policy, a half day that has begun. */
function stillHolds(state: KioskState, s: RequestSession, now: ReduceContext): boolean {
  const chosen = chosenOf(state.service.policy, s.form);
  if (chosen === null || !offeredCategories(state).includes(chosen.category)) return false;
  const { category, requests } = chosen;
  const { choice, slot, phone, userNo } = s.form;
  const days = offeredDays(category, requests.calendar, now.nowMs);
  return (
    isInWindow(category, now.nowMs) &&
    reaches(state, s.form, phone) &&
    (category.choices.length === 0
      ? choice === null
      : category.choices.some((c) => c.id === choice)) &&
    (category.slots === undefined ? slot === null : slot !== null && isOffered(days, slot)) &&
    (category.userNo !== 'required' || userNo !== null)
  );
}

function look(
  state: KioskState,
  s: RequestSession,
  { value: ref, last4 }: Extract<Intent, { type: 'request-look' }>,
  now: Now,
): Step {
  const asked = { ref, last4, answer: 'asking', found: null } as const;
  return step(
    state,
    { ...s, step: 'status', look: asked, deadlineMono: now.monoMs + screenMs(state, 'request') },
    { do: 'request', ask: { op: 'look', ref, last4 } },
  );
}

function onNews(state: KioskState, s: RequestSession, told: RequestNews, now: Now): Step | null {
  switch (told.news) {
    case 'slots':
      return told.category === s.form.category && told.full.ok
        ? step(state, { ...s, full: told.full.value })
        : null;
    case 'made': {
      const { number, dueMs } = told;
      const made = { number, dueMs, slip: 'printing' } as const;
      return step(
        state,
        {
          ...s,
          step: 'made',
          count: s.count + 1,
          made,
          // The paper has it masked; nothing else needs it any more.
          form: { ...s.form, phone: '' },
          deadlineMono: now.monoMs + screenMs(state, 'request'),
        },
        { do: 'request', ask: { op: 'print', number, dueMs, form: s.form } },
      );
    }
    case 'refused':
      return active(
        state,
        { ...s, step: 'menu', page: 0, form: NOTHING, problem: told.code },
        screenMs(state, 'request'),
        now,
      );
    case 'printed':
      return s.made?.number === told.number
        ? step(state, { ...s, made: { ...s.made, slip: told.slip } })
        : null;
    case 'looked': {
      const { ref, last4, result } = told;
      // What was asked before with other digits is no answer to this.
      if (s.step !== 'status' || s.look?.ref !== ref || s.look.last4 !== last4) return null;
      const answer = !result.ok ? 'no-answer' : result.value === null ? 'not-found' : 'known';
      const seen = { ref, last4, answer, found: result.ok ? result.value : null } as const;
      return active(state, { ...s, look: seen }, screenMs(state, 'request'), now);
    }
    default:
      return never(told);
  }
}
