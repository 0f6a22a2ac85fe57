import { describe, expect, it } from 'vitest';
import { askAgainMs, payStage, STEADY_MS } from '../../../src/payment/pace.ts';
import type { PayStage } from '../../../src/payment/pace.ts';
import { PROVIDER_KINDS } from '../../../src/shared/contract/index.ts';

describe('how often a wallet is asked', () => {
  const STAGES: readonly PayStage[] = ['shown', 'scanned', 'paying', 'code'];
  it('keeps what the platforms say of themselves, at every stage and instant', () => {
    for (const kind of PROVIDER_KINDS)
      for (const stage of STAGES)
        for (let forMs = 0; forMs <= 300_000; forMs += 500) {
          const ms = askAgainMs(kind, stage, forMs);
          // A hundred machines of one merchant, all before a paying customer: 150 a second.
          expect(ms).toBeGreaterThanOrEqual(667);
          // Nobody waits longer than before there was a pace, but where a platform wants it so.
          if (stage !== 'code') expect(ms).toBeLessThanOrEqual(STEADY_MS);
          if (kind === 'unionpay') expect(ms).toBeGreaterThanOrEqual(1_000);
          // An error each time, until somebody scans.
          if (kind === 'alipay' && stage === 'shown') expect(ms).toBe(STEADY_MS);
        }
    expect(askAgainMs('wechat', 'code', 0)).toBe(5_000);
    expect(askAgainMs('alipay', 'code', 0)).toBe(3_000);
  });

  it('is fast while a customer is about to pay, and goes back to steady', () => {
    for (const stage of ['scanned', 'paying'] as const) {
      expect(askAgainMs('wechat', stage, 0)).toBeLessThan(1_000);
      expect(askAgainMs('wechat', stage, 30_000)).toBe(STEADY_MS);
    }
    expect(askAgainMs('wechat', 'shown', 89_999)).toBe(1_000);
    expect(askAgainMs('wechat', 'shown', 90_000)).toBe(STEADY_MS);
  });

  it('what an answer says of the stage: Alipay makes a trade only when somebody scans', () => {
    expect(payStage('alipay', 'not-found', false)).toBe('shown');
    expect(payStage('alipay', 'pending', false)).toBe('scanned');
    expect(payStage('wechat', 'pending', false)).toBe('shown');
    expect(payStage('wechat', 'paying', false)).toBe('paying');
    expect(payStage('wechat', 'paying', true)).toBe('code');
  });
});
