import type { z } from 'zod';
import { maskCardNo } from '../shared/mask.ts';
import type { Deciding } from './console/deciding.ts';
import {
  heldOf,
  heldOpen,
  ordersOf,
  parkedCapturesOf,
  quarantineOf,
  quarantineOpen,
  terminalOf,
  terminalsOf,
} from './console/data.ts';
import type { ConsoleData } from './console/data.ts';
import { DECISIONS } from './console/decisions.ts';
import { cookieOf, refuseOutsiders } from './console/gate.ts';
import type { StaffOrigin } from './console/gate.ts';
import { sameText } from './console/ways.ts';
import type { Db } from './db/sql.ts';
import { refundWaits } from './gateway/budgets.ts';
import { Refusal } from './http/problem.ts';
import { bodyOf, headerOf, json, noSuchResource, queryOf } from './http/request.ts';
import type { CentralAnswer, CentralRequest } from './http/request.ts';
import type { Route } from './http/routes.ts';
import { listRequests } from './requests/desk.ts';
import { unprovenRefunds } from './sale/budgets.ts';
import { STAFF_CALLS } from './staff/api-schemas.ts';
import type { StaffCall } from './staff/api-schemas.ts';
import { auditOf } from './staff/audit.ts';
import { mayUse } from './staff/roles.ts';
import { bearerOf, sessionOf } from './staff/sessions.ts';
import type { Person } from './staff/sessions.ts';
import { formTokenOf } from './staff/tokens.ts';
import { proposals } from './staff/two-persons.ts';

/** What the staff API works with. */
export interface StaffApiParts {
  readonly db: () => Db;
  readonly now: () => number;
  readonly at: StaffOrigin;
  readonly deciding: Deciding;
}

/** The header in which a browser's changes carry what `GET /api/v1/session` gave it. */
export const CSRF_HEADER = 'x-pilotlight-csrf';
const TERMINALS_A_PAGE = 100;
const AUDIT_A_PAGE = 200;

interface Asker extends Person {
  /** Null: by a bearer token. */
  readonly csrf: string | null;
}

/** @throws a refusal */
async function asker(
  { db, now, at }: StaffApiParts,
  request: CentralRequest,
  { method, path }: StaffCall,
): Promise<Asker> {
  const person = await whoAsks(db(), request, at, now());
  if (person === null)
    throw new Refusal('bad-request', 'not-logged-in: send Authorization: Bearer pl_…', {
      status: 401,
    });
  if (!mayUse(person.roles, method, path))
    throw new Refusal('bad-request', 'role-missing: your roles may not do this', { status: 403 });
  if (method === 'POST') {
    // Another site's page cannot send this type without asking first, and is told no.
    if (!/^application\/json(?:;|$)/i.test(headerOf(request, 'content-type') ?? ''))
      throw new Refusal('bad-request', 'content-type is application/json', { status: 415 });
    if (person.csrf !== null && !sameText(headerOf(request, CSRF_HEADER) ?? '', person.csrf))
      throw new Refusal('bad-request', `csrf: send ${CSRF_HEADER} of GET /api/v1/session`, {
        status: 403,
      });
  }
  return person;
}

async function whoAsks(
  db: Db,
  request: CentralRequest,
  at: StaffOrigin,
  nowMs: number,
): Promise<Asker | null> {
  const bearer = /^Bearer (\S+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1];
  if (bearer !== undefined) {
    if (headerOf(request, 'host')?.toLowerCase() !== at.host)
      throw new Refusal('bad-request', 'this door has another name', { status: 403 });
    const person = await bearerOf(db, bearer, nowMs);
    return person === null ? null : { ...person, csrf: null };
  }
  refuseOutsiders(request, at);
  const token = cookieOf(request, at, 'session');
  if (token === null) return null;
  const person = await sessionOf(db, { token, kind: 'full', watching: false }, nowMs);
  return person === null ? null : { ...person, csrf: formTokenOf(token) };
}

