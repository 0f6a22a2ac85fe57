import { isIPv6 } from 'node:net';
import { DAY_MS } from '../../shared/time.ts';
import { Refusal } from './problem.ts';

/** What a terminal's key is worth to a thief by asking often, and so is counted. */
export type Counted = 'look-up' | 'quote' | 'key' | 'claim' | 'request' | 'my-account';

/**
 * So many of each in a minute, by terminal. A kiosk has one customer at a time: a busy one needs a
 * tenth of this. Card keys: a purchase takes up to a dozen of the card's answers. A request's
 * status: whoever tries the four digits that open it gets nowhere.
 */
const A_MINUTE: Readonly<Record<Counted, number>> = {
  'look-up': 60,
  quote: 60,
  key: 120,
  claim: 60,
  request: 20,
  'my-account': 20,
};
/**
 * And so many in a day of central's clock: an account's use tells who is at home, so a thief of a
 * terminal's key shall not read a street's in a night. The busiest hall has a few hundred
 * customers.
 */
const A_DAY: Partial<Readonly<Record<Counted, number>>> = { 'my-account': 500 };
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
  const count = minuteCounter();
  const countDay = minuteCounter(DAY_MS);
  return async (terminalId, what, nowMs) => {
    const most = A_DAY[what];
    if (most !== undefined) {
      const today = countDay(`${what} ${terminalId}`, nowMs);
      if (today === most + 1) await alarm(terminalId, what);
      if (today > most) throw new Refusal('too-many', `more than ${most} times in a day: ${what}`);
    }
    const n = count(`${what} ${terminalId}`, nowMs);
    if (n <= A_MINUTE[what]) return;
    if (n === A_MINUTE[what] + 1) await alarm(terminalId, what);
    throw new Refusal('too-many', `more than ${A_MINUTE[what]} times in a minute: ${what}`);
  };
}

/** Counts by name and whole minute (or another span); tells how often a name came in this one. */
function minuteCounter(spanMs = MINUTE_MS): (key: string, nowMs: number) => number {
  let minute = Number.NaN;
  let counts = new Map<string, number>();
  return (key, nowMs) => {
    const now = Math.floor(nowMs / spanMs);
    if (now !== minute) {
      minute = now;
      counts = new Map();
    }
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    return n;
  };
}

/**
 * So often in a minute for the pages of customers' phones. `source`: a whole carrier may stand
 * behind one address, and a city's kiosks sell a hundred times a minute. `token`, `tap`: one
 * customer, who is told to come again after three seconds at the soonest.
 */
const PAGES_A_MINUTE = { source: 600, token: 60, tap: 20 } as const;

/**
 * Counts openings of customers' pages, in this process: whether this one is too many.
 *
 * @returns a function of the page's token, where it came from (undefined: not known, not counted),
 *   whether it would begin something, and the time
 */
export function pageLimiter(): (
  token: string,
  source: string | undefined,
  tap: boolean,
  nowMs: number,
) => boolean {
  const count = minuteCounter();
  return (token, source, tap, nowMs) => {
    // Whoever guesses tokens fills no memory with them: the source is counted first.
    if (source !== undefined && count(`source ${crowdOf(source)}`, nowMs) > PAGES_A_MINUTE.source)
      return true;
    if (count(`token ${token}`, nowMs) > PAGES_A_MINUTE.token) return true;
    return tap && count(`tap ${token}`, nowMs) > PAGES_A_MINUTE.tap;
  };
}

/** So many callbacks a minute of one source may be unbelievable; then no more are looked at. */
const REFUSED_A_MINUTE = 30;

/** Counts callbacks that were not believed, in this process. */
export interface CallbackLimiter {
  /** Whether this source sent too many of them in this minute: nothing is verified for it. */
  readonly tooMany: (source: string | undefined, nowMs: number) => boolean;
  /** One more. @returns true for the first of a minute: that one is worth a line in the log */
  readonly refused: (source: string | undefined, nowMs: number) => boolean;
}

/**
 * Verifying a signature is work that anybody on the net can ask for; a wallet's own callbacks are
 * believed, and so are never counted.
 */
export function callbackLimiter(): CallbackLimiter {
  const count = minuteCounter();
  const times = new Map<string, { minute: number; n: number }>();
  const key = (source: string | undefined): string =>
    source === undefined ? 'unknown' : crowdOf(source);
  return {
    tooMany: (source, nowMs) => {
      const now = times.get(key(source));
      return now?.minute === Math.floor(nowMs / MINUTE_MS) && now.n >= REFUSED_A_MINUTE;
    },
    refused: (source, nowMs) => {
      const n = count(key(source), nowMs);
      if (n === 1 && times.size > 10_000) times.clear();
      times.set(key(source), { minute: Math.floor(nowMs / MINUTE_MS), n });
      return n === 1;
    },
  };
}

/** An address as it is counted: one person has 2^64 of IPv6 at home, so its network stands for it. */
export function crowdOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  if (!isIPv6(address)) return address;
  const [left = '', right] = (address.split('%', 1)[0] ?? '').split('::');
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const tail = groups(right ?? '');
  const zeros = Array.from(
    { length: Math.max(0, 8 - groups(left).length - tail.length) },
    () => '0',
  );
  const all = right === undefined ? groups(left) : [...groups(left), ...zeros, ...tail];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
