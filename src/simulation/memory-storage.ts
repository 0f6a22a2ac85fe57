import Database from 'better-sqlite3';
import type { LogAnchor, LoggedEvent } from '../journal/records.ts';
import { SCHEMA_VERSION, migrate } from '../journal/schema.ts';
import { NO_SCAN, follows } from '../journal/second-log.ts';
import type { SecondScan } from '../journal/second-log.ts';
import { MIN_FREE_BYTES } from '../journal/disk.ts';
import { guard } from '../journal/storage.ts';
import type { JournalStorage } from '../journal/storage.ts';

function memory(image?: Buffer): Database.Database {
  const db = image === undefined ? new Database(':memory:') : new Database(image);
  guard(db);
  return db;
}

let blank: Buffer | null = null;
/** A new journal's database, its schema made once. */
function emptyJournal(): Buffer {
  if (blank === null) {
    const db = memory();
    const made = migrate(db);
    if (!made.ok) throw new Error(made.error.detail ?? made.error.code);
    blank = db.serialize();
    db.close();
  }
  return Buffer.from(blank);
}

/** Emptied journals whose storage is no more: connection and statements serve the next one. */
const retired: Database.Database[] = [];
const TABLES = [
  'outbox',
  'stranded',
  'attempts',
  'orders',
  'events',
  'account_cache',
  'request_parts',
  'shifts',
  'compared',
];
const EMPTY_ALL = `BEGIN; INSERT OR REPLACE INTO meta VALUES ('pruning', '1');
  ${TABLES.map((t) => `DELETE FROM ${t};`).join(' ')}
  DELETE FROM meta WHERE key <> 'schema_digest'; COMMIT`;

/** One epoch's second log. */
interface Log {
  readonly anchor: LogAnchor | null;
  readonly events: LoggedEvent[];
}

/** Memory has no bad lines; its length is counted in facts. */
const scanOf = ({ anchor, events }: Log): SecondScan => ({
  ...NO_SCAN,
  anchor,
  first: events[0] ?? null,
  last: events.at(-1) ?? null,
  lines: events.length,
  chained: events.every((e, i) => follows(e, events[i - 1] ?? null)),
  goodBytes: events.length,
});

/** A copy of a memory storage's disks at one moment. */
export interface DiskImage {
  readonly database: Buffer | null;
  readonly second: ReadonlyMap<number, Log>;
  readonly backups: ReadonlyMap<string, Buffer>;
}

/** The simulation's disk, with the faults that disks have. */
export interface MemoryStorage extends JournalStorage {
  /**
   * The next append fails: `full`, nothing of it is kept (SQLITE_FULL); `lost`, an fsync error that
   * took it along; `kept`, an fsync error though it reached the disk.
   */
  failNext: 'full' | 'lost' | 'kept' | null;
  /**
   * Power goes between SQLite's commit and the second log's write: the next append throws, its
   * facts are in the database only.
   */
  tearSecondLog: boolean;
  /**
   * What {@link JournalStorage.freeBytes} answers. The ballast counts on top of it when it is
   * dropped.
   */
  free: number;
  /** A copy of both disks. */
  image(): DiskImage;
  /**
   * Both disks are what they were: an old image restored, or this machine a clone. Only while
   * closed.
   */
  restoreImage(image: DiskImage, which?: 'both' | 'database' | 'second'): void;
  /** An empty disk. Only while closed. */
  wipe(which?: 'both' | 'database' | 'second'): void;
  /** Empty, and for nobody any more: what it was made of is used again. Only while closed. */
  retire(): void;
}

/**
 * Memory in the place of disks, under the very same SQL. It outlives the journals opened on it:
 * each sees exactly what was committed.
 */
