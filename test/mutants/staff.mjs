// Who staff at central are, what they may do, and who is told of alarms. `by` as in catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/unit/central/${file}.test.ts`],
  name,
});
const edit = (file, find, replace) => ({ file: `src/central/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const STAFF = [
  mutant(
    'staff-code-twice',
    'A code of the authenticator counts as often as it is typed.',
    [
      edit('staff/log-in.ts', '    step <= num(row.totp_step)\n', '    step < 0\n'),
      edit('staff/log-in.ts', 'AND totp_step < $2\n', 'AND totp_step <= $2\n'),
    ],
    unit('staff-log-in', 'a code counts once'),
  ),
  mutant(
    'staff-tries-without-end',
    'Whoever guesses is never told to wait.',
    edit('staff/tries.ts', '    if (n > (what', '    if (n < 0 && n > (what'),
    unit('staff-log-in', 'guessing ends'),
  ),
  mutant(
    'staff-roles-keep-session',
    'Other roles leave their owner logged in.',
    edit(
      'staff/accounts.ts',
      `  await tx.query('DELETE FROM staff_sessions WHERE name = $1', [name]);`,
      '',
    ),
    unit('staff-log-in', 'a session ends'),
  ),
  mutant(
    'staff-watching-counts',
    'A page that loads itself anew keeps its reader logged in.',
    edit('console/gate.ts', `get('watching') === '1'`, `get('watching') === '2'`),
    unit('staff-log-in', 'a session ends'),
  ),
  mutant(
    'staff-form-of-another',
    'Any page may post a form.',
    edit('console/ways.ts', 'if (!sameText(token, by.token))', 'if (token === null)'),
    unit('staff-log-in', 'decides nothing'),
  ),
  mutant(
    'staff-any-origin',
    'Where a form comes from is not looked at.',
    edit('console/gate.ts', 'told !== origin ||', 'told === null ||'),
    unit('staff-log-in', 'decides nothing'),
  ),
  mutant(
    'staff-typed-name',
    'The form says who decides, also where he is logged in.',
    edit('console/deciding.ts', 'const told = { ...form, who };', 'const told = { who, ...form };'),
    unit('staff-log-in', 'decides nothing'),
  ),
  mutant(
    'staff-role-unasked',
    'Whoever is logged in may do everything.',
    edit(
      'console/gate.ts',
      'if (!OWN_PAGES.includes(route.path) && ',
      'if (route.path === null && ',
    ),
    unit('staff-walk', 'is shut to whoever'),
  ),
  mutant(
    'staff-next-anywhere',
    'Logging in leads to any host.',
    edit('console/log-in-routes.ts', `.test(next) ? next : '/';`, `.test(next) ? next : next;`),
    unit('staff-log-in', 'goes to a page of ours'),
  ),
  mutant(
    'staff-token-more-than-owner',
    'A bearer token may what its owner no longer may.',
    edit('staff/sessions.ts', 'countingRoles(rolesOf(row.roles), own)', 'rolesOf(row.roles)'),
    unit('staff-walk', 'a token may what its owner may'),
  ),
  mutant(
    'staff-api-without-csrf',
    'A browser’s call to the API needs nothing of its session.',
    edit('staff-api.ts', 'if (person.csrf !== null && ', 'if (person.csrf === null && '),
    unit('staff-walk', 'needs what its session gave it'),
  ),
  mutant(
    'two-persons-one',
    'Who proposed it approves it.',
    edit('staff/two-persons.ts', `sameName(asked.who, who))`, `asked.who === '')`),
    unit('staff-two-persons', 'money: one proposes'),
  ),
  mutant(
    'two-persons-any-role',
    'Whoever may see proposals approves what his role may not do.',
    edit('console/decisions.ts', `mayUse(roles, 'POST', path) &&`, 'roles.length > 0 &&'),
    unit('staff-two-persons', 'money: one proposes'),
  ),
  mutant(
    'two-persons-for-ever',
    'A proposal never lapses.',
    edit('staff/two-persons.ts', 'asked.lapsesMs <= nowMs', 'asked.lapsesMs <= 0'),
    unit('staff-two-persons', 'lapsed'),
  ),
  mutant(
    'audit-beside',
    'What changes nothing is in the audit as well.',
    edit('staff/audit.ts', 'if (before !== after)', 'if (before !== null)'),
    unit('staff-two-persons', 'the audit is written'),
  ),
  mutant(
    'alarm-each-round',
    'An alarm that stands is told again at each look.',
    edit('staff/alarms/alarms.ts', '>= WORSE * num(row.told_measure)', '>= num(row.told_measure)'),
    unit('alarms', 'a silent terminal'),
  ),
  mutant(
    'alarm-by-each-process',
    'Each process sends each message.',
    edit('staff/alarms/alarms.ts', 'if (taken.length === 0) continue;', ''),
    unit('alarms', 'several processes tell once'),
  ),
  mutant(
    'alarm-over-before-it-began',
    'The end is told before the beginning was.',
    edit(
      'staff/alarms/alarms.ts',
      'AND e.id < m.id AND e.delivered_ms',
      'AND e.id < 0 AND e.delivered_ms',
    ),
    unit('alarms', 'several processes tell once'),
  ),
];
