import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import type { Failure } from '../../shared/errors.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { never } from '../../shared/result.ts';
import { failureBody, journal } from './advance.ts';
import type { Advance, AdvanceContext } from './advance.ts';
import { NEW_RUN } from '../state/order.ts';
import type { Effect } from '../state/kiosk.ts';
import type { AttemptRun, CallResult, Now, OpenOrder } from '../state/order.ts';

/**
 * How every attempt to be paid moves on: what to ask the provider next ({@link advanceAttempt}),
 * and what its answers make of it ({@link onCall}). Both are pure, and the same after a cut as in a
 * quiet sale.
 */

/** How often a waiting payment is asked about. */
export const POLL_MS = 2_000;
/** After so long without a believable answer the card is given back with a slip; the asking goes on. */
export const UNKNOWN_GIVE_UP_MS = 60_000;
/**
 * A customer who is "paying" is waited for past the window's end for this long; then the attempt is
 * closed like any other.
 */
export const PAYING_GRACE_MS = 60_000;
/**
 * A code payment is waited for this long after the code was sent (WeChat withdraws it by itself
 * then, payments.md section A); then it is reversed.
 */
export const CODE_WAIT_MS = 45_000;
/**
 * After a charge without an answer the provider is first asked after this (both providers' error
 * tables: 5 s).
 */
const CODE_FIRST_QUERY_MS = 5_000;
/** Reversals of a payment that still reads as paid; then it is refunded under its own number. */
const MAX_REVERSES = 5;

/** Back-off after `fails` failed answers: 1, 2, 4 … 60 s. */
function backoffMs(fails: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.min(fails, 6));
}

/**
 * Closed attempts are asked about ever more seldom, for as long as the provider could still take
 * them: money that comes after all is found within half of the time that has passed, and within ten
 * minutes.
 */
function closedPollMs(ageMs: number): number {
  return Math.min(600_000, Math.max(5_000, Math.round(ageMs / 2)));
}

export function runOf(open: OpenOrder, attemptId: string): AttemptRun {
  return open.runs.get(attemptId) ?? NEW_RUN;
}

export function withRun(
  open: OpenOrder,
  attemptId: string,
  change: Partial<AttemptRun>,
): OpenOrder {
  return {
    ...open,
    runs: new Map(open.runs).set(attemptId, { ...runOf(open, attemptId), ...change }),
  };
}

/**
 * When this attempt is to be looked at again though nothing happens; null: never; undefined: now.
 * What {@link advanceAttempt} would say, without its cost.
 */
export function attemptRests(
  open: OpenOrder,
  attempt: AttemptRow,
  monoMs: number,
): number | null | undefined {
  switch (attempt.state) {
    case 'closed': {
      if (!attempt.shown) return null;
      const run = runOf(open, attempt.attemptId);
      if (run.op !== null) return null;
      return monoMs < run.retryAtMono ? run.retryAtMono : undefined;
    }
    case 'paid':
      return attempt.taken === false ? undefined : null;
    case 'refunded':
    case 'parked':
      return null;
    case 'creating':
    case 'pending':
    case 'closing':
    case 'refunding':
      return undefined;
    default:
      return never(attempt.state);
  }
}

