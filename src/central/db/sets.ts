import { bool, num } from './sql.ts';
import type { Sql } from './sql.ts';

/** One column: its type at the database, and its value as the program has it. */
export interface Column<V> {
  readonly type: 'text' | 'bigint' | 'boolean';
  readonly read: (value: unknown) => V;
}
/** Any text. `V` narrows it to what the program writes there. */
export const text = <V extends string = string>(): Column<V> => ({
  type: 'text',
  read: (value) => value as V,
});
/** A whole number that JavaScript holds exactly. */
export const whole: Column<number> = { type: 'bigint', read: num };
export const flag: Column<boolean> = { type: 'boolean', read: bool };
export const nullable = <V>(column: Column<V>): Column<V | null> => ({
  type: column.type,
  read: (value) => (value === null || value === undefined ? null : column.read(value)),
});

/** A table as far as the program reads and writes whole rows of it. */
export interface Table<C extends Readonly<Record<string, Column<unknown>>> = Columns> {
  readonly name: string;
  /** The columns by which a row is known. */
  readonly key: readonly string[];
  readonly columns: C;
}
type Columns = Readonly<Record<string, Column<unknown>>>;
/** A row of a table. */
export type RowOf<T extends Table> = {
  readonly [C in keyof T['columns']]: T['columns'][C] extends Column<infer V> ? V : never;
};

export const table = <const C extends Columns>(
  name: string,
  key: readonly (keyof C & string)[],
  columns: C,
): Table<C> => ({ name, key, columns });

/** The table's columns as a SELECT names them. */
export const columnsOf = (t: Table): string => Object.keys(t.columns).join(', ');

/** A row as the driver gave it, each column read as its type says. */
export function read<T extends Table>(t: T, row: Readonly<Record<string, unknown>>): RowOf<T> {
  return Object.fromEntries(
    Object.entries(t.columns).map(([name, column]) => [name, column.read(row[name])]),
  ) as RowOf<T>;
}

/** The rows that a condition finds. */
export async function select<T extends Table>(
  sql: Sql,
  t: T,
  where: string,
  params: readonly unknown[],
): Promise<readonly RowOf<T>[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT ${columnsOf(t)} FROM ${t.name} WHERE ${where}`,
    params,
  );
  return rows.map((row) => read(t, row));
}

/**
 * A list of texts as a set that a statement may ask: `order_id ${anyOf('$1')}`, the parameter being
 * {@link list}.
 *
 * An array and no join: of a function's rows the planner knows nothing, takes them for a hundred,
 * and reads whole tables for the few that are wanted.
 */
export const anyOf = (param: string): string =>
  anyOfThose(`SELECT x.v FROM json_to_recordset(${param}::json) AS x(v text)`);
/** As {@link anyOf}: what a query of one column finds. */
export const anyOfThose = (query: string): string => `= ANY(ARRAY(${query}))`;
/** See {@link anyOf}. */
export const list = (values: Iterable<string>): string =>
  JSON.stringify(Array.from(values, (v) => ({ v })));

/**
 * Rows as one parameter: a whole batch costs one statement, whatever its size, and the statement's
 * text is always the same.
 */
function recordset(t: Table, names: readonly string[]): string {
  const columns = names.map((name) => `${name} ${(t.columns[name] as Column<unknown>).type}`);
  return `json_to_recordset($1::json) AS x(${columns.join(', ')}, n bigint)`;
}
/** The rows' first key column as {@link anyOf}: by it they are found through an index. */
function amongThem(t: Table): string {
  const [first] = t.key as readonly [string];
  return `${t.name}.${first} ${anyOfThose(`SELECT x.${first} FROM ${recordset(t, [first])}`)}`;
}
const numbered = (rows: readonly object[]): string =>
  JSON.stringify(rows.map((row, n) => ({ ...row, n })));

type OverRows = <T extends Table>(sql: Sql, t: T, rows: readonly RowOf<T>[]) => Promise<void>;
/** A statement over rows, its text made once for each table. Without rows nothing is asked. */
function overRows(make: (t: Table) => string): OverRows {
  const texts = new Map<string, string>();
  return async (sql, t, rows) => {
    if (rows.length === 0) return;
    let text = texts.get(t.name);
    if (text === undefined) texts.set(t.name, (text = make(t)));
    await sql.query(text, [numbered(rows)]);
  };
}

/** Inserts rows, in their order. A row whose key is there is an error of the database's. */
export const insertRows = overRows((t) => insertion(t));

/** Inserts rows; those whose key is there already stay as they are. */
export const keepRows = overRows((t) => `${insertion(t)} ON CONFLICT DO NOTHING`);

/** Inserts rows, and overwrites those that are there. */
export const upsertRows = overRows((t) => {
  const set = others(t).map((name) => `${name} = EXCLUDED.${name}`);
  return `${insertion(t)} ON CONFLICT (${t.key.join(', ')}) DO UPDATE SET ${set.join(', ')}`;
});

/** Overwrites rows that are there. */
export const updateRows = overRows((t) => {
  const set = others(t).map((name) => `${name} = x.${name}`);
  const same = t.key.map((name) => `${t.name}.${name} = x.${name}`);
  return `UPDATE ${t.name} SET ${set.join(', ')} FROM ${recordset(t, Object.keys(t.columns))}
    WHERE ${same.join(' AND ')} AND ${amongThem(t)}`;
});

/** Deletes rows by their key. */
export const deleteRows = overRows((t) => {
  const found = t.key.map((name) => `x.${name}`).join(', ');
  return `DELETE FROM ${t.name} WHERE (${t.key.join(', ')}) IN
    (SELECT ${found} FROM ${recordset(t, t.key)}) AND ${amongThem(t)}`;
});

const others = (t: Table): readonly string[] =>
  Object.keys(t.columns).filter((name) => !t.key.includes(name));

function insertion(t: Table): string {
  const names = Object.keys(t.columns);
  const values = names.map((name) => `x.${name}`);
  return `INSERT INTO ${t.name} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${recordset(t, names)} WHERE true ORDER BY x.n`;
}
