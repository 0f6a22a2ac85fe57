import { POLICY_BELL } from '../../../central/fleet/policy-book.ts';
import { policyHead, policyVersions, publish } from '../../../central/fleet/policy-publish.ts';
import type { Published } from '../../../central/fleet/policy-publish.ts';
import {
  changesBetween,
  ownPart,
  partsFor,
  scopeOf,
} from '../../../central/fleet/policy-scopes.ts';
import type { PolicyPart, Scope } from '../../../central/fleet/policy-scopes.ts';
import type { Sql } from '../../../central/db/sql.ts';
import { audited } from '../../../central/staff/audit.ts';
import { chinaTime } from '../../../shared/time.ts';
import type { CommandContext } from '../command.ts';
import { Refused, runVerb, table, UsageError } from './arguments.ts';
import type { Arguments, Verb } from './arguments.ts';

/** How the policy is published, looked at and taken back. */
export const USAGE = `       pilotlight central policy publish FILE [--scope SCOPE] [--why WHY] [--base VERSION] [--dry-run] [--at-least VERSION]
       pilotlight central policy drop --scope SCOPE [--why WHY] [--dry-run]   the scope says nothing of its own any more
       pilotlight central policy show [--scope SCOPE | --terminal ID] [--version VERSION]
       pilotlight central policy diff FILE [--scope SCOPE]
       pilotlight central policy history [--scope SCOPE]
       pilotlight central policy rollback VERSION --why WHY [--dry-run]
  SCOPE          global (default), site:NAME or terminal:ID: over each other in this order
  --base         refused where the scope was published since this version
  --at-least     the version is no lower: after a restore, kiosks take none from before theirs`;

/** Carries out `central policy …`. @returns 0 done, 1 refused, 2 wrong usage */
export const run = (args: readonly string[], context: CommandContext): Promise<number> =>
  runVerb('policy', VERBS, USAGE, args, context);

function scopeIn(args: Arguments): Scope {
  const text = args.value('scope') ?? 'global';
  const scope = scopeOf(text);
  if (scope === null)
    throw new UsageError(`--scope ${text}: global, site:NAME or terminal:ID (twelve digits)`);
  return scope;
}

