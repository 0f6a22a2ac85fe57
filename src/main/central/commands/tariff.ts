import { addTariff, tariffFileSchema, tariffVersions } from '../../../central/fleet/tariffs.ts';
import type { TariffRow } from '../../../central/sale/tables.ts';
import { audited } from '../../../central/staff/audit.ts';
import type { TariffTier } from '../../../shared/money.ts';
import { versionAt } from '../../../shared/periods.ts';
import { chinaDate } from '../../../shared/time.ts';
import type { CommandContext } from '../command.ts';
import { Refused, runVerb, table } from './arguments.ts';
import type { Arguments, Verb } from './arguments.ts';

/** How prices come in. */
export const USAGE = `       pilotlight central tariff add FILE       a version is added, and never changed
       pilotlight central tariff list
       pilotlight central tariff show TARIFF`;

/** Carries out `central tariff …`. @returns 0 done, 1 refused, 2 wrong usage */
export const run = (args: readonly string[], context: CommandContext): Promise<number> =>
  runVerb('tariff', VERBS, USAGE, args, context);

async function add(args: Arguments, context: CommandContext): Promise<number> {
  const path = args.positionals[0] as string;
  const { db, who, nowMs } = context;
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(await context.readFile(path)).toString('utf8'));
  } catch (cause) {
    throw new Refused(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const parsed = tariffFileSchema.safeParse(json);
  if (!parsed.success)
    throw new Refused(
      `${path}: ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`,
    );
  const { tariffId, version } = parsed.data;
  const done = await db.transaction(async (tx) => {
    const told = await addTariff(tx, parsed.data, nowMs());
    if (told.kind === 'added')
      await audited(tx, {
        atMs: nowMs(),
        who,
        via: 'command',
        act: 'tariff.add',
        subject: `${tariffId} ${version}`,
        before: null,
        after: parsed.data,
      });
    return told;
  });
  if (done.kind === 'refused') throw new Refused(`${tariffId} version ${version}: ${done.why}`);
  context.out(
    done.kind === 'same'
      ? `${tariffId} version ${version} is there already`
      : `${tariffId} version ${version} ${heldFrom(done.row)}`,
  );
  return 0;
}

const heldFrom = ({ from_ms: fromMs }: TariffRow): string =>
  fromMs === null
    ? 'holds for accounts that name it'
    : `holds from ${chinaDate(fromMs)} on; kiosks hear of it with the policy`;

const priced = (row: TariffRow): string =>
  (JSON.parse(row.tiers) as TariffTier[])
    .map(
      ({ uptoQuantity, priceE4 }) =>
        `${uptoQuantity === null ? '' : `to ${(uptoQuantity / 100).toFixed(2)}: `}${(priceE4 / 10_000).toFixed(4)}`,
    )
    .join(', ');

async function list(_args: Arguments, context: CommandContext): Promise<number> {
  const rows = await tariffVersions(context.db, null);
  const lines = rows.map((row) => {
    const all = rows.filter((r) => r.tariff_id === row.tariff_id);
    const dated = all.map((r) => ({ ...r, fromMs: r.from_ms }));
    const holds = versionAt(dated, all[0]?.version ?? 1, context.nowMs());
    return [
      row.tariff_id,
      String(row.version),
      row.from_ms === null ? '-' : chinaDate(row.from_ms),
      holds?.version === row.version && (row.from_ms ?? 0) <= context.nowMs() ? 'holds' : '',
      priced(row),
    ];
  });
  for (const line of table([['tariff', 'version', 'from', '', 'yuan a unit'], ...lines]))
    context.out(line);
  return 0;
}

async function show(args: Arguments, context: CommandContext): Promise<number> {
  const tariffId = args.positionals[0] as string;
  const rows = await tariffVersions(context.db, tariffId);
  if (rows.length === 0) throw new Refused(`there is no tariff ${tariffId}`);
  for (const row of rows) {
    context.out(
      `${tariffId} version ${row.version}: ${heldFrom(row)}; year from ${row.year_begins}`,
    );
    for (const [i, { uptoQuantity, priceE4 }] of (JSON.parse(row.tiers) as TariffTier[]).entries())
      context.out(
        `  ${i + 1}  ${uptoQuantity === null ? 'above' : `to ${(uptoQuantity / 100).toFixed(2)}`}  ${(priceE4 / 10_000).toFixed(4)} yuan`,
      );
  }
  return 0;
}

const VERBS: Readonly<Record<string, Verb>> = {
  add: { positionals: ['FILE'], run: add },
  list: { run: list },
  show: { positionals: ['TARIFF'], run: show },
};
