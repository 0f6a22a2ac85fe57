import type { AttemptMoney, MoneyDay, MoneyFact } from '../../journal/money-day.ts';
import type { BillResult, BillRow } from '../../payment/types.ts';
import type { LedgerRow } from '../../shared/central-api/index.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';

/**
 * One China business day, three ways: the providers' bills, this kiosk's journal, central's ledger.
 * Pure: who has the bills and the books is the caller's business.
 *
 * A payment is looked for in the bills of the days between its attempt's first fact and the fact
 * that says it was captured: a capture at 23:59:59 is in one day's bill and in the next day's
 * journal. What the journal says on a day is judged on that day; what a bill says is judged on the
 * bill's day.
 */
export const DIFFERENCES = [
  'captured-no-order',
  'order-not-captured',
  'amount-differs',
  'refund-missing',
  'refund-unknown',
  'reversed-but-paid',
  'ledger-missing',
  'ledger-differs',
  'not-yet',
] as const;
export type DifferenceType = (typeof DIFFERENCES)[number];

/**
 * What the system does about it by itself. nothing: it cannot · asks-again: the provider is asked
 * about this attempt for as long as it could still take money · refunding: the money is going back
 * · parked: held for a person, in plain sight · settled: a person ended it in maintenance mode ·
 * uploads: the fact waits to be sent · waits: a later bill will tell.
 */
export const DEEDS = [
  'nothing',
  'asks-again',
  'refunding',
  'parked',
  'settled',
  'uploads',
  'waits',
] as const;
export type Deed = (typeof DEEDS)[number];

/** One thing in which bill, journal and ledger do not agree. */
export interface Difference {
  readonly type: DifferenceType;
  readonly provider: string;
  readonly outTradeNo: string;
  /** Null: no order of this journal. */
  readonly orderId: string | null;
  readonly attemptId: string | null;
  readonly journalFen: number | null;
  readonly billFen: number | null;
  readonly ledgerFen: number | null;
  readonly did: Deed;
  /** Somebody must look: it does not go away by itself. */
  readonly person: boolean;
}

export interface Sum {
  readonly count: number;
  readonly fen: number;
}
/**
 * compared: there was a bill · nothing: the provider says that nothing happened · not-ready,
 * unknown: ask again later · not-offered: this provider has no bill · not-configured: money of this
 * day went through a provider that is no longer configured.
 */
export type BillState =
  | 'compared'
  | 'nothing'
  | 'not-ready'
  | 'unknown'
  | 'not-offered'
  | 'not-configured';
export interface ProviderDay {
  readonly provider: string;
  readonly bill: BillState;
  /** Everything that this provider's bills are compared with was there. */
  readonly complete: boolean;
  /** Why there is no bill, for a technician. */
  readonly detail: string | null;
  /** This terminal's rows of the bill. */
  readonly payments: Sum;
  readonly refunds: Sum;
  readonly reversals: Sum;
  /** Rows under the same merchant number that are not this terminal's. */
  readonly others: Sum;
}
export type LedgerState = 'compared' | 'away';
/** A day of one provider, compared. */
export interface DayReport {
  readonly date: string;
  readonly terminalId: string;
  readonly providers: readonly ProviderDay[];
  readonly ledger: LedgerState;
  /** Why central's ledger is not there, for a technician. */
  readonly ledgerDetail: string | null;
  readonly differences: readonly Difference[];
  /** All that there is to compare was compared. False: ask again later. */
  readonly complete: boolean;
  /** Differences that a person must look at. */
  readonly persons: number;
}

/**
 * A provider's bill of a day: as downloaded, or `later`: that day is not over, or its bill was not
 * asked for.
 */
export type BillOf =
  | BillResult
  | { readonly kind: 'later' }
  | { readonly kind: 'not-offered' }
  | { readonly kind: 'not-configured' };

