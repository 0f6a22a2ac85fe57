// What falls between two services: parts and an account book outside, moves and invoices, a pump's
// log. `by` as in catalogue.mjs.
const tests = (project, file, name) => ({ kind: 'tests', project, files: [file], name });
const book = (name) => tests('unit', 'test/unit/central/book-restored.test.ts', name);
const moved = (name) => tests('unit', 'test/unit/central/moved-payments.test.ts', name);
const sms = (name) => tests('unit', 'test/unit/central/outage-sms.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const SEAMS = [
  mutant(
    'book-refused-unasked',
    'A restored central refuses what the company’s book has, by bills as the backup has them.',
    edit(
      'central/sale/credit-posting.ts',
      `outside && posting.request === null`,
      `outside && nowMs < 0`,
    ),
    book('a rest that the book outside has'),
  ),
  mutant(
    'book-sent-anew',
    'What was quoted before a backup is sent to a book that posts again.',
    edit('central/sale/credit-sender.ts', ` || row.opened_ms < sinceMs`, ``),
    book('what a backup has as quoted'),
  ),
  mutant(
    'moved-invoice-of-the-first',
    'The invoice of a moved payment names the account that was paid by mistake.',
    edit(
      'central/invoices/sale.ts',
      `if (moves.length === 0) return null;`,
      `if (moves.length >= 0) return null;`,
    ),
    moved('an invoice of a moved payment'),
  ),
  mutant(
    'moved-purchase-shown',
    'The wrong account’s holder has the moved payment among his purchases, and its receipt.',
    edit(
      'central/use/purchases.ts',
      `AND a.kind = 'move' AND a.state = 'done' ORDER BY a.id DESC LIMIT 1), o.user_no) = $1`,
      `AND a.kind = 'move' AND a.state = 'none' ORDER BY a.id DESC LIMIT 1), o.user_no) = $1`,
    ),
    moved('a moved payment is nobody else'),
  ),
  mutant(
    'moved-purchase-kept-here',
    'The machine that sold it shows a moved payment to the wrong account’s holder for ever.',
    edit('kiosk/run/my-account.ts', `!journal.isTold(orderId)`, `orderId !== ''`),
    tests('unit', 'test/unit/kiosk/my-account.test.ts', 'shows no order of this machine'),
  ),
  mutant(
    'moved-below-nothing',
    'A kiosk is told of less than nothing on its way to a meter, and shows no account at all.',
    edit(
      'central/use/my-account.ts',
      `Math.max(0, credit.on_the_way_fen)`,
      `credit.on_the_way_fen`,
    ),
    moved('after a move the wrong account'),
  ),
  mutant(
    'invoice-beside-a-move',
    'A move does not wait for whoever asks for the order’s invoice.',
    edit(
      'central/sale/credit-acts.ts',
      `await tx.query('SELECT 1 FROM orders WHERE order_id = $1 FOR NO KEY UPDATE', [orderId]);`,
      ``,
    ),
    tests(
      'concurrency',
      'test/concurrency/moves-and-invoices.test.ts',
      'an invoice that is asked for',
    ),
  ),
  mutant(
    'sms-clock-believed',
    'A stop at a machine whose clock is ahead bars a telephone for ever.',
    edit('central/requests/sms-subscribers.ts', `Math.min(row.madeMs, row.takenMs)`, `row.madeMs`),
    sms('a stop from such a machine bars nobody'),
  ),
  mutant(
    'sms-stopped-said',
    'Who stops by a clock that is behind is told that his number is deleted, and it is not.',
    edit('central/requests/sms-subscribers.ts', `? 'stopped' : 'again'`, `? 'stopped' : 'stopped'`),
    sms('does not say that it stopped'),
  ),
  mutant(
    'ahead-unseen',
    'An account does not show what was paid ahead into it.',
    edit('central/use/my-account.ts', `credit.top_up_payee === null`, `credit.meter_no === null`),
    moved('what is paid ahead'),
  ),
  mutant(
    'sms-long-answer',
    'One long answer hides all others.',
    edit(
      'central/requests/sms-platform.ts',
      `text: z.string().transform((text) => text.slice(0, 300)),`,
      `text: z.string().max(300),`,
    ),
    tests('unit', 'test/unit/central/sms-platform.test.ts', 'hides nobody'),
  ),
  mutant(
    'fuel-log-unread',
    'A pump’s log without a date ends the kiosk’s core.',
    edit(
      'card/layouts/pl-fuel.ts',
      `bcd(debit.when)?.slice(2, 12)`,
      `Buffer.from(debit.when).toString('hex').slice(2, 12)`,
    ),
    tests('unit', 'test/unit/kiosk/fuel-cards.test.ts', 'whose log has the date'),
  ),
];
