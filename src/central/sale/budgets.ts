import { DAY_MS, chinaDate } from '../../shared/time.ts';
import type { Unwritten } from '../../shared/trust.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { formatYuan } from '../../shared/money.ts';
import { sameName } from '../../shared/same-name.ts';
import { keysGiven } from './key-rights.ts';
import type { OrderRow } from './tables.ts';

/**
 * What goes back on a reader's word. A begun write may be on the card whatever a read shows: a chip
 * between card and reader can write the card and replay what it held. So central lets such money go
 * back within a budget, and what is beyond it waits for a person: counted and bounded.
 *
 * **An account's next clean visit** is a delivered purchase of at least the same sum under the same
 * count of its card. A meter takes a count once, so whatever a cheat kept on his card he has then
 * paid for. A later read of the card is not one: the same chip makes it.
 */

/** What may go back unproven, in fen; docs/decisions/0032 says where the numbers come from. */
export interface RefundBudget {
  /** Of one account, until its next clean visit. */
  readonly accountFen: number;
  /** So many refunds of one account, until its next clean visit. */
  readonly accountOrders: number;
  /** Of one terminal on one China day. */
  readonly terminalDayFen: number;
  /** Of all terminals on one China day. */
  readonly dayFen: number;
}

/** ¥300 an account, ¥1 000 a terminal and day, ¥5 000 a day. */
export const REFUND_BUDGET: RefundBudget = {
  accountFen: 30_000,
  accountOrders: 1,
  terminalDayFen: 100_000,
  dayFen: 500_000,
};

/** Every refund on a reader's word goes back: for halls and towns where nobody cheats. */
export const ANY_REFUND: RefundBudget = {
  accountFen: Number.MAX_SAFE_INTEGER,
  accountOrders: Number.MAX_SAFE_INTEGER,
  terminalDayFen: Number.MAX_SAFE_INTEGER,
  dayFen: Number.MAX_SAFE_INTEGER,
};

/** What a refund claim tells of the card. */
export interface RefundAsked {
  readonly unwritten: Unwritten;
  /**
   * The card proved itself unwritten under a write claim of the terminal's own that still runs:
   * also of what another one wrote until then.
   */
  readonly provenUnderClaim: boolean;
  /** Writes that the terminal's journal knows of. */
  readonly writes: number;
  readonly read: string | null;
}

/**
 * Layouts whose cards prove what they hold (docs/layouts/pl-purse.md, pl-fuel.md). Of such a card
 * anything less is no proof to the contrary, and the chip that answers nothing at all gains nothing
 * by it.
 */
const PROVING: ReadonlySet<string> = new Set(['PL-PURSE', 'PL-FUEL']);

/** By this verb a purse is loaded, which can prove afterwards that it was not. */
const LOADING = 'load-leave';

/**
 * How sure central takes it to be.
 *
 * @param keys by which verbs central itself computed for the order: nothing was given that is
 *   nowhere, and only a purse proves what it holds
 */
export function sureness(
  order: OrderRow,
  asked: RefundAsked,
  keys: readonly string[] = [],
): Unwritten {
  const told = ofItsOwnWrites(order, asked);
  const exposed =
    (told === 'unexposed' && keys.length > 0) ||
    (told === 'proven' && keys.some((verb) => verb !== LOADING));
  const sure = exposed ? 'unproven' : told;
  return sure === 'unproven' && PROVING.has(order.layout ?? '') ? 'disproven' : sure;
}

/**
 * A terminal is believed of its own writes only: where another one was granted the write, or where
 * the journal forgot that it began, nothing is proven, but by a proof that the card made after
 * that: it covers the card as it is, whoever wrote, and ends what anybody had begun.
 */
function ofItsOwnWrites(
  order: OrderRow,
  { unwritten, writes, provenUnderClaim }: RefundAsked,
): Unwritten {
  if (unwritten === 'disproven') return 'disproven';
  if (unwritten === 'proven' && provenUnderClaim && writes > 0) return 'proven';
  if (othersWrote(order)) return 'unproven';
  const begun = order.before_image !== null;
  return begun && writes === 0 ? 'unproven' : unwritten;
}

/** Another terminal was granted its write. */
const othersWrote = (order: OrderRow): boolean =>
  order.write_open !== null || order.write_open_ms !== null;

interface Kept {
  readonly state: 'waiting' | 'granted' | 'allowed' | 'refused';
}

/**
 * Spends of the budget for this order's refund; asked again, it is granted as before.
 *
 * @returns why it must wait; null: the money may go back
 */
