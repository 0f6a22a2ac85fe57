import type { CardReading } from '../../card/types.ts';
import type { Account } from '../../shared/central-api/index.ts';
import type { KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import { cardView, dateOf } from './card-view.ts';
import { KEEP_CARD } from './service.ts';
import type { Service } from './service.ts';
import { leave, moreTime, step, untilDeadline, wantsTime } from './step.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';

/** What is on the card is shown; nothing is sold. */
export const cardQuery: Service<'card-info'> = {
  'card-info': {
    on: (state, s, event, ctx) => {
      if (event.type !== 'intent') return null;
      if (event.intent.type === 'exit') return step(state, leave(state, ctx));
      return wantsTime(event.intent) ? moreTime(state, s, ctx) : null;
    },
    settle: untilDeadline,
    givesWay: true,
    view: (_state, s, base, ctx) => ({
      ...base,
      screen: 'card-info',
      card: cardView(s.reading, s.account),
      lastVisit: s.reading.meter.visited ? dateOf(s.reading.meter.lastVisit) : null,
      deadlineMs: wallMs(ctx, s.deadlineMono),
    }),
    needs: () => KEEP_CARD,
  },
};

/** The card was read. `account`: null where central could not be asked. */
export function showCard(
  state: KioskState,
  reading: CardReading,
  account: Account | null,
  now: Now,
): Step {
  return step(state, {
    at: 'card-info',
    reading,
    account,
    deadlineMono: now.monoMs + screenMs(state, 'card-info'),
  });
}
