import { publicPages } from '../../../src/central/gateway/public.ts';
import { router } from '../../../src/central/http/routes.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createCentral } from '../../../src/central/central.ts';
import type { Central } from '../../../src/central/central.ts';
import type { Callback } from '../../../src/simulator/wechat/callback.ts';
import { quickSigner } from './harness.ts';
import { T, Town, random } from './gateway-town.ts';

/**
 * WeChat tells the gateway of a payment by itself. It is heard only whole, and then the wallet is
 * asked.
 */
let town: Town;
let serial = 0;
afterEach(() => town.close());

async function shown(): Promise<{
  readonly r: { readonly outTradeNo: string; readonly amountFen: number };
  readonly token: string;
  readonly url: string;
}> {
  const r = { outTradeNo: `P311E1C${String(++serial).padStart(6, '0')}`, amountFen: 10_000 };
  const made = await town.gateway.create(T, {
    ...r,
    description: '燃气充值',
    expiresAtMs: town.clock.nowMs() + 120_000,
  });
  if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
  const token = made.qrText.slice(made.qrText.lastIndexOf('/') + 1);
  const opened = await town.gateway.openPage(token, 'wechat', '');
  if (opened.kind !== 'go') throw new Error(JSON.stringify(opened));
  return { r, token, url: opened.url };
}
const hear = (c: Callback, wallet = 'wechat') =>
  town.gateway.hear(wallet, (name) => c.headers[name] ?? null, c.body);
/** What was begun for a callback is over. */
const quiet = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
};
const newest = (): Callback => town.callbacks.at(-1) as Callback;
const states = async (): Promise<string[]> =>
  (await town.legs()).map((l) => `${l.wallet} ${l.state}`);

