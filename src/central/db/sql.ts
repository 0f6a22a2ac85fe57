/** The SQL that central needs of a PostgreSQL: positional parameters, rows as objects. */
export interface Sql {
  readonly query: <R>(sql: string, params?: readonly unknown[]) => Promise<readonly R[]>;
}
/** A database. `transaction` commits durably before it resolves, and rolls back when `run` throws. */
export interface Db extends Sql {
  readonly transaction: <T>(run: (tx: Sql) => Promise<T>) => Promise<T>;
  /** Several statements without parameters (migrations). */
  readonly exec: (sql: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * PostgreSQL drivers give bigint as text, number or BigInt; every value here is a safe integer by
 * its origin.
 */
export function num(value: unknown): number {
  const n = Number(value);
  if (!Number.isSafeInteger(n)) throw new RangeError(`not a safe integer: ${String(value)}`);
  return n;
}
/** As {@link num}; SQL's NULL is null. */
export const numOrNull = (value: unknown): number | null =>
  value === null || value === undefined ? null : num(value);

/** PostgreSQL gives a boolean, SQLite 0 or 1. */
export function bool(value: unknown): boolean {
  return value === true || value === 1;
}
