import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPayments } from '../../../src/payment/load.ts';
import { createAlipayClient } from '../../../src/payment/alipay/client.ts';
import type { Exchange } from '../../../src/payment/alipay/client.ts';
import { whyNotTrusted } from '../../../src/payment/wechat/client.ts';
import { platformKeyId } from '../../../src/payment/wechat/platform-key.ts';
import type { PaymentProvider } from '../../../src/payment/types.ts';
import { checkCertificates } from '../../../src/main/cli/certificates.ts';
import type { LoadedConfig } from '../../../src/main/config.ts';
import type { HttpSend } from '../../../src/shared/http.ts';
import { rsaSha256Signer } from '../../../src/shared/signing.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import { ManualClock } from '../../support/clock.ts';
import { holderCertificate } from '../../support/certificates.ts';
import { sandboxSend } from '../../support/sandbox-send.ts';

/** Keys as merchants write them down, and as the platforms name them. */
const NOW = Date.parse('2026-11-22T12:00:00+08:00');
const DAY = 86_400_000;
const clock = new ManualClock(NOW);
const random = { bytes: (n: number) => new Uint8Array(n) };
let folder = '';
let keys: ReturnType<typeof generateSandboxKeys>;
const SERIAL = '0A1B2C3D4E5F60718293A4B5C6D7E8F901234567';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-keys-'));
  keys = generateSandboxKeys('hex');
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const platform = { publicKeyPem: keys.platformPublicKeyPem, serial: SERIAL };
  put('merchant.pem', keys.merchantPrivateKeyPem);
  put('merchant.pub.pem', keys.merchantPublicKeyPem);
  put('platform.pub.pem', keys.platformPublicKeyPem);
  put('platform.pem', holderCertificate('Tenpay.com sign', platform, NOW + 200 * DAY));
  put('near.pem', holderCertificate('Tenpay.com sign', platform, NOW + 29 * DAY));
  put('over.pem', holderCertificate('Tenpay.com sign', platform, NOW - DAY));
  put(
    'apiclient_cert.pem',
    holderCertificate('1900000109', {
      publicKeyPem: keys.merchantPublicKeyPem,
      serial: keys.merchantSerial,
    }),
  );
  // Renewed: the merchant's by its name only.
  put('renewed_cert.pem', holderCertificate('1900000109', platform));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wechat = (platformKeys: Readonly<Record<string, string>>) => ({
  kind: 'wechat' as const,
  baseUrl: 'http://127.0.0.1:1',
  mchid: '1900000109',
  appid: 'wx1',
  merchantSerial: keys.merchantSerial,
  merchantKeyFile: 'merchant.pem',
  platformKeys: { ...platformKeys },
  notifyUrl: 'https://pay.example.com/n',
});
function load(
  platformKeys: Readonly<Record<string, string>>,
  send?: HttpSend,
): PaymentProvider | string {
  const loaded = loadPayments(
    {
      mode: 'demo',
      terminalId: '000000000311',
      central: { baseUrl: 'http://127.0.0.1:1', keyFile: 'x' } as never,
      payments: [wechat(platformKeys)],
    },
    folder,
    { clock, random, timeoutMs: 1_000, ...(send === undefined ? {} : { send }) },
  );
  if (!loaded.ok) return loaded.error.detail ?? '';
  const [provider] = loaded.value;
  return provider ?? 'none';
}

