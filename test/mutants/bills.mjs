// What the platforms' bills are read as. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const COMPARE = (name) => tests('test/unit/reconcile/compare.test.ts', name);
const KEYS = (name) => tests('test/unit/payment/platform-keys.test.ts', name);
const ROWS = 'test/unit/payment/bill-rows.test.ts';

export const BILLS = [
  mutant(
    'bill-change-arrived',
    'A refund that did not reach the customer counts as gone back.',
    edit('payment/wechat/bill.ts', `status === 'CHANGE' || `, ``),
    tests(ROWS, 'says what became of a refund'),
  ),
  mutant(
    'bill-refund-settled-sum',
    'A refund of an order with a coupon counts with less than was applied for.',
    edit('payment/wechat/bill.ts', `at('申请退款金额')`, `at('退款金额')`),
    tests(ROWS, 'says what became of a refund'),
  ),
  mutant(
    'bill-outcome-unheard',
    'Staff hear that a refund which failed has gone back.',
    edit('kiosk/reconcile/judge.ts', `=> r.outcome === undefined;`, `=> r.amountFen >= 0;`),
    tests('test/unit/reconcile/compare.test.ts', 'and that did not arrive'),
  ),
  mutant(
    'bill-totals-one-line',
    'The totals of an Alipay bill are looked for on one line.',
    edit('payment/alipay/bill.ts', `/^#.*退款合计：`, `/^#交易合计：.*退款合计：`),
    tests(ROWS, 'two totals on lines of their own'),
  ),
  mutant(
    'bill-others-spoil',
    'A row that cannot be read spoils the bill.',
    edit(
      'payment/bill-table.ts',
      `records.length - unreadable.length <= count && count <= records.length`,
      `unreadable.length === 0 && count === records.length`,
    ),
    tests(ROWS, 'is not spoiled by a row that cannot be read, of another shop'),
  ),
  mutant(
    'bill-ours-unread',
    'A row of ours that cannot be read is passed over.',
    edit('payment/bill-table.ts', `awaited.length === 0`, `awaited.length >= 0`),
    tests(ROWS, 'is not spoiled by a row that cannot be read, of another shop'),
  ),
  mutant(
    'bill-comma-guess',
    'Of two ways to read a row with commas the first is taken.',
    edit('payment/alipay/bill.ts', `read(found) !== read(cells)`, `read(found) === ''`),
    tests(ROWS, 'sums never shift'),
  ),
  mutant(
    'bill-comma-behind',
    'Commas are looked for in the goods’ name only.',
    edit('payment/alipay/bill.ts', `'门店名称', '操作员', '对方账户', `, ``),
    tests(ROWS, 'sums never shift'),
  ),
  mutant(
    'bill-line-break',
    'A line break in free text makes two rows of one.',
    edit('payment/alipay/bill.ts', `last.length < columns &&`, `last.length < 0 &&`),
    tests(ROWS, 'sums never shift'),
  ),
  mutant(
    'bill-wechat-line-break',
    'A line break in free text ends the row of a WeChat bill.',
    edit('payment/wechat/bill.ts', "['\\r\\n`', '\\n`']", "['\\r\\n', '\\n']"),
    tests(ROWS, 'commas, quotes and line breaks'),
  ),
  mutant(
    'bill-wechat-shifted',
    'A row of a WeChat bill with a cell too many is read all the same.',
    edit('payment/wechat/bill.ts', `cells.length === names.length`, `cells.length >= names.length`),
    tests(ROWS, 'one of ours is asked about again'),
  ),
  mutant(
    'bill-wechat-columns',
    'A WeChat bill without a column that is read passes.',
    edit('payment/wechat/bill.ts', `.some((n) => n < 0)`, `.every((n) => n < 0)`),
    tests(ROWS, 'every column that is read'),
  ),
  mutant(
    'bill-none-accuses',
    '“No bill” says that our captures never were.',
    edit(
      'kiosk/reconcile/compare.ts',
      `if (of.kind === 'none') return 'none';`,
      `if (of.kind === 'none') return 'told';`,
    ),
    COMPARE('nobody is accused, and it is asked for again'),
  ),
  mutant(
    'bill-missing-silent',
    'A bill that never comes is let go without a word.',
    edit(
      'kiosk/reconcile/compare.ts',
      `missing && input.givenUp === true`,
      `missing && date === ''`,
    ),
    COMPARE('is a person’s too'),
  ),
  mutant(
    'bill-missing-at-once',
    'A person is called on the first morning without a bill.',
    edit('kiosk/reconcile/day.ts', `> DAYS_ASKED * DAY_MS`, `> 0 * DAY_MS`),
    tests('test/unit/reconcile/daily.test.ts', 'is asked for on three days'),
  ),
  mutant(
    'bill-partly-whole',
    'A bill with a row of ours that cannot be read counts as whole.',
    edit(
      'kiosk/reconcile/compare.ts',
      `bill.failure !== undefined\n      ?`,
      `bill.failure === null\n      ?`,
    ),
    COMPARE('of one wallet behind the gateway'),
  ),
  mutant(
    'bill-week-off',
    'Days that a kiosk was off for are never compared.',
    edit('kiosk/reconcile/daily.ts', `DAYS_BACK = 10`, `DAYS_BACK = 4`),
    tests('test/unit/reconcile/daily.test.ts', 'was off for a week'),
  ),
  mutant(
    'bill-failed-untold',
    'Staff are not told that a refund which they parked did not arrive.',
    edit('kiosk/reconcile/judge.ts', `if (failedIn(here) &&`, `if (failedIn([]) &&`),
    COMPARE('given up here, and it did not arrive'),
  ),
  mutant(
    'bill-pending-then-failed',
    'A refund that was under way in one bill and failed in the next counts as gone back.',
    [
      edit('kiosk/reconcile/judge.ts', `if (failedIn(here) &&`, `if (failedIn([]) &&`),
      edit('kiosk/reconcile/judge.ts', `else if (failedIn(rows)) failed(rows);`, ``),
      edit('kiosk/reconcile/judge.ts', `rows.some(under) && !failedIn(rows)`, `rows.some(under)`),
    ],
    COMPARE('failed after an earlier bill had it under way'),
  ),
  mutant(
    'bill-failed-is-missing',
    'A refund that failed is told as one that no bill has.',
    edit('kiosk/reconcile/judge.ts', `else if (failedIn(rows)) failed(rows);`, ``),
    COMPARE('is judged with the day that says it is done'),
  ),
  mutant(
    'gateway-bill-one-bad',
    'One wallet’s bill that is late silences the others’.',
    edit('central/gateway/bills.ts', `if (numbers.length > 0) bad ??= told;`, `return told;`),
    tests('test/unit/central/gateway.test.ts', 'hides no other’s'),
  ),
  mutant(
    'gateway-bill-none-accuses',
    'A wallet’s “no bill” behind the gateway says that its captures never were.',
    edit(
      'central/gateway/bills.ts',
      `if (told.kind === 'none') awaited.push(...(await numbersOf(wallet)));`,
      `if (told.kind === 'none') continue;`,
    ),
    tests('test/unit/central/gateway.test.ts', 'hides no other’s'),
  ),
  mutant(
    'alipay-sign-first',
    'An Alipay answer whose sign stands first is not believed.',
    edit('payment/alipay/client.ts', `"\\s*,\\s*)*$/;`, `"\\s*,\\s*){0}$/;`),
    tests(ROWS, 'sign first'),
  ),
  mutant(
    'wechat-serial-spelling',
    'A platform serial in lower case or with colons is another one.',
    edit('payment/wechat/platform-key.ts', `.toUpperCase();`, `.slice(0);`),
    KEYS('in either case, with or without colons'),
  ),
  mutant(
    'wechat-own-certificate',
    'The merchant’s own certificate may stand under a platform’s serial.',
    edit('payment/wechat/platform-key.ts', `.includes(\`CN=\${merchant.mchid}\`)`, `.includes('')`),
    KEYS('never that of the merchant’s own'),
  ),
  mutant(
    'wechat-own-key',
    'The merchant’s own key may stand in the place of the platform’s.',
    edit(
      'payment/wechat/platform-key.ts',
      `spki(createPublicKey(pem)) === spki(createPublicKey(merchant.privateKey))`,
      `pem === ''`,
    ),
    KEYS('never that of the merchant’s own'),
  ),
  mutant(
    'certificates-unsaid',
    'A certificate that ends in a week is not said.',
    edit('main/cli/certificates.ts', `NEAR_DAYS = 30`, `NEAR_DAYS = 7`),
    KEYS('near their end are said'),
  ),
  mutant(
    'alipay-own-error',
    'What Alipay’s platform itself says reaches nobody.',
    edit('payment/alipay/client.ts', `if (platform !== null)`, `if (platform === '')`),
    KEYS('reaches the technician'),
  ),
];
