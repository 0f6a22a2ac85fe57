// What a visit at the machine gains or loses once one of its mends is undone. `by` as in
// catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/unit/${file}.test.ts`],
  name,
});
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const VISIT = [
  mutant(
    'paid-closed-unasked',
    'A payment about which nobody answers is closed instead of asked about: where the close may hand it back, its money does go back.',
    edit(
      'kiosk/order/attempts.ts',
      `(why === 'expired' || why === 'recovery' || why === 'card-removed')`,
      `why === 'recovery'`,
    ),
    unit('kiosk/paid-while-closing', 'a line that fails just then closes nothing'),
    unit('kiosk/orders', 'asked about once more before it is closed, expired'),
  ),
  mutant(
    'paid-cancelled-written',
    'What a customer cancelled while nobody knew is taken for his order after all.',
    edit(
      'kiosk/order/attempts.ts',
      `(why === 'expired' || why === 'recovery' || why === 'card-removed')`,
      `why !== 'switched'`,
    ),
    unit('kiosk/endings', 'cancelled by the customer while nobody knew'),
  ),
  mutant(
    'paid-asked-for-ever',
    'A payment about which nobody answers is never closed.',
    edit(
      'kiosk/order/attempts.ts',
      `if (ctx.nowMs >= attempt.expiresAtMs + ASK_FIRST_MS) return false;`,
      ``,
    ),
    unit('kiosk/endings', 'silent beyond all waiting'),
  ),
  mutant(
    'anothers-card-sees-the-order',
    'The sum and number of an order that waits for its card are shown while another card is read.',
    edit(
      'kiosk/visit/order-visit.ts',
      `if (maybeAnothers(state, s)) return { ...base, screen: 'reading', stage: 'card' };`,
      ``,
    ),
    unit('kiosk/endings', 'nothing is shown of the first'),
    unit('kiosk/endings', 'and another one put in: its own visit'),
  ),
  mutant(
    'anothers-card-keeps-the-order',
    'Another card does not begin a visit of its own while an order waits for its card.',
    edit(
      'kiosk/visit/order-visit.ts',
      `if (result.ok && result.value.cardNo === cardNoOf(open.order))`,
      `if (result.ok)`,
    ),
    unit('kiosk/endings', 'nothing is shown of the first'),
  ),
  mutant(
    'nearest-is-closed',
    'A customer is sent to a site that is closed.',
    edit('kiosk/visit/nearest.ts', `.filter((site) => isOpen(site, nowMs))`, ``),
    unit('kiosk/nearest', 'one that is open'),
  ),
  mutant(
    'limit-unsaid',
    'What a limit leaves is not said before a sum is chosen.',
    edit(
      'kiosk/visit/card-sale/card-sale.ts',
      `policy !== null && maxFen < policy.maxFen`,
      `false`,
    ),
    unit('kiosk/visits', 'how much a limit leaves'),
  ),
  mutant(
    'new-code-never',
    'Near the end of a payment code no new one is given.',
    edit(
      'kiosk/visit/order-visit.ts',
      `newCode(state, now) ?? buyAgain(state, s, open)`,
      `buyAgain(state, s, open)`,
    ),
    unit('kiosk/endings', 'the code nears its end'),
  ),
  mutant(
    'new-code-any-time',
    'A new code is asked for whenever more time is, so that codes run out.',
    edit('kiosk/visit/paying.ts', `attempt.expiresAtMs - now.nowMs > NEW_CODE_MS`, `false`),
    unit('kiosk/endings', 'the code nears its end'),
  ),
  mutant(
    'tap-of-the-screen-before',
    'A tap that began on the screen before acts on the new one.',
    edit('renderer/state/taps.ts', `press.view === this.#view && !press.deaf`, `!press.deaf`),
    unit('renderer/renderer', 'do nothing on the one that came under the finger'),
  ),
  mutant(
    'tap-on-a-new-screen',
    'Controls that came a moment ago hear a tap.',
    edit(
      'renderer/state/taps.ts',
      `press.view === this.#view && !press.deaf`,
      `press.view === this.#view`,
    ),
    unit('renderer/renderer', 'are not heard by controls that came within 250 ms'),
  ),
  mutant(
    'tap-names-the-newest',
    'A tap names the revision that came after the finger went down.',
    edit('renderer/state/store.ts', `pressed ?? snapshot;`, `snapshot;`),
    unit('renderer/renderer', 'name the revision that was painted'),
  ),
  mutant(
    'typing-is-no-activity',
    'Whoever types an order number is sent away by the time-out of the screen.',
    edit(
      'kiosk/visit/step.ts',
      `deadlineMono: Math.max(s.deadlineMono, now.monoMs + screenMs)`,
      `deadlineMono: Math.max(s.deadlineMono, now.monoMs)`,
    ),
    unit('kiosk/visits', 'whoever types'),
  ),
  mutant(
    'expired-and-out',
    'A code that ran out ends the visit, with the card in and somebody there.',
    edit('kiosk/visit/paying.ts', `open.attempts.at(-1)?.reason === 'expired' &&`, `false &&`),
    unit('kiosk/endings', 'it can be bought again without taking the card out'),
  ),
  mutant(
    'again-with-another-card',
    'To go on is offered though the card is out.',
    edit('kiosk/visit/paying.ts', `!s.cardOut &&\n    state.reader.state === 'present' &&`, ``),
    unit('kiosk/endings', 'nothing is offered any more'),
  ),
  mutant(
    'card-taken-unsaid',
    'A card that is taken too early is answered by the start screen alone.',
    edit('kiosk/visit/visit.ts', `return kind === null ? null : {`, `return true ? null : {`),
    unit('kiosk/endings', 'is answered in words'),
  ),
  mutant(
    'restart-unsaid',
    'A core that begins anew while somebody pays says nothing.',
    edit('kiosk/kiosk.ts', `order.state === 'collecting')`, `order.state === 'quoted')`),
    unit('kiosk/endings', 'a core that begins anew while somebody pays says so'),
  ),
  mutant(
    'outage-too-early',
    'The start screen tells of an interruption weeks ahead, and of none that comes tomorrow after it.',
    edit('kiosk/visit/hall-info.ts', 'o.fromMs - nowMs <= AHEAD_MS', 'o.fromMs > 0'),
    unit('kiosk/hall-info', 'two days ahead, not before'),
  ),
  mutant(
    'outage-stays',
    'An interruption that is over is still told.',
    edit('kiosk/visit/hall-info.ts', 'o.toMs > nowMs', 'o.toMs > 0'),
    unit('kiosk/hall-info', 'what is over is gone'),
  ),
  mutant(
    'start-asleep',
    'A start screen on which nothing happens goes on telling what held an hour ago.',
    edit('kiosk/visit/idle.ts', 'timed ? monoMs + LOOK_AGAIN_MS : null', 'timed ? null : null'),
    unit('kiosk/hall-info', 'two days ahead, not before'),
  ),
  mutant(
    'info-tile-of-nothing',
    'A tile leads to a screen that tells nothing.',
    edit('kiosk/visit/idle.ts', 'ctx.nowMs).length > 0 ?', 'ctx.nowMs).length >= 0 ?'),
    unit('kiosk/hall-info', 'only where there is something'),
  ),
  mutant(
    'paid-as-the-card-left',
    'A payment that is found while its code is being closed, since the card was taken out, goes back though the customer is there.',
    edit('shared/order-rules.ts', `  'card-removed',\n  'expired',`, `  'expired',`),
    unit('kiosk/paid-while-closing', 'the card is pulled out, WeChat'),
    unit('journal/journal', 'takes the capture of a code that is being closed (card-removed)'),
  ),
  mutant(
    'paid-as-it-switched',
    'A payment that is found while its code is being closed for another wallet goes back, and the customer pays again.',
    edit('shared/order-rules.ts', `  'recovery',\n  'switched',`, `  'recovery',`),
    unit('kiosk/paid-while-closing', 'another wallet is chosen'),
    unit('kiosk/endings', 'the old code is paid as the new one is asked for'),
  ),
  mutant(
    'paid-as-he-cancelled',
    'A payment that meets the customer’s own cancelling is taken for the order.',
    edit(
      'shared/order-rules.ts',
      `  'card-removed',\n  'expired',`,
      `  'card-removed',\n  'customer',\n  'expired',`,
    ),
    unit('kiosk/paid-while-closing', 'what the customer cancelled himself'),
    unit('journal/journal', 'while the customer’s cancelling is carried out'),
  ),
  mutant(
    'paid-by-code-taken-back',
    'A code payment that is being taken back is taken for the order.',
    edit(
      'shared/order-rules.ts',
      `state === 'closing' && method === undefined && shown &&`,
      `state === 'closing' && shown &&`,
    ),
    unit('journal/journal', 'closing by code: taken while it is taken back'),
  ),
  mutant(
    'paid-and-handed-back',
    'A payment counts though a close is under way that hands back what it finds.',
    edit(
      'kiosk/order/answers.ts',
      `!(run.closeUnderWay && closeMayHandBack(attempt.provider)) &&`,
      ``,
    ),
    unit('kiosk/paid-while-closing', 'what a close may yet hand back'),
    unit('kiosk/paid-while-closing', 'goes back while a close is under way'),
  ),
  mutant(
    'close-without-answer-forgotten',
    'A close that was never answered is forgotten once a later one is.',
    edit(
      'kiosk/order/answers.ts',
      `const next = unknown(r.failure); return { ...next, open: withRun(next.open, attemptId, { closeUnderWay: true }) };`,
      `return unknown(r.failure);`,
    ),
    unit(
      'kiosk/paid-while-closing',
      'what a close may yet hand back, since it was sent and never answered (under-way)',
    ),
  ),
  mutant(
    'close-of-before-unsent',
    'After a restart no close counts as sent.',
    edit(
      'kiosk/state/order.ts',
      `closeAccepted: false, closeUnderWay: true,`,
      `closeAccepted: false, closeUnderWay: false,`,
    ),
    unit('kiosk/paid-while-closing', 'nobody knows what was sent: alipay'),
  ),
  mutant(
    'cancel-is-a-close',
    'Alipay’s close passes for one that moves no money.',
    edit('payment/alipay/provider.ts', `closeMayHandBack: true,`, ``),
    unit('payment/conformance', 'says so where its close may hand back'),
  ),
  mutant(
    'gateway-cancels-too',
    'The gateway’s close passes for one that moves no money, whatever wallet is behind it.',
    edit('payment/gateway/provider.ts', `closeMayHandBack: true,`, ``),
    unit('payment/conformance', 'says so where its close may hand back'),
  ),
  mutant(
    'taken-long-after',
    'A payment that is found while closing is taken for the order however late it is.',
    edit('kiosk/order/answers.ts', `nowMs < attempt.expiresAtMs + ASK_FIRST_MS &&`, ``),
    unit('kiosk/paid-while-closing', 'once nobody can still be there'),
    unit('kiosk/endings', 'silent beyond all waiting'),
  ),
  mutant(
    'taken-beside-another',
    'A payment that is found while closing is taken beside another that may still be captured.',
    edit(
      'kiosk/order/answers.ts',
      `&& !open.attempts.some((a) => a.attemptId !== attemptId && LIVE.has(a.state))`,
      ``,
    ),
    unit('kiosk/paid-while-closing', 'beside another one that may still be captured'),
  ),
  mutant(
    'second-capture-folded',
    'The journal lets an order take a second capture.',
    edit('journal/fold.ts', `if (taken && state !== 'collecting')`, `if (false)`),
    unit('journal/journal', 'closing beside a paid one: a second capture taken'),
  ),
  mutant(
    'code-kept-though-paid',
    'What the customer chose instead is kept, with his code, though the first payment came.',
    edit('kiosk/order/answers.ts', `open: { ...next.open, next: null }`, `open: next.open`),
    unit('kiosk/paid-while-closing', 'what was chosen instead is forgotten with its code'),
  ),
  mutant(
    'closed-before-the-last-word',
    'A code is closed without being asked about once more.',
    edit('kiosk/order/attempts.ts', `(isEnding(attempt, ctx) && !answeredLast)`, `false`),
    unit('kiosk/orders', 'asked about once more before it is closed, its card taken out'),
    unit('kiosk/paid-while-closing', 'a line that fails just then closes nothing'),
  ),
  mutant(
    'last-word-not-waited-for',
    'A code is closed while the last question about it is under way.',
    edit('kiosk/order/attempts.ts', `run.askedLast && run.op === null`, `run.askedLast`),
    unit('kiosk/orders', 'asked about once more before it is closed, its card taken out'),
  ),
  mutant(
    'arrived-unsaid',
    'Whoever paid and took the card out is told that a write was not finished.',
    edit('kiosk/visit/order-screen.ts', `state === 'paid' ? 'paid' : 'card'`, `'card'`),
    unit('kiosk/paid-while-closing', 'told that his payment has arrived'),
  ),
  mutant(
    'card-out-unsaid',
    'Whoever paid and took the card out is told that it is being cancelled, and not to put it back.',
    edit(
      'kiosk/visit/order-view.ts',
      `s.closeWhy === 'card-removed' && !back && !reversed`,
      `false`,
    ),
    unit('kiosk/paid-while-closing', 'the screen says to put it back'),
  ),
  mutant(
    'paid-slip-of-a-write',
    'The slip of a paid order that waits for its card says that its write goes on.',
    edit('kiosk/words/slips.ts', `what === 'in-doubt' && open.order.state === 'paid'`, `false`),
    unit('kiosk/paid-while-closing', 'told that his payment has arrived'),
  ),
  mutant(
    'slip-of-another-payment',
    'The receipt names a payment that went back.',
    edit('kiosk/words/order-slips.ts', 'a.attemptId === paidBy', `a.attemptId === ''`),
    unit('kiosk/endings', 'names the payment that the order took'),
  ),
  mutant(
    'told-beyond-the-panel',
    'A policy tells more than fits on a panel, over the buttons.',
    edit('shared/policy-info.ts', `z.string().min(1).max(zh)`, `z.string().min(1)`),
    unit('kiosk/hall-info', 'nothing that does not fit'),
  ),
  mutant(
    'long-sites-crowded',
    'Sites with long names stand four on a page, over the buttons.',
    edit('kiosk/visit/hall-info.ts', `long ? A_PAGE.longSites : A_PAGE.sites`, `A_PAGE.sites`),
    unit('kiosk/hall-info', 'sites of long words'),
  ),
  mutant(
    'site-words-whole',
    'A site’s address of any length is shown whole, over the buttons.',
    edit('kiosk/visit/hall-info.ts', `text.length <= most ? text :`, `most > 0 ? text :`),
    unit('kiosk/hall-info', 'sites of long words'),
  ),
  mutant(
    'rated-twice',
    'Whoever taps on rates a visit as often as he likes.',
    edit('kiosk/visit/order-visit.ts', ` || s.rated !== null) return null;`, `) return null;`),
    unit('kiosk/visits', 'once, and thanked for'),
  ),
  mutant(
    'rating-unthanked',
    'A touch in the last second is swallowed with its screen.',
    edit(
      'kiosk/visit/order-visit.ts',
      "Math.max(s.ending.deadlineMono, now.monoMs + screenMs(state, 'rated'))",
      's.ending.deadlineMono',
    ),
    unit('kiosk/visits', 'in the last second sees'),
  ),
  mutant(
    'rated-by-another',
    'A terminal rates the orders of another one.',
    edit(
      'central/books/post.ts',
      'rated.filter((r) => terminalOf(r.orderId) === terminalId)',
      'rated.filter(() => true)',
    ),
    unit('central/card-seen', 'what customers say'),
  ),
  mutant(
    'rated-in-years-to-come',
    'A terminal whose clock is ahead by years rates for as long.',
    edit('central/books/ratings.ts', 'Math.min(wallMs, nowMs)', 'wallMs'),
    unit('central/card-seen', 'what customers say'),
  ),
];
