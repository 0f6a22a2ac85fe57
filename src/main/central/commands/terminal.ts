import { enrolmentOf, confirmKey, newCode } from '../../../central/fleet/enrolments.ts';
import { POLICY_BELL } from '../../../central/fleet/policy-book.ts';
import { movedTo, problemsAt } from '../../../central/fleet/policy-publish.ts';
import { setStatusIn, terminalBell } from '../../../central/fleet/status.ts';
import { fleetOf, place, placeOf } from '../../../central/fleet/terminals.ts';
import type { FleetTerminal, Placed } from '../../../central/fleet/terminals.ts';
import type { Script } from '../../../central/db/sql.ts';
import { audited } from '../../../central/staff/audit.ts';
import { centralFingerprint, fingerprintOf } from '../../../shared/enrolment.ts';
import { chinaTime } from '../../../shared/time.ts';
import type { CommandContext } from '../command.ts';
import { nameOf, Refused, runVerb, table, terminalIdOf } from './arguments.ts';
import type { Arguments, Verb } from './arguments.ts';

/** How terminals are let in, moved and stopped. */
export const USAGE = `       pilotlight central terminal add --id ID --site SITE --name NAME [--valid-hours 24] [--auto]
       pilotlight central terminal confirm ID FINGERPRINT   the machine shows the fingerprint
       pilotlight central terminal list [--site SITE] [--json]
       pilotlight central terminal show ID [--json]
       pilotlight central terminal rename ID --name NAME
       pilotlight central terminal move ID --site SITE
       pilotlight central terminal rotate ID [--valid-hours 24] [--overlap-hours 24] [--auto]
       pilotlight central terminal suspend|resume|revoke ID --why WHY
  --auto         the code alone lets the key in; without it a person confirms the fingerprint`;

const HOUR_MS = 3_600_000;
const MAX_HOURS = 720;

/** Carries out `central terminal …`. @returns 0 done, 1 refused, 2 wrong usage */
export const run = (args: readonly string[], context: CommandContext): Promise<number> =>
  runVerb('terminal', VERBS, USAGE, args, context);

const idOf = ({ positionals }: Arguments): string => terminalIdOf(positionals[0] as string);

/** Changes something of one terminal, and tells the audit, in one transaction. */
async function change(
  context: CommandContext,
  act: string,
  terminalId: string,
  work: (
    tx: Script,
    before: Placed,
  ) => Promise<{ readonly before: unknown; readonly after: unknown }>,
): Promise<void> {
  await context.db.transaction(async (tx) => {
    const before = await placeOf(tx, terminalId);
    if (before === null) throw new Refused(`there is no terminal ${terminalId}`);
    const told = await work(tx, before);
    await audited(tx, {
      atMs: context.nowMs(),
      who: context.who,
      via: 'command',
      act: `terminal.${act}`,
      subject: terminalId,
      ...told,
    });
  });
}

async function add(args: Arguments, context: CommandContext): Promise<number> {
  const terminalId = terminalIdOf(args.needed('id'));
  const site = nameOf(args.needed('site'), 'site');
  const name = nameOf(args.needed('name'), 'name');
  const validMs = args.whole('valid-hours', 24, [1, MAX_HOURS]) * HOUR_MS;
  const confirm = !args.flag('auto');
  const { db, nowMs, random, who } = context;
  const code = await db.transaction(async (tx) => {
    const before = await placeOf(tx, terminalId);
    if (before !== null && before.status !== 'enrolling' && before.status !== 'waiting')
      throw new Refused(
        `terminal ${terminalId} is there (${before.status}): its next key comes by terminal rotate`,
      );
    refuseNone(site, await problemsAt(tx, terminalId, site));
    const made = { terminalId, purpose: 'add' as const, site, name, confirm, overlapMs: 0, who };
    const text = await newCode(tx, { ...made, validMs }, random, nowMs());
    await audited(tx, {
      atMs: nowMs(),
      who,
      via: 'command',
      act: 'terminal.add',
      subject: terminalId,
      before,
      after: { site, name, untilMs: nowMs() + validMs, confirm },
    });
    return text;
  });
  tellCode(context, code, nowMs() + validMs, 'pilotlight enrol --central URL --code');
  if (confirm)
    context.out(
      `then compare its fingerprint: pilotlight-central terminal confirm ${terminalId} FINGERPRINT`,
    );
  return 0;
}

/** @throws Refused where a terminal would sell nothing there */
function refuseNone(site: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw new Refused(`with ${site}’s policy it would have none: ${problems.join('; ')}`);
}

function tellCode(context: CommandContext, code: string, untilMs: number, command: string): void {
  context.out(`code     ${code}`);
  context.out(`until    ${chinaTime(untilMs)}, for one machine, shown only now`);
  context.out(`central  ${centralFingerprint(context.publicKeys)}   the machine shows the same`);
  context.out(`on the machine: ${command} ${code}`);
}

