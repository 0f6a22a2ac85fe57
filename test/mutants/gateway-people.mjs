// Sabotages of what keeps people from money that is not theirs at the gateway and the console: the
// customer's page, budgets of refunds, two persons, adopted orders, keys that change.

/** @param make `mutant`, `edit`, `attack` and `unit` of catalogue.mjs */
export const gatewayPeople = ({ mutant, edit, attack, unit }) => [
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
  mutant(
    'let-go-alone',
    'One person alone lets a payment go back beyond its terminal’s day.',
    edit(
      'central/gateway/budgets.ts',
      `if (sameName(row.asked_who, told.who)) return 'same-person';`,
      ``,
    ),
    attack('gateway', 'as far as the terminal’s budget of a day'),
  ),
  mutant(
    'beyond-untold',
    'Whose money waits for staff reads that it takes minutes.',
    edit(
      'kiosk/visit/order-view.ts',
      `return isBeyondTheDay(open) ? 'PAY-0205' : null;`,
      `return null;`,
    ),
    unit('kiosk/endings', 'goes back beyond the terminal’s day'),
  ),
  mutant(
    'hand-alone',
    'A technician’s word alone hands money back in the books.',
    edit(
      'central/books/by-hand.ts',
      `books.trial(() => settle(books, at, row));`,
      `settle(books, at, row);`,
    ),
    attack('staff', 'no money counts as handed back'),
  ),
  mutant(
    'hand-own-second',
    'Who asked may confirm it, with a space in his name.',
    edit('shared/same-name.ts', `foldedName(a) === foldedName(b)`, `a === b`),
    attack('staff', 'no money counts as handed back'),
  ),
  mutant(
    'hand-any-number',
    'Any number confirms.',
    edit(
      'central/books/hand-requests.ts',
      `const own = known.includes(d.transactionNo);`,
      `const own = known.length > 0;`,
    ),
    attack('staff', 'no money counts as handed back'),
  ),
  mutant(
    'hand-and-gateway',
    'What was settled by hand the gateway hands back as well.',
    edit(
      'central/gateway/bars.ts',
      `if (byHand[0] !== undefined) return byHand[0].state === 'waiting' ? 'claimed-not' : 'by-hand';`,
      ``,
    ),
    attack('staff', 'waits at the gateway while a second person looks'),
  ),
  mutant(
    'refunds-without-budget',
    'A terminal has handed back whatever it asks for.',
    edit(
      'central/gateway/budgets.ts',
      `refund_days.refunds + 1 <= $4 AND refund_days.fen + EXCLUDED.fen <= $5`,
      `$4 = $4 AND $5 = $5`,
    ),
    attack('gateway', 'go as far as the terminal’s budget of a day'),
  ),
  mutant(
    'refunds-beyond-refused',
    'A hand-back beyond the budget is refused.',
    edit(
      'central/gateway/budgets.ts',
      `unknown(failure('PAY-0205', 'beyond the terminal’s refunds of a day: a person lets it go'))`,
      `({ kind: 'refused', failure: failure('PAY-0205', '') }) as unknown as ReturnType<typeof unknown>`,
    ),
    attack('gateway', 'go as far as the terminal’s budget of a day'),
  ),
  mutant(
    'reversals-without-budget',
    'Reversals hand back beyond the budget.',
    edit(
      'central/gateway/reversals.ts',
      `if (paid && !(await mayHandBack(tx, desk, back))) return 'too-much';`,
      ``,
    ),
    attack('gateway', 'nor by reversals'),
  ),
  mutant(
    'adopted-while-active',
    'Staff settle the orders of a terminal that works.',
    edit(
      'central/gateway/adopted.ts',
      `WHERE terminal_id = $1 AND status = 'revoked'`,
      `WHERE terminal_id = $1`,
    ),
    attack('adopted', 'by two persons, through the gateway'),
  ),
  mutant(
    'adopted-while-written',
    'An adopted order is handed back while another kiosk writes it.',
    edit(
      'central/books/adopt.ts',
      `if (order.write_until_ms !== null && order.write_until_ms > at.nowMs)`,
      `if (order.write_until_ms !== null && order.write_until_ms < 0)`,
    ),
    attack('adopted', 'wait while another kiosk may be writing'),
  ),
  mutant(
    'adopted-stranded',
    'A payment of which a revoked terminal never told is forgotten.',
    edit(
      'central/gateway/adopted.ts',
      `LEFT JOIN orders o ON o.order_id`,
      `JOIN orders o ON o.order_id`,
    ),
    attack('adopted', 'by two persons, through the gateway'),
  ),
  mutant(
    'key-old-for-ever',
    'An old key counts for ever beside the next one.',
    edit(
      'central/fleet/keys.ts',
      `return nowMs < (numOrNull(row.old_until_ms) ?? 0) ? [current, next] : [next];`,
      `return nowMs > 0 ? [current, next] : [next];`,
    ),
    attack('staff', 'counts beside the next one until the overlap ends'),
  ),
  mutant(
    'key-overlap-longer',
    'An overlap may be made longer.',
    edit(
      'central/fleet/keys.ts',
      `same ? Math.min(wantedMs, numOrNull(row.old_until_ms) ?? wantedMs) : wantedMs`,
      `wantedMs + (same ? 0 : 0 * Number(row.old_until_ms))`,
    ),
    attack('staff', 'counts beside the next one until the overlap ends'),
  ),
];
