// Deliberate sabotages of the money path. scripts/mutants.mjs makes each of them in a copy of the
// tree; `by` says what must then fail, the cheapest first. The text in `find` stands in the file
// exactly once: a sabotage that no longer applies is a hole in this list, and counts as one that
// nobody caught.
import { hardening } from './hardening.mjs';
import { STAFF } from './staff.mjs';
import { daybook } from './daybook.mjs';
import { systemTab } from './system-tab.mjs';
import { disk } from './disk.mjs';
import { doors } from './doors.mjs';
import { printer } from './printer.mjs';
import { scanners } from './scanners.mjs';
import { held } from './held.mjs';
import { window } from './window.mjs';
import { fleet } from './fleet.mjs';

import { gatewayPeople } from './gateway-people.mjs';
import { gatewayRestored } from './gateway-restored.mjs';

import { BETWEEN } from './between.mjs';
import { VISIT } from './visit.mjs';
import { CARDS } from './cards.mjs';
import { COMPANY } from './company.mjs';
import { INVOICES } from './invoices.mjs';
import { VOICE } from './voice.mjs';
import { RECEIPTS } from './receipts.mjs';
import { REQUESTS } from './requests.mjs';
import { MY_ACCOUNT } from './my-account.mjs';
import { FOUND_E } from './found-e.mjs';

import { BILLS } from './bills.mjs';
import { FOUND_F } from './found-f.mjs';
import { YEARS } from './years.mjs';
import { ACCOUNT_SALE } from './account-sale.mjs';
import { CREDIT } from './credit.mjs';
import { PARTS } from './parts.mjs';
import { SEAMS } from './seams.mjs';
import { devices } from './devices.mjs';
import { CARD_GRANTS } from './card-grants.mjs';
import { CREDIT_ACTS } from './credit-acts.mjs';
import { OUTAGE_SMS } from './outage-sms.mjs';
import { TOLD } from './told.mjs';
import { MERCHANTS } from './merchants.mjs';

import { modes } from './modes.mjs';

/**
 * Test files of the unit suite, without folder and ending; `name`: only tests whose full name
 * contains it (`…`: its parts, in this order).
 */
const unit = (files, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [files].flat().map((f) => `test/unit/${f}.test.ts`),
  name,
});
/** What a thief tries. */
const attack = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/attacks/${file}.test.ts`],
  name,
});
/** Several centrals on one PostgreSQL server. */
const concurrency = (files, name) => ({
  kind: 'tests',
  project: 'concurrency',
  files: [files].flat().map((f) => `test/concurrency/${f}.test.ts`),
  name,
});
const powercut = (name) => ({
  kind: 'tests',
  project: 'powercut',
  files: ['test/powercut/powercut.test.ts'],
  name,
});
/** The whole-kiosk simulation: so many towns of 20 customers, or `sessions`, from this seed on. */
const simulate = (seed, seeds, sessions = 20) => ({ kind: 'simulate', seed, seeds, sessions });
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

const JOURNAL = [
  mutant(
    'journal-second-log-first',
    'The second log is written before the database commits, not after.',
    edit(
      'journal/journal.ts',
      `      also?.(head);
      this.#storage.beforeCommit?.();
    });`,
      `      also?.(head);
      if (!begins) this.#second?.append(logged.splice(0));
      this.#storage.beforeCommit?.();
    });`,
    ),
    unit('journal/epochs', 'sees exactly the last durable commit'),
    powercut('loses no acknowledged fact'),
  ),
  mutant(
    'journal-second-log-not-synced',
    'The second log is written and not fsynced.',
    edit(
      'journal/second-log.ts',
      `writeWhole(this.#fd, events.map(line).join(''));\n    fsyncSync(this.#fd);`,
      `writeWhole(this.#fd, events.map(line).join(''));`,
    ),
    powercut('loses no acknowledged fact'),
  ),
  mutant(
    'journal-second-log-later',
    'The second log is written a moment after the append returned.',
    edit(
      'journal/journal.ts',
      `      this.#second.append(logged);\n    } catch`,
      `      queueMicrotask(() => this.#second.append(logged));\n    } catch`,
    ),
    unit('journal/journal', 'folds a sale, chained, in both places'),
  ),
  mutant(
    'journal-second-log-forgotten',
    'Facts go to the database only.',
    edit('journal/journal.ts', `      this.#second.append(logged);\n    } catch`, `    } catch`),
    unit('journal/journal', 'folds a sale, chained, in both places'),
  ),
  mutant(
    'journal-normal',
    'The database runs with synchronous NORMAL, and nobody looks.',
    [
      edit(
        'journal/storage.ts',
        `db.pragma('synchronous = FULL');\n      guard(db);`,
        `db.pragma('synchronous = NORMAL');\n      guard(db);`,
      ),
      edit('journal/journal.ts', `db.pragma('synchronous', { simple: true }) !== 2 || `, ''),
    ],
    powercut('loses no acknowledged fact'),
  ),
  mutant(
    'journal-full-not-read-back',
    'synchronous FULL is set and not read back after the first write.',
    edit('journal/journal.ts', `db.pragma('synchronous', { simple: true }) !== 2 || `, ''),
    unit('journal/journal', 'synchronous=FULL is read back'),
  ),
  mutant(
    'journal-no-transaction',
    'Event, rows and outbox are written one by one, in no transaction.',
    edit(
      'journal/journal.ts',
      `      if (!single) this.#st.begin.run();\n      const value = fn();\n      if (!single) this.#st.commit.run();`,
      `      const value = fn();`,
    ),
    unit('journal/epochs'),
  ),
  mutant(
    'journal-rolled-back-rows-kept',
    'After a rollback the rows in memory stay as the refused facts made them.',
    edit(
      'journal/journal.ts',
      `      this.#book.forget();\n      if (error instanceof`,
      `      if (error instanceof`,
    ),
    unit('journal/journal'),
  ),
  mutant(
    'journal-outbox-forgotten',
    'A fact is not put in the outbox.',
    edit('journal/book.ts', `    this.st.insertOutbox.run(at.epoch, at.seq);\n`, ''),
    unit('journal/journal'),
  ),
  mutant(
    'journal-write-error-survived',
    'After a failed write the process goes on.',
    edit(
      'journal/journal.ts',
      `      if (error instanceof Database.SqliteError) this.#fatal(error);\n`,
      '',
    ),
    unit('journal/upkeep'),
  ),
  mutant(
    'journal-second-log-error-survived',
    'A second log that cannot be written is passed over.',
    edit(
      'journal/journal.ts',
      `      this.#second.append(logged);\n    } catch (error) {\n      this.#fatal(error);\n      throw error;\n    }`,
      `      this.#second.append(logged);\n    } catch {}`,
    ),
    unit('journal/upkeep'),
  ),
  mutant(
    'journal-chain-not-checked',
    'The hash chain is not checked when the journal is opened.',
    edit('journal/inspect.ts', `        if (!chain.ok) return damaged(chain.error);\n`, ''),
    unit(['journal/restore', 'journal/journal']),
  ),
  mutant(
    'journal-second-log-not-compared',
    'A second log that is ahead of the database is not noticed.',
    edit('journal/inspect.ts', `if (last.seq > held) return`, `if (false) return`),
    unit('journal/restore'),
  ),
  mutant(
    'journal-acknowledged-unseen',
    'Central’s acknowledgement counts without comparing its hash.',
    edit(
      'journal/journal.ts',
      `if (seq > 0 && this.#hashAt(epoch, seq) !== hash) return false;`,
      '',
    ),
    unit('journal/journal'),
  ),
  mutant(
    'journal-strand-forgets',
    'Facts that central refuses are dropped instead of kept.',
    edit(
      'journal/journal.ts',
      `const { changes } = this.#st.strand.run(epoch, fromSeq);`,
      `const changes = 0;`,
    ),
    unit('journal/epochs'),
  ),
  mutant(
    'journal-prunes-unacknowledged',
    'Facts that central does not hold yet are pruned.',
    edit(
      'journal/prune.ts',
      `SELECT \${AT} p FROM outbox ORDER BY`,
      `SELECT \${AT} p FROM outbox WHERE 0 ORDER BY`,
    ),
    unit('journal/upkeep'),
  ),
  mutant(
    'journal-number-not-stored',
    'The order counter is not stored before its number is used.',
    edit('journal/journal.ts', `      this.#book.setMeta('order_counter', String(n));\n`, ''),
    unit('journal/journal'),
  ),
  mutant(
    'journal-closed-forgotten',
    'After a restart closed attempts are no longer asked about.',
    edit(
      'journal/statements.ts',
      `WHERE state = 'closed' AND created_ms > ?)`,
      `WHERE state = 'closed' AND created_ms > ? AND 0)`,
    ),
    unit('journal/journal'),
  ),
  mutant(
    'journal-untaken-forgotten',
    'What was paid and not taken by its order is no longer looked for at a start.',
    edit(
      'journal/statements.ts',
      `WHERE state = 'paid' AND json_extract(row, '$.taken') = 0\n`,
      `WHERE state = 'paid' AND json_extract(row, '$.taken') = 0 AND 0\n`,
    ),
    unit('journal/journal'),
  ),
  mutant(
    'journal-prunes-what-is-not-looked-at',
    'A prune takes more facts than it has looked at.',
    edit('journal/prune.ts', `let end = Math.min(stays, seen);`, `let end = stays;`),
    unit('journal/upkeep'),
  ),
  mutant(
    'journal-prune-is-stuck',
    'An order that is over and spans many facts stops every prune.',
    edit('journal/prune.ts', `(further ? 'look further' : null)`, `null`),
    unit('journal/upkeep'),
  ),
  mutant(
    'journal-restore-knows-no-prune',
    'A bad line of what was pruned ends what a restore finds in the second log.',
    edit('journal/restore.ts', `if (pool.pruned !== null) anchors.push(pool.pruned);`, ``),
    unit('journal/restore'),
  ),
  mutant(
    'journal-takes-a-copy-that-is-none',
    'A copy of the second log that was cleared away or changed takes its place.',
    edit('journal/shorter-log.ts', `if (fstatSync(to).size !== copied.length)`, `if (false)`),
    unit('journal/second-log'),
  ),
  mutant(
    'journal-scan-takes-any-chain',
    'A start does not see that a line of the second log does not follow the one before.',
    edit('journal/second-log.ts', `scan.chained &&= follows(link, scan.last);`, ``),
    unit('journal/second-log'),
  ),
  mutant(
    'journal-scan-takes-any-checksum',
    'A line of the second log that fails its checksum is believed.',
    edit(
      'journal/second-log.ts',
      `line[8] === 0x20 && hex8(crc32(json)) === line.toString('latin1', 0, 8)`,
      `line[8] === 0x20`,
    ),
    unit('journal/second-log'),
  ),
  mutant(
    'journal-shorter-loses-the-newest',
    'What is appended while the second log is copied is not in the copy.',
    edit(
      'journal/shorter-log.ts',
      `writeWhole(to, chunk.subarray(0, read), copied`,
      `writeWhole(to, chunk.subarray(0, 0), copied`,
    ),
    unit('journal/second-log'),
  ),
  mutant(
    'journal-shorter-loses-the-oldest-kept',
    'The copy of the second log lacks the first fact that stays.',
    edit('journal/shorter-log.ts', `link.seq > seq)`, `link.seq > seq + 1)`),
    unit('journal/second-log'),
  ),
  mutant(
    'journal-writes-to-the-log-that-was-replaced',
    'After the second log was shortened, facts go on into the old file.',
    edit(
      'journal/second-logs.ts',
      `if (isPresent) this.#write(epoch, goodBytes);`,
      `void goodBytes;`,
    ),
    unit('journal/upkeep'),
  ),
  mutant(
    'journal-restore-forgets-numbers',
    'A restored journal gives an order’s number again.',
    edit(
      'journal/restore.ts',
      `if (Number.isSafeInteger(number) && number > counter) counter = number;`,
      ``,
    ),
    unit('journal/restore'),
  ),
  mutant(
    'journal-any-step',
    'An order may go from any state to any other.',
    edit('journal/fold.ts', `if (!ORDER_FROM[to].includes(row.state)) throw`, `if (false) throw`),
    unit('journal/journal'),
  ),
  mutant(
    'journal-reported-forgotten',
    'What may have been told to central is not remembered.',
    edit(
      'journal/journal.ts',
      `      this.#book.setMeta(\`sent:\${epoch}\`, String(seq));\n    }, true);`,
      `    }, true);`,
    ),
    unit('journal/epochs'),
  ),
  mutant(
    'restore-without-second-log',
    'A damaged journal is restored without the second log.',
    edit(
      'journal/restore.ts',
      `if (e.epoch !== epoch || !pool.add(e)) continue;`,
      `if (e.epoch !== epoch) continue;`,
    ),
    unit('journal/restore'),
  ),
  mutant(
    'restore-numbers-again',
    'A restored journal gives order numbers out again.',
    edit('journal/restore.ts', `String(counter + NUMBERS_SKIPPED)`, `String(0)`),
    unit('journal/restore'),
  ),
  mutant(
    'restore-sells-at-once',
    'A restored journal sells without a technician and a new epoch.',
    edit(
      'journal/restore.ts',
      `  book.setMeta('condition', JSON.stringify(`,
      `  String(JSON.stringify(`,
    ),
    unit('journal/restore'),
  ),
  mutant(
    'restore-nothing-was-sent',
    'A restored journal takes it that nothing was told to central.',
    edit('journal/restore.ts', `book.setMeta(\`sent:\${epoch}\`, String(last))`, `void last`),
    unit('journal/restore'),
  ),
  mutant(
    'rewrite-not-synced',
    'A second log made anew takes its name before its bytes are on disk.',
    edit(
      'journal/second-log.ts',
      `      writeWhole(fd, text);\n      fsyncSync(fd);`,
      `      writeWhole(fd, text);`,
    ),
    powercut('nothing takes a name before'),
  ),
  mutant(
    'swap-not-synced',
    'A restored database is put beside old files that may come back.',
    edit('journal/storage.ts', `    syncFolder(folder);\n    syncFolder(dataDir);\n  };`, `  };`),
    powercut('nothing takes a name before'),
  ),
];

// Some go to the simulation first, though a unit test would be quicker: it has to notice too.
const TOWN = simulate(1, 80);
const ORDERS = 'kiosk/orders.ts';
const ATTEMPTS = 'kiosk/order/attempts.ts';
const ANSWERS = 'kiosk/order/answers.ts';
const CLAIMS_OF_ORDERS = 'kiosk/order/claims.ts';
const CARD_WRITE = 'kiosk/delivery/card.ts';
const CARD_LOOKS = 'kiosk/delivery/card-looks.ts';
const orders = (id, what, find, replace, ...by) =>
  mutant(id, what, edit(ORDERS, find, replace), ...by);
const attempts = (id, what, find, replace, ...by) =>
  mutant(id, what, edit(ATTEMPTS, find, replace), ...by);
const answers = (id, what, find, replace, ...by) =>
  mutant(id, what, edit(ANSWERS, find, replace), ...by);
const claimed = (id, what, find, replace, ...by) =>
  mutant(id, what, edit(CLAIMS_OF_ORDERS, find, replace), ...by);
const cardWrite = (id, what, find, replace, ...by) =>
  mutant(id, what, edit(CARD_WRITE, find, replace), ...by);
