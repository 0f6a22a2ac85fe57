import type { AttemptMoney, MoneyDay } from '../../journal/money-day.ts';
import { terminalOf } from '../../payment/own-numbers.ts';
import type { BillRow } from '../../payment/types.ts';
import type { LedgerRow } from '../../shared/central-api/index.ts';
import { describeFailure, ERRORS } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import { DAY_MS } from '../../shared/time.ts';
import { arrived, judge, judgedOn, spanOf, strangers, sum } from './judge.ts';
import type { Find } from './judge.ts';
import { judgeLedger } from './ledger.ts';
import type { BillOf, BillState, DayReport, Difference, ProviderDay } from './report.ts';

/**
 * One China business day, three ways: the providers' bills, this kiosk's journal, central's ledger.
 * Pure: who has the bills and the books is the caller's business.
 *
 * A payment is looked for in the bills of the days between its attempt's first fact and the fact
 * that says it was captured: a capture at 23:59:59 is in one day's bill and in the next day's
 * journal. What the journal says on a day is judged on that day; what a bill says is judged on the
 * bill's day.
 */
export interface DayInput {
  readonly date: string;
  readonly journal: MoneyDay;
  /** Configured providers, in order. */
  readonly providers: readonly string[];
  readonly bill: (provider: string, date: string) => BillOf;
  /** Central's ledger rows of this terminal on this day, or why they are not there. */
  readonly ledger: Result<readonly LedgerRow[], Failure>;
  /** The bills were asked for on enough days: what did not come by now, a person looks for. */
  readonly givenUp?: boolean;
}
export interface DayResult {
  readonly report: DayReport;
  /** Bills of neighbouring days that would tell more. */
  readonly wants: readonly { readonly provider: string; readonly date: string }[];
}

/**
 * The numbers of a bill that could be this terminal's: its journal is asked about them. Others
 * share the merchant number.
 */
export function numbersIn(bill: BillOf, terminalId: string): string[] {
  if (bill.kind !== 'bill') return [];
  const whose = (no: string): string => terminalOf(no) ?? terminalId;
  return [...new Set(bill.rows.map((r) => r.outTradeNo).filter((no) => whose(no) === terminalId))];
}

/** Compares one day. */
export function compareDay(input: DayInput): DayResult {
  const { date, journal } = input;
  const { toMs } = spanOf(date);
  const names = [
    ...input.providers,
    ...new Set(
      journal.attempts
        .filter((m) => isJudged(m, date))
        .map((m) => m.attempt.provider)
        .filter((p) => !input.providers.includes(p)),
    ),
  ];
  const compared = names.map((provider) => compareProvider(input, provider));
  const differences = compared.flatMap((c) => c.differences);
  if (input.ledger.ok)
    differences.push(
      ...judgeLedger(
        journal,
        input.ledger.value,
        (f) => f.wallMs >= toMs - DAY_MS && f.wallMs < toMs,
      ),
    );
  const providers = compared.map((c) => c.day);
  return {
    report: {
      date,
      terminalId: journal.terminalId,
      providers,
      ledger: input.ledger.ok ? 'compared' : 'away',
      ledgerDetail: input.ledger.ok ? null : describeFailure(input.ledger.error),
      differences,
      complete: input.ledger.ok && providers.every((p) => p.complete || p.bill === 'not-offered'),
      persons: differences.filter((d) => d.person).length,
    },
    wants: compared.flatMap((c) => c.wants.map((day) => ({ provider: c.day.provider, date: day }))),
  };
}

const isJudged = (m: AttemptMoney, date: string): boolean =>
  m.facts.some((f) => judgedOn(f.wallMs) === date);

/** What one provider's bills say of a day, and what of it is open. */
interface Compared {
  readonly day: ProviderDay;
  readonly differences: readonly Difference[];
  /** Days whose bill would tell more. */
  readonly wants: readonly string[];
}

