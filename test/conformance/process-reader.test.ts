import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { ProcessReader } from '../../src/card/index.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { compileMaker, shortPort } from '../support/maker-reader.ts';
import { until } from '../unit/card/rig.ts';
import { LAYOUT_CASES } from './cards.ts';
import { conformance } from './suite.ts';
import type { Bench } from './suite.ts';
import { Watch } from './watch.ts';

/** What the sample program over the stand-in library can drive. */
const DRIVEN = ['PL-CPU', 'PL-PURSE', 'PL-4442'];
const wanted = process.env['PILOTLIGHT_LAYOUT'];

let folder: string;
let made: Awaited<ReturnType<typeof compileMaker>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-maker-'));
  made = await compileMaker(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const name of DRIVEN.filter((n) => wanted === undefined || wanted === n)) {
  const c = LAYOUT_CASES[name];
  if (c === undefined) throw new Error(`no layout ${name}`);
  describe(`conformance of ${name}, through a maker's library in a program of its own`, () => {
    let reader: ProcessReader;
    let slot: CardSlot;
    let bench: Bench;
    beforeEach(async () => {
      const port = await shortPort();
      const watch = new Watch();
      reader = new ProcessReader({
        id: 'maker',
        command: [made.program, made.library, String(port), '115200'],
        cwd: folder,
        hasGate: false,
        clock: systemClock,
        log: () => undefined,
      });
      slot = new CardSlot({ host: '127.0.0.1', port, clock: systemClock });
      const empty = async (): Promise<void> => {
        slot.remove();
        await until(reader, (s) => s.state === 'empty');
      };
      bench = {
        every: 3,
        insert: async (card) => {
          watch.calm();
          await empty();
          slot.insert(watch.slot(card));
          const status = await until(reader, (s) => s.state === 'present' || s.state === 'mute');
          return reader.open(status.insertion);
        },
        remove: empty,
        tear: (_card, at, when) => watch.tear(at, when),
        exchanges: () => watch.count,
      };
    });
    afterEach(async () => {
      slot.remove();
      await reader.close();
    });
    conformance(name, c, () => bench);
  });
}
