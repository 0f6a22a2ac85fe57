import { z } from 'zod';
import { proveAgain, unprovenOrders } from '../books/evidence-again.ts';
import type { Trust } from '../books/trust.ts';
import type { Db } from '../db/sql.ts';
import { strandedOf } from '../gateway/adopted.ts';
import { letGo, refundWaits } from '../gateway/budgets.ts';
import { mayTryAgain, NEEDS_REFERENCE, OUTCOMES, settleParked } from '../gateway/settle.ts';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { decideRefund, REFUND_DECISIONS, unprovenRefunds } from '../sale/budgets.ts';
import { adoptPage, handCase, handPage } from './by-hand.ts';
import { adoptForm, decideHandForm, pieceName } from './by-hand-routes.ts';
import { parkedCapturesOf } from './data.ts';
import { aboutTerminal, filled, line, placeOf } from './forms.ts';
import type { Form } from './forms.ts';
import { parkedPage } from './pages.ts';
import { budgetPage } from './refund-budget.ts';
import { evidencePage, refundPage } from './refund-pages.ts';
import type { Ways } from './ways.ts';

/** The console's ways, and what evidence is believed by. */
export interface MoneyConsole extends Ways {
  readonly trust: Trust;
}

/** What a person says about a refund beyond the budget. */
const budgetSchema = aboutTerminal.extend({ number: line.min(1).max(80) });
/** What a person says about a capture that the gateway could not hand back. */
const parkedSchema = z.object({
  leg: line.min(1).max(40),
  outcome: z.enum(OUTCOMES),
  reference: line.max(100).default(''),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
/** What a person decides about a refund on a reader's word. */
const refundSchema = z.object({
  order: line.min(1).max(64),
  decision: z.enum(REFUND_DECISIONS),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
/** Money that is parked, was taken twice, or goes back. */
export function moneyRoutes(parts: MoneyConsole): readonly Route[] {
  const { db, now, show, decide, trust } = parts;
  return [
    show('/console/payment', async (query, by) => {
      const parked = (await parkedCapturesOf(db())).find((p) => p.leg === query.get('leg'));
      if (parked === undefined) throw noSuchResource();
      const again = mayTryAgain(parked.amountFen, parked.capturedFen);
      const outcomes = OUTCOMES.filter((o) => o !== 'again' || again);
      return parkedPage(parked, outcomes, by);
    }),
    show('/console/by-hand', async (query, by) => {
      const asked = await handCase(db(), placeOf(query));
      if (asked === null) throw noSuchResource();
      return handPage(asked, by);
    }),
    show('/console/adopt', async (query, by) => {
      const terminalId = query.get('terminal') ?? '';
      const piece = query.get('piece');
      const all = (await strandedOf(db(), terminalId)).map((s) => [pieceName(s), s] as const);
      const shown = piece === null ? all : all.filter(([name]) => name === piece);
      return adoptPage(terminalId, shown, by);
    }),
    decide('/console/adopt', (form, on) => adoptForm(on, form, { nowMs: now(), trust })),
    decide('/console/by-hand', (form, on) => decideHandForm(on, form, { nowMs: now(), trust })),
    show('/console/refund-budget', async (query, by) => {
      const waits = (await refundWaits(db())).find(
        (w) => w.terminalId === query.get('terminal') && w.number === query.get('number'),
      );
      if (waits === undefined) throw noSuchResource();
      return budgetPage(waits, by);
    }),
    decide('/console/refund-budget', async (form, on) => {
      const { terminal: terminalId, number, who, why } = filled(form, budgetSchema);
      const gone = await letGo(on, { terminalId, number, who, why }, now());
      if (gone === 'same-person') throw samePerson();
      if (gone === 'gone') throw new Refusal('bad-request', 'it waits no longer', { status: 409 });
    }),
    show('/console/evidence', async (_query, by) =>
      evidencePage((await unprovenOrders(db())).length, by),
    ),
    decide('/console/evidence', async (_form, on) => {
      await proveAgain(on, { nowMs: now(), trust });
    }),
    decide('/console/payment', (form, on) => settleCapture(on, form, now())),
    show('/console/refund', async (query, by) => {
      const refund = (await unprovenRefunds(db(), now())).find(
        (r) => r.orderId === query.get('order'),
      );
      if (refund === undefined) throw noSuchResource();
      return refundPage(refund, by);
    }),
    decide('/console/refund', async (form, on) => {
      const { order: orderId, ...told } = filled(form, refundSchema);
      const decided = await decideRefund(on, { orderId, ...told }, now());
      if (decided === 'same-person') throw samePerson();
      if (decided === 'gone')
        throw new Refusal('bad-request', 'nothing to decide about it', { status: 409 });
    }),
  ];
}

const samePerson = (): Refusal =>
  new Refusal('bad-request', '提出的人不能自己核准，须由第二人核准', { status: 409 });

async function settleCapture(db: Db, form: Form, nowMs: number): Promise<void> {
  const told = filled(form, parkedSchema);
  if (NEEDS_REFERENCE.includes(told.outcome) && told.reference === '')
    throw new Refusal('bad-request', 'money that was handed back has a reference');
  const done = await settleParked(db, told, nowMs);
  if (done === 'done') return;
  throw new Refusal(
    'bad-request',
    done === 'gone' ? 'settled already, or not parked' : 'the gateway cannot hand this one back',
    { status: 409 },
  );
}
