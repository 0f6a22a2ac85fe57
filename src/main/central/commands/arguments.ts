import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import type { CommandContext } from '../command.ts';

/** Wrong usage: nothing was done. */
export class UsageError extends Error {}
/** What was asked for is refused, in one sentence; nothing was done. */
export class Refused extends Error {}

/** A verb's arguments: what stands for itself, and the options by name. */
export interface Arguments {
  readonly positionals: readonly string[];
  readonly value: (name: string) => string | undefined;
  /** @throws UsageError where it is missing */
  readonly needed: (name: string) => string;
  readonly flag: (name: string) => boolean;
  /** A whole number within bounds. @throws UsageError */
  readonly whole: (name: string, otherwise: number, bounds: readonly [number, number]) => number;
}

/** One verb of a noun. */
export interface Verb {
  /** Names of options that take a value. */
  readonly values?: readonly string[];
  /** Names of options that stand alone. */
  readonly flags?: readonly string[];
  /** What each positional is called, for the error that one is missing. */
  readonly positionals?: readonly string[];
  /** More of the last one may follow. */
  readonly more?: boolean;
  readonly run: (args: Arguments, context: CommandContext) => Promise<number>;
}

/**
 * Carries out a noun's verb.
 *
 * @returns 0 done, 1 refused, 2 wrong usage
 */
export async function runVerb(
  noun: string,
  verbs: Readonly<Record<string, Verb>>,
  usage: string,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [name = '', ...rest] = argv;
  try {
    const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (verb === undefined) throw new UsageError(`no such command: ${noun} ${name}`.trim());
    return await verb.run(read(verb, rest), context);
  } catch (cause) {
    if (cause instanceof UsageError) {
      context.err(`central ${noun}: ${cause.message}\n${usage}`);
      return 2;
    }
    if (!(cause instanceof Refused)) throw cause;
    context.err(`central ${noun}: ${cause.message}`);
    return 1;
  }
}

function read(verb: Verb, rest: readonly string[]): Arguments {
  const options: ParseArgsOptionsConfig = Object.fromEntries([
    ...(verb.values ?? []).map((name) => [name, { type: 'string' as const }]),
    ...(verb.flags ?? []).map((name) => [name, { type: 'boolean' as const }]),
  ]);
  let parsed;
  try {
    parsed = parseArgs({ args: [...rest], options, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause));
  }
  const names = verb.positionals ?? [];
  const { positionals } = parsed;
  if (positionals.length < names.length)
    throw new UsageError(`${names[positionals.length]} is missing`);
  if (positionals.length > names.length && verb.more !== true)
    throw new UsageError(`what is ${positionals[names.length]}?`);
  const values = parsed.values as Readonly<Record<string, string | boolean | undefined>>;
  const value = (name: string): string | undefined => {
    const said = values[name];
    return typeof said === 'string' ? said.trim() : undefined;
  };
  return {
    positionals,
    value,
    needed: (name) => {
      const said = value(name) ?? '';
      if (said === '') throw new UsageError(`--${name} is missing`);
      return said;
    },
    flag: (name) => values[name] === true,
    whole: (name, otherwise, [from, to]) => {
      const said = value(name);
      if (said === undefined) return otherwise;
      if (!/^\d{1,9}$/.test(said) || Number(said) < from || Number(said) > to)
        throw new UsageError(`--${name} is a number from ${from} to ${to}`);
      return Number(said);
    },
  };
}

/** @throws UsageError where it is no terminal's number */
export function terminalIdOf(text: string): string {
  if (!/^\d{12}$/.test(text))
    throw new UsageError(`${text}: a terminal’s number has twelve digits`);
  return text;
}

/** A site's or machine's name as it is kept. @throws UsageError */
export function nameOf(text: string, option: string): string {
  const name = text.normalize('NFC').trim();
  if (name === '' || name.length > 60 || /\p{C}/u.test(name))
    throw new UsageError(`--${option} has 1 to 60 visible characters`);
  return name;
}

/** Columns as wide as their widest cell; Chinese characters take two places. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const wide = (text: string): number =>
    [...text].reduce(
      (sum, c) =>
        sum +
        (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
          c,
        )
          ? 2
          : 1),
      0,
    );
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, wide(cell));
  return rows.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - wide(cell)))
      .join('  ')
      .trimEnd(),
  );
}
