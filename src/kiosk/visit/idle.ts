import type { Snapshot, Tile } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import { notSelling, outOfService, serviceLevel } from '../watch/selling.ts';
import { HOUSE_PAYEE } from '../../shared/sale.ts';
import { creditOffered, openAccount } from './account-sale/account-sale.ts';
import { askForCard } from './card-in.ts';
import { nextOutage, openInfo, toldTopics } from './hall-info.ts';
import { greeted, isPlain, plainAgainMs } from './manner.ts';
import { nearestSites } from './nearest.ts';
import { payAway, payChoices } from './paying.ts';
import { offeredCategories } from './request-offer.ts';
import { openRequests } from './requests.ts';
import type { Service } from './service.ts';
import { GIVE_CARD_BACK } from './service.ts';
import type { Settled } from './step.ts';
import { reference } from './view-base.ts';
import type { Base, ViewContext } from './view-base.ts';

/** Nobody is here: the start screen, or that the kiosk is out of service. */
export const idle: Service<'idle'> = {
  idle: {
    on: (state, _s, event, ctx) => {
      if (event.type !== 'intent') return null;
      // Whoever presses keys there is listening, and is not the next one.
      if (event.intent.type === 'activity')
        return { state: { ...state, plainAtMono: null }, effects: [] };
      if (event.intent.type !== 'open') return null;
      return OPEN[event.intent.value](state, ctx);
    },
    settle: (state, _s, ctx) => settleIdle(state, ctx),
    givesWay: true,
    view: (state, _s, base, ctx) => startView(state, base, ctx),
    // Whoever opened the door may show by his card who he is.
    needs: (state) => {
      const down = outOfService(state);
      return down === null || down === 'DEV-0401'
        ? GIVE_CARD_BACK
        : { card: 'shut', scanner: false };
    },
  },
};

/** Where each tile leads. */
const OPEN: Readonly<Record<Tile, (state: KioskState, now: Now) => Step>> = {
  query: (state, now) => askForCard(state, 'query', now),
  'my-account': (state, now) => askForCard(state, 'query', now),
  unfinished: (state, now) => askForCard(state, 'unfinished', now),
  request: openRequests,
  info: openInfo,
  'top-up': (state, now) => openAccount(state, 'top-up', now),
  bills: (state, now) => openAccount(state, 'bills', now),
};

const LOOK_AGAIN_MS = 60_000;

/** What a customer may have left in a machine that serves nobody. */
function heldNow({ reader, orders }: KioskState): ('card' | 'money')[] {
  const paid = [...orders.values()].some(
    ({ order: { state } }) =>
      state === 'paid' || state === 'delivering' || state === 'in-doubt' || state === 'refunding',
  );
  return [
    ...(reader.state === 'present' ? (['card'] as const) : []),
    ...(paid ? (['money'] as const) : []),
  ];
}

/** The same, with the instant since when it serves nobody; null while it does. */
function markDown(state: KioskState, { nowMs }: Now): KioskState {
  const downSinceMs = outOfService(state) === null ? null : (state.downSinceMs ?? nowMs);
  return downSinceMs === state.downSinceMs ? state : { ...state, downSinceMs };
}

/** A word is said for its time. */
function settleIdle(was: KioskState, now: Now): Settled {
  const before = markDown(was, now);
  const { word } = before;
  const said = word === null || now.monoMs < word.untilMono;
  const { state, effects, wakeAtMono } = settlePlain(
    said ? before : { ...before, word: null },
    now,
  );
  const wakes = [wakeAtMono, said ? (word?.untilMono ?? null) : null, byTheHour(state, now)].filter(
    (at) => at !== null,
  );
  return { state, effects, wakeAtMono: wakes.length === 0 ? null : Math.min(...wakes) };
}

/**
 * Hours of sites and announced interruptions begin and end while nothing else happens: then the
 * screen is looked at every minute.
 */
function byTheHour({ service: { policy } }: KioskState, { monoMs }: Now): number | null {
  const timed =
    policy !== null &&
    ((policy.info?.outages.length ?? 0) > 0 || policy.sites.some((s) => s.hours !== undefined));
  return timed ? monoMs + LOOK_AGAIN_MS : null;
}

/**
 * On the start screen the last customer's language, and how he had screen and voice, are kept for a
 * moment, then it greets the next one as usual.
 */
function settlePlain(state: KioskState, now: Now): Settled {
  if (isPlain(state) && !state.pluggedByKey) return { state, effects: [], wakeAtMono: null };
  const at = state.plainAtMono ?? now.monoMs + plainAgainMs(state);
  if (now.monoMs >= at)
    return {
      state: greeted(state),
      effects: [],
      wakeAtMono: null,
    };
  return {
    state: state.plainAtMono === at ? state : { ...state, plainAtMono: at },
    effects: [],
    wakeAtMono: at,
  };
}

function startView(state: KioskState, base: Base, ctx: ViewContext): Snapshot {
  const { policy } = state.service;
  const down = outOfService(state);
  if (down !== null)
    return {
      ...base,
      screen: 'out-of-service',
      reason: down,
      reference: reference(down, ctx.header),
      nearestSites: nearestSites(policy?.sites ?? [], ctx.header, ctx.nowMs),
      ...(state.downSinceMs === null ? {} : { sinceMs: state.downSinceMs }),
      held: heldNow(state),
    };
  const level = serviceLevel(state);
  const degraded: ErrorCode[] =
    level.level === 'degraded' ? level.lacks.flatMap(({ shown }) => shown ?? []) : [];
  return {
    ...base,
    screen: 'start',
    word: state.word?.kind ?? null,
    tiles: [
      ...(['top-up', 'bills'] as const).filter((service) => creditOffered(state, service)),
      policy?.myAccount === undefined ? ('query' as const) : ('my-account' as const),
      'unfinished',
      ...(offeredCategories(state).length > 0 ? (['request'] as const) : []),
      ...(toldTopics(policy, ctx.header.site, ctx.nowMs).length > 0 ? (['info'] as const) : []),
    ],
    // What the gateway's code is paid with has names.
    providers: payChoices(state).flatMap((kind) =>
      kind === 'gateway' ? (policy?.wallets?.[HOUSE_PAYEE] ?? [kind]) : [kind],
    ),
    payAway: [...payAway(state)],
    degraded,
    ...(state.bin.cards.length === 0 ? {} : { keptCards: state.bin.cards.length }),
    selling: notSelling(state) === null,
    outage: nextOutage(policy, ctx.nowMs),
    emergency: policy?.info?.emergency ?? ctx.hotline,
    notices: policy?.notices ?? [],
    ...(policy?.attractAfterSeconds === undefined
      ? {}
      : { attractAfterMs: policy.attractAfterSeconds * 1000 }),
  };
}
