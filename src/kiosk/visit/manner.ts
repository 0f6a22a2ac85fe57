import { PLAIN_ACCESS } from '../../shared/contract/index.ts';
import type { Intent } from '../../shared/contract/index.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import { PLAIN_AGAIN_MS, moreTimeMs, paceOf } from './times.ts';

/**
 * How the customer has screen and voice: for his visit, and on the start screen for a moment
 * ({@link plainAgainMs}). A manner that takes more time gives it at once, on the screen that is
 * there.
 */
type Manners = Pick<KioskState, 'locale' | 'access' | 'muted' | 'spoken' | 'volume'>;
/** As the screen greets whoever comes next. */
export const PLAIN_MANNER: Manners = {
  locale: 'zh-CN',
  access: PLAIN_ACCESS,
  muted: false,
  spoken: false,
  volume: null,
};

/** Is it as everybody is greeted? */
export const isPlain = ({ locale, access, muted, spoken, volume }: Manners): boolean =>
  locale === 'zh-CN' &&
  !Object.values(access).includes(true) &&
  !muted &&
  !spoken &&
  volume === null;

/** How long the start screen keeps it: whoever listens to it is not gone. */
export const plainAgainMs = (state: KioskState): number =>
  PLAIN_AGAIN_MS * (state.spoken ? paceOf(state) : 1);

/** The screen that is there ends no sooner than a "more time" from now, where it now takes longer. */
function inItsTime(before: KioskState, after: KioskState, now: Now): KioskState {
  const { session } = after;
  if (paceOf(after) <= paceOf(before) || !('deadlineMono' in session)) return after;
  const deadlineMono = Math.max(session.deadlineMono, now.monoMs + moreTimeMs(after));
  return { ...after, session: { ...session, deadlineMono } };
}

const changed = (state: KioskState, to: Partial<Manners>, now: Now): KioskState =>
  inItsTime(state, { ...state, ...to, plainAtMono: null }, now);

/** What of it a tap or a key set. Null: the intent is another one. */
export function mannerSet(state: KioskState, intent: Intent, now: Now): KioskState | null {
  const { type } = intent;
  if (type === 'set-locale') return changed(state, { locale: intent.value }, now);
  if (type === 'set-access')
    return changed(state, { access: { ...state.access, [intent.value]: intent.on } }, now);
  if (type === 'set-mute') return changed(state, { muted: intent.value }, now);
  // Whoever asks to hear it wants to.
  if (type === 'set-spoken')
    return changed(state, intent.value ? { spoken: true, muted: false } : { spoken: false }, now);
  if (type === 'set-volume') return changed(state, { volume: intent.value, muted: false }, now);
  if (type !== 'set-headphones') return null;
  // A keypad tells each plug once, and a page that is being loaded anew does not hear it: whoever
  // plugs in where a pull went unheard is the next one, and wants to listen.
  const next = intent.value ? jackSet(state, true, now) : headphonesSet(state, false, now);
  return { ...next, pluggedByKey: intent.value };
}

/**
 * Whoever was here is gone, and a keypad's jack may have lost his pull: until it tells of a plug
 * again nobody is taken to listen alone.
 */
export const greeted = (state: KioskState): KioskState => ({
  ...state,
  ...PLAIN_MANNER,
  plainAtMono: null,
  headphones: state.headphones && !state.pluggedByKey,
  pluggedByKey: false,
});

/** Plugged in, they begin the spoken mode; pulled, they end it. While a technician works, neither. */
export const headphonesSet = (state: KioskState, plugged: boolean, now: Now): KioskState =>
  state.headphones === plugged ? state : jackSet(state, plugged, now);

function jackSet(state: KioskState, plugged: boolean, now: Now): KioskState {
  const next = { ...state, headphones: plugged };
  if (state.maintenance.mode.at === 'open') return next;
  return changed(next, plugged ? { spoken: true, muted: false } : { spoken: false }, now);
}
