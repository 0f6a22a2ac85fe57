import type { Clock, LogFn } from '../../shared/ports.ts';

/** So many lines of the log are kept in memory, for an export. */
const KEPT = 5_000;

/** A log that remembers its last lines. */
export function rememberingLog(
  log: LogFn,
  clock: Clock,
): { readonly log: LogFn; readonly text: () => string } {
  const lines: string[] = [];
  return {
    log: (level, room, message, detail) => {
      lines.push(
        JSON.stringify({
          t: new Date(clock.nowMs()).toISOString(),
          level,
          room,
          message,
          ...(detail === undefined ? {} : { detail }),
        }),
      );
      if (lines.length > KEPT) lines.splice(0, lines.length - KEPT);
      log(level, room, message, detail);
    },
    text: () => lines.map((line) => `${line}\n`).join(''),
  };
}
