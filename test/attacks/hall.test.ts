import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pl4442Layout, plCpuLayout } from '../../src/card/index.ts';
import type { MaintenancePorts } from '../../src/kiosk/maintenance/run.ts';
import { sampleCard, issueTechnician } from '../../src/simulator/card/catalogue.ts';
import { CpuCard, counterRandom } from '../../src/simulator/card/cpu-card.ts';
import { issue4442 } from '../../src/simulator/card/issue-4442.ts';
import { Sle4442 } from '../../src/simulator/card/sle4442.ts';
import { AcsReader } from '../../src/simulator/reader/acs.ts';
import { World } from '../support/kiosk-world.ts';
import { demoKeys } from '../unit/card/rig.ts';

/** Somebody stands at the machine at night, with time and no right. */
let w: World;
beforeEach(() => {
  w = new World();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

describe('the roll of the printer', () => {
  it('is not emptied by a finger on “print again”', async () => {
    await w.start();
    await w.toPay();
    w.pay.pay();
    await w.untilScreen('done');
    for (let tap = 0; tap < 100; tap++) {
      await w.tap('print');
      await w.run(250);
    }
    expect(w.printed.length).toBeLessThanOrEqual(8);
  });

  it('nor by a card that is put in again and again', async () => {
    await w.start();
    await w.toPay();
    w.pay.saysFen = 9_999;
    w.pay.pay();
    await w.until('parked', () => w.state() === 'parked/parked');
    await w.remove();
    // The money came with another sum than was asked: a person has to look, and the card says so.
    let shown = 0;
    for (let visit = 0; visit < 40; visit++) {
      await w.insert('golden');
      await w.run(2_000);
      if (w.screen === 'unfinished') shown++;
      await w.tap('print');
      await w.run(250);
      await w.remove();
      await w.run(7_000);
    }
    expect(shown).toBe(40);
    expect(w.printed.length).toBe(8);
  });

  it('a receipt that did not come out is tried again for whoever waits for it', async () => {
    await w.start();
    await w.toPay();
    w.printerOk = false;
    w.pay.pay();
    await w.untilScreen('done');
    await w.run(250);
    expect(w.shown('done').receipt).toBe('failed');
    w.printerOk = true;
    await w.tap('print');
    await w.run(250);
    expect(w.shown('done').receipt).toBe('printed');
  });
});

describe('wrong PINs', () => {
  const WHO = '李工';
  const [CHIP, MEMORY, PIN, CARD_PIN] = ['8800009101', '8800009105', '835172', '847291'];
  const ports: MaintenancePorts = {
    version: '9.9.9',
    enabled: true,
    cards: new Map([
      [CHIP, WHO],
      [MEMORY, WHO],
    ]),
    checkPin: (pin) => Promise.resolve(pin === PIN ? WHO : null),
    verify: () => Promise.resolve({ ok: true, problems: [] }),
    scratch: () => Promise.resolve(1),
    uploadNow: () => undefined,
    onChanged: () => undefined,
    maxClockSkewMs: () => 60_000,
  };
  const chip = (key?: string): CpuCard => {
    const technician = issueTechnician(CHIP, CARD_PIN);
    return new CpuCard(
      {
        ...sampleCard('technician').make().toJSON(),
        technician: key === undefined ? technician : { ...technician, key },
      },
      counterRandom(5),
    );
  };
  const memory = (): AcsReader =>
    new AcsReader(
      new Sle4442(issue4442({ cardNo: MEMORY, userNo: '0000000000', mark: '81' })),
      'ccid',
    );

  beforeEach(async () => {
    w.maintenance = ports;
    w.layouts = [pl4442Layout(demoKeys), plCpuLayout(demoKeys)];
    await w.start();
  });
  async function enter(pin: string): Promise<void> {
    await w.tap('enter-pin', pin);
    await w.until(
      'an answer',
      () => w.screen !== 'maintenance-pin' || !w.shown('maintenance-pin').busy,
    );
  }
  const lockedFor = (): number =>
    (w.shown('maintenance-pin').lockedUntilMs ?? w.clock.nowMs()) - w.clock.nowMs();
  async function strangerAtCorner(tries: number): Promise<void> {
    await w.tap('open-maintenance');
    for (let n = 0; n < tries; n++) {
      await enter('100200');
      await w.run(lockedFor());
      if (w.screen !== 'maintenance-pin') await w.tap('open-maintenance');
    }
    if (w.screen === 'maintenance-pin') await w.tap('exit');
  }

  it('at the corner lock out nobody who has his card', async () => {
    await strangerAtCorner(8);
    await w.tap('open-maintenance');
    await enter('100200');
    expect(lockedFor()).toBe(3_600_000);
    await w.tap('exit');
    w.slot.insert(chip());
    await w.run(250);
    await enter(CARD_PIN);
    expect(w.screen).toBe('maintenance');
    await w.tap('exit');
    await w.remove();
    w.slot.insert(memory());
    await w.run(250);
    await enter(PIN);
    expect(w.screen).toBe('maintenance');
    await w.tap('exit');
    await w.remove();
    // And whoever came in by his card has not opened the corner for the stranger.
    await w.tap('open-maintenance');
    expect(lockedFor()).toBeGreaterThan(3_500_000);
  });

  it('at a copied card lock out neither the corner nor, for long, the card that was copied', async () => {
    for (let n = 0; n < 12; n++) {
      w.slot.insert(chip('5A'.repeat(16)));
      await w.run(250);
      await enter(CARD_PIN);
      expect(w.screen).toBe('maintenance-pin');
      await w.remove();
      await w.run(31_000);
    }
    w.slot.insert(chip());
    await w.run(250);
    await enter(CARD_PIN);
    expect(w.screen).toBe('maintenance');
    await w.tap('exit');
    await w.remove();
    for (let n = 0; n < 7; n++) {
      w.slot.insert(memory());
      await w.run(250);
      await enter('100200');
      await w.run(lockedFor());
      await w.remove();
    }
    await w.tap('open-maintenance');
    await enter(PIN);
    expect(w.screen).toBe('maintenance');
  });

  it('are still dear where they are tried: a memory card only says who', async () => {
    let guesses = 0;
    const until = w.clock.nowMs() + 24 * 3_600_000;
    while (w.clock.nowMs() < until) {
      w.slot.insert(memory());
      await w.run(250);
      await enter('100200');
      guesses++;
      const wait = lockedFor();
      await w.remove();
      await w.run(wait + 1_000, 60_000);
    }
    expect(guesses).toBeLessThan(40);
  }, 30_000);

  it('are forgotten with time, one by one, and by no restart before', async () => {
    await strangerAtCorner(6);
    w.kill();
    await w.start();
    await w.tap('open-maintenance');
    await enter('100200');
    expect(lockedFor()).toBe(900_000);
    await w.tap('exit');
    await w.run(24 * 3_600_000 + 60_000);
    await w.tap('open-maintenance');
    await enter('100200');
    // Seven, less four in a day, and this one.
    expect(lockedFor()).toBe(60_000);
    await w.tap('exit');
    await w.run(12 * 3_600_000 + 60_000);
    w.kill();
    await w.start();
    await w.tap('open-maintenance');
    await enter('100200');
    expect(lockedFor()).toBe(30_000);
  }, 30_000);
});
