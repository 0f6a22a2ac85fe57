// What a card loses (or whoever comes after it) once one of the mends about cards is undone. `by`
// as in catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/unit/${file}.test.ts`],
  name,
});
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const tries = (name) => unit('kiosk/key-tries', name);

export const CARDS = [
  mutant(
    'fuel-card-of-gas',
    'A refuelling card is read whatever its file says it is for.',
    edit(
      'card/layouts/pl-fuel.ts',
      `  kinds: KINDS,\n`,
      `  kinds: [...KINDS.slice(4), 'fuel', 'fuel', 'fuel', 'fuel'],\n`,
    ),
    unit('card/conformance', 'PL-FUEL: a card of gas'),
  ),
  mutant(
    'fuel-read-as-household',
    'A refuelling card is read by the layout of a household’s purse, whose meter it never meets.',
    edit(
      'card/layouts/pl-cpu.ts',
      `wanted === null ? PURSE_TYPES.has(found) : found !== wanted`,
      `wanted === null ? PURSE_TYPES.has(found) : !PURSE_TYPES.has(found)`,
    ),
    unit('card/conformance', 'a refuelling card is CARD-0103'),
  ),
  mutant(
    'fuel-balance-not-counted',
    'What is left on a refuelling card is not counted towards what it may hold.',
    edit('card/layouts/pl-fuel.ts', `remainingQuantity: balance,`, `remainingQuantity: 0,`),
    unit('kiosk/fuel-cards', 'holds no more than'),
  ),
  mutant(
    'refused-key-forgotten',
    'A restart forgets that a card refused the key: the next sale spends another try.',
    edit(
      'kiosk/delivery/key-notes.ts',
      `if (e.kind === 'card-refused' && e.orderId !== null)`,
      `if (e.kind !== e.kind && e.orderId !== null)`,
    ),
    tries('a refusal outlives a restart'),
  ),
  mutant(
    'refused-key-here-only',
    'What another kiosk told of a card’s key is not looked at before money is taken.',
    edit(
      'kiosk/visit/card-sale/sellable.ts',
      `if (account.refusedKey !== undefined) return 'CARD-0201';`,
      ``,
    ),
    tries('another kiosk’s refusal'),
  ),
  mutant(
    'last-key-try-spent',
    'A key is presented to a card with its last try.',
    edit(
      'card/families/tries.ts',
      `return left === null || left < LEAST_TRIES;`,
      `return left === 0;`,
    ),
    tries('a paid order is not tried with the last try'),
  ),
  mutant(
    'refused-key-unseen',
    'A PIN or key that a card refuses leaves no trace.',
    edit('card/families/tries.ts', `(sw & 0xfff0) === 0x63c0`, `sw === 0x63c9`),
    tries('is seen on the channel'),
    tries('a refusal outlives a restart'),
  ),
  mutant(
    'refused-key-untold',
    'Central’s answer of before the telling makes the kiosk forget a refusal.',
    edit(
      'kiosk/visit/card-sale/quoting.ts',
      `note !== null && journal.isTold(note.orderId)`,
      `note !== null`,
    ),
    tries('central’s word ends a note'),
  ),
  mutant(
    'taken-key-still-refused',
    'A card that took its key after all stays refused here.',
    edit(
      'kiosk/delivery/key-notes.ts',
      `if (wrote !== null && keyNoteOf`,
      `if (wrote === '' && keyNoteOf`,
    ),
    tries('a card that took its key'),
  ),
  mutant(
    'refused-key-not-stopped',
    'Central does not stop a card that refused a kiosk’s key.',
    edit('central/books/post.ts', `await stopRefused(tx, refusals, nowMs);`, ``),
    unit('central/card-seen', 'a card that refused a kiosk’s key'),
  ),
  mutant(
    'refused-key-never-reset',
    'A good authentication does not let central sell to the card again.',
    edit('central/books/post.ts', `await resetTaken(tx, taken, nowMs);`, ``),
    unit('central/card-seen', 'a card that refused a kiosk’s key'),
  ),
  mutant(
    'refused-keys-stop-a-town',
    'One terminal’s word stops any number of cards that nobody paid for.',
    edit(
      'central/books/card-tries.ts',
      `if (num(known.paid) === 0 && `,
      `if (num(known.paid) < 0 && `,
    ),
    unit('central/card-seen', 'refusals that nobody paid for'),
  ),
  mutant(
    'left-card-lies',
    'A card that nobody takes blocks the slot all night.',
    edit('kiosk/visit/left-card.ts', `if (now.monoMs < due)`, `if (now.monoMs < due * 1e9)`),
    unit('kiosk/gate', 'is taken in after its time'),
  ),
  mutant(
    'owed-card-captured',
    'The card of a paid order is taken in before it is written.',
    edit(
      'kiosk/visit/left-card.ts',
      `if (!state.bin.motor || isOwed(state, left.cardNo))`,
      `if (!state.bin.motor)`,
    ),
    unit('kiosk/gate', 'with an order'),
  ),
  mutant(
    'writing-card-captured',
    'A card is taken in while it is written.',
    edit(
      'kiosk/visit/left-card.ts',
      `![...state.orders.values()].some((o) => o.writing)`,
      `state.orders !== null`,
    ),
    unit('kiosk/gate', 'with an order'),
  ),
  mutant(
    'captured-card-forgotten',
    'A restart forgets the cards in the bin: nobody is told where his card is.',
    edit('kiosk/kiosk.ts', `this.#o.journal.setMeta('bin', JSON.stringify(bin.cards));`, ``),
    unit('kiosk/gate', 'is taken in after its time'),
  ),
  mutant(
    'full-bin-swallows',
    'A card that the bin does not take stays inside, out of reach.',
    edit(
      'kiosk/visit/gate.ts',
      `      this.#leaving = null;
      this.#again();`,
      ``,
    ),
    unit('kiosk/gate', 'a full bin takes no card'),
  ),
  mutant(
    'gate-card-unknown-at-start',
    'A card that was held out when the machine was started anew is no card.',
    edit('card/readers/crt/reader.ts', `if (this.#entry !== true) return true;`, ``),
    unit('card/crt-reader', 'held out by a process that is gone'),
    unit('card/crt-old', 'held out before its host began'),
  ),
  mutant(
    'gate-card-half-in',
    'A card on its way in is asked to be taken; one that is pushed in half lies for ever.',
    edit('card/readers/crt/reader.ts', `const LIES_MS = 10_000;`, `const LIES_MS = 0;`),
    unit('card/crt-reader', 'pushed in half and left it is'),
  ),
  mutant(
    'gate-card-time-kept',
    'The next card that is pushed in is held to the time of the one before.',
    edit(
      'card/readers/crt/reader.ts',
      `if (where !== AT_GATE) this.#atGateMono = null;`,
      `if (where !== AT_GATE) void 0;`,
    ),
    unit('card/crt-reader', 'pushed in half and left it is'),
  ),
  mutant(
    'held-out-card-unasked',
    'A card that was held out before the start is not asked for on the screen.',
    edit(
      'kiosk/visit/visit.ts',
      `return next.session.at === 'idle'`,
      `return next.session.at === null`,
    ),
    unit('kiosk/gate', 'held out since before a restart'),
  ),
  mutant(
    'called-card-forgotten',
    'A card that was called for is never looked at again when its order has ended.',
    edit(
      'kiosk/visit/left-card.ts',
      `left.owed === true && !isOwed`,
      `left.owed === null && !isOwed`,
    ),
    unit('kiosk/gate', 'ends in the night'),
  ),
  mutant(
    'call-forgotten-at-start',
    'What was called for before a restart alarms for ever.',
    edit('kiosk/kiosk.ts', `left: calledAtStart(journal, clock.monoMs()),`, `left: null,`),
    unit('kiosk/gate', 'the alarm ends all the same'),
  ),
  mutant(
    'called-card-gone-unseen',
    'A card is told as taken because its reader is away.',
    edit(
      'kiosk/visit/left-card.ts',
      `left.told === 'called' && state.reader.state === 'offline'`,
      `left.told === 'called' && state.reader.state === null`,
    ),
    unit('kiosk/gate', 'the alarm ends all the same'),
  ),
  mutant(
    'call-stands-for-good',
    'A card that was called for before a restart is told as taken, though it lies there.',
    edit(
      'kiosk/visit/left-card.ts',
      `const unseen = left?.insertion === UNSEEN;`,
      `const unseen = false;`,
    ),
    unit('kiosk/gate', 'called for at a full bin'),
  ),
  mutant(
    'called-card-at-once',
    'A card whose order has ended is taken in before anybody could take it.',
    edit(
      'kiosk/visit/left-card.ts',
      `{ ...left, sinceMono: now.monoMs, owed: false }`,
      `{ ...left, owed: false }`,
    ),
    unit('kiosk/gate', 'ends in the night'),
  ),
  mutant(
    'captured-card-alarms-on',
    'A card that was called for and then taken in alarms for ever.',
    edit(
      'central/books/journal-facts.ts',
      `(outcome === 'taken' || outcome === 'capturing')`,
      `outcome === 'taken'`,
    ),
    unit('central/card-seen', 'a card that blocks a slot'),
  ),
  mutant(
    'left-card-untold',
    'A card that blocks a slot is no alarm at central.',
    edit('central/books/journal-facts.ts', `books.alarm ??= CARD_LEFT;`, `books.alarm ??= null;`),
    unit('central/card-seen', 'a card that blocks a slot'),
  ),
  mutant(
    'bin-never-empty',
    'What a technician took out of the bin is told as inside for ever.',
    edit('kiosk/visit/left-card.ts', `e.body.action === 'empty-bin'`, `e.body.action === 'upload'`),
    unit('kiosk/maintenance', 'the bin’s cards are handed over'),
  ),
  mutant(
    'another-answer-same-card',
    'Another answer to reset under the same count of events is taken for the same card.',
    edit('card/readers/pcsc.ts', `(!seen.mute && toHex(before.atr) !== toHex(seen.atr))`, `false`),
    unit('card/pcsc', 'another answer to reset is another card'),
  ),
  mutant(
    'any-chip-let-go',
    'The bond to a chip is undone whichever chip was meant.',
    edit(
      'central/sale/chips.ts',
      `WHERE card_no = $1 AND uid = $2 RETURNING`,
      `WHERE card_no = $1 AND uid <> $2 RETURNING`,
    ),
    unit('central/chips', 'for the chip that he saw'),
  ),
  mutant(
    'set-aside-lifts-a-stop',
    'A read-back that was set aside lets a card be sold to again.',
    edit('central/books/post.ts', `&& !doubted.has(seq)`, ``),
    unit('central/card-seen', 'is refused to every kiosk'),
  ),
  mutant(
    'silence-ends-a-note',
    'That central says nothing of a refusal ends what the kiosk noted of it.',
    edit(
      'kiosk/visit/card-sale/quoting.ts',
      `&& keyLookedMs > (note.lookedMs ?? 0))`,
      `&& keyLookedMs >= 0)`,
    ),
    unit('kiosk/key-tries', 'central’s word ends a note'),
  ),
  mutant(
    'taken-card-kept',
    'A card that its customer took in the instant of its capture is told as kept.',
    edit(
      'kiosk/visit/left-card.ts',
      `result.error.code === LOST ? [] :`,
      `result.error.code !== LOST ? [] :`,
    ),
    unit('kiosk/gate', 'in that very instant'),
  ),
];
