import { canonicalJson } from '../../shared/canonical-json.ts';
import { num } from '../db/sql.ts';
import type { Script, Sql } from '../db/sql.ts';
import type { Policy } from '../../shared/policy.ts';
import { ownPart, partProblems, partsFor } from './policy-scopes.ts';
import type { PolicyPart, PolicyParts, Scope } from './policy-scopes.ts';

/** What is to be said in a scope from now on. */
export interface Publication {
  readonly scope: Scope;
  /** Null: the scope says nothing of its own any more. */
  readonly part: PolicyPart | null;
  readonly act: 'publish' | 'rollback';
  readonly who: string;
  readonly why: string;
  /** The scope's version that the person looked at; null: whichever it is. */
  readonly base: number | null;
  /** The version is no lower: for what kiosks heard before a restore. */
  readonly atLeast?: number;
}
/** What became of it. */
export type Published =
  | { readonly kind: 'published'; readonly version: number; readonly before: PolicyPart | null }
  /** The scope says this already. */
  | { readonly kind: 'same'; readonly version: number }
  /** Some terminal would go by no policy, or the file says what nobody reads. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] }
  /** Somebody else published in between. */
  | { readonly kind: 'overtaken'; readonly version: number };

/**
 * Publishes what a scope says, if every terminal that it touches then goes by a whole policy within
 * its bounds. Versions come from one counter for all scopes, so each terminal's rises whatever
 * changed. Whoever commits rings `POLICY_BELL`.
 */
