import { technicianOf } from '../../card/types.ts';
import { SEARCH_DIGITS } from '../../shared/contract/index.ts';
import type { Intent, LogsView } from '../../shared/contract/index.ts';
import { never } from '../../shared/result.ts';
import type { ReduceContext } from '../state/context.ts';
import type { KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import { lockNow, oneMoreTry, wayOf } from '../state/maintenance.ts';
import type { MaintenanceEvent, MaintenanceMode, OpenMode, PinCard } from '../state/maintenance.ts';
import type { Now } from '../state/order.ts';
import { mannerSet } from '../visit/manner.ts';
import { IDLE, leave } from '../visit/step.ts';
import type { Settled } from '../visit/step.ts';
import { settleVisit, visitStep } from '../visit/visit.ts';
import { act } from './actions.ts';
import { maySee } from './roles.ts';
import {
  CARD_OUT_MS,
  IDLE_MS,
  LOOK_MS,
  MESSAGE_MS,
  PIN_IDLE_MS,
  SEARCH_MS,
  close,
  fact,
  look,
  nothing,
  op,
  put,
  putOpen,
  withBlocked,
} from './step.ts';

/**
 * Maintenance mode: a technician enters by a corner gesture and a PIN, or by his card and its PIN.
 * While it is open nothing is sold and no card is read; orders in the background go on. Pure like
 * the rest: the world is asked by effects (run.ts).
 */

/**
 * Maintenance mode's answer to an event; null: the event is not its business. Asked before the
 * orders and the visit.
 */
export function maintenanceStep(
  state: KioskState,
  event: KioskEvent,
  now: ReduceContext,
): Step | null {
  const m = state.maintenance;
  const { mode } = m;
  if (event.type === 'maintenance') return onNews(state, event, now);
  if (event.type === 'intent') return onIntent(state, event.intent, now);
  if (event.type === 'service') {
    if (event.change.blocked === undefined) return null;
    const next: KioskState = {
      ...state,
      service: { ...state.service, ...event.change },
      maintenance: { ...m, blocked: event.change.blocked },
    };
    return nothing(withBlocked(next));
  }
  if (event.type === 'reader') return onReader(state, event, now);
  if (event.type === 'card-read' && mode.at === 'idle') return onTechnician(state, event, now);
  if (event.type === 'card-read' && mode.at === 'open')
    return nothing({ ...state, cardBusy: false, card: null });
  return null;
}

/** A card came or went, or the reader did. */
function onReader(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'reader' }>,
  now: ReduceContext,
): Step | null {
  const m = state.maintenance;
  const { mode } = m;
  // The card whose PIN is asked for is gone, or not readable any more: nothing is asked.
  if (mode.at === 'pin' && mode.card !== null) {
    if (event.state === 'present' && event.insertion === mode.card.insertion)
      return nothing({ ...state, reader: { ...state.reader, failure: event.failure } });
    return visitStep({ ...state, maintenance: { ...m, mode: { at: 'idle' } } }, event, now);
  }
  // A customer comes first while nobody has shown who he is.
  if (mode.at === 'pin' && event.state === 'present' && event.insertion !== state.reader.insertion)
    return visitStep({ ...state, maintenance: { ...m, mode: { at: 'idle' } } }, event, now);
  if (mode.at !== 'open') return null;
  // The reader being away says nothing about the card: the idle time still holds.
  const { card } = mode;
  const out =
    card !== null &&
    card.outUntilMono === null &&
    event.state !== 'offline' &&
    (event.insertion !== card.insertion || event.state === 'empty' || event.state === 'leaving');
  const next: KioskState = out
    ? putOpen(state, mode, { card: { ...card, outUntilMono: now.monoMs + CARD_OUT_MS } }).state
    : state;
  return nothing({
    ...next,
    card: null,
    reader: {
      state: event.state,
      insertion: event.insertion,
      failure: event.failure,
      sinceMs: event.state === state.reader.state ? state.reader.sinceMs : now.nowMs,
    },
  });
}

/**
 * A card was read in a visit that has just begun: a technician's, of one who may enter, asks for
 * his PIN. Null: it is treated like every card.
 */
