import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DISTRIBUTION, DROPPED_WHEN_SPREAD } from '../../../src/central/db/distribution.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { openPglite } from '../../../src/central/db/pglite.ts';
import type { Db } from '../../../src/central/db/sql.ts';

describe('a database of several nodes', () => {
  let db: Db;
  beforeAll(async () => {
    db = await openPglite(null);
    await migrate(db);
  }, 60_000);
  afterAll(() => db.close());

  test('has a place for every table, and no place for a table that is not there', async () => {
    const tables = await db.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r'
       AND relnamespace = 'public'::regnamespace ORDER BY 1`,
    );
    expect(tables.map((t) => t.name)).toEqual(Object.keys(DISTRIBUTION).toSorted());
  });

  test('keeps unique on one node what is unique: each key holds its table’s column', async () => {
    const keys = await db.query<{ table_name: string; key: string; columns: string[] }>(
      `SELECT t.relname AS table_name, i.indexrelid::regclass::text AS key,
         array_agg(a.attname::text) AS columns
       FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
       WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace
       GROUP BY t.relname, i.indexrelid ORDER BY 1, 2`,
    );
    const wrong = keys.filter(({ table_name, columns }) => {
      const place = DISTRIBUTION[table_name];
      return place !== undefined && 'by' in place && !columns.includes(place.by);
    });
    expect(keys.length).toBeGreaterThan(60);
    expect(wrong).toEqual([]);
  });

  test('refers from a node to what is on the same node or on every one, but for what is named', async () => {
    const refers = await db.query<{ child: string; parent: string; columns: string[] }>(
      `SELECT c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent,
         array_agg(a.attname::text) AS columns
       FROM pg_constraint c
       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
       WHERE c.contype = 'f' GROUP BY c.oid, c.conrelid, c.confrelid`,
    );
    const wrong = refers.filter(({ child, parent, columns }) => {
      const [from, to] = [DISTRIBUTION[child], DISTRIBUTION[parent]];
      if (from === undefined || to === undefined || 'everywhere' in to) return false;
      if ('by' in from && 'by' in to) return from.by !== to.by || !columns.includes(from.by);
      // What is on one node may refer to what is there too.
      return !('one' in from && 'one' in to);
    });
    expect(refers.length).toBeGreaterThan(15);
    expect(wrong.map(({ child, parent }) => `${child} to ${parent}`).toSorted()).toEqual(
      DROPPED_WHEN_SPREAD,
    );
  });
});
