// The page of a slip's code. `by` as in catalogue.mjs.
const unit = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const page = (name) => unit('test/unit/central/receipts.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const RECEIPTS = [
  mutant(
    'receipt-any-signature',
    'A slip’s page opens for whoever counts order numbers.',
    edit(
      'central/receipts/receipt.ts',
      'if (!(await isSigned(sql, token, { ...at, bornMs }))) return',
      'if (!(await isSigned(sql, token, { ...at, bornMs })) && bornMs < 0) return',
    ),
    page('opens by its own terminal’s key only'),
  ),
  mutant(
    'receipt-old-key-for-ever',
    'A key that a terminal had opens the pages of later orders too.',
    edit('central/receipts/receipt.ts', 'until_ms > $2', 'until_ms > 0 * $2'),
    page('by the old key for no later order'),
  ),
  mutant(
    'receipt-whole-number',
    'A slip’s page shows the whole card number.',
    edit('central/receipts/receipt.ts', 'maskCardNo(order.card_no)', 'order.card_no'),
    page('tells what was bought, paid'),
  ),
  mutant(
    'receipt-over-the-card',
    'The receipt’s code is shown while the card is still to be taken.',
    edit(
      'kiosk/visit/order-view.ts',
      'const receiptUrl = s.cardOut ? ctx.receiptUrl(s.orderId) : null;',
      'const receiptUrl = ctx.receiptUrl(s.orderId);',
    ),
    unit('test/unit/kiosk/receipts.test.ts', 'slip and thanks screen show one code'),
  ),
  mutant(
    'receipt-no-code',
    'Slips carry no code.',
    edit('kiosk/kiosk.ts', '[...lines, ...code]', '[...lines]'),
    unit('test/unit/kiosk/receipts.test.ts', 'every slip has it'),
  ),
  mutant(
    'receipt-key-forgotten',
    'A terminal’s key is changed twice, and the slips of before open no page any more.',
    edit('central/fleet/keys.ts', 'if (!same && row.next_key !== null)', 'if (nextKey === old)'),
    page('a key that is changed stays for the slips of its time'),
  ),
  mutant(
    'receipt-key-lives-on',
    'A key that is over opens the pages of orders that began behind it.',
    edit(
      'central/receipts/receipt.ts',
      '...liveKeys(terminal, at.nowMs),',
      '...liveKeys(terminal, at.nowMs), terminal.public_key,',
    ),
    page('a key that is changed stays for the slips of its time'),
  ),
  mutant(
    'receipt-code-too-wide',
    'A long code is six dots a module, wider than the paper, and real printers leave it out.',
    edit(
      'device/printer/escpos.ts',
      'Math.min(MODULE_DOTS, Math.floor(dots / modules))',
      'Math.max(MODULE_DOTS, Math.floor(dots / modules))',
    ),
    unit('test/unit/device/printer-layout.test.ts', 'is as large as the paper takes it'),
  ),
  mutant(
    'receipt-code-no-white',
    'A code stands close to the words above it, where scanners need white.',
    edit(
      'device/printer/escpos.ts',
      'bytes(0x1b, 0x4a, QUIET_MODULES * dots)',
      'bytes(0x1b, 0x4a, 0)',
    ),
    unit('test/unit/device/printer-layout.test.ts', 'is as large as the paper takes it'),
  ),
];
