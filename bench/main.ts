import { cardBench } from './card.ts';
import { centralBench } from './central.ts';
import { fleetBench } from './central-fleet.ts';
import { journalBench } from './journal.ts';
import { payBench } from './pay.ts';
import { uiBench } from './ui.ts';
import { virtualBench } from './virtual.ts';

/**
 * npm run bench [-- journal|virtual|card|central|fleet|pay|ui]: how fast the parts are on this
 * machine. Figures to read, not tests to pass. After `ui` its own parts may be named: size, first,
 * touch, idle, heap.
 */
const PARTS = ['journal', 'virtual', 'card', 'central', 'fleet', 'pay', 'ui'];
const words = process.argv.slice(2);
const wanted = words.filter((word) => PARTS.includes(word));
const asked = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

if (asked('journal')) journalBench();
if (asked('virtual')) await virtualBench();
if (asked('card')) await cardBench();
if (asked('central')) await centralBench();
if (asked('fleet')) await fleetBench();
if (asked('pay')) await payBench();
if (asked('ui')) await uiBench(words.filter((word) => !PARTS.includes(word)));
// The native package holds on to its threads.
process.exit(0);
