import { constants, setPriority } from 'node:os';
import { systemClock, systemRandom } from '../ports.ts';
import { realReaders } from './card-look.ts';
import { probePcsc } from './pcsc-probe.ts';
import { runCli } from './run.ts';

const line =
  (stream: NodeJS.WriteStream) =>
  (text: string): void => {
    stream.write(`${text}\n`);
  };
// A reader that went away (`… | head`) is no fault of ours.
process.stdout.on('error', () => process.exit(1));
/** As gettext takes it: the first of the three that says anything. */
const { LC_ALL, LC_MESSAGES, LANG } = process.env;
const said = [LC_ALL, LC_MESSAGES, LANG].find((name) => (name ?? '') !== '') ?? '';
process.exitCode = await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  out: line(process.stdout),
  err: line(process.stderr),
  clock: systemClock,
  random: systemRandom,
  pcsc: probePcsc,
  readers: realReaders(systemClock),
  // Not the lowest: what is never given a turn has no end.
  giveWay: () => setPriority(constants.priority.PRIORITY_BELOW_NORMAL),
  locale: said.startsWith('zh') ? 'zh' : 'en',
});
// The native PC/SC package keeps a process alive that has used it.
process.stdout.write('', () => process.exit());
