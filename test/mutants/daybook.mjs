// Sabotages of settlements, of what leaves on a stick, and of who may do what.

/** @param make `mutant`, `edit` and `unit` of catalogue.mjs */
export const daybook = ({ mutant, edit, unit }) => [
  mutant(
    'shift-parked-twice',
    'Money that a person settled leaves the parked side a second time.',
    edit(
      'journal/shift.ts',
      `    ? 'parked'
    : place;`,
      `    ? 'refunded'
    : place;`,
    ),
    unit('journal/shifts', 'a later shift delivers'),
  ),
  mutant(
    'shift-from-the-clock',
    'A shift begins a fact after the last one ended.',
    edit('journal/shift.ts', `  from: s.to,`, `  from: { ...s.to, seq: s.to.seq + 1 },`),
    unit('journal/shifts', 'cut anywhere'),
  ),
  mutant(
    'shift-opens-with-nothing',
    'A shift forgets what was in transit before it.',
    edit('journal/shift.ts', `  opening: s.closing,`, `  opening: firstShift(null).opening,`),
    unit('journal/shifts', 'a later shift delivers'),
  ),
  mutant(
    'shift-pruned-uncounted',
    'Facts are pruned of a shift that nobody settled.',
    edit(
      'journal/journal.ts',
      `const settling = last === null || `,
      `const settling = last !== null && `,
    ),
    unit('journal/shifts', 'is not pruned away'),
  ),
  mutant(
    'shift-rows-unseen',
    'A shift is not held against the rows.',
    edit('journal/shift.ts', `transitFen: stock.transitFen - closing.transit.fen`, `transitFen: 0`),
    unit('journal/shifts', 'no fact moved'),
  ),
  mutant(
    'shift-restored-ahead',
    'A restored journal keeps the closing of facts that it lost.',
    edit('journal/restore.ts', `if (!before(plan.head, s)) book.st`, `if (s.seq > 0) book.st`),
    unit('journal/shifts', 'lost with its facts'),
  ),
  mutant(
    'shift-closed-without-a-word',
    'Parked money is handed over without a word.',
    edit(
      'kiosk/maintenance/run.ts',
      `if (doubts.length > 0 && why === '')`,
      `if (doubts.length > 9 && why === '')`,
    ),
    unit('kiosk/daybook', 'wants a word'),
  ),
  mutant(
    'role-only-on-the-page',
    'Whatever a page sends is done, whoever has it.',
    edit(
      'kiosk/maintenance/actions.ts',
      `if (!mayDo(mode.role, action)) return nothing(state);`,
      ``,
    ),
    unit('kiosk/daybook', 'neither offered nor done'),
  ),
  mutant(
    'export-unsealed-facts',
    'Facts leave though there is no key to seal them to.',
    edit(
      'main/export/bundle.ts',
      `    ...(sealed
      ? [`,
      `    ...(parts.db.open
      ? [`,
    ),
    unit('cli/export', 'nothing with a person'),
  ),
  mutant(
    'export-signature-unseen',
    'A manifest is believed whatever was signed.',
    edit(
      'main/export/open.ts',
      `if (signed.value.sha256 !== sha256(said))`,
      `if (signed.value.sha256 === '')`,
    ),
    unit('cli/export', 'whatever was changed'),
  ),
  mutant(
    'export-stranger-file',
    'A file that no manifest names is let through.',
    edit(
      'main/export/open.ts',
      `if (byName.size !== files.length + 2)`,
      `if (byName.size < files.length + 2)`,
    ),
    unit('cli/export', 'whatever was changed'),
  ),
  mutant(
    'export-to-the-system-disk',
    'The empty folder of a pulled stick is written to.',
    edit(
      'main/export/stick.ts',
      `return deviceName(dev) === device;`,
      `return deviceName(dev) !== '';`,
    ),
    unit('cli/export', 'whose stick was pulled'),
  ),
  mutant(
    'export-not-read-back',
    'A stick is believed whatever it holds.',
    edit('main/export/write.ts', `if (!back.equals(bytes))`, `if (back.length > bytes.length)`),
    unit('cli/export', 'reads back something else'),
  ),
  mutant(
    'export-formula',
    'A name that begins with = runs in a spreadsheet.',
    edit('main/export/tables.ts', `const text = harmless(cell);`, `const text = cell;`),
    unit('cli/export', 'run no formula'),
  ),
];
