import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHROMIUM_ARGS, Hall, chromiumPath } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** Whom to call, where to go, and a list that goes home on the phone: nothing is typed. */
let hall: Hall;
let browser: Browser;
let page: Page;
const tap = (intent: string, value: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"][data-value="${value}"]:not([disabled])`);

beforeAll(async () => {
  hall = await Hall.start();
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
  await page.waitForSelector('[data-screen="start"]');
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});
tellFailures(() => ({ hall, page }));

test('a steward is found, a station, and what to bring is read on the phone', async () => {
  await tap('open', 'info');
  await tap('info-topic', 'stewards');
  await page.waitForSelector('text=幸福小区');
  await tap('info-group', 1);
  await page.waitForSelector('text=孙师傅');
  await tap('info-topic', 'menu');
  await tap('info-topic', 'stations');
  await page.waitForSelector('text=清河路服务站');
  expect(await page.textContent('[data-screen="info"]')).toContain('约 900 米');
  await tap('info-topic', 'menu');
  await tap('info-topic', 'papers');
  await tap('info-page', 5);
  await page.waitForSelector('text=3 个工作日');
  await tap('info-group', 1);
  const url = await page.getAttribute('[data-qr]', 'data-qr');
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, locale: 'zh-CN' });
  await phone.goto(url ?? '');
  const said = (await phone.textContent('body')) ?? '';
  for (const text of ['面积核准', '户主身份证', '热力营业厅 2 号窗', '3 个工作日'])
    expect(said).toContain(text);
  expect(await phone.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(
    true,
  );
  await phone.close();
}, 90_000);
