import type { Account } from '../../shared/central-api/index.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { read, select } from '../db/sets.ts';
import { bool, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { forgottenMicro, grantTold } from './card-grant-rows.ts';
import { announcedAfter, standingAt, toldTariff } from './standing.ts';
import type { Standing } from './standing.ts';
import { ACCOUNT_USE, ACCOUNTS, CLAIMS, TARIFFS } from './tables.ts';
import type { AccountRow, ClaimRow } from './tables.ts';

/** `card_stops.key_tries` of a card that does not tell how many tries are left. */
export const UNTOLD_TRIES = -1;

/** A claim that holds, with its order's state as far as its terminal told; null: only quoted. */
export type LiveClaim = ClaimRow & { readonly state: OrderState | null };

/**
 * The account behind a card as it stands at `asOfMs` (now, where nobody named another moment),
 * locked for the transaction where `lock` is set; its claim only while it holds.
 */
export async function accountByCard(
  sql: Sql,
  cardNo: string,
  nowMs: number,
  lock: boolean,
  asOfMs = nowMs,
): Promise<Account | null> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT a.*,
     EXISTS (SELECT 1 FROM card_stops s WHERE s.card_no = $1 AND s.settled_ms IS NULL) AS stopped,
     (SELECT MIN(s.key_tries) FROM card_stops s WHERE s.card_no = $1 AND s.settled_ms IS NULL
       AND s.key_tries IS NOT NULL) AS key_tries,
     (SELECT MAX(s.settled_ms) FROM card_stops s WHERE s.card_no = $1
       AND s.key_tries IS NOT NULL) AS key_looked,
     (EXISTS (SELECT 1 FROM credit_items i WHERE i.user_no = a.user_no AND i.kind = a.kind)
       AND NOT EXISTS (SELECT 1 FROM credit_items i WHERE i.user_no = a.user_no
       AND i.kind = a.kind AND i.state IN ('open', 'debited'))) AS debt_paid
     FROM accounts a
     WHERE a.user_no = (SELECT user_no FROM cards
     WHERE card_no = $1)${lock ? ' FOR NO KEY UPDATE OF a' : ''}`,
    [cardNo],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const r = read(ACCOUNTS, row);
  const [stands] = await standingsOf(sql, r, [asOfMs]);
  if (stands === undefined) return null;
  const { standing, announced } = stands;
  const claim = await liveClaim(sql, cardNo, nowMs);
  const tries = numOrNull(row['key_tries']);
  const keyLookedMs = numOrNull(row['key_looked']);
  const unread = lock ? null : await unreadOrder(sql, cardNo, r.count);
  const granted = lock ? null : await grantTold(sql, r.user_no, nowMs);
  // Under the lock the quote has freed it, and what is free is in the row.
  const freed = lock ? 0 : await forgottenMicro(sql, r.user_no, nowMs);
  return {
    cardNo,
    userNo: r.user_no,
    holderName: r.holder_name,
    meterNo: r.meter_no,
    kind: r.kind,
    unit: r.unit,
    // A card that a person has to look at is told like one on the hot list: a counter helps.
    // A debt whose bills (of the card's own kind) are known here and none is due is none any more.
    state: bool(row['stopped'])
      ? 'hot-listed'
      : r.state === 'debt' && bool(row['debt_paid'])
        ? 'normal'
        : r.state,
    count: r.count,
    cumulative: r.cumulative,
    yearQuantity: standing.yearQuantity,
    carriedMicro: r.carried_micro + freed,
    ceilingQuantity: r.ceiling_quantity,
    perPurchaseQuantity: r.per_purchase_quantity,
    periodLeftQuantity: standing.leftQuantity,
    tariff: toldTariff(standing.tariff),
    asOfMs,
    ...(r.limit_quantity === null
      ? {}
      : { limit: { quantity: r.limit_quantity, every: r.limit_every } }),
    ...(announced.length === 0 ? {} : { announced: [...announced] }),
    claim:
      claim === null
        ? null
        : {
            orderId: claim.order_id,
            terminalId: claim.terminal_id,
            nextCount: claim.next_count,
            state: claim.state,
          },
    ...(unread === null ? {} : { unread }),
    ...(granted === null ? {} : { granted }),
    ...(keyLookedMs === null ? {} : { keyLookedMs }),
    ...(tries === null ? {} : { refusedKey: { left: tries === UNTOLD_TRIES ? null : tries } }),
  };
}

/** Holds the account behind a card for the transaction. */
export async function lockAccount(tx: Sql, cardNo: string): Promise<void> {
  await tx.query(
    `SELECT 1 FROM accounts WHERE user_no = (SELECT user_no FROM cards WHERE card_no = $1)
     FOR NO KEY UPDATE`,
    [cardNo],
  );
}

/**
 * How an account stands at each of some moments. Asked after its row: what it bought changes only
 * under its lock, and who waited for that lock must not read what was there before.
 */
export async function standingsOf(sql: Sql, account: AccountRow, moments: readonly number[]) {
  const tariffs = await select(sql, TARIFFS, 'tariff_id = $1 ORDER BY version', [
    account.tariff_id,
  ]);
  const uses = await select(sql, ACCOUNT_USE, 'user_no = $1', [account.user_no]);
  return moments.map((ms) => {
    const standing = standingAt(account, tariffs, uses, ms);
    return { standing, announced: announcedAfter(tariffs, standing.tariff, ms) };
  });
}

/** How the account behind a card stands at each of some moments; of no account: nothing. */
export async function standingOfCard(
  sql: Sql,
  cardNo: string,
  moments: readonly number[],
): Promise<readonly Standing[]> {
  const [account] = await select(
    sql,
    ACCOUNTS,
    'user_no = (SELECT user_no FROM cards WHERE card_no = $1)',
    [cardNo],
  );
  if (account === undefined) return [];
  return (await standingsOf(sql, account, moments)).map((s) => s.standing);
}

/** The purchase under this count, where another kiosk than its own told that it is on the card. */
async function unreadOrder(
  sql: Sql,
  cardNo: string,
  count: number,
): Promise<NonNullable<Account['unread']> | null> {
  const [row] = await sql.query<{ order_id: string; terminal_id: string }>(
    `SELECT order_id, terminal_id FROM orders WHERE card_no = $1 AND next_count = $2
       AND state = 'delivered' AND delivered_by <> terminal_id LIMIT 1`,
    [cardNo, count],
  );
  return row === undefined
    ? null
    : { orderId: row.order_id, terminalId: row.terminal_id, nextCount: count };
}

export async function liveClaim(
  sql: Sql,
  cardNo: string,
  nowMs: number,
): Promise<LiveClaim | null> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT c.*, (SELECT state FROM orders o WHERE o.order_id = c.order_id) AS state FROM claims c
     WHERE c.card_no = $1 AND (c.expires_ms IS NULL OR c.expires_ms > $2)`,
    [cardNo, nowMs],
  );
  const row = rows[0];
  return row === undefined
    ? null
    : { ...read(CLAIMS, row), state: row['state'] as OrderState | null };
}

