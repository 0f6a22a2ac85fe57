import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_REQUESTS } from '../../src/demo/requests-data.ts';
import { smsOf } from '../../src/shared/requests.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, follow, until, WHOLE } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** Everything that can be asked for, at the machine; answered in the console; seen at the machine. */
let hall: Hall;
let browser: Browser;
let page: Page;

const PHONE = '13805586212';
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(
    `[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}:not([disabled])`,
  );
const step = async (): Promise<string> =>
  (await page.getAttribute('[data-screen="request"] [data-step]', 'data-step')) ?? '';
async function type(digits: string, ok: string): Promise<void> {
  for (const digit of digits) await tap('key', digit);
  await tap(ok);
}

/** Waits for what follows the pad; a tap that a busy page let fall is made again, as anybody does. */
async function onTo(next: string): Promise<void> {
  const ok = page.locator('[data-key="ok"]:not([disabled])');
  for (let tries = 0; tries < 5; tries++) {
    try {
      await page.waitForSelector(next, { timeout: 5_000 });
      return;
    } catch {
      if ((await ok.count()) > 0) await ok.click({ timeout: 5_000 }).catch(() => undefined);
    }
  }
  await page.waitForSelector(next);
}

/** Answers whatever the machine asks until it is made. @returns the digits of its number */
async function ask(id: string): Promise<string> {
  const at = DEMO_REQUESTS.categories.findIndex((c) => c.id === id);
  await tap('open', 'request');
  for (let n = 0; n < Math.floor(at / 4); n++) await tap('request-page', n + 1);
  await tap('request-pick', id);
  await page.waitForSelector('[data-screen="request"] [data-step]:not([data-step="menu"])');
  for (let now = await step(); now !== 'made';) {
    if (now === 'choice' || now === 'slot') await tap('request-pick');
    else if (now === 'phone') await type(PHONE, 'request-digits');
    else if (now === 'user' && id === 'proxy') await hall.dock({ do: 'insert', id: 'golden' });
    else if (now === 'user') await type('1002203344', 'request-digits');
    else if (now === 'confirm') {
      expect(await page.textContent('[data-step="confirm"]')).toContain('138 **** 6212');
      await tap('request-submit');
    }
    await onTo(`[data-step]:not([data-step="${now}"]):not([data-step="making"])`);
    now = await step();
  }
  if (id === 'proxy') await hall.dock({ do: 'remove' });
  const said = (await page.textContent('[data-step="made"]')) ?? '';
  const ref = /\d{4} \d{4} \d{4}/.exec(said)?.[0].replaceAll(' ', '') ?? '';
  expect(ref).toHaveLength(12);
  expect(said).toContain('已受理');
  await tap('exit');
  await page.waitForSelector('[data-screen="start"]');
  return ref;
}

beforeAll(async () => {
  hall = await Hall.start(['--shell', 'browser', WHOLE]);
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

test('each kind is asked for, three of them while central is away, answered, and looked up', async () => {
  const made = new Map<string, string>();
  const online = DEMO_REQUESTS.categories
    .filter((c) => c.kind !== 'call-back' && smsOf(c.kind) === null)
    .map((c) => c.id);
  const offline = ['ignition', 'complaint'];
  await page.waitForSelector('[data-intent="open"][data-value="request"]');
  for (const id of online.filter((id) => !offline.includes(id))) made.set(id, await ask(id));
  await hall.dock({ do: 'cut', line: 'central', cut: true });
  for (const id of offline) made.set(id, await ask(id));
  // The machine has to notice: only then a number may be left.
  await page.waitForSelector('text=收费系统连不上', { timeout: 60_000 });
  made.set('call-back', await ask('call-back'));
  expect((await hall.central())['requests']).toMatchObject({ open: 8 });
  await hall.dock({ do: 'cut', line: 'central', cut: false });
  await until('everything is told', async () => {
    const { requests } = await hall.central();
    return (requests as { open: number }).open === made.size;
  });
  expect(made.size).toBe(11);

  const staff = await browser.newPage();
  const console_ = `http://127.0.0.1:${hall.port + 2}`;
  const ref = made.get('call-back') ?? '';
  await until('the sealed part is there', async () => {
    await staff.goto(`${console_}/console/requests`);
    await follow(staff, `tr:has-text("${ref}") a`);
    return ((await staff.textContent('main')) ?? '').includes(PHONE);
  });
  await staff.selectOption('#state', 'scheduled');
  await staff.fill('#reply', '明天上午给您打电话');
  await staff.fill('#who', '李萍');
  await follow(staff, 'button:has-text("答复")');
  await staff.close();

  await tap('open', 'request');
  await tap('request-find');
  await type(ref, 'request-ref');
  await type('0000', 'request-look');
  await onTo('text=没有查到');
  await tap('request-back');
  await tap('request-find');
  await type(ref, 'request-ref');
  await type(PHONE.slice(-4), 'request-look');
  await onTo('text=明天上午给您打电话');
  expect(await page.textContent('[data-step="status"]')).toContain('已安排');
  await tap('exit');
  await until('a slip', async () => (await hall.state()).slips.length > 0);
  expect(JSON.stringify((await hall.state()).slips)).not.toContain(PHONE);
}, 180_000);
