// What is sold without a card, at central. `by` as in catalogue.mjs.
const tests = (project, file, name) => ({ kind: 'tests', project, files: [file], name });
const credit = (name) => tests('unit', 'test/unit/central/credit.test.ts', name);
const attack = (name) => tests('unit', 'test/attacks/credit.test.ts', name);
const races = (name) => tests('concurrency', 'test/concurrency/credit.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/central/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const CREDIT = [
  mutant(
    'credit-late-fee-uncapped',
    'A late fee grows past its cap.',
    edit('sale/credit-terms.ts', 'Number(fee < cap ? fee : cap)', 'Number(fee)'),
    credit('a late fee grows by whole days and stops at its cap'),
  ),
  mutant(
    'credit-discount-a-day-late',
    'A discount ends a day early.',
    edit('sale/credit-terms.ts', 'today <= discount_until', 'today < discount_until'),
    credit('a late fee grows by whole days and stops at its cap'),
  ),
  mutant(
    'credit-any-sum',
    'A bill is quoted for whatever sum a terminal names.',
    [
      edit('sale/credit-quotes.ts', 'if (amountFen !== dueFen) throw', 'if (amountFen < 0) throw'),
      edit(
        'sale/credit-quotes.ts',
        ' || due !== bills.reduce((sum, b) => sum + b.amountFen, 0))',
        ' || due < 0)',
      ),
    ],
    credit('refuses an under-priced line'),
    attack('pays no bill with less than is due'),
  ),
  mutant(
    'credit-partly-reserved',
    'Of several items those that are free are kept, and the others are sold all the same.',
    [
      edit(
        'sale/credit-quotes.ts',
        'if (kept.length !== bills.length || due',
        'if (kept.length > bills.length || due',
      ),
      edit(
        'sale/credit-quotes.ts',
        '!== bills.reduce((sum, b) => sum + b.amountFen, 0))',
        '> bills.reduce((sum, b) => sum + b.amountFen, 0))',
      ),
    ],
    credit('keeps all its items, or none'),
  ),
  mutant(
    'credit-reserved-twice',
    'A bill that is kept for one order is kept for the next one too.',
    edit(
      'sale/credit-quotes.ts',
      'AND (order_id IS NULL OR reserved_until_ms <= $5)',
      'AND $5 > 0',
    ),
    credit('keeps all its items, or none'),
    races('is kept for one of two kiosks'),
  ),
  mutant(
    'credit-unlocked',
    'A credit account is not locked: two orders read it before either writes.',
    edit(
      'books/load-credit.ts',
      "`user_no ${anyOf('$1')} ORDER BY user_no FOR NO KEY UPDATE`",
      "`user_no ${anyOf('$1')} ORDER BY user_no`",
    ),
    races('of two orders for one meter'),
  ),
  mutant(
    'credit-unproven',
    'A payment that nothing proves is posted.',
    edit(
      'sale/credit-posting.ts',
      'if (!read.ok) throw notProven(`the evidence of payment proves nothing: ${read.error}`);',
      'if (!read.ok) return { paid_ms: 0, at_ms: 0, returned_ms: null };',
    ),
    credit('signed by nobody is refused'),
  ),
  mutant(
    'credit-evidence-of-another',
    'Another terminal’s evidence pays an order.',
    edit(
      'sale/credit-posting.ts',
      '(issuedTo.terminalId !== posting.terminal_id || issuedTo.orderId !== posting.order_id))',
      'issuedTo.orderId !== posting.order_id)',
    ),
    credit('by another terminal’s is refused'),
  ),
  mutant(
    'credit-evidence-twice',
    'One number of a wallet pays two orders.',
    edit(
      'sale/credit-posting.ts',
      'if (known?.order_id !== posting.order_id || known.attempt_id !== attemptId)',
      'if (known === undefined)',
    ),
    credit('a wallet’s number pays one order, ever'),
    attack('posts nothing without evidence'),
  ),
  mutant(
    'credit-too-late',
    'What a wallet took behind the quote’s end is posted by its old terms.',
    edit('sale/credit-posting.ts', '(paid_ms ?? 0) > expires_ms', '(paid_ms ?? 0) < 0'),
    credit('the wallet’s time counts'),
  ),
  mutant(
    'credit-not-what-was-quoted',
    'A sale is posted as its terminal tells it.',
    edit(
      'sale/credit-posting.ts',
      'if (creditDigest(sale) !== creditDigest(termsOf(posting)))',
      'if (sale.amountFen !== posting.amount_fen)',
    ),
    credit('of another sale than was quoted: none'),
  ),
  mutant(
    'credit-lost-quote-believed',
    'What a restored database forgot is believed without central’s token.',
    edit(
      'sale/credit-posting.ts',
      "if (trust.granted(sale.grant, what) === null) throw notProven('central quoted no such sale');",
      'trust.granted(sale.grant, what);',
    ),
    credit('whose quote a restored database lost'),
  ),
  mutant(
    'credit-without-consent',
    'The season’s heat is posted though nobody agreed to its contract.',
    edit('sale/credit-posting.ts', ': hasConsent(posting, sale)', ': posting.lines.length > 0'),
    credit('of what a text is agreed to for'),
  ),
  mutant(
    'credit-item-paid-twice',
    'A bill that was paid elsewhere meanwhile is paid again.',
    edit(
      'books/postings.ts',
      "if (item.state !== 'open' || isKeptFor",
      "if (item.state === 'withdrawn' || isKeptFor",
    ),
    credit('paid elsewhere, closed or corrected meanwhile'),
  ),
  mutant(
    'credit-void-keeps-items',
    'An order that was given up keeps its bills for half an hour.',
    edit(
      'books/postings.ts',
      "movePosting(books, posting, 'void', { ended_ms: nowMs });\n  freeItems(books, orderId);",
      "movePosting(books, posting, 'void', { ended_ms: nowMs });",
    ),
    credit('is final: nothing is posted any more'),
  ),
  mutant(
    'credit-void-unheard',
    'An order that was given up before it was heard of is quoted and posted afterwards.',
    [
      edit(
        'sale/credit-posting.ts',
        "VALUES ($1, $2, '', '', 0, '[]', 0, 'void', $3, $3)",
        "SELECT $1::text, $2::text, '', '', 0, '[]', 0, 'void', $3::bigint, $3::bigint WHERE false",
      ),
      edit('books/postings.ts', 'books.postings.insert(tombstone(orderId, nowMs));', 'void nowMs;'),
    ],
    credit('by void of an id never heard of'),
  ),
  mutant(
    'credit-refund-by-word',
    'A terminal’s word is enough for the money of a credit order to go back.',
    edit(
      'books/postings.ts',
      "if (state !== 'void' && state !== 'refused')",
      "if (state === 'posted')",
    ),
    credit('let money go back on central’s word only'),
  ),
  mutant(
    'credit-posted-by-word',
    'A terminal’s word is enough for a posting.',
    edit(
      'books/credit-delivery.ts',
      "if (at.trust.granted(body.grant, what) === null)\n    throw new Unusable('central posted no such order');",
      'at.trust.granted(body.grant, what);',
    ),
    attack('is believed no posting and no refund on his own word'),
  ),
  mutant(
    'credit-handed-back-after-posting',
    'The gateway hands back what was credited.',
    edit(
      'gateway/bars.ts',
      'if (posting !== null) return postingBar(posting, attempt);',
      'if (posting !== null) return null;',
    ),
    attack('hands back no payment that was credited'),
  ),
  mutant(
    'credit-handed-back-and-open',
    'An order whose payment goes back may yet be posted by another.',
    edit(
      'gateway/refunds.ts',
      'await voidReturned(tx, trade, now());',
      'if (now() < 0) await voidReturned(tx, trade, now());',
    ),
    attack('gives the order up in the transaction'),
  ),
  mutant(
    'credit-second-payment-ends-it',
    'A second payment that goes back ends the order that the first one paid.',
    edit(
      'gateway/bars.ts',
      'if (taken === null ? bool(other?.lives) : taken !== attempt) return;',
      'if (taken === undefined) return;',
    ),
    attack('a second payment that goes back leaves it as it is'),
  ),
  mutant(
    'credit-returned-posted',
    'What the gateway handed back is credited.',
    edit(
      'sale/credit-posting.ts',
      'if (paid.returned_ms !== null) return',
      'if (paid.at_ms < 0) return',
    ),
    credit('whose money is on its way back'),
  ),
  mutant(
    'credit-locks-a-town',
    'A terminal’s key keeps as many bills as it likes.',
    edit('sale/credit-quotes.ts', 'const UNPAID_OPEN = 3;', 'const UNPAID_OPEN = 300;'),
    attack('locks no town’s bills'),
  ),
  mutant(
    'credit-rivals',
    'Two credit orders are taken for two purchases of one card’s count.',
    [
      edit('books/books.ts', "if (order.sale !== 'card') return [];", ''),
      edit('books/books.ts', "          o.sale === 'card' &&\n", ''),
      edit('books/orders.ts', "if (order.sale !== 'card') return;\n  const holder", 'const holder'),
    ],
    credit('keep two orders of one household apart'),
  ),
];
