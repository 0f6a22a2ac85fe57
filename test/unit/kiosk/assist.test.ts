import { expect, it } from 'vitest';
import { CLAIM_USE_MS } from '../../../src/shared/central-api/index.ts';
import type { ClaimedOrder } from '../../../src/shared/central-api/index.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import { ok } from '../../../src/shared/result.ts';
import { World } from '../../support/kiosk-world.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

it('a claim on another kiosk’s order whose answer came after its use is over: nothing is written under it', async () => {
  const w = new World();
  await w.start();
  const [origin, cardNo] = ['000000000999', '8800003921'];
  const orderId = `PL-${origin}-1-0007-1234`;
  const { count, cumulative } = w.purchase('golden');
  const files = (['15', '16', '17'] as const).map((f) => w.card('golden').peek(f) as Uint8Array);
  const after = Buffer.alloc(17);
  after.writeUInt16BE(count + 1, 0);
  after.writeUInt32BE(1_000, 2);
  after.writeUInt32BE(cumulative + 1_000, 6);
  after.set([0x26, 0x11, 0x22], 10);
  after.set(orderTag(orderId), 13);
  const identity = files.slice(0, 2).map(hex).join('');
  const order: ClaimedOrder = {
    orderId,
    terminalId: origin,
    cardNo,
    userNo: '1002203344',
    layout: 'PL-CPU',
    unit: 'volume',
    nextCount: count + 1,
    amountFen: 2_650,
    quantity: 1_000,
    cumulative: cumulative + 1_000,
    carriedAfterMicro: 0,
    tag: hex(orderTag(orderId)),
    before: identity + hex(files[2] as Uint8Array),
    after: identity + hex(after),
    plan: ['theirs'],
  };
  w.central.foreignClaim.set(cardNo, {
    orderId,
    terminalId: origin,
    nextCount: count + 1,
    state: 'in-doubt',
  });
  w.central.claimAnswers.push(ok({ kind: 'write', ttlMs: 180_000, order, serverTimeMs: 0 }));
  let answer = (): void => undefined;
  w.central.claimGate = new Promise((resolve) => (answer = resolve));
  await w.insert('golden');
  await w.run(CLAIM_USE_MS + 1_000);
  answer();
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell').reason).toBe('BILL-0105');
  expect(w.kinds()).not.toContain('assist-writing');
  expect(w.purchase('golden')).toEqual({ count, cumulative });
  expect(await w.close()).toEqual([]);
});