const PURCHASE = [
  cardWrite(
    'write-without-intent',
    'A write is begun without its durable intent.',
    `      journal(order, { kind: 'order-delivering', body: { insertion, before: toHex(plan.before), after: toHex(plan.after), cumulative: plan.cumulative, plan: [...plan.steps] } }),\n`,
    '',
    TOWN,
    unit('kiosk/orders', 'is written, or refunded, without asking anybody'),
  ),
  mutant(
    'refund-before-intent',
    'The provider is asked for a refund before that is durable.',
    [
      edit(
        ANSWERS,
        `journal(order, paid, { kind: 'attempt-refunding', body: { attemptId, outRefundNo: attempt.outRefundNo, amountFen: attempt.amountFen, why: \`captured-when-\${attempt.state}\` } })`,
        `journal(order, paid)`,
      ),
      edit(
        ATTEMPTS,
        `      if (attempt.taken === false) return write({`,
        `      if (attempt.taken === false && !run.refundAccepted) return call('refund');\n      if (attempt.taken === false) return write({`,
      ),
    ],
    unit('kiosk/orders', 'only once that is durable'),
  ),
  attempts(
    'close-before-intent',
    'An attempt is closed at the provider before that is durable.',
    `      if (ctx.nowMs >= attempt.expiresAtMs && !paying) return closing('expired');`,
    `      if (ctx.nowMs >= attempt.expiresAtMs && !paying) return call('close');`,
    unit('kiosk/orders', 'asked about once more before it is closed, expired'),
  ),
  answers(
    'unknown-is-closed',
    'No answer to the question about a payment counts as “closed”.',
    `  const { order, attempt, attemptId, run, answered, unknown, stillOpen } = answer;\n  switch (r.kind) {\n    case 'unknown':\n`,
    `  const { order, attempt, attemptId, run, answered, unknown, stillOpen } = answer;\n  switch (r.kind) {\n    case 'unknown':\n          if (attempt.state === 'closing') return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));\n`,
    unit('kiosk/orders', 'that is unknown changes nothing durable'),
  ),
  answers(
    'close-is-believed',
    'An accepted close counts as closed without asking again.',
    `          return answered({ closeAccepted: true, closeUnderWay: true, ...stillOpen }, 0);`,
    `          return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));`,
    unit('kiosk/orders', 'is believed only when the trade is asked about'),
  ),
  answers(
    'not-found-is-closed',
    'A trade that the provider does not know yet counts as closed.',
    `if (attempt.state === 'closing' && (run.closeAccepted || !attempt.shown || (attempt.method === 'code' && run.refusal !== null)))`,
    `if (attempt.state === 'closing' || attempt.state === 'pending')`,
    unit('kiosk/orders', 'ends it only after an accepted close'),
  ),
  answers(
    'other-amount-taken',
    'A capture of another amount is taken for the order’s.',
    `          if (r.amountFen !== attempt.amountFen) return answered({}, POLL_MS`,
    `          if (false) return answered({}, POLL_MS`,
    unit('kiosk/endings', 'of another sum than asked'),
  ),
  answers(
    'second-capture-taken',
    'A payment found after its attempt was closed, or cancelled by the customer, is taken for the order.',
    `if (order.state !== 'collecting' || !mayBeTaken(attempt)) return false;`,
    `if (order.state !== 'collecting') return false;`,
    TOWN,
    unit('kiosk/orders', 'anything later goes back with the same fact'),
  ),
  mutant(
    'late-capture-kept',
    'A payment that came after closing is kept.',
    [
      edit(
        ANSWERS,
        `journal(order, paid, { kind: 'attempt-refunding', body: { attemptId, outRefundNo: attempt.outRefundNo, amountFen: attempt.amountFen, why: \`captured-when-\${attempt.state}\` } })`,
        `journal(order, paid)`,
      ),
      edit(
        ATTEMPTS,
        `      if (attempt.taken === false) return write(`,
        `      if (false) return write(`,
      ),
    ],
    TOWN,
    unit('kiosk/endings', 'comes after cancelling'),
  ),
  attempts(
    'closed-never-asked',
    'Closed attempts are no longer asked about.',
    `      if (!attempt.shown) return same();\n      return look.call('query');`,
    `      return same();`,
    TOWN,
    unit('kiosk/endings', 'comes after hours: still found'),
  ),
  mutant(
    'granted-is-looked',
    'A write claim that was granted counts as a look at the card.',
    edit(
      'kiosk/order/claims.ts',
      `(open.saw?.claimMs ?? null)`,
      `(open.saw?.claimMs ?? open.claim.held?.grantedMs ?? null)`,
    ),
    unit('kiosk/orders', 'that it looked at the card only'),
  ),
  mutant(
    'claim-closes-untold',
    'Central forgets an untold write as soon as the order’s own terminal was granted the write claim.',
    edit(
      'central/sale/claims.ts',
      `const saw = counter || underClaim;`,
      `const saw = counter || order.write_terminal === terminalId;`,
    ),
    unit('central/claims', 'what another kiosk may have written'),
    unit('central/claims-property', 'stories of claims on sqlite'),
  ),
  mutant(
    'old-look-counts',
    'A look at the card counts though its write claim ran out, and another terminal may have been let write.',
    edit(
      'central/sale/claims.ts',
      ` && nowMs < claimMs + CLAIM_MS;`,
      ` && order.write_terminal === terminalId;`,
    ),
    unit('central/claims', 'what another kiosk may have written'),
  ),
  mutant(
    'look-to-come-counts',
    'A look under a write claim that central has not given yet counts.',
    edit(
      'central/sale/claims.ts',
      `claimMs !== undefined && claimMs <= nowMs && `,
      `claimMs !== undefined && `,
    ),
    unit('central/claims', 'what another kiosk may have written'),
  ),
  cardWrite(
    'refund-unclaimed',
    'An order in doubt is refunded without central’s claim.',
    `  if (order.wantsRefund) {\n    if (held?.kind === 'refund') return`,
    `  if (order.wantsRefund) {\n    if (order.wantsRefund) return`,
    unit('kiosk/claims', 'the money goes back under the refund claim'),
  ),
  claimed(
    'told-and-refunded',
    'A paid order that central may have let another kiosk write is refunded unasked.',
    `const ours = unwritten === 'unexposed' && open.order.writes === 0 && !ctx.mayBeReported(open.order.orderId);`,
    `const ours = why.code !== 'CORE-0101';`,
    unit('kiosk/orders', 'in a journal of which facts may be missing'),
  ),
  cardWrite(
    'told-and-written',
    'A paid order that central may have let another kiosk write is written unasked.',
    `      if (ctx.mayBeReported(orderId) && !mayWrite(open, ctx)) {`,
    `      if (false) {`,
    unit('kiosk/orders', 'in a journal of which facts may be missing'),
  ),
  mutant(
    'refund-decided-and-written',
    'An order whose money shall go back is written after all.',
    [
      edit(CARD_WRITE, `if (!order.wantsRefund) return undefined;`, `if (true) return undefined;`),
      edit(CARD_WRITE, `(!order.wantsRefund && !lost && (leased ||`, `((leased ||`),
    ],
    unit('kiosk/orders', 'whose money shall go back is not written'),
  ),
  cardWrite(
    'asking-and-written',
    'A write is begun while a claim that ends all writing is being asked for.',
    `        if (open.claim.asking) return same();\n`,
    '',
    unit('kiosk/orders', 'nothing is written before the answer'),
  ),
  cardWrite(
    'lost-unclaimed',
    'An order whose card is lost is parked without central’s counter claim.',
    `  if (held?.kind === 'counter') return parkLost(open);`,
    `  if (wantsCounter(order)) return parkLost(open);`,
    unit('kiosk/card-lost', 'waits while central is away'),
  ),
  cardWrite(
    'lost-and-written',
    'An order whose card was said to be lost is written by a lease that is left.',
    `(!order.wantsRefund && !lost && (leased ||`,
    `(!order.wantsRefund && (leased ||`,
    unit('kiosk/orders', 'never by a lease or beside a counter claim'),
  ),
  cardWrite(
    'counter-and-written',
    'A torn card is finished though the counter claim is held.',
    `        if (held !== null && held.kind !== 'write') return null;`,
    `        if (held?.kind === 'refund') return null;`,
    unit('kiosk/orders', 'never by a lease or beside a counter claim'),
  ),
  cardWrite(
    'lost-is-refunded',
    'The counter claim is enough to refund a card that is not there.',
    `    if (held?.kind === 'refund') return refund(open, failure((order.reason`,
    `    if (held !== null) return refund(open, failure((order.reason`,
    unit('kiosk/orders', 'whose lost card comes back unwritten'),
  ),
  cardWrite(
    'look-before-counter',
    'An earlier look at the card is refunded on, though central granted a counter claim since.',
    `    if (open.claim.failure?.code === 'BILL-0110') return wantCounter(open, failure('BILL-0110'));`,
    `    if (open.claim.failure?.code === 'BILL-0110') return refund(open, failure('BILL-0110'));`,
    unit('kiosk/card-lost', 'no refund without a look under the claim'),
  ),
  claimed(
    'lost-for-ever',
    'An order that was parked since its card is lost is not ended by central’s word that it was delivered.',
    `(order.settled === null || order.settled.how === 'delivered-by-hand') && paid?.state`,
    `(order.settled === null || order.settled.how === 'delivered-by-hand') && order.reason !== 'card-lost' && paid?.state`,
    unit('kiosk/card-lost', 'booked as delivered, and the origin’s order ends'),
  ),
  claimed(
    'settled-told-for-ever',
    'An order that a person settled as delivered never takes central’s word for it.',
    `(order.settled === null || order.settled.how === 'delivered-by-hand') && paid?.state`,
    `order.settled === null && paid?.state`,
    unit('kiosk/card-lost', 'booked as delivered, and the origin’s order ends'),
  ),
  claimed(
    'counter-claim-forgotten',
    'Our own counter claim of an earlier life is forgotten.',
    `if (result.error.code === 'BILL-0110' && kind === 'write'`,
    `if (result.error.code === 'BILL-0110' && kind !== 'write'`,
    unit('kiosk/orders', 'learns of its own final claim'),
  ),
  cardWrite(
    'lease-for-ever',
    'Our lease on a write never ends.',
    `ctx.monoMs - open.leaseMono < CLAIM_USE_MS`,
    `ctx.monoMs - open.leaseMono < Infinity`,
    unit('kiosk/claims', 'needs central once the lease is over'),
  ),
  cardWrite(
    'claim-ignored',
    'A write goes on without central’s claim.',
    `  return askClaim(open, 'write', ctx);\n}\nfunction askForDoubt`,
    `  return beginWrite(open, planOf(open, delivery), insertion);\n}\nfunction askForDoubt`,
    unit('kiosk/claims', 'another kiosk has the claim: waits'),
  ),
  claimed(
    'claim-for-ever',
    'A write claim is used after its end.',
    `held.kind === 'write' && ctx.monoMs < held.untilMono`,
    `held.kind === 'write'`,
    unit('kiosk/orders', 'under a lease or claim that still holds'),
  ),
  cardWrite(
    'writes-without-end',
    'A card that stores nothing is written to for ever.',
    `export const MAX_WRITES = 3;`,
    `export const MAX_WRITES = 1_000_000;`,
    unit('kiosk/endings', '9000 and nothing stored, always'),
  ),
  cardWrite(
    'foreign-is-before',
    'A card that is neither before nor after is written to.',
    `    const verdict = layout.classify(by, reading.image);`,
    `    const seen = layout.classify(by, reading.image);\n    const verdict = seen === 'foreign' ? 'before' : seen;`,
    unit('kiosk/endings', 'the card changed elsewhere while in doubt'),
  ),
  mutant(
    'superseded-is-parked',
    'An order whose count another purchase took is parked instead of refunded.',
    edit(CARD_LOOKS, `? 'superseded' : 'parked';`, `? 'parked' : 'parked';`),
    unit('kiosk/claims', 'another purchase has its count on the card'),
  ),
  cardWrite(
    'insertion-judged-again',
    'What was judged in this insertion is judged again and again.',
    `open.judgedInsertion === here.insertion`,
    `here.insertion < 0`,
    unit('kiosk/orders', 'is judged once in one insertion'),
  ),
  cardWrite(
    'nine-thousand-believed',
    'A write that the card answered with 9000 is delivered, whatever it reads.',
    `  if (!image.ok) return doubt(applied.ok ? image.error : applied.error, true);\n`,
    `  if (applied.ok) return { open: rest, effects: [journal(order, { kind: 'order-delivered', body: { by: 'read-back', count: cardSaleOf(order).nextCount, quantity: cardSaleOf(order).quantity, cumulative: delivery.cumulative } })] };\n  if (!image.ok) return doubt(applied.error, true);\n`,
    unit('kiosk/endings', '9000 and nothing stored, once'),
  ),
  cardWrite(
    'unread-is-unwritten',
    'A card that cannot be read back counts as not written, and is refunded.',
    `  if (!image.ok) return doubt(applied.ok ? image.error : applied.error, true);\n`,
    `  if (!image.ok) return { open: rest, effects: refund(rest, image.error).effects };\n`,
    unit('kiosk/endings', 'torn out before the update: written once'),
  ),
  orders(
    'restart-is-unwritten',
    'A write that a restart cut is taken for not done, and refunded.',
    `      return write({ kind: 'order-in-doubt', body: { failure: { code: 'CORE-0101', detail: 'restarted during the write' } } });`,
    `      return refund(open, failure('CORE-0101'));`,
    TOWN,
    unit('kiosk/orders', 'cut by a restart says so and nothing else'),
  ),
  claimed(
    'earlier-refund-claim-ignored',
    'Our own refund claim of an earlier life is forgotten.',
    `if (result.error.code === 'BILL-0107' && kind !== 'refund'`,
    `if (result.error.code === 'BILL-0107' && kind === 'refund'`,
    unit('kiosk/claims', 'our refund claim of an earlier life'),
  ),
  claimed(
    'elsewhere-ignored',
    'Central’s word that another kiosk delivered the order is ignored.',
    `      return { open, effects: [journal(order, { kind: 'order-delivered', body: { by: 'elsewhere', count, quantity, cumulative } })] };`,
    `      return { open, effects: [] };`,
    unit('kiosk/claims', 'was delivered elsewhere: central tells'),
  ),
  cardWrite(
    'count-not-compared',
    'A card whose count moved on between quote and write is written to.',
    `if (reading.count !== sale.nextCount - 1 || reading.userNo !== sale.userNo) return`,
    `if (false) return`,
    unit('kiosk/orders', 'only where its count is next'),
  ),
  cardWrite(
    'any-card-will-do',
    'A paid order is written to whatever card is in the reader.',
    `here.reading.cardNo === cardSaleOf(order).cardNo ? here : null`,
    `here.reading.cardNo !== '' ? here : null`,
    unit('kiosk/endings', 'and another card is put in: its own visit'),
  ),
  answers(
    'refund-accepted-is-done',
    'A refund that the provider accepted counts as paid back.',
    `          return answered({ refundAccepted: true }, 500);`,
    `          return answered({}, 0, journal(order, { kind: 'attempt-refunded', body: { attemptId, refundId: r.refundId, amountFen: attempt.amountFen } }));`,
    unit('kiosk/orders', 'is no refund yet'),
  ),
  answers(
    'refund-unknown-is-parked',
    'A refund without an answer is parked instead of asked for again.',
    `journal(order, { kind: 'attempt-parked', body: { attemptId, reason: 'refund-refused', failure: failureBody(r.failure) } }));\n        case 'unknown':\n          return unknown(r.failure);`,
    `journal(order, { kind: 'attempt-parked', body: { attemptId, reason: 'refund-refused', failure: failureBody(r.failure) } }));\n        case 'unknown':\n          return answered({}, POLL_MS, journal(order, { kind: 'attempt-parked', body: { attemptId, reason: 'refund-refused', failure: failureBody(r.failure) } }));`,
    unit('kiosk/endings', 'gets no answer many times'),
  ),
];

const COMPARE = (name) => unit('reconcile/compare', name);
const RECONCILE = [
  mutant(
    'reconcile-one-day-only',
    'A payment is looked for in its own day’s bill only.',
    edit(
      'kiosk/reconcile/compare.ts',
      `    for (const day of between)\n`,
      `    for (const day of between.slice(0, 0))\n`,
    ),
    COMPARE('midnight'),
  ),
  mutant(
    'reconcile-judged-at-once',
    'What the journal says just before midnight is judged before the next bill is there.',
    edit(
      'kiosk/reconcile/judge.ts',
      `  return chinaDate(wallMs + SKEW_MS);`,
      `  return chinaDate(wallMs);`,
    ),
    COMPARE('clock is a little ahead'),
  ),
  mutant(
    'reconcile-no-bill-is-nothing',
    'A bill that is not there counts as one on which nothing stands.',
    edit(
      'kiosk/reconcile/compare.ts',
      `    case 'later':\n    case 'not-ready':\n      return 'not-ready';`,
      `    case 'later':\n    case 'not-ready':\n      return 'nothing';`,
    ),
    COMPARE('accuses nobody'),
  ),
  mutant(
    'reconcile-parked-and-refunded',
    'Money that is parked here and went back there is not told: a person pays it a second time.',
    edit(
      'kiosk/reconcile/judge.ts',
      `else if (attempt.state === 'parked' && (!settled || byHand)) say(`,
      `else if (false) say(`,
    ),
    COMPARE('given up here'),
  ),
  mutant(
    'reconcile-others-rows',
    'Another terminal’s payments are this one’s.',
    edit(
      'kiosk/reconcile/compare.ts',
      `|| terminalOf(no) === journal.terminalId;`,
      `|| terminalOf(no) !== null;`,
    ),
    COMPARE('another terminal'),
  ),
  mutant(
    'reconcile-reversed-paid',
    'What was closed without money is not looked for in the bill.',
    edit(
      'kiosk/reconcile/judge.ts',
      `      else if (back < taken) say(`,
      `      else if (false) say(`,
    ),
    COMPARE('after it was closed'),
  ),
  mutant(
    'reconcile-twice-is-once',
    'A payment that was taken twice under one number agrees.',
    edit(
      'kiosk/reconcile/judge.ts',
      `    if (sum(payments).fen !== journalFen) say(`,
      `    if (payments[0]?.amountFen !== journalFen) say(`,
    ),
    COMPARE('taken twice'),
  ),
  mutant(
    'reconcile-not-tried-again',
    'A day whose bill was not ready is not compared again.',
    edit('kiosk/reconcile/daily.ts', `    if (told.length < open.length) well = false;\n`, ``),
    unit('reconcile/daily', 'not ready is tried again'),
  ),
  mutant(
    'reconcile-anybodys-ledger',
    'A terminal is shown every terminal’s ledger.',
    edit(
      'central/books/reconcile.ts',
      `     WHERE terminal_id = $1 AND at_ms`,
      `     WHERE terminal_id || $1 <> '' AND at_ms`,
    ),
    unit('central/reconcile', 'nobody else’s'),
  ),
];

