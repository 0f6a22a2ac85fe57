// `npm run deb`: makes release/pilotlight_VERSION_ARCH.deb from the unpacked build that `npm run pack` leaves, with
// dpkg-deb alone. Usage: node scripts/deb.mjs [--tree release/linux-unpacked] [--out FILE]
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEB_ARCH, makeDeb } from './lib/deb.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
const { values } = parseArgs({ options: { tree: { type: 'string' }, out: { type: 'string' } } });
const { version, description, license } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const tree = path.resolve(values.tree ?? at('release', 'linux-unpacked'));
const out = path.resolve(values.out ?? at('release', `pilotlight_${version}_${DEB_ARCH}.deb`));

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

const linux = (name) => at('resources', 'linux', name);
const docs = 'usr/share/doc/pilotlight';
const size = makeDeb({
  name: 'pilotlight',
  version,
  out,
  depends: DEPENDS,
  recommends: 'espeak-ng',
  about: `${description}
 The kiosk: its window, its core on a Node of its own, the command line, and
 the service that runs them on a display of their own. Licence: ${license}.`,
  scripts: { postinst: linux('postinst'), prerm: linux('prerm'), postrm: linux('postrm') },
  fill: (put) => {
    put(tree, 'opt/Pilotlight');
    put(linux('pilotlight.service'), 'lib/systemd/system/pilotlight.service');
    put(linux('pilotlight.sysusers.conf'), 'usr/lib/sysusers.d/pilotlight.conf');
    put(linux('pilotlight.tmpfiles.conf'), 'usr/lib/tmpfiles.d/pilotlight.conf');
    put(linux('50-pilotlight.rules'), 'usr/share/polkit-1/rules.d/50-pilotlight.rules');
    put(linux('pilotlight-command'), 'usr/bin/pilotlight', 0o755);
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
  },
  // Chromium's sandbox for kernels that let nobody make a user namespace.
  settled: (stage) => chmodSync(path.join(stage, 'opt/Pilotlight/chrome-sandbox'), 0o4755),
});
console.log(`deb: ${path.relative(root, out)}, ${Math.round(size / 1e6)} MB`);
