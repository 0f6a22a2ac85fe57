// `npm run pack`: collects what a kiosk runs outside Electron (dist/pack), checks that nothing of
// the demo is in it, runs its doctor on its own Node, and makes an unpacked build in release/ where
// an Electron binary is at hand:
// ELECTRON_OVERRIDE_DIST_PATH, else the electron package's own.
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
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
import {
  DEMO_TERMINAL,
  DIRECT,
  hallKeys,
  hallPorts,
  writeTerminalJson,
} from '../src/demo/setup.ts';
import { packedSale } from './lib/packed-sale.mjs';
import { ADDONS, BUILD_ONLY, ships } from './lib/shipped.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
const windows = process.platform === 'win32';
const nodeName = windows ? 'node.exe' : 'node';
const say = (text) => console.log(`pack: ${text}`);
function fail(text) {
  console.error(`pack: ${text}`);
  process.exit(1);
}

/**
 * What no package may hold: the published sample keys (docs/layouts/pl-cpu.md), and names of the
 * demo's parts.
 */
const SAMPLE_KEYS = [
  '0F1E2D3C4B5A69788796A5B4C3D2E1F0',
  '1032547698BADCFE0123456789ABCDEF',
  '00112233445566778899AABBCCDDEEFF',
  '11223344556677888877665544332211',
];
const DEMO_NAMES = [
  'createWechatSandbox',
  'SimulatedPrinter',
  'meterAreaHex',
  'createCentral(',
  'openPglite',
  'DEMO_ACCOUNTS',
  'src/simulator/',
  'src/central/',
];

function build() {
  const run = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) fail('the build failed');
}

/** A kiosk that cannot speak is shipped on purpose only. */
function checkVoice() {
  const missing = ['zh-CN', 'en'].filter(
    (locale) => !existsSync(at('dist', 'renderer', 'voice', `${locale}.clips`)),
  );
  if (missing.length === 0) return say('the clips are there, of both languages');
  if (process.argv.includes('--silent')) return say('without a voice, as you wish');
  return fail(
    `there are no clips (${missing.join(', ')}): install espeak-ng and sox and build again, or say --silent (docs/voice.md)`,
  );
}

/** A package's folder as Node would find it from `from`. */
function packageFolder(name, from) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (path.dirname(folder) === folder) return null;
  }
}

/** Copies a package and what it needs, each to the same place below node_modules as here. */
function collect(name, from, to, done) {
  const folder = packageFolder(name, from);
  if (folder === null) return false;
  if (done.has(folder)) return true;
  done.add(folder);
  const target = path.join(to, path.relative(root, folder));
  const platform = `${process.platform}-${process.arch}`;
  const compiled = existsSync(path.join(folder, 'binding.gyp'));
  cpSync(folder, target, {
    recursive: true,
    filter: (source) => {
      const inside = path.relative(folder, source).split(path.sep).join('/');
      return ships(inside, compiled, platform);
    },
  });
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(path.join(folder, 'package.json'), 'utf8'),
  );
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (BUILD_ONLY.has(dependency) || dependency.startsWith('@types/')) continue;
    if (!collect(dependency, folder, to, done) && !(dependency in optionalDependencies))
      fail(`${name} needs ${dependency}, which is not installed`);
  }
  return true;
}

