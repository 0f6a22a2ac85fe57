import { isPeriodRule, MONTHLY } from '../../shared/periods.ts';
import { chinaDayMs } from '../../shared/time.ts';
import type { Cell, ImportCode, ImportProblem, ImportTable } from './import-file.ts';

/** A cell's value, or what is wrong with it. */
export type Parsed<T> =
  | { readonly value: T }
  | { readonly code: ImportCode; readonly detail: string };
/** One column: its headings, and how a cell is read. */
export interface ImportColumn<T> {
  /** In Chinese first; any of them is taken, without regard to case, spaces and what is bracketed. */
  readonly headings: readonly string[];
  /** Of an empty cell, and of a new row where the file has no such column; left out: it is needed. */
  readonly otherwise?: T;
  readonly parse: (cell: Cell) => Parsed<T>;
}
export type ImportColumns = Readonly<Record<string, ImportColumn<never>>>;
/** A row's values; a column that the file does not have is left out. */
export type ImportRow<C> = {
  readonly [N in keyof C]?: C[N] extends ImportColumn<infer T> ? T : never;
} & { readonly line: number };

const not = (detail: string): Parsed<never> => ({ code: 'not-this', detail });
/** As it was meant: full-width digits and letters are what they look like. */
const meant = (cell: Cell): string => cell.text.normalize('NFKC').trim();

/** Digits and letters by which something is known: never a number, or its zeros are gone. */
export const idColumn = (
  headings: readonly string[],
  pattern: RegExp,
  what: string,
): ImportColumn<string> => ({
  headings,
  parse: (cell) => {
    const text = meant(cell);
    if (pattern.test(text) && (cell.as === 'text' || isFixed(pattern))) return { value: text };
    if (cell.as !== 'text')
      return {
        code: 'lost-zeros',
        detail: `${text}: a number’s leading zeros are lost: make the column a text, and fill it anew`,
      };
    return not(`${shown(text)}: ${what}`);
  },
});
/** With one length alone a lost zero is seen. */
const isFixed = (pattern: RegExp): boolean => /\{\d+\}\$$/.test(pattern.source);
const shown = (text: string): string => JSON.stringify(text.slice(0, 40));

/** Words for people. */
export const textColumn = (
  headings: readonly string[],
  max: number,
  otherwise?: string,
): ImportColumn<string> => ({
  headings,
  ...(otherwise === undefined ? {} : { otherwise }),
  parse: (cell) => {
    const text = cell.text.normalize('NFC').trim();
    // A spreadsheet that opens an export of it would carry it out.
    if (/^[=+@\t]/.test(text)) return { code: 'formula', detail: `${shown(text)} is a formula` };
    if (text.length > max || /\p{C}/u.test(text))
      return not(`1 to ${max} visible characters on one line`);
    return { value: text };
  },
});

/** What a decimal is, and how large it may be. */
export interface DecimalRule {
  /** For who reads why it is none. */
  readonly what: string;
  /** So many digits behind the point are kept; more are refused, not rounded. */
  readonly decimals: number;
  /**
   * In its smallest part: no more than kiosks and facts take of it (shared/facts/bounds.ts), else
   * one slip of a column makes an account that no machine can read.
   */
  readonly max: number;
  /** It may be below zero, as far. */
  readonly signed?: true;
}
/** A decimal as a whole number of its smallest part. No thousands’ marks: `1,234` may be either. */
export const decimalColumn = <N extends number | null = never>(
  headings: readonly string[],
  { what, decimals, max, signed }: DecimalRule,
  otherwise?: number | N,
): ImportColumn<number | N> => ({
  headings,
  ...(otherwise === undefined ? {} : { otherwise }),
  parse: (cell) => {
    const text = meant(cell);
    const found = new RegExp(
      `^(${signed === true ? '-?' : ''})(\\d{1,12})(?:\\.(\\d{1,20}))?$`,
    ).exec(text);
    const [, minus = '', whole = '', part = ''] = found ?? [];
    const kept = part.replace(/0+$/, '');
    if (found === null || kept.length > decimals || cell.as === 'date')
      return not(`${shown(text)}: ${what}, at most ${decimals} decimals, without marks between`);
    const value = Number(`${whole}${kept.padEnd(decimals, '0')}`);
    return value <= max
      ? { value: minus === '' || value === 0 ? value : -value }
      : not(`${shown(text)}: more than ${max / 10 ** decimals}, the most that is taken`);
  },
});

