import * as account from './commands/account.ts';
import * as policy from './commands/policy.ts';
import * as tariff from './commands/tariff.ts';
import * as terminal from './commands/terminal.ts';
import type { CommandContext, CommandNoun } from './command.ts';
import * as staff from './commands/staff.ts';

/** What `npx pilotlight central NOUN …` knows. */
export const NOUNS: Readonly<Record<string, CommandNoun>> = {
  account,
  policy,
  staff,
  tariff,
  terminal,
};

/** Carries out one command by its noun. @returns its exit code */
export async function runNoun(args: readonly string[], context: CommandContext): Promise<number> {
  const [noun = '', ...rest] = args;
  const known = Object.hasOwn(NOUNS, noun) ? NOUNS[noun] : undefined;
  if (known !== undefined) return known.run(rest, context);
  context.err(`central: no such command: ${noun}`);
  return 2;
}
