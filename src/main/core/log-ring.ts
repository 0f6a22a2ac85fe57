import type { ProgramLine } from '../../kiosk/maintenance/logs.ts';
import { maskCardNo } from '../../shared/mask.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';

/** So many lines of the log are kept in memory, for an export. */
const KEPT = 5_000;
/** So many of those that warn, for the screen. */
const WARNINGS_KEPT = 200;
/** Of a line that long the screen shows the begin. */
const TEXT_CHARS = 160;

/**
 * A card's or account's number that stands alone: masked on the screen, as everywhere. Numbers of
 * orders and terminals have dashes, or noughts in front.
 */
const NUMBER = /(?<![\w-])[1-9]\d{8,18}(?![\w-])/g;

/** A log that remembers its last lines. */
export function rememberingLog(
  log: LogFn,
  clock: Clock,
): {
  readonly log: LogFn;
  /** All that is kept, a line of JSON each, oldest first. */
  readonly text: () => string;
  /** What warned, the newest first. */
  readonly warnings: () => readonly ProgramLine[];
} {
  const lines: string[] = [];
  const warnings: ProgramLine[] = [];
  return {
    log: (level, room, message, detail) => {
      const atMs = clock.nowMs();
      const more = detail === undefined ? {} : { detail };
      const t = new Date(atMs).toISOString();
      lines.push(JSON.stringify({ t, level, room, message, ...more }));
      if (lines.length > KEPT) lines.splice(0, lines.length - KEPT);
      if (level === 'warn' || level === 'error') {
        const said = detail === undefined ? message : `${message} ${JSON.stringify(detail)}`;
        const text = said.replaceAll(NUMBER, maskCardNo).slice(0, TEXT_CHARS);
        warnings.unshift({ atMs, level, room, text });
        if (warnings.length > WARNINGS_KEPT) warnings.pop();
      }
      log(level, room, message, detail);
    },
    text: () => lines.map((line) => `${line}\n`).join(''),
    warnings: () => warnings,
  };
}
