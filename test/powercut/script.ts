import type { JournalEvent } from '../../src/shared/facts/catalogue.ts';

export const TERMINAL = '000000000311';
export const SALES = ['delivered', 'refunded', 'closed', 'delivered', 'parked'] as const;
export type Ending = (typeof SALES)[number] | 'in-doubt';
const AMOUNT_FEN = 10_000;

/** The facts of one order in the batches in which the kiosk appends them. */
export function orderFacts(epoch: number, n: number, end: Ending): JournalEvent[][] {
  const orderId = `PL-${TERMINAL}-${epoch}-${String(n).padStart(4, '0')}-7391`;
  const attemptId = `${orderId}/1`;
  const amountFen = AMOUNT_FEN + n;
  const begin: JournalEvent[][] = [
    [
      {
        kind: 'order-quoted',
        orderId,
        body: {
          cardNo: '8800003921',
          userNo: '1002203344',
          layout: 'PL-CPU',
          unit: 'volume',
          nextCount: n,
          amountFen,
          quantity: 3773,
          shares: [{ tier: 1, priceE4: 26_500, quantity: 3773, costMicro: 99_984_500 }],
          carriedUsedMicro: 0,
          carriedAfterMicro: 15_500,
          tariffId: 'gas',
          tariffVersion: 1,
          offline: false,
          tag: 'ADE6788A',
        },
      },
      {
        kind: 'attempt-creating',
        orderId,
        body: {
          attemptId,
          provider: 'wechat',
          outTradeNo: `P${orderId}`,
          outRefundNo: `R${orderId}`,
          amountFen,
          expiresAtMs: 1,
        },
      },
    ],
    [{ kind: 'attempt-pending', orderId, body: { attemptId } }],
  ];
  if (end === 'closed')
    return [
      ...begin,
      [{ kind: 'attempt-closing', orderId, body: { attemptId, why: 'customer' } }],
      [
        { kind: 'attempt-closed', orderId, body: { attemptId } },
        { kind: 'order-closed', orderId, body: { why: 'customer' } },
      ],
    ];
  const paid: JournalEvent[][] = [
    ...begin,
    [
      {
        kind: 'attempt-paid',
        orderId,
        body: { attemptId, transactionId: `T${n}`, amountFen, taken: true },
      },
      { kind: 'order-paid', orderId, body: { attemptId, amountFen } },
    ],
  ];
  const failure = { code: 'CARD-0203' };
  if (end === 'refunded')
    return [
      ...paid,
      [
        { kind: 'order-refunding', orderId, body: { attemptId, failure } },
        {
          kind: 'attempt-refunding',
          orderId,
          body: { attemptId, outRefundNo: `R${orderId}`, amountFen, why: 'card gone' },
        },
      ],
      [
        { kind: 'attempt-refunded', orderId, body: { attemptId, refundId: `F${n}`, amountFen } },
        { kind: 'order-refunded', orderId, body: { attemptId } },
      ],
    ];
  const writing: JournalEvent[][] = [
    ...paid,
    [
      {
        kind: 'order-delivering',
        orderId,
        body: {
          insertion: 1,
          before: '002900001388000320C825101000000000',
          after: '002A00000EBD00032F85261122ADE6788A',
          cumulative: 208_773,
          plan: ['update'],
        },
      },
    ],
  ];
  if (end === 'in-doubt')
    return [
      ...writing,
      [{ kind: 'order-in-doubt', orderId, body: { failure } }],
      [
        {
          kind: 'order-delivered',
          orderId,
          body: { by: 'later-read', count: n, quantity: 3773, cumulative: 208_773 },
        },
      ],
    ];
  if (end === 'parked')
    return [
      ...writing,
      [
        {
          kind: 'order-parked',
          orderId,
          body: { reason: 'foreign card image', nextStep: 'service hall' },
        },
      ],
      [
        {
          kind: 'parked-settled',
          orderId,
          body: {
            attemptId: null,
            how: 'refunded-by-hand',
            reference: 'X1',
            who: 't1',
            why: 'at the counter',
          },
        },
      ],
    ];
  return [
    ...writing,
    [
      {
        kind: 'order-delivered',
        orderId,
        body: { by: 'read-back', count: n, quantity: 3773, cumulative: 208_773 },
      },
    ],
    [{ kind: 'slip-printed', orderId, body: { what: 'receipt', ok: true } }],
  ];
}
