import type { MerchantWallet } from '../../payment/merchants.ts';
import type { AttemptRef, CloseResult } from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { attemptOf } from '../../shared/order-id.ts';
import { LOOKED_FOR_MS } from '../db/lives.ts';
import type { Life } from '../db/lives.ts';
import { anyOf, list } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { collectorOf } from './collector.ts';
import type { Desk } from './desk.ts';
import { LANDS_WITHIN_MS, SELF_REASON, selfRefundNo, STILL_CLOSING } from './legs.ts';
import { isTooSoon, madeHere, orderOf } from './orders-again.ts';
import { MAX_LEGS } from './numbers.ts';
import { quoteIsOver } from './quote-over.ts';
import { keepFound } from './recovered.ts';
import type { Asked, Found, Wish } from './recovered.ts';
import { gone, legOf, refOf, tradeOf } from './rows.ts';
import type { Leg, Trade } from './rows.ts';

/**
 * Payments of which the database knows less than the wallets do, since it goes on from a backup or
 * a standby (decision 0067). The gateway's numbers follow from the terminal's, so each wallet is
 * asked about every number that it can have been given, and the trade is built again as they tell.
 */

/** Clocks of terminals and of central differ, and uploads come late: so much earlier is looked at. */
const MARGIN_MS = 3_600_000;

/** Is the database one that may have forgotten what terminals still ask about? */
export const isForgetful = ({ sinceMs }: Life, nowMs: number): boolean =>
  sinceMs > 0 && nowMs - sinceMs < LOOKED_FOR_MS;

/** May a wallet have been opened for it in the lost time? Only while its code ran, and it was open. */
const mayLack = (trade: Trade, leg: Leg | null, life: Life): boolean =>
  trade.life !== life.name &&
  trade.method === 'qr' &&
  trade.state === 'open' &&
  leg?.state !== 'paid' &&
  num(trade.expires_ms) > life.backupMs - MARGIN_MS;

/**
 * Before anything is said or done about a payment: what the wallets know and the database forgot is
 * stored again. Under the trade's turn.
 *
 * @returns why it cannot be told yet; null: the rows are whole, or there is nothing anywhere
 */
export async function recover(
  desk: Desk,
  terminalId: string,
  asked: Asked,
  wish: Wish,
): Promise<Failure | null> {
  const { db, now } = desk;
  const life = await desk.life();
  if (!isForgetful(life, now())) return null;
  const { outTradeNo } = asked;
  const trade = await tradeOf(db(), terminalId, outTradeNo);
  if (trade === null) {
    // The order was begun after the backup was put back: so was the payment.
    if (await madeHere(db(), asked.orderId, life)) return null;
  } else {
    await tellOrder(db(), trade);
    if (!mayLack(trade, await legOf(db(), trade.leg), life)) return null;
  }
  const orderId = trade?.order_id ?? asked.orderId ?? (await orderOf(db(), terminalId, outTradeNo));
  const whole: Asked = { ...asked, ...known(trade) };
  const seen = await lookEverywhere(desk, terminalId, whole, trade);
  if ('code' in seen) return seen;
  if (await mayYetGoBack(desk, life, seen)) return STILL_CLOSING;
  const more = seen.some((f) => f.row === null && f.told.kind !== 'not-found');
  // Nothing is stored of what nobody has, and the customer may yet pay what nobody sees.
  if (!more && wish === 'ask' && (trade === null || now() < num(trade.expires_ms))) return null;
  if (more && orderId === null && (await isTooSoon(db(), terminalId, outTradeNo, life)))
    return failure('PAY-0203', 'its order was not told again yet');
  const ended = await endUnseen(desk, whole, seen);
  if ('code' in ended) return ended;
  // No wallet has it, and none will: what was asked for goes its usual way. Only the numbers that
  // are used up are remembered, where another wallet may begin.
  const begins = wish === 'open' && ended.some((f) => f.ended);
  if (!more && trade === null && !(begins && !(await quoteIsOver(db(), asked.orderId, now()))))
    return null;
  const found = await backByItself(whole, ended);
  if ('code' in found) return found;
  if (await mayYetGoBack(desk, life, found)) return STILL_CLOSING;
  await keepFound(desk, { terminalId, asked: whole, wish, trade, orderId, life, found });
  return null;
}

/** What the database itself knows counts before what a terminal says. */
const known = (trade: Trade | null): Partial<Asked> =>
  trade === null
    ? {}
    : { amountFen: num(trade.amount_fen), method: trade.method === 'code' ? 'code' : undefined };

/** A trade that was found before its order was told again: the order is known by now, perhaps. */
async function tellOrder(sql: Sql, trade: Trade): Promise<void> {
  if (trade.order_id !== null || trade.leg === null) return;
  const orderId = await orderOf(sql, trade.terminal_id, trade.out_trade_no);
  if (orderId === null || attemptOf(orderId, trade.out_trade_no) === null) return;
  await sql.query(
    `UPDATE gateway_trades SET order_id = $3
     WHERE terminal_id = $1 AND out_trade_no = $2 AND order_id IS NULL`,
    [trade.terminal_id, trade.out_trade_no, orderId],
  );
}

/** How a number is named to a wallet that may know it. */
const refTo = (
  leg: string,
  { amountFen, method, expiresAtMs }: Omit<Asked, 'outTradeNo'>,
): AttemptRef => ({
  outTradeNo: leg,
  amountFen,
  ...(method === undefined ? {} : { method }),
  ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
});

/**
 * Each wallet about each number that it can have been given, and about those that are known.
 *
 * @returns all of it; a failure: one of them does not say
 */
