import type { EventBody } from '../../shared/facts/catalogue.ts';
import { formatQuantity } from '../../shared/money.ts';
import { DAY_MS } from '../../shared/time.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { TOO_MANY } from '../fleet/status.ts';
import { keepReading } from '../use/readings.ts';

/**
 * What kiosks read on cards, the newest of each card, and what is wrong with it: a purchase that
 * was refunded, or more gas than was bought. Such a card is stopped for a person: nothing is sold
 * to it until he has looked (console). A read is the word of whoever sits between card and reader,
 * so this finds the cheat who is careless once, and proves nothing to his honour.
 */

/**
 * So much more than was bought a meter may show, 0.01 units: meters give a little on credit when
 * they run empty.
 */
const ON_CREDIT = 500;

/**
 * So many cards a terminal's word stops within a day. Nothing shows central that a card was there,
 * so whoever has one terminal's key could otherwise stop a town's cards; an honest kiosk meets a
 * cheat now and then.
 */
const STOPS_A_DAY = 5;

/** A read as a terminal told it. */
export interface Sight {
  readonly terminalId: string;
  readonly wallMs: number;
  readonly body: EventBody<'card-seen'>;
}

/** Takes reads of cards into the books, in the batch's transaction. */
export async function seeCards(tx: Sql, sights: readonly Sight[], nowMs: number): Promise<void> {
  // Of several reads of one card in a batch only the last is news, but each is judged.
  for (const sight of sights) {
    const { body, terminalId, wallMs } = sight;
    const account = await accountOf(tx, body.cardNo);
    // A number that is nobody's is no card of this company, and no row.
    if (account === null) continue;
    const { cardNo, visit, used, remaining } = body;
    await keepReading(tx, { cardNo, terminalId, visit, used, remaining }, nowMs);
    const above = aboveBought(body, account);
    const known = await tx.query<{ base: unknown }>(
      `INSERT INTO cards_seen (card_no, terminal_id, wall_ms, body, base) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (card_no) DO UPDATE SET
         terminal_id = CASE WHEN EXCLUDED.wall_ms >= cards_seen.wall_ms THEN EXCLUDED.terminal_id ELSE cards_seen.terminal_id END,
         body = CASE WHEN EXCLUDED.wall_ms >= cards_seen.wall_ms THEN EXCLUDED.body ELSE cards_seen.body END,
         base = COALESCE(cards_seen.base, EXCLUDED.base),
         wall_ms = GREATEST(cards_seen.wall_ms, EXCLUDED.wall_ms)
       RETURNING base`,
      [body.cardNo, terminalId, wallMs, JSON.stringify(body), baseOf(body, above)],
    );
    const refunded = await refundedOn(tx, body);
    const why = refunded ?? tooMuch(above, numOrNull(known[0]?.base));
    if (why === null) continue;
    await stop(tx, { cardNo: body.cardNo, terminalId, why, once: refunded !== null }, nowMs);
  }
}

interface Bought {
  readonly count: number;
  readonly cumulative: number;
}

async function accountOf(tx: Sql, cardNo: string): Promise<Bought | null> {
  const rows = await tx.query<{ count: unknown; cumulative: unknown }>(
    `SELECT a.count, a.cumulative FROM accounts a JOIN cards c ON c.user_no = a.user_no
     WHERE c.card_no = $1`,
    [cardNo],
  );
  const row = rows[0];
  return row === undefined ? null : { count: num(row.count), cumulative: num(row.cumulative) };
}

/**
 * By how much the meter has taken more than was ever bought, with what is on the card. Null: it
 * cannot be said, since the books do not have what the card has (a purchase that is not told yet),
 * or no meter has written.
 */
function aboveBought(
  { count, cumulative, taken, remaining, used }: Sight['body'],
  account: Bought,
): number | null {
  if (taken === undefined || remaining === undefined || used === undefined) return null;
  if (count !== account.count || taken > count) return null;
  return Math.max(0, Math.max(remaining + used, cumulative) - account.cumulative);
}

/**
 * What the card showed first is what an older system left it. While a purchase is on the card that
 * the meter has not taken yet, the sum of the two is no such figure: it grows when it is taken.
 */
const baseOf = ({ count, taken }: Sight['body'], above: number | null): number | null =>
  taken === count ? above : null;

/**
 * `base`: what it was when the card was first seen. Accounts come from an older system, whose sums
 * need not be the meter's.
 */
function tooMuch(above: number | null, base: number | null): string | null {
  if (above === null || base === null || above <= base + ON_CREDIT) return null;
  return `meter and card have ${formatQuantity(above - base)} more than was bought`;
}

/** The order whose purchase is on the card though its money went back, or goes. */
async function refundedOn(tx: Sql, { cardNo, tag }: Sight['body']): Promise<string | null> {
  if (tag === '') return null;
  const rows = await tx.query<{ order_id: string }>(
    `SELECT order_id FROM orders WHERE card_no = $1 AND tag = $2 AND delivered_by IS NULL
       AND (state IN ('refunding', 'refunded')
         OR (refund_claimed_ms IS NOT NULL AND NOT counter_claim)) LIMIT 1`,
    [cardNo, tag],
  );
  const order = rows[0]?.order_id;
  return order === undefined ? null : `order ${order} was refunded, and is on the card`;
}

