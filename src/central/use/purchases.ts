import type { Purchase } from '../../shared/central-api/index.ts';
import { SHOWN_PURCHASES, standsOf } from '../../shared/my-account.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { creditLineSchema } from '../../shared/sale.ts';
import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

interface Row {
  readonly order_id: string;
  readonly terminal_id: string;
  readonly sale: string;
  readonly amount_fen: unknown;
  readonly quantity: unknown;
  readonly unit: string | null;
  readonly next_count: unknown;
  readonly state: OrderState;
  readonly created_ms: unknown;
  readonly lines: string | null;
  readonly at_meter: unknown;
}

const CARD: Purchase['kinds'] = ['card'];

/** The newest paid orders of an account, whichever of its cards or bills they were for. */
export async function lastPurchases(
  sql: Sql,
  userNo: string,
  receiptOf: (orderId: string) => string | null,
): Promise<readonly Purchase[]> {
  const rows = await sql.query<Row>(
    `SELECT o.order_id, o.terminal_id, o.sale, o.amount_fen, o.quantity, o.unit, o.next_count,
       o.state, o.created_ms, p.lines, EXISTS (SELECT 1 FROM meter_commands m
         WHERE m.order_id = o.order_id AND m.state = 'done') AS at_meter
     FROM orders o LEFT JOIN postings p ON p.order_id = o.order_id
     WHERE o.user_no = $1 AND o.user_no <> ''
       -- What two persons moved is no purchase of this account's, and its receipt another's.
       AND COALESCE((SELECT a.to_user FROM credit_acts a WHERE a.order_id = o.order_id
         AND a.kind = 'move' AND a.state = 'done' ORDER BY a.id DESC LIMIT 1), $1) = $1
       AND o.state NOT IN ('quoted', 'collecting', 'closed')
     ORDER BY o.created_ms DESC, o.order_id DESC LIMIT ${SHOWN_PURCHASES}`,
    [userNo],
  );
  return rows.flatMap((row) => {
    const credit = row.sale === 'credit';
    const stands = standsOf(row.state, credit);
    if (stands === null) return [];
    return [
      {
        orderId: row.order_id,
        terminalId: row.terminal_id,
        atMs: num(row.created_ms),
        kinds: credit ? kindsOf(row.lines) : CARD,
        amountFen: num(row.amount_fen),
        quantity: credit ? null : num(row.quantity),
        unit: row.unit === 'money' || credit ? ('money' as const) : ('volume' as const),
        count: credit ? null : num(row.next_count),
        stands: stands === 'credited' && bool(row.at_meter) ? ('at-meter' as const) : stands,
        receipt: receiptOf(row.order_id),
      },
    ];
  });
}

/** A posting whose lines were lost is still a payment to the account. */
function kindsOf(lines: string | null): Purchase['kinds'] {
  const parsed = creditLineSchema.array().safeParse(JSON.parse(lines ?? '[]'));
  const kinds = [...new Set((parsed.success ? parsed.data : []).map((line) => line.kind))];
  return kinds.length === 0 ? ['balance'] : kinds;
}
