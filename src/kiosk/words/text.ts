import type { ErrorText } from '../../shared/errors.ts';

/** One text in both languages. */
export function both(zh: string, en: string): ErrorText {
  return { zh, en };
}
