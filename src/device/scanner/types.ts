import type { Failure } from '../../shared/errors.ts';

/**
 * A code scanner that looks at what a person holds before it. It is supervised: a line that is gone
 * comes back by itself.
 */
export interface Scanner {
  /** Null: it answers. DEV-0201 otherwise. */
  readonly failure: () => Failure | null;
  /** Calls back when that changes; returns an unsubscribe function. */
  readonly onChange: (listener: () => void) => () => void;
  /**
   * Every code that was read while it was looking, as text without its ending. It may be a payment
   * code: never log it.
   */
  readonly onCode: (listener: (code: string) => void) => () => void;
  /**
   * Lets it look, where the model has a trigger; idempotent. One without looks always, and is only
   * listened to meanwhile.
   */
  readonly look: (on: boolean) => void;
  readonly close: () => Promise<void>;
}