export function advanceAttempt(open: OpenOrder, attempt: AttemptRow, ctx: AdvanceContext): Advance {
  const { order } = open;
  const run = runOf(open, attempt.attemptId);
  const same = (wakeAtMono: number | null = null): Advance => ({ open, effects: [], wakeAtMono });
  const write = (
    ...events: Parameters<typeof journal> extends [OrderRow, ...infer R] ? R : never
  ): Advance => ({ open, effects: [journal(order, ...events)], wakeAtMono: ctx.monoMs });
  const call = (verb: AttemptRun['op'] & string, why = ''): Advance => {
    if (run.op !== null) return same();
    if (ctx.monoMs < run.retryAtMono) return same(run.retryAtMono);
    const started = run.startedMono === 0 ? ctx.monoMs : run.startedMono;
    if (verb === 'charge') {
      // Sent once in its life, and forgotten with that: what comes of it only the query tells.
      const { authCode } = run;
      if (authCode === null) return same();
      return {
        open: withRun(open, attempt.attemptId, {
          op: verb,
          startedMono: started,
          chargedMono: ctx.monoMs,
          authCode: null,
        }),
        effects: [{ do: 'call', verb, orderId: order.orderId, attempt, why, authCode }],
        wakeAtMono: null,
      };
    }
    return {
      open: withRun(open, attempt.attemptId, { op: verb, startedMono: started }),
      effects: [{ do: 'call', verb, orderId: order.orderId, attempt, why }],
      wakeAtMono: null,
    };
  };
  const closing = (why: EventBody<'attempt-closing'>['why']): Advance =>
    write({ kind: 'attempt-closing', body: { attemptId: attempt.attemptId, why } });

  const byCode = attempt.method === 'code';
  // The customer pays another way: this one is ended first, unless they are paying it.
  const switching = open.next !== null && ctx.wanted;

  if (!ctx.hasProvider(attempt.provider))
    return orphaned(attempt, { closing: () => closing(ctx.closeWhy), write, same });
  switch (attempt.state) {
    case 'creating':
      if (byCode) {
        // On its way: its answer, or its silence, says whether there is anything to take back.
        if (run.op === 'charge') return same();
        // An earlier process may have sent it: from here it counts as sent.
        if (run.authCode === null)
          return write({ kind: 'attempt-pending', body: { attemptId: attempt.attemptId } });
        // Closed without ever having been shown: it was not sent, and never will be.
        if (!ctx.wanted || ctx.nowMs >= attempt.expiresAtMs)
          return closing(ctx.wanted ? 'expired' : ctx.closeWhy);
        return call('charge');
      }
      if (!ctx.wanted) return closing(ctx.closeWhy);
      if (ctx.nowMs >= attempt.expiresAtMs) return closing('expired');
      if (switching) return closing('switched');
      return call('create');
    case 'pending': {
      // "Paying" holds only while the provider goes on saying so, and not for ever: somebody
      // scanned and walked away.
      const silent =
        run.unknownSinceMono !== null && ctx.monoMs - run.unknownSinceMono >= UNKNOWN_GIVE_UP_MS;
      const paying =
        run.paying && !silent && ctx.nowMs < attempt.expiresAtMs + (byCode ? 0 : PAYING_GRACE_MS);
      if (!ctx.wanted && !paying) {
        // Restarted or left: ask once before closing, so that a payment made meanwhile still counts
        // for the order.
        if (ctx.closeWhy === 'recovery' && run.answers === 0 && run.fails < 3) return call('query');
        return closing(ctx.closeWhy);
      }
      if (ctx.nowMs >= attempt.expiresAtMs && !paying) return closing('expired');
      if (switching && !paying && !byCode) return closing('switched');
      return call('query');
    }
    case 'closing':
      if (byCode) {
        if (!attempt.shown)
          return write({ kind: 'attempt-closed', body: { attemptId: attempt.attemptId } });
        // After a refusal the query alone may show that there is nothing to take back.
        if (
          run.closeAccepted ||
          run.noReverse ||
          (attempt.reason === 'declined' && run.answers === 0 && run.fails < 3)
        )
          return call('query');
        if (run.chargedMono === null)
          return {
            open: withRun(open, attempt.attemptId, { chargedMono: ctx.monoMs }),
            effects: [],
            wakeAtMono: ctx.monoMs,
          };
        const reverseAt = run.chargedMono + ctx.reverseAfterMs(attempt.provider);
        return ctx.monoMs < reverseAt ? same(reverseAt) : call('reverse');
      }
      // Never on the screen: nobody can have paid it, and a customer at a dead line need not wait
      // to pay by another.
      if (!attempt.shown && attempt.reason === 'switched' && run.op === null)
        return write({ kind: 'attempt-closed', body: { attemptId: attempt.attemptId } });
      return call(run.closeAccepted ? 'query' : 'close');
    case 'closed': {
      if (!attempt.shown) return same();
      return call('query');
    }
    case 'paid':
      if (attempt.taken === false)
        return write({
          kind: 'attempt-refunding',
          body: {
            attemptId: attempt.attemptId,
            outRefundNo: attempt.outRefundNo,
            amountFen: attempt.amountFen,
            why: 'not-taken',
          },
        });
      return same();
    case 'refunding':
      // Another life may have ended it, and a person have handed the money back.
      if (!run.refundAccepted && ctx.heldUntilMono !== null) return same(ctx.heldUntilMono);
      return call(run.refundAccepted ? 'query-refund' : 'refund', attempt.reason ?? '');
    case 'refunded':
    case 'parked':
      return same();
    default:
      return never(attempt.state);
  }
}

