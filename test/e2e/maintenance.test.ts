import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBundle } from '../../src/main/export/open.ts';
import type { Keyring } from '../../src/shared/signatures.ts';
import { ed25519Keyring } from '../../src/shared/signing.ts';
import { DEMO_USER } from '../../src/demo/technician.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, follow, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

/** The terminal's public key, as central has it. */
const hallKey = (): Keyring =>
  ed25519Keyring(
    createPublicKey(readFileSync(join(hall.dataDir, 'keys', 'terminal.pem')))
      .export({ format: 'pem', type: 'spki' })
      .toString(),
  );

/** A technician at the demo hall's kiosk, in a real Chromium, with every process real. */
let browser: Browser;
let page: Page;
let hall: Hall;

const screen = (name: string, timeout = 20_000): Promise<unknown> =>
  page.waitForSelector(`[data-screen="${name}"]`, { timeout });
const says = async (name: string): Promise<string> =>
  (await page.textContent(`[data-screen="${name}"]`)) ?? '';
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);
const local = (name: string): Promise<void> => page.click(`[data-local="${name}"]`);

/** Five taps where nothing is to be seen. */
async function corner(taps = 5): Promise<void> {
  for (let n = 0; n < taps; n += 1) await page.mouse.click(70, 60);
}
async function type(pin: string): Promise<void> {
  for (const digit of pin) await page.click(`[data-key="${digit}"]`);
  await page.click('[data-key="ok"]');
}
/** Taps on a screen that has just changed are dropped: a technician taps again. */
async function knock(): Promise<void> {
  await until(
    'the PIN screen',
    async () => {
      if ((await page.locator('[data-screen="maintenance-pin"]').count()) === 0) await corner();
      await new Promise((r) => setTimeout(r, 700));
      return (await page.locator('[data-screen="maintenance-pin"]').count()) === 1;
    },
    30_000,
  );
}
async function enter(): Promise<void> {
  await knock();
  await type(DEMO_USER.pin);
  await screen('maintenance');
}

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
  hall = await Hall.start();
  // It answers, but refuses every write: what is paid for it goes back.
  mkdirSync(join(hall.dataDir, 'cards'), { recursive: true });
  writeFileSync(
    join(hall.dataDir, 'cards', 'good.json'),
    JSON.stringify({ card: { ...sampleCard('good').make().toJSON(), macKey: '00'.repeat(16) } }),
  );
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
  await screen('start');
});
afterAll(async () => {
  await browser?.close();
  await hall?.dispose();
});

tellFailures(() => ({ hall, page }));

test('the demo says its PIN; four taps are not enough, and the way back is the customers’ screen', async () => {
  expect(hall.output).toContain(`PIN ${DEMO_USER.pin}`);
  await corner(4);
  await new Promise((r) => setTimeout(r, 3_200));
  await corner(1);
  await new Promise((r) => setTimeout(r, 300));
  expect(await page.locator('[data-screen="start"]').count()).toBe(1);
  await knock();
  // A revision is a time, and may have any four digits in it.
  const shown = (await page.content()).replace(/data-revision="\d+"/, '');
  expect(shown).not.toContain(DEMO_USER.pin);
  await tap('exit');
  await screen('start');
});

/**
 * Half a minute of a real lock: with PILOTLIGHT_FULL=1; the unit tests have it by their clock each
 * time.
 */
test.skipIf(process.env['PILOTLIGHT_FULL'] !== '1')(
  'wrong PINs lock, also across a kill of the core; the right one opens afterwards',
  async () => {
    await knock();
    for (const pin of ['1111', '2222', '3333']) {
      await page.waitForSelector('[data-key="1"]:not([disabled])');
      await type(pin);
      await until('checked', async () => /密码不对|请等/.test(await says('maintenance-pin')));
    }
    await until('locked', async () => (await says('maintenance-pin')).includes('输错次数过多'));
    expect(await page.locator('[data-key="ok"]').isDisabled()).toBe(true);
    await hall.dock({ do: 'kill', what: 'core' });
    await screen('start', 30_000);
    await knock();
    expect(await says('maintenance-pin')).toContain('输错次数过多');
    await page.waitForSelector('[data-key="1"]:not([disabled])', { timeout: 40_000 });
    await type(DEMO_USER.pin);
    await screen('maintenance');
    expect(await says('maintenance')).toContain(DEMO_USER.name);
  },
);

