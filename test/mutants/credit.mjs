// What is sold without a card, at central. `by` as in catalogue.mjs.
const tests = (project, file, name) => ({ kind: 'tests', project, files: [file], name });
const credit = (name) => tests('unit', 'test/unit/central/credit.test.ts', name);
const attack = (name) => tests('unit', 'test/attacks/credit.test.ts', name);
const races = (name) => tests('concurrency', 'test/concurrency/credit.test.ts', name);
const office = (name) => tests('unit', 'test/unit/central/credit-office.test.ts', name);
const book = (name) => tests('integration', 'test/integration/account-book.test.ts', name);
const meters = (name) => tests('integration', 'test/integration/meter-platform.test.ts', name);
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
      edit('sale/credit-quotes.ts', '? dueFen === b.amountFen :', '? dueFen > 0 :'),
    ],
    credit('refuses an under-priced line'),
    attack('pays no bill with less than is due'),
  ),
  mutant(
    'credit-partly-reserved',
    'Of several items those that are free are kept, and the others are sold all the same.',
    edit(
      'sale/credit-quotes.ts',
      'if (row === undefined) return false;',
      'if (row === undefined) return true;',
    ),
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
    edit('sale/credit-rules.ts', '(paid_ms ?? 0) > expires_ms', '(paid_ms ?? 0) < 0'),
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
    edit('sale/credit-posting.ts', ': hasConsent(posting)', ': posting.lines.length > 0'),
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
    'credit-posted-for-nobody',
    'A posting that the database forgot is entered again without its payment: the gateway hands it back.',
    edit('books/credit-delivery.ts', 'books.postings.change(orderId, { attempt_id });', ''),
    credit('take a quote that the database forgot by its token'),
  ),
  mutant(
    'credit-unknown-attempt-goes-back',
    'An order was credited, and for which payment is not known: any payment of it goes back.',
    edit('gateway/bars.ts', "if (attempt_id === null) return 'claimed-not';", ''),
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
  mutant(
    'credit-paid-elsewhere-reserved',
    'A bank’s debit begins beside an order that is just being paid.',
    edit(
      'sale/credit-office.ts',
      "if (kept && told.word === 'debited')",
      "if (kept && told.word === 'open')",
    ),
    office('say that an item was paid elsewhere'),
  ),
  mutant(
    'credit-paid-undone',
    'Staff opens a bill again that was paid.',
    edit('sale/credit-office.ts', "open: ['debited'],", "open: ['debited', 'paid'],"),
    office('say that an item was paid elsewhere'),
  ),
  mutant(
    'credit-adopted-late',
    'What was paid behind its quote is posted in a dead kiosk’s place.',
    edit('books/credit-adopted.ts', 'if (isLate({ ...posting, paid_ms }))', 'if (paid_ms < 0)'),
    office('what cannot be posted is refused'),
  ),
  mutant(
    'credit-adopted-unagreed',
    'A dead kiosk’s order is posted though nobody is known to have agreed to its text.',
    edit('books/credit-adopted.ts', 'if (!hasConsent(posting)) throw', 'if (false) throw'),
    office('of a text that is agreed to'),
  ),
  mutant(
    'credit-adopted-by-word',
    'A dead kiosk’s order is posted that only the kiosk says was paid.',
    edit(
      'books/credit-adopted.ts',
      'if (paid?.amount_fen !== posting.amount_fen)',
      'if (paid === undefined) return;\n  if (paid.amount_fen !== posting.amount_fen)',
    ),
    office('that the gateway saw paid after their terminal said so'),
  ),
  mutant(
    'credit-adopted-unproven',
    'What was posted by evidence stands in the books as paid by its terminal’s word.',
    edit('books/credit-adopted.ts', '  prove(books, at, order);\n', ''),
    office('that the gateway saw paid after their terminal said so'),
  ),
  mutant(
    'credit-settled-twice',
    'What is posted at midnight is settled on both days.',
    edit('sale/credit-office.ts', 'ended_ms < $2 ORDER', 'ended_ms <= $2 ORDER'),
    office('settle what is posted at midnight'),
  ),
  mutant(
    'credit-settled-untold',
    'What no kiosk has told of is settled as if the ledger had it.',
    edit(
      'sale/credit-office.ts',
      'day.toldFen += toldOf.get(posting.order_id) ?? 0;',
      'day.toldFen += toldOf.get(posting.order_id) ?? posting.amount_fen;',
    ),
    office('settle a day by payee'),
  ),
  mutant(
    'credit-adopted-unchecked',
    'One person’s request is confirmed without the payment’s number.',
    edit(
      'books/hand-requests.ts',
      "asked.how === 'refund-by-gateway' || asked.how === 'credited';",
      "asked.how === 'refund-by-gateway';",
    ),
    office('posted by its evidence, by two persons'),
  ),
  mutant(
    'credit-adopted-and-open',
    'What two persons hand back may still be posted.',
    edit(
      'books/adopt.ts',
      'endForMoney(books, asked.order_id, asked.attempt_id, at.nowMs);',
      'if (at.nowMs < 0) endForMoney(books, asked.order_id, asked.attempt_id, at.nowMs);',
    ),
    office('handed back instead: given up first'),
  ),
  mutant(
    'credit-adopted-twice',
    'What central posted is shown as open, and handed back.',
    edit('gateway/adopted.ts', 'if (p.credited === attemptId) continue;', ''),
    office('nothing of what was posted before it died'),
  ),
  mutant(
    'book-sent-again',
    'A book that posts twice is sent a posting twice.',
    edit(
      'sale/credit-sender.ts',
      "const again = manner === 'idempotent' && sent?.book_manner === 'idempotent';",
      'const again = manner !== null && sent !== undefined;',
    ),
    book('is asked, and never sent again'),
  ),
  mutant(
    'book-sent-unmarked',
    'That a posting is sent is stored after it was.',
    edit('sale/credit-sender.ts', 'await markSent(tx, orderId, manner, nowMs);', ''),
    book('a book by file only'),
    book('that dies after it stored that it sends'),
  ),
  mutant(
    'book-remade-sent',
    'What a restored database made anew is sent without asking.',
    edit(
      'sale/credit-sender.ts',
      "if (isRemade(row, sinceMs) && manner === 'queryable')",
      "if (isRemade(row, sinceMs) && manner === 'file-only')",
    ),
    book('is asked first about what a restored database made anew'),
  ),
  mutant(
    'book-unknown-refused',
    'A book that says nothing has refused: the money goes back, and the gas is credited.',
    [
      edit(
        'sale/credit-sender.ts',
        "if (told.kind === 'posted' || told.kind === 'refused') {",
        "if (told.kind !== 'unheard') {",
      ),
      edit(
        'sale/credit-sender.ts',
        "if (told.kind === 'refused') refusePosting",
        "if (told.kind !== 'posted') refusePosting",
      ),
    ],
    book('that has “die-after” is sent the same again'),
  ),
  mutant(
    'book-bill-free',
    'A bill that is under way to the book is quoted for another order.',
    edit(
      'books/postings.ts',
      'const UNTIL_SAID = Number.MAX_SAFE_INTEGER;',
      'const UNTIL_SAID = 1;',
    ),
    book('keeps its bill from everybody'),
  ),
  mutant(
    'book-one-person',
    'One person alone says what became of a posting.',
    edit(
      'sale/credit-decisions.ts',
      'if (asked !== null && sameName(asked.who, who))',
      'if (asked === undefined)',
    ),
    book('that has not heard of it may yet hear'),
  ),
  mutant(
    'book-another-reference',
    'An answer about another posting counts.',
    edit(
      'sale/account-book-http.ts',
      'if (data.reference !== reference)',
      "if (data.reference === '')",
    ),
    book('believes no other answer'),
  ),
  mutant(
    'book-another-sum',
    'The book says that it posted another sum, and the order counts as posted.',
    edit('sale/account-book-http.ts', 'if (data.amountFen !== amountFen)', 'if (amountFen < 0)'),
    book('believes no other answer'),
  ),
  mutant(
    'meter-of-two',
    'What a meter confirms is taken off its newest account only.',
    edit(
      'sale/meter-sender.ts',
      '[user_no, num(amount_fen)],',
      '[newest.user_no, num(amount_fen)],',
    ),
    meters('a meter that was moved'),
  ),
  mutant(
    'meter-told-what-is-added',
    'A meter is told what is added, and gains it with every telling.',
    edit(
      'books/postings.ts',
      'const total_fen = account.topped_fen + amountFen;',
      'const total_fen = amountFen;',
    ),
    meters('one that confirms later is told the newest of two'),
  ),
  mutant(
    'meter-any-total',
    'A meter that has another total has confirmed.',
    edit(
      'sale/meter-sender.ts',
      'if (meant?.total_fen !== stands.totalFen)',
      'if (meant === undefined)',
    ),
    meters('a meter that has another total'),
  ),
  mutant(
    'meter-unanswered-done',
    'A command that nobody answered has reached its meter.',
    edit(
      'sale/meter-sender.ts',
      "const said = stands === null ? 'no answer' : await confirm(db, newest, stands, nowMs);",
      'const said = await confirm(db, newest, stands ?? { count, totalFen }, nowMs);',
    ),
    meters('a platform that is killed'),
  ),
  mutant(
    'debt-of-no-bills',
    'A card in debt is free as soon as its holder has an account here without any bill.',
    edit(
      'sale/accounts.ts',
      '(EXISTS (SELECT 1 FROM credit_items i WHERE i.user_no = a.user_no AND i.kind = a.kind)\n       AND NOT',
      '(NOT',
    ),
    credit('is free once bills of its own kind'),
  ),
  mutant(
    'debt-of-other-kind',
    'Who owes water gets no gas for what he paid.',
    edit('sale/accounts.ts', 'AND i.kind = a.kind AND i.state IN', 'AND i.state IN'),
    credit('is free once bills of its own kind'),
  ),
  mutant(
    'contract-old-words-quoted',
    'Central quotes what it will refuse: the contract that was agreed to holds no more.',
    edit(
      'sale/credit-quotes.ts',
      'if (request.consent !== undefined && !hasConsent(',
      'if (asked.nowMs < 0 && request.consent !== undefined && !hasConsent(',
    ),
    credit('words that do not hold any more'),
  ),
];