async function rotate(args: Arguments, context: CommandContext): Promise<number> {
  const terminalId = idOf(args);
  const validMs = args.whole('valid-hours', 24, [1, MAX_HOURS]) * HOUR_MS;
  const overlapMs = args.whole('overlap-hours', 24, [0, MAX_HOURS]) * HOUR_MS;
  const confirm = !args.flag('auto');
  const { random, nowMs, who } = context;
  let code = '';
  await change(context, 'rotate-code', terminalId, async (tx, before) => {
    if (before.status === 'revoked')
      throw new Refused(
        `terminal ${terminalId} was revoked: a machine comes back under another number`,
      );
    if (before.status !== 'active' && before.status !== 'suspended')
      throw new Refused(`terminal ${terminalId} has no key yet: terminal add gives it a code`);
    code = await newCode(
      tx,
      {
        terminalId,
        purpose: 'rotate',
        site: before.site ?? terminalId,
        name: before.name ?? terminalId,
        confirm,
        overlapMs,
        who,
        validMs,
      },
      random,
      nowMs(),
    );
    return { before: null, after: { untilMs: nowMs() + validMs, overlapMs, confirm } };
  });
  tellCode(context, code, nowMs() + validMs, 'pilotlight enrol --rotate --central URL --code');
  context.out(
    `its old key counts ${overlapMs / HOUR_MS} hours beside the next one; a machine without its old key is confirmed: pilotlight-central terminal confirm ${terminalId} FINGERPRINT`,
  );
  return 0;
}

async function confirm(args: Arguments, context: CommandContext): Promise<number> {
  const terminalId = idOf(args);
  const { db, nowMs, who } = context;
  const fingerprint = args.positionals.slice(1).join(' ');
  const told = await db.transaction(async (tx) => {
    const done = await confirmKey(tx, { terminalId, fingerprint, who }, nowMs());
    if (typeof done === 'string') throw new Refused(`terminal ${terminalId}: ${done}`);
    await audited(tx, {
      atMs: nowMs(),
      who,
      via: 'command',
      act: 'terminal.confirm',
      subject: terminalId,
      before: { state: 'waiting' },
      after: { state: 'active', fingerprint: fingerprintOf(done.publicKeyPem as string) },
    });
    return done;
  });
  context.out(
    told.purpose === 'add'
      ? `terminal ${terminalId} is active: ${told.site}, ${told.name}`
      : `terminal ${terminalId}: the next key counts`,
  );
  return 0;
}

async function rename(args: Arguments, context: CommandContext): Promise<number> {
  const terminalId = idOf(args);
  const name = nameOf(args.needed('name'), 'name');
  await change(context, 'rename', terminalId, async (tx, before) => {
    await place(tx, terminalId, { site: null, name });
    return { before: { name: before.name }, after: { name } };
  });
  context.out(`terminal ${terminalId} is called ${name}`);
  return 0;
}

async function move(args: Arguments, context: CommandContext): Promise<number> {
  const terminalId = idOf(args);
  const site = nameOf(args.needed('site'), 'site');
  await change(context, 'move', terminalId, async (tx, before) => {
    refuseNone(site, await movedTo(tx, terminalId, site));
    await place(tx, terminalId, { site, name: null });
    return { before: { site: before.site }, after: { site } };
  });
  context.db.ring(POLICY_BELL);
  context.out(`terminal ${terminalId} stands at ${site}, and goes by its policy`);
  return 0;
}

const status =
  (to: 'active' | 'suspended' | 'revoked', verb: string): Verb['run'] =>
  async (args, context) => {
    const terminalId = idOf(args);
    const why = args.needed('why');
    await change(context, verb, terminalId, async (tx, before) => {
      if (before.status === 'enrolling' || before.status === 'waiting') {
        if (to !== 'revoked')
          throw new Refused(`terminal ${terminalId} has no key yet: nothing to ${verb}`);
        await tx.query('DELETE FROM enrolments WHERE terminal_id = $1', [terminalId]);
        return { before: { status: before.status }, after: null };
      }
      const told = { terminalId, status: to, who: context.who, why };
      if (!(await setStatusIn(tx, told, context.nowMs())))
        throw new Refused(
          before.status === 'revoked'
            ? `terminal ${terminalId} was revoked, for good`
            : `terminal ${terminalId} is ${before.status} already`,
        );
      // A code that still lies about opens nothing any more.
      if (to === 'revoked')
        await tx.query('DELETE FROM enrolments WHERE terminal_id = $1', [terminalId]);
      return { before: { status: before.status }, after: { status: to, why } };
    });
    context.db.ring(terminalBell(terminalId));
    context.out(`terminal ${terminalId} is ${to}`);
    return 0;
  };

