import { canonicalJson } from '../../shared/canonical-json.ts';
import type { CompanyAccount } from '../../shared/company-accounts.ts';
import type { Sql } from '../db/sql.ts';

/** Under what an answer was said, by the company's own clock: what came out of turn is known by it. */
export interface Said {
  readonly etag: string | null;
  /**
   * When the company looked. Of an answer that still stands (304): when it was first said.
   * Central's clock must not stand here: it may be before the company's, whose next answer would be
   * the older.
   */
  readonly saidMs: number;
}

/** Keeps what was said of a card, unless something newer is kept. @returns whether it was the newest */
export async function keepAnswer(
  tx: Sql,
  account: CompanyAccount,
  { etag, saidMs }: Said,
  nowMs: number,
): Promise<boolean> {
  const kept = await tx.query(
    `INSERT INTO company_cards (card_no, etag, answer, as_of_ms, heard_ms)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (card_no) DO UPDATE SET etag = EXCLUDED.etag,
       answer = EXCLUDED.answer, as_of_ms = EXCLUDED.as_of_ms, heard_ms = EXCLUDED.heard_ms
     WHERE company_cards.as_of_ms <= EXCLUDED.as_of_ms RETURNING card_no`,
    [account.cardNo, etag, canonicalJson(account), saidMs, nowMs],
  );
  return kept.length > 0;
}
