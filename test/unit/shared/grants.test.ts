import { describe, expect, it } from 'vitest';
import { readReceipt, receiptToken } from '../../../src/shared/evidence.ts';
import {
  accountDigest,
  claimDigest,
  grantToken,
  quoteDigest,
  readGrant,
} from '../../../src/shared/grants.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { quickSigner } from '../central/harness.ts';

const key = quickSigner('answers');
const keys = new Keyring(key, quickSigner('next'));
const grant = {
  kind: 'account' as const,
  terminalId: '000000000311',
  orderId: '',
  digest: 'a'.repeat(64),
  grantedMs: 1_780_000_000_000,
};
const receipt = {
  terminalId: '000000000311',
  orderId: 'PL-000000000311-1-0001-7000',
  outTradeNo: 'P000000000311E1N0001A1X00000',
  amountFen: 10_000,
  wallet: 'wechat',
  walletNumber: '4200',
  paidMs: null,
};

describe('tokens', () => {
  it('say what was sealed, and are the same for the same', () => {
    const token = grantToken(key, grant);
    expect(readGrant(keys, token)).toMatchObject({ ok: true, value: grant });
    expect(grantToken(key, grant)).toBe(token);
    expect(readReceipt(keys, receiptToken(key, receipt))).toEqual({ ok: true, value: receipt });
  });

  it('one kind of paper is not another, though one key signed both', () => {
    // A receipt that reads like a grant: only what is signed with it tells them apart.
    const both = { ...grant, ...receipt, id: 'x', walletNumber: '1' };
    const asReceipt = receiptToken(key, both);
    expect(readReceipt(keys, asReceipt)).toMatchObject({ ok: true });
    expect(readGrant(keys, asReceipt)).toEqual({ ok: false, error: 'signature does not match' });
  });

  it('any other text says nothing, and why', () => {
    const token = grantToken(key, grant);
    const [body = '', keyId = '', signature = ''] = token.split('.');
    const why = (text: string) => readGrant(keys, text);
    for (const text of ['', 'x', `${body}.${keyId}`, `${token}.x`, '..'])
      expect(why(text).ok, text).toBe(false);
    const other = Buffer.from(JSON.stringify({ ...grant, terminalId: '000000000312' }));
    expect(why(`${other.toString('base64url')}.${keyId}.${signature}`)).toEqual({
      ok: false,
      error: 'signature does not match',
    });
    expect(why(grantToken(quickSigner('stranger'), grant))).toEqual({
      ok: false,
      error: 'signature by a key that is not known here',
    });
    expect(why(grantToken(quickSigner('next'), grant))).toMatchObject({ ok: true });
    const odd = { ...grant, kind: 'everything' } as unknown as typeof grant;
    expect(why(grantToken(key, odd))).toEqual({ ok: false, error: 'not a token of this form' });
  });

  it('what a grant is for is told apart to the last field', () => {
    const account = { cardNo: '1', userNo: '2', tariffId: 't', tariffVersion: 1 };
    const digests = [
      accountDigest(account),
      accountDigest({ ...account, cardNo: '2' }),
      accountDigest({ ...account, userNo: '1' }),
      accountDigest({ ...account, tariffId: 'u' }),
      accountDigest({ ...account, tariffVersion: 2 }),
      claimDigest('1'),
      claimDigest('2'),
    ];
    const terms = {
      orderId: 'o',
      cardNo: '1',
      nextCount: 1,
      amountFen: 1,
      quantity: 1,
      shares: [{ tier: 1, priceE4: 1, quantity: 1, costMicro: 1 }],
      carriedUsedMicro: 0,
      carriedAfterMicro: 0,
      tariffId: 't',
      tariffVersion: 1,
    };
    for (const over of [
      {},
      { orderId: null },
      { cardNo: '2' },
      { nextCount: 2 },
      { amountFen: 2 },
      { quantity: 2 },
      { shares: [] },
      { carriedUsedMicro: 1 },
      { carriedAfterMicro: 1 },
      { tariffId: 'u' },
      { tariffVersion: 2 },
    ])
      digests.push(quoteDigest({ ...terms, ...over }));
    expect(new Set(digests).size).toBe(digests.length);
  });
});
