// `npm run deb`: makes release/pilotlight_VERSION_ARCH.deb from the unpacked build that `npm run pack` leaves, with
// dpkg-deb alone. Usage: node scripts/deb.mjs [--tree release/linux-unpacked] [--out FILE]
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
const { values } = parseArgs({ options: { tree: { type: 'string' }, out: { type: 'string' } } });
const { version, description, license } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const tree = path.resolve(values.tree ?? at('release', 'linux-unpacked'));
const out = path.resolve(values.out ?? at('release', `pilotlight_${version}_${ARCH}.deb`));

function fail(text) {
  console.error(`deb: ${text}`);
  process.exit(1);
}
if (!existsSync(path.join(tree, 'pilotlight')))
  fail(`${tree} is no unpacked build; run npm run pack where an Electron binary is at hand`);

/**
 * What must be there for the screen to show: cage and seatd bring the display, Chromium's libraries
 * the window; pcscd and polkit the readers. Names as Debian 12 has them, and what Debian 13 calls
 * them.
 */
const DEPENDS = [
  'cage',
  'seatd',
  // Debian's cage does not start without it, and only recommends it.
  'xwayland',
  'pcscd',
  'libpcsclite1',
  'polkitd | policykit-1',
  'systemd',
  'libpam-systemd',
  'adwaita-icon-theme',
  'libgtk-3-0 | libgtk-3-0t64',
  'libnss3',
  'libasound2 | libasound2t64',
  'libgbm1',
  'libdrm2',
  'libcups2 | libcups2t64',
  'libatk-bridge2.0-0 | libatk-bridge2.0-0t64',
  'libxkbcommon0',
  'libstdc++6',
];

const stage = mkdtempSync(path.join(tmpdir(), 'pilotlight-deb-'));
/** Puts a file or folder of this repository into the package. */
function put(from, to, mode) {
  const target = path.join(stage, to);
  mkdirSync(path.dirname(target), { recursive: true });
  cpSync(from, target, { recursive: true });
  if (mode !== undefined) chmodSync(target, mode);
}
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

try {
  put(tree, 'opt/Pilotlight');
  const linux = (name) => at('resources', 'linux', name);
  put(linux('pilotlight.service'), 'lib/systemd/system/pilotlight.service');
  put(linux('pilotlight.sysusers.conf'), 'usr/lib/sysusers.d/pilotlight.conf');
  put(linux('pilotlight.tmpfiles.conf'), 'usr/lib/tmpfiles.d/pilotlight.conf');
  put(linux('50-pilotlight.rules'), 'usr/share/polkit-1/rules.d/50-pilotlight.rules');
  put(linux('pilotlight-command'), 'usr/bin/pilotlight', 0o755);
  const docs = 'usr/share/doc/pilotlight';
  put(at('resources', 'terminal.example.json'), `${docs}/terminal.example.json`);
  put(at('docs', 'install.md'), `${docs}/install.md`);
  for (const book of ['operating-hall.zh.md', 'operating-engineer.zh.md', 'hardware.md'])
    put(at('docs', book), `${docs}/${book}`);
  put(at('docs', 'voice.md'), `${docs}/voice.md`);
  put(at('LICENSE'), `${docs}/copyright`);
  put(
    at('node_modules', '@fontsource-variable', 'noto-sans-sc', 'LICENSE'),
    `${docs}/copyright.noto-sans-sc`,
  );
  settle(stage);
  // Chromium's sandbox for kernels that let nobody make a user namespace.
  chmodSync(path.join(stage, 'opt/Pilotlight/chrome-sandbox'), 0o4755);
  const sizeKb = spawnSync('du', ['-sk', stage], { encoding: 'utf8' }).stdout.split('\t')[0];
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(linux(script), `DEBIAN/${script}`, 0o755);
  writeFileSync(
    path.join(stage, 'DEBIAN', 'control'),
    `Package: pilotlight
Version: ${version}
Architecture: ${ARCH}
Maintainer: Pilotlight contributors <maintainers@pilotlight.example>
Installed-Size: ${sizeKb}
Depends: ${DEPENDS.join(', ')}
Recommends: espeak-ng
Section: misc
Priority: optional
Homepage: https://pilotlight.example
Description: ${description}
 The kiosk: its window, its core on a Node of its own, the command line, and
 the service that runs them on a display of their own. Licence: ${license}.
`,
  );
  chmodSync(path.join(stage, 'DEBIAN'), 0o755);
  mkdirSync(path.dirname(out), { recursive: true });
  const made = spawnSync(
    'dpkg-deb',
    ['--root-owner-group', '-Zzstd', '-z9', '--build', stage, out],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (made.status !== 0) fail('dpkg-deb failed');
  console.log(`deb: ${path.relative(root, out)}, ${Math.round(statSync(out).size / 1e6)} MB`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}
