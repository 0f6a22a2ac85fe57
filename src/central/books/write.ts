import { anyOf, deleteRows, insertRows, list, updateRows, upsertRows } from '../db/sets.ts';
import type { Table } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { lookAtInvoices } from '../invoices/bar.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS, METER_COMMANDS, POSTINGS } from '../sale/credit-tables.ts';
import {
  ACCOUNT_USE,
  ACCOUNTS,
  CLAIMS,
  COMPANY_PURCHASES,
  ORDERS,
  RESERVES,
} from '../sale/tables.ts';
import type { Books } from './books.ts';
import { numberPurchases } from './company-purchases.ts';
import type { Rows } from './rows.ts';
import {
  BILL_DAYS,
  HAND_REQUESTS,
  LEDGER,
  PAYMENT_EVIDENCE,
  SALE_FINDINGS,
  TERMINAL_NOTES,
} from './tables.ts';

/** Writes what was changed, table by table, in the transaction that loaded it. */
export async function write(tx: Sql, terminalId: string, books: Books): Promise<void> {
  const told = numberPurchases(books);
  await writeRows(tx, ORDERS, books.orders);
  await writeRows(tx, ACCOUNTS, books.accounts);
  await insertRows(tx, COMPANY_PURCHASES, told);
  await writeRows(tx, CREDIT_ACCOUNTS, books.creditAccounts);
  await writeRows(tx, CREDIT_ITEMS, books.creditItems);
  await writeRows(tx, POSTINGS, books.postings);
  await writeRows(tx, METER_COMMANDS, books.meterCommands);
  await writeRows(tx, ACCOUNT_USE, books.use);
  await writeRows(tx, RESERVES, books.reserves);
  await writeRows(tx, CLAIMS, books.claims);
  const back = books.ledger.changes().inserted.filter((entry) => entry.kind === 'refunded');
  await writeRows(tx, LEDGER, books.ledger);
  await lookAtInvoices(
    tx,
    back.map((entry) => entry.order_id),
  );
  await writeRows(tx, PAYMENT_EVIDENCE, books.evidence);
  await writeRows(tx, HAND_REQUESTS, books.requests);
  await writeRows(tx, TERMINAL_NOTES, books.notes);
  await writeRows(tx, SALE_FINDINGS, books.findings);
  await upsertRows(tx, BILL_DAYS, books.billDays.all());
  if (books.alarmChanged)
    await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [
      terminalId,
      books.alarm,
    ]);
  if (books.releasedQuotes.size > 0)
    await tx.query(`UPDATE quotes SET state = 'released' WHERE order_id ${anyOf('$1')}`, [
      list(books.releasedQuotes),
    ]);
}

async function writeRows<T extends Table>(tx: Sql, table: T, rows: Rows<T>): Promise<void> {
  const { inserted, updated, removed } = rows.changes();
  await deleteRows(tx, table, removed);
  await updateRows(tx, table, updated);
  await insertRows(tx, table, inserted);
}
