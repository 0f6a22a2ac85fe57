import { randomBytes } from 'node:crypto';
import type { Clock, LogFn, Random } from '../shared/ports.ts';

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, Math.min(delayMs, 0x7fff_ffff));
    return () => clearTimeout(timer);
  },
};

/** The operating system’s randomness. */
export const systemRandom: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** One JSON line each on stderr; what goes in is free of personal data by the callers' contract. */
export const stderrLog: LogFn = (level, room, message, detail) => {
  process.stderr.write(
    `${JSON.stringify({ t: new Date().toISOString(), level, room, message, ...(detail === undefined ? {} : { detail }) })}\n`,
  );
};
