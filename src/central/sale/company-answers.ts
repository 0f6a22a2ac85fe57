import { canonicalJson } from '../../shared/canonical-json.ts';
import type { CompanyAccount } from '../../shared/company-accounts.ts';
import type { Sql } from '../db/sql.ts';

/** Keeps what was said of a card, unless something newer is kept. @returns whether it was the newest */
export async function keepAnswer(
  tx: Sql,
  account: CompanyAccount,
  etag: string | null,
  nowMs: number,
): Promise<boolean> {
  const kept = await tx.query(
    `INSERT INTO company_cards (card_no, etag, answer, as_of_ms, heard_ms)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (card_no) DO UPDATE SET etag = EXCLUDED.etag,
       answer = EXCLUDED.answer, as_of_ms = EXCLUDED.as_of_ms, heard_ms = EXCLUDED.heard_ms
     WHERE company_cards.as_of_ms <= EXCLUDED.as_of_ms RETURNING card_no`,
    [account.cardNo, etag, canonicalJson(account), account.asOfMs, nowMs],
  );
  return kept.length > 0;
}
