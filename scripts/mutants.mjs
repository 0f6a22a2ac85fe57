// npm run test:mutants: does the proof notice when the money path is sabotaged?
// Each sabotage of test/mutants/catalogue.mjs is made in a copy of the working tree, where the test
// or simulation that must notice it is run. Nothing is ever written to the tree itself.
// Usage: node scripts/mutants.mjs [--only id,id] [--jobs 2] [--json]   (exit code 0: every one was
// caught)
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { sabotaged } from '../test/mutants/match.mjs';
import { named, pattern } from '../test/mutants/names.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** No command takes nearly so long; one that hangs has noticed nothing. */
const LIMIT_MS = 120_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
const { MUTANTS } = await import(pathToFileURL(path.join(root, 'test/mutants/catalogue.mjs')).href);
const only = values.only?.split(',');
const unknown = only?.filter((id) => !MUTANTS.some((m) => m.id === id)) ?? [];
const doubled = MUTANTS.filter((m, i) => MUTANTS.findIndex((o) => o.id === m.id) !== i).map(
  (m) => m.id,
);
const jobs = Number(values.jobs);
if (unknown.length > 0 || doubled.length > 0 || !Number.isSafeInteger(jobs) || jobs < 1) {
  console.error(
    `usage: node scripts/mutants.mjs [--only id,id] [--jobs 2] [--json]${unknown.length > 0 ? `; no such mutant: ${unknown.join()}` : ''}${doubled.length > 0 ? `; twice in the catalogue: ${doubled.join()}` : ''}`,
  );
  process.exit(2);
}
const mutants = only === undefined ? MUTANTS : MUTANTS.filter((m) => only.includes(m.id));
const say = (line) => (values.json ? console.error(line) : console.log(line));

const seconds = (since) => (performance.now() - since) / 1000;
const label = (c) =>
  c.kind === 'simulate'
    ? `simulation, seeds ${c.seed}–${c.seed + c.seeds - 1}`
    : `${c.files.map((f) => path.basename(f, '.test.ts')).join(', ')}${c.name === undefined ? '' : `: ${c.name}`}`;
/** A copy of everything that git knows or would take, with this tree's packages. */
function copyTree(folder) {
  const listed = spawnSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
  for (const file of listed.stdout.split('\0')) {
    if (file === '' || file.startsWith('docs/screens/') || !existsSync(path.join(root, file)))
      continue;
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(folder, file));
  }
  // Each package by itself, so that the tools' caches beside them are the copy's own.
  mkdirSync(path.join(folder, 'node_modules'));
  for (const name of readdirSync(path.join(root, 'node_modules'))) {
    if (name === '.vite' || name === '.vite-temp') continue;
    symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
}

