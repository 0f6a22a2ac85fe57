// `npm run deb:central`: makes release/pilotlight-central_VERSION_ARCH.deb: central's bundle, a Node of
// its own, the embedded database, and a service for each configuration.
// Usage: node scripts/deb-central.mjs [--out FILE]
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEB_ARCH, makeDeb } from './lib/deb.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const { version, license } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const out = path.resolve(
  values.out ?? at('release', `pilotlight-central_${version}_${DEB_ARCH}.deb`),
);
const built = spawnSync(process.execPath, [at('scripts', 'build.mjs'), 'central'], {
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);

const linux = (name) => at('resources', 'linux', name);
const HOME = 'opt/pilotlight-central';
const docs = 'usr/share/doc/pilotlight-central';
/** What an engineer of central's reads: central.md, and what it and its pages send him to. */
const PAGES = new Set(
  [
    'benchmarks',
    'central',
    'central-staff',
    'conformance',
    'credit',
    'database',
    'external-accounts',
    'fleet',
    'install',
    'invoices',
    'payment-gateway',
    'payments',
    'restore',
    'scale',
    'services',
    'voice',
  ].map((name) => `${name}.md`),
);
const size = makeDeb({
  name: 'pilotlight-central',
  version,
  out,
  depends: ['systemd', 'libstdc++6'],
  recommends: 'postgresql, nginx',
  about: `Central of Pilotlight: accounts, orders, payments and terminals
 The service that kiosks talk to, on PostgreSQL or an embedded database, with
 its commands and its staff's pages. Licence: ${license}.`,
  scripts: {
    postinst: linux('central.postinst'),
    prerm: linux('central.prerm'),
    postrm: linux('central.postrm'),
  },
  fill: (put) => {
    put(process.execPath, `${HOME}/node`, 0o755);
    put(at('dist', 'central', 'central.mjs'), `${HOME}/central.mjs`);
    const database = path.join('node_modules', '@electric-sql', 'pglite');
    put(at(database), `${HOME}/${database}`);
    put(linux('pilotlight-central@.service'), 'lib/systemd/system/pilotlight-central@.service');
    put(linux('central.sysusers.conf'), 'usr/lib/sysusers.d/pilotlight-central.conf');
    put(linux('central.tmpfiles.conf'), 'usr/lib/tmpfiles.d/pilotlight-central.conf');
    put(linux('pilotlight-central-command'), 'usr/bin/pilotlight-central', 0o755);
    for (const name of ['central.example.json', 'central.schema.json'])
      put(at('resources', name), `${docs}/${name}`);
    for (const name of ['nginx-central.conf', 'nginx-central-proxy.conf'])
      put(linux(name), `${docs}/${name}`);
    put(at('resources', 'samples', 'central'), `${docs}/samples`);
    for (const page of readdirSync(at('docs')).filter((name) => PAGES.has(name)))
      put(at('docs', page), `${docs}/${page}`);
    put(at('LICENSE'), `${docs}/copyright`);
  },
});
console.log(`deb: ${path.relative(root, out)}, ${Math.round(size / 1e6)} MB`);
