import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { LogAnchor, LoggedEvent } from './records.ts';

/** What one epoch's log holds. */
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
/** Of a log that is not there. */
export const NO_CONTENTS: SecondContents = {
  anchor: null,
  events: [],
  beyond: [],
  goodBytes: 0,
  torn: false,
  badLines: 0,
};

/** Where one epoch's facts are written a second time. */
export interface SecondLogWriter {
  /**
   * Durable when it returns.
   *
   * @throws on any write or fsync error: the process must end and recover from disk.
   */
  append(events: readonly LoggedEvent[]): void;
  close(): void;
}

/**
 * The second log: every event once more, append-only, on a second path (in production another
 * disk), fsynced before the event's effect may begin; one file for each epoch. A line is
 * `crc32(json) in 8 hex digits, space, json, newline`; a torn last line is cut off at the next
 * start.
 */
export class SecondLog implements SecondLogWriter {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static path(folder: string, epoch: number): string {
    return join(folder, `second-${epoch}.log`);
  }

  /**
   * Opens or makes the log and cuts what stands behind `goodBytes`.
   *
   * @throws the system's error when the path cannot be written.
   */
  static open(folder: string, epoch: number, goodBytes: number): SecondLog {
    mkdirSync(folder, { recursive: true });
    const path = SecondLog.path(folder, epoch);
    const isNew = !existsSync(path);
    const fd = openSync(path, 'a', 0o600);
    try {
      if (fstatSync(fd).size > goodBytes) {
        ftruncateSync(fd, goodBytes);
        fsyncSync(fd);
      }
      if (isNew) {
        fsyncSync(fd);
        syncFolder(dirname(path));
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new SecondLog(fd);
  }

  /**
   * Makes the log anew, beside the old one and then in its place: at no moment is there less than
   * what either holds.
   */
  static rewrite(
    folder: string,
    epoch: number,
    anchor: LogAnchor | null,
    events: Iterable<LoggedEvent>,
  ): void {
    mkdirSync(folder, { recursive: true });
    const path = SecondLog.path(folder, epoch);
    const fresh = `${path}.new`;
    const fd = openSync(fresh, 'w', 0o600);
    try {
      let text = anchor === null ? '' : sealed(JSON.stringify({ anchor }));
      for (const event of events) {
        text += line(event);
        if (text.length > 1 << 18) {
          writeWhole(fd, text);
          text = '';
        }
      }
      writeWhole(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, path);
    syncFolder(folder);
  }

  append(events: readonly LoggedEvent[]): void {
    writeWhole(this.#fd, events.map(line).join(''));
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

function line(event: LoggedEvent): string {
  return sealed(JSON.stringify(event));
}
function sealed(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/**
 * Reads a log as far as it can be read; a log that is not there is an empty one.
 *
 * @throws when the system cannot read it.
 */
export function readSecondLog(path: string): SecondContents {
  if (!existsSync(path)) return NO_CONTENTS;
  const bytes = readFileSync(path);
  const events: LoggedEvent[] = [];
  const beyond: LoggedEvent[] = [];
  let anchor: LogAnchor | null = null;
  let good = 0;
  let badLines = 0;
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) break;
    const text = bytes.toString('utf8', at, end);
    const json = text.slice(9);
    if (text[8] === ' ' && crc32(json).toString(16).padStart(8, '0') === text.slice(0, 8)) {
      const value = JSON.parse(json) as LoggedEvent | { anchor: LogAnchor };
      if ('anchor' in value) {
        if (at === 0) anchor = value.anchor;
      } else (badLines > 0 ? beyond : events).push(value);
      if (badLines === 0) good = end + 1;
    } else badLines += 1;
    at = end + 1;
  }
  return { anchor, events, beyond, goodBytes: good, torn: good < bytes.length, badLines };
}

/**
 * Makes a new directory entry durable. Not every system can open a folder: there the entry is
 * durable with the file.
 */
export function syncFolder(folder: string): void {
  let fd: number;
  try {
    fd = openSync(folder, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(fd);
  } catch {
    // EINVAL / EPERM on systems that cannot fsync a folder (Windows)
  } finally {
    closeSync(fd);
  }
}
