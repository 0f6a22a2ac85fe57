// Each payee's own merchant account. `by` as in catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/unit/${file}.test.ts`],
  name,
});
const merchants = (name) => unit('central/merchants', name);
const sale = (name) => unit('kiosk/account-sale', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const MERCHANTS = [
  mutant(
    'merchant-before-forgotten',
    'What the house collected before a company had its merchant pays no bill for a restored database.',
    edit(
      'central/sale/credit-tables.ts',
      '(posting.request === null && merchant === HOUSE_MERCHANT)',
      '(posting.request === null && merchant === posting.merchant)',
    ),
    merchants('before water had its merchant'),
  ),
  mutant(
    'merchant-wrong-for-ever',
    'Money at the wrong company is handed back by nobody.',
    edit(
      'central/books/evidence.ts',
      'const known = attemptId === null ? undefined : paymentOf(books, order, attemptId);',
      'const known = attemptId === null ? undefined : evidenceOf(books, order, attemptId);',
    ),
    merchants('is handed back by two persons'),
  ),
  mutant(
    'merchant-line-down-is-another',
    'While the gateway’s line is down a bill is said to be another company’s.',
    edit('kiosk/visit/account-sale/begin.ts', '!takesAll && creditChoices', 'creditChoices'),
    sale('while only the gateway’s line is down'),
  ),
  mutant(
    'merchant-not-the-payees',
    'Every order is collected for by the house.',
    edit(
      'central/gateway/collector.ts',
      'return { payee: posting.payee, merchant: posting.merchant };',
      "return { payee: posting.payee, merchant: 'house' };",
    ),
    merchants('land at two merchants'),
  ),
  mutant(
    'merchant-by-terminal',
    'The terminal says whose money it is where central’s own posting stands.',
    edit(
      'central/gateway/collector.ts',
      'if (posting !== undefined) return',
      'if (posting !== undefined && told === undefined) return',
    ),
    merchants('whatever the terminal says'),
  ),
  mutant(
    'merchant-capture-for-anybody',
    'A bill is posted with money that another company has.',
    edit('central/sale/credit-posting.ts', 'if (!isPaidAt(posting, merchant))', 'if (false)'),
    merchants('pays no bill'),
  ),
  mutant(
    'merchant-of-leg-lost',
    'A wallet’s trade does not keep its merchant.',
    edit('central/gateway/legs.ts', '      trade.merchant,\n', "      'house',\n"),
    merchants('land at two merchants'),
    // The first seed whose town has two merchants and sells a water bill.
    { kind: 'simulate', seed: 25, seeds: 2, sessions: 60 },
  ),
  mutant(
    'merchant-receipt-silent',
    'The gateway’s receipt does not say whose money it is.',
    edit(
      'central/gateway/receipts.ts',
      '...(leg.merchant === HOUSE_MERCHANT ? {} : { merchant: leg.merchant }),',
      '',
    ),
    merchants('land at two merchants'),
  ),
  mutant(
    'merchant-offers-all',
    'The page offers wallets that the merchant does not have.',
    edit(
      'central/gateway/opening.ts',
      'merchants.of(merchant).map((w) => w.kind)',
      'merchants.wallets.map((w) => w.provider.kind)',
    ),
    merchants('are the only ones that its page offers'),
  ),
  mutant(
    'merchant-callback-of-any',
    'A callback at one merchant’s address is read with the house’s keys.',
    edit('central/gateway/sweep.ts', 'desk.merchants.of(merchant)', "desk.merchants.of('house')"),
    merchants('call back at an address of their own'),
  ),
  mutant(
    'merchant-bill-once',
    'One merchant’s bill of a wallet stands for another’s.',
    edit(
      'central/gateway/bills.ts',
      'const key = `${merchant} ${wallet.kind} ${date}`;',
      'const key = `${wallet.kind} ${date} ${merchant.slice(99)}`;',
    ),
    merchants('make a bill each'),
  ),
  mutant(
    'merchant-answer-of-two',
    'An answer that holds for two merchants is believed of the first.',
    edit(
      'central/books/trust.ts',
      "if (known !== null && known.merchant !== merchant) return err('not-proven');",
      'if (known !== null) continue;',
    ),
    merchants('prove by their own signed answers'),
  ),
  mutant(
    'merchant-pays-card',
    'Another company’s money counts for a card of the house’s.',
    edit(
      'central/books/evidence.ts',
      'return known !== undefined && collects(books, order, known.merchant) ? known : undefined;',
      'return known;',
    ),
    {
      kind: 'tests',
      project: 'unit',
      files: ['test/attacks/word-of-a-terminal.test.ts'],
      name: 'but another company’s merchant',
    },
  ),
  mutant(
    'kiosk-collects-for-all',
    'A machine’s own wallets take every company’s money.',
    edit(
      'kiosk/visit/paying.ts',
      "kind === 'gateway' || payee === HOUSE_PAYEE || collectsFor.includes(payee)",
      "kind === 'gateway' || payee === HOUSE_PAYEE || collectsFor.length > 0",
    ),
    sale('take no other company’s bill'),
  ),
  mutant(
    'kiosk-code-by-own-wallet',
    'Another company’s bill is charged to a customer’s code by the machine’s own wallet.',
    edit(
      'kiosk/visit/paying.ts',
      'const provider = whoTakes(event.code, paymentCodes, takersFor(state, at.open));',
      'const provider = whoTakes(event.code, paymentCodes, takers(state));',
    ),
    sale('leave another company’s code to the gateway'),
  ),
];
