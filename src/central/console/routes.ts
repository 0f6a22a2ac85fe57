import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { DAY_MS, chinaDate } from '../../shared/time.ts';
import { grantEpoch } from '../books/epochs.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { changeKey } from '../fleet/keys.ts';
import { proveAgain, unprovenOrders } from '../books/evidence-again.ts';
import { setStatus, settleAlarm } from '../fleet/status.ts';
import { giveUpWaiting } from '../books/held.ts';
import { settleCard } from '../books/card-seen.ts';
import { settleQuarantined } from '../books/quarantine.ts';
import { reconciledDay } from '../books/reconcile.ts';
import type { Trust } from '../books/trust.ts';
import type { Db } from '../db/sql.ts';
import { strandedOf } from '../gateway/adopted.ts';
import { letGo, refundWaits } from '../gateway/budgets.ts';
import { mayTryAgain, NEEDS_REFERENCE, OUTCOMES, settleParked } from '../gateway/settle.ts';
import { Refusal } from '../http/problem.ts';
import { dateOf, noSuchResource } from '../http/request.ts';
import { decideRefund, REFUND_DECISIONS } from '../sale/budgets.ts';
import type { Route } from '../http/routes.ts';
import { adoptPage, handCase, handPage } from './by-hand.ts';
import { adoptForm, decideHandForm, pieceName } from './by-hand-routes.ts';
import { consoleData, quarantined, terminalOf, waiting } from './data.ts';
import { creditRoutes } from './credit-routes.ts';
import { invoiceRoutes } from './invoice-routes.ts';
import { actRoutes } from './act-routes.ts';
import { cardGrantRoutes } from './card-grant-routes.ts';
import type { CardGrantParts } from '../sale/card-grants.ts';
import type { ActParts } from '../sale/credit-acts.ts';
import { budgetPage } from './refund-budget.ts';
import { aboutFact, aboutTerminal, filled, line } from './forms.ts';
import type { Form } from './forms.ts';
import type { FactPlace } from './data.ts';
import {
  consolePage,
  epochPage,
  heldPage,
  parkedPage,
  quarantinePage,
  reconcilePage,
  terminalPage,
} from './pages.ts';
import { releaseChip } from '../sale/chips.ts';
import { chipPage } from './chip-pages.ts';
import { findingPage } from './finding-pages.ts';
import { openFindings, settleFinding } from '../books/findings.ts';
import { evidencePage, refundPage, stoppedPage } from './refund-pages.ts';
import type { PolicyRequests } from '../../shared/policy-requests.ts';
import { listRequests, requestCase } from '../requests/desk.ts';
import { answerForm } from './request-forms.ts';
import { requestPage, requestsPage } from './request-pages.ts';
import { smsCounts } from '../requests/sms-subscribers.ts';
import { smsOf } from '../../shared/requests.ts';
import { smsPage } from './sms-pages.ts';
import type { Deciding } from './deciding.ts';
import type { Gate } from './gate.ts';
import { placeRoutes } from './place-routes.ts';
import { staffRoutes } from './staff-routes.ts';
import { startPage } from './start-page.ts';
import { waitingCounts } from './waiting-counts.ts';
import { consoleWays } from './ways.ts';

export interface ConsoleParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** Who is let in, and as whom. */
  readonly gate: Gate;
  /** What persons decide, here and by the staff API. */
  readonly deciding: Deciding;
  /** Somebody is told of alarms. */
  readonly isTelling: boolean;
  readonly trust: Trust;
  /** A terminal's keys by its public key. @throws where it is none */
  readonly keysOf: (publicKeyPem: string) => Keyring;
  /** Open what identifies the customers of requests. */
  readonly requestKeys: readonly KeyObject[];
  /** What acts of two persons on accounts are judged by. */
  readonly acts: Omit<ActParts, 'nowMs'>;
  readonly cardGrants: Omit<CardGrantParts, 'nowMs'>;
  /** By the company's policy; undefined: it has none. */
  readonly requests: () => Promise<PolicyRequests | undefined>;
}

