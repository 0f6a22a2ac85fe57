// npm run format: lays every source out as .oxfmtrc.json says. `--check` changes nothing and says what is not so.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const oxfmt = path.join(root, 'node_modules', 'oxfmt', 'bin', 'oxfmt');
const run = spawnSync(process.execPath, [oxfmt, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(run.status ?? 1);