export interface DayInput {
  readonly date: string;
  readonly journal: MoneyDay;
  /** Configured providers, in order. */
  readonly providers: readonly string[];
  readonly bill: (provider: string, date: string) => BillOf;
  /** Central's ledger rows of this terminal on this day, or why they are not there. */
  readonly ledger: Result<readonly LedgerRow[], Failure>;
}
export interface DayResult {
  readonly report: DayReport;
  /** Bills of neighbouring days that would tell more. */
  readonly wants: readonly { readonly provider: string; readonly date: string }[];
}

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
function judgedOn(wallMs: number): string {
  return chinaDate(wallMs + SKEW_MS);
}

/** The span of the journal that a day's comparison reads. */
export function spanOf(date: string): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = chinaDayMs(date);
  return { fromMs: fromMs - SKEW_MS, toMs: fromMs + DAY_MS };
}

const sum = (rows: readonly { readonly amountFen: number }[]): Sum => ({
  count: rows.length,
  fen: rows.reduce((n, r) => n + r.amountFen, 0),
});

/** Money that a bill says is back with the customer, or was taken. */
const arrived = (r: BillRow): boolean => r.outcome === undefined;

/** Numbers that kiosks make (shared/order-id.ts): whose they are can be read from them. */
const OF_A_TERMINAL = /^P(\d{12})E\d+N\d+A\d+X[0-9A-Z]{5}$/;

/**
 * The numbers of a bill that could be this terminal's: its journal is asked about them. Others
 * share the merchant number.
 */
export function numbersIn(bill: BillOf, terminalId: string): string[] {
  if (bill.kind !== 'bill') return [];
  const whose = (no: string): string => OF_A_TERMINAL.exec(no)?.[1] ?? terminalId;
  return [...new Set(bill.rows.map((r) => r.outTradeNo).filter((no) => whose(no) === terminalId))];
}

