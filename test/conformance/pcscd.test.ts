import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { PcscReader } from '../../src/card/index.ts';
import { pcscService } from '../../src/main/pcsc/service.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { LAYOUT_CASES } from './cards.ts';
import { conformance } from './suite.ts';
import type { Bench } from './suite.ts';
import { Watch } from './watch.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { until } from '../unit/card/rig.ts';

/**
 * `npm run conformance:layout -- NAME` names one. pcscd looks at its virtual reader every 0.4 s: a
 * sample of the cuts.
 */
const wanted = process.env['PILOTLIGHT_LAYOUT'];
const names = wanted === undefined ? Object.keys(LAYOUT_CASES) : [wanted];

let pcscd: Pcscd;
beforeAll(async () => {
  pcscd = await preparePcscd();
  await pcscd.start();
});
afterAll(async () => {
  await pcscd.stop();
});

for (const name of names) {
  const c = LAYOUT_CASES[name];
  if (c === undefined) throw new Error(`no layout ${name}`);
  describe(`conformance of ${name}, through pcscd`, () => {
    let reader: PcscReader;
    let slot: CardSlot;
    let bench: Bench;
    beforeEach(() => {
      const watch = new Watch();
      reader = new PcscReader({
        id: 'r',
        match: 'virtual pcd',
        model: 'acs',
        clock: systemClock,
        log: () => undefined,
        service: pcscService(systemClock, () => undefined),
      });
      slot = new CardSlot({ host: '127.0.0.1', port: pcscd.port, clock: systemClock });
      const empty = async (): Promise<void> => {
        slot.remove();
        await until(reader, (s) => s.state === 'empty');
      };
      bench = {
        every: 7,
        insert: async (card) => {
          watch.calm();
          await empty();
          slot.insert(watch.slot(card));
          const status = await until(reader, (s) => s.state === 'present');
          return reader.open(status.insertion);
        },
        remove: empty,
        tear: (_card, at, when) => watch.tear(at, when),
        exchanges: () => watch.count,
      };
    });
    afterEach(async () => {
      slot.remove();
      await until(reader, (s) => s.state === 'empty' || s.state === 'offline');
      await reader.close();
    });
    conformance(name, c, () => bench);
  });
}
