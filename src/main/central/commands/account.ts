import { basename } from 'node:path';
import { keepImport } from '../../../central/fleet/import-apply.ts';
import type { ImportPlan } from '../../../central/fleet/import-apply.ts';
import { planCards } from '../../../central/fleet/import-cards.ts';
import { ImportOvertaken, planBills, planCredit } from '../../../central/fleet/import-credit.ts';
import { readTable } from '../../../central/fleet/import-file.ts';
import type { ImportProblem, ImportTable } from '../../../central/fleet/import-file.ts';
import type { Sql } from '../../../central/db/sql.ts';
import { audited } from '../../../central/staff/audit.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import type { CommandContext } from '../command.ts';
import { Refused, runVerb, UsageError } from './arguments.ts';
import type { Arguments, Verb } from './arguments.ts';

/** How the company's accounts come in. */
export const USAGE = `       pilotlight central account import FILE [--kind card|credit|bill] [--dry-run] [--json]
  FILE           CSV (UTF-8, GBK) or XLSX; templates are in resources/samples/central`;

/** Carries out `central account …`. @returns 0 done, 1 refused, 2 wrong usage */
export const run = (args: readonly string[], context: CommandContext): Promise<number> =>
  runVerb('account', VERBS, USAGE, args, context);

type Planner = (sql: Sql, file: ImportTable, nowMs: number) => Promise<ImportPlan>;
const KINDS: Readonly<Record<string, Planner>> = {
  card: planCards,
  credit: planCredit,
  bill: planBills,
};
/** More lines of one kind say nothing new. */
const SHOWN = 200;

async function importFile(args: Arguments, context: CommandContext): Promise<number> {
  const kind = args.value('kind') ?? 'card';
  const planner = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (planner === undefined)
    throw new UsageError(`--kind is one of ${Object.keys(KINDS).join(', ')}`);
  const path = args.positionals[0] as string;
  const { db, who, nowMs } = context;
  const bytes = await context.readFile(path).catch((cause: unknown) => {
    throw new Refused(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  const file = await readTable(bytes);
  if ('code' in file) return refuse(context, [file], args.flag('json'));
  const dry = args.flag('dry-run');
  const atMs = nowMs();
  const done = await db
    .transaction(async (tx) => {
      const plan = await planner(tx, file, atMs);
      if (dry || plan.problems.length > 0) return { plan, importId: null };
      await plan.apply(tx);
      const source = { kind, file: basename(path), bytes, who };
      const importId = await keepImport(tx, plan, source, context.random, atMs);
      await audited(tx, {
        atMs,
        who,
        via: 'command',
        act: 'account.import',
        subject: basename(path),
        before: null,
        after: { importId, kind, ...counted(plan) },
      });
      return { plan, importId };
    })
    .catch((cause: unknown) => {
      if (cause instanceof ImportOvertaken) throw new Refused(`${cause.message}: import it again`);
      throw cause;
    });
  const { plan, importId } = done;
  if (plan.problems.length > 0) return refuse(context, plan.problems, args.flag('json'));
  tell(context, plan, { dry, importId, json: args.flag('json') });
  return 0;
}

const counted = ({ added, changed, unchanged, kept }: ImportPlan) => ({
  added,
  changed,
  unchanged,
  kept,
});

function refuse(
  context: CommandContext,
  problems: readonly ImportProblem[],
  json: boolean,
): number {
  const inOrder = problems.toSorted((a, b) => a.line - b.line);
  if (json) context.out(JSON.stringify({ ok: false, problems: inOrder }, null, 2));
  else
    for (const { line, column, code, detail } of inOrder.slice(0, SHOWN))
      context.err(
        `${line === 0 ? 'file' : `line ${line}`}${column === '' ? '' : `, ${column}`}: ${code}: ${detail}`,
      );
  const more = json ? 0 : Math.max(0, problems.length - SHOWN);
  context.err(
    `${more > 0 ? `… and ${more} more; ` : ''}${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}: nothing was imported`,
  );
  return 1;
}

function tell(
  context: CommandContext,
  plan: ImportPlan,
  how: { readonly dry: boolean; readonly importId: string | null; readonly json: boolean },
): void {
  if (how.json) {
    context.out(JSON.stringify({ ok: true, importId: how.importId, ...counted(plan) }, null, 2));
    return;
  }
  if (how.dry)
    for (const { subject, before, after } of plan.changes.slice(0, SHOWN))
      context.out(`~ ${subject}: ${canonicalJson(before)} -> ${canonicalJson(after)}`);
  const kept = plan.kept === 0 ? '' : `, kept ${plan.kept} that somebody pays or paid`;
  context.out(
    `new ${plan.added}, changed ${plan.changed}, unchanged ${plan.unchanged}${kept}${how.dry ? '; nothing was imported' : ''}`,
  );
  if (how.importId !== null) context.out(`import ${how.importId}`);
}

const VERBS: Readonly<Record<string, Verb>> = {
  import: { positionals: ['FILE'], values: ['kind'], flags: ['dry-run', 'json'], run: importFile },
};
