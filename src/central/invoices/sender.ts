import type { LogFn } from '../../shared/ports.ts';
import { select } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import { inTurn } from '../db/turns.ts';
import { wantRed } from './ask.ts';
import type { InvoiceAnswer, InvoiceBody, InvoiceProvider, RedReason } from './provider.ts';
import { INVOICES, invoicesOf, lockInvoices, redOf } from './rows.ts';
import type { InvoiceRow } from './rows.ts';
import { keptOfOrder } from './sale.ts';

/** Takes requests to the provider, and hears what became of them. */
export interface InvoiceSender {
  /** Goes one step on with an order's invoices; one step at a time, whoever calls. */
  readonly deliver: (orderId: string) => Promise<void>;
  /** … with each that is due. Never rejects for one of them. */
  readonly sweep: () => Promise<void>;
}

const FIRST_LOOK_MS = 5_000;
const MAX_LOOK_MS = 3_600_000;
const SWEEP_ROWS = 50;
/** So often without an answer, and the provider is left alone until the next sweep. */
const SILENT = 3;

/**
 * A request is stored as sent before it is. Whose outcome is not known is asked about under its id;
 * only an id that the provider says it never heard of is sent again, the same. What is issued is
 * held against the money once more, for some of it may have gone back meanwhile.
 */
export function invoiceSender(
  db: () => Db,
  provider: InvoiceProvider,
  now: () => number,
  log?: LogFn,
): InvoiceSender {
  const turn = inTurn(db);
  let silent = 0;
  const deliver = (orderId: string): Promise<void> =>
    turn(`invoices ${orderId}`, () => steps(orderId));

  async function steps(orderId: string): Promise<void> {
    const due = await select(
      db(),
      INVOICES,
      'order_id = $1 AND look_ms <= $2 ORDER BY made_ms, request_id',
      [orderId, now()],
    );
    for (const { request_id } of due) {
      const next = await db().transaction((tx) => nextOf(tx, orderId, request_id, now()));
      if (next === null) continue;
      const told = await saying(next);
      silent = told.kind === 'unknown' ? silent + 1 : 0;
      await end(next.row, next.first, told);
    }
  }

  /** Asks, or sends; an id that was never heard of is sent the same again. */
  async function saying({ row, blue, do: what }: Next): Promise<InvoiceAnswer> {
    const about = { requestId: row.request_id, amountFen: row.amount_fen };
    const send = (): Promise<InvoiceAnswer> =>
      row.kind === 'blue'
        ? provider.blue({
            ...about,
            askedMs: row.made_ms,
            ...bodyOf(row),
            buyer: buyerOf(row),
          })
        : provider.red({
            ...about,
            askedMs: row.made_ms,
            ofRequest: row.of_request ?? '',
            number: blue?.number ?? '',
            reason: JSON.parse(row.body) as RedReason,
          });
    if (what === 'send') return send();
    const told = await provider.query(about);
    return told.kind === 'unheard' && what === 'ask' ? send() : told;
  }

  /** What the provider said counts, once. */
  const end = (named: InvoiceRow, first: boolean, told: InvoiceAnswer): Promise<void> =>
    db().transaction(async (tx) => {
      await lockInvoices(tx, named.order_id);
      const rows = await invoicesOf(tx, named.order_id);
      const row = rows.find((r) => r.request_id === named.request_id);
      if (row?.state !== 'asked' && row?.state !== 'pending') return;
      if (told.kind === 'issued') return issued(tx, row, told, now());
      if (told.kind === 'refused') return refused(tx, row, told.reason, now());
      // Never sent, as the provider says itself, and its money has left: it never will be.
      if (told.kind === 'unheard' && first) return refused(tx, row, MONEY_BACK, now());
      const state = told.kind === 'pending' ? 'pending' : row.state;
      const said = told.kind === 'unheard' ? 'unheard' : told.detail;
      await tx.query(
        'UPDATE invoices SET state = $2, said = $3, look_ms = $4 WHERE request_id = $1',
        [row.request_id, state, said.slice(0, 300), later(row, now())],
      );
    });

  const sweep = async (): Promise<void> => {
    const due = await db().query<{ order_id: string }>(
      `SELECT order_id FROM invoices WHERE look_ms <= $1
       GROUP BY order_id ORDER BY MIN(look_ms), order_id LIMIT ${SWEEP_ROWS}`,
      [now()],
    );
    silent = 0;
    for (const { order_id } of due) {
      if (silent >= SILENT) return;
      await deliver(order_id).catch((cause: unknown) =>
        log?.('error', 'central', cause instanceof Error ? cause.message : String(cause), cause),
      );
    }
  };
  return { deliver, sweep };
}

/** Why an invoice was never asked for, for staff and customer. */
const MONEY_BACK = '款已退回，不再开票';

const bodyOf = (row: InvoiceRow): InvoiceBody => JSON.parse(row.body) as InvoiceBody;
const buyerOf = (row: InvoiceRow) => ({
  kind: row.buyer_kind ?? 'person',
  name: row.buyer_name ?? '',
  taxNo: row.buyer_tax_no,
});
/** As far away as it has stood still, within bounds. */
const later = ({ made_ms }: InvoiceRow, nowMs: number): number =>
  nowMs + Math.min(MAX_LOOK_MS, Math.max(FIRST_LOOK_MS, nowMs - made_ms));