function onTechnician(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  now: ReduceContext,
): Step | null {
  const m = state.maintenance;
  const { session, reader } = state;
  const technician = technicianOf(event.result);
  if (technician === null) return null;
  const { cardNo, judgedBy } = technician;
  const who = m.enabled ? m.cards.get(cardNo) : undefined;
  if (who === undefined) {
    const step = visitStep(state, event, now);
    return {
      ...step,
      effects: [
        ...step.effects,
        op({ kind: 'log', message: `technician's card ${cardNo} is nobody's here` }),
      ],
    };
  }
  if (
    reader.state !== 'present' ||
    reader.insertion !== event.insertion ||
    session.at !== 'reading' ||
    session.insertion !== event.insertion
  )
    return null;
  const card: PinCard = { insertion: event.insertion, cardNo, who, judgedBy, problem: null };
  return put(
    { ...state, session: IDLE, card: null, cardBusy: false },
    {
      mode: { at: 'pin', wrong: false, check: null, card, deadlineMono: now.monoMs + PIN_IDLE_MS },
    },
  );
}

/** Nothing is asked any more; a card that is inside is to be taken. */
function closePin(state: KioskState, card: PinCard | null, now: Now): Step {
  return put(card === null ? state : { ...state, session: leave(state, now) }, {
    mode: { at: 'idle' },
  });
}

function onIntent(state: KioskState, intent: Intent, now: Now): Step | null {
  const m = state.maintenance;
  const { mode } = m;
  switch (mode.at) {
    case 'idle': {
      if (intent.type !== 'open-maintenance') return null;
      if (!m.enabled)
        return put(
          state,
          {},
          op({ kind: 'log', message: 'the corner was tapped; no maintenance user is configured' }),
        );
      const visit = state.session.at !== 'idle' && state.session.at !== 'cannot-sell';
      if (visit || [...state.orders.values()].some((o) => o.writing))
        return put(state, {}, op({ kind: 'log', message: 'the corner was tapped during a visit' }));
      return put(state, {
        mode: {
          at: 'pin',
          wrong: false,
          check: null,
          card: null,
          deadlineMono: now.monoMs + PIN_IDLE_MS,
        },
      });
    }
    case 'pin': {
      const deadlineMono = now.monoMs + PIN_IDLE_MS;
      if (intent.type === 'exit') return closePin(state, mode.card, now);
      if (intent.type === 'activity') return put(state, { mode: { ...mode, deadlineMono } });
      if (intent.type === 'set-locale' || intent.type === 'set-access')
        return words(
          { ...state, maintenance: { ...m, mode: { ...mode, deadlineMono } } },
          intent,
          now,
        );
      const way = wayOf(mode.card);
      const before = lockNow(m.locks, way, now.monoMs);
      if (intent.type !== 'enter-pin' || mode.check !== null || now.monoMs < before.untilMono)
        return nothing(state);
      // Nothing that is typed makes such a card good.
      if (mode.card?.problem === 'locked' || mode.card?.problem === 'not-ours')
        return nothing(state);
      const lock = oneMoreTry(before, mode.card, now.monoMs);
      const lockMs = lock.untilMono - now.monoMs;
      const check = m.checks + 1;
      return put(
        state,
        {
          mode: { ...mode, check, wrong: false, deadlineMono },
          checks: check,
          locks: new Map(m.locks).set(way, lock),
        },
        op({
          kind: 'check-pin',
          pin: intent.value,
          check,
          lock: { way, fails: lock.fails, lockMs },
          card: mode.card,
        }),
      );
    }
    case 'open':
      return onOpenIntent(
        { ...state, maintenance: { ...m, mode: { ...mode, deadlineMono: now.monoMs + IDLE_MS } } },
        { ...mode, deadlineMono: now.monoMs + IDLE_MS },
        intent,
        now,
      );
    default:
      return never(mode);
  }
}

/** Words and their size; nothing is spoken there. */
function words(
  state: KioskState,
  intent: Extract<Intent, { type: 'set-locale' | 'set-access' }>,
  now: Now,
): Step {
  return nothing(mannerSet(state, intent, now) ?? state);
}

