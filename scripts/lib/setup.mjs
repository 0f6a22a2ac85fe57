// What a fresh machine needs before anything else can run. Plain JavaScript for Node 18 to 26, no
// dependencies.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const windows = process.platform === 'win32';

const NODE = path.join('bin', windows ? 'node.exe' : 'node');
/** The npm package that holds Node's binary for this machine, and nothing that is run to get it. */
const PLATFORM_NODE = `node-${windows ? 'win' : process.platform}-${process.arch}`;

/**
 * The pinned Node 24: a link to the binary of {@link PLATFORM_NODE}. That package is named in the
 * lock file with the hash of its contents, and `npm ci` compares it; the npm package `node` is not
 * used, whose install script fetches the same one without.
 */
export const pinnedNode = path.join(root, 'node_modules', 'node', NODE);

/**
 * Puts the binary where everything looks for it.
 *
 * @returns Whether it is there: false where the lock file names none for this machine, or npm did
 *   not take what came for it
 */
export function linkNode(folder = root, platformNode = PLATFORM_NODE) {
  const from = path.join(folder, 'node_modules', platformNode, NODE);
  const to = path.join(folder, 'node_modules', 'node', NODE);
  if (!existsSync(from)) return false;
  // What an older set-up left there is not kept beside it.
  rmSync(path.join(folder, 'node_modules', 'node'), { recursive: true, force: true });
  mkdirSync(path.dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
  return true;
}

const BUILD = ['libpcsclite-dev', 'g++', 'make', 'python3'];
/** What makes the clips; without it the kiosk is silent. */
const VOICE = ['espeak-ng', 'sox'];
const TEST = [
  'pcscd',
  'vsmartcard-vpcd',
  'socat',
  'chromium',
  'fonts-noto-cjk',
  'xvfb',
  'xauth',
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'openssl',
  'postgresql',
  'nut-server',
  'procps',
  'strace',
];

function say(text) {
  console.log(`[setup] ${text}`);
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: windows, ...options });
}

function missingDebian(names) {
  return names.filter((name) => {
    const r = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], {
      encoding: 'utf8',
    });
    return r.status !== 0 || r.stdout !== 'installed';
  });
}

/**
 * Installs Debian packages where that can be done without asking; otherwise says what is missing
 * and goes on.
 */
function debian(names, why) {
  if (
    process.platform !== 'linux' ||
    spawnSync('dpkg-query', ['--version'], { stdio: 'ignore' }).status !== 0
  )
    return;
  const missing = missingDebian(names);
  if (missing.length === 0) return;
  const root = process.getuid?.() === 0;
  const sudo = !root && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  if (!root && !sudo) {
    if (
      process.stdin.isTTY &&
      process.stdout.isTTY &&
      spawnSync('sudo', ['--version'], { stdio: 'ignore' }).status === 0
    )
      say(`installing with sudo (${why}): ${missing.join(' ')}`);
    else {
      say(`not installed, and this user may not install (${why}): ${missing.join(' ')}`);
      return;
    }
  } else say(`installing Debian packages (${why}): ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    root
      ? run('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
      : run('sudo', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args], {
          env,
          stdio: ['inherit', 'ignore', 'inherit'],
        });
  apt('update', '-qq');
  apt('install', '-y', '-qq', '--no-install-recommends', ...missing);
  const still = missingDebian(missing);
  if (still.length > 0) say(`could not be installed: ${still.join(' ')}`);
}

function stamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\0`);
  for (const file of ['package.json', 'package-lock.json', 'scripts/lib/setup.mjs'])
    hash.update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

/** Folder with the pinned Node's headers, for native code. */
function headers() {
  const folder = path.join(root, 'node_modules', PLATFORM_NODE);
  return existsSync(path.join(folder, 'include', 'node', 'node.h')) ? folder : null;
}

function loads(addon) {
  return (
    spawnSync(pinnedNode, ['-e', `require(${JSON.stringify(addon)})`], {
      cwd: root,
      stdio: 'ignore',
    }).status === 0
  );
}

/**
 * Compiles pcsclite for the pinned Node where it is installed and does not load yet. It is
 * optional: the demo's virtual reader does without.
 */
export function ensureAddons() {
  if (!existsSync(path.join(root, 'node_modules', 'pcsclite')) || loads('pcsclite')) return;
  const nodedir = headers();
  say('compiling pcsclite for the pinned Node');
  const r = run('npm', ['rebuild', 'pcsclite'], {
    env: { ...process.env, ...(nodedir === null ? {} : { npm_config_nodedir: nodedir }) },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (r.status !== 0 || !loads('pcsclite'))
    say(
      `pcsclite could not be compiled; PC/SC readers are not available (npm test needs them)\n${(
        r.stderr ?? ''
      )
        .split('\n')
        .filter((l) => /error/i.test(l))
        .slice(0, 3)
        .join('\n')}`,
    );
}

/** Everything for `npm start` (and with `test` for `npm test`), once; quick when nothing changed. */
export function ensureSetup({ test = false } = {}) {
  const file = path.join(root, 'node_modules', '.pilotlight-setup');
  const want = stamp();
  const done = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (done !== want || !existsSync(pinnedNode)) {
    debian(BUILD, 'to compile the PC/SC binding');
    debian(VOICE, 'to make the voice');
    say('installing packages (npm ci)');
    const ci = run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      env: { ...process.env, npm_config_loglevel: 'error' },
    });
    if (ci.status !== 0) {
      console.error('[setup] npm ci failed: the npm registry must be reachable the first time');
      process.exit(1);
    }
    if (!linkNode()) {
      console.error(
        `[setup] the pinned Node (${PLATFORM_NODE}) is not there: the lock file names none for this machine, or what the registry gave is not what the lock file names`,
      );
      process.exit(1);
    }
    ensureAddons();
    writeFileSync(file, want);
  }
  if (test) debian([...BUILD, ...VOICE, ...TEST], 'for the tests');
}
