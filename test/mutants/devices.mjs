// UPS, door, lamps, and what the machine does without a device. `by` as in catalogue.mjs.
export const devices = ({ mutant, edit, unit }) => [
  mutant(
    'halt-unheard',
    'The door is open, or the mains are off, and the machine goes on selling.',
    edit(
      'kiosk/watch/selling.ts',
      'return service.devices.find((d) => d.halts !== undefined)?.halts ?? null;',
      'return service.devices.length < 0 ? (service.devices[0]?.halts ?? null) : null;',
    ),
    unit('kiosk/halt', 'before money is asked for'),
  ),
  mutant(
    'halt-takes-money-away',
    'A payment that was made in the instant in which its code was called off goes back, as if the customer had cancelled.',
    edit('kiosk/visit/halt.ts', `closeWhy: 'recovery' }`, `closeWhy: 'customer' }`),
    unit('kiosk/halt', 'a code is paid in the instant'),
  ),
  mutant(
    'halt-lets-visits-go-on',
    'Whoever is at the machine when the mains fail goes on to pay.',
    edit('kiosk/visit/visit.ts', 'if (halt !== null) return', 'if (halt === undefined) return'),
    unit('kiosk/halt', 'a code is shown, and nobody paid it'),
  ),
  mutant(
    'ups-unknown-is-battery',
    'A UPS of which nobody knows takes the machine out of service.',
    edit('device/ups/nut.ts', `on ? 'on' : 'unknown'`, `on ? 'on' : 'battery'`),
    unit('device/ups', 'is unknown, low: false'),
  ),
  mutant(
    'ups-low-on-mains',
    'A battery that is being charged stops the machine.',
    edit(
      'device/ups/nut.ts',
      `low: battery && (forced || flags.has('LB'))`,
      `low: forced || flags.has('LB')`,
    ),
    unit('device/ups', 'OL CHRG LB'),
  ),
  mutant(
    'mains-flicker-stops',
    'Each flicker of the mains ends the visit.',
    edit(
      'device/ups/mains.ts',
      `if (forMs >= SETTLE_MS) this.#set('battery')`,
      `this.#set('battery')`,
    ),
    unit('device/ups', 'a flicker is nothing'),
  ),
  mutant(
    'mains-back-at-once',
    'Mains that are heard again after a silence count at once.',
    edit(
      'device/ups/mains.ts',
      `(this.#onSinceMono ?? nowMono) : null`,
      `this.#backSinceMono : null`,
    ),
    unit('device/ups', 'heard again after a silence'),
  ),
  mutant(
    'halted-while-changing',
    'Whoever was changing how he pays when the mains failed is not told why it ended.',
    edit('kiosk/visit/halt.ts', ` || isChanging(s, open)`, ``),
    unit('kiosk/halt', 'his code was read'),
  ),
  mutant(
    'asked-again-after-the-halt',
    'One payment that ends is followed by another though the machine is halted.',
    edit('kiosk/orders.ts', `    !ctx.mayAskAgain ||\n`, ``),
    unit('kiosk/halt', 'declined after it'),
  ),
  mutant(
    'late-answer-ends-the-stopped',
    'A policy that comes after the orderly stop ends the process.',
    edit(
      'kiosk/watch/monitor.ts',
      `#offered(policy: IssuedPolicy, raw: string): void {
    if (this.#stopped) return;`,
      `#offered(policy: IssuedPolicy, raw: string): void {`,
    ),
    unit('kiosk/stopped', 'asked of central'),
  ),
  mutant(
    'mains-lost-for-ever',
    'A machine whose upsd goes away on battery never serves again.',
    edit('device/ups/mains.ts', `this.#backSinceMono + LOST_MS`, `this.#backSinceMono + Infinity`),
    unit('device/ups', 'who was on battery is believed for a minute'),
  ),
  mutant(
    'stop-cuts-what-is-in-flight',
    'At the end of the battery a write is cut though there is time.',
    edit(
      'main/core/power-stop.ts',
      'if (!atRest() && ',
      'if (!atRest() && this.#sinceMono < 0 && ',
    ),
    unit('device/power-stop', 'what is in flight ends first'),
  ),
  mutant(
    'door-closed-by-a-cut-line',
    'Who cuts the line behind an open door makes the machine serve again.',
    edit('device/door/modbus-door.ts', `this.#state === 'open' ? 'open' : 'unknown'`, `'unknown'`),
    unit('device/modbus', 'closes nothing'),
  ),
  mutant(
    'device-facts-flood',
    'A door that flaps writes a fact each time.',
    edit(
      'kiosk/watch/device-facts.ts',
      'return at.length < MOST ? SETTLED_MS : QUIET_MS;',
      'return at.length < Infinity ? SETTLED_MS : QUIET_MS;',
    ),
    unit('kiosk/device-facts', 'flaps all day'),
  ),
  mutant(
    'lost-device-is-nothing',
    'The machine says that it is in service without a printer, to staff and customers.',
    edit(
      'kiosk/watch/selling.ts',
      `if (effect !== 'degraded' || isUsable(devices, kind)) return [];`,
      `if (effect !== 'out-of-service' || isUsable(devices, kind)) return [];`,
    ),
    unit('device/without', 'without printer'),
  ),
];