/** How a machine stood when it was heard last, in a few words. */
function standing({ heard }: FleetTerminal, nowMs: number): readonly string[] {
  if (heard === null) return ['never heard', '', '', '', ''];
  const { atMs, beat } = heard;
  const age = `${Math.max(0, Math.round((nowMs - atMs) / 1_000))} s ago`;
  if (beat === null) return [age, '', '', '', ''];
  const paper = beat.devices
    .flatMap((d) => d.consumables)
    .map((c) => `${c.name} ${c.level}`)
    .join(', ');
  return [
    age,
    beat.version,
    [beat.level, ...beat.codes].join(' '),
    paper,
    `${beat.unsent.events} unsent`,
  ];
}

async function list(args: Arguments, context: CommandContext): Promise<number> {
  const site = args.value('site');
  const fleet = (await fleetOf(context.db, context.nowMs())).filter(
    (t) => site === undefined || t.site === site,
  );
  if (args.flag('json')) {
    context.out(JSON.stringify(fleet, null, 2));
    return 0;
  }
  const rows = fleet.map((t) => [
    t.terminalId,
    t.site ?? '-',
    t.name ?? '-',
    t.alarm === null ? t.state : `${t.state} ALARM`,
    ...standing(t, context.nowMs()),
  ]);
  const head = [
    'terminal',
    'site',
    'name',
    'state',
    'heard',
    'version',
    'service',
    'paper',
    'facts',
  ];
  for (const line of table([head, ...rows])) context.out(line);
  return 0;
}

async function show(args: Arguments, context: CommandContext): Promise<number> {
  const terminalId = idOf(args);
  const nowMs = context.nowMs();
  const t = (await fleetOf(context.db, nowMs)).find((one) => one.terminalId === terminalId);
  if (t === undefined) throw new Refused(`there is no terminal ${terminalId}`);
  if (args.flag('json')) {
    context.out(JSON.stringify(t, null, 2));
    return 0;
  }
  const beat = t.heard?.beat ?? null;
  const code = await enrolmentOf(context.db, { terminalId });
  const rows: (readonly string[])[] = [
    ['terminal', t.terminalId],
    ['site', t.site ?? '-'],
    ['name', t.name ?? '-'],
    ['state', t.state],
    ...t.fingerprints.map((f) => ['key', f]),
    ...(t.oldKeyUntilMs === null ? [] : [['old key until', chinaTime(t.oldKeyUntilMs)]]),
    ...(code === null || code.state === 'done'
      ? []
      : [['code', `${code.purpose}, ${code.state}, until ${chinaTime(code.untilMs)}`]]),
    ...(t.epoch === null ? [] : [['journal', `epoch ${t.epoch}, fact ${t.lastSeq ?? 0}`]]),
    ...(t.alarm === null ? [] : [['alarm', t.alarm]]),
    ['heard', t.heard === null ? 'never' : chinaTime(t.heard.atMs)],
  ];
  if (beat !== null)
    rows.push(
      ['version', beat.version],
      ['service', [beat.level, ...beat.codes].join(' ')],
      ['policy', String(beat.policyVersion ?? '-')],
      ['disk', `${Math.floor(beat.freeBytes / 1_048_576)} MiB free`],
      ['clock', beat.clockSkewMs === null ? '-' : `${beat.clockSkewMs} ms from central’s`],
      [
        'unsent',
        `${beat.unsent.events} facts${beat.unsent.oldestMs === null ? '' : `, since ${chinaTime(beat.unsent.oldestMs)}`}`,
      ],
      ...beat.devices.map((d) => [
        d.device,
        [d.state, d.lastError ?? '', ...d.consumables.map((c) => `${c.name} ${c.level}`)]
          .filter((word) => word !== '')
          .join(' '),
      ]),
    );
  for (const line of table(rows)) context.out(line);
  return 0;
}

const VERBS: Readonly<Record<string, Verb>> = {
  add: { values: ['id', 'site', 'name', 'valid-hours'], flags: ['auto'], run: add },
  // The fingerprint may be typed in groups, each an argument of its own.
  confirm: { positionals: ['ID', 'FINGERPRINT'], more: true, run: confirm },
  list: { values: ['site'], flags: ['json'], run: list },
  show: { positionals: ['ID'], flags: ['json'], run: show },
  rename: { positionals: ['ID'], values: ['name'], run: rename },
  move: { positionals: ['ID'], values: ['site'], run: move },
  rotate: {
    positionals: ['ID'],
    values: ['valid-hours', 'overlap-hours'],
    flags: ['auto'],
    run: rotate,
  },
  suspend: { positionals: ['ID'], values: ['why'], run: status('suspended', 'suspend') },
  resume: { positionals: ['ID'], values: ['why'], run: status('active', 'resume') },
  revoke: { positionals: ['ID'], values: ['why'], run: status('revoked', 'revoke') },
};
