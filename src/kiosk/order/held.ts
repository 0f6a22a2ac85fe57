import type { AttemptRow } from '../../journal/fold.ts';
import { askAgainMs, payStage, STEADY_MS } from '../../payment/pace.ts';
import type { QueryResult } from '../../payment/types.ts';
import type { ProviderKind } from '../../shared/contract/index.ts';
import type { AttemptRun, HeldCall, OpenOrder } from '../state/order.ts';
import type { Advance, AdvanceContext, Outcome } from './advance.ts';
import { withRun } from './attempt-run.ts';

/**
 * When a payment that the customer stands before is asked about again: by a question that the
 * gateway holds until there is news (decision 0046), or at a wallet's pace. A held question is a
 * faster way to the same answer and nothing else: whatever the order needs meanwhile is done at
 * once, and what the question says afterwards is not heard.
 */

/** A gateway that answers sooner than this, and with no news, held nothing. */
export const MIN_HOLD_MS = 2_000;

/** What may be held: of the attempt, and of the moment. */
interface Moment {
  readonly open: OpenOrder;
  readonly attempt: AttemptRow;
  readonly run: AttemptRun;
  readonly ctx: AdvanceContext;
  readonly same: (wakeAtMono?: number | null) => Advance;
}

/** Asks by a question that is held, where that may be; else as `ask` does. */
export function holdOrAsk(moment: Moment, ask: () => Advance): Advance {
  const { open, attempt, run, ctx, same } = moment;
  const leftMs = attempt.expiresAtMs - ctx.nowMs;
  // The code's end is looked at when it comes, whoever still waits for an answer.
  if (run.held !== null && !run.plainNext) return same(leftMs > 0 ? ctx.monoMs + leftMs : null);
  const waitMs = Math.min(run.holdMs, Math.floor(leftMs));
  if (
    !ctx.holds(attempt.provider) ||
    // One is held at a time: for the customer who is here.
    !ctx.wanted ||
    run.op !== null ||
    run.plainNext ||
    run.fails > 0 ||
    waitMs < MIN_HOLD_MS
  )
    return ask();
  const notBefore = holdAt(attempt, run);
  if (ctx.monoMs < notBefore) return same(notBefore);
  const held: HeldCall = {
    no: run.holds + 1,
    sinceMono: ctx.monoMs,
    waitMs,
    known: run.paying ? 'paying' : 'pending',
  };
  return {
    open: withRun(open, attempt.attemptId, {
      op: 'query',
      held,
      holds: held.no,
      startedMono: run.startedMono === 0 ? ctx.monoMs : run.startedMono,
    }),
    effects: [
      {
        do: 'call',
        verb: 'query',
        orderId: open.order.orderId,
        cardNo: null,
        payee: open.order.sale.payee,
        attempt,
        why: '',
        hold: held,
      },
    ],
    wakeAtMono: ctx.monoMs + leftMs,
  };
}

/**
 * No believable answer to a held question. It says nothing of the line: a proxy may cut what lasts,
 * a central may have been restarted. A plain question follows at once, and the next is held for
 * half as long, in the end not at all.
 */
export function holdFailed(open: OpenOrder, attemptId: string, now: number): Outcome {
  const run = open.runs.get(attemptId);
  if (run?.held == null) return { open, effects: [] };
  const lasted = now - run.held.sinceMono;
  return {
    open: withRun(open, attemptId, {
      op: null,
      held: null,
      plainNext: true,
      holdMs: Math.floor(run.held.waitMs / 2),
      asked: run.asked + 1,
      retryAtMono: now + Math.max(0, 1_000 - lasted),
    }),
    effects: [],
  };
}

/** What an answer without news changes of when and how the next question is asked. */
export function nextAsk(
  attempt: AttemptRow,
  run: AttemptRun,
  r: Extract<QueryResult['kind'], 'pending' | 'paying' | 'not-found'>,
  monoMs: number,
): { readonly change: Partial<AttemptRun>; readonly againMs: number } {
  const { held } = run;
  const kind = attempt.provider as ProviderKind;
  const stage = payStage(kind, r, attempt.method === 'code');
  const pace = run.pace?.stage === stage ? run.pace : { stage, sinceMono: monoMs };
  const againMs =
    run.steady && stage !== 'code' ? STEADY_MS : askAgainMs(kind, stage, monoMs - pace.sinceMono);
  return {
    change: {
      pace,
      held: null,
      plainNext: false,
      // `not-found` is nothing that a gateway waits to see changed: it is said at once, each time.
      holdAtMono: r === 'not-found' ? monoMs + againMs : afterHeld(held, r, monoMs),
    },
    againMs,
  };
}

/** One that was not held (by a gateway of before, or a busy one) is not asked again at once. */
const afterHeld = (held: HeldCall | null, r: QueryResult['kind'], monoMs: number): number =>
  held !== null && r === held.known && monoMs - held.sinceMono < held.waitMs / 2
    ? held.sinceMono + STEADY_MS
    : 0;

/**
 * When the next question may be held: each begins with a look at the wallet, and what the wallets
 * bear of code payments holds for that one too.
 */
const holdAt = ({ method }: AttemptRow, { holdAtMono, retryAtMono }: AttemptRun): number =>
  method === 'code' ? Math.max(holdAtMono, retryAtMono) : holdAtMono;

/** After how long a code payment is asked about that the provider said is being paid. */
export const codeAgainMs = ({ provider }: AttemptRow): number =>
  askAgainMs(provider as ProviderKind, 'code', 0);
