/**
 * The jack for headphones. Whoever listens by them hears what no loudspeaker says, so the driver
 * says that they are plugged in only where the jack said so last and can be heard now. It is
 * supervised: a jack that is gone comes back by itself.
 */
export interface Headphones {
  readonly plugged: () => boolean;
  /** Null: the jack is listened to. Otherwise why not, for technicians. */
  readonly failure: () => string | null;
  /** Calls back when either changes; returns an unsubscribe function. */
  readonly onChange: (listener: () => void) => () => void;
  readonly close: () => Promise<void>;
}
