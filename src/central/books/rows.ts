import type { RowOf, Table } from '../db/sets.ts';

/** How to take back what was changed, newest last. */
export type Undo = (() => void)[];

/** What is to be written of a table. */
export interface Changes<R> {
  readonly inserted: readonly R[];
  readonly updated: readonly R[];
  readonly removed: readonly R[];
}

/** Rows of one table in memory, which know what was changed since they were loaded. */
export class Rows<T extends Table> {
  readonly #table: T;
  readonly #undo: Undo;
  /** As the database has them. */
  readonly #loaded = new Map<string, RowOf<T>>();
  readonly #now = new Map<string, RowOf<T>>();

  constructor(table: T, undo: Undo) {
    this.#table = table;
    this.#undo = undo;
  }

  /** Rows as the database has them; one that is here already stays as it is. */
  load(rows: readonly RowOf<T>[]): void {
    for (const row of rows) {
      const key = this.#keyOf(row);
      if (this.#loaded.has(key)) continue;
      this.#loaded.set(key, row);
      this.#now.set(key, row);
    }
  }

  /** By its key; of a key of several columns, joined as {@link Rows} does. */
  get(key: string): RowOf<T> | undefined {
    return this.#now.get(key);
  }

  /** A row as the database has it; undefined: it is new. */
  loaded(key: string): RowOf<T> | undefined {
    return this.#loaded.get(key);
  }

  /** A row with this row's key. */
  has(row: RowOf<T>): boolean {
    return this.#now.has(this.#keyOf(row));
  }

  /** In the order in which they were loaded and inserted. */
  all(): readonly RowOf<T>[] {
    return Array.from(this.#now.values());
  }

  /** A new row, or one in the place of the row with its key. */
  put(row: RowOf<T>): void {
    this.#set(this.#keyOf(row), row);
  }

  /** A new row. @throws Error where its key is there: the caller asks first */
  insert(row: RowOf<T>): void {
    if (this.has(row)) throw new Error(`${this.#table.name} ${this.#keyOf(row)} is there already`);
    this.put(row);
  }

  /** Other values in some columns of a row that is there. */
  change(key: string, values: Partial<RowOf<T>>): void {
    const row = this.#now.get(key);
    if (row === undefined) throw new Error(`${this.#table.name} ${key} is not loaded`);
    this.#set(key, { ...row, ...values });
  }

  remove(row: RowOf<T>): void {
    this.#set(this.#keyOf(row), undefined);
  }

  changes(): Changes<RowOf<T>> {
    const inserted: RowOf<T>[] = [];
    const updated: RowOf<T>[] = [];
    for (const [key, row] of this.#now) {
      const was = this.#loaded.get(key);
      if (was === undefined) inserted.push(row);
      else if (was !== row) updated.push(row);
    }
    const removed = Array.from(this.#loaded.entries()).flatMap(([key, row]) =>
      this.#now.has(key) ? [] : [row],
    );
    return { inserted, updated, removed };
  }

  #set(key: string, row: RowOf<T> | undefined): void {
    const was = this.#now.get(key);
    this.#undo.push(() => this.#place(key, was));
    this.#place(key, row);
  }

  #place(key: string, row: RowOf<T> | undefined): void {
    if (row === undefined) this.#now.delete(key);
    else this.#now.set(key, row);
  }

  #keyOf(row: RowOf<T>): string {
    const columns = row as Readonly<Record<string, unknown>>;
    return this.#table.key.map((name) => String(columns[name])).join('\n');
  }
}
