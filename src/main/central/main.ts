import { userInfo } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { stderrLog, systemClock, systemRandom } from '../ports.ts';
import { runCentral } from './run.ts';

const line =
  (stream: NodeJS.WriteStream) =>
  (text: string): void => {
    stream.write(`${text}\n`);
  };
/** Who typed it; in a container there may be no such user. */
function user(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
const told = new Promise<void>((done) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => done());
});
process.stdout.on('error', () => process.exit(1));
const exit = await runCentral(process.argv.slice(2), {
  cwd: process.cwd(),
  out: line(process.stdout),
  err: line(process.stderr),
  clock: systemClock,
  random: systemRandom,
  log: stderrLog,
  stdin: () => buffer(process.stdin),
  user: user(),
  told,
});
// What an orderly stop could not wait for any more holds nothing up.
process.stdout.write('', () => process.exit(exit));
