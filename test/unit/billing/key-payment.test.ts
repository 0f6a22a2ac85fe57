import { describe, expect, it } from 'vitest';
import type { OrderRow } from '../../../src/journal/fold.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { withPayment } from '../../../src/main/core/key-payment.ts';

const CARD = '8800003921';
const evidenceOf = (orderId: string) => ({ kind: 'receipt' as const, token: `${orderId}.x` });
/** A journal with these orders of one card, each paid. */
function journalOf(
  ...orders: readonly (readonly [orderId: string, state: OrderRow['state']])[]
): Pick<Journal, 'openOrders' | 'story'> {
  return {
    openOrders: () =>
      orders.map(([orderId, state]) => {
        const sale = { kind: 'card', cardNo: CARD };
        return { orderId, state, paidBy: `${orderId}/1`, sale } as unknown as OrderRow;
      }),
    story: (orderId: string) =>
      [
        {
          kind: 'attempt-paid',
          body: { attemptId: `${orderId}/1`, evidence: evidenceOf(orderId) },
        },
      ] as unknown as ReturnType<Journal['story']>,
  };
}
const ASKED = { verb: 'external-auth', s8: `000000${CARD}`, challenge: '00'.repeat(8) } as const;

describe('the evidence that goes with a key request', () => {
  it('is that of the sale being written, whatever else of this card is open', () => {
    // Delivered, and a second payment of it is on its way back: an open order still.
    const journal = journalOf(['PL-1', 'delivered'], ['PL-2', 'delivering']);
    const paid = { evidence: evidenceOf('PL-2') };
    expect(withPayment(journal, ASKED)).toEqual({ ...ASKED, paid });
  });

  it('is none for another kiosk’s order: central knows it', () => {
    expect(withPayment(journalOf(['PL-1', 'delivered']), ASKED)).toEqual(ASKED);
  });
});
