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
 * The schema as a command finds it, which changes nothing under services that serve: an empty
 * database is made, one of before this program is left to the service's restart, after its backup.
 *
 * @param alone nobody else is at this database
 * @returns the number of the schema; 0: empty, and `make` was not asked for
 * @throws where a service of this version has to start first, or the schema is newer
 */
export async function fitSchema(
  db: Db,
  { alone, make }: { readonly alone: boolean; readonly make: boolean },
): Promise<number> {
  const newest = await schemaOf(db);
  if (newest === MIGRATIONS.length || (newest === 0 && !make)) return newest;
  if (newest > 0 && !(alone && make))
    throw new Error(
      `the schema is at ${newest} and this program’s at ${MIGRATIONS.length}: after a backup restart the service, which brings it up to date`,
    );
  await migrate(db);
  return MIGRATIONS.length;
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
