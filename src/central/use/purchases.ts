import type { Purchase } from '../../shared/central-api/index.ts';
import { SHOWN_PURCHASES, standsOf } from '../../shared/my-account.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { creditLineSchema } from '../../shared/sale.ts';
import type { CreditKind } from '../../shared/sale.ts';
import { anyOf, list, select } from '../db/sets.ts';
import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { heldLines } from '../sale/credit-held.ts';
import { CREDIT_ITEMS } from '../sale/credit-tables.ts';

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
  /** Of what two persons moved here: its lines as they stand at this account; null: nothing was. */
  readonly moved_lines: string | null;
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
         WHERE m.order_id = o.order_id AND m.state = 'done') AS at_meter,
       (SELECT a.to_lines FROM credit_acts a WHERE a.order_id = o.order_id AND a.kind = 'move'
         AND a.state = 'done' AND o.user_no <> $1 ORDER BY a.id DESC LIMIT 1) AS moved_lines
     FROM orders o LEFT JOIN postings p ON p.order_id = o.order_id
     WHERE (o.user_no = $1 OR o.order_id IN (SELECT a.order_id FROM credit_acts a
         WHERE a.to_user = $1 AND a.kind = 'move' AND a.state = 'done'))
       AND $1 <> ''
       -- What two persons moved is the purchase of the account that was meant.
       AND COALESCE((SELECT a.to_user FROM credit_acts a WHERE a.order_id = o.order_id
         AND a.kind = 'move' AND a.state = 'done' ORDER BY a.id DESC LIMIT 1), o.user_no) = $1
       AND o.state NOT IN ('quoted', 'collecting', 'closed')
     ORDER BY o.created_ms DESC, o.order_id DESC LIMIT ${SHOWN_PURCHASES}`,
    [userNo],
  );
  const kinds = await billKinds(sql, userNo, rows);
  return rows.flatMap((row) => {
    const credit = row.sale === 'credit';
    const stands = standsOf(row.state, credit);
    if (stands === null) return [];
    return [
      {
        orderId: row.order_id,
        terminalId: row.terminal_id,
        atMs: num(row.created_ms),
        kinds: credit ? kindsOf(row.lines, row.moved_lines, kinds) : CARD,
        amountFen: num(row.amount_fen),
        quantity: credit ? null : num(row.quantity),
        unit: row.unit === 'money' || credit ? ('money' as const) : ('volume' as const),
        count: credit ? null : num(row.next_count),
        stands: stands === 'credited' && bool(row.at_meter) ? ('at-meter' as const) : stands,
        // The paper of what was moved here names another's account.
        receipt: row.moved_lines === null ? receiptOf(row.order_id) : null,
      },
    ];
  });
}

/** Of the bills that moved payments pay here, what they are for. */
async function billKinds(
  sql: Sql,
  userNo: string,
  rows: readonly Row[],
): Promise<ReadonlyMap<string, CreditKind>> {
  const items = rows.flatMap((row) => heldLines(row.moved_lines ?? '[]').map((l) => l.item));
  if (items.length === 0) return new Map();
  const found = await select(sql, CREDIT_ITEMS, `user_no = $1 AND item ${anyOf('$2')}`, [
    userNo,
    list(items),
  ]);
  return new Map(found.map(({ item, kind }) => [item, kind]));
}

/** A posting whose lines were lost is still a payment to the account. */
function kindsOf(
  lines: string | null,
  moved: string | null,
  bills: ReadonlyMap<string, CreditKind>,
): Purchase['kinds'] {
  const parsed = creditLineSchema.array().safeParse(JSON.parse(lines ?? '[]'));
  const own = parsed.success ? parsed.data : [];
  const all =
    moved === null
      ? own.map((line) => line.kind)
      : heldLines(moved).flatMap(({ item }) => bills.get(item) ?? ('balance' as const));
  const kinds = [...new Set(all)];
  return kinds.length === 0 ? ['balance'] : kinds;
}