async function lookEverywhere(
  desk: Desk,
  terminalId: string,
  asked: Asked,
  trade: Trade | null,
): Promise<readonly Found[] | Failure> {
  const { db, merchants, numbers, walletOf } = desk;
  const { outTradeNo, method } = asked;
  const rows = await db().query<Leg>(
    'SELECT * FROM gateway_legs WHERE terminal_id = $1 AND out_trade_no = $2',
    [terminalId, outTradeNo],
  );
  const merchant =
    trade?.merchant ??
    // Without its posting, which may be forgotten too, an order alone does not say who collects.
    (asked.orderId === undefined || asked.payee === undefined
      ? null
      : (await collectorOf(db(), merchants, asked.orderId, asked.payee)).merchant);
  const wallets = merchants.wallets.filter(
    (w) =>
      (merchant === null || w.merchant === merchant) &&
      (method !== 'code' || w.provider.code !== undefined),
  );
  const ofWallet = async ({
    merchant: whose,
    provider,
  }: MerchantWallet): Promise<readonly Found[] | Failure> => {
    const at = { merchant: whose, wallet: provider.kind };
    const found: Found[] = [];
    for (let n = 1; n <= (method === 'code' ? 1 : MAX_LEGS); n++) {
      const leg = numbers.leg({ terminalId, outTradeNo }, at, n);
      if (rows.some((r) => r.leg === leg)) continue;
      const told = await provider.query(refTo(leg, asked));
      if (told.kind === 'unknown') return told.failure;
      found.push({ ...at, leg, provider, told, row: null, ended: false, handedBack: null });
    }
    return found;
  };
  const ofRow = async (row: Leg): Promise<readonly Found[] | Failure> => {
    // Settled, or about to be, whatever the lost time brought.
    if (row.state === 'refunding' || row.state === 'refunded' || row.state === 'parked') return [];
    const provider = walletOf(row);
    if (provider === undefined) return gone(row);
    const told = await provider.query(refOf(row));
    if (told.kind === 'unknown') return told.failure;
    const { merchant: whose, wallet, leg } = row;
    return [{ merchant: whose, wallet, leg, provider, told, row, ended: false, handedBack: null }];
  };
  const all = await Promise.all([...wallets.map(ofWallet), ...rows.map(ofRow)]);
  return all.find((one): one is Failure => !Array.isArray(one)) ?? (all as Found[][]).flat();
}

/**
 * A wallet that knows no trade before the scan may have shown a code all the same: each of its
 * numbers is closed, so that nobody pays by it once another wallet may, or the payment is over.
 */
async function endUnseen(
  desk: Desk,
  asked: Asked,
  found: readonly Found[],
): Promise<readonly Found[] | Failure> {
  const whole: Found[] = [];
  for (const f of found) {
    const unseen =
      f.row === null &&
      f.told.kind === 'not-found' &&
      asked.method !== 'code' &&
      f.provider.unseenBeforeScan === true;
    if (!unseen) {
      whole.push(f);
      continue;
    }
    const ref = refTo(f.leg, asked);
    const closed = await closeUnseen(desk, f, ref);
    if (closed.kind === 'unknown') return closed.failure;
    // It was paid at this moment, or the close handed it back: then the wallet knows it now.
    const told = await f.provider.query(ref);
    if (told.kind === 'unknown') return told.failure;
    whole.push({ ...f, told, ended: true });
  }
  return whole;
}

/** Noted first where it may be a cancel, as every close is: this one has no row of its own. */
async function closeUnseen(
  { db, now }: Desk,
  { leg, provider }: Found,
  ref: AttemptRef,
): Promise<CloseResult> {
  if (provider.closeMayHandBack !== true) return provider.close(ref);
  const note = (): Promise<unknown> =>
    db().query(
      `INSERT INTO gateway_unseen_closes (leg, sent_ms) VALUES ($1, $2)
       ON CONFLICT (leg) DO UPDATE SET sent_ms = EXCLUDED.sent_ms`,
      [leg, now()],
    );
  await note();
  const closed = await provider.close(ref);
  // What it was asked before and after took its time: from here on nobody waits for an answer.
  if (closed.kind === 'unknown') await note();
  return closed;
}

/**
 * May what was paid yet go back by what is on its way to a wallet? By a cancel or by a hand-back of
 * the lost time, of which nobody knows any more; or by a cancel of {@link closeUnseen}.
 */
async function mayYetGoBack(
  { db, now }: Desk,
  life: Life,
  found: readonly Found[],
): Promise<boolean> {
  const paid = found.filter((f) => f.told.kind === 'paid');
  if (paid.length === 0) return false;
  if (now() - life.sinceMs < LANDS_WITHIN_MS) return true;
  const sent = await db().query(
    `SELECT 1 FROM gateway_unseen_closes WHERE leg ${anyOf('$1')} AND sent_ms > $2 LIMIT 1`,
    [list(paid.map((f) => f.leg)), now() - LANDS_WITHIN_MS],
  );
  return sent.length > 0;
}

/** Of what went back: did the gateway itself hand it back, under its own number? */
async function backByItself(
  { amountFen, expiresAtMs }: Asked,
  found: readonly Found[],
): Promise<readonly Found[] | Failure> {
  const settled: Found[] = [];
  for (const f of found) {
    if (f.told.kind !== 'refunded') {
      settled.push(f);
      continue;
    }
    const fen = amountFen === 0 ? f.told.amountFen : amountFen;
    const told = await f.provider.queryRefund({
      ...refTo(f.leg, { amountFen: fen, expiresAtMs }),
      outRefundNo: selfRefundNo(f),
      refundFen: fen,
      reason: SELF_REASON,
    });
    if (told.kind === 'unknown') return told.failure;
    settled.push({
      ...f,
      handedBack: told.kind === 'done' ? 'done' : told.kind === 'not-found' ? null : 'going',
    });
  }
  return settled;
}
