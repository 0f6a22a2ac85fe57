// Sabotages of what a gateway finds again after a backup was put back (decision 0067).

const RESTORED = 'central/gateway-restored';

/** @param make `mutant`, `edit` and `unit` of catalogue.mjs */
export const gatewayRestored = ({ mutant, edit, unit }) => [
  mutant(
    'restored-not-looked-for',
    'What the database forgot nobody has.',
    edit(
      'central/gateway/recovery.ts',
      `if (!isForgetful(life, now())) return null;`,
      `if (now() > 0) return null;`,
    ),
    unit(RESTORED, 'is unknown as long as one wallet does not say'),
  ),
  mutant(
    'restored-known-is-whole',
    'A trade that the backup has is not looked for at other wallets.',
    edit(
      'central/gateway/recovery.ts',
      `trade.life !== life.name &&`,
      `trade.life === life.name &&`,
    ),
    unit(RESTORED, 'paid by the second wallet: finds what was paid'),
  ),
  mutant(
    'restored-unknown-rounded',
    'A wallet that does not say has no such trade.',
    edit(
      'central/gateway/recovery.ts',
      `const told = await provider.query(refTo(leg, asked)); if (told.kind === 'unknown') return told.failure;`,
      `const told = await provider.query(refTo(leg, asked)); if (told.kind === 'unknown') continue;`,
    ),
    unit(RESTORED, 'is unknown as long as one wallet does not say'),
  ),
  mutant(
    'restored-first-number-only',
    'Only the first trade of each wallet is looked for.',
    edit('central/gateway/recovery.ts', `n <= (method === 'code' ? 1 : MAX_LEGS)`, `n <= 1`),
    unit(RESTORED, 'switched back and forth: finds what was paid'),
  ),
  mutant(
    'restored-legs-unbounded',
    'A trade is opened at a wallet more often than it could be looked for.',
    edit(
      'central/gateway/legs.ts',
      `for (let n = MAX_LEGS; n >= 1; n--) {`,
      `for (let n = 2 * MAX_LEGS; n >= 1; n--) {`,
    ),
    unit(RESTORED, 'is no more than five trades of one wallet'),
  ),
  mutant(
    'restored-unseen-code',
    'A code that nobody has scanned yet is taken for none.',
    edit('central/gateway/recovery.ts', `f.provider.unseenBeforeScan === true`, `false`),
    unit(RESTORED, 'a code that nobody has scanned yet takes no payment'),
  ),
  mutant(
    'restored-cancel-lands',
    'A capture that a cancel of before may hand back counts at once.',
    edit(
      'central/gateway/recovery.ts',
      `now() - life.sinceMs < LANDS_WITHIN_MS`,
      `now() - life.sinceMs < 0`,
    ),
    unit(RESTORED, 'a capture that a cancel of before may yet hand back'),
  ),
  mutant(
    'restored-cancel-unnoted',
    'The search cancels a number, and nobody remembers it.',
    edit(
      'central/gateway/recovery.ts',
      `await note(); const closed = await provider.close(ref);`,
      `const closed = await provider.close(ref); if (now() > 0) return closed;`,
    ),
    unit(RESTORED, 'a cancel that the search itself sent'),
  ),
  mutant(
    'restored-twice',
    'After a second restore only what that backup lacked is looked for.',
    edit('central/db/lives.ts', `[row, ...open].map`, `[row].map`),
    unit(RESTORED, 'and was not found yet when the next backup was made'),
  ),
  mutant(
    'restored-told-forgotten',
    'Of two captures the first counts, whatever the terminal was told.',
    edit('central/gateway/recovered.ts', `proven ??`, ``),
    unit(RESTORED, 'the capture that a terminal was told of is the one that counts'),
  ),
  mutant(
    'restored-both-kept',
    'A second capture that is found stays with the merchant.',
    edit(
      'central/gateway/recovered.ts',
      `f, 'refunding', { nowMs, lookMs: nowMs + HAND_BACK_AFTER_MS }`,
      `f, 'closed', { nowMs, lookMs: null }`,
    ),
    unit(RESTORED, 'both paid, and none handed back yet: finds what was paid'),
  ),
  mutant(
    'restored-own-refund-unknown',
    'What the gateway handed back itself is taken for the payment that counts.',
    edit('central/gateway/recovered.ts', `.filter((f) => f.handedBack === null)`, ``),
    unit(RESTORED, 'what the gateway handed back by itself'),
  ),
  mutant(
    'restored-hand-back-of-a-sale',
    'A capture goes back although its terminal says that it was told of it.',
    edit(
      'central/gateway/sweep.ts',
      `if (await paysAnOrder(desk, leg)) return`,
      `if (false) return`,
    ),
    unit(RESTORED, 'the capture that facts name later'),
  ),
  mutant(
    'restored-refund-not-asked',
    'A refund of the lost time is not looked for at its wallet.',
    edit(
      'central/gateway/refund-again.ts',
      `if (told.kind === 'not-found') return null;`,
      `if (told.kind !== 'unknown') return null;`,
    ),
    unit(RESTORED, 'a refund that was made in it is found'),
  ),
  mutant(
    'restored-refund-uncounted',
    'A refund that is found does not count in its terminal’s budget.',
    edit(
      'central/gateway/refund-again.ts',
      `await countHandBack(tx, desk, terminalId, refundFen);`,
      ``,
    ),
    unit(RESTORED, 'a refund that was made in it is found'),
  ),
  mutant(
    'restored-new-number',
    'Each refund has a number that nobody finds again.',
    edit(
      'central/gateway/refunds.ts',
      `numbers.refund(terminalId, request.outRefundNo),`,
      `numbers.refund(terminalId, desk.hex(13)),`,
    ),
    unit(RESTORED, 'a refund that was made in it is found'),
  ),
  mutant(
    'restored-for-ever',
    'Wallets are asked about every new number, for ever.',
    edit('central/gateway/recovery.ts', `nowMs - sinceMs < LOOKED_FOR_MS`, `nowMs >= sinceMs`),
    unit(RESTORED, 'is looked for after a restore only'),
  ),
  mutant(
    'restored-new-orders-asked',
    'Wallets are asked about orders that began after the restore.',
    edit(
      'central/gateway/recovery.ts',
      `if (await madeHere(db(), asked.orderId, life)) return null;`,
      ``,
    ),
    unit(RESTORED, 'is looked for after a restore only'),
  ),
  mutant(
    'restored-facts-unread',
    'Payments that nobody asks about any more are not looked for.',
    edit('central/gateway/sweep.ts', `await lost().catch(report);`, ``),
    unit(RESTORED, 'is found by the facts that are told again'),
  ),
  mutant(
    'restored-facts-once',
    'A payment whose wallet did not say is not looked for again.',
    edit('central/gateway/lost.ts', `again = vain;`, `again = [];`),
    unit(RESTORED, 'is found by the facts that are told again'),
  ),
  mutant(
    'restored-bill-silent',
    'What a bill lists and the gateway does not know nobody is told of.',
    edit(
      'central/gateway/bills.ts',
      `if (told.kind === 'bill') await keepStrangers(`,
      `if (told.kind === 'none') await keepStrangers(`,
    ),
    unit(RESTORED, 'stands in the wallet’s bill'),
  ),
  mutant(
    'numbers-of-any-terminal',
    'Two terminals’ trades of one number have one number at the wallet.',
    edit(
      'central/gateway/numbers.ts',
      `mac('leg', terminalId, outTradeNo, merchant, wallet, n)`,
      `mac('leg', outTradeNo, merchant, wallet, n)`,
    ),
    unit('central/gateway-numbers', 'follow from the question and the key'),
  ),
];
