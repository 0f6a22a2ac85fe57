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
];
