import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SlipTrace } from '../../device/printer/escpos-printer.ts';
import type { LogFn } from '../../shared/ports.ts';

/**
 * A file in the data folder says that a slip was begun: whoever comes up after a kill parts it from
 * the next one. A folder that cannot be written keeps nobody from printing.
 */
export function slipTrace(dataDir: string, log: LogFn): SlipTrace {
  const file = join(dataDir, 'slip-begun');
  return {
    begun: () => existsSync(file),
    note: (begun) => {
      try {
        if (begun) writeFileSync(file, '');
        else rmSync(file, { force: true });
      } catch (cause) {
        log('warn', 'printer', `cannot keep ${file}`, cause);
      }
    },
  };
}
