import type { Signals } from '../../device/lamps/types.ts';
import type { KioskState } from '../state/kiosk.ts';
import { outOfService } from '../watch/selling.ts';
import type { Needs } from './service.ts';

/**
 * What the machine's lamps show, by what the visit needs and never by the screen's name: where a
 * hand is to go. The alarm sounds while the door is open and no technician has shown who he is.
 */
export function signalsOf(state: KioskState, needs: Needs): Signals {
  const { mode } = state.maintenance;
  // Nobody is asked for a card by a machine that serves nobody; one that is inside is to be taken.
  const serves = state.reader.state !== 'empty' || outOfService(state) === null;
  return {
    card: needs.card === 'out' && serves,
    scanner: needs.scanner,
    printer: needs.printer === true,
    alarm: mode.at !== 'open' && state.service.devices.some((d) => d.halts === 'DEV-0401'),
  };
}