function onOpenIntent(state: KioskState, mode: OpenMode, intent: Intent, now: Now): Step {
  if (intent.type === 'exit') return close(state, mode, 'exit', now);
  if (intent.type === 'set-locale' || intent.type === 'set-access')
    return words(state, intent, now);
  if (intent.type === 'maintenance-tab')
    return maySee(mode.role, intent.value)
      ? putOpen(state, mode, {
          tab: intent.value,
          openOrderId: null,
          shiftRef: '',
          readiness: null,
          lookAtMono: now.monoMs,
        })
      : nothing(state);
  if (intent.type === 'maintenance-order') {
    const openOrderId = intent.value === '' ? null : intent.value;
    // An order that is opened from the log is on its own tab from there on.
    const tab = mode.tab === 'logs' ? 'orders' : mode.tab;
    return putOpen(
      state,
      mode,
      { tab, openOrderId, message: null, lookAtMono: now.monoMs + LOOK_MS },
      look({ ...mode, tab, openOrderId }),
    );
  }
  if (intent.type === 'maintenance-log') {
    if (mode.tab !== 'logs') return nothing(state);
    const log = { filter: intent.value, from: intent.from };
    return putOpen(state, mode, { log, lookAtMono: now.monoMs + LOOK_MS }, look({ ...mode, log }));
  }
  if (intent.type === 'maintenance-search') {
    const { by, value: text } = intent;
    const [least, most] = SEARCH_DIGITS[by];
    if (text !== '' && (text.length < least || text.length > most)) return nothing(state);
    const search = text === '' ? null : { by, text };
    return putOpen(
      state,
      mode,
      { search, openOrderId: null, message: null, lookAtMono: now.monoMs + LOOK_MS },
      look({ ...mode, search, openOrderId: null }),
    );
  }
  if (intent.type === 'maintenance-shift')
    return putOpen(
      state,
      mode,
      { shiftRef: intent.value, message: null, lookAtMono: now.monoMs + LOOK_MS },
      look({ ...mode, shiftRef: intent.value }),
    );
  if (intent.type === 'maintenance-do') return act(state, mode, intent, now);
  // Anything else is a touch, and so more time.
  return nothing(state);
}

/** A PIN was checked. */
function onChecked(
  state: KioskState,
  event: Extract<MaintenanceEvent, { news: 'checked' }>,
  now: Now,
): Step {
  const m = state.maintenance;
  const { mode } = m;
  if (event.who === null) {
    const lock = lockNow(m.locks, event.way, now.monoMs);
    const body = {
      fails: lock.fails,
      lockedMs: Math.max(0, Math.round(lock.untilMono - now.monoMs)),
      ...(event.card === undefined ? {} : { card: event.card }),
    };
    const next: MaintenanceMode =
      mode.at === 'pin' && mode.check === event.check
        ? {
            ...mode,
            check: null,
            wrong: true,
            card: mode.card === null ? null : { ...mode.card, problem: event.card?.why ?? 'wrong' },
            deadlineMono: now.monoMs + PIN_IDLE_MS,
          }
        : mode;
    return put(state, { mode: next }, fact({ kind: 'maintenance-refused', orderId: null, body }));
  }
  const locks = new Map(m.locks);
  locks.delete(event.way);
  const cleared = put(state, { locks }, op({ kind: 'clear-lock', way: event.way }));
  // A customer came in between: the right PIN opens nothing any more.
  if (mode.at !== 'pin' || mode.check !== event.check) return cleared;
  const open: OpenMode = {
    at: 'open',
    who: event.who,
    role: m.roles.get(event.who) ?? 'technician',
    card: mode.card === null ? null : { insertion: mode.card.insertion, outUntilMono: null },
    tab: 'devices',
    openOrderId: null,
    search: null,
    shiftRef: '',
    exporting: false,
    log: { filter: 'all', from: '' },
    searchAtMono: null,
    machine: null,
    samples: 0,
    readiness: null,
    tests: {},
    verify: { state: 'none', problems: [], atMs: null },
    message: null,
    facts: null,
    lookAtMono: now.monoMs + LOOK_MS,
    deadlineMono: now.monoMs + IDLE_MS,
  };
  const entered = put({ ...cleared.state, session: IDLE, card: null }, { mode: open });
  // Known on disk as open before it is so: a kill in between tells one leaving too many, never
  // one too few.
  return {
    state: entered.state,
    effects: [
      ...cleared.effects,
      op({ kind: 'keep-open', who: event.who }),
      fact({
        kind: 'maintenance-entered',
        orderId: null,
        body: { who: event.who, ...(mode.card === null ? {} : { by: 'card' as const }) },
      }),
      look(open),
    ],
  };
}

