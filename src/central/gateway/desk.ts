import { merchantsIn } from '../../payment/merchants.ts';
import type { Merchants } from '../../payment/merchants.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import { lifeBook } from '../db/lives.ts';
import type { Life } from '../db/lives.ts';
import type { Db, Sql } from '../db/sql.ts';
import { makeNumbers } from './numbers.ts';
import type { Numbers } from './numbers.ts';
import type { Leg } from './rows.ts';
import type { GatewayOptions } from './types.ts';

/** What every part of the gateway has at hand. */
export interface Desk extends Pick<
  GatewayOptions,
  'publicUrl' | 'paymentCodes' | 'log' | 'receipts' | 'refundBudget' | 'companyOf'
> {
  readonly db: () => Db;
  /** Whole milliseconds. */
  readonly now: () => number;
  /** Random bytes as upper-case hex. */
  readonly hex: (bytes: number) => string;
  /** The gateway's own numbers, the same again for the same question. */
  readonly numbers: Numbers;
  /** The database's present history, as it is at this moment. */
  readonly life: () => Promise<Life>;
  /**
   * The leg's own merchant at its wallet, whatever collects for its payee by now. Undefined: it is
   * configured no more.
   */
  readonly walletOf: (leg: Pick<Leg, 'merchant' | 'wallet'>) => PaymentProvider | undefined;
  readonly merchants: Merchants;
  /** One thing at a time for one trade, whichever process does it: what is sent to a wallet, too. */
  readonly alone: <T>(terminalId: string, outTradeNo: string, work: () => Promise<T>) => Promise<T>;
  /** As {@link alone}, for what may change where the trade stands: who waits for that is woken. */
  readonly moving: Desk['alone'];
  /**
   * A leg's next state, and when the gateway looks at it by itself (null: it does not).
   *
   * @param from The states that it may come from; another one stays as it is: false
   */
  readonly move: (
    sql: Sql,
    leg: string,
    to: Leg['state'],
    from: readonly Leg['state'][],
    lookMs: number | null,
    reason?: string | null,
  ) => Promise<boolean>;
}

/**
 * A terminal asks again by itself; only after this does the gateway go on alone with what it asked
 * for.
 */
export const ALONE_AFTER_MS = 60_000;
/** The first look at a leg that was left for another wallet. */
export const FIRST_LOOK_MS = 30_000;

/** What the bell is rung by for a trade. */
export const tradeBell = (terminalId: string, outTradeNo: string): string =>
  `trade ${terminalId}/${outTradeNo}`;

/** @param db throws while the service is not started */
export function makeDesk(db: () => Db, options: GatewayOptions): Desk {
  const { clock, random } = options;
  const merchants = merchantsIn(options);
  const now = (): number => Math.floor(clock.nowMs());
  const lifeOf = lifeBook(db);
  const turns = new Map<string, Promise<unknown>>();
  async function alone<T>(
    terminalId: string,
    outTradeNo: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const key = `${terminalId}/${outTradeNo}`;
    const before = turns.get(key) ?? Promise.resolve();
    const turn = (): Promise<T> => db().alone(`trade ${key}`, work);
    const mine = before.then(turn, turn);
    const settled = mine.catch(() => undefined);
    turns.set(key, settled);
    try {
      return await mine;
    } finally {
      if (turns.get(key) === settled) turns.delete(key);
    }
  }

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
        `UPDATE gateway_legs SET state = $2, changed_ms = $3, look_ms = $4,
           reason = COALESCE($5, reason)
         WHERE leg = $1 AND state IN (${from.map((s) => `'${s}'`).join(', ')}) RETURNING leg`,
        [leg, to, now(), lookMs, reason],
      )
    ).length > 0;

  return {
    ...options,
    db,
    now,
    hex: (bytes) => Buffer.from(random.bytes(bytes)).toString('hex').toUpperCase(),
    numbers: makeNumbers(options.receipts),
    life: () => lifeOf(now()),
    merchants,
    walletOf: ({ merchant, wallet }) => merchants.find(merchant, wallet),
    alone,
    moving: async (terminalId, outTradeNo, work) => {
      try {
        return await alone(terminalId, outTradeNo, work);
      } finally {
        db().ring(tradeBell(terminalId, outTradeNo));
      }
    },
    move,
  };
}
