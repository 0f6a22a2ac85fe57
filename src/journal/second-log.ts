import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** One line of the second log: the event as hashed, enough to rebuild the journal. */
export interface LoggedEvent {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly wallMs: number;
  readonly orderId: string | null;
  readonly body: unknown;
  readonly prevHash: string;
  readonly hash: string;
}

/**
 * The second log: every event once more, append-only, on a second path (in production another disk), fsynced before
 * the event's effect may begin. A line is `crc32(json) in 8 hex digits, space, json, newline`; a torn last line is
 * cut off at the next start.
 */
export class SecondLog {
  readonly #fd: number;
  #lastSeq: number;
  #lastHash: string | null;

  private constructor(fd: number, lastSeq: number, lastHash: string | null) {
    this.#fd = fd;
    this.#lastSeq = lastSeq;
    this.#lastHash = lastHash;
  }

  static path(folder: string, epoch: number): string {
    return join(folder, `second-${epoch}.log`);
  }

  /** Opens or makes the log and cuts a torn tail. @throws the system's error when the path cannot be written. */
  static open(folder: string, epoch: number): SecondLog {
    mkdirSync(folder, { recursive: true });
    const path = SecondLog.path(folder, epoch);
    const isNew = !existsSync(path);
    const fd = openSync(path, 'a+', 0o600);
    const { events, goodBytes } = readSecondLog(path);
    if (fstatSync(fd).size > goodBytes) {
      ftruncateSync(fd, goodBytes);
      fsyncSync(fd);
    }
    if (isNew) {
      fsyncSync(fd);
      syncFolder(dirname(path));
    }
    const last = events.at(-1);
    return new SecondLog(fd, last?.seq ?? 0, last?.hash ?? null);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }
  get lastHash(): string | null {
    return this.#lastHash;
  }

  /** Appends and fsyncs. @throws on any write or fsync error: the process must end and recover from disk. */
  append(events: readonly LoggedEvent[]): void {
    const text = events.map(line).join('');
    const bytes = Buffer.from(text, 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    fsyncSync(this.#fd);
    const last = events.at(-1);
    if (last !== undefined) {
      this.#lastSeq = last.seq;
      this.#lastHash = last.hash;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function line(event: LoggedEvent): string {
  const json = JSON.stringify(event);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** All whole lines from the start; reading stops at the first bad one. */
export function readSecondLog(path: string): { events: LoggedEvent[]; goodBytes: number; torn: boolean } {
  if (!existsSync(path)) return { events: [], goodBytes: 0, torn: false };
  const bytes = readFileSync(path);
  const events: LoggedEvent[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) break;
    const text = bytes.toString('utf8', at, end);
    const json = text.slice(9);
    if (text[8] !== ' ' || crc32(json).toString(16).padStart(8, '0') !== text.slice(0, 8)) break;
    events.push(JSON.parse(json) as LoggedEvent);
    at = end + 1;
  }
  return { events, goodBytes: at, torn: at < bytes.length };
}

/** Makes a new directory entry durable. Not every system can open a folder: there the entry is durable with the file. */
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
