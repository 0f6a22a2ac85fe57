import { cardNoOf } from '../../shared/sale.ts';
import type { KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { CannotSellSession } from '../state/visit.ts';
import { accountAgain, creditOffered } from './account-sale/account-sale.ts';
import { cardView } from './card-view.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from './service.ts';
import type { Service } from './service.ts';
import { leave, moreTime, readCard, step, untilDeadline, wantsTime } from './step.ts';
import { reference, wallMs } from './view-base.ts';

/** Why it does not go on is said, and with what a person can do about it. */
export const cannotSellStage: Service<'cannot-sell'> = {
  'cannot-sell': {
    on: (state, s, event, ctx) => {
      if (event.type !== 'intent') return null;
      if (event.intent.type === 'exit') return step(state, leave(state, ctx));
      if (event.intent.type === 'pay-debt') return payDebt(state, s, ctx);
      return wantsTime(event.intent) ? moreTime(state, s, ctx) : null;
    },
    settle: (state, s, ctx) =>
      paymentIsKnown(state, s)
        ? { ...readCard({ ...state, card: null }, state.reader.insertion, 'buy'), wakeAtMono: null }
        : untilDeadline(state, s, ctx),
    givesWay: true,
    view: (state, s, base, ctx) => ({
      ...base,
      screen: 'cannot-sell',
      reason: s.reason,
      reference: reference(s.reason, ctx.header),
      card: s.reading === null ? null : cardView(s.reading, s.account),
      ...(mayPayDebt(state, s) ? { payDebt: true as const } : {}),
      deadlineMs: wallMs(ctx, s.deadlineMono),
    }),
    // Where the last payment is still asked about it goes on by itself, with this card.
    // A debt can be paid here, and the card be recharged then.
    needs: (state, s) =>
      s.reason === 'SALE-0114' || mayPayDebt(state, s) ? KEEP_CARD : GIVE_CARD_BACK,
  },
};

/** The account behind the card that is in has a debt, and this hall takes bills. */
function mayPayDebt(state: KioskState, s: CannotSellSession): boolean {
  return (
    s.reason === 'SALE-0108' &&
    s.account !== null &&
    state.reader.state === 'present' &&
    creditOffered(state, 'bills')
  );
}

function payDebt(state: KioskState, s: CannotSellSession, now: Now): Step | null {
  if (!mayPayDebt(state, s) || s.account === null) return null;
  const { userNo } = s.account;
  return accountAgain(state, { service: 'bills', userNo, card: state.reader.insertion }, now);
}

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
