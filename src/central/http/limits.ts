import { Refusal } from './problem.ts';

/** What a terminal's key is worth to a thief by asking often, and so is counted. */
export type Counted = 'look-up' | 'quote' | 'key' | 'claim';

/**
 * So many of each in a minute, by terminal. A kiosk has one customer at a time: a busy one needs a
 * tenth of this. Card keys: a purchase takes up to a dozen of the card's answers.
 */
const A_MINUTE: Readonly<Record<Counted, number>> = {
  'look-up': 60,
  quote: 60,
  key: 120,
  claim: 60,
};
const MINUTE_MS = 60_000;

/**
 * Counts what terminals ask for, in this process. Whole minutes of central's clock: a clock that is
 * set back begins a new one.
 *
 * @param alarm called once for each terminal and minute in which it asked too often
 */
export function limiter(
  alarm: (terminalId: string, what: Counted) => Promise<void>,
): (terminalId: string, what: Counted, nowMs: number) => Promise<void> {
  let minute = Number.NaN;
  let counts = new Map<string, number>();
  return async (terminalId, what, nowMs) => {
    const now = Math.floor(nowMs / MINUTE_MS);
    if (now !== minute) {
      minute = now;
      counts = new Map();
    }
    const key = `${what} ${terminalId}`;
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    if (n <= A_MINUTE[what]) return;
    if (n === A_MINUTE[what] + 1) await alarm(terminalId, what);
    throw new Refusal('too-many', `more than ${A_MINUTE[what]} times in a minute: ${what}`);
  };
}
