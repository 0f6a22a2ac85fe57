import type { Mutant } from './catalogue.mjs';

/** Is a test of this full name meant by a sabotage's? `…` in it stands for anything. */
export declare function named(test: string, name: string | undefined): boolean;
/**
 * The sabotages that are to be caught by a test of this project that its report does not have, in
 * words; `testsOf` gives the full names of a file's tests, or nothing where the file was not run.
 */
export declare function unnamed(
  mutants: readonly Mutant[],
  project: string,
  testsOf: (file: string) => readonly string[] | undefined,
): readonly string[];
