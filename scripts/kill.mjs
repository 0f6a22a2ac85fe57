// Real processes, killed: customers buy in demo halls while core, central, payment sandbox and
// pcscd are killed at random and aimed instants; after each round all books are compared.
// docs/proof.md tells more.
// Usage: npm run test:kill -- --kills N [--halls 1|2|3] [--seed S] [--json] [--story] [--no-pcscd]
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drive } from '../test/kill/driver.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    halls: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
    story: { type: 'boolean', default: false },
    'no-pcscd': { type: 'boolean', default: false },
  },
});
const whole = (name, low, high) => {
  const n = Number(values[name]);
  if (Number.isInteger(n) && n >= low && n <= high) return n;
  console.error(`--${name} ${values[name]}: a whole number from ${low} to ${high}`);
  process.exit(2);
};
const kills = whole('kills', 1, 1_000_000);
const halls = whole('halls', 1, 3);
const seed = whole('seed', 0, Number.MAX_SAFE_INTEGER);
// A pcscd of its own needs root on Linux, and vpcd's driver; without them its kills go to the
// others.
const pcscd =
  !values['no-pcscd'] &&
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  existsSync('/usr/sbin/pcscd');

const stopping = new AbortController();
let asked = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    // The first takes everything down in order; whoever asks a third time does not want to wait for
    // that.
    stopping.abort();
    if (++asked >= 3) process.exit(130);
  });

console.error(
  `kill: ${kills} kills in ${halls} halls${pcscd ? ', one of them behind a pcscd of its own' : ''}, seed ${seed}`,
);
const report = await drive({
  kills,
  halls,
  seed,
  pcscd,
  stories: values.story,
  say: (line) => console.error(line),
  signal: stopping.signal,
});
const done = Object.values(report.kills).reduce((a, b) => a + b, 0);
if (values.json) console.log(JSON.stringify({ seed, ...report }));
else
  console.log(
    `${done} kills (${Object.entries(report.kills)
      .map(([k, n]) => `${k} ${n}`)
      .join(
        ', ',
      )}) in ${report.rounds} rounds, ${report.seconds} s; fen: captured ${report.captured} = delivered ${report.delivered} + refunded ${report.refunded} + parked ${report.parked}; ${report.violations.length} violations`,
  );
if (stopping.signal.aborted) process.exit(130);
process.exit(report.violations.length > 0 ? 1 : 0);
