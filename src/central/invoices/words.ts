import type { Both } from '../receipts/words.ts';
import type { NoInvoice } from './sale.ts';
import type { TitleFault } from './title.ts';

/** What a customer reads on his phone about an invoice: short, and what to do next. */

export const FAULTS: Readonly<Record<TitleFault, Both>> = {
  'name-missing': ['请填单位名称。', 'Please fill in the company’s name.'],
  'name-long': [
    '名称太长：最多 50 个汉字。',
    'The name is too long: at most 100 letters, or 50 Chinese characters.',
  ],
  'name-signs': [
    '名称里有不能开在发票上的符号，请改一下。',
    'The name has a sign that no invoice can carry. Please change it.',
  ],
  'tax-missing': ['单位发票要填税号。', 'A company’s invoice needs its tax number.'],
  'tax-form': [
    '税号不对：应是 15 到 20 位数字或大写字母。',
    'The tax number has 15 to 20 digits or capital letters.',
  ],
  'tax-check': [
    '税号不对：18 位里有一位错了，请对照营业执照。',
    'One of the 18 signs of the tax number is wrong. Please look at the business licence.',
  ],
};

/** Why there is no invoice: title, and what to do. */
export const NOT_NOW: Readonly<Record<NoInvoice | 'too-often', readonly [Both, Both]>> = {
  'not-delivered': [
    ['还不能开票', 'Not yet'],
    [
      '这笔办好以后才能开。请过几分钟再扫凭条上的码。',
      'It can be made once the purchase is complete. Scan the code on your slip again in a few minutes.',
    ],
  ],
  'not-offered': [
    ['这笔不能在这里开票', 'No invoice here'],
    ['请带凭条到营业厅开，或拨打热线。', 'Take your slip to a counter, or call us.'],
  ],
  'money-back': [
    ['这笔不能开票', 'No invoice for this one'],
    [
      '款已退回，或正在退。有疑问请拨打热线。',
      'Its money went back, or is on its way. Call us if that is not so.',
    ],
  ],
  'too-late': [
    ['已过自助开票的时间', 'Too late to do it here'],
    ['请带凭条到营业厅开。', 'Take your slip to a counter.'],
  ],
  'too-often': [
    ['试了太多次', 'Too many tries'],
    ['请带凭条到营业厅开，或拨打热线。', 'Take your slip to a counter, or call us.'],
  ],
};

export const W = {
  invoice: ['电子发票', 'E-invoice'],
  make: ['开发票', 'Make out an invoice'],
  lead: [
    '免费。开好后在手机上看，也可以保存。',
    'Free of charge. You see it on your phone and can save it.',
  ],
  again: ['上次没有开成', 'It was not made last time'],
  reversed: [
    '原来的发票已经红冲作废，请重新填。',
    'The earlier invoice was taken back. Please fill in anew.',
  ],
  whose: ['开给谁', 'For whom'],
  person: ['个人', 'A person'],
  company: ['单位', 'A company'],
  name: ['名称（抬头）', 'Name on the invoice'],
  personName: ['姓名（不填就开“个人”）', 'Name (left empty: 个人)'],
  companyName: ['单位名称', 'Company’s name'],
  taxNo: ['税号（统一社会信用代码）', 'Tax number'],
  next: ['下一步', 'Next'],
  check: ['请核对', 'Please check'],
  checkLead: [
    '开错了不能直接改，要到营业厅红冲后重开。',
    'A wrong one cannot be changed: staff must take it back first.',
  ],
  sum: ['金额', 'Sum'],
  seller: ['开票单位', 'Made out by'],
  confirm: ['确认开票', 'Make it out'],
  edit: ['返回修改', 'Change'],
  underWay: ['正在开发票', 'Your invoice is being made'],
  underWayLead: [
    '一般一分钟内开好，本页会自己刷新。也可以先关掉，以后再扫凭条上的码来看。',
    'Mostly within a minute; this page looks again by itself. You may close it and scan your slip’s code later.',
  ],
  issued: ['发票已开好', 'Your invoice is made'],
  open: ['打开发票', 'Open the invoice'],
  number: ['发票号码', 'Invoice number'],
  date: ['开票日期', 'Date'],
  wrong: ['抬头或税号开错了？', 'A wrong name or number?'],
  wrongLead: [
    '请拨打热线，或带凭条到营业厅：工作人员红冲以后，再扫这个码重开。',
    'Call us or go to a counter: staff take it back, then scan this code again.',
  ],
  reversing: ['正在红冲原发票', 'The invoice is being taken back'],
  reversingLead: [
    '原来的发票不能再用。红冲完成以后，再扫凭条上的码来看。',
    'Do not use it any more. Scan your slip’s code again later.',
  ],
  back: ['返回凭条', 'Back to the receipt'],
  took: [
    '这笔订单刚刚已经申请过开票，没有再开第二张。',
    'Somebody has just asked for this order’s invoice. No second one is made.',
  ],
} as const satisfies Record<string, Both>;
