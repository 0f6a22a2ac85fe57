import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

/** What a company's system said that cannot be; stable, for staff and programs. */
export const COMPANY_TROUBLES = [
  /** A card is another account's than it was. */
  'card-moved',
  /** A version of a tariff has other tiers than before. */
  'tariff-changed',
  /** An account is of another kind or unit than it was. */
  'other-kind',
  /** Fewer purchases than central itself knows are on the card. */
  'count-behind',
  /** It was told of purchases that central does not know (any more). */
  'forgotten-here',
  /** The account book or its bills are not what they were: see the detail. */
  'bill-changed',
] as const;
/** One of them. */
export interface CompanyTrouble {
  readonly kind: (typeof COMPANY_TROUBLES)[number];
  /** For staff, in Chinese. */
  readonly detail: string;
}

/** Kept until the company says something that can be; nothing is sold to the account meanwhile. */
export async function noteFinding(
  sql: Sql,
  about: string,
  { kind, detail }: CompanyTrouble,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `INSERT INTO company_findings (about, kind, detail, first_ms, last_ms)
     VALUES ($1, $2, $3, $4, $4) ON CONFLICT (about, kind) DO UPDATE
     SET detail = EXCLUDED.detail, last_ms = EXCLUDED.last_ms`,
    [about, kind, detail.slice(0, 500), nowMs],
  );
}

/** What was said of it is right again. */
export async function settleFindings(sql: Sql, about: string): Promise<void> {
  await sql.query('DELETE FROM company_findings WHERE about = $1', [about]);
}

/** A finding as staff see it: about a card or a user number. */
export interface CompanyFinding extends CompanyTrouble {
  readonly about: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What stands, the oldest first. */
export async function companyFindings(sql: Sql): Promise<readonly CompanyFinding[]> {
  const rows = await sql.query<{
    about: string;
    kind: CompanyTrouble['kind'];
    detail: string;
    first_ms: unknown;
    last_ms: unknown;
  }>('SELECT * FROM company_findings ORDER BY first_ms, about LIMIT 200');
  return rows.map(({ about, kind, detail, first_ms, last_ms }) => ({
    about,
    kind,
    detail,
    firstMs: num(first_ms),
    lastMs: num(last_ms),
  }));
}