/**
 * Nobody can be asked about this attempt any more: a person looks it up, unless nobody can have
 * paid it.
 */
function orphaned(
  attempt: AttemptRow,
  to: {
    readonly closing: () => Advance;
    readonly write: (
      ...events: Parameters<typeof journal> extends [OrderRow, ...infer R] ? R : never
    ) => Advance;
    readonly same: () => Advance;
  },
): Advance {
  const { attemptId, provider } = attempt;
  switch (attempt.state) {
    case 'creating':
      // A customer's code may have been sent by an earlier process.
      return attempt.method === 'code'
        ? to.write({ kind: 'attempt-pending', body: { attemptId } })
        : to.closing();
    case 'closing':
      // Its code was never on the screen.
      if (!attempt.shown) return to.write({ kind: 'attempt-closed', body: { attemptId } });
      break;
    case 'paid':
      if (attempt.taken !== false) return to.same();
      break;
    case 'pending':
    case 'refunding':
      break;
    case 'closed':
    case 'refunded':
    case 'parked':
      return to.same();
    default:
      return never(attempt.state);
  }
  return to.write({
    kind: 'attempt-parked',
    body: {
      attemptId,
      reason: 'no-provider',
      failure: { code: 'PAY-0204', detail: `no provider ${provider} is configured` },
    },
  });
}

