import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import { terminalOf } from '../../shared/order-id.ts';
import { anyOf, anyOfThose, columnsOf, list, read, select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { RowOf } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import {
  ACCOUNT_USE,
  ACCOUNTS,
  CLAIMS,
  ORDERS,
  QUOTES,
  RESERVES,
  TARIFFS,
} from '../sale/tables.ts';
import { Books } from './books.ts';
import { lockCredit } from './load-credit.ts';
import type { CreditedSale } from './load-credit.ts';
import { MAX_ACCOUNT_AGE_MS } from './offline-sales.ts';
import { HAND_REQUESTS, HELD_FACTS, LEDGER, PAYMENT_EVIDENCE } from './tables.ts';

/** A card's count that something is sold for. */
interface CardCount {
  readonly card_no: string;
  readonly next_count: number;
}
/** … by this tariff. */
interface Sold extends CardCount {
  readonly tariff_id: string;
  /** While the line was down; as of which moment, where it names one. */
  readonly offline: boolean;
  readonly as_of_ms: number | undefined;
}

/** A fact that came too early, with what its journal says. */
export interface HeldFact {
  readonly row: RowOf<typeof HELD_FACTS>;
  readonly wallMs: number;
  readonly kind: string;
  /** JSON. */
  readonly body: string;
}

/** What a batch's facts may touch, with the facts that wait for them, oldest first. */
export interface Loaded {
  readonly books: Books;
  readonly held: readonly HeldFact[];
}

/** Loads what these facts of a terminal may touch; see {@link loadOrders} for the locks. */
export async function loadFor(
  tx: Sql,
  terminalId: string,
  facts: readonly JournalEvent[],
): Promise<Loaded> {
  const books = new Books(await alarmOf(tx, terminalId, facts));
  const orderIds = new Set(facts.flatMap((f) => (f.orderId === null ? [] : [f.orderId])));
  if (facts.some((f) => f.kind === 'epoch-began')) {
    await loadEpochs(tx, books, terminalId);
    for (const orderId of books.liveQuotes) orderIds.add(orderId);
  }
  const held =
    orderIds.size === 0
      ? []
      : await loadOrders(tx, books, orderIds, facts.flatMap(soldBy), facts.flatMap(creditedBy));
  await loadOwn(tx, books, terminalId, facts.flatMap(soldBy));
  await loadEvidence(tx, books, facts, held);
  if ([...facts, ...held].some((f) => f.kind === 'parked-settled')) await loadRequests(tx, books);
  return { books, held };
}

const soldBy = (fact: JournalEvent): readonly Sold[] =>
  fact.kind === 'order-quoted'
    ? [
        {
          card_no: fact.body.cardNo,
          next_count: fact.body.nextCount,
          tariff_id: fact.body.tariffId,
          offline: fact.body.offline,
          as_of_ms: fact.body.asOfMs,
        },
      ]
    : [];

const creditedBy = (fact: JournalEvent): readonly CreditedSale[] =>
  fact.kind === 'credit-quoted'
    ? [{ userNo: fact.body.userNo, items: fact.body.lines.map((line) => line.item) }]
    : [];

/**
 * What is known of the loaded orders' payments, and of wallets' numbers that are told; and, where
 * an order is paid of which nothing is, how many of its terminal's stand on their word alone.
 */
async function loadEvidence(
  tx: Sql,
  books: Books,
  facts: readonly JournalEvent[],
  held: readonly HeldFact[],
): Promise<void> {
  const captures = [
    ...facts.flatMap((f) => (f.kind === 'attempt-paid' ? [f.body] : [])),
    ...held.flatMap((h) =>
      h.kind === 'attempt-paid' ? [JSON.parse(h.body) as EventBody<'attempt-paid'>] : [],
    ),
  ];
  const paid = [
    ...facts.flatMap((f) => (f.kind === 'order-paid' ? [paidBy(f.orderId ?? '', f.body)] : [])),
    ...held.flatMap((h) =>
      h.kind === 'order-paid'
        ? [paidBy(h.row.order_id, JSON.parse(h.body) as EventBody<'order-paid'>)]
        : [],
    ),
  ];
  if (captures.length === 0 && paid.length === 0 && books.orders.all().length === 0) return;
  const ids = new Set([
    ...books.orders.all().map((o) => o.order_id),
    ...paid.map((p) => p.orderId),
  ]);
  const rows = await tx.query<Record<string, unknown>>(
    `SELECT ${columnsOf(PAYMENT_EVIDENCE)} FROM payment_evidence WHERE order_id ${anyOf('$1')}
     UNION SELECT ${columnsOf(PAYMENT_EVIDENCE)} FROM payment_evidence
       WHERE wallet_number ${anyOf('$2')}`,
    [list(ids), list(captures.map((c) => c.transactionId))],
  );
  books.evidence.load(rows.map((row) => read(PAYMENT_EVIDENCE, row)));
  const proven = new Set(books.evidence.all().map((e) => `${e.order_id}\n${e.attempt_id}`));
  const terminals = new Set(
    paid
      .filter((p) => !proven.has(`${p.orderId}\n${p.attemptId}`))
      .map((p) => terminalOf(p.orderId)),
  );
  if (terminals.size === 0) return;
  const counts = await tx.query<{ terminal_id: string; n: unknown }>(
    `SELECT terminal_id, COUNT(*) AS n FROM orders
     WHERE unproven AND terminal_id ${anyOf('$1')} AND state NOT IN ('closed', 'refunded')
     GROUP BY terminal_id`,
    [list(terminals)],
  );
  for (const terminalId of terminals) books.tellUnproven(terminalId, 0);
  for (const row of counts) books.tellUnproven(row.terminal_id, num(row.n));
}

const paidBy = (orderId: string, { attemptId }: EventBody<'order-paid'>) => ({
  orderId,
  attemptId,
});

/** Loads one order with what is reserved and claimed for it, known or only quoted. */
export async function loadOrder(tx: Sql, orderId: string): Promise<Books> {
  const books = new Books();
  await loadOrders(tx, books, new Set([orderId]), []);
  return books;
}

/** Loads all that waits behind one order or its account, with what it may touch. */
export async function loadWaiting(tx: Sql, orderId: string): Promise<Loaded> {
  const books = new Books();
  const held = await loadOrders(tx, books, new Set([orderId]), []);
  await loadEvidence(tx, books, [], held);
  if (held.some((f) => f.kind === 'parked-settled')) await loadRequests(tx, books);
  return { books, held };
}

/** What was said of the parked money of the orders that are loaded, and of one that may not be. */
export async function loadRequests(tx: Sql, books: Books, orderId = ''): Promise<void> {
  const ids = list(new Set([...books.orders.all().map((o) => o.order_id), orderId]));
  books.requests.load(
    await select(tx, HAND_REQUESTS, `order_id ${anyOf('$1')} ORDER BY epoch, seq`, [ids]),
  );
}

/**
 * Orders with all that stands behind them, and the cards that are sold to. Locks are taken in
 * central's one order: terminals (by the caller), accounts, credit accounts, orders, postings; each
 * by its key. Reserves,
 * claims and held facts are changed only under their account's lock, or while the account is not
 * known, under that of the order's terminal.
 *
 * @returns the facts that wait for one of these orders or accounts; they are loaded for too
 */
async function loadOrders(
  tx: Sql,
  books: Books,
  orderIds: ReadonlySet<string>,
  sold: readonly Sold[],
  credited: readonly CreditedSale[] = [],
): Promise<readonly HeldFact[]> {
  await loadCards(tx, books, sold);
  await loadAccounts(tx, books, list(orderIds));
  const held = await loadHeld(tx, books, list(orderIds));
  const ids = list(new Set([...orderIds, ...held.map((h) => h.row.order_id)]));
  const cardNos = new Set(sold.map((s) => s.card_no));
  const loadRest = await lockCredit(tx, books, ids, credited);
  books.orders.load(
    await select(tx, ORDERS, `order_id ${anyOf('$1')} ORDER BY order_id FOR NO KEY UPDATE`, [ids]),
  );
  for (const order of books.orders.all()) if (order.sale === 'card') cardNos.add(order.card_no);
  await loadRest();
  await loadRivals(tx, books, sold);
  if (sold.length > 0) await loadPromises(tx, books, ids, sold);
  books.reserves.load(await select(tx, RESERVES, `order_id ${anyOf('$1')}`, [ids]));
  books.ledger.load(await select(tx, LEDGER, `order_id ${anyOf('$1')} ORDER BY entry_id`, [ids]));
  const claims = await tx.query<Record<string, unknown>>(
    `SELECT ${columnsOf(CLAIMS)} FROM claims WHERE card_no ${anyOf('$1')}
     UNION SELECT ${columnsOf(CLAIMS)} FROM claims WHERE order_id ${anyOf('$2')}`,
    [list(cardNos), ids],
  );
  books.claims.load(claims.map((row) => read(CLAIMS, row)));
  return held;
}

/**
 * All that waits behind one of the orders, or behind one that waits for a loaded account. Nearly
 * always nothing does: that is asked first, by a statement that costs little. Locked: a person who
 * gives one up comes before or after.
 */
async function loadHeld(tx: Sql, books: Books, ids: string): Promise<readonly HeldFact[]> {
  const waiting = await tx.query<{ order_id: string }>(
    `SELECT order_id FROM held_facts WHERE order_id ${anyOf('$1')} OR user_no ${anyOf('$2')}`,
    [ids, list(books.accounts.all().map((a) => a.user_no))],
  );
  if (waiting.length === 0) return [];
  const rows = await tx.query<Record<string, unknown>>(
    `SELECT h.*, e.wall_ms, e.kind, e.body FROM held_facts h JOIN journal_events e
       ON e.terminal_id = h.terminal_id AND e.epoch = h.epoch AND e.seq = h.seq
     WHERE h.order_id ${anyOf('$1')} ORDER BY h.held_no FOR UPDATE OF h`,
    [list(new Set(waiting.map((w) => w.order_id)))],
  );
  return rows.map((row) => ({
    row: read(HELD_FACTS, row),
    wallMs: num(row['wall_ms']),
    kind: String(row['kind']),
    body: String(row['body']),
  }));
}

const ALARMING: ReadonlySet<string> = new Set([
  'journal-restored',
  'damage-accepted',
  'card-left',
  'credit-posted',
  'order-refunding',
  'order-refunded',
]);

/** The terminal's alarm, where a fact may change it. */
async function alarmOf(
  tx: Sql,
  terminalId: string,
  facts: readonly JournalEvent[],
): Promise<string | null> {
  if (!facts.some((f) => ALARMING.has(f.kind))) return null;
  const rows = await tx.query<{ alarm: string | null }>(
    'SELECT alarm FROM terminals WHERE terminal_id = $1',
    [terminalId],
  );
  return rows[0]?.alarm ?? null;
}

/** What a new epoch of the terminal's journal asks about its earlier ones. */
async function loadEpochs(tx: Sql, books: Books, terminalId: string): Promise<void> {
  const cursors = await tx.query<{ epoch: unknown; last_seq: unknown }>(
    'SELECT epoch, last_seq FROM cursors WHERE terminal_id = $1',
    [terminalId],
  );
  for (const row of cursors) books.heldSeq.set(num(row.epoch), num(row.last_seq));
  const quotes = await tx.query<{ order_id: string }>(
    `SELECT q.order_id FROM quotes q WHERE q.terminal_id = $1 AND q.state = 'live'
       AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = q.order_id)`,
    [terminalId],
  );
  for (const row of quotes) books.liveQuotes.add(row.order_id);
}

async function loadCards(tx: Sql, books: Books, sold: readonly CardCount[]): Promise<void> {
  if (sold.length === 0) return;
  const cardNos = new Set(sold.map((s) => s.card_no));
  const cards = await tx.query<{ card_no: string; user_no: string }>(
    `SELECT card_no, user_no FROM cards WHERE card_no ${anyOf('$1')}`,
    [list(cardNos)],
  );
  for (const row of cards) books.cards.set(row.card_no, row.user_no);
}

/** The accounts of orders, of reserves and of cards that are sold to. */
async function loadAccounts(tx: Sql, books: Books, ids: string): Promise<void> {
  books.accounts.load(
    await select(
      tx,
      ACCOUNTS,
      `user_no ${anyOfThose(`SELECT user_no FROM orders WHERE order_id ${anyOf('$1')}
         UNION SELECT user_no FROM reserves WHERE order_id ${anyOf('$1')}
         UNION SELECT user_no FROM cards WHERE card_no ${anyOf('$2')}`)}
       ORDER BY user_no FOR NO KEY UPDATE`,
      [ids, list(books.cards.keys())],
    ),
  );
  // Under their locks, by a statement of its own: see standingsOf.
  const users = books.accounts.all().map((a) => a.user_no);
  if (users.length > 0)
    books.use.load(await select(tx, ACCOUNT_USE, `user_no ${anyOf('$1')}`, [list(users)]));
}

/** What orders that begin were promised, and the tariffs that they name. */
async function loadPromises(
  tx: Sql,
  books: Books,
  ids: string,
  sold: readonly Sold[],
): Promise<void> {
  books.quotes.load(await select(tx, QUOTES, `order_id ${anyOf('$1')}`, [ids]));
  const tariffs = new Set(sold.map((s) => s.tariff_id));
  books.tariffs.load(await select(tx, TARIFFS, `tariff_id ${anyOf('$1')}`, [list(tariffs)]));
}

/**
 * Offline a kiosk knows of what it delivered itself to the account since it was told of it: the
 * same is counted against it. Nothing of it is changed, so nothing is locked.
 */
async function loadOwn(
  tx: Sql,
  books: Books,
  terminalId: string,
  sold: readonly Sold[],
): Promise<void> {
  const offline = sold.filter((s) => s.offline && s.as_of_ms !== undefined);
  const users = new Set(offline.flatMap((s) => books.cards.get(s.card_no) ?? []));
  if (users.size === 0) return;
  const sinceMs = Math.min(...offline.flatMap((s) => s.as_of_ms ?? [])) - MAX_ACCOUNT_AGE_MS;
  books.orders.load(
    await select(
      tx,
      ORDERS,
      `card_no ${anyOfThose(`SELECT card_no FROM cards WHERE user_no ${anyOf('$1')}`)}
         AND terminal_id = $2 AND origin_delivered AND as_of_ms >= $3 ORDER BY order_id`,
      [list(users), terminalId, sinceMs],
    ),
  );
}

/** Orders of the same counts of the same cards: at most one of each can be on the card. */
async function loadRivals(tx: Sql, books: Books, sold: readonly CardCount[]): Promise<void> {
  const counts = books.orders
    .all()
    .filter((o) => o.sale === 'card')
    .map(({ card_no, next_count }) => ({ card_no, next_count }));
  counts.push(...sold.map(({ card_no, next_count }) => ({ card_no, next_count })));
  if (counts.length === 0) return;
  books.orders.load(
    await select(
      tx,
      ORDERS,
      `(card_no, next_count) IN (SELECT x.card_no, x.next_count
         FROM json_to_recordset($1::json) AS x(card_no text, next_count bigint))
         AND card_no ${anyOf('$2')}
       ORDER BY order_id FOR NO KEY UPDATE`,
      [JSON.stringify(counts), list(new Set(counts.map((c) => c.card_no)))],
    ),
  );
}
