import { GIVE_CARD_BACK } from './service.ts';
import type { Service } from './service.ts';
import { IDLE, cardToTake, rest } from './step.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';

/** The visit is over: the card that is still inside is to be taken. */
export const takeCard: Service<'take-card'> = {
  'take-card': {
    on: () => null,
    settle: (state, s, ctx) => {
      if (ctx.monoMs < s.deadlineMono) return rest(state, s, s.deadlineMono);
      if (!cardToTake(state)) return rest(state, IDLE, null);
      const deadlineMono = ctx.monoMs + screenMs(state, 'take-card');
      return rest(state, { ...s, deadlineMono }, deadlineMono);
    },
    givesWay: true,
    view: (_state, s, base, ctx) => ({
      ...base,
      screen: 'take-card',
      deadlineMs: wallMs(ctx, s.deadlineMono),
    }),
    needs: () => GIVE_CARD_BACK,
  },
};
