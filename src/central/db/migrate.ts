import { MIGRATIONS } from './migrations/index.ts';
import { sqlState } from './sql.ts';
import type { Db, Sql } from './sql.ts';

/** The advisory lock under which the schema is changed: 'pilot' as a number. Nothing else uses it. */
const SCHEMA_LOCK = 0x70_69_6c_6f_74;
/** SQLSTATE of a table that is not there (PostgreSQL, appendix A). */
const UNDEFINED_TABLE = '42P01';

/**
 * Brings the schema to this version, one transaction for each migration. Several processes may
 * start at once: each migration is looked for again under a lock, so one of them makes it and the
 * others find it made.
 *
 * @throws where the schema is newer than this program
 */
export async function migrate(db: Db): Promise<void> {
  for (let newest = await schemaOf(db); newest < MIGRATIONS.length;) {
    newest = await db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      await tx.exec(
        'CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL)',
      );
      const done = await schemaOf(tx);
      const migration = MIGRATIONS[done];
      if (migration === undefined) return done;
      await tx.exec(migration.sql);
      await tx.query('INSERT INTO schema_migrations VALUES ($1, $2)', [done + 1, migration.name]);
      return done + 1;
    });
  }
}

/**
 * The number of the newest migration that was made; 0: an empty database. Changes nothing.
 *
 * @throws where the schema is newer than this program
 */
export async function schemaOf(sql: Sql): Promise<number> {
  let rows: readonly { readonly number: number }[];
  try {
    rows = await sql.query<{ number: number }>(
      'SELECT number FROM schema_migrations ORDER BY number DESC LIMIT 1',
    );
  } catch (cause) {
    if (sqlState(cause) === UNDEFINED_TABLE) return 0;
    throw cause;
  }
  const newest = rows[0]?.number ?? 0;
  if (newest > MIGRATIONS.length)
    throw new Error(`central's schema is at ${newest}, this program knows ${MIGRATIONS.length}`);
  return newest;
}
