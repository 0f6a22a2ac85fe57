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
process.exitCode = await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  out: line(process.stdout),
  err: line(process.stderr),
  clock: systemClock,
  random: systemRandom,
  pcsc: probePcsc,
  readers: realReaders(systemClock),
});
// The native PC/SC package keeps a process alive that has used it.
process.stdout.write('', () => process.exit());