const KIOSK = [
  mutant(
    'shown-let-go',
    'A QR code that was shown is let go unconfirmed when the customer pays another way.',
    edit(
      'kiosk/order/attempts.ts',
      `if (!attempt.shown && attempt.reason === 'switched' && run.op === null)`,
      `if (attempt.reason === 'switched' && run.op === null)`,
    ),
    unit('kiosk/code-pay', 'is not begun while nobody knows'),
  ),
  mutant(
    'reversal-refused-for-ever',
    'A code payment that can be neither found nor reversed keeps its customer waiting for ever.',
    edit(
      ANSWERS,
      `return askedAgain(answer, r.kind, { closeAccepted: false, noReverse: false, ...stillOpen });\n    case 'paying'`,
      `return askedAgain(answer, r.kind, { closeAccepted: false });\n    case 'paying'`,
    ),
    unit('kiosk/code-pay', 'whose reversal is refused'),
  ),
  mutant(
    'code-forgotten-at-restart',
    'A customer’s code that an earlier process may have sent counts as never sent.',
    edit(
      'kiosk/order/attempts.ts',
      `if (run.authCode === null) return write({ kind: 'attempt-pending', body: { attemptId: attempt.attemptId } });`,
      `if (run.authCode === null) return closing('recovery');`,
    ),
    unit('kiosk/code-pay', 'cut at every point'),
  ),
  mutant(
    'code-forgotten-with-provider',
    'A customer’s code that may have been sent to a provider which is gone counts as never sent.',
    edit(
      'kiosk/order/attempts.ts',
      `return attempt.method === 'code' ? to.write({ kind: 'attempt-pending', body: { attemptId } }) : to.closing();`,
      `return to.closing();`,
    ),
    unit('kiosk/code-pay', 'taken out of the configuration'),
  ),
  mutant(
    'code-sent-again',
    'A charge without an answer is sent again, with the code.',
    [
      edit(
        'kiosk/order/attempts.ts',
        `chargedMono: ctx.monoMs, authCode: null })`,
        `chargedMono: ctx.monoMs })`,
      ),
      edit(
        ANSWERS,
        `fails: 1, lastFailure: r.failure, unknownSinceMono: monoMs, retryAtMono: monoMs + CODE_FIRST_QUERY_MS }), effects: [journal(order, sent)] }`,
        `retryAtMono: monoMs + 500 }), effects: [] }`,
      ),
    ],
    unit('kiosk/code-pay', 'whose charge was never answered'),
  ),
  mutant(
    'code-unknown-is-no',
    'A charge without an answer counts as declined and closed.',
    edit(
      ANSWERS,
      `unknownSinceMono: monoMs, retryAtMono: monoMs + CODE_FIRST_QUERY_MS }), effects: [journal(order, sent)] }`,
      `unknownSinceMono: monoMs, retryAtMono: monoMs }), effects: [journal(order, sent, { kind: 'attempt-closing', body: { attemptId, why: 'declined' } }, { kind: 'attempt-closed', body: { attemptId } })] }`,
    ),
    unit('kiosk/code-pay', 'whose charge was never answered'),
  ),
  mutant(
    'switched-while-open',
    'The next way to pay begins while the last one can still be paid.',
    [
      edit(
        'kiosk/orders.ts',
        `if (live) return same();`,
        `if (live && open.next === null) return same();`,
      ),
      edit('kiosk/orders.ts', `open.attempts.some((a) => a.state !== 'closed') || `, ``),
    ],
    unit('kiosk/code-pay', 'is not begun while nobody knows'),
  ),
  mutant(
    'switched-though-paid',
    'Another payment is asked for though the first came through after all.',
    edit('kiosk/orders.ts', `open.attempts.some((a) => a.state !== 'closed') || `, ``),
    unit('kiosk/paid-while-closing', 'that one is not asked for any more'),
  ),
  mutant(
    'reversed-too-early',
    'A reversal does not keep the provider’s distance from the charge.',
    edit(
      'kiosk/order/attempts.ts',
      `return ctx.monoMs < reverseAt ? same(reverseAt) : call('reverse');`,
      `return call('reverse');`,
    ),
    unit('kiosk/code-pay', 'at the time from which it may be'),
  ),
  mutant(
    'reversal-believed',
    'An accepted reversal counts as the end: nobody asks whether it held.',
    edit(
      ANSWERS,
      `return answered({ closeAccepted: true, reverses: run.reverses + 1, reversedPaid: run.reversedPaid || r.refunded === true, ...stillOpen }, 0);`,
      `return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));`,
    ),
    unit('kiosk/code-pay', 'whose reversals do not hold'),
  ),
  mutant(
    'reversed-and-refunded',
    'A code payment that still reads as paid while it is being reversed is refunded at once.',
    edit(
      ANSWERS,
      `attempt.state === 'closing' && !run.noReverse && run.reverses < MAX_REVERSES)`,
      `attempt.state === 'closing' && false)`,
    ),
    unit('kiosk/code-pay', 'whose first reversal did not hold'),
  ),
  mutant(
    'used-code-again',
    'A code that was charged once is charged again.',
    edit(
      'kiosk/kiosk.ts',
      `if (!used && takesScan(this.#state, code)) this.#scanned.add(digest);`,
      ``,
    ),
    unit('kiosk/code-pay', 'that is declined says why'),
  ),
  mutant(
    'stale-intent-accepted',
    'A tap made on an earlier screen counts on the present one.',
    edit(
      'kiosk/kiosk.ts',
      `ON_THIS_REVISION.has(intent.type) ? (shown?.revision ?? 0) : this.#screenSince`,
      `this.#screenSince`,
    ),
    unit('kiosk/endings', 'no tap of an earlier screen counts'),
  ),
  mutant(
    'cancel-while-paying',
    'Cancel is taken while the provider says that the customer is paying.',
    edit('kiosk/visit/paying.ts', `open.runs.get(attempt.attemptId)?.paying !== true`, `true`),
    unit('kiosk/endings', 'the line fails while the customer is paying'),
  ),
  mutant(
    'card-gone-order-begun',
    'An order is begun though its card has left during the quote.',
    [
      edit(
        'kiosk/visit/card-sale/begin.ts',
        `if (here.state !== 'present' || here.insertion !== insertion) return failure(`,
        `if (false) return failure(`,
      ),
      edit(
        'kiosk/visit/card-sale/card-sale.ts',
        `if ( s.at !== 'amount' || halted(state) !== null || s.insertion !== event.insertion || s.busy !== 'paying' ) return step(state, s, { do: 'release'`,
        `if (false) return step(state, s, { do: 'release'`,
      ),
    ],
    unit('kiosk/endings', 'the card leaves during the firm quote'),
  ),
  mutant(
    'no-read-back',
    'A write is not read back: the plan is taken for what the card holds.',
    edit(
      'kiosk/run/card.ts',
      `const image = reset.ok ? await layout.readImage(channel) : reset;`,
      `const image = applied.ok ? ok(plan.after) : reset.ok ? await layout.readImage(channel) : reset;`,
    ),
    unit('kiosk/endings', '9000 and nothing stored, once'),
  ),
  mutant(
    'quoting-not-durable',
    'The order number is told to central before it is on disk.',
    edit('kiosk/visit/card-sale/begin.ts', `    journal.setMeta('quoting', orderId);\n`, ''),
    unit('kiosk/visits', 'its number is on disk, and the quote is given back'),
  ),
  mutant(
    'release-forgotten',
    'A quote that no order came of is not given back.',
    edit('kiosk/visit/card-sale/begin.ts', `if (quoted !== null) parts.release(quoted);`, ``),
    unit('kiosk/endings', 'the card leaves during the firm quote'),
  ),
  mutant(
    'release-not-kept',
    'A release that central did not hear is not tried again.',
    edit('kiosk/run/releases.ts', `if (!r.ok && UNHEARD.has(r.error.code)) {`, `if (false) {`),
    unit('kiosk/visits', 'even when central goes away'),
  ),
  mutant(
    'unsettled-claim-overridden',
    'A claim of ours that central will not let go of does not stop a sale.',
    edit('kiosk/run/central.ts', `if (row === undefined) return r;`, ''),
    unit('kiosk/visits', 'nothing is sold on top of it'),
  ),
  mutant(
    'trade-number-made-anew',
    'Each request for a code carries a new number.',
    edit(
      'kiosk/run/payment.ts',
      `await provider.create({ ...ref, description`,
      `await provider.create({ ...ref, outTradeNo: outTradeNo.replace(/X.{5}$/, () => 'X' + String((globalThis.made = (globalThis.made ?? 0) + 1)).padStart(5, '0')), description`,
    ),
    unit('kiosk/endings', 'asked again under the same number'),
  ),
  mutant(
    'refund-number-made-anew',
    'Each request for a refund carries a new number.',
    edit(
      'kiosk/run/payment.ts',
      `const refund = { ...ref, outRefundNo: attempt.outRefundNo,`,
      `const refund = { ...ref, outRefundNo: attempt.outRefundNo.replace(/X.{5}$/, () => 'X' + String((globalThis.made = (globalThis.made ?? 0) + 1)).padStart(5, '0')),`,
    ),
    unit('kiosk/endings', 'goes back once, under its own number'),
  ),
  mutant(
    'order-number-reused',
    'Orders are numbered without counter and randomness.',
    edit(
      'shared/order-id.ts',
      "`PL-${terminalId}-${epoch}-${String(counter).padStart(4, '0')}-${digits(random, 4)}`",
      '`PL-${terminalId}-${epoch}-0001-0001`',
    ),
    unit('kiosk/endings', 'in doubt, left for days'),
  ),
  mutant(
    'offline-cap-passed',
    'Offline sales go beyond the cap.',
    edit(
      'kiosk/visit/card-sale/begin.ts',
      `if (offline && journal.unsynced().soldFen + amountFen > policy.offline.capFen) return`,
      `if (false) return`,
    ),
    unit('kiosk/endings', 'the offline cap is the most'),
  ),
  mutant(
    'blocked-sells',
    'The kiosk sells while it must not.',
    [
      edit(
        'kiosk/visit/card-sale/begin.ts',
        `  if (service.blocked !== null) return err(service.blocked);\n`,
        '',
      ),
      edit(
        'kiosk/visit/card-sale/card-sale.ts',
        `      if (state.service.blocked !== null) return cannotSell(state, now, state.service.blocked.code, reading, account);\n`,
        '',
      ),
    ],
    unit('kiosk/endings', 'nor what comes in between'),
  ),
  mutant(
    'carried-spent-offline',
    'A carried remainder is spent while central is away.',
    [
      edit(
        'kiosk/visit/card-sale/quoting.ts',
        `account: { ...withOwn(account, journal, terminalId, 'all'), carriedMicro: 0 }`,
        `account: withOwn(account, journal, terminalId, 'all')`,
      ),
      edit(
        'kiosk/visit/card-sale/quoting.ts',
        `priceAmount(amountFen, 0, `,
        `priceAmount(amountFen, account.carriedMicro, `,
      ),
      edit(
        'kiosk/visit/card-sale/quoting.ts',
        `carriedUsedMicro: 0,`,
        `carriedUsedMicro: account.carriedMicro,`,
      ),
    ],
    TOWN,
  ),
  mutant(
    'own-deliveries-forgotten',
    'What this kiosk delivered and central does not know yet is not counted.',
    edit(
      'kiosk/visit/card-sale/quoting.ts',
      `    if (d.count !== count + 1) continue;`,
      `    if (d.count >= 0) continue;`,
    ),
    unit('kiosk/years', 'by the year and the period that they were sold in'),
  ),
  mutant(
    'assist-without-intent',
    'Another kiosk’s order is written without a durable intent here.',
    edit(
      'kiosk/visit/card-assist.ts',
      `effects: [intent, { do: 'assist-write'`,
      `effects: [{ do: 'assist-write'`,
    ),
    unit('kiosk/claims', 'its intent durable before the first byte'),
  ),
  mutant(
    'assist-claim-for-ever',
    'Another kiosk’s order is written after the claim’s end.',
    edit('kiosk/visit/card-assist.ts', `if (ctx.monoMs >= s.untilMono || `, `if (`),
    unit('kiosk/assist'),
  ),
  mutant(
    'assist-without-read-back',
    'Another kiosk’s order is told as delivered without reading the card.',
    edit(
      'kiosk/visit/card-assist.ts',
      `  if (!event.image.ok) {`,
      `  if (event.applied.ok) return ended(free, { ...s, stage: 'delivered' }, 'delivered', ctx, fact(s, s.order, 'after', true));\n  if (!event.image.ok) {`,
    ),
    unit('kiosk/claims', 'is pulled out during the write here'),
    unit('kiosk/claims', 'takes 9000 and stores nothing, always'),
  ),
  mutant(
    'release-dropped',
    'A quote that central did not hear to be given back is forgotten.',
    edit(
      'kiosk/run/releases.ts',
      `if (!r.ok && UNHEARD.has(r.error.code)) {`,
      `if (!r.ok && r.error.code === 'BILL-0101') {`,
    ),
    unit('kiosk/endings', 'is given back until central spoke of it'),
  ),
  mutant(
    'release-not-again',
    'A quote that central did not hear to be given back waits for the next start.',
    edit(
      'kiosk/run/releases.ts',
      `          this.#cancel = clock.after(RELEASE_AGAIN_MS, () => this.retry());\n`,
      '',
    ),
    unit('kiosk/endings', 'is given back until central spoke of it'),
  ),
  mutant(
    'closed-by-the-wall-clock',
    'The machine’s own clock ends the asking about closed attempts.',
    [
      edit(
        'kiosk/kiosk.ts',
        `needsUs(o, monoMs, centralMs)) continue`,
        `needsUs(o, monoMs, this.#o.clock.nowMs())) continue`,
      ),
      edit('kiosk/order/open-orders.ts', `return !(o.inherited && centralMs`, `return !(centralMs`),
    ],
    unit('kiosk/endings', 'set forward by more than a day'),
  ),
  mutant(
    'closed-forgotten-by-a-step',
    'A clock that was set forward before the start makes closed attempts forgotten.',
    edit(
      'journal/journal.ts',
      `const nowMs = Math.min(this.#options.clock.nowMs(), this.centralMs() ?? Number.POSITIVE_INFINITY);`,
      `const nowMs = this.#options.clock.nowMs();`,
    ),
    unit('kiosk/endings', 'found, since central’s time was kept'),
  ),
  attempts(
    'provider-gone-for-ever',
    'A payment whose provider is no longer configured is asked about for ever.',
    `  if (!ctx.hasProvider(attempt.provider)) return orphaned(`,
    `  if (ctx.monoMs < 0) return orphaned(`,
    unit('kiosk/endings', 'is parked with a named next step'),
  ),
  mutant(
    'second-card-unfinished-sold',
    'The other card of an account is sold to over an unfinished order of the first.',
    edit(
      'kiosk/visit/card-in.ts',
      `      if (order.sale.userNo !== reading.userNo || cardNoOf(order) === reading.cardNo) continue;`,
      `      if (order.sale.userNo !== '') continue;`,
    ),
    unit('kiosk/two-cards', 'while the payment for the first'),
  ),
  mutant(
    'second-card-parked-sold',
    'The other card of an account is sold to over an order that waits for a person.',
    edit(
      'kiosk/visit/card-sale/quoting.ts',
      `account.claim === null ? journal.unfinishedOfOtherCard(account.userNo, account.cardNo) : undefined`,
      `undefined`,
    ),
    unit('kiosk/two-cards', 'waits for a person'),
  ),
  mutant(
    'second-card-deliveries-forgotten',
    'What was delivered to one card of an account does not count for the other.',
    edit(
      'journal/statements.ts',
      `JOIN events e ON e.order_id = r.order_id WHERE r.account = \${UNSEEN} AND e.kind`,
      `JOIN events e ON e.order_id = r.order_id WHERE r.card_no = ? AND e.kind`,
    ),
    unit('kiosk/two-cards', 'has a count that is behind'),
  ),
  mutant(
    'sent-not-noted',
    'What is sent to central is not noted.',
    edit('kiosk/watch/uploader.ts', `    if (!onlyHead) journal.noteSent(epoch, last);\n`, ''),
    unit('kiosk/uploader', 'is noted before it leaves'),
  ),
  mutant(
    'sent-noted-after',
    'What was sent to central is noted when the answer is there.',
    edit(
      'kiosk/watch/uploader.ts',
      `    if (!onlyHead) journal.noteSent(epoch, last);\n    this.#running = true;\n    const result = await billing.upload(batch);\n    this.#running = false;`,
      `    this.#running = true;\n    const result = await billing.upload(batch);\n    this.#running = false;\n    journal.noteSent(epoch, last);`,
    ),
    unit('kiosk/uploader', 'is noted before it leaves'),
  ),
  mutant(
    'acknowledgement-ignored',
    'Acknowledged facts stay in the outbox.',
    edit(
      'kiosk/watch/uploader.ts',
      `if (!journal.acknowledge(epoch, result.answer.ackSeq, result.answer.ackHash)) {`,
      `if (false) {`,
    ),
    unit('kiosk/uploader', 'is acknowledged by number and hash'),
  ),
  mutant(
    'gap-ignored',
    'Central asks for earlier facts and does not get them.',
    edit(
      'kiosk/watch/uploader.ts',
      `if (!journal.resendFrom(epoch, result.expectedSeq)) {`,
      `if (false) {`,
    ),
    unit('kiosk/uploader', 'goes on from where central asks'),
  ),
  mutant(
    'older-disk-not-noticed',
    'Central holds more than this disk, and selling goes on.',
    [
      edit('kiosk/watch/uploader.ts', `if (result.expectedSeq > last + 1) {`, `if (false) {`),
      edit(
        'kiosk/watch/uploader.ts',
        `if (!journal.resendFrom(epoch, result.expectedSeq)) {`,
        `if (!journal.resendFrom(epoch, result.expectedSeq) && result.expectedSeq <= last) {`,
      ),
    ],
    unit('kiosk/uploader', 'stops the selling'),
  ),
  mutant(
    'fork-ignored',
    'Central refuses our facts as a fork, and selling goes on.',
    edit('kiosk/watch/uploader.ts', `        this.#o.onFork(f);\n`, ''),
    unit('kiosk/uploader', 'stops the selling'),
  ),
  mutant(
    'head-never-said',
    'A kiosk that has nothing to send does not say where its journal stands.',
    edit(
      'kiosk/watch/uploader.ts',
      `    const { journal, clock } = this.#o;\n    const condition`,
      `    const { journal, clock } = this.#o;\n    if (clock.monoMs() >= 0) return SAY_HEAD_MS;\n    const condition`,
    ),
    unit('kiosk/uploader', 'says where the journal stands'),
  ),
  mutant(
    'newer-epoch-passed-over',
    'Central says that this terminal went on in a newer epoch, and selling goes on.',
    edit('kiosk/watch/uploader.ts', `if (result.failure.code === 'BILL-0104') {`, `if (false) {`),
    unit('kiosk/epochs', 'seen within the hour'),
  ),
  mutant(
    'heard-too-soon',
    'Central counts as heard once it took the first part of what waited at the start.',
    edit(
      'kiosk/watch/uploader.ts',
      `if (!before({ epoch, seq: result.answer.ackSeq }, this.#begin)) onHeard`,
      `onHeard`,
    ),
    unit('kiosk/uploader', 'as the process found it'),
  ),
  mutant(
    'hold-never',
    'Orders of before the start go on before central is heard.',
    edit(
      'kiosk/kiosk.ts',
      `hold: { sinceMono: clock.monoMs(), untilMono: clock.monoMs() + HOLD_MS },`,
      `hold: null,`,
    ),
    unit('kiosk/epochs', 'an order of another life'),
  ),
  mutant(
    'hold-for-ever',
    'Orders of before the start wait for central without end.',
    edit(
      'kiosk/reduce.ts',
      `&& state.hold !== null && ctx.monoMs < state.hold.untilMono ?`,
      `&& state.hold !== null ?`,
    ),
    unit('kiosk/epochs', 'an order of another life'),
  ),
  mutant(
    'hold-of-new-orders',
    'What is sold in this process waits for central like what was open before.',
    edit(
      'kiosk/kiosk.ts',
      `const inherited = !this.#begun.has(orderId);`,
      `const inherited = true;`,
    ),
    unit('kiosk/epochs', 'what is sold in this process'),
  ),
  claimed(
    'hold-not-of-refunds',
    'An order of before the start is refunded before central is heard.',
    `  if (ctx.heldUntilMono !== null && open.claim.held?.kind !== 'refund') return {`,
    `  if (false) return {`,
    unit('kiosk/epochs', 'delivered, and the disk put back'),
  ),
  cardWrite(
    'hold-not-of-writes',
    'An order of before the start is written before central is heard.',
    `      if (ctx.heldUntilMono !== null && !mayWrite(open, ctx)) return {`,
    `      if (false) return {`,
    unit('kiosk/epochs', 'refunded, and the disk put back'),
  ),
  cardWrite(
    'hold-not-in-doubt',
    'An order in doubt of before the start is written again before central is heard.',
    `        if (ctx.heldUntilMono !== null && !mayWrite(open, ctx) && !leased`,
    `        if (false && !leased`,
    unit('kiosk/epochs', 'interrupted before anything was told'),
  ),
  attempts(
    'hold-not-of-refund-calls',
    'A refund that was begun before the start is asked for before central is heard.',
    `      if (!run.refundAccepted && ctx.heldUntilMono !== null) return`,
    `      if (false) return`,
    unit('kiosk/epochs', 'a refund that was begun before the start'),
  ),
];

