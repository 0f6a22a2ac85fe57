// Builds what runs outside the source tree: the renderer, the Electron shell and the bundled core,
// CLI and browser shell. A part whose inputs have not changed since its last build is skipped.
// Usage: node scripts/build.mjs [part…] [--force]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);

/** Native addons and what is loaded by name at run time stay outside a bundle. */
const NATIVE = [
  'better-sqlite3',
  'pcsclite',
  'serialport',
  /^@serialport\//,
  '@electric-sql/pglite',
];
const NODE = [...builtinModules, /^node:/];

/**
 * A bundle carries no sample key: in src/card/keys/sample.ts's place stands a provider that refuses
 * in every mode. Nor does it carry what only the demo and the tests may use: that ends the build.
 */
const shippable = (refused) => ({
  name: 'shippable',
  enforce: 'pre',
  load: (id) => {
    const file = path.relative(root, id).split(path.sep).join('/');
    if (refused.some((room) => file.startsWith(`src/${room}/`)))
      throw new Error(`${file} must not be in a bundle`);
    return file === 'src/card/keys/sample.ts'
      ? `import { failure } from '../../shared/errors.ts';
import { err } from '../../shared/result.ts';
export const sampleKeyProvider = (mode) => err(failure('CONF-0103', \`this build carries no sample keys (mode \${mode})\`));`
      : null;
  },
});
/** What no bundle has; a kiosk's has no central either. */
const PROOF = ['simulator', 'simulation', 'demo'];
const KIOSK_HAS_NOT = [...PROOF, 'central', 'main/central'];

/** One bundled file from one entry. */
function bundle(entry, outFile, { format, target, external, refused = KIOSK_HAS_NOT, treeshake }) {
  return async () => {
    const { build } = await import('vite');
    await build({
      configFile: false,
      root,
      logLevel: 'warn',
      publicDir: false,
      plugins: [shippable(refused)],
      ssr: { noExternal: true, target: 'node' },
      build: {
        ssr: at(entry),
        outDir: path.dirname(at(outFile)),
        emptyOutDir: false,
        target,
        minify: false,
        sourcemap: false,
        reportCompressedSize: false,
        rolldownOptions: {
          external: [...NODE, ...external],
          ...(treeshake === undefined ? {} : { treeshake }),
          output: { format, entryFileNames: path.basename(outFile), codeSplitting: false },
        },
      },
    });
  };
}

/** Synthesisers other than the usual ones (docs/voice.md). */
const VOICES = process.env.PILOTLIGHT_VOICES;
/** What scripts/voice.mjs ends with where no synthesiser is installed: the build goes on, silent. */
const NOT_INSTALLED = 3;