function collectCore() {
  const pack = at('dist', 'pack');
  rmSync(pack, { recursive: true, force: true });
  const core = path.join(pack, 'core');
  mkdirSync(core, { recursive: true });
  cpSync(at('dist', 'core', 'core.mjs'), path.join(core, 'core.mjs'));
  cpSync(at('dist', 'cli', 'cli.mjs'), path.join(core, 'cli.mjs'));
  cpSync(at('dist', 'pcsc', 'pcsc.mjs'), path.join(core, 'pcsc.mjs'));
  const { name, version, license } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  writeFileSync(
    path.join(core, 'package.json'),
    `${JSON.stringify({ name, version, license, private: true, type: 'module' }, null, 2)}\n`,
  );
  const done = new Set();
  for (const addon of ADDONS)
    if (!collect(addon, root, core, done))
      fail(
        `${addon} is not installed; npm run pack needs the machine's PC/SC headers (libpcsclite-dev) and a compiler`,
      );
  mkdirSync(path.join(pack, 'node'), { recursive: true });
  cpSync(at('node_modules', 'node', 'bin', nodeName), path.join(pack, 'node', nodeName));
  const nodeLicense = at(
    'node_modules',
    `node-${windows ? 'win' : process.platform}-${process.arch}`,
    'LICENSE',
  );
  cpSync(nodeLicense, path.join(pack, 'node', 'LICENSE'));
  return pack;
}

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Refuses a tree that holds a sample key, in text or as bytes, or a part of the demo. */
function checkTree(folder) {
  let count = 0;
  for (const file of files(folder)) {
    if (path.basename(file) === nodeName) continue;
    count += 1;
    const bytes = readFileSync(file);
    const text = bytes.toString('latin1');
    const upper = text.toUpperCase();
    const name = path.relative(folder, file);
    // Foreign packages may hold such counting bytes by chance; the hex text and our own bundles may
    // not.
    for (const key of SAMPLE_KEYS) if (upper.includes(key)) fail(`${name} holds a sample key`);
    if (
      /(core|cli|pcsc|main|preload)\.[mc]js$|\.asar$/.test(name) &&
      !name.includes('node_modules')
    ) {
      for (const part of DEMO_NAMES)
        if (text.includes(part)) fail(`${name} holds a part of the demo: ${part}`);
    }
  }
  return count;
}

