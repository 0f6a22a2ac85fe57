import type { Door, DoorState } from '../device/door/types.ts';
import { SETTLE_MS } from '../device/ups/mains.ts';
import type { Ups, UpsStatus } from '../device/ups/types.ts';
import { failure } from '../shared/errors.ts';

/**
 * What stands around a simulated machine, over the ends of its processes: its mains with their UPS,
 * and its door. Told as the drivers tell it; their bytes have tests of their own.
 */
export class Cabinet {
  readonly #nowMs: () => number;
  /** Since when it is on battery, and since when this process hears of it. */
  #batterySinceMs = 0;
  #pluggedMs = 0;
  #mains: UpsStatus['mains'] = 'on';
  #low = false;
  #door: DoorState = 'closed';
  #listeners: { readonly ups: (() => void)[]; readonly door: (() => void)[] } = {
    ups: [],
    door: [],
  };

  /** @param nowMs of the timeline */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Nothing new may begin now. */
  get halts(): boolean {
    const sinceMs = Math.max(this.#batterySinceMs, this.#pluggedMs);
    return (
      this.#door === 'open' || (this.#mains === 'battery' && this.#nowMs() - sinceMs > SETTLE_MS)
    );
  }

  /** The mains fail or come back; `unknown`: upsd is away. */
  mains(mains: UpsStatus['mains'], low = false): void {
    if (mains === 'battery' && this.#mains !== 'battery') this.#batterySinceMs = this.#nowMs();
    this.#mains = mains;
    this.#low = low;
    for (const listener of this.#listeners.ups) listener();
  }
  get onMains(): boolean {
    return this.#mains === 'on';
  }
  door(state: DoorState): void {
    this.#door = state;
    for (const listener of this.#listeners.door) listener();
  }

  /** What a new process hears; the one before hears no more. */
  plugged(): { readonly ups: Ups; readonly door: Door } {
    const listeners = { ups: [] as (() => void)[], door: [] as (() => void)[] };
    this.#listeners = listeners;
    this.#pluggedMs = this.#nowMs();
    const onChange =
      (kind: 'ups' | 'door') =>
      (listener: () => void): (() => void) => {
        listeners[kind].push(listener);
        return () => void listeners[kind].splice(listeners[kind].indexOf(listener), 1);
      };
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      ups: {
        status: () => ({
          mains: this.#mains,
          low: this.#low,
          replace: false,
          chargePercent: null,
          runtimeS: null,
          said: '',
        }),
        failure: () => (this.#mains === 'unknown' ? failure('DEV-0301') : null),
        look: nothing,
        onChange: onChange('ups'),
        close: nothing,
      },
      door: { state: () => this.#door, look: nothing, onChange: onChange('door'), close: nothing },
    };
  }
}
