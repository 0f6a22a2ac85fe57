import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  pl102Layout,
  pl1608Layout,
  pl24Layout,
  pl4428Layout,
  pl4442Layout,
  plCpuLayout,
  plM1Layout,
  plPurseLayout,
} from '../../../src/card/index.ts';
import type { KeyProvider } from '../../../src/card/index.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { HALL_CARDS } from '../../../src/demo/hall-card.ts';
import type { HallSample } from '../../../src/demo/hall-card.ts';
import { seededRandom, T0, World } from '../../support/kiosk-world.ts';
import { demoKeys } from '../card/rig.ts';

/**
 * Nothing by which a card can be written is asked of the key provider before the fact that its
 * write began is durable: so an order without that fact is certain not to be on a card.
 */
const GOOD = [
  'good',
  'rf-good',
  'purse-good',
  '4442-good',
  '4428-good',
  'm1-good',
  '102-good',
  '1608-good',
  '24-good',
];
let w: World;
/** What was asked, and how the order stood in the journal then. */
let asked: string[];

function watched(): KeyProvider {
  const note = (verb: string): void => {
    asked.push(`${verb} ${w.journal.orders().at(-1)?.state ?? 'no order'}`);
  };
  return {
    ...demoKeys,
    cardCode: (...a) => (note('cardCode'), demoKeys.cardCode(...a)),
    blockMac: (...a) => (note('blockMac'), demoKeys.blockMac(...a)),
    // Key A reads a Mifare sector, and writes nothing.
    sectorKey: (uid, sector, which, cardNo) => {
      if (which === 'B') note('sectorKey');
      return demoKeys.sectorKey(uid, sector, which, cardNo);
    },
    externalAuth: (...a) => (note('externalAuth'), demoKeys.externalAuth(...a)),
    updateMac: (...a) => (note('updateMac'), demoKeys.updateMac(...a)),
    loadLeave: (...a) => (note('loadLeave'), demoKeys.loadLeave(...a)),
  };
}

beforeEach(async () => {
  asked = [];
  w = new World([]);
  const keys = watched();
  w.layouts = [
    pl4442Layout,
    pl4428Layout,
    plM1Layout,
    pl102Layout,
    pl1608Layout,
    pl24Layout,
    plCpuLayout,
  ]
    .map((layout) => layout(keys))
    .concat(plPurseLayout(keys, { terminalId: '000000000311', nowMs: () => T0 }));
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

it.each(GOOD)(
  '%s: codes, MACs and leaves are asked for while it is delivering, and only then',
  async (id) => {
    const sample = HALL_CARDS.find((c) => c.id === id) as HallSample;
    const account = DEMO_ACCOUNTS.find((a) => a.cardNo === sample.cardNo);
    if (account !== undefined) w.central.addAccount(account);
    w.slot.insert(sample.make(null, seededRandom(id)).slot);
    await w.untilScreen('amount');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 10_000);
    await w.until('the code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
    expect(asked).toEqual([]);
    w.pay.pay();
    await w.until('delivered', () => w.order().state === 'delivered');
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked.map((line) => line.split(' ')[1]))).toEqual(new Set(['delivering']));
  },
);
