import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MUTANTS } from '../../mutants/catalogue.mjs';
import { sabotaged } from '../../mutants/match.mjs';
import { unnamed } from '../../mutants/names.mjs';

// What test:mutants would find out after minutes: whoever changes a line that a sabotage is made of
// sees it at once.
it('every mutant still applies: its text stands in the source exactly once, and the tests that are to catch it exist', () => {
  const texts = new Map<string, string>();
  const textOf = (file: string): string =>
    texts.get(file) ?? (texts.set(file, readFileSync(file, 'utf8')).get(file) as string);
  const wrong = MUTANTS.flatMap((m) => [
    ...m.edits
      .filter((e) => sabotaged(textOf(e.file), e.find, e.replace) === null)
      .map((e) => `${m.id}: ${e.file}`),
    ...m.by
      .flatMap((b) => b.files ?? [])
      .filter((file) => !existsSync(file))
      .map((file) => `${m.id}: no ${file}`),
  ]);
  expect(wrong).toEqual([]);
  expect(new Set(MUTANTS.map((m) => m.id)).size).toBe(MUTANTS.length);
  // A comma too many makes one of two, and nobody plays the second.
  expect(
    MUTANTS.filter((m) => m.by.length === 0 || m.by.some((b) => typeof b !== 'object')),
  ).toEqual([]);
});

it('a sabotage is found however the source is laid out', () => {
  const source = "const a = [\n  one('x', // why\n    2,\n  ),\n];\n";
  expect(sabotaged(source, 'one("x", 2)', 'two(3)')).toBe('const a = [\n  two(3),\n];\n');
  expect(sabotaged(source, 'one(', 'two(')).toContain("two('x'");
  expect(sabotaged(source, 'three', 'two')).toBeNull();
  expect(sabotaged('a; a;', 'a', 'b')).toBeNull();
});

it('a sabotage that names a test which nobody has any more is told, where its file was run', () => {
  const by = { kind: 'tests', project: 'unit', files: ['a.test.ts'], name: 'pays … once' } as const;
  const mutants = [{ id: 'm', what: '', edits: [], by: [by] }];
  const ran = (...tests: string[]) =>
    unnamed(mutants, 'unit', (file) => (file === 'a.test.ts' ? tests : undefined));
  expect(ran('a visit pays, and only once')).toEqual([]);
  expect(ran('a visit pays')).toEqual(['m: no test “pays … once” in a.test.ts']);
  expect(unnamed(mutants, 'unit', () => undefined)).toEqual([]);
  expect(unnamed(mutants, 'powercut', () => [])).toEqual([]);
});
