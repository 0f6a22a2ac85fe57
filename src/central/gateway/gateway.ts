import type { z } from 'zod';
import { whoTakes } from '../../payment/codes.ts';
import type { PaymentCodes } from '../../payment/codes.ts';
import type {
  AttemptRef,
  BillResult,
  ChargeResult,
  CloseResult,
  CreateResult,
  PaymentProvider,
  QueryResult,
  RefundQueryResult,
  RefundResult,
  ReverseResult,
} from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type {
  attemptSchema,
  chargeSchema,
  createSchema,
  refundSchema,
} from '../../shared/gateway-api.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { bool, num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { gatewayBills } from './bills.ts';

export interface GatewayOptions {
  /** The wallets, with the merchant's keys; one of each kind. */
  readonly wallets: readonly PaymentProvider[];
  /** Where customers' phones reach this service, without a slash at the end. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Left out: the table of payment/codes.ts. */
  readonly paymentCodes?: PaymentCodes | undefined;
  readonly log?: LogFn;
}

/**
 * What the page behind a trade's code does. `go`: the wallet's own code · `choose`: nobody knows
 * which wallet this is · `wait`: not known yet, look again.
 */
export type Opened =
  | { readonly kind: 'go'; readonly url: string }
  | { readonly kind: 'choose'; readonly wallets: readonly Wallet[] }
  | { readonly kind: 'paid' | 'over' | 'wait' | 'refused' | 'no-such-trade' };
export type Wallet = PaymentProvider['kind'];

/**
 * What a terminal asks for, in words of src/payment/types.ts. No call rejects for what a wallet
 * does; a database that fails makes it reject.
 */
export interface PaymentGateway {
  readonly create: (
    terminalId: string,
    request: z.infer<typeof createSchema>,
  ) => Promise<CreateResult>;
  readonly query: (
    terminalId: string,
    attempt: z.infer<typeof attemptSchema>,
  ) => Promise<QueryResult>;
  readonly close: (
    terminalId: string,
    attempt: z.infer<typeof attemptSchema>,
  ) => Promise<CloseResult>;
  readonly refund: (
    terminalId: string,
    request: z.infer<typeof refundSchema>,
  ) => Promise<RefundResult>;
  readonly queryRefund: (
    terminalId: string,
    request: z.infer<typeof refundSchema>,
  ) => Promise<RefundQueryResult>;
  readonly charge: (
    terminalId: string,
    request: z.infer<typeof chargeSchema>,
  ) => Promise<ChargeResult>;
  readonly reverse: (
    terminalId: string,
    attempt: z.infer<typeof attemptSchema>,
  ) => Promise<ReverseResult>;
  readonly bill: (terminalId: string, date: string) => Promise<BillResult>;
  /** Somebody opened a trade's page. @param wallet null: tell from the browser */
  readonly openPage: (token: string, wallet: string | null, userAgent: string) => Promise<Opened>;
  /**
   * A wallet's callback: believed only whole, and then no more than a reason to ask that wallet at
   * once, which goes on after this has answered. `none`: this wallet takes none.
   */
  readonly hear: (
    wallet: string,
    header: (name: string) => string | null,
    body: Uint8Array,
  ) => Promise<Result<void, Failure> | 'none'>;
  /**
   * Looks once at everything that is due: closes, late captures, hand-backs. Never rejects for one
   * of them.
   */
  readonly sweep: () => Promise<void>;
}

interface Trade {
  readonly terminal_id: string;
  readonly out_trade_no: string;
  readonly token: string | null;
  readonly method: 'qr' | 'code';
  readonly amount_fen: unknown;
  readonly description: string;
  readonly expires_ms: unknown;
  readonly state: 'open' | 'closed';
  readonly leg: string | null;
}
interface Leg {
  readonly leg: string;
  readonly terminal_id: string;
  readonly out_trade_no: string;
  readonly wallet: Wallet;
  readonly method: 'qr' | 'code';
  readonly amount_fen: unknown;
  readonly expires_ms: unknown;
  readonly state:
    | 'creating'
    | 'open'
    | 'closing'
    | 'closed'
    | 'paid'
    | 'refunding'
    | 'refunded'
    | 'parked';
  readonly shown: unknown;
  readonly transaction_id: string | null;
  readonly captured_fen: unknown;
  readonly created_ms: unknown;
  readonly changed_ms: unknown;
}
interface Refund {
  readonly terminal_id: string;
  readonly out_refund_no: string;
  readonly out_trade_no: string;
  readonly leg: string;
  readonly wallet_refund_no: string;
  readonly refund_fen: unknown;
  readonly reason: string;
  readonly state: 'asked' | 'accepted' | 'done' | 'refused';
  readonly created_ms: unknown;
}