test('every device passes its self-test', async () => {
  if ((await page.locator('[data-screen="maintenance"]').count()) === 0) await enter();
  const devices = await page.$$eval('[data-device]', (rows) =>
    rows.map((row) => row.getAttribute('data-device')),
  );
  expect(devices).toEqual([
    'reader',
    'printer',
    'scanner',
    'headphones',
    'ups',
    'door',
    'lamps',
    'service',
    'line-wechat',
    'line-alipay',
    'central',
    'journal',
    'disk',
    'clock',
  ]);
  await hall.dock({ do: 'insert', id: 'golden' });
  await until('the card is seen', async () => (await says('maintenance')).includes('有卡在内'));
  const slips = (await hall.state()).slips.length;
  for (const device of devices) {
    // A tap made on a screen that has just changed is dropped, as everywhere: a technician taps
    // again.
    await until(
      `${device} is tested`,
      async () => {
        const state = await page.getAttribute(`[data-device="${device}"]`, 'data-test');
        if (state === 'none' || state === 'failed')
          await page.click(`[data-device="${device}"] button`);
        if (state !== 'passed') await new Promise((r) => setTimeout(r, 500));
        return state === 'passed';
      },
      60_000,
    );
  }
  const words = await says('maintenance');
  expect(words).toMatch(/卡复位应答 3B/);
  expect(words).toContain('应答已验签');
  expect((await hall.state()).slips.length).toBe(Math.min(6, slips + 1));
  await hall.dock({ do: 'remove' });
  await tap('maintenance-tab', 'sync');
  await tap('maintenance-do', 'verify-journal');
  await page.waitForSelector('[data-verify="ok"]', { timeout: 60_000 });
  await tap('exit');
  await screen('start');
});

test('a parked refund is found, asked for again under its number, and ends refunded', async () => {
  await hall.dock({ do: 'faults', faults: { refundAbnormal: 1 } });
  await hall.dock({ do: 'insert', id: 'good' });
  await screen('amount');
  await tap('choose-amount', 5_000);
  await page.click('[data-intent="pay"][data-value="5000"]:not([disabled])');
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
  await hall.dock({ do: 'pay' });
  await screen('refunding');
  await until('parked', () => hall.rows().orders.at(-1)?.state === 'parked', 40_000);
  const parked = hall.rows();
  const before = parked.attempts.find((a) => a.orderId === parked.orders.at(-1)?.orderId);
  expect(before).toMatchObject({ state: 'parked', reason: 'refund-refused' });
  await hall.dock({ do: 'remove' });
  await page.click('[data-intent="exit"]');
  await screen('start', 40_000);

  await enter();
  await until('told', async () => (await says('maintenance')).includes('1 笔待处理'));
  await tap('maintenance-tab', 'orders');
  await page.click('[data-intent="maintenance-order"] >> nth=0');
  await until('its story', async () => (await says('maintenance')).includes('待人工处理'));
  // The merchant hands it to another account; the machine hears of it when it asks again.
  await hall.dock({ do: 'mend-refunds' });
  await local('retry-refund');
  expect(await page.locator('[data-intent="maintenance-do"]').isDisabled()).toBe(true);
  await local('why-1');
  await page.click('[data-intent="maintenance-do"]:not([disabled])');
  await until('refunded', () => hall.rows().orders.at(-1)?.state === 'refunded', 40_000);
  const after = hall.rows().attempts.find((a) => a.attemptId === before?.attemptId);
  expect(after).toMatchObject({ state: 'refunded', outRefundNo: before?.outRefundNo });
  expect((await hall.books()).refunds.filter((r) => r.status === 'SUCCESS')).toEqual([
    expect.objectContaining({ outRefundNo: before?.outRefundNo, refund: 5_000 }),
  ]);
  await until('shown', async () => (await says('maintenance')).includes('已退款'));
  await tap('maintenance-order', '');
});

test('the shift is closed, printed and exported; the next one has begun', async () => {
  await tap('maintenance-tab', 'daybook');
  await until('counted', async () => (await says('maintenance')).includes('本班（第 1 班）'));
  const slips = (await hall.state()).slips.at(-1);
  await local('close-shift');
  await page.click('[data-intent="maintenance-do"]:not([disabled])');
  await until('closed', async () => (await says('maintenance')).includes('第 1 班已结，请签字'));
  expect((await hall.state()).slips.at(-1)).not.toBe(slips);
  await until('the next', async () => (await says('maintenance')).includes('本班（第 2 班）'));
  await page.waitForSelector('[data-stick="none"]');
  const stick = join(hall.dataDir, 'stick');
  mkdirSync(stick);
  await page.waitForSelector('[data-stick="ready"]');
  await page.click('[data-intent="maintenance-do"][data-value="export"]:not([disabled])');
  await until('written', async () => (await says('maintenance')).includes('可以拔出'), 40_000);
  const [name = '', ...more] = readdirSync(stick);
  expect([name.endsWith('.zip'), more]).toEqual([true, []]);
  const opened = await openBundle(readFileSync(join(stick, name)), [], hallKey());
  if (!opened.ok) throw new Error(opened.error);
  expect(opened.value.files[0]?.bytes.toString('utf8')).toContain('1-1 班');
});

