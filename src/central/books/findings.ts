import { formatQuantity } from '../../shared/money.ts';
import { bool, num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import type { AccountRow, OrderRow } from '../sale/tables.ts';
import type { Books, Place } from './books.ts';
import type { Judged } from './offline-sales.ts';
import type { FindingReason } from './tables.ts';

/**
 * What the books find of a sale when its gas is on the card. It is counted like every other:
 * nothing here refuses or holds up a delivery.
 *
 * - `over-known-limit`: offline its kiosk sold more than the bounds that it had been told, less its
 *   own deliveries since. No program of ours does: somebody looks at that terminal.
 * - `over-limit-since`: the period's limit is passed by what others sold meanwhile, or by what the
 *   limit became. Its kiosk could not know.
 * - `tariff-announced-since`: offline it sold by the price that it had been told, after another had
 *   begun that was announced later. It could not know either.
 *
 * @param usedAfter what the account bought in the limit's period with this sale; null: no limit
 */
export function findOf(
  books: Books,
  at: Place,
  order: OrderRow,
  account: AccountRow,
  usedAfter: number | null,
): void {
  const { room, tariff } = order.judged === null ? {} : (JSON.parse(order.judged) as Judged);
  const say = (reason: FindingReason, accuses: boolean, detail: string): void =>
    books.findings.put({
      order_id: order.order_id,
      reason,
      terminal_id: order.terminal_id,
      user_no: order.user_no,
      detail,
      accuses,
      at_ms: at.nowMs,
    });
  const limit = account.limit_quantity;
  if (room !== undefined && order.quantity > room)
    say(
      'over-known-limit',
      true,
      `售出 ${formatQuantity(order.quantity)}，终端当时知道最多可售 ${formatQuantity(room)}`,
    );
  else if (usedAfter !== null && limit !== null && usedAfter > limit)
    say(
      'over-limit-since',
      false,
      `本期共 ${formatQuantity(usedAfter)}，限额 ${formatQuantity(limit)}；终端当时不知道`,
    );
  if (tariff !== undefined)
    say(
      'tariff-announced-since',
      false,
      `按第 ${tariff.sold} 版价格售出，当时执行的是第 ${tariff.held} 版；终端断线前没有收到这次变更`,
    );
}

/** A finding that nobody has settled. */
export interface Finding {
  readonly orderId: string;
  readonly reason: FindingReason;
  readonly terminalId: string;
  readonly userNo: string;
  readonly detail: string;
  readonly accuses: boolean;
  readonly atMs: number;
}

/** The hundred that were found first among those that accuse, then among the others. */
export async function openFindings(sql: Sql): Promise<readonly Finding[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT * FROM sale_findings WHERE settled_ms IS NULL
     ORDER BY accuses DESC, at_ms, order_id, reason LIMIT 100`,
  );
  return rows.map((r) => ({
    orderId: String(r['order_id']),
    reason: r['reason'] as FindingReason,
    terminalId: String(r['terminal_id']),
    userNo: String(r['user_no']),
    detail: String(r['detail']),
    accuses: bool(r['accuses']),
    atMs: num(r['at_ms']),
  }));
}

/**
 * A person has looked at it.
 *
 * @returns false: there is no such open finding
 */
export async function settleFinding(
  db: Db,
  told: {
    readonly orderId: string;
    readonly reason: string;
    readonly who: string;
    readonly why: string;
  },
  nowMs: number,
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE sale_findings SET settled_ms = $3, settled_who = $4, settled_why = $5
     WHERE order_id = $1 AND reason = $2 AND settled_ms IS NULL RETURNING order_id`,
    [told.orderId, told.reason, nowMs, told.who, told.why],
  );
  return rows.length > 0;
}
