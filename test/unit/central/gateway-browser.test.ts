import { afterEach, describe, expect, it } from 'vitest';
import { publicPages } from '../../../src/central/gateway/public.ts';
import type { Opened } from '../../../src/central/gateway/types.ts';
import type { CentralAnswer } from '../../../src/central/http/request.ts';
import { router } from '../../../src/central/http/routes.ts';
import { OPENID_HEADER } from '../../../src/simulator/wechat/sandbox.ts';
import { sandboxSend } from '../../support/sandbox-send.ts';
import { T, Town } from './gateway-town.ts';
import { forged } from '../../support/forged.ts';

/**
 * One code that WeChat's own browser opens, too: it tells who pays, and the page hands the order to
 * the wallet around it. And Alipay's word that it was paid.
 */
let town: Town;
let serial = 0;
afterEach(() => town.close());

const WECHAT = 'Mozilla/5.0 (Linux; Android 15) MicroMessenger/8.0';
const ANY = 'Mozilla/5.0 (Linux; Android 15) Chrome/140';

async function shown() {
  const r = { outTradeNo: `P311E1J${String(++serial).padStart(6, '0')}`, amountFen: 10_000 };
  const made = await town.gateway.create(T, {
    ...r,
    description: '燃气充值',
    expiresAtMs: town.clock.nowMs() + 120_000,
  });
  if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
  return { r, token: made.qrText.slice(made.qrText.lastIndexOf('/') + 1) };
}
/** Where the wallet sends the browser back to: with a code for this customer. */
async function toldBy(openid: string, authorize: string): Promise<URL> {
  const at = new URL(authorize);
  const answer = await sandboxSend(town.wechat)({
    method: 'GET',
    origin: at.origin,
    target: `${at.pathname}${at.search}`,
    headers: { [OPENID_HEADER]: openid },
    body: null,
    maxBytes: 1 << 16,
    signal: new AbortController().signal,
  });
  return new URL(answer.header('location') ?? '');
}
async function invoked(token: string, openid: string): Promise<Opened> {
  const opened = await town.gateway.openPage(token, null, WECHAT);
  if (opened.kind !== 'authorize') return opened;
  const back = await toldBy(openid, opened.url);
  return town.gateway.returned(token, 'wechat', back.searchParams.get('code') ?? '');
}
/** WeChat around the page takes the order, and its customer pays. */
function paysIn(opened: Opened, openid: string, late = false): boolean {
  if (opened.kind !== 'invoke') throw new Error(opened.kind);
  const { codeUrl } = town.wechat.control.invoke(opened.params, openid);
  return codeUrl !== null && town.pay(codeUrl, late);
}
const states = async (): Promise<string[]> =>
  (await town.legs()).map((l) => `${l.wallet} ${l.state}`);
const quiet = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
};

