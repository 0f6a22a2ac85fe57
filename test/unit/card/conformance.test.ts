import { beforeEach, describe } from 'vitest';
import { LAYOUT_CASES } from '../../conformance/cards.ts';
import type { Specimen } from '../../conformance/cards.ts';
import { conformance } from '../../conformance/suite.ts';
import type { Bench } from '../../conformance/suite.ts';
import { Watch } from '../../conformance/watch.ts';
import { Desk } from './chips.ts';

/** The reader in this process. */
function inProcess(): Bench {
  const watch = new Watch();
  let here: { readonly card: Specimen; readonly desk: Desk } | null = null;
  return {
    every: 1,
    insert: (card) => {
      watch.calm();
      if (here?.card !== card) {
        here?.desk.remove();
        here = { card, desk: new Desk(watch.slot(card)) };
      }
      return Promise.resolve(here.desk.insert());
    },
    remove: () => {
      here?.desk.remove();
      return Promise.resolve();
    },
    tear: (_card, at, when) => watch.tear(at, when),
    exchanges: () => watch.count,
  };
}

// `npm run conformance:layout -- NAME` runs one of them.
const wanted = process.env['PILOTLIGHT_LAYOUT'];
for (const [name, c] of Object.entries(LAYOUT_CASES)) {
  if (wanted === undefined ? c.slow === true : wanted !== name) continue;
  describe(`conformance of ${name}, in this process`, () => {
    let bench: Bench;
    beforeEach(() => {
      bench = inProcess();
    });
    conformance(name, c, () => bench);
  });
}
