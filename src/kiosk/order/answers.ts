import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
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
import type { Failure } from '../../shared/errors.ts';
import { isClosingUnrefused, mayBeTaken } from '../../shared/order-rules.ts';
import { never } from '../../shared/result.ts';
import type { ReduceContext } from '../state/context.ts';
import type { Effect } from '../state/kiosk.ts';
import type { AttemptRun, CallResult, Now, OpenOrder } from '../state/order.ts';
import { failureBody, journal } from './advance.ts';
import type { Outcome } from './advance.ts';
import {
  ASK_FIRST_MS,
  CODE_FIRST_QUERY_MS,
  MAX_REVERSES,
  POLL_MS,
  backoffMs,
  closedPollMs,
  runOf,
  withRun,
} from './attempt-run.ts';

/** What a provider's answers make of an attempt. Pure, and the same after a cut as in a quiet sale. */

/** What an answer is judged by besides the order's rows. */
export type AnswerContext = Now & Pick<ReduceContext, 'closeMayHandBack'>;

/** An answer, and all that it is judged by. */
interface Answer extends Pick<AnswerContext, 'nowMs' | 'monoMs' | 'closeMayHandBack'> {
  readonly open: OpenOrder;
  readonly order: OrderRow;
  readonly attempt: AttemptRow;
  readonly attemptId: string;
  readonly run: AttemptRun;
  /** It could be believed: the next call is `retryMs` later at the earliest. */
  readonly answered: (
    change: Partial<AttemptRun>,
    retryMs: number,
    ...effects: Effect[]
  ) => Outcome;
  /** There was none that could be believed: asked again, ever more seldom. */
  readonly unknown: (f: Failure) => Outcome;
  /** What is known of an attempt that is not closed though we asked for it. */
  readonly stillOpen: Partial<AttemptRun>;
  /** How soon what will not end is asked about again. */
  readonly endingPollMs: number;
}

/** An answer of the provider. Unknown answers change nothing durable: they are asked again. */
export function onCall(
  open: OpenOrder,
  attemptId: string,
  call: CallResult,
  now: AnswerContext,
): Outcome {
  const attempt = open.attempts.find((a) => a.attemptId === attemptId);
  if (attempt === undefined) return { open, effects: [] };
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

function answerOf(open: OpenOrder, attempt: AttemptRow, now: AnswerContext): Answer {
  const { attemptId } = attempt;
  const run = runOf(open, attemptId);
  return {
    nowMs: now.nowMs,
    monoMs: now.monoMs,
    closeMayHandBack: now.closeMayHandBack,
    open,
    order: open.order,
    attempt,
    attemptId,
    run,
    answered: (change, retryMs, ...effects) => ({
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
    }),
    unknown: (f) => ({
      open: withRun(open, attemptId, {
        op: null,
        fails: run.fails + 1,
        asked: run.asked + 1,
        lastFailure: f,
        unknownSinceMono: run.unknownSinceMono ?? now.monoMs,
        retryAtMono:
          now.monoMs + backoffMs(attempt.state === 'pending' ? Math.min(run.fails, 1) : run.fails),
      }),
      effects: [],
    }),
    // The outcome is as unknown as without an answer, so the customer is let go after the same time.
    stillOpen:
      attempt.state === 'closing' ? { unknownSinceMono: run.unknownSinceMono ?? now.monoMs } : {},
    // At first as often as a payment, within minutes once a minute.
    endingPollMs:
      attempt.state === 'closing'
        ? Math.min(60_000, Math.max(POLL_MS, Math.round((now.nowMs - attempt.updatedMs) / 10)))
        : POLL_MS,
  };
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
      return answered({ paying: true }, POLL_MS, journal(order, sent));
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
  const { nowMs, order, attempt, attemptId, run, answered, unknown, stillOpen, endingPollMs } =
    answer;
  const againMs =
    attempt.state === 'closed' ? closedPollMs(nowMs - attempt.updatedMs) : endingPollMs;
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
      return answered({}, closedPollMs(nowMs - attempt.updatedMs));
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
      return answered({ closeAccepted: false, noReverse: false, ...stillOpen }, againMs);
    case 'paying':
      return answered(
        { paying: attempt.state === 'pending', closeAccepted: false, ...stillOpen },
        POLL_MS,
      );
    case 'pending':
      // Still payable after an accepted close: close it again.
      return answered(
        { paying: false, closeAccepted: false, noReverse: false, ...stillOpen },
        againMs,
      );
    default:
      return never(r);
  }
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
