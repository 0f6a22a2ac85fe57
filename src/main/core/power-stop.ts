import type { MainsWatch } from '../../device/ups/mains.ts';
import type { Ups } from '../../device/ups/types.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';

/** What an orderly stop stands on. */
export interface PowerStopOptions {
  readonly ups: Pick<Ups, 'status'>;
  readonly watch: Pick<MainsWatch, 'mains' | 'onChange'>;
  /** Nothing is on its way, and no motor holds a card. */
  readonly atRest: () => boolean;
  readonly clock: Clock;
  readonly log: LogFn;
  /** Closes everything but the UPS: nothing is begun or written any more. */
  readonly stop: () => Promise<void>;
  /** The mains are there again: a new core is to be started. */
  readonly again: () => void;
}

/**
 * A write, a receipt and a card that is given back are over by then; what is not is as safe as at
 * any cut. NUT's drivers say "low" two minutes before the end (battery.runtime.low 120), so most of
 * that is left for the machine's own shutdown.
 */
export const REST_MS = 30_000;
const LOOK_MS = 250;
/** Once stopped, and nobody knows of the mains for so long: upsd is gone, and its machine is not. */
export const UNKNOWN_MS = 600_000;
const WAIT_MS = 5_000;

/**
 * The orderly stop at the end of the battery: what is in flight ends, then the core closes its
 * journal, and waits for the mains or the end. The machine itself is shut down by NUT's upsmon,
 * which has the right to, and which has the UPS cut its output afterwards
 * (docs/decisions/0054-when-the-mains-fail.md).
 */
export class PowerStop {
  readonly #o: PowerStopOptions;
  readonly #unhook: () => void;
  #state: 'watching' | 'waiting' | 'stopping' | 'stopped' | 'over' = 'watching';
  #sinceMono = 0;
  #unknownSinceMono: number | null = null;
  #cancel: () => void = () => undefined;

  constructor(options: PowerStopOptions) {
    this.#o = options;
    this.#unhook = options.watch.onChange(() => this.#look());
    this.#look();
  }

  /** The process ends for another reason. */
  close(): void {
    this.#state = 'over';
    this.#cancel();
    this.#unhook();
  }

  #look(): void {
    this.#cancel();
    const { watch, clock, log } = this.#o;
    const isToStop = watch.mains() === 'stop';
    switch (this.#state) {
      case 'watching':
        if (!isToStop) return;
        this.#state = 'waiting';
        this.#sinceMono = clock.monoMs();
        log('warn', 'ups', 'the battery ends: stopping once nothing is in flight');
        return this.#wait();
      case 'waiting':
        if (isToStop) return this.#wait();
        this.#state = 'watching';
        log('info', 'ups', 'the mains are back: not stopped');
        return;
      case 'stopped':
        return this.#untilBack();
      case 'stopping':
      case 'over':
        return;
      default:
        this.#state satisfies never;
    }
  }

  #wait(): void {
    const { clock, atRest, log, stop } = this.#o;
    if (!atRest() && clock.monoMs() - this.#sinceMono < REST_MS) return this.#lookIn(LOOK_MS);
    this.#state = 'stopping';
    void stop().then(() => {
      if (this.#state !== 'stopping') return;
      this.#state = 'stopped';
      log('warn', 'ups', 'stopped in order; waiting for the mains or the end');
      this.#look();
    });
  }

  #untilBack(): void {
    const { watch, ups, clock, again } = this.#o;
    const nowMono = clock.monoMs();
    const isUnknown = ups.status().mains === 'unknown';
    this.#unknownSinceMono = isUnknown ? (this.#unknownSinceMono ?? nowMono) : null;
    // Unknown after a low battery is mostly upsd being stopped for the machine's own end.
    const isBack = isUnknown
      ? nowMono - (this.#unknownSinceMono ?? nowMono) >= UNKNOWN_MS
      : watch.mains() === 'on';
    if (!isBack) return this.#lookIn(WAIT_MS);
    this.close();
    again();
  }

  #lookIn(delayMs: number): void {
    this.#cancel = this.#o.clock.after(delayMs, () => this.#look());
  }
}
