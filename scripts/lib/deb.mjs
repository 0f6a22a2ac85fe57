// What both Debian packages are made by: a tree of files, a control file, dpkg-deb.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Debian's name of this machine's architecture. */
export const DEB_ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch];

/**
 * Everybody may read what is installed, and nobody but root changes it, whatever this shell's umask
 * is.
 */
function settle(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) settle(file);
    else if (entry.isFile()) chmodSync(file, (statSync(file).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/**
 * Makes one package.
 *
 * @param options.name its name, and `version`
 * @param options.out the file to be written
 * @param options.depends Debian's packages that it needs
 * @param options.about the description: one line, then lines that begin with a space
 * @param options.scripts maintainer scripts, by their name, as files
 * @param options.fill puts its files in: `put(from, to, mode)`; then `settled(stage)` may change
 *   what the rule of {@link settle} is wrong for
 * @returns its size in bytes
 */
export function makeDeb({
  name,
  version,
  out,
  depends,
  recommends,
  about,
  scripts,
  fill,
  settled,
}) {
  const stage = mkdtempSync(path.join(tmpdir(), `${name}-deb-`));
  const put = (from, to, mode) => {
    const target = path.join(stage, to);
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(from, target, { recursive: true, dereference: true });
    if (mode !== undefined) chmodSync(target, mode);
  };
  try {
    fill(put);
    settle(stage);
    settled?.(stage);
    const sizeKb = spawnSync('du', ['-sk', stage], { encoding: 'utf8' }).stdout.split('\t')[0];
    for (const [script, file] of Object.entries(scripts)) put(file, `DEBIAN/${script}`, 0o755);
    writeFileSync(
      path.join(stage, 'DEBIAN', 'control'),
      `Package: ${name}
Version: ${version}
Architecture: ${DEB_ARCH}
Maintainer: Pilotlight contributors <maintainers@pilotlight.example>
Installed-Size: ${sizeKb}
Depends: ${depends.join(', ')}
${recommends === undefined ? '' : `Recommends: ${recommends}\n`}Section: misc
Priority: optional
Homepage: https://pilotlight.example
Description: ${about}
`,
    );
    chmodSync(path.join(stage, 'DEBIAN'), 0o755);
    mkdirSync(path.dirname(out), { recursive: true });
    const made = spawnSync(
      'dpkg-deb',
      ['--root-owner-group', '-Zzstd', '-z9', '--build', stage, out],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (made.status !== 0) throw new Error('dpkg-deb failed');
    return statSync(out).size;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
