import { systemClock } from '../src/main/ports.ts';
import { CardSlot } from '../src/simulator/vpcd/client.ts';
import { LAYOUT_CASES } from '../test/conformance/cards.ts';

/**
 * The simulated cards, in a process of their own, so that neither the driver nor the floor shares
 * its thread with them. Argument: vpcd's port. Messages: a layout's name puts its golden card in,
 * '' takes it out.
 */
const port = Number(process.argv[2]);
const slot = new CardSlot({ host: '127.0.0.1', port, clock: systemClock });
process.on('message', (name: string) => {
  const golden = LAYOUT_CASES[name]?.golden();
  if (golden === undefined) slot.remove();
  else slot.insert(golden.slot);
});
process.on('disconnect', () => process.exit(0));
