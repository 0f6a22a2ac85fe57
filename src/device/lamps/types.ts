/** What a machine can light and sound. */
export const SIGNALS = ['card', 'scanner', 'printer', 'alarm'] as const;
/** See {@link SIGNALS}. */
export type Signal = (typeof SIGNALS)[number];
/** What is lit now. */
export type Signals = Readonly<Record<Signal, boolean>>;

/** The machine's lamps, and what calls its staff. */
export interface Lamps {
  readonly show: (signals: Signals) => void;
  /** Those that are wired. */
  readonly fitted: readonly Signal[];
  /** Lights one and reads back that it is; false: it is not. */
  readonly prove: (signal: Signal) => Promise<boolean>;
  /** Null: they are driven. Otherwise why not, for technicians. */
  readonly failure: () => string | null;
  readonly onChange: (listener: () => void) => () => void;
  readonly look: () => Promise<void>;
}
