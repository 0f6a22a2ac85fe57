import { createHash, randomBytes } from 'node:crypto';
import { AlipaySdk } from 'alipay-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import wechatpay from 'wechatpay-axios-plugin';
import { unzip } from '../../../src/shared/zip.ts';
import { createAlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import type { AlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import { memoryBooks } from '../../../src/simulator/payment-books.ts';
import { rsaSha256Signer } from '../../../src/shared/signing.ts';
import { paidCallback } from '../../../src/simulator/wechat/callback.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import type { WechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import { forged } from '../../support/forged.ts';

/**
 * Are the sandboxes faithful? Clients that nobody here wrote work against them, and are refused
 * where they should be.
 */
const keys = generateSandboxKeys();
const others = generateSandboxKeys();
let skew = 0;
const now = (): number => Date.now() + skew;
let serial = 0;
const next = (): string => `PL0311SDK${String(++serial).padStart(8, '0')}`;

describe('alipay-sdk, the official client', () => {
  const APP = '2021000000000311';
  let sandbox: AlipaySandbox;
  let baseUrl: string;
  const sdk = (over: { privateKey?: string; alipayPublicKey?: string } = {}): AlipaySdk =>
    new AlipaySdk({
      appId: APP,
      keyType: 'PKCS8',
      privateKey: keys.merchantPrivateKeyPem,
      alipayPublicKey: keys.platformPublicKeyPem,
      endpoint: baseUrl,
      gateway: `${baseUrl}/gateway.do`,
      ...over,
    });
  beforeAll(async () => {
    sandbox = createAlipaySandbox({
      port: 0,
      dataDir: null,
      appPublicKeyPem: keys.merchantPublicKeyPem,
      alipayPrivateKeyPem: keys.platformPrivateKeyPem,
      appId: APP,
      now,
      randomBytes,
    });
    ({ baseUrl } = await sandbox.start());
  });
  afterAll(() => sandbox.close());

  it('v3: create, query, refund, refund query, bill', async () => {
    const no = next();
    const created = await sdk().curl<{ qr_code: string }>('POST', '/v3/alipay/trade/precreate', {
      body: { out_trade_no: no, total_amount: '12.30', subject: '燃气充值' },
    });
    expect(created).toMatchObject({ responseHttpStatus: 200 });
    // The SDK hands members over in camel case.
    const codeUrl = String(
      (created.data as unknown as Record<string, unknown>)['qrCode'] ?? created.data.qr_code,
    );
    await expect(
      sdk().curl('POST', '/v3/alipay/trade/query', { body: { out_trade_no: no } }),
    ).rejects.toMatchObject({ code: 'ACQ.TRADE_NOT_EXIST', responseHttpStatus: 400 });
    expect(sandbox.control.pay({ codeUrl }).paid).toBe(true);
    const seen = await sdk().curl('POST', '/v3/alipay/trade/query', { body: { out_trade_no: no } });
    expect(JSON.stringify(seen.data)).toMatch(/TRADE_SUCCESS.*12\.30|12\.30.*TRADE_SUCCESS/);
    const back = await sdk().curl('POST', '/v3/alipay/trade/refund', {
      body: { out_trade_no: no, refund_amount: '12.30', out_request_no: `R${no}` },
    });
    expect(JSON.stringify(back.data)).toMatch(/"fund_?[cC]hange":"Y"/);
    const again = await sdk().curl('POST', '/v3/alipay/trade/refund', {
      body: { out_trade_no: no, refund_amount: '12.30', out_request_no: `R${no}` },
    });
    expect(JSON.stringify(again.data)).toMatch(/"fund_?[cC]hange":"N"/);
    const asked = await sdk().curl('POST', '/v3/alipay/trade/fastpay/refund/query', {
      body: { out_trade_no: no, out_request_no: `R${no}` },
    });
    expect(JSON.stringify(asked.data)).toContain('REFUND_SUCCESS');
    const today = new Date(now() + 8 * 3_600_000).toISOString().slice(0, 10);
    skew = 2 * 86_400_000;
    try {
      // The SDK signs with the machine's own clock, which is two days away from this gateway's.
      await expect(
        sdk().curl('GET', '/v3/alipay/data/dataservice/bill/downloadurl/query', {
          query: { bill_type: 'trade', bill_date: today },
        }),
      ).rejects.toMatchObject({ code: 'isv.invalid-signature' });
      const link = await sdk().exec(
        'alipay.data.dataservice.bill.downloadurl.query',
        { bizContent: { bill_type: 'trade', bill_date: today } },
        { validateSign: true },
      );
      const file = Buffer.from(await (await fetch(String(link['billDownloadUrl']))).arrayBuffer());
      expect(unzip(file, 1 << 20)).toHaveLength(2);
    } finally {
      skew = 0;
    }
  });

  it('v3: the customer’s code at once, with a password, and cancelled', async () => {
    const no = next();
    const pay = (outTradeNo: string, auth: string) =>
      sdk().curl('POST', '/v3/alipay/trade/pay', {
        body: {
          out_trade_no: outTradeNo,
          total_amount: '5.00',
          subject: 'x',
          scene: 'bar_code',
          auth_code: auth,
          product_code: 'FACE_TO_FACE_PAYMENT',
        },
      });
    expect(await pay(no, '2812345678901234')).toMatchObject({ responseHttpStatus: 200 });
    await expect(pay(next(), '2812345678901234')).rejects.toMatchObject({
      code: 'ACQ.PAYMENT_AUTH_CODE_INVALID',
    });
    sandbox.control.faults({ askPassword: 1 });
    expect(await pay(next(), '2812345678901235')).toMatchObject({ responseHttpStatus: 202 });
    const cancelled = await sdk().curl('POST', '/v3/alipay/trade/cancel', {
      body: { out_trade_no: no },
    });
    expect(JSON.stringify(cancelled.data)).toMatch(/"action":"refund"/);
  });

  it('v2: create, query, code, refund', async () => {
    const no = next();
    const created = await sdk().exec(
      'alipay.trade.precreate',
      { bizContent: { out_trade_no: no, total_amount: '12.30', subject: '燃气充值' } },
      { validateSign: true },
    );
    expect(created).toMatchObject({ code: '10000' });
    expect(
      await sdk().exec(
        'alipay.trade.query',
        { bizContent: { out_trade_no: no } },
        { validateSign: true },
      ),
    ).toMatchObject({ code: '40004', subCode: 'ACQ.TRADE_NOT_EXIST' });
    sandbox.control.pay({ codeUrl: String(created['qrCode']) });
    expect(
      await sdk().exec(
        'alipay.trade.query',
        { bizContent: { out_trade_no: no } },
        { validateSign: true },
      ),
    ).toMatchObject({ code: '10000', tradeStatus: 'TRADE_SUCCESS', totalAmount: '12.30' });
    expect(
      await sdk().exec(
        'alipay.trade.pay',
        {
          bizContent: {
            out_trade_no: next(),
            total_amount: '5.00',
            subject: 'x',
            scene: 'bar_code',
            auth_code: '2912345678901234',
            product_code: 'FACE_TO_FACE_PAYMENT',
          },
        },
        { validateSign: true },
      ),
    ).toMatchObject({ code: '10000' });
    sandbox.control.faults({ askPassword: 1 });
    expect(
      await sdk().exec(
        'alipay.trade.pay',
        {
          bizContent: {
            out_trade_no: next(),
            total_amount: '5.00',
            subject: 'x',
            scene: 'bar_code',
            auth_code: '2912345678901235',
            product_code: 'FACE_TO_FACE_PAYMENT',
          },
        },
        { validateSign: true },
      ),
    ).toMatchObject({ code: '10003' });
    expect(
      await sdk().exec(
        'alipay.trade.refund',
        { bizContent: { out_trade_no: no, refund_amount: '12.30', out_request_no: `R${no}` } },
        { validateSign: true },
      ),
    ).toMatchObject({ code: '10000', fundChange: 'Y' });
  });

  it('believes the sandbox’s notification of a payment, and no other one', async () => {
    const heard: Buffer[] = [];
    const own = createAlipaySandbox({
      port: 0,
      dataDir: null,
      appPublicKeyPem: keys.merchantPublicKeyPem,
      alipayPrivateKeyPem: keys.platformPrivateKeyPem,
      appId: APP,
      notify: (_url, { body }) => heard.push(Buffer.from(body)),
      now,
      randomBytes,
    });
    const at = await own.start();
    try {
      const direct = new AlipaySdk({
        appId: APP,
        keyType: 'PKCS8',
        privateKey: keys.merchantPrivateKeyPem,
        alipayPublicKey: keys.platformPublicKeyPem,
        endpoint: at.baseUrl,
        gateway: `${at.baseUrl}/gateway.do`,
      });
      const made = await direct.exec('alipay.trade.precreate', {
        notify_url: 'https://pay.example.com/n',
        bizContent: { out_trade_no: next(), total_amount: '12.30', subject: '燃气 充值+&=' },
      });
      expect(own.control.pay({ codeUrl: String(made['qrCode']) }).paid).toBe(true);
      const form = Object.fromEntries(new URLSearchParams(heard[0]?.toString('utf8') ?? ''));
      expect(direct.checkNotifySignV2(form)).toBe(true);
      expect(direct.checkNotifySignV2({ ...form, total_amount: '0.01' })).toBe(false);
    } finally {
      await own.close();
    }
  });

  it('refuses a wrong application key, and is not believed with a wrong platform key', async () => {
    const body = { out_trade_no: next(), total_amount: '1.00', subject: 'x' };
    await expect(
      sdk({ privateKey: others.merchantPrivateKeyPem }).curl('POST', '/v3/alipay/trade/precreate', {
        body,
      }),
    ).rejects.toMatchObject({ code: 'isv.invalid-signature' });
    await expect(
      sdk({ alipayPublicKey: others.platformPublicKeyPem }).curl(
        'POST',
        '/v3/alipay/trade/precreate',
        { body },
      ),
    ).rejects.toThrow(/验签|sign/i);
    sandbox.control.faults({ tamperBody: 1 });
    await expect(sdk().curl('POST', '/v3/alipay/trade/precreate', { body })).rejects.toThrow(
      /验签|sign/i,
    );
    await expect(
      sdk({ alipayPublicKey: others.platformPublicKeyPem }).exec(
        'alipay.trade.query',
        { bizContent: { out_trade_no: next() } },
        { validateSign: true },
      ),
    ).rejects.toThrow(/验签|sign/i);
  });
});

describe('wechatpay-axios-plugin', () => {
  const books = memoryBooks();
  let sandbox: WechatSandbox;
  let baseUrl: string;
  const MCHID = '1900000109';
  const APPID = 'wxd678efh567hg6787';
  beforeAll(async () => {
    sandbox = createWechatSandbox({
      port: 0,
      dataDir: null,
      books,
      merchantPublicKeyPem: keys.merchantPublicKeyPem,
      platformPrivateKeyPem: keys.platformPrivateKeyPem,
      platformSerial: keys.platformSerial,
      mchid: MCHID,
      appid: APPID,
      now,
      randomBytes,
    });
    ({ baseUrl } = await sandbox.start());
  });
  afterAll(() => sandbox.close());
  interface Chain {
    chain(path: string): {
      post(
        body: unknown,
        options?: unknown,
      ): Promise<{ status: number; data: Record<string, unknown> }>;
      get(options?: unknown): Promise<{ status: number; data: Record<string, unknown> }>;
    };
  }
  const client = (privateKey = keys.merchantPrivateKeyPem): Chain =>
    new wechatpay.Wechatpay({
      mchid: MCHID,
      serial: keys.merchantSerial,
      privateKey,
      certs: { [keys.platformSerial]: keys.platformPublicKeyPem },
      baseURL: baseUrl,
    } as never);
  const pay = (outTradeNo: string, authCode: string, c = client()) =>
    c.chain('v3/pay/transactions/codepay').post({
      appid: APPID,
      mchid: MCHID,
      description: 'x',
      out_trade_no: outTradeNo,
      amount: { total: 100, currency: 'CNY' },
      payer: { auth_code: authCode },
      scene_info: { store_info: { out_id: '0311' } },
    });

  it('the customer’s code: at once, with a password (202), used up, reversed', async () => {
    const no = next();
    expect(await pay(no, '134567890123456701')).toMatchObject({
      status: 200,
      data: { trade_state: 'SUCCESS', out_trade_no: no },
    });
    await expect(pay(next(), '134567890123456701')).rejects.toMatchObject({
      response: { status: 400, data: { code: 'AUTH_CODE_EXPIRED' } },
    });
    sandbox.control.faults({ askPassword: 1 });
    expect(await pay(next(), '134567890123456702')).toMatchObject({
      status: 202,
      data: { trade_state: 'USERPAYING' },
    });
    await expect(
      client()
        .chain(`v3/pay/transactions/out-trade-no/${no}/reverse`)
        .post({ appid: APPID, mchid: MCHID }),
    ).rejects.toMatchObject({ response: { status: 403 } });
    skew = 16_000;
    try {
      expect(
        await client()
          .chain(`v3/pay/transactions/out-trade-no/${no}/reverse`)
          .post({ appid: APPID, mchid: MCHID }),
      ).toMatchObject({ status: 200 });
      expect(
        await client()
          .chain(`v3/pay/transactions/out-trade-no/${no}`)
          .get({ params: { mchid: MCHID } }),
      ).toMatchObject({ data: { trade_state: 'REVOKED' } });
    } finally {
      skew = 0;
    }
  });

  it('JSAPI: an order for one customer, whose invocation its own signer makes too', async () => {
    const no = next();
    const body = {
      appid: APPID,
      mchid: MCHID,
      description: 'x',
      out_trade_no: no,
      notify_url: 'https://pay.example.com/n',
      amount: { total: 100, currency: 'CNY' },
      payer: { openid: 'customer-a' },
    };
    const jsapi = (over: object = {}) =>
      client()
        .chain('v3/pay/transactions/jsapi')
        .post({ ...body, ...over });
    const { data } = await jsapi();
    const params = {
      appId: APPID,
      timeStamp: String(Math.floor(now() / 1000)),
      nonceStr: wechatpay.Formatter.nonce(),
      package: `prepay_id=${String(data['prepay_id'])}`,
    };
    const paySign = wechatpay.Rsa.sign(
      wechatpay.Formatter.joinedByLineFeed(...Object.values(params)),
      keys.merchantPrivateKeyPem,
    );
    const signed = { ...params, signType: 'RSA', paySign };
    expect(sandbox.control.invoke(signed, 'customer-b').codeUrl).toBeNull();
    expect(
      sandbox.control.invoke({ ...signed, nonceStr: 'other' }, 'customer-a').codeUrl,
    ).toBeNull();
    const { codeUrl } = sandbox.control.invoke(signed, 'customer-a');
    await expect(jsapi({ payer: { openid: 'customer-b' } })).rejects.toMatchObject({
      response: { status: 403, data: { code: 'OUT_TRADE_NO_USED' } },
    });
    expect(sandbox.control.pay({ codeUrl: codeUrl ?? '' }).paid).toBe(true);
    expect(
      await client()
        .chain(`v3/pay/transactions/out-trade-no/${no}`)
        .get({ params: { mchid: MCHID } }),
    ).toMatchObject({ data: { trade_state: 'SUCCESS', trade_type: 'JSAPI' } });
  });

  it('the bill: a signed link with a hash, an unsigned file that has it', async () => {
    const day = Date.now() - 2 * 86_400_000;
    books.putOrder({
      outTradeNo: next(),
      appid: APPID,
      mchid: MCHID,
      description: 'x',
      notifyUrl: '',
      attach: '',
      total: 1_230,
      expiresAtMs: day,
      createdAtMs: day,
      codeUrls: [],
      state: 'SUCCESS',
      transactionId: '4200000000000000000000000001',
      paidAtMs: day,
      captures: 1,
    });
    const then = new Date(day + 8 * 3_600_000).toISOString().slice(0, 10);
    const link = await client()
      .chain('v3/bill/tradebill')
      .get({ params: { bill_date: then, bill_type: 'ALL' } });
    const { hash_value: hash, download_url: url } = link.data as {
      hash_value: string;
      download_url: string;
    };
    const at = new URL(url);
    // The file comes without a signature; the plugin knows that of this path.
    const file = await client()
      .chain('v3/billdownload/file')
      .get({
        params: { token: at.searchParams.get('token') },
        responseType: 'arraybuffer',
        transformResponse: [(data: unknown) => data],
      });
    expect(
      createHash('sha1')
        .update(Buffer.from(file.data as unknown as ArrayBuffer))
        .digest('hex'),
    ).toBe(hash);
    expect(Buffer.from(file.data as unknown as ArrayBuffer).toString('utf8')).toContain('`12.30');
    const today = new Date(now() + 8 * 3_600_000).toISOString().slice(0, 10);
    const ask = () =>
      client()
        .chain('v3/bill/tradebill')
        .get({ params: { bill_date: today, bill_type: 'ALL' } });
    await expect(ask()).rejects.toMatchObject({
      response: { data: { code: 'STATEMENT_CREATING' } },
    });
    // A gateway of tomorrow believes no request of today, as the real one would not.
    skew = 2 * 86_400_000;
    try {
      await expect(ask()).rejects.toMatchObject({ response: { status: 401 } });
    } finally {
      skew = 0;
    }
  });

  it('opens the sandbox’s callback, and only with its key and whole', () => {
    const apiV3Key = '0123456789abcdef0123456789ABCDEF';
    const made = paidCallback(
      {
        platformSigner: rsaSha256Signer(keys.platformPrivateKeyPem),
        platformSerial: keys.platformSerial,
        apiV3Key,
        now,
        randomBytes,
      },
      {
        outTradeNo: 'P0311CALLBACK',
        appid: 'wx1',
        mchid: MCHID,
        description: '燃气',
        notifyUrl: 'https://pay.example.com/n',
        attach: '',
        total: 1_230,
        expiresAtMs: now(),
        createdAtMs: now(),
        codeUrls: [],
        state: 'SUCCESS',
        transactionId: '4200',
        paidAtMs: now(),
        captures: 1,
      },
    );
    const { headers } = made;
    const text = Buffer.from(made.body).toString('utf8');
    expect(
      wechatpay.Rsa.verify(
        wechatpay.Formatter.response(
          headers['wechatpay-timestamp'] ?? '',
          headers['wechatpay-nonce'] ?? '',
          text,
        ),
        headers['wechatpay-signature'] ?? '',
        keys.platformPublicKeyPem,
      ),
    ).toBe(true);
    const { resource } = JSON.parse(text) as {
      resource: { ciphertext: string; nonce: string; associated_data: string };
    };
    const open = (key: string, ciphertext = resource.ciphertext): string =>
      wechatpay.Aes.AesGcm.decrypt(ciphertext, key, resource.nonce, resource.associated_data);
    expect(JSON.parse(open(apiV3Key))).toMatchObject({
      mchid: MCHID,
      out_trade_no: 'P0311CALLBACK',
      trade_state: 'SUCCESS',
      amount: { total: 1_230 },
    });
    expect(() => open('f'.repeat(32))).toThrow();
    expect(() => open(apiV3Key, forged(resource.ciphertext))).toThrow();
  });

  it('refuses a wrong merchant key', async () => {
    await expect(
      pay(next(), '134567890123456721', client(others.merchantPrivateKeyPem)),
    ).rejects.toMatchObject({ response: { status: 401, data: { code: 'SIGN_ERROR' } } });
  });
});
