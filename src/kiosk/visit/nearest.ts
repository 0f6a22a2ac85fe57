import type { Header } from '../../shared/contract/index.ts';
import type { Policy } from '../../shared/policy.ts';
import { chinaTime } from '../../shared/time.ts';

type Site = Policy['sites'][number];

/** Is it open at this wall time, by China's clock? A site without hours always is. */
export function isOpen({ hours }: Pick<Site, 'hours'>, nowMs: number): boolean {
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

/**
 * Where a customer whom this machine cannot serve is sent: the nearest other site that is open now,
 * by the distances from this machine's own site; one without a distance comes after those that have
 * one, in the policy's order. Null: none is open, and nobody is sent to a closed door.
 */
export function nearestSite(
  sites: readonly Site[],
  here: Header['site'],
  nowMs: number,
): Pick<Site, 'name' | 'detail'> | null {
  const [nearest] = others(sites, here).filter((site) => isOpen(site, nowMs));
  return nearest === undefined ? null : { name: nearest.name, detail: nearest.detail };
}
