import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_REQUESTS } from '../../src/demo/requests-data.ts';
import { chinaDate, DAY_MS } from '../../src/shared/time.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, until, WHOLE } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** Asked for at the machine, sent by central, read on the phone; and stopped at the machine. */
let hall: Hall;
let browser: Browser;
let page: Page;
const PHONE = '13805586212';

const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(
    `[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}:not([disabled])`,
  );
const step = (name: string) =>
  page.waitForSelector(`[data-screen="request"] [data-step="${name}"]`);
async function type(digits: string): Promise<void> {
  await step('phone');
  for (const digit of digits) await tap('key', digit);
  await tap('request-digits');
}
async function pick(id: string): Promise<void> {
  await page.waitForSelector('[data-screen="start"]');
  await tap('open', 'request');
  await step('menu');
  const at = DEMO_REQUESTS.categories.findIndex((c) => c.id === id);
  for (let n = 1; n <= Math.floor(at / 4); n++) await tap('request-page', n);
  await tap('request-pick', id);
}
const sms = async (): Promise<readonly { to: string; text: string }[]> =>
  (await fetch(`http://127.0.0.1:${hall.port + 1}/api/sms`)).json() as Promise<
    readonly { to: string; text: string }[]
  >;

beforeAll(async () => {
  // Nobody is woken: a demo that is begun at night would send in the morning.
  const day = chinaDate(Date.now() + DAY_MS);
  hall = await Hall.start(['--shell', 'browser', WHOLE, '--clock', `${day}T10:00:00+08:00`]);
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

test('a customer is told of tomorrow’s interruption by SMS, and then no more', async () => {
  await pick('outage-sms');
  await step('choice');
  await tap('request-pick', 'qinghe');
  await type(PHONE);
  await step('confirm');
  expect(await page.textContent('[data-step="confirm"]')).toContain(
    '我同意用这个手机号接收停气短信',
  );
  await tap('request-submit');
  await step('made');
  expect(await page.textContent('[data-step="made"]')).toContain('停气前会发短信');
  await tap('exit');
  const [first] = await until('the message', async () => {
    const sent = await sms();
    return sent.length > 0 && sent;
  });
  expect(first?.to).toBe(PHONE);
  expect(first?.text).toMatch(/^停气通知：清河路 1 号至 60 号，.*09:00至16:00停气（管道检修）/);

  await pick('outage-sms-stop');
  await type(PHONE);
  await step('confirm');
  await tap('request-submit');
  await step('made');
  await tap('exit');
  const staff = await browser.newPage();
  await until('the number is gone', async () => {
    await staff.goto(`http://127.0.0.1:${hall.port + 2}/console/sms`);
    return ((await staff.textContent('main')) ?? '').includes('还没有人登记');
  });
  expect(await sms()).toHaveLength(1);
}, 120_000);
