import type { CardReading } from '../../../card/types.ts';
import type { Account, MyAccountRequest } from '../../../shared/central-api/index.ts';
import type { Intent } from '../../../shared/contract/index.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { isUserNo } from '../../../shared/requests.ts';
import type { ReduceContext } from '../../state/context.ts';
import type { KioskState, Step } from '../../state/kiosk.ts';
import type { MyAccountNews, MyAccountOp, MyAccountSession } from '../../state/my-account.ts';
import type { Now } from '../../state/order.ts';
import { noteLookUp } from '../look-ups.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from '../service.ts';
import type { Service } from '../service.ts';
import { active, leave, moreTime, readCard, rest, step, untilDeadline } from '../step.ts';
import { screenMs } from '../times.ts';
import { mergedPurchases } from './purchases.ts';
import { mayPrint, mayRecharge, myAccountView, numberOf, pageOf, useOf } from './view.ts';

/**
 * A customer looks at his own account (我的用气): opened by the card in the reader, or by user number
 * and the last four digits of the telephone on record. Nothing is sold, and nothing outlives the
 * visit. With central away the card tells what it knows, and this machine what was bought at it.
 */
export const myAccount: Service<'my-account'> = {
  'my-account': {
    on: (state, s, event, ctx) => {
      if (event.type === 'my-account') return onNews(state, s, event.told, ctx);
      if (event.type === 'reader' && s.stage !== 'shown' && s.card === null) {
        // Whoever finds his card after all need not type.
        if (event.state === 'present') return readCard(state, event.insertion, 'query');
        return event.state === 'empty' ? { state, effects: [] } : null;
      }
      return event.type === 'intent' ? onTap(state, s, event.intent, ctx) : null;
    },
    settle: (state, s, ctx) =>
      s.stage === 'asking' && s.card !== null ? rest(state, s, null) : untilDeadline(state, s, ctx),
    givesWay: true,
    view: myAccountView,
    needs: (_state, s) => (s.card === null ? GIVE_CARD_BACK : KEEP_CARD),
  },
};

const NOTHING = {
  at: 'my-account',
  problem: null,
  found: null,
  away: false,
  purchases: [],
  page: null,
  kind: 0,
  order: null,
  papers: 0,
  slip: 'none',
} as const;

/** Can an account be opened by its number now? Only central knows whose digits they are. */
export const isOpenByNumber = ({ service }: KioskState): boolean =>
  service.policy?.myAccount?.byNumber === true && service.centralUp !== false;

/** The number is asked for. Null: it is not to be had so. */
export const openByNumber = (state: KioskState, now: Now): Step | null =>
  isOpenByNumber(state)
    ? step(state, {
        ...NOTHING,
        stage: 'number',
        card: null,
        asked: 0,
        deadlineMono: now.monoMs + screenMs(state, 'my-account-no'),
      })
    : null;

/** The card was read: its account, as far as central tells it. */
export function openByCard(
  state: KioskState,
  {
    offline,
    ...card
  }: {
    readonly insertion: number;
    readonly reading: CardReading;
    readonly account: Account | null;
    /** The account is what was kept here: central did not answer. */
    readonly offline: boolean;
  },
  now: Now,
): Step {
  const { cardNo } = card.reading;
  // What was just not answered is not waited for again.
  const away = offline || state.service.centralUp === false;
  return ask(
    state,
    {
      ...NOTHING,
      stage: 'asking',
      card,
      asked: 0,
      deadlineMono: now.monoMs + screenMs(state, 'my-account'),
    },
    (asked) => ({ op: 'look', asked, who: away ? null : { by: 'card', cardNo }, cardNo }),
  );
}

/** Something is asked of the world; its answer names the question. */
function ask(state: KioskState, s: MyAccountSession, op: (asked: number) => MyAccountOp): Step {
  const asked = state.creditAsked + 1;
  return step(
    { ...state, creditAsked: asked },
    { ...s, asked },
    { do: 'my-account', ask: op(asked) },
  );
}