const terminalIn = (t: ConsoleData['terminals'][number]) => ({
  terminalId: t.terminalId,
  status: t.status,
  epoch: t.epoch,
  lastSeq: t.lastSeq,
  lastUploadMs: t.lastUploadMs,
  alarm: t.alarm,
  asksEpoch: t.epochRequest !== null,
  oldKeyUntilMs: t.oldKeyUntilMs,
  heartbeat:
    t.heard?.beat == null
      ? null
      : {
          atMs: t.heard.atMs,
          version: t.heard.beat.version,
          level: t.heard.beat.level,
          codes: [...t.heard.beat.codes],
          unsentFacts: t.heard.beat.unsent.events,
          freeBytes: t.heard.beat.freeBytes,
          clockSkewMs: t.heard.beat.clockSkewMs,
        },
});
const orderIn = (o: ConsoleData['orders'][number]) => ({
  orderId: o.orderId,
  terminalId: o.terminalId,
  soldTo: o.nextCount === null ? o.cardNo : maskCardNo(o.cardNo),
  amountFen: o.amountFen,
  quantity: o.quantity,
  state: o.state,
  offline: o.offline,
  changedMs: o.changedMs,
  deliveredBy: o.deliveredBy,
});

/** The staff API: {@link STAFF_CALLS}, each with what it does. */
export function staffApi(parts: StaffApiParts): readonly Route[] {
  const { db, now, deciding } = parts;
  /** One call; what it answers is held against its schema. */
  const on = <C extends StaffCall>(
    called: C,
    answer: (asked: {
      readonly person: Asker;
      readonly request: CentralRequest;
      readonly query: C['query'] extends z.ZodType<infer Q> ? Q : null;
      readonly parts: readonly string[];
    }) => Promise<z.input<C['answer']>>,
  ): Route => ({
    method: called.method,
    path: called.path,
    answer: async (request, inPath): Promise<CentralAnswer> => {
      const person = await asker(parts, request, called);
      const query = queryIn(request, called) as C['query'] extends z.ZodType<infer Q> ? Q : null;
      const value = await answer({ person, request, query, parts: inPath });
      return json(called.answer.parse(value));
    },
  });
  const decided = async (person: Asker, path: string, form: Readonly<Record<string, string>>) => {
    const told = await deciding.decide({ who: person.name, via: 'api' }, path, form);
    return told.kind === 'done'
      ? ({ outcome: 'done' } as const)
      : ({ outcome: 'proposed', proposal: told.id } as const);
  };
  return [
    on(STAFF_CALLS.session, async ({ person: { name, roles, csrf } }) => ({
      who: name,
      roles: [...roles],
      csrf,
    })),
    on(STAFF_CALLS.terminals, async ({ query: { after, status } }) => {
      const limit = TERMINALS_A_PAGE;
      const found = await terminalsOf(db(), { after, status, limit: limit + 1 });
      const shown = found.slice(0, limit);
      const next = found.length > limit ? (shown.at(-1)?.terminalId ?? null) : null;
      return { terminals: shown.map(terminalIn), next };
    }),
    on(STAFF_CALLS.terminal, async ({ parts: [terminal = ''] }) => {
      const found = await terminalOf(db(), terminal);
      if (found === null) throw noSuchResource();
      return terminalIn(found);
    }),
    on(STAFF_CALLS.terminalStatus, async ({ person, request, parts: [terminal = ''] }) => {
      const told = bodyOf(request, STAFF_CALLS.terminalStatus.request);
      return decided(person, '/console/terminal', { ...told, terminal });
    }),
    on(STAFF_CALLS.requests, async () => ({
      requests: (await listRequests(db())).map((r) => ({
        number: r.number,
        ref: r.ref,
        terminalId: r.terminalId,
        kind: r.kind,
        state: r.state,
        madeMs: r.madeMs,
        dueMs: r.dueMs,
        closedMs: r.closedMs,
      })),
    })),
    on(STAFF_CALLS.answerRequest, async ({ person, request, parts: [number = ''] }) => {
      const told = bodyOf(request, STAFF_CALLS.answerRequest.request);
      return decided(person, '/console/request', { ...told, number });
    }),
    on(STAFF_CALLS.proposals, async () => ({
      proposals: (await proposals(db(), now())).map((p) => ({
        id: p.id,
        act: DECISIONS[p.path]?.act ?? p.path,
        subject: p.subject,
        who: p.who,
        askedMs: p.askedMs,
        lapsesMs: p.lapsesMs,
        state: p.state,
      })),
    })),
    on(STAFF_CALLS.audit, async ({ query }) => {
      const { before: beforeN, ...filter } = query;
      const rows = await auditOf(db(), { ...filter, beforeN }, AUDIT_A_PAGE + 1);
      const entries = rows.slice(0, AUDIT_A_PAGE);
      const next = rows.length > AUDIT_A_PAGE ? (entries.at(-1)?.n ?? null) : null;
      return { entries, next } as z.input<typeof STAFF_CALLS.audit.answer>;
    }),
    ...moneyCalls(parts, on),
  ];
}