const PL = 'card/layouts/pl-cpu.ts';
const CARD = [
  mutant(
    'before-image-not-read',
    'The card is written to without reading it again.',
    edit(PL, `if (!equalBytes(current.value, write.before)) {`, `if (false) {`),
    unit('card/pl-cpu'),
  ),
  mutant(
    'classified-by-tag',
    'A card is “after” when only the tag is right.',
    edit(PL, `return equalBytes(current, write.after) && equalBytes(`, `return equalBytes(`),
    unit('card/pl-cpu'),
  ),
  mutant(
    'classified-by-record',
    'Another card that holds our record is taken for ours.',
    [
      edit(PL, `  if (!sameCard(write.before, current)) return 'foreign';\n`, ''),
      edit(
        PL,
        `  return equalBytes(current, write.after) && equalBytes(`,
        `  return equalBytes(current.subarray(IDENTITY_LENGTH), write.after.subarray(IDENTITY_LENGTH)) && equalBytes(`,
      ),
    ],
    unit('card/pl-cpu'),
  ),
  mutant(
    'classified-by-whole-image',
    'A card is judged by its whole image, the meter’s area included.',
    [
      edit(
        PL,
        `const IDENTITY_LENGTH = PUBLIC_LENGTH + HOLDER_LENGTH;`,
        `const IDENTITY_LENGTH = PUBLIC_LENGTH + HOLDER_LENGTH + METER_LENGTH;`,
      ),
      edit(
        PL,
        `[SFI_HOLDER, HOLDER_LENGTH], [SFI_PURCHASE, PURCHASE_LENGTH]] as const`,
        `[SFI_HOLDER, HOLDER_LENGTH], [SFI_METER, METER_LENGTH], [SFI_PURCHASE, PURCHASE_LENGTH]] as const`,
      ),
    ],
    TOWN,
  ),
  mutant(
    'count-not-raised',
    'A purchase is planned under the count that the card has.',
    edit(
      'card/layouts/fields.ts',
      `const count = reading.count + 1;`,
      `const count = reading.count;`,
    ),
    unit('card/pl-cpu'),
  ),
  mutant(
    'cumulative-not-raised',
    'A purchase is planned without raising the cumulative quantity.',
    edit(
      'card/layouts/fields.ts',
      `const cumulative = reading.cumulative + quantity;`,
      `const cumulative = reading.cumulative;`,
    ),
    unit('card/pl-cpu'),
  ),
  mutant(
    'insertion-forgotten',
    'A channel of an earlier insertion talks to the card that is in the reader now.',
    edit('card/readers/virtual.ts', ` || link.insertion !== insertion) return`, `) return`),
    unit(['card/virtual', 'card/pl-cpu']),
  ),
  mutant(
    'newest-block-overwritten',
    'The purchase is written over the newest one.',
    edit(
      'card/layouts/two-block.ts',
      `const target = other(current.value.slot);`,
      `const target = current.value.slot;`,
    ),
    unit('card/pl-sle'),
  ),
  mutant(
    'block-without-crc',
    'A block counts whatever its crc says.',
    edit(
      'card/layouts/two-block.ts',
      ` || crc16(bytes.subarray(0, CRC_AT)) !== u16(bytes, CRC_AT)) return null;`,
      `) return null;`,
    ),
    unit('card/pl-sle'),
  ),
  mutant(
    'erased-seq-counts',
    'A block whose seq is 00 counts.',
    edit(
      'card/layouts/two-block.ts',
      `if (seq === SEQ_NONE || seq === SEQ_ERASED || crc16`,
      `if (crc16`,
    ),
    unit('card/pl-sle', 'a block whose seq is 00 or FF'),
  ),
  mutant(
    'torn-left',
    'A half-written block is not finished.',
    edit(
      'card/layouts/two-block.ts',
      `  if (verdict === 'foreign') return err(`,
      `  if (verdict !== 'before') return err(`,
    ),
    unit('card/pl-sle'),
  ),
  mutant(
    'foreign-blocks-written',
    'Another’s purchase on the card is written over.',
    edit(
      'card/layouts/two-block.ts',
      `  if (verdict === 'foreign') return err(`,
      `  if (!sameTwoBlockCard(current, write.before)) return err(`,
    ),
    unit('card/pl-sle'),
  ),
  mutant(
    'last-try-spent',
    'The last try at a card’s code is spent.',
    edit('card/families/memory-card.ts', `const LEAST_TRIES = 2;`, `const LEAST_TRIES = 1;`),
    unit('card/pl-sle'),
  ),
  mutant(
    'code-by-9000',
    'An answer of 90 xx to a code is taken for success.',
    edit('card/readers/dialects/acs.ts', `verified: counter === FULL[chip]`, `verified: true`),
    unit('card/pl-sle'),
  ),
  mutant(
    'code-unasked',
    'A code that a reader answers 9000 to, right or wrong, is taken for right.',
    edit('card/readers/memory.ts', `verified: left.value === COUNTER_WHOLE,`, `verified: true,`),
    unit('card/blocks', '1608-other-key: refused once'),
  ),
  mutant(
    'more-tries-than-there',
    'Of an AT88SC102 with four tries, eight are counted.',
    edit('card/families/at88sc102.ts', `triesMask: 0xf0,`, `triesMask: 0xff,`),
    unit('card/blocks', '102-other-key: refused once'),
  ),
  mutant(
    'newest-zone-erased',
    'The zone of the newest purchase is erased for the next.',
    edit(
      'card/layouts/pl-102.ts',
      `const zone = ZONES[slot];`,
      `const zone = ZONES[slot === 0 ? 1 : 0];`,
    ),
    unit('card/blocks', 'golden images…PL-102'),
  ),
  mutant(
    'erased-unseen',
    'A zone that did not erase is written to.',
    edit(
      'card/families/at88sc102.ts',
      `  if (isAll(now.value, 0xff)) return ok(undefined);`,
      `  if (now.ok) return ok(undefined);`,
    ),
    unit('card/blocks', 'PL-102: another erase key'),
  ),
  mutant(
    'cut-visit-counts',
    'An answer of a meter whose visit was cut hides the one before it.',
    edit(
      'card/layouts/pl-102.ts',
      `return ok(holdsVisit(here) || !holdsVisit(before) ? here : before);`,
      `return ok(here);`,
    ),
    unit('card/blocks', 'golden images…PL-102'),
  ),
  mutant(
    'proof-ignored',
    'A PL-24 block counts whatever its proof says.',
    edit(
      'card/layouts/pl-24.ts',
      `if (judged.value[i] === true) continue;`,
      `if (judged.ok) continue;`,
    ),
    unit('card/blocks', 'PL-24: edited'),
  ),
  mutant(
    'unproven-is-foreign',
    'An order’s PL-24 block counts without its proof.',
    edit(
      'card/layouts/pl-24.ts',
      `    blocks[slot] = withoutSeq(blocks[slot] as Uint8Array);\n`,
      ``,
    ),
    unit('card/blocks', 'a block without its proof'),
  ),
  mutant(
    'proof-without-identity',
    'A PL-24 proof does not cover the card’s identity.',
    edit(
      'card/layouts/pl-24.ts',
      `=> concatBytes(identity, block);`,
      `=> concatBytes(block, block);`,
    ),
    unit('card/blocks', 'golden images…PL-24'),
  ),
  mutant(
    'i2c-unacknowledged',
    'A motor reader’s mute card is taken for an I2C chip.',
    edit(
      'card/readers/crt/reader.ts',
      `return there.ok && there.value.data.length === 3 ?`,
      `return there.ok ?`,
    ),
    unit('card/crt-reader', 'where none acknowledges'),
  ),
  mutant(
    'i2c-refusal-ends',
    'A refused I2C type counts as the card having left.',
    edit(
      'card/readers/crt/reader.ts',
      `if (mayRefuse && answer.error.code === 'CARD-0106') return answer;`,
      ``,
    ),
    unit('card/crt-reader', 'knows no such chip'),
  ),
  mutant(
    'unconfirmed-write',
    'A card is written to before the monitor could tell of an exchange of cards.',
    edit('card/readers/pcsc.ts', `if (!reads && !(ofSession && insertion.read)) {`, `if (false) {`),
    unit('card/pcsc-two', 'an insertion is confirmed'),
  ),
  mutant(
    'session-unread',
    'A command that says it is about the card read in this session is sent where nothing was read yet.',
    edit('card/readers/pcsc.ts', `!(ofSession && insertion.read)`, `!ofSession`),
    unit('card/pcsc-two', 'loses no try, and is not loaded'),
  ),
  mutant(
    'session-outlives-connection',
    'What was read before a reset counts as read of the card after it.',
    edit('card/readers/pcsc.ts', `      insertion.read = false;\n`, ``),
    unit('card/pcsc-two', 'counts for no other'),
  ),
  mutant(
    'credit-unconfirmed',
    'A purse is loaded before the monitor could tell of an exchange of cards.',
    edit(
      'card/families/purse.ts',
      `await exchange(channel, creditForLoad(leave));`,
      `await exchange(channel, creditForLoad(leave), 'session');`,
    ),
    unit('card/pcsc-two', 'loses no try, and is not loaded'),
  ),
  mutant(
    'central-foreign-block',
    'Central proves any block for a card of a sale.',
    edit(
      'central/sale/card-records.ts',
      `'block-mac': ({ data }, terms) => blockRecord(data, terms),`,
      `'block-mac': ({ data }) => ({ text: data, dated: '' }),`,
    ),
    unit('card/providers', 'made for the block of a sale only'),
  ),
  mutant(
    'central-any-chip',
    'Central gives the writing key of any Mifare chip to whoever has some sale.',
    edit(
      'central/sale/card-keys.ts',
      `if (verb === 'sector-key') await bindChip(tx, cardNo, request, sale, nowMs);`,
      ``,
    ),
    unit('card/providers', 'was first sold under'),
  ),
  mutant(
    'pcsc-news-overtaken',
    'The PC/SC process says that a connection stands before it tells of the exchange of cards that was there first.',
    edit(
      'card/readers/pcsc-host.ts',
      `else void sleep(o.clock, 0).then(() => o.send({ say: 'done', id, protocol }));`,
      `else o.send({ say: 'done', id, protocol });`,
    ),
    unit('card/pcsc-process', 'after the news that were there before it'),
  ),
  mutant(
    'pcsc-orphan',
    'The PC/SC process outlives its core, and holds the card.',
    edit('main/pcsc/serve.ts', `process.on('disconnect', end);`, ``),
    unit('card/pcsc-process', 'gone as soon as its driver is'),
  ),
  mutant(
    'pcsc-hang-unnoticed',
    'A PC/SC process that is caught in a call is waited for, for ever.',
    edit(
      'card/readers/pcsc-process.ts',
      `() => this.#end(new Error(\`PC/SC process: not ready`,
      `() => void (new Error(\`PC/SC process: not ready`,
    ),
    unit('card/pcsc-process', 'never has its context'),
  ),
  mutant(
    'pcsc-message-believed',
    'What is not of the protocol is passed over instead of ending the PC/SC process.',
    edit(
      'card/readers/pcsc-process.ts',
      `      this.#end(new Error('PC/SC process: a message that is not of the protocol'));\n`,
      ``,
    ),
    unit('card/pcsc-process', 'not of the protocol ends its context'),
  ),
  mutant(
    'other-reader-ends-insertion',
    'Another reader’s plug ends the insertion of the card in ours.',
    edit(
      'card/readers/pcsc.ts',
      `if (current() && this.#monitor === null) this.#lose(\`reader`,
      `if (current()) this.#lose(\`reader`,
    ),
    unit('card/pcsc-two', 'leaves the other’s insertion as it is'),
  ),
  mutant(
    'sam-session-believed',
    'A SAM is spoken to after its reader lost its power, as if what was begun in it still held.',
    edit('card/readers/crt/reader.ts', `if (!this.#samsOn.has(slot)) return`, `if (false) return`),
    unit('card/crt-reader', 'lose their session'),
  ),
  mutant(
    'program-believed',
    'A maker’s program that says nothing was written is believed over what was sent to the card.',
    edit(
      'card/layouts/process/layout.ts',
      `return touched && applied.error.code !== 'CARD-0203' ?`,
      `return touched && applied.error.code === 'CARD-0107' ?`,
    ),
    {
      kind: 'tests',
      project: 'conformance',
      files: ['test/conformance/process-layout.test.ts'],
      name: 'says that nothing was written',
    },
  ),
  mutant(
    'program-spends-last-try',
    'A maker’s program has a code presented with the last try.',
    edit('card/layouts/process/layout.ts', `  if (!tries.ok) return tries;\n`, ``),
    unit('card/process-layout', 'never spends the last one'),
  ),
  mutant(
    'program-plans-nothing',
    'A maker’s program may plan a write that changes nothing.',
    edit(
      'card/layouts/process/layout.ts',
      `if (equalBytes(made.value.after, reading.image)) return`,
      `if (false) return`,
    ),
    unit('card/process-layout', 'is none'),
  ),
  mutant(
    'program-writes-while-reading',
    'A maker’s program may write while it reads.',
    edit(
      'card/layouts/process/layout.ts',
      `process.job(readingSchema, { do: 'read' }, (ask) => answer(ask, readOnlyChannel(channel), null));`,
      `process.job(readingSchema, { do: 'read' }, (ask) => answer(ask, channel, null));`,
    ),
    {
      kind: 'tests',
      project: 'conformance',
      files: ['test/conformance/process-layout.test.ts'],
      name: 'may change nothing while it reads',
    },
  ),
  mutant(
    'doctor-may-write',
    'The doctor’s channel to a card lets everything pass.',
    edit(
      'card/readers/reading.ts',
      `(changesNothing(apdu) ? channel.transmit(apdu) : refuse('command'))`,
      `channel.transmit(apdu)`,
    ),
    unit('cli/doctor', 'only reads'),
  ),
  mutant(
    'recording-shows-codes',
    'A recording shows the codes and keys that it should hide.',
    edit(
      'card/readers/transcript.ts',
      `if (!this.#masked || hidden.length === 0) return`,
      `if (this.#masked || hidden.length === 0) return`,
    ),
    unit('card/transcripts', 'a masked recording'),
  ),
  mutant(
    'recording-in-production',
    'A production core records its cards.',
    edit('main/core/recording.ts', `if (config.mode !== 'demo') return`, `if (false) return`),
    unit('card/transcripts', 'is refused outside demo mode'),
  ),
  mutant(
    'moved-twice',
    'A motor reader’s broken answer is asked for by sending the command again.',
    edit(
      'card/readers/crt/link.ts',
      `this.#line.write(Uint8Array.of(NAK));`,
      `this.#line.write(frame);`,
    ),
    unit('card/crt-reader'),
  ),
  mutant(
    'own-hold-is-anothers',
    'A card that our own dead connection holds counts as another program’s for ever.',
    edit('card/readers/pcsc.ts', `if (this.#givenUp > 0) this.#lose(detail, error);`, ``),
    unit('card/pcsc-two', 'does not hold the reader for ever'),
  ),
  mutant(
    'code-sent-twice',
    'A motor reader that is silent is told a code again that it may have presented.',
    edit('card/readers/crt/link.ts', `if (token === null) taken = once;`, ``),
    unit('card/crt-reader', 'not presented again'),
  ),
  mutant(
    'model-guessed',
    'A motor reader of unknown firmware is worked as the commonest model.',
    edit(
      'card/readers/crt/models.ts',
      `models.find((m) => m.firmware.test(firmware)) ?? null`,
      `models.find((m) => m.firmware.test(firmware)) ?? models[0] ?? null`,
    ),
    unit('card/crt-reader'),
  ),
  mutant(
    'old-crt-begun-twice',
    'An old motor reader’s broken answer is asked for by telling it to begin again.',
    edit(
      'card/readers/crt/link02.ts',
      `this.#line.write(Uint8Array.of(NAK));`,
      `this.#line.write(concatBytes(frame, Uint8Array.of(ENQ)));`,
    ),
    unit('card/crt-old'),
  ),
  mutant(
    'old-crt-frame-unchecked',
    'A frame of an old motor reader is judged without its check byte.',
    edit(
      'card/readers/crt/link02.ts',
      `if (xor(frame.subarray(0, last)) !== frame[last]) return`,
      `if (false) return`,
    ),
    unit('card/crt-old'),
  ),
  mutant(
    'old-crt-entry-believed',
    'An old motor reader’s entry is taken to be open though the code for it is not confirmed.',
    edit(
      'card/readers/crt/link02.ts',
      `if (state.value.data[1] !== wanted) return refused('F');`,
      '',
    ),
    unit('card/crt-old'),
  ),
  mutant(
    'old-crt-model-shared',
    'An old motor reader is moved by the codes of the newer frames.',
    edit(
      'card/readers/crt/models.ts',
      `const models = dialect === '02' ? CRT02_MODELS : CRT_MODELS;`,
      `const models = dialect === '02' ? CRT_MODELS : CRT_MODELS;`,
    ),
    unit('card/crt-old'),
  ),
  mutant(
    'frame-cut-at-etx',
    'A frame of the motor reader is judged without its check byte.',
    edit(
      'card/readers/crt/frames.ts',
      `if (xor(frame.subarray(0, last)) !== frame[last]) return`,
      `if (false) return`,
    ),
    unit('card/crt-frames'),
  ),
  mutant(
    'technician-not-proven',
    'A technician’s card that takes its PIN need not prove itself.',
    edit('card/layouts/technician.ts', `if (judged.ok) return ok('open');`, `return ok('open');`),
    unit('kiosk/technician-card', 'opens nothing'),
  ),
  mutant(
    'technician-any-answer',
    'Any answer to the challenge proves a technician’s card.',
    edit(
      'card/keys/master.ts',
      `right.length === answer.length && timingSafeEqual(right, answer) ?`,
      `right.length === answer.length ?`,
    ),
    unit('kiosk/technician-card', 'opens nothing'),
  ),
  mutant(
    'technician-last-try',
    'The last try of a technician’s card is spent.',
    edit(
      'card/layouts/technician.ts',
      `if ((tries & 0x0f) < LEAST_TRIES) return ok('locked');`,
      '',
    ),
    unit('kiosk/technician-card', 'the last try is never spent'),
  ),
  mutant(
    'technician-key-shared',
    'A technician’s card proves itself with the key that a customer’s card of this number would have.',
    edit(
      'card/keys/master.ts',
      `concatBytes(TECHNICIAN, cardNo)), challenge)`,
      `concatBytes(new Uint8Array(3), cardNo)), challenge)`,
    ),
    unit('kiosk/technician-card', 'a customer’s key'),
  ),
  mutant(
    'technician-anybodys-pin',
    'A technician’s memory card opens by any user’s PIN.',
    edit(
      'kiosk/maintenance/run.ts',
      `ports.checkPin(pin, card.who)) === card.who ?`,
      `ports.checkPin(pin)) !== null ?`,
    ),
    unit('kiosk/technician-card', 'only his opens'),
  ),
  mutant(
    'technician-stays',
    'Maintenance stays open when the card that opened it is gone.',
    edit('kiosk/maintenance/mode.ts', `if (now.monoMs >= outMono) return`, `if (false) return`),
    unit('kiosk/technician-card', 'closes after a moment'),
  ),
  mutant(
    'central-technician-computed',
    'Central computes what a technician’s card would answer.',
    edit(
      'central/sale/card-keys.ts',
      `if ('s8' in request && !/^\\d{16}$/.test(request.s8)) throw`,
      `if (false) throw`,
    ),
    unit('card/providers', 'computes no technician'),
  ),
  mutant(
    'sealed-unchecked',
    'Sealed keys open on any machine with the same secret.',
    edit('card/keys/sealed.ts', '`${FORMAT}\\n${binding.machineId.trim()}`', `FORMAT`),
    unit('card/sealed'),
  ),
];

const WECHAT = (name) => unit('payment/wechat', name);
const PAYMENT = [
  mutant(
    'bad-signature-believed',
    'An answer of the provider is believed whatever its signature.',
    edit(
      'payment/wechat/client.ts',
      `return key.verify(coveredText(header, body), raw) ? null : 'signature does not match';`,
      `return null;`,
    ),
    WECHAT('any single changed character'),
  ),
  mutant(
    'old-answer-believed',
    'An answer of the provider is believed whatever its time.',
    edit('payment/wechat/client.ts', `if (skew > MAX_SKEW_S) return`, `if (false) return`),
    WECHAT('a clock more than five minutes away'),
  ),
  mutant(
    'other-trade-believed',
    'An answer about another trade is taken for ours.',
    edit(
      'payment/wechat/provider.ts',
      `if (trade.out_trade_no !== attempt.outTradeNo) return`,
      `if (false) return`,
    ),
    WECHAT('a signed answer about another order'),
  ),
  mutant(
    'captured-amount-assumed',
    'The captured amount is taken to be what was asked for.',
    edit(
      'payment/wechat/provider.ts',
      `return { kind: 'paid', transactionId: trade.transaction_id, amountFen: total,`,
      `return { kind: 'paid', transactionId: trade.transaction_id, amountFen: attempt.amountFen,`,
    ),
    WECHAT('a signed answer about another order'),
  ),
  mutant(
    'unknown-number-is-closed',
    'A number that the provider does not know counts as closed.',
    edit(
      'payment/wechat/provider.ts',
      `    if (x.kind !== 'answer') return unknown(x.failure);\n    if (x.status === 404 && isCode(x, 'ORDER_NOT_EXIST')) return { kind: 'not-found' };`,
      `    if (x.kind !== 'answer') return unknown(x.failure);\n    if (x.status === 404 && isCode(x, 'ORDER_NOT_EXIST')) return { kind: 'closed' };`,
    ),
    WECHAT('knows numbers that do not exist'),
  ),
  mutant(
    'unknown-is-refused',
    'No answer to the request for a code counts as a refusal.',
    edit(
      'payment/wechat/provider.ts',
      `return unknown(x.kind === 'silent' ? failure('PAY-0101', x.failure.detail, x.failure.cause) : x.failure);`,
      `return { kind: 'refused', failure: x.failure };`,
    ),
    WECHAT('tamperBody'),
  ),
  mutant(
    'paid-is-closed',
    'A close that the provider refuses since the order is paid counts as closed.',
    edit(
      'payment/wechat/provider.ts',
      `if (isCode(x, 'ORDER_PAID')) return { kind: 'paid' };\n    if (x.status === 404`,
      `if (isCode(x, 'ORDER_PAID')) return { kind: 'closed' };\n    if (x.status === 404`,
    ),
    WECHAT('creates, waits, sees the customer pay'),
  ),
  mutant(
    'other-refund-believed',
    'An answer about another refund is taken for ours.',
    edit(
      'payment/wechat/provider.ts',
      `if (r.out_refund_no !== request.outRefundNo || r.out_trade_no !== request.outTradeNo) return`,
      `if (false) return`,
    ),
    WECHAT('a signed answer about another order'),
  ),
  mutant(
    'no-balance-is-refused',
    'A refund that waits for the merchant’s balance counts as refused for good.',
    edit(
      'payment/wechat/provider.ts',
      `    if (isCode(x, 'NOT_ENOUGH')) return unknown(`,
      `    if (false) return unknown(`,
    ),
    WECHAT('stuck, abnormal and unfunded refunds'),
  ),
];

