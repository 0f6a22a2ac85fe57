import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ear } from '../support/ear.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, root, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** Made by the build where a synthesiser is installed (docs/voice.md). */
const hasClips = existsSync(`${root}/dist/renderer/voice/zh-CN.clips`);

let hall: Hall;
let browser: Browser;
let page: Page;
const ear = new Ear();
const heard = (clips: string): Promise<void> => ear.heard(clips);

const screen = (name: string): Promise<unknown> => page.waitForSelector(`[data-screen="${name}"]`);
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);
beforeAll(async () => {
  hall = await Hall.start();
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [...CHROMIUM_ARGS, '--autoplay-policy=document-user-activation-required'],
  });
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await ear.listenTo(page);
  await page.addInitScript(() => {
    // As it is before any touch; what a test evaluates later counts as one.
    const { state } = new AudioContext();
    addEventListener('DOMContentLoaded', () => {
      document.documentElement.dataset['sound'] = state;
    });
  });
  await page.goto(hall.url);
  await screen('start');
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});

tellFailures(() => ({ hall, page }));

test.skipIf(!hasClips)(
  'a sale is spoken from the card to the thanks: what is paid, what came, what was written',
  async () => {
    // A browser lets nothing sound before it was touched.
    expect(await page.evaluate(() => document.documentElement.dataset['sound'])).toBe('suspended');
    await tap('set-locale', 'en');
    await heard('m/start.title');
    await tap('set-locale', 'zh-CN');
    await heard('m/start.title');
    const began = ear.said.length;
    await hall.dock({ do: 'insert', id: 'golden' });
    await screen('amount');
    await heard('m/amount.title');
    await tap('choose-amount', 10_000);
    await page.waitForSelector('[data-intent="pay"][data-value="10000"]:not([disabled])');
    await tap('pay', 10_000);
    await screen('pay');
    await heard('w/toPay/before n/1h u/yuan');
    await heard('m/pay.scan.wechat');
    await hall.dock({ do: 'pay' });
    await screen('done');
    await heard('w/received/before n/1h u/yuan');
    await heard('w/written/before n/37 n/point n/7 n/3 u/m3');
    await heard('m/done.take.title');
    // The card is still in: again, and louder.
    await until('a second call', () => ear.since().includes('m/done.take.title'));
    const calls = ear.said.filter(({ clips }) => clips[0] === 'm/done.take.title');
    expect(calls[1]?.gain).toBeGreaterThan(calls[0]?.gain ?? 1);
    await hall.dock({ do: 'remove' });
    await heard('m/done.thanks.title');
    await heard('m/done.thanks.lead/meter.gas');
    await tap('exit');
    await screen('start');
    // Of the carried money, and of whose card it is, the hall heard nothing.
    const visit = ear.said.slice(began);
    expect(visit.flatMap(({ clips }) => clips).join(' ')).not.toMatch(/carried|balance|onCard/);
    expect(new Set(visit.map(({ locale }) => locale))).toEqual(new Set(['zh-CN']));
  },
);

test.skipIf(!hasClips)('muted by one touch for the visit, in English too', async () => {
  await tap('set-locale', 'en');
  await tap('set-mute', 'true');
  await page.waitForSelector('[data-intent="set-mute"][aria-pressed="true"]');
  const before = ear.said.length;
  await hall.dock({ do: 'insert', id: 'good' });
  await screen('amount');
  await tap('choose-amount', 5_000);
  await page.waitForSelector('[data-intent="pay"][data-value="5000"]:not([disabled])');
  expect(ear.said.slice(before)).toEqual([]);
  ear.forget(before);
  await tap('set-mute', 'false');
  await heard('m/amount.title');
  await tap('pay', 5_000);
  await heard('w/toPay/before n/50 u/yuan');
  await tap('cancel');
  await screen('cancelled');
  await heard('m/cancelled.title');
  await hall.dock({ do: 'remove' });
});

/** With PILOTLIGHT_FULL=1; the unit tests of the voice have it each time. */
test.skipIf(!hasClips || process.env['PILOTLIGHT_FULL'] !== '1')(
  'a text that came by policy is spoken from a clip of the core',
  async () => {
    await screen('start');
    await tap('open', 'info');
    await screen('info');
    await tap('info-topic', 'outages');
    await heard('m/hall.outages.title');
    await until('the text', () => ear.since().some((clips) => clips.startsWith('t/')), 30_000);
    await tap('exit');
  },
);
