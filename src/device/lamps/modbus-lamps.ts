import type { ModbusBus } from '../modbus/bus.ts';
import type { Point } from '../modbus/types.ts';
import { SIGNALS } from './types.ts';
import type { Lamps, Signal, Signals } from './types.ts';

/** Lamps at the outputs of the module. */
export class ModbusLamps implements Lamps {
  readonly #bus: ModbusBus;
  readonly #points: Readonly<Partial<Record<Signal, Point>>>;

  constructor(bus: ModbusBus, points: Readonly<Partial<Record<Signal, Point>>>) {
    this.#bus = bus;
    this.#points = points;
  }

  get fitted(): readonly Signal[] {
    return SIGNALS.filter((signal) => this.#points[signal] !== undefined);
  }
  readonly show = (signals: Signals): void => {
    for (const signal of SIGNALS) {
      const point = this.#points[signal];
      if (point !== undefined) this.#bus.want(point, signals[signal]);
    }
  };
  readonly prove = (signal: Signal): Promise<boolean> => {
    const point = this.#points[signal];
    return point === undefined ? Promise.resolve(false) : this.#bus.proves(point);
  };
  readonly failure = (): string | null => {
    const f = this.#bus.failure();
    return f === null ? null : (f.detail ?? f.code);
  };
  readonly onChange = (listener: () => void): (() => void) => {
    let was = this.failure();
    return this.#bus.onTurn(() => {
      const now = this.failure();
      if (now === was) return;
      was = now;
      listener();
    });
  };
  readonly look = (): Promise<void> => this.#bus.look();
}