const BILLING = [
  mutant(
    'quote-not-checked',
    'A quote of another request, or one that does not add up, is sold by.',
    edit(
      'billing/client.ts',
      `return quote.amountFen * MICRO_PER_FEN + quote.carriedUsedMicro - cost === quote.carriedAfterMicro ? null :`,
      `return true ? null :`,
    ),
    unit('billing/client', 'a quote must be the one asked for'),
  ),
  mutant(
    'short-acknowledgement',
    'An acknowledgement that names less than was sent counts.',
    edit('billing/client.ts', `if (parsed.data.ackSeq < last.seq) return`, `if (false) return`),
    unit('billing/client', 'an acknowledgement counts only'),
  ),
  mutant(
    'acknowledgement-hash',
    'An acknowledgement with another hash counts.',
    edit(
      'billing/client.ts',
      `if (parsed.data.ackSeq === last.seq && parsed.data.ackHash !== last.hash) return`,
      `if (false) return`,
    ),
    unit('billing/client', 'an acknowledgement counts only'),
  ),
  mutant(
    'other-claim-taken',
    'A claim on another order is taken for ours.',
    edit(
      'billing/client.ts',
      `if (answer.order !== null && (answer.order.orderId !== orderId || answer.order.cardNo !== cardNo)) return`,
      `if (false) return`,
    ),
    unit('billing/client', 'a claim must be the one asked for'),
  ),
  mutant(
    'policy-unsigned',
    'A policy is taken whatever its signature.',
    edit(
      'billing/client.ts',
      `if (wrong !== null) return err(failure('BILL-0102', \`the policy’s \${wrong}\`));`,
      '',
    ),
    unit('billing/client', 'keeps the policy’s proof'),
  ),
];

// On the engine that starts at once; the tests are the same on both.
const CLAIMS = (name) => unit('central/claims', `claims on sqlite … ${name}`);
const INGEST = (name) => unit('central/central', `central on sqlite … ${name}`);
const CENTRAL = [
  mutant(
    'central-request-unsigned',
    'Central believes requests whatever their signature.',
    edit(
      'central/http/signed.ts',
      `if (terminalDisbelief(row, { keysOf, nowMs: now() }, text`,
      `if (false && terminalDisbelief(row, { keysOf, nowMs: now() }, text`,
    ),
    unit('billing/client', 'a stranger, a wrong key'),
  ),
  mutant(
    'central-replay-carried-out',
    'A request that comes a second time is carried out again.',
    edit(
      'central/http/signed.ts',
      `if (first.length === 0) throw new Refusal('replayed',`,
      `if (false) throw new Refusal('replayed',`,
    ),
    unit('central/nonces', 'on sqlite'),
  ),
  mutant(
    'central-nonces-let-go',
    'Central lets go of a nonce while its request would still be taken.',
    edit(
      'central/http/signed.ts',
      `timestampMs + NONCE_KEPT_MS, timestampMs]`,
      `timestampMs - 1, timestampMs]`,
    ),
    unit('central/nonces', 'on sqlite'),
  ),
  mutant(
    'central-head-unsigned',
    'Central takes a batch whatever its head’s signature.',
    edit(
      'central/books/ingest.ts',
      `if (terminalDisbelief(terminal, { keysOf, nowMs }, head`,
      `if (false && terminalDisbelief(terminal, { keysOf, nowMs }, head`,
    ),
    INGEST('refuses a chain that does not hold'),
  ),
  mutant(
    'central-chain-not-checked',
    'Central takes facts whose hashes are not those of their contents.',
    edit(
      'central/books/ingest.ts',
      `!== e.hash) throw new Refusal('bad-request'`,
      `!== e.hash && false) throw new Refusal('bad-request'`,
    ),
    INGEST('refuses a chain that does not hold'),
  ),
  mutant(
    'central-twice',
    'The last fact that central holds is entered again when it is sent again.',
    edit(
      'central/books/ingest.ts',
      `filter((e) => e.seq > lastSeq)`,
      `filter((e) => e.seq >= lastSeq)`,
    ),
    INGEST('takes each event once'),
  ),
  mutant(
    'central-fork-not-noticed',
    'Other facts under numbers that central holds are skipped in silence.',
    edit(
      'central/books/ingest.ts',
      `if (e.seq <= lastSeq && held.get(e.seq) !== e.hash)`,
      `if (false)`,
    ),
    INGEST('takes each event once'),
  ),
  mutant(
    'central-gap-taken',
    'Central takes facts though earlier ones are missing.',
    edit('central/books/ingest.ts', `if (request.fromSeq > lastSeq + 1) throw`, `if (false) throw`),
    INGEST('takes each event once'),
  ),
  mutant(
    'central-newer-epoch-untold',
    'A journal of an older epoch says where it stands, and is not told that a newer one is in use.',
    edit('central/books/ingest.ts', `    if (newer !== undefined) throw`, `    if (false) throw`),
    unit('central/epochs', 'on sqlite … only says where it stands'),
  ),
  mutant(
    'central-cursor-left',
    'Central’s cursor does not move with the facts.',
    edit(
      'central/books/ingest.ts',
      `  if (ackSeq > lastSeq) await moveCursor(tx, terminalId, epoch, { lastSeq: ackSeq, lastHash: ackHash });\n`,
      '',
    ),
    INGEST('takes each event once'),
  ),
  mutant(
    'central-half-applied',
    'What an unusable event began to change stays changed.',
    edit('central/books/books.ts', `while (this.#undo.length > 0) this.#undo.pop()?.();`, ``),
    INGEST('a fact counts whole or not at all'),
  ),
  mutant(
    'central-one-bad-fact-wedges',
    'A fact that the database refuses holds up all that its terminal tells from then on.',
    edit('central/books/post.ts', `if (reason === null) throw cause;`, `throw cause;`),
    unit('central/central', 'what the database itself refuses'),
  ),
  mutant(
    'central-rivals-not-loaded',
    'Another order’s delivery of the same count is not looked at.',
    edit('central/books/load.ts', `  await loadRivals(tx, books, sold);\n`, ''),
    unit('central/claims', 'superseded is told'),
    unit('central/batches', 'the books are the same'),
  ),
  mutant(
    'central-change-not-written',
    'What a batch changed of accounts that stood there before is not written.',
    edit('central/books/write.ts', `  await writeRows(tx, ACCOUNTS, books.accounts);\n`, ''),
    INGEST('golden'),
  ),
  mutant(
    'central-epoch-not-granted',
    'Central takes an epoch that nobody granted.',
    edit('central/books/ingest.ts', `if (epoch > num(terminal.epoch)) throw`, `if (false) throw`),
    unit('central/epochs', 'epochs on sqlite … an epoch that nobody granted is not'),
  ),
  mutant(
    'central-claim-to-two',
    'A write claim is granted while another terminal holds it.',
    edit(
      'central/sale/claims.ts',
      `  if (holder !== null && holder !== terminalId) throw new Refusal('claimed', \`terminal \${holder} may write until \${order.write_until_ms}\`);\n  const plan`,
      `  const plan`,
    ),
    CLAIMS('the origin keeps its claim'),
  ),
  mutant(
    'central-write-after-refund',
    'A write claim is granted after a refund claim.',
    edit(
      'central/sale/claims.ts',
      `  if (isRefundClaimed(order)) throw new Refusal('refund-claimed', 'the order is being refunded');\n`,
      '',
    ),
    CLAIMS('a refund claim is the origin’s, final'),
  ),
  mutant(
    'central-refund-while-writing',
    'A refund claim is granted while another terminal may write.',
    edit(
      'central/sale/claims.ts',
      `    if (holder !== null && holder !== terminalId) throw new Refusal('claimed', \`terminal \${holder} may write until \${order.write_until_ms}\`);\n    const underClaim`,
      `const underClaim`,
    ),
    CLAIMS('though that told that nothing was written so far'),
  ),
  mutant(
    'central-refund-while-untold',
    'A refund claim is granted though another terminal has not told what it wrote.',
    edit(
      'central/sale/claims.ts',
      `if (order.write_open !== null && order.superseded_by === null && !saw) throw`,
      `if (false) throw`,
    ),
    CLAIMS('what another kiosk may have written'),
  ),
  mutant(
    'central-refund-of-delivered',
    'A refund claim is granted for an order that was delivered.',
    edit(
      'central/sale/claims.ts',
      `  if (order.terminal_id !== terminalId) throw new Refusal('bad-request', 'only the order’s own terminal refunds it', { status: 409 });\n  if (isDelivered(order)) throw`,
      `  if (order.terminal_id !== terminalId) throw new Refusal('bad-request', 'only the order’s own terminal refunds it', { status: 409 });\n  if (false) throw`,
    ),
    CLAIMS('another kiosk’s “after”'),
  ),
  mutant(
    'central-counter-while-writing',
    'A counter claim is granted while another terminal may write.',
    edit(
      'central/sale/claims.ts',
      `    if (holder !== null && holder !== terminalId) throw new Refusal('claimed', \`terminal \${holder} may be writing until`,
      `    if (false) throw new Refusal('claimed', \`terminal \${holder} may be writing until`,
    ),
    CLAIMS('a counter claim is the origin’s, final'),
  ),
  mutant(
    'central-counter-of-delivered',
    'A counter claim is granted for an order that was delivered.',
    edit(
      'central/sale/claims.ts',
      `  if (isDelivered(order)) throw new Refusal('already-delivered', 'the order was delivered, nothing is left to a person');\n`,
      '',
    ),
    CLAIMS('a counter claim waits for the money'),
  ),
  mutant(
    'central-counter-over-refund',
    'A counter claim takes the place of a refund claim.',
    edit(
      'central/sale/claims.ts',
      `  if (isRefundClaimed(order)) throw new Refusal('refund-claimed', 'the order is being refunded, nothing is left to a person');\n`,
      '',
    ),
    CLAIMS('a counter claim waits for the money'),
  ),
  mutant(
    'central-write-after-counter',
    'A write claim is granted after a counter claim.',
    edit(
      'central/sale/claims.ts',
      `  if (isCounterClaimed(order)) throw new Refusal('counter-claimed', 'the order is left to a person');\n`,
      '',
    ),
    CLAIMS('a counter claim is the origin’s, final'),
  ),
  mutant(
    'central-refund-after-counter',
    'A refund claim is granted over a counter claim, on an older look at the card.',
    edit(
      'central/sale/claims.ts',
      `if (counter && (claimMs === undefined || claimMs < (order.refund_claimed_ms ?? 0))) throw`,
      `if (false) throw`,
    ),
    CLAIMS('a counter claim is the origin’s, final'),
  ),
  mutant(
    'central-lease-after-counter',
    'What the origin tells under its counter claim gives it the lease again.',
    edit(
      'central/books/card-delivery.ts',
      `isRefundClaimed(order) || isCounterClaimed(order) || isDelivered(order) || (holder`,
      `isRefundClaimed(order) || isDelivered(order) || (holder`,
    ),
    CLAIMS('a counter claim is the origin’s, final'),
  ),
  mutant(
    'central-counter-is-refund',
    'A delivery told under a counter claim is set aside as if the money had gone back.',
    edit(
      'central/sale/orders.ts',
      `(order.refund_claimed_ms !== null && !isCounterClaimed(order)) ||`,
      `order.refund_claimed_ms !== null ||`,
    ),
    CLAIMS('under a counter claim the purchase may still be on the card'),
  ),
  mutant(
    'central-handed-back-is-open',
    'Money handed back by hand leaves the counter claim open to a delivery.',
    edit('central/books/by-hand.ts', `counter_claim: false,`, ''),
    CLAIMS('under a counter claim the purchase may still be on the card'),
  ),
  mutant(
    'central-handed-back-and-delivered',
    'Money handed back for an order that was delivered meanwhile is booked in silence.',
    edit(
      'central/books/by-hand.ts',
      `    if ((ofOrder || (captured !== null && money?.attemptId === captured.attemptId)) && isDelivered(order)) throw`,
      `    if (ofOrder && isDelivered(order)) throw`,
    ),
    CLAIMS('under a counter claim the purchase may still be on the card'),
  ),
  mutant(
    'central-handed-back-twice',
    'A restored journal is let refund what a person handed back.',
    edit('central/sale/claims.ts', `    if (handedBack.length > 0) throw`, `    if (false) throw`),
    CLAIMS('under a counter claim the purchase may still be on the card'),
  ),
  mutant(
    'central-delivered-twice',
    'Another kiosk’s “after” enters a delivery that stands in the books already.',
    edit(
      'central/books/card-delivery.ts',
      `      if (isDelivered(order)) return;\n      refuseAfterRefund(order);`,
      `      refuseAfterRefund(order);`,
    ),
    CLAIMS('the origin’s own delivery first'),
  ),
  mutant(
    'central-refunded-and-delivered',
    'A refund that begins after the delivery is taken.',
    edit(
      'central/books/orders.ts',
      `  if (isDelivered(order)) throw new Unusable('REFUNDED AND DELIVERED: refunding began`,
      `  if (false) throw new Unusable('REFUNDED AND DELIVERED: refunding began`,
    ),
    CLAIMS('never both'),
  ),
  mutant(
    'central-assist-unheard',
    'What another kiosk tells of a card that is as it was is not heard.',
    edit(
      'central/books/card-delivery.ts',
      `      if (order.write_open === at.terminalId && (order.write_open_ms`,
      `      if (false && (order.write_open_ms`,
    ),
    CLAIMS('overtaken by the next one'),
  ),
  mutant(
    'central-earlier-word-counts',
    'What a kiosk told of an earlier claim ends the one that it has now.',
    edit(
      'central/books/card-delivery.ts',
      `(order.write_open_ms === null || (body.claimMs ?? 0) >= order.write_open_ms)`,
      `true`,
    ),
    CLAIMS('overtaken by the next one'),
  ),
  mutant(
    'superseded-written-again',
    'Another kiosk is granted the write of an order whose count another purchase has.',
    edit(
      'central/sale/claims.ts',
      `if (order.superseded_by !== null && !own) throw`,
      `if (false) throw`,
    ),
    CLAIMS('superseded: nobody else'),
  ),
  mutant(
    'superseded-held-up',
    'An untold write holds up the refund of an order whose count another purchase has, for ever.',
    edit(
      'central/sale/claims.ts',
      `if (order.write_open !== null && order.superseded_by === null && !saw)`,
      `if (order.write_open !== null && !saw)`,
    ),
    CLAIMS('told superseded while'),
  ),
  mutant(
    'central-superseded-untold',
    'An order whose count another one took is never told so.',
    edit(
      'central/sale/claims.ts',
      `if (o.superseded_by !== null && !isDelivered(o) && [`,
      `if (false && [`,
    ),
    CLAIMS('superseded is told'),
  ),
  mutant(
    'central-elsewhere-untold',
    'The origin is never told that another kiosk delivered its order.',
    edit('central/sale/claims.ts', `if (awaitsEcho(o)) return`, `if (false) return`),
    CLAIMS('the origin is told until it knows'),
  ),
  mutant(
    'central-over-crowds-out',
    'Orders that are over take the places of what a terminal is to be told.',
    edit(
      'central/sale/claims.ts',
      `       AND ((delivered_by <> terminal_id AND NOT origin_delivered) OR (superseded_by IS NOT NULL AND delivered_by IS NULL AND state IN ('paid', 'delivering', 'in-doubt'))) LIMIT 500`,
      `       ORDER BY order_id LIMIT 500`,
    ),
    CLAIMS('what is over never crowds out'),
  ),
  mutant(
    'central-other-sum-lost',
    'A capture of another sum than the order’s is not entered, and handed back it is not booked.',
    edit(
      'central/books/orders.ts',
      `if (amountFen !== undefined && capturedBy`,
      `if (false && capturedBy`,
    ),
    CLAIMS('money that was parked without'),
  ),
  mutant(
    'central-found-by-hand-lost',
    'Money that a person found and handed back is not booked.',
    edit(
      'central/books/by-hand.ts',
      ` ?? foundByHand(books, at, order, attemptId, asked.reference));`,
      `);`,
    ),
    CLAIMS('money that was parked without'),
  ),
  mutant(
    'central-reserve-twice',
    'A reserve is given back as often as it is asked for.',
    edit(
      'central/books/books.ts',
      `if (reserve?.state !== 'held') return;`,
      `if (reserve === undefined) return;`,
    ),
    INGEST('the reserve comes back'),
  ),
  mutant(
    'central-reserve-not-taken',
    'A firm quote does not take the remainder that it spends.',
    edit(
      'central/sale/quotes.ts',
      `SET carried_micro = carried_micro - $2 WHERE`,
      `SET carried_micro = carried_micro - 0 * $2 WHERE`,
    ),
    INGEST('golden'),
  ),
  mutant(
    'central-card-sold-twice',
    'A card whose count another order has claimed is quoted again.',
    [
      edit('central/sale/quotes.ts', `if (account.claim !== null) throw`, `if (false) throw`),
      edit(
        'central/sale/accounts.ts',
        `WHERE claims.expires_ms <= $6 OR (claims.order_id`,
        `WHERE $6::bigint > 0 OR (claims.order_id`,
      ),
    ],
    INGEST('two terminals at one card'),
  ),
  mutant(
    'central-paid-released',
    'A quote is given back though its order took money.',
    edit('central/sale/quotes.ts', `if (order?.money_taken === true) {`, `if (false) {`),
    INGEST('a paid one never does'),
  ),
  mutant(
    'central-carried-lost',
    'What remains of a payment is not kept for the account.',
    edit(
      'central/books/carried.ts',
      `add(books, order.user_no, { carried_micro: remainder });`,
      '',
    ),
    INGEST('golden'),
    INGEST('offline sales claim'),
  ),
];

