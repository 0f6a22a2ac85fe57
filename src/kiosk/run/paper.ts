import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

/** What became of a paper: DEV-0102 is one of which a part may be out. */
export const paperOf = (printed: Result<void, Failure>): 'printed' | 'partly' | 'failed' =>
  printed.ok ? 'printed' : printed.error.code === 'DEV-0102' ? 'partly' : 'failed';
