import { maskUserNo } from '../../shared/mask.ts';
import { formatQuantity } from '../../shared/money.ts';
import { HOUSE_PAYEE } from '../../shared/sale.ts';
import type { CreditLine } from '../../shared/sale.ts';
import { DAY_MS } from '../../shared/time.ts';
import { anyOf, list, select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { heldAt } from '../sale/credit-held.ts';
import {
  BALANCE_ITEM,
  CREDIT_ACCOUNTS,
  CREDIT_ACTS,
  CREDIT_ITEMS,
  POSTINGS,
} from '../sale/credit-tables.ts';
import type { PostingRow } from '../sale/credit-tables.ts';
import { ORDERS } from '../sale/tables.ts';
import type { OrderRow } from '../sale/tables.ts';
import { goodsOf } from './config.ts';
import type { InvoiceGoods, InvoicesConfig } from './config.ts';
import type { InvoiceBody, InvoiceLine } from './provider.ts';

/** What was paid for an order and kept. */
export interface Kept {
  /** The payment that the order took; a second or late one is none of it. */
  readonly attemptId: string;
  /** Without what went back of it, fen. */
  readonly fen: number;
  /** It is on its way back, or somebody wants it to be: no invoice is made of it any more. */
  readonly leaving: boolean;
}

/** Null: the order took no money. */
export async function keptOfOrder(sql: Sql, orderId: string): Promise<Kept | null> {
  const [row] = await sql.query<{
    attempt_id: string;
    captured: unknown;
    back: unknown;
    adjusted: unknown;
    leaving: unknown;
  }>(
    `SELECT c.attempt_id, c.amount_fen AS captured,
       (SELECT COALESCE(SUM(r.amount_fen), 0)::bigint FROM ledger r WHERE r.order_id = c.order_id
         AND r.attempt_id = c.attempt_id AND r.kind = 'refunded') AS back,
       (SELECT COALESCE(SUM(a.amount_fen), 0)::bigint FROM ledger a WHERE a.order_id = c.order_id
         AND a.kind = 'adjustment' AND a.amount_fen < 0) AS adjusted,
       (SELECT COUNT(*) FROM payment_evidence e WHERE e.order_id = c.order_id
         AND e.attempt_id = c.attempt_id AND e.returned_ms IS NOT NULL)
       + (SELECT COUNT(*) FROM hand_requests h WHERE h.order_id = c.order_id
         AND (h.attempt_id = c.attempt_id OR h.whole_order) AND h.state <> 'refused'
         AND h.how IN ('refunded-by-hand', 'refund-by-gateway')) AS leaving
     FROM ledger c WHERE c.order_id = $1 AND c.kind = 'captured' LIMIT 1`,
    [orderId],
  );
  if (row === undefined) return null;
  const fen = Math.max(0, num(row.captured) - num(row.back) + num(row.adjusted));
  return { attemptId: row.attempt_id, fen, leaving: num(row.leaving) > 0 };
}

/**
 * Why an order has no invoice here. not-delivered: not yet, or its payment is one terminal's word
 * only · not-offered: not configured for all that it sold · money-back · too-late.
 */
export type NoInvoice = 'not-delivered' | 'not-offered' | 'money-back' | 'too-late';

/** What an order's invoice would be. */
export interface Invoiceable {
  readonly attemptId: string;
  readonly amountFen: number;
  readonly body: InvoiceBody;
}

/** What an invoice of the order would say now, or why there is none. The caller locks. */
export async function invoiceable(
  sql: Sql,
  orderId: string,
  config: InvoicesConfig,
  nowMs: number,
): Promise<Invoiceable | NoInvoice> {
  const [order] = await select(sql, ORDERS, 'order_id = $1', [orderId]);
  // A delivery that only a terminal's word paid for moves a count and no money.
  if (order?.state !== 'delivered' || order.unproven) return 'not-delivered';
  const sold = await soldBy(sql, order);
  const seller = sold === null ? undefined : config.sellers[sold.payee];
  const lines = sold?.pieces.map((piece) => ({
    piece,
    goods: goodsOf(config, sold.payee, piece.kind, order.layout),
  }));
  if (seller === undefined || lines === undefined || lines.some((l) => l.goods === null))
    return 'not-offered';
  const kept = await keptOfOrder(sql, orderId);
  if (kept === null || kept.leaving || kept.fen === 0) return 'money-back';
  if (nowMs - order.created_ms > config.withinDays * DAY_MS) return 'too-late';
  const wanted = lines.map((l) => ({ ...l, goods: l.goods as InvoiceGoods }));
  return {
    attemptId: kept.attemptId,
    amountFen: kept.fen,
    body: {
      seller,
      lines: capped(
        wanted.map((l) => lineOf(l.piece, l.goods)),
        kept.fen,
      ),
      remark: `户号 ${maskUserNo(sold?.userNo ?? order.user_no)}`,
    },
  };
}

/** One thing of a sale. */
interface Piece {
  readonly kind: CreditLine['kind'] | 'card';
  readonly period: string;
  readonly amountFen: number;
  /** As a card counts it; null: a sum only. */
  readonly quantity: number | null;
}

interface Sold {
  readonly payee: string;
  /** Where it stands: after a move, the account that was meant. */
  readonly userNo: string;
  readonly pieces: readonly Piece[];
}
/** What an order sold, by its payee; null: central does not know it any more. */
async function soldBy(sql: Sql, order: OrderRow): Promise<Sold | null> {
  if (order.sale === 'card') {
    const quantity = order.unit === 'volume' ? order.quantity : null;
    const piece = { kind: 'card', period: '', amountFen: order.amount_fen, quantity } as const;
    return { payee: HOUSE_PAYEE, userNo: order.user_no, pieces: [piece] };
  }
  const [posting] = await select(sql, POSTINGS, 'order_id = $1', [order.order_id]);
  if (posting?.state !== 'posted') return null;
  const moved = await movedTo(sql, posting);
  if (moved !== null) return moved;
  const lines = JSON.parse(posting.lines) as readonly CreditLine[];
  const pieces = lines.map((line) => ({ ...line, quantity: null }));
  return { payee: posting.payee, userNo: posting.user_no, pieces };
}

/** What it stands for since two persons moved it; null: nobody did. */
async function movedTo(sql: Sql, posting: PostingRow): Promise<Sold | null> {
  const moves = await select(
    sql,
    CREDIT_ACTS,
    `order_id = $1 AND kind = 'move' AND state = 'done'`,
    [posting.order_id],
  );
  if (moves.length === 0) return null;
  const { userNo, lines } = heldAt(posting, moves);
  const [account] = await select(sql, CREDIT_ACCOUNTS, 'user_no = $1', [userNo]);
  const bills = await select(sql, CREDIT_ITEMS, `item ${anyOf('$1')}`, [
    list(lines.map((line) => line.item)),
  ]);
  const pieces = lines.map(({ item, amountFen }): Piece => {
    const bill = item === BALANCE_ITEM ? undefined : bills.find((b) => b.item === item);
    const kind = bill?.kind ?? (account?.meter_no == null ? 'prepay' : 'balance');
    return { kind, period: bill?.period ?? '', amountFen, quantity: null };
  });
  return { payee: posting.payee, userNo, pieces };
}

/** A sum that is not taxed yet has no quantity: nothing was supplied (prepaid, class 601). */
function lineOf(piece: Piece, { classCode, name, unit, tax }: InvoiceGoods): InvoiceLine {
  const counted = unit !== undefined && piece.quantity !== null && tax.kind !== 'not-taxed';
  return {
    classCode,
    name,
    spec: piece.period,
    quantity: counted ? formatQuantity(piece.quantity) : null,
    unit: counted ? unit : null,
    amountFen: piece.amountFen,
    tax,
  };
}

/** So much of them as was kept: what went back is taken off from the end, and counts nothing. */
function capped(lines: readonly InvoiceLine[], keptFen: number): readonly InvoiceLine[] {
  let left = keptFen;
  return lines.flatMap((line) => {
    const amountFen = Math.min(line.amountFen, left);
    left -= amountFen;
    if (amountFen === line.amountFen) return [line];
    return amountFen === 0 ? [] : [{ ...line, amountFen, quantity: null, unit: null }];
  });
}