const PURSE = 'card/layouts/pl-purse.ts';
const PURSES = [
  mutant(
    'mac1-unchecked',
    'A card whose MAC1 does not hold gets its MAC2.',
    edit(
      'card/keys/master.ts',
      `return equalBytes(purseMac(sessionKey, loadMac1Data(answer.balance, answer)), answer.mac1) ?`,
      `return true ?`,
    ),
    unit('card/pl-purse', 'a card whose MAC1 does not hold'),
  ),
  mutant(
    'answer-not-kept',
    'CREDIT goes to the card before date, time and MAC2 are durable.',
    edit(
      PURSE,
      `    const left = await keep(leaveRecord(answer, leave.value));\n    if (!left.ok) return left;\n`,
      `    queueMicrotask(() => void keep(leaveRecord(answer, leave.value)));\n`,
    ),
    unit('card/pl-purse', 'has the golden bytes'),
    unit('kiosk/crash-points', 'cut at every seventh point'),
  ),
  mutant(
    'answer-not-journaled',
    'What a card said in a write is kept in memory only.',
    edit(
      'kiosk/reduce.ts',
      `effects: [{ do: 'journal', events: [fact.event] }, { do: 'kept', orderId, ok: true }]`,
      `effects: [{ do: 'kept', orderId, ok: true }]`,
    ),
    unit('kiosk/keys-and-purses', 'is sold to'),
  ),
  mutant(
    'keep-failed-unnoticed',
    'A purse is credited though its answer could not be kept.',
    [
      edit(PURSE, `    if (!answered.ok) return answered;\n`, ''),
      edit(PURSE, `    if (!left.ok) return left;\n`, ''),
    ],
    unit('card/pl-purse', 'is not begun where nobody keeps'),
  ),
  mutant(
    'purse-by-sequence',
    'A risen sequence number is taken for our load.',
    edit(
      PURSE,
      `return now > was && provenBy(write, current) !== null ? 'after' : 'foreign';`,
      `return now > was ? 'after' : 'foreign';`,
    ),
    unit('card/pl-purse', 'sequence number and balance alone'),
  ),
  mutant(
    'purse-by-amount',
    'A load of our amount is taken for ours, whenever and wherever it was made.',
    edit(
      PURSE,
      ` && equalBytes(logged.terminal, r.subarray(7, TERMS_LENGTH)) && equalBytes(logged.when, r.subarray(TERMS_LENGTH, TERMS_LENGTH + 7))) return true;`,
      `) return true;`,
    ),
    unit('card/pl-purse', 'another’s load under our number'),
  ),
  mutant(
    'purse-superseded',
    'A purse that cannot say whose its load is counts as another’s, and the money goes back.',
    edit(CARD_LOOKS, `  if (reading.tag.length === 0) return 'parked';\n`, ''),
    unit('kiosk/keys-and-purses', 'that was loaded by nobody known'),
  ),
  mutant(
    'purse-parked-unasked',
    'A purse that another kiosk loaded is parked without asking what that one kept.',
    edit(CARD_WRITE, `if (whose === 'parked' && layout.proof !== undefined && `, `if (false && `),
    unit('kiosk/keys-and-purses', 'that another kiosk loaded'),
  ),
  mutant(
    'kept-not-told',
    'Central does not tell what a kiosk kept to whoever finishes its order.',
    edit('central/sale/claims.ts', `kept: [...keptOf(o)],`, `kept: [],`),
    unit('central/kept', 'kept answers on sqlite'),
  ),
  mutant(
    'pin-last-try',
    'The last try at a purse’s PIN is spent.',
    edit('card/families/pin-notes.ts', `const LEAST_TRIES = 2;`, `const LEAST_TRIES = 1;`),
    unit('card/pl-purse', 'the PIN'),
  ),
  mutant(
    'pin-blind-by-default',
    'A purse that does not tell its tries is given its PIN though terminal.json does not say so.',
    edit(
      'main/core/layouts.ts',
      `own.purse?.pinTries !== 'blind'`,
      `own.purse?.pinTries === 'asked'`,
    ),
    unit('config/pin-notes', 'only where terminal.json says so'),
  ),
  mutant(
    'pin-blind-uncounted',
    'A PIN that is presented blind is counted when the card answers only: one pulled out then is tried for ever.',
    edit(
      'card/families/pin-notes.ts',
      `if (!notes.keep(cardNo, left - 1))`,
      `if (notes.left(cardNo) === -1)`,
    ),
    unit('card/pl-purse', 'a try whose end nobody saw counts'),
  ),
  mutant(
    'pin-blind-last-try',
    'The last try that a refusal told of is spent blind.',
    edit(
      'card/families/purse.ts',
      `if (told !== undefined) blind?.value(told);`,
      `if (told === null) blind?.value(told);`,
    ),
    unit('card/pl-purse', 'the last try that is known of stays'),
  ),
  mutant(
    'pin-blind-forgotten',
    'What a restart finds of tries at a PIN is nothing.',
    edit(
      'main/core/pin-notes.ts',
      `rows(open).find(([of]) => of === cardNo)?.[1] ?? null)`,
      `null)`,
    ),
    unit('config/pin-notes', 'its last try stays over restarts'),
  ),
  mutant(
    'pin-blind-unsaid',
    'The doctor says nothing of PINs that are presented blind.',
    edit(
      'main/cli/doctor-keys.ts',
      `return purse?.pinTries === 'blind'`,
      `return purse?.pinTries === undefined && false`,
    ),
    unit('cli/doctor', 'presented blind are a warning'),
  ),
  mutant(
    'purse-before-is-any',
    'A purse that was set back is taken for unwritten.',
    edit(PURSE, `  if (now === was) return 'before';`, `  if (now <= was) return 'before';`),
    unit('card/pl-purse', 'a card that was set back'),
  ),
  mutant(
    'key-failure-is-refusal',
    'A key provider that fails is taken for a card on which nothing was written.',
    edit(
      CARD_WRITE,
      `  if (!image.ok) return doubt(applied.ok`,
      `  if (!applied.ok && applied.error.code === 'CARD-0206') return { open: rest, effects: wantRefund(rest, applied.error).effects };\n  if (!image.ok) return doubt(applied.ok`,
    ),
    unit('kiosk/orders', 'a key provider that fails'),
  ),
  mutant(
    'psam-register-shared',
    'Two requests to the PSAM run into one another.',
    edit('card/keys/psam.ts', `const mine = turn.then(attempt);`, `const mine = attempt();`),
    unit('card/providers', 'is asked one thing at a time'),
  ),
  mutant(
    'code-kept',
    'Central keeps the codes that it gives.',
    edit(
      'central/sale/card-keys.ts',
      `return await compute(desk.keys, request, nowMs);`,
      `const given = await compute(desk.keys, request, nowMs); await note(db, { ...noted(null), verb: toHex(given.bytes) }, nowMs); return given;`,
    ),
    unit('card/providers', 'keeps who asked'),
  ),
  mutant(
    'code-journaled',
    'A memory card’s code is kept with its order.',
    [
      edit(
        'card/layouts/pl-sle.ts',
        `  const verified = await card.verify(code.value);`,
        `  await keep?.(code.value);\n  const verified = await card.verify(code.value);`,
      ),
      edit(
        'card/layouts/pl-sle.ts',
        `write: WritePlan, done: StepsDone = UNSEEN): Promise`,
        `write: WritePlan, done: StepsDone = UNSEEN, keep?: (r: Uint8Array) => Promise<unknown>): Promise`,
      ),
      edit(
        'card/layouts/pl-sle.ts',
        `apply: (channel, write, _keep, done) => apply(variant, keys, channel, write, done),`,
        `apply: (channel, write, keep, done) => apply(variant, keys, channel, write, done, keep),`,
      ),
    ],
    unit('card/providers', 'PL-4442 with central'),
  ),
  mutant(
    'keys-for-everybody',
    'Central computes for a terminal that has no sale on the card.',
    edit(
      'central/sale/card-keys.ts',
      `if (claim === null || claim.terminal_id !== terminalId) return null;`,
      `if (claim === null) return null;`,
    ),
    unit('card/providers', 'another terminal’s order under a write claim'),
  ),
  mutant(
    'keys-for-any-record',
    'Central signs a record that is not the sale’s.',
    edit('central/sale/card-records.ts', `|| told.tag !== toHex(orderTag(orderId))`, ``),
    unit('card/providers', 'computes for no card without a sale'),
  ),
  mutant(
    'keys-for-any-amount',
    'Central lets a purse be credited with another amount than the sale’s.',
    edit('central/sale/card-records.ts', `if (amount !== quantity || `, `if (`),
    unit('card/providers', 'computes for no card without a sale'),
  ),
  mutant(
    'keys-during-lease',
    'Central computes for the seller while another terminal may write.',
    edit(
      'central/sale/card-keys.ts',
      `return writer(leased, nowMs) === terminalId ? saleOf(leased) : null;`,
      `return saleOf(leased);`,
    ),
    unit('card/providers', 'another terminal’s order under a write claim'),
  ),
];

// The judges: a chip or a meter that forgives would hide what the kiosk does wrong.
const CHIP = 'simulator/card/chip.ts';
const SLE = 'simulator/card/sle4442.ts';
const METER = 'simulator/meter/block-meter.ts';
const SIMULATED = [
  mutant(
    'chip-never-half-written',
    'A simulated byte whose change is cut is always whole.',
    edit(CHIP, `      if (!lies) store(due.cut.inFlight);`, `      if (!lies) store('new');`),
    unit('simulator/sle4442'),
  ),
  mutant(
    'chip-opens-without-a-try',
    'A simulated SLE4442 opens though no bit of its counter was cleared.',
    edit(
      SLE,
      `  protected forget(): void {\n    this.#verified = false;\n    this.#compared = null;`,
      `  protected forget(): void {\n    this.#verified = false;\n    this.#compared = new Set();`,
    ),
    unit('simulator/sle4442'),
  ),
  mutant(
    'chip-stays-open-without-power',
    'A simulated SLE4442 stays open when its power goes.',
    edit(
      SLE,
      `  protected forget(): void {\n    this.#verified = false;`,
      `  protected forget(): void {`,
    ),
    unit('simulator/sle4442'),
  ),
  mutant(
    'chip-counter-for-everybody',
    'Anybody erases a simulated SLE4442’s counter.',
    edit(SLE, `if (this.#verified && (data & ~old) !== 0) {`, `if ((data & ~old) !== 0) {`),
    unit('simulator/sle4442'),
  ),
  mutant(
    'chip-code-shown',
    'A simulated SLE4442 shows its code to everybody.',
    edit(
      SLE,
      `...(this.#verified ? this.#security.subarray(1) : [0, 0, 0])`,
      `...this.#security.subarray(1)`,
    ),
    unit('simulator/sle4442'),
  ),
  mutant(
    'reader-locked-not-said',
    'The simulated ACS reader says 90 07 whatever the counter is.',
    edit(
      'simulator/reader/slot.ts',
      `  if (counter === 0) return 0;`,
      `  if (counter === 0) return 7;`,
    ),
    unit('simulator/acs-reader'),
  ),
  mutant(
    'mifare-stays-open',
    'A simulated Mifare Classic stays open after a refusal.',
    edit(
      'simulator/card/mifare-classic.ts',
      `  #deny(): false {\n    this.#lose();`,
      `  #deny(): false {`,
    ),
    unit('simulator/mifare-classic'),
  ),
  mutant(
    'meter-4442-credits-twice',
    'The simulated PL-4442 meter credits a purchase at every visit.',
    edit(
      METER,
      `return block.count === count ? 0 : block.count === count + 1 ? block.quantity : null;`,
      `return block.count === count ? block.quantity : block.count === count + 1 ? block.quantity : null;`,
    ),
    unit('simulator/pl-4442'),
  ),
  mutant(
    'meter-4442-any-count',
    'The simulated PL-4442 meter takes any higher count.',
    edit(
      METER,
      `block.count === count + 1 ? block.quantity : null;`,
      `block.count > count ? block.quantity : null;`,
    ),
    unit('simulator/pl-4442'),
  ),
  mutant(
    'meter-4442-seq-ignored',
    'The simulated PL-4442 meter takes a block whose number is 00 or FF.',
    edit(
      METER,
      `if (seq === 0x00 || seq === 0xff || !isSealed(bytes)) return null;`,
      `if (!isSealed(bytes)) return null;`,
    ),
    unit('simulator/pl-4442'),
  ),
  mutant(
    'meter-4442-crc-ignored',
    'The simulated PL-4442 meter takes a block whose crc does not hold.',
    edit(METER, `seq === 0xff || !isSealed(bytes)) return null;`, `seq === 0xff) return null;`),
    unit('simulator/pl-4442'),
  ),
  mutant(
    'meter-cumulative-is-quantity',
    'The simulated cumulative meter adds the newest quantity only.',
    edit(
      METER,
      `return more < 0 ? null : more;`,
      `return more < 0 ? null : Math.min(more, block.quantity);`,
    ),
    unit('simulator/block-meter'),
  ),
  mutant(
    'meter-proof-ignored',
    'The simulated PL-24 meter takes a block whatever its proof says.',
    edit(
      'simulator/meter/slots.ts',
      `=== proofOf(cardNo, identity, bytes) ? bytes : null;`,
      `=== proofOf(cardNo, identity, bytes) ? bytes : bytes;`,
    ),
    unit('card/blocks', 'a block without its proof'),
  ),
];

const GATEWAY = [
  mutant(
    'gateway-close-unconfirmed',
    'Another wallet begins as soon as the first took the close, without asking it again.',
    edit(
      'central/gateway/legs.ts',
      `    const told = await wallet.query(refOf(leg));
    switch (told.kind) {
      case 'paid':
        // This close,`,
      `    if (closed.kind === 'closed') {
      await move(db(), leg.leg, 'closed', ['closing'], null);
      return 'closed';
    }
    const told = await wallet.query(refOf(leg));
    switch (told.kind) {
      case 'paid':
        // This close,`,
    ),
    unit('central/gateway', 'a close that is not confirmed begins nothing'),
  ),
  mutant(
    'gateway-two-legs',
    'Another wallet begins beside the first.',
    edit(
      'central/gateway/opening.ts',
      `if (leg.state === 'closed' || leg.state === 'refunded') {`,
      `if (leg.wallet !== kind || leg.state === 'closed' || leg.state === 'refunded') {`,
    ),
    unit('central/gateway', 'the first is closed and confirmed before'),
  ),
  mutant(
    'gateway-late-capture-kept',
    'A wallet that was left is not looked at any more.',
    edit(
      'central/gateway/opening.ts',
      `if (leg.state === 'closed') await tx.query('UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1', [leg.leg, now() + FIRST_LOOK_MS]);`,
      '',
    ),
    unit('central/gateway', 'a wallet that was left is captured late'),
  ),
  mutant(
    'gateway-late-capture-counts',
    'A capture of a wallet that was left counts like any other.',
    edit('central/gateway/legs.ts', `if (trade?.leg === leg.leg) {`, `if (trade !== null) {`),
    unit('central/gateway', 'a wallet that was left is captured late'),
  ),
  mutant(
    'gateway-refund-new-number',
    'Each hand-back of a late capture has a new number.',
    edit(
      'central/gateway/sweep.ts',
      `const back = selfRefund(leg);`,
      `const back = { ...selfRefund(leg), outRefundNo: \`X\${leg.leg}\${desk.hex(2)}\` };`,
    ),
    unit('central/gateway', 'cut at every point'),
  ),
  mutant(
    'gateway-leg-after-request',
    'A wallet’s trade is stored after its code went out.',
    edit(
      'central/gateway/opening.ts',
      `state = 'open', shown = $2, changed_ms = $3 WHERE leg = $1 AND state IN ('creating', 'open') RETURNING leg`,
      `changed_ms = $3 WHERE leg = $1 AND $2 RETURNING leg`,
    ),
    unit('central/gateway', 'a close that is not confirmed begins nothing'),
  ),
  mutant(
    'gateway-closed-while-open',
    'One wallet’s end is told as the payment’s while another may begin.',
    edit(
      'central/gateway/trades.ts',
      `if (now() < num(trade.expires_ms)) return { kind: 'pending' };`,
      '',
    ),
    unit('central/gateway', 'one wallet’s end is not the payment’s'),
  ),
  mutant(
    'gateway-closed-not-stored',
    'Closed is told, and a wallet may begin afterwards.',
    edit(
      'central/gateway/trades.ts',
      `        await db().query(\`UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2\`, [trade.terminal_id, trade.out_trade_no]);
      }
      return handedBack`,
      `      }
      return handedBack`,
    ),
    unit('central/gateway', 'one wallet’s end is not the payment’s'),
  ),
  mutant(
    'gateway-charge-again',
    'A code is sent again under a number that is known.',
    edit('central/gateway/trades.ts', `if (!fresh) return null;`, ''),
    unit('central/gateway', 'a code goes to its wallet, once'),
  ),
  mutant(
    'gateway-no-tombstone',
    'A close of a number that is not known leaves nothing.',
    edit(
      'central/gateway/trades.ts',
      `        await tombstone(desk, tx, terminalId, attempt, life);
        const trade = (await tradeOf(tx, terminalId, attempt.outTradeNo, true)) as Trade;`,
      `        const trade = (await tradeOf(tx, terminalId, attempt.outTradeNo, true)) as Trade;
        if (trade === null) return null;`,
    ),
    unit('central/gateway', 'closed by the terminal'),
  ),
  mutant(
    'gateway-opens-when-closed',
    'A wallet begins for a trade that the terminal closed.',
    edit(
      'central/gateway/opening.ts',
      `if (trade.state === 'closed' || num(trade.expires_ms) <= now()) return`,
      `if (num(trade.expires_ms) <= now()) return`,
    ),
    unit('central/gateway', 'closed by the terminal'),
  ),
  mutant(
    'gateway-refunds-unbounded',
    'Refunds are not added up.',
    edit(
      'central/gateway/refunds.ts',
      `if (asFar + request.refundFen > num(trade.amount_fen)) return`,
      `if (false) return`,
    ),
    unit('central/gateway', 'refunds: not more than was paid'),
  ),
  mutant(
    'gateway-refund-uncounted',
    'A refused refund that is asked for again does not count, though it may succeed.',
    edit(
      'central/gateway/refunds.ts',
      `if (old !== undefined && old.state !== 'refused') return { leg, refund: old };`,
      `if (old !== undefined) return { leg, refund: old };`,
    ),
    unit('central/gateway', 'a refund that was refused and is asked for again'),
  ),
  mutant(
    'gateway-reverses-refunded',
    'A reversal goes on beside the refund that took its place.',
    edit(
      'central/gateway/refunds.ts',
      `if (leg.captured_fen !== null) await move(tx, leg.leg, 'paid', ['closing'], null, 'refunded instead of reversed');`,
      '',
    ),
    unit('central/gateway', 'money goes back one way'),
  ),
  mutant(
    'gateway-reverse-after-refund',
    'What is being refunded is reversed when a terminal asks.',
    edit(
      'central/gateway/reversals.ts',
      `if ((await tx.query(\`SELECT 1 FROM gateway_refunds WHERE leg = $1 AND state <> 'refused'\`, [trade.leg])).length > 0) return 'refund';`,
      '',
    ),
    unit('central/gateway', 'money goes back one way'),
  ),
  mutant(
    'gateway-refund-forgotten',
    'A refund that a terminal asked for is not gone on with.',
    edit(
      'central/gateway/sweep.ts',
      `.query<Refund>('SELECT * FROM gateway_refunds WHERE look_ms <= $1 ORDER BY look_ms LIMIT $2', [now(), SWEEP_ROWS])`,
      `.query<Refund>('SELECT * FROM gateway_refunds WHERE look_ms <= $1 ORDER BY look_ms LIMIT $2', [0, 0])`,
    ),
    unit('central/gateway', 'go on by themselves'),
  ),
  mutant(
    'gateway-bill-hides-wallets',
    'Payments that are in a wallet’s bill are told as in none, and nobody misses them there.',
    edit(
      'central/gateway/bills.ts',
      `last.filter((l) => l.at === \`\${merchant} \${provider.kind}\`).map(`,
      `last.map(`,
    ),
    unit('central/gateway', 'the bill names the payments of a wallet that makes none'),
  ),
  mutant(
    'gateway-again-any-sum',
    'A person may have the gateway send back a capture of another sum.',
    edit(
      'central/gateway/settle.ts',
      `return capturedFen !== null && num(capturedFen) === num(amountFen);`,
      `return capturedFen !== null || num(amountFen) === 0;`,
    ),
    unit('central/gateway-settle', 'of another sum is never sent back'),
  ),
  mutant(
    'gateway-settled-again',
    'What a person settled is handed back by the gateway all the same.',
    edit(
      'central/gateway/settle.ts',
      `if ((await tx.query(\`SELECT 1 FROM gateway_settlements WHERE leg = $1 AND outcome <> 'again'\`, [s.leg])).length > 0) return 'gone';`,
      '',
    ),
    unit('central/gateway-settle', 'is settled once'),
  ),
  mutant(
    'gateway-settled-without-reference',
    'Money is said to be handed back without the number under which.',
    edit(
      'central/console/money-routes.ts',
      `if (NEEDS_REFERENCE.includes(told.outcome) && told.reference === '') throw`,
      `if (NEEDS_REFERENCE.length === 0) throw`,
    ),
    unit('central/gateway-settle', 'is settled once'),
  ),
  mutant(
    'callback-tag-unseen',
    'A callback’s resource is taken without its GCM tag.',
    edit(
      'payment/wechat/callback.ts',
      `return Buffer.concat([text, decipher.final()]);`,
      `return text;`,
    ),
    unit('payment/wechat-callback', 'its GCM tag'),
  ),
  mutant(
    'callback-signature-unseen',
    'A callback is believed without its signature.',
    edit('payment/wechat/callback.ts', `if (doubt !== null) return no(doubt);`, ``),
    unit('payment/wechat-callback', 'one bit changed anywhere'),
  ),
  mutant(
    'callback-of-others',
    'A callback about another merchant’s payment counts.',
    edit('payment/wechat/callback.ts', `if (mchid !== keys.mchid) return`, `if (false) return`),
    unit('payment/wechat-callback', 'of another merchant'),
  ),
  mutant(
    'callback-is-an-answer',
    'A callback counts as a capture, and the wallet is not asked.',
    edit(
      'central/gateway/sweep.ts',
      `const told = await walletOf(leg)?.query(refOf(leg));`,
      `const told = { kind: 'paid', transactionId: 'callback', amountFen: num(leg.amount_fen), paidAtMs: null };`,
    ),
    unit('central/gateway-callback', 'is no answer'),
  ),
  mutant(
    'gateway-answers-unsigned',
    'An answer about money is believed without its signature.',
    edit(
      'payment/gateway/provider.ts',
      `if (wrong !== null) return unknown(failure('PAY-0201', \`HTTP \${status} not believed`,
      `if (wrong === 'signature missing') return unknown(failure('PAY-0201', \`HTTP \${status} not believed`,
    ),
    unit('central/gateway', 'are believed under central’s signature only'),
  ),
  mutant(
    'gateway-answers-unbound',
    'An answer’s signature does not say which request it answers.',
    edit('shared/gateway-api.ts', `\\n\${nonce}\\n\${status}`, `\\n\\n\${status}`),
    unit('central/gateway', 'are believed under central’s signature only'),
  ),
];

