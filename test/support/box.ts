import { fileURLToPath } from 'node:url';
import { ProcessReader, processLayout } from '../../src/card/index.ts';
import { demoKeys } from '../unit/card/rig.ts';
import { systemClock } from './clock.ts';

const ADAPTER = fileURLToPath(new URL('../../src/demo/adapters/card-service.ts', import.meta.url));

/** The sample adapter as a layout, over the card service at this address. */
export function boxLayout(base: string): ReturnType<typeof processLayout> {
  return processLayout({
    id: 'BOX-1',
    command: [process.execPath, ADAPTER, 'layout', 'BOX-1', base],
    cwd: process.cwd(),
    atrs: ['3B0443415244'],
    acceptance: 'count-exact',
    keys: demoKeys,
    clock: systemClock,
    log: () => undefined,
  });
}

/** The same as a reader. */
export function boxReader(base: string): ProcessReader {
  return new ProcessReader({
    id: 'box',
    command: [process.execPath, ADAPTER, 'reader', base],
    cwd: process.cwd(),
    hasGate: false,
    clock: systemClock,
    log: () => undefined,
  });
}
