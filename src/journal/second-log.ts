import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from './disk.ts';
import type { LogAnchor, LoggedEvent } from './records.ts';

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

/** A copy of a log without its oldest facts, beside it. */
export interface ShorterLog {
  /**
   * Adds what was appended meanwhile, makes it durable and puts it in the log's place; whoever
   * writes the log has let it go, and opens it anew. @returns its length
   *
   * @throws the system's error: which of the two is in place is then not known.
   */
  finish(): number;
  /** Leaves the log as it is. */
  drop(): void;
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
    const fresh = freshPath(path);
    const fd = openSync(fresh, 'w', 0o600);
    try {
      let text = anchor === null ? '' : anchorLine(anchor);
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

/** Where a log is made anew, before it takes the old one's place. */
export const freshPath = (path: string): string => `${path}.new`;

/** The first line of a log that was shortened. */
export const anchorLine = (anchor: LogAnchor): string => sealed(JSON.stringify({ anchor }));

/** @param from the offset to write at; left out: where the file's own writing stands */
export function writeWhole(fd: number, text: string | Buffer, from?: number): void {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  for (let at = 0; at < bytes.length;)
    at += writeSync(fd, bytes, at, undefined, from === undefined ? null : from + at);
}

function line(event: LoggedEvent): string {
  return sealed(JSON.stringify(event));
}
function sealed(json: string): string {
  return `${hex8(crc32(json))} ${json}\n`;
}
const hex8 = (n: number): string => n.toString(16).padStart(8, '0');

/** Read at a time. */
const CHUNK = 1 << 20;
/** No fact is nearly so long: where a line does not end within it, something else was written there. */
const MAX_LINE = 8 << 20;

/** A line of a log as it stands on the disk. */
export interface RawLine {
  /** The offset behind its newline. */
  readonly end: number;
  /** Its JSON; null: it fails its checksum, or is no line of a log. */
  readonly json: Buffer | null;
}

/**
 * Takes a log apart into lines as its bytes come, in bounded memory; half a line at the end is
 * none.
 */
export class LineCutter {
  /** The offset behind the last whole line. */
  #end: number;
  #rest: Buffer = Buffer.alloc(0);
  /** Of a line that was too long, which is passed over up to its newline. */
  #skipped = 0;

  /** @param at the offset of the first byte that will be pushed, where a line begins */
  constructor(at = 0) {
    this.#end = at;
  }

  /** The lines that are whole with these bytes. */
  *push(chunk: Buffer): Generator<RawLine> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, at)) {
      const json = this.#skipped > 0 ? null : jsonOf(bytes.subarray(at, end));
      this.#end += this.#skipped + end + 1 - at;
      this.#skipped = 0;
      at = end + 1;
      yield { end: this.#end, json };
    }
    this.#rest = bytes.subarray(at);
    if (this.#skipped + this.#rest.length <= MAX_LINE) return;
    this.#skipped += this.#rest.length;
    this.#rest = Buffer.alloc(0);
  }
}

/** What stands behind a right checksum. */
function jsonOf(line: Buffer): Buffer | null {
  const json = line.subarray(9);
  return line[8] === 0x20 && hex8(crc32(json)) === line.toString('latin1', 0, 8) ? json : null;
}

/** The whole lines of a log, in bounded memory; a log that is not there has none. */
function* linesOf(path: string): Generator<RawLine> {
  if (!existsSync(path)) return;
  const fd = openSync(path, 'r');
  try {
    const cutter = new LineCutter();
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const length = readSync(fd, chunk);
      if (length === 0) return;
      yield* cutter.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}
const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

/** What a line says; the first one of a shortened log says where it begins. */
const parsedLine = (json: Buffer): LoggedEvent | { readonly anchor: LogAnchor } =>
  JSON.parse(json.toString('utf8')) as LoggedEvent | { anchor: LogAnchor };

/** Place and hashes of a fact, as a line of a log has them. */
export type LogLink = Pick<LoggedEvent, 'epoch' | 'seq' | 'prevHash' | 'hash'>;

/** What a start has to know of a log; of any length, in the memory of one line. */
export interface SecondScan {
  readonly anchor: LogAnchor | null;
  /** Of the whole lines from the start, up to the first bad one. */
  readonly first: LogLink | null;
  readonly last: LogLink | null;
  /** Is each of them the next one of the one before? */
  readonly chained: boolean;
  /** How many they are. */
  readonly lines: number;
  /** The last whole line that stands behind a bad one. */
  readonly lastBeyond: LogLink | null;
  readonly goodBytes: number;
  /** Something stands behind `goodBytes`. */
  readonly torn: boolean;
  /** Whole lines that fail their checksum; half a line at the end is none. */
  readonly badLines: number;
}
/** Of a log that is not there. */
export const NO_SCAN: SecondScan = {
  anchor: null,
  first: null,
  last: null,
  chained: true,
  lines: 0,
  lastBeyond: null,
  goodBytes: 0,
  torn: false,
  badLines: 0,
};

/** Is this the next fact after that one? Null: it is the first that is looked at. */
export const follows = (link: LogLink, last: LogLink | null): boolean =>
  last === null || (link.seq === last.seq + 1 && link.prevHash === last.hash);

/**
 * Looks a log through: every checksum, and that each line follows the one before. Some 2 µs a line:
 * a machine of years starts in seconds.
 *
 * @throws when the system cannot read it.
 */
export function scanSecondLog(path: string): SecondScan {
  const scan: { -readonly [K in keyof SecondScan]: SecondScan[K] } = { ...NO_SCAN };
  for (const { end, json } of linesOf(path)) {
    if (json === null) {
      scan.badLines += 1;
      continue;
    }
    const isGood = scan.badLines === 0;
    const link = linkOf(json);
    if ('anchor' in link) {
      if (isGood && scan.goodBytes === 0) scan.anchor = link.anchor;
    } else if (isGood) {
      scan.chained &&= follows(link, scan.last);
      scan.first ??= link;
      scan.last = link;
      scan.lines += 1;
    } else scan.lastBeyond = link;
    if (isGood) scan.goodBytes = end;
  }
  return { ...scan, torn: scan.goodBytes < sizeOf(path) };
}

/**
 * The facts of a log, one after the other: up to its first bad line, or (`beyond`) all that can be
 * read.
 *
 * @throws when the system cannot read it.
 */
export function* secondLogFacts(path: string, beyond = false): Generator<LoggedEvent> {
  for (const { json } of linesOf(path)) {
    if (json === null && !beyond) return;
    if (json === null) continue;
    const value = parsedLine(json);
    if (!('anchor' in value)) yield value;
  }
}

/** A fact's line ends so: see {@link LoggedEvent}, whose fields are written in this order. */
const [PREV, HASH, END] = [',"prevHash":"', '","hash":"', '"}'] as const;
const HEX = 64;
const LINK_END = PREV.length + HEX + HASH.length + HEX + END.length;
const HASH_AT = PREV.length + HEX;
const LINK_BEGIN = /^\{"epoch":(\d{1,15}),"seq":(\d{1,15}),/;
const LINK_BEGIN_LENGTH = '{"epoch":,"seq":,'.length + 2 * 15;

/** Of most lines without reading the body, which is most of the line and all of the work. */
export function linkOf(json: Buffer): LogLink | { readonly anchor: LogAnchor } {
  const begin = LINK_BEGIN.exec(json.toString('latin1', 0, LINK_BEGIN_LENGTH));
  const end = json.toString('latin1', Math.max(0, json.length - LINK_END));
  return begin !== null &&
    end.startsWith(PREV) &&
    end.startsWith(HASH, HASH_AT) &&
    end.endsWith(END) &&
    end.length === LINK_END
    ? {
        epoch: Number(begin[1]),
        seq: Number(begin[2]),
        prevHash: end.slice(PREV.length, HASH_AT),
        hash: end.slice(-HEX - END.length, -END.length),
      }
    : parsedLine(json);
}