type On = <C extends StaffCall>(
  called: C,
  answer: (asked: {
    readonly query: C['query'] extends z.ZodType<infer Q> ? Q : null;
    readonly parts: readonly string[];
  }) => Promise<z.input<C['answer']>>,
) => Route;

/** Orders, and money that waits. */
function moneyCalls({ db, now }: StaffApiParts, on: On): readonly Route[] {
  const ordersBy = (where: string, value: string, limit: number) =>
    ordersOf(db(), now(), where, value, limit);
  return [
    on(STAFF_CALLS.order, async ({ parts: [order = ''] }) => {
      const [found] = await ordersBy('order_id = $1', order, 1);
      if (found === undefined) throw noSuchResource();
      return orderIn(found);
    }),
    on(STAFF_CALLS.orders, async ({ query: { ref, card, user } }) => {
      const by: readonly [string, string] =
        ref !== undefined
          ? ['ref = $1', ref]
          : card !== undefined
            ? ['card_no = $1', card]
            : ['user_no = $1', user ?? ''];
      return { orders: (await ordersBy(...by, 100)).map(orderIn) };
    }),
    on(STAFF_CALLS.parked, async () => ({
      orders: (await ordersBy('state = $1', 'parked', 200)).map(orderIn),
      captures: (await parkedCapturesOf(db())).map((p) => ({
        leg: p.leg,
        terminalId: p.terminalId,
        wallet: p.wallet,
        amountFen: p.amountFen,
        capturedFen: p.capturedFen,
        reason: p.reason,
        atMs: p.atMs,
      })),
    })),
    on(STAFF_CALLS.held, async () => ({
      quarantined: await quarantineOpen(db()),
      held: await heldOpen(db()),
      facts: [
        ...(await quarantineOf(db())).map(({ body: _body, ...q }) => ({
          state: 'quarantined' as const,
          ...q,
        })),
        ...(await heldOf(db())).map(({ body: _body, sinceMs, ...h }) => ({
          state: 'held' as const,
          ...h,
          atMs: sinceMs,
        })),
      ],
    })),
    on(STAFF_CALLS.refunds, async () => ({
      beyondBudget: (await refundWaits(db())).map((w) => ({
        terminalId: w.terminalId,
        number: w.number,
        outTradeNo: w.outTradeNo,
        fen: w.fen,
        sinceMs: w.sinceMs,
        askedBy: w.asked?.who ?? null,
      })),
      unproven: (await unprovenRefunds(db(), now())).map((r) => ({
        orderId: r.orderId,
        terminalId: r.terminalId,
        amountFen: r.amountFen,
        state: r.state,
        reason: r.reason,
        firstMs: r.firstMs,
        askedBy: r.asked?.who ?? null,
      })),
    })),
  ];
}

/** The query as its schema has it; null: none is read. @throws a refusal */
function queryIn(request: CentralRequest, { query }: StaffCall): unknown {
  if (query === null) return null;
  const parsed = query.safeParse(Object.fromEntries(queryOf(request)));
  if (parsed.success) return parsed.data;
  throw new Refusal(
    'bad-request',
    parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '),
  );
}
