// Accounts that a company keeps. `by` as in catalogue.mjs.
const FILE = 'test/unit/central/company-accounts.test.ts';
const by = (name) => ({ kind: 'tests', project: 'unit', files: [FILE], name });
const credit = (name) => ({
  kind: 'tests',
  project: 'unit',
  files: ['test/unit/central/company-credit.test.ts'],
  name,
});
const edit = (file, find, replace) => ({ file: `src/central/${file}`, find, replace });
const mutant = (id, what, edits, ...tests) => ({ id, what, edits: [edits].flat(), by: tests });
const MIRROR = 'sale/company-mirror.ts';
const TELLER = 'sale/company-teller.ts';

export const COMPANY = [
  mutant(
    'company-pending-forgotten',
    'What the company was not told yet is not on the card.',
    edit(MIRROR, 'count: sum((p) => p.counts),', 'count: 0,'),
    by('are told, priced, sold to'),
  ),
  mutant(
    'company-refused-forgotten',
    'What the company refuses is not on the card.',
    edit(MIRROR, '(tell_no > $2 OR state = $3)', '(tell_no > $2 OR state = $3 || $3)'),
    by('a purchase that it refuses for ever'),
  ),
  mutant(
    'company-count-falls',
    'A count falls below what kiosks wrote to the card.',
    edit(MIRROR, 'if (count < floor)', 'if (count < 0 * floor)'),
    by('a count below what is on the card'),
  ),
  mutant(
    'company-price-under-version',
    'A price changes under a version that was sold by.',
    edit(MIRROR, '(canonicalJson(JSON.parse(known.tiers)) !== canonicalJson(tariff.tiers) ||', '('),
    by('another price under the same version'),
  ),
  mutant(
    'company-count-moves-under-order',
    'The count moves while an order holds the next one.',
    edit(MIRROR, '(await isSelling(tx, told.userNo, nowMs)) ? without(row, was) : row', 'row'),
    by('a count does not move under an order'),
  ),
  mutant(
    'company-forgets-alone',
    'A company that goes on from a backup is not told again.',
    edit(
      MIRROR,
      "AND tell_no > $2 AND state <> 'waiting'`",
      "AND tell_no > $2 AND state = 'none'`",
    ),
    by('it goes on from a backup'),
  ),
  mutant(
    'company-unknown-is-booked',
    'An answer that nobody heard is taken for a booking.',
    edit(
      TELLER,
      `      await later(db, row, said.detail, nowMs);
      return false;`,
      `      await db.query(
        \`UPDATE company_purchases SET state = 'booked' WHERE user_no = $1 AND tell_no = $2\`,
        [...at],
      );
      return true;`,
    ),
    by('error-500: nothing is told'),
  ),
  mutant(
    'company-order-told-twice',
    'An order that is over is numbered with each of its facts.',
    edit('books/company-purchases.ts', 'told_no: tellNo }', 'told_no: 0 }'),
    by('are told, priced, sold to'),
  ),
  mutant(
    'company-bill-open-again',
    'A bill that was paid here is open again by an answer of before.',
    edit(
      'sale/company-credit.ts',
      "if (was.state === 'paid' && was.paid_by !== ELSEWHERE) return [];",
      '',
    ),
    credit('a bill that was paid here stays paid'),
  ),
];
