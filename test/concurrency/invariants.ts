import type { Company } from './company.ts';
import { CARRIED, COUNT } from './company.ts';

/**
 * What must hold of central's books at any instant, whatever was going on: each line is a question
 * to the database whose answer is a list of faults.
 */
const FAULTS: Readonly<Record<string, string>> = {
  'money captured twice for one order': `SELECT order_id FROM ledger WHERE kind = 'captured'
    GROUP BY order_id HAVING COUNT(*) > 1`,
  'delivered and refunded': `SELECT d.order_id FROM ledger d JOIN ledger r USING (order_id)
    JOIN ledger c ON c.order_id = d.order_id AND c.kind = 'captured'
      AND c.attempt_id = r.attempt_id
    WHERE d.kind = 'delivered' AND r.kind = 'refunded'`,
  'more refunded than captured': `SELECT order_id FROM ledger GROUP BY order_id
    HAVING SUM(CASE kind WHEN 'refunded' THEN amount_fen ELSE 0 END) >
      SUM(CASE WHEN kind IN ('captured', 'captured-extra') THEN amount_fen ELSE 0 END)`,
  'an order in another state than its ledger': `SELECT o.order_id FROM orders o WHERE
    (o.state = 'delivered') <> EXISTS (SELECT 1 FROM ledger l WHERE l.order_id = o.order_id
      AND l.kind = 'delivered')`,
  'an account’s count is not its deliveries': `SELECT a.user_no FROM accounts a WHERE a.count <>
    ${COUNT} + (SELECT COUNT(*) FROM ledger l WHERE l.user_no = a.user_no AND l.kind = 'delivered')`,
  'carried money came or went': `SELECT a.user_no FROM accounts a WHERE a.carried_micro
    + COALESCE((SELECT SUM(micro) FROM reserves r WHERE r.user_no = a.user_no AND r.state = 'held'), 0)
    <> ${CARRIED} + COALESCE((SELECT SUM(micro) FROM ledger l WHERE l.user_no = a.user_no
      AND l.kind IN ('carried', 'carried-used')), 0) + COALESCE((SELECT SUM(micro)
      FROM card_grants g WHERE g.user_no = a.user_no AND g.state = 'done'), 0)`,
  'one count of a card delivered twice': `SELECT o.card_no FROM orders o JOIN ledger l USING (order_id)
    WHERE l.kind = 'delivered' AND o.sale = 'card' GROUP BY o.card_no, o.next_count HAVING COUNT(*) > 1`,
  'two cards of an account are claimed': `SELECT k.user_no FROM claims c JOIN cards k USING (card_no)
    GROUP BY k.user_no HAVING COUNT(*) > 1`,
  'facts that are not a row without a gap': `SELECT terminal_id FROM journal_events
    GROUP BY terminal_id, epoch HAVING COUNT(*) <> MAX(seq)`,
  'a cursor that is not at the last fact': `SELECT c.terminal_id FROM cursors c WHERE c.last_seq <>
    (SELECT COALESCE(MAX(seq), 0) FROM journal_events e
     WHERE e.terminal_id = c.terminal_id AND e.epoch = c.epoch)`,
  'a write lease beside a refund claim': `SELECT order_id FROM orders WHERE refund_claimed_ms IS NOT NULL
    AND write_terminal IS NOT NULL`,
};

/** What of it does not hold. */
export async function faults(company: Pick<Company, 'rows'>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [what, sql] of Object.entries(FAULTS)) {
    const rows = await company.rows(sql);
    if (rows.length > 0) found.push(`${what}: ${JSON.stringify(rows.slice(0, 5))}`);
  }
  return found;
}

/** Facts that a person would have to look at, or that wait; honest kiosks leave none. */
export async function open(company: Pick<Company, 'rows'>): Promise<readonly unknown[]> {
  return [
    ...(await company.rows('SELECT terminal_id, seq, kind, reason FROM quarantine')),
    ...(await company.rows('SELECT terminal_id, seq, reason FROM held_facts')),
  ];
}
