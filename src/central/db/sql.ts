/** The SQL that central needs of a PostgreSQL: positional parameters, rows as objects. */
export interface Sql {
  readonly query: <R>(sql: string, params?: readonly unknown[]) => Promise<readonly R[]>;
}
/** Also takes several statements at once, without parameters (migrations). */
export interface Script extends Sql {
  readonly exec: (sql: string) => Promise<void>;
}
/**
 * A database. Several processes may work on it at once, so nothing that was read stays true but
 * under a lock or by a condition of the statement that writes.
 */
export interface Db extends Script {
  /**
   * Commits durably before it resolves, and rolls back when `run` throws. Each statement sees what
   * was committed before it (READ COMMITTED), so that whoever waited for a lock reads what the one
   * before wrote.
   *
   * `run` may be called again from its beginning, where the database ended the first call in favour
   * of another one (a deadlock): it changes nothing outside its transaction.
   */
  readonly transaction: <T>(run: (tx: Script) => Promise<T>) => Promise<T>;
  /**
   * Runs `work` while no other process runs any under the same key. For what reaches further than a
   * transaction (requests to a wallet); within one process the caller sees to it.
   *
   * @throws DbError `busy` where another process has the key for too long
   */
  readonly alone: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /**
   * Which history of the database this is: another one once it goes on from a standby or a backup,
   * where the last that was committed may be missing.
   */
  readonly life: () => Promise<string>;
  /**
   * Wakes whoever waits for something of this name, in every process on this database; called after
   * the commit. No more than a hint: it may be lost (a connection, a process that ends), and come
   * twice. Whoever waits looks again by itself after a while. Never throws, waits for nothing.
   */
  readonly ring: (name: string) => void;
  /** Calls `heard` with each name that is rung, until the returned function is called. */
  readonly onRing: (heard: (name: string) => void) => () => void;
  readonly close: () => Promise<void>;
}

/** How the database failed, where it was not a statement's fault. */
export class DbError extends Error {
  /**
   * `away`: not reached, or the connection was lost; whether a commit under way counts is not known
   * · `busy`: too much is under way, or somebody holds a lock for too long.
   */
  readonly kind: 'away' | 'busy';
  constructor(kind: DbError['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DbError';
    this.kind = kind;
  }
}

/**
 * The SQLSTATE of a database's error; empty where it is none. All that PostgreSQL has have a digit,
 * and the system's own (EPIPE) has none.
 */
export function sqlState(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : '';
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

/** PostgreSQL's text holds neither NUL nor half of a character; the hash covers the original. */
export function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\0', '\uFFFD').toWellFormed()) as T;
}
