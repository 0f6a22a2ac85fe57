// Terminals let in by a code, policy by scope, accounts from a file.
const ENROL = 'central/fleet/enrol-api.ts';
const PUBLISH = 'central/fleet/policy-publish.ts';

export const fleet = ({ mutant, edit, unit }) => [
  mutant(
    'enrol-without-code',
    'Who knows a code’s handle enrols without the code.',
    edit(
      ENROL,
      `if (known === null || !signed(known.codeKeyPem, text, asked.codeSignature)) {`,
      `if (known === null) {`,
    ),
    unit('central/enrolment', 'whoever stands between'),
  ),
  mutant(
    'enrol-any-answer',
    'A machine believes whatever answers it.',
    edit(
      'main/cli/enrol.ts',
      `if (!answer.success || !isAnswerProof(code.answerSecret, body, answer.data))`,
      `if (!answer.success)`,
    ),
    unit('central/enrolment', 'whoever stands between'),
  ),
  mutant(
    'enrol-kept-answer',
    'An answer that was kept answers another request.',
    edit('shared/enrolment.ts', `hash('sha256', enrolText(asked), 'hex')`, `asked.handle`),
    unit('central/enrolment', 'whoever stands between'),
  ),
  mutant(
    'enrol-code-twice',
    'A code lets a second machine in.',
    edit(ENROL, `if (e.state !== 'open') {`, `if (e.state !== 'open' && e.publicKeyPem === key) {`),
    unit('central/enrolment', 'one code lets one machine in'),
  ),
  mutant(
    'enrol-unconfirmed',
    'A key counts before a person has compared its fingerprint.',
    edit(ENROL, `const counts = vouched || !e.confirm;`, `const counts = true;`),
    unit('central/enrolment', 'once a person has compared'),
  ),
  mutant(
    'enrol-guess',
    'Wrong codes are not counted.',
    edit(ENROL, `if (num(row?.n ?? 0) >= WRONG_A_MINUTE)`, `if (num(row?.n ?? 0) > 1e9)`),
    unit('central/enrolment', 'guesses are counted'),
  ),
  mutant(
    'enrol-new-key-each-time',
    'After a cut the machine comes with another key.',
    edit(
      'main/cli/enrol-files.ts',
      `if (!existsSync(file)) writeWhole`,
      `if (existsSync(folder)) writeWhole`,
    ),
    unit('central/enrolment', 'cut at any point'),
  ),
  mutant(
    'revoked-held',
    'A question that is held tells a revoked terminal of its payment.',
    edit('central/gateway/holds.ts', `      await refuseRevoked(desk.db(), terminalId);\n`, ``),
    unit('central/gateway-hold', 'revoked meanwhile'),
  ),
  mutant(
    'policy-version-of-scope',
    'A terminal that moves hears a version that it has.',
    edit(PUBLISH, `if (head.published && problems.length === 0) await nextVersion(tx, head);`, ``),
    unit('central/policy-scopes', 'begins with what central'),
  ),
  mutant(
    'policy-some-terminals',
    'A policy is published though a terminal then has none.',
    edit(
      PUBLISH,
      `if (scope === 'global' || scope === one || scope === \`site:\${site}\`)`,
      `if (scope === one)`,
    ),
    unit('central/policy-scopes', 'leaves one terminal without'),
  ),
  mutant(
    'policy-house-for-all',
    'Central quotes by the company’s limits, whoever asks.',
    edit(
      'central/terminal-api.ts',
      `const policy = await policyOf(terminalId);\n        const promised`,
      `const policy = await policyOf('');\n        const promised`,
    ),
    unit('central/policy-scopes', 'a quote goes by the limits'),
  ),
  mutant(
    'policy-deaf',
    'Another process goes by the old policy for good.',
    edit(
      'central/fleet/policy-book.ts',
      `!rung && Math.abs(nowMs - lookedMs) < LOOK_EVERY_MS`,
      `!rung`,
    ),
    unit('central/policy-scopes', 'another process goes by it'),
  ),
  mutant(
    'policy-remembered-too-soon',
    'Of a terminal that is not there yet it is remembered that it stands nowhere.',
    edit(
      'central/fleet/policy-book.ts',
      `if (site === undefined) return houseOf(of);`,
      `site ??= null;`,
    ),
    unit('central/policy-scopes', 'a terminal that is let in goes by'),
  ),
  mutant(
    'policy-one-bad-stops-all',
    'One policy that this program does not take stops what is made of all.',
    edit('central/fleet/policy-book.ts', `if (!isNoPolicy(cause)) throw cause;`, `throw cause;`),
    unit('central/policy-scopes', 'stops those alone'),
  ),
  mutant(
    'enrol-one-key-for-all-codes',
    'A key that was brought under another terminal’s code is brought again.',
    edit(
      'main/cli/enrol-files.ts',
      `enrolling-\${handle}.pem`,
      `enrolling-\${''.padEnd(32, '0')}.pem`,
    ),
    unit('central/enrolment', 'the next key of a machine that lost'),
  ),
  mutant(
    'import-unbounded',
    'A file’s number may be more than any kiosk reads.',
    edit('central/fleet/import-columns.ts', `return value <= max`, `return value > 0 || max > 0`),
    unit('central/account-import', 'no number is more than'),
  ),
  mutant(
    'import-paid-bill',
    'A file changes a bill that was paid.',
    edit('central/fleet/import-credit.ts', `if (!isUntouched(was)) {`, `if (kept < 0) {`),
    unit('central/account-import', 'a bill that is paid'),
  ),
  mutant(
    'import-lost-zeros',
    'A number whose zeros a spreadsheet lost is taken.',
    edit(
      'central/fleet/import-columns.ts',
      `(cell.as === 'text' || isFixed(pattern))`,
      `(cell.as !== 'date' || isFixed(pattern))`,
    ),
    unit('central/account-import', 'a spreadsheet'),
  ),
  mutant(
    'tariff-of-yesterday',
    'A price begins on a day on which kiosks have sold by the old one.',
    edit(
      'central/fleet/tariffs.ts',
      `if (fromMs !== null && fromMs <= nowMs)`,
      `if (fromMs === 0)`,
    ),
    unit('central/account-import', 'what is no tariff'),
  ),
];
