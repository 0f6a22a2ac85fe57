/**
 * The machine's door. `unknown`: it cannot be read, and was not open when it last could. One that
 * was open stays so until it is read as closed: who cuts the line behind it closes nothing.
 */
export type DoorState = 'closed' | 'open' | 'unknown';

/** Watches the door's contact. */
export interface Door {
  readonly state: () => DoorState;
  /** Calls back when that changes; returns an unsubscribe function. */
  readonly onChange: (listener: () => void) => () => void;
  /** Asks now. */
  readonly look: () => Promise<void>;
  readonly close: () => Promise<void>;
}
