import type { PaymentEvidence } from '../shared/evidence.ts';
import type { EventBody } from '../shared/facts/catalogue.ts';
import { cardNoOf } from '../shared/sale.ts';
import type { Town } from './town.ts';

/** An honest kiosk's order, as he can read it off a screen or a slip. */
export interface Others {
  readonly orderId: string;
  readonly cardNo: string;
  readonly evidence: PaymentEvidence | null;
  readonly outTradeNo: string | null;
  readonly origin: string;
}

/** So many of a kiosk's newest orders are to be seen. */
const SEEN = 6;

/** What is to be seen of honest sales. */
export const othersOf = (world: Town): readonly Others[] =>
  world.sites.flatMap((site) =>
    (site.journal?.orders() ?? []).slice(-SEEN).flatMap((o): Others[] => {
      const cardNo = cardNoOf(o);
      if (cardNo === null) return [];
      const attempt = site.journal?.attemptsOf(o.orderId).at(-1);
      const paid = site.journal?.story(o.orderId).find((f) => f.kind === 'attempt-paid');
      const { evidence } = (paid?.body ?? {}) as Partial<EventBody<'attempt-paid'>>;
      return [
        {
          orderId: o.orderId,
          cardNo,
          evidence: evidence ?? null,
          outTradeNo: attempt?.outTradeNo ?? null,
          origin: site.terminalId,
        },
      ];
    }),
  );