export function memoryStorage(): MemoryStorage {
  let db: Database.Database | null = null;
  let building: Database.Database | null = null;
  let locked = false;
  let ballast = 0;
  const logs = new Map<number, Log>();
  const backups = new Map<string, Buffer>();
  const logOf = (epoch: number): Log => logs.get(epoch) ?? { anchor: null, events: [] };
  const idle = (): void => {
    if (locked) throw new Error('the disk is in use');
  };
  const sqlError = (message: string, code: string): Error =>
    new Database.SqliteError(message, code);

  const storage: MemoryStorage = {
    durable: false,
    failNext: null,
    tearSecondLog: false,
    free: 1024 * MIN_FREE_BYTES,
    lock() {
      if (locked) throw sqlError('database is locked', 'SQLITE_BUSY');
      locked = true;
    },
    close() {
      locked = false;
    },
    exists: () => db !== null,
    look(fn) {
      if (db === null) throw sqlError('unable to open database file', 'SQLITE_CANTOPEN');
      return fn(db);
    },
    open() {
      db ??= retired.pop() ?? memory(emptyJournal());
      return db;
    },
    beforeCommit() {
      const { failNext } = storage;
      if (failNext !== 'full' && failNext !== 'lost') return;
      storage.failNext = null;
      throw failNext === 'full'
        ? sqlError('database or disk is full', 'SQLITE_FULL')
        : sqlError('disk I/O error', 'SQLITE_IOERR_FSYNC');
    },
    second: {
      epochs: () => [...logs.keys()].toSorted((a, b) => a - b),
      scan: (epoch) => scanOf(logOf(epoch)),
      facts: (epoch) => logOf(epoch).events,
      // No waiting in between: a seed replays exactly.
      shorter(epoch, anchor) {
        return Promise.resolve({
          finish() {
            const events = logOf(epoch).events.filter((e) => e.seq > anchor.seq);
            logs.set(epoch, { anchor, events });
            return events.length;
          },
          drop: () => undefined,
        });
      },
      open(epoch, good) {
        const log = logOf(epoch);
        logs.set(epoch, log);
        log.events.length = Math.min(log.events.length, good);
        return {
          append(events) {
            if (storage.tearSecondLog || storage.failNext === 'kept') {
              storage.tearSecondLog = false;
              storage.failNext = null;
              throw new Error('EIO: i/o error, fsync');
            }
            log.events.push(...events);
          },
          close: () => undefined,
        };
      },
      rewrite(epoch, anchor, events) {
        logs.set(epoch, { anchor, events: [...events] });
      },
      remove(epoch) {
        logs.delete(epoch);
      },
      setAside: () => undefined,
    },
    backups: {
      list: () => [...backups.keys()].toReversed(),
      look(name, fn) {
        const image = backups.get(name);
        if (image === undefined) throw sqlError('unable to open database file', 'SQLITE_CANTOPEN');
        const copy = new Database(image);
        try {
          return fn(copy);
        } finally {
          copy.close();
        }
      },
      // No waiting in between: a seed replays exactly.
      make(from, judge) {
        const image = from.serialize();
        const copy = new Database(image);
        try {
          const name = judge(copy);
          backups.delete(name);
          backups.set(name, image);
          return Promise.resolve(name);
        } catch (error) {
          return Promise.reject(error);
        } finally {
          copy.close();
        }
      },
      remove(name) {
        backups.delete(name);
      },
    },
    build(base, fill) {
      const image = base === null ? undefined : backups.get(base);
      building = memory(image);
      fill(building);
    },
    swap() {
      if (building === null) throw new Error('nothing was built');
      db?.close();
      db = building;
      building = null;
    },
    finishSwap() {
      building?.close();
      building = null;
    },
    asidePath: (aside) => aside,
    freeBytes: () => storage.free,
    ballast: {
      held: () => ballast > 0,
      make(bytes) {
        ballast = bytes;
        storage.free -= bytes;
      },
      drop() {
        storage.free += ballast;
        ballast = 0;
      },
    },
    image: () => ({
      database: db === null ? null : db.serialize(),
      second: new Map(
        [...logs].map(([epoch, { anchor, events }]) => [epoch, { anchor, events: [...events] }]),
      ),
      backups: new Map(backups),
    }),
    restoreImage(image, which = 'both') {
      idle();
      if (which !== 'second') {
        db?.close();
        db = image.database === null ? null : memory(Buffer.from(image.database));
        backups.clear();
        for (const [name, bytes] of image.backups) backups.set(name, bytes);
      }
      if (which !== 'database') {
        logs.clear();
        for (const [epoch, { anchor, events }] of image.second)
          logs.set(epoch, { anchor, events: [...events] });
      }
    },
    wipe(which = 'both') {
      storage.restoreImage({ database: null, second: new Map(), backups: new Map() }, which);
    },
    retire() {
      idle();
      if (db?.pragma('user_version', { simple: true }) === SCHEMA_VERSION) {
        db.exec(EMPTY_ALL);
        retired.push(db);
        db = null;
      }
      storage.wipe();
    },
  };
  return storage;
}
