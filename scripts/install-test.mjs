// `npm run test:install`: the deb is installed by apt in a clean Debian root, as docs/install.md has it, looked at,
// started as its unit starts it, and removed again. Needs root, debootstrap, Xvfb and an unpacked build's Electron
// (ELECTRON_OVERRIDE_DIST_PATH); the last line is "N passed, N failed" (", N skipped" may follow).
// Usage: node scripts/install-test.mjs [--root FOLDER] [--deb FILE] [--keep]
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lookAtScreen } from './lib/framebuffer.mjs';

const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: { root: { type: 'string' }, deb: { type: 'string' }, keep: { type: 'boolean' } },
});
const SUITE = 'bookworm';
const CONFIG = '/etc/pilotlight/terminal.json';
const DISPLAY_NUMBER = ':97';

let passed = 0;
let failed = 0;
let skipped = 0;
const say = (text) => console.log(`install: ${text}`);
function check(what, good, told = '') {
  if (good) passed += 1;
  else failed += 1;
  console.log(`${good ? 'ok  ' : 'FAIL'}  ${what}${good || told === '' ? '' : `\n      ${told}`}`);
}
function skip(why) {
  skipped += 1;
  console.log(`skip  ${why}`);
}
function finish() {
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(failed > 0 ? 1 : 0);
}

if (process.getuid?.() !== 0) {
  skip('a clean root can be made by root only');
  finish();
}
for (const tool of ['debootstrap', 'Xvfb'])
  if (spawnSync('which', [tool]).status !== 0) {
    skip(`${tool} is not installed`);
    finish();
  }

const run = (command, args, options = {}) =>
  spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26, ...options });

/** The deb that is tried: the one given, else one made now. */
function debFile() {
  if (values.deb !== undefined) return path.resolve(values.deb);
  if (!existsSync(path.join(here, 'release', 'linux-unpacked', 'pilotlight'))) {
    say('making the unpacked build');
    const packed = run(process.execPath, [path.join(here, 'scripts', 'pack.mjs')], {
      cwd: here,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (packed.status !== 0) return null;
  }
  if (!existsSync(path.join(here, 'release', 'linux-unpacked', 'pilotlight'))) return undefined;
  const out = path.join(here, 'release', 'pilotlight-under-test.deb');
  const made = run(process.execPath, [path.join(here, 'scripts', 'deb.mjs'), '--out', out]);
  return made.status === 0 ? out : null;
}

const deb = debFile();
if (deb === undefined) {
  skip('no Electron binary is at hand, so there is no window to install');
  finish();
}
check('the package is made with dpkg-deb', deb !== null);
if (deb === null) finish();

const made = values.root === undefined;
const folder = values.root ?? mkdtempSync(path.join(tmpdir(), 'pilotlight-root-'));
// A root is everybody's to walk through, whatever this shell's umask is.
process.umask(0o022);
chmodSync(folder, 0o755);
if (!existsSync(path.join(folder, 'usr', 'bin', 'apt-get'))) {
  say(`a clean root of ${SUITE}`);
  const bare = run('debootstrap', ['--variant=minbase', SUITE, folder]);
  check('a clean root', bare.status === 0, bare.stdout.slice(-600));
  if (bare.status !== 0) finish();
}

/**
 * The mounts of a root that is entered: a root of its own, as after a boot, since a chroot may make
 * no sandbox.
 */
const ENTER = `
  set -e
  R="$1"; shift
  mount --make-rprivate /
  mount --bind "$R" "$R"
  mount -t proc proc "$R/proc"
  mount --rbind /sys "$R/sys"
  mount --rbind /dev "$R/dev"
  mount -t tmpfs tmpfs "$R/run"
  mkdir -p "$R/run/user" "$R/tmp/.X11-unix" "$R/run/screen"
  if [ -d /tmp/.X11-unix ]; then mount --bind /tmp/.X11-unix "$R/tmp/.X11-unix"; fi
  mkdir -p "$R/.before"
  cd "$R"
  pivot_root . .before
  cd /
  umount -l /.before
  rmdir /.before 2>/dev/null || true
  exec "$@"
`;
const enter = (args) => ['--mount', 'sh', '-c', ENTER, 'enter', folder, ...args];
const ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?|no|ftp)_proxy$/i.test(name)),
  ),
};
const inside = (...args) => run('unshare', enter(args), { env: ENV });
const shell = (line) => inside('sh', '-c', line);

