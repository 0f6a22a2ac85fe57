import type { RequestShown, RequestStatusShown, Snapshot } from '../../shared/contract/index.ts';
import { maskPhone, maskUserNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import { isInWindow, offeredDays } from '../../shared/policy-requests.ts';
import type { RequestCategory } from '../../shared/policy-requests.ts';
import { HALVES, smsOf } from '../../shared/requests.ts';
import { never } from '../../shared/result.ts';
import { dueAt } from '../../shared/working-days.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { RequestLook, RequestSession } from '../state/requests.ts';
import { chosenOf, isFull, offeredCategories } from './request-offer.ts';
import { wallMs } from './view-base.ts';
import type { Base, ViewContext } from './view-base.ts';

/** So many things to ask for fit on a page, with every access mode on. */
const A_PAGE = 4;

/** The request's screen: one question at a time, and what to do where gas is smelt on all of them. */
export function requestView(
  state: KioskState,
  s: RequestSession,
  base: Base,
  ctx: ViewContext,
): Snapshot {
  const { policy } = state.service;
  const chosen = chosenOf(policy, s.form);
  return {
    ...base,
    screen: 'request',
    emergency: policy?.info?.emergency ?? ctx.hotline,
    subject: chosen === null ? null : chosen.category.name,
    problem: s.problem,
    shown: shownOf(state, s, ctx),
    deadlineMs: wallMs(ctx, s.deadlineMono),
  };
}

function shownOf(state: KioskState, s: RequestSession, ctx: ViewContext): RequestShown {
  const chosen = chosenOf(state.service.policy, s.form);
  if (s.step === 'find') return { step: 'find' };
  if (s.step === 'status') return { step: 'status', ...statusOf(s.look) };
  if (s.step === 'made') return madeOf(s, chosen?.category);
  if (s.step === 'menu' || chosen === null) return menuOf(state, s, ctx);
  const { category, requests } = chosen;
  switch (s.step) {
    case 'choice':
      return { step: 'choice', choices: category.choices };
    case 'slot':
      return {
        step: 'slot',
        sure: s.full !== null,
        days: offeredDays(category, requests.calendar, ctx.nowMs).map(({ date, gone }) => ({
          date,
          halves: HALVES.map((half) => ({
            half,
            state: gone.includes(half) ? 'gone' : isFull(s, { date, half }) ? 'full' : 'free',
          })),
        })),
      };
    case 'phone':
      return {
        step: 'phone',
        ...(smsOf(category.kind) === null ? {} : { mobile: true as const }),
      };
    case 'user':
      return {
        step: 'user',
        optional: category.userNo === 'optional',
        reading: s.reading,
      };
    case 'confirm':
      return {
        step: 'confirm',
        choice: category.choices.find((c) => c.id === s.form.choice)?.name ?? null,
        slot: s.form.slot,
        phone: maskPhone(s.form.phone),
        userNo: s.form.userNo === null ? null : maskUserNo(s.form.userNo),
        promise: category.promise,
        dueMs: dueAt(ctx.nowMs, category.promise, requests.calendar),
        ...smsShown(category),
      };
    default:
      return never(s.step);
  }
}

/** `made` null: it is being made, and nothing says yet that it was taken. */
function madeOf({ made }: RequestSession, category: RequestCategory | undefined): RequestShown {
  if (made === null) return { step: 'making' };
  const { number, dueMs, slip } = made;
  return { step: 'made', ref: orderRef(number), dueMs, slip, ...smsShown(category) };
}

/** What the screen says of messages; nothing of all else. */
function smsShown(category: RequestCategory | undefined): { sms?: 'subscribe' | 'stop' } {
  const sms = category === undefined ? null : smsOf(category.kind);
  return sms === null ? {} : { sms };
}

function menuOf(state: KioskState, s: RequestSession, ctx: ViewContext): RequestShown {
  const all = offeredCategories(state);
  const pages = Math.max(1, Math.ceil(all.length / A_PAGE));
  const page = Math.min(s.page, pages - 1);
  return {
    step: 'menu',
    page,
    pages,
    categories: all.slice(page * A_PAGE, (page + 1) * A_PAGE).map((c) => ({
      id: c.id,
      kind: c.kind,
      name: c.name,
      promise: c.promise,
      open: isInWindow(c, ctx.nowMs),
      window: c.window ?? null,
    })),
  };
}

function statusOf(look: RequestLook | null): RequestStatusShown {
  const none = { name: null, choice: null, slot: null, reply: null, dueMs: null };
  const ref = groupRef(look?.ref ?? '');
  const found = look?.found ?? null;
  if (look === null || look.answer !== 'known' || found === null)
    return {
      ...none,
      ref,
      state: look === null || look.answer === 'known' ? 'not-found' : look.answer,
    };
  const { name, choice, slot, state, reply, dueMs } = found;
  return { ref, state, name, choice, slot, reply, dueMs };
}

/** `031100427391` → `0311 0042 7391`, as on the slip. */
const groupRef = (ref: string): string =>
  ref.length > 8 ? `${ref.slice(0, 4)} ${ref.slice(4, -4)} ${ref.slice(-4)}` : ref;