/** This terminal's word stopped as many other cards within a day as it may. */
export async function stopsTooMany(
  tx: Sql,
  cardNo: string,
  terminalId: string,
  nowMs: number,
  forKeys = false,
): Promise<boolean> {
  const [row] = await tx.query<{ others: unknown }>(
    `SELECT COUNT(DISTINCT card_no) AS others FROM card_stops
     WHERE terminal_id = $2 AND at_ms > $3 AND card_no <> $1
       AND key_tries IS ${forKeys ? 'NOT NULL' : 'NULL'}`,
    [cardNo, terminalId, nowMs - DAY_MS],
  );
  return num(row?.others) >= STOPS_A_DAY;
}

interface Stop {
  readonly cardNo: string;
  readonly terminalId: string;
  readonly why: string;
  /** What a person settled once is not brought up again: one order is one reason, a sum is not. */
  readonly once: boolean;
}

/** Nothing is sold to it any more; beyond what a terminal's word may stop, an alarm instead. */
async function stop(
  tx: Sql,
  { cardNo, terminalId, why, once }: Stop,
  nowMs: number,
): Promise<void> {
  const [known] = await tx.query<{ open: unknown }>(
    'SELECT COUNT(*) AS open FROM card_stops WHERE card_no = $1 AND settled_ms IS NULL',
    [cardNo],
  );
  // It is stopped already: that it shows another sum each time says nothing new.
  if (!once && num(known?.open) > 0) return;
  if (await stopsTooMany(tx, cardNo, terminalId, nowMs)) {
    await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1 AND alarm IS NULL', [
      terminalId,
      `${TOO_MANY}card-stop`,
    ]);
    return;
  }
  await tx.query(
    `INSERT INTO card_stops (card_no, reason, terminal_id, at_ms) VALUES ($1, $2, $3, $4)
     ON CONFLICT (card_no, reason) DO UPDATE SET terminal_id = EXCLUDED.terminal_id,
       at_ms = EXCLUDED.at_ms, settled_ms = NULL WHERE card_stops.settled_ms IS NOT NULL AND NOT $5`,
    [cardNo, why, terminalId, nowMs, once],
  );
}

/** A card that nothing is sold to, for staff. */
export interface StoppedCard {
  readonly cardNo: string;
  readonly userNo: string;
  readonly reason: string;
  readonly terminalId: string;
  readonly atMs: number;
  /**
   * It refused a kiosk's key and has so many tries left; -1: it does not tell. Null: it is stopped
   * for something else.
   */
  readonly keyTries: number | null;
  /** What it showed when it was read last, JSON. */
  readonly seen: string;
}

/** The newest hundred cards that are stopped. */
export async function stoppedCards(sql: Sql): Promise<readonly StoppedCard[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT s.*, c.user_no, v.body FROM card_stops s JOIN cards c ON c.card_no = s.card_no
       LEFT JOIN cards_seen v ON v.card_no = s.card_no
     WHERE s.settled_ms IS NULL ORDER BY s.at_ms DESC, s.card_no LIMIT 100`,
  );
  return rows.map((r) => ({
    cardNo: String(r['card_no']),
    userNo: String(r['user_no']),
    reason: String(r['reason']),
    terminalId: String(r['terminal_id']),
    atMs: num(r['at_ms']),
    keyTries: numOrNull(r['key_tries']),
    seen: String(r['body'] ?? ''),
  }));
}

/**
 * A person has looked: the card is sold to again. What meter and card have now is from here on what
 * they may have, so the same is not brought up again; the same once more on top is.
 *
 * @param settled.untilMs the newest stop that he saw; a later one stays
 * @returns false: it is not stopped
 */
export async function settleCard(
  db: Db,
  settled: {
    readonly cardNo: string;
    readonly untilMs: number;
    readonly who: string;
    readonly why: string;
  },
  nowMs: number,
): Promise<boolean> {
  const { cardNo, untilMs, who, why } = settled;
  return db.transaction(async (tx) => {
    const rows = await tx.query(
      `UPDATE card_stops SET settled_ms = $2, who = $3, why = $4
       WHERE card_no = $1 AND settled_ms IS NULL AND at_ms <= $5 RETURNING card_no`,
      [cardNo, nowMs, who, why, untilMs],
    );
    if (rows.length === 0) return false;
    const [seen] = await tx.query<{ body: string; base: unknown }>(
      'SELECT body, base FROM cards_seen WHERE card_no = $1',
      [cardNo],
    );
    const account = await accountOf(tx, cardNo);
    if (seen === undefined || account === null) return true;
    const above = aboveBought(JSON.parse(seen.body) as Sight['body'], account);
    if (above !== null)
      await tx.query('UPDATE cards_seen SET base = $2 WHERE card_no = $1', [
        cardNo,
        Math.max(above, numOrNull(seen.base) ?? 0),
      ]);
    return true;
  });
}
