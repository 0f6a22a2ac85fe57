import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { Book } from './book.ts';
import { EVENT_COLUMNS } from './records.ts';
import type { EventRecord } from './records.ts';
import { fold } from './fold.ts';
import { initial } from './migrations/0001-initial.ts';
import { epochs } from './migrations/0002-epochs.ts';
import { ordersByAccount } from './migrations/0003-orders-by-account.ts';
import { sales } from './migrations/0004-sales.ts';
import { requestParts } from './migrations/0005-request-parts.ts';
import { shifts } from './migrations/0006-shifts.ts';
import { untaken } from './migrations/0007-untaken.ts';

/** In order; a migration that has shipped is never edited. */
export const MIGRATIONS = [
  initial,
  epochs,
  ordersByAccount,
  sales,
  requestParts,
  shifts,
  untaken,
] as const;
/** The last one that empties the rows, which are then made anew. */
const ROWS_SINCE = sales.version;
/** The version that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** A digest of the schema as SQLite holds it, so that an altered one is seen. */
export function schemaDigest(db: Database.Database): string {
  const rows = db
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    )
    .all();
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

/**
 * Connections that were found, or brought, to this version: the simulation opens one again and
 * again.
 */
const current = new WeakSet<Database.Database>();

/**
 * Is this a schema that {@link migrate} takes? A newer or altered one, or another database, is
 * refused (JRNL-0102). Changes nothing.
 */
export function checkSchema(db: Database.Database): Result<number, Failure> {
  if (current.has(db)) return ok(SCHEMA_VERSION);
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION)
    return err(failure('JRNL-0102', `schema ${version}, this program knows ${SCHEMA_VERSION}`));
  if (version > 0) {
    const kept = db.prepare("SELECT value FROM meta WHERE key = 'schema_digest'").pluck().get();
    if (kept !== schemaDigest(db)) return err(failure('JRNL-0102', 'the schema was altered'));
  } else if (db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() !== 0) {
    return err(failure('JRNL-0102', 'a database that is not a journal'));
  }
  return ok(version);
}

/**
 * Brings the schema to this version: all missing migrations, and the rows made anew from the events
 * where one of them emptied them, in one transaction. What {@link checkSchema} refuses is left as it
 * is.
 */
export function migrate(db: Database.Database): Result<void, Failure> {
  const checked = checkSchema(db);
  if (!checked.ok) return checked;
  const version = checked.value;
  if (version === SCHEMA_VERSION) {
    current.add(db);
    return ok(undefined);
  }
  // Tables are rebuilt: their references hold again only at the end, where they are checked.
  db.pragma('foreign_keys = OFF');
  db.transaction(() => {
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration.sql);
    if (version > 0 && version < ROWS_SINCE) refold(db);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
    db.prepare(
      "INSERT INTO meta (key, value) VALUES ('schema_digest', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ).run(schemaDigest(db));
    if ((db.pragma('foreign_key_check') as unknown[]).length > 0)
      throw new Error('a migration broke a reference');
  })();
  db.pragma('foreign_keys = ON');
  current.add(db);
  return ok(undefined);
}

/** Makes orders and attempts anew from all events, by today's fold. */
function refold(db: Database.Database): void {
  const book = new Book(db);
  for (const r of db
    .prepare<[], EventRecord>(`SELECT ${EVENT_COLUMNS} FROM events ORDER BY epoch, seq`)
    .all()) {
    book.putRows(
      fold(
        book,
        { kind: r.kind, orderId: r.order_id, body: JSON.parse(r.body) as unknown } as JournalEvent,
        r.wall_ms,
      ),
      r,
    );
  }
}
