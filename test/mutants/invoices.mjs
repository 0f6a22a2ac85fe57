// E-invoices: at most one stands, over what was kept, and money waits for the red one. `by` as in
// catalogue.mjs.
const tests = (project, file, name) => ({
  kind: 'tests',
  project,
  files: [`test/${project}/${file}.test.ts`],
  name,
});
const unit = (name) => tests('unit', 'central/invoices', name);
const title = (name) => tests('unit', 'central/invoice-title', name);
const kiosk = (name) => tests('unit', 'kiosk/receipts', name);
const process = (name) => tests('integration', 'invoices', name);
const race = (name) => tests('concurrency', 'invoices', name);
const gateway = {
  kind: 'tests',
  project: 'unit',
  files: ['test/attacks/gateway.test.ts'],
  name: 'waits for the red one, which is asked for',
};
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const INVOICES = [
  mutant(
    'invoice-two-blues',
    'An order whose invoice stands has another, and the database has no word in it.',
    [
      edit(
        'central/invoices/ask.ts',
        `if (stands !== null) return { kind: 'stands', row: stands };`,
        `if (stands?.order_id === '') return { kind: 'stands', row: stands };`,
      ),
      edit(
        'central/db/migrations/042-invoices.ts',
        'CREATE UNIQUE INDEX invoices_one_blue',
        'CREATE INDEX invoices_one_blue',
      ),
    ],
    unit('is one at the most by the database itself'),
  ),
  mutant(
    'invoice-no-lock',
    'Two phones ask at once, and neither waits for the other.',
    edit(
      'central/invoices/rows.ts',
      `tx.query('SELECT 1 FROM orders WHERE order_id = $1 FOR NO KEY UPDATE', [orderId]);`,
      `tx.query('SELECT 1 FROM orders WHERE order_id = $1', [orderId]);`,
    ),
    race('two phones that ask at once have one invoice'),
  ),
  mutant(
    'invoice-undelivered',
    'An order that is not delivered yet has its invoice.',
    edit(
      'central/invoices/sale.ts',
      `if (order?.state !== 'delivered' || order.unproven) return 'not-delivered';`,
      `if (order === undefined || order.unproven) return 'not-delivered';`,
    ),
    unit('is there after the delivery only'),
  ),
  mutant(
    'invoice-unproven',
    'A terminal’s word alone is invoiced.',
    edit(
      'central/invoices/sale.ts',
      `if (order?.state !== 'delivered' || order.unproven) return 'not-delivered';`,
      `if (order?.state !== 'delivered') return 'not-delivered';`,
    ),
    unit('is there after the delivery only'),
  ),
  mutant(
    'invoice-any-slip',
    'Whoever counts order numbers asks for strangers’ invoices.',
    edit(
      'central/invoices/routes.ts',
      `if (seen.kind !== 'receipt') return receiptPage(seen, policy, locale);`,
      `if (seen.kind === 'not-arrived') return receiptPage(seen, policy, locale);
    if (seen.kind === 'none')
      return answer({ token, locale, policy }, \`PL-\${token.split('.', 1)[0] ?? ''}\`);`,
    ),
    unit('is behind its own slip’s code only'),
  ),
  mutant(
    'invoice-sent-unstored',
    'A request leaves before it is stored that it does.',
    edit(
      'central/invoices/sender.ts',
      `await tx.query('UPDATE invoices SET sent_ms = $2 WHERE request_id = $1', [requestId, nowMs]);`,
      '',
    ),
    unit('is stored as sent before it is sent'),
  ),
  mutant(
    'invoice-sent-anew',
    'What became of it is not known, and another id is sent.',
    edit(
      'central/invoices/sender.ts',
      'const about = { requestId: row.request_id, amountFen: row.amount_fen };',
      'const about = { requestId: row.sent_ms === null ? row.request_id : `${row.request_id}x`, amountFen: row.amount_fen };',
    ),
    unit('whose outcome is not known'),
    process('the same id, one invoice'),
  ),
  mutant(
    'invoice-unknown-is-refused',
    'No answer is taken for a refusal, and the customer asks for a second invoice.',
    edit(
      'central/invoices/sender.ts',
      `if (told.kind === 'refused') return refused(tx, row, told.reason, now());`,
      `if (told.kind === 'refused' || told.kind === 'unknown')
        return refused(tx, row, told.kind === 'refused' ? told.reason : told.detail, now());`,
    ),
    unit('whose outcome is not known'),
  ),
  mutant(
    'invoice-id-by-chance',
    'A database that forgot an invoice asks for another under a fresh id.',
    edit(
      'central/invoices/ask.ts',
      `rows.filter((row) => row.kind === kind).length + 1}`,
      `rows.filter((row) => row.kind === kind).length + 1}-\${Math.random()}`,
    ),
    unit('that a database forgot is asked for under the same id'),
  ),
  mutant(
    'invoice-other-sum',
    'An invoice over another sum counts as this one.',
    edit(
      'central/invoices/provider-http.ts',
      'if (data.amountFen !== about.amountFen)',
      'if (data.amountFen !== about.amountFen && data.amountFen < 0)',
    ),
    process('believes no other answer than one about the very id and sum'),
  ),
  mutant(
    'invoice-other-request',
    'The answer about one request counts for another.',
    edit(
      'central/invoices/provider-http.ts',
      'if (data.requestId !== about.requestId)',
      `if (data.requestId === '')`,
    ),
    process('believes no other answer than one about the very id and sum'),
  ),
  mutant(
    'invoice-silent-provider',
    'A provider that does not answer is asked for every request that is due, one time-out after another.',
    edit('central/invoices/sender.ts', 'if (silent >= SILENT) return;', ''),
    unit('of a provider that does not answer is left alone'),
  ),
  mutant(
    'invoice-drop-counts',
    'Who drops a reversal has it done.',
    edit(
      'central/invoices/ask.ts',
      `if (told.verdict === 'drop') {`,
      `if (told.verdict === 'drop' && first === null) {`,
    ),
    unit('not after the first one’s word was dropped'),
  ),
  mutant(
    'invoice-red-by-one',
    'One person alone takes an invoice back.',
    edit('central/invoices/ask.ts', `if (sameName(first, told.who)) return 'same-person';`, ''),
    unit('by two persons, and then made anew'),
  ),
  mutant(
    'invoice-money-leaves-first',
    'A refund by hand does not wait for the red one.',
    edit(
      'central/books/hand-requests.ts',
      `if (await isBarredByInvoice(tx, books, asked, d, nowMs)) return { kind: 'invoiced' };`,
      'await isBarredByInvoice(tx, books, asked, d, nowMs);',
    ),
    unit('waits by hand for the red one'),
  ),
  mutant(
    'invoice-red-for-nothing',
    'A refund that cannot be takes the invoice back all the same.',
    edit(
      'central/books/hand-requests.ts',
      `      if (told.kind !== 'applied') return { kind: 'unusable', reason: told.reason };
      // What was`,
      `      if (told.kind !== 'applied') {
        await isBarredByInvoice(tx, books, asked, d, nowMs);
        return { kind: 'unusable', reason: told.reason };
      }
      // What was`,
    ),
    unit('asks for no red one where the refund itself cannot be'),
  ),
  mutant(
    'invoice-bars-second-payment',
    'A second payment waits for an invoice that is none of its own.',
    edit(
      'central/invoices/bar.ts',
      'return standingBlue(await invoicesOf(sql, orderId))?.attempt_id === attemptId;',
      `return standingBlue(await invoicesOf(sql, orderId)) !== null && attemptId !== '';`,
    ),
    unit('of a second payment goes back as ever'),
  ),
  mutant(
    'invoice-gateway-pays-back',
    'The gateway hands an invoiced payment back, and its invoice stands.',
    edit(
      'central/gateway/bars.ts',
      `return (await isInvoiced(sql, orderId, attempt)) ? 'invoiced' : null;`,
      `return (await isInvoiced(sql, orderId, attempt)) && attempt === '' ? 'invoiced' : null;`,
    ),
    unit('does not leave by the gateway either'),
  ),
  mutant(
    'invoice-gateway-no-red',
    'The gateway lets money wait for a red invoice that nobody asked for.',
    edit('central/gateway/refunds.ts', 'await redFirst(tx, trade, now());', ''),
    gateway,
  ),
  mutant(
    'invoice-reversal-no-red',
    'A payment by code waits for a red invoice that nobody asked for.',
    edit(
      'central/gateway/reversals.ts',
      `if (bar === 'invoiced') await redFirst(tx, trade, now());`,
      '',
    ),
    gateway,
  ),
  mutant(
    'invoice-outlives-its-money',
    'Money that its kiosk handed back leaves the invoice as it is.',
    edit(
      'central/books/write.ts',
      `filter((entry) => entry.kind === 'refunded')`,
      `filter((entry) => entry.kind === 'adjustment')`,
    ),
    unit('by the books, where its money went back all the same'),
  ),
  mutant(
    'invoice-money-left-meanwhile',
    'Money that leaves while the invoice is made is not seen any more.',
    edit('central/invoices/sender.ts', `row.kind === 'blue' ? nowMs : null,`, 'null,'),
    unit('also where the money leaves while it is made'),
  ),
  mutant(
    'invoice-counts-every-payment',
    'A second payment that went back is taken off the one that was kept.',
    edit(
      'central/invoices/sale.ts',
      `AND r.attempt_id = c.attempt_id AND r.kind = 'refunded') AS back`,
      `AND r.kind = 'refunded') AS back`,
    ),
    unit('not for a second payment that went back'),
  ),
  mutant(
    'invoice-while-money-leaves',
    'What two persons are just handing back is invoiced.',
    edit(
      'central/invoices/sale.ts',
      `if (kept === null || kept.leaving || kept.fen === 0) return 'money-back';`,
      `if (kept === null || kept.fen === 0) return 'money-back';`,
    ),
    unit('is not invoiced while somebody wants it back'),
  ),
  mutant(
    'invoice-titles-for-ever',
    'Titles and tax numbers are kept for good.',
    edit(
      'central/invoices/seen.ts',
      `WHERE buyer_name IS NOT NULL AND ended_ms <= $1`,
      `WHERE buyer_name IS NOT NULL AND ended_ms <= 0 * $1`,
    ),
    unit('keeps a title for its days after the end'),
  ),
  mutant(
    'invoice-titles-too-soon',
    'A title is deleted while its invoice may have to be sent again.',
    edit(
      'central/invoices/seen.ts',
      `WHERE buyer_name IS NOT NULL AND ended_ms <= $1`,
      `WHERE buyer_name IS NOT NULL AND made_ms <= $1`,
    ),
    unit('keeps a title for its days after the end'),
  ),
  mutant(
    'invoice-strangers-name',
    'Who finds a slip reads the whole name of its owner.',
    edit('central/invoices/page.ts', `buyer : maskName(buyer ?? '')`, 'buyer : buyer'),
    unit('is behind its own slip’s code only'),
  ),
  mutant(
    'invoice-check-sign',
    'A tax number with one wrong sign is sent.',
    edit('central/invoices/title.ts', 'weight = (weight * 3) % CODE_SIGNS.length;', 'weight = 1;'),
    title('the credit code 91350100M000100Y43'),
  ),
  mutant(
    'invoice-not-in-gbk',
    'A name with a sign that no invoice can carry is sent.',
    edit('central/invoices/title.ts', 'else return null;', 'else bytes += 2;'),
    title('counts names as GBK takes them'),
  ),
  mutant(
    'invoice-half-offered',
    'An order is invoiced though one of the things that it sold is not configured.',
    edit(
      'central/invoices/sale.ts',
      'lines.some((l) => l.goods === null)',
      'lines.every((l) => l.goods === null && l.piece.amountFen < 0)',
    ),
    unit('of what nobody configured is not offered'),
  ),
  mutant(
    'invoice-promised-too-early',
    'Every slip promises an invoice, one of money that goes back too.',
    edit(
      'kiosk/words/receipt-code.ts',
      `order.state === 'delivered' && isInvoiceable(policy?.receipts, order.sale)`,
      'isInvoiceable(policy?.receipts, order.sale)',
    ),
    kiosk('says that the page makes the invoice too'),
  ),
  mutant(
    'invoice-promised-unconfigured',
    'Kiosks promise invoices that central cannot make.',
    edit(
      'shared/policy-receipts.ts',
      `if (receipts?.invoice !== true) return false;`,
      `if (receipts?.invoice === true) return true;`,
    ),
    kiosk('promises no invoice where central'),
  ),
];
