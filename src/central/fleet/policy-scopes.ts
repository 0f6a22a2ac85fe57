import { canonicalJson } from '../../shared/canonical-json.ts';
import { policySchema } from '../../shared/policy.ts';
import type { Policy } from '../../shared/policy.ts';

/**
 * A policy is said in three scopes: `global` for the whole company, `site:NAME`, `terminal:ID`. A
 * terminal goes by the global one, over it its site's, over that its own.
 */
export type Scope = 'global' | `site:${string}` | `terminal:${string}`;

/** Null: it is no scope. */
export function scopeOf(text: string): Scope | null {
  if (text === 'global') return 'global';
  if (/^terminal:\d{12}$/.test(text)) return text as Scope;
  const site = /^site:(.{1,60})$/u.exec(text)?.[1]?.normalize('NFC').trim() ?? '';
  return site === '' || /\p{C}/u.test(site) ? null : `site:${site}`;
}

/** What one scope says: some fields of the policy, or all. */
export type PolicyPart = Readonly<Record<string, unknown>>;

/** Here null is a value of the policy's own, and not "say nothing of it". */
const NULL_SAYS = new Set(['confirmAboveFen', 'voice.quiet']);
/** What central says by itself, whatever a file says. */
const TOLD = ['version', 'wallets'];

const isObject = (value: unknown): value is PolicyPart =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Lays one scope over another, as RFC 7396 (JSON Merge Patch) has it: objects field by field,
 * whatever else as a whole, a list too; null takes a field away, so that its default holds. The one
 * difference: where null means something in the policy (`confirmAboveFen`: never ask), it stays.
 */
export function overlaid(below: PolicyPart, over: PolicyPart, path = ''): PolicyPart {
  const merged: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(over)) {
    const at = path === '' ? name : `${path}.${name}`;
    if (value === null && !NULL_SAYS.has(at)) delete merged[name];
    else if (isObject(value))
      merged[name] = overlaid(isObject(merged[name]) ? merged[name] : {}, value, at);
    else merged[name] = value;
  }
  return merged;
}

/** Everything that is said, by scope. */
export type PolicyParts = ReadonlyMap<string, PolicyPart>;

/** What a terminal of this number and site goes by, not yet checked. */
export function partsFor(
  parts: PolicyParts,
  terminalId: string | null,
  site: string | null,
): PolicyPart {
  const said = (scope: string | null): PolicyPart =>
    scope === null ? {} : (parts.get(scope) ?? {});
  return overlaid(
    overlaid(said('global'), said(site === null ? null : `site:${site}`)),
    said(terminalId === null ? null : `terminal:${terminalId}`),
  );
}

/** A merged policy under its version. @throws where it is none */
export const policyFrom = (merged: PolicyPart, version: number): Policy =>
  policySchema.parse({ ...merged, version });

/** A file's content as a scope says it: what central says by itself is left out. */
export const ownPart = (part: PolicyPart): PolicyPart =>
  Object.fromEntries(Object.entries(part).filter(([name]) => !TOLD.includes(name)));

/** What is wrong with a merged policy; empty: nothing. `part`: the scope that is looked at. */
export function partProblems(merged: PolicyPart, part: PolicyPart): readonly string[] {
  const parsed = policySchema.safeParse(
    { ...merged, version: 1 },
    { error: (issue) => (issue.input === undefined ? 'is missing' : undefined) },
  );
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return unknownIn(part, parsed.data, '');
}

/** Fields that nobody would ever read: a slip of the hand must not look like a decision. */
function unknownIn(said: unknown, read: unknown, path: string): readonly string[] {
  if (Array.isArray(said))
    return said.flatMap((one, i) =>
      unknownIn(one, Array.isArray(read) ? read[i] : undefined, `${path}[${i}]`),
    );
  if (!isObject(said)) return [];
  return Object.entries(said).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (isObject(read) && Object.hasOwn(read, name)) return unknownIn(value, read[name], at);
    return value === null ? [] : [`${at}: no such field`];
  });
}

/** A field that two policies say differently, as JSON; null: not said. */
export interface PolicyChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}
/** What differs between two policies, objects field by field, lists as a whole. */
export function changesBetween(
  before: PolicyPart,
  after: PolicyPart,
  path = '',
): readonly PolicyChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    const at = path === '' ? name : `${path}.${name}`;
    if (isObject(was) && isObject(is)) return changesBetween(was, is, at);
    const text = (value: unknown): string | null =>
      value === undefined ? null : canonicalJson(value);
    return text(was) === text(is) ? [] : [{ path: at, before: text(was), after: text(is) }];
  });
}
