import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { attemptOf, makeAttemptIds } from '../../../src/shared/order-id.ts';

it('the attempt that a number at a wallet stands for', () => {
  const T = '000000000311';
  const ORDER = `PL-${T}-1-0001-4821`;
  const random = { bytes: (n: number) => randomBytes(n) };
  const { outTradeNo, attemptId } = makeAttemptIds(ORDER, 12, random);
  expect(attemptOf(ORDER, outTradeNo)).toBe(attemptId);
  expect(attemptOf(`PL-${T}-1-0002-4821`, outTradeNo)).toBeNull();
  expect(attemptOf('PL-.*-1-0001-4821', outTradeNo)).toBeNull();
  expect(attemptOf(ORDER, 'P1')).toBeNull();
});