const COMMON = ['src', 'vite.config.ts', 'scripts/build.mjs', 'package-lock.json'];
const parts = {
  renderer: {
    entry: 'src/renderer/main.tsx',
    out: ['dist/renderer/index.html'],
    inputs: ['src/renderer', 'src/shared', ...COMMON.slice(1)],
    run: async () => {
      const { build } = await import('vite');
      await build({ configFile: at('vite.config.ts'), logLevel: 'warn' });
    },
  },
  /** After the renderer, whose folder is emptied when it is made. */
  voice: {
    entry: 'scripts/voice.mjs',
    out: ['dist/renderer/voice/zh-CN.clips', 'dist/renderer/voice/en.clips'],
    inputs: [
      'src/renderer/voice',
      'src/renderer/i18n',
      'src/shared',
      'scripts/lib/speech.mjs',
      'scripts/voice.mjs',
      ...(VOICES === undefined ? [] : [path.relative(root, path.resolve(VOICES))]),
    ],
    run: () => {
      const run = spawnSync(process.execPath, [at('scripts', 'voice.mjs')], { stdio: 'inherit' });
      if (run.status === NOT_INSTALLED) return 'skipped';
      if (run.status !== 0) throw new Error('the clips were not made');
      return undefined;
    },
  },
  'electron-main': {
    entry: 'src/main/electron/main.ts',
    out: ['dist/electron/main.cjs'],
    inputs: ['src/main/electron', 'src/main/shell', 'src/shared', ...COMMON.slice(2)],
    run: bundle('src/main/electron/main.ts', 'dist/electron/main.cjs', {
      format: 'cjs',
      target: 'node18',
      external: ['electron'],
    }),
  },
  'electron-preload': {
    entry: 'src/main/electron/preload.ts',
    out: ['dist/electron/preload.cjs'],
    inputs: ['src/main/electron', 'src/shared', ...COMMON.slice(2)],
    run: bundle('src/main/electron/preload.ts', 'dist/electron/preload.cjs', {
      format: 'cjs',
      target: 'chrome114',
      external: ['electron'],
    }),
  },
  core: {
    entry: 'src/main/core/main.ts',
    out: ['dist/core/core.mjs'],
    inputs: COMMON,
    run: bundle('src/main/core/main.ts', 'dist/core/core.mjs', {
      format: 'es',
      target: 'node24',
      external: NATIVE,
    }),
  },
  cli: {
    entry: 'src/main/cli/main.ts',
    out: ['dist/cli/cli.mjs'],
    inputs: COMMON,
    run: bundle('src/main/cli/main.ts', 'dist/cli/cli.mjs', {
      format: 'es',
      target: 'node24',
      external: NATIVE,
    }),
  },
  central: {
    entry: 'src/main/central/main.ts',
    out: ['dist/central/central.mjs'],
    inputs: COMMON,
    run: bundle('src/main/central/main.ts', 'dist/central/central.mjs', {
      format: 'es',
      target: 'node24',
      external: [...NATIVE, 'pg-native'],
      refused: PROOF,
      // Of cards it has keys to compute with, and no reader: nothing native is loaded.
      treeshake: { moduleSideEffects: 'no-external' },
    }),
  },
  'core-pcsc': {
    entry: 'src/main/pcsc/main.ts',
    out: ['dist/pcsc/pcsc.mjs'],
    inputs: COMMON,
    run: bundle('src/main/pcsc/main.ts', 'dist/pcsc/pcsc.mjs', {
      format: 'es',
      target: 'node24',
      external: NATIVE,
    }),
  },
  browser: {
    entry: 'src/main/browser/main.ts',
    out: ['dist/browser/main.mjs'],
    inputs: ['src/main/browser', 'src/main/shell', 'src/shared', ...COMMON.slice(2)],
    run: bundle('src/main/browser/main.ts', 'dist/browser/main.mjs', {
      format: 'es',
      target: 'node24',
      external: [],
    }),
  },
};

/** Hash over the names and bytes of every input file. */
function stampOf(inputs) {
  const hash = createHash('sha256').update(process.version);
  const add = (file) => {
    if (!existsSync(at(file))) return;
    if (statSync(at(file)).isDirectory())
      for (const name of readdirSync(at(file)).toSorted()) add(path.join(file, name));
    else
      hash
        .update(`${file.split(path.sep).join('/')}\0`)
        .update(readFileSync(at(file)))
        .update('\0');
  };
  for (const input of inputs) add(input);
  return hash.digest('hex');
}

const args = process.argv.slice(2);
const force = args.includes('--force');
const wanted = args.filter((arg) => !arg.startsWith('--'));
const unknown = wanted.filter(
  (name) => !Object.keys(parts).some((part) => part === name || part.startsWith(`${name}-`)),
);
if (unknown.length > 0) {
  console.error(
    `build: no such part: ${unknown.join(', ')} (parts: ${Object.keys(parts).join(', ')})`,
  );
  process.exit(2);
}

mkdirSync(at('dist'), { recursive: true });
let failed = false;
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.some((w) => w === name || name.startsWith(`${w}-`))) continue;
  if (!existsSync(at(part.entry))) {
    console.log(`build: ${name}: skipped, ${part.entry} does not exist`);
    continue;
  }
  const stampFile = at('dist', `.stamp-${name}`);
  const stamp = stampOf(part.inputs);
  if (
    !force &&
    part.out.every((file) => existsSync(at(file))) &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === stamp
  ) {
    console.log(`build: ${name}: unchanged`);
    continue;
  }
  const started = performance.now();
  // A stamp may never outlive the build it vouched for.
  rmSync(stampFile, { force: true });
  try {
    if ((await part.run()) === 'skipped') continue;
    for (const file of part.out)
      if (!existsSync(at(file))) throw new Error(`${file} was not written`);
    writeFileSync(stampFile, stamp);
    console.log(`build: ${name}: ${Math.round(performance.now() - started)} ms`);
  } catch (error) {
    failed = true;
    console.error(
      `build: ${name}: failed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
process.exit(failed ? 1 : 0);
