import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../../support/kiosk-world.ts';
import type { Motor } from '../../support/kiosk-world.ts';

let w: World;
let motor: Motor;
beforeEach(async () => {
  w = new World();
  motor = { accepting: null, ejected: [], jams: 0 };
  w.slot.motor = motor;
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

describe('a motor reader', () => {
  it('holds the card until it is written, gives it back once, and thanks when it is taken', async () => {
    expect(motor.accepting).toBe(true);
    await w.toPay('golden');
    expect(motor.ejected).toEqual([]);
    w.pay.pay();
    await w.untilScreen('done');
    await w.run(500);
    expect(motor.ejected).toEqual([1]);
    expect(w.shown('done').cardOut).toBe(false);
    await w.run(60_000);
    // Held out and not taken: it is neither swallowed nor told to leave again, and the screen
    // stays.
    expect(motor.ejected).toEqual([1]);
    expect(w.screen).toBe('done');
    await w.remove();
    await w.run(100);
    expect(w.shown('done').cardOut).toBe(true);
    await w.untilScreen('start');
  });

  it('gives back what it does not sell to, and after a cancelled payment', async () => {
    w.replaceCard('good', { selectSw: '6283' });
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    await w.run(100);
    expect(motor.ejected).toEqual([1]);
    await w.remove();
    await w.untilScreen('start');
    await w.toPay('golden');
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.run(500);
    expect(motor.ejected).toEqual([1, 2]);
  });

  it('stuck: told, and tried again until it comes', async () => {
    motor.jams = 2;
    w.replaceCard('good', { selectSw: '6283' });
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    await w.run(11_000);
    expect(motor.ejected).toEqual([1, 1, 1]);
    await w.run(20_000);
    expect(motor.ejected).toEqual([1, 1, 1]);
  });

  it('shut while the kiosk is out of service', async () => {
    w.setService({ blocked: { code: 'JRNL-0104' } });
    await w.untilScreen('out-of-service');
    await w.run(100);
    expect(motor.accepting).toBe(false);
    w.setService({ blocked: null });
    await w.untilScreen('start');
    await w.run(100);
    expect(motor.accepting).toBe(true);
  });
});