/** A policy file. @throws Refused where it is no JSON object */
async function partOf(context: CommandContext, path: string): Promise<PolicyPart> {
  let json: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await context.readFile(path));
    json = JSON.parse(text);
  } catch (cause) {
    throw new Refused(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Refused(`${path}: a policy is a JSON object`);
  return json as PolicyPart;
}

/** A version that is not to be: a dry run ends by it, and nothing is kept. */
class DryRun extends Error {
  readonly result: Published;
  constructor(result: Published) {
    super('dry run');
    this.result = result;
  }
}

interface Wanted {
  readonly scope: Scope;
  readonly part: PolicyPart | null;
  readonly act: 'publish' | 'rollback';
  readonly why: string;
}

async function carryOut(
  args: Arguments,
  context: CommandContext,
  { scope, part, act, why }: Wanted,
): Promise<number> {
  const { db, who, nowMs } = context;
  const dry = args.flag('dry-run');
  const base = args.value('base') === undefined ? null : args.whole('base', 0, [0, 999_999_999]);
  const atLeast = args.whole('at-least', 0, [0, 999_999_999]);
  const asked = { scope, part, act, who, why, base, atLeast };
  const result = await db
    .transaction(async (tx) => {
      const done = await publish(tx, asked, nowMs());
      if (dry) throw new DryRun(done);
      if (done.kind === 'published')
        await audited(tx, {
          atMs: nowMs(),
          who,
          via: 'command',
          act: `policy.${act}`,
          subject: scope,
          before: done.before,
          after: part === null ? null : { version: done.version, why, ...ownPart(part) },
        });
      return done;
    })
    .catch((cause: unknown) => {
      if (cause instanceof DryRun) return cause.result;
      throw cause;
    });
  if (result.kind === 'refused') {
    for (const problem of result.problems) context.err(problem);
    throw new Refused(
      scope === 'global'
        ? 'nothing was published; the global policy is a whole one (sample: resources/samples/central/policy.json), and what differs at a site goes by --scope site:NAME'
        : 'nothing was published',
    );
  }
  if (result.kind === 'overtaken')
    throw new Refused(`${scope} was published since, as version ${result.version}: look again`);
  if (result.kind === 'same') {
    context.out(`${scope} says this already, since version ${result.version}`);
    return 0;
  }
  for (const line of diffLines(result.before ?? {}, part === null ? {} : ownPart(part)))
    context.out(line);
  if (dry) {
    context.out(`would be version ${result.version} of ${scope}; nothing was published`);
    return 0;
  }
  db.ring(POLICY_BELL);
  if (part !== null && (await isNobodys(db, scope)))
    context.out(`mind: no terminal goes by ${scope} so far`);
  context.out(`version ${result.version}: ${scope}`);
  return 0;
}

/** A slip of the hand in a site's name would be heard by nobody. */
async function isNobodys(sql: Sql, scope: Scope): Promise<boolean> {
  if (scope === 'global') return false;
  const [column, value] = scope.startsWith('site:')
    ? ['site', scope.slice('site:'.length)]
    : ['terminal_id', scope.slice('terminal:'.length)];
  const rows = await sql.query(
    `SELECT 1 AS n FROM terminals WHERE ${column} = $1
     UNION ALL SELECT 1 FROM enrolments WHERE ${column} = $1 AND purpose = 'add' LIMIT 1`,
    [value],
  );
  return rows.length === 0;
}

const diffLines = (before: PolicyPart, after: PolicyPart): readonly string[] =>
  changesBetween(before, after).flatMap(({ path, before: was, after: is }) => [
    ...(was === null ? [] : [`- ${path}: ${was}`]),
    ...(is === null ? [] : [`+ ${path}: ${is}`]),
  ]);

async function publishFile(args: Arguments, context: CommandContext): Promise<number> {
  const scope = scopeIn(args);
  const part = await partOf(context, args.positionals[0] as string);
  return carryOut(args, context, {
    scope,
    part,
    act: 'publish',
    why: args.value('why') ?? '',
  });
}

async function drop(args: Arguments, context: CommandContext): Promise<number> {
  const scope = scopeIn(args);
  if (scope === 'global') throw new UsageError('drop needs --scope site:NAME or terminal:ID');
  return carryOut(args, context, {
    scope,
    part: null,
    act: 'publish',
    why: args.value('why') ?? '',
  });
}

async function rollback(args: Arguments, context: CommandContext): Promise<number> {
  const text = args.positionals[0] as string;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${text}: no version`);
  const why = args.needed('why');
  const version = (await policyVersions(context.db, null, MANY)).find(
    (v) => v.version === Number(text),
  );
  if (version === undefined) throw new Refused(`there is no version ${text}`);
  return carryOut(args, context, {
    scope: version.scope as Scope,
    part: version.part,
    act: 'rollback',
    why: `as in version ${text}: ${why}`,
  });
}
/** More versions than anybody publishes. */
const MANY = 1_000_000;

async function show(args: Arguments, context: CommandContext): Promise<number> {
  const { db } = context;
  const version = args.value('version');
  if (version !== undefined) {
    const found = (await policyVersions(db, null, MANY)).find((v) => String(v.version) === version);
    if (found === undefined) throw new Refused(`there is no version ${version}`);
    context.out(JSON.stringify(found.part, null, 2));
    return 0;
  }
  const head = await policyHead(db);
  if (!head.parts.has('global'))
    throw new Refused('none was published yet: central policy publish FILE');
  const terminalId = args.value('terminal');
  if (terminalId !== undefined) {
    const [row] = await db.query<{ site: string | null }>(
      'SELECT site FROM terminals WHERE terminal_id = $1',
      [terminalId],
    );
    if (row === undefined) throw new Refused(`there is no terminal ${terminalId}`);
    const merged = partsFor(head.parts, terminalId, row.site);
    context.out(JSON.stringify({ version: head.version, ...merged }, null, 2));
    return 0;
  }
  const scope = scopeIn(args);
  const part = head.parts.get(scope);
  if (part === undefined) throw new Refused(`${scope} says nothing of its own`);
  context.out(JSON.stringify({ version: head.versions.get(scope), ...part }, null, 2));
  return 0;
}

async function diff(args: Arguments, context: CommandContext): Promise<number> {
  const scope = scopeIn(args);
  const part = ownPart(await partOf(context, args.positionals[0] as string));
  const lines = diffLines((await policyHead(context.db)).parts.get(scope) ?? {}, part);
  for (const line of lines.length === 0 ? ['no difference'] : lines) context.out(line);
  return 0;
}

async function history(args: Arguments, context: CommandContext): Promise<number> {
  const scope = args.value('scope') === undefined ? null : scopeIn(args);
  const versions = await policyVersions(context.db, scope);
  const rows = versions.map((v, i) => {
    const older = versions.slice(i + 1).find((o) => o.scope === v.scope);
    const paths = changesBetween(older?.part ?? {}, v.part ?? {}).map((c) => c.path);
    const what = paths.length > 4 ? `${paths.slice(0, 4).join(' ')} …` : paths.join(' ');
    return [String(v.version), chinaTime(v.atMs), v.scope, v.act, v.who, v.why, what];
  });
  const head = ['version', 'when', 'scope', 'act', 'who', 'why', 'fields'];
  for (const line of table([head, ...rows])) context.out(line);
  return 0;
}

const VERBS: Readonly<Record<string, Verb>> = {
  publish: {
    positionals: ['FILE'],
    values: ['scope', 'why', 'base', 'at-least'],
    flags: ['dry-run'],
    run: publishFile,
  },
  drop: { values: ['scope', 'why', 'base'], flags: ['dry-run'], run: drop },
  show: { values: ['scope', 'terminal', 'version'], run: show },
  diff: { positionals: ['FILE'], values: ['scope'], run: diff },
  history: { values: ['scope'], run: history },
  rollback: {
    positionals: ['VERSION'],
    values: ['why', 'base'],
    flags: ['dry-run'],
    run: rollback,
  },
};
