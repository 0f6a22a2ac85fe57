import type { Clock } from '../shared/ports.ts';

const MINUTE_MS = 60_000;
/** A program that works says a few lines an hour. */
const LINES_A_MINUTE = 30;
const LINE_CHARS = 500;

/**
 * For the log, what a child process says beside its answers: some lines a minute, each cut. The
 * rest is only counted, so that a program that never stops fills neither log nor disk.
 */
export function chatter(clock: Clock, log: (text: string) => void): (text: string) => void {
  let since = Number.NEGATIVE_INFINITY;
  let said = 0;
  return (text) => {
    const now = clock.monoMs();
    if (now - since >= MINUTE_MS) {
      if (said > LINES_A_MINUTE) log(`… and ${said - LINES_A_MINUTE} times more`);
      since = now;
      said = 0;
    }
    if (++said <= LINES_A_MINUTE) log(text.slice(0, LINE_CHARS));
  };
}
