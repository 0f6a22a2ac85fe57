import type { PaidBy } from '../../shared/central-api/index.ts';
import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import { attemptOf } from '../../shared/order-id.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import type { Trust } from '../books/trust.ts';
import type { OrderRecord } from './card-records.ts';

/**
 * So many times card keys compute for one order: three writes at each of two kiosks, of two
 * challenges each. Whoever asks on tries something else.
 */
export const MAX_CHALLENGES = 12;

/** A sale that keys are asked for. */
export interface PaidSale {
  readonly orderId: string;
  readonly amountFen: number;
  /** Whose order it is. */
  readonly terminalId: string;
}

/**
 * A sale is written once somebody who can know it says that it was paid: it stands in the books, or
 * comes with the request, since a kiosk's journal may be on its way. The evidence's row is locked:
 * of a key and a refund that are asked for at once one finds the other.
 *
 * @throws Refusal(not-yet) where nothing is known yet; Refusal(key-refused) where its money went
 *   back, or the evidence is none
 */
export async function refuseUnpaid(
  tx: Sql,
  trust: Trust,
  sale: PaidSale,
  paid: PaidBy | undefined,
  nowMs: number,
): Promise<void> {
  if (paid !== undefined) await takeProof(tx, trust, sale, paid, nowMs);
  const known = await tx.query<{ amount_fen: unknown; returned_ms: unknown }>(
    `SELECT amount_fen, returned_ms FROM payment_evidence
     WHERE order_id = $1 AND merchant = '${HOUSE_MERCHANT}'
     ORDER BY wallet, wallet_number FOR NO KEY UPDATE`,
    [sale.orderId],
  );
  const whole = known.filter((e) => num(e.amount_fen) === sale.amountFen);
  if (whole.some((e) => numOrNull(e.returned_ms) === null)) return;
  if (whole.length > 0) throw new Refusal('key-refused', 'the sale’s payment was handed back');
  throw new Refusal('not-yet', 'no evidence of the sale’s payment is known here yet');
}

async function takeProof(
  tx: Sql,
  trust: Trust,
  sale: PaidSale,
  paid: PaidBy,
  nowMs: number,
): Promise<void> {
  const read = trust.proof(paid.evidence);
  if (!read.ok) {
    if (read.error === 'unknown-key') return;
    throw new Refusal('key-refused', 'the evidence of payment proves nothing');
  }
  const { wallet, walletNumber, outTradeNo, amountFen, paidMs, issuedTo, merchant } = read.value;
  const attemptId = attemptOf(sale.orderId, outTradeNo);
  if (
    attemptId === null ||
    merchant !== HOUSE_MERCHANT ||
    amountFen !== sale.amountFen ||
    (issuedTo !== null &&
      (issuedTo.orderId !== sale.orderId || issuedTo.terminalId !== sale.terminalId))
  )
    throw new Refusal('key-refused', 'the evidence is of another payment');
  await tx.query(
    `INSERT INTO payment_evidence
       (wallet, wallet_number, order_id, attempt_id, terminal_id, amount_fen, at_ms, paid_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [wallet, walletNumber, sale.orderId, attemptId, sale.terminalId, amountFen, nowMs, paidMs],
  );
}

/** By which verbs a card's keys were computed for the order: what was given may be on the card. */
export async function keysGiven(sql: Sql, orderId: string): Promise<readonly string[]> {
  const rows = await sql.query<{ verb: string }>(
    'SELECT DISTINCT verb FROM key_uses WHERE order_id = $1 AND granted ORDER BY verb',
    [orderId],
  );
  return rows.map((r) => r.verb);
}

/**
 * The order's one record is fixed at the first grant; every later one is for that very record,
 * whoever asks. Only its date may move on: a journal that came back from a backup plans its write
 * anew, and a date gives nobody gas.
 *
 * @throws Refusal(key-refused) where it is another one, or too many were computed
 */
export async function fixRecord(tx: Sql, orderId: string, record: OrderRecord): Promise<void> {
  await tx.query(
    `INSERT INTO order_records (order_id, challenges) VALUES ($1, 0) ON CONFLICT DO NOTHING`,
    [orderId],
  );
  const fixed = (
    await tx.query<{ record: string | null; dated: string | null; challenges: unknown }>(
      `SELECT record, dated, challenges FROM order_records WHERE order_id = $1 FOR UPDATE`,
      [orderId],
    )
  )[0];
  if (fixed === undefined) throw new Refusal('internal', 'the record is gone');
  if (num(fixed.challenges) >= MAX_CHALLENGES)
    throw new Refusal('key-refused', `asked for more than ${MAX_CHALLENGES} times`);
  const { text, dated } = record;
  if (
    text !== null &&
    fixed.record !== null &&
    (fixed.record !== text || dated < (fixed.dated ?? ''))
  )
    throw new Refusal('key-refused', 'another record was fixed for this order');
  await tx.query(
    `UPDATE order_records SET record = COALESCE($2, record),
       dated = CASE WHEN $2 IS NULL THEN dated ELSE $3 END, challenges = challenges + 1
     WHERE order_id = $1`,
    [orderId, text, dated],
  );
}
