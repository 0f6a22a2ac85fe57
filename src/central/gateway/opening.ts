import { maskCardNo } from '../../shared/mask.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { ALONE_AFTER_MS, FIRST_LOOK_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import { captured, endLeg, insertLeg } from './legs.ts';
import { legOf, refOf, tradeOf } from './rows.ts';
import type { Leg, Trade } from './rows.ts';
import type { Opened, Over, Seen, Wallet } from './types.ts';

/** Which wallet a browser belongs to, by what it calls itself. */
const BROWSERS: readonly (readonly [RegExp, Wallet])[] = [
  [/MicroMessenger\//, 'wechat'],
  [/AlipayClient\//, 'alipay'],
  [/UnionPay\//, 'unionpay'],
];

const tradeBy = async ({ db }: Desk, token: string): Promise<Trade | undefined> =>
  (await db().query<Trade>('SELECT * FROM gateway_trades WHERE token = $1', [token]))[0];

/**
 * The wallet that is meant, where it is known, as the only one; else every one that the
 * trade's merchant has.
 */
function meant(
  { merchants }: Desk,
  { merchant }: Trade,
  named: string | null,
  userAgent: string,
): readonly Wallet[] {
  const offered = merchants.of(merchant).map((w) => w.kind);
  const kind = named ?? BROWSERS.find(([browser]) => browser.test(userAgent))?.[1];
  const found = offered.find((one) => one === kind);
  return found === undefined ? offered : [found];
}

/** See `PaymentGateway.lookPage`: it reads, and nothing else. */
export async function lookPage(
  desk: Desk,
  token: string,
  named: string | null,
  userAgent: string,
): Promise<Seen> {
  const trade = await tradeBy(desk, token);
  if (trade === undefined) return { kind: 'no-such-trade' };
  const leg = await legOf(desk.db(), trade.leg);
  if (leg?.state === 'paid') return { kind: 'paid' };
  if (trade.state === 'closed' || num(trade.expires_ms) <= desk.now())
    return { kind: await overHow(desk.db(), trade) };
  return {
    kind: 'trade',
    terminalId: trade.terminal_id,
    amountFen: num(trade.amount_fen),
    hall: trade.hall,
    card: (await knownCard(desk, trade)) ?? trade.card,
    company:
      trade.payee === null
        ? null
        : ((await desk.companyOf?.(trade.payee, trade.terminal_id)) ?? null),
    wallets: meant(desk, trade, named, userAgent),
  };
}

/** “Not charged” is said only where no wallet was asked, or each said that its trade is closed. */
async function overHow(sql: Sql, { terminal_id, out_trade_no }: Trade): Promise<Over> {
  const begun = await sql.query(
    `SELECT 1 FROM gateway_legs WHERE terminal_id = $1 AND out_trade_no = $2
     AND state <> 'closed' LIMIT 1`,
    [terminal_id, out_trade_no],
  );
  return begun.length > 0 ? 'over-begun' : 'over';
}

/**
 * The card of the order that central itself knows under this number, or the account that it is
 * credited to: no terminal's word for it.
 */
async function knownCard({ db }: Desk, trade: Trade): Promise<string | null> {
  if (trade.order_id === null) return null;
  const [order] = await db().query<{ no: string }>(
    `SELECT card_no AS no FROM claims WHERE order_id = $1 AND terminal_id = $2
     UNION ALL SELECT card_no AS no FROM orders
       WHERE order_id = $1 AND terminal_id = $2 AND sale = 'card'
     UNION ALL SELECT user_no AS no FROM postings
       WHERE order_id = $1 AND terminal_id = $2 AND user_no <> '' LIMIT 1`,
    [trade.order_id, trade.terminal_id],
  );
  return order === undefined ? null : maskCardNo(order.no);
}

/** See `PaymentGateway.openPage`. */
export async function openPage(
  desk: Desk,
  token: string,
  named: string | null,
  userAgent: string,
): Promise<Opened> {
  const { moving } = desk;
  const row = await tradeBy(desk, token);
  if (row === undefined) return { kind: 'no-such-trade' };
  const offered = meant(desk, row, named, userAgent);
  const [wallet] = offered;
  if (wallet === undefined || offered.length > 1) return { kind: 'choose', wallets: offered };
  return moving(
    row.terminal_id,
    row.out_trade_no,
    async () =>
      (await begin(desk, row, wallet)) ?? (await begin(desk, row, wallet)) ?? { kind: 'wait' },
  );
}

/**
 * The wallet's own trade, begun if there is none; another wallet's is ended first. Null: look
 * again.
 */
async function begin(desk: Desk, row: Trade, kind: Wallet): Promise<Opened | null> {
  const { db, now, move, walletOf } = desk;
  const next = await db().transaction(
    async (tx): Promise<Opened | { readonly use: Leg } | { readonly end: Leg }> => {
      const trade = (await tradeOf(tx, row.terminal_id, row.out_trade_no, true)) as Trade;
      const leg = await legOf(tx, trade.leg);
      if (leg?.state === 'paid') return { kind: 'paid' };
      if (trade.state === 'closed' || num(trade.expires_ms) <= now())
        return { kind: await overHow(tx, trade) };
      if (leg === null) return { use: await insertLeg(desk, tx, trade, kind) };
      if (leg.state === 'closed' || leg.state === 'refunded') {
        // The wallet confirmed that it is over; should it be captured all the same, it is
        // watched, and handed back.
        if (leg.state === 'closed')
          await tx.query('UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1', [
            leg.leg,
            now() + FIRST_LOOK_MS,
          ]);
        return { use: await insertLeg(desk, tx, trade, kind) };
      }
      if (leg.wallet === kind && leg.state !== 'closing') return { use: leg };
      await move(tx, leg.leg, 'closing', ['creating', 'open'], now() + ALONE_AFTER_MS);
      return { end: { ...leg, state: 'closing' } };
    },
  );
  if ('kind' in next) return next;
  if ('end' in next) {
    const ended = await endLeg(desk, next.end);
    return ended === 'closed' ? null : { kind: ended === 'paid' ? 'paid' : 'wait' };
  }
  const leg = next.use;
  const wallet = walletOf(leg);
  // Its merchant was taken out of the configuration meanwhile.
  if (wallet === undefined) return { kind: 'wait' };
  const made = await wallet.create({
    ...refOf(leg),
    expiresAtMs: num(leg.expires_ms),
    description: row.description,
  });
  switch (made.kind) {
    case 'pending': {
      // Stored before anybody sees it; one that is being closed meanwhile is never shown.
      const shown = await db().query(
        `UPDATE gateway_legs SET state = 'open', shown = $2, changed_ms = $3 WHERE leg = $1
         AND state IN ('creating', 'open') RETURNING leg`,
        [leg.leg, true, now()],
      );
      return shown.length > 0 ? { kind: 'go', url: made.qrText } : { kind: 'wait' };
    }
    case 'paid': {
      const told = await wallet.query(refOf(leg));
      if (told.kind === 'paid') await captured(desk, leg, told);
      return { kind: told.kind === 'paid' ? 'paid' : 'wait' };
    }
    case 'refused':
      // An earlier request under this number may have made it: it is ended like any other before
      // the next.
      await move(
        db(),
        leg.leg,
        'closing',
        ['creating', 'open'],
        now() + ALONE_AFTER_MS,
        made.failure.code,
      );
      return { kind: 'refused' };
    case 'unknown':
      return { kind: 'wait' };
    default:
      return made satisfies never;
  }
}
