import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readCallback } from '../../../src/payment/wechat/callback.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../../src/shared/signing.ts';
import { paidCallback } from '../../../src/simulator/wechat/callback.ts';
import type { Callback } from '../../../src/simulator/wechat/callback.ts';
import { generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';

const NOW = Date.parse('2026-11-22T12:00:00+08:00');
const KEY = '0123456789abcdef0123456789ABCDEF';
const pair = generateSandboxKeys();
const maker = {
  platformSigner: rsaSha256Signer(pair.platformPrivateKeyPem),
  platformSerial: pair.platformSerial,
  apiV3Key: KEY,
  now: () => NOW,
  randomBytes,
};
const keys = {
  mchid: '1900000109',
  appid: 'wx1',
  platformKeys: new Map([[pair.platformSerial, rsaSha256Verifier(pair.platformPublicKeyPem)]]),
  apiV3Key: Buffer.from(KEY),
};
const ORDER = {
  outTradeNo: 'P0311000001',
  appid: 'wx1',
  mchid: '1900000109',
  description: '燃气',
  notifyUrl: 'https://pay.example.com/n',
  attach: '',
  total: 10_000,
  expiresAtMs: NOW,
  createdAtMs: NOW,
  codeUrls: [],
  state: 'SUCCESS',
  transactionId: '4200',
  paidAtMs: NOW,
  captures: 1,
} as const;
const good = paidCallback(maker, ORDER);
const read = (c: Callback, nowMs = NOW, over: Partial<typeof keys> = {}) =>
  readCallback({ ...keys, ...over }, (name) => c.headers[name] ?? null, c.body, nowMs);
const refused = { ok: false, error: { code: 'PAY-0201' } };

type Envelope = {
  resource: { algorithm: string; ciphertext: string; nonce: string; associated_data: string };
};
/** Another body, signed by the platform as it stands: so that what is inside is what refuses. */
function signedAgain(change: (e: Envelope) => void): Callback {
  const envelope = JSON.parse(Buffer.from(good.body).toString('utf8')) as Envelope;
  change(envelope);
  const body = Buffer.from(JSON.stringify(envelope), 'utf8');
  const covered = Buffer.concat([
    Buffer.from(
      `${good.headers['wechatpay-timestamp'] ?? ''}\n${good.headers['wechatpay-nonce'] ?? ''}\n`,
    ),
    body,
    Buffer.from('\n'),
  ]);
  return {
    body,
    headers: {
      ...good.headers,
      'wechatpay-signature': Buffer.from(maker.platformSigner.sign(covered)).toString('base64'),
    },
  };
}
const flipped = (bytes: Buffer, at: number): Buffer =>
  Buffer.from(bytes.map((b, i) => (i === at ? b ^ 1 : b)));
function resealed(resource: unknown, key = KEY): Callback {
  return signedAgain((e) => {
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(key), Buffer.from(e.resource.nonce));
    cipher.setAAD(Buffer.from(e.resource.associated_data));
    e.resource.ciphertext = Buffer.concat([
      cipher.update(typeof resource === 'string' ? resource : JSON.stringify(resource)),
      cipher.final(),
      cipher.getAuthTag(),
    ]).toString('base64');
  });
}

