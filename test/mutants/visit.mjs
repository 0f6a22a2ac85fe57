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
    'A payment about which nobody answers is closed instead of asked about: its money goes back though the card is there.',
    edit(
      'kiosk/order/attempts.ts',
      `(why === 'expired' || why === 'recovery' || why === 'card-removed')`,
      `why === 'recovery'`,
    ),
    unit('kiosk/endings', 'the line cut for 67 s, the card still in'),
    unit('kiosk/endings', 'the card put back within its time'),
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
    edit('kiosk/visit/nearest.ts', ` && isOpen(site, nowMs)`, ``),
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
];
