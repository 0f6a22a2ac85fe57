import { INFO_TOPICS } from '../../shared/contract/index.ts';
import type {
  InfoShown,
  InfoTopic,
  Intent,
  SiteView,
  Snapshot,
  StationView,
} from '../../shared/contract/index.ts';
import type { Outage, Papers, Station, Steward } from '../../shared/policy-info.ts';
import type { Policy } from '../../shared/policy.ts';
import { never } from '../../shared/result.ts';
import { DAY_MS } from '../../shared/time.ts';
import type { KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { InfoSession } from '../state/visit.ts';
import { isOpen, others } from './nearest.ts';
import { GIVE_CARD_BACK } from './service.ts';
import type { Service } from './service.ts';
import { active, leave, moreTime, step, untilDeadline, wantsTime } from './step.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';
import type { ViewContext } from './view-base.ts';

/**
 * How many fit on a page of any panel, with all access modes on (scripts/screens.mjs draws the
 * longest). Sites of longer words stand fewer on a page.
 */
const A_PAGE = { sites: 4, longSites: 2, outages: 2, stations: 3, stewards: 2 } as const;
/** So long may a site's words be, in Chinese letters: among four on a page, and at all. */
const SITE_WORDS = { short: { name: 20, detail: 30 }, most: { name: 40, detail: 80 } } as const;
/**
 * Companies announce an interruption at least so long before it: from then the start screen says
 * so.
 */
const AHEAD_MS = 2 * DAY_MS;

/** What the hall tells, all of it from the signed policy: it works with every line cut. */
export const hallInfo: Service<'info'> = {
  info: {
    on: (state, s, event, ctx) =>
      event.type === 'intent' ? onTap(state, s, event.intent, ctx) : null,
    settle: untilDeadline,
    givesWay: true,
    view: (state, s, base, ctx) => infoView(state, s, base, ctx),
    needs: () => GIVE_CARD_BACK,
  },
};

/** The tile was touched. */
export const openInfo = (state: KioskState, now: Now): Step =>
  step(state, {
    at: 'info',
    topic: 'menu',
    page: 0,
    group: 0,
    deadlineMono: now.monoMs + screenMs(state, 'info'),
  });

function onTap(state: KioskState, s: InfoSession, intent: Intent, ctx: Now): Step | null {
  if (intent.type === 'exit') return step(state, leave(state, ctx));
  if (wantsTime(intent)) return moreTime(state, s, ctx);
  if (intent.type === 'info-topic')
    return active(
      state,
      { ...s, topic: intent.value, page: 0, group: 0 },
      screenMs(state, 'info'),
      ctx,
    );
  if (intent.type === 'info-page')
    return active(state, { ...s, page: intent.value, ...listOf(s) }, screenMs(state, 'info'), ctx);
  if (intent.type === 'info-group')
    return active(
      state,
      { ...s, group: intent.value, page: s.topic === 'papers' ? s.page : 0 },
      screenMs(state, 'info'),
      ctx,
    );
  return null;
}

/** Another list to bring is shown itself, and not its code. */
const listOf = ({ topic }: InfoSession): Partial<InfoSession> =>
  topic === 'papers' ? { group: 0 } : {};

/** Has it anything to tell? Without it the tile is not there. */
export const toldTopics = (
  policy: Policy | null,
  here: ViewContext['header']['site'],
  nowMs: number,
): readonly InfoTopic[] => {
  if (policy === null) return [];
  const { info } = policy;
  const there: Readonly<Record<InfoTopic, boolean>> = {
    sites: others(policy.sites, here).length > 0,
    outages: notOver(policy, nowMs).length > 0,
    prices: (info?.prices.length ?? 0) > 0,
    papers: (info?.papers.length ?? 0) > 0,
    stewards: (info?.stewards?.length ?? 0) > 0,
    stations: (info?.stations?.length ?? 0) > 0,
  };
  return INFO_TOPICS.filter((topic) => there[topic]);
};

/** Interruptions that are going on or to come, the next first. */
const notOver = ({ info }: Pick<Policy, 'info'>, nowMs: number): readonly Outage[] =>
  (info?.outages ?? []).filter((o) => o.toMs > nowMs).toSorted((a, b) => a.fromMs - b.fromMs);

/** The interruption that the start screen tells of: one that goes on, or begins within two days. */
export const nextOutage = (policy: Policy | null, nowMs: number): Outage | null =>
  (policy === null ? [] : notOver(policy, nowMs)).find((o) => o.fromMs - nowMs <= AHEAD_MS) ?? null;

function infoView(
  state: KioskState,
  s: InfoSession,
  base: Parameters<Service<'info'>['info']['view']>[2],
  ctx: ViewContext,
): Snapshot {
  const { policy } = state.service;
  return {
    ...base,
    screen: 'info',
    topics: [...toldTopics(policy, ctx.header.site, ctx.nowMs)],
    emergency: policy?.info?.emergency ?? null,
    complaints: policy?.info?.complaints ?? null,
    shown: (policy === null ? null : shownOf(policy, s, ctx)) ?? { topic: 'menu' },
    deadlineMs: wallMs(ctx, s.deadlineMono),
  };
}

/** A page of `all`; one that is not there any more is the last that is. Null: there is none. */
function pageOf<T>(all: readonly T[], page: number, size: number) {
  const pages = Math.ceil(all.length / size);
  if (pages === 0) return null;
  const at = Math.min(page, pages - 1);
  return { page: at, pages, of: all.slice(at * size, (at + 1) * size) };
}

/** Null: there is nothing to tell of it any more, since a newer policy came. */
function shownOf(policy: Policy, s: InfoSession, ctx: ViewContext): InfoShown | null {
  const { info } = policy;
  switch (s.topic) {
    case 'menu':
      return { topic: 'menu' };
    case 'sites': {
      const all = others(policy.sites, ctx.header.site);
      const { short } = SITE_WORDS;
      const long = all.some((o) => o.name.length > short.name || o.detail.length > short.detail);
      const at = pageOf(all, s.page, long ? A_PAGE.longSites : A_PAGE.sites);
      if (at === null) return null;
      const { page, pages, of } = at;
      return { topic: 'sites', page, pages, sites: of.map((site) => siteView(site, ctx)) };
    }
    case 'outages': {
      const at = pageOf(notOver(policy, ctx.nowMs), s.page, A_PAGE.outages);
      if (at === null) return null;
      return { topic: 'outages', page: at.page, pages: at.pages, outages: [...at.of] };
    }
    case 'prices': {
      const lists = info?.prices ?? [];
      const at = pageOf(lists, s.page, 1);
      const list = at?.of[0];
      if (at === null || list === undefined) return null;
      const names = lists.map((l) => l.name);
      return { topic: 'prices', page: at.page, pages: at.pages, names, list };
    }
    case 'papers': {
      const all = info?.papers ?? [];
      const at = pageOf(all, s.page, 1);
      const papers = at?.of[0];
      if (at === null || papers === undefined) return null;
      const names = all.map((p) => p.title);
      const url = papersUrl(policy, papers);
      return {
        topic: 'papers',
        page: at.page,
        pages: at.pages,
        names,
        papers,
        ...(url === null ? {} : { url }),
        code: url !== null && s.group === 1,
      };
    }
    case 'stations': {
      const at = pageOf(nearestFirst(info?.stations ?? [], ctx), s.page, A_PAGE.stations);
      if (at === null) return null;
      const stations = at.of.map((station) => stationView(station, ctx));
      return { topic: 'stations', page: at.page, pages: at.pages, stations };
    }
    case 'stewards':
      return stewardsShown(info?.stewards ?? [], s);
    default:
      return never(s.topic);
  }
}

/** The list's page for phones; null: it has none, or the policy names no address. */
const papersUrl = ({ receipts }: Policy, { id }: Papers): string | null =>
  id === undefined || receipts === undefined ? null : `${receipts.url}/p/${id}`;

/** Those of one district; the districts in the policy's order. */
function stewardsShown(all: readonly Steward[], { group, page }: InfoSession): InfoShown | null {
  const names = [...new Map(all.map((s) => [s.district.zh, s.district])).values()];
  const open = Math.min(group, names.length - 1);
  const here = all.filter((s) => s.district.zh === names[open]?.zh);
  const at = pageOf(here, page, A_PAGE.stewards);
  if (at === null) return null;
  return {
    topic: 'stewards',
    page: at.page,
    pages: at.pages,
    names,
    group: open,
    stewards: [...at.of],
  };
}

const metresTo = ({ metresFrom }: Station, { header }: ViewContext): number | null =>
  metresFrom?.[header.site.zh] ?? null;
/** Those without a distance after those that have one, in the policy's order. */
const nearestFirst = (all: readonly Station[], ctx: ViewContext): readonly Station[] =>
  all.toSorted(
    (a, b) =>
      (metresTo(a, ctx) ?? Number.MAX_SAFE_INTEGER) - (metresTo(b, ctx) ?? Number.MAX_SAFE_INTEGER),
  );

const stationView = (station: Station, ctx: ViewContext): StationView => ({
  name: station.name,
  address: station.address,
  does: station.does,
  metres: metresTo(station, ctx),
  hours: station.hours ?? null,
  openNow: isOpen({ hours: station.hours }, ctx.nowMs),
});

/** What is longer would push the buttons off the screen. */
const clipped = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;

function siteView(site: Policy['sites'][number], { header, nowMs }: ViewContext): SiteView {
  return {
    name: clipped(site.name, SITE_WORDS.most.name),
    detail: clipped(site.detail, SITE_WORDS.most.detail),
    metres: site.metresFrom?.[header.site.zh] ?? null,
    hours: site.hours ?? null,
    openNow: isOpen(site, nowMs),
  };
}