/** One of some words, each with the value that it stands for. */
export const choiceColumn = <T extends string>(
  headings: readonly string[],
  words: Readonly<Record<string, T>>,
  otherwise?: T,
): ImportColumn<T> => ({
  headings,
  ...(otherwise === undefined ? {} : { otherwise }),
  parse: (cell) => {
    const text = meant(cell).toLowerCase();
    return Object.hasOwn(words, text)
      ? { value: words[text] as T }
      : not(`${shown(text)}: one of ${Object.keys(words).join(', ')}`);
  },
});

/** What is delivered, as files name it. */
export const UTILITIES = {
  gas: 'gas',
  燃气: 'gas',
  气: 'gas',
  water: 'water',
  自来水: 'water',
  水: 'water',
  heat: 'heat',
  供热: 'heat',
  热: 'heat',
} as const;

/** A day of China's calendar; a date cell, `2026-01-31`, `2026/1/31` or `2026年1月31日`. */
export const dayColumn = (headings: readonly string[]): ImportColumn<string | null> => ({
  headings,
  otherwise: null,
  parse: (cell) => {
    const text = meant(cell);
    const found = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text);
    const [, y = '', m = '', d = ''] = found ?? [];
    const day = `${y}-${m.padStart(2, '0')}-${d.padStart(2, '0')}`;
    if (cell.as === 'number' || found === null || Number.isNaN(chinaDayMs(day)))
      return not(`${shown(text)}: a day, as 2026-01-31; a number is none`);
    return { value: day };
  },
});

/** How the periods of a limit follow each other. */
export const periodColumn = (headings: readonly string[]): ImportColumn<string> => ({
  headings,
  otherwise: MONTHLY,
  parse: (cell) => {
    const text = meant(cell).toLowerCase();
    const rule = text === '月' || text === '每月' ? MONTHLY : text;
    return isPeriodRule(rule)
      ? { value: rule }
      : not(`${shown(text)}: month (每月), or the day that a year begins with, MM-DD`);
  },
});

/** A heading as it is compared. */
const key = (heading: string): string =>
  heading
    .normalize('NFKC')
    .replace(/[([].*?[)\]]/g, '')
    .replace(/[\s*_]/g, '')
    .toLowerCase();

/** Reads all rows; a row with a problem is not among them. */
export function readRows<C extends Readonly<Record<string, ImportColumn<unknown>>>>(
  { headings, rows }: ImportTable,
  columns: C,
): { readonly rows: readonly ImportRow<C>[]; readonly problems: readonly ImportProblem[] } {
  const problems: ImportProblem[] = [];
  const say = (line: number, column: string, code: ImportCode, detail: string): void =>
    void problems.push({ line, column, code, detail });
  const byHeading = new Map(
    Object.entries(columns).flatMap(([name, column]) =>
      [name, ...column.headings].map((h) => [key(h), name] as const),
    ),
  );
  const places = headings.map((heading) => byHeading.get(key(heading)) ?? null);
  for (const [i, heading] of headings.entries()) {
    const name = places[i];
    if (heading.trim() === '') continue;
    if (name === null || name === undefined)
      say(
        1,
        heading.trim(),
        'unknown-column',
        'nobody reads it: name it as documented, or leave it out',
      );
    else if (places.indexOf(name) < i)
      say(1, heading.trim(), 'column-twice', `it is ${name}, again`);
  }
  for (const [name, column] of Object.entries(columns))
    if (!('otherwise' in column) && !places.includes(name))
      say(1, name, 'missing-column', `${column.headings.join(' / ')} is needed`);
  if (rows.length === 0) say(0, '', 'no-rows', 'there is nothing in it');
  if (problems.length > 0) return { rows: [], problems };
  const read: ImportRow<C>[] = [];
  for (const { line, cells } of rows) {
    const before = problems.length;
    if (cells.slice(headings.length).some(({ text }) => text.trim() !== ''))
      say(line, '', 'cells', `more cells than the ${headings.length} headings`);
    const values: Record<string, unknown> = { line };
    for (const [i, name] of places.entries()) {
      if (name === null) continue;
      const column = columns[name] as ImportColumn<unknown>;
      const cell = cells[i] ?? { text: '', as: 'text' };
      if (cell.text.trim() === '') {
        if ('otherwise' in column) values[name] = column.otherwise;
        else say(line, headings[i] as string, 'empty', 'a value is needed');
        continue;
      }
      const parsed = column.parse(cell);
      if ('value' in parsed) values[name] = parsed.value;
      else say(line, headings[i] as string, parsed.code, parsed.detail);
    }
    if (problems.length === before) read.push(values as ImportRow<C>);
  }
  return { rows: read, problems };
}
