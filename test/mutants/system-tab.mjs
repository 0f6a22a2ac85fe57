// Sabotages of the log and of the machine at the screen.

/** @param make `mutant`, `edit` and `unit` of catalogue.mjs */
export const systemTab = ({ mutant, edit, unit }) => [
  mutant(
    'machine-restarts-in-a-write',
    'The machine restarts while a card is being written.',
    edit('kiosk/maintenance/machine.ts', 'while (inFlight() &&', 'while (!inFlight() &&'),
    unit('kiosk/system-tab', 'restarts only after a write'),
  ),
  mutant(
    'restart-for-no-reason',
    'A restart needs no reason.',
    edit(
      'kiosk/maintenance/actions.ts',
      "why === '' || mode.machine === null",
      'mode.machine === null',
    ),
    unit('kiosk/system-tab', 'nothing is without a reason'),
  ),
  mutant(
    'staff-restart-the-machine',
    'Hall staff restart the machine.',
    edit('kiosk/maintenance/roles.ts', "'restart-machine': TECHNICIAN", "'restart-machine': HANDS"),
    unit('kiosk/system-tab', 'staff restart the program'),
  ),
  mutant(
    'log-shows-whole-numbers',
    'What programs warned of shows whole card numbers on the screen.',
    edit('main/core/log-ring.ts', 'said.replaceAll(NUMBER, maskCardNo)', 'said'),
    unit('kiosk/system-tab', 'bare numbers masked'),
  ),
];
