import type { BillingClient } from '../../billing/types.ts';
import type { Journal } from '../../journal/journal.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { DAY_MS } from '../../shared/time.ts';

/** What central did not hear, or did not take, is sent again after so long. */
const AGAIN_MS = 60_000;
/** How often it is looked whether something is to be forgotten. */
const LOOK_MS = 3_600_000;
/** A machine's requests of an hour are counted by them. */
const KEEP_AT_LEAST_MS = 3_600_000;
/** What nobody takes is no use to anybody any more: central has said for weeks that it is missing. */
const OLDEST_MS = 90 * DAY_MS;
/** So many are looked at: more than any that nobody takes stand before. */
const SOME = 1_000;
const SOON_MS = 20;

export interface RequestPartsOptions {
  readonly journal: Journal;
  readonly billing: Pick<BillingClient, 'requests'>;
  readonly clock: Clock;
  readonly log: LogFn;
  /** The policy's `requests.keepDays.kiosk`; null: not known. */
  readonly keepDays: () => number | null;
}

/**
 * Sends what identifies the customers of requests to central, after the facts that hold its hash,
 * and deletes it once central has it and the policy's days are over. Central takes each once.
 */
export class RequestParts {
  readonly #o: RequestPartsOptions;
  #running = false;
  /** Kicked while it ran. */
  #kicked = false;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #forgotMono = Number.NEGATIVE_INFINITY;

  constructor(options: RequestPartsOptions) {
    this.#o = options;
  }

  /** Central is there, or has just taken facts: what waits is sent. */
  kick(): void {
    if (this.#running) this.#kicked = true;
    else this.#schedule(SOON_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(ms: number): void {
    this.#cancel();
    if (!this.#stopped) this.#cancel = this.#o.clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    const again = await this.#send();
    this.#running = false;
    if (this.#stopped) return;
    this.#forget();
    this.#schedule(this.#kicked ? SOON_MS : again ? AGAIN_MS : LOOK_MS);
    this.#kicked = false;
  }

  /** @returns whether something is left that central did not take */
  async #send(): Promise<boolean> {
    const { journal, billing, log } = this.#o;
    for (let left = false; ;) {
      const parts = journal.unsentParts(SOME);
      if (parts.length === 0) return left;
      for (const { number, sealed } of parts) {
        const sent = await billing.requests.sendSealed(number, sealed);
        if (this.#stopped) return false;
        if (sent.ok) {
          journal.partTaken(number);
          continue;
        }
        left = true;
        log('warn', 'upload', describeFailure(sent.error), { number });
        // Away: so it is for the others.
        if (sent.error.code === 'BILL-0101') return true;
      }
      // What it refuses stays first in the line: the others are sent all the same, and then it waits.
      if (left) return true;
    }
  }

  #forget(): void {
    const { journal, clock, keepDays } = this.#o;
    const days = keepDays();
    if (days === null || clock.monoMs() - this.#forgotMono < LOOK_MS) return;
    this.#forgotMono = clock.monoMs();
    journal.forgetParts(Math.max(days * DAY_MS, KEEP_AT_LEAST_MS), OLDEST_MS);
  }
}
