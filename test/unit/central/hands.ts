import { decideByHand } from '../../../src/central/books/hand-requests.ts';
import { handBackAdopted } from '../../../src/central/gateway/adopted.ts';
import { num } from '../../../src/central/db/sql.ts';
import type { Db } from '../../../src/central/db/sql.ts';
import { QUICK_TRUST } from './harness.ts';

interface Waiting {
  readonly terminal_id: string;
  readonly epoch: unknown;
  readonly seq: unknown;
  readonly order_id: string;
  readonly attempt_id: string;
}
/**
 * A second person confirms all that technicians say of parked money, oldest first, with the payers'
 * numbers.
 *
 * @returns what became of each
 */
export async function confirmHands(db: Db, nowMs: number): Promise<readonly string[]> {
  const outcomes: string[] = [];
  const waiting = await db.query<Waiting>(
    `SELECT * FROM hand_requests WHERE state = 'waiting' ORDER BY terminal_id, epoch, seq`,
  );
  for (const w of waiting) {
    const told = await db.query<{ body: string }>(
      `SELECT body FROM journal_events WHERE order_id = $1 AND kind = 'attempt-paid'`,
      [w.order_id],
    );
    const paid = told
      .map((r) => JSON.parse(r.body) as { attemptId: string; transactionId: string })
      .find((b) => b.attemptId === w.attempt_id);
    const decided = await decideByHand(
      db,
      {
        terminalId: w.terminal_id,
        epoch: num(w.epoch),
        seq: num(w.seq),
        verdict: 'confirmed',
        who: '李主管',
        why: '已核对',
        transactionNo: paid?.transactionId ?? `FOUND-${num(w.epoch)}-${num(w.seq)}`,
        route: 'original',
      },
      { nowMs, trust: QUICK_TRUST, handBack: handBackAdopted },
    );
    outcomes.push(decided.kind);
  }
  return outcomes;
}
