import { hash } from 'node:crypto';
import type {
  BrowserCreateResult,
  CreateRequest,
  CreateResult,
  PaymentProvider,
} from '../../payment/types.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { ALONE_AFTER_MS, FIRST_LOOK_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import { captured, endLeg, insertLeg, nextLeg } from './legs.ts';
import { recover } from './recovery.ts';
import { legOf, refOf, tradeOf } from './rows.ts';
import type { Leg, Trade } from './rows.ts';
import type { Opened, Over, Seen, Wallet } from './types.ts';

/** Which wallet a browser belongs to, by what it calls itself. */
const BROWSERS: readonly (readonly [RegExp, Wallet])[] = [
  [/MicroMessenger\//, 'wechat'],
  [/AlipayClient\//, 'alipay'],
  [/UnionPay\//, 'unionpay'],
];

/** The wallet whose own browser this is; undefined: no wallet's. */
const ownBrowser = (userAgent: string): Wallet | undefined =>
  BROWSERS.find(([browser]) => browser.test(userAgent))?.[1];

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
  const kind = named ?? ownBrowser(userAgent);
  const found = offered.find((one) => one === kind);
  return found === undefined ? offered : [found];
}

/**
 * What may be tapped here. In a browser that is no wallet's own the others are scanned with: such a
 * wallet's trade opens around its page only.
 */
function tappable(
  desk: Desk,
  trade: Trade,
  named: string | null,
  userAgent: string,
): { readonly wallets: readonly Wallet[]; readonly scanWith: readonly Wallet[] } {
  const wallets = meant(desk, trade, named, userAgent);
  if (named !== null || ownBrowser(userAgent) !== undefined) return { wallets, scanWith: [] };
  const byLink = ({ merchant }: Trade, wallet: Wallet): boolean =>
    desk.walletOf({ merchant, wallet })?.browser === undefined;
  return { wallets: wallets.filter((wallet) => byLink(trade, wallet)), scanWith: wallets };
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
    ...tappable(desk, trade, named, userAgent),
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
  const row = await tradeBy(desk, token);
  if (row === undefined) return { kind: 'no-such-trade' };
  const offered = meant(desk, row, named, userAgent);
  const [wallet] = offered;
  if (wallet === undefined || offered.length > 1) return { kind: 'choose', wallets: offered };
  const browser = desk.walletOf({ merchant: row.merchant, wallet })?.browser;
  // Who named another wallet than the browser around the page has its link, as everywhere else.
  if (browser === undefined || ownBrowser(userAgent) !== wallet)
    return beginning(desk, row, { wallet, payer: null });
  const seen = await lookPage(desk, token, wallet, userAgent);
  if (seen.kind !== 'trade') return seen;
  const state = desk.hex(16);
  const back = `${desk.publicUrl}/q/${token}/${wallet}`;
  return { kind: 'authorize', url: browser.authorizeUrl(back, state), state };
}

/** See `PaymentGateway.returned`. */
export async function returned(
  desk: Desk,
  token: string,
  named: string,
  code: string,
): Promise<Opened> {
  const row = await tradeBy(desk, token);
  if (row === undefined) return { kind: 'no-such-trade' };
  const wallet = desk.merchants.of(row.merchant).find((w) => w.kind === named);
  if (wallet?.browser === undefined) return { kind: 'no-such-trade' };
  const payer = await wallet.browser.payerOf(code);
  if (payer.ok) return beginning(desk, row, { wallet: wallet.kind, payer: payer.value });
  desk.log?.('warn', 'gateway', 'the wallet does not say who pays', {
    wallet: wallet.kind,
    why: payer.error.detail ?? payer.error.code,
  });
  return { kind: 'wait' };
}

/** Which wallet pays, and for whom its own browser opens the trade; null: by its link. */
interface Opening {
  readonly wallet: Wallet;
  readonly payer: string | null;
}
/** What stands in the row for it: whoever reads the row does not learn who pays. */
const openedAs = ({ payer }: Opening): string =>
  payer === null ? '' : hash('sha256', payer, 'hex').slice(0, 32);

const beginning = (desk: Desk, row: Trade, opening: Opening): Promise<Opened> =>
  desk.moving(
    row.terminal_id,
    row.out_trade_no,
    async () =>
      (await begin(desk, row, opening)) ?? (await begin(desk, row, opening)) ?? { kind: 'wait' },
  );

/**
 * The wallet's own trade, begun if there is none; another wallet's, or another payer's, is ended
 * first: what was made for one cannot be paid by another. Null: look again.
 */
async function begin(desk: Desk, row: Trade, opening: Opening): Promise<Opened | null> {
  const { db, now, move } = desk;
  const { wallet: kind } = opening;
  const opened = openedAs(opening);
  const asked = { outTradeNo: row.out_trade_no, amountFen: num(row.amount_fen) };
  if ((await recover(desk, row.terminal_id, asked, 'open')) !== null) return { kind: 'wait' };
  const next = await db().transaction(
    async (tx): Promise<Opened | { readonly use: Leg } | { readonly end: Leg }> => {
      const trade = (await tradeOf(tx, row.terminal_id, row.out_trade_no, true)) as Trade;
      const leg = await legOf(tx, trade.leg);
      if (leg?.state === 'paid') return { kind: 'paid' };
      if (trade.state === 'closed' || num(trade.expires_ms) <= now())
        return { kind: await overHow(tx, trade) };
      if (leg === null) return fresh(await insertLeg(desk, tx, trade, kind, opened));
      if (leg.state === 'closed' || leg.state === 'refunded') {
        // The wallet confirmed that it is over; should it be captured all the same, it is
        // watched, and handed back.
        if (leg.state === 'closed')
          await tx.query('UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1', [
            leg.leg,
            now() + FIRST_LOOK_MS,
          ]);
        return fresh(await insertLeg(desk, tx, trade, kind, opened));
      }
      if (leg.wallet === kind && leg.opened === opened && leg.state !== 'closing')
        return { use: leg };
      // Nothing is ended for what cannot begin.
      if ((await nextLeg(desk, tx, trade, kind)) === null) return { kind: 'spent' };
      await move(tx, leg.leg, 'closing', ['creating', 'open'], now() + ALONE_AFTER_MS);
      return { end: { ...leg, state: 'closing' } };
    },
  );
  if ('kind' in next) return next;
  if ('end' in next) {
    const ended = await endLeg(desk, next.end);
    return ended === 'closed' ? null : { kind: ended === 'paid' ? 'paid' : 'wait' };
  }
  return made(desk, next.use, row.description, opening);
}

/** Null: it was opened there as often as it may be. */
const fresh = (leg: Leg | null): Opened | { readonly use: Leg } =>
  leg === null ? { kind: 'spent' } : { use: leg };

/** Asks the wallet for its trade, under the leg's number: the first time, or once more. */
async function made(desk: Desk, leg: Leg, description: string, opening: Opening): Promise<Opened> {
  const { db, now, move, walletOf } = desk;
  const wallet = walletOf(leg);
  // Its merchant was taken out of the configuration meanwhile.
  if (wallet === undefined) return { kind: 'wait' };
  const request: CreateRequest = {
    ...refOf(leg),
    expiresAtMs: num(leg.expires_ms),
    description,
  };
  const told = await asked(wallet, request, opening.payer);
  switch (told.kind) {
    case 'pending': {
      // Stored before anybody sees it; one that is being closed meanwhile is never shown.
      const shown = await db().query(
        `UPDATE gateway_legs SET state = 'open', shown = $2, changed_ms = $3 WHERE leg = $1
         AND state IN ('creating', 'open') RETURNING leg`,
        [leg.leg, true, now()],
      );
      if (shown.length === 0) return { kind: 'wait' };
      return 'invoke' in told
        ? { kind: 'invoke', params: told.invoke }
        : { kind: 'go', url: told.qrText };
    }
    case 'paid': {
      const seen = await wallet.query(refOf(leg));
      if (seen.kind === 'paid') await captured(desk, leg, seen);
      return { kind: seen.kind === 'paid' ? 'paid' : 'wait' };
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
        told.failure.code,
      );
      return { kind: 'refused' };
    case 'unknown':
      return { kind: 'wait' };
    default:
      return told satisfies never;
  }
}

/** In the wallet's browser for one payer, else by its link. */
const asked = (
  { create, browser }: PaymentProvider,
  request: CreateRequest,
  payer: string | null,
): Promise<CreateResult | BrowserCreateResult> =>
  payer === null || browser === undefined ? create(request) : browser.create(request, payer);
