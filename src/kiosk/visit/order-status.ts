import { isUsable } from '../../device/device.ts';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import type { KioskState, Step } from '../state/kiosk.ts';
import type { MyAccountNews } from '../state/my-account.ts';
import type { Now } from '../state/order.ts';
import type { OrderStatusSession } from '../state/visit.ts';
import { GIVE_CARD_BACK } from './service.ts';
import type { Service } from './service.ts';
import { IDLE, moreTime, readCard, step, untilDeadline, wantsTime } from './step.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';
import type { Base, ViewContext } from './view-base.ts';

type StatusView = SnapshotOf<'order-status'>;

/** How an order stands is told, by the twelve digits of its slip. */
export const orderStatus: Service<'order-status'> = {
  'order-status': {
    on: (state, s, event, ctx) => {
      if (event.type === 'reader') {
        if (event.state === 'present') return readCard(state, event.insertion, 'unfinished');
        return event.state === 'empty' ? { state, effects: [] } : null;
      }
      if (event.type === 'order-found') {
        if (s.ref !== event.ref) return null;
        const { result } = event;
        return step(state, {
          ...s,
          found: result.ok ? result.value : null,
          answer: !result.ok ? 'no-answer' : result.value === null ? 'not-found' : 'known',
          purchase: event.purchase,
          deadlineMono: ctx.monoMs + screenMs(state, 'card-info'),
        });
      }
      if (event.type === 'my-account') return onPrinted(state, s, event.told);
      if (event.type !== 'intent') return null;
      if (event.intent.type === 'print') return printCopy(state, s, ctx);
      if (event.intent.type === 'exit') return step(state, IDLE);
      return wantsTime(event.intent) ? moreTime(state, s, ctx) : null;
    },
    settle: untilDeadline,
    givesWay: true,
    view: (state, s, base, ctx) => statusView(state, s, base, ctx),
    needs: () => GIVE_CARD_BACK,
  },
};

/** The number of a slip was typed in. */
export function findOrder(state: KioskState, ref: string, now: Now): Step {
  return step(
    state,
    {
      at: 'order-status',
      ref,
      found: null,
      answer: 'asking',
      purchase: null,
      papers: 0,
      slip: 'none',
      deadlineMono: now.monoMs + screenMs(state, 'insert-card'),
    },
    { do: 'find-order', ref },
  );
}

/** So many copies of one slip a visit: one, and one for the other pocket. */
const MOST_COPIES = 2;

const mayCopy = (state: KioskState, s: OrderStatusSession): boolean =>
  s.purchase !== null && s.papers < MOST_COPIES && isUsable(state.service.devices, 'printer');

/** The slip once more, marked as a copy; whoever has its number has seen what is on it. */
function printCopy(state: KioskState, s: OrderStatusSession, now: Now): Step | null {
  const { purchase } = s;
  if (purchase === null || !mayCopy(state, s) || s.slip === 'printing') return null;
  const asked = state.creditAsked + 1;
  return step(
    { ...state, creditAsked: asked },
    {
      ...s,
      papers: s.papers + 1,
      slip: 'printing',
      deadlineMono: Math.max(s.deadlineMono, now.monoMs + screenMs(state, 'card-info')),
    },
    { do: 'my-account', ask: { op: 'print-copy', asked, purchase, numberMasked: '' } },
  );
}

const onPrinted = (state: KioskState, s: OrderStatusSession, told: MyAccountNews): Step | null =>
  told.news === 'printed' && s.slip === 'printing' && told.asked === state.creditAsked
    ? step(state, { ...s, slip: told.slip })
    : null;

/** Its receipt's page: this machine's own orders only, since a number is soon guessed. */
const receiptOf = (s: OrderStatusSession, ctx: ViewContext): string | null =>
  s.purchase !== null && s.purchase.terminalId === ctx.header.terminalId
    ? ctx.receiptUrl(s.purchase.orderId)
    : null;

function statusView(
  state: KioskState,
  s: OrderStatusSession,
  base: Base,
  ctx: ViewContext,
): StatusView {
  const receiptUrl = receiptOf(s, ctx);
  const { found, answer } = s;
  return {
    ...base,
    screen: 'order-status',
    state: answer !== 'known' ? answer : found === null ? 'not-found' : STATUS_OF[found.state],
    orderRef: groupRef(s.ref),
    amountFen: found?.amountFen ?? null,
    quantity: found?.quantity ?? null,
    unit: found?.unit ?? null,
    ...(found?.sale === 'credit' ? { credit: true as const } : {}),
    ...(found?.meter === undefined ? {} : { meter: found.meter }),
    ...(s.purchase === null ? {} : { copy: { slip: s.slip, can: mayCopy(state, s) } }),
    ...(receiptUrl === null ? {} : { receiptUrl }),
    ...(found?.moved === true ? { moved: true as const } : {}),
    deadlineMs: wallMs(ctx, s.deadlineMono),
  };
}

/** An order's state in a customer's terms. */
const STATUS_OF: Readonly<Record<OrderState, StatusView['state']>> = {
  quoted: 'paying',
  collecting: 'paying',
  paid: 'writing',
  delivering: 'writing',
  'in-doubt': 'in-doubt',
  delivered: 'delivered',
  closed: 'closed',
  refunding: 'refunding',
  refunded: 'refunded',
  parked: 'parked',
};

/** `031100427391` → `0311 0042 7391`, as on the slip. */
function groupRef(ref: string): string {
  return ref.length > 8 ? `${ref.slice(0, 4)} ${ref.slice(4, -4)} ${ref.slice(-4)}` : ref;
}
