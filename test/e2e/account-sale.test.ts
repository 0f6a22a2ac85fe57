import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHROMIUM_ARGS, Hall, chromiumPath, follow, until, WHOLE } from '../support/hall.ts';
import { home } from '../support/home.ts';
import { tellFailures } from '../support/tell.ts';

let hall: Hall;
let browser: Browser;
let page: Page;

const screen = (name: string, timeout = 20_000): Promise<unknown> =>
  page.waitForSelector(`[data-screen="${name}"]`, { timeout });
const says = async (name: string): Promise<string> =>
  (await page.textContent(`[data-screen="${name}"]`)) ?? '';
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);

/** A user number on the pad, and its account agreed to be the customer's. */
async function toAccount(service: 'top-up' | 'bills', userNo: string): Promise<void> {
  await screen('start');
  await tap('open', service);
  await screen('user-no');
  for (const digit of userNo) await page.click(`[data-key="${digit}"]`);
  await page.click('[data-key="ok"]');
  await screen('is-it-you');
  await tap('its-me');
}
/** What is shown is agreed to, as far as the shown QR code. */
async function agree(): Promise<void> {
  await page.click('[data-intent="pay"]:not([disabled])');
  await page.waitForSelector('[data-screen="pay"], [data-screen="confirm-sum"]');
  // A large sum is agreed to twice.
  if ((await page.$('[data-screen="confirm-sum"]')) !== null)
    await page.click('[data-screen="confirm-sum"] [data-intent="pay"]:not([disabled])');
  await screen('pay');
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
}
/** @returns the account's balance before, yuan */
async function topUp(userNo: string, fen: number): Promise<number> {
  await toAccount('top-up', userNo);
  await screen('top-up');
  const before = await balance();
  await tap('choose-amount', fen);
  await agree();
  return before;
}
const balance = async (): Promise<number> =>
  Number(/账户余额¥([\d.]+)/.exec(await says('top-up'))?.[1]);
const lastOrder = (): ReturnType<Hall['rows']>['orders'][number] | undefined =>
  hall
    .rows()
    .orders.toSorted((a, b) => a.createdMs - b.createdMs)
    .at(-1);
/** What a merchant's WeChat books have as paid, fen; the last word on each order. */
function captured(folder: string): readonly number[] {
  const lines = readFileSync(join(hall.dataDir, folder, 'wechat-books.jsonl'), 'utf8').split('\n');
  const orders = new Map<string, { readonly state: string; readonly total: number }>();
  for (const line of lines.filter((text) => text !== '')) {
    const { order } = JSON.parse(line) as {
      order?: { readonly outTradeNo: string; readonly state: string; readonly total: number };
    };
    if (order !== undefined) orders.set(order.outTradeNo, order);
  }
  return [...orders.values()].filter((o) => o.state === 'SUCCESS').map((o) => o.total);
}
const ends = (state: string): Promise<unknown> =>
  until(`an order that is ${state}`, () => lastOrder()?.state === state, 60_000);

beforeAll(async () => {
  hall = await Hall.start([
    '--shell',
    'browser',
    '--payments',
    'gateway',
    '--meters',
    'never',
    WHOLE,
  ]);
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
  await page.waitForSelector('[data-intent="open"][data-value="top-up"]');
});
afterEach(() => page.close());

tellFailures(() => ({ hall, page }));

test('an IoT meter in arrears is topped up, and its account shows it', async () => {
  await toAccount('top-up', '2002203302');
  await screen('top-up');
  expect(await says('top-up')).toContain('李*梅');
  expect(await says('top-up')).toContain('¥42.75');
  await tap('choose-amount', 10_000);
  await agree();
  expect(await says('pay')).toContain('用户号尾号 3302');
  await hall.dock({ do: 'pay' });
  await screen('done');
  expect(await says('done')).toContain('缴费成功');
  await until('a slip', async () => (await hall.state()).slips.length > 0);
  // The code on the screen, opened by a phone: it tells as soon as the facts have arrived.
  const code = await page.getAttribute('[data-screen="done"] svg[data-qr]', 'data-qr');
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, locale: 'zh-CN' });
  await until('the receipt', async () => {
    await phone.goto(code ?? '');
    return (await phone.textContent('body'))?.includes('已入账') === true;
  });
  expect(await phone.textContent('body')).toContain('100.00');
  expect(await phone.textContent('body')).not.toContain('2002203302');
  expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await phone.close();
  await home(page);
  await toAccount('top-up', '2002203302');
  await screen('top-up');
  expect(await says('top-up')).toContain('¥57.25');
  // The meter has not connected since; the customer need not wait for it.
  expect(await says('top-up')).toContain('还没传到表上¥100.00');
  await tap('exit');
  await screen('start');
  await until('upload', () => hall.rows().outbox === 0);
  expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
});

