import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Account, Quote, QuoteRequest } from '../../shared/central-api/index.ts';
import { costOf, MICRO_PER_FEN, priceAmount } from '../../shared/money.ts';
import { terminalOf } from '../../shared/order-id.ts';
import { momentOf } from '../../shared/periods.ts';
import type { Policy } from '../../shared/policy.ts';
import { giveBack } from '../books/books.ts';
import { loadOrder } from '../books/load.ts';
import { write } from '../books/write.ts';
import { accountByCard, liveClaim, lockAccount, standingOfCard, takeClaim } from './accounts.ts';
import { forgotten, GRANTED_MICRO } from './card-grant-rows.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';

/** How long a quote holds its claim when nothing more is heard of its order. */
export const QUOTE_CLAIM_MS = 30 * 60_000;

interface QuoteRow {
  terminal_id: string;
  request: string | null;
  answer: string | null;
  state: 'live' | 'released';
}

/**
 * A preview (no order id) reads only. A firm quote claims (card, next count) and reserves the whole
 * free carried remainder for its order. Asked again with the same request it gives the same answer;
 * with another request, or once given back, it is refused.
 *
 * After {@link QUOTE_CLAIM_MS} the claim of an unpaid order runs out, so that a dead kiosk does not
 * block a card. Its reserve stays until the order's fate is known: the order may yet turn out
 * delivered, and then the remainder was spent. It is worth less than one 0.01 unit.
 */
export async function quote(
  db: Db,
  terminalId: string,
  request: QuoteRequest,
  policy: Policy,
  nowMs: number,
): Promise<Quote> {
  const { orderId } = request;
  if (orderId === null) return price(db, request, policy, nowMs, false);
  refuseOthersNumber(terminalId, orderId);
  await giveOlderBack(db, terminalId, orderId);
  return db.transaction((tx) => firm(tx, terminalId, request, orderId, policy, nowMs));
}

/**
 * So many cards a terminal may keep from everybody else without a payment: it has one customer at a
 * time, and the ends of one or two before may not have been told yet.
 */
const UNPAID_CLAIMS = 3;

/**
 * A terminal that asks for card after card gives the oldest ones back: nobody locks a town's cards
 * with one terminal's key. An order that is paid later takes its claim again, if it is free.
 */
async function giveOlderBack(db: Db, terminalId: string, orderId: string): Promise<void> {
  const unpaid = await db.query<{ order_id: string }>(
    `SELECT order_id FROM claims WHERE terminal_id = $1 AND expires_ms IS NOT NULL
       AND order_id <> $2 ORDER BY expires_ms DESC, order_id DESC`,
    [terminalId, orderId],
  );
  for (const older of unpaid.slice(UNPAID_CLAIMS - 1))
    await db.transaction(async (tx) => {
      const books = await loadOrder(tx, older.order_id);
      if (books.orders.get(older.order_id)?.money_taken === true) return;
      await tx.query(`UPDATE quotes SET state = 'released' WHERE order_id = $1`, [older.order_id]);
      giveBack(books, older.order_id);
      await write(tx, terminalId, books);
    });
}

async function firm(
  tx: Sql,
  terminalId: string,
  request: QuoteRequest,
  orderId: string,
  policy: Policy,
  nowMs: number,
): Promise<Quote> {
  // The account's lock is what makes two quotes for one card wait for each other.
  await lockAccount(tx, request.cardNo);
  const asked = canonicalJson(request);
  const old = (await tx.query<QuoteRow>('SELECT * FROM quotes WHERE order_id = $1', [orderId]))[0];
  if (old !== undefined) {
    if (old.terminal_id !== terminalId)
      throw new Refusal('bad-request', 'the order id belongs to another terminal', { status: 409 });
    if (old.state === 'released' || old.answer === null)
      throw new Refusal('bad-request', 'the order gave its quote back', { status: 409 });
    // A request that was under way for long (or was sent twice) must not take the card again for an
    // order that is over.
    const order = (
      await tx.query<{ state: string }>('SELECT state FROM orders WHERE order_id = $1', [orderId])
    )[0];
    if (order !== undefined && order.state !== 'quoted' && order.state !== 'collecting')
      throw new Refusal('bad-request', `the order is ${order.state}`, { status: 409 });
    if (old.request !== asked)
      throw new Refusal('bad-request', 'the order id was used with another request', {
        status: 409,
      });
    const answer = JSON.parse(old.answer) as Quote;
    const held = await liveClaim(tx, request.cardNo, nowMs);
    if (held?.order_id === orderId) return answer;
    // The claim ran out. The same sale may go on where nothing has moved meanwhile.
    const account = await accountByCard(tx, request.cardNo, nowMs, false);
    if (account === null || account.count + 1 !== request.nextCount)
      throw new Refusal('count-mismatch', 'the account moved on');
    if (account.state !== 'normal')
      throw new Refusal(account.state, 'the account is no longer sold to');
    await refuseTurned(tx, request.cardNo, pricedMs(answer), nowMs);
    const renewed: Quote = { ...answer, expiresAtMs: nowMs + QUOTE_CLAIM_MS };
    await claimOrRefuse(tx, terminalId, request, orderId, renewed.expiresAtMs, nowMs);
    await tx.query('UPDATE quotes SET answer = $2 WHERE order_id = $1', [
      orderId,
      JSON.stringify(renewed),
    ]);
    return renewed;
  }
  await freeForgotten(tx, request.cardNo, nowMs);
  const q = await price(tx, request, policy, nowMs, true);
  await refuseSecondCard(tx, request.cardNo, nowMs);
  const first = await tx.query(
    `INSERT INTO quotes (order_id, terminal_id, request, answer, state)
     VALUES ($1, $2, $3, $4, 'live') ON CONFLICT DO NOTHING RETURNING order_id`,
    [orderId, terminalId, asked, JSON.stringify(q)],
  );
  // A release that overtook it, or the same id for another card, at this very moment.
  if (first.length === 0)
    throw new Refusal('bad-request', 'the order id was used meanwhile', { status: 409 });
  await claimOrRefuse(tx, terminalId, request, orderId, q.expiresAtMs, nowMs);
  const userNo = (
    await tx.query<{ user_no: string }>(
      `UPDATE accounts SET carried_micro = carried_micro - $2
       WHERE user_no = (SELECT user_no FROM cards WHERE card_no = $1) RETURNING user_no`,
      [request.cardNo, q.carriedUsedMicro],
    )
  )[0]?.user_no;
  await tx.query(
    `INSERT INTO reserves (order_id, user_no, micro, state) VALUES ($1, $2, $3, 'held')`,
    [orderId, userNo, q.carriedUsedMicro],
  );
  return q;
}

