import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_ARGS, Hall, chromiumPath, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/**
 * The door is opened, and the mains fail, at each state of a sale: real processes, `upsd` and the
 * I/O module answered byte by byte over their lines. Money is whole, and it serves again by itself.
 */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';
let browser: Browser;
let page: Page;
let hall: Hall;

const screen = (name: string, timeout = 20_000): Promise<unknown> =>
  page.waitForSelector(`[data-screen="${name}"]`, { timeout });
const says = async (name: string): Promise<string> =>
  (await page.textContent(`[data-screen="${name}"]`)) ?? '';
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);

async function toAmount(): Promise<void> {
  await screen('start', 40_000);
  await hall.dock({ do: 'meter', id: 'golden' });
  await hall.dock({ do: 'insert', id: 'golden' });
  await screen('amount');
}
async function toPay(): Promise<void> {
  await toAmount();
  await tap('choose-amount', 10_000);
  await page.click(`[data-intent="pay"][data-value="10000"]:not([disabled])`);
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
}
async function cannotSell(code: string): Promise<void> {
  await screen('cannot-sell', 30_000);
  expect(await says('cannot-sell')).toContain(code);
}
const last = () => hall.rows().orders.at(-1);
/** Each trade is delivered, refunded or closed, and no money is anywhere else. */
async function moneyIsWhole(): Promise<void> {
  await until(
    'every order to end',
    () => hall.rows().orders.every((o) => ['delivered', 'closed', 'refunded'].includes(o.state)),
    60_000,
  );
  const { orders, attempts } = hall.rows();
  const { orders: trades, refunds } = await hall.books();
  const delivered = orders
    .filter((o) => o.state === 'delivered')
    .reduce((sum, o) => sum + o.sale.amountFen, 0);
  const captured = trades
    .filter((t) => ['SUCCESS', 'REFUND'].includes(t.state))
    .reduce((sum, t) => sum + t.total, 0);
  const back = refunds.reduce((sum, r) => sum + r.refund, 0);
  expect(captured).toBe(delivered + back);
  expect(attempts.every((a) => ['paid', 'closed', 'refunded'].includes(a.state))).toBe(true);
}

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
  hall = await Hall.start();
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
}, 90_000);
tellFailures(() => ({ hall, page }));
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});

test('the door is opened while a code is shown: called off, the alarm sounds, and it serves again once it is shut', async () => {
  await screen('start');
  await until('the card lamp', async () => (await hall.state()).io?.card === true);
  await toPay();
  await hall.dock({ do: 'door', open: true });
  await cannotSell('DEV-0401');
  await until('the alarm', async () => (await hall.state()).io?.alarm === true);
  expect(last()).toMatchObject({ state: 'closed' });
  await hall.dock({ do: 'remove' });
  await screen('out-of-service');
  expect(await says('out-of-service')).toContain('正在维护');
  await hall.dock({ do: 'door', open: false });
  await screen('start');
  await until('silence', async () => (await hall.state()).io?.alarm === false);
  // The module's line is cut: nothing that a customer would notice.
  await hall.dock({ do: 'io', cut: true });
  await until('its line to be cut', async () => (await hall.state()).io === null);
  await hall.dock({ do: 'io', cut: false });
  await moneyIsWhole();
}, 60_000);

describe.runIf(FULL)('the mains fail', () => {
  const off = (): Promise<unknown> => hall.dock({ do: 'mains', is: 'off' });
  afterEach(async () => {
    await hall.dock({ do: 'mains', is: 'on' });
    await hall.dock({ do: 'remove' });
    await screen('start', 60_000);
    await moneyIsWhole();
  }, 120_000);

  test('before anything is paid: the card is safe and goes back', async () => {
    await toAmount();
    await off();
    await cannotSell('DEV-0302');
    await hall.dock({ do: 'remove' });
    await screen('out-of-service');
  }, 60_000);

  test('while a code is shown: it is called off', async () => {
    await toPay();
    await off();
    await cannotSell('DEV-0302');
    expect(last()).toMatchObject({ state: 'closed' });
  }, 60_000);

  test('just as it is paid, and while it is written: it is delivered', async () => {
    await hall.dock({ do: 'delay', line: 'card', ms: 250 });
    await toPay();
    await off();
    await hall.dock({ do: 'pay' });
    await screen('done', 60_000);
    await hall.dock({ do: 'delay', line: 'card', ms: 0 });
    expect(last()).toMatchObject({ state: 'delivered' });
    await hall.dock({ do: 'remove' });
    await screen('out-of-service', 60_000);
  }, 120_000);

  test('with the card still in, all delivered: thanks, and then nobody is served', async () => {
    await toPay();
    await hall.dock({ do: 'pay' });
    await screen('done', 60_000);
    await off();
    await new Promise((r) => setTimeout(r, 6_000));
    expect(await page.$('[data-screen="done"]')).not.toBeNull();
    await hall.dock({ do: 'remove' });
    await screen('out-of-service', 60_000);
  }, 120_000);

  test('and the battery ends: the core closes its journal, waits, and begins anew with the mains', async () => {
    await toPay();
    await off();
    await cannotSell('DEV-0302');
    await hall.dock({ do: 'remove' });
    await screen('out-of-service');
    await hall.dock({ do: 'mains', is: 'low' });
    await until(
      'the last screen',
      async () => (await says('out-of-service')).includes('即将关机'),
      30_000,
    );
    await until('the journal to be whole, and closed', () => hall.verify().ok, 30_000);
    expect(hall.output).toMatch(/stopped in order/);
    await hall.dock({ do: 'mains', is: 'on' });
    await screen('start', 60_000);
  }, 180_000);

  test('upsd is stopped, or has lost its UPS: it serves as before', async () => {
    for (const is of ['stale', 'gone'] as const) {
      await hall.dock({ do: 'upsd', is });
      await new Promise((r) => setTimeout(r, 8_000));
      expect(await page.$('[data-screen="start"]')).not.toBeNull();
    }
    await hall.dock({ do: 'upsd', is: 'up' });
  }, 60_000);
});
