import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { Clock } from '../shared/ports.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { systemClock } from './ports.ts';

/**
 * Names the file that tells how far a demo hall's wall clock is from the machine's, in whole
 * milliseconds. All its processes read the same one, again and again: the dock sets their clocks
 * while they run, so that a day's bills or a new year come when somebody wants to see them. In demo
 * mode only.
 */
export const CLOCK_FILE = 'PILOTLIGHT_CLOCK_FILE';
/** That file's name in a demo hall's data, beside its terminal.json. */
export const CLOCK_NAME = 'clock-shift-ms';
/** How soon a clock that was set is seen. */
const READ_EVERY_MS = 250;

/** What stands in the file, ms; 0 where there is none. @throws Error where it is no number */
export function shiftIn(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  const shiftMs = Number(text);
  if (text === '' || !Number.isSafeInteger(shiftMs))
    throw new Error(`${file}: “${text.slice(0, 40)}” is no number of milliseconds`);
  return shiftMs;
}

/**
 * The machine's clock, or in demo mode one that is set by a file. Only the wall time moves: what is
 * measured runs as it does.
 *
 * @returns CONF-0101 where a production kiosk's clock would be set by a file, or by no number
 */
export function clockOf(
  env: Readonly<Record<string, string | undefined>>,
  mode: 'demo' | 'production',
  machine: Clock = systemClock,
): Result<Clock, Failure> {
  const file = env[CLOCK_FILE];
  if (file === undefined || file === '') return ok(machine);
  if (mode !== 'demo')
    return err(failure('CONF-0101', `${CLOCK_FILE} sets the clock: it is for demo mode only`));
  let shiftMs: number;
  try {
    shiftMs = shiftIn(file);
  } catch (error) {
    return err(failure('CONF-0101', (error as Error).message));
  }
  let readMono = machine.monoMs();
  const nowMs = (): number => {
    const monoMs = machine.monoMs();
    if (monoMs - readMono >= READ_EVERY_MS) {
      readMono = monoMs;
      try {
        shiftMs = shiftIn(file);
      } catch {
        // Read while it was being written by hand: the clock goes on as it went.
      }
    }
    return machine.nowMs() + shiftMs;
  };
  return ok({ ...machine, nowMs });
}

/**
 * The clock by which a command looks at the kiosk of this configuration: beside a demo hall's
 * terminal.json that hall's, else central would refuse what is signed by another day's clock; for a
 * kiosk that sells, the machine's.
 */
export function clockBeside(
  { config, baseDir }: { readonly config: { readonly mode: string }; readonly baseDir: string },
  machine: Clock,
): Clock {
  if (config.mode !== 'demo') return machine;
  const clock = clockOf({ [CLOCK_FILE]: join(baseDir, CLOCK_NAME) }, 'demo', machine);
  return clock.ok ? clock.value : machine;
}

/** The clock of a demo hall's own processes. @throws Error where it is set by no number */
export function hallClock(): Clock {
  const clock = clockOf(process.env, 'demo');
  if (!clock.ok) throw new Error(clock.error.detail);
  return clock.value;
}
