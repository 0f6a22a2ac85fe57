import { cardNoOf } from '../../shared/sale.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { CannotSellSession } from '../state/visit.ts';
import { cardView } from './card-view.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from './service.ts';
import type { Service } from './service.ts';
import { leave, moreTime, readCard, step, untilDeadline } from './step.ts';
import { reference, wallMs } from './view-base.ts';

/** Why it does not go on is said, and with what a person can do about it. */
export const cannotSellStage: Service<'cannot-sell'> = {
  'cannot-sell': {
    on: (state, s, event, ctx) => {
      if (event.type !== 'intent') return null;
      if (event.intent.type === 'exit') return step(state, leave(state, ctx));
      return event.intent.type === 'more-time' ? moreTime(state, s, ctx) : null;
    },
    settle: (state, s, ctx) =>
      paymentIsKnown(state, s)
        ? { ...readCard({ ...state, card: null }, state.reader.insertion, 'buy'), wakeAtMono: null }
        : untilDeadline(state, s, ctx),
    givesWay: true,
    view: (_state, s, base, ctx) => ({
      ...base,
      screen: 'cannot-sell',
      reason: s.reason,
      reference: reference(s.reason, ctx.header),
      card: s.reading === null ? null : cardView(s.reading, s.account),
      deadlineMs: wallMs(ctx, s.deadlineMono),
    }),
    // Where the last payment is still asked about it goes on by itself, with this card.
    needs: (_state, s) => (s.reason === 'SALE-0114' ? KEEP_CARD : GIVE_CARD_BACK),
  },
};

/** The card had to wait for its account's last payment, and nothing is asked about that any more. */
function paymentIsKnown(state: KioskState, s: CannotSellSession): boolean {
  if (
    s.reason !== 'SALE-0114' ||
    s.reading === null ||
    state.reader.state !== 'present' ||
    state.cardBusy
  )
    return false;
  const { cardNo, userNo } = s.reading;
  return ![...state.orders.values()].some(
    ({ order }) =>
      (cardNoOf(order) === cardNo || order.sale.userNo === userNo) &&
      (order.state === 'collecting' || order.state === 'quoted'),
  );
}