/** A service of the demo, from the sources, for the packed doctor to ask. */
function service(script, dataDir) {
  return new Promise((resolve, reject) => {
    const child = fork(at('src', 'demo', script), ['--data', dataDir, '--port', '0'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('message', ({ port }) => resolve({ port, stop: () => child.kill('SIGTERM') }));
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
}

/** The packed doctor, on the packed Node, against the demo's central and payment sandbox. */
async function runDoctor(core, node) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pilotlight-pack-'));
  const services = [];
  try {
    const keys = hallKeys(folder);
    services.push(
      ...(await Promise.all([
        service('central-process.ts', folder),
        service('sandbox-process.ts', folder),
      ])),
    );
    const config = writeTerminalJson(
      folder,
      { ...hallPorts(20_000), centralLine: services[0].port, paymentLine: services[1].port },
      keys,
      false,
      DIRECT,
    );
    const json = JSON.parse(readFileSync(config, 'utf8'));
    writeFileSync(config, JSON.stringify({ ...json, printer: { kind: 'none' } }));
    const env = {
      PATH: process.env.PATH,
      NO_PROXY: '127.0.0.1',
      ...(windows ? { SystemRoot: process.env.SystemRoot } : {}),
    };
    const run = spawnSync(
      node,
      [path.join(core, 'cli.mjs'), 'doctor', '--config', config, '--json'],
      { cwd: folder, encoding: 'utf8', env },
    );
    let report;
    try {
      report = JSON.parse(run.stdout);
    } catch {
      fail(
        `the packed doctor does not run: ${run.stderr || run.error?.message || `exit ${run.status}`}`,
      );
    }
    // The package carries no sample keys, and no other key provider is built: that one refusal is
    // wanted.
    const bad = report.findings.filter(
      (f) => f.level === 'FAIL' && !(f.check === 'card-keys' && f.code === 'CONF-0103'),
    );
    const refused = report.findings.some((f) => f.check === 'card-keys' && f.code === 'CONF-0103');
    const addon = report.findings.some((f) => f.check === 'pcsc' && f.level === 'OK');
    if (bad.length > 0)
      fail(`the packed doctor found: ${bad.map((f) => `${f.check}: ${f.text}`).join('; ')}`);
    if (!refused) fail('the packed doctor did not refuse the sample keys');
    if (!addon) fail('the packed pcsclite does not load');
    say(
      `doctor: ${report.findings.filter((f) => f.level === 'OK').length} checks well; sample keys refused (CONF-0103), as wanted; terminal ${DEMO_TERMINAL}`,
    );
    const start = spawnSync(node, [path.join(core, 'core.mjs'), '--config', config], {
      cwd: folder,
      encoding: 'utf8',
      env,
      timeout: 30_000,
    });
    if (start.status !== 78 || !start.stderr.includes('CONF-0103'))
      fail(
        `the packed core should refuse sample keys with exit code 78, not ${start.status}: ${start.stderr}`,
      );
  } finally {
    for (const { stop } of services) stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The packed PC/SC process, on the packed Node: it must have its addon; whether this machine has
 * the service is nothing to it.
 */
async function checkPcsc(core, node) {
  const child = fork(path.join(core, 'pcsc.mjs'), [], {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH, ...(windows ? { SystemRoot: process.env.SystemRoot } : {}) },
  });
  const said = await new Promise((resolve) => {
    child.once('message', resolve);
    child.once('exit', (code, signal) =>
      resolve({ say: 'nothing', message: `it ended with ${signal ?? code}` }),
    );
  });
  child.kill('SIGKILL');
  if (said.say !== 'ready' && !(said.say === 'over' && /0x8010/.test(said.message)))
    fail(`the packed PC/SC process does not work: ${said.message}`);
  say(`PC/SC process: ${said.say === 'ready' ? 'has the service' : said.message}`);
}

/**
 * The packed serialport, on the packed Node: it must carry a byte each way over a port. A driver
 * whose package lacks one file of one dependency loads nowhere but here.
 */
async function checkSerial(core, node) {
  const use = `
    const { SerialPort } = await import('serialport');
    const port = new SerialPort({ path: process.argv[1], baudRate: 9600 });
    port.on('error', (error) => { console.error(String(error)); process.exit(1); });
    port.on('data', (bytes) => { console.log(bytes.toString()); port.close(() => process.exit(0)); });
    port.on('open', () => port.write('packed'));`;
  if (windows) {
    const listed = spawnSync(
      node,
      ['--input-type=module', '-e', `import('serialport').then((s) => s.SerialPort.list())`],
      { cwd: core, encoding: 'utf8' },
    );
    if (listed.status !== 0) fail(`the packed serialport does not load: ${listed.stderr}`);
    return say('serialport: loads and lists');
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'pilotlight-serial-'));
  const port = path.join(folder, 'port');
  // What is written comes back: cat stands at the far end of the line.
  const line = spawn('socat', [`pty,raw,echo=0,link=${port}`, 'EXEC:cat'], { stdio: 'ignore' });
  try {
    await Promise.race([
      once(line, 'error').then(([error]) => fail(`socat (install socat): ${error.message}`)),
      (async () => {
        while (!existsSync(port)) await new Promise((r) => setTimeout(r, 20));
      })(),
    ]);
    const said = spawnSync(node, ['--input-type=module', '-e', use, port], {
      cwd: core,
      encoding: 'utf8',
      timeout: 20_000,
    });
    if (said.stdout.trim() !== 'packed')
      fail(`the packed serialport does not work: ${said.stderr || `exit ${said.status}`}`);
    say('serialport: bytes went out and came back');
  } finally {
    line.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A sale through what was packed; its pseudo terminals are Unix's. */
async function checkSale(core, node) {
  if (windows) return;
  try {
    say(`sale: ${await packedSale(core, node)}`);
  } catch (error) {
    fail(`no sale through the package: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** An Electron distribution with its version; null: none at hand. */
function electronDist() {
  const name = windows
    ? 'electron.exe'
    : process.platform === 'darwin'
      ? 'Electron.app'
      : 'electron';
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  for (const folder of [
    ...(given === undefined ? [] : [given]),
    at('node_modules', 'electron', 'dist'),
  ]) {
    if (!existsSync(path.join(folder, name))) continue;
    const versionFile = path.join(folder, 'version');
    // A distribution without that file names its version in its user agent.
    const version = existsSync(versionFile)
      ? readFileSync(versionFile, 'utf8').trim().replace(/^v/, '')
      : /Electron\/(\d+\.\d+\.\d+)/.exec(
          readFileSync(path.join(folder, name)).toString('latin1'),
        )?.[1];
    if (version === undefined) {
      say(`${folder} does not say which Electron it is`);
      continue;
    }
    return { folder, version };
  }
  return null;
}

/** The Electron that brought this fuse. */
const FILE_PROTOCOL_FUSE_SINCE = 29;

function unpacked(dist) {
  // A copy, without whatever app the distribution carries.
  const copy = at('dist', 'pack', 'electron');
  cpSync(dist.folder, copy, {
    recursive: true,
    filter: (source) => path.relative(dist.folder, source) !== path.join('resources', 'app'),
  });
  rmSync(at('release'), { recursive: true, force: true });
  let settings = readFileSync(at('electron-builder.yml'), 'utf8');
  if (Number(dist.version.split('.')[0]) < FILE_PROTOCOL_FUSE_SINCE) {
    say(
      `Electron ${dist.version} has no fuse grantFileProtocolExtraPrivileges: left out of this trial build`,
    );
    settings = settings.replace(/^ +grantFileProtocolExtraPrivileges:.*\n/m, '');
  }
  const settingsFile = at('dist', 'pack', 'electron-builder.yml');
  writeFileSync(settingsFile, settings);
  say(`electron-builder --dir with Electron ${dist.version} from ${dist.folder}`);
  const run = spawnSync(
    process.execPath,
    [
      at('node_modules', 'electron-builder', 'cli.js'),
      '--dir',
      '--config',
      settingsFile,
      `-c.electronDist=${copy}`,
      `-c.electronVersion=${dist.version}`,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, CSC_IDENTITY_AUTO_DISCOVERY: 'false' } },
  );
  rmSync(copy, { recursive: true, force: true });
  if (run.status !== 0)
    fail('electron-builder failed (it may need downloads of its own: see its message above)');
  const out = readdirSync(at('release')).find(
    (entry) => entry.endsWith('-unpacked') || entry.startsWith('mac'),
  );
  if (out === undefined) fail('electron-builder left no unpacked build');
  return at('release', out);
}

build();
checkVoice();
const pack = collectCore();
const count = checkTree(pack);
say(
  `dist/pack: ${count} files and Node ${process.versions.node}, ${Math.round(files(pack).reduce((sum, file) => sum + statSync(file).size, 0) / 1e6)} MB`,
);
const dist = electronDist();
if (dist === null) {
  await checkPcsc(path.join(pack, 'core'), path.join(pack, 'node', nodeName));
  await checkSerial(path.join(pack, 'core'), path.join(pack, 'node', nodeName));
  await runDoctor(path.join(pack, 'core'), path.join(pack, 'node', nodeName));
  await checkSale(path.join(pack, 'core'), path.join(pack, 'node', nodeName));
  say(
    'there is no Electron binary here, so no unpacked build was made; the core’s tree in dist/pack is whole and checked',
  );
} else {
  const out = unpacked(dist);
  const resources = path.join(out, 'resources');
  for (const part of [
    'app.asar',
    'core/core.mjs',
    'core/cli.mjs',
    'core/pcsc.mjs',
    `node/${nodeName}`,
    ...ADDONS.map((addon) => `core/node_modules/${addon}/package.json`),
  ])
    if (!existsSync(path.join(resources, part))) fail(`resources/${part} is not in the build`);
  // The archive's head lists its files by name.
  if (!process.argv.includes('--silent')) {
    const archive = readFileSync(path.join(resources, 'app.asar')).subarray(0, 1 << 20);
    for (const locale of ['zh-CN', 'en'])
      if (!archive.includes(`"${locale}.clips"`)) fail(`${locale}.clips is not in the build`);
  }
  checkTree(resources);
  await checkPcsc(path.join(resources, 'core'), path.join(resources, 'node', nodeName));
  await checkSerial(path.join(resources, 'core'), path.join(resources, 'node', nodeName));
  await runDoctor(path.join(resources, 'core'), path.join(resources, 'node', nodeName));
  await checkSale(path.join(resources, 'core'), path.join(resources, 'node', nodeName));
  say(`${path.relative(root, out)} is whole and checked`);
}
