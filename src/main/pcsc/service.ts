import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pcscProcess } from '../../card/index.ts';
import type { PcscService } from '../../card/index.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';

/** The PC/SC process's program, beside this file or bundle: from the sources, built, or installed. */
const ENTRIES = ['./main.ts', '../pcsc/pcsc.mjs', './pcsc.mjs'];

/** The PC/SC service for a reader's driver, each life of it in a process of its own. */
export function pcscService(clock: Clock, log: LogFn): PcscService {
  return () => {
    const entry = ENTRIES.map((file) => fileURLToPath(new URL(file, import.meta.url))).find(
      (file) => existsSync(file),
    );
    if (entry === undefined)
      throw new Error('the PC/SC process’s program (pcsc.mjs) is not installed beside this one');
    return pcscProcess({ entry, clock, log })();
  };
}
