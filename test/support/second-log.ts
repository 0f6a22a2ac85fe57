import { existsSync, readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { LogAnchor, LoggedEvent } from '../../src/journal/records.ts';

/** What one epoch's second log holds. */
export interface SecondContents {
  readonly anchor: LogAnchor | null;
  /** All whole lines from the start; reading stops at the first bad one. */
  readonly events: readonly LoggedEvent[];
  /** Whole lines that stand behind a bad one. */
  readonly beyond: readonly LoggedEvent[];
  readonly goodBytes: number;
  /** Something stands behind `goodBytes`. */
  readonly torn: boolean;
  /** Whole lines that fail their checksum; half a line at the end is none. */
  readonly badLines: number;
}

/**
 * A log read whole and at once, by other code than the journal's own: what the journal makes of a
 * log line by line is compared with it. One that is not there is empty.
 */
export function readSecondLog(path: string): SecondContents {
  const events: LoggedEvent[] = [];
  const beyond: LoggedEvent[] = [];
  let anchor: LogAnchor | null = null;
  let good = 0;
  let badLines = 0;
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) break;
    const text = bytes.toString('utf8', at, end);
    const json = text.slice(9);
    if (text[8] === ' ' && crc32(json).toString(16).padStart(8, '0') === text.slice(0, 8)) {
      const value = JSON.parse(json) as LoggedEvent | { anchor: LogAnchor };
      if ('anchor' in value) {
        if (at === 0) ({ anchor } = value);
      } else (badLines > 0 ? beyond : events).push(value);
      if (badLines === 0) good = end + 1;
    } else badLines += 1;
    at = end + 1;
  }
  return { anchor, events, beyond, goodBytes: good, torn: good < bytes.length, badLines };
}
