import type { BillingClient } from '../../billing/types.ts';
import { before } from '../../journal/records.ts';
import type { Place } from '../../journal/records.ts';
import type { Journal } from '../../journal/journal.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';

const BATCH = 100;
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/**
 * Central hears so often where this journal stands even when there is nothing to send: that another
 * life of it went on elsewhere is seen then at the latest.
 */
export const SAY_HEAD_MS = 3_600_000;

export interface UploaderOptions {
  readonly journal: Journal;
  readonly billing: BillingClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogFn;
  /** Central answered (true) or was not reached (false). */
  readonly onReach: (up: boolean) => void;
  /**
   * Central holds other facts than ours under the same numbers, or more than this disk: selling
   * stops until a new epoch is granted.
   */
  readonly onFork: (f: Failure) => void;
  /**
   * `answered`: central knows this journal as it stood when this process began, or said that it
   * knows another one (after `onFork`). `away`: it was not reached. Told again and again.
   */
  readonly onHeard: (how: 'answered' | 'away') => void;
}

/**
 * Sends the outbox to central in order, for ever: nothing is dropped for failing. Full-jitter
 * back-off, pace set by central. At start and now and then it says where the journal stands though
 * nothing waits to be sent.
 */
export class Uploader {
  readonly #o: UploaderOptions;
  #running = false;
  #stopped = false;
  #fails = 0;
  #cancel: () => void = () => undefined;
  /** When central last heard where the journal stands. */
  #saidMono = Number.NEGATIVE_INFINITY;
  /** The head when this process began. */
  readonly #begin: Place;

  constructor(options: UploaderOptions) {
    this.#o = options;
    this.#begin = options.journal.head;
  }

  /** Something is there to send. While backing off the wait goes on. */
  kick(): void {
    if (!this.#running && this.#fails === 0) this.#schedule(20);
  }

  /** Says where the journal stands, though nothing waits to be sent and the hour is not over. */
  sayHead(): void {
    this.#saidMono = Number.NEGATIVE_INFINITY;
    this.kick();
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
    const { journal, billing, clock, log, onHeard } = this.#o;
    const waits = this.#headWaitMs();
    const { head } = journal;
    const batch =
      journal.unsent(BATCH) ??
      (waits > 0
        ? null
        : { epoch: head.epoch, fromSeq: head.seq + 1, prevHash: head.hash, events: [] });
    if (batch === null) {
      // Nothing is left that failed (central refused it for good): what comes next is sent at once.
      this.#fails = 0;
      this.#schedule(waits);
      return;
    }
    const { epoch } = batch;
    const onlyHead = batch.events.length === 0;
    const last = batch.events.at(-1)?.seq ?? head.seq;
    // Durable first: from here on central may know these facts, whatever becomes of the answer.
    if (!onlyHead) journal.noteSent(epoch, last);
    this.#running = true;
    const result = await billing.upload(batch);
    this.#running = false;
    if (this.#stopped) return;
    const fork = (f: Failure): void => {
      // What central will not take is kept here and shown; what a new epoch brings is sent.
      journal.strand(epoch, batch.fromSeq);
      // Of an epoch that is over: the present one was granted since, and goes on.
      if (epoch === journal.epoch) {
        this.#o.onFork(f);
        onHeard('answered');
      } else log('error', 'upload', describeFailure(f));
      this.#again();
    };
    switch (result.kind) {
      case 'acked':
        this.#o.onReach(true);
        this.#fails = 0;
        if (result.answer.quarantined.length > 0)
          log('error', 'upload', 'central quarantined events', { seqs: result.answer.quarantined });
        if (!journal.acknowledge(epoch, result.answer.ackSeq, result.answer.ackHash)) {
          fork(
            failure(
              'BILL-0104',
              `central holds ${result.answer.ackSeq > head.seq && epoch === head.epoch ? `${result.answer.ackSeq} events of epoch ${epoch}, this disk ${head.seq}: an old disk?` : `another event ${result.answer.ackSeq} of epoch ${epoch}`}`,
            ),
          );
          return;
        }
        this.#saidMono = clock.monoMs();
        if (!before({ epoch, seq: result.answer.ackSeq }, this.#begin)) onHeard('answered');
        this.#schedule(Math.max(20, result.answer.nextUploadAfterMs));
        return;
      case 'gap':
        this.#o.onReach(true);
        log('warn', 'upload', 'central asks from another event', {
          epoch,
          expectedSeq: result.expectedSeq,
        });
        if (result.expectedSeq > last + 1) {
          fork(
            failure(
              'BILL-0104',
              `central holds ${result.expectedSeq - 1} events of epoch ${epoch}, this disk ${last}: an old disk?`,
            ),
          );
          return;
        }
        // Refused before, or let go because central held it: asking on would go on for ever.
        if (!journal.resendFrom(epoch, result.expectedSeq)) {
          fork(
            failure(
              'BILL-0104',
              `central asks for event ${result.expectedSeq} of epoch ${epoch}, which cannot be sent`,
            ),
          );
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
        if (onlyHead) {
          // A newer epoch of this terminal is in use: this disk, or that one, is a copy.
          if (result.failure.code === 'BILL-0104') {
            fork(result.failure);
            return;
          }
          this.#saidMono = clock.monoMs();
        }
        log('error', 'upload', describeFailure(result.failure));
        this.#again();
        return;
      case 'away':
        this.#o.onReach(false);
        onHeard('away');
        this.#again();
        return;
    }
  }

  /**
   * How long until central is to hear where the journal stands. What it does not take now need not
   * be said again.
   */
  #headWaitMs(): number {
    const { journal, clock } = this.#o;
    const condition = journal.condition();
    if (condition.kind !== 'good' && !condition.epochGranted) return SAY_HEAD_MS;
    return Math.max(0, this.#saidMono + SAY_HEAD_MS - clock.monoMs());
  }

  #again(): void {
    const cap = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(this.#fails, 10));
    this.#fails += 1;
    const [a = 0, b = 0] = this.#o.random.bytes(2);
    this.#schedule(Math.max(200, Math.floor((cap * (a * 256 + b)) / 65_536)));
  }
}