export async function spendBudget(
  tx: Sql,
  order: OrderRow,
  asked: RefundAsked,
  budget: RefundBudget,
  nowMs: number,
): Promise<string | null> {
  const keys = await keysGiven(tx, order.order_id);
  const sure = sureness(order, asked, keys);
  if (sure === 'unexposed') return null;
  // A purse's proof was judged by its terminal. One that loads with what central computes, or whose
  // order another one wrote, can say this too, for a card that was loaded: so it is counted, by
  // terminal and day.
  if (sure === 'proven' && keys.length === 0 && !othersWrote(order)) return null;
  await tx.query('SELECT turn FROM refund_budget_turn WHERE turn = 1 FOR UPDATE');
  const kept = (
    await tx.query<Kept>('SELECT state FROM unproven_refunds WHERE order_id = $1', [order.order_id])
  )[0];
  if (kept?.state === 'granted' || kept?.state === 'allowed') return null;
  if (kept?.state === 'refused') return 'a person decided that it is settled at the counter';
  const day = chinaDate(nowMs);
  const openFen = order.amount_fen - (await paidUnderItsCount(tx, order));
  // Whoever has its count on the card paid as much for it.
  if (openFen <= 0) return null;
  const why =
    sure === 'disproven'
      ? 'the card could prove that it is unwritten, and what answered did not'
      : await beyond(tx, order, { openFen, day, proven: sure === 'proven' }, budget);
  await tx.query(
    `INSERT INTO unproven_refunds (order_id, terminal_id, user_no, card_no, next_count, amount_fen,
       open_fen, unwritten, read_image, state, reason, first_ms, changed_ms, day)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)
     ON CONFLICT (order_id) DO UPDATE SET open_fen = EXCLUDED.open_fen,
       unwritten = EXCLUDED.unwritten, read_image = EXCLUDED.read_image, state = EXCLUDED.state,
       reason = EXCLUDED.reason, changed_ms = EXCLUDED.changed_ms, day = EXCLUDED.day`,
    [
      order.order_id,
      order.terminal_id,
      order.user_no,
      order.card_no,
      order.next_count,
      order.amount_fen,
      openFen,
      sure,
      asked.read,
      why === null ? 'granted' : 'waiting',
      why ?? 'within the budget',
      nowMs,
      why === null ? day : null,
    ],
  );
  return why;
}

/**
 * The largest sum that was paid and delivered under the order's count of its card, by more than its
 * terminal's word.
 */
async function paidUnderItsCount(tx: Sql, order: OrderRow): Promise<number> {
  const rows = await tx.query<{ fen: unknown }>(
    `SELECT COALESCE(MAX(amount_fen), 0) AS fen FROM orders WHERE card_no = $1 AND next_count = $2
       AND order_id <> $3 AND delivered_by IS NOT NULL AND money_taken AND NOT unproven`,
    [order.card_no, order.next_count, order.order_id],
  );
  return num(rows[0]?.fen ?? 0);
}

/** Whose refunds stand open: granted on a reader's word, and no clean visit since. */
const STANDING = `FROM unproven_refunds r WHERE r.user_no = $1 AND r.state = 'granted'
  AND r.cleared_ms IS NULL AND NOT EXISTS (SELECT 1 FROM orders y WHERE y.card_no = r.card_no
    AND y.next_count = r.next_count AND y.order_id <> r.order_id AND y.delivered_by IS NOT NULL
    AND y.money_taken AND NOT y.unproven AND y.amount_fen >= r.amount_fen)`;

async function beyond(
  tx: Sql,
  order: OrderRow,
  {
    openFen,
    day,
    proven,
  }: { readonly openFen: number; readonly day: string; readonly proven: boolean },
  budget: RefundBudget,
): Promise<string | null> {
  const [own] = await tx.query<{ n: unknown; fen: unknown }>(
    `SELECT COUNT(*) AS n, COALESCE(SUM(open_fen), 0)::bigint AS fen ${STANDING}`,
    [order.user_no],
  );
  if (!proven && num(own?.n) >= budget.accountOrders)
    return 'the account has had one since its last clean visit';
  if (!proven && num(own?.fen) + openFen > budget.accountFen)
    return `above ${formatYuan(budget.accountFen)} yuan for one account`;
  const [sums] = await tx.query<{ terminal: unknown; everyone: unknown }>(
    `SELECT COALESCE(SUM(CASE WHEN terminal_id = $2 THEN open_fen ELSE 0 END), 0)::bigint AS terminal,
       COALESCE(SUM(open_fen), 0)::bigint AS everyone
     FROM unproven_refunds WHERE day = $1 AND state = 'granted'`,
    [day, order.terminal_id],
  );
  if (num(sums?.terminal) + openFen > budget.terminalDayFen)
    return `above ${formatYuan(budget.terminalDayFen)} yuan for this terminal today`;
  return num(sums?.everyone) + openFen > budget.dayFen
    ? `above ${formatYuan(budget.dayFen)} yuan for all terminals today`
    : null;
}

