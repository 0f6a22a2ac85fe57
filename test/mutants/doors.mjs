// What anybody on the net could ask of central, once one of its mends is undone.
export const doors = ({ mutant, edit, unit }) => [
  mutant(
    'paid-and-cancelled',
    'Gas is sold for a payment that a cancel on its way hands back.',
    edit(
      'central/gateway/trades.ts',
      `if (leg.state === 'closing' && mayBeHandedBack(desk, leg)) return unknown(STILL_CLOSING);`,
      ``,
    ),
    unit('central/gateway', 'a close that is a cancel, and that nobody answered'),
  ),
  mutant(
    'cancel-unnoted',
    'Whether a cancel is on its way is forgotten with its process.',
    edit('central/gateway/legs.ts', `await note(desk.now());`, ``),
    unit('central/gateway', 'is waited for by the next process'),
  ),
  mutant(
    'handed-back-ends-the-payment',
    'What a cancel handed back ends the terminal’s payment while its code takes another wallet’s.',
    edit(
      'central/gateway/trades.ts',
      `told.kind === 'refunded' && (await backByClose(desk, leg, told))`,
      `told.kind === 'refunded' && leg.state === 'refunded'`,
    ),
    unit('central/gateway', 'lands before the terminal asks'),
  ),
  mutant(
    'cancel-aged-before-it-left',
    'A cancel counts as dead by the time that passed before it was given up.',
    edit(
      'central/gateway/legs.ts',
      `await note(closed.kind === 'paid' ? numOrNull(leg.close_sent_ms) : desk.now());`,
      `if (closed.kind === 'paid') await note(numOrNull(leg.close_sent_ms));`,
    ),
    unit('central/gateway', 'from when its answer was given up'),
  ),
  mutant(
    'cancel-lands-for-ever',
    'A payment that a cancel could not undo any more never counts.',
    edit('central/gateway/legs.ts', `now() - sentMs < LANDS_WITHIN_MS`, `now() - sentMs >= 0`),
    unit('central/gateway', 'lets the payment count once it cannot land'),
  ),
  mutant(
    'handed-back-is-a-case',
    'What the gateway handed back by itself waits for a person who has nothing to do.',
    edit(
      'kiosk/order/answers.ts',
      `attempt.method === undefined && r.whole === true`,
      `attempt.method === undefined && r.whole !== r.whole`,
    ),
    unit('kiosk/orders', 'whole, before anybody here closed it'),
  ),
  mutant(
    'callbacks-without-end',
    'Callbacks that nobody believes are verified without end.',
    edit(
      'central/gateway/public.ts',
      `if (callbacks.tooMany(request.source, now())) return TOO_MANY;`,
      ``,
    ),
    unit('central/gateway-callback', 'after thirty are not looked at'),
  ),
  mutant(
    'callbacks-unsaid',
    'A callback that is not believed is told to nobody.',
    edit(
      'central/gateway/public.ts',
      `if (callbacks.refused(request.source, now()))`,
      `if (!callbacks.refused(request.source, now()))`,
    ),
    unit('central/gateway-callback', 'are logged once a minute and source'),
  ),
  mutant(
    'old-quote-paid',
    'A quote that was kept for months is paid for at its old price.',
    edit(
      'central/gateway/quote-over.ts',
      `return nowMs > expiresAtMs + PAID_WITHIN_MS;`,
      `return nowMs < 0;`,
    ),
    unit('central/gateway', 'when its quote is over'),
  ),
  mutant(
    'released-quote-paid',
    'A quote that was given back is paid for.',
    edit('central/gateway/quote-over.ts', `quote.state === 'released' ||`, ``),
    unit('central/gateway', 'when its quote is over'),
  ),
  mutant(
    'code-for-a-year',
    'A code takes money for as long as a terminal likes.',
    edit(
      'central/gateway/quote-over.ts',
      `Math.min(wishedMs, nowMs + LONGEST_CODE_MS)`,
      `wishedMs`,
    ),
    unit('central/gateway', 'for an hour at most'),
  ),
];
