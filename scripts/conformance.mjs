// The suite that every card layout passes, in this process, through a real pcscd and (where such a
// reader takes the card) through a motor reader on a pseudo-terminal. Usage: npm run
// conformance:layout -- NAME [--quick]
// Without a name: all of them. --quick: in this process only.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LAYOUT_CASES } from '../test/conformance/cards.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
/** A maker's black box: behind a service, and in no reader of ours. */
const BLACK_BOX = 'BOX-1';
const names = [...Object.keys(LAYOUT_CASES), BLACK_BOX];
const [name] = positionals;
if (positionals.length > 1 || (name !== undefined && !names.includes(name))) {
  console.error(
    `usage: npm run conformance:layout -- NAME [--quick]; layouts: ${names.join(', ')}`,
  );
  process.exit(2);
}
const env = { ...process.env, ...(name === undefined ? {} : { PILOTLIGHT_LAYOUT: name }) };
let failed = 0;
const inOtherReaders =
  name !== undefined && LAYOUT_CASES[name]?.golden().crt === undefined
    ? ['test/conformance/pcscd.test.ts']
    : [];
const runs =
  name === BLACK_BOX
    ? [['conformance', ['test/conformance/card-service.test.ts']]]
    : [
        ['unit', ['test/unit/card/conformance.test.ts']],
        ...(values.quick ? [] : [['conformance', inOtherReaders]]),
      ];
for (const [project, files] of runs) {
  const r = spawnSync(
    process.execPath,
    [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, ...files],
    { cwd: root, stdio: 'inherit', env },
  );
  if (r.status !== 0) failed = 1;
}
process.exit(failed);
