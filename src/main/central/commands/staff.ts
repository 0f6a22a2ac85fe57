import { parseArgs } from 'node:util';
import {
  addStaff,
  disableStaff,
  endTokens,
  listStaff,
  makeToken,
  MAX_TOKEN_DAYS,
  resetStaff,
  setRoles,
} from '../../../central/staff/accounts.ts';
import type { Doer, StaffBar, StaffDone } from '../../../central/staff/accounts.ts';
import { ROLES } from '../../../central/staff/roles.ts';
import type { Role } from '../../../central/staff/roles.ts';
import { chinaTime } from '../../../shared/time.ts';
import type { CommandContext } from '../command.ts';

/** How staff accounts are kept. */
export const USAGE = `       pilotlight central staff add NAME --role ROLE[,ROLE]     a new person; prints a one-time code
       pilotlight central staff list                            who there is, with roles and standing
       pilotlight central staff role NAME ROLE [ROLE...]        other roles; whoever is logged in logs in anew
       pilotlight central staff reset NAME                      lost password or authenticator; prints a one-time code
       pilotlight central staff disable NAME                    let in no more, at once; tokens too
       pilotlight central staff token NAME --role ROLE[,ROLE] --days N   a bearer token for a program
       pilotlight central staff end-tokens NAME                 all bearer tokens of this person are over
  ROLE           ${ROLES.join(', ')}`;

const BARS: Readonly<Record<StaffBar, string>> = {
  'bad-name': 'a name has 1 to 24 Chinese or Latin letters, digits, dots or dashes',
  'no-roles': `roles are: ${ROLES.join(', ')}; one at least is needed (--role ROLE[,ROLE])`,
  taken: 'there is somebody of this name already (case, width and signs tell nobody apart)',
  unknown: 'there is nobody of this name',
  disabled: 'this person is disabled; "staff reset" lets him in again',
  'not-theirs': 'a token may what its owner may: this person has none of these roles',
  'bad-days': `--days is 1 to ${MAX_TOKEN_DAYS}`,
};

/** @returns the exit code: 0 done, 1 refused, 2 wrong usage */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { err } = context;
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { role: { type: 'string' }, days: { type: 'string' } },
    });
  } catch (cause) {
    err(`central staff: ${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
    return 2;
  }
  const { positionals, values } = parsed;
  const [verb = '', name, ...more] = positionals;
  if (verb === 'list' && name === undefined) return list(context);
  if (name === undefined || (verb !== 'role' && more.length > 0)) return usage(context);
  const doer: Doer = { who: context.who, via: 'command', nowMs: context.nowMs() };
  const { db, random } = context;
  const asked = rolesIn(verb === 'role' ? more : (values.role ?? '').split(','));
  if (asked === null) {
    err(BARS['no-roles']);
    return 2;
  }
  switch (verb) {
    case 'add':
      return told(context, await addStaff(db, { name, roles: asked }, doer, random), (code) =>
        setUpLines(name, code),
      );
    case 'reset':
      return told(context, await resetStaff(db, name, doer, random), (code) =>
        setUpLines(name, code),
      );
    case 'disable':
      return told(context, await disableStaff(db, name, doer), () => [`${name}: disabled`]);
    case 'role':
      return told(context, await setRoles(db, name, asked, doer), () => [
        `${name}: ${asked.join(', ')}`,
      ]);
    case 'end-tokens':
      return told(context, await endTokens(db, name, doer), (n) => [`${name}: ${n} tokens ended`]);
    case 'token': {
      const days = Number(values.days ?? Number.NaN);
      return told(context, await makeToken(db, { name, roles: asked, days }, doer, random), (t) => [
        t,
        `for ${days} days, as ${name} (${asked.join(', ')}); it is shown this once`,
      ]);
    }
    default:
      return usage(context);
  }
}

/** Roles as they were typed, each once; null: one of them is none. */
function rolesIn(typed: readonly string[]): readonly Role[] | null {
  const names = typed
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
  return names.every((text) => ROLES.some((role) => role === text))
    ? ROLES.filter((role) => names.includes(role))
    : null;
}

/** The code goes by no address: whoever reads addresses (a proxy's log) must not have it. */
const setUpLines = (name: string, code: string): readonly string[] => [
  code,
  `one-time code of ${name}, good for 7 days and shown this once: to be typed, with the name, on the page /console/set-up of the staff's door`,
];

function told<T>(
  { out, err }: CommandContext,
  done: StaffDone<T>,
  lines: (value: T) => readonly string[],
): number {
  if (!done.ok) {
    err(`${done.bar}: ${BARS[done.bar]}`);
    return 1;
  }
  for (const line of lines(done.value)) out(line);
  return 0;
}

function usage({ err }: CommandContext): number {
  err(`central staff: no such command\n${USAGE}`);
  return 2;
}

async function list({ db, nowMs, out }: CommandContext): Promise<number> {
  const all = await listStaff(db, nowMs());
  if (all.length === 0) out('nobody yet: staff add NAME --role administrator');
  for (const one of all) {
    const standing =
      one.disabledMs !== null
        ? `disabled ${chinaTime(one.disabledMs)}`
        : one.setUpUntilMs !== null
          ? `waits for the first log-in until ${chinaTime(one.setUpUntilMs)}`
          : one.isSetUp
            ? 'set up'
            : 'not set up';
    const failed = one.failed === 0 ? '' : `, ${one.failed} failed tries`;
    out(`${one.name}  ${one.roles.join(',')}  ${standing}${failed}`);
  }
  return 0;
}
