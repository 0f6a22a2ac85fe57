import type { AttemptMoney, MoneyFact } from '../../journal/money-day.ts';
import type { BillRow } from '../../payment/types.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import type { Deed, Difference, DifferenceType, Sum } from './report.ts';

/** Provider's and kiosk's clocks may differ by so much (policy stops selling at less). */
const SKEW_MS = 300_000;
/** No attempt is looked for in more days' bills. */
const MOST_DAYS = 8;

/**
 * The days whose bill may hold what happened between these two moments, first to last. The last is
 * the day on which the later fact is judged: by then every one of these bills can be had.
 */
function daysBetween(fromMs: number, toMs: number): string[] {
  const last = judgedOn(toMs);
  const days: string[] = [];
  for (let ms = Math.max(fromMs - SKEW_MS, toMs - (MOST_DAYS - 1) * DAY_MS); ; ms += DAY_MS) {
    const day = chinaDate(ms);
    if (day >= last) break;
    days.push(day);
  }
  return [...days, last];
}

/**
 * A fact of the last minutes before midnight is judged on the next day: the provider's clock may
 * have had it already.
 */
export function judgedOn(wallMs: number): string {
  return chinaDate(wallMs + SKEW_MS);
}

/** The span of the journal that a day's comparison reads. */
export function spanOf(date: string): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = chinaDayMs(date);
  return { fromMs: fromMs - SKEW_MS, toMs: fromMs + DAY_MS };
}

/** How many rows, and what they come to. */
export const sum = (rows: readonly { readonly amountFen: number }[]): Sum => ({
  count: rows.length,
  fen: rows.reduce((n, r) => n + r.amountFen, 0),
});

/** Money that a bill says is back with the customer, or was taken. */
export const arrived = (r: BillRow): boolean => r.outcome === undefined;

/** Rows under a number of this terminal that its journal does not know. */
export function strangers(
  provider: string,
  outTradeNo: string,
  rows: readonly BillRow[],
): Difference[] {
  const taken = sum(rows.filter((r) => r.kind === 'payment'));
  const back = sum(rows.filter((r) => r.kind !== 'payment' && arrived(r)));
  const of = {
    provider,
    outTradeNo,
    orderId: null,
    attemptId: null,
    journalFen: null,
    ledgerFen: null,
    did: 'nothing',
    person: true,
  } as const;
  return [
    ...(taken.count > 0 ? [{ ...of, type: 'captured-no-order' as const, billFen: taken.fen }] : []),
    ...(back.count > 0 ? [{ ...of, type: 'refund-unknown' as const, billFen: back.fen }] : []),
  ];
}

/**
 * An attempt's rows in the bills of these days; those of the day itself where they are `enough`.
 * `open`: a bill that is needed is not there · `none`: of one of these days the provider says that
 * nothing happened, which is also what it says of a bill that is late.
 */
export type Find = (
  outTradeNo: string,
  days: readonly string[],
  enough: (rows: readonly BillRow[]) => boolean,
) => { readonly rows: readonly BillRow[]; readonly open: boolean; readonly none: boolean };

/**
 * One attempt of the journal against its rows in the bills.
 *
 * @param here its rows in this day's bill
 * @param doubt told of money that the journal knows and that is looked for in vain, where "nothing
 *   happened" is all that the provider says: that accuses nobody
 */
