import type { MoneyDay, MoneyFact } from '../../journal/money-day.ts';
import type { LedgerRow } from '../../shared/central-api/index.ts';
import type { Difference } from './report.ts';

/**
 * The day's facts of money against central's ledger: both bear the kiosk's time, so a fact and its
 * entry are of one day.
 */
export function judgeLedger(
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
