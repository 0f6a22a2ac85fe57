// What is sold without a card, at the kiosk. `by` as in catalogue.mjs.
const unit = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const visit = (name) => unit('test/unit/kiosk/account-sale.test.ts', name);
const cut = (name) => unit('test/unit/kiosk/crash-points.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const DELIVERY = 'kiosk/delivery/credit.ts';
const SALE = 'kiosk/visit/account-sale/account-sale.ts';
const CHOICE = 'kiosk/visit/account-sale/choice.ts';
const BEGIN = 'kiosk/visit/account-sale/begin.ts';

export const ACCOUNT_SALE = [
  mutant(
    'user-number-or-payment-code',
    'A payment code that is held out too early is sent as a user number.',
    [
      edit(SALE, 'PROVIDER_KINDS) !== null', 'PROVIDER_KINDS) === undefined'),
      edit(SALE, ' || userNo.length > credit.userNo.digits', ''),
    ],
    visit('takes the code of a bill'),
  ),
  mutant(
    'posting-unknown-is-no',
    'Money goes back where no answer came to a posting.',
    edit(
      DELIVERY,
      'return result.ok ? onWord(heard, result.value, now) : unknown(heard, result.error, now);',
      `return result.ok
    ? onWord(heard, result.value, now)
    : { open: heard, effects: refund(heard, result.error).effects };`,
    ),
    visit('the answer is lost'),
    cut('a top-up whose answers are lost'),
  ),
  mutant(
    'posting-under-way-is-no',
    'Money goes back while central is still posting.',
    edit(
      DELIVERY,
      `      return unknown(open, failure('BILL-0113', 'central is still posting it'), now);`,
      `      return { open, effects: refund(open, failure('BILL-0113')).effects };`,
    ),
    visit('central is still posting'),
  ),
  mutant(
    'posting-never-again',
    'A posting whose answer was lost is not asked for again.',
    edit(
      DELIVERY,
      'if (open.writing || claim.asking) return same();',
      'if (open.writing || claim.asking || claim.fails > 0) return same();',
    ),
    visit('the answer is lost'),
  ),
  mutant(
    'posting-back-unasked',
    'A payment that is not proven goes back without central’s word.',
    edit(
      DELIVERY,
      'return { open: waits, effects: wantRefund(waits, why).effects };',
      'return { open: waits, effects: refund(waits, why).effects };',
    ),
    visit('its payment is never believed'),
  ),
  mutant(
    'posting-again-for-void',
    'What was given up is asked to be posted all the same.',
    edit(DELIVERY, `order.wantsRefund ? 'void' : 'post'`, `order.wantsRefund ? 'post' : 'post'`),
    visit('its payment is never believed'),
  ),
  mutant(
    'posting-no-token',
    'Money goes back and its fact does not name central’s word.',
    edit(DELIVERY, 'refund(open, why, word.grant).effects', 'refund(open, why).effects'),
    visit('refused for good'),
  ),
  mutant(
    'posting-refused-is-posted',
    'A final refusal counts as delivered.',
    edit(
      DELIVERY,
      `      const why = failure('SALE-0122', word.state === 'refused' ? word.why : 'void');
      return { open, effects: refund(open, why, word.grant).effects };`,
      `      const told = { reference: word.state, postedMs: 0 };
      return { open, effects: [journal(open.order, { kind: 'credit-posted', body: told })] };`,
    ),
    visit('refused for good'),
    cut('a top-up that is under way'),
  ),
  mutant(
    'bill-whatever-sum',
    'Another sum than the one that is shown is agreed to.',
    edit(
      SALE,
      `amountFen === 0 || sumOf(s, credit) !== amountFen) return null;`,
      `amountFen === 0) return null;`,
    ),
    visit('are ticked oldest first'),
  ),
  mutant(
    'bill-newer-first',
    'A newer bill is ticked without the older ones.',
    edit(SALE, 'const count = at < ticked ? at : at + 1;', 'const count = at < ticked ? at : 1;'),
    visit('are ticked oldest first'),
  ),
  mutant(
    'bill-of-anybody',
    'Bills of two payees are paid by one order.',
    edit(
      CHOICE,
      `    .filter((i) => i.payee === chosen.payee)
    .slice(0, chosen.count);`,
      `    .slice(0, 5);`,
    ),
    visit('of one payee are paid by one order'),
  ),
  mutant(
    'contract-unread',
    'A fee is paid without its contract.',
    edit(
      SALE,
      `if (contract !== undefined && (s.stage !== 'contract' || !isAgreed(state, s, credit)))`,
      `if (contract !== undefined && s.stage === 'is-it-you')`,
    ),
    visit('is shown and agreed to before any money'),
  ),
  mutant(
    'contract-unknown',
    'A fee is paid though its contract’s text is not there.',
    edit(
      SALE,
      'contract !== undefined && contract.text === null',
      'contract?.text === undefined && false',
    ),
    visit('whose text is not in the policy'),
  ),
  mutant(
    'directory',
    'User numbers are looked up without an end.',
    edit('kiosk/visit/look-ups.ts', 'lately.length >= most', 'lately.length >= 99'),
    visit('is no directory'),
  ),
  mutant(
    'account-of-before',
    'An answer of before shows somebody else’s account.',
    edit(
      SALE,
      `if (s.stage !== 'asking' || s.asked !== event.asked) return null;`,
      `if (s.stage !== 'asking') return null;`,
    ),
    visit('an answer that comes after'),
  ),
  mutant(
    'credit-while-away',
    'Something is sold to an account while central is away.',
    edit(SALE, 'centralUp !== false &&', 'true &&'),
    visit('are there only where the service works'),
  ),
  mutant(
    'credit-unprovable',
    'What central cannot believe is offered for a posting.',
    edit(
      'kiosk/visit/paying.ts',
      'payChoices(state).filter((kind) => !state.unprovable.includes(kind))',
      'payChoices(state)',
    ),
    visit('what central cannot believe'),
  ),
  mutant(
    'credit-quote-kept',
    'What central keeps for an order that did not come of it is not given back.',
    edit(SALE, `return step(state, s, { do: 'release', orderId });`, `return step(state, s);`),
    visit('a quote that comes after the customer left'),
  ),
  mutant(
    'credit-card-ends',
    'A card that is put in ends the payment of a bill.',
    edit(
      'kiosk/visit/order-visit.ts',
      `return event.state === 'present' && s.ending !== null ? null : { state, effects: [] };`,
      `return event.state === 'present' ? null : { state, effects: [] };`,
    ),
    visit('a card that is put in while it is paid for'),
  ),
  mutant(
    'credit-quote-unseen',
    'A firm quote that runs out before the code does is paid for.',
    edit(BEGIN, 'quote.expiresAtMs <= clock.nowMs() + policy.payWindowMs || ', ''),
    visit('a quote that ends before the code'),
  ),
  mutant(
    'outage-is-disbelief',
    'A paid order is given up at the first time that central does not believe it, behind an outage.',
    edit(DELIVERY, '(refused?.times ?? 0) : 0;', 'waits.claim.fails : 0;'),
    visit('central does not believe it right after an outage'),
  ),
  mutant(
    'outage-is-refusal',
    'An order is parked at central’s first refusal behind an outage.',
    edit(
      'kiosk/order/claims.ts',
      'refused.times >= CLAIM_TRIES &&',
      'next.claim.fails >= CLAIM_TRIES &&',
    ),
    unit('test/unit/kiosk/claims.test.ts', 'behind an outage'),
  ),
  mutant(
    'contract-other-words',
    'A contract whose words the policy changed stays agreed to.',
    edit(CHOICE, 'sha256 === now.sha256 &&', ''),
    visit('whose words the policy changes'),
  ),
  mutant(
    'contract-gone-deaf',
    'A contract whose text leaves the policy leaves bills that cannot be ticked.',
    edit(SALE, "if (stageShown(s, credit) === 'contract') {", "if (s.stage === 'contract') {"),
    visit('whose text goes away'),
  ),
];