/** Compares one day. */
export function compareDay(input: DayInput): DayResult {
  const { date, journal } = input;
  const wants = new Map<string, { provider: string; date: string }>();
  const differences: Difference[] = [];
  const providers: ProviderDay[] = [];
  /** Of these a neighbour's bill is needed and not there. */
  const blocked = new Set<string>();
  const { toMs } = spanOf(date);
  const judged = (f: MoneyFact): boolean => judgedOn(f.wallMs) === date;
  const byNumber = new Map(journal.attempts.map((m) => [m.attempt.outTradeNo, m]));

  const names = [
    ...input.providers,
    ...new Set(
      journal.attempts
        .filter((m) => m.facts.some(judged))
        .map((m) => m.attempt.provider)
        .filter((p) => !input.providers.includes(p)),
    ),
  ];
  for (const provider of names) {
    const bill = input.bill(provider, date);
    const state = billState(bill);
    const days = new Map<string, ReadonlyMap<string, readonly BillRow[]> | null>();
    /** A day's rows by number; null: that bill is not there. */
    const rowsOn = (day: string): ReadonlyMap<string, readonly BillRow[]> | null => {
      let rows = days.get(day);
      if (rows === undefined) {
        const of = input.bill(provider, day);
        days.set(
          day,
          (rows =
            of.kind === 'bill'
              ? Map.groupBy(of.rows, (r) => r.outTradeNo)
              : of.kind === 'none'
                ? new Map()
                : null),
        );
      }
      return rows;
    };
    const here = rowsOn(date) ?? new Map<string, readonly BillRow[]>();
    // Behind a gateway, a wallet that makes no bill: its payments are nowhere to be found, and
    // nobody is accused.
    const unlisted = new Set(bill.kind === 'bill' ? bill.unlisted : []);
    const uncompared = journal.attempts.filter(
      (m) =>
        m.attempt.provider === provider &&
        unlisted.has(m.attempt.outTradeNo) &&
        m.facts.some(judged),
    ).length;
    const isOurs = (no: string): boolean =>
      byNumber.get(no)?.attempt.provider === provider ||
      OF_A_TERMINAL.exec(no)?.[1] === journal.terminalId;
    const numbers = [...here.keys()].filter(isOurs);
    const ours = numbers.flatMap((no) => here.get(no) ?? []);
    providers.push({
      provider,
      bill: state,
      complete: false,
      detail:
        bill.kind === 'not-ready' || bill.kind === 'unknown'
          ? (bill.failure.detail ?? bill.failure.code)
          : uncompared > 0
            ? `${uncompared} of a wallet without a bill`
            : null,
      payments: sum(ours.filter((r) => r.kind === 'payment')),
      refunds: sum(ours.filter((r) => r.kind === 'refund' && arrived(r))),
      reversals: sum(ours.filter((r) => r.kind === 'reversal' && arrived(r))),
      others: sum([...here].flatMap(([no, rows]) => (isOurs(no) ? [] : rows))),
    });
    if (state !== 'compared' && state !== 'nothing') continue;

    const find: Find = (outTradeNo, between, enough) => {
      const found: BillRow[] = [...(here.get(outTradeNo) ?? [])];
      if (enough(found)) return { rows: found, open: false };
      const missing: string[] = [];
      for (const day of between) {
        if (day === date) continue;
        const rows = rowsOn(day);
        if (rows === null) missing.push(day);
        else found.push(...(rows.get(outTradeNo) ?? []));
      }
      if (enough(found) || missing.length === 0) return { rows: found, open: false };
      for (const day of missing)
        if (input.bill(provider, day).kind === 'later')
          wants.set(`${provider} ${day}`, { provider, date: day });
      blocked.add(provider);
      return { rows: found, open: true };
    };
    for (const no of numbers) {
      const m = byNumber.get(no);
      differences.push(
        ...(m === undefined
          ? strangers(provider, no, here.get(no) ?? [])
          : judge(m, here.get(no) ?? [], date, find)),
      );
    }
    for (const m of journal.attempts) {
      const { attempt } = m;
      if (
        attempt.provider === provider &&
        !here.has(attempt.outTradeNo) &&
        !unlisted.has(attempt.outTradeNo) &&
        m.facts.some(judged)
      )
        differences.push(...judge(m, [], date, find));
    }
  }

  if (input.ledger.ok)
    differences.push(
      ...judgeLedger(
        journal,
        input.ledger.value,
        (f) => f.wallMs >= toMs - DAY_MS && f.wallMs < toMs,
      ),
    );
  const persons = differences.filter((d) => d.person).length;
  const told = providers.map((p) => ({
    ...p,
    complete: (p.bill === 'compared' || p.bill === 'nothing') && !blocked.has(p.provider),
  }));
  const complete = input.ledger.ok && told.every((p) => p.complete || p.bill === 'not-offered');
  return {
    report: {
      date,
      terminalId: journal.terminalId,
      providers: told,
      ledger: input.ledger.ok ? 'compared' : 'away',
      ledgerDetail: input.ledger.ok ? null : describeFailure(input.ledger.error),
      differences,
      complete,
      persons,
    },
    wants: [...wants.values()],
  };
}

function billState(bill: BillOf): BillState {
  switch (bill.kind) {
    case 'bill':
      return 'compared';
    case 'none':
      return 'nothing';
    case 'later':
    case 'not-ready':
      return 'not-ready';
    case 'unknown':
    case 'not-offered':
    case 'not-configured':
      return bill.kind;
    default:
      return bill satisfies never;
  }
}

