// What stood in a changed meter, granted to a household with a card. `by` as in catalogue.mjs.
const tests = (project, file, name) => ({ kind: 'tests', project, files: [file], name });
const grants = (name) => tests('unit', 'test/unit/central/card-grants.test.ts', name);
const races = (name) => tests('concurrency', 'test/concurrency/races.test.ts', name);
const edit = (find, replace, file = 'card-grants.ts') => ({
  file: `src/central/sale/${file}`,
  find,
  replace,
});
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const CARD_GRANTS = [
  mutant(
    'card-grant-one-person',
    'Who proposes a grant to a card household confirms it himself.',
    edit('if (sameName(seen.asked_who, told.who))', 'if (told.who === null)'),
    grants('needs two persons, and is decided once'),
  ),
  mutant(
    'card-grant-twice',
    'A grant that two confirm at once is given twice.',
    [
      edit("if (waits?.state !== 'asked')", 'if (waits === undefined)'),
      edit('return done.length === 0 ? no', 'return done.length > 1 ? no'),
    ],
    races('that two confirm at once is given once'),
  ),
  mutant(
    'card-grant-work-order',
    'A work order that granted to an IoT account grants to a card too.',
    edit(
      'if (await grantedToIot(tx, asked.reference))',
      'if (asked.reference === null && (await grantedToIot(tx, asked.reference)))',
    ),
    grants('a work order grants once'),
  ),
  mutant(
    'card-grant-work-order-iot',
    'A work order that granted to a card grants to an IoT account too.',
    edit(
      'if (await grantedToCard(tx, reference))',
      'if (reference === null && (await grantedToCard(tx, reference)))',
      'credit-acts.ts',
    ),
    grants('a work order grants once'),
  ),
  mutant(
    'card-grant-tier',
    'Granted gas counts in the year once more: the household comes to a dearer tier for what it lost.',
    edit("['year', standing.yearStartMs],", "['none', standing.yearStartMs],"),
    grants('comes with the next purchase'),
  ),
  mutant(
    'card-grant-limit',
    'Granted gas counts in the limit’s period once more.',
    edit("['limit', standing.limitStartMs],", "['none', standing.limitStartMs],"),
    grants('frees the limit’s period'),
  ),
  mutant(
    'card-grant-price',
    'What was bought in a dearer tier is granted at the price of the cheapest.',
    edit('const year = Math.max(0, standing.yearQuantity - quantity);', 'const year = 0;'),
    grants('comes with the next purchase'),
  ),
  mutant(
    'card-grant-too-much',
    'More is granted than a purchase may write, and the household can buy nothing any more.',
    edit('limit !== null && least > limit', 'limit === -1 && least > limit'),
    grants('goes to no card that'),
  ),
  mutant(
    'card-grant-lost-card',
    'A household whose card is on the hot list is granted to.',
    edit("account === undefined || account.state === 'hot-listed'", 'account === undefined'),
    grants('goes to no card that'),
  ),
  mutant(
    'card-grant-year-budget',
    'One account has as much as two persons like.',
    edit('fen > by.budget.accountFen', 'fen < 0'),
    grants('has budgets'),
  ),
  mutant(
    'card-grant-day-budget',
    'All accounts have as much in a day as two persons like.',
    edit(
      'if (!(await spendDay(tx, inFen(planned.micro), by.budget, by.nowMs)))',
      'if (planned === null)',
    ),
    grants('has budgets'),
  ),
  mutant(
    'card-grant-dead-quote',
    'A machine that is gone keeps the grant that it quoted for ever.',
    edit('await freeForgotten(tx, request.cardNo, nowMs);', '', 'quotes.ts'),
    grants('comes back where the machine that quoted it is gone'),
  ),
  mutant(
    'card-grant-dead-quote-untold',
    'A machine is not told of the grant that its firm quote will spend, and refuses that quote.',
    edit('r.carried_micro + freed', 'r.carried_micro', 'accounts.ts'),
    grants('comes back where the machine that quoted it is gone'),
  ),
  mutant(
    'card-grant-part-is-all',
    'A grant of which a part is still to come is told as written.',
    edit('num(row.carried) >= GRANTED_MICRO', 'num(row.carried) < 0', 'card-grant-rows.ts'),
    grants('waits while a part of it is still to come'),
  ),
  mutant(
    'card-grant-all-or-nothing',
    'A grant that no purchase may write at once makes its household unsellable.',
    edit(
      'return Math.min(carriedMicro, Math.max(0, most - amountFen * MICRO_PER_FEN));',
      'return most < 0 ? amountFen * MICRO_PER_FEN : carriedMicro;',
      'quotes.ts',
    ),
    grants('is written in parts'),
  ),
  mutant(
    'card-grant-forgotten',
    'A purchase that spent a grant which central forgot is held for ever.',
    {
      file: 'src/central/books/carried.ts',
      find: 'if (there < used && used - there < GRANTED_MICRO)',
      replace: 'if (there < used && GRANTED_MICRO > 0)',
    },
    grants('is believed by its quote'),
  ),
  mutant(
    'card-grant-offline-forgotten',
    'An honest sale offline is set aside where the database forgot the grant that it was told of.',
    {
      file: 'src/central/books/offline-sales.ts',
      find: 'Math.min(counted, then ?? counted)',
      replace: 'Math.max(counted, then ?? counted)',
    },
    grants('of which an offline sale was told'),
  ),
  mutant(
    'card-grant-refused-spends',
    'Each press on a confirmation that is refused spends of the day’s budget.',
    edit(
      "    if (await grantedToIot(tx, seen.reference)) return no('asked-already');\n    if (!(await spendDay",
      '    if (!(await spendDay',
    ),
    grants('whose confirmation is refused spends nothing'),
  ),
  mutant(
    'card-grant-two-households',
    'A number of two households grants to one of them.',
    edit('owners.length > 1', 'owners.length > 2'),
    grants('by a number that is one household'),
  ),
  mutant(
    'card-grant-unlocked',
    'A grant does not hold its account: a quote or a delivery of the same moment forgets it.',
    edit("'user_no = $1 FOR NO KEY UPDATE', [userNo]", "'user_no = $1', [userNo]"),
    races('and a delivery at once'),
    races('that two confirm at once is given once'),
  ),
];