describe('a platform key’s id', () => {
  const colons = (hex: string): string => (hex.match(/../g) ?? []).join(':');

  it('is a number in either case, with or without colons; a public key’s is a name', async () => {
    const spelled = [SERIAL, SERIAL.toLowerCase(), colons(SERIAL), colons(SERIAL.toLowerCase())];
    for (const serial of spelled) expect(platformKeyId(serial)).toBe(SERIAL);
    expect(platformKeyId('PUB_KEY_ID_01ab:cD')).toBe('PUB_KEY_ID_01ab:cD');
    for (const answered of [SERIAL, SERIAL.toLowerCase()]) {
      const sandbox = createWechatSandbox({
        port: 0,
        dataDir: null,
        publicUrl: () => 'http://127.0.0.1:1',
        merchantPublicKeyPem: keys.merchantPublicKeyPem,
        platformPrivateKeyPem: keys.platformPrivateKeyPem,
        platformSerial: answered,
        mchid: '1900000109',
        appid: 'wx1',
        now: () => clock.nowMs(),
        randomBytes: (n) => new Uint8Array(n),
      });
      for (const serial of spelled) {
        const provider = load({ [serial]: 'platform.pem' }, sandboxSend(sandbox));
        if (typeof provider === 'string') throw new Error(provider);
        expect(await provider.query({ outTradeNo: 'PROBE311', amountFen: 0 })).toEqual({
          kind: 'not-found',
        });
      }
    }
    expect(load({ [SERIAL]: 'platform.pem', [colons(SERIAL)]: 'platform.pem' })).toContain(
      'written twice',
    );
  });

  it('is looked up as it is compared, whoever keeps the keys', () => {
    const header = (name: string): string | null =>
      name === 'wechatpay-serial'
        ? colons(SERIAL).toLowerCase()
        : name === 'wechatpay-timestamp'
          ? String(NOW / 1_000)
          : 'eA==';
    const bytes = new Uint8Array(0);
    expect(
      whyNotTrusted(header, bytes, new Map([[SERIAL, { verify: () => true }]]), NOW),
    ).toBeNull();
    expect(whyNotTrusted(header, bytes, new Map(), NOW)).toContain('unknown serial');
  });

  it('is never that of the merchant’s own certificate or key', () => {
    const own = 'the merchant’s own';
    expect(load({ [SERIAL]: 'apiclient_cert.pem' })).toContain(own);
    expect(load({ [SERIAL]: 'merchant.pub.pem' })).toContain(own);
    expect(load({ PUB_KEY_ID_01: 'merchant.pub.pem' })).toContain(own);
    expect(load({ [SERIAL]: 'renewed_cert.pem' })).toContain(own);
    expect(load({ [colons(keys.merchantSerial).toLowerCase()]: 'platform.pub.pem' })).toContain(
      own,
    );
    expect(load({ [SERIAL.replace('0A', '0B')]: 'platform.pem' })).toContain(SERIAL.slice(1));
    expect(typeof load({ [SERIAL]: 'platform.pub.pem', PUB_KEY_ID_01: 'platform.pub.pem' })).toBe(
      'object',
    );
  });
});

describe('certificates', () => {
  it('near their end are said, and those that are over fail', () => {
    const levels = (file: string, ca?: string): string[] =>
      checkCertificates(
        {
          config: {
            central: ca === undefined ? {} : { caFile: ca },
            payments: [wechat({ [SERIAL]: file })],
          },
          path: (name: string) => join(folder, name),
        } as unknown as LoadedConfig,
        NOW,
      ).map((f) => `${f.level} ${f.text.split(':')[0] ?? ''}`);
    const key = `payments[0].platformKeys.${SERIAL}`;
    expect(levels('platform.pem')).toEqual([`OK ${key}`]);
    expect(levels('near.pem')).toEqual([`WARN ${key}`]);
    expect(levels('over.pem')).toEqual([`FAIL ${key}`]);
    expect(levels('platform.pub.pem')).toEqual([]);
    expect(levels('platform.pub.pem', 'near.pem')).toEqual(['WARN central.caFile']);
    expect(levels('nowhere.pem')).toEqual([]);
  });
});

describe('Alipay’s own error', () => {
  const ask = (protocol: 'v2' | 'v3', status: number, body: unknown): Promise<Exchange> =>
    createAlipayClient(
      {
        baseUrl: 'https://alipay.example',
        appId: '1',
        appSigner: rsaSha256Signer(keys.merchantPrivateKeyPem),
        alipayKey: { verify: () => false },
        protocol,
        storeId: '1',
      },
      {
        clock,
        random,
        timeoutMs: 1_000,
        send: () =>
          Promise.resolve({ status, header: () => null, body: Buffer.from(JSON.stringify(body)) }),
      },
    ).call('alipay.trade.query', { out_trade_no: 'P1' });

  it('reaches the technician with its codes, and says nothing of the trade', async () => {
    const told = await ask('v2', 200, {
      error_response: {
        code: '40002',
        msg: 'Invalid Arguments',
        sub_code: 'isv.invalid-app-id',
        sub_msg: '无效的AppID参数',
      },
    });
    expect(told).toMatchObject({ kind: 'busy', failure: { code: 'PAY-0204' } });
    expect(told).toHaveProperty(
      'failure.detail',
      'HTTP 200 error_response 40002 isv.invalid-app-id 无效的AppID参数',
    );
    const v3 = await ask('v3', 401, { code: 'invalid-app-id', message: '无效的AppID' });
    expect(v3).toMatchObject({ kind: 'busy', failure: { code: 'PAY-0204' } });
    expect(v3).toHaveProperty('failure.detail', 'HTTP 401 invalid-app-id: 无效的AppID, unsigned');
    // A trade's own answer without a signature stays what it was.
    expect(await ask('v3', 400, { code: 'ACQ.TRADE_NOT_EXIST' })).toMatchObject({
      kind: 'untrusted',
    });
    expect(await ask('v2', 200, { other: 1 })).toMatchObject({ kind: 'untrusted' });
  });
});
