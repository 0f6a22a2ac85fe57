import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_MODES } from '../../../src/shared/contract/index.ts';
import { SCREEN_MS } from '../../../src/kiosk/visit/times.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

/** A customer who listens, or has the screen otherwise: his time, and whose manner it is. */
let w: World;
beforeEach(async () => {
  w = new World();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});
/** How long the screen that is there still stays. */
const left = (): number => {
  const s = w.snapshot;
  if (!('deadlineMs' in s) || s.deadlineMs === null) throw new Error(`${s.screen} has no end`);
  return s.deadlineMs - w.clock.nowMs();
};
const spoken = (value: boolean): Promise<void> => w.tap('set-spoken', undefined, { value });

describe('a customer’s time', () => {
  it('is half as long again in each of the access modes', async () => {
    for (const mode of ACCESS_MODES) {
      await w.tap('set-access', mode, { on: true });
      await w.tap('open', 'query');
      expect(left(), mode).toBe(SCREEN_MS['insert-card'] * 1.5);
      await w.tap('exit');
      await w.tap('set-access', mode, { on: false });
    }
  });

  it('in spoken mode he has three times as long, and for the asking, too', async () => {
    await spoken(true);
    await w.insert('golden');
    await w.untilScreen('amount');
    expect(left()).toBeGreaterThan(SCREEN_MS.amount * 3 - 1_000);
    await w.run(SCREEN_MS.amount * 2);
    expect(w.screen).toBe('amount');
    const before = left();
    await w.tap('more-time');
    expect(left()).toBe(before + 180_000);
    await w.tap('exit');
    await w.remove();
  });

  it('begun on a screen that is about to end, it gives its time at once', async () => {
    await w.tap('open', 'query');
    await w.run(SCREEN_MS['insert-card'] - 5_000);
    await spoken(true);
    expect(left()).toBe(180_000);
    // Nothing is taken back with it.
    await spoken(false);
    expect(left()).toBe(180_000);
    await w.tap('exit');
  });
});

describe('the spoken mode', () => {
  it('is the visit’s: on the start screen it ends by itself, unless keys are pressed', async () => {
    await spoken(true);
    expect(w.snapshot.voice).toEqual({ spoken: true });
    await w.run(80_000);
    await w.tap('activity');
    await w.run(80_000);
    expect(w.snapshot.voice).toEqual({ spoken: true });
    await w.run(20_000);
    expect(w.snapshot.voice).toBeUndefined();
  });

  it('takes the mute back: whoever asks to hear it wants to', async () => {
    await w.tap('set-mute', undefined, { value: true });
    await spoken(true);
    expect(w.snapshot.voice).toEqual({ spoken: true });
    await w.tap('set-volume', 100);
    expect(w.snapshot.voice).toEqual({ spoken: true, volume: 100 });
    await spoken(false);
    await w.run(31_000);
    expect(w.snapshot.voice).toBeUndefined();
  });
});

describe('headphones', () => {
  it('begin the spoken mode; pulled, the loudspeaker is told, and it is over', async () => {
    w.kiosk.headphones(true);
    await w.run(0);
    expect(w.snapshot.voice).toEqual({ headphones: true, spoken: true });
    await w.insert('golden');
    await w.untilScreen('amount');
    await spoken(false);
    expect(w.snapshot.voice).toEqual({ headphones: true });
    await spoken(true);
    w.kiosk.headphones(false);
    await w.run(0);
    expect(w.snapshot.voice).toBeUndefined();
    // The keypad’s own jack is the same.
    await w.tap('set-headphones', undefined, { value: true });
    expect(w.snapshot.voice).toEqual({ headphones: true, spoken: true });
    await spoken(true);
    await w.tap('set-headphones', undefined, { value: false });
    await spoken(true);
    expect(w.snapshot.voice).toEqual({ spoken: true });
    await spoken(false);
    await w.tap('exit');
    await w.remove();
  });

  it('of a keypad whose pull nobody heard: whoever plugs in next listens', async () => {
    await w.tap('set-headphones', undefined, { value: true });
    // The page was loaded anew while they were pulled; the next customer comes.
    await w.run(100_000);
    // Who begins the mode by its key now hears the loudspeaker, and nothing of his means from it.
    await spoken(true);
    expect(w.snapshot.voice).toEqual({ spoken: true });
    await spoken(false);
    await w.tap('set-headphones', undefined, { value: true });
    expect(w.snapshot.voice).toEqual({ headphones: true, spoken: true });
  });

  it('left in the jack tell nothing of the next customer: the mode ends, the jack is known', async () => {
    w.setService({ policy: { ...POLICY } });
    w.kiosk.headphones(true);
    await w.run(100_000);
    expect(w.snapshot.voice).toEqual({ headphones: true });
  });
});
