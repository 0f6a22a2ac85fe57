// What a printer would be believed, and what would come out of it, once one of its mends is undone.
const DRIVER = 'device/printer/escpos-printer.ts';
const ANSWERS = 'device/printer/answers.ts';
const LAYOUT = 'device/printer/layout.ts';
const ESCPOS = 'device/printer/escpos.ts';
const NO_SLIP = 'kiosk/visit/no-slip.ts';

export const printer = ({ mutant, edit, unit }) => [
  mutant(
    'printed-when-sent',
    'A slip counts as printed when its bytes were taken.',
    edit(DRIVER, `end.printed = answer !== null;`, `end.printed = true;`),
    unit('device/printer', 'cut at each byte'),
  ),
  mutant(
    'printed-by-real-time',
    'An answer that overtakes the data is taken for the end of the print.',
    edit(DRIVER, `is: (a) => a.kind === 'in-order' };`, `is: (a) => a.kind === 'real-time' };`),
    unit('device/printer', 'paper that ends in the middle'),
  ),
  mutant(
    'printed-by-the-last-one',
    'The answer for an earlier slip is taken for this one’s.',
    edit(
      DRIVER,
      `if ((await talk.next((a) => a.kind === 'in-order', QUIET_MS)) === null) return true;`,
      `return true;`,
    ),
    unit('device/printer', 'an answer for the last slip'),
  ),
  mutant(
    'babbler-believed',
    'A printer that speaks unasked confirms every slip.',
    edit(DRIVER, `  return false;`, `  return true;`),
    unit('device/printer', 'speaking unasked'),
  ),
  mutant(
    'no-slip-only-at-the-tap',
    'A printer that fails while the order is being made: money is asked for all the same.',
    edit(
      'kiosk/visit/card-sale/card-sale.ts',
      `if (mustAgreeToNoSlip(state, s))
    return step(state, askingNoSlip(state, { ...s, busy: null }`,
      `if (mustAgreeToNoSlip(state, { slipless: true }))
    return step(state, askingNoSlip(state, { ...s, busy: null }`,
    ),
    unit('kiosk/no-slip', 'while the order is being made'),
  ),
  mutant(
    'sent-without-paper',
    'A printer without paper is sent the slip, and prints it before the next customer.',
    edit(DRIVER, `if (!before.ready) return this.#failed(before, 'DEV-0101');`, ``),
    unit('device/printer', 'without paper nothing is sent'),
  ),
  mutant(
    'rest-is-left',
    'What an earlier slip left in the printer is printed with the next one.',
    edit(DRIVER, `asked.ready && this.#rest !== 'none' ? await`, `asked.ready && false ? await`),
    unit('device/printer', 'cut at each byte'),
  ),
  mutant(
    'rest-is-not-forgotten',
    'A printer that can forget a slip keeps it for the next roll.',
    edit(DRIVER, `if (model.clears) await this.#clear(talk);`, ``),
    unit('device/printer', 'epson-tm-t88: paper that ends in the middle'),
  ),
  mutant(
    'rest-is-not-void',
    'A half slip is cut off and does not say that it is void.',
    edit(
      ESCPOS,
      `const words: readonly SlipLine[] = begun`,
      `const words: readonly SlipLine[] = !begun`,
    ),
    unit('device/printer', 'cut at each byte'),
  ),
  mutant(
    'half-a-command-goes-on',
    'A command that was cut takes the beginning of the next slip.',
    edit(ESCPOS, `const LONGEST_COMMAND = 2_048;`, `const LONGEST_COMMAND = 0;`),
    unit('device/printer', 'cut at each byte'),
  ),
  mutant(
    'killed-in-a-slip',
    'A process that comes up after a kill does not know that a slip was begun.',
    edit(DRIVER, `options.trace?.begun() === true ? 'some' : 'unknown'`, `'unknown'`),
    unit('device/printer', 'killed in the middle of a slip'),
  ),
  mutant(
    'automatic-status-is-noise',
    'A printer with automatic status on is told as broken.',
    edit(
      ANSWERS,
      `if ((byte & 0x93) === 0x10) {`,
      `if ((byte & 0x93) === 0x10) return { kind: 'real-time', byte };\n    if (byte === -1) {`,
    ),
    unit('device/printer', 'automatic status on'),
  ),
  mutant(
    'commands-in-a-text',
    'A control character in a text reaches the printer.',
    edit(LAYOUT, `if (/[\\p{Cc}\\p{Cf}\\p{Mn}]/u.test(char)) return '';`, ``),
    unit('device/printer-layout', 'no text is a command'),
  ),
  mutant(
    'beyond-the-code-page',
    'A character that the printer has not is sent as another one.',
    edit(LAYOUT, `if (has && iconv`, `if (has || iconv`),
    unit('device/printer-layout', 'what no printer has'),
  ),
  mutant(
    'half-wide-punctuation',
    'Full-width punctuation counts one column.',
    edit(
      LAYOUT,
      `return encoded(text).length;`,
      `return encoded(text.replace(/[“”·…—×]/g, '-')).length;`,
    ),
    unit('device/printer-layout', 'a character of two bytes'),
  ),
  mutant(
    'no-slip-unasked',
    'Money is asked for though no slip can be printed and the customer was not told.',
    edit(NO_SLIP, `!slipless && !isUsable`, `slipless && !isUsable`),
    unit('kiosk/no-slip', 'agreed to in one touch'),
  ),
  mutant(
    'no-slip-for-cards-only',
    'Bills and top-ups are paid without that question.',
    edit(
      'kiosk/visit/account-sale/account-sale.ts',
      `if (mustAgreeToNoSlip(state, s)) return step(state, askingNoSlip(state, s, now));`,
      ``,
    ),
    unit('kiosk/no-slip', 'an IoT meter, bills'),
  ),
  mutant(
    'partly-is-failed',
    'Of a slip that came out in part it is said that it did not come out.',
    edit('kiosk/run/paper.ts', `=== 'DEV-0102' ? 'partly'`, `=== 'DEV-0102' ? 'failed'`),
    unit('kiosk/no-slip', 'is said, is a fact'),
  ),
];
