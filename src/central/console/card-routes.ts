import { z } from 'zod';
import { settleCard, stoppedCards } from '../books/card-seen.ts';
import { openFindings, settleFinding } from '../books/findings.ts';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { otherChips, releaseChip } from '../sale/chips.ts';
import { chipPage } from './chip-pages.ts';
import { findingPage } from './finding-pages.ts';
import { filled, line } from './forms.ts';
import { stoppedPage } from './refund-pages.ts';
import type { Ways } from './ways.ts';

/** What a person says about a stopped card. */
const cardSchema = z.object({
  card: line.min(1).max(20),
  until: z.coerce.number().int().nonnegative(),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});

/** What a person says about a sale that the books found something of. */
const findingSchema = z.object({
  order: line.min(1).max(64),
  reason: line.min(1).max(40),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
/** What a person says about a card with another chip. */
const chipSchema = z.object({
  card: line.min(1).max(20),
  uid: line.min(1).max(40),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});

/** Cards that are stopped, cards with another chip, and sales that the books found something of. */
export function cardRoutes({ db, now, show, decide }: Ways): readonly Route[] {
  return [
    show('/console/card', async (query, by) => {
      const stops = (await stoppedCards(db())).filter((c) => c.cardNo === query.get('card'));
      if (stops.length === 0) throw noSuchResource();
      return stoppedPage(stops, by);
    }),
    decide('/console/card', async (form, on) => {
      const { card: cardNo, until: untilMs, who, why } = filled(form, cardSchema);
      if (!(await settleCard(on, { cardNo, untilMs, who, why }, now())))
        throw new Refusal('bad-request', 'the card is not stopped', { status: 409 });
    }),
    show('/console/finding', async (query, by) => {
      const finding = (await openFindings(db())).find(
        (f) => f.orderId === query.get('order') && f.reason === query.get('reason'),
      );
      if (finding === undefined) throw noSuchResource();
      return findingPage(finding, by);
    }),
    decide('/console/finding', async (form, on) => {
      const { order: orderId, reason, who, why } = filled(form, findingSchema);
      if (!(await settleFinding(on, { orderId, reason, who, why }, now())))
        throw new Refusal('bad-request', 'no such open finding', { status: 409 });
    }),
    show('/console/chip', async (query, by) => {
      const chip = (await otherChips(db())).find((c) => c.cardNo === query.get('card'));
      if (chip === undefined) throw noSuchResource();
      return chipPage(chip, by);
    }),
    decide('/console/chip', async (form, on) => {
      const { card: cardNo, uid, who, why } = filled(form, chipSchema);
      if (!(await releaseChip(on, { cardNo, uid, who, why }, now())))
        throw new Refusal('bad-request', 'the card is not bound to that chip', { status: 409 });
    }),
  ];
}