describe('a callback of WeChat Pay’s', () => {
  it('gives the number that it speaks of', () => {
    expect(read(good)).toEqual({ ok: true, value: { outTradeNo: 'P0311000001' } });
    // A refund's names no appid.
    expect(
      read(
        resealed({
          mchid: '1900000109',
          out_trade_no: 'P0311000002',
          out_refund_no: 'R1',
          refund_status: 'SUCCESS',
        }),
      ),
    ).toEqual({ ok: true, value: { outTradeNo: 'P0311000002' } });
  });

  it('is not believed with one bit changed anywhere in its body', () => {
    for (let at = 0; at < good.body.length; at++)
      expect(
        read({ ...good, body: flipped(Buffer.from(good.body), at) }),
        String(at),
      ).toMatchObject(refused);
  });

  it('nor in signature, serial, time or nonce of its headers, nor without one of them', () => {
    const headers = [
      'wechatpay-signature',
      'wechatpay-serial',
      'wechatpay-timestamp',
      'wechatpay-nonce',
    ] as const;
    for (const name of headers) {
      const value = good.headers[name] ?? '';
      for (let at = 0; at < value.length; at++)
        expect(
          read({
            ...good,
            headers: {
              ...good.headers,
              [name]: flipped(Buffer.from(value), at).toString('latin1'),
            },
          }),
          `${name} ${at}`,
        ).toMatchObject(refused);
      expect(
        read({
          ...good,
          headers: Object.fromEntries(Object.entries(good.headers).filter(([n]) => n !== name)),
        }),
      ).toMatchObject(refused);
    }
    expect(
      read({
        ...good,
        headers: {
          ...good.headers,
          'wechatpay-signature': `WECHATPAY/SIGNTEST/${good.headers['wechatpay-signature'] ?? ''}`,
        },
      }),
    ).toMatchObject(refused);
    for (const minutes of [-6, 6])
      expect(read(good, NOW + minutes * 60_000)).toMatchObject(refused);
    for (const minutes of [-4, 4]) expect(read(good, NOW + minutes * 60_000).ok).toBe(true);
  });

  it('nor, though signed, with one bit changed in the ciphertext, its GCM tag, its associated data or its nonce', () => {
    const sealed = Buffer.from(
      (JSON.parse(Buffer.from(good.body).toString('utf8')) as Envelope).resource.ciphertext,
      'base64',
    );
    for (let at = 0; at < sealed.length; at++)
      expect(
        read(
          signedAgain((e) => void (e.resource.ciphertext = flipped(sealed, at).toString('base64'))),
        ),
        String(at),
      ).toMatchObject(refused);
    for (let at = 0; at < 'transaction'.length; at++)
      expect(
        read(
          signedAgain(
            (e) =>
              void (e.resource.associated_data = flipped(Buffer.from('transaction'), at).toString(
                'latin1',
              )),
          ),
        ),
      ).toMatchObject(refused);
    for (let at = 0; at < 12; at++)
      expect(
        read(
          signedAgain(
            (e) =>
              void (e.resource.nonce = flipped(Buffer.from(e.resource.nonce), at).toString(
                'latin1',
              )),
          ),
        ),
      ).toMatchObject(refused);
    for (const length of [0, 1, 15, 16, sealed.length - 1])
      expect(
        read(
          signedAgain(
            (e) => void (e.resource.ciphertext = sealed.subarray(0, length).toString('base64')),
          ),
        ),
        String(length),
      ).toMatchObject(refused);
    // A shorter tag is none.
    expect(
      read(
        signedAgain(
          (e) =>
            void (e.resource.ciphertext = sealed.subarray(0, sealed.length - 4).toString('base64')),
        ),
      ),
    ).toMatchObject(refused);
  });

  it('nor under another APIv3 key, of another merchant or app, in another form', () => {
    expect(read(good, NOW, { apiV3Key: Buffer.from('f'.repeat(32)) })).toMatchObject(refused);
    expect(
      read(
        resealed(
          { mchid: '1900000109', appid: 'wx1', out_trade_no: 'P0311000001' },
          'f'.repeat(32),
        ),
      ),
    ).toMatchObject(refused);
    for (const resource of [
      { mchid: '1900000110', appid: 'wx1', out_trade_no: 'P0311000001' },
      { mchid: '1900000109', appid: 'wx2', out_trade_no: 'P0311000001' },
      { mchid: '1900000109', appid: 'wx1' },
      'no json',
      [],
    ])
      expect(read(resealed(resource)), JSON.stringify(resource)).toMatchObject(refused);
    expect(
      read(signedAgain((e) => void (e.resource.algorithm = 'AEAD_AES_128_GCM'))),
    ).toMatchObject(refused);
    expect(read({ ...good, body: Buffer.alloc(0) })).toMatchObject(refused);
  });

  it('tells nothing of what it said where it is not believed', () => {
    const told = read(resealed({ mchid: '1900000110', appid: 'wx1', out_trade_no: 'P0311009999' }));
    expect(JSON.stringify(told)).not.toContain('P0311009999');
    expect(JSON.stringify(told)).not.toContain(KEY);
  });
});