const UNIONPAY = [
  mutant(
    'unionpay-day-of-today',
    'A bill’s day is the day of the request.',
    edit(
      'payment/unionpay/provider.ts',
      `billDate: dayOf(request.expiresAtMs)`,
      `billDate: chinaDate(ports.clock.nowMs())`,
    ),
    unit('payment/unionpay', 'midnight'),
  ),
  mutant(
    'unionpay-unsure-is-unpaid',
    'A bill of which the acquirer is not sure counts as unpaid.',
    edit(
      'payment/unionpay/provider.ts',
      `return unknown(failure('PAY-0203', 'the acquirer does not know yet'));
      default:
        return billStatus satisfies never;`,
      `return { kind: 'pending' };
      default:
        return billStatus satisfies never;`,
    ),
    unit('payment/unionpay', 'a bill not sure'),
  ),
  mutant(
    'unionpay-unlisted-refused',
    'A code that no table has counts as a refusal.',
    edit(
      'payment/unionpay/provider.ts',
      `return meaning === undefined ? unknown(failure('PAY-0201', said)) : { kind: meaning, said };`,
      `return { kind: meaning ?? 'no', said };`,
    ),
    unit('payment/unionpay', 'SOMETHING_NEW'),
  ),
  mutant(
    'unionpay-signature-unseen',
    'The acquirer’s answers are believed whatever their signature.',
    edit(
      'payment/unionpay/sign.ts',
      `return raw.toString('base64') === signature && equalBytes(`,
      `return raw.length > 0 || equalBytes(`,
    ),
    unit('payment/unionpay', 'old ones and unsigned ones'),
  ),
];

const CONCURRENCY = [
  mutant(
    'race-account-not-locked',
    'Two quotes for the cards of one account read the account side by side.',
    edit('central/sale/accounts.ts', `lock ? ' FOR NO KEY UPDATE OF a' : ''`, `lock ? '' : ''`),
    concurrency('races', 'the two cards of one account'),
  ),
  mutant(
    'race-release-reads-first',
    'What a quote holds is read before the quote itself is waited for.',
    [
      edit(
        'central/sale/quotes.ts',
        `const books = await loadOrder(tx, orderId);`,
        `const books = early;`,
      ),
      edit(
        'central/sale/quotes.ts',
        `export async function release(db: Db, terminalId: string, orderId: string): Promise<void> {
  refuseOthersNumber(terminalId, orderId);
  await db.transaction(async (tx) => {`,
        `export async function release(db: Db, terminalId: string, orderId: string): Promise<void> {
  refuseOthersNumber(terminalId, orderId);
  await db.transaction(async (tx) => {
    const early = await loadOrder(tx, orderId);`,
      ),
    ],
    concurrency('races', 'given back while it is given'),
  ),
  mutant(
    'race-quote-overtaken',
    'A quote whose release came first is an error of the database’s.',
    edit(
      'central/sale/quotes.ts',
      `VALUES ($1, $2, $3, $4, 'live') ON CONFLICT DO NOTHING RETURNING order_id`,
      `VALUES ($1, $2, $3, $4, 'live') RETURNING order_id`,
    ),
    concurrency('races', 'a release that overtakes its quote'),
  ),
  mutant(
    'race-terminal-not-locked',
    'The same batch is taken twice at once.',
    edit(
      'central/books/ingest.ts',
      `ORDER BY terminal_id FOR NO KEY UPDATE`,
      `ORDER BY terminal_id`,
    ),
    concurrency('races', 'the same batch over two lines'),
  ),
  mutant(
    'race-terminal-locked-whole',
    'Who takes facts of a terminal keeps off whoever only refers to it.',
    edit(
      'central/books/ingest.ts',
      `ORDER BY terminal_id FOR NO KEY UPDATE`,
      `ORDER BY terminal_id FOR UPDATE`,
    ),
    concurrency('races', 'a customer buys again while'),
  ),
  mutant(
    'race-origin-not-locked',
    'A word of another terminal’s order passes that order by, and waits for ever.',
    edit(
      'central/books/ingest.ts',
      `[list(new Set([terminalId, ...told]))]`,
      `[list(new Set([terminalId, ...told.slice(told.length)]))]`,
    ),
    concurrency('races', 'that order itself: whichever waits is found'),
  ),
  mutant(
    'race-books-account-not-locked',
    'Facts and a quote change one account’s figures side by side.',
    edit('central/books/load.ts', `ORDER BY user_no FOR NO KEY UPDATE`, `ORDER BY user_no`),
    concurrency('races', 'a delivery and the next quote'),
  ),
  mutant(
    'race-books-order-not-locked',
    'Facts overwrite an order’s row as they read it, with the claim that was granted meanwhile.',
    [
      edit(
        'central/books/load.ts',
        `ORDER BY order_id FOR NO KEY UPDATE\`, [ids]`,
        `ORDER BY order_id\`, [ids]`,
      ),
      edit(
        'central/books/load.ts',
        `ORDER BY order_id FOR NO KEY UPDATE\`,
      [JSON.stringify`,
        `ORDER BY order_id\`,
      [JSON.stringify`,
      ),
    ],
    concurrency('races', 'not forgotten by facts'),
  ),
  mutant(
    'race-claimed-order-not-locked',
    'A write claim and a refund claim are granted side by side.',
    edit(
      'central/sale/orders.ts',
      `ORDERS, 'order_id = $1 FOR NO KEY UPDATE'`,
      `ORDERS, 'order_id = $1'`,
    ),
    concurrency('races', 'a write claim and a refund claim at once'),
  ),
  mutant(
    'race-epoch-not-locked',
    'Two persons grant one asking twice.',
    edit('central/books/epochs.ts', `lock ? ' FOR NO KEY UPDATE' : ''`, `lock ? '' : ''`),
    concurrency('races', 'grant a new epoch at once'),
  ),
  mutant(
    'race-settled-twice',
    'Two persons settle one fact, each with an adjustment.',
    edit('central/books/quarantine.ts', `AND seq = $3 AND settled_ms IS NULL`, `AND seq = $3`),
    concurrency('races', 'settle a fact at once'),
  ),
  mutant(
    'race-migrated-twice',
    'Two processes that start at once both make a migration.',
    edit(
      'central/db/migrate.ts',
      `await tx.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);`,
      `void SCHEMA_LOCK;`,
    ),
    concurrency('races', 'bring an empty database to this version'),
  ),
  mutant(
    'pg-deadlock-not-retried',
    'A transaction that was ended in a deadlock fails its request.',
    edit('central/db/postgres.ts', `new Set(['40001', '40P01'])`, `new Set(['40001'])`),
    concurrency('driver', 'in a deadlock is begun again'),
  ),
  mutant(
    'pg-serialization-not-retried',
    'A transaction that could not be serialized fails its request.',
    edit('central/db/postgres.ts', `new Set(['40001', '40P01'])`, `new Set(['40P01'])`),
    concurrency('driver', 'in a row with others is begun again'),
  ),
  mutant(
    'pg-failed-commit-believed',
    'A commit that was answered with a rollback counts as one.',
    edit('central/db/postgres.ts', `if (command !== 'COMMIT') throw`, `if (command === '') throw`),
    concurrency('driver', 'never taken for committed'),
  ),
  mutant(
    'pg-turns-not-kept',
    'Two processes take one turn.',
    edit('central/db/postgres.ts', `alone: turns.alone,`, `alone: (_key, work) => work(),`),
    concurrency('driver', 'one process’s after another'),
  ),
  mutant(
    'pg-forgetful-server',
    'A server that forgets at a power cut is taken.',
    edit('central/db/postgres.ts', `if (mayForget) return;`, `if (mayForget || true) return;`),
    concurrency('driver', 'that forgets at a power cut'),
  ),
  mutant(
    'pg-bare-line',
    'The database is spoken to over a network in clear.',
    edit(
      'central/db/postgres.ts',
      `if (!near && params.get('sslmode') !== 'verify-full')`,
      `if (false)`,
    ),
    concurrency('driver', 'that forgets at a power cut'),
  ),
  mutant(
    'gateway-turn-of-one-process',
    'A refund goes out in one process while another one takes the payment back.',
    edit(
      'central/gateway/desk.ts',
      `const turn = (): Promise<T> => db().alone(\`trade \${key}\`, work);`,
      `const turn = work;`,
    ),
    concurrency('gateways', 'one after the other'),
  ),
  mutant(
    'gateway-due-not-looked-again',
    'What another process has looked at meanwhile is looked at once more.',
    edit(
      'central/gateway/sweep.ts',
      `if (lookMs !== null && lookMs <= desk.now()) await`,
      `if (lookMs !== 0) await`,
    ),
    concurrency('gateways', 'it is looked at once'),
  ),
  mutant(
    'restored-not-noticed',
    'A database that forgot a write claim grants the refund.',
    edit('central/sale/claims.ts', `if (sinceMs === 0 || nowMs`, `if (true || nowMs`),
    concurrency('failures', 'a standby that is promoted'),
  ),
  mutant(
    'held-never-again',
    'A fact that came too early is never judged again.',
    edit(
      'central/books/post.ts',
      `if (this.takeAlone(entry).kind !== 'held') this.#again();`,
      `this.takeAlone(entry);`,
    ),
    unit('central/arrival', 'on sqlite'),
  ),
  mutant(
    'held-overtaken',
    'A terminal’s facts about an order overtake the one that waits.',
    edit(
      'central/books/post.ts',
      `const before = this.#waiting.find((w) => isBehind(entry, w.entry));`,
      `const before = this.#waiting.find((w) => w.entry === entry);`,
    ),
    unit('central/held', 'its later facts wait behind it'),
  ),
  mutant(
    'held-account-not-looked',
    'What waits for an account is not looked at when that changes.',
    edit(
      'central/books/load.ts',
      `OR user_no \${anyOf('$2')}\``,
      `OR user_no \${anyOf('$2')} AND false\``,
    ),
    unit('central/arrival', 'on sqlite'),
  ),
  mutant(
    'held-delivery-refunded',
    'Money goes back for a delivery that the books hold.',
    edit('central/sale/claims.ts', `await refuseWhileDeliveryWaits(tx, order);`, ``),
    concurrency('restored', 'not granted beside a delivery that waits'),
  ),
  mutant(
    'restored-old-backup',
    'After an old backup nobody is waited for.',
    edit(
      'central/sale/claims.ts',
      `[sinceMs, heardMs - HEARD_WITHIN_MS]`,
      `[sinceMs, sinceMs - HEARD_WITHIN_MS]`,
    ),
    concurrency('restored', 'older than a day'),
  ),
  mutant(
    'restored-dump',
    'A dump that was put back goes unnoticed.',
    edit('central/db/postgres.ts', `COALESCE(to_regclass('database_lives')::oid::text, '')`, `''`),
    concurrency('restored', 'another history'),
  ),
  mutant(
    'pg-silent-line-kept',
    'A line that does not answer goes on keeping the turns.',
    edit('central/db/postgres.ts', `drop(on);`, ``),
    concurrency('turns', 'is left for another one'),
  ),
  mutant(
    'held-heaped-up',
    'One terminal heaps up facts that everybody carries.',
    edit(
      'central/books/post.ts',
      `this.#beside(entry) >= MAX_WAITING`,
      `this.#beside(entry) >= 1_000 * MAX_WAITING`,
    ),
    concurrency('waiting', 'cannot heap up more'),
  ),
];

