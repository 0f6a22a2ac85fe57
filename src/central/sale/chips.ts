import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';

/** Why a key is refused for a chip that its card number was not sold to with. */
export const OTHER_CHIP = 'this card number and this chip were not sold to together';

/** A card number that another chip asked a key for than the one it was sold to with. */
export interface OtherChip {
  readonly cardNo: string;
  /** The chip that it is bound to, hex. */
  readonly uid: string;
  readonly boundMs: number;
  /** When another chip was refused last. */
  readonly refusedMs: number;
  readonly terminalId: string;
}

/** The newest hundred of them, as long as they are bound as they were when they were refused. */
export async function otherChips(sql: Sql): Promise<readonly OtherChip[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT u.card_no, u.uid, u.at_ms AS bound_ms, MAX(k.at_ms) AS refused_ms,
       MAX(k.terminal_id) AS terminal_id
     FROM card_uids u JOIN key_uses k ON k.card_no = u.card_no
     WHERE k.why = $1 AND k.at_ms >= u.at_ms
     GROUP BY u.card_no, u.uid, u.at_ms ORDER BY refused_ms DESC, u.card_no LIMIT 100`,
    [OTHER_CHIP],
  );
  return rows.map((r) => ({
    cardNo: String(r['card_no']),
    uid: String(r['uid']),
    boundMs: num(r['bound_ms']),
    refusedMs: num(r['refused_ms']),
    terminalId: String(r['terminal_id']),
  }));
}

/**
 * The card was replaced at a counter and has another chip under the same number: the bond is
 * undone, and the next paid sale binds the chip that is there then. Who said so is kept.
 *
 * @param told.uid the chip that he saw it bound to; another bond stays
 * @returns false: it is not bound to that chip
 */
export async function releaseChip(
  db: Db,
  told: {
    readonly cardNo: string;
    readonly uid: string;
    readonly who: string;
    readonly why: string;
  },
  nowMs: number,
): Promise<boolean> {
  const { cardNo, uid, who, why } = told;
  return db.transaction(async (tx) => {
    const gone = await tx.query(
      'DELETE FROM card_uids WHERE card_no = $1 AND uid = $2 RETURNING card_no',
      [cardNo, uid],
    );
    if (gone.length === 0) return false;
    await tx.query(
      'INSERT INTO chip_changes (card_no, uid, who, why, at_ms) VALUES ($1, $2, $3, $4, $5)',
      [cardNo, uid, who, why, nowMs],
    );
    return true;
  });
}
