import type { AttemptRow } from '../../journal/fold.ts';
import type {
  Paid,
  ChargeResult,
  CloseResult,
  CreateResult,
  QueryResult,
  RefundQueryResult,
  RefundResult,
  ReverseResult,
} from '../../payment/types.ts';
import { isClosingUnrefused, mayBeTaken } from '../../shared/order-rules.ts';
import { never } from '../../shared/result.ts';
import type { AttemptRun, CallResult, OpenOrder } from '../state/order.ts';
import { failureBody, journal } from './advance.ts';
import { answerOf } from './answer.ts';
import type { Answer, AnswerContext } from './answer.ts';
import type { Outcome } from './advance.ts';
import {
  ASK_FIRST_MS,
  CODE_FIRST_QUERY_MS,
  MAX_REVERSES,
  POLL_MS,
  closedPollMs,
  runOf,
  withRun,
} from './attempt-run.ts';
import { codeAgainMs, holdFailed, nextAsk } from './held.ts';

/** What a provider's answers make of an attempt. Pure, and the same after a cut as in a quiet sale. */

/** An answer of the provider. Unknown answers change nothing durable: they are asked again. */
export function onCall(
  open: OpenOrder,
  attemptId: string,
  call: CallResult,
  now: AnswerContext,
): Outcome {
  const attempt = open.attempts.find((a) => a.attemptId === attemptId);
  if (attempt === undefined) return { open, effects: [] };
  if (call.verb === 'query' && call.hold !== undefined) {
    // Something else was asked in its place: what that says counts.
    if (runOf(open, attemptId).held?.no !== call.hold) return { open, effects: [] };
    if (call.result.kind === 'unknown') return holdFailed(open, attemptId, now.monoMs);
  }
  const answer = answerOf(open, attempt, now);
  switch (call.verb) {
    case 'create':
      return onCreate(answer, call.result);
    case 'charge':
      return onCharge(answer, call.result);
    case 'reverse':
      return onReverse(answer, call.result);
    case 'query':
      return onQuery(answer, call.result);
    case 'close':
      return onClose(answer, call.result);
    case 'refund':
      return onRefund(answer, call.result);
    case 'query-refund':
      return onRefundQuery(answer, call.result);
    default:
      return never(call);
  }
}

function onCreate(
  { open, order, attempt, attemptId, answered, unknown }: Answer,
  r: CreateResult,
): Outcome {
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
          journal(order, { kind: 'attempt-closing', body: { attemptId, why: 'create-refused' } }),
        ],
      };
    case 'unknown':
      return unknown(r.failure);
    default:
      return never(r);
  }
}

function onCharge(
  { open, order, attempt, attemptId, monoMs, answered }: Answer,
  r: ChargeResult,
): Outcome {
  if (attempt.state !== 'creating') return answered({}, 0);
  const sent = { kind: 'attempt-pending', body: { attemptId } } as const;
  switch (r.kind) {
    case 'paid': {
      if (r.amountFen !== attempt.amountFen) return answered({}, 0, journal(order, sent));
      const paid = {
        kind: 'attempt-paid',
        body: { attemptId, ...capturedAs(r), taken: true },
      } as const;
      const taken = { kind: 'order-paid', body: { attemptId, amountFen: r.amountFen } } as const;
      return answered({}, 0, journal(order, sent, paid, taken));
    }
    case 'paying':
      return answered({ paying: true }, codeAgainMs(attempt), journal(order, sent));
    case 'refused':
      return {
        open: withRun(open, attemptId, { op: null, refusal: r.failure, retryAtMono: 0 }),
        effects: [
          journal(order, sent, { kind: 'attempt-closing', body: { attemptId, why: 'declined' } }),
        ],
      };
    case 'unknown':
      // Whether it was charged the provider alone knows.
      return {
        open: withRun(open, attemptId, {
          op: null,
          fails: 1,
          lastFailure: r.failure,
          unknownSinceMono: monoMs,
          retryAtMono: monoMs + CODE_FIRST_QUERY_MS,
        }),
        effects: [journal(order, sent)],
      };
    default:
      return never(r);
  }
}

function onReverse({ run, answered, unknown, stillOpen }: Answer, r: ReverseResult): Outcome {
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

function onQuery(answer: Answer, r: QueryResult): Outcome {
  const { order, attempt, attemptId, run, answered, unknown, stillOpen } = answer;
  switch (r.kind) {
    case 'unknown':
      return unknown(r.failure);
    case 'paid':
      return onPaid(answer, r);
    case 'refunded':
      return onRefunded(answer, r);
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
      return answered({}, closedPollMs(answer.nowMs - attempt.updatedMs));
    case 'not-found':
      // Shown and yet unknown to the provider: it takes numbers only once, so after our close
      // it cannot be paid. A code is sent once, and was refused.
      if (
        attempt.state === 'closing' &&
        (run.closeAccepted || !attempt.shown || (attempt.method === 'code' && run.refusal !== null))
      )
        return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));
      // A code payment whose reversal was refused, and that the provider does not know:
      // reversed again, and the customer is not kept waiting for it.
      return askedAgain(answer, r.kind, { closeAccepted: false, noReverse: false, ...stillOpen });
    case 'paying':
      return askedAgain(answer, r.kind, {
        paying: attempt.state === 'pending',
        closeAccepted: false,
        ...stillOpen,
      });
    case 'pending':
      // Still payable after an accepted close: close it again.
      return askedAgain(answer, r.kind, {
        paying: false,
        closeAccepted: false,
        noReverse: false,
        ...stillOpen,
      });
    default:
      return never(r);
  }
}

