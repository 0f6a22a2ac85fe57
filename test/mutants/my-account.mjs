// What a neighbour, a thief or a wrong bar would be told of an account, once one of its mends is
// undone. `by` as in catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/${file}.test.ts`],
  name,
});
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const KIOSK = 'unit/kiosk/my-account';
const CENTRAL = 'unit/central/my-account';
const SHARED = 'unit/shared/my-account';
const ATTACKS = 'attacks/my-account';
const PHONES = 'central/use/phones.ts';
const VISIT = 'kiosk/visit/my-account/my-account.ts';
const VIEW = 'kiosk/visit/my-account/view.ts';

export const MY_ACCOUNT = [
  mutant(
    'my-account-any-digits',
    'Whoever knows a user number sees its use.',
    edit(
      PHONES,
      'const known = row !== undefined && matches && !barred;',
      'const known = row !== undefined && !barred;',
    ),
    unit(CENTRAL, 'a neighbour’s number tells nothing'),
  ),
  mutant(
    'my-account-digits-tried-through',
    'The four digits of a household are tried through.',
    edit(PHONES, 'export const WRONG_A_DAY = 10;', 'export const WRONG_A_DAY = 100_000;'),
    unit(ATTACKS, 'are not tried through'),
    unit(CENTRAL, 'whoever tries the digits'),
  ),
  mutant(
    'my-account-right-digits-spend',
    'A customer who often looks at his account is shut out of it.',
    edit(PHONES, '[userNo, today, known ? 0 : 1],', '[userNo, today, 1],'),
    unit(CENTRAL, 'whoever tries the digits'),
  ),
  mutant(
    'my-account-timing',
    'An unknown number is answered sooner than wrong digits.',
    edit(
      PHONES,
      `const kept = row?.last4 ?? '0'.repeat(64);`,
      `if (row === undefined) return false;\n  const kept = row.last4;`,
    ),
    unit(CENTRAL, 'asks the database the same'),
  ),
  mutant(
    'my-account-digits-plain',
    'The database alone gives the digits away.',
    edit(
      PHONES,
      'return newest === undefined ? null : keyedHash(newest, userNo, last4);',
      'return newest === undefined ? null : last4;',
    ),
    unit(CENTRAL, 'keeps no digits'),
  ),
  mutant(
    'my-account-day-cap',
    'A terminal’s key reads the use of a town in a day.',
    edit('central/http/limits.ts', `{ 'my-account': 500 }`, `{ 'my-account': 1_000_000 }`),
    unit(ATTACKS, 'counts through card numbers'),
  ),
  mutant(
    'my-account-minute-cap',
    'A terminal’s key reads its day’s worth in a minute.',
    edit('central/http/limits.ts', `  'my-account': 20,`, `  'my-account': 2_000,`),
    unit(ATTACKS, 'counts through card numbers'),
  ),
  mutant(
    'my-account-number-where-cards-only',
    'An account opens by its number though the policy says by its card.',
    edit(
      'central/terminal-api.ts',
      `rules === undefined || (asked.by === 'number' && !rules.byNumber)`,
      'rules === undefined',
    ),
    unit(CENTRAL, 'is not shown where the policy does not'),
  ),
  mutant(
    'my-account-others-purchases',
    'An account shows the purchases of others.',
    [
      edit('central/use/purchases.ts', 'WHERE (o.user_no = $1 OR', `WHERE ($1 <> '' OR`),
      edit('central/use/purchases.ts', 'LIMIT 1), o.user_no) = $1', 'LIMIT 1), $1) = $1'),
    ],
    unit(CENTRAL, 'the last five purchases'),
  ),
  mutant(
    'my-account-unpaid-shown',
    'A copy is printed of what nobody paid for.',
    edit(
      'shared/my-account.ts',
      `    case 'closed':\n      return null;`,
      `      return null;\n    case 'closed':\n      return 'written';`,
    ),
    unit(KIOSK, 'none of what nobody paid for'),
    unit(SHARED, 'what was not paid is none'),
  ),
  mutant(
    'my-account-year-of-before',
    'The new year begins in the tier of the old one.',
    edit(
      'central/use/my-account.ts',
      '.filter(([month]) => `${month}-01` >= since)',
      '.filter(([month]) => month !== since)',
    ),
    unit(CENTRAL, 'begins its tariff’s year anew'),
  ),
  mutant(
    'my-account-tier-edge',
    'A tier that is used up to the last is still called open.',
    edit(
      'shared/my-account.ts',
      't.uptoQuantity === null || quantity < t.uptoQuantity',
      't.uptoQuantity === null || quantity <= t.uptoQuantity',
    ),
    unit(SHARED, 'say where the year stands'),
  ),
  mutant(
    'my-account-abnormal-factor',
    'Use is called abnormal below the policy’s factor.',
    edit(
      'shared/my-account.ts',
      'quantity * 100 >= yearBefore * rule.abnormalPercent',
      'quantity > yearBefore',
    ),
    unit(SHARED, 'the policy’s factor'),
  ),
  mutant(
    'my-account-abnormal-guess',
    'An estimate alarms a household; so does a terminal that makes readings up.',
    edit('shared/my-account.ts', '    !estimated &&\n', ''),
    unit(SHARED, 'is never said of an estimate'),
    unit(ATTACKS, 'readings that a terminal makes up'),
  ),
  mutant(
    'my-account-readings-fill',
    'A meter whose clock is years ahead is a reading.',
    edit('central/use/readings.ts', 'at > nowMs + AHEAD_MS || ', ''),
    unit(CENTRAL, 'counts a card’s year'),
  ),
  mutant(
    'my-account-changed-meter',
    'A changed meter’s first reading is taken for a month’s use.',
    edit(
      'central/use/readings.ts',
      'before === undefined || reading.used < before.used',
      'before === undefined',
    ),
    unit(SHARED, 'across a meter that was changed'),
  ),
  mutant(
    'my-account-import-stale',
    'A fault that is over is shown for good.',
    edit(
      'central/use/households.ts',
      `    await tx.query('DELETE FROM meter_faults WHERE user_no = $1 AND kind = $2', [userNo, kind]);\n`,
      '',
    ),
    unit(CENTRAL, 'is brought up to date'),
  ),
  mutant(
    'my-account-directory',
    'At one machine digits are tried without an end.',
    edit(VISIT, '`${userNo} ${last4}`', 'userNo'),
    unit(KIOSK, 'is no directory'),
  ),
  mutant(
    'my-account-late-answer',
    'An answer of before opens somebody else’s account.',
    edit(VISIT, 'if (told.asked !== s.asked) return null;', ''),
    unit(KIOSK, 'an answer to an earlier question'),
  ),
  mutant(
    'my-account-away-by-number',
    'With central away a number alone shows what was bought at this machine.',
    edit(
      VISIT,
      'if (s.card === null && found === null)',
      'if (s.card === null && found === null && result?.ok === true)',
    ),
    unit(KIOSK, 'central goes away meanwhile'),
  ),
  mutant(
    'my-account-away-others-card',
    'With central away a card shows what was bought with others.',
    edit('kiosk/run/my-account.ts', ': journal.lastOrdersOf({ cardNo });', ': journal.orders();'),
    unit(KIOSK, 'with that very card'),
  ),
  mutant(
    'my-account-copies',
    'Copies come without an end.',
    edit(VIEW, 's.papers < MOST_PAPERS &&', 's.papers < 99 &&'),
    unit(KIOSK, 'comes so often'),
  ),
  mutant(
    'my-account-copy-unmarked',
    'A copy of a slip passes for the slip.',
    edit('kiosk/words/my-account-slips.ts', '补打凭条 COPY', '购气凭条'),
    unit(KIOSK, 'is marked as one'),
  ),
  mutant(
    'my-account-forged-receipt',
    'A receipt’s page opens by anybody’s signature.',
    edit(
      'central/receipts/receipt.ts',
      'if (at.answerKeys.disbelief(receiptText(orderId), { signature }) === null) return true;',
      'if (at.answerKeys.disbelief(receiptText(orderId), { signature }) !== null) return true;',
    ),
    unit(CENTRAL, 'the last five purchases'),
  ),
  mutant(
    'my-account-leak-last',
    'A leak is said after a clock that is slow.',
    edit(
      VIEW,
      `['leak', 'flow', 'valve', 'battery', 'magnet', 'clock']`,
      `['clock', 'battery', 'magnet', 'valve', 'flow', 'leak']`,
    ),
    unit(KIOSK, 'the urgent first'),
  ),
];
