import type { BillingClient } from '../billing/types.ts';
import type { Journal } from '../journal/journal.ts';
import { describeFailure, failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { Clock, LogFn, Random } from '../shared/ports.ts';

const BATCH = 100;
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;

export interface UploaderOptions {
  readonly journal: Journal;
  readonly billing: BillingClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogFn;
  /** Central answered (true) or was not reached (false). */
  readonly onReach: (up: boolean) => void;
  /** Central holds other facts than ours under the same numbers, or more than this disk: selling stops until a new epoch is granted. */
  readonly onFork: (f: Failure) => void;
}

/** Sends the outbox to central in order, for ever: nothing is dropped for failing. Full-jitter back-off, pace set by central. */
export class Uploader {
  readonly #o: UploaderOptions;
  #running = false;
  #stopped = false;
  #fails = 0;
  #cancel: () => void = () => undefined;

  constructor(options: UploaderOptions) {
    this.#o = options;
  }

  /** Something is there to send. While backing off the wait goes on. */
  kick(): void {
    if (!this.#running && this.#fails === 0) this.#schedule(20);
  }

  /** Central is seen to be there again: no more waiting. */
  centralIsBack(): void {
    this.#fails = 0;
    if (!this.#running) this.#schedule(20);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(ms: number): void {
    this.#cancel();
    if (!this.#stopped) this.#cancel = this.#o.clock.after(ms, () => void this.#send());
  }

  async #send(): Promise<void> {
    if (this.#running || this.#stopped) return;
    const { journal, billing, log } = this.#o;
    const batch = journal.unsent(BATCH);
    if (batch === null) {
      // Nothing is left that failed (central refused it for good): what comes next is sent at once.
      this.#fails = 0;
      return;
    }
    const { epoch } = batch;
    const last = batch.events.at(-1)?.seq ?? 0;
    // Durable first: from here on central may know these facts, whatever becomes of the answer.
    journal.noteSent(epoch, last);
    this.#running = true;
    const result = await billing.upload(batch);
    this.#running = false;
    if (this.#stopped) return;
    const fork = (f: Failure): void => {
      // What central will not take is kept here and shown; what a new epoch brings is sent.
      journal.strand(epoch, batch.fromSeq);
      // Of an epoch that is over: the present one was granted since, and goes on.
      if (epoch === journal.epoch) this.#o.onFork(f);
      else log('error', 'upload', describeFailure(f));
      this.#again();
    };
    switch (result.kind) {
      case 'acked':
        this.#o.onReach(true);
        this.#fails = 0;
        if (result.answer.quarantined.length > 0) log('error', 'upload', 'central quarantined events', { seqs: result.answer.quarantined });
        if (!journal.acknowledge(epoch, result.answer.ackSeq, result.answer.ackHash)) {
          fork(failure('BILL-0104', `central holds another event ${result.answer.ackSeq} of epoch ${epoch}`));
          return;
        }
        this.#schedule(Math.max(20, result.answer.nextUploadAfterMs));
        return;
      case 'gap':
        this.#o.onReach(true);
        log('warn', 'upload', 'central asks from another event', { epoch, expectedSeq: result.expectedSeq });
        if (result.expectedSeq > last + 1) {
          fork(failure('BILL-0104', `central holds ${result.expectedSeq - 1} events of epoch ${epoch}, this disk ${last}: an old disk?`));
          return;
        }
        // Refused before, or let go because central held it: asking on would go on for ever.
        if (!journal.resendFrom(epoch, result.expectedSeq)) {
          fork(failure('BILL-0104', `central asks for event ${result.expectedSeq} of epoch ${epoch}, which cannot be sent`));
          return;
        }
        this.#again();
        return;
      case 'fork':
        this.#o.onReach(true);
        fork(result.failure);
        return;
      case 'refused':
        this.#o.onReach(true);
        log('error', 'upload', describeFailure(result.failure));
        this.#again();
        return;
      case 'away':
        this.#o.onReach(false);
        this.#again();
        return;
    }
  }

  #again(): void {
    const cap = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(this.#fails, 10));
    this.#fails += 1;
    const [a = 0, b = 0] = this.#o.random.bytes(2);
    this.#schedule(Math.max(200, Math.floor((cap * (a * 256 + b)) / 65_536)));
  }
}