interface Next {
  /** `look`: asked about, and never sent for it. */
  readonly do: 'send' | 'ask' | 'look';
  readonly row: InvoiceRow;
  /** A red one's blue. */
  readonly blue: InvoiceRow | null;
  /** Nobody has sent it, as far as this database knows. */
  readonly first: boolean;
}

/** What may be done with a request now; null: nothing. */
async function nextOf(
  tx: Sql,
  orderId: string,
  requestId: string,
  nowMs: number,
): Promise<Next | null> {
  await lockInvoices(tx, orderId);
  const rows = await invoicesOf(tx, orderId);
  const row = rows.find((r) => r.request_id === requestId);
  if (row === undefined || row.look_ms === null || row.look_ms > nowMs) return null;
  if (row.kind === 'blue' && row.state === 'issued') {
    await holdAgainstMoney(tx, row, nowMs);
    return null;
  }
  const blue = rows.find((r) => r.request_id === row.of_request) ?? null;
  if (row.state === 'waiting' && blue !== null) {
    if (!(await redMayGo(tx, row, blue, nowMs))) return null;
  } else if (row.state !== 'asked' && row.state !== 'pending') {
    await look(tx, row, null);
    return null;
  }
  await look(tx, row, later(row, nowMs));
  const first = row.sent_ms === null;
  if (!first) return { do: 'ask', row, blue, first };
  const kept = row.kind === 'blue' ? await keptOfOrder(tx, orderId) : null;
  const leaves = row.kind === 'blue' && (redOf(rows, row) !== null || !isKept(kept, row));
  if (leaves) return { do: 'look', row, blue, first };
  await tx.query('UPDATE invoices SET sent_ms = $2 WHERE request_id = $1', [requestId, nowMs]);
  return { do: 'send', row, blue, first };
}

const look = (tx: Sql, row: InvoiceRow, lookMs: number | null): Promise<unknown> =>
  tx.query('UPDATE invoices SET look_ms = $2 WHERE request_id = $1', [row.request_id, lookMs]);

const isKept = (kept: Awaited<ReturnType<typeof keptOfOrder>>, row: InvoiceRow): boolean =>
  kept?.attemptId === row.attempt_id && kept.fen === row.amount_fen;

/** A red one waited for its blue: now it is sent, or there is nothing to take back. */
async function redMayGo(
  tx: Sql,
  red: InvoiceRow,
  blue: InvoiceRow,
  nowMs: number,
): Promise<boolean> {
  if (blue.state === 'issued') {
    await tx.query(`UPDATE invoices SET state = 'asked' WHERE request_id = $1`, [red.request_id]);
    return true;
  }
  if (blue.state === 'refused')
    await tx.query(
      `UPDATE invoices SET state = 'void', ended_ms = $2, look_ms = NULL WHERE request_id = $1`,
      [red.request_id, nowMs],
    );
  else await look(tx, red, later(red, nowMs));
  return false;
}

/** What was invoiced is not what was kept: the books take the invoice back by themselves, once. */
async function holdAgainstMoney(tx: Sql, blue: InvoiceRow, nowMs: number): Promise<void> {
  await look(tx, blue, null);
  const kept = await keptOfOrder(tx, blue.order_id);
  if (isKept(kept, blue)) return;
  const why = `收 ${blue.amount_fen} 分，现存 ${kept?.fen ?? 0} 分`;
  const wanted = { who: 'central', second: null, why, reason: 'money-back' } as const;
  await wantRed(tx, blue.order_id, wanted, nowMs);
}

async function issued(
  tx: Sql,
  row: InvoiceRow,
  told: Extract<InvoiceAnswer, { kind: 'issued' }>,
  nowMs: number,
): Promise<void> {
  const [taken] = await tx.query('SELECT 1 FROM invoices WHERE number = $1 AND request_id <> $2', [
    told.number,
    row.request_id,
  ]);
  if (taken !== undefined) {
    // Two requests cannot be one invoice: somebody finds out, and nothing is believed.
    await tx.query('UPDATE invoices SET said = $2 WHERE request_id = $1', [
      row.request_id,
      `number ${told.number} is another request’s`,
    ]);
    return;
  }
  await tx.query(
    `UPDATE invoices SET state = 'issued', number = $2, issued_ms = $3, url = $4, said = NULL,
       buyer_name = CASE WHEN kind = 'blue' THEN $5 END, ended_ms = $6, look_ms = $7
     WHERE request_id = $1`,
    [
      row.request_id,
      told.number,
      told.issuedMs,
      told.url,
      told.buyerName,
      nowMs,
      // Its money may have gone back while it was made.
      row.kind === 'blue' ? nowMs : null,
    ],
  );
  if (row.kind === 'red')
    await tx.query(`UPDATE invoices SET state = 'reversed', look_ms = NULL WHERE request_id = $1`, [
      row.of_request,
    ]);
  else await wakeRed(tx, row, nowMs);
}

async function refused(tx: Sql, row: InvoiceRow, reason: string, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE invoices SET state = 'refused', said = $2, ended_ms = $3, look_ms = NULL
     WHERE request_id = $1`,
    [row.request_id, reason.slice(0, 300), nowMs],
  );
  if (row.kind === 'blue') await wakeRed(tx, row, nowMs);
}

/** A red one that waits for this blue goes on. */
const wakeRed = (tx: Sql, blue: InvoiceRow, nowMs: number): Promise<unknown> =>
  tx.query(`UPDATE invoices SET look_ms = $2 WHERE of_request = $1 AND state = 'waiting'`, [
    blue.request_id,
    nowMs,
  ]);
