import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { initial } from './migrations/0001-initial.ts';

/** In order; a migration that has shipped is never edited. */
export const MIGRATIONS = [initial] as const;
export const SCHEMA_VERSION = MIGRATIONS.length;

/** A digest of the schema as SQLite holds it, so that an altered one is seen. */
export function schemaDigest(db: Database.Database): string {
  const rows = db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name").all();
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

/**
 * Brings the schema to this version, each migration in one transaction. A newer or altered schema is refused
 * (JRNL-0102) and left as it is.
 */
export function migrate(db: Database.Database): Result<void, Failure> {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) return err(failure('JRNL-0102', `schema ${version}, this program knows ${SCHEMA_VERSION}`));
  if (version > 0) {
    const kept = db.prepare("SELECT value FROM meta WHERE key = 'schema_digest'").pluck().get();
    const found = schemaDigest(db);
    if (kept !== found) return err(failure('JRNL-0102', 'the schema was altered'));
  } else if (db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() !== 0) {
    return err(failure('JRNL-0102', 'a database that is not a journal'));
  }
  for (const migration of MIGRATIONS.slice(version)) {
    db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
      db.prepare("INSERT INTO meta (key, value) VALUES ('schema_digest', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(schemaDigest(db));
    })();
  }
  return ok(undefined);
}
