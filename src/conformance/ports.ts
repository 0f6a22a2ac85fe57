import { randomBytes } from 'node:crypto';
import { fetchSend } from '../shared/http.ts';
import type { HttpSend } from '../shared/http.ts';
import type { Clock, Random } from '../shared/ports.ts';

/** What a suite is given of the world. */
export interface SuitePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly send: HttpSend;
  /** A file, whole. @throws where there is none */
  readonly readText: (path: string) => string;
  readonly writeText: (path: string, text: string) => void;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The machine's clock, randomness and network. */
export const REAL: Pick<SuitePorts, 'clock' | 'random' | 'send'> = {
  clock: {
    nowMs: () => Date.now(),
    monoMs: () => performance.now(),
    after: (delayMs, fn) => {
      const timer = setTimeout(fn, delayMs);
      return () => clearTimeout(timer);
    },
  },
  random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
  send: fetchSend(fetch),
};