/** What a person decides of an unproven refund. */
export const REFUND_DECISIONS = ['allow', 'refuse', 'clear'] as const;
/** A person's word: `allow`, `refuse` what waits; `clear` what was granted, he looked at the card. */
export interface RefundDecision {
  readonly orderId: string;
  readonly decision: (typeof REFUND_DECISIONS)[number];
  readonly who: string;
  readonly why: string;
}

/** What became of a person's word. `asked`: a second person says the same, then it counts. */
export type RefundDecided = 'done' | 'asked' | 'same-person' | 'gone';

interface Asked extends Kept {
  readonly cleared_ms: unknown;
  readonly asked: string | null;
  readonly asked_who: string | null;
  readonly asked_why: string | null;
}

/**
 * A person decides. Where money goes, now or by an account's new budget, the first one asks and
 * another one says the same: a clerk alone, whose friend has the card, hands nothing back.
 */
export function decideRefund(
  db: Db,
  { orderId, decision, who, why }: RefundDecision,
  nowMs: number,
): Promise<RefundDecided> {
  return db.transaction(async (tx) => {
    const [row] = await tx.query<Asked>(
      'SELECT * FROM unproven_refunds WHERE order_id = $1 FOR UPDATE',
      [orderId],
    );
    const fits =
      decision === 'clear'
        ? row?.state === 'granted' && row.cleared_ms === null
        : row?.state === 'waiting' || row?.state === 'refused';
    if (row === undefined || !fits) return 'gone';
    if (decision === 'refuse') {
      await tx.query(
        `UPDATE unproven_refunds SET state = 'refused', changed_ms = $2, who = $3, why = $4,
           asked = NULL, asked_who = NULL, asked_why = NULL WHERE order_id = $1`,
        [orderId, nowMs, who, why],
      );
      return 'done';
    }
    if (row.asked !== decision || row.asked_who === null) {
      await tx.query(
        'UPDATE unproven_refunds SET asked = $2, asked_who = $3, asked_why = $4 WHERE order_id = $1',
        [orderId, decision, who, why],
      );
      return 'asked';
    }
    if (sameName(row.asked_who, who)) return 'same-person';
    await tx.query(
      decision === 'clear'
        ? 'UPDATE unproven_refunds SET cleared_ms = $2, who = $3, why = $4 WHERE order_id = $1'
        : `UPDATE unproven_refunds SET state = 'allowed', changed_ms = $2, who = $3, why = $4
           WHERE order_id = $1`,
      [orderId, nowMs, who, why],
    );
    return 'done';
  });
}

/** Unproven refunds for staff: what waits, and what was granted and stands open, newest first. */
export interface UnprovenRefund {
  readonly orderId: string;
  readonly terminalId: string;
  readonly cardNo: string;
  readonly amountFen: number;
  readonly openFen: number;
  readonly state: Kept['state'];
  readonly reason: string;
  readonly firstMs: number;
  readonly who: string | null;
  /** What one person asked for, which waits for another one's word; null: nothing. */
  readonly asked: { readonly what: string; readonly who: string; readonly why: string } | null;
}

/** So long a granted refund is shown after it, ms; then the account's next one shows it again. */
const SHOWN_MS = 30 * DAY_MS;

/** The newest hundred of what waits, and of what stands open. */
export async function unprovenRefunds(sql: Sql, nowMs: number): Promise<readonly UnprovenRefund[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT u.* FROM unproven_refunds u JOIN orders o ON o.order_id = u.order_id
     WHERE (u.state IN ('waiting', 'refused') AND o.state NOT IN ('delivered', 'refunded', 'parked')
         AND o.delivered_by IS NULL)
       OR (u.state = 'granted' AND u.cleared_ms IS NULL AND u.changed_ms > $1)
     ORDER BY CASE WHEN u.state = 'waiting' THEN 0 ELSE 1 END, u.changed_ms DESC LIMIT 100`,
    [nowMs - SHOWN_MS],
  );
  return rows.map((r) => ({
    orderId: String(r['order_id']),
    terminalId: String(r['terminal_id']),
    cardNo: String(r['card_no']),
    amountFen: num(r['amount_fen']),
    openFen: num(r['open_fen']),
    state: r['state'] as Kept['state'],
    reason: String(r['reason']),
    firstMs: num(r['first_ms']),
    who: r['who'] === null ? null : String(r['who']),
    asked:
      r['asked'] === null
        ? null
        : {
            what: String(r['asked']),
            who: String(r['asked_who']),
            why: String(r['asked_why']),
          },
  }));
}