describe('a callback', () => {
  it('of a payment makes it known at once, by a question to the wallet; a second one adds nothing', async () => {
    town = await Town.open();
    const { r, token, url } = await shown();
    expect(town.pay(url)).toBe(true);
    expect(await states()).toEqual(['wechat open']);
    town.asked.length = 0;
    expect(await hear(newest())).toEqual({ ok: true, value: undefined });
    await quiet();
    expect(town.asked).toEqual(['wechat.query']);
    expect(await states()).toEqual(['wechat paid']);
    expect(await hear(newest())).toMatchObject({ ok: true });
    await quiet();
    expect(await states()).toEqual(['wechat paid']);
    expect(await town.gateway.openPage(token, 'alipay', '')).toEqual({ kind: 'paid' });
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    expect(town.kept()).toBe(10_000);
  });

  it('is no answer: what it says counts for nothing where the wallet says otherwise', async () => {
    town = await Town.open();
    const { r, url } = await shown();
    town.pay(url);
    town.forgets = true;
    expect(await hear(newest())).toMatchObject({ ok: true });
    await quiet();
    expect(await states()).toEqual(['wechat open']);
    expect(await town.gateway.query(T, r)).toEqual({ kind: 'pending' });
  });

  it('of a wallet that was left for another: that capture goes back without waiting for the next look', async () => {
    town = await Town.open();
    const { r, token, url } = await shown();
    const other = await town.gateway.openPage(token, 'alipay', '');
    if (other.kind !== 'go') throw new Error(other.kind);
    town.pay(other.url);
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    expect(town.pay(url, true)).toBe(true);
    expect(town.kept()).toBe(20_000);
    expect(await hear(newest())).toMatchObject({ ok: true });
    await quiet();
    expect(town.kept()).toBe(10_000);
    expect(await hear(newest())).toMatchObject({ ok: true });
    await quiet();
    expect(town.kept()).toBe(10_000);
    expect(town.refunds()).toHaveLength(1);
  });

  it('that is not whole asks nobody anything; of a wallet that takes none there is no address', async () => {
    town = await Town.open();
    const { url } = await shown();
    town.pay(url);
    const c = newest();
    town.asked.length = 0;
    const sealed = JSON.parse(Buffer.from(c.body).toString('utf8')) as {
      resource: { ciphertext: string };
    };
    const cipher = Buffer.from(sealed.resource.ciphertext, 'base64');
    cipher.writeUInt8(cipher.readUInt8(cipher.length - 1) ^ 1, cipher.length - 1);
    expect(
      await hear({
        ...c,
        body: Buffer.from(
          Buffer.from(c.body)
            .toString('utf8')
            .replace(sealed.resource.ciphertext, cipher.toString('base64')),
        ),
      }),
    ).toMatchObject({ ok: false, error: { code: 'PAY-0201' } });
    expect(
      await hear({
        ...c,
        headers: {
          ...c.headers,
          'wechatpay-signature': `WECHATPAY/SIGNTEST/${c.headers['wechatpay-signature'] ?? ''}`,
        },
      }),
    ).toMatchObject({ ok: false });

    expect(await hear(c, 'unionpay')).toBe('none');
    await quiet();
    expect(town.asked).toEqual([]);
    expect(await states()).toEqual(['wechat open']);
  });

  it('over HTTP: 204 where it is believed, 401 with WeChat’s words where not, 404 elsewhere', async () => {
    town = await Town.open();
    const central: Central = createCentral({
      db: town.db,
      ...DEMO_DATA,
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => town.clock.nowMs(),
      terminals: [{ terminalId: T, publicKeyPem: T }],
      payments: {
        wallets: town.wallets,
        publicUrl: 'https://pay.example.com',
        clock: { nowMs: () => town.clock.nowMs(), monoMs: () => 0, after: () => () => undefined },
        random,
      },
    });
    await central.open();
    const { url } = await shown();
    town.pay(url);
    const post = (target: string, c: Callback) =>
      central.handle({ method: 'POST', target, headers: c.headers, body: c.body });
    const c = newest();
    expect(
      await post('/pay/notify/wechat', { ...c, headers: { ...c.headers, 'wechatpay-nonce': 'x' } }),
    ).toMatchObject({ status: 401, body: expect.stringContaining('"code":"FAIL"') as string });
    expect((await post('/pay/notify/unionpay', c)).status).toBe(404);
    expect((await post('/pay/notify/wechat/more', c)).status).toBe(404);
    expect(await post('/pay/notify/wechat', c)).toMatchObject({ status: 204, body: '' });
    await quiet();
    expect(await states()).toEqual(['wechat paid']);
    await central.close();
  });
});

describe('callbacks that nobody believes', () => {
  it('are logged once a minute and source, and after thirty are not looked at; the wallet’s own are', async () => {
    town = await Town.open();
    const logged: unknown[] = [];
    let verified = 0;
    const handle = router(
      publicPages(
        {
          ...town.gateway,
          hear: (...args) => {
            verified += 1;
            return town.gateway.hear(...args);
          },
        },
        () => town.clock.nowMs(),
        (_level, _room, message, detail) => void logged.push([message, detail]),
      ),
    );
    const { url } = await shown();
    town.pay(url);
    const good = newest();
    const bad = { ...good, headers: { ...good.headers, 'wechatpay-nonce': 'x' } };
    const post = async (c: Callback, source: string): Promise<number> =>
      (
        await handle({
          method: 'POST',
          target: '/pay/notify/wechat',
          headers: c.headers,
          body: c.body,
          source,
        })
      ).status;
    const answers: number[] = [];
    for (let n = 0; n < 40; n++) answers.push(await post(bad, '203.0.113.9'));
    expect(answers).toEqual([...Array(30).fill(401), ...Array(10).fill(429)]);
    expect(verified).toBe(30);
    expect(logged).toEqual([
      [
        'a callback was not believed',
        expect.objectContaining({ wallet: 'wechat', source: '203.0.113.9' }),
      ],
    ]);
    // The wallet comes from elsewhere, and is believed as often as it comes.
    for (let n = 0; n < 40; n++) expect(await post(good, '198.51.100.1')).toBe(204);
    town.clock.advance(60_000);
    expect(await post(bad, '203.0.113.9')).toBe(401);
    expect(logged).toHaveLength(2);
  });
});
