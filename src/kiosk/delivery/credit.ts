import type { CreditWord } from '../../shared/central-api/index.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { never } from '../../shared/result.ts';
import type { Unwritten } from '../../shared/trust.ts';
import { failureBody, journal, movesOf } from '../order/advance.ts';
import type { Advance, AdvanceContext, Outcome } from '../order/advance.ts';
import { refund, refusedAgain, unwrittenOf, wantRefund } from '../order/claims.ts';
import type { Effect } from '../state/kiosk.ts';
import type { Now, OpenOrder } from '../state/order.ts';
import type { Delivery, DeliveryEnds } from './delivery.ts';

/**
 * Delivery by a posting to an account at central, which is its witness. The order id is the
 * idempotency key: what is not known is asked again, for as long as it takes, and money goes back
 * on central's final word only.
 */

/** Between two questions, at the most: whoever stands there waits for the answer. */
const RETRY_MAX_MS = 30_000;
/**
 * So often (some six minutes) central may say that it does not believe the payment's evidence: its
 * key may just not have been told there. Then the posting is given up, and central makes it void.
 */
const NOT_PROVEN_TRIES = 14;

/** Waits longer each time. */
const retryMs = (fails: number): number => Math.min(RETRY_MAX_MS, 1_000 * 2 ** Math.min(fails, 5));

/** Paid: the intent is durable before the request leaves. */
function begin(open: OpenOrder, now: Now): Advance {
  const { order } = open;
  if (open.writing) return movesOf(open, now).same();
  return {
    open: { ...open, writing: true },
    effects: [
      journal(order, { kind: 'credit-posting', body: { attemptId: order.paidBy ?? '' } }),
      ask(open, 'post'),
    ],
    wakeAtMono: null,
  };
}

const ask = ({ order }: OpenOrder, verb: 'post' | 'void'): Effect => ({
  do: 'post',
  orderId: order.orderId,
  verb,
});

/** Its end is not known: central is asked again, or, once it was given up, to make it void. */
function doubt(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { claim, order } = open;
  const { same } = movesOf(open, ctx);
  if (open.writing || claim.asking) return same();
  if (ctx.monoMs < claim.retryAtMono) return same(claim.retryAtMono);
  return {
    open: { ...open, claim: { ...claim, asking: true } },
    effects: [ask(open, order.wantsRefund ? 'void' : 'post')],
    wakeAtMono: null,
  };
}

/** Central's word on it, or that none was heard. */
function ended(open: OpenOrder, { result }: DeliveryEnds['credit'], now: Now): Outcome {
  const { order } = open;
  const heard: OpenOrder = { ...open, writing: false, claim: { ...open.claim, asking: false } };
  if (order.state !== 'delivering' && order.state !== 'in-doubt')
    return { open: heard, effects: [] };
  return result.ok ? onWord(heard, result.value, now) : unknown(heard, result.error, now);
}

function onWord(open: OpenOrder, word: CreditWord, now: Now): Outcome {
  switch (word.state) {
    case 'posted': {
      const { reference, postedMs, grant } = word;
      return {
        open,
        effects: [
          journal(open.order, { kind: 'credit-posted', body: { reference, postedMs, grant } }),
        ],
      };
    }
    case 'refused':
    case 'void': {
      const why = failure('SALE-0122', word.state === 'refused' ? word.why : 'void');
      return { open, effects: refund(open, why, word.grant).effects };
    }
    case 'posting':
      return unknown(open, failure('BILL-0113', 'central is still posting it'), now);
    default:
      return never(word);
  }
}

/** Asked again later; nothing is concluded from silence, nor from a refusal that is not final. */
function unknown(open: OpenOrder, why: Failure, now: Now): Outcome {
  const { claim, order } = open;
  const refused = refusedAgain(claim, why.code);
  const waits: OpenOrder = {
    ...open,
    claim: {
      ...claim,
      retryAtMono: now.monoMs + retryMs(claim.fails),
      fails: claim.fails + 1,
      failure: why,
      refused,
    },
  };
  const tries = why.code === 'BILL-0111' ? (refused?.times ?? 0) : 0;
  if (!order.wantsRefund && tries >= NOT_PROVEN_TRIES)
    return { open: waits, effects: wantRefund(waits, why).effects };
  return order.state === 'in-doubt'
    ? { open: waits, effects: [] }
    : {
        open: waits,
        effects: [journal(order, { kind: 'order-in-doubt', body: { failure: failureBody(why) } })],
      };
}

/** From the posting's intent on only central knows. */
function certainlyNothing({ order }: OpenOrder): Unwritten {
  return unwrittenOf(order);
}

/** See the head of this file. */
export const creditDelivery: Delivery<'credit'> = { begin, doubt, ended, certainlyNothing };