test('the readiness report is printed; the program restarts for a reason, and the log has all of it', async () => {
  await tap('maintenance-tab', 'system');
  await until('looked at', async () => (await says('maintenance')).includes('Node'));
  const slips = (await hall.state()).slips.at(-1);
  await tap('maintenance-do', 'print-readiness');
  await until('printed', async () => (await hall.state()).slips.at(-1) !== slips);
  await local('touch-test');
  const grid = page.locator('[data-touch]');
  const [, all = '0'] = ((await grid.getAttribute('data-touch')) ?? '').split('/');
  await page.mouse.move(10, 60);
  await page.mouse.down();
  for (let row = 0; row < 16; row += 1) {
    const [from, to] = row % 2 === 0 ? [10, 1_070] : [1_070, 10];
    await page.mouse.move(from, 60 + row * 120);
    await page.mouse.move(to, 60 + row * 120, { steps: 12 });
  }
  await page.mouse.up();
  await until('every field answered', async () =>
    (await says('maintenance')).includes(`${all} 格都有反应`),
  );
  await local('restart-core');
  await local('why-4');
  await page.click('[data-intent="maintenance-do"][data-value="restart-core"]:not([disabled])');
  await until(
    'restarting',
    async () => (await page.locator('[data-screen="out-of-service"]').count()) === 1,
  );
  await screen('start', 30_000);
  await enter();
  await tap('maintenance-tab', 'logs');
  await page.click('[data-intent="maintenance-log"][data-value="people"]');
  await until('told', async () => {
    const words = await says('maintenance');
    return (
      words.includes(`${DEMO_USER.name} 操作：重启程序，例行重启`) && words.includes('因重启结束')
    );
  });
  await page.click('[data-intent="maintenance-log"][data-value="money"]');
  await page.click('[data-log="money"] [data-intent="maintenance-order"] >> nth=0');
  await until('its story', async () => (await says('maintenance')).includes('已退款'));
  await tap('maintenance-order', '');
});

test('out of service outlives a kill; back in service sells again', async () => {
  await tap('maintenance-tab', 'devices');
  await local('out-of-service');
  await local('why-2');
  await page.click('[data-intent="maintenance-do"]:not([disabled])');
  await until('stopped', async () => (await says('maintenance')).includes('已停用'));
  await hall.dock({ do: 'kill', what: 'core' });
  await until(
    'recovering',
    async () => (await says('out-of-service')).includes('CORE-0101'),
    30_000,
  );
  await until('still out', async () => (await says('out-of-service')).includes('MNT-0103'), 30_000);
  await enter();
  await local('back-in-service');
  await local('why-1');
  await page.click('[data-intent="maintenance-do"]:not([disabled])');
  await screen('start');
  await hall.dock({ do: 'insert', id: 'golden' });
  await screen('amount');
  await hall.dock({ do: 'remove' });
  await screen('start');
  expect(hall.verify().problems).toEqual([]);
});

test('a damaged journal is restored at start; out of service until a technician accepts and a person at central grants', async () => {
  const before = hall.rows();
  await hall.stop();
  // Some pages of the database are garbage.
  const file = join(hall.dataDir, 'kiosk', 'journal.db');
  for (const part of ['-wal', '-shm']) rmSync(file + part, { force: true });
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(24_000, 0x5a), 0, 24_000, 8_192);
  closeSync(fd);
  await hall.restart();
  await page.goto(hall.url);
  await until('restored', async () => (await says('out-of-service')).includes('JRNL-0106'), 30_000);
  const rows = hall.rows();
  expect(rows.orders.map((o) => [o.orderId, o.state])).toEqual(
    before.orders.map((o) => [o.orderId, o.state]),
  );
  expect(readdirSync(join(hall.dataDir, 'kiosk')).some((name) => name.startsWith('damaged-'))).toBe(
    true,
  );

  await enter();
  await tap('maintenance-tab', 'sync');
  await local('accept-damage');
  await local('why-1');
  await page.click('[data-intent="maintenance-do"]:not([disabled])');
  await until('accepted', async () => !(await says('maintenance')).includes('待技术员确认'));
  await tap('exit');
  await until(
    'waits for central',
    async () => (await says('out-of-service')).includes('BILL-0109'),
    30_000,
  );

  const console_ = await browser.newPage();
  await until(
    'it asks',
    async () =>
      (
        (await hall.central()) as unknown as { terminals: { epochRequest: unknown }[] }
      ).terminals.some((t) => t.epochRequest !== null),
    40_000,
  );
  await console_.goto(`http://127.0.0.1:${hall.port + 2}/`);
  await follow(console_, 'text=申请中，去核对');
  await follow(console_, 'button:has-text("批准新纪元")');
  await console_.close();
  await screen('start', 60_000);
  await hall.dock({ do: 'insert', id: 'golden' });
  await screen('amount');
  await hall.dock({ do: 'remove' });
  await screen('start');
  expect(hall.verify()).toMatchObject({ ok: true, epoch: 2, problems: [] });
});
