// What a chip between card and reader gains, once one of its mends is undone. `by` as in
// catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const attack = (name) => tests('test/attacks/interposer.test.ts', name);
const town = tests('test/attacks/interposer-town.test.ts', 'lose no more than the budget');
const unit = (file, name) => tests(`test/unit/${file}.test.ts`, name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const BUDGETS = 'central/sale/budgets.ts';
const LOOKS = 'kiosk/delivery/card-looks.ts';

export const BETWEEN = [
  mutant(
    'unproven-is-unexposed',
    'A begun write that reads as unwritten counts as if nothing had left the machine.',
    edit(
      'kiosk/order/claims.ts',
      `return order.writes === 0 ? 'unexposed' : (order.unwritten ?? 'unproven');`,
      `return order.unwritten ?? 'unexposed';`,
    ),
    attack('gains one refund within the budget'),
    unit('kiosk/orders', 'nothing is certain of a write that was begun'),
  ),
  mutant(
    'unproven-unlimited',
    'Central lets all money go back on a reader’s word.',
    edit(BUDGETS, `if (sure === 'unexposed') return null;`, `if (sure) return null;`),
    attack('gains one refund within the budget'),
    attack('a purse proves itself'),
  ),
  mutant(
    'unproven-account-again',
    'An account’s unproven refunds are not counted.',
    edit(BUDGETS, `if (!proven && num(own?.n) >= budget.accountOrders)`, `if (false)`),
    attack('gains one refund within the budget'),
    unit('central/budgets', 'one an account'),
  ),
  mutant(
    'unproven-account-sum',
    'One unproven refund may be of any sum.',
    edit(BUDGETS, `if (!proven && num(own?.fen) + openFen > budget.accountFen)`, `if (false)`),
    unit('central/budgets', 'so much an account'),
    town,
  ),
  mutant(
    'unproven-terminal-sum',
    'A terminal’s unproven refunds of a day are not bounded.',
    edit(BUDGETS, `if (num(sums?.terminal) + openFen > budget.terminalDayFen)`, `if (false)`),
    unit('central/budgets', 'so much an account'),
  ),
  mutant(
    'unproven-day-sum',
    'All terminals’ unproven refunds of a day are not bounded.',
    edit(BUDGETS, `return num(sums?.everyone) + openFen > budget.dayFen ?`, `return false ?`),
    unit('central/budgets', 'so much an account'),
  ),
  mutant(
    'cheap-visit-is-clean',
    'Any purchase under the count, however cheap, is an account’s clean visit.',
    edit(
      BUDGETS,
      `AND y.money_taken AND NOT y.unproven AND y.amount_fen >= r.amount_fen)`,
      `AND y.money_taken)`,
    ),
    unit('central/budgets', 'a purchase under its count that cost as much'),
  ),
  mutant(
    'forgotten-write-unexposed',
    'A journal that forgot its write is believed that nothing left the machine.',
    edit(BUDGETS, `return begun && writes === 0 ? 'unproven' : unwritten;`, `return unwritten;`),
    unit('central/budgets', 'what is proven or never left'),
  ),
  mutant(
    'proof-of-anothers-write',
    'A terminal’s proof counts though another one may have written since.',
    edit(BUDGETS, `  if (othersWrote(order)) return 'unproven';\n`, ``),
    unit('central/budgets', 'what is proven or never left'),
  ),
  mutant(
    'proof-under-no-claim',
    'A proof counts for another kiosk’s write though no claim of ours runs under which it was made.',
    edit(
      'central/sale/claims.ts',
      `provenUnderClaim: underClaim && proven === true,`,
      `provenUnderClaim: proven === true,`,
    ),
    unit('central/budgets', 'what is proven or never left'),
  ),
  mutant(
    'proof-of-anothers-uncounted',
    'What a terminal says that purses proved of another one’s writes is not counted.',
    edit(
      BUDGETS,
      ` && keys.length === 0 && !othersWrote(order)) return null;`,
      ` && keys.length === 0) return null;`,
    ),
    unit('central/budgets', 'what is proven or never left'),
  ),
  mutant(
    'look-not-named',
    'A refund claim does not name the look at the card that followed our own write.',
    edit(
      'kiosk/order/claims.ts',
      `const claimMs = kind === 'refund' ? (open.saw?.claimMs ?? null) : null;`,
      `const claimMs = null;`,
    ),
    unit('kiosk/two-kiosks', 'golden: gets its refund by the look'),
  ),
  mutant(
    'proof-not-named',
    'A refund claim does not say that the card proved itself under the claim it names.',
    edit(
      'kiosk/order/claims.ts',
      `...(saw?.proven === true ? { proven: true as const } : {}),`,
      `...(saw === undefined ? { proven: true as const } : {}),`,
    ),
    unit('kiosk/two-kiosks', 'purse: gets its refund by the look'),
  ),
  mutant(
    'look-outlives-write',
    'A look at the card counts though this kiosk began another write since.',
    edit(
      'kiosk/delivery/card.ts',
      `judgedInsertion: insertion, saw: null, },`,
      `judgedInsertion: insertion },`,
    ),
    unit('kiosk/orders', 'whose own write was refused names that look'),
  ),
  mutant(
    'look-under-a-later-claim',
    'A read-back counts under a claim that was granted while it was going on.',
    edit(LOOKS, `held?.kind === 'write' && lookedMono >= held.heardMono`, `held?.kind === 'write'`),
    unit('kiosk/orders', 'whose own write was refused names that look'),
  ),
  mutant(
    'look-before-the-claim',
    'A card that was read before the claim was granted counts as seen under it.',
    edit(LOOKS, `if (begunMono < heardMono)`, `if (false)`),
    unit('kiosk/orders', 'whose card lies in the slot still'),
    unit('kiosk/two-kiosks', 'looks again by itself'),
  ),
  mutant(
    'put-in-once-more',
    'A card that lies in the slot has to be put in once more to be looked at for central.',
    edit('kiosk/delivery/card.ts', `(!judged || looksAgain(open, ctx, delivery, here))`, `!judged`),
    unit('kiosk/two-kiosks', 'looks again by itself'),
  ),
  mutant(
    'asked-while-looking',
    'The refund is asked for by the old look while the card is being looked at anew.',
    edit('kiosk/delivery/card.ts', `if (!ctx.cardFree && isUnseen(open)) return same();`, ``),
    unit('kiosk/orders', 'whose card lies in the slot still'),
  ),
  mutant(
    'looks-without-rest',
    'Where a look does not get the money back the card is read and central asked twice a second.',
    edit(
      'kiosk/order/claims.ts',
      `fails: kind === 'write' && order.wantsRefund ? open.claim.fails : 0,`,
      `fails: 0,`,
    ),
    unit('kiosk/orders', 'asks ever more slowly'),
  ),
  mutant(
    'disproven-within-budget',
    'Money goes back although the card could have proven itself and what answered could not.',
    edit(BUDGETS, `sure === 'disproven' ? 'the card could`, `false ? 'the card could`),
    attack('a purse proves itself'),
  ),
  mutant(
    'purse-not-asked',
    'A purse that reads as unwritten is not asked to prove it.',
    edit(
      'kiosk/run/card.ts',
      `if (layout.provenImage === undefined) return { image, unwritten: 'unproven' };`,
      `if (layout.provenImage !== null) return { image, unwritten: 'unproven' };`,
    ),
    attack('a purse proves itself'),
    attack('an honest purse that was not written proves that'),
    town,
  ),
  mutant(
    'proof-not-judged',
    'The MAC of a purse’s proof is not checked.',
    edit(
      'card/layouts/pl-purse.ts',
      `const judged = await this.#keys.checkLoad(s8Of(identity.value), answer.value);\n    if (!judged.ok) return judged;`,
      ``,
    ),
    attack('a purse proves itself'),
    unit('card/pl-purse', 'proves that nothing was loaded'),
  ),
  mutant(
    'proof-without-challenge',
    'A purse’s proof is asked for with the same numbers each time, so that an old one does.',
    edit(
      'card/layouts/pl-purse.ts',
      `const { amount, terminal } = challengeOf(challenge);`,
      `const { amount, terminal } = { amount: LOOK_FEN, terminal: this.#terminal };\n    challengeOf(challenge);`,
    ),
    attack('a purse proves itself'),
  ),
  mutant(
    'counter-refunds-unasked',
    'Under its counter claim a terminal hands the money back on the reader’s word, unasked.',
    edit(
      'kiosk/delivery/card.ts',
      `: refundSeen(open, ctx, here, held);\n  // The money waits`,
      `: refund(open, failure('CARD-0204'));\n  // The money waits`,
    ),
    unit('kiosk/orders', 'whose lost card comes back unwritten'),
  ),
  mutant(
    'waits-and-not-written',
    'A card whose refund waits is not written when it is put in again.',
    edit(
      'kiosk/delivery/card.ts',
      `if (open.notProven && order.wantsRefund && delivery.insertion !== insertion)`,
      `if (false)`,
    ),
    attack('is written after all'),
  ),
  mutant(
    'forged-cards-stop-a-family',
    'Two forged cards that refuse the key switch off sales to every card of their layout.',
    edit(
      'kiosk/visit/card-in.ts',
      `refusedLately(state.refusals, reading, now.monoMs))`,
      `state.refusals.filter((r) => r.layout === reading.layout).length > 1)`,
    ),
    unit('kiosk/endings', 'nobody else’s card is'),
  ),
  mutant(
    'refusing-card-for-ever',
    'A card that refused the key once is never sold to again.',
    edit('kiosk/delivery/card-refusals.ts', `REFUSED_MS = 600_000;`, `REFUSED_MS = 6e12;`),
    unit('kiosk/endings', 'nobody else’s card is'),
  ),
  mutant(
    'refusing-card-goes-on',
    'A card that refuses the key is tried again at once, until its tries are gone.',
    edit(
      'kiosk/visit/card-in.ts',
      `if (s.purpose === 'buy' && refusedLately(`,
      `if (s.purpose === 'query' && refusedLately(`,
    ),
    unit('kiosk/endings', 'nobody else’s card is'),
  ),
  mutant(
    'refunded-tag-unseen',
    'A refunded purchase that is read on its card is not noticed.',
    edit(
      'central/books/card-seen.ts',
      `const order = rows[0]?.order_id;`,
      `const order = rows[1]?.order_id;`,
    ),
    attack('stops the card'),
    unit('central/card-seen', 'a refunded purchase that is on its card'),
  ),
  mutant(
    'more-gas-unseen',
    'A meter that has taken more than was bought is not noticed.',
    edit(
      'central/books/card-seen.ts',
      `above <= base + ON_CREDIT) return null;`,
      `true) return null;`,
    ),
    unit('central/card-seen', 'more gas than was bought'),
  ),
  mutant(
    'untold-purchase-suspected',
    'A card is stopped for a purchase that another kiosk has not told yet.',
    edit(
      'central/books/card-seen.ts',
      `if (count !== account.count || taken > count) return null;`,
      ``,
    ),
    unit('central/card-seen', 'more gas than was bought'),
  ),
  mutant(
    'stopped-card-sold-to',
    'A card that is stopped for a person is sold to.',
    edit('central/sale/accounts.ts', `bool(row['stopped']) ? 'hot-listed' : r.state`, `r.state`),
    attack('stops the card'),
    unit('central/card-seen', 'a refunded purchase that is on its card'),
  ),
  mutant(
    'card-not-told',
    'What a card shows is not told to central.',
    edit(
      'kiosk/visit/card-seen.ts',
      `if (service.blocked !== null || seen.insertion === insertion) return null;`,
      `if (service.blocked === null || seen.insertion === insertion) return null;`,
    ),
    attack('stops the card'),
  ),
  mutant(
    'card-told-each-time',
    'What a card shows is told at every read, changed or not.',
    edit(
      'kiosk/visit/card-seen.ts',
      `if (seen.cards.get(reading.cardNo) === said) return null;`,
      ``,
    ),
    attack('stops the card'),
  ),
  mutant(
    'silent-purse-within-budget',
    'A purse that never answers the challenge is refunded within the budget, like a card that cannot prove itself.',
    edit(
      BUDGETS,
      `sure === 'unproven' && PROVING.has(order.layout ?? '') ? 'disproven' : sure`,
      `sure`,
    ),
    attack('nor by a chip that refuses the challenge'),
  ),
  mutant(
    'code-before-sale',
    'A memory card’s code is asked for before anybody pays.',
    edit(
      'card/layouts/pl-sle.ts',
      `proveAuthority: (reading) => keys.proveCode(`,
      `proveAuthority: (reading) => keys.cardCode(`,
    ),
    unit('kiosk/exposure', '4442-good'),
  ),
  mutant(
    'budget-spent-twice',
    'Two centrals spend the same rest of the budget at once.',
    edit(
      BUDGETS,
      `SELECT turn FROM refund_budget_turn WHERE turn = 1 FOR UPDATE`,
      `SELECT turn FROM refund_budget_turn WHERE turn = 1`,
    ),
    {
      kind: 'tests',
      project: 'concurrency',
      files: ['test/concurrency/races.test.ts'],
      name: 'a budget for one',
    },
  ),
];
