import type { Clock } from '../../shared/ports.ts';
import type { ReaderStatus } from '../types.ts';

/** The status of a reader and who listens to it. */
export class StatusBoard {
  #status: ReaderStatus;
  readonly #listeners = new Set<(status: ReaderStatus) => void>();

  constructor(initial: ReaderStatus) {
    this.#status = initial;
  }

  get(): ReaderStatus {
    return this.#status;
  }

  set(status: ReaderStatus): void {
    this.#status = status;
    const listeners = [...this.#listeners];
    for (const listener of listeners) listener(status);
  }

  on(listener: (status: ReaderStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Lets one exchange run at a time; those that wait check their insertion again when their turn
 * comes.
 */
export class Lane {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(job: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(job);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}

/** What a wait with a time-out came to. */
export type Waited<T> = { readonly done: true; readonly value: T } | { readonly done: false };

/** Waits for `promise`, but no longer than `timeoutMs` of the given clock. */
export function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  promise: Promise<T>,
): Promise<Waited<T>> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => {
      resolve({ done: false });
    });
    promise.then(
      (value) => {
        cancel();
        resolve({ done: true, value });
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
