import { afterEach, beforeEach, expect, it } from 'vitest';
import { World } from '../../support/kiosk-world.ts';

/** What a visitor meets who buys nothing. */
let w: World;
beforeEach(async () => {
  w = new World();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

it('who looks for an unfinished order where there is none is told so, and not led to pay again', async () => {
  await w.tap('open', 'unfinished');
  expect(w.shown('insert-card').purpose).toBe('unfinished');
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell').reason).toBe('SALE-0115');
  await w.tap('exit');
  expect(w.screen).toBe('take-card');
  await w.remove();
  expect(w.screen).toBe('start');
});

it('the next customer is spoken to in Chinese and in normal text again', async () => {
  await w.tap('set-locale', 'en');
  await w.tap('set-text-size', 'large');
  expect(w.snapshot).toMatchObject({ screen: 'start', locale: 'en', textSize: 'large' });
  await w.run(20_000);
  expect(w.snapshot).toMatchObject({ locale: 'en', textSize: 'large' });
  await w.run(20_000);
  expect(w.snapshot).toMatchObject({ screen: 'start', locale: 'zh-CN', textSize: 'normal' });
});