export function judge(
  m: AttemptMoney,
  here: readonly BillRow[],
  date: string,
  find: Find,
  doubt: (fen: number) => void,
): Difference[] {
  const { attempt, facts } = m;
  const out: Difference[] = [];
  const last = (kind: MoneyFact['kind']): MoneyFact | undefined =>
    facts.findLast((f) => f.kind === kind);
  const paid = last('attempt-paid');
  const refunding = last('attempt-refunding');
  const refunded = last('attempt-refunded');
  const closed = last('attempt-closed');
  const byHand = facts.some((f) => f.kind === 'parked-settled' && f.how === 'refunded-by-hand');
  const settled = facts.some((f) => f.kind === 'parked-settled');
  const judged = (f: MoneyFact | undefined): f is MoneyFact =>
    f !== undefined && judgedOn(f.wallMs) === date;
  /** The sum that the journal says was captured; null: none. */
  const journalFen = paid?.amountFen ?? last('attempt-parked')?.amountFen ?? null;
  const say = (
    type: DifferenceType,
    billFen: number | null,
    did: Deed,
    person = true,
    fen: number | null = journalFen,
  ): void => {
    out.push({
      type,
      provider: attempt.provider,
      outTradeNo: attempt.outTradeNo,
      orderId: attempt.orderId,
      attemptId: attempt.attemptId,
      journalFen: fen,
      billFen,
      ledgerFen: null,
      did,
      person,
    });
  };
  const waits = (fen: number | null = journalFen): void =>
    say('not-yet', null, 'waits', false, fen);
  const doubted = (fen: number): void => {
    doubt(fen);
    waits(fen);
  };
  const kept = (): Deed =>
    settled
      ? 'settled'
      : attempt.state === 'parked'
        ? 'parked'
        : attempt.state === 'refunding' || attempt.state === 'refunded'
          ? 'refunding'
          : 'nothing';
  const isPayment = (r: BillRow): boolean => r.kind === 'payment';
  const isReversal = (r: BillRow): boolean => r.kind === 'reversal' && arrived(r);
  const isOwnRefund = (r: BillRow): boolean =>
    r.kind === 'refund' && r.outRefundNo === attempt.outRefundNo && arrived(r);
  const under = (r: BillRow): boolean =>
    r.kind === 'refund' && r.outRefundNo === attempt.outRefundNo;
  const failedIn = (rows: readonly BillRow[]): boolean =>
    rows.some((r) => under(r) && r.outcome === 'failed') && !rows.some(isOwnRefund);
  /**
   * A bill made while the refund was under way does not gainsay its end, unless another says that
   * it failed.
   */
  const isGone = (rows: readonly BillRow[]): boolean => rows.some(under) && !failedIn(rows);
  const fenOf = (rows: readonly BillRow[], which: (r: BillRow) => boolean): number =>
    sum(rows.filter(which)).fen;

  // Captured here and known there.
  const payments = here.filter(isPayment);
  if (payments.length > 0 && journalFen !== null) {
    if (sum(payments).fen !== journalFen) say('amount-differs', sum(payments).fen, kept());
  } else if (payments.length > 0 && attempt.state === 'parked') {
    // Held without a sum: nobody could be asked about it. Now the bill has told.
    if (!byHand) say('captured-no-order', sum(payments).fen, kept());
  } else if (payments.length > 0 && closed === undefined)
    say('not-yet', sum(payments).fen, 'asks-again', false);
  if (journalFen === null && closed !== undefined && (payments.length > 0 || judged(closed))) {
    // Ended without money for any order: what the bills say was taken must have been taken back.
    if (judgedOn(closed.wallMs) > date) say('not-yet', sum(payments).fen, 'waits', false);
    else {
      const reversed = facts.some((f) => f.reversed);
      const { rows, open, none } = find(
        attempt.outTradeNo,
        daysBetween(attempt.createdMs, closed.wallMs),
        (r) =>
          (reversed || r.some(isPayment)) &&
          fenOf(r, isPayment) > 0 &&
          fenOf(r, isReversal) >= fenOf(r, isPayment),
      );
      const taken = fenOf(rows, isPayment);
      const back = fenOf(rows, (r) => isReversal(r) || isOwnRefund(r));
      if (open) waits();
      else if (back < taken)
        say(reversed ? 'reversed-but-paid' : 'captured-no-order', taken, 'asks-again');
      else if (back > taken && rows.some(isReversal)) say('refund-unknown', back, 'nothing');
      else if (reversed && taken === 0 && judged(closed)) {
        if (none) doubted(attempt.amountFen);
        else say('refund-missing', null, 'nothing', true, attempt.amountFen);
      }
    }
  } else if (here.some(isReversal) && attempt.state !== 'closed') {
    // Taken back by the provider though an order counts on it.
    if (attempt.state !== 'closing') say('refund-unknown', fenOf(here, isReversal), kept());
  }
  if (judged(paid)) {
    const { rows, open, none } = find(
      attempt.outTradeNo,
      daysBetween(attempt.createdMs, paid.wallMs),
      (r) => r.some(isPayment),
    );
    if (open) waits();
    else if (!rows.some(isPayment)) {
      if (none) doubted(journalFen ?? attempt.amountFen);
      else say('order-not-captured', null, kept());
    }
  }

  // Went back under our own number.
  const own = here.filter(isOwnRefund);
  if (own.length > 0) {
    const billFen = sum(own).fen;
    const fen = refunded?.amountFen ?? attempt.amountFen;
    if (refunding === undefined) say('refund-unknown', billFen, kept());
    else if (billFen !== fen) say('amount-differs', billFen, kept(), true, fen);
    // Given up here and gone back there: whoever settles it must not pay it a second time.
    else if (attempt.state === 'parked' && (!settled || byHand))
      say('refund-unknown', billFen, kept());
  }
  // Did not reach the customer: it is still owed, and goes back another way.
  const failed = (rows: readonly BillRow[]): void =>
    say(
      'refund-failed',
      fenOf(rows, under),
      settled ? 'settled' : attempt.state === 'parked' ? 'parked' : 'nothing',
      true,
      refunded?.amountFen ?? attempt.amountFen,
    );
  if (failedIn(here) && attempt.state !== 'refunding' && !byHand) {
    // Done on a later day: that day's bill tells whether it is.
    if (refunded !== undefined && judgedOn(refunded.wallMs) > date) waits(refunded.amountFen);
    else failed(here);
  } else if (judged(refunded)) {
    const { rows, open, none } = find(
      attempt.outTradeNo,
      daysBetween(refunding?.wallMs ?? attempt.createdMs, refunded.wallMs),
      (r) => isGone(r),
    );
    if (open) waits(refunded.amountFen);
    else if (failedIn(rows)) failed(rows);
    else if (!isGone(rows)) {
      if (none) doubted(refunded.amountFen ?? attempt.amountFen);
      else say('refund-missing', null, 'nothing', true, refunded.amountFen);
    }
  } else if (attempt.state === 'refunding' && judged(refunding))
    say('not-yet', own.length > 0 ? sum(own).fen : null, 'refunding', false, attempt.amountFen);

  // Went back under another number: a person's, or nobody's here.
  const foreign = here.filter(
    (r) => r.kind === 'refund' && r.outRefundNo !== attempt.outRefundNo && arrived(r),
  );
  if (foreign.length > 0) {
    const billFen = sum(foreign).fen;
    if (!byHand) say('refund-unknown', billFen, kept());
    else if (billFen !== (journalFen ?? attempt.amountFen))
      say('amount-differs', billFen, 'settled');
  }
  return out;
}
