import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { ok } from '../../shared/result.ts';
import { num, numOrNull } from '../db/sql.ts';
import { ALONE_AFTER_MS, FIRST_LOOK_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import { lostPayments } from './lost.ts';
import { captured, endLeg, SELF_REASON, selfRefundNo, sendReverse } from './legs.ts';
import { sendRefund, setRefund } from './refunds.ts';
import { legOf, refOf, refundOf } from './rows.ts';
import type { Leg, Refund } from './rows.ts';
import type { PaymentGateway } from './types.ts';

/** How far apart the looks at a leg come to be. */
const MAX_LOOK_MS = 3_600_000;
/**
 * A left leg could still be captured for so long: a code lives two hours, a slow clearing some
 * more.
 */
const WATCHED_MS = 24 * 3_600_000;
/** Reversals are taken for seven days (WeChat; payments.md section A). */
const REVERSIBLE_MS = 7 * 24 * 3_600_000;
const SWEEP_ROWS = 50;

/** What the gateway does without being asked by a terminal: looks that are due, and callbacks. */
export function sweeping(desk: Desk): Pick<PaymentGateway, 'sweep' | 'hear'> {
  const { db, now, alone, moving, log } = desk;
  // One that cannot be looked at does not keep the others waiting.
  const report = (cause: unknown): void =>
    log?.('error', 'gateway', cause instanceof Error ? cause.message : String(cause), cause);

  const lost = lostPayments(desk, report);
  const sweep = async (): Promise<void> => {
    await lost().catch(report);
    const legs = await db().query<Leg>(
      'SELECT * FROM gateway_legs WHERE look_ms <= $1 ORDER BY look_ms LIMIT $2',
      [now(), SWEEP_ROWS],
    );
    for (const { leg, terminal_id, out_trade_no } of legs)
      await moving(terminal_id, out_trade_no, () => lookIfDue(desk, leg)).catch(report);
    const refunds = await db().query<Refund>(
      'SELECT * FROM gateway_refunds WHERE look_ms <= $1 ORDER BY look_ms LIMIT $2',
      [now(), SWEEP_ROWS],
    );
    for (const r of refunds)
      await alone(r.terminal_id, r.out_trade_no, () => resend(desk, r)).catch(report);
  };

  /** Legs that are being looked at for a callback: one that comes again meanwhile adds nothing. */
  const looking = new Set<string>();
  const hear: PaymentGateway['hear'] = async (named, header, body, merchant = HOUSE_MERCHANT) => {
    const wallet = desk.merchants.of(merchant).find((w) => w.kind === named);
    if (wallet?.readCallback === undefined) return 'none';
    const told = wallet.readCallback(header, body);
    if (!told.ok) {
      log?.('warn', 'gateway', `${wallet.kind}: ${told.error.detail ?? told.error.code}`);
      return told;
    }
    const leg = await legOf(db(), told.value.outTradeNo);
    // Another system's of the same merchant: not ours to look at.
    const ours = leg?.wallet === wallet.kind && leg.merchant === merchant;
    if (!ours)
      log?.('info', 'gateway', `${wallet.kind}: a callback about a number that is not ours`);
    if (ours && !looking.has(leg.leg)) {
      looking.add(leg.leg);
      void moving(leg.terminal_id, leg.out_trade_no, () => lookNow(desk, leg.leg))
        .catch(report)
        .finally(() => looking.delete(leg.leg));
    }
    return ok(undefined);
  };
  return { sweep, hear };
}

/** The next look: as far away as the leg has stood still, within bounds. */
const later = ({ now }: Desk, leg: Leg): number =>
  now() + Math.min(MAX_LOOK_MS, Math.max(FIRST_LOOK_MS, now() - num(leg.changed_ms)));
const lookAgain = ({ db }: Desk, leg: Leg, lookMs: number | null): Promise<unknown> =>
  db().query('UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1 AND look_ms IS NOT NULL', [
    leg.leg,
    lookMs,
  ]);

/** Another process may have looked while this one waited for its turn. */
async function lookIfDue(desk: Desk, named: string): Promise<void> {
  const lookMs = numOrNull((await legOf(desk.db(), named))?.look_ms);
  if (lookMs !== null && lookMs <= desk.now()) await look(desk, named);
}

/** Goes one step on with a leg. */
async function look(desk: Desk, named: string): Promise<void> {
  const { db, now, walletOf } = desk;
  const leg = await legOf(db(), named);
  if (leg === null) return;
  if (walletOf(leg) === undefined) return void (await lookAgain(desk, leg, now() + MAX_LOOK_MS));
  switch (leg.state) {
    case 'closing':
      return goOnClosing(desk, leg);
    case 'closed':
      return watchClosed(desk, leg);
    case 'refunding':
      return handBack(desk, leg);
    case 'creating':
    case 'open':
    case 'paid':
    case 'refunded':
    case 'parked':
      return void (await lookAgain(desk, leg, null));
    default:
      leg.state satisfies never;
  }
}

async function goOnClosing(desk: Desk, leg: Leg): Promise<void> {
  const { now } = desk;
  if (leg.method === 'qr') {
    const ended = await endLeg(desk, leg);
    if (typeof ended !== 'string') await lookAgain(desk, leg, later(desk, leg));
    else if (ended === 'closed') await watchLeft(desk, leg);
    return;
  }
  const told = await sendReverse(desk, leg);
  if (told.kind === 'reversed' || told.kind === 'refused') return;
  const over = now() - num(leg.created_ms) > REVERSIBLE_MS;
  await lookAgain(desk, leg, over ? null : later(desk, leg));
}

/** One that is not its trade's may be captured all the same: it is looked at for a day more. */
const watchLeft = ({ db, now }: Desk, leg: Leg): Promise<unknown> =>
  db().query(
    `UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1 AND state = 'closed'
     AND NOT EXISTS (SELECT 1 FROM gateway_trades t WHERE t.leg = gateway_legs.leg)`,
    [leg.leg, now() + FIRST_LOOK_MS],
  );

/** A leg that its wallet closed, and that was left for another: it may yet be captured. */
async function watchClosed(desk: Desk, leg: Leg): Promise<void> {
  const { db, now, move, walletOf } = desk;
  const wallet = walletOf(leg);
  if (wallet === undefined) return;
  const told = await wallet.query(refOf(leg));
  if (told.kind === 'paid') {
    await captured(desk, leg, told);
    return look(desk, leg.leg);
  }
  if (told.kind === 'refunded') {
    // By this gateway itself, in a time that its database lost?
    const own = await wallet.queryRefund(selfRefund(leg));
    if (own.kind === 'unknown') return void (await lookAgain(desk, leg, later(desk, leg)));
    if (own.kind === 'processing')
      return void (await move(db(), leg.leg, 'refunding', ['closed'], now()));
    const state = told.whole === true || own.kind === 'done' ? 'refunded' : 'parked';
    await move(db(), leg.leg, state, ['closed'], null, 'handed back by somebody else');
    return;
  }
  const over = told.kind !== 'unknown' && now() - num(leg.changed_ms) > WATCHED_MS;
  await lookAgain(desk, leg, over ? null : later(desk, leg));
}

const selfRefund = (leg: Leg) => ({
  ...refOf(leg),
  outRefundNo: selfRefundNo(leg),
  refundFen: num(leg.amount_fen),
  reason: SELF_REASON,
});

/** Money that belongs to no order goes back whole, under one number however often it is asked. */
async function handBack(desk: Desk, leg: Leg): Promise<void> {
  const { db, move, walletOf } = desk;
  const wallet = walletOf(leg);
  if (wallet === undefined) return;
  const back = selfRefund(leg);
  const park = (f: Failure) =>
    move(db(), leg.leg, 'parked', ['refunding'], null, f.detail ?? f.code);
  // After a backup was put back its terminal says that this very capture is what it was told of.
  if (await paysAnOrder(desk, leg))
    return void (await park(failure('PAY-0301', 'its terminal was told that this one counts')));
  const asked = await wallet.refund(back);
  if (asked.kind === 'refused') return void (await park(asked.failure));
  const told = asked.kind === 'accepted' ? await wallet.queryRefund(back) : asked;
  if (told.kind === 'done') await move(db(), leg.leg, 'refunded', ['refunding'], null);
  else if (told.kind === 'abnormal') await park(told.failure);
  else await lookAgain(desk, leg, later(desk, leg));
}

/** Is there evidence by which this capture pays for something? */
const paysAnOrder = async ({ db }: Desk, leg: Leg): Promise<boolean> =>
  (
    await db().query(
      `SELECT 1 FROM payment_evidence
       WHERE wallet = $1 AND wallet_number = $2 AND merchant = $3 AND returned_ms IS NULL`,
      [leg.wallet, leg.transaction_id, leg.merchant],
    )
  ).length > 0;

/** A refund whose first answer was never heard is asked for again. */
async function resend(desk: Desk, named: Refund): Promise<void> {
  const { db, now } = desk;
  const r = await refundOf(db(), named.terminal_id, named.out_refund_no);
  const leg = await legOf(db(), r?.leg ?? null);
  if (r === null || leg === null || r.state !== 'asked') return;
  // Another process may have sent it while this one waited for its turn.
  if ((numOrNull(r.look_ms) ?? Number.POSITIVE_INFINITY) > now()) return;
  if ((await sendRefund(desk, leg, r)).kind !== 'unknown') return;
  const wait = Math.min(MAX_LOOK_MS, Math.max(ALONE_AFTER_MS, now() - num(r.created_ms)));
  await setRefund(desk, r, 'asked', now() + wait);
}

/** Asks what became of a leg now rather than at the next look or question. */
async function lookNow(desk: Desk, named: string): Promise<void> {
  const { db, walletOf } = desk;
  const leg = await legOf(db(), named);
  if (leg?.state !== 'creating' && leg?.state !== 'open') return look(desk, named);
  const told = await walletOf(leg)?.query(refOf(leg));
  if (told?.kind === 'paid') await captured(desk, leg, told);
}
