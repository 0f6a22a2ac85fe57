import { servePcsc } from './serve.ts';

// The process that holds the PC/SC package; started by a reader's driver
// (src/card/readers/pcsc-process.ts) and by nobody else.
if (process.send !== undefined) servePcsc();
else {
  process.stderr.write('this program is started by the card reader’s driver\n');
  process.exitCode = 2;
}
