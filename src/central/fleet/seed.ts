import { canonicalJson } from '../../shared/canonical-json.ts';
import { checkTariff } from '../../shared/money.ts';
import type { TariffTier } from '../../shared/money.ts';
import type { Db } from '../db/sql.ts';

/** Prices by tiers; one more version is one more row. */
export interface SeedTariff {
  readonly tariffId: string;
  readonly version: number;
  readonly tiers: readonly TariffTier[];
}
/** An account and its card, as they stand when central first hears of them. Quantities in 0.01 unit. */
export interface SeedAccount {
  readonly cardNo: string;
  readonly userNo: string;
  readonly holderName: string;
  readonly meterNo: string;
  readonly kind: 'gas' | 'water' | 'heat';
  readonly unit: 'volume' | 'money';
  readonly state: 'normal' | 'hot-listed' | 'debt';
  readonly count: number;
  readonly cumulative: number;
  readonly yearQuantity: number;
  readonly carriedMicro: number;
  readonly ceilingQuantity: number;
  readonly perPurchaseQuantity: number | null;
  readonly periodLeftQuantity: number | null;
  readonly tariffId: string;
  readonly tariffVersion: number;
}
/** A claim that another terminal's paid order holds. */
export interface SeedClaim {
  readonly cardNo: string;
  readonly nextCount: number;
  readonly orderId: string;
  readonly terminalId: string;
}
/** A terminal that is let in. */
export interface SeedTerminal {
  readonly terminalId: string;
  /** Ed25519, PEM (SPKI). */
  readonly publicKeyPem: string;
  /** The journal epoch that is granted; 1 where not given. */
  readonly epoch?: number;
}

/** What a database begins with. */
export interface Seed {
  readonly terminals: readonly SeedTerminal[];
  readonly tariffs: readonly SeedTariff[];
  readonly accounts: readonly SeedAccount[];
  readonly claims: readonly SeedClaim[];
}

/** @throws RangeError when two rows of a seed have one key: one of them would never be there */
function refuseTwice<T>(what: string, rows: readonly T[], key: (row: T) => string): void {
  const seen = new Set<string>();
  for (const row of rows) {
    const k = key(row);
    if (seen.has(k)) throw new RangeError(`the seed has ${what} ${k} twice`);
    seen.add(k);
  }
}

/**
 * A seed is asked for what collides in it before it meets a database, where `ON CONFLICT` is for
 * the restart only and cannot tell the two apart. An account with several cards is a row for each
 * card, alike but for the card.
 *
 * @throws RangeError when two rows have one key, two accounts one user number, or a tariff is none
 */
export function checkSeed({ terminals, tariffs, accounts, claims }: Seed): void {
  for (const t of tariffs) checkTariff(t.tiers);
  refuseTwice('terminal', terminals, (t) => t.terminalId);
  refuseTwice('tariff', tariffs, (t) => `${t.tariffId} version ${t.version}`);
  refuseTwice('card', accounts, (a) => a.cardNo);
  refuseTwice('a claim on card', claims, (c) => c.cardNo);
  const byUser = new Map<string, string>();
  for (const a of accounts) {
    const body = canonicalJson({ ...a, cardNo: null });
    if ((byUser.get(a.userNo) ?? body) !== body)
      throw new RangeError(`the seed has two accounts with user number ${a.userNo}`);
    byUser.set(a.userNo, body);
  }
}

/**
 * Adds what is not there yet; what is there is never changed: a restart must not set an account
 * back.
 *
 * @throws RangeError when the seed collides with itself ({@link checkSeed})
 */
export async function seed(db: Db, all: Seed): Promise<void> {
  checkSeed(all);
  const { terminals, tariffs, accounts, claims } = all;
  await db.transaction(async (tx) => {
    for (const t of terminals)
      await tx.query(
        `INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING`,
        [t.terminalId, t.publicKeyPem, t.epoch ?? 1],
      );
    for (const t of tariffs)
      await tx.query(
        `INSERT INTO tariffs (tariff_id, version, tiers) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING`,
        [t.tariffId, t.version, JSON.stringify(t.tiers)],
      );
    // Of several processes that start at once one finds no account and adds them.
    const none = (await tx.query('SELECT 1 FROM accounts LIMIT 1')).length === 0;
    let fresh = false;
    for (const a of accounts) {
      const added = await tx.query(
        `INSERT INTO accounts (user_no, holder_name, meter_no, kind, unit, state, count, cumulative,
           year_quantity, carried_micro, ceiling_quantity, per_purchase_quantity,
           period_left_quantity, tariff_id, tariff_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
           ON CONFLICT DO NOTHING RETURNING user_no`,
        [
          a.userNo,
          a.holderName,
          a.meterNo,
          a.kind,
          a.unit,
          a.state,
          a.count,
          a.cumulative,
          a.yearQuantity,
          a.carriedMicro,
          a.ceilingQuantity,
          a.perPurchaseQuantity,
          a.periodLeftQuantity,
          a.tariffId,
          a.tariffVersion,
        ],
      );
      fresh ||= none && added.length > 0;
      await tx.query(
        'INSERT INTO cards (card_no, user_no) VALUES ($1, $2) ON CONFLICT DO NOTHING',
        [a.cardNo, a.userNo],
      );
    }
    // A claim that was settled since must not come back with a restart.
    if (fresh)
      for (const c of claims)
        await tx.query(
          `INSERT INTO claims (card_no, next_count, order_id, terminal_id, expires_ms)
           VALUES ($1, $2, $3, $4, NULL) ON CONFLICT DO NOTHING`,
          [c.cardNo, c.nextCount, c.orderId, c.terminalId],
        );
  });
}
