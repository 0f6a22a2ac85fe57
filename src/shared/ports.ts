/**
 * What the outside world gives: time, randomness. Everything below `main` receives these; nothing
 * below `main` calls the real ones, so that tests and the simulation can own them (linted).
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. Never used to order events. */
  nowMs(): number;
  /**
   * Monotonic milliseconds since an arbitrary start; for durations and deadlines inside one
   * process.
   */
  monoMs(): number;
  /**
   * Runs `fn` once after `delayMs`; returns a cancel function that may be called at any time, any
   * number of times.
   */
  after(delayMs: number, fn: () => void): () => void;
}

/** Cryptographically strong randomness in production; seeded in the simulation. */
export interface Random {
  bytes(length: number): Uint8Array;
}

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** A log line for technicians: never money-critical, never personal data. */
export type LogFn = (
  level: 'debug' | 'info' | 'warn' | 'error',
  room: string,
  message: string,
  detail?: unknown,
) => void;

/**
 * Signs bytes with one private key. A port, so that the simulation can run thousands of sessions a
 * minute; production signs with the real algorithm.
 */
export interface Signer {
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** Verifies a signature over bytes with one public key. Never throws for a bad signature. */
export interface Verifier {
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => boolean;
}

/** Which key it is, to whoever holds several; no secret. The same for both halves of a pair. */
export interface KeyId {
  readonly keyId: string;
}

/** One's own key: signs, and knows its own signatures again. */
export type SigningKey = Signer & Verifier & KeyId;
