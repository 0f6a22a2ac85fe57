import { ERRORS } from '../../shared/errors.ts';
import type { ErrorCode, ErrorText, Failure } from '../../shared/errors.ts';

export type Level = 'OK' | 'WARN' | 'FAIL';
/** One finding. `action` says what to do about it; null where nothing is to be done. */
export interface Finding {
  readonly level: Level;
  /** What was looked at: `config`, `runtime`, `key-files`, … */
  readonly check: string;
  readonly code: ErrorCode | null;
  /** In English, as a program's reader has it; {@link Finding.zh} in Chinese. */
  readonly text: string;
  readonly action: string | null;
  readonly zh: { readonly text: string; readonly action: string | null };
}

/** What is the same in both languages: names, paths, the system's own words. */
export const as = (text: string): ErrorText => ({ zh: text, en: text });

/** A finding; without an action where nothing is to be done. */
export const found = (
  level: Level,
  check: string,
  text: ErrorText,
  action: ErrorText | null = null,
  code: ErrorCode | null = null,
): Finding => ({
  level,
  check,
  code,
  text: text.en,
  action: action?.en ?? null,
  zh: { text: text.zh, action: action?.zh ?? null },
});

/** A failure as a finding: its own words, and in Chinese what its code means before them. */
export const failed = (
  check: string,
  { code, detail }: Failure,
  action: ErrorText,
  level: Level = 'FAIL',
): Finding => {
  const { zh, en } = ERRORS[code].technician;
  const text = detail === undefined ? { zh, en } : { zh: `${zh}（${detail}）`, en: detail };
  return found(level, check, text, action, code);
};
