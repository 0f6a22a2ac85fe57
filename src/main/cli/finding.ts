import { ERRORS } from '../../shared/errors.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';

export type Level = 'OK' | 'WARN' | 'FAIL';
/** One finding. `action` says what to do about it; null where nothing is to be done. */
export interface Finding {
  readonly level: Level;
  /** What was looked at: `config`, `runtime`, `key-files`, … */
  readonly check: string;
  readonly code: ErrorCode | null;
  readonly text: string;
  readonly action: string | null;
}

/** A finding; without an action where nothing is to be done. */
export const found = (
  level: Level,
  check: string,
  text: string,
  action: string | null = null,
  code: ErrorCode | null = null,
): Finding => ({ level, check, code, text, action });

/** A failure as a finding, in its own words. */
export const failed = (check: string, f: Failure, action: string, level: Level = 'FAIL'): Finding =>
  found(level, check, f.detail ?? ERRORS[f.code].technician.en, action, f.code);
