import { DAY_MS } from '../../shared/time.ts';
import { read, select } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import type { InvoicesConfig } from './config.ts';
import { INVOICES, invoicesOf, redOf, standingBlue } from './rows.ts';
import type { InvoiceRow } from './rows.ts';
import { invoiceable } from './sale.ts';
import type { NoInvoice } from './sale.ts';

/**
 * How an order stands with its invoice, for whoever has its slip. offer: it may be asked for; what
 * was asked for before was refused (`refused`) or taken back (`reversed`), if anything was.
 */
export type InvoiceSeen =
  | {
      readonly kind: 'offer';
      readonly amountFen: number;
      readonly seller: string;
      readonly refused: string | null;
      readonly reversed: boolean;
    }
  | { readonly kind: 'under-way' | 'issued' | 'reversing'; readonly row: InvoiceRow }
  | { readonly kind: 'no'; readonly why: NoInvoice; readonly reversed: boolean };

/** Only reads. */
export async function seeInvoice(
  sql: Sql,
  orderId: string,
  config: InvoicesConfig,
  nowMs: number,
): Promise<InvoiceSeen> {
  const rows = await invoicesOf(sql, orderId);
  const row = standingBlue(rows);
  if (row !== null) {
    if (row.state !== 'issued') return { kind: 'under-way', row };
    const red = redOf(rows, row);
    return { kind: red === null || red.state === 'refused' ? 'issued' : 'reversing', row };
  }
  const last = rows.findLast((r) => r.kind === 'blue');
  const reversed = last?.state === 'reversed';
  const may = await invoiceable(sql, orderId, config, nowMs);
  if (typeof may === 'string') return { kind: 'no', why: may, reversed };
  return {
    kind: 'offer',
    amountFen: may.amountFen,
    seller: may.body.seller.name,
    refused: last?.state === 'refused' ? (last.said ?? '') : null,
    reversed,
  };
}

const HOUR_MS = 3_600_000;
/** By then a provider has issued a blue one; the other side has three days to agree to a red one. */
const OVERDUE_MS = { blue: HOUR_MS, red: 3 * DAY_MS } as const;

/** Has it been under way for too long? */
export const isOverdue = (row: InvoiceRow, nowMs: number): boolean =>
  (row.state === 'asked' || row.state === 'pending' || row.state === 'waiting') &&
  nowMs - row.made_ms > OVERDUE_MS[row.kind];

/** What the console's first page tells. */
export interface InvoiceCounts {
  readonly issued: number;
  readonly underWay: number;
  /** Under way for too long. */
  readonly overdue: number;
  /** Red ones that the provider refused, while their blue stands: somebody has to do it otherwise. */
  readonly redRefused: number;
  /** Blue ones that were refused since yesterday, and none was asked for since. */
  readonly blueRefused: number;
  /** Reversals that wait for a second person. */
  readonly toDecide: number;
}

/** Counted by the database. */
export async function countInvoices(sql: Sql, nowMs: number): Promise<InvoiceCounts> {
  const [row] = await sql.query<Record<keyof InvoiceCounts, unknown>>(
    `SELECT
       (SELECT COUNT(*) FROM invoices WHERE kind = 'blue' AND state = 'issued') AS "issued",
       (SELECT COUNT(*) FROM invoices WHERE ${UNDER_WAY}) AS "underWay",
       (SELECT COUNT(*) FROM invoices WHERE ${UNDER_WAY} AND made_ms
         < CASE WHEN kind = 'blue' THEN $1::bigint ELSE $2::bigint END) AS "overdue",
       (SELECT COUNT(*) FROM invoices b WHERE ${RED_REFUSED}) AS "redRefused",
       (SELECT COUNT(*) FROM invoices b WHERE ${BLUE_REFUSED} AND b.ended_ms > $3) AS "blueRefused",
       (SELECT COUNT(*) FROM invoices WHERE asked_who IS NOT NULL) AS "toDecide"`,
    [nowMs - OVERDUE_MS.blue, nowMs - OVERDUE_MS.red, nowMs - DAY_MS],
  );
  const count = (name: keyof InvoiceCounts): number => Number(row?.[name] ?? 0);
  return {
    issued: count('issued'),
    underWay: count('underWay'),
    overdue: count('overdue'),
    redRefused: count('redRefused'),
    blueRefused: count('blueRefused'),
    toDecide: count('toDecide'),
  };
}
const UNDER_WAY = `state IN ('asked', 'pending', 'waiting')`;
/** A blue one that stands, whose last red one was refused. */
const RED_REFUSED = `b.kind = 'blue' AND b.state = 'issued' AND EXISTS (SELECT 1 FROM invoices r
  WHERE r.of_request = b.request_id AND r.state = 'refused') AND NOT EXISTS (SELECT 1 FROM invoices r
  WHERE r.of_request = b.request_id AND r.state IN ('waiting', 'asked', 'pending'))`;
const BLUE_REFUSED = `b.kind = 'blue' AND b.state = 'refused' AND NOT EXISTS (SELECT 1 FROM invoices n
  WHERE n.order_id = b.order_id AND n.kind = 'blue' AND n.made_ms > b.made_ms)`;

/** Which invoices staff looks at. */
export const INVOICE_LISTS = ['stuck', 'under-way', 'issued', 'reversed'] as const;
/** See {@link INVOICE_LISTS}. */
export type InvoiceList = (typeof INVOICE_LISTS)[number];
const LISTS: Readonly<Record<InvoiceList, string>> = {
  stuck: `(b.asked_who IS NOT NULL OR ${RED_REFUSED} OR ${BLUE_REFUSED}
    OR (b.${UNDER_WAY} AND b.made_ms < CASE WHEN b.kind = 'blue' THEN $1::bigint ELSE $2::bigint END))`,
  'under-way': `b.${UNDER_WAY}`,
  issued: `b.kind = 'blue' AND b.state = 'issued'`,
  reversed: `b.state IN ('reversed', 'void') OR b.kind = 'red' AND b.state = 'issued'`,
};

/** The newest hundred of a list. */
export async function listInvoices(
  sql: Sql,
  wanted: InvoiceList,
  nowMs: number,
): Promise<readonly InvoiceRow[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT b.* FROM invoices b WHERE (${LISTS[wanted]}) ORDER BY b.made_ms DESC, b.request_id
     LIMIT 100`,
    wanted === 'stuck' ? [nowMs - OVERDUE_MS.blue, nowMs - OVERDUE_MS.red] : [],
  );
  return rows.map((row) => read(INVOICES, row));
}

/** All that was asked for an order, by one of its requests; empty: there is none such. */
export async function invoiceCase(sql: Sql, requestId: string): Promise<readonly InvoiceRow[]> {
  const [known] = await select(sql, INVOICES, 'request_id = $1', [requestId]);
  return known === undefined ? [] : invoicesOf(sql, known.order_id);
}

/**
 * Deletes what identifies buyers, once the days of it are over: counted from when the request
 * ended, for until then it may have to be sent again.
 */
export const forgetBuyers = (db: Db, keepDays: number, nowMs: number): Promise<unknown> =>
  db.query(
    `UPDATE invoices SET buyer_name = NULL, buyer_tax_no = NULL, said = NULL
     WHERE buyer_name IS NOT NULL AND ended_ms <= $1`,
    [nowMs - keepDays * DAY_MS],
  );