/** Rows under a number of this terminal that its journal does not know. */
function strangers(provider: string, outTradeNo: string, rows: readonly BillRow[]): Difference[] {
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
 * `open`: a bill that is needed is not there.
 */
type Find = (
  outTradeNo: string,
  days: readonly string[],
  enough: (rows: readonly BillRow[]) => boolean,
) => { readonly rows: readonly BillRow[]; readonly open: boolean };

/** One attempt of the journal against its rows in the bills. `here`: those of this day. */
function judge(m: AttemptMoney, here: readonly BillRow[], date: string, find: Find): Difference[] {
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
  /** A bill made while the refund was under way does not gainsay its end. */
  const isGoing = (r: BillRow): boolean =>
    r.kind === 'refund' && r.outRefundNo === attempt.outRefundNo && r.outcome !== 'failed';
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
      const { rows, open } = find(
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
      else if (reversed && taken === 0 && judged(closed))
        say('refund-missing', null, 'nothing', true, attempt.amountFen);
    }
  } else if (here.some(isReversal) && attempt.state !== 'closed') {
    // Taken back by the provider though an order counts on it.
    if (attempt.state !== 'closing') say('refund-unknown', fenOf(here, isReversal), kept());
  }
  if (judged(paid)) {
    const { rows, open } = find(
      attempt.outTradeNo,
      daysBetween(attempt.createdMs, paid.wallMs),
      (r) => r.some(isPayment),
    );
    if (open) waits();
    else if (!rows.some(isPayment)) say('order-not-captured', null, kept());
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
  if (judged(refunded)) {
    const { rows, open } = find(
      attempt.outTradeNo,
      daysBetween(refunding?.wallMs ?? attempt.createdMs, refunded.wallMs),
      (r) => r.some(isGoing),
    );
    if (open) waits(refunded.amountFen);
    else if (!rows.some(isGoing)) say('refund-missing', null, 'nothing', true, refunded.amountFen);
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

/**
 * The day's facts of money against central's ledger: both bear the kiosk's time, so a fact and its
 * entry are of one day.
 */
function judgeLedger(
  journal: MoneyDay,
  ledger: readonly LedgerRow[],
  today: (f: MoneyFact) => boolean,
): Difference[] {
  const out: Difference[] = [];
  const left = new Map(ledger.map((r) => [`${r.kind} ${r.orderId} ${r.attemptId}`, r]));
  /**
   * Attempts that a person handed back, or that were parked with a sum: how central enters them
   * depends on what it held before.
   */
  const lenient = new Set<string>();
  for (const { attempt, facts } of journal.attempts) {
    const of = {
      provider: attempt.provider,
      outTradeNo: attempt.outTradeNo,
      orderId: attempt.orderId,
      attemptId: attempt.attemptId,
      billFen: null,
    };
    if (
      facts.some(
        (f) => f.kind === 'parked-settled' || (f.kind === 'attempt-parked' && f.amountFen !== null),
      )
    )
      lenient.add(attempt.attemptId);
    const taken = facts.some((f) => f.kind === 'order-paid');
    for (const f of facts) {
      if (!today(f) || f.amountFen === null) continue;
      const kind =
        f.kind === 'order-paid'
          ? 'captured'
          : f.kind === 'attempt-paid' && !taken
            ? 'captured-extra'
            : f.kind === 'attempt-refunded'
              ? 'refunded'
              : null;
      if (kind === null) continue;
      const key = `${kind} ${attempt.orderId} ${attempt.attemptId}`;
      const row = left.get(key);
      left.delete(key);
      if (row === undefined)
        out.push({
          ...of,
          type: f.sent ? 'ledger-missing' : 'not-yet',
          journalFen: f.amountFen,
          ledgerFen: null,
          did: f.sent ? 'nothing' : 'uploads',
          person: f.sent,
        });
      else if (row.amountFen !== f.amountFen)
        out.push({
          ...of,
          type: 'ledger-differs',
          journalFen: f.amountFen,
          ledgerFen: row.amountFen,
          did: 'nothing',
          person: true,
        });
    }
  }
  for (const row of left.values()) {
    if (lenient.has(row.attemptId)) continue;
    const m = journal.attempts.find((a) => a.attempt.attemptId === row.attemptId);
    out.push({
      type: 'ledger-differs',
      provider: m?.attempt.provider ?? '',
      outTradeNo: m?.attempt.outTradeNo ?? '',
      orderId: row.orderId,
      attemptId: row.attemptId,
      journalFen: null,
      billFen: null,
      ledgerFen: row.amountFen,
      did: 'nothing',
      person: true,
    });
  }
  return out;
}
