import type { CardKeyBody, CardKeyRequest } from '../../shared/central-api/index.ts';
import type { Journal } from '../../journal/journal.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { cardNoOf } from '../../shared/sale.ts';

/** Verbs that compute something a card is written with: only for what was paid. */
const COMPUTING: ReadonlySet<CardKeyRequest['verb']> = new Set([
  'code',
  'external-auth',
  'block-mac',
  'sector-key',
  'update-mac',
  'load-leave',
]);

/**
 * The request with what proves that its card's sale was paid, as this journal has it: uploads may
 * lag behind. Another kiosk's order, which is finished here, is known at central already.
 */
export function withPayment(
  journal: Pick<Journal, 'openOrders' | 'story'>,
  request: CardKeyRequest,
): CardKeyBody {
  if (!COMPUTING.has(request.verb)) return request;
  const cardNo = 's8' in request ? request.s8.slice(-10) : cardNoIn(request);
  // Keys are asked for in a write. An earlier sale of this card may be open too: delivered, and a
  // second payment of it on its way back.
  const order = journal
    .openOrders()
    .find((o) => o.state === 'delivering' && cardNoOf(o) === cardNo && o.paidBy !== null);
  if (order === undefined) return request;
  for (const { kind, body } of journal.story(order.orderId)) {
    if (kind !== 'attempt-paid') continue;
    const { attemptId, evidence } = body as EventBody<'attempt-paid'>;
    if (attemptId === order.paidBy && evidence !== undefined)
      return { ...request, paid: { evidence } };
  }
  return request;
}

const cardNoIn = (request: CardKeyRequest): string | undefined =>
  'cardNo' in request ? request.cardNo : undefined;
