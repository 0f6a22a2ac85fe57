import type { CardReading } from '../../card/types.ts';
import type { Intent } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { Effect, KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type {
  AccountSession,
  AmountSession,
  CannotSellSession,
  IdleSession,
  OrderSession,
  Purpose,
  ReadingSession,
  Session,
} from '../state/visit.ts';
import { MORE_TIME_MAX, moreTimeMs, screenMs } from './times.ts';

/** A step, and when time alone makes the next one: monotonic; null, never. */
export type Settled = Step & { readonly wakeAtMono: number | null };

/** Nobody is here. */
export const IDLE: IdleSession = { at: 'idle' };

/** The visit goes on as this session. */
export function step(state: KioskState, session: Session, ...effects: Effect[]): Step {
  return { state: { ...state, session }, effects };
}

/** The visit goes on as this session, until an event or the time `wakeAtMono`. */
export function rest(
  state: KioskState,
  session: Session,
  wakeAtMono: number | null,
  ...effects: Effect[]
): Settled {
  return { ...step(state, session, ...effects), wakeAtMono };
}

/** A card is in the reader, or held out at its gate. */
export function cardToTake({ reader }: Pick<KioskState, 'reader'>): boolean {
  return reader.state === 'present' || reader.state === 'mute' || reader.state === 'leaving';
}

/** After a visit: if the card is still inside, it is to be taken first. */
export function leave(state: KioskState, now: Now): Session {
  return cardToTake(state)
    ? { at: 'take-card', deadlineMono: now.monoMs + screenMs(state, 'take-card') }
    : IDLE;
}

/** The screen's time ends the visit. */
export function untilDeadline(
  state: KioskState,
  s: Exclude<Session, IdleSession | OrderSession | ReadingSession>,
  now: Now,
): Settled {
  return now.monoMs < s.deadlineMono
    ? rest(state, s, s.deadlineMono)
    : rest(state, leave(state, now), now.monoMs);
}

/** Somebody asks for more time, or moves the screen to read on. */
export const wantsTime = ({ type }: Pick<Intent, 'type'>): boolean =>
  type === 'more-time' || type === 'activity';

/** The customer asks for more time on a screen that only tells; what is left is never shortened. */
export function moreTime(
  state: KioskState,
  s: Exclude<Session, IdleSession | OrderSession | ReadingSession>,
  now: Now,
): Step {
  const deadlineMono = Math.max(s.deadlineMono, now.monoMs + moreTimeMs(state));
  return step(state, { ...s, deadlineMono });
}

/** … on a screen where something is chosen: so often, and added to what is left. Null: not again. */
export function someMoreTime(
  state: KioskState,
  s: AmountSession | AccountSession,
  now: Now,
): Step | null {
  if (s.extended >= MORE_TIME_MAX) return null;
  return step(state, {
    ...s,
    extended: s.extended + 1,
    deadlineMono: Math.max(s.deadlineMono, now.monoMs) + moreTimeMs(state),
  });
}

/** Somebody is at it: the screen's whole time begins again. */
export function active(
  state: KioskState,
  s: Exclude<Session, IdleSession | OrderSession | ReadingSession>,
  screenMs: number,
  now: Now,
): Step {
  return step(state, { ...s, deadlineMono: Math.max(s.deadlineMono, now.monoMs + screenMs) });
}

/** It does not go on, and why is said. */
export function cannotSell(
  state: KioskState,
  now: Now,
  reason: ErrorCode,
  reading: CardReading | null,
  account: CannotSellSession['account'] = null,
): Step {
  return step(state, {
    at: 'cannot-sell',
    reason,
    reading,
    account,
    deadlineMono: now.monoMs + screenMs(state, 'cannot-sell'),
  });
}

/** The card in the reader is read, for this purpose: a visit begins, or begins again. */
export function readCard(state: KioskState, insertion: number, purpose: Purpose): Step {
  return step(
    { ...state, cardBusy: true },
    { at: 'reading', insertion, stage: 'card', purpose, reading: null },
    { do: 'read-card', insertion },
  );
}

/** The visit is about this order from now on. `found`: it was not bought in this visit. */
export function orderSession(orderId: string, insertion: number, found: boolean): OrderSession {
  return {
    at: 'order',
    orderId,
    insertion,
    found,
    lastCheck: null,
    checked: null,
    receipt: 'none',
    slip: 'none',
    cardOut: false,
    rated: null,
    ending: null,
    gaveUp: false,
    closeWhy: null,
    scanProblem: null,
    account: null,
  };
}
