// The lint step: the formatter's word, oxlint (type-aware, no warning passes), who may import whom, no circle of
// imports, what rooms export is explained, and only ports touch clock, timers and randomness. Prints what is longest
// and widest: things to look at.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { circlesOf, figures, importsOf, storeyProblems, unexplained } from './lib/tidy.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const KIOSK = ['shared', 'card', 'payment', 'billing', 'device', 'journal'];
/** Who may import whom (docs/architecture.md). A room not named may be imported by nobody above it. */
const MAY = {
  shared: [],
  card: ['shared'],
  payment: ['shared'],
  billing: ['shared'],
  device: ['shared'],
  journal: ['shared'],
  kiosk: KIOSK,
  renderer: ['shared'],
  central: ['shared', 'payment'],
  simulator: ['shared'],
  main: [...KIOSK, 'kiosk'],
  // Central's own composition; what of `main` ships to kiosks knows nothing of it.
  'main/central': [...KIOSK, 'main', 'central'],
  // Asks any implementation over HTTP: it knows the contract, and nothing of ours behind it.
  conformance: ['shared'],
  // The proof and the demo: nobody imports them, and a package has nothing of them.
  simulation: [...KIOSK, 'kiosk', 'main', 'simulator', 'central'],
  demo: [...KIOSK, 'kiosk', 'main', 'simulator', 'central'],
};
const PURE = [
  'card',
  'payment',
  'billing',
  'device',
  'journal',
  'kiosk',
  'shared',
  'central',
  'simulator',
];
const REAL =
  /(?<![.\w])(?:Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|randomUUID|randomBytes)\(|new Date\(\)/;
/** The sandbox's and the demo's key making needs the real thing; it is no part of the kiosk. */
const REAL_ALLOWED = ['src/simulator/wechat/keys.ts'];

const files = spawnSync('git', ['ls-files', '-co', '--exclude-standard', 'src'], {
  cwd: root,
  encoding: 'utf8',
})
  .stdout.split('\n')
  .filter((f) => /\.(ts|tsx)$/.test(f));
const problems = [];
const roomOf = (file) =>
  file.startsWith('src/main/central/') ? 'main/central' : file.split('/')[1];
const texts = new Map();
for (const file of files) {
  let text;
  try {
    text = readFileSync(path.join(root, file), 'utf8');
  } catch {
    continue;
  }
  texts.set(file, text);
  const room = roomOf(file);
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    const target = match[1];
    if (target === 'electron' && !file.startsWith('src/main/electron/'))
      problems.push(`${file}: only src/main/electron may import electron`);
    if (!target.startsWith('.')) {
      if (room === 'renderer' && target.startsWith('node:'))
        problems.push(`${file}: the renderer has no ${target}`);
      if (room === 'simulator' && !target.startsWith('node:'))
        problems.push(`${file}: the simulator uses its own code, not ${target}`);
      continue;
    }
    const to = path.posix.normalize(path.posix.join(path.posix.dirname(file), target));
    if (!to.startsWith('src/')) continue;
    const toRoom = roomOf(to);
    if (toRoom !== room && !(MAY[room] ?? []).includes(toRoom))
      problems.push(`${file}: ${room} may not import ${toRoom} (${target})`);
  }
  if (PURE.includes(room) && !REAL_ALLOWED.includes(file)) {
    text.split('\n').forEach((line, i) => {
      if (REAL.test(line.replace(/\/\/.*$|^\s*\*.*$/, '')))
        problems.push(`${file}:${i + 1}: real clock, timer or randomness outside the ports`);
    });
  }
}
for (const p of problems) console.error(`layer: ${p}`);

const tidy = [...importsOf(texts)];
const circles = circlesOf(tidy);
for (const circle of circles) problems.push(`a circle of imports: ${circle.join(' -> ')}`);
problems.push(...storeyProblems(tidy), ...unexplained(texts, tidy, roomOf));

const run = (program, ...args) =>
  spawnSync(process.execPath, [path.join(root, 'node_modules', program), ...args], {
    cwd: root,
    stdio: 'inherit',
  }).status === 0;
const linted = run(
  'oxlint/bin/oxlint',
  '--type-aware',
  '--deny-warnings',
  'src',
  'test',
  'scripts',
  'bench',
);
const formatted = run('oxfmt/bin/oxfmt', '--check');

const f = figures(texts);
const list = (what, rows) =>
  console.log(
    `${what}:\n${rows.map((r) => `  ${String(r.n).padStart(4)}  ${r.where}`).join('\n')}`,
  );
list('longest functions, lines', f.functions);
list('longest files, lines', f.files);
list('widest lines, columns', f.widest);
list('deepest nests', f.nests);
console.log(
  `figures: ${f.lines} lines, ${f.wide} over 100 columns; ${f.over70} functions over 70 lines, ${f.over500} files over 500; circles ${circles.length}`,
);
for (const p of problems) console.error(`lint: ${p}`);
const good = problems.length === 0 && linted && formatted;
console.log(
  `lint: ${texts.size} files, ${problems.length} problems, oxlint ${linted ? 'clean' : 'complains'}, layout ${formatted ? 'as formatted' : 'is not the formatter’s (npm run format)'}`,
);
process.exit(good ? 0 : 1);
