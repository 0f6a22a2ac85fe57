import { MIGRATIONS } from './migrations/index.ts';
import type { Db } from './sql.ts';

/**
 * Brings the schema to this version, one transaction for each migration.
 *
 * @throws where the schema is newer than this program
 */
export async function migrate(db: Db): Promise<void> {
  await db.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL)',
  );
  const done = await db.query<{ number: number }>(
    'SELECT number FROM schema_migrations ORDER BY number',
  );
  const newest = done.at(-1)?.number ?? 0;
  if (newest > MIGRATIONS.length)
    throw new Error(`central's schema is at ${newest}, this program knows ${MIGRATIONS.length}`);
  for (const [index, migration] of MIGRATIONS.entries()) {
    const number = index + 1;
    if (number <= newest) continue;
    await db.exec(
      `BEGIN; ${migration.sql}; INSERT INTO schema_migrations
         VALUES (${number}, '${migration.name}'); COMMIT;`,
    );
  }
}
