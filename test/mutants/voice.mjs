// What is said aloud, and to whom. `by` as in catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/unit/renderer/voice-${file}.test.ts`],
  name,
});
const edit = (file, find, replace) => ({ file: `src/renderer/voice/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const VOICE = [
  mutant(
    'voice-balance-in-the-hall',
    'The loudspeaker tells the hall what a customer owns.',
    edit(
      'prompts.ts',
      "listening === 'headphones' || segment.isPrivate !== true",
      "listening !== 'loudspeaker' || true",
    ),
    unit('prompts', 'no balance'),
  ),
  mutant(
    'voice-ten-times',
    'A thousand and five is said as a thousand and fifty: the zero between is left out.',
    edit('numbers.ts', 'if (before && (rest < 10 || hundreds === 0)) clips.push(clip(0));', ''),
    unit('numbers', 'every Chinese number'),
  ),
  mutant(
    'voice-decimals',
    'The decimals of a sum are said as a number: five fen as fifty.',
    edit(
      'numbers.ts',
      '...[...decimals].map((digit) => clip(Number(digit)))',
      'clip(Number(decimals))',
    ),
    unit('numbers', 'digit by digit'),
  ),
  mutant(
    'voice-sum-cut',
    'A sum that the next screen cut off counts as said.',
    edit(
      'speaker.ts',
      'if (turn !== this.#turn) return; this.#playing = null;',
      'this.#playing = null;',
    ),
    unit('speaker', 'a sum is heard whole once'),
  ),
  mutant(
    'voice-not-muted',
    'The mute button is pressed, and the machine goes on speaking.',
    edit(
      'voice.ts',
      'voice?.muted === true ? null : loudnessOf(voice, nowMs)',
      'loudnessOf(voice, nowMs)',
    ),
    unit('speaker', 'muted for the visit'),
  ),
  mutant(
    'voice-quiet-hours',
    '“Take your card” is as loud at night as by day.',
    edit('speaker.ts', 'Math.min(gainOf(mostPercent), base * LOUDER ** n)', 'base * LOUDER ** n'),
    unit('speaker', 'louder never passes'),
  ),
  mutant(
    'voice-other-order',
    'What was received for one order is not said for the next.',
    edit('prompts.ts', 'once: `received ${s.orderRef}`', "once: 'received'"),
    unit('prompts', 'each order’s sum'),
  ),
];
