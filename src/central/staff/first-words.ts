import type { Sql } from '../db/sql.ts';
import { mayUse } from './roles.ts';
import type { Role } from './roles.ts';

/**
 * Where one person's word waits for a second person's in a row of its own, older than proposals: by
 * which form it was said, and how it is taken back. What two persons have decided stays.
 */
const FIRST_WORDS: readonly (readonly [path: string, takeBack: string])[] = [
  ...(['move', 'grant'] as const).map(
    (kind) =>
      [
        `/console/credit/${kind}`,
        `UPDATE credit_acts SET state = 'refused', decided_who = '—', decided_why = $2,
           decided_ms = $3 WHERE asked_who = $1 AND state = 'asked' AND kind = '${kind}'`,
      ] as const,
  ),
  [
    '/console/card-grants',
    `UPDATE card_grants SET state = 'refused', decided_who = '—', decided_why = $2, decided_ms = $3
     WHERE asked_who = $1 AND state = 'asked'`,
  ],
  [
    '/console/refund-budget',
    `UPDATE refund_waits SET asked_who = NULL, asked_why = NULL
     WHERE asked_who = $1 AND allowed_ms IS NULL`,
  ],
  [
    '/console/refund',
    `UPDATE unproven_refunds SET asked = NULL, asked_who = NULL, asked_why = NULL
     WHERE asked_who = $1 AND (state IN ('waiting', 'refused')
       OR (state = 'granted' AND asked = 'clear' AND cleared_ms IS NULL))`,
  ],
  [
    '/console/credit/posting',
    `UPDATE postings SET asked = NULL, asked_voucher = NULL, asked_who = NULL, asked_why = NULL
     WHERE asked_who = $1 AND decided_who IS NULL`,
  ],
  [
    '/console/invoice',
    `UPDATE invoices SET asked_who = NULL, asked_why = NULL, asked_ms = NULL WHERE asked_who = $1`,
  ],
];

/**
 * Takes back each word of his that waits for a second person's, and that his roles would not let
 * him say any more: who lost a role is no first person by what he said before.
 *
 * What a technician said at a machine stays: it is a fact of that machine, and names are typed
 * there.
 */
export async function endFirstWords(
  tx: Sql,
  name: string,
  roles: readonly Role[],
  nowMs: number,
): Promise<void> {
  for (const [path, takeBack] of FIRST_WORDS)
    if (!mayUse(roles, 'POST', path))
      await tx.query(
        takeBack,
        takeBack.includes('$3') ? [name, '提出的人已经没有这个角色', nowMs] : [name],
      );
}
