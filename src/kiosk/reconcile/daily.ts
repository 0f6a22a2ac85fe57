import type { BillingClient } from '../../billing/types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import { PROVIDER_KINDS } from '../../shared/contract/index.ts';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { reconcileDay } from './day.ts';
import type { DayReport, ProviderDay } from './report.ts';

/**
 * Bills are made by 10:00 of the next day (payments.md section A); half an hour for those that are
 * late.
 */
const AFTER_MS = 10.5 * 3_600_000;
/** No day further back is compared by itself: a kiosk that was off for long begins here. */
const DAYS_BACK = 10;
const META = 'reconciled';

/** What is kept between runs of the process. */
interface Kept {
  /** `2026-11-22/wechat`, newest last. */
  readonly done: readonly string[];
  readonly last: LastReconciled | null;
}
/**
 * The last day that was compared, as maintenance mode shows it: the sums of all providers compared
 * for that date.
 */
export type LastReconciled = NonNullable<SnapshotOf<'maintenance'>['sync']['reconciled']>;

export interface DailyOptions {
  readonly journal: Journal;
  readonly billing: Pick<BillingClient, 'ledger'>;
  readonly providers: readonly PaymentProvider[];
  readonly clock: Clock;
  readonly log: LogFn;
  /** There is something to send. */
  readonly onJournaled: () => void;
}

/** What was compared last; null: nothing yet. */
export function lastReconciled(journal: Journal): LastReconciled | null {
  return keptOf(journal).last;
}
function keptOf(journal: Journal): Kept {
  const text = journal.meta(META);
  return text === null ? { done: [], last: null } : (JSON.parse(text) as Kept);
}

/**
 * Compares yesterday once its bills are made, and writes down what came of it: one fact for each
 * provider and date, so that central hears of it like of any other. What could not be compared is
 * tried again for `DAYS_ASKED` days (day.ts); then it is a person's (`bill-missing`).
 *
 * @returns false: something is left to try
 */
export async function reconcileDaily(o: DailyOptions, stopped: () => boolean): Promise<boolean> {
  const { journal, clock, log } = o;
  const now = clock.nowMs();
  if (now < chinaDayMs(chinaDate(now)) + AFTER_MS) return true;
  const condition = journal.condition();
  // A journal that waits for central's word says nothing of other people's books.
  if (condition.kind !== 'good' && !condition.epochGranted) return true;
  let kept = keptOf(journal);
  const offering = o.providers.filter((p) => p.downloadBill !== undefined);
  let well = true;
  // A machine that never compared begins with yesterday.
  const first = kept.done.toSorted()[0]?.slice(0, 10) ?? chinaDate(now - DAY_MS);
  for (let back = 1; back <= DAYS_BACK; back++) {
    const date = chinaDate(now - back * DAY_MS);
    if (date < first) break;
    const open = offering.filter((p) => !kept.done.includes(`${date}/${p.kind}`));
    if (open.length === 0) continue;
    const report = await reconcileDay(date, {
      terminalId: journal.terminalId,
      providers: o.providers,
      money: (query) => journal.moneyDay(query),
      ledger: (day) => o.billing.ledger(day),
      nowMs: () => clock.nowMs(),
    });
    if (stopped()) return true;
    if (!report.ok) {
      log('warn', 'reconcile', `${date}: ${report.error}`);
      continue;
    }
    const told =
      report.value.ledger === 'compared'
        ? report.value.providers.filter(
            (p) => p.complete && open.some((k) => k.kind === p.provider),
          )
        : [];
    if (told.length < open.length) well = false;
    if (told.length === 0) continue;
    kept = {
      done: [...kept.done, ...told.map((p) => `${date}/${p.provider}`)].slice(
        -DAYS_BACK * PROVIDER_KINDS.length - told.length,
      ),
      last: kept.last !== null && kept.last.date > date ? kept.last : lastOf(report.value, now),
    };
    journal.append(
      told.map((p) => ({ kind: 'reconciled', orderId: null, body: factOf(report.value, p) })),
    );
    journal.setMeta(META, JSON.stringify(kept));
    o.onJournaled();
    if (report.value.persons > 0)
      log(
        'error',
        'reconcile',
        `${date}: ${report.value.persons} differences for a person; pilotlight reconcile --date ${date} names them`,
      );
  }
  return well;
}

function factOf(report: DayReport, p: ProviderDay): EventBody<'reconciled'> {
  // An entry of central's that no order here explains has no provider: it is told with the first.
  const mine = report.differences.filter(
    (d) => d.provider === p.provider || (d.provider === '' && p === report.providers[0]),
  );
  const differences: Record<string, number> = {};
  for (const d of mine) differences[d.type] = (differences[d.type] ?? 0) + 1;
  return {
    date: report.date,
    provider: p.provider,
    payments: p.payments,
    refunds: p.refunds,
    reversals: p.reversals,
    differences,
    persons: mine.filter((d) => d.person).length,
  };
}

function lastOf(report: DayReport, atMs: number): LastReconciled {
  const compared = report.providers.filter((p) => p.complete);
  const add = (of: (p: ProviderDay) => number): number => compared.reduce((n, p) => n + of(p), 0);
  return {
    date: report.date,
    atMs,
    providers: PROVIDER_KINDS.filter((kind) => compared.some((p) => p.provider === kind)),
    payments: add((p) => p.payments.count),
    paidFen: add((p) => p.payments.fen),
    refunds: add((p) => p.refunds.count + p.reversals.count),
    refundedFen: add((p) => p.refunds.fen + p.reversals.fen),
    persons: report.persons,
    differences: report.differences.length,
  };
}
