// Which test a sabotage names: a name that no test has any more catches nothing.

/** `…` in a name stands for anything. */
export const pattern = (name) =>
  name
    .split('…')
    .map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');

/** Is a test of this full name meant? A command without a name means all of its files' tests. */
export const named = (test, name) => name === undefined || new RegExp(pattern(name)).test(test);

/**
 * The sabotages of `mutants` that are to be caught by a test of this project that its report does
 * not have; `testsOf` gives the full names of a file's tests, or nothing where the file was not
 * run.
 */
export const unnamed = (mutants, project, testsOf) =>
  mutants.flatMap(({ id, by }) =>
    by
      .filter((b) => b.kind === 'tests' && b.project === project && b.name !== undefined)
      .filter((b) => {
        const tests = b.files.flatMap((file) => testsOf(file) ?? []);
        return b.files.some(testsOf) && !tests.some((test) => named(test, b.name));
      })
      .map((b) => `${id}: no test “${b.name}” in ${b.files.join(', ')}`),
  );
