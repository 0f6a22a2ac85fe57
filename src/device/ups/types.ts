import type { Failure } from '../../shared/errors.ts';

/** What an uninterruptible power supply says of itself. */
export interface UpsStatus {
  /** `unknown`: nobody can tell. That is never the same as `battery`. */
  readonly mains: 'on' | 'battery' | 'unknown';
  /** The battery is almost empty, or a shutdown was ordered: what is not done soon is not done. */
  readonly low: boolean;
  /** The battery is worn, says the UPS. */
  readonly replace: boolean;
  /** Percent; null: it does not say. */
  readonly chargePercent: number | null;
  /** How long the battery lasts; null: it does not say. */
  readonly runtimeS: number | null;
  /** Its own words, for staff. */
  readonly said: string;
}

/** A UPS that is asked again and again; one that is away comes back by itself. */
export interface Ups {
  /** As last heard. */
  readonly status: () => UpsStatus;
  /** Null: it answers. DEV-0301 otherwise. */
  readonly failure: () => Failure | null;
  /** Asks now; resolves once it answered, or did not. */
  readonly look: () => Promise<void>;
  /** Calls back when either changes; returns an unsubscribe function. */
  readonly onChange: (listener: () => void) => () => void;
  readonly close: () => Promise<void>;
}