describe('in WeChat’s own browser', () => {
  it('the customer is told of by the wallet, pays in it, and no link is made', async () => {
    town = await Town.open('sqlite', true);
    const { r, token } = await shown();
    const opened = await invoked(token, 'customer-a');
    expect(opened).toMatchObject({
      kind: 'invoke',
      params: { appId: 'wx1', signType: 'RSA', package: expect.stringMatching(/^prepay_id=wx/) },
    });
    expect(await town.gateway.query(T, r)).toEqual({ kind: 'pending' });
    expect(paysIn(opened, 'customer-a')).toBe(true);
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    expect(town.asked.filter((a) => a.endsWith('create') || a.endsWith('jsapi'))).toEqual([
      'wechat.jsapi',
    ]);
    expect(town.kept()).toBe(10_000);
    const rows = await town.db.query<{ opened: string }>('SELECT opened FROM gateway_legs');
    expect(rows[0]?.opened).toMatch(/^[0-9a-f]{32}$/);
  });

  it('once more by the same customer is the same order; by another it is his own, and the first is closed', async () => {
    town = await Town.open('sqlite', true);
    const { r, token } = await shown();
    const first = await invoked(token, 'customer-a');
    await invoked(token, 'customer-a');
    expect(await states()).toEqual(['wechat open']);
    const second = await invoked(token, 'customer-b');
    expect(await states()).toEqual(['wechat closed', 'wechat open']);
    // The order was made for another, so that WeChat refuses it; closed, it takes no money.
    expect(() => paysIn(first, 'customer-b')).not.toThrow();
    expect(paysIn(first, 'customer-a')).toBe(false);
    expect(paysIn(second, 'customer-b')).toBe(true);
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    expect(town.kept()).toBe(10_000);
  });

  it('both customers pay: one capture counts, the other goes back', async () => {
    town = await Town.open('sqlite', true);
    const { r, token } = await shown();
    const first = await invoked(token, 'customer-a');
    const second = await invoked(token, 'customer-b');
    expect(paysIn(second, 'customer-b')).toBe(true);
    expect(paysIn(first, 'customer-a', true)).toBe(true);
    expect(town.kept()).toBe(20_000);
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    await town.sweepFor(600_000);
    expect(town.kept()).toBe(10_000);
  });

  it('a first one that was paid counts: the second customer is told so', async () => {
    town = await Town.open('sqlite', true);
    const { r, token } = await shown();
    const first = await invoked(token, 'customer-a');
    expect(paysIn(first, 'customer-a')).toBe(true);
    expect(await invoked(token, 'customer-b')).toEqual({ kind: 'paid' });
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    expect(town.kept()).toBe(10_000);
  });

  it('a code of the wallet’s is good once, and a forged one names nobody', async () => {
    town = await Town.open('sqlite', true);
    const { token } = await shown();
    const opened = await town.gateway.openPage(token, null, WECHAT);
    if (opened.kind !== 'authorize') throw new Error(opened.kind);
    const code = (await toldBy('customer-a', opened.url)).searchParams.get('code') ?? '';
    expect(await town.gateway.returned(token, 'wechat', code)).toMatchObject({ kind: 'invoke' });
    expect(await town.gateway.returned(token, 'wechat', code)).toEqual({ kind: 'wait' });
    expect(await town.gateway.returned(token, 'wechat', 'forged')).toEqual({ kind: 'wait' });
    expect(await town.gateway.returned(token, 'alipay', code)).toEqual({ kind: 'no-such-trade' });
    expect(await town.gateway.returned('nobody', 'wechat', code)).toEqual({
      kind: 'no-such-trade',
    });
    expect(await states()).toEqual(['wechat open']);
  });

  it('cut before or after anything: the next try goes on, and no second capture is kept', async () => {
    for (let at = 1, done = false; !done; at++) {
      town = await Town.open('sqlite', true);
      const { r, token } = await shown();
      town.cut.at = town.cut.points + at;
      const tried = invoked(token, 'customer-a');
      await Promise.race([tried, quiet()]);
      done = !town.cut.dead;
      town.start();
      // Whoever was cut off scans again, and somebody else with him.
      const again = await invoked(token, 'customer-a');
      if (again.kind === 'invoke') expect(paysIn(again, 'customer-a')).toBe(true);
      else {
        await town.sweepFor(120_000);
        expect(town.kept()).toBe(0);
        await town.close();
        continue;
      }
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
      await town.sweepFor(300_000);
      expect(town.kept()).toBe(10_000);
      expect(at).toBeLessThan(30);
      if (!done) await town.close();
    }
  });

  it('without it configured, the link stays', async () => {
    town = await Town.open();
    const { token } = await shown();
    expect(await town.gateway.openPage(token, null, WECHAT)).toMatchObject({
      kind: 'go',
      url: expect.stringMatching(/^weixin:/),
    });
  });
});

