import Database from 'better-sqlite3';
import { localBell } from '../central/db/bell.ts';
import type { Db, Script } from '../central/db/sql.ts';
import { MIGRATIONS } from '../central/db/migrations/index.ts';

/**
 * Central's database on SQLite in memory, for the whole-kiosk simulation: the very SQL of central,
 * translated by the few rules below, at a small part of PGlite's cost. Central's unit tests run on
 * both engines.
 *
 * Where the two differ and it does not matter here: column types are SQLite's affinities (what
 * central stores is checked by its schemas first), row locks are left out (transactions run one
 * after another), and a failed statement does not spoil its transaction. Booleans come back as 0
 * and 1.
 */
export function openSqliteDb(): Db {
  const { db, statements } = idle.pop() ?? connect();
  // All of one world lies in one transaction, undone at its end: connection and statements serve
  // the next world.
  db.exec('BEGIN');
  const savepoint = statement(db, statements, 'SAVEPOINT work');
  const release = statement(db, statements, 'RELEASE work');
  const rollback = statement(db, statements, 'ROLLBACK TO work');

  function run<R>(sql: string, params: readonly unknown[]): readonly R[] {
    const { statement: prepared, order, reader } = statement(db, statements, sql);
    const values: unknown[] = [];
    for (const i of order) {
      const v = params[i];
      values.push(typeof v === 'boolean' ? Number(v) : (v ?? null));
    }
    try {
      if (reader) return prepared.all(...values) as R[];
      prepared.run(...values);
      return [];
    } catch (cause) {
      throw asPostgres(cause);
    }
  }
  const inside: Script = {
    query: async (sql, params = []) => run(sql, params),
    exec: async (sql) => void db.exec(schemaForSqlite(sql)),
  };

  // One connection: whoever comes while a transaction is open waits for its end.
  let busy = false;
  const waiting: (() => void)[] = [];
  const enter = (): Promise<void> | null => {
    if (busy) return new Promise((resolve) => waiting.push(resolve));
    busy = true;
    return null;
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) busy = false;
    else next();
  };
  const alone = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const turn = enter();
    if (turn !== null) await turn;
    try {
      return await work();
    } finally {
      leave();
    }
  };

  return {
    query: async <R>(sql: string, params: readonly unknown[] = []) =>
      busy ? alone(() => run<R>(sql, params)) : run<R>(sql, params),
    transaction: <T>(work: (tx: Script) => Promise<T>) =>
      alone(async () => {
        savepoint.statement.run();
        try {
          const result = await work(inside);
          release.statement.run();
          return result;
        } catch (cause) {
          rollback.statement.run();
          release.statement.run();
          throw cause;
        }
      }),
    exec: (sql) => alone(() => void db.exec(schemaForSqlite(sql))),
    // Nobody else has this memory.
    alone: (_key, work) => work(),
    life: () => Promise.resolve('memory'),
    ...localBell(),
    close: async () => {
      db.exec('ROLLBACK');
      idle.push({ db, statements });
    },
  };
}

interface Connection {
  readonly db: Database.Database;
  readonly statements: Map<string, Prepared>;
}
/** Empty databases whose last world is over. */
const idle: Connection[] = [];

/** An empty database with central's schema. */
function connect(): Connection {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL)');
  for (const [index, { name, sql }] of MIGRATIONS.entries())
    db.exec(
      `BEGIN; ${schemaForSqlite(`${sql};`)} INSERT INTO schema_migrations VALUES (${index + 1}, '${name}'); COMMIT;`,
    );
  db.pragma('foreign_keys = ON');
  return { db, statements: new Map() };
}

function statement(db: Database.Database, known: Map<string, Prepared>, sql: string): Prepared {
  let prepared = known.get(sql);
  if (prepared === undefined) known.set(sql, (prepared = prepare(db, sql)));
  return prepared;
}

interface Prepared {
  readonly statement: Database.Statement;
  /** Index of the parameter for each place, in order. */
  readonly order: readonly number[];
  readonly reader: boolean;
}

/**
 * `$2 … $1` becomes `? … ?` with the parameters' order; casts and row locks are left out; a set
 * that came as JSON is read by SQLite's json_each.
 */