export async function publish(
  tx: Script,
  { scope, part, act, who, why, base, atLeast = 0 }: Publication,
  nowMs: number,
): Promise<Published> {
  const head = await lockHead(tx);
  const parts = new Map(head.parts);
  const before = parts.get(scope) ?? null;
  const was = head.versions.get(scope) ?? 0;
  if (base !== null && base !== was) return { kind: 'overtaken', version: was };
  const own = part === null ? null : ownPart(part);
  // After a restore what is said may be right, and only its version too low.
  const raised = own !== null && atLeast > head.version;
  if (canonicalJson(own) === canonicalJson(before) && !raised)
    return { kind: 'same', version: was };
  if (own === null && scope === 'global')
    return { kind: 'refused', problems: ['global: the company’s own policy is only replaced'] };
  if (own === null) parts.delete(scope);
  else parts.set(scope, own);
  const problems = await problemsOf(tx, parts, scope, own ?? {});
  if (problems.length > 0) return { kind: 'refused', problems };
  const version = await nextVersion(tx, head, atLeast);
  await tx.query('DELETE FROM policy_scopes WHERE scope = $1', [scope]);
  const body = own === null ? null : canonicalJson(own);
  if (body !== null)
    await tx.query('INSERT INTO policy_scopes (scope, version, body) VALUES ($1, $2, $3)', [
      scope,
      version,
      body,
    ]);
  await tx.query(
    `INSERT INTO policy_versions (version, scope, body, act, who, why, at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [version, scope, body, act, who, why, nowMs],
  );
  return { kind: 'published', version, before };
}

/** What is said now, and in which version each scope said it last. */
export interface PolicyHead {
  readonly version: number;
  readonly published: boolean;
  readonly parts: PolicyParts;
  readonly versions: ReadonlyMap<string, number>;
}

/** What counts now; before anything was published, what central was started with. */
export async function policyHead(sql: Sql): Promise<PolicyHead> {
  const [row] = await sql.query<{ version: unknown; published: unknown }>(
    'SELECT version, published FROM policy_head WHERE head = 1',
  );
  const published = num(row?.published ?? 0) === 1;
  const rows = await sql.query<{ scope: string; version: unknown; body: string }>(
    published
      ? 'SELECT scope, version, body FROM policy_scopes'
      : `SELECT scope, version, body FROM policy_versions WHERE act = 'start'
         ORDER BY version DESC LIMIT 1`,
  );
  return {
    version: num(row?.version ?? 0),
    published,
    parts: new Map(rows.map((r) => [r.scope, JSON.parse(r.body) as PolicyPart])),
    versions: new Map(rows.map((r) => [r.scope, num(r.version)])),
  };
}

/** One publishes at a time. What central was started with becomes the first that is published. */
async function lockHead(tx: Script): Promise<PolicyHead> {
  await tx.query('UPDATE policy_head SET version = version WHERE head = 1');
  const head = await policyHead(tx);
  if (!head.published)
    for (const [scope, part] of head.parts)
      await tx.query(
        `INSERT INTO policy_scopes (scope, version, body) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING`,
        [scope, head.versions.get(scope) ?? 0, canonicalJson(part)],
      );
  return head;
}

async function nextVersion(tx: Sql, head: PolicyHead, atLeast = 0): Promise<number> {
  // Of a central of before: kiosks have heard of these.
  const [told] = await tx.query<{ version: unknown }>(
    'SELECT COALESCE(MAX(version), 0) AS version FROM policy',
  );
  const version = Math.max(head.version + 1, num(told?.version ?? 0) + 1, atLeast);
  await tx.query('UPDATE policy_head SET version = $1, published = 1 WHERE head = 1', [version]);
  return version;
}

/**
 * A terminal goes by another site's policy from now on: to it this is a later version.
 *
 * @returns what is wrong with the policy that it would go by; empty: it was moved
 */
export async function movedTo(
  tx: Script,
  terminalId: string,
  site: string,
): Promise<readonly string[]> {
  const head = await lockHead(tx);
  const problems = problemsThere(head, terminalId, site);
  if (head.published && problems.length === 0) await nextVersion(tx, head);
  return problems;
}

/** What is wrong with the policy that a terminal of this number would go by at a site. */
export const problemsAt = async (
  tx: Script,
  terminalId: string,
  site: string,
): Promise<readonly string[]> => problemsThere(await lockHead(tx), terminalId, site);

function problemsThere(head: PolicyHead, terminalId: string, site: string): readonly string[] {
  if (!head.published) return [];
  const part = head.parts.get(`terminal:${terminalId}`) ?? {};
  return partProblems(partsFor(head.parts, terminalId, site), part);
}

/** Keeps what central was started with, as long as nothing was published: publications begin there. */
export async function keepStart(tx: Script, policy: Policy, nowMs: number): Promise<void> {
  await tx.query('UPDATE policy_head SET version = version WHERE head = 1');
  const head = await policyHead(tx);
  if (head.published) return;
  const { version, ...rest } = policy;
  const body = canonicalJson(ownPart(rest));
  if (head.versions.get('global') === version && canonicalJson(head.parts.get('global')) === body)
    return;
  await tx.query(
    `INSERT INTO policy_versions (version, scope, body, act, who, why, at_ms)
     VALUES ($1, 'global', $2, 'start', 'central', 'as central was started', $3)
     ON CONFLICT (version) DO UPDATE SET body = EXCLUDED.body, at_ms = EXCLUDED.at_ms`,
    [version, body, nowMs],
  );
  await tx.query('UPDATE policy_head SET version = $1 WHERE head = 1', [
    Math.max(head.version, version),
  ]);
}

/** What would be wrong for each terminal, site or company that the scope touches. */
async function problemsOf(
  sql: Sql,
  parts: PolicyParts,
  scope: Scope,
  own: PolicyPart,
): Promise<readonly string[]> {
  if (!parts.has('global'))
    return ['global: there is no policy of the whole company yet, so a part says too little'];
  const problems = new Set<string>();
  const look = (where: string, terminalId: string | null, site: string | null): void => {
    const part = where === scope ? own : {};
    for (const problem of partProblems(partsFor(parts, terminalId, site), part))
      problems.add(`${where}: ${problem}`);
  };
  const sites = await sitesOfOwn(sql, parts);
  if (scope === 'global') look('global', null, null);
  for (const one of parts.keys()) {
    if (one.startsWith('site:') && (scope === 'global' || scope === one))
      look(one, null, one.slice('site:'.length));
    if (!one.startsWith('terminal:')) continue;
    const terminalId = one.slice('terminal:'.length);
    const site = sites.get(terminalId) ?? null;
    if (scope === 'global' || scope === one || scope === `site:${site}`)
      look(one, terminalId, site);
  }
  return [...problems];
}

/** Where those stand of which something is said for themselves. */
async function sitesOfOwn(
  sql: Sql,
  parts: PolicyParts,
): Promise<ReadonlyMap<string, string | null>> {
  const sites = new Map<string, string | null>();
  for (const scope of parts.keys()) {
    if (!scope.startsWith('terminal:')) continue;
    const terminalId = scope.slice('terminal:'.length);
    const rows = await sql.query<{ site: string | null }>(
      `SELECT site FROM terminals WHERE terminal_id = $1
       UNION ALL SELECT site FROM enrolments WHERE terminal_id = $1 AND purpose = 'add'`,
      [terminalId],
    );
    sites.set(terminalId, rows[0]?.site ?? null);
  }
  return sites;
}

/** One version that was. */
export interface PolicyVersion {
  readonly version: number;
  readonly scope: string;
  /** Null: the scope said nothing of its own from then on. */
  readonly part: PolicyPart | null;
  readonly act: 'start' | 'publish' | 'rollback';
  readonly who: string;
  readonly why: string;
  readonly atMs: number;
}
/** Versions, the newest first. `scope` null: of all. */
export async function policyVersions(
  sql: Sql,
  scope: string | null,
  limit = 1_000,
): Promise<readonly PolicyVersion[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT version, scope, body, act, who, why, at_ms FROM policy_versions
     ${scope === null ? '' : 'WHERE scope = $1'} ORDER BY version DESC LIMIT ${limit}`,
    scope === null ? [] : [scope],
  );
  return rows.map((r) => ({
    version: num(r['version']),
    scope: r['scope'] as string,
    part: r['body'] === null ? null : (JSON.parse(r['body'] as string) as PolicyPart),
    act: r['act'] as PolicyVersion['act'],
    who: r['who'] as string,
    why: r['why'] as string,
    atMs: num(r['at_ms']),
  }));
}
