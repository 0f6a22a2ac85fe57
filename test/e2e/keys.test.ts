import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ear } from '../support/ear.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, root, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** Visits without a finger: by keys alone, and by keys and what is heard alone. */
const hasClips = existsSync(`${root}/dist/renderer/voice/zh-CN.clips`);
let hall: Hall;
let browser: Browser;
let page: Page;
const ear = new Ear();
const heard = (clips: string): Promise<void> => ear.heard(clips);

const screen = (name: string): Promise<unknown> => page.waitForSelector(`[data-screen="${name}"]`);
/** No finger and no mouse was there. */
const unpointed = async (): Promise<void> =>
  expect(await page.evaluate(() => document.documentElement.dataset['pointed'])).toBeUndefined();
/** A control hears once the screen has stood for a moment. */
const press = async (...keys: readonly string[]): Promise<void> => {
  await page.waitForSelector('#root > div:first-child:not([inert], [data-deaf])');
  for (const key of keys) {
    await page.keyboard.press(key);
    // A digit is a person's once no code began with it.
    if (/^\d$/.test(key)) await page.waitForTimeout(130);
  }
};
const focused = (): Promise<string> =>
  page.evaluate(() => {
    const el = document.querySelector<HTMLElement>('[data-cursor]') ?? document.activeElement;
    return `${el?.getAttribute('data-intent') ?? el?.tagName} ${el?.getAttribute('data-value') ?? ''}`.trim();
  });
/** Goes on by one key until a control is reached. */
async function reach(key: 'ArrowDown' | 'ArrowUp' | 'Tab', control: string): Promise<void> {
  for (let n = 0; n < 40; n++) {
    await press(key);
    if ((await focused()) === control) return;
  }
  throw new Error(`${control} is not reached; at ${await focused()}`);
}
beforeAll(async () => {
  hall = await Hall.start();
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await ear.listenTo(page);
  await page.addInitScript(() => {
    for (const kind of ['pointerdown', 'mousedown', 'touchstart'])
      addEventListener(kind, () => (document.documentElement.dataset['pointed'] = ''), true);
  });
  await page.goto(hall.url);
  await screen('start');
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});
tellFailures(() => ({ hall, page }));

test('a card is recharged by keys alone: the focus is never lost, and shows where one is', async () => {
  await hall.dock({ do: 'insert', id: 'golden' });
  await screen('amount');
  await until('the heading', async () => (await focused()).startsWith('H'));
  await reach('Tab', 'keypad');
  await press('Enter');
  await page.waitForSelector('[data-key="1"]');
  await press('1', '2', '0', 'Backspace', '5');
  expect(await page.textContent('output')).toBe('¥125');
  await press('Enter');
  // The sum is chosen, and what was typed is gone with its pad.
  await page.waitForSelector('[data-intent="pay"][data-value="12500"]:not([disabled])');
  await reach('ArrowDown', 'choose-amount 10000');
  await press('Enter');
  await page.waitForSelector('[data-intent="pay"][data-value="10000"]:not([disabled])');
  // The screen was drawn anew twice meanwhile.
  expect(await focused()).toBe('choose-amount 10000');
  const ring = await page.evaluate(
    () => getComputedStyle(document.activeElement as Element).outlineWidth,
  );
  expect(Number.parseFloat(ring)).toBeGreaterThan(3);
  await reach('ArrowDown', 'pay 10000');
  await press('Enter');
  await screen('pay');
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
  // Held down it presses nothing twice, and a key that nothing hears does nothing.
  await press('7', 'a', 'F5');
  await hall.dock({ do: 'pay' });
  await screen('done');
  await hall.dock({ do: 'remove' });
  await page.waitForSelector('[data-screen="done"] [data-intent="exit"]');
  await press('Escape');
  await screen('start');
  await unpointed();
});

test.skipIf(!hasClips)(
  'whoever sees nothing tops up an account: by headphones, keys and what he hears',
  async () => {
    ear.forget();
    await hall.dock({ do: 'headphones', plugged: true });
    await heard('w/spoken.on/before');
    await page.waitForSelector('[data-spoken-banner]');
    // Any key ends what is read; the services have numbers.
    await press('ArrowDown');
    await page.waitForSelector('[data-choice="1"]');
    await press('1');
    await screen('user-no');
    await heard('m/userNo.title');
    await press('2', '0', '0', '2');
    await heard('n/2');
    await heard('n/0');
    await press('2', '0', '3', '3', '0', '9', 'Backspace', '2');
    await heard('w/spoken.deleted/before');
    await press('ArrowDown', 'ArrowUp');
    await heard('n/2 n/0 n/0 n/2 n/2 n/0 n/3 n/3 n/0 n/2');
    await press('Enter');
    await screen('is-it-you');
    await heard('m/isItYou.title');
    // Whose account it is was made into a clip for this person, while he was told what is asked.
    await until('the name', () => ear.since().some((clips) => clips.startsWith('t/')));
    await press('2');
    await screen('top-up');
    await heard('m/topUp.title');
    await until('the balance', () =>
      ear.since().some((clips) => /^w\/(?:owed|balance)\//.test(clips)),
    );
    await press('2');
    await page.waitForSelector('[data-intent="pay"]:not([disabled])');
    const pay = await page.getAttribute('[data-intent="pay"]', 'data-choice');
    await press(pay ?? '');
    await screen('pay');
    await heard('w/toPay/before n/1h u/yuan');
    await hall.dock({ do: 'pay' });
    await screen('done');
    await heard('w/received/before n/1h u/yuan');
    await heard('w/credited/before n/1h u/yuan');
    // Pulled: the loudspeaker has everybody’s rules, and the screen its numbers no more.
    await hall.dock({ do: 'headphones', plugged: false });
    await heard('w/spoken.off/before');
    await page.waitForSelector('[data-spoken-banner]', { state: 'detached' });
    expect(await page.locator('[data-choice]').count()).toBe(0);
    await press('Escape');
    await screen('start');
    await unpointed();
  },
);