/**
 * A terminal asks again by itself; only after this does the gateway go on alone with what it asked
 * for.
 */
const ALONE_AFTER_MS = 60_000;
/** The first look at a leg that was left for another wallet, and how far apart the looks come to be. */
const FIRST_LOOK_MS = 30_000;
const MAX_LOOK_MS = 3_600_000;
/**
 * A left leg could still be captured for so long: a code lives two hours, a slow clearing some
 * more.
 */
const WATCHED_MS = 24 * 3_600_000;
/** Reversals are taken for seven days (WeChat; payments.md section A). */
const REVERSIBLE_MS = 7 * 24 * 3_600_000;
const SWEEP_ROWS = 50;
const REASON = '重复付款自动退回';

/** Which wallet a browser belongs to, by what it calls itself. */
const BROWSERS: readonly (readonly [RegExp, Wallet])[] = [
  [/MicroMessenger\//, 'wechat'],
  [/AlipayClient\//, 'alipay'],
  [/UnionPay\//, 'unionpay'],
];

const unknown = (f: Failure): { readonly kind: 'unknown'; readonly failure: Failure } => ({
  kind: 'unknown',
  failure: f,
});

/**
 * One QR code for every wallet, and the wallets' merchants behind it (decision 0019). Each step is
 * in the database before the request that it speaks of leaves, and every request may be sent again
 * under its number; so whatever is cut, the next request or the next sweep goes on from what is
 * stored.
 */
export function createPaymentGateway(db: () => Db, options: GatewayOptions): PaymentGateway {
  const { clock, random, wallets } = options;
  const now = (): number => Math.floor(clock.nowMs());
  const hex = (bytes: number): string =>
    Buffer.from(random.bytes(bytes)).toString('hex').toUpperCase();
  const walletOf = (kind: Wallet): PaymentProvider | undefined =>
    wallets.find((w) => w.kind === kind);
  const gone = (kind: Wallet): Failure =>
    failure('PAY-0204', `${kind} is not configured at the gateway`);
  const refOf = (leg: Leg): AttemptRef => ({
    outTradeNo: leg.leg,
    amountFen: num(leg.amount_fen),
    expiresAtMs: num(leg.expires_ms),
    ...(leg.method === 'code' ? { method: 'code' } : {}),
  });
  const selfRefundNo = (leg: Leg): string => `X${leg.leg}`;

  /** One thing at a time for one trade; another process is kept off by the rows themselves. */
  const turns = new Map<string, Promise<unknown>>();
  async function alone<T>(
    terminalId: string,
    outTradeNo: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const key = `${terminalId}/${outTradeNo}`;
    const before = turns.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    turns.set(key, settled);
    try {
      return await mine;
    } finally {
      if (turns.get(key) === settled) turns.delete(key);
    }
  }

  const tradeOf = async (
    sql: Sql,
    terminalId: string,
    outTradeNo: string,
    lock = false,
  ): Promise<Trade | null> =>
    (
      await sql.query<Trade>(
        `SELECT * FROM gateway_trades WHERE terminal_id = $1 AND out_trade_no = $2${lock ? ' FOR UPDATE' : ''}`,
        [terminalId, outTradeNo],
      )
    )[0] ?? null;
  const legOf = async (sql: Sql, leg: string | null): Promise<Leg | null> =>
    leg === null
      ? null
      : ((await sql.query<Leg>('SELECT * FROM gateway_legs WHERE leg = $1', [leg]))[0] ?? null);
  /** A leg's next state. @param from the states that it may come from; another one stays as it is */
  const move = async (
    sql: Sql,
    leg: string,
    to: Leg['state'],
    from: readonly Leg['state'][],
    lookMs: number | null,
    reason: string | null = null,
  ): Promise<boolean> =>
    (
      await sql.query(
        `UPDATE gateway_legs SET state = $2, changed_ms = $3, look_ms = $4, reason = COALESCE($5, reason) WHERE leg = $1 AND state IN (${from.map((s) => `'${s}'`).join(', ')}) RETURNING leg`,
        [leg, to, now(), lookMs, reason],
      )
    ).length > 0;

  async function insertLeg(tx: Sql, trade: Trade, wallet: Wallet): Promise<Leg> {
    const leg = `G${hex(13)}`;
    await tx.query(
      `INSERT INTO gateway_legs (leg, terminal_id, out_trade_no, wallet, method, amount_fen, expires_ms, state, shown, created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 'creating', $8, $9, $9)`,
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
      ],
    );
    await tx.query(
      'UPDATE gateway_trades SET leg = $3 WHERE terminal_id = $1 AND out_trade_no = $2',
      [trade.terminal_id, trade.out_trade_no, leg],
    );
    return (await legOf(tx, leg)) as Leg;
  }
  const insertTrade = async (
    tx: Sql,
    t: {
      terminalId: string;
      outTradeNo: string;
      token: string | null;
      method: 'qr' | 'code';
      amountFen: number;
      description: string;
      expiresMs: number;
      state: 'open' | 'closed';
    },
  ): Promise<boolean> =>
    (
      await tx.query(
        'INSERT INTO gateway_trades (terminal_id, out_trade_no, token, method, amount_fen, description, expires_ms, state, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING out_trade_no',
        [
          t.terminalId,
          t.outTradeNo,
          t.token,
          t.method,
          t.amountFen,
          t.description,
          t.expiresMs,
          t.state,
          now(),
        ],
      )
    ).length > 0;
  /** A number that ended before it began: whatever of it is still on its way comes too late. */
  const tombstone = (
    tx: Sql,
    terminalId: string,
    a: z.infer<typeof attemptSchema>,
  ): Promise<boolean> =>
    insertTrade(tx, {
      terminalId,
      outTradeNo: a.outTradeNo,
      token: null,
      method: a.method ?? 'qr',
      amountFen: a.amountFen,
      description: '',
      expiresMs: 0,
      state: 'closed',
    });

  /**
   * A capture that the wallet tells of: the trade's, where this is its leg; else on its way back,
   * durably, before anything is sent.
   */
  async function captured(leg: Leg, told: Extract<QueryResult, { kind: 'paid' }>): Promise<void> {
    await db().transaction(async (tx) => {
      const trade = await tradeOf(tx, leg.terminal_id, leg.out_trade_no, true);
      await tx.query(
        'UPDATE gateway_legs SET transaction_id = $2, captured_fen = $3 WHERE leg = $1',
        [leg.leg, told.transactionId, told.amountFen],
      );
      if (trade?.leg === leg.leg) {
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
        await move(tx, leg.leg, 'refunding', ['closed'], now(), 'captured-after-another-wallet');
      else
        await move(
          tx,
          leg.leg,
          'parked',
          ['closed'],
          null,
          `captured ${told.amountFen} of ${num(leg.amount_fen)} fen`,
        );
    });
  }

  /**
   * Ends a leg whose `closing` is stored, and asks what it has become. `closed` is what the wallet
   * confirmed.
   */
  async function endLeg(leg: Leg): Promise<'closed' | 'paid' | Failure> {
    const wallet = walletOf(leg.wallet);
    if (wallet === undefined) return gone(leg.wallet);
    const closed = await wallet.close(refOf(leg));
    if (closed.kind === 'unknown') return closed.failure;
    const told = await wallet.query(refOf(leg));
    switch (told.kind) {
      case 'paid':
        await captured(leg, told);
        return 'paid';
      case 'refunded':
        // A cancel that met the payment on its way handed it back whole; any other refund is a
        // person's, and the terminal's to see.
        if (told.whole !== true) {
          await move(db(), leg.leg, 'paid', ['closing'], null, 'handed back by somebody else');
          return 'paid';
        }
        await move(db(), leg.leg, 'refunded', ['closing'], null, 'handed back by the close');
        return 'closed';
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

  const create: PaymentGateway['create'] = (terminalId, request) =>
    alone(terminalId, request.outTradeNo, () =>
      db().transaction(async (tx): Promise<CreateResult> => {
        await insertTrade(tx, {
          terminalId,
          outTradeNo: request.outTradeNo,
          token: Buffer.from(random.bytes(16)).toString('base64url'),
          method: 'qr',
          amountFen: request.amountFen,
          description: request.description,
          expiresMs: request.expiresAtMs,
          state: 'open',
        });
        const trade = (await tradeOf(tx, terminalId, request.outTradeNo)) as Trade;
        const leg = await legOf(tx, trade.leg);
        if (num(trade.amount_fen) !== request.amountFen || trade.method !== 'qr')
          return {
            kind: 'refused',
            failure: failure('PAY-0102', 'this number stands for another payment'),
          };
        if (leg?.state === 'paid') return { kind: 'paid' };
        if (trade.state === 'closed' || trade.token === null)
          return { kind: 'refused', failure: failure('PAY-0102', 'this payment is closed') };
        return { kind: 'pending', qrText: `${options.publicUrl}/q/${trade.token}` };
      }),
    );

  const query: PaymentGateway['query'] = (terminalId, attempt) =>
    alone(terminalId, attempt.outTradeNo, async (): Promise<QueryResult> => {
      const trade = await tradeOf(db(), terminalId, attempt.outTradeNo);
      if (trade === null) return { kind: 'not-found' };
      const leg = await legOf(db(), trade.leg);
      if (leg === null) return trade.state === 'closed' ? { kind: 'closed' } : { kind: 'pending' };
      const wallet = walletOf(leg.wallet);
      if (wallet === undefined) return unknown(gone(leg.wallet));
      const told = await wallet.query(refOf(leg));
      if (told.kind === 'paid') await captured(leg, told);
      // A code was sent once: whether the wallet has it, the terminal judges.
      if (leg.method === 'code') return told;
      const handedBack = told.kind === 'refunded' && leg.state === 'refunded';
      // A QR code's trade exists here, whatever the wallet has of it.
      if (told.kind === 'not-found' && leg.state !== 'closed') return { kind: 'pending' };
      if (told.kind !== 'closed' && told.kind !== 'not-found' && !handedBack) return told;
      // This wallet's trade is over. The payment is only where no other wallet can begin any more:
      // that is stored before it is said.
      if (trade.state === 'open') {
        if (now() < num(trade.expires_ms)) return { kind: 'pending' };
        await db().query(
          `UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2`,
          [terminalId, attempt.outTradeNo],
        );
      }
      return handedBack ? told : { kind: 'closed' };
    });

  const close: PaymentGateway['close'] = (terminalId, attempt) =>
    alone(terminalId, attempt.outTradeNo, async (): Promise<CloseResult> => {
      const leg = await db().transaction(async (tx): Promise<Leg | 'code' | null> => {
        await tombstone(tx, terminalId, attempt);
        const trade = (await tradeOf(tx, terminalId, attempt.outTradeNo, true)) as Trade;
        if (trade.method === 'code' && trade.leg !== null) return 'code';
        // No wallet begins anything for it any more.
        await tx.query(
          `UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2`,
          [terminalId, attempt.outTradeNo],
        );
        if (trade.leg === null) return null;
        await move(tx, trade.leg, 'closing', ['creating', 'open'], now() + ALONE_AFTER_MS);
        return legOf(tx, trade.leg);
      });
      // What was sent may be paid at this moment: only a reversal hands it back.
      if (leg === 'code')
        return unknown(failure('PAY-0204', 'a payment by code is reversed, not closed'));
      if (leg === null || leg.state === 'closed' || leg.state === 'refunded')
        return { kind: 'closed' };
      if (leg.state === 'paid') return { kind: 'paid' };
      const ended = await endLeg(leg);
      return typeof ended === 'string' ? { kind: ended } : unknown(ended);
    });

  const refund: PaymentGateway['refund'] = (terminalId, request) =>
    alone(terminalId, request.outTradeNo, async (): Promise<RefundResult> => {
      const no = (why: string): RefundResult => ({
        kind: 'refused',
        failure: failure('PAY-0301', why),
      });
      const asked = await db().transaction(
        async (tx): Promise<{ readonly leg: Leg; readonly refund: Refund } | RefundResult> => {
          const trade = await tradeOf(tx, terminalId, request.outTradeNo, true);
          const leg = await legOf(tx, trade?.leg ?? null);
          if (trade === null || leg === null) return no('nothing was ever paid under this number');
          if (request.amountFen !== num(trade.amount_fen) || request.refundFen > request.amountFen)
            return no('not the amount of this payment');
          const rows = await tx.query<Refund>(
            'SELECT * FROM gateway_refunds WHERE terminal_id = $1 AND (out_refund_no = $2 OR leg = $3)',
            [terminalId, request.outRefundNo, leg.leg],
          );
          const old = rows.find((r) => r.out_refund_no === request.outRefundNo);
          if (
            old !== undefined &&
            (old.leg !== leg.leg || num(old.refund_fen) !== request.refundFen)
          )
            return no('this refund number stands for another refund');
          if (old !== undefined && old.state !== 'refused') return { leg, refund: old };
          const asFar = rows
            .filter((r) => r.state !== 'refused')
            .reduce((sum, r) => sum + num(r.refund_fen), 0);
          if (asFar + request.refundFen > num(trade.amount_fen))
            return no(`${asFar} fen are handed back already`);
          // Money goes back one way: a reversal that was never heard of is not gone on with beside
          // it.
          if (leg.captured_fen !== null)
            await move(tx, leg.leg, 'paid', ['closing'], null, 'refunded instead of reversed');
          if (old !== undefined) {
            // Refused before: from here it may succeed, and counts again.
            await tx.query(
              `UPDATE gateway_refunds SET state = 'asked', look_ms = $3 WHERE terminal_id = $1 AND out_refund_no = $2`,
              [terminalId, request.outRefundNo, now() + ALONE_AFTER_MS],
            );
            return { leg, refund: { ...old, state: 'asked' } };
          }
          await tx.query(
            `INSERT INTO gateway_refunds (terminal_id, out_refund_no, out_trade_no, leg, wallet_refund_no, refund_fen, reason, state, created_ms, look_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 'asked', $8, $9)`,
            [
              terminalId,
              request.outRefundNo,
              request.outTradeNo,
              leg.leg,
              `H${hex(13)}`,
              request.refundFen,
              request.reason,
              now(),
              now() + ALONE_AFTER_MS,
            ],
          );
          return { leg, refund: (await refundOf(tx, terminalId, request.outRefundNo)) as Refund };
        },
      );
      return 'kind' in asked ? asked : sendRefund(asked.leg, asked.refund);
    });

  const refundOf = async (
    sql: Sql,
    terminalId: string,
    outRefundNo: string,
  ): Promise<Refund | null> =>
    (
      await sql.query<Refund>(
        'SELECT * FROM gateway_refunds WHERE terminal_id = $1 AND out_refund_no = $2',
        [terminalId, outRefundNo],
      )
    )[0] ?? null;
  const walletRefund = (leg: Leg, r: Refund) => ({
    ...refOf(leg),
    outRefundNo: r.wallet_refund_no,
    refundFen: num(r.refund_fen),
    reason: r.reason,
  });
  const setRefund = (r: Refund, state: Refund['state'], lookMs: number | null): Promise<unknown> =>
    db().query(
      'UPDATE gateway_refunds SET state = $3, look_ms = $4 WHERE terminal_id = $1 AND out_refund_no = $2',
      [r.terminal_id, r.out_refund_no, state, lookMs],
    );

  /** Sends a refund that is stored, under its one number at the wallet. */
  async function sendRefund(leg: Leg, r: Refund): Promise<RefundResult> {
    const wallet = walletOf(leg.wallet);
    if (wallet === undefined) return unknown(gone(leg.wallet));
    const told = await wallet.refund(walletRefund(leg, r));
    if (told.kind === 'done') await setRefund(r, 'done', null);
    else if (told.kind === 'accepted') await setRefund(r, 'accepted', null);
    // What was accepted once is not refused by a later answer: its query tells.
    else if (told.kind === 'refused' && r.state === 'asked') await setRefund(r, 'refused', null);
    return told;
  }

  const queryRefund: PaymentGateway['queryRefund'] = (terminalId, request) =>
    alone(terminalId, request.outTradeNo, async (): Promise<RefundQueryResult> => {
      const r = await refundOf(db(), terminalId, request.outRefundNo);
      const leg = await legOf(db(), r?.leg ?? null);
      if (r === null || leg === null) return { kind: 'not-found' };
      if (r.out_trade_no !== request.outTradeNo || num(r.refund_fen) !== request.refundFen)
        return unknown(failure('PAY-0201', 'this refund number stands for another refund'));
      const wallet = walletOf(leg.wallet);
      if (wallet === undefined) return unknown(gone(leg.wallet));
      const told = await wallet.queryRefund(walletRefund(leg, r));
      if (told.kind === 'done') await setRefund(r, 'done', null);
      return told;
    });

  const charge: PaymentGateway['charge'] = (terminalId, request) =>
    alone(terminalId, request.outTradeNo, async (): Promise<ChargeResult> => {
      const kinds = wallets.filter((w) => w.code !== undefined).map((w) => w.kind);
      const kind = whoTakes(request.authCode, options.paymentCodes, kinds);
      const wallet = kind === null ? undefined : walletOf(kind);
      if (kind === null || wallet?.code === undefined)
        return {
          kind: 'refused',
          failure: failure('PAY-0404', 'no wallet here takes such a code'),
        };
      const leg = await db().transaction(async (tx): Promise<Leg | null> => {
        const fresh = await insertTrade(tx, {
          terminalId,
          outTradeNo: request.outTradeNo,
          token: null,
          method: 'code',
          amountFen: request.amountFen,
          description: request.description,
          expiresMs: now(),
          state: 'open',
        });
        // A code is sent once: under a number that is here already nothing is sent, and the query
        // tells what became of it.
        if (!fresh) return null;
        return insertLeg(tx, (await tradeOf(tx, terminalId, request.outTradeNo)) as Trade, kind);
      });
      if (leg === null)
        return unknown(failure('PAY-0101', 'this number was used before; its query tells'));
      const told = await wallet.code.charge({
        outTradeNo: leg.leg,
        amountFen: request.amountFen,
        method: 'code',
        authCode: request.authCode,
        description: request.description,
      });
      switch (told.kind) {
        case 'paid':
          await captured(leg, told);
          break;
        case 'paying':
          await move(db(), leg.leg, 'open', ['creating'], null);
          break;
        case 'refused':
          await move(db(), leg.leg, 'closed', ['creating'], null, told.failure.code);
          break;
        case 'unknown':
          break;
        default:
          told satisfies never;
      }
      return told;
    });

  const reverse: PaymentGateway['reverse'] = (terminalId, attempt) =>
    alone(terminalId, attempt.outTradeNo, async (): Promise<ReverseResult> => {
      const found = await db().transaction(async (tx): Promise<Leg | 'none' | 'qr' | 'refund'> => {
        await tombstone(tx, terminalId, { ...attempt, method: 'code' });
        const trade = (await tradeOf(tx, terminalId, attempt.outTradeNo, true)) as Trade;
        if (trade.method !== 'code') return 'qr';
        await tx.query(
          `UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2`,
          [terminalId, attempt.outTradeNo],
        );
        if (trade.leg === null) return 'none';
        if (
          (
            await tx.query(`SELECT 1 FROM gateway_refunds WHERE leg = $1 AND state <> 'refused'`, [
              trade.leg,
            ])
          ).length > 0
        )
          return 'refund';
        await move(
          tx,
          trade.leg,
          'closing',
          ['creating', 'open', 'paid', 'closed'],
          now() + ALONE_AFTER_MS,
        );
        return (await legOf(tx, trade.leg)) ?? 'none';
      });
      // Nothing was sent under this number, and nothing will be.
      if (found === 'none') return { kind: 'reversed', refunded: false };
      if (found === 'qr')
        return {
          kind: 'refused',
          failure: failure('PAY-0301', 'only a payment by code is reversed'),
        };
      if (found === 'refund')
        return { kind: 'refused', failure: failure('PAY-0301', 'a refund was asked for') };
      return sendReverse(found);
    });

  async function sendReverse(leg: Leg): Promise<ReverseResult> {
    const wallet = walletOf(leg.wallet);
    if (wallet?.code === undefined) return unknown(gone(leg.wallet));
    const told = await wallet.code.reverse(refOf(leg));
    if (told.kind === 'reversed')
      await move(db(), leg.leg, 'closed', ['closing'], null, 'reversed');
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

  // ---- the page behind the code ----
  const openPage: PaymentGateway['openPage'] = async (token, named, userAgent) => {
    const row = (
      await db().query<Trade>('SELECT * FROM gateway_trades WHERE token = $1', [token])
    )[0];
    if (row === undefined) return { kind: 'no-such-trade' };
    const offered = wallets.map((w) => w.kind);
    const wallet =
      offered.find(
        (kind) => kind === (named ?? BROWSERS.find(([browser]) => browser.test(userAgent))?.[1]),
      ) ?? (offered.length === 1 ? offered[0] : undefined);
    if (wallet === undefined) return { kind: 'choose', wallets: offered };
    return alone(
      row.terminal_id,
      row.out_trade_no,
      async () => (await begin(row, wallet)) ?? (await begin(row, wallet)) ?? { kind: 'wait' },
    );
  };

  /**
   * The wallet's own trade, begun if there is none; another wallet's is ended first. Null: look
   * again.
   */
  async function begin(row: Trade, kind: Wallet): Promise<Opened | null> {
    const next = await db().transaction(
      async (tx): Promise<Opened | { readonly use: Leg } | { readonly end: Leg }> => {
        const trade = (await tradeOf(tx, row.terminal_id, row.out_trade_no, true)) as Trade;
        const leg = await legOf(tx, trade.leg);
        if (leg?.state === 'paid') return { kind: 'paid' };
        if (trade.state === 'closed' || num(trade.expires_ms) <= now()) return { kind: 'over' };
        if (leg === null) return { use: await insertLeg(tx, trade, kind) };
        if (leg.state === 'closed' || leg.state === 'refunded') {
          // The wallet confirmed that it is over; should it be captured all the same, it is
          // watched, and handed back.
          if (leg.state === 'closed')
            await tx.query('UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1', [
              leg.leg,
              now() + FIRST_LOOK_MS,
            ]);
          return { use: await insertLeg(tx, trade, kind) };
        }
        if (leg.wallet === kind && leg.state !== 'closing') return { use: leg };
        await move(tx, leg.leg, 'closing', ['creating', 'open'], now() + ALONE_AFTER_MS);
        return { end: { ...leg, state: 'closing' } };
      },
    );
    if ('kind' in next) return next;
    if ('end' in next) {
      const ended = await endLeg(next.end);
      return ended === 'closed' ? null : { kind: ended === 'paid' ? 'paid' : 'wait' };
    }
    const leg = next.use;
    const wallet = walletOf(leg.wallet) as PaymentProvider;
    const made = await wallet.create({
      ...refOf(leg),
      expiresAtMs: num(leg.expires_ms),
      description: row.description,
    });
    switch (made.kind) {
      case 'pending': {
        // Stored before anybody sees it; one that is being closed meanwhile is never shown.
        const shown = await db().query(
          `UPDATE gateway_legs SET state = 'open', shown = $2, changed_ms = $3 WHERE leg = $1 AND state IN ('creating', 'open') RETURNING leg`,
          [leg.leg, true, now()],
        );
        return shown.length > 0 ? { kind: 'go', url: made.qrText } : { kind: 'wait' };
      }
      case 'paid': {
        const told = await wallet.query(refOf(leg));
        if (told.kind === 'paid') await captured(leg, told);
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

  // ---- what goes on by itself ----
  const later = (leg: Leg): number =>
    now() + Math.min(MAX_LOOK_MS, Math.max(FIRST_LOOK_MS, now() - num(leg.changed_ms)));
  const lookAgain = (leg: Leg, lookMs: number | null): Promise<unknown> =>
    db().query('UPDATE gateway_legs SET look_ms = $2 WHERE leg = $1 AND look_ms IS NOT NULL', [
      leg.leg,
      lookMs,
    ]);

  async function step(named: string): Promise<void> {
    const leg = await legOf(db(), named);
    if (leg === null) return;
    const wallet = walletOf(leg.wallet);
    if (wallet === undefined) return void (await lookAgain(leg, now() + MAX_LOOK_MS));
    switch (leg.state) {
      case 'closing': {
        if (leg.method === 'qr') {
          if (typeof (await endLeg(leg)) !== 'string') await lookAgain(leg, later(leg));
          return;
        }
        const told = await sendReverse(leg);
        if (told.kind === 'reversed' || told.kind === 'refused') return;
        await lookAgain(leg, now() - num(leg.created_ms) > REVERSIBLE_MS ? null : later(leg));
        return;
      }
      case 'closed': {
        const told = await wallet.query(refOf(leg));
        if (told.kind === 'paid') {
          await captured(leg, told);
          return step(leg.leg);
        }
        if (told.kind === 'refunded')
          await move(
            db(),
            leg.leg,
            told.whole === true ? 'refunded' : 'parked',
            ['closed'],
            null,
            'handed back by somebody else',
          );
        else
          await lookAgain(
            leg,
            told.kind !== 'unknown' && now() - num(leg.changed_ms) > WATCHED_MS ? null : later(leg),
          );
        return;
      }
      case 'refunding': {
        const back = {
          ...refOf(leg),
          outRefundNo: selfRefundNo(leg),
          refundFen: num(leg.amount_fen),
          reason: REASON,
        };
        const asked = await wallet.refund(back);
        if (asked.kind === 'refused')
          return void (await move(
            db(),
            leg.leg,
            'parked',
            ['refunding'],
            null,
            asked.failure.detail ?? asked.failure.code,
          ));
        const told = asked.kind === 'accepted' ? await wallet.queryRefund(back) : asked;
        if (told.kind === 'done') await move(db(), leg.leg, 'refunded', ['refunding'], null);
        else if (told.kind === 'abnormal')
          await move(
            db(),
            leg.leg,
            'parked',
            ['refunding'],
            null,
            told.failure.detail ?? told.failure.code,
          );
        else await lookAgain(leg, later(leg));
        return;
      }
      case 'creating':
      case 'open':
      case 'paid':
      case 'refunded':
      case 'parked':
        return void (await lookAgain(leg, null));
      default:
        leg.state satisfies never;
    }
  }

  async function resend(named: Refund): Promise<void> {
    const r = await refundOf(db(), named.terminal_id, named.out_refund_no);
    const leg = await legOf(db(), r?.leg ?? null);
    if (r === null || leg === null || r.state !== 'asked') return;
    if ((await sendRefund(leg, r)).kind === 'unknown')
      await setRefund(
        r,
        'asked',
        now() + Math.min(MAX_LOOK_MS, Math.max(ALONE_AFTER_MS, now() - num(r.created_ms))),
      );
  }

  // One that cannot be looked at does not keep the others waiting.
  const report = (cause: unknown): void =>
    options.log?.(
      'error',
      'gateway',
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  const sweep = async (): Promise<void> => {
    const legs = await db().query<Leg>(
      'SELECT * FROM gateway_legs WHERE look_ms <= $1 ORDER BY look_ms LIMIT $2',
      [now(), SWEEP_ROWS],
    );
    for (const { leg, terminal_id, out_trade_no } of legs)
      await alone(terminal_id, out_trade_no, () => step(leg)).catch(report);
    const refunds = await db().query<Refund>(
      'SELECT * FROM gateway_refunds WHERE look_ms <= $1 ORDER BY look_ms LIMIT $2',
      [now(), SWEEP_ROWS],
    );
    for (const r of refunds)
      await alone(r.terminal_id, r.out_trade_no, () => resend(r)).catch(report);
  };

  /** Asks what became of a leg now rather than at the next look or question. */
  async function lookNow(named: string): Promise<void> {
    const leg = await legOf(db(), named);
    if (leg?.state !== 'creating' && leg?.state !== 'open') return step(named);
    const told = await walletOf(leg.wallet)?.query(refOf(leg));
    if (told?.kind === 'paid') await captured(leg, told);
  }
  /** Legs that are being looked at for a callback: one that comes again meanwhile adds nothing. */
  const looking = new Set<string>();
  const hear: PaymentGateway['hear'] = async (named, header, body) => {
    const wallet = wallets.find((w) => w.kind === named);
    if (wallet?.readCallback === undefined) return 'none';
    const told = wallet.readCallback(header, body);
    if (!told.ok) {
      options.log?.('warn', 'gateway', `${wallet.kind}: ${told.error.detail ?? told.error.code}`);
      return told;
    }
    const leg = await legOf(db(), told.value.outTradeNo);
    // Another system's of the same merchant: not ours to look at.
    if (leg?.wallet !== wallet.kind)
      options.log?.(
        'info',
        'gateway',
        `${wallet.kind}: a callback about a number that is not ours`,
      );
    if (leg?.wallet === wallet.kind && !looking.has(leg.leg)) {
      looking.add(leg.leg);
      void alone(leg.terminal_id, leg.out_trade_no, () => lookNow(leg.leg))
        .catch(report)
        .finally(() => looking.delete(leg.leg));
    }
    return ok(undefined);
  };

  const bill = gatewayBills(db, wallets, now);
  return {
    create,
    query,
    close,
    refund,
    queryRefund,
    charge,
    reverse,
    bill,
    openPage,
    hear,
    sweep,
  };
}
