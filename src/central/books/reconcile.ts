import type { LedgerRow } from '../../shared/central-api/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { shiftHash } from '../../shared/shift-hash.ts';
import { DAY_MS, chinaDayMs } from '../../shared/time.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { Apply } from './books.ts';

/**
 * What stands in the ledger of a terminal's captures and refunds of a China day, by the time of its
 * facts.
 */
export async function ledgerOfDay(
  sql: Sql,
  terminalId: string,
  date: string,
): Promise<readonly LedgerRow[]> {
  const fromMs = chinaDayMs(date);
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT kind, order_id, attempt_id, amount_fen, epoch, seq, at_ms FROM ledger
     WHERE terminal_id = $1 AND at_ms >= $2 AND at_ms < $3
       AND kind IN ('captured', 'captured-extra', 'refunded') ORDER BY entry_id`,
    [terminalId, fromMs, fromMs + DAY_MS],
  );
  return rows.map((r) => ({
    kind: r['kind'] as LedgerRow['kind'],
    orderId: String(r['order_id']),
    attemptId: String(r['attempt_id']),
    amountFen: num(r['amount_fen']),
    epoch: num(r['epoch']),
    seq: num(r['seq']),
    atMs: num(r['at_ms']),
  }));
}

/** Keeps what a terminal found in a bill; told again, the last counts. */
export const billReconciled: Apply<'reconciled'> = (books, at, { body }) => {
  const { date, provider, payments, refunds, reversals, differences, persons } = body;
  books.billDays.put({
    terminal_id: at.terminalId,
    provider: provider.replaceAll('\0', '').toWellFormed(),
    date: date.replaceAll('\0', '').toWellFormed(),
    payments: payments.count,
    paid_fen: payments.fen,
    refunds: refunds.count,
    refunded_fen: refunds.fen,
    reversals: reversals.count,
    reversed_fen: reversals.fen,
    differences: JSON.stringify(differences).replaceAll('\\u0000', ''),
    persons,
    told_ms: at.wallMs,
  });
};

export interface Money {
  readonly count: number;
  readonly fen: number;
}
/**
 * One terminal's day as central sees it: facts as uploaded, entries as booked, bills as the
 * terminal told.
 */
export interface TerminalDay {
  readonly terminalId: string;
  readonly journal: { readonly paid: Money; readonly refunded: Money };
  readonly ledger: { readonly paid: Money; readonly refunded: Money };
  /** The shifts that were closed on it; `right`: the statement is what its hash says. */
  readonly shifts: readonly (EventBody<'shift-closed'> & { readonly right: boolean })[];
  readonly bills: readonly {
    readonly provider: string;
    readonly paid: Money;
    readonly back: Money;
    readonly differences: Readonly<Record<string, number>>;
    readonly persons: number;
    readonly toldMs: number;
  }[];
}

/** A shift as a terminal told it; nothing where that has another form. */
function shiftOf(body: unknown): TerminalDay['shifts'] {
  const told = EVENTS['shift-closed'].safeParse(JSON.parse(String(body)));
  return told.success
    ? [{ ...told.data, right: shiftHash(told.data.shift) === told.data.hash }]
    : [];
}

/** All terminals' day (`YYYY-MM-DD`, China's), by terminal. */
export async function reconciledDay(sql: Sql, date: string): Promise<readonly TerminalDay[]> {
  const fromMs = chinaDayMs(date);
  const span = [fromMs, fromMs + DAY_MS];
  const facts = await sql.query<Record<string, unknown>>(
    `SELECT terminal_id, kind, body FROM journal_events WHERE wall_ms >= $1 AND wall_ms < $2
     AND kind IN ('attempt-paid', 'attempt-refunded', 'shift-closed')`,
    span,
  );
  const entries = await sql.query<Record<string, unknown>>(
    `SELECT terminal_id, kind, COUNT(*) AS n, SUM(amount_fen)::bigint AS fen FROM ledger
     WHERE at_ms >= $1 AND at_ms < $2 AND kind IN ('captured', 'captured-extra', 'refunded')
     GROUP BY terminal_id, kind`,
    span,
  );
  const bills = await sql.query<Record<string, unknown>>(
    'SELECT * FROM bill_days WHERE date = $1 ORDER BY terminal_id, provider',
    [date],
  );
  const terminals = await sql.query<{ terminal_id: string }>(
    'SELECT terminal_id FROM terminals ORDER BY terminal_id LIMIT 500',
  );
  return terminals.map(({ terminal_id: terminalId }) => {
    const told = facts.filter((f) => f['terminal_id'] === terminalId);
    const booked = entries.filter((e) => e['terminal_id'] === terminalId);
    const total = (kind: string): Money => {
      const sums = told.flatMap((f) =>
        f['kind'] === kind
          ? [(JSON.parse(String(f['body'])) as { amountFen?: unknown }).amountFen]
          : [],
      );
      return {
        count: sums.length,
        fen: sums.reduce<number>((n, fen) => n + (typeof fen === 'number' ? fen : 0), 0),
      };
    };
    const ledger = (...kinds: readonly string[]): Money => {
      const rows = booked.filter((e) => kinds.includes(String(e['kind'])));
      return {
        count: rows.reduce((n, e) => n + num(e['n']), 0),
        fen: rows.reduce((n, e) => n + num(e['fen']), 0),
      };
    };
    return {
      terminalId,
      journal: { paid: total('attempt-paid'), refunded: total('attempt-refunded') },
      ledger: { paid: ledger('captured', 'captured-extra'), refunded: ledger('refunded') },
      shifts: told.flatMap((f) => (f['kind'] === 'shift-closed' ? shiftOf(f['body']) : [])),
      bills: bills
        .filter((b) => b['terminal_id'] === terminalId)
        .map((b) => ({
          provider: String(b['provider']),
          paid: { count: num(b['payments']), fen: num(b['paid_fen']) },
          back: {
            count: num(b['refunds']) + num(b['reversals']),
            fen: num(b['refunded_fen']) + num(b['reversed_fen']),
          },
          differences: JSON.parse(String(b['differences'])) as Record<string, number>,
          persons: num(b['persons']),
          toldMs: num(b['told_ms']),
        })),
    };
  });
}
