import type { Journal } from '../../journal/journal.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';
import { cardNoOf } from '../../shared/sale.ts';
import type { Bin, Effect, KioskEvent, KioskState, LeftCard, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import { cardToTake } from './step.ts';
import type { Settled } from './step.ts';
import { needsOf } from './visit.ts';

/**
 * A card that its visit no longer needs and nobody takes would block the slot all night. After the
 * policy's time a motor reader takes it into its bin; where there is none, or it is full, staff are
 * called. The card of an order that may yet be written is never taken in: staff are called, and
 * once that order has ended the card's time begins anew.
 */

/** Where policy says nothing. */
const CAPTURE_AFTER_MS = 600_000;
/** So many are kept by number; a bin holds fewer. */
const REMEMBERED = 200;
/** The insertion of a card that was called for before the reader, or this process, was away. */
const UNSEEN = -1;
/** The reader is lost: whether a card went in is not known. */
const LOST = 'CARD-0107';
/** An order in these may yet be written onto its card. */
const OWED: ReadonlySet<string> = new Set([
  'quoted',
  'collecting',
  'paid',
  'delivering',
  'in-doubt',
]);

/** What time does to a card that lies in the slot. */
export function settleLeft(state: KioskState, now: Now): Settled {
  const { left } = state;
  if (!lies(state)) {
    if (left === null) return { state, effects: [], wakeAtMono: null };
    // Whether it lies there still is told once the reader is back.
    if (left.told === 'called' && state.reader.state === 'offline')
      return {
        state:
          left.insertion === UNSEEN ? state : { ...state, left: { ...left, insertion: UNSEEN } },
        effects: [],
        wakeAtMono: null,
      };
    const effects = left.told === 'called' ? [tell(left.cardNo, 'taken')] : [];
    return { state: { ...state, left: null }, effects, wakeAtMono: null };
  }
  const { insertion } = state.reader;
  if (left === null || left.insertion !== insertion) {
    const here: LeftCard = { insertion, cardNo: cardIn(state), sinceMono: now.monoMs, told: null };
    const unseen = left?.insertion === UNSEEN;
    // Called for before, and there still for all that is known: the call stands, its time is new.
    const fresh: LeftCard = unseen
      ? { ...here, cardNo: here.cardNo ?? left.cardNo, told: 'called', owed: false }
      : here;
    const gone = left?.told === 'called' && !unseen ? [tell(left.cardNo, 'taken')] : [];
    return {
      state: { ...state, left: fresh },
      effects: gone,
      wakeAtMono: now.monoMs + afterMs(state),
    };
  }
  const due = left.sinceMono + afterMs(state);
  // Still there: it did not go, and is held out again.
  if (left.told === 'refused')
    return {
      state: { ...state, left: { ...left, told: 'called' } },
      effects: [tell(left.cardNo, 'not-captured', left.code)],
      wakeAtMono: null,
    };
  // Called for an order's sake, which is over: from now on it lies like any other.
  if (left.told === 'called' && left.owed === true && !isOwed(state, left.cardNo)) {
    const anew: LeftCard = { ...left, sinceMono: now.monoMs, owed: false };
    return {
      state: { ...state, left: anew },
      effects: [],
      wakeAtMono: now.monoMs + afterMs(state),
    };
  }
  if (left.told !== null && left.owed !== false) return { state, effects: [], wakeAtMono: null };
  if (now.monoMs < due) return { state, effects: [], wakeAtMono: due };
  // Its write may go on: it stays, and somebody comes.
  if (!state.bin.motor || isOwed(state, left.cardNo)) return call(state, left);
  return {
    state: { ...state, left: { ...unowed(left), told: 'capturing' } },
    effects: [tell(left.cardNo, 'capturing'), { do: 'capture', insertion, cardNo: left.cardNo }],
    wakeAtMono: null,
  };
}

/**
 * The reader's answer. Where it is lost with the reader nobody knows whether the card went: it
 * counts as in the bin, for a card that nobody looks for would be lost.
 */
export function onCaptured(
  state: KioskState,
  { insertion, cardNo, result }: Extract<KioskEvent, { type: 'captured' }>,
): Step {
  const { left } = state;
  if (result.ok) return { state, effects: [] };
  // Taken in the very instant: it is with its customer, and nobody looks for it in the bin.
  if (left?.insertion !== insertion)
    return {
      state,
      effects: result.error.code === LOST ? [] : [tell(cardNo, 'not-captured', result.error.code)],
    };
  const refused: LeftCard = { ...left, told: 'refused', code: result.error.code };
  return { state: { ...state, left: refused }, effects: [] };
}

/** The bin after these facts; the same where they say nothing of it. */
export function binAfter(bin: Bin, events: readonly JournalEvent[], nowMs: number): Bin {
  let { cards } = bin;
  for (const e of events) {
    if (e.kind === 'maintenance-action' && e.body.action === 'empty-bin') cards = [];
    if (e.kind !== 'card-left') continue;
    if (e.body.outcome === 'capturing')
      cards = [...cards, { cardNo: e.body.cardNo, atMs: nowMs }].slice(-REMEMBERED);
    if (e.body.outcome === 'not-captured') {
      const { cardNo } = e.body;
      const at = cards.findLastIndex((card) => card.cardNo === cardNo);
      cards = cards.filter((_, i) => i !== at);
    }
  }
  return cards === bin.cards ? bin : { ...bin, cards };
}

/** The bin as the last process left it. */
export function binAtStart(journal: Pick<Journal, 'meta'>, motor: boolean): Bin {
  const text = journal.meta('bin');
  return { motor, cards: text === null ? [] : (JSON.parse(text) as Bin['cards']) };
}

/**
 * A call that these facts tell of, for the next process: without it nobody would ever say that the
 * card is gone. Its text as `meta` keeps it; null: they tell of none.
 */
export function callAfter(events: readonly JournalEvent[]): string | null {
  const told = events.findLast((e) => e.kind === 'card-left');
  if (told?.kind !== 'card-left') return null;
  const { cardNo, outcome } = told.body;
  const stands = outcome === 'called' || outcome === 'not-captured';
  return JSON.stringify(stands ? { cardNo } : null);
}

/** The card that the last process called for; null: none. */
export function calledAtStart(journal: Pick<Journal, 'meta'>, monoMs: number): LeftCard | null {
  const called = JSON.parse(journal.meta('called') ?? 'null') as Pick<LeftCard, 'cardNo'> | null;
  return called === null
    ? null
    : { insertion: UNSEEN, cardNo: called.cardNo, sinceMono: monoMs, told: 'called' };
}

/** A card is in the slot that nothing is done with, and no technician is there. */
function lies(state: KioskState): boolean {
  return (
    cardToTake(state) &&
    needsOf(state).card !== 'in' &&
    !state.cardBusy &&
    ![...state.orders.values()].some((o) => o.writing)
  );
}

function cardIn({ card, reader }: KioskState): string | null {
  return card !== null && card.insertion === reader.insertion && card.result.ok
    ? card.result.value.cardNo
    : null;
}

/** A card that was not read may be any order's. */
function isOwed({ orders }: KioskState, cardNo: string | null): boolean {
  return [...orders.values()].some(
    ({ order }) => OWED.has(order.state) && (cardNo === null || cardNoOf(order) === cardNo),
  );
}

function afterMs({ service }: KioskState): number {
  return service.policy?.captureAfterMs ?? CAPTURE_AFTER_MS;
}

function unowed({ insertion, cardNo, sinceMono, told, code }: LeftCard): LeftCard {
  return { insertion, cardNo, sinceMono, told, ...(code === undefined ? {} : { code }) };
}

function call(state: KioskState, left: LeftCard): Settled {
  const owed = isOwed(state, left.cardNo) ? { owed: true } : {};
  return {
    state: { ...state, left: { ...unowed(left), told: 'called', ...owed } },
    effects: [tell(left.cardNo, 'called')],
    wakeAtMono: null,
  };
}

function tell(
  cardNo: string | null,
  outcome: 'capturing' | 'not-captured' | 'called' | 'taken',
  code?: string,
): Effect {
  const body = { cardNo, outcome, ...(code === undefined ? {} : { code }) };
  return { do: 'journal', events: [{ kind: 'card-left', orderId: null, body }] };
}