test('a bill’s e-invoice is made on the phone, once, behind the code of the thanks screen', async () => {
  await toAccount('bills', '2002203303');
  await screen('bills');
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  expect(await says('done')).toContain('电子凭条、开发票');
  const code = await page.getAttribute('[data-screen="done"] svg[data-qr]', 'data-qr');
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, locale: 'zh-CN' });
  await until('the receipt', async () => {
    await phone.goto(code ?? '');
    return (await phone.textContent('body'))?.includes('已入账') === true;
  });
  const fits = async (): Promise<void> =>
    expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      390,
    );
  await hall.dock({ do: 'invoices', answers: 'later' });
  await follow(phone, 'text=开发票');
  await fits();
  // The company's fields come with the choice, without script.
  expect(await phone.isVisible('#tax')).toBe(false);
  await phone.check('#company');
  expect(await phone.isVisible('#tax')).toBe(true);
  await phone.fill('#name', '阜城第一小学');
  await phone.fill('#tax', '91350100M000100Y44');
  await follow(phone, 'text=下一步');
  expect(await phone.textContent('.bad')).toContain('有一位错了');
  expect(await phone.inputValue('#name')).toBe('阜城第一小学');
  await phone.fill('#tax', '91350100m000100y43');
  await follow(phone, 'text=下一步');
  expect(await phone.textContent('body')).toContain('请核对');
  await fits();
  await follow(phone, 'text=确认开票');
  await phone.waitForSelector('text=正在开发票');
  // By itself, as soon as the provider has issued it.
  await phone.waitForSelector('text=发票已开好', { timeout: 30_000 });
  await fits();
  const shown = (await phone.textContent('body')) ?? '';
  expect(shown).toContain('阜城第一小学');
  expect(shown).not.toContain('2002203303');
  const number = /\d{20}/.exec(shown)?.[0];
  const pdf = await phone.request.get((await phone.getAttribute('a.button', 'href')) ?? '');
  expect(pdf.headers()['content-type']).toBe('application/pdf');
  expect((await pdf.body()).toString('latin1')).toContain(number);
  await phone.goto(code ?? '');
  await follow(phone, 'text=看发票');
  expect(await phone.textContent('body')).toContain(number);
  await phone.close();
  await hall.dock({ do: 'invoices', answers: 'at-once' });
  await home(page);
});

test('gas and water of one household are two orders of one visit, and nothing is left to pay', async () => {
  await toAccount('bills', '2002203308');
  await screen('bills');
  expect(await says('bills')).toContain('3 项未交');
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  await tap('pay-next');
  await screen('is-it-you');
  await tap('its-me');
  await screen('bills');
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  expect(await page.locator('[data-intent="pay-next"]').count()).toBe(0);
  await home(page);
  await toAccount('bills', '2002203308');
  await page.waitForSelector('text=没有要交的账单');
  await tap('exit');
  await screen('start');
  const paid = hall
    .rows()
    .orders.filter((o) => o.sale.kind === 'credit' && o.state === 'delivered');
  expect(
    paid
      .map((o) => o.sale.payee)
      .slice(-2)
      .toSorted(),
  ).toEqual(['house', 'water']);
  // Each company's money is at its own account of that wallet.
  const sums = Object.fromEntries(
    paid.slice(-2).map((o) => [o.sale.payee ?? '', o.sale.amountFen]),
  );
  expect(captured('sandbox/water-co')).toEqual([sums['water']]);
  expect(captured('sandbox')).toContain(sums['house']);
  expect(captured('sandbox')).not.toContain(sums['water']);
});

