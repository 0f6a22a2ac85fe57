import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaidDetail } from '../../src/renderer/voice/sound.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, root, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** Made by the build where a synthesiser is installed (docs/voice.md). */
const hasClips = existsSync(`${root}/dist/renderer/voice/zh-CN.clips`);

let hall: Hall;
let browser: Browser;
let page: Page;
/** All that was heard, and how far it was looked at. */
const said: SaidDetail[] = [];
let from = 0;

const screen = (name: string): Promise<unknown> => page.waitForSelector(`[data-screen="${name}"]`);
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);
const ids = (): string[] => said.slice(from).map(({ clips }) => clips.join(' '));
/** Waits until it was said, behind what was waited for before. */
async function heard(clips: string): Promise<void> {
  await until(`“${clips}”`, () => ids().includes(clips));
  from += ids().indexOf(clips) + 1;
}

beforeAll(async () => {
  hall = await Hall.start();
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [...CHROMIUM_ARGS, '--autoplay-policy=document-user-activation-required'],
  });
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.exposeFunction('tellSaid', (detail: SaidDetail) => void said.push(detail));
  await page.addInitScript(() => {
    // As it is before any touch; what a test evaluates later counts as one.
    const { state } = new AudioContext();
    addEventListener('DOMContentLoaded', () => {
      document.documentElement.dataset['sound'] = state;
    });
    addEventListener('pilotlight:said', (event) =>
      (globalThis as unknown as { tellSaid: (d: unknown) => void }).tellSaid(
        (event as CustomEvent<unknown>).detail,
      ),
    );
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
    const began = said.length;
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
    await until('a second call', () => ids().includes('m/done.take.title'));
    const calls = said.filter(({ clips }) => clips[0] === 'm/done.take.title');
    expect(calls[1]?.gain).toBeGreaterThan(calls[0]?.gain ?? 1);
    await hall.dock({ do: 'remove' });
    await heard('m/done.thanks.title');
    await heard('m/done.thanks.lead/meter.gas');
    await tap('exit');
    await screen('start');
    // Of the carried money, and of whose card it is, the hall heard nothing.
    const visit = said.slice(began);
    expect(visit.flatMap(({ clips }) => clips).join(' ')).not.toMatch(/carried|balance|onCard/);
    expect(new Set(visit.map(({ locale }) => locale))).toEqual(new Set(['zh-CN']));
  },
);

test.skipIf(!hasClips)('muted by one touch for the visit, in English too', async () => {
  await tap('set-locale', 'en');
  await tap('set-mute', 'true');
  await page.waitForSelector('[data-intent="set-mute"][aria-pressed="true"]');
  const before = said.length;
  await hall.dock({ do: 'insert', id: 'good' });
  await screen('amount');
  await tap('choose-amount', 5_000);
  await page.waitForSelector('[data-intent="pay"][data-value="5000"]:not([disabled])');
  expect(said.slice(before)).toEqual([]);
  from = before;
  await tap('set-mute', 'false');
  await heard('m/amount.title');
  await tap('pay', 5_000);
  await heard('w/toPay/before n/50 u/yuan');
  await tap('cancel');
  await screen('cancelled');
  await heard('m/cancelled.title');
  await hall.dock({ do: 'remove' });
});

test.skipIf(!hasClips)('a text that came by policy is spoken from a clip of the core', async () => {
  await screen('start');
  await tap('open', 'info');
  await screen('info');
  await tap('info-topic', 'outages');
  await heard('m/hall.outages.title');
  await until('the text', () => ids().some((clips) => clips.startsWith('t/')), 30_000);
  await tap('exit');
});
