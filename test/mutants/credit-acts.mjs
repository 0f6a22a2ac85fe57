// Acts of two persons on accounts: payments moved, and what is granted. `by` as in catalogue.mjs.
const tests = (project, file, name) => ({ kind: 'tests', project, files: [file], name });
const acts = (name) => tests('unit', 'test/unit/central/credit-acts.test.ts', name);
const races = (name) => tests('concurrency', 'test/concurrency/credit.test.ts', name);
const kiosk = (name) => tests('unit', 'test/unit/kiosk/account-sale.test.ts', name);
const sale = (file, find, replace) => ({ file: `src/central/sale/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const CREDIT_ACTS = [
  mutant(
    'acts-one-person',
    'Who proposes an act confirms it himself.',
    sale('credit-acts.ts', 'if (sameName(seen.asked_who, told.who))', 'if (told.who === null)'),
    acts('is moved by nobody alone'),
  ),
  mutant(
    'acts-twice',
    'An act that two confirm at once is done twice.',
    [
      sale('credit-acts.ts', "[id]))[0]?.state === 'asked';", '[id]))[0] !== undefined;'),
      sale('credit-acts.ts', 'return done.length === 0 ? no', 'return done.length > 1 ? no'),
    ],
    races('that two confirm at once is done once'),
  ),
  mutant(
    'acts-both',
    'An act is confirmed although it was refused at the same moment.',
    sale(
      'credit-acts.ts',
      "WHERE id = $1 AND state = 'asked' RETURNING id`",
      'WHERE id = $1 RETURNING id`',
    ),
    races('that one confirms while another refuses it'),
  ),
  mutant(
    'move-not-taken',
    'A moved payment stays in the balance of the wrong account too.',
    sale('credit-moves.ts', 'amountFen: -amountFen, nowMs }', 'amountFen: 0, nowMs }'),
    acts('goes to the account that was meant'),
    acts('conserve money'),
  ),
  mutant(
    'move-spent',
    'A payment is moved although its account has used it up.',
    sale('credit-moves.ts', '?? 0) < amountFen) return', '?? 0) < 0) return'),
    acts('is moved no further than it is still there'),
  ),
  mutant(
    'move-unposted',
    'An order is moved that was never posted.',
    sale('credit-moves.ts', "posting?.state !== 'posted'", 'posting === undefined'),
    acts('is moved no further than it is still there'),
  ),
  mutant(
    'move-settled-otherwise',
    'A payment is moved off a bill that something else paid.',
    sale(
      'credit-moves.ts',
      "bill?.state !== 'paid' || bill.paid_by !== orderId",
      "bill?.state !== 'paid'",
    ),
    acts('is not moved where its bill was settled otherwise'),
  ),
  mutant(
    'move-kept-bill',
    'A payment is moved onto a bill that a machine keeps for somebody.',
    sale('credit-moves.ts', 'orderId !== move.orderId, nowMs)', 'orderId !== orderId, nowMs)'),
    acts('is not taken from under a bill'),
    races('leaves a bill to a kiosk'),
  ),
  mutant(
    'move-any-sum',
    'A payment pays bills of another sum.',
    sale('credit-moves.ts', '!== posting.amount_fen)', '< 0)'),
    acts('pays the bills that are named'),
    acts('conserve money'),
  ),
  mutant(
    'move-other-payee',
    'Money of one company pays a bill of another.',
    sale(
      'credit-moves.ts',
      'bills.some((bill) => bill.payee !== posting.payee)',
      'bills.length === 0',
    ),
    acts('pays the bills that are named'),
  ),
  mutant(
    'move-no-consent',
    'A moved payment pays what asks for a contract that nobody agreed to.',
    sale(
      'credit-moves.ts',
      'bill.consent_text !== null && bill.consent_text !== agreed',
      'bill.state === agreed',
    ),
    acts('pays the bills that are named'),
  ),
  mutant(
    'move-late-fee-of-the-office',
    'The office’s own time costs the customer a late fee.',
    sale(
      'credit-moves.ts',
      'const paidMs = posting.paid_ms ?? posting.ended_ms ?? nowMs;',
      'const paidMs = nowMs;',
    ),
    acts('counts for bills what they came to'),
  ),
  mutant(
    'move-papers-forgotten',
    'A payment is moved although an invoice was issued after it was proposed.',
    sale(
      'credit-acts.ts',
      "if (!(await by.mayMove(tx, orderId))) return no('papers');",
      "if (!(await by.mayMove(tx, ''))) await Promise.resolve();",
    ),
    acts('waits for papers'),
  ),
  mutant(
    'move-from-the-first',
    'A second move takes the money from where it stood at first.',
    sale(
      'credit-held.ts',
      "moves.filter((m) => m.state === 'done')",
      "moves.filter((m) => m.state === 'refused')",
    ),
    acts('can be moved once more'),
  ),
  mutant(
    'move-below-nothing-told',
    'A kiosk is told of less than nothing on its way, and shows no account.',
    sale('credit-accounts.ts', 'Math.max(0, account.on_the_way_fen)', 'account.on_the_way_fen'),
    acts('is told as nothing on its way'),
  ),
  mutant(
    'grant-over-year',
    'An account is granted more than its share of a year.',
    sale('credit-grants.ts', '> budget.accountFen ?', '> Number.MAX_SAFE_INTEGER ?'),
    acts('within the year’s and the day’s budget'),
  ),
  mutant(
    'grant-over-day',
    'More is granted in a day than the budget.',
    sale('credit-grants.ts', 'budget.dayFen - amountFen]', 'budget.dayFen]'),
    acts('within the year’s and the day’s budget'),
    races('keep within its budget'),
  ),
  mutant(
    'grant-twice-a-work-order',
    'One work order grants twice.',
    {
      file: 'src/central/db/migrations/046-credit-acts.ts',
      find: 'CREATE UNIQUE INDEX credit_acts_grant',
      replace: 'CREATE INDEX credit_acts_grant',
    },
    acts('is granted once by two persons'),
  ),
  mutant(
    'acts-outside',
    'Central moves what the company’s own system keeps.',
    sale('credit-acts.ts', "if (by.outside) return no('book-outside');", ''),
    acts('is left to the company’s own system'),
  ),
  mutant(
    'moved-own-order-untold',
    'The machine that sold it does not tell that a payment was moved.',
    {
      file: 'src/kiosk/run/central.ts',
      find: 'o.orderId === orderId && o.moved',
      replace: 'o.orderId === ref && o.moved',
    },
    kiosk('is told with the order’s number'),
  ),
];