// No service is started while packages are put in.
writeFileSync(path.join(folder, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n');
chmodSync(path.join(folder, 'usr/sbin/policy-rc.d'), 0o755);
copyFileSync('/etc/resolv.conf', path.join(folder, 'etc/resolv.conf'));
copyFileSync(deb, path.join(folder, 'pilotlight.deb'));

// What an earlier run left is what a purge leaves.
shell('rm -rf /etc/pilotlight /var/lib/pilotlight /mnt/second');
say('apt install ./pilotlight.deb');
shell('apt-get update -q');
// Without what is only recommended: what the screen needs must be among the dependencies.
const put = shell('apt-get install -y -q --no-install-recommends ./pilotlight.deb');
check(
  'apt installs it with its dependencies',
  put.status === 0,
  (put.stdout + put.stderr).slice(-1500),
);
if (put.status !== 0) finish();

const id = shell('id -nG pilotlight').stdout.trim().split(' ');
for (const group of ['video', 'render', 'input', 'audio', 'dialout'])
  check(`the user is in ${group}`, id.includes(group), id.join(' '));
const WANTED = {
  '/var/lib/pilotlight': '700 pilotlight pilotlight',
  '/var/lib/pilotlight/journal': '700 pilotlight pilotlight',
  '/etc/pilotlight': '750 root pilotlight',
  '/etc/pilotlight/keys': '700 pilotlight pilotlight',
  '/opt/Pilotlight/chrome-sandbox': '4755 root root',
  '/opt/Pilotlight/pilotlight': '755 root root',
};
for (const [place, wanted] of Object.entries(WANTED)) {
  const is = shell(`stat -c '%a %U %G' ${place}`).stdout.trim();
  check(`${place} is ${wanted}`, is === wanted, is);
}
const libraries = shell(
  `find /opt/Pilotlight -type f \\( -name '*.node' -o -name '*.so*' -o -name pilotlight -o -name node \\) -exec ldd {} + 2>/dev/null | grep 'not found' | sort -u`,
);
// libffmpeg and its like lie beside the program, and are found by it.
check('every library that it links is there', libraries.stdout.trim() === '', libraries.stdout);
const fonts = shell('fc-list :lang=zh 2>/dev/null | wc -l').stdout.trim();
check('the root itself has no Chinese letters', Number(fonts || 0) === 0, fonts);

const verified = shell('systemd-analyze verify /lib/systemd/system/pilotlight.service 2>&1');
check(
  'systemd-analyze verify has nothing against the unit',
  verified.status === 0 && !/pilotlight/.test(verified.stdout),
  verified.stdout,
);

const doctor = () => {
  const told = shell(
    `setpriv --reuid pilotlight --regid pilotlight --init-groups pilotlight doctor --config ${CONFIG} --json`,
  );
  try {
    return JSON.parse(told.stdout);
  } catch {
    return { findings: [{ level: 'FAIL', check: 'doctor', text: told.stdout + told.stderr }] };
  }
};
shell(`cp /usr/share/doc/pilotlight/terminal.example.json ${CONFIG} && chgrp pilotlight ${CONFIG}`);
shell('install -d -o pilotlight -g pilotlight -m 700 /mnt/second/pilotlight');
const before = doctor();
const wrong = before.findings.filter((f) => f.level === 'FAIL');
// What only a site knows: its keys and central's address.
const sites = new Set([
  'key-files',
  'central',
  'payment',
  'policy',
  'clock',
  'card-keys',
  'pcsc',
  'card',
  'reader',
]);
check(
  'the example passes its own doctor but for what only a site knows',
  wrong.every((f) => sites.has(f.check)) &&
    before.findings.some((f) => f.check === 'letters' && f.level === 'OK'),
  JSON.stringify(wrong),
);
shell(
  `cd /etc/pilotlight/keys && for k in terminal policy answers gateway; do /opt/Pilotlight/resources/node/node -e "
    const { privateKey, publicKey } = require('node:crypto').generateKeyPairSync('ed25519');
    const fs = require('node:fs');
    fs.writeFileSync('$k.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    fs.writeFileSync('$k.pub.pem', publicKey.export({ type: 'spki', format: 'pem' }));"; done
   chown -R pilotlight:pilotlight . && rm -f policy.pem answers.pem gateway.pem`,
);
const keyed = doctor().findings.filter((f) => f.level === 'FAIL' && f.check === 'key-files');
check(
  'with keys in their places doctor has nothing against them',
  keyed.length === 0,
  JSON.stringify(keyed),
);

/** The unit's own command line and what it sets, so that nothing is tried that the unit does not do. */
const unit = readFileSync(path.join(folder, 'lib/systemd/system/pilotlight.service'), 'utf8');
const execStart = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '';
const program = execStart.slice(execStart.indexOf('-- ') + 3);
const STATE = 'STATE_DIRECTORY=/var/lib/pilotlight HOME=/nowhere XDG_RUNTIME_DIR=/run/pilotlight';
const asKiosk = (command) =>
  `mkdir -p -m 700 /run/pilotlight && chown pilotlight:pilotlight /run/pilotlight && chmod 1777 /dev/shm /tmp && exec setpriv --reuid pilotlight --regid pilotlight --init-groups env ${STATE} ${command}`;

/** Starts a command in the root until it said what is waited for, or its time is over. */
async function until(line, wanted, ms) {
  const child = spawn('unshare', enter(['sh', '-c', line]), { env: ENV, detached: true });
  let said = '';
  const hear = (bytes) => (said += bytes.toString());
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  let over = false;
  child.once('exit', () => (over = true));
  const end = Date.now() + ms;
  while (!over && Date.now() < end && !wanted.every((one) => one.test(said)))
    await new Promise((r) => setTimeout(r, 200));
  return {
    said: () => said,
    over: () => over,
    stop: async () => {
      try {
        process.kill(-Number(child.pid), 'SIGTERM');
      } catch {
        // It is over already.
      }
      const last = Date.now() + 20_000;
      while (!over && Date.now() < last) await new Promise((r) => setTimeout(r, 100));
      if (!over) process.kill(-Number(child.pid), 'SIGKILL');
    },
  };
}

const LETTERS = /shell: letters loaded: (\d+) of \1\b/;
// ---- on a display of X's
const screens = mkdtempSync(path.join(tmpdir(), 'pilotlight-screen-'));
const x = spawn(
  'Xvfb',
  [DISPLAY_NUMBER, '-screen', '0', '1080x1920x24', '-nolisten', 'tcp', '-fbdir', screens],
  { stdio: 'ignore' },
);
await new Promise((r) => setTimeout(r, 1500));
const onX = program.replace('--ozone-platform=wayland', '--ozone-platform=x11');
const window = await until(asKiosk(`DISPLAY=${DISPLAY_NUMBER} ${onX}`), [LETTERS], 60_000);
check(
  'the window starts though its home cannot be written',
  !window.over() && LETTERS.test(window.said()),
  window.said().slice(-1500),
);
check(
  'nothing says that another instance runs',
  !/another instance/.test(window.said()),
  window.said().slice(-500),
);
// The screen watch looks three seconds after the page listens.
await new Promise((r) => setTimeout(r, 8_000));
check('nothing is blank', !/nothing is drawn/.test(window.said()), window.said().slice(-500));
const seen = lookAtScreen(path.join(screens, 'Xvfb_screen0'));
check(
  `Chinese letters, and no boxes: ${seen.shapes} shapes among ${seen.glyphs} glyphs, the commonest ${seen.commonest} times`,
  seen.glyphs > 40 && seen.commonest < seen.glyphs / 4,
);
if (values.keep) {
  seen.save(path.join(here, 'release', 'install-screen.ppm'));
  say('the screen as it was: release/install-screen.ppm');
}
await window.stop();
check('asked to end, it ends', window.over());
x.kill();
rmSync(screens, { recursive: true, force: true });

// ---- under cage, without a display
const headless =
  'WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 XDG_SESSION_TYPE=wayland';
const caged = await until(asKiosk(`${headless} ${execStart}`), [LETTERS], 60_000);
if (
  /(unable|failed) to (create|start|open).*(backend|display|session)/i.test(caged.said()) &&
  !LETTERS.test(caged.said())
)
  skip(`cage does not run here: ${caged.said().slice(0, 300)}`);
else {
  check(
    'the unit’s own ExecStart shows the window under cage',
    !caged.over() && LETTERS.test(caged.said()),
    caged.said().slice(-1500),
  );
  await new Promise((r) => setTimeout(r, 8_000));
  check(
    'and it is drawn there',
    !/nothing is drawn/.test(caged.said()) && !caged.over(),
    caged.said().slice(-800),
  );
}
await caged.stop();

// ---- removal
shell('echo kept > /var/lib/pilotlight/journal/kept');
const removed = shell('apt-get purge -y -q pilotlight');
check('apt removes it', removed.status === 0, removed.stderr.slice(-800));
const left = shell(
  'ls /opt/Pilotlight /lib/systemd/system/pilotlight.service /usr/bin/pilotlight 2>/dev/null; cat /var/lib/pilotlight/journal/kept; ls /etc/pilotlight/keys/terminal.pem',
).stdout;
check(
  'the program is gone; journal, keys and configuration are left',
  left.trim() === 'kept\n/etc/pilotlight/keys/terminal.pem',
  left,
);
if (made && values.keep !== true) rmSync(folder, { recursive: true, force: true });
if (values.deb === undefined) rmSync(deb, { force: true });
finish();