describe('its pages', () => {
  const ask = (method: 'GET' | 'POST', target: string, headers: Record<string, string>) =>
    router(publicPages(town.gateway, () => town.clock.nowMs()))({
      method,
      target,
      headers,
      body: Buffer.from(method === 'POST' ? 'wallet=wechat' : ''),
    });
  const cookieOf = (answer: CentralAnswer): string =>
    (answer.headers['set-cookie'] ?? '').split(';')[0] ?? '';

  it('begin nothing for a browser that did not go to tell who pays', async () => {
    town = await Town.open('sqlite', true);
    const { token } = await shown();
    const away = await ask('POST', `/q/${token}`, { 'user-agent': WECHAT });
    expect(away.status).toBe(303);
    expect(away.headers['set-cookie']).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
    const back = await toldBy('customer-a', away.headers['location'] ?? '');
    const target = `${back.pathname}${back.search}`;
    for (const cookie of ['', 'pilotlight-pay=', 'pilotlight-pay=FF', 'other=1']) {
      const page = await ask('GET', target, { 'user-agent': WECHAT, cookie });
      expect(page.status).toBe(200);
      expect(page.body).toContain('<form method="post">');
    }
    expect(await states()).toEqual([]);
    const page = await ask('GET', target, { 'user-agent': WECHAT, cookie: cookieOf(away) });
    expect(page.status).toBe(200);
    expect(page.body).toContain('data-params=');
    expect(page.headers['content-security-policy']).toMatch(/script-src 'sha256-[^']+'$/);
    expect(await states()).toEqual(['wechat open']);
  });

  it('say what to open in a browser that is no wallet’s, and offer what a link opens', async () => {
    town = await Town.open('sqlite', true);
    const { token } = await shown();
    const page = await ask('GET', `/q/${token}`, { 'user-agent': ANY });
    expect(page.body).toContain('请打开微信支付或支付宝，用里面的“扫一扫”扫机器上的码。');
    expect(page.body).toContain('value="alipay"');
    expect(page.body).not.toContain('value="wechat"');
    expect((await ask('GET', `/q/${token}`, { 'user-agent': WECHAT })).body).not.toContain(
      '请打开',
    );
  });
});

describe('Alipay’s callback', () => {
  async function paidByAlipay() {
    const { r, token } = await shown();
    const opened = await town.gateway.openPage(token, 'alipay', '');
    if (opened.kind !== 'go') throw new Error(opened.kind);
    expect(town.pay(opened.url)).toBe(true);
    return r;
  }
  const hear = (body: Uint8Array) => town.gateway.hear('alipay', () => null, body);
  const formOf = (): URLSearchParams =>
    new URLSearchParams(Buffer.from(town.notifications.at(-1)?.body ?? []).toString('utf8'));

  it('makes a payment known at once, by a question; it is answered with its word', async () => {
    town = await Town.open('sqlite', true);
    const r = await paidByAlipay();
    expect(town.notifications).toHaveLength(1);
    town.asked.length = 0;
    const pages = router(publicPages(town.gateway, () => town.clock.nowMs()));
    const post = (body: Uint8Array) =>
      pages({ method: 'POST', target: '/pay/notify/alipay', headers: {}, body });
    expect(await post(town.notifications[0]?.body ?? new Uint8Array(0))).toMatchObject({
      status: 200,
      body: 'success',
    });
    await quiet();
    expect(town.asked).toEqual(['alipay.query']);
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    expect(await post(Buffer.from('out_trade_no=1'))).toMatchObject({
      status: 401,
      body: 'failure',
    });
  });

  it('is not believed with another sum, number, application or signature, nor with a field twice', async () => {
    town = await Town.open('sqlite', true);
    await paidByAlipay();
    const changed = (change: (form: URLSearchParams) => void): Uint8Array => {
      const form = formOf();
      change(form);
      return Buffer.from(form.toString());
    };
    for (const change of [
      (f: URLSearchParams) => f.set('total_amount', '0.01'),
      (f: URLSearchParams) => f.set('out_trade_no', 'G0'),
      (f: URLSearchParams) => f.set('app_id', '2021000000000999'),
      (f: URLSearchParams) => f.set('sign', forged(f.get('sign') ?? '')),
      (f: URLSearchParams) => f.delete('sign'),
      (f: URLSearchParams) => f.set('sign_type', 'RSA'),
      (f: URLSearchParams) => f.append('out_trade_no', 'G0'),
    ])
      expect(await hear(changed(change))).toMatchObject({ ok: false, error: { code: 'PAY-0201' } });
    expect(await hear(changed(() => undefined))).toMatchObject({ ok: true });
  });
});
