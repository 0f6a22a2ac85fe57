import { num } from '../db/sql.ts';
import type { Db } from '../db/sql.ts';

/**
 * What a person did about a capture that the gateway could not hand back. `refunded`: at the
 * wallet, by hand, under the wallet's refund number · `paid-out`: another way (cash, transfer),
 * under its voucher's number · `nothing-due`: the wallet shows that it went back already · `again`:
 * nothing yet, but the reason is gone (an account mended, the merchant's balance filled up), and
 * the gateway is to try once more under the same refund number.
 */
export const OUTCOMES = ['refunded', 'paid-out', 'nothing-due', 'again'] as const;
export type Outcome = (typeof OUTCOMES)[number];
/** Without its reference nobody finds the money again. */
export const NEEDS_REFERENCE: readonly Outcome[] = ['refunded', 'paid-out'];

export interface ParkedSettlement {
  /** The gateway's number at the wallet. */
  readonly leg: string;
  readonly outcome: Outcome;
  /** Empty where there is none. */
  readonly reference: string;
  readonly who: string;
  readonly why: string;
}

/**
 * Writes down what became of a parked capture, once; `again` as often as it comes to be parked. The
 * kiosk is not told: it knows nothing of a wallet's trade that was left for another.
 *
 * @returns done · gone: it is not parked, or was settled before · not-ours: the gateway cannot hand
 *   this one back (the sum is another, or some of it went back)
 */
export async function settleParked(
  db: Db,
  s: ParkedSettlement,
  nowMs: number,
): Promise<'done' | 'gone' | 'not-ours'> {
  return db.transaction(async (tx) => {
    const leg = (
      await tx.query<{ amount_fen: unknown; captured_fen: unknown }>(
        `SELECT amount_fen, captured_fen FROM gateway_legs WHERE leg = $1
         AND state = 'parked' FOR NO KEY UPDATE`,
        [s.leg],
      )
    )[0];
    if (leg === undefined) return 'gone';
    if (
      (
        await tx.query(`SELECT 1 FROM gateway_settlements WHERE leg = $1 AND outcome <> 'again'`, [
          s.leg,
        ])
      ).length > 0
    )
      return 'gone';
    if (s.outcome === 'again') {
      if (!mayTryAgain(leg.amount_fen, leg.captured_fen)) return 'not-ours';
      await tx.query(
        `UPDATE gateway_legs SET state = $2, changed_ms = $3, look_ms = $3 WHERE leg = $1
         AND state = 'parked'`,
        [s.leg, 'refunding', nowMs],
      );
    }
    await tx.query(
      `INSERT INTO gateway_settlements (leg, outcome, reference, who, why, at_ms)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [s.leg, s.outcome, s.reference, s.who, s.why, nowMs],
    );
    return 'done';
  });
}

/** The gateway hands back whole captures of the sum that was asked for, and nothing else. */
export function mayTryAgain(amountFen: unknown, capturedFen: unknown): boolean {
  return capturedFen !== null && num(capturedFen) === num(amountFen);
}