function prepare(db: Database.Database, sql: string): Prepared {
  const order: number[] = [];
  const text = sql
    .replace(
      /json_to_recordset\((\$\d+)::json\) AS (\w+)\(([^)]*)\)/g,
      (_all, param: string, name: string, columns: string) => {
        const read = columns.split(',').map((column) => {
          const [field = ''] = column.trim().split(' ');
          return `json_extract(value, '$.${field}') AS ${field}`;
        });
        return `(SELECT ${read.join(', ')} FROM json_each( ${param})) AS ${name}`;
      },
    )
    .replaceAll('= ANY(ARRAY(', 'IN (SELECT * FROM (')
    .replace(/ FOR (?:NO KEY )?UPDATE(?: OF \w+)?/g, '')
    .replace(/::\w+/g, '')
    .replace(/\bGREATEST\(/g, 'MAX(')
    .replace(
      /([=<>]|LIMIT)?( ?)\$(\d+)/g,
      (_all, compared: string | undefined, space: string, n: string) => {
        order.push(Number(n) - 1);
        // Compared with a bare `?`, or limited by one, a statement is compiled anew at each binding
        // (src/journal/book.ts, UNSEEN).
        return compared === undefined ? `${space}?` : `${compared}${space}coalesce(?, NULL)`;
      },
    );
  const statement = db.prepare(text);
  return { statement, order, reader: statement.reader };
}

/**
 * Migrations: identity columns, the guard triggers, a changed CHECK (as a trigger); what carries
 * old rows over has none to carry here.
 */
function schemaForSqlite(sql: string): string {
  const messages = new Map<string, string>();
  return (
    sql
      .replace(/^--.*$/gm, '')
      .replace(
        /CREATE FUNCTION (\w+)\(\) RETURNS trigger LANGUAGE plpgsql AS '((?:[^']|'')*)';/g,
        (_all, name: string, body: string) => {
          messages.set(name, /RAISE EXCEPTION ''(.*?)''/.exec(body)?.[1] ?? name);
          return '';
        },
      )
      .replace(
        /CREATE TRIGGER (\w+) BEFORE UPDATE OR DELETE ON (\w+) FOR EACH ROW EXECUTE FUNCTION (\w+)\(\);/g,
        (_all, name: string, table: string, fn: string) =>
          ['UPDATE', 'DELETE']
            .map(
              (on) =>
                `CREATE TRIGGER ${name}_${on.toLowerCase()} BEFORE ${on} ON ${table} BEGIN SELECT RAISE(ABORT, '${messages.get(fn) ?? fn}'); END;`,
            )
            .join('\n'),
      )
      .replace(
        /ALTER TABLE (\w+) DROP CONSTRAINT (\w+), ADD CONSTRAINT \w+ CHECK \((\w+) IN \(([^)]*)\)\);/g,
        (_all, table: string, name: string, column: string, list: string) =>
          `CREATE TRIGGER ${name} BEFORE INSERT ON ${table} WHEN NEW.${column} NOT IN (${list}) BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: ${name}'); END;`,
      )
      // The CHECKs that the triggers above take the place of.
      .replace(
        /(CREATE TABLE ledger \([\s\S]*?kind text NOT NULL) CHECK \(kind IN \([^)]*\)\)/,
        '$1',
      )
      .replace(
        /(CREATE TABLE accounts \([\s\S]*?kind text NOT NULL) CHECK \(kind IN \([^)]*\)\)/,
        '$1',
      )
      .replace(
        /(CREATE TABLE hand_requests \([\s\S]*?how text NOT NULL) CHECK \(how IN \([^)]*\)\)/,
        '$1',
      )
      // … and one that was given up.
      .replace(' CHECK (on_the_way_fen >= 0)', '')
      // A key of one column that numbers the rows is a key of two for several nodes only.
      .replace(/ALTER TABLE \w+ DROP CONSTRAINT \w+, ADD PRIMARY KEY \([^)]*\);/g, '')
      .replace(/ALTER TABLE \w+ DROP CONSTRAINT \w+;/g, '')
      .replace(
        /bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY/g,
        'INTEGER PRIMARY KEY AUTOINCREMENT',
      )
      .replace(/^(?:UPDATE|INSERT INTO account_use)\s[\s\S]*?;$/gm, '')
  );
}

const SQLSTATE: Readonly<Record<string, string>> = {
  SQLITE_CONSTRAINT_UNIQUE: '23505',
  SQLITE_CONSTRAINT_PRIMARYKEY: '23505',
  SQLITE_CONSTRAINT_ROWID: '23505',
  SQLITE_CONSTRAINT_NOTNULL: '23502',
  SQLITE_CONSTRAINT_FOREIGNKEY: '23503',
  SQLITE_CONSTRAINT_CHECK: '23514',
};

/** A SQLite error under PostgreSQL's code, by which central tells an event's fault from its own. */
function asPostgres(cause: unknown): unknown {
  if (!(cause instanceof Database.SqliteError)) return cause;
  const code =
    SQLSTATE[cause.code] ??
    (cause.code === 'SQLITE_CONSTRAINT_TRIGGER' && cause.message.startsWith('CHECK constraint')
      ? '23514'
      : undefined);
  return code === undefined ? cause : Object.assign(new Error(cause.message, { cause }), { code });
}
