// Sabotages of what keeps people from money that is not theirs at the gateway and the console: the
// customer's page, budgets of refunds, two persons, adopted orders, keys that change.

/** @param make `mutant`, `edit` and `attack` of catalogue.mjs */
export const gatewayPeople = ({ mutant, edit, attack }) => [
  mutant(
    'page-look-begins',
    'Whatever opens the page begins a wallet’s trade.',
    edit(
      'central/gateway/public.ts',
      `lookedAt(await gateway.lookPage(`,
      `tapped(await gateway.openPage(`,
    ),
    attack('pages', 'a link preview costs the payer nothing'),
  ),
  mutant(
    'page-card-by-terminal',
    'The page names the card that the terminal says, not the order’s.',
    edit(
      'central/gateway/opening.ts',
      `card: (await knownCard(desk, trade)) ?? trade.card,`,
      `card: trade.card ?? (await knownCard(desk, trade)),`,
    ),
    attack('pages', 'the card is central’s own'),
  ),
  mutant(
    'page-words-raw',
    'A terminal’s words stand in the page as they are.',
    edit('central/gateway/page.ts', `<dd>\${escapeHtml(value)}</dd>`, `<dd>\${value}</dd>`),
    attack('pages', 'a terminal’s words are text'),
  ),
  mutant(
    'page-taps-uncounted',
    'Taps on one code are not counted.',
    edit('central/http/limits.ts', `return tap && count(`, `return !tap && count(`),
    attack('pages', 'no more at the wallets than a person would'),
  ),
  mutant(
    'page-source-by-header',
    'Whoever asks says himself where he comes from.',
    edit(
      'central/http/listen.ts',
      `proxyHeader === undefined ? undefined : headers[proxyHeader]`,
      `headers[proxyHeader ?? 'x-forwarded-for']`,
    ),
    attack('pages', 'tells nobody where he comes from'),
  ),
];