function onNews(state: KioskState, event: MaintenanceEvent, now: Now): Step {
  const { mode } = state.maintenance;
  if (event.news === 'checked') return onChecked(state, event, now);
  if (mode.at !== 'open') return nothing(state);
  switch (event.news) {
    case 'looked':
      return putOpen(state, mode, {
        facts: event.facts,
        ...(event.facts.logs?.searchingMs == null ? {} : { searchAtMono: now.monoMs + SEARCH_MS }),
      });
    case 'looked-back':
      return lookedBack(state, mode, event.logs, now);
    case 'machine':
      return putOpen(state, mode, { machine: event.machine });
    case 'readiness':
      return putOpen(state, mode, {
        readiness: event.text,
        message:
          event.told === null ? null : { text: event.told, untilMono: now.monoMs + MESSAGE_MS },
      });
    case 'tested':
      return putOpen(state, mode, {
        tests: {
          ...mode.tests,
          [event.device]: { state: event.ok ? 'passed' : 'failed', detail: event.detail },
        },
      });
    case 'verified':
      return putOpen(state, mode, {
        verify: {
          state: event.ok ? 'ok' : 'failed',
          problems: [...event.problems].slice(0, 10),
          atMs: event.atMs,
        },
        tests: mode.tests,
      });
    case 'decided':
      return putOpen(
        state,
        mode,
        {
          message: { text: event.text, untilMono: now.monoMs + MESSAGE_MS },
          lookAtMono: now.monoMs + LOOK_MS,
        },
        { do: 'journal', events: event.events },
        look(mode),
      );
    case 'told':
    case 'exported':
      return putOpen(state, mode, {
        message: { text: event.text, untilMono: now.monoMs + MESSAGE_MS },
        lookAtMono: now.monoMs,
        ...(event.news === 'exported' ? { exporting: false } : {}),
      });
    default:
      return never(event);
  }
}

/** The log was searched further back. An answer to what is not shown any more is nobody's. */
function lookedBack(state: KioskState, mode: OpenMode, logs: LogsView, now: Now): Step {
  const { facts, log } = mode;
  if (facts?.logs == null || mode.tab !== 'logs') return nothing(state);
  if (logs.filter !== log.filter || logs.from !== log.from) return nothing(state);
  const searchAtMono = logs.searchingMs === null ? null : now.monoMs + SEARCH_MS;
  return putOpen(state, mode, { facts: { ...facts, logs }, searchAtMono });
}

/** What time does to maintenance mode; to the visit while it is closed. */
export function settleVisitor(state: KioskState, now: Now): Settled {
  const { mode } = state.maintenance;
  switch (mode.at) {
    case 'idle':
      return settleVisit(state, now);
    case 'pin': {
      if (now.monoMs >= mode.deadlineMono && mode.check === null)
        return { ...closePin(state, mode.card, now), wakeAtMono: now.monoMs };
      const visit = settleVisit(state, now);
      return {
        ...visit,
        wakeAtMono: Math.min(visit.wakeAtMono ?? mode.deadlineMono, mode.deadlineMono),
      };
    }
    case 'open': {
      const outMono = mode.card?.outUntilMono ?? Number.POSITIVE_INFINITY;
      if (now.monoMs >= outMono)
        return { ...close(state, mode, 'card-out', now), wakeAtMono: now.monoMs };
      if (now.monoMs >= mode.deadlineMono)
        return { ...close(state, mode, 'idle', now), wakeAtMono: now.monoMs };
      const message =
        mode.message !== null && now.monoMs >= mode.message.untilMono ? null : mode.message;
      const isDue = now.monoMs >= mode.lookAtMono;
      const lookAtMono = isDue ? now.monoMs + LOOK_MS : mode.lookAtMono;
      const searchMono = mode.tab === 'logs' ? mode.searchAtMono : null;
      if (searchMono !== null && now.monoMs >= searchMono)
        return {
          ...putOpen(state, mode, { searchAtMono: null }, op({ kind: 'look-back', log: mode.log })),
          wakeAtMono: now.monoMs,
        };
      const wakeAtMono = Math.min(
        searchMono ?? mode.deadlineMono,
        mode.deadlineMono,
        outMono,
        lookAtMono,
        message?.untilMono ?? mode.deadlineMono,
      );
      if (!isDue && message === mode.message) return { state, effects: [], wakeAtMono };
      return {
        ...putOpen(state, mode, { message, lookAtMono }, ...(isDue ? [look(mode)] : [])),
        wakeAtMono,
      };
    }
    default:
      return never(mode);
  }
}
