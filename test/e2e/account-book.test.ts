import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHROMIUM_ARGS, Hall, chromiumPath, until } from '../support/hall.ts';
import { home } from '../support/home.ts';
import { tellFailures } from '../support/tell.ts';

/** Sales without a card in a hall whose company keeps its own account book, a process of its own. */
let hall: Hall;
let browser: Browser;
let page: Page;

const screen = (name: string): Promise<unknown> =>
  page.waitForSelector(`[data-screen="${name}"]`, { timeout: 30_000 });
const tap = (intent: string, value: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"][data-value="${value}"]`);

/** ¥100 for the IoT meter of that number, as far as the code. */
async function toCode(userNo: string): Promise<void> {
  await screen('start');
  await tap('open', 'top-up');
  await screen('user-no');
  for (const digit of userNo) await page.click(`[data-key="${digit}"]`);
  await page.click('[data-key="ok"]');
  await screen('is-it-you');
  await page.click('[data-intent="its-me"]');
  await screen('top-up');
  await tap('choose-amount', 10_000);
  await page.click('[data-intent="pay"]:not([disabled])');
  await screen('pay');
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
}
/** … and paid. */
async function topUp(userNo: string): Promise<void> {
  await toCode(userNo);
  await hall.dock({ do: 'pay' });
}
const ends = (state: string): Promise<unknown> =>
  until(
    `an order that is ${state}`,
    () =>
      hall
        .rows()
        .orders.toSorted((a, b) => a.createdMs - b.createdMs)
        .at(-1)?.state === state,
    60_000,
  );
const inBook = async (): Promise<readonly { userNo: string; amountFen: number }[]> =>
  (await hall.state()).book ?? [];

beforeAll(async () => {
  hall = await Hall.start(['--shell', 'browser', '--account-book', 'idempotent']);
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
});
afterEach(() => page.close());

tellFailures(() => ({ hall, page }));

test('the book loses its answer and dies: the customer need not wait, and it is in there once', async () => {
  await hall.dock({ do: 'book', answers: 'lose' });
  await topUp('2002203301');
  await until('it stands in the book', async () => (await inBook()).length === 1);
  await hall.dock({ do: 'kill', what: 'book' });
  await ends('delivered');
  expect(await inBook()).toMatchObject([{ userNo: '2002203301', amountFen: 10_000 }]);
  expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
  await home(page);
});

/** The other two ends of it: with PILOTLIGHT_FULL=1; test/unit/central has them each time. */
const fully = test.skipIf(process.env['PILOTLIGHT_FULL'] !== '1');

fully('the book refuses: the money goes back by itself, and the screen says so', async () => {
  const before = (await inBook()).length;
  await hall.dock({ do: 'book', answers: 'refuse' });
  await topUp('2002203302');
  await ends('refunded');
  await page.waitForSelector('text=已退款', { timeout: 30_000 });
  expect(await inBook()).toHaveLength(before);
  await hall.dock({ do: 'book', answers: 'at-once' });
});

fully(
  'paid after it was cancelled: the money goes back by itself, and nothing is in the book',
  async () => {
    await home(page);
    const before = (await inBook()).length;
    await toCode('2002203301');
    const trade = (await hall.state()).trades.at(-1);
    await page.click('[data-intent="cancel"]');
    await ends('closed');
    await hall.dock({ do: 'pay', codeUrl: trade?.codeUrl ?? '', late: true });
    const attempt = () => hall.rows().attempts.find((a) => a.outTradeNo === trade?.outTradeNo);
    await until('the refund', () => attempt()?.state === 'refunded', 40_000);
    expect(
      (await hall.books()).refunds.filter(
        (r) => r.outTradeNo === trade?.outTradeNo && r.refund === 10_000 && r.status === 'SUCCESS',
      ),
    ).toHaveLength(1);
    expect(await inBook()).toHaveLength(before);
    expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
  },
);
