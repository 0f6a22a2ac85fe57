import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import type { Failure } from '../../shared/errors.ts';
import type { ReduceContext } from '../state/context.ts';
import type { Effect } from '../state/kiosk.ts';
import type { AttemptRun, Now, OpenOrder } from '../state/order.ts';
import type { Outcome } from './advance.ts';
import { POLL_MS, backoffMs, runOf, withRun } from './attempt-run.ts';

/** What an answer is judged by besides the order's rows. */
export type AnswerContext = Now & Pick<ReduceContext, 'closeMayHandBack'>;

/** A provider's answer, and all that it is judged by. */
export interface Answer extends Pick<AnswerContext, 'nowMs' | 'monoMs' | 'closeMayHandBack'> {
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

/** What an answer about this attempt is judged by, and the outcomes that most come to. */
export function answerOf(open: OpenOrder, attempt: AttemptRow, now: AnswerContext): Answer {
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
        held: null,
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
        steady: true,
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
