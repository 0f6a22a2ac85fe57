// From paying to writing: questions that are held, the wallets' pace, and the look before a large sum.
const HOLDS = 'central/gateway/holds.ts';
const ANSWERS = 'kiosk/order/answers.ts';
const HELD = 'kiosk/order/held.ts';

export const held = ({ mutant, edit, unit, concurrency }) => [
  mutant(
    'held-answer-out-of-date',
    'What a held question says counts though something else was asked in its place.',
    edit(
      ANSWERS,
      `if (runOf(open, attemptId).held?.no !== call.hold) return { open, effects: [] };`,
      ``,
    ),
    unit('kiosk/held-payment', 'does not delay a cancel'),
  ),
  mutant(
    'held-delays-cancel',
    'A cancel waits for the question that is held.',
    edit(
      'kiosk/order/attempts.ts',
      `if (run.op !== null && run.held === null) return same();`,
      `if (run.op !== null) return same();`,
    ),
    unit('kiosk/held-payment', 'does not delay a cancel'),
  ),
  mutant(
    'held-cut-is-silence',
    'A proxy that cuts what lasts passes for a line that is down.',
    edit(
      ANSWERS,
      `if (call.result.kind === 'unknown') return holdFailed(open, attemptId, now.monoMs);`,
      ``,
    ),
    unit('kiosk/held-payment', 'that is cut is followed'),
  ),
  mutant(
    'held-for-everybody',
    'A payment behind a new visit holds the one question of the machine.',
    edit(HELD, `!ctx.wanted || run.op`, `run.op`),
    unit('kiosk/held-payment', 'is one for the machine'),
  ),
  mutant(
    'held-deaf-to-customer',
    'Who says that he has paid waits for the question that is held.',
    edit('kiosk/visit/paying.ts', `plainNext: true,`, ``),
    unit('kiosk/held-payment', 'a customer who says that he has paid'),
  ),
  mutant(
    'held-past-the-code',
    'The end of a code is not looked at while a question is held.',
    edit(HELD, `return same(leftMs > 0 ? ctx.monoMs + leftMs : null);`, `return same(null);`),
    unit('kiosk/held-payment', 'at the end of the code'),
  ),
  mutant(
    'held-old-gateway-rushed',
    'A gateway that holds nothing is asked again at once, and again.',
    edit(HELD, `? held.sinceMono + STEADY_MS : 0`, `? 0 : 0`),
    unit('kiosk/held-payment', 'a gateway of before'),
  ),
  mutant(
    'held-unknown-rushed',
    'A payment that the gateway does not know is asked about as fast as the line goes.',
    edit(HELD, `r === 'not-found' ? monoMs + againMs : afterHeld`, `afterHeld`),
    unit('kiosk/held-payment', 'that the gateway does not know'),
  ),
  mutant(
    'held-code-rushed',
    'A customer’s code payment is looked at sooner than the wallets bear.',
    edit(HELD, `method === 'code' ? Math.max(holdAtMono, retryAtMono) : holdAtMono`, `holdAtMono`),
    unit('kiosk/held-payment', 'no sooner than it bears'),
  ),
  mutant(
    'held-not-woken',
    'Nobody is woken by a callback.',
    edit('central/gateway/desk.ts', `db().ring(tradeBell(terminalId, outTradeNo));`, ``),
    unit('central/gateway-hold', 'answered by the wallet'),
  ),
  mutant(
    'held-unheard-elsewhere',
    'A callback at one process wakes nobody at another.',
    edit('central/db/postgres.ts', `if (sender !== self) bell.ring(name.join(' '));`, ``),
    concurrency('gateways', 'the callback that came to the other one'),
  ),
  mutant(
    'held-by-callbacks-alone',
    'While a question is held no wallet is asked: a lost callback costs its whole time.',
    edit(
      HOLDS,
      `await slept(clock, hold, Math.min(left, pace(told.kind, leg)));`,
      `pace(told.kind, leg); await slept(clock, hold, left);`,
    ),
    unit('central/gateway-hold', 'a lost callback costs seconds'),
  ),
  mutant(
    'held-without-end',
    'A question is held for as long as its asker likes.',
    edit(HOLDS, `clock.monoMs() + Math.min(waitMs, MAX_WAIT_MS)`, `clock.monoMs() + waitMs`),
    unit('central/gateway-hold', 'of central’s own bound'),
  ),
  mutant(
    'held-beside-older',
    'A terminal holds as many questions as it asks.',
    edit(HOLDS, `end(held.get(terminalId));\n      held.set`, `held.set`),
    unit('central/gateway-hold', 'to a newer one of its terminal'),
  ),
  mutant(
    'pace-beyond-limits',
    'Wallets are asked more often than they say.',
    edit('payment/pace.ts', `: 700;`, `: 300;`),
    unit('payment/pace', 'keeps what the platforms say'),
  ),
  mutant(
    'large-sum-unasked',
    'A large sum is asked for like any other.',
    edit(
      'kiosk/visit/large-sum.ts',
      `return above !== null && amountFen > above;`,
      `return false;`,
    ),
    unit('kiosk/confirm-sum', 'is shown with whose card it is'),
  ),
  mutant(
    'large-sum-reserved',
    'While a large sum is read over its order is begun already.',
    edit(
      'kiosk/visit/card-sale/card-sale.ts',
      `return step(state, confirming(state, s, now));`,
      `return step(state, { ...confirming(state, s, now), busy: 'paying' }, { do: 'begin-order', session: s, amountFen });`,
    ),
    unit('kiosk/confirm-sum', 'is shown with whose card it is'),
  ),
  mutant(
    'large-sum-over-and-asked',
    'A question that the policy emptied stands over whatever is ticked next.',
    edit('kiosk/visit/account-sale/account-sale.ts', `confirming: isConfirming(s, credit),`, ``),
    unit('kiosk/confirm-sum', 'that the policy takes from under'),
  ),
  mutant(
    'large-sum-other-words',
    'A contract that was agreed to in another language counts behind the question.',
    edit(
      'kiosk/visit/account-sale/account-sale.ts',
      `(s.stage !== 'contract' || !isAgreed(state, s, credit))`,
      `s.stage !== 'contract'`,
    ),
    unit('kiosk/confirm-sum', 'in another language it is another text'),
  ),
  mutant(
    'check-unseen',
    'The screen shows no check of what is on the card.',
    edit('kiosk/run/card.ts', `show('checking', plan.steps.length);`, ``),
    unit('kiosk/families', 'good: bought'),
  ),
];
