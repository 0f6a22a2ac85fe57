import { describe, expect, it } from 'vitest';
import { makeNumbers } from '../../../src/central/gateway/numbers.ts';
import { T } from './gateway-town.ts';
import { quickSigner } from './harness.ts';

describe('the gateway’s numbers', () => {
  it('follow from the question and the key, and from nothing else', () => {
    const numbers = makeNumbers(quickSigner('gateway'));
    const trade = { terminalId: T, outTradeNo: 'P1' };
    const at = { merchant: 'house', wallet: 'wechat' } as const;
    const all = [
      numbers.leg(trade, at, 1),
      numbers.leg(trade, at, 2),
      numbers.leg(trade, { ...at, merchant: 'water-co' }, 1),
      numbers.leg(trade, { ...at, wallet: 'alipay' }, 1),
      numbers.leg({ ...trade, outTradeNo: 'P2' }, at, 1),
      numbers.leg({ ...trade, terminalId: '2' }, at, 1),
      makeNumbers(quickSigner('another')).leg(trade, at, 1),
      numbers.refund(T, 'R1'),
      numbers.refund(T, 'R2'),
      numbers.refund('2', 'R1'),
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const no of all) expect(no).toMatch(/^[GH][0-9A-F]{26}$/);
    expect(makeNumbers(quickSigner('gateway')).leg(trade, at, 1)).toBe(all[0]);
    expect(numbers.token(trade)).toMatch(/^[0-9A-Za-z_-]{22}$/);
    expect(numbers.token(trade)).not.toBe(numbers.token({ ...trade, terminalId: '2' }));
  });
  it('are refused under a key that signs differently each time', () => {
    let n = 0;
    expect(() => makeNumbers({ sign: () => Buffer.from([n++]) })).toThrow('Ed25519');
  });
});
