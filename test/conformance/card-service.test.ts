import { afterAll, afterEach, beforeEach, describe } from 'vitest';
import type { ProcessReader } from '../../src/card/index.ts';
import { BoxCard, BoxMeter } from '../../src/simulator/card-service/box-card.ts';
import type { BoxFault } from '../../src/simulator/card-service/box-card.ts';
import { CardService } from '../../src/simulator/card-service/server.ts';
import { boxLayout, boxReader } from '../support/box.ts';
import { systemClock } from '../support/clock.ts';
import { until } from '../unit/card/rig.ts';
import type { LayoutCase, Specimen } from './cards.ts';
import { conformance } from './suite.ts';
import type { Bench } from './suite.ts';

/** A maker's black box behind a counter's card service: the suite, as far as it can be held to it. */
const wanted = process.env['PILOTLIGHT_LAYOUT'];

interface BoxSpecimen extends Specimen {
  readonly box: BoxCard;
}
function specimen(box: BoxCard): BoxSpecimen {
  const meter = new BoxMeter(box);
  return {
    box,
    // No reader of ours ever holds it.
    slot: null as never,
    keeps: () => JSON.stringify([box.gas, box.times, box.whole]),
    changes: () => box.changes,
    cut: (fault) => {
      if (!('afterOps' in fault)) return;
      const made = fault.inFlight === 'new';
      box.cutAt({ at: fault.afterOps as BoxFault['at'], made });
    },
    lie: () => box.lie(),
    disarm: () => box.disarm(),
    meter: () => meter.visit(box),
    rule: 'count-exact',
  };
}

const service = new CardService(systemClock);
const base = `http://127.0.0.1:${await service.start()}/`;
afterAll(() => service.close());

function boxCase(): LayoutCase {
  return {
    layout: boxLayout(base),
    blackBox: true,
    golden: () => specimen(new BoxCard({ cardNo: '8800003921', times: 41 })),
    other: () => specimen(new BoxCard({ cardNo: '8800003934', times: 41 })),
    refused: [
      {
        what: 'a card in the middle of a purchase',
        make: () => {
          const box = new BoxCard({ cardNo: '8800003940' });
          box.whole = false;
          return specimen(box);
        },
        code: 'CARD-0104',
      },
    ],
  };
}

if (wanted === undefined || wanted === 'BOX-1')
  describe('conformance of a maker’s black box, through a counter’s card service', () => {
    let reader: ProcessReader;
    let bench: Bench;
    beforeEach(() => {
      reader = boxReader(base);
      const empty = async (): Promise<void> => {
        service.remove();
        await until(reader, (s) => s.state === 'empty');
      };
      bench = {
        every: 1,
        insert: async (card) => {
          service.tear(null);
          await empty();
          service.insert((card as BoxSpecimen).box);
          const status = await until(reader, (s) => s.state === 'present');
          return reader.open(status.insertion);
        },
        remove: empty,
        tear: (_card, at, when) => service.tear(at, when),
        exchanges: () => service.requests,
      };
    });
    afterEach(async () => {
      service.tear(null);
      service.remove();
      await reader.close();
    });
    conformance('BOX-1', boxCase(), () => bench);
  });
