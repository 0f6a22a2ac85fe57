import { randomBytes } from 'node:crypto';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/central/db/migrate.ts';
import { openPglite } from '../../src/central/db/pglite.ts';
import type { Db } from '../../src/central/db/sql.ts';
import { createPaymentGateway } from '../../src/central/gateway/gateway.ts';
import { publicPages } from '../../src/central/gateway/public.ts';
import type { PaymentGateway } from '../../src/central/gateway/types.ts';
import { listen } from '../../src/central/http/listen.ts';
import type { OpenDoor } from '../../src/central/http/listen.ts';
import { router } from '../../src/central/http/routes.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { createWechatProvider } from '../../src/payment/wechat/provider.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../src/shared/signing.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../src/simulator/wechat/sandbox.ts';
import type { WechatSandbox } from '../../src/simulator/wechat/sandbox.ts';
import { CHROMIUM_ARGS, chromiumPath } from '../support/hall.ts';
import { freePorts } from '../support/ports.ts';

/**
 * The gateway's page in a real browser that says that it is WeChat's, with real keys: the redirect
 * to who pays and back, the cookie, the policy under which the one script runs, and the bridge that
 * it calls. The bridge stands for WeChat: it asks the sandbox whether the order is good, and pays.
 */
const TERMINAL = '000000000311';
const WECHAT = 'Mozilla/5.0 (Linux; Android 15) Chrome/140 MicroMessenger/8.0.60';
const keys = generateSandboxKeys();
let db: Db;
let sandbox: WechatSandbox;
let gateway: PaymentGateway;
let door: OpenDoor;
let browser: Browser;
let page: Page;
let serial = 0;

beforeAll(async () => {
  db = await openPglite(null);
  await migrate(db);
  await db.query('INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ($1, $1, 1)', [
    TERMINAL,
  ]);
  sandbox = createWechatSandbox({
    port: 0,
    dataDir: null,
    merchantPublicKeyPem: keys.merchantPublicKeyPem,
    platformPrivateKeyPem: keys.platformPrivateKeyPem,
    platformSerial: keys.platformSerial,
    mchid: '1900000109',
    appid: 'wxd678efh567hg6787',
    appSecret: 'official-account-secret',
    now: () => Date.now(),
    randomBytes,
  });
  const { baseUrl } = await sandbox.start();
  const port = await freePorts(1);
  gateway = createPaymentGateway(() => db, {
    wallets: [
      createWechatProvider(
        {
          baseUrl,
          mchid: '1900000109',
          appid: 'wxd678efh567hg6787',
          merchantSerial: keys.merchantSerial,
          merchantSigner: rsaSha256Signer(keys.merchantPrivateKeyPem),
          platformKeys: new Map([
            [keys.platformSerial, rsaSha256Verifier(keys.platformPublicKeyPem)],
          ]),
          notifyUrl: 'https://pay.example.com/n',
          storeOutId: '1',
          browser: {
            appSecret: 'official-account-secret',
            authorizeUrl: baseUrl,
            apiUrl: baseUrl,
          },
        },
        { clock: systemClock, random: systemRandom, timeoutMs: 5_000 },
      ),
    ],
    publicUrl: `http://127.0.0.1:${port}`,
    receipts: { keyId: 'k', sign: () => new Uint8Array(64) },
    clock: systemClock,
    random: systemRandom,
  });
  door = await listen(router(publicPages(gateway, () => systemClock.nowMs(), undefined, false)), {
    port,
  });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await door?.close();
  await sandbox?.close();
  await db?.close();
});

async function open(): Promise<{ readonly outTradeNo: string; readonly amountFen: number }> {
  const trade = { outTradeNo: `P311B1E${String(++serial).padStart(6, '0')}`, amountFen: 5_000 };
  const made = await gateway.create(TERMINAL, {
    ...trade,
    description: '燃气充值',
    expiresAtMs: Date.now() + 120_000,
  });
  if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
  const context = await browser.newContext({
    userAgent: WECHAT,
    viewport: { width: 390, height: 700 },
  });
  page = await context.newPage();
  await page.goto(made.qrText);
  return trade;
}
/** WeChat is around the page, and its customer does so. */
async function bridge(does: 'pays' | 'cancels' | 'pays and fails'): Promise<void> {
  await page.exposeFunction('aroundThePage', (params: Record<string, unknown>) => {
    const { codeUrl } = sandbox.control.invoke(params, 'sandbox-payer');
    if (codeUrl === null) return 'get_brand_wcpay_request:fail';
    if (does === 'cancels') return 'get_brand_wcpay_request:cancel';
    return sandbox.control.pay({ codeUrl }).paid && does === 'pays'
      ? 'get_brand_wcpay_request:ok'
      : 'get_brand_wcpay_request:fail';
  });
  await page.addInitScript(`window.WeixinJSBridge = { invoke: (name, params, done) => {
    if (name === 'getBrandWCPayRequest') window.aroundThePage(params).then((err_msg) => done({ err_msg }));
  } };`);
}

describe('the gateway’s page in WeChat', () => {
  test('one tap, and WeChat has the order: paid, and the page sends the customer to the machine', async () => {
    const trade = await open();
    await bridge('pays');
    await page.click('button[value="wechat"]');
    await page.waitForSelector('#done:not([hidden])');
    expect(await page.textContent('#done')).toContain('请看机器屏幕');
    expect(await page.isHidden('#opening')).toBe(true);
    expect(await gateway.query(TERMINAL, trade)).toMatchObject({ kind: 'paid', amountFen: 5_000 });
    const folder = process.env['PILOTLIGHT_PICTURES'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/wechat-done.png` });
  });

  test('cancelled there: it says that nothing was charged, and the same code may be scanned again', async () => {
    const trade = await open();
    await bridge('cancels');
    await page.click('button[value="wechat"]');
    await page.waitForSelector('#again:not([hidden])');
    expect(await page.textContent('#again')).toContain('没有收您的钱');
    expect(await gateway.query(TERMINAL, trade)).toEqual({ kind: 'pending' });
  });

  test('WeChat says that it failed, and it was paid: nobody is told that he was not charged', async () => {
    const trade = await open();
    await bridge('pays and fails');
    await page.click('button[value="wechat"]');
    await page.waitForSelector('#unsure:not([hidden])');
    expect(await page.textContent('#unsure')).toContain('请看机器屏幕');
    expect(await page.isHidden('#again')).toBe(true);
    expect(await gateway.query(TERMINAL, trade)).toMatchObject({ kind: 'paid', amountFen: 5_000 });
    const folder = process.env['PILOTLIGHT_PICTURES'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/wechat-unsure.png` });
  });
});
