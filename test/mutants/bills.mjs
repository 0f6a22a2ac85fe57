// What the platforms' bills are read as. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
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
    edit('payment/wechat/bill.ts', `asked < 0 ? columns.refund : asked`, `columns.refund`),
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
    'A row of another shop spoils the bill.',
    edit('payment/alipay/bill.ts', `if (OURS.test(trade)) return`, `return`),
    tests(ROWS, 'is not spoiled by a row of another shop'),
  ),
  mutant(
    'alipay-sign-first',
    'An Alipay answer whose sign stands first is not believed.',
    edit('payment/alipay/client.ts', `"\\s*,\\s*)*$/;`, `"\\s*,\\s*){0}$/;`),
    tests(ROWS, 'sign first'),
  ),
];