/**
 * What a purchase leaves over is less than 0.01 unit, and stays with an order until that is told of
 * again. A grant is a household's gas: where its quote ran out unpaid, as far as anybody told, the
 * next one has it. Should the forgotten order turn out delivered after all, a person settles it, as
 * of every reserve that was given back.
 */
async function freeForgotten(tx: Sql, cardNo: string, nowMs: number): Promise<void> {
  const freed = await tx.query<{ order_id: string; user_no: string; micro: unknown }>(
    `UPDATE reserves SET state = 'released'
     WHERE user_no = (SELECT user_no FROM cards WHERE card_no = $1) AND ${forgotten('$2')}
     RETURNING order_id, user_no, micro`,
    [cardNo, nowMs],
  );
  for (const { order_id: orderId, user_no: userNo, micro } of freed) {
    // It is not taken up again either: what it would spend is another's now.
    await tx.query(`UPDATE quotes SET state = 'released' WHERE order_id = $1`, [orderId]);
    await tx.query('UPDATE accounts SET carried_micro = carried_micro + $2 WHERE user_no = $1', [
      userNo,
      num(micro),
    ]);
  }
}

/** As of which moment a quote was priced: as it says, else when it was given. */
export const pricedMs = (q: Pick<Quote, 'asOfMs' | 'expiresAtMs'>): number =>
  q.asOfMs ?? q.expiresAtMs - QUOTE_CLAIM_MS;

/**
 * A quote is kept over the turn of a year while it is held; once let go it is not taken up again
 * after a turn, neither with the old year's price nor into the old one's limit.
 */
async function refuseTurned(tx: Sql, cardNo: string, thenMs: number, nowMs: number): Promise<void> {
  const [then, now] = await standingOfCard(tx, cardNo, [thenMs, nowMs]);
  if (
    then === undefined ||
    then.tariff.version !== now?.tariff.version ||
    then.yearStartMs !== now.yearStartMs ||
    (now.leftQuantity !== null && then.limitStartMs !== now.limitStartMs)
  )
    throw new Refusal('bad-request', 'the quote ran out, and its tariff or period ended since', {
      status: 409,
    });
}

/** An order's number carries its terminal: nobody takes another one's, or is in its way. */
export function refuseOthersNumber(terminalId: string, orderId: string): void {
  if (terminalOf(orderId) !== terminalId)
    throw new Refusal('bad-request', 'the order id is another terminal’s', { status: 409 });
}

/**
 * Two cards of one account (a lost one came back) share its count: the meter takes one purchase for
 * each count, so one order at a time.
 */
async function refuseSecondCard(tx: Sql, cardNo: string, nowMs: number): Promise<void> {
  const other = (
    await tx.query<{ order_id: string }>(
      `SELECT c.order_id FROM cards mine JOIN cards k ON k.user_no = mine.user_no
       AND k.card_no <> mine.card_no JOIN claims c ON c.card_no = k.card_no
       WHERE mine.card_no = $1 AND (c.expires_ms IS NULL OR c.expires_ms > $2)`,
      [cardNo, nowMs],
    )
  )[0];
  if (other !== undefined)
    throw new Refusal(
      'claimed',
      `order ${other.order_id} holds the account’s next count for another card`,
    );
}

