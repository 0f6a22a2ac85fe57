import type {
  CloseResult,
  PaymentProvider,
  QueryResult,
  ReverseResult,
} from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { bool, num, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { Desk } from './desk.ts';
import { MAX_LEGS } from './numbers.ts';
import { gone, legOf, refOf, tradeOf, unknown } from './rows.ts';
import type { Leg, Trade } from './rows.ts';
import { keepCapture } from './receipts.ts';
import type { Wallet } from './types.ts';

/** Paid, as far as is seen; but a close may still undo it. */
export const STILL_CLOSING = failure('PAY-0203', 'a close may still hand this payment back');

/**
 * A wallet's trade for a terminal's trade, which counts from here on. Null: it was opened there as
 * often as it may be.
 *
 * @param opened as in {@link Leg}
 */
export async function insertLeg(
  desk: Desk,
  tx: Sql,
  trade: Trade,
  wallet: Wallet,
  opened = '',
): Promise<Leg | null> {
  const { now } = desk;
  const leg = await nextLeg(desk, tx, trade, wallet);
  if (leg === null) return null;
  await tx.query(
    `INSERT INTO gateway_legs
     (leg, terminal_id, out_trade_no, wallet, method, amount_fen, expires_ms, state, shown,
     created_ms, changed_ms, merchant, opened)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'creating', $8, $9, $9, $10, $11)`,
    [
      leg,
      trade.terminal_id,
      trade.out_trade_no,
      wallet,
      trade.method,
      num(trade.amount_fen),
      num(trade.expires_ms),
      false,
      now(),
      trade.merchant,
      opened,
    ],
  );
  await tx.query(
    'UPDATE gateway_trades SET leg = $3 WHERE terminal_id = $1 AND out_trade_no = $2',
    [trade.terminal_id, trade.out_trade_no, leg],
  );
  return legOf(tx, leg);
}

/** The trade's next number at this wallet of its merchant; null: it had all of them. */
export async function nextLeg(
  { numbers }: Desk,
  tx: Sql,
  { terminal_id: terminalId, out_trade_no: outTradeNo, merchant }: Trade,
  wallet: Wallet,
): Promise<string | null> {
  const rows = await tx.query<{ leg: string }>(
    'SELECT leg FROM gateway_legs WHERE terminal_id = $1 AND out_trade_no = $2',
    [terminalId, outTradeNo],
  );
  const had = new Set(rows.map((r) => r.leg));
  let next: string | null = null;
  // A gap was never stored: its request is not known to be dead.
  for (let n = MAX_LEGS; n >= 1; n--) {
    const leg = numbers.leg({ terminalId, outTradeNo }, { merchant, wallet }, n);
    if (had.has(leg)) break;
    next = leg;
  }
  return next;
}

/** The gateway's own refund of a leg, whole: one number however often it is asked for. */
export const selfRefundNo = (of: Pick<Leg, 'leg'>): string => `X${of.leg}`;
/** What the customer reads of it. */
export const SELF_REASON = '重复付款自动退回';

/**
 * A capture that the wallet tells of: the trade's, where this is its leg; else on its way back,
 * durably, before anything is sent.
 */
export async function captured(
  desk: Desk,
  leg: Leg,
  told: Extract<QueryResult, { kind: 'paid' }>,
): Promise<void> {
  const { db, now, move } = desk;
  await db().transaction(async (tx) => {
    const trade = await tradeOf(tx, leg.terminal_id, leg.out_trade_no, true);
    await tx.query(
      'UPDATE gateway_legs SET transaction_id = $2, captured_fen = $3 WHERE leg = $1',
      [leg.leg, told.transactionId, told.amountFen],
    );
    if (trade?.leg === leg.leg) {
      await keepCapture(tx, trade, leg, told, now());
      // One that is being taken back stays so: the capture is what the reversal is for.
      await move(
        tx,
        leg.leg,
        'paid',
        leg.method === 'code'
          ? ['creating', 'open', 'closed']
          : ['creating', 'open', 'closing', 'closed'],
        null,
      );
    } else if (told.amountFen === num(leg.amount_fen))
      await move(
        tx,
        leg.leg,
        'refunding',
        ['closing', 'closed'],
        now(),
        'captured-after-another-wallet',
      );
    else
      await move(
        tx,
        leg.leg,
        'parked',
        ['closing', 'closed'],
        null,
        `captured ${told.amountFen} of ${num(leg.amount_fen)} fen`,
      );
  });
}

/**
 * A request that nobody answered is dead after so long: it waited in no queue of the wallet's
 * longer than the wallet itself waits (tens of seconds).
 */
export const LANDS_WITHIN_MS = 60_000;

/**
 * May a close that was sent for it still hand back what the customer paid? Until then no payment of
 * it counts: whoever got his gas for it would have the money too.
 */
export function mayBeHandedBack({ now }: Desk, leg: Leg): boolean {
  const sentMs = numOrNull(leg.close_sent_ms);
  return sentMs !== null && now() - sentMs < LANDS_WITHIN_MS;
}

/**
 * Sends a close. Where that may be a cancel, it is noted first, and the note goes only with the
 * wallet's word that it met a payment and left it.
 */
async function sendClose(desk: Desk, leg: Leg, wallet: PaymentProvider): Promise<CloseResult> {
  if (wallet.closeMayHandBack !== true) return wallet.close(refOf(leg));
  const note = (sentMs: number | null): Promise<unknown> =>
    desk.db().query('UPDATE gateway_legs SET close_sent_ms = $2 WHERE leg = $1', [leg.leg, sentMs]);
  await note(desk.now());
  const closed = await wallet.close(refOf(leg));
  // What it was asked before and after took its time: from here on nobody waits for an answer.
  await note(closed.kind === 'paid' ? numOrNull(leg.close_sent_ms) : desk.now());
  return closed;
}

/**
 * Did a cancel hand back what it met? Then this wallet's trade is over, and another wallet may
 * begin: whoever finds it first, the cancel's own question or the terminal's, stores that.
 */
export async function backByClose(
  { db, move }: Desk,
  leg: Leg,
  { whole }: Extract<QueryResult, { kind: 'refunded' }>,
): Promise<boolean> {
  if (leg.state === 'refunded') return true;
  if (leg.state !== 'closing' || leg.method !== 'qr' || whole !== true) return false;
  await move(db(), leg.leg, 'refunded', ['closing'], null, 'handed back by the close');
  return true;
}

/**
 * Ends a leg whose `closing` is stored, and asks what it has become. `closed` is what the wallet
 * confirmed.
 */
export async function endLeg(desk: Desk, leg: Leg): Promise<'closed' | 'paid' | Failure> {
  const { db, walletOf, move } = desk;
  const wallet = walletOf(leg);
  if (wallet === undefined) return gone(leg);
  const closed = await sendClose(desk, leg, wallet);
  if (closed.kind === 'unknown') return closed.failure;
  const told = await wallet.query(refOf(leg));
  switch (told.kind) {
    case 'paid':
      // This close, or one before it, is not known to have left the payment alone.
      if (
        mayBeHandedBack(desk, leg) ||
        (wallet.closeMayHandBack === true && closed.kind !== 'paid')
      )
        return STILL_CLOSING;
      await captured(desk, leg, told);
      return 'paid';
    case 'refunded':
      // A cancel that met the payment on its way handed it back whole; any other refund is a
      // person's, and the terminal's to see.
      if (await backByClose(desk, leg, told)) return 'closed';
      await move(db(), leg.leg, 'paid', ['closing'], null, 'handed back by somebody else');
      return 'paid';
    case 'not-found':
      // A wallet that does not know a number which it had shown is not an answer to build on.
      if (closed.kind !== 'closed' && bool(leg.shown))
        return failure('PAY-0201', 'the wallet does not know the trade that it made');
      await move(db(), leg.leg, 'closed', ['closing'], null);
      return 'closed';
    case 'closed':
      await move(db(), leg.leg, 'closed', ['closing'], null);
      return 'closed';
    case 'paying':
    case 'pending':
      return failure('PAY-0203', 'the wallet has not closed it yet');
    case 'unknown':
      return told.failure;
    default:
      return told satisfies never;
  }
}

/** Takes a payment by code back; its `closing` is stored. */
export async function sendReverse(desk: Desk, leg: Leg): Promise<ReverseResult> {
  const { db, walletOf, move } = desk;
  const wallet = walletOf(leg);
  if (wallet?.code === undefined) return unknown(gone(leg));
  const told = await wallet.code.reverse(refOf(leg));
  if (told.kind === 'reversed') await move(db(), leg.leg, 'closed', ['closing'], null, 'reversed');
  // Not to be taken back any more: the terminal refunds it, if it was paid.
  else if (told.kind === 'refused')
    await move(
      db(),
      leg.leg,
      leg.captured_fen === null ? 'closed' : 'paid',
      ['closing'],
      null,
      told.failure.code,
    );
  return told;
}
