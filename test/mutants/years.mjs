// A year turns, a limit's period ends, a tariff's day comes. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const central = (name) => tests('test/unit/central/years.test.ts', name);
const kiosk = (name) => tests('test/unit/kiosk/years.test.ts', name);
const shared = (name) => tests('test/unit/shared/periods.test.ts', name);
const reconcile = (name) => tests('test/unit/reconcile/daily.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const SALE = 'kiosk/visit/card-sale';

export const YEARS = [
  mutant(
    'year-late',
    'The first second of a year still counts into the old one.',
    edit(
      'shared/periods.ts',
      'return begun <= Math.max(ms, FIRST_MS)',
      'return begun < Math.max(ms, FIRST_MS)',
    ),
    shared('hold every moment exactly once'),
    central('turns with the second of midnight'),
  ),
  mutant(
    'year-of-no-day',
    'A year may begin on 29 February.',
    edit('shared/periods.ts', 'chinaDayMs(`2025-${rule}`)', 'chinaDayMs(`2028-${rule}`)'),
    shared('follow rules that every year has'),
  ),
  mutant(
    'known-limit-unjudged',
    'A kiosk that sells offline beyond the limit that it was told is never found.',
    edit(
      'central/books/findings.ts',
      'room !== undefined && order.quantity > room',
      'room !== undefined && order.quantity < 0',
    ),
    central('beyond it: counted in full'),
  ),
  mutant(
    'known-limit-off-by-one',
    'A sale of exactly what was left is an accusation.',
    edit('central/books/findings.ts', 'order.quantity > room)', 'order.quantity >= room)'),
    central('within it nothing is found'),
  ),
  mutant(
    'known-limit-refuses',
    'Gas that is on a card is kept out of the books for a limit’s sake.',
    edit(
      'central/books/findings.ts',
      `const limit = account.limit_quantity;`,
      `const limit = account.limit_quantity;
  if (room !== undefined && order.quantity > room) throw new RangeError('over');`,
    ),
    central('beyond it: counted in full'),
  ),
  mutant(
    'purchase-limit-unjudged',
    'What is let at once does not bind an offline sale.',
    edit(
      'central/books/offline-sales.ts',
      'perPurchase === undefined ? [] : [perPurchase]',
      'perPurchase === undefined ? [] : []',
    ),
    central('beyond what is let at once'),
  ),
  mutant(
    'known-limit-of-old-period',
    'A new period’s sale is held to what was left of the one before.',
    edit(
      'central/books/offline-sales.ts',
      'start > periodStart(limit.every, toldMs) ? limit.quantity : limit.left',
      'limit.left',
    ),
    central('a period that began since'),
  ),
  mutant(
    'kiosk-forgets-limit',
    'A kiosk sells whatever the limit of the account says.',
    [
      edit(
        `${SALE}/sellable.ts`,
        'account.periodLeftQuantity ?? Number.MAX_SAFE_INTEGER',
        'Number.MAX_SAFE_INTEGER',
      ),
      edit(`${SALE}/sellable.ts`, 'account.periodLeftQuantity === 0 || ', ''),
    ],
    { kind: 'simulate', seed: 9, seeds: 2, sessions: 20 },
  ),
  mutant(
    'own-deliveries-unknown',
    'A kiosk’s own deliveries are not counted against what it knew.',
    edit('central/books/offline-sales.ts', 'Math.max(0, left - own)', 'Math.max(0, left)'),
    central('its own deliveries since that answer'),
  ),
  mutant(
    'own-deliveries-not-loaded',
    'What a kiosk delivered and told before is not looked at.',
    edit(
      'central/books/load.ts',
      `if (users.size === 0) return;
  const sinceMs`,
      `if (users.size >= 0) return;
  const sinceMs`,
    ),
    central('its own deliveries since that answer'),
  ),
  mutant(
    'limit-passed-unsaid',
    'A limit that was passed while a kiosk was cut off is nowhere to be seen.',
    edit('central/books/findings.ts', 'usedAfter > limit', 'usedAfter > limit * 1e9'),
    central('passed only because another kiosk sold meanwhile'),
  ),
  mutant(
    'limit-passed-accuses',
    'Whoever could not know is accused.',
    edit(
      'central/books/findings.ts',
      `'over-limit-since',
      false,`,
      `'over-limit-since',
      true,`,
    ),
    central('passed only because another kiosk sold meanwhile'),
  ),
  mutant(
    'told-bounds-unsigned',
    'Central signs no bounds with an account.',
    edit('central/terminal-api.ts', '...(told === undefined ? {} : { told }),', ''),
    central('beyond it: counted in full'),
    central('but was told of it'),
  ),
  mutant(
    'old-price-unsaid',
    'A sale by a price that was over is nowhere to be seen.',
    edit('central/books/offline-sales.ts', 'return { sold, held };', 'return null;'),
    central('sells by the price that it was told'),
  ),
  mutant(
    'told-price-ignored',
    'A kiosk sells by the old price though it was told of the new one.',
    edit(
      'central/books/offline-sales.ts',
      'known !== sold && announced.length > 0',
      'known !== sold && false',
    ),
    central('but was told of it'),
  ),
  mutant(
    'told-day-forgotten',
    'A version whose day was put off since is refused to who was told the earlier day.',
    edit('central/books/offline-sales.ts', 'begun(announced?.fromMs) || begun', 'begun'),
    central('and the day was put off since'),
  ),
  mutant(
    'policy-announces-nothing',
    'The policy tells of no tariff.',
    edit('central/fleet/policy.ts', 'tariffs.length === 0 ? {} : { tariffs: [...tariffs] }', '{}'),
    central('travels with the policy too'),
  ),
  mutant(
    'policy-forgets-on-the-day',
    'The policy stops telling of a tariff on its day: caches of before never hear of it.',
    edit('central/fleet/policy.ts', '[nowMs - MAX_AGE_MS]', '[nowMs]'),
    central('travels with the policy too'),
  ),
  mutant(
    'cache-deaf-to-policy',
    'A cached account does not hear what the policy announces.',
    edit(`${SALE}/quoting.ts`, 'policy.tariffs ?? []', '[]'),
    kiosk('that the policy announced since'),
  ),
  mutant(
    'cache-keeps-old-day',
    'Of a day that was put off the earlier word counts.',
    edit(
      `${SALE}/standing.ts`,
      '!later.some((l) => l.tariff.version === a.tariff.version)',
      'a !== null',
    ),
    kiosk('that the policy announced since'),
  ),
  mutant(
    'finding-never-settled',
    'What a person has looked at is shown for ever.',
    edit('central/books/findings.ts', 'SET settled_ms = $3, settled_who', 'SET settled_who'),
    central('until a person has looked'),
  ),
  mutant(
    'year-never-turns',
    'Central prices by what was bought in any year.',
    edit('central/sale/standing.ts', `&& u.start_ms === startMs`, ``),
    central('turns with the second of midnight'),
  ),
  mutant(
    'year-always-calendar',
    'A tariff’s own year is the calendar’s.',
    edit(
      'central/sale/standing.ts',
      'periodStart(tariff.year_begins, ms)',
      `periodStart('01-01', ms)`,
    ),
    central('begins with the tariff’s own day'),
  ),
  mutant(
    'year-within-a-visit',
    'The sum on the screen changes at midnight, between preview and payment.',
    edit('central/sale/quotes.ts', 'momentOf(request.asOfMs, nowMs)', 'nowMs'),
    central('is the visit’s'),
  ),
  mutant(
    'year-named-for-ever',
    'Who names last year’s moment is sold to by last year for ever.',
    edit('shared/periods.ts', 'Math.abs(nowMs - toldMs) <= VISIT_MS', 'true'),
    shared('a visit is priced as of'),
  ),
  mutant(
    'year-renewed-price',
    'A quote that ran out is taken up again at last year’s price.',
    edit(
      'central/sale/quotes.ts',
      '    await refuseTurned(tx, request.cardNo, pricedMs(answer), nowMs);\n',
      '',
    ),
    central('does not take it up again once it ran out'),
  ),
  mutant(
    'year-of-telling',
    'A purchase of December that is told in January counts into the new year.',
    edit(
      'central/books/card-delivery.ts',
      'start_ms: order.year_start_ms, quantity',
      `start_ms: periodStart('01-01', 1_798_732_800_000), quantity`,
    ),
    central('counts a delivery into the year it was sold in'),
    central('in the new year is judged'),
  ),
  mutant(
    'year-judged-by-now',
    'A sale of December is judged by the use of January.',
    edit(
      'central/books/offline-sales.ts',
      `const year = yearStartOf(books, body, asOfMs);`,
      `const year = 1_798_732_800_000;`,
    ),
    central('in the old one by the old one’s'),
  ),
  mutant(
    'year-to-come',
    'A thief names a year that has not begun.',
    edit(
      'central/books/offline-sales.ts',
      'if (year > periodStart(rule, at.nowMs + TURN_MS))',
      'if (false)',
    ),
    central('does not name a year to come'),
  ),
  mutant(
    'year-exact-clocks',
    'Clocks that differ by seconds set a sale at midnight aside.',
    edit('central/books/offline-sales.ts', 'const TURN_MS = 15 * 60_000;', 'const TURN_MS = 0;'),
    central('by clocks that differ by seconds'),
  ),
  mutant(
    'limit-for-ever',
    'A limit that is used up refuses for ever.',
    edit(
      'central/books/card-delivery.ts',
      'const start_ms = periodStart(account.limit_every, order.as_of_ms);',
      'const start_ms = 0;',
    ),
    central('that is used up opens again'),
  ),
  mutant(
    'limit-not-opened',
    'The limit of an account counts from the first day of all.',
    edit(
      'central/sale/standing.ts',
      'const limitStartMs = periodStart(account.limit_every, ms);',
      `const limitStartMs = Math.max(...uses.flatMap((u) => (u.counter === 'limit' ? [u.start_ms] : [])), 0);`,
    ),
    central('that is used up opens again'),
  ),
  mutant(
    'tariff-never-begins',
    'An announced tariff never holds.',
    edit('shared/periods.ts', 'v.fromMs <= ms &&', 'false &&'),
    shared('the last version holds whose day has come'),
    central('holds from its day'),
  ),
  mutant(
    'tariff-granted-early',
    'An announced tariff is sold by before its day, offline.',
    edit(
      'central/books/offline-sales.ts',
      'fromMs != null && fromMs <= (body.asOfMs ?? 0)',
      'fromMs != null',
    ),
    central('sells offline from its day'),
  ),
  mutant(
    'cached-last-year',
    'A cached account of December is priced by last year’s use in January.',
    edit(
      `${SALE}/standing.ts`,
      'sameYear(account, toldMs, asOfMs) ? account.yearQuantity : 0',
      'account.yearQuantity',
    ),
    kiosk('is not priced by last year’s use'),
    kiosk('whose line is down over the turn'),
  ),
  mutant(
    'cached-limit-for-ever',
    'A cached limit that is used up stays so in the next month.',
    edit(`${SALE}/standing.ts`, ': limit.quantity,', ': account.periodLeftQuantity,'),
    kiosk('is not priced by last year’s use'),
  ),
  mutant(
    'cached-goes-back',
    'A kiosk’s clock that is behind brings last year back.',
    edit(`${SALE}/standing.ts`, 'Math.max(toldMs, nowMs)', 'nowMs'),
    kiosk('never goes back behind'),
  ),
  mutant(
    'cached-tariff-stays',
    'A cached account is sold to by the tariff whose day is over.',
    edit(`${SALE}/standing.ts`, 'tariff: tariffAt(account, asOfMs),', ''),
    kiosk('follows an announced tariff'),
  ),
  mutant(
    'own-any-year',
    'A kiosk counts its own deliveries of December into January.',
    edit(
      `${SALE}/quoting.ts`,
      'if (sameYear(account, d.soldMs, asOfMs ?? d.soldMs)) yearQuantity',
      'yearQuantity',
    ),
    kiosk('knows own deliveries by the year'),
  ),
  mutant(
    'offline-now',
    'Offline, the sum on the screen changes at midnight.',
    edit(
      `${SALE}/quoting.ts`,
      'Math.max(momentOf(toldMs, nowMs), account',
      'Math.max(nowMs, account',
    ),
    kiosk('is sold as of what it was shown'),
  ),
  mutant(
    'clock-of-production',
    'A variable shifts the clock of a kiosk that sells for money.',
    edit('main/demo-clock.ts', `if (mode !== 'demo')`, `if (mode === undefined)`),
    kiosk('a production kiosk’s never'),
  ),
  mutant(
    'clock-set-unseen',
    'A kiosk whose clock was wrong and is put right waits for an hour with what is due.',
    edit('kiosk/watch/monitor.ts', '> CLOCK_SET_MS', '> Infinity'),
    reconcile('a clock that is put right'),
  ),
  mutant(
    'command-by-another-day',
    'A command that looks at a demo hall goes by the machine’s day, and central refuses it.',
    edit('main/demo-clock.ts', `if (config.mode !== 'demo') return machine;`, `return machine;`),
    kiosk('a production kiosk’s never'),
  ),
];
