import type { Session, SessionAt } from '../state/visit.ts';
import { accountSale } from './account-sale/account-sale.ts';
import { cannotSellStage } from './cannot-sell.ts';
import { cardAssist } from './card-assist.ts';
import { cardIn } from './card-in.ts';
import { cardQuery } from './card-query.ts';
import { cardSale } from './card-sale/card-sale.ts';
import { hallInfo } from './hall-info.ts';
import { idle } from './idle.ts';
import { myAccount } from './my-account/my-account.ts';
import { orderStatus } from './order-status.ts';
import { orderVisit } from './order-visit.ts';
import { requests } from './requests.ts';
import type { Stage } from './service.ts';
import { takeCard } from './take-card.ts';

/** Every stage of a visit, by the service that it belongs to: a new service is one more row. */
const STAGES: { readonly [A in Session['at']]: Stage<SessionAt<A>> } = {
  // shared by all
  ...idle,
  ...cardIn,
  ...cannotSellStage,
  ...takeCard,
  // services
  ...cardSale,
  ...accountSale,
  ...cardQuery,
  ...hallInfo,
  ...requests,
  ...myAccount,
  ...orderStatus,
  ...cardAssist,
  // shared by services that sell
  ...orderVisit,
};

/** Those that began something whose end may come when the visit is at another stage. */
export const OUTCOMES = Object.values(STAGES).flatMap(({ outcome }) => outcome ?? []);

/** The conduct of a visit at the stage it is at. */
export function stageOf(session: Session): Stage<Session> {
  // By its key the stage takes exactly this kind of session; the compiler cannot follow that.
  return STAGES[session.at] as Stage<Session>;
}
