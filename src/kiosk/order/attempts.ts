import type { AttemptRow } from '../../journal/fold.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { never } from '../../shared/result.ts';
import { cardNoOf } from '../../shared/sale.ts';
import type { AttemptRun, OpenOrder, Verb } from '../state/order.ts';
import { movesOf } from './advance.ts';
import type { Advance, AdvanceContext, Moves } from './advance.ts';
import {
  ASK_FIRST_MS,
  PAYING_GRACE_MS,
  UNKNOWN_GIVE_UP_MS,
  runOf,
  withRun,
} from './attempt-run.ts';
import { holdOrAsk } from './held.ts';

/**
 * How every attempt to be paid moves on: what to ask the provider next ({@link advanceAttempt}).
 * Pure, and the same after a cut as in a quiet sale. What the answers make of it: answers.ts.
 */

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

/** One look at one attempt, and what it may come to. */
interface Look extends Moves {
  readonly open: OpenOrder;
  readonly attempt: AttemptRow;
  readonly run: AttemptRun;
  readonly ctx: AdvanceContext;
  /** Asks the provider, unless it is being asked or is not to be yet. */
  readonly call: (verb: Verb, why?: string) => Advance;
  readonly closing: (why: EventBody<'attempt-closing'>['why']) => Advance;
  /** It is paid by the customer's code. */
  readonly byCode: boolean;
  /** The customer pays another way: this one is ended first, unless they are paying it. */
  readonly switching: boolean;
}

/** What this attempt needs next: a fact, a call to the provider, or an instant to look again. */
export function advanceAttempt(open: OpenOrder, attempt: AttemptRow, ctx: AdvanceContext): Advance {
  const moves = movesOf(open, ctx);
  const { same, write } = moves;
  const closing: Look['closing'] = (why) =>
    write({ kind: 'attempt-closing', body: { attemptId: attempt.attemptId, why } });
  if (!ctx.hasProvider(attempt.provider))
    return orphaned(attempt, { closing: () => closing(ctx.closeWhy), write, same });

  const run = runOf(open, attempt.attemptId);
  const look: Look = {
    ...moves,
    open,
    attempt,
    run,
    ctx,
    call: (verb, why = '') => callProvider(look, verb, why),
    closing,
    byCode: attempt.method === 'code',
    switching: open.next !== null && ctx.wanted,
  };
  switch (attempt.state) {
    case 'creating':
      return look.byCode ? creatingByCode(look) : creating(look);
    case 'pending':
      return pending(look);
    case 'closing':
      return look.byCode ? closingByCode(look) : closingShown(look);
    case 'closed': {
      if (!attempt.shown) return same();
      return look.call('query');
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
      return look.call(run.refundAccepted ? 'query-refund' : 'refund', attempt.reason ?? '');
    case 'refunded':
    case 'parked':
      return same();
    default:
      return never(attempt.state);
  }
}

function callProvider({ open, attempt, run, ctx, same }: Look, verb: Verb, why: string): Advance {
  const { orderId } = open.order;
  const cardNo = cardNoOf(open.order);
  const { payee } = open.order.sale;
  // One that is held is not waited for: what is asked now takes its place.
  if (run.op !== null && run.held === null) return same();
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
      effects: [{ do: 'call', verb, orderId, cardNo, payee, attempt, why, authCode }],
      wakeAtMono: null,
    };
  }
  return {
    open: withRun(open, attempt.attemptId, { op: verb, held: null, startedMono: started }),
    effects: [{ do: 'call', verb, orderId, cardNo, payee, attempt, why }],
    wakeAtMono: null,
  };
}

/** A QR code is to be had. */
function creating({ attempt, ctx, call, closing, switching }: Look): Advance {
  if (!ctx.wanted) return closing(ctx.closeWhy);
  if (ctx.nowMs >= attempt.expiresAtMs) return closing('expired');
  if (switching) return closing('switched');
  return call('create');
}

/** The customer's payment code is to be sent, or was. */
function creatingByCode({ attempt, run, ctx, call, closing, same, write }: Look): Advance {
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

/** The customer can pay it, or is paying it. */
function pending(look: Look): Advance {
  const { attempt, run, ctx, call, closing, byCode, switching } = look;
  // "Paying" holds only while the provider goes on saying so, and not for ever: somebody
  // scanned and walked away.
  const silent =
    run.unknownSinceMono !== null && ctx.monoMs - run.unknownSinceMono >= UNKNOWN_GIVE_UP_MS;
  const paying =
    run.paying && !silent && ctx.nowMs < attempt.expiresAtMs + (byCode ? 0 : PAYING_GRACE_MS);
  if (!paying && askedFirst(look)) return askOnceMore(look);
  if (!ctx.wanted && !paying) return closing(ctx.closeWhy);
  if (ctx.nowMs >= attempt.expiresAtMs && !paying) return closing('expired');
  if (switching && !paying && !byCode) return closing('switched');
  return holdOrAsk(look, () => call('query'));
}

/**
 * Is it to be asked about before it is closed, until there is an answer? A payment of before a
 * restart, of while the line was cut, or of the last moment then still counts for the order, and a
 * customer whose card is there gets what he paid for. What is found while it is being closed may
 * count too (answers.ts), but not where the close itself may hand it back. Not where he said
 * himself that he does not want it, and not for ever.
 */
function askedFirst({ attempt, run, ctx }: Pick<Look, 'attempt' | 'run' | 'ctx'>): boolean {
  const why = ctx.wanted ? 'expired' : ctx.closeWhy;
  // The wallets want a code payment without an answer reversed, after their own time.
  if (attempt.method === 'code') return why === 'recovery' && run.answers === 0 && run.fails < 3;
  if (ctx.nowMs >= attempt.expiresAtMs + ASK_FIRST_MS) return false;
  // Its answer is waited for.
  const answeredLast = run.askedLast && run.op === null;
  return (
    (run.unknownSinceMono !== null || (isEnding(attempt, ctx) && !answeredLast)) &&
    (why === 'expired' || why === 'recovery' || why === 'card-removed')
  );
}

/** Is there a reason to close it, whatever the customer chooses? */
const isEnding = ({ expiresAtMs }: AttemptRow, { wanted, nowMs }: AdvanceContext): boolean =>
  !wanted || nowMs >= expiresAtMs;

/** The question of {@link askedFirst}: at once, and then as often as the line bears. */
function askOnceMore(look: Look): Advance {
  const { attempt, run, ctx } = look;
  if (run.askedLast || look.byCode || !isEnding(attempt, ctx)) return look.call('query');
  const asked = callProvider({ ...look, run: { ...run, retryAtMono: 0 } }, 'query', '');
  return asked.effects.length === 0
    ? asked
    : { ...asked, open: withRun(asked.open, attempt.attemptId, { askedLast: true }) };
}

/** A QR code is being closed. */
function closingShown({ attempt, run, call, write }: Look): Advance {
  // Never on the screen: nobody can have paid it, and a customer at a dead line need not wait
  // to pay by another.
  if (!attempt.shown && attempt.reason === 'switched' && run.op === null)
    return write({ kind: 'attempt-closed', body: { attemptId: attempt.attemptId } });
  return call(run.closeAccepted ? 'query' : 'close');
}

/** A code payment is being taken back. */
function closingByCode({ open, attempt, run, ctx, call, same, write }: Look): Advance {
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

/**
 * Nobody can be asked about this attempt any more: a person looks it up, unless nobody can have
 * paid it.
 */
function orphaned(
  attempt: AttemptRow,
  to: Pick<Moves, 'write'> & { readonly closing: () => Advance; readonly same: () => Advance },
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
