import type { Db } from '../db/sql.ts';
import { MAX_KEEP_DAYS } from '../../shared/policy-requests.ts';
import { closedAt, forgetClosed } from './requests.ts';

const EVERY_MS = 3_600_000;

/** Where requests are taken no more: the longest that a policy may say, so that no slip deletes. */
const OTHERWISE_DAYS = MAX_KEEP_DAYS;

/**
 * Deletes what identifies the customers of requests once its days are over: looked at when central
 * starts, and whenever a kiosk asks for its policy, once an hour.
 *
 * @param keepDaysOf as the policy of this terminal has it; undefined: it takes no requests;
 *   null: there is none to go by, and nothing is deleted
 */
export function forgetter(
  db: () => Db,
  keepDaysOf: (terminalId: string) => Promise<number | undefined | null>,
  now: () => number,
): { readonly due: () => Promise<void> } {
  let lastMs: number | null = null;
  return {
    due: async () => {
      const nowMs = now();
      if (lastMs !== null && Math.abs(nowMs - lastMs) < EVERY_MS) return;
      lastMs = nowMs;
      const byDays = new Map<number, string[]>();
      for (const terminalId of await closedAt(db())) {
        const said = await keepDaysOf(terminalId);
        if (said === null) continue;
        const days = said ?? OTHERWISE_DAYS;
        byDays.set(days, [...(byDays.get(days) ?? []), terminalId]);
      }
      for (const [days, terminals] of byDays) await forgetClosed(db(), terminals, days, nowMs);
    },
  };
}
