import type { MoneyDay, MoneyQuery } from '../../journal/money-day.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import type { LedgerRow } from '../../shared/central-api/index.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { compareDay, numbersIn } from './compare.ts';
import { spanOf } from './judge.ts';
import type { BillOf, DayReport } from './report.ts';

export interface ReconcilePorts {
  readonly terminalId: string;
  /** Those configured, in order. */
  readonly providers: readonly Pick<PaymentProvider, 'kind' | 'downloadBill'>[];
  readonly money: (query: MoneyQuery) => MoneyDay;
  readonly ledger: (date: string) => Promise<Result<readonly LedgerRow[], Failure>>;
  readonly nowMs: () => number;
}

/** A day whose bill did not come is asked for on so many days; after them a person looks for it. */
export const DAYS_ASKED = 3;
/**
 * A neighbour's bill may name another neighbour no more than once: what is not told by then is not
 * told.
 */
const ROUNDS = 2;

/**
 * Fetches what one China day (`YYYY-MM-DD`) is compared by, and compares it. Asks and reads only:
 * no money moves and nothing is written. The error is a sentence for a technician: this day can
 * never be compared here.
 */
export async function reconcileDay(
  date: string,
  ports: ReconcilePorts,
): Promise<Result<DayReport, string>> {
  if (Number.isNaN(chinaDayMs(date))) return err(`${date} is no date`);
  const bills = new Map<string, BillOf>();
  const fetchBill = async (
    provider: ReconcilePorts['providers'][number],
    day: string,
  ): Promise<void> => {
    bills.set(
      `${provider.kind} ${day}`,
      day >= chinaDate(ports.nowMs())
        ? { kind: 'later' }
        : provider.downloadBill === undefined
          ? { kind: 'not-offered' }
          : await provider.downloadBill(day),
    );
  };
  for (const provider of ports.providers) await fetchBill(provider, date);

  const journal = ports.money({
    ...spanOf(date),
    outTradeNos: ports.providers.flatMap((p) =>
      numbersIn(bills.get(`${p.kind} ${date}`) ?? { kind: 'later' }, ports.terminalId),
    ),
  });
  if (journal.terminalId !== ports.terminalId)
    return err(`the journal is terminal ${journal.terminalId}’s`);
  if (journal.keptFromMs !== null && journal.keptFromMs > spanOf(date).fromMs)
    return err('the journal’s facts of that day were pruned; central holds them');
  const ledger = await ports.ledger(date);

  const compare = (): ReturnType<typeof compareDay> =>
    compareDay({
      date,
      journal,
      providers: ports.providers.map((p) => p.kind),
      bill: (provider, day) =>
        bills.get(`${provider} ${day}`) ??
        (ports.providers.some((p) => p.kind === provider)
          ? { kind: 'later' }
          : { kind: 'not-configured' }),
      ledger,
      givenUp: chinaDayMs(chinaDate(ports.nowMs())) - chinaDayMs(date) > DAYS_ASKED * DAY_MS,
    });
  let result = compare();
  for (let round = 0; round < ROUNDS && result.wants.length > 0; round++) {
    for (const want of result.wants) {
      const provider = ports.providers.find((p) => p.kind === want.provider);
      if (provider !== undefined) await fetchBill(provider, want.date);
    }
    result = compare();
  }
  return ok(result.report);
}
