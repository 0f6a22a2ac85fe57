import type { Clock } from '../../shared/ports.ts';
import type { Ups } from './types.ts';

/**
 * How the machine stands to the mains. `on` also where nobody knows. `battery`: nothing new begins.
 * `stop`: everything is to be closed now.
 */
export type Mains = 'on' | 'battery' | 'stop';

export interface MainsOptions {
  readonly ups: Pick<Ups, 'status' | 'failure' | 'onChange'>;
  readonly clock: Clock;
  /** So long on battery, and the machine stops though the battery is not low; null: it does not. */
  readonly stopAfterMs: number | null;
}

/** A flicker of the mains, which the UPS bridges, stops nobody. */
export const SETTLE_MS = 3_000;
/** What comes back goes away again soon, more often than not: nothing is begun before. */
export const BACK_MS = 10_000;
/**
 * Who was on battery and is not heard any more is believed to be so for a while: the switch between
 * may have lost its power, or upsd be stopping. After that nobody knows, and that stops nothing.
 */
export const LOST_MS = 60_000;

/**
 * What follows for the machine from what its UPS says: short changes are waited out, and one that
 * is not heard counts as on mains, but for a moment after it was on battery.
 */
export class MainsWatch {
  readonly #o: MainsOptions;
  readonly #changed = new Set<() => void>();
  readonly #unhook: () => void;
  #mains: Mains = 'on';
  /** Since when it is on battery, settled or not; null: it is not. */
  #batterySinceMono: number | null = null;
  /** Since when what it says is not on battery any more, while it still counts so. */
  #backSinceMono: number | null = null;
  /** Since when it says that the mains are there, without a break, while it still counts so. */
  #onSinceMono: number | null = null;
  #cancel: () => void = () => undefined;

  constructor(options: MainsOptions) {
    this.#o = options;
    this.#unhook = options.ups.onChange(() => this.#look());
    this.#look();
  }

  readonly mains = (): Mains => this.#mains;
  /** Calls back when that changes; returns an unsubscribe function. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  };
  readonly close = (): void => {
    this.#unhook();
    this.#cancel();
  };

  #look(): void {
    const { ups, clock } = this.#o;
    this.#cancel();
    this.#cancel = () => undefined;
    const { mains, low } = ups.status();
    const nowMono = clock.monoMs();
    if (mains === 'battery') this.#onBattery(nowMono, low);
    else this.#notOnBattery(nowMono, mains === 'on');
  }

  #onBattery(nowMono: number, low: boolean): void {
    this.#backSinceMono = null;
    this.#onSinceMono = null;
    this.#batterySinceMono ??= nowMono;
    const { stopAfterMs } = this.#o;
    const forMs = nowMono - this.#batterySinceMono;
    // A battery that is low does not wait for anything to settle.
    if (low || (stopAfterMs !== null && forMs >= stopAfterMs)) return this.#set('stop');
    // Once it was to stop, only the mains undo that.
    if (this.#mains === 'stop') return;
    if (forMs >= SETTLE_MS) this.#set('battery');
    const nextMs = forMs < SETTLE_MS ? SETTLE_MS - forMs : (stopAfterMs ?? Infinity) - forMs;
    if (Number.isFinite(nextMs)) this.#wake(nextMs);
  }

  #notOnBattery(nowMono: number, isOn: boolean): void {
    if (this.#mains === 'on') return this.#forget();
    this.#backSinceMono ??= nowMono;
    this.#onSinceMono = isOn ? (this.#onSinceMono ?? nowMono) : null;
    const leftMs =
      Math.min(this.#backSinceMono + LOST_MS, (this.#onSinceMono ?? Infinity) + BACK_MS) - nowMono;
    if (leftMs > 0) return this.#wake(leftMs);
    this.#forget();
    this.#set('on');
  }

  #forget(): void {
    this.#batterySinceMono = null;
    this.#backSinceMono = null;
    this.#onSinceMono = null;
  }

  #wake(delayMs: number): void {
    this.#cancel = this.#o.clock.after(delayMs, () => this.#look());
  }

  #set(mains: Mains): void {
    if (mains === this.#mains) return;
    this.#mains = mains;
    for (const listener of this.#changed) listener();
  }
}