/** Who has a claim, or wants it: a terminal for one of its orders, and nobody under half of that. */
export type Claimant = Pick<ClaimRow, 'order_id' | 'terminal_id'>;

/**
 * Somebody else who has the claim. Null: the claimant may take it, over nothing, its own, or one
 * that ran out.
 */
export function otherHolder(
  held: ClaimRow | undefined,
  claimant: Claimant,
  nowMs: number,
): ClaimRow | null {
  if (held === undefined) return null;
  if (held.order_id === claimant.order_id && held.terminal_id === claimant.terminal_id) return null;
  return held.expires_ms === null || held.expires_ms > nowMs ? held : null;
}

/**
 * Takes or renews a claim, by the condition of {@link otherHolder} in the one statement that writes
 * it: of two that come at once the second one finds the first.
 *
 * @returns the holder when somebody else has it
 */
export async function takeClaim(tx: Sql, claim: ClaimRow, nowMs: number): Promise<ClaimRow | null> {
  const taken = await tx.query(
    `INSERT INTO claims (card_no, next_count, order_id, terminal_id, expires_ms)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (card_no) DO UPDATE SET
       next_count = EXCLUDED.next_count, order_id = EXCLUDED.order_id,
       terminal_id = EXCLUDED.terminal_id, expires_ms = EXCLUDED.expires_ms
     WHERE claims.expires_ms <= $6 OR (claims.order_id = EXCLUDED.order_id
       AND claims.terminal_id = EXCLUDED.terminal_id) RETURNING card_no`,
    [claim.card_no, claim.next_count, claim.order_id, claim.terminal_id, claim.expires_ms, nowMs],
  );
  if (taken.length > 0) return null;
  const held = (await select(tx, CLAIMS, 'card_no = $1', [claim.card_no]))[0];
  // Given back between the two statements: free.
  return held ?? takeClaim(tx, claim, nowMs);
}