test('a part of the oldest bill is paid, and the rest of it is owed; who owes nothing pays ahead', async () => {
  await toAccount('bills', '2002203309');
  await screen('bills');
  const bills = page.locator('[data-intent="choose-bill"]');
  // One of the two is left: the oldest may be paid in part.
  await bills.nth(1).click();
  await page.click('[data-local="part"]');
  for (const key of ['2', '0', 'ok']) await page.click(`[data-key="${key}"]`);
  await page.waitForSelector('text=还欠');
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  expect(lastOrder()?.sale.amountFen).toBe(2_000);
  await tap('pay-next');
  await screen('is-it-you');
  await tap('its-me');
  await screen('bills');
  expect(await bills.count()).toBe(2);
  expect(await says('bills')).not.toContain('违约金 ¥');
  await tap('exit');
  await toAccount('bills', '2002203304');
  await page.click('[data-intent="prepay"]');
  await screen('top-up');
  await tap('choose-amount', 5_000);
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  await home(page);
  await toAccount('bills', '2002203304');
  await page.click('[data-intent="prepay"]');
  await screen('top-up');
  expect(await balance()).toBeCloseTo(50, 2);
  await tap('back');
  await tap('exit');
});

test('the heating fee asks for its contract before it is paid', async () => {
  await toAccount('bills', '2002203307');
  await screen('bills');
  await page.click('[data-intent="pay"]:not([disabled])');
  await screen('contract');
  expect(await page.locator('[data-intent="pay"][disabled]').count()).toBe(1);
  await tap('agree', 'true');
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  const { sale } = lastOrder() ?? { sale: null };
  expect(sale?.kind === 'credit' ? sale.consent?.textId : null).toBe('heat-contract');
  await home(page);
});

test('a number that nobody has, and a bill that is cancelled: nothing is paid', async () => {
  await screen('start');
  await tap('open', 'bills');
  await screen('user-no');
  for (const digit of '2002203399') await page.click(`[data-key="${digit}"]`);
  await page.click('[data-key="ok"]');
  await page.waitForSelector('text=没有找到这个用户号');
  await tap('exit');
  await toAccount('bills', '2002203306');
  await screen('bills');
  await agree();
  await tap('cancel');
  await ends('closed');
  await screen('start');
  // Free again for the next one.
  await until('the bill is open', async () => {
    await toAccount('bills', '2002203306');
    await screen('bills');
    const open = (await page.locator('[data-intent="choose-bill"]').count()) === 1;
    await tap('exit');
    await screen('start');
    return open;
  });
});

test('a card in debt: what is owed is paid first, and then the card is recharged', async () => {
  await screen('start');
  await hall.dock({ do: 'insert', id: 'debt' });
  await screen('cannot-sell');
  await tap('pay-debt');
  await screen('bills');
  await agree();
  await hall.dock({ do: 'pay' });
  await screen('done');
  await tap('recharge');
  await screen('amount');
  await hall.dock({ do: 'remove' });
  await screen('start');
});

test('central goes away after the payment: the customer leaves with a slip, and it is credited when it is back', async () => {
  await topUp('2002203301', 5_000);
  await hall.dock({ do: 'cut', line: 'central', cut: true });
  await hall.dock({ do: 'pay' });
  await page.waitForSelector('text=钱已收到，正在入账', { timeout: 30_000 });
  expect(lastOrder()?.state).toBe('in-doubt');
  await tap('leave');
  await screen('start');
  // Nothing of this kind is sold meanwhile.
  await until(
    'no tile',
    async () => (await page.locator('[data-intent="open"][data-value="top-up"]').count()) === 0,
    40_000,
  );
  await hall.dock({ do: 'cut', line: 'central', cut: false });
  await ends('delivered');
});

test('the core is killed with the payment under way: the next one credits it once', async () => {
  await page.waitForSelector('[data-intent="open"][data-value="top-up"]', { timeout: 40_000 });
  const before = await topUp('2002203301', 10_000);
  await hall.dock({ do: 'cut', line: 'central', cut: true });
  await hall.dock({ do: 'pay' });
  await ends('in-doubt');
  await hall.dock({ do: 'kill', what: 'core' });
  await hall.dock({ do: 'cut', line: 'central', cut: false });
  await ends('delivered');
  await page.waitForSelector('[data-intent="open"][data-value="top-up"]', { timeout: 60_000 });
  await home(page);
  await toAccount('top-up', '2002203301');
  await screen('top-up');
  expect(await balance()).toBeCloseTo(before + 100, 2);
  expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
});