async function claimOrRefuse(
  tx: Sql,
  terminalId: string,
  request: QuoteRequest,
  orderId: string,
  expiresMs: number,
  nowMs: number,
): Promise<void> {
  const holder = await takeClaim(
    tx,
    {
      card_no: request.cardNo,
      next_count: request.nextCount,
      order_id: orderId,
      terminal_id: terminalId,
      expires_ms: expiresMs,
    },
    nowMs,
  );
  if (holder !== null)
    throw new Refusal(
      'claimed',
      `held by order ${holder.order_id} of terminal ${holder.terminal_id}`,
    );
}

async function price(
  sql: Sql,
  request: QuoteRequest,
  policy: Policy,
  nowMs: number,
  lock: boolean,
): Promise<Quote> {
  const asOfMs = momentOf(request.asOfMs, nowMs);
  const account = await accountByCard(sql, request.cardNo, nowMs, lock, asOfMs);
  if (account === null) throw new Refusal('unknown-card', 'no account has this card');
  if (account.refusedKey !== undefined)
    throw new Refusal('card-refused', 'the card refused a kiosk’s key: a person looks at it first');
  if (account.state === 'hot-listed')
    throw new Refusal('hot-listed', 'the card is on the hot list');
  if (account.state === 'debt') throw new Refusal('debt', 'the account has a debt');
  if (request.nextCount !== account.count + 1)
    throw new Refusal(
      'count-mismatch',
      `the next count is ${account.count + 1}, asked for ${request.nextCount}`,
    );
  if (account.claim !== null)
    throw new Refusal(
      'claimed',
      `held by order ${account.claim.orderId} of terminal ${account.claim.terminalId}`,
    );
  if (request.amountFen < policy.minFen)
    throw new Refusal('too-small', `at least ${policy.minFen} fen`);
  if (request.amountFen > policy.maxFen)
    throw new Refusal('over-limit', `at most ${policy.maxFen} fen`);
  const limits: readonly (readonly [string, number | null])[] = [
    ['one purchase', account.perPurchaseQuantity],
    ['the limit period', account.periodLeftQuantity],
    ['the meter’s ceiling', account.ceilingQuantity],
  ];
  const { tiers } = account.tariff;
  const used = spent(request.amountFen, account, limits);
  const priced = priceAmount(request.amountFen, used, account.yearQuantity, tiers);
  if (priced.quantity === 0) throw new Refusal('too-small', 'buys nothing');
  for (const [name, limit] of limits)
    if (limit !== null && priced.quantity > limit)
      throw new Refusal('over-limit', `${priced.quantity} is over ${name}: ${limit}`);
  return {
    orderId: request.orderId,
    cardNo: request.cardNo,
    nextCount: request.nextCount,
    amountFen: request.amountFen,
    quantity: priced.quantity,
    shares: [...priced.shares],
    carriedUsedMicro: used,
    carriedAfterMicro: priced.remainderMicro,
    tariffId: account.tariff.tariffId,
    tariffVersion: account.tariff.version,
    // Who names no moment does not repeat one either.
    ...(request.asOfMs === undefined ? {} : { asOfMs }),
    expiresAtMs: nowMs + QUOTE_CLAIM_MS,
  };
}

/**
 * What of its carried money a purchase spends: all of it, as far as what it buys may be written at
 * once. The rest of a large grant waits for the next purchase.
 */
function spent(
  amountFen: number,
  { carriedMicro, yearQuantity, tariff }: Account,
  limits: readonly (readonly [string, number | null])[],
): number {
  const bounds = limits.flatMap(([, limit]) => limit ?? []);
  if (carriedMicro < GRANTED_MICRO || bounds.length === 0) return carriedMicro;
  const most = costOf(Math.min(...bounds), yearQuantity, tariff.tiers);
  return Math.min(carriedMicro, Math.max(0, most - amountFen * MICRO_PER_FEN));
}

/**
 * Gives a firm quote back. An order that is known to have taken money keeps claim and reserve, and
 * is refused. A release that overtakes its own quote leaves a mark, so that the late quote is
 * refused instead of holding the card.
 */
export async function release(db: Db, terminalId: string, orderId: string): Promise<void> {
  refuseOthersNumber(terminalId, orderId);
  await db.transaction(async (tx) => {
    // Before anything is read: it waits for a quote that is being given at this moment.
    await tx.query(
      `INSERT INTO quotes (order_id, terminal_id, state) VALUES ($1, $2, 'released')
       ON CONFLICT (order_id) DO NOTHING`,
      [orderId, terminalId],
    );
    const books = await loadOrder(tx, orderId);
    const row = (
      await tx.query<QuoteRow>('SELECT * FROM quotes WHERE order_id = $1 FOR NO KEY UPDATE', [
        orderId,
      ])
    )[0];
    if (row?.terminal_id !== terminalId)
      throw new Refusal('bad-request', 'the order id belongs to another terminal', { status: 409 });
    const order = books.orders.get(orderId);
    if (order?.money_taken === true) {
      if (order.state === 'delivered' || order.state === 'refunded') return;
      throw new Refusal(
        'claimed',
        'the order took money: it keeps its claim until it is delivered or refunded',
      );
    }
    await tx.query(`UPDATE quotes SET state = 'released' WHERE order_id = $1`, [orderId]);
    giveBack(books, orderId);
    await write(tx, terminalId, books);
  });
}
