// Bills that are paid in parts, and money paid ahead. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const credit = (name) => tests('test/unit/central/credit.test.ts', name);
const sale = (name) => tests('test/unit/kiosk/account-sale.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const PARTS = [
  mutant(
    'part-settles-bill',
    'A part of a bill settles all of it.',
    edit(
      'central/books/postings.ts',
      `line.restFen === undefined ? null : restOf(`,
      `line.restFen !== 0 ? null : restOf(`,
    ),
    credit('pays the late fee first'),
  ),
  mutant(
    'part-fee-from-due',
    'After a part the rest bears a late fee for the days that are paid.',
    edit(
      'central/sale/credit-terms.ts',
      `late_since === null ? overdueDays`,
      `late_since !== '' ? overdueDays`,
    ),
    credit('pays the late fee first'),
  ),
  mutant(
    'part-cap-anew',
    'Each part gives the late fee its whole cap again.',
    edit(
      'central/books/postings.ts',
      `item.late_fee_cap_fen - terms.lateFeeFen`,
      `item.late_fee_cap_fen - 0`,
    ),
    credit('pays the late fee first'),
  ),
  mutant(
    'part-without-word',
    'A sum below what is due is taken for a part though nobody said so.',
    edit(
      'central/sale/credit-quotes.ts',
      `  if (part === undefined) {`,
      `  if (part === undefined && amountFen >= dueFen) {`,
    ),
    credit('is said to be one'),
  ),
  mutant(
    'part-against-policy',
    'Bills are paid in parts where the policy has it not.',
    [
      edit(
        'central/sale/credit-quotes.ts',
        `  if (minFen === undefined) throw bad('bills are paid whole here');`,
        ``,
      ),
      edit(
        'central/sale/credit-quotes.ts',
        `paid.principalFen < minFen`,
        `paid.principalFen < (minFen ?? 0)`,
      ),
    ],
    credit('is said to be one'),
  ),
  mutant(
    'part-then-whole',
    'What was quoted of the whole bill is posted though a part of it was paid since.',
    edit(
      'central/books/postings.ts',
      `if (item.principal_fen !== principalOf(line)) return`,
      `if (item.principal_fen > principalOf(line)) return`,
    ),
    credit('keeps the whole bill'),
  ),
  mutant(
    'part-with-discount',
    'A part is cheaper by the early payer’s whole discount.',
    edit(
      'central/books/postings.ts',
      `    discount_fen: 0,\n    discount_until: null,`,
      `    discount_until: item.discount_until,`,
    ),
    credit('ends an early payer’s discount'),
  ),
  mutant(
    'part-of-many',
    'A kiosk offers a part of several bills as if they were one.',
    edit(
      'kiosk/visit/account-sale/choice.ts',
      `item === undefined || second !== undefined) return null;`,
      `item === undefined || second === item) return null;`,
    ),
    sale('are paid in part, the oldest alone'),
  ),
  mutant(
    'part-kept-by-tick',
    'A bill that is ticked anew is paid in part still.',
    edit(
      'kiosk/visit/account-sale/account-sale.ts',
      `    chosenFen: null,\n    agreed: null,\n  });\n}`,
      `    agreed: null,\n  });\n}`,
    ),
    sale('are paid in part, the oldest alone'),
  ),
  mutant(
    'ahead-before-debt',
    'Money is paid ahead by who owes something.',
    edit(
      'kiosk/visit/account-sale/choice.ts',
      `account.items.every((i) => i.payee !== prepay.payee)`,
      `account.items.every((i) => i.payee !== '')`,
    ),
    sale('of who owes something: nothing is paid ahead'),
  ),
  mutant(
    'ahead-to-any-account',
    'Money is paid into a balance that central does not keep.',
    [
      edit(
        'central/sale/credit-accounts.ts',
        `  account.meter_no === null &&\n  policy.payees.some((p) => p.id === account.top_up_payee);`,
        `  account.meter_no === null;`,
      ),
      edit(
        'central/sale/credit-quotes.ts',
        `|| account.top_up_payee !== payee)`,
        `|| (account.top_up_payee ?? payee) !== payee)`,
      ),
    ],
    credit('is none without the policy'),
  ),
  mutant(
    'meter-said-too-early',
    'Whoever asks by his slip hears that his meter has a top-up which is on its way.',
    edit('central/sale/orders.ts', `c.state === 'done'`, `c.state !== 'waiting'`),
    {
      kind: 'tests',
      project: 'integration',
      files: ['test/integration/meter-platform.test.ts'],
      name: 'one that confirms later',
    },
  ),
  mutant(
    'meter-of-another-order',
    'A slip is told of the meter of another order that has the same digits.',
    edit(
      'kiosk/run/central.ts',
      `asked.value.find((o) => o.orderId === own.orderId)`,
      `asked.value[0]`,
    ),
    sale('asked for by its number tells'),
  ),
  mutant(
    'card-number-unpaid-first',
    'A card that tells its number for a bill is not given what was paid for it before.',
    edit(
      'kiosk/visit/account-sale/account-sale.ts',
      `if (own !== null) return step(`,
      `if (own === '') return step(`,
    ),
    sale('is finished first where an order of its own was paid'),
  ),
  mutant(
    'card-taken-ends-bill',
    'Whoever takes his card back loses the account that it opened.',
    edit(
      'kiosk/visit/account-sale/account-sale.ts',
      `event.state === 'empty' && s.card === null)`,
      `event.state === 'empty' && s.card !== null)`,
    ),
    sale('opens its account, which is still to be confirmed'),
  ),
];
