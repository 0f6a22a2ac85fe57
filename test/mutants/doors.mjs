// What anybody on the net could ask of central, once one of its mends is undone.
export const doors = ({ mutant, edit, unit }) => [
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