const running = new Set();
function run(folder, argv, limitMs = LIMIT_MS) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, argv, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...process.env,
        NO_COLOR: '1',
        PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`,
      },
    });
    running.add(child);
    let out = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (out = (out + text).slice(-200_000)));
    const timer = setTimeout(() => {
      timedOut = true;
      killTree(child);
    }, limitMs);
    const ended = (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code: code ?? -1, out, timedOut });
    };
    child.on('error', (error) => {
      out += String(error);
      ended(-1);
    });
    child.on('exit', () => killTree(child));
    child.on('close', ended);
  });
}
/** The child leads its own process group: its workers go with it. */
function killTree(child) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

/**
 * Runs test files of one suite. What each test came to; `broken`: files that could not even be
 * loaded.
 */
async function vitest(folder, project, files, names, bail) {
  const report = path.join(folder, 'report.json');
  rmSync(report, { force: true });
  const argv = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    project,
    ...files,
    '--reporter=json',
    `--outputFile=${report}`,
    '--maxWorkers=1',
  ];
  if (names !== null) argv.push('-t', names.map(pattern).join('|'));
  if (bail) argv.push('--bail=1');
  const r = await run(folder, argv);
  if (!existsSync(report))
    return { tests: [], broken: files, why: r.timedOut ? 'hung' : r.out.slice(-2_000) };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return {
    tests: testResults.flatMap((f) =>
      f.assertionResults.map((t) => ({
        file: path.relative(folder, f.name),
        name: t.fullName,
        status: t.status,
      })),
    ),
    // A file that was left out after the first failure has no message.
    broken: testResults
      .filter(
        (f) =>
          f.status === 'failed' &&
          f.message !== '' &&
          !f.assertionResults.some((t) => t.status === 'failed'),
      )
      .map((f) => f.name),
    why: testResults
      .map((f) => f.message)
      .filter((m) => m)
      .join('\n')
      .slice(0, 2_000),
  };
}
const matches = (command, test) =>
  command.files.includes(test.file) && named(test.name, command.name);

async function simulate(folder, c) {
  const r = await run(folder, [
    'src/simulation/main.ts',
    '--seeds',
    String(c.seeds),
    '--seed',
    String(c.seed),
    '--sessions',
    String(c.sessions),
    '--real-every',
    '0',
  ]);
  const at = r.out.indexOf('VIOLATION in seed');
  return {
    ...r,
    violation:
      at < 0
        ? null
        : r.out
            .slice(at)
            .split('\n')
            .slice(0, 2)
            .join(' ')
            .replace(/; replay:.* --story/, ':')
            .replaceAll(/\s+/g, ' ')
            .slice(0, 200),
  };
}

/**
 * Every command as it is, on the tree as it is: what fails here proves nothing about a sabotage. @returns
 * what is wrong
 */
async function baseline(folders) {
  const wrong = [];
  const commands = mutants.flatMap((m) => m.by);
  const work = [];
  for (const c of new Map(
    commands.filter((c) => c.kind === 'simulate').map((c) => [label(c) + c.sessions, c]),
  ).values()) {
    work.push(async (folder) => {
      const r = await simulate(folder, c);
      if (r.code !== 0) wrong.push(`${label(c)}: ${r.violation ?? r.out.slice(-500)}`);
    });
  }
  // Each file once, with all the names that are wanted of it.
  const tests = commands.filter((c) => c.kind === 'tests');
  for (const file of new Set(tests.flatMap((c) => c.files))) {
    const own = tests.filter((c) => c.files.includes(file));
    work.push(async (folder) => {
      const names = own.every((c) => c.name !== undefined)
        ? [...new Set(own.map((c) => c.name))]
        : null;
      const r = await vitest(folder, own[0].project, [file], names, false);
      if (r.broken.length > 0) wrong.push(`${file} does not load: ${r.why}`);
      for (const name of new Set(own.map((c) => c.name))) {
        const mine = r.tests.filter(
          (t) => t.status !== 'skipped' && t.status !== 'pending' && named(t, name),
        );
        if (mine.length === 0) wrong.push(`${file}: no test is called “${name ?? ''}”`);
        for (const t of mine)
          if (t.status !== 'passed') wrong.push(`${file}: ${t.name} does not pass unmutated`);
      }
    });
  }
  await each(work, folders, (job, folder) => job(folder));
  return wrong;
}

/** Work is taken in order, by one worker for each folder. */
async function each(work, folders, fn) {
  let next = 0;
  await Promise.all(
    folders.map(async (folder) => {
      while (next < work.length) await fn(work[next++], folder);
    }),
  );
}

/** The files as the sabotage leaves them; null: it does not apply. */
function mutated(mutant) {
  const files = new Map();
  for (const { file, find, replace } of mutant.edits) {
    const text = files.get(file) ?? readFileSync(path.join(root, file), 'utf8');
    const changed = sabotaged(text, find, replace);
    if (changed === null) return null;
    files.set(file, changed);
  }
  return files;
}

/** @returns who caught it; null with `why`: nobody did */
async function attempt(mutant, folder) {
  const files = mutated(mutant);
  if (files === null)
    return { caughtBy: null, why: 'does not apply: its text is not in the source exactly once' };
  const before = new Map(
    [...files.keys()].map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]),
  );
  try {
    for (const [file, text] of files) writeFileSync(path.join(folder, file), text);
    for (const file of files.keys()) {
      const r = await run(
        folder,
        [
          '--input-type=module',
          '-e',
          'await import(process.argv[1]); process.exit(0)',
          pathToFileURL(path.join(folder, file)).href,
        ],
        30_000,
      );
      if (r.code !== 0)
        return { caughtBy: null, why: `${file} does not load: ${r.out.slice(-600)}` };
    }
    const tried = [];
    for (const c of mutant.by) {
      if (c.kind === 'simulate') {
        const r = await simulate(folder, c);
        if (r.code === 1 && r.violation !== null) return { caughtBy: label(c), shown: r.violation };
        tried.push(
          r.timedOut
            ? `${label(c)} hung`
            : r.code === 0
              ? label(c)
              : `${label(c)} broke: ${r.out.slice(-600)}`,
        );
      } else {
        const r = await vitest(
          folder,
          c.project,
          c.files,
          c.name === undefined ? null : [c.name],
          true,
        );
        const failed = r.tests.find((t) => t.status === 'failed' && matches(c, t));
        if (r.broken.length === 0 && failed !== undefined)
          return { caughtBy: label({ ...c, name: c.name ?? failed.name }), shown: failed.name };
        tried.push(r.broken.length > 0 ? `${label(c)} broke: ${r.why}` : label(c));
      }
    }
    return { caughtBy: null, why: `passes ${tried.join('; ')}` };
  } finally {
    for (const [file, text] of before) writeFileSync(path.join(folder, file), text);
  }
}

const base = mkdtempSync(path.join(tmpdir(), 'pilotlight-mutants-'));
function end(code) {
  for (const child of running) killTree(child);
  rmSync(base, { recursive: true, force: true });
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(130));

const began = performance.now();
const folders = Array.from({ length: Math.min(jobs, Math.max(1, mutants.length)) }, (_, i) =>
  path.join(base, String(i + 1)),
);
for (const folder of folders) {
  mkdirSync(folder);
  copyTree(folder);
}
const wrong = await baseline(folders);
say(
  wrong.length === 0
    ? `every command passes unmutated (${seconds(began).toFixed(0)} s)`
    : `NOT PASSING UNMUTATED:\n${wrong.map((w) => `  ${w}`).join('\n')}`,
);

const results = [];
await each(mutants, folders, async (mutant, folder) => {
  const since = performance.now();
  const r = await attempt(mutant, folder);
  const result = {
    id: mutant.id,
    what: mutant.what,
    ...r,
    seconds: Math.round(seconds(since) * 10) / 10,
  };
  results.push(result);
  say(
    `${r.caughtBy === null ? 'NOT CAUGHT' : 'caught'}  ${mutant.id}  ${result.seconds.toFixed(1)} s  ${r.caughtBy === null ? `${mutant.what} — ${r.why}` : `by ${r.caughtBy}`}`,
  );
});
const caught = results.filter((r) => r.caughtBy !== null).length;
if (values.json)
  console.log(
    JSON.stringify(
      {
        caught,
        total: mutants.length,
        baseline: wrong,
        seconds: Math.round(seconds(began)),
        mutants: mutants.map((m) => results.find((r) => r.id === m.id)),
      },
      null,
      2,
    ),
  );
else console.log(`\ncaught ${caught}/${mutants.length} in ${seconds(began).toFixed(0)} s`);
end(caught === mutants.length && wrong.length === 0 ? 0 : 1);
