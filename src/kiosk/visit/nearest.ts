import { NEAR_SITES, NEAR_SITE_WORDS } from '../../shared/contract/index.ts';
import type { Header, NearSite } from '../../shared/contract/index.ts';
import type { Policy } from '../../shared/policy.ts';
import { chinaTime } from '../../shared/time.ts';

type Site = Policy['sites'][number];

/** Is it open at this wall time, by China's clock? A site without hours always is. */
export function isOpen({ hours }: { readonly hours?: Site['hours'] }, nowMs: number): boolean {
  if (hours === undefined) return true;
  const now = chinaTime(nowMs).slice(11, 16);
  const { from, to } = hours;
  // Past midnight, as a night hall: 18:00 to 06:00.
  return from <= to ? now >= from && now < to : now >= from || now < to;
}

/** All sites but this one, the nearest first; those without a distance after those that have one. */
export function others(sites: readonly Site[], here: Header['site']): readonly Site[] {
  const metres = (site: Site): number => site.metresFrom?.[here.zh] ?? Number.MAX_SAFE_INTEGER;
  return sites.filter((site) => site.name !== here.zh).toSorted((a, b) => metres(a) - metres(b));
}

const clipped = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;
/** What is longer would push the hotline off the screen. */
const both = (part: 'name' | 'detail', zh: string, en: string): NearSite['name'] => ({
  zh: clipped(zh, NEAR_SITE_WORDS[part].zh),
  en: clipped(en, NEAR_SITE_WORDS[part].en),
});

/**
 * Where customers whom this machine cannot serve are sent: the nearest other sites that are open
 * now, by the distances from this machine's own site; one without a distance comes after those that
 * have one, in the policy's order. Where policy names none that is open, those of terminal.json
 * that are. Nobody is sent to a closed door, so there may be none.
 */
export function nearestSites(
  sites: readonly Site[],
  { site: here, nearestSites: written = [] }: Pick<Header, 'site' | 'nearestSites'>,
  nowMs: number,
): NearSite[] {
  const open = <T extends Pick<Site, 'hours'>>(all: readonly T[]): T[] =>
    all.filter((site) => isOpen(site, nowMs)).slice(0, NEAR_SITES);
  const told = open(others(sites, here)).map(({ name, detail, en, hours, metresFrom }) => {
    const metres = metresFrom?.[here.zh];
    return {
      name: both('name', name, en?.name ?? name),
      detail: both('detail', detail, en?.detail ?? detail),
      ...(metres === undefined ? {} : { metres }),
      ...(hours === undefined ? {} : { hours }),
    };
  });
  return told.length > 0 ? told : open(written);
}
