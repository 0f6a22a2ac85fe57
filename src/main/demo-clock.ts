import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { Clock } from '../shared/ports.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { systemClock } from './ports.ts';

/**
 * How far a demo hall's wall clock is from the machine's, ms: one word for all its processes, so
 * that a year can be seen to turn. In demo mode only.
 */
export const CLOCK_SHIFT = 'PILOTLIGHT_CLOCK_SHIFT_MS';

/**
 * The machine's clock, or in demo mode one that is so far from it. Only the wall time moves: what
 * is measured runs as it does.
 *
 * @returns CONF-0101 where it is shifted in production, or by no number
 */
export function clockOf(
  env: Readonly<Record<string, string | undefined>>,
  mode: 'demo' | 'production',
): Result<Clock, Failure> {
  const word = env[CLOCK_SHIFT];
  if (word === undefined || word === '') return ok(systemClock);
  if (mode !== 'demo')
    return err(failure('CONF-0101', `${CLOCK_SHIFT} shifts the clock: it is for demo mode only`));
  const shiftMs = Number(word);
  if (!Number.isSafeInteger(shiftMs))
    return err(failure('CONF-0101', `${CLOCK_SHIFT}: ${word} is no number of milliseconds`));
  return ok({ ...systemClock, nowMs: () => systemClock.nowMs() + shiftMs });
}

/** The clock of a demo hall's own processes. @throws Error where the word is no number */
export function hallClock(): Clock {
  const clock = clockOf(process.env, 'demo');
  if (!clock.ok) throw new Error(clock.error.detail);
  return clock.value;
}
