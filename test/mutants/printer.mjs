// What a printer would be believed, and what would come out of it, once one of its mends is undone.
const TCP = 'device/printer/tcp.ts';
const LAYOUT = 'device/printer/layout.ts';

export const printer = ({ mutant, edit, unit }) => [
  mutant(
    'printed-when-sent',
    'A slip counts as printed when its bytes were taken.',
    edit(TCP, `line.onPrinted = () => end(before);`, `end(before);`),
    unit('device/printer', 'paper that ends in the middle'),
  ),
  mutant(
    'printed-by-real-time',
    'An answer that overtakes the data is taken for the end of the print.',
    edit(TCP, `if (answer.kind === 'in-order') this.onPrinted();`, `this.onPrinted();`),
    unit('device/printer', 'paper that ends in the middle'),
  ),
  mutant(
    'sent-without-paper',
    'A printer without paper is sent the slip, and prints it before the next customer.',
    edit(TCP, `if (!before.ready) return end(before);`, ``),
    unit('device/printer', 'without paper nothing is sent'),
  ),
  mutant(
    'automatic-status-is-noise',
    'A printer with automatic status on is told as broken.',
    edit(
      'device/printer/escpos.ts',
      `else if ((byte & 0x93) === 0x10) this.#automatic = [byte];`,
      `else if ((byte & 0x93) === 0x10) found.push({ kind: 'real-time', byte });`,
    ),
    unit('device/printer', 'automatic status on'),
  ),
  mutant(
    'commands-in-a-text',
    'A control character in a text reaches the printer.',
    edit(LAYOUT, `if (/[\\p{Cc}\\p{Cf}\\p{Mn}]/u.test(char)) return '';`, ``),
    unit('device/printer', 'no text is a command'),
  ),
  mutant(
    'beyond-the-code-page',
    'A character that the printer has not is sent as four bytes.',
    edit(LAYOUT, `length <= 2 &&`, `length <= 4 &&`),
    unit('device/printer', 'what the code page has not'),
  ),
  mutant(
    'half-wide-punctuation',
    'Full-width punctuation counts one column.',
    edit(
      LAYOUT,
      `return encoded(text).length;`,
      `return encoded(text.replace(/[“”·…—×]/g, '-')).length;`,
    ),
    unit('device/printer', 'a character of two bytes'),
  ),
];
