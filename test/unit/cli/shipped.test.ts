import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ADDONS, BUILD_ONLY, ships } from '../../../scripts/lib/shipped.mjs';

const PLATFORM = `${process.platform}-${process.arch}`;
const found = (name: string, from: string): string | null => {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    // The folder itself: node_modules may be a link.
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (dirname(folder) === folder) return null;
  }
};

/** An addon and what it needs, each with the file that `require` opens first. */
function needed(name: string, from: string, into = new Map<string, string>()): Map<string, string> {
  const folder = found(name, from);
  if (folder === null || into.has(folder)) return into;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: object;
  };
  into.set(folder, relative(folder, createRequire(join(folder, 'x.js')).resolve(folder)));
  for (const dependency of Object.keys(manifest.dependencies ?? {}))
    if (!BUILD_ONLY.has(dependency)) needed(dependency, folder, into);
  return into;
}

describe('what a package ships of the drivers', () => {
  test.each(ADDONS)('%s: the file that is opened first, of it and of all it needs', (addon) => {
    const all = [...needed(addon, process.cwd())];
    expect(all.length).toBeGreaterThan(0);
    for (const [folder, main] of all)
      expect(
        [
          folder.split(sep).at(-1),
          ships(main.split(sep).join('/'), existsSync(join(folder, 'binding.gyp')), PLATFORM),
        ],
        `${main} of ${folder}`,
      ).toEqual([folder.split(sep).at(-1), true]);
  });

  test.each([
    ['a package’s own JavaScript in src', 'src/index.js', false, true],
    ['what an addon was compiled from', 'src/binding.cc', true, false],
    ['its folder of sources', 'src', true, false],
    ['this machine’s prebuilt addon', `prebuilds/${PLATFORM}/a.node`, true, true],
    ['another machine’s', 'prebuilds/sunos-sparc/a.node', true, false],
    ['another C library’s', `prebuilds/${PLATFORM}/a.musl.node`, true, false],
    ['a map', 'dist/index.js.map', false, false],
  ])('%s', (_what, file, compiled, shipped) => {
    expect(ships(file, compiled, PLATFORM)).toBe(shipped);
  });
});
