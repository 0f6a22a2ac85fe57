import type { Db } from '../db/sql.ts';
import { forgetClosed } from './requests.ts';

const EVERY_MS = 3_600_000;

/**
 * Deletes what identifies the customers of requests once its days are over: looked at when central
 * starts, and whenever a kiosk asks for its policy, once an hour.
 *
 * @param keepDaysNow null: there are no requests
 */
export function forgetter(
  db: () => Db,
  keepDaysNow: () => number | null,
  now: () => number,
): { readonly due: () => Promise<void> } {
  let lastMs: number | null = null;
  return {
    due: async () => {
      const nowMs = now();
      const keepDays = keepDaysNow();
      if (keepDays === null || (lastMs !== null && Math.abs(nowMs - lastMs) < EVERY_MS)) return;
      lastMs = nowMs;
      await forgetClosed(db(), keepDays, nowMs);
    },
  };
}
