import { sameName } from '../../shared/same-name.ts';
import { insertRows } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import type { InvoicesConfig } from './config.ts';
import type { RedReason } from './provider.ts';
import { INVOICES, invoicesOf, lockInvoices, redOf, standingBlue } from './rows.ts';
import type { InvoiceRow } from './rows.ts';
import { invoiceable } from './sale.ts';
import type { NoInvoice } from './sale.ts';
import type { Buyer } from './title.ts';

/**
 * What is wanted of an order's invoices, by its customer, by two persons, or by the books. All of
 * it is stored, and nothing is sent: that is the worker's (`sender.ts`).
 */

/** More refused ones than any typing error makes: from then on the counter does it. */
const MAX_BLUES = 20;

/**
 * Ids are counted by order and kind, so that a database that goes on from a backup asks again under
 * the id that it had used, and is told what was issued.
 */
const idOf = (rows: readonly InvoiceRow[], orderId: string, kind: InvoiceRow['kind']): string =>
  `${orderId}-${kind === 'blue' ? 'B' : 'R'}${rows.filter((row) => row.kind === kind).length + 1}`;

/** A request as it begins. */
const asked = (row: Partial<InvoiceRow> & Pick<InvoiceRow, NeededOf>): InvoiceRow => ({
  of_request: null,
  buyer_kind: null,
  buyer_name: null,
  buyer_tax_no: null,
  number: null,
  issued_ms: null,
  url: null,
  said: null,
  sent_ms: null,
  ended_ms: null,
  look_ms: row.made_ms,
  who: null,
  why: null,
  second_who: null,
  asked_who: null,
  asked_why: null,
  asked_ms: null,
  ...row,
});
type NeededOf =
  | 'request_id'
  | 'order_id'
  | 'attempt_id'
  | 'kind'
  | 'state'
  | 'amount_fen'
  | 'body'
  | 'made_ms';

/** What became of a customer's wish. `stands`: there is one already, another's wish it may be. */
export type BlueAsked =
  | { readonly kind: 'asked' | 'stands'; readonly row: InvoiceRow }
  | { readonly kind: 'no'; readonly why: NoInvoice | 'too-often' };

/**
 * A customer wants an invoice: stored, to be sent. Of two phones that ask at once one waits for the
 * other, and finds what that one asked for; the database's own index says the same.
 */
export const askBlue = (
  db: Db,
  orderId: string,
  buyer: Buyer,
  config: InvoicesConfig,
  nowMs: number,
): Promise<BlueAsked> =>
  db.transaction(async (tx) => {
    await lockInvoices(tx, orderId);
    const rows = await invoicesOf(tx, orderId);
    const stands = standingBlue(rows);
    if (stands !== null) return { kind: 'stands', row: stands };
    if (rows.filter((row) => row.kind === 'blue').length >= MAX_BLUES)
      return { kind: 'no', why: 'too-often' };
    const may = await invoiceable(tx, orderId, config, nowMs);
    if (typeof may === 'string') return { kind: 'no', why: may };
    const row = asked({
      request_id: idOf(rows, orderId, 'blue'),
      order_id: orderId,
      attempt_id: may.attemptId,
      kind: 'blue',
      state: 'asked',
      amount_fen: may.amountFen,
      body: JSON.stringify(may.body),
      buyer_kind: buyer.kind,
      buyer_name: buyer.name,
      buyer_tax_no: buyer.taxNo,
      made_ms: nowMs,
    });
    await insertRows(tx, INVOICES, [row]);
    return { kind: 'asked', row };
  });

/** Whose word it is that an invoice is taken back. `second` null: it is the books'. */
export interface RedWanted {
  readonly who: string;
  readonly second: string | null;
  readonly why: string;
  readonly reason: RedReason;
}
/**
 * The order's invoice is to be taken back, if there is one, and unless it is being already. The
 * caller has the order's lock.
 *
 * @returns whether an invoice stands
 */
export async function wantRed(
  tx: Sql,
  orderId: string,
  wanted: RedWanted,
  nowMs: number,
): Promise<boolean> {
  const rows = await invoicesOf(tx, orderId);
  const blue = standingBlue(rows);
  if (blue === null) return false;
  const last = redOf(rows, blue);
  if (last !== null && last.state !== 'refused') return true;
  await insertRows(tx, INVOICES, [
    asked({
      request_id: idOf(rows, orderId, 'red'),
      order_id: orderId,
      attempt_id: blue.attempt_id,
      kind: 'red',
      of_request: blue.request_id,
      // Until it is known whether there is anything to take back.
      state: blue.state === 'issued' ? 'asked' : 'waiting',
      amount_fen: blue.amount_fen,
      body: JSON.stringify(wanted.reason),
      made_ms: nowMs,
      who: wanted.who,
      why: wanted.why,
      second_who: wanted.second,
    }),
  ]);
  return true;
}

/** One person's word that an issued invoice is taken back, so that another can be made. */
export interface Reversal {
  readonly requestId: string;
  /** `drop`: what the first one asked for is not wanted any more; anybody may say so. */
  readonly verdict: 'reverse' | 'drop';
  readonly who: string;
  readonly why: string;
}
/** `asked`: a second person says the same, then it is sent · `gone`: there is nothing to take back. */
export type Reversed = 'done' | 'asked' | 'same-person' | 'gone';

/** Two persons take an issued invoice back: one alone could take every customer's from him. */
export const reverse = (db: Db, told: Reversal, nowMs: number): Promise<Reversed> =>
  db.transaction(async (tx) => {
    const [known] = await tx.query<{ order_id: string }>(
      'SELECT order_id FROM invoices WHERE request_id = $1',
      [told.requestId],
    );
    if (known === undefined) return 'gone';
    await lockInvoices(tx, known.order_id);
    const rows = await invoicesOf(tx, known.order_id);
    const blue = rows.find((row) => row.request_id === told.requestId);
    if (blue?.kind !== 'blue' || blue.state !== 'issued') return 'gone';
    const red = redOf(rows, blue);
    if (red !== null && red.state !== 'refused') return 'gone';
    const first = blue.asked_who;
    if (told.verdict === 'drop') {
      if (first === null) return 'gone';
      await settleAsked(tx, told.requestId);
      return 'done';
    }
    if (first === null) {
      await tx.query(
        `UPDATE invoices SET asked_who = $2, asked_why = $3, asked_ms = $4 WHERE request_id = $1`,
        [told.requestId, told.who, told.why, nowMs],
      );
      return 'asked';
    }
    if (sameName(first, told.who)) return 'same-person';
    const why = `${blue.asked_why ?? ''}；${told.why}`;
    const wanted = { who: first, second: told.who, why, reason: 'title' } as const;
    await wantRed(tx, known.order_id, wanted, nowMs);
    // Should it be refused, both are asked again.
    await settleAsked(tx, told.requestId);
    return 'done';
  });

const settleAsked = (tx: Sql, requestId: string): Promise<unknown> =>
  tx.query(
    `UPDATE invoices SET asked_who = NULL, asked_why = NULL, asked_ms = NULL
     WHERE request_id = $1`,
    [requestId],
  );