/** It can still be paid, as far as this answer tells: asked about again in its time. */
function askedAgain(
  { nowMs, monoMs, attempt, run, answered, endingPollMs }: Answer,
  told: 'pending' | 'paying' | 'not-found',
  change: Partial<AttemptRun>,
): Outcome {
  if (attempt.state === 'pending') {
    const next = nextAsk(attempt, run, told, monoMs);
    return answered({ ...next.change, ...change }, next.againMs);
  }
  const againMs =
    attempt.state === 'closed' ? closedPollMs(nowMs - attempt.updatedMs) : endingPollMs;
  return answered(change, told === 'paying' ? POLL_MS : againMs);
}

/** What a capture's fact says of it, with what central believes it by. */
const capturedAs = ({ transactionId, amountFen, evidence }: Paid) => ({
  transactionId,
  amountFen,
  ...(evidence === undefined ? {} : { evidence }),
});

/**
 * Does the order take this capture? One, while it collects, of the attempt that waits to be paid;
 * and of one whose QR code is being closed, where the customer did not say that he does not want
 * it, soon enough that he may still be there, unless a close that is under way may yet hand it
 * back, or another attempt be captured too (none is begun before this one is closed). Any other
 * goes back by itself.
 */
function isTaken(answer: Answer): boolean {
  const { nowMs, open, order, attempt, attemptId, run, closeMayHandBack } = answer;
  if (order.state !== 'collecting' || !mayBeTaken(attempt)) return false;
  if (!isClosingUnrefused(attempt)) return true;
  return (
    nowMs < attempt.expiresAtMs + ASK_FIRST_MS &&
    !(run.closeUnderWay && closeMayHandBack(attempt.provider)) &&
    !open.attempts.some((a) => a.attemptId !== attemptId && LIVE.has(a.state))
  );
}

const LIVE: ReadonlySet<AttemptRow['state']> = new Set(['creating', 'pending', 'closing']);

/** The provider holds the customer's money for this attempt. */
function onPaid(answer: Answer, r: Paid): Outcome {
  const { order, attempt, attemptId, run, answered, stillOpen } = answer;
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
  if (attempt.state !== 'pending' && attempt.state !== 'closing' && attempt.state !== 'closed')
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
          failure: { code: 'PAY-0201', detail: `${r.amountFen} of ${attempt.amountFen} fen` },
        },
      }),
    );
  const taken = isTaken(answer);
  const paid = { kind: 'attempt-paid', body: { attemptId, ...capturedAs(r), taken } } as const;
  if (taken) {
    const told = { kind: 'order-paid', body: { attemptId, amountFen: r.amountFen } } as const;
    const next = answered({ paying: false }, 0, journal(order, paid, told));
    // The way that the customer chose instead is not begun, and his code is forgotten.
    return { ...next, open: { ...next.open, next: null } };
  }
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

/** The provider shows a refund before we asked for one. */
function onRefunded(
  { nowMs, order, attempt, attemptId, answered }: Answer,
  r: Extract<QueryResult, { kind: 'refunded' }>,
): Outcome {
  // Our own reversal handed it back, or a cancel that met the payment on its way; the gateway's too,
  // which nobody here had asked for.
  if (
    (attempt.state === 'closing' && (attempt.method === 'code' || r.whole === true)) ||
    (attempt.state === 'pending' && attempt.method === undefined && r.whole === true)
  )
    return answered(
      { paying: false },
      0,
      journal(order, { kind: 'attempt-closed', body: { attemptId, reversed: true } }),
    );
  if ((attempt.method === 'code' || r.whole === true) && attempt.state === 'closed')
    return answered({}, closedPollMs(nowMs - attempt.updatedMs));
  if (attempt.state !== 'pending' && attempt.state !== 'closing' && attempt.state !== 'closed')
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
          failure: { code: 'PAY-0301', detail: 'the provider shows a refund that is not ours' },
        },
      },
    ),
  );
}

function onClose(
  { order, attempt, attemptId, answered, unknown, stillOpen }: Answer,
  r: CloseResult,
): Outcome {
  switch (r.kind) {
    case 'closed':
      return answered({ closeAccepted: true, closeUnderWay: true, ...stillOpen }, 0);
    case 'not-found':
      if (!attempt.shown && attempt.state === 'closing')
        return answered({}, 0, journal(order, { kind: 'attempt-closed', body: { attemptId } }));
      return answered({ closeAccepted: true, closeUnderWay: true }, 0);
    case 'paid':
      return answered({ closeAccepted: true }, 0);
    case 'unknown': {
      const next = unknown(r.failure);
      return { ...next, open: withRun(next.open, attemptId, { closeUnderWay: true }) };
    }
    default:
      return never(r);
  }
}

function onRefund(
  { order, attempt, attemptId, answered, unknown }: Answer,
  r: RefundResult,
): Outcome {
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

function onRefundQuery(
  { order, attempt, attemptId, run, answered, unknown }: Answer,
  r: RefundQueryResult,
): Outcome {
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
