// What a scanner would press, or would not read, once one of its mends is undone.
const WEDGE = 'renderer/state/wedge.ts';
const LINE = 'device/scanner/framing.ts';

export const scanners = ({ mutant, edit, unit }) => [
  mutant(
    'burst-presses',
    'The Enter behind a scanner’s keys presses what has the focus.',
    edit(
      WEDGE,
      `if (text === '') return;\n      event.preventDefault();`,
      `if (text === '') return;`,
    ),
    unit('renderer/wedge', 'presses nothing on'),
  ),
  mutant(
    'burst-without-end',
    'A code that nothing ends is never one.',
    edit(WEDGE, `cancelPause = clock.after(GAP_MS, end);`, ``),
    unit('renderer/wedge', 'nothing behind'),
  ),
  mutant(
    'burst-by-tab',
    'TAB ends no code.',
    edit(WEDGE, `new Set(['Enter', 'Tab', ' '])`, `new Set(['Enter', ' '])`),
    unit('renderer/wedge', 'presses nothing on'),
  ),
  mutant(
    'burst-behind-input-method',
    'What an input method swallows is lost.',
    edit(WEDGE, `event.key === 'Process' || event.key`, `event.key`),
    unit('renderer/wedge', 'behind an input method'),
  ),
  mutant(
    'burst-of-another-screen',
    'A code that began on another screen counts on this one.',
    edit(
      WEDGE,
      `wanted = text === '' || listening() === wanted ? listening() : null;`,
      `wanted = listening();`,
    ),
    unit('renderer/wedge', 'begun before the pay screen'),
  ),
  mutant(
    'person-presses-nothing',
    'Enter alone presses nothing any more: a switch is dead.',
    edit(WEDGE, `if (text === '') return;\n      event`, `event`),
    unit('renderer/wedge', 'alone does what it does'),
  ),
  mutant(
    'framing-is-noise',
    'A code between STX and ETX is dropped as noise.',
    edit(
      LINE,
      `if (byte === CR || byte === LF || isFraming(byte)) this.#edge = this.#text !== '';`,
      `if (byte === CR || byte === LF) this.#edge = this.#text !== '';`,
    ),
    unit('device/scanner', 'what frames a code is none of it'),
  ),
  mutant(
    'framing-inside',
    'What stands behind a NUL inside a code is joined to what stood before.',
    edit(LINE, `this.#edge = this.#text !== '';`, `this.#edge = false;`),
    unit('device/scanner', 'framing inside a code is none'),
  ),
  mutant(
    'burst-of-a-bill',
    'A bill’s code that is typed is nobody’s where its number is wanted.',
    edit(WEDGE, `snapshot?.screen === 'user-no' && snapshot.scanner`, `false && snapshot.scanner`),
    unit('renderer/wedge', 'is a bill’s where its number is wanted'),
  ),
  mutant(
    'prefix-is-a-code',
    'A code without the prefix that was set up is taken all the same.',
    edit(LINE, `if (!text.startsWith(this.#prefix)) return null;`, ``),
    unit('device/scanner', 'as configured'),
  ),
];
