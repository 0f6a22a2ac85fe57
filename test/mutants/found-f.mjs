// What somebody inside gained before it was mended: with a terminal's key, a card that was settled
// once, a form at the console, a code that is over. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const inside = (name) => tests('test/attacks/inside.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const SEEN = 'central/books/card-seen.ts';

export const FOUND_F = [
  mutant(
    'seed-collides',
    'Two accounts of a seed with one user number pass: one of them is never there.',
    edit('central/fleet/seed.ts', `if ((byUser.get(a.userNo) ?? body) !== body)`, `if (false)`),
    tests('test/unit/central/seed.test.ts', 'user number is refused'),
  ),
  mutant(
    'stops-unlimited',
    'One terminal’s word stops any number of cards.',
    edit(SEEN, `if (await stopsTooMany(tx, cardNo, terminalId, nowMs)) {`, `if (false) {`),
    inside('stops no town'),
  ),
  mutant(
    'stop-once-for-ever',
    'A card that was settled is not stopped again for the same sum on top.',
    edit(SEEN, `WHERE card_stops.settled_ms IS NOT NULL AND NOT $5`, `WHERE false AND NOT $5`),
    inside('is stopped when the same sum is taken once more'),
  ),
  mutant(
    'stop-settled-in-vain',
    'What a settled card has more than was bought stops it again at each visit.',
    edit(SEEN, `    if (above !== null)\n`, `    if (above === -1)\n`),
    inside('is stopped when the same sum is taken once more'),
  ),
  mutant(
    'stop-unseen-settled',
    'A form settles stops that came after it was read.',
    edit(SEEN, `AND at_ms <= $5 RETURNING`, `AND at_ms <> $5 RETURNING`),
    tests('test/unit/central/card-seen.test.ts', 'a refunded purchase that is on its card'),
  ),
  mutant(
    'refused-stranded',
    'What a second person refused nobody can ask for again, but for a revoked terminal.',
    edit(
      'central/books/adopt.ts',
      `if (terminal?.status !== 'revoked' && !(await wasRefused(tx, a)))`,
      `if (terminal?.status !== 'revoked')`,
    ),
    tests('test/attacks/staff.test.ts', 'it is asked for anew at the console'),
  ),
  mutant(
    'adopted-from-the-living',
    'The console takes any order from a terminal that still settles it itself.',
    edit(
      'central/gateway/adopted.ts',
      `(state === 'parked' || state === 'closed');`,
      `state !== '';`,
    ),
    tests('test/attacks/adopted.test.ts', 'what a second person refused, and nothing else'),
  ),
  mutant(
    'not-yet-pulled-out',
    'While central does not know the payment, the customer is told that he pulled his card out.',
    edit(
      'kiosk/visit/order-screen.ts',
      `if (open.order.reason === NOT_KNOWN_YET) return 'central';`,
      ``,
    ),
    tests('test/unit/kiosk/keys-and-purses.test.ts', 'not told that he pulled his card out'),
  ),
  mutant(
    'not-yet-keeps-card',
    'A motor reader keeps a card for which nothing goes on until it is put in anew.',
    edit(
      'kiosk/visit/order-visit.ts',
      `doubtOf(s, open) === 'central' && open.claim.failure !== null`,
      `doubtOf(s, open) === 'central'`,
    ),
    tests('test/unit/kiosk/keys-and-purses.test.ts', 'not told that he pulled his card out'),
  ),
  mutant(
    'allowed-alone',
    'A clerk alone lets a refund on a reader’s word go back, and gives an account its budget again.',
    edit('central/sale/budgets.ts', `if (sameName(row.asked_who, who)) return 'same-person';`, ``),
    tests('test/unit/central/budgets.test.ts', 'a person decides, by name'),
  ),
  mutant(
    'asked-outlives-refusal',
    'What one person asked for still counts after another one refused it.',
    edit(
      'central/sale/budgets.ts',
      `asked = NULL, asked_who = NULL, asked_why = NULL WHERE`,
      `asked_why = NULL WHERE`,
    ),
    tests('test/unit/central/budgets.test.ts', 'a person decides, by name'),
  ),
  mutant(
    'unseen-letters-are-names',
    'Letters that nobody sees make a second person.',
    edit(
      'shared/same-name.ts',
      `[^\\p{L}\\p{N}]|\\p{Default_Ignorable_Code_Point}`,
      `[^\\p{L}\\p{N}]`,
    ),
    tests('test/unit/central/budgets.test.ts', 'a person decides, by name'),
  ),
  mutant(
    'over-not-charged',
    'A code that is over says “not charged” though a wallet was asked.',
    edit('central/gateway/opening.ts', `begun.length > 0 ? 'over-begun' : 'over'`, `'over'`),
    tests('test/attacks/pages.test.ts', 'says “not charged” only where that is known'),
  ),
];