/** An answer of the provider. Unknown answers change nothing durable: they are asked again. */
export function onCall(
  open: OpenOrder,
  attemptId: string,
  call: CallResult,
  now: Now,
): { open: OpenOrder; effects: readonly Effect[] } {
  const attempt = open.attempts.find((a) => a.attemptId === attemptId);
  if (attempt === undefined) return { open, effects: [] };
  const { order } = open;
  const run = runOf(open, attemptId);
  const answered = (change: Partial<AttemptRun>, retryMs: number, ...effects: Effect[]) => ({
    open: withRun(open, attemptId, {
      op: null,
      fails: 0,
      unknownSinceMono: null,
      lastFailure: null,
      answers: run.answers + 1,
      asked: run.asked + 1,
      retryAtMono: now.monoMs + retryMs,
      ...change,
    }),
    effects,
  });
  const unknown = (f: Failure) => ({
    open: withRun(open, attemptId, {
      op: null,
      fails: run.fails + 1,
      asked: run.asked + 1,
      lastFailure: f,
      unknownSinceMono: run.unknownSinceMono ?? now.monoMs,
      retryAtMono:
        now.monoMs + backoffMs(attempt.state === 'pending' ? Math.min(run.fails, 1) : run.fails),
    }),
    effects: [] as Effect[],
  });
  // Not closed though we asked for it: the outcome is as unknown as without an answer, so the
  // customer is let go after the same time.
  const stillOpen =
    attempt.state === 'closing' ? { unknownSinceMono: run.unknownSinceMono ?? now.monoMs } : {};
  // What will not end is asked about ever more seldom: at first as often as a payment, within
  // minutes once a minute.
  const endingPollMs =
    attempt.state === 'closing'
      ? Math.min(60_000, Math.max(POLL_MS, Math.round((now.nowMs - attempt.updatedMs) / 10)))
      : POLL_MS;
  const isTaken = attempt.state === 'pending' && order.state === 'collecting';

  switch (call.verb) {
    case 'create': {
      const r = call.result;
      if (attempt.state !== 'creating') return answered({}, 0); // cancelled meanwhile: the code is never shown
      switch (r.kind) {
        case 'pending':
          return answered(
            { qrText: r.qrText },
            POLL_MS,
            journal(order, { kind: 'attempt-pending', body: { attemptId } }),
          );
        case 'paid':
          return answered({}, 0, journal(order, { kind: 'attempt-pending', body: { attemptId } }));
        case 'refused':
          return {
            open: withRun(open, attemptId, { op: null, refusal: r.failure, retryAtMono: 0 }),
            effects: [
              journal(order, {
                kind: 'attempt-closing',
                body: { attemptId, why: 'create-refused' },
              }),
            ],
          };
        case 'unknown':
          return unknown(r.failure);
        default:
          return never(r);
      }
    }
    case 'charge': {
      const r = call.result;
      if (attempt.state !== 'creating') return answered({}, 0);
      const sent = { kind: 'attempt-pending', body: { attemptId } } as const;
      switch (r.kind) {
        case 'paid': {
          if (r.amountFen !== attempt.amountFen) return answered({}, 0, journal(order, sent));
          const paid = {
            kind: 'attempt-paid',
            body: {
              attemptId,
              transactionId: r.transactionId,
              amountFen: r.amountFen,
              taken: true,
            },
          } as const;
          return answered(
            {},
            0,
            journal(order, sent, paid, {
              kind: 'order-paid',
              body: { attemptId, amountFen: r.amountFen },
            }),
          );
        }
        case 'paying':
          return answered({ paying: true }, POLL_MS, journal(order, sent));
        case 'refused':
          return {
            open: withRun(open, attemptId, { op: null, refusal: r.failure, retryAtMono: 0 }),
            effects: [
              journal(order, sent, {
                kind: 'attempt-closing',
                body: { attemptId, why: 'declined' },
              }),
            ],
          };
        case 'unknown':
          // Whether it was charged the provider alone knows.
          return {
            open: withRun(open, attemptId, {
              op: null,
              fails: 1,
              lastFailure: r.failure,
              unknownSinceMono: now.monoMs,
              retryAtMono: now.monoMs + CODE_FIRST_QUERY_MS,
            }),
            effects: [journal(order, sent)],
          };
        default:
          return never(r);
      }
    }
    case 'reverse': {
      const r = call.result;
      switch (r.kind) {
        case 'reversed':
          return answered(
            {
              closeAccepted: true,
              reverses: run.reverses + 1,
              reversedPaid: run.reversedPaid || r.refunded === true,
              ...stillOpen,
            },
            0,
          );
        case 'not-found':
          return answered({ closeAccepted: true, reverses: run.reverses + 1, ...stillOpen }, 0);
        case 'refused':
          return answered({ noReverse: true, lastFailure: r.failure, ...stillOpen }, 0);
        case 'unknown':
          return unknown(r.failure);
        default:
          return never(r);
      }
    }
    case 'query': {
      const r = call.result;
      switch (r.kind) {
        case 'unknown':
          return unknown(r.failure);
        case 'paid': {
          // A code payment that was to be taken back and still reads as paid is reversed again: the
          // provider hands it back whole.
          if (
            attempt.method === 'code' &&
            attempt.state === 'closing' &&
            !run.noReverse &&
            run.reverses < MAX_REVERSES
          )
            return answered(
              { closeAccepted: false, paying: false, ...stillOpen },
              run.reverses === 0 ? 0 : POLL_MS,
            );
          if (
            attempt.state !== 'pending' &&
            attempt.state !== 'closing' &&
            attempt.state !== 'closed'
          )
            return answered({}, POLL_MS);
          if (r.amountFen !== attempt.amountFen)
            return answered(
              {},
              POLL_MS,
              journal(order, {
                kind: 'attempt-parked',
                body: {
                  attemptId,
                  reason: 'amount-differs',
                  amountFen: r.amountFen,
                  failure: {
                    code: 'PAY-0201',
                    detail: `${r.amountFen} of ${attempt.amountFen} fen`,
                  },
                },
              }),
            );
          const paid = {
            kind: 'attempt-paid',
            body: {
              attemptId,
              transactionId: r.transactionId,
              amountFen: r.amountFen,
              taken: isTaken,
            },
          } as const;
          if (isTaken)
            return answered(
              { paying: false },
              0,
              journal(order, paid, {
                kind: 'order-paid',
                body: { attemptId, amountFen: r.amountFen },
              }),
            );
          return answered(
            { paying: false },
            0,
            journal(order, paid, {
              kind: 'attempt-refunding',
              body: {
                attemptId,
                outRefundNo: attempt.outRefundNo,
                amountFen: attempt.amountFen,
                why: `captured-when-${attempt.state}`,
              },
            }),
          );
        }
        case 'refunded':
          // Our own reversal handed it back, or a cancel that met the payment on its way.
          if ((attempt.method === 'code' || r.whole === true) && attempt.state === 'closing')
            return answered(
              { paying: false },
              0,
              journal(order, { kind: 'attempt-closed', body: { attemptId, reversed: true } }),
            );
          if ((attempt.method === 'code' || r.whole === true) && attempt.state === 'closed')
            return answered({}, closedPollMs(now.nowMs - attempt.updatedMs));
          if (
            attempt.state !== 'pending' &&
            attempt.state !== 'closing' &&
            attempt.state !== 'closed'
          )
            return answered({}, POLL_MS);
          return answered(
            {},
            POLL_MS,
            journal(
              order,
              {
                kind: 'attempt-paid',
                body: {
                  attemptId,
                  transactionId: r.transactionId,
                  amountFen: attempt.amountFen,
                  taken: false,
                },
              },
              {
                kind: 'attempt-parked',
                body: {
                  attemptId,
                  reason: 'refunded-elsewhere',
                  failure: {
                    code: 'PAY-0301',
                    detail: 'the provider shows a refund that is not ours',
                  },
                },
              },
            ),
          );
        case 'closed':
          if (attempt.state === 'pending' || attempt.state === 'closing')
            return answered(
              { paying: false },
              0,
              journal(order, {
                kind: 'attempt-closed',
                body: { attemptId, ...(run.reversedPaid ? { reversed: true } : {}) },
              }),
            );
          return answered({}, closedPollMs(now.nowMs - attempt.updatedMs));
        case 'not-found':
          // Shown and yet unknown to the provider: it takes numbers only once, so after our close
          // it cannot be paid. A code is sent once, and was refused.
          if (
            attempt.state === 'closing' &&
            (run.closeAccepted ||
              !attempt.shown ||
              (attempt.method === 'code' && run.refusal !== null))
          )
            return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));
          // A code payment whose reversal was refused, and that the provider does not know:
          // reversed again, and the customer is not kept waiting for it.
          return answered(
            { closeAccepted: false, noReverse: false, ...stillOpen },
            attempt.state === 'closed' ? closedPollMs(now.nowMs - attempt.updatedMs) : endingPollMs,
          );
        case 'paying':
          return answered(
            { paying: attempt.state === 'pending', closeAccepted: false, ...stillOpen },
            POLL_MS,
          );
        case 'pending':
          // Still payable after an accepted close: close it again.
          return answered(
            { paying: false, closeAccepted: false, noReverse: false, ...stillOpen },
            attempt.state === 'closed' ? closedPollMs(now.nowMs - attempt.updatedMs) : endingPollMs,
          );
        default:
          return never(r);
      }
    }
    case 'close': {
      const r = call.result;
      switch (r.kind) {
        case 'closed':
          return answered({ closeAccepted: true, ...stillOpen }, 0);
        case 'not-found':
          if (!attempt.shown && attempt.state === 'closing')
            return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));
          return answered({ closeAccepted: true }, 0);
        case 'paid':
          return answered({ closeAccepted: true }, 0);
        case 'unknown':
          return unknown(r.failure);
        default:
          return never(r);
      }
    }
    case 'refund': {
      const r = call.result;
      switch (r.kind) {
        case 'accepted':
        case 'done':
          return answered({ refundAccepted: true }, 500);
        case 'refused':
          if (attempt.state !== 'refunding') return answered({}, POLL_MS);
          return answered(
            {},
            POLL_MS,
            journal(order, {
              kind: 'attempt-parked',
              body: { attemptId, reason: 'refund-refused', failure: failureBody(r.failure) },
            }),
          );
        case 'unknown':
          return unknown(r.failure);
        default:
          return never(r);
      }
    }
    case 'query-refund': {
      const r = call.result;
      switch (r.kind) {
        case 'done':
          if (attempt.state !== 'refunding') return answered({}, POLL_MS);
          return answered(
            {},
            POLL_MS,
            journal(order, {
              kind: 'attempt-refunded',
              body: { attemptId, refundId: r.refundId, amountFen: r.refundFen },
            }),
          );
        case 'processing':
          // WeChat asks for one query a minute; the first ones come sooner, since most refunds
          // settle at once.
          return answered({ refundAccepted: true }, run.answers < 10 ? 3_000 : 60_000);
        case 'abnormal':
          if (attempt.state !== 'refunding') return answered({}, POLL_MS);
          return answered(
            {},
            POLL_MS,
            journal(order, {
              kind: 'attempt-parked',
              body: { attemptId, reason: 'refund-abnormal', failure: failureBody(r.failure) },
            }),
          );
        case 'not-found':
          return answered({ refundAccepted: false }, POLL_MS);
        case 'unknown':
          return unknown(r.failure);
        default:
          return never(r);
      }
    }
    default:
      return never(call);
  }
}
