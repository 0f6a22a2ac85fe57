import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHROMIUM_ARGS, Hall, chromiumPath, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** A customer at his own account: by his card, then without it; a copy of a slip, and its receipt. */
let hall: Hall;
let browser: Browser;
let page: Page;

const screen = (name: string, timeout = 20_000): Promise<unknown> =>
  page.waitForSelector(`[data-screen="${name}"]`, { timeout });
const says = async (name: string): Promise<string> =>
  (await page.textContent(`[data-screen="${name}"]`)) ?? '';
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(
    `[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}:not([disabled])`,
  );
const bars = (): Promise<number> =>
  page.locator('[data-screen="my-account"] rect[data-month]').count();

/** Digits on a pad, whose view is deaf for a moment when it is new. */
async function type(digits: string, ok: string): Promise<void> {
  for (const digit of digits) await tap('key', digit);
  await tap(ok);
}
async function byNumber(userNo: string, last4: string): Promise<void> {
  await tap('open', 'my-account');
  await screen('insert-card');
  await tap('my-number');
  await screen('my-account-no');
  await type(userNo, 'my-number-typed');
  await page.waitForSelector('text=登记电话的后四位');
  await type(last4, 'my-look');
}

beforeAll(async () => {
  hall = await Hall.start();
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
  await page.waitForSelector('[data-intent="open"][data-value="my-account"]');
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});
tellFailures(() => ({ hall, page }));

test('by the card: a year with its tiers, abnormal use, a recharge, its slip once more; then by number', async () => {
  await tap('open', 'my-account');
  await screen('insert-card');
  await hall.dock({ do: 'insert', id: 'golden' });
  await screen('my-account');
  expect(await bars()).toBe(12);
  expect(await page.locator('[data-screen="my-account"] line[data-tier]').count()).toBeGreaterThan(
    0,
  );
  expect(await says('my-account')).toContain('张*明');
  expect(await says('my-account')).toContain('用量提醒');
  expect(await says('my-account')).toContain('0558-2197777');
  expect(await says('my-account')).toContain('还有 145.50 m³ 到下一档');
  const told = await page.getAttribute('[data-screen="my-account"] svg[role="img"]', 'aria-label');
  expect(told?.match(/\d{4}-\d{2}：/g)).toHaveLength(12);
  await tap('print');
  await page.waitForSelector('text=打印好了');
  await tap('my-page', 'purchases');
  await page.waitForSelector('text=没有购买记录');
  await tap('recharge');
  await screen('amount');
  await tap('choose-amount', 10_000);
  await tap('pay', 10_000);
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
  await hall.dock({ do: 'pay' });
  await screen('done');
  await hall.dock({ do: 'remove' });
  await hall.dock({ do: 'meter', id: 'golden' });
  await tap('exit');
  await screen('start');

  await tap('open', 'my-account');
  await screen('insert-card');
  await hall.dock({ do: 'insert', id: 'golden' });
  await screen('my-account');
  await tap('my-page', 'purchases');
  await page.waitForSelector('text=已写入卡');
  await tap('my-order', 0);
  await page.waitForSelector('[data-page="order"] svg[data-qr]');
  const orders = hall.rows().orders.length;
  const slips = (await hall.state()).slips.length;
  await tap('print');
  await page.waitForSelector('text=打印好了');
  await until('the copy', async () => (await hall.state()).slips.length > slips);
  expect(hall.rows().orders).toHaveLength(orders);
  await hall.dock({ do: 'remove' });
  await screen('start');
  expect(await says('start')).not.toContain('张*明');

  await byNumber('2002203301', '0000');
  await page.waitForSelector('text=没有查到');
  await tap('exit');
  await screen('start');
  await byNumber('2002203301', '6212');
  await screen('my-account');
  expect(await bars()).toBe(12);
  expect(await says('my-account')).toContain('账户余额¥18.60');
  expect(await says('my-account')).toContain('表的电池快没电了');
  expect(await says('my-account')).not.toContain('2002203301');
  await tap('exit');
  await screen('start');
  await until('upload', () => hall.rows().outbox === 0);
  expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
}, 120_000);