/** What a person decides about a terminal. */
const statusSchema = aboutTerminal.extend({ status: z.enum(['active', 'suspended', 'revoked']) });
/** What a person says about a refund beyond the budget. */
const budgetSchema = aboutTerminal.extend({ number: line.min(1).max(80) });
/** A terminal's next key, and for how many hours the old one counts beside it. */
const keySchema = aboutTerminal.extend({
  key: z.string().max(2_000),
  hours: z.coerce.number().int().min(0).max(720),
});
/** Which terminal gets its new epoch. */
const epochSchema = z.object({ terminal: line.min(1) });
const HOUR_MS = 3_600_000;
/** What a person says about a quarantined fact. */
const settlementSchema = aboutFact.extend({
  amount: z
    .string()
    .trim()
    .regex(/^(?:-?\d{1,9}(?:\.\d{1,2})?)?$/)
    .default(''),
  reference: line.max(100).default(''),
});
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

/** The console for staff: pages, and the forms by which a person decides. */
export function consoleRoutes(parts: ConsoleParts): readonly Route[] {
  const { db, now, gate, trust, keysOf, requestKeys, requests, acts, cardGrants } = parts;
  const ways = consoleWays(db, now, gate, parts.deciding);
  const { show, decide } = ways;

  return [
    show('/', async (_query, by) =>
      by.who === null
        ? consolePage(await consoleData(db(), now()), now(), by)
        : startPage(await waitingCounts(db(), now()), now(), by),
    ),
    show('/console/start', async (_query, by) =>
      startPage(await waitingCounts(db(), now()), now(), by),
    ),
    show('/console/overview', async (_query, by) =>
      consolePage(await consoleData(db(), now()), now(), by),
    ),
    ways.data('/console/data.json', () => consoleData(db(), now())),
    show('/console/reconcile', async (query) => {
      const date = dateOf(query.get('date') ?? chinaDate(now() - DAY_MS));
      return reconcilePage(date, await reconciledDay(db(), date));
    }),
    show('/console/quarantine', async (query, by) => {
      const fact = await quarantined(db(), placeOf(query));
      if (fact === null) throw noSuchResource();
      return quarantinePage(fact, by);
    }),
    show('/console/held', async (query, by) => {
      const fact = await waiting(db(), placeOf(query));
      if (fact === null) throw noSuchResource();
      return heldPage(fact, by);
    }),
    show('/console/epoch', async (query, by) => {
      const terminal = await terminalOf(db(), query.get('terminal') ?? '');
      if (terminal === null) throw noSuchResource();
      return epochPage(terminal, by);
    }),
    show('/console/payment', async (query, by) => {
      const { parkedCaptures } = await consoleData(db(), now());
      const parked = parkedCaptures.find((p) => p.leg === query.get('leg'));
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
    decide('/console/quarantine', (form, on) => settleFact(on, form, now())),
    decide('/console/held', (form, on) => giveUp(on, form, { nowMs: now(), trust })),
    show('/console/terminal', async (query, by) => {
      const terminal = await terminalOf(db(), query.get('terminal') ?? '');
      if (terminal === null) throw noSuchResource();
      return terminalPage(terminal, by);
    }),
    decide('/console/terminal', async (form, on) => {
      const { terminal: terminalId, ...told } = filled(form, statusSchema);
      if (!(await setStatus(on, { terminalId, ...told }, now())))
        throw new Refusal('bad-request', 'no such terminal, or nothing to change', { status: 409 });
    }),
    decide('/console/key', async (form, on) => {
      const { terminal: terminalId, key, hours, who, why } = filled(form, keySchema);
      const nextKey = `${key.replaceAll('\r\n', '\n').trim()}\n`;
      if (!isKey(keysOf, nextKey)) throw new Refusal('bad-request', '不是 Ed25519 公钥（PEM）');
      const change = { terminalId, nextKey, overlapMs: hours * HOUR_MS, who, why };
      if (!(await changeKey(on, change, now())))
        throw new Refusal('bad-request', 'no such terminal, its own key, or a change goes on', {
          status: 409,
        });
    }),
    decide('/console/alarm', async (form, on) => {
      const { terminal: terminalId, who, why } = filled(form, aboutTerminal);
      if (!(await settleAlarm(on, { terminalId, who, why }, now())))
        throw new Refusal('bad-request', 'no such alarm', { status: 409 });
    }),
    decide('/console/epoch', async (form, on) => {
      if ((await grantEpoch(on, filled(form, epochSchema).terminal, now())) === null)
        throw new Refusal('bad-request', 'it asks for no epoch', { status: 409 });
    }),
    decide('/console/payment', (form, on) => settleCapture(on, form, now())),
    show('/console/card', async (query, by) => {
      const { stoppedCards } = await consoleData(db(), now());
      const stops = stoppedCards.filter((c) => c.cardNo === query.get('card'));
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
      const { otherChips } = await consoleData(db(), now());
      const chip = otherChips.find((c) => c.cardNo === query.get('card'));
      if (chip === undefined) throw noSuchResource();
      return chipPage(chip, by);
    }),
    decide('/console/chip', async (form, on) => {
      const { card: cardNo, uid, who, why } = filled(form, chipSchema);
      if (!(await releaseChip(on, { cardNo, uid, who, why }, now())))
        throw new Refusal('bad-request', 'the card is not bound to that chip', { status: 409 });
    }),
    ...creditRoutes(ways),
    ...invoiceRoutes(ways),
    ...actRoutes({ ...ways, acts }),
    ...cardGrantRoutes({ ...ways, cardGrants }),
    ...placeRoutes(ways),
    ...staffRoutes({ ...ways, deciding: parts.deciding, isTelling: parts.isTelling }),
    show('/console/sms', async () => smsPage(await smsCounts(db()), areaOf(await requests()))),
    show('/console/requests', async () => requestsPage(await listRequests(db()), now())),
    show('/console/request', async (query, by) => {
      const found = await requestCase(db(), query.get('number') ?? '');
      if (found === null) throw noSuchResource();
      return requestPage(found, {
        keys: requestKeys,
        requests: await requests(),
        nowMs: now(),
        person: by,
      });
    }),
    decide('/console/request', (form, on) => answerForm(on, form, now())),
    show('/console/refund', async (query, by) => {
      const { unprovenRefunds } = await consoleData(db(), now());
      const refund = unprovenRefunds.find((r) => r.orderId === query.get('order'));
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

/** An area of messages by the policy's own name. */
const areaOf =
  (requests: PolicyRequests | undefined) =>
  (area: string): string | null =>
    requests?.categories
      .filter((c) => smsOf(c.kind) === 'subscribe')
      .flatMap((c) => c.choices)
      .find((c) => c.id === area)?.name.zh ?? null;

const samePerson = (): Refusal =>
  new Refusal('bad-request', '提出的人不能自己核准，须由第二人核准', { status: 409 });

function isKey(keysOf: ConsoleParts['keysOf'], pem: string): boolean {
  try {
    keysOf(pem);
    return true;
  } catch {
    return false;
  }
}

/** The fact that a page's address names. */
function placeOf(query: URLSearchParams): FactPlace {
  const [epoch, seq] = [Number(query.get('epoch')), Number(query.get('seq'))];
  const terminalId = query.get('terminal') ?? '';
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(seq) || terminalId.includes('\0'))
    throw noSuchResource();
  return { terminalId, epoch, seq };
}

async function giveUp(
  db: Db,
  form: Form,
  by: { readonly nowMs: number; readonly trust: Trust },
): Promise<void> {
  const { terminal, epoch, seq, who, why } = filled(form, aboutFact);
  if (!(await giveUpWaiting(db, { terminalId: terminal, epoch, seq, who, why }, by)))
    throw new Refusal('bad-request', 'it waits no longer', { status: 409 });
}

async function settleFact(db: Db, form: Form, nowMs: number): Promise<void> {
  const { terminal, epoch, seq, who, why, amount, reference } = filled(form, settlementSchema);
  if ((amount === '') !== (reference === ''))
    throw new Refusal('bad-request', 'an adjustment has an amount and a reference');
  const adjustment =
    amount === '' ? null : { amountFen: Math.round(Number(amount) * 100), reference };
  const settlement = { terminalId: terminal, epoch, seq, who, why, adjustment };
  if (!(await settleQuarantined(db, settlement, nowMs)))
    throw new Refusal('bad-request', 'settled already, or not there', { status: 409 });
}

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