function compareProvider(input: DayInput, provider: string): Compared {
  const { date, journal } = input;
  const bill = input.bill(provider, date);
  const look = lookIn(input, provider);
  const byNumber = new Map(journal.attempts.map((m) => [m.attempt.outTradeNo, m]));
  const isOurs = (no: string): boolean =>
    byNumber.get(no)?.attempt.provider === provider || terminalOf(no) === journal.terminalId;
  const { here } = look;
  const numbers = [...here.keys()].filter(isOurs);
  const ours = numbers.flatMap((no) => here.get(no) ?? []);
  const judgedHere = journal.attempts.filter(
    (m) => m.attempt.provider === provider && isJudged(m, date),
  );
  // Behind a gateway, a wallet that makes no bill: its payments are nowhere to be found, and nobody
  // is accused.
  const awaited = new Set(bill.kind === 'bill' ? bill.awaited : []);
  const unlisted = new Set(
    (bill.kind === 'bill' ? (bill.unlisted ?? []) : []).filter((no) => !awaited.has(no)),
  );
  const state = billState(bill);
  const differences: Difference[] = [];
  let doubts = 0;
  let doubtedFen = 0;
  const doubt = (fen: number): void => {
    doubts++;
    doubtedFen += fen;
  };
  if (state === 'compared' || state === 'nothing') {
    for (const no of numbers) {
      const m = byNumber.get(no);
      const rows = here.get(no) ?? [];
      differences.push(
        ...(m === undefined
          ? strangers(provider, no, rows)
          : judge(m, rows, date, look.find, doubt)),
      );
    }
    for (const m of judgedHere)
      if (!here.has(m.attempt.outTradeNo) && !unlisted.has(m.attempt.outTradeNo))
        differences.push(...judge(m, [], date, look.find, doubt));
  }
  // Rows that cannot be had now may tell of more than was looked for.
  const partly =
    bill.kind === 'bill' && bill.failure !== undefined
      ? (bill.awaited ?? []).filter(isOurs).length
      : 0;
  const isThere = state === 'compared' || (state === 'nothing' && doubts === 0);
  const missing =
    state === 'not-ready' || state === 'unknown' || partly > 0 || doubts > 0 || look.isOpen();
  const told = missing && input.givenUp === true;
  if (told)
    differences.push(
      billMissing(
        provider,
        isThere || doubts > 0
          ? doubtedFen
          : sum(judgedHere.flatMap((m) => m.facts.filter(isCapture(date)))).fen,
      ),
    );
  const uncompared = judgedHere.filter((m) => unlisted.has(m.attempt.outTradeNo)).length;
  return {
    day: {
      provider,
      bill: state === 'nothing' && !isThere ? 'not-ready' : state,
      complete: told || (isThere && !missing),
      detail: detailOf(bill, { doubts, partly, uncompared }),
      payments: sum(ours.filter((r) => r.kind === 'payment')),
      refunds: sum(ours.filter((r) => r.kind === 'refund' && arrived(r))),
      reversals: sum(ours.filter((r) => r.kind === 'reversal' && arrived(r))),
      others: sum([...here].flatMap(([no, rows]) => (isOurs(no) ? [] : rows))),
    },
    differences,
    wants: look.wants(),
  };
}

const isCapture =
  (date: string) =>
  <F extends { readonly kind: string; readonly wallMs: number; readonly amountFen: number | null }>(
    f: F,
  ): f is F & { readonly amountFen: number } =>
    f.kind === 'attempt-paid' && f.amountFen !== null && judgedOn(f.wallMs) === date;

/** Why a bill does not tell everything, for a technician. */
function detailOf(
  bill: BillOf,
  n: { readonly doubts: number; readonly partly: number; readonly uncompared: number },
): string | null {
  const why = (f: Failure): string => f.detail ?? ERRORS[f.code].technician.en;
  if (bill.kind === 'not-ready' || bill.kind === 'unknown')
    return bill.failure.detail ?? bill.failure.code;
  if (bill.kind === 'bill' && bill.failure !== undefined && n.partly > 0)
    return `${n.partly} not told yet: ${why(bill.failure)}`;
  if (n.doubts > 0)
    return `it says that nothing happened, and ${n.doubts} of this journal are missed`;
  return n.uncompared > 0 ? `${n.uncompared} of a wallet without a bill` : null;
}

/** The bills of a day and its neighbours, looked through number by number. */
interface Look {
  /** This day's rows, by number. */
  readonly here: ReadonlyMap<string, readonly BillRow[]>;
  readonly find: Find;
  /** Something was looked for in a bill that is not there. */
  readonly isOpen: () => boolean;
  readonly wants: () => readonly string[];
}
type RowsByNumber = ReadonlyMap<string, readonly BillRow[]>;

function lookIn(input: DayInput, provider: string): Look {
  const { date } = input;
  const wants = new Set<string>();
  let open = false;
  const days = new Map<string, RowsByNumber>();
  const rowsOn = (day: string): RowsByNumber => {
    let rows = days.get(day);
    if (rows === undefined) {
      const of = input.bill(provider, day);
      rows = of.kind === 'bill' ? Map.groupBy(of.rows, (r) => r.outTradeNo) : new Map();
      days.set(day, rows);
    }
    return rows;
  };
  /** What a day's bill can say of a number that it does not list. */
  const silence = (day: string, outTradeNo: string): 'told' | 'none' | 'missing' => {
    const of = input.bill(provider, day);
    if (of.kind === 'none') return 'none';
    if (of.kind !== 'bill') return 'missing';
    if (of.awaited?.includes(outTradeNo) !== true) return 'told';
    return of.failure === undefined ? 'none' : 'missing';
  };
  const here = rowsOn(date);
  const find: Find = (outTradeNo, between, enough) => {
    const found: BillRow[] = [...(here.get(outTradeNo) ?? [])];
    if (enough(found)) return { rows: found, open: false, none: false };
    for (const day of between) if (day !== date) found.push(...(rowsOn(day).get(outTradeNo) ?? []));
    const silences = between.map((day) => silence(day, outTradeNo));
    const none = silences.includes('none');
    const missing = between.filter((_day, n) => silences[n] === 'missing');
    if (enough(found) || missing.length === 0) return { rows: found, open: false, none };
    for (const day of missing) if (input.bill(provider, day).kind === 'later') wants.add(day);
    open = true;
    return { rows: found, open: true, none };
  };
  return { here, find, isOpen: () => open, wants: () => [...wants] };
}

/** A bill that did not come: one thing for a person, whatever it would have told. */
function billMissing(provider: string, journalFen: number): Difference {
  return {
    type: 'bill-missing',
    provider,
    outTradeNo: '',
    orderId: null,
    attemptId: null,
    journalFen,
    billFen: null,
    ledgerFen: null,
    did: 'nothing',
    person: true,
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