const ATTACKS = [
  mutant(
    'attack-other-terms',
    'A sale is told with more than was quoted.',
    edit(
      'central/books/orders.ts',
      `if (termsText(told) !== termsText(promised)) throw`,
      `if (termsText(told) === '') throw`,
    ),
    attack('terminal-key', 'told with more than was quoted'),
  ),
  mutant(
    'attack-own-price',
    'A sale without a quote has a price of its terminal’s own.',
    edit(
      'central/books/offline-sales.ts',
      `body.shares.some((s) => tiers[s.tier - 1]?.priceE4 !== s.priceE4)`,
      `body.shares.some((s) => tiers[s.tier - 1] === undefined)`,
    ),
    attack('terminal-key', 'at a price of his own'),
  ),
  mutant(
    'attack-foreign-tariff',
    'A sale without a quote is priced by any tariff.',
    edit(
      'central/books/offline-sales.ts',
      `if (tariff === undefined) throw new Unusable('the tariff is not known here');
  const tiers = JSON.parse(tariff.tiers)`,
      `const tiers = JSON.parse(tariff?.tiers ?? '[{"priceE4":26500}]')`,
    ),
    attack('terminal-key', 'of a tariff that is another’s'),
  ),
  mutant(
    'attack-remainder-kept',
    'What is left over of a sale is believed whatever its size.',
    edit(
      'central/books/offline-sales.ts',
      `if (body.carriedAfterMicro >= dearest)`,
      `if (dearest < 0)`,
    ),
    attack('terminal-key', 'a remainder as large as a purchase'),
  ),
  mutant(
    'attack-others-number-quoted',
    'A terminal asks for quotes under another one’s numbers.',
    edit(
      'central/sale/quotes.ts',
      `if (terminalOf(orderId) !== terminalId) throw`,
      `if (terminalOf(orderId) === terminalId + '!') throw`,
    ),
    attack('terminal-key', 'its number is worth nothing'),
  ),
  mutant(
    'attack-others-number-told',
    'A terminal tells of sales under another one’s numbers.',
    [
      edit(
        'central/books/facts.ts',
        `if (orderId !== null && terminalOf(orderId) !== at.terminalId)`,
        `if (orderId === at.terminalId)`,
      ),
      edit(
        'central/books/orders.ts',
        `if (quote !== undefined && quote.terminal_id !== at.terminalId)`,
        `if (quote?.terminal_id === '')`,
      ),
    ],
    attack('terminal-key', 'its number is worth nothing'),
  ),
  mutant(
    'attack-cards-locked',
    'One terminal keeps any number of cards from everybody else.',
    edit(
      'central/sale/quotes.ts',
      `unpaid.slice(UNPAID_CLAIMS - 1)`,
      `unpaid.slice(1_000 * UNPAID_CLAIMS)`,
    ),
    attack('terminal-key', 'are not locked by asking'),
  ),
  mutant(
    'attack-names-read',
    'A terminal’s key opens a register of names.',
    edit(
      'central/terminal-api.ts',
      `holderName: maskName(account.holderName)`,
      `holderName: account.holderName ?? maskName('')`,
    ),
    attack('terminal-key', 'nor are their holders’ names read'),
  ),
  mutant(
    'attack-asks-for-ever',
    'A terminal looks up as many accounts as it likes.',
    edit('central/http/limits.ts', `if (n <= A_MINUTE[what]) return;`, `if (n > 0) return;`),
    attack('terminal-key', 'nor any number of accounts'),
  ),
  mutant(
    'attack-suspended-sells',
    'A suspended terminal is quoted to.',
    edit(
      'central/terminal-api.ts',
      `if (status === 'suspended' && sells)`,
      `if (status === 'suspended' && !sells)`,
    ),
    attack('terminal-key', 'it begins nothing, and ends what it began'),
  ),
  mutant(
    'attack-revoked-heard',
    'A revoked terminal is answered like any other.',
    edit(
      'central/terminal-api.ts',
      `if (status === 'revoked') {`,
      `if (status === 'revoked' && sells) {`,
    ),
    attack('terminal-key', 'refused from the next request on'),
  ),
  mutant(
    'attack-revoked-restored',
    'A revoked terminal is made active again, with its old key.',
    edit(
      'central/fleet/status.ts',
      `AND status <> $2 AND status <> 'revoked' RETURNING`,
      `AND status <> $2 RETURNING`,
    ),
    attack('terminal-key', 'for good'),
  ),
  mutant(
    'attack-answer-without-end',
    'An answer is read to its end, however large it is.',
    edit(
      'shared/http.ts',
      `    if (length > maxBytes) {
      await reader?.cancel();
      return null;
    }
    chunks.push(value);`,
      `    chunks.push(value);`,
    ),
    attack('line', 'given up as soon as it is too large'),
  ),
  mutant(
    'attack-slow-request',
    'A request may take for ever to come in.',
    edit('central/http/listen.ts', `requestTimeout: requestMs,`, `requestTimeout: 0 * requestMs,`),
    attack('line', 'for a while and no longer'),
  ),
  mutant(
    'attack-line-in-clear',
    'Central is asked over a line in clear.',
    edit('main/config.ts', `return protocol === 'https:' ||`, `return protocol !== '' ||`),
    unit('config/config', 'over a line in clear'),
  ),
  mutant(
    'attack-delivered-refunded',
    'The money of a delivered order goes back by a bare request.',
    edit(
      'central/gateway/bars.ts',
      `if (isDelivered(order)) return 'delivered';`,
      `if (isDelivered(order)) return null;`,
    ),
    attack('gateway', 'does not go back by a bare request'),
  ),
  mutant(
    'attack-refund-unclaimed',
    'Money goes back beside a write that has begun, without the refund claim.',
    edit('central/gateway/bars.ts', `|| order.state === 'in-doubt' || keys;`, `|| keys;`),
    attack('gateway', 'waits for the refund claim'),
  ),
  mutant(
    'second-capture-barred',
    'A second capture of a delivered order is kept.',
    edit('central/gateway/bars.ts', `if (!bool(known?.taken)) {`, `if (false) {`),
    attack('gateway', 'a second capture of it does'),
  ),
  mutant(
    'attack-time-breaks-pages',
    'A time that no clock can mean makes whoever reads it fail.',
    edit(
      'shared/time.ts',
      `if (!(ms >= 0 && ms <= LAST_MS)) return`,
      `if (Number.isNaN(ms)) return`,
    ),
    attack('terminal-key', 'whatever numbers and times it holds'),
  ),
  mutant(
    'attack-sums-break-pages',
    'Sums of facts outgrow what their reader can count.',
    edit(
      'shared/facts/bounds.ts',
      `export const fen = natural.max(MAX_FEN);`,
      `export const fen = natural.max(MAX_FEN * MAX_UNITS);`,
    ),
    attack('terminal-key', 'whatever numbers and times it holds'),
  ),
  mutant(
    'attack-forms-hidden',
    'One terminal’s facts hide every other one’s from staff.',
    edit(
      'central/console/data.ts',
      `WHERE q.place <= 20 ORDER BY q.at_ms DESC, q.seq DESC LIMIT 2000`,
      `WHERE q.place > 0 ORDER BY q.at_ms DESC, q.seq DESC LIMIT 100`,
    ),
    attack('terminal-key', 'three hundred of his hide nobody'),
  ),
  mutant(
    'attack-kept-heap',
    'A claim carries any number of kept writes.',
    edit(
      'central/books/card-delivery.ts',
      `if (keptOf(order).length >= MAX_KEPT ||`,
      `if (keptOf(order).length >= 1_000 * MAX_KEPT ||`,
    ),
    attack('terminal-key', 'carries no heap of his writes'),
  ),
  mutant(
    'attack-config-written',
    'Anybody on the machine says who central is.',
    edit('main/config.ts', `return (mode & 0o022) === 0`, `return (mode & 0o022) < 0o777`),
    unit('config/key-files', 'when others can change it'),
  ),
  mutant(
    'attack-quote-believed',
    'A kiosk sells by whatever quote it is told.',
    edit(
      'kiosk/visit/card-sale/quote-check.ts',
      `if (shares.some((s) => tiers[s.tier - 1]?.priceE4 !== s.priceE4))`,
      `if (shares.length === 0)`,
    ),
    attack('line', 'never becomes 833'),
  ),
  mutant(
    'attack-refund-uncaptured',
    'More goes back in the books than was captured.',
    edit('central/books/orders.ts', `if (body.amountFen > captured)`, `if (captured < 0)`),
    attack('terminal-key', 'does not go back in the books'),
  ),
  mutant(
    'attack-refund-beside-key',
    'Money goes back though the card’s key was given for its order.',
    edit(
      'central/gateway/bars.ts',
      `order.state === 'in-doubt' || keys;`,
      `order.state === 'in-doubt';`,
    ),
    attack('gateway', 'has begun with the card'),
  ),
  mutant(
    'attack-evidence-heap',
    'A revoked terminal fills the disk.',
    edit('central/fleet/status.ts', `|| num(chars) + body.length > MAX_KEPT_CHARS`, ``),
    attack('terminal-key', 'fills no disk'),
  ),
  mutant(
    'forgotten-not-told',
    'A central that goes on from a standby is not told what it lacks before the hour is over.',
    edit(
      'kiosk/run/central.ts',
      `if (result.error.code === 'BILL-0108' && told) onForgotten();`,
      ``,
    ),
    unit('kiosk/claims', 'is told again to a central that forgot it'),
  ),
  mutant(
    'line-answers-unsigned',
    'Whatever comes over the line is heard as central’s.',
    edit(
      'billing/client.ts',
      'if (wrong !== null) return err(failure(`BILL-0101`, `HTTP ${status} not believed',
      'if (false) return err(failure(`BILL-0101`, `HTTP ${status} not believed',
    ),
    attack('man-on-the-line', 'an account with prices of his own'),
  ),
  mutant(
    'line-refusals-unsigned',
    'Refusals are heard without central’s signature.',
    edit(
      'billing/client.ts',
      'if (wrong !== null) return err(failure(`BILL-0101`, `HTTP ${status} not believed',
      'if (wrong !== null && status === 200) return err(failure(`BILL-0101`, `HTTP ${status} not believed',
    ),
    attack('man-on-the-line', 'a refusal, which would close'),
  ),
  mutant(
    'line-answer-kept',
    'A signed answer counts for every later question.',
    edit(
      'shared/signed-request.ts',
      'PILOTLIGHT-ANSWER\\n${terminalId}\\n${method}\\n${target}\\n${nonce}\\n${hash',
      'PILOTLIGHT-ANSWER\\n${terminalId}\\n${method}\\n${target}\\n${nonce.slice(99)}\\n${hash',
    ),
    attack('man-on-the-line', 'answers no later question'),
  ),
  mutant(
    'line-answer-of-another',
    'A signed answer counts for any terminal.',
    edit(
      'shared/signed-request.ts',
      'PILOTLIGHT-ANSWER\\n${terminalId}\\n${method}\\n${target}\\n${nonce}\\n${hash',
      'PILOTLIGHT-ANSWER\\n${terminalId.slice(99)}\\n${method}\\n${target}\\n${nonce.slice(99)}\\n${hash',
    ),
    attack('man-on-the-line', 'another terminal’s answer'),
  ),
  mutant(
    'line-answer-to-another-question',
    'A signed answer counts though the request was changed on the way.',
    edit(
      'shared/signed-request.ts',
      "hash('sha256', asked, 'hex')",
      "hash('sha256', asked.subarray(0, 0), 'hex')",
    ),
    attack('man-on-the-line', 'that he changed on the way'),
  ),
  mutant(
    'line-one-key-for-all',
    'The gateway’s key signs central’s answers.',
    edit('central/central.ts', 'answers: options.answerSigner,', 'answers: options.gatewaySigner,'),
    attack('man-on-the-line', 'and a stranger’s never'),
  ),
  mutant(
    'evidence-not-asked',
    'A terminal’s word of a payment is enough.',
    edit(
      'central/books/evidence.ts',
      'const unproven = evidenceOf(books, order, attemptId)?.amount_fen !== order.amount_fen;',
      'const unproven = evidenceOf(books, order, attemptId)?.amount_fen === -1;',
    ),
    attack('word-of-a-terminal', 'moves the count'),
  ),
  mutant(
    'evidence-unsigned',
    'A receipt counts whoever signed it.',
    edit('shared/sealed-text.ts', 'if (wrong !== null) return err(wrong);', ''),
    attack('word-of-a-terminal', 'signed by the terminal itself'),
  ),
  mutant(
    'evidence-any-paper',
    'Any paper of the signer’s is taken for any other.',
    edit(
      'shared/sealed-text.ts',
      'const covered = (label: string, body: string): string => `${label}\\n${body}`;',
      'const covered = (label: string, body: string): string => `${label.slice(99)}\\n${body}`;',
    ),
    {
      kind: 'tests',
      project: 'unit',
      files: ['test/unit/shared/grants.test.ts'],
      name: 'one kind of paper is not another',
    },
  ),
  mutant(
    'evidence-of-another-terminal',
    'A receipt counts for whoever shows it.',
    edit('central/books/evidence.ts', 'issuedTo.terminalId !== order.terminal_id ||', ''),
    attack('word-of-a-terminal', 'of another terminal’s payment'),
  ),
  mutant(
    'evidence-of-another-order',
    'A receipt counts for any order of its terminal.',
    edit('central/books/evidence.ts', '|| issuedTo.orderId !== order.order_id', ''),
    attack('word-of-a-terminal', 'of another of its orders'),
  ),
  mutant(
    'evidence-of-another-attempt',
    'A receipt counts for any attempt of its order.',
    edit(
      'central/books/evidence.ts',
      'attemptOf(order.order_id, outTradeNo) !== told.attemptId ||',
      '',
    ),
    attack('word-of-a-terminal', 'of another attempt'),
  ),
  mutant(
    'evidence-of-another-sum',
    'A receipt of one fen pays any order.',
    edit('central/books/evidence.ts', 'amountFen !== told.amountFen ||', ''),
    attack('word-of-a-terminal', 'of one fen'),
  ),
  mutant(
    'evidence-spent-twice',
    'One payment at a wallet pays two orders.',
    edit(
      'central/books/evidence.ts',
      'else if (known.order_id !== row.order_id || known.attempt_id !== row.attempt_id)',
      'else if (known.order_id === "")',
    ),
    attack('word-of-a-terminal', 'one number of a wallet pays one order'),
  ),
  mutant(
    'evidence-unproven-credit',
    'Carried money is credited on a terminal’s word.',
    edit(
      'central/books/card-delivery.ts',
      'if (!order.unproven) keepRemainder(books, at, order);',
      'keepRemainder(books, at, order);',
    ),
    attack('word-of-a-terminal', 'moves the count'),
  ),
  mutant(
    'evidence-unproven-without-end',
    'Any number of orders stand on a terminal’s word.',
    edit('central/books/evidence.ts', 'if (others >= MAX_UNPROVEN)', 'if (others < 0)'),
    attack('word-of-a-terminal', 'counts twenty times'),
  ),
  mutant(
    'evidence-unproven-by-hand',
    'Money that nobody else knows of is handed back by hand.',
    edit(
      'central/books/by-hand.ts',
      'refuseUnproven(books, order, captured?.attemptId ?? null);',
      '',
    ),
    attack('word-of-a-terminal', 'is not handed back by hand'),
  ),
  mutant(
    'evidence-returned-delivers',
    'What the gateway handed back is delivered.',
    edit('central/books/card-delivery.ts', 'refuseReturned(books, order);', ''),
    attack('word-of-a-terminal', 'handed back since delivers nothing'),
  ),
  mutant(
    'grant-assist-without',
    'A terminal tells of others’ orders without a claim.',
    edit(
      'central/books/card-delivery.ts',
      'if (at.trust.granted(fact.body.grant, what) === null)',
      'if (at.trust.granted(fact.body.grant, what) === -1)',
    ),
    attack('word-of-a-terminal', 'is not ended, frozen or filled up'),
  ),
  mutant(
    'grant-of-another-order',
    'A write claim counts for any order.',
    edit('central/books/trust.ts', 'orderId === what.orderId &&', ''),
    attack('word-of-a-terminal', 'is not ended, frozen or filled up'),
  ),
  mutant(
    'grant-of-another-terminal',
    'A write claim counts for whoever shows it.',
    edit('central/books/trust.ts', 'terminalId === what.terminalId &&', ''),
    attack('word-of-a-terminal', 'is not ended, frozen or filled up'),
  ),
  mutant(
    'grant-of-another-kind',
    'A refund claim is taken for a write claim.',
    edit('central/books/trust.ts', 'return kind === what.kind &&', 'return kind.length > 0 &&'),
    attack('word-of-a-terminal', 'is not ended, frozen or filled up'),
  ),
  mutant(
    'grant-of-another-card',
    'A grant counts for whatever it is shown with.',
    edit('central/books/trust.ts', '&& digest === what.digest', ''),
    attack('word-of-a-terminal', 'is not ended, frozen or filled up'),
  ),
  mutant(
    'grant-forgotten-claim',
    'A claim that central forgot counts no more.',
    edit(
      'central/books/card-delivery.ts',
      'if (at.trust.granted(fact.body.grant, what) === null)',
      'if (at.nowMs > 0)',
    ),
    attack('word-of-a-terminal', 'however late, though central forgot'),
  ),
  mutant(
    'superseded-by-nothing',
    'A purchase is superseded by one that nobody paid for.',
    edit('central/books/card-delivery.ts', 'refuseUnsupported(books, order, body.tag);', ''),
    attack('word-of-a-terminal', 'superseded by a purchase that was paid for'),
  ),
  mutant(
    'offline-without-account',
    'A sale offline needs no account that central told of.',
    edit(
      'central/books/offline-sales.ts',
      `if (by === null) throw new Unusable('central told of no such account and tariff');`,
      `if (by === null) return { asOfMs: at.wallMs, judged: {} };`,
    ),
    attack('word-of-a-terminal', 'names central’s own answer'),
  ),
  mutant(
    'offline-by-an-old-account',
    'A sale offline is priced by an account of any age.',
    edit(
      'central/books/offline-sales.ts',
      '&& at.wallMs - grantedMs > MAX_ACCOUNT_AGE_MS',
      '&& false',
    ),
    attack('word-of-a-terminal', 'names central’s own answer'),
  ),
  mutant(
    'offline-tariff-of-today',
    'A sale offline counts only by the tariff that its account has now.',
    edit(
      'central/books/load.ts',
      'const tariffs = new Set(sold.map((s) => s.tariff_id));',
      'const tariffs = new Set(books.accounts.all().map((a) => a.tariff_id));',
    ),
    attack('word-of-a-terminal', 'by the tariff that was told'),
  ),
  mutant(
    'quote-without-token',
    'A quote that central forgot is believed without its token.',
    edit(
      'central/books/orders.ts',
      `if (grantedMs === null) throw new Unusable('central granted no such quote');`,
      'if (grantedMs === null) return at.nowMs;',
    ),
    unit('central/held', 'believed by central’s own token'),
  ),
  mutant(
    'key-unpaid',
    'A card’s key is given for a sale that nobody paid.',
    edit(
      'central/sale/card-keys.ts',
      'await refuseUnpaid(tx, trust, sale, request.paid, nowMs);',
      '',
    ),
    attack('keys', 'opens no card: not known yet'),
  ),
  mutant(
    'key-for-anothers-receipt',
    'A card’s key is given over another order’s receipt.',
    edit('central/sale/key-rights.ts', 'attemptId === null ||', ''),
    attack('keys', 'nor with a receipt that is forged'),
  ),
  mutant(
    'key-for-one-fen',
    'A card’s key is given over a receipt of one fen.',
    [
      edit('central/sale/key-rights.ts', 'amountFen !== sale.amountFen ||', ''),
      edit(
        'central/sale/key-rights.ts',
        'known.filter((e) => num(e.amount_fen) === sale.amountFen)',
        'known',
      ),
    ],
    attack('keys', 'nor with a receipt that is forged'),
  ),
  mutant(
    'key-for-returned-money',
    'A card’s key is given over a payment that was handed back.',
    edit(
      'central/sale/key-rights.ts',
      'if (whole.some((e) => numOrNull(e.returned_ms) === null)) return;',
      'if (whole.length > 0) return;',
    ),
    attack('keys', 'once its payment was handed back'),
  ),
  mutant(
    'key-any-header',
    'A sale’s MAC is computed for any command.',
    edit('central/sale/card-records.ts', 'header !== FILE_HEADER ||', ''),
    attack('keys', 'no byte of any request may differ'),
  ),
  mutant(
    'key-any-quantity',
    'A sale’s MAC is computed for any quantity.',
    edit('central/sale/card-records.ts', 'told.quantity !== quantity ||', ''),
    attack('keys', 'no byte of any request may differ'),
  ),
  mutant(
    'key-any-count',
    'A sale’s MAC is computed for any count.',
    edit('central/sale/card-records.ts', 'told.count !== nextCount ||', ''),
    attack('keys', 'no byte of any request may differ'),
  ),
  mutant(
    'key-any-cumulative',
    'A card may hold more than was ever bought.',
    edit(
      'central/sale/card-records.ts',
      'told.cumulative !== (cumulative ?? told.cumulative) ||',
      '',
    ),
    attack('keys', 'no byte of any request may differ'),
  ),
  mutant(
    'key-second-record',
    'An order has as many records as are asked for.',
    edit('central/sale/key-rights.ts', 'fixed.record !== text ||', ''),
    attack('keys', 'has one record, fixed at its first grant'),
  ),
  mutant(
    'key-older-date',
    'A record’s date goes back.',
    edit('central/sale/key-rights.ts', `|| dated < (fixed.dated ?? '')`, ''),
    attack('keys', 'has one record, fixed at its first grant'),
  ),
  mutant(
    'key-challenges-without-end',
    'A card’s keys compute for an order without end.',
    edit(
      'central/sale/key-rights.ts',
      'if (num(fixed.challenges) >= MAX_CHALLENGES)',
      'if (num(fixed.challenges) < 0)',
    ),
    attack('keys', 'times at the most'),
  ),
  mutant(
    'key-refund-untold',
    'Money goes back beside a card’s key while nothing of the order is told.',
    edit('central/gateway/bars.ts', `if (keys && !bool(known?.told)) return 'claimed-not';`, ''),
    attack('gateway', 'has begun with the card'),
  ),
  mutant(
    'refund-told-is-granted',
    'A terminal grants itself the refund of what it began to write.',
    edit(
      'central/gateway/bars.ts',
      'begun && !order.refund_granted;',
      `begun && order.refund_claimed_ms === null;`,
    ),
    attack('gateway', 'has begun with the card'),
  ),
  mutant(
    'refund-begun-unclaimed',
    'A terminal refunds what it began to write, without central’s claim.',
    edit(
      'central/books/orders.ts',
      `if (!granted && (order.state === 'delivering' || order.state === 'in-doubt'))`,
      `if (!granted && order.state === 'quoted')`,
    ),
    attack('word-of-a-terminal', 'is not refunded on its terminal’s word'),
  ),
  mutant(
    'anothers-after-is-final',
    'A customer whose order somebody falsely called delivered is left with an empty card.',
    edit(
      'central/sale/claims.ts',
      'const again = request.finish === true && (await isUnread(tx, order));',
      'const again = false;',
    ),
    attack('word-of-a-terminal', 'written all the same by who has the card'),
  ),
  mutant(
    'finish-after-the-next',
    'An old purchase is written over a newer one.',
    edit(
      'central/sale/claims.ts',
      'return account !== undefined && num(account.count) === order.next_count;',
      'return account !== undefined;',
    ),
    attack('word-of-a-terminal', 'written all the same by who has the card'),
  ),
];

export const MUTANTS = [
  ...JOURNAL,
  ...PURCHASE,
  ...RECONCILE,
  ...KIOSK,
  ...CARD,
  ...PURSES,
  ...PAYMENT,
  ...GATEWAY,
  ...UNIONPAY,
  ...BILLING,
  ...CENTRAL,
  ...CONCURRENCY,
  ...ATTACKS,
  ...hardening({ mutant, edit, attack, unit }),
  ...daybook({ mutant, edit, unit }),
  ...systemTab({ mutant, edit, unit }),
  ...disk({ mutant, edit, unit }),
  ...doors({ mutant, edit, unit }),
  ...printer({ mutant, edit, unit }),
  ...devices({ mutant, edit, unit }),
  ...scanners({ mutant, edit, unit }),
  ...held({ mutant, edit, unit, concurrency }),
  ...window({ mutant, edit, unit }),
  ...fleet({ mutant, edit, unit }),
  ...gatewayPeople({ mutant, edit, attack, unit }),
  ...gatewayRestored({ mutant, edit, unit }),
  ...BETWEEN,
  ...VISIT,
  ...CARDS,
  ...RECEIPTS,
  ...VOICE,
  ...COMPANY,
  ...INVOICES,
  ...STAFF,
  ...REQUESTS,
  ...MY_ACCOUNT,
  ...modes({ mutant, edit, attack, unit }),
  ...FOUND_E,
  ...FOUND_F,
  ...BILLS,
  ...YEARS,
  ...CREDIT,
  ...PARTS,
  ...SEAMS,
  ...CREDIT_ACTS,
  ...CARD_GRANTS,
  ...OUTAGE_SMS,
  ...TOLD,
  ...MERCHANTS,
  ...ACCOUNT_SALE,
  ...SIMULATED,
];
