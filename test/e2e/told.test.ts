import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHROMIUM_ARGS, Hall, chromiumPath } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** What the hall tells: whom to call, where to go, a list for the phone; what the company granted. */
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

test('what stood in a changed meter: two persons, then the next purchase writes it, and says so', async () => {
  const console = `http://127.0.0.1:${hall.port + 2}/console`;
  const list = await (await fetch(`${console}/card-grants`)).text();
  const token = /name="token" value="([0-9a-f]+)"/.exec(list)?.[1] ?? '';
  const id = /card-grant\?id=(\d+)/.exec(list)?.[1] ?? '';
  const confirm = (who: string): Promise<Response> =>
    fetch(`${console}/card-grant`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ token, id, verdict: 'confirmed', who, why: '看过工单' }),
    });
  expect((await confirm('王芳')).status).toBe(409);
  expect((await confirm('李强')).status).toBe(303);
  const before = await hall.card('golden');
  await hall.dock({ do: 'meter', id: 'golden' });
  await hall.dock({ do: 'insert', id: 'golden' });
  await page.waitForSelector('[data-screen="amount"]');
  await tap('choose-amount', 10_000);
  await page.waitForSelector('text=换表补给您的 12.30 m³ 还没写到卡上');
  await page.click('[data-intent="pay"]:not([disabled])');
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
  await hall.dock({ do: 'pay' });
  await page.waitForSelector('[data-screen="done"]', { timeout: 30_000 });
  // 100 yuan are 37.73 m³ at the first tier.
  const after = await hall.card('golden');
  expect(after.quantity).toBe(3_773 + 1_230);
  expect(after.cumulative).toBe(before.cumulative + 3_773 + 1_230);
  await hall.dock({ do: 'remove' });
  expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
}, 90_000);
