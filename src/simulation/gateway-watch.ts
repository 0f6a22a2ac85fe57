import type { Db, Script } from '../central/db/sql.ts';
import type { Life } from './slot.ts';

/** One wallet's trade for a terminal's payment, as central has it durably. */
export interface WatchedLeg {
  readonly outTradeNo: string;
  state: string;
}

/**
 * What the gateway has committed, seen from outside: every statement on its tables passes here, and
 * counts when its transaction does. So it can be asked at the very instant at which a wallet hears
 * of something.
 */
export class GatewayWatch {
  readonly legs = new Map<string, WatchedLeg>();
  /** Of each terminal's payment the leg that counts: the one begun last. */
  readonly current = new Map<string, string>();
  /** The wallet's refund number → the terminal's trade and refund number. */
  readonly refunds = new Map<
    string,
    { readonly outTradeNo: string; readonly outRefundNo: string }
  >();

  /** What a thief’s terminal began at the wallets, by its own number: nobody’s who is watched here. */
  readonly his = new Map<string, string>();
  readonly #thief: string | null;

  /** @param thief the terminal whose key a thief has; null: none */
  constructor(thief: string | null) {
    this.#thief = thief;
  }

  /** A capture is about to be handed back. */
  onHandBack: () => void = () => undefined;

  /** The leg's state and whether it is the one that counts; null: no such leg. */
  of(no: string): { readonly leg: WatchedLeg; readonly counts: boolean } | null {
    const leg = this.legs.get(no);
    return leg === undefined ? null : { leg, counts: this.current.get(leg.outTradeNo) === no };
  }

  watch(db: Db): Db {
    return {
      ...db,
      query: async <R>(sql: string, params: readonly unknown[] = []) => {
        const rows = await db.query<R>(sql, params);
        if (sql.includes('gateway_')) this.#seen(sql, params, rows.length);
        return rows;
      },
      transaction: async (work) => {
        const seen: (() => void)[] = [];
        const result = await db.transaction((tx) => {
          const watched: Script = {
            exec: (sql) => tx.exec(sql),
            query: async <R>(sql: string, params: readonly unknown[] = []) => {
              const rows = await tx.query<R>(sql, params);
              if (sql.includes('gateway_')) seen.push(() => this.#seen(sql, params, rows.length));
              return rows;
            },
          };
          return work(watched);
        });
        for (const see of seen) see();
        return result;
      },
    };
  }

  #seen(sql: string, params: readonly unknown[], rows: number): void {
    const text = params.map(String);
    const [first = '', second = '', third = ''] = text;
    if (sql.startsWith('INSERT INTO gateway_legs')) {
      if (second === this.#thief) return void this.his.set(first, third);
      this.legs.set(first, { outTradeNo: third, state: 'creating' });
      this.current.set(third, first);
    } else if (sql.startsWith('INSERT INTO gateway_refunds') && first !== this.#thief)
      this.refunds.set(text[4] ?? '', { outTradeNo: third, outRefundNo: second });
    else if (sql.startsWith('UPDATE gateway_legs SET state = ') && rows > 0) {
      const leg = this.legs.get(first);
      if (leg === undefined) return;
      leg.state = sql.startsWith("UPDATE gateway_legs SET state = 'open'") ? 'open' : second;
      if (leg.state === 'refunding') this.onHandBack();
    }
  }
}

/** Never comes: who asked is dead. */
const NEVER = new Promise<never>(() => undefined);

/**
 * A process's hold on the database: once it is dead its statements reach nothing any more, and it
 * hears nothing. The power may go before each statement or transaction and after its commit, never
 * inside one: that is the database's own.
 */
export function mortal(db: Db, life: Life): Db {
  const lived = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!life.alive || life.point('statement')) return NEVER;
    const result = await work();
    return !life.alive || life.point('committed') ? NEVER : result;
  };
  return {
    ...db,
    query: (sql, params) => lived(() => db.query(sql, params)),
    transaction: (work) => lived(() => db.transaction(work)),
  };
}
