import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { DAY_MS, chinaDate } from '../../shared/time.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { giveUpWaiting } from '../books/held.ts';
import { settleQuarantined } from '../books/quarantine.ts';
import { reconciledDay } from '../books/reconcile.ts';
import type { Trust } from '../books/trust.ts';
import type { Db } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { dateOf, noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { consoleData, quarantined, waiting } from './data.ts';
import { companyRoutes } from './company-routes.ts';
import { creditRoutes } from './credit-routes.ts';
import { invoiceRoutes } from './invoice-routes.ts';
import { actRoutes } from './act-routes.ts';
import { cardGrantRoutes } from './card-grant-routes.ts';
import type { GrantRules } from './card-grant-routes.ts';
import type { ActParts } from '../sale/credit-acts.ts';
import { aboutFact, filled, line } from './forms.ts';
import type { Form } from './forms.ts';
import { consolePage, heldPage, quarantinePage, reconcilePage } from './pages.ts';
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
import { cardRoutes } from './card-routes.ts';
import { moneyRoutes } from './money-routes.ts';
import { terminalRoutes } from './terminal-routes.ts';
import { placeOf } from './forms.ts';

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
  readonly cardGrants: GrantRules;
  /** As the policy of this terminal has them, or all policies where null. */
  readonly requests: (terminalId: string | null) => Promise<readonly PolicyRequests[]>;
}

/** What a person says about a quarantined fact. */
const settlementSchema = aboutFact.extend({
  amount: z
    .string()
    .trim()
    .regex(/^(?:-?\d{1,9}(?:\.\d{1,2})?)?$/)
    .default(''),
  reference: line.max(100).default(''),
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
    decide('/console/quarantine', (form, on) => settleFact(on, form, now())),
    decide('/console/held', (form, on) => giveUp(on, form, { nowMs: now(), trust })),
    ...terminalRoutes({ ...ways, keysOf }),
    ...moneyRoutes({ ...ways, trust }),
    ...cardRoutes(ways),
    ...creditRoutes(ways),
    ...companyRoutes(ways),
    ...invoiceRoutes(ways),
    ...actRoutes({ ...ways, acts }),
    ...cardGrantRoutes({ ...ways, cardGrants }),
    ...placeRoutes(ways),
    ...staffRoutes({ ...ways, deciding: parts.deciding, isTelling: parts.isTelling }),
    show('/console/sms', async () => smsPage(await smsCounts(db()), areaOf(await requests(null)))),
    show('/console/requests', async () => requestsPage(await listRequests(db()), now())),
    show('/console/request', async (query, by) => {
      const found = await requestCase(db(), query.get('number') ?? '');
      if (found === null) throw noSuchResource();
      return requestPage(found, {
        keys: requestKeys,
        requests: (await requests(found.request.terminalId))[0],
        nowMs: now(),
        person: by,
      });
    }),
    decide('/console/request', (form, on) => answerForm(on, form, now())),
  ];
}

/** An area of messages by the policy's own name. */
const areaOf =
  (requests: readonly PolicyRequests[]) =>
  (area: string): string | null =>
    requests
      .flatMap((r) => r.categories)
      .filter((c) => smsOf(c.kind) === 'subscribe')
      .flatMap((c) => c.choices)
      .find((c) => c.id === area)?.name.zh ?? null;

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
