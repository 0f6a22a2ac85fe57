import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import { ASK_CLOSED_MS } from '../../journal/journal.ts';
import { SETTLED_ORDER } from '../../shared/order-rules.ts';
import { NEW_RUN, NO_CLAIM } from '../state/order.ts';
import type { AttemptRun, OpenOrder } from '../state/order.ts';

/** Orders that the kiosk has in hand: their rows, with what this process knows besides. */

/**
 * An order as the journal has it now, with what is known of it from before.
 *
 * @param known undefined: nothing yet
 * @param inherited it began in an earlier process
 */
export function openOrder(
  order: OrderRow,
  attempts: readonly AttemptRow[],
  known: OpenOrder | undefined,
  inherited: boolean,
  monoMs: number,
): OpenOrder {
  // Our lease begins with the first write of this process; what central may hold of an earlier
  // one's is asked for.
  const began = known !== undefined && known.order.writes === 0 && order.writes === 1;
  return {
    order,
    attempts,
    runs: new Map(attempts.map((a) => [a.attemptId, runNow(a, known)])),
    next: known?.next ?? null,
    writing: known?.writing ?? false,
    progress: known?.progress ?? null,
    waitCardUntilMono: known?.waitCardUntilMono ?? null,
    judgedInsertion: known?.judgedInsertion ?? null,
    leaseMono: began ? monoMs : (known?.leaseMono ?? null),
    claim: known?.claim ?? NO_CLAIM,
    saw: known?.saw ?? null,
    notProven: known?.notProven ?? false,
    inherited,
  };
}

/**
 * A new durable state starts its own asking: what was learnt in the last one (back-off, "accepted")
 * does not hold in it.
 */
function runNow(a: AttemptRow, known: OpenOrder | undefined): AttemptRun {
  const run = known?.runs.get(a.attemptId) ?? NEW_RUN;
  const old = known?.attempts.find((k) => k.attemptId === a.attemptId);
  if (old === undefined || old.state === a.state) return run;
  return {
    ...run,
    closeAccepted: false,
    // This process saw it begin: nothing of it was sent yet.
    closeUnderWay: a.state === 'closing' ? false : run.closeUnderWay,
    refundAccepted: false,
    retryAtMono: a.state === 'pending' ? run.retryAtMono : 0,
    fails: 0,
  };
}

/** Does the kiosk still have to do something for this order? */
export function needsUs(o: OpenOrder, monoMs: number, centralMs: number | null): boolean {
  if (o.writing) return true;
  if (!SETTLED_ORDER.has(o.order.state)) return true;
  return o.attempts.some(
    (a) =>
      a.state === 'creating' ||
      a.state === 'pending' ||
      a.state === 'closing' ||
      a.state === 'refunding' ||
      (a.state === 'paid' && a.taken === false) ||
      (a.state === 'closed' && a.shown && mayStillBePaid(o, a, monoMs, centralMs)),
  );
}

/**
 * Could the provider still take this closed attempt's money? The machine's own clock has no say in
 * it: a step forward would end the asking with the money still to come. What was asked about for
 * that long in this process is over; what an earlier one began is as old as central's clock says.
 */
function mayStillBePaid(
  o: OpenOrder,
  a: AttemptRow,
  monoMs: number,
  centralMs: number | null,
): boolean {
  const since = o.runs.get(a.attemptId)?.startedMono ?? 0;
  if (since > 0 && monoMs - since >= ASK_CLOSED_MS) return false;
  return !(o.inherited && centralMs !== null && centralMs - a.createdMs >= ASK_CLOSED_MS);
}