function onTap(
  state: KioskState,
  s: MyAccountSession,
  intent: Intent,
  ctx: ReduceContext,
): Step | null {
  if (intent.type === 'exit') return step(state, leave(state, ctx));
  if (intent.type === 'more-time') return moreTime(state, s, ctx);
  if (s.stage !== 'shown') return onNumberTap(state, s, intent, ctx);
  if (intent.type === 'activity') return moreTime(state, s, ctx);
  const go = (change: Partial<MyAccountSession>): Step =>
    active(state, { ...s, slip: 'none', ...change }, screenMs(state, 'my-account'), ctx);
  if (intent.type === 'print') return print(state, s, ctx);
  if (intent.type === 'recharge')
    return s.card !== null && mayRecharge(state, s)
      ? readCard(state, s.card.insertion, 'buy')
      : null;
  if (intent.type === 'my-page') return go({ page: intent.value, order: null });
  if (intent.type === 'my-kind') return go({ kind: intent.value, page: 'use', order: null });
  if (intent.type === 'back') return go({ order: null });
  if (intent.type !== 'my-order') return null;
  const open = s.purchases[intent.value];
  return open === undefined ? null : go({ page: 'purchases', order: open.orderId });
}

/** What is shown, on paper: the year, or a copy of the slip that is open. So many a visit. */
function print(state: KioskState, s: MyAccountSession, now: Now): Step | null {
  if (!mayPrint(state, s) || s.slip === 'printing') return null;
  const going = {
    ...s,
    papers: s.papers + 1,
    slip: 'printing' as const,
    deadlineMono: Math.max(s.deadlineMono, now.monoMs + screenMs(state, 'my-account')),
  };
  const purchase = s.purchases.find((p) => p.orderId === s.order);
  const numberMasked = numberOf(s);
  if (purchase !== undefined)
    return ask(state, going, (asked) => ({ op: 'print-copy', asked, purchase, numberMasked }));
  const use = useOf(s);
  if (use === null || pageOf(s) !== 'use') return null;
  const holderMasked = s.found?.holderName ?? '';
  return ask(state, going, (asked) => ({
    op: 'print-use',
    asked,
    holderMasked,
    numberMasked,
    use,
  }));
}

function onNumberTap(
  state: KioskState,
  s: MyAccountSession,
  intent: Intent,
  now: Now,
): Step | null {
  if (s.stage !== 'number') return null;
  if (intent.type === 'activity')
    return active(state, { ...s, problem: null }, screenMs(state, 'my-account-no'), now);
  return intent.type === 'my-look' ? lookUp(state, s, intent.value, intent.last4, now) : null;
}

function lookUp(
  state: KioskState,
  s: MyAccountSession,
  userNo: string,
  last4: string,
  now: Now,
): Step {
  const refused = (problem: ErrorCode): Step =>
    active(state, { ...s, problem }, screenMs(state, 'my-account-no'), now);
  const { myAccount: rules } = state.service.policy ?? {};
  if (rules === undefined || !isOpenByNumber(state)) return refused('BILL-0101');
  if (!isUserNo(userNo)) return refused('SALE-0140');
  const lookedUp = noteLookUp(state, `${userNo} ${last4}`, rules.lookUps, now);
  if (lookedUp === null) return refused('SALE-0121');
  const who: MyAccountRequest = { by: 'number', userNo, last4 };
  return ask(
    { ...state, lookedUp },
    {
      ...s,
      stage: 'asking',
      problem: null,
      deadlineMono: now.monoMs + screenMs(state, 'my-account-no'),
    },
    (asked) => ({ op: 'look', asked, who, cardNo: null }),
  );
}

function onNews(
  state: KioskState,
  s: MyAccountSession,
  told: MyAccountNews,
  now: Now,
): Step | null {
  if (told.asked !== s.asked) return null;
  if (told.news === 'printed')
    return s.slip === 'printing' ? step(state, { ...s, slip: told.slip }) : null;
  if (s.stage !== 'asking') return null;
  const { result, own } = told;
  const found = result?.ok === true ? result.value : null;
  if (s.card === null && found === null)
    return active(
      state,
      { ...s, stage: 'number', problem: problemOf(result) },
      screenMs(state, 'my-account-no'),
      now,
    );
  return step(state, {
    ...s,
    stage: 'shown',
    found,
    away: result === null || !result.ok,
    purchases: mergedPurchases(own, found?.purchases ?? []),
    deadlineMono: now.monoMs + screenMs(state, 'my-account'),
  });
}

/** An unknown number and wrong digits are told alike. */
function problemOf(result: Extract<MyAccountNews, { news: 'looked' }>['result']): ErrorCode {
  if (result?.ok === true) return 'SALE-0140';
  // Central lets a terminal look so often.
  return result?.error.code === 'BILL-0102' ? 'SALE-0121' : 'BILL-0101';
}
