import type { Keyring } from '../../shared/signatures.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { readReceiptToken, receiptText } from '../../shared/receipt-link.ts';
import type { ReceiptToken } from '../../shared/receipt-link.ts';
import { cardQuoteSchema, creditLineSchema } from '../../shared/sale.ts';
import type { CardKind, CardQuote, CreditLine } from '../../shared/sale.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { KEY_COLUMNS, liveKeys } from '../fleet/keys.ts';
import type { KeyColumns } from '../fleet/keys.ts';

/** What an order's page shows: of the customer nothing beyond the mask that his slip has. */
export interface Receipt {
  readonly orderId: string;
  readonly terminalId: string;
  readonly state: OrderState;
  readonly createdMs: number;
  readonly goods: ReceiptGoods;
  readonly money: {
    /** The sale's sum; the three are in fen. */
    readonly amountFen: number;
    /** What wallets took, a second payment and a late one included. */
    readonly takenFen: number;
    readonly backFen: number;
    /** What the wallet calls the payment; null: it took none yet. */
    readonly walletNumber: string | null;
  };
}
/** What was bought. `shares`: by tier; empty where the fact that tells is not kept. */
export type ReceiptGoods =
  | {
      readonly kind: 'card';
      readonly cardMasked: string;
      readonly cardKind: CardKind;
      readonly unit: 'volume' | 'money';
      readonly quantity: number;
      readonly count: number;
      readonly shares: CardQuote['shares'];
    }
  | {
      readonly kind: 'credit';
      readonly userTail: string;
      readonly payee: string;
      readonly lines: readonly CreditLine[];
    };

/** What a phone gets for a token. `not-arrived`: the terminal did not tell of the order yet. */
export type SeenReceipt =
  | { readonly kind: 'none' }
  | { readonly kind: 'not-arrived'; readonly orderId: string }
  | { readonly kind: 'receipt'; readonly receipt: Receipt };

interface OrderColumns {
  readonly terminal_id: string;
  readonly sale: string;
  readonly card_no: string;
  readonly user_no: string;
  readonly next_count: unknown;
  readonly amount_fen: unknown;
  readonly quantity: unknown;
  readonly unit: string | null;
  readonly state: OrderState;
  readonly created_ms: unknown;
}

/**
 * An order's receipt, for whoever has its slip: the token is signed by the terminal that made the
 * order, or by central's own key, so nobody counts his way to another's. Only reads.
 */
export async function lookReceipt(
  sql: Sql,
  text: string,
  at: {
    readonly nowMs: number;
    readonly keysOf: (publicKeyPem: string) => Keyring;
    readonly answerKeys: Keyring;
  },
): Promise<SeenReceipt> {
  const token = readReceiptToken(text);
  if (token === null) return { kind: 'none' };
  const { orderId, terminalId } = token;
  const [order] = await sql.query<OrderColumns>(
    `SELECT terminal_id, sale, card_no, user_no, next_count, amount_fen, quantity, unit, state,
       created_ms FROM orders WHERE order_id = $1 AND terminal_id = $2`,
    [orderId, terminalId],
  );
  const bornMs = order === undefined ? at.nowMs : num(order.created_ms);
  if (!(await isSigned(sql, token, { ...at, bornMs }))) return { kind: 'none' };
  if (order === undefined) return { kind: 'not-arrived', orderId };
  return { kind: 'receipt', receipt: await receiptOf(sql, orderId, order) };
}

/**
 * By a key that the terminal has, or had when the order began: slips outlive keys. A revoked
 * terminal's customers keep their slips.
 */
async function isSigned(
  sql: Sql,
  { terminalId, orderId, signature }: ReceiptToken,
  at: {
    readonly nowMs: number;
    readonly bornMs: number;
    readonly keysOf: (publicKeyPem: string) => Keyring;
    readonly answerKeys: Keyring;
  },
): Promise<boolean> {
  // Given with an account's last purchases, for who has the card or knows the digits.
  if (at.answerKeys.disbelief(receiptText(orderId), { signature }) === null) return true;
  const [terminal] = await sql.query<KeyColumns>(
    `SELECT ${KEY_COLUMNS} FROM terminals WHERE terminal_id = $1`,
    [terminalId],
  );
  if (terminal === undefined) return false;
  const earlier = await sql.query<{ public_key: string }>(
    'SELECT public_key FROM earlier_keys WHERE terminal_id = $1 AND until_ms > $2',
    [terminalId, at.bornMs],
  );
  const keys = [
    ...liveKeys(terminal, at.nowMs),
    ...liveKeys(terminal, at.bornMs),
    ...earlier.map((row) => row.public_key),
  ];
  return keys.some((key) => at.keysOf(key).disbelief(receiptText(orderId), { signature }) === null);
}

async function receiptOf(sql: Sql, orderId: string, order: OrderColumns): Promise<Receipt> {
  const entries = await sql.query<{ kind: string; fen: unknown; reference: string | null }>(
    `SELECT kind, SUM(amount_fen) AS fen, MIN(reference) AS reference FROM ledger
     WHERE order_id = $1 AND kind IN ('captured', 'captured-extra', 'refunded') GROUP BY kind`,
    [orderId],
  );
  const fenOf = (kind: string): number => num(entries.find((e) => e.kind === kind)?.fen ?? 0);
  return {
    orderId,
    terminalId: order.terminal_id,
    state: order.state,
    createdMs: num(order.created_ms),
    goods:
      order.sale === 'credit'
        ? await creditGoods(sql, orderId, order)
        : await cardGoods(sql, orderId, order),
    money: {
      amountFen: num(order.amount_fen),
      takenFen: fenOf('captured') + fenOf('captured-extra'),
      backFen: fenOf('refunded'),
      walletNumber: entries.find((e) => e.kind === 'captured')?.reference ?? null,
    },
  };
}

async function cardGoods(sql: Sql, orderId: string, order: OrderColumns): Promise<ReceiptGoods> {
  const [fact] = await sql.query<{ body: string }>(
    `SELECT body FROM journal_events
     WHERE kind = 'order-quoted' AND order_id = $1 AND terminal_id = $2 LIMIT 1`,
    [orderId, order.terminal_id],
  );
  const quoted = fact === undefined ? null : cardQuoteSchema.safeParse(JSON.parse(fact.body));
  return {
    kind: 'card',
    cardMasked: maskCardNo(order.card_no),
    unit: order.unit === 'money' ? 'money' : 'volume',
    quantity: num(order.quantity),
    count: num(order.next_count),
    cardKind: (quoted?.success === true ? quoted.data.cardKind : undefined) ?? 'gas',
    shares: quoted?.success === true ? quoted.data.shares : [],
  };
}

async function creditGoods(sql: Sql, orderId: string, order: OrderColumns): Promise<ReceiptGoods> {
  const [posting] = await sql.query<{ payee: string; lines: string }>(
    'SELECT payee, lines FROM postings WHERE order_id = $1',
    [orderId],
  );
  return {
    kind: 'credit',
    userTail: order.user_no.slice(-4),
    payee: posting?.payee ?? '',
    lines: posting === undefined ? [] : creditLineSchema.array().parse(JSON.parse(posting.lines)),
  };
}
