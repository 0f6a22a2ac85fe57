// What a second look as a thief found, once one of its mends is undone. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const money = (name) => tests('test/attacks/key-and-money.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/central/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const FOUND_E = [
  mutant(
    'key-is-unexposed',
    'Who had a card’s key computed is believed that nothing ever left the machine.',
    edit('sale/budgets.ts', `(told === 'unexposed' && keys.length > 0)`, `false`),
    money('nothing of it is told'),
  ),
  mutant(
    'key-refund-begun-first',
    'A refund that its terminal began by itself is a claim, with the card’s key in hand.',
    edit('sale/claims.ts', `if (!order.refund_granted && (await`, `if (false && (await`),
    money('its refund is begun first'),
  ),
  mutant(
    'key-other-attempt',
    'The payment that a key was given over goes back, where another is told as the one taken.',
    edit('gateway/bars.ts', `order.unproven || bool(known?.returned)`, `bool(known?.returned)`),
    money('another is told as the one that was taken'),
  ),
  mutant(
    'key-after-return',
    'The second payment goes back after the first, though a key was given over it.',
    edit('gateway/bars.ts', `order.unproven || bool(known?.returned)`, `order.unproven`),
    money('over a second payment'),
  ),
  mutant(
    'returned-before-heard',
    'Evidence of a payment whose refund is under way already pays for a key.',
    edit('gateway/receipts.ts', `r.state <> 'refused')`, `r.state = 'never')`),
    tests('test/attacks/returned.test.ts', 'all but one fen'),
  ),
  mutant(
    'reversing-before-heard',
    'Evidence of a payment that is being reversed pays for a key.',
    edit('gateway/receipts.ts', `g.state = 'closing')`, `g.state = 'never')`),
    tests('test/attacks/returned.test.ts', 'a reversal that the wallet wants asked again'),
  ),
  mutant(
    'adopted-number-taken',
    'Central hands back under a number that a terminal may have taken for a payment of its own.',
    edit('gateway/adopted.ts', '`:${outTradeNo}`', '`A${outTradeNo}`'),
    tests('test/attacks/adopted.test.ts', 'a refund number that the thief took first'),
  ),
  mutant(
    'adopted-key-untold',
    'Who decides on a stranded payment is not told that a card’s key was given for it.',
    edit('console/by-hand.ts', `s.keyed ?`, `s.keyed && s.state !== null ?`),
    tests('test/attacks/adopted.test.ts', 'says where a card'),
  ),
  mutant(
    'key-beside-refund-claim',
    'A card’s key is given while its order’s refund claim is granted.',
    edit(
      'sale/card-keys.ts',
      `await lockOrder(tx, seen.orderId);\n  await lockQuote(tx, seen.orderId);`,
      ``,
    ),
    money('at the very moment of the refund claim'),
  ),
  mutant(
    'card-base-too-soon',
    'A card of an older system is stopped once its meter takes a purchase.',
    edit(
      'books/card-seen.ts',
      `taken === count ? above : null`,
      `taken === undefined ? null : above`,
    ),
    tests('test/unit/central/card-seen.test.ts', 'an older system'),
  ),
  mutant(
    'offline-any-tier',
    'A sale that is said to be offline is priced at the tier that its terminal likes.',
    edit(
      'books/offline-sales.ts',
      `if (body.quantity > most)`,
      `if (body.quantity > most + 1_000_000)`,
    ),
    tests('test/attacks/cheap.test.ts', 'is priced by the year'),
  ),
  mutant(
    'unproven-by-order',
    'An order waits for ever where another attempt of it is known than the one that it took.',
    edit(
      'books/load.ts',
      '!proven.has(`${p.orderId}\\n${p.attemptId}`)',
      '!Array.from(proven).some((key) => key.startsWith(p.orderId))',
    ),
    tests('test/attacks/word-of-a-terminal.test.ts', 'is taken so, too'),
  ),
  mutant(
    'let-go-any-payment',
    'Another payment goes back under the number that a person let go.',
    edit(
      'gateway/budgets.ts',
      `asked.out_trade_no !== outTradeNo || num(asked.fen) !== fen`,
      `false`,
    ),
    tests('test/attacks/gateway.test.ts', 'under a number that a person let go'),
  ),
];
