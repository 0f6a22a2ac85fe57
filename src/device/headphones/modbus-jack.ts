import type { ModbusBus } from '../modbus/bus.ts';
import type { Point } from '../modbus/types.ts';
import type { Headphones } from './types.ts';

/**
 * A jack whose switch is wired to an input of the module. One that cannot be read counts as pulled:
 * nothing that only headphones may say is said on a guess.
 */
export class ModbusJack implements Headphones {
  readonly #bus: Pick<ModbusBus, 'input' | 'failure' | 'onTurn'>;
  readonly #point: Point;

  constructor(bus: Pick<ModbusBus, 'input' | 'failure' | 'onTurn'>, point: Point) {
    this.#bus = bus;
    this.#point = point;
  }

  readonly plugged = (): boolean => this.#bus.input(this.#point) === true;
  readonly failure = (): string | null => {
    const f = this.#bus.failure();
    return f === null ? null : (f.detail ?? f.code);
  };
  readonly onChange = (listener: () => void): (() => void) => {
    const now = (): string => `${this.plugged()} ${this.failure() ?? ''}`;
    let was = now();
    return this.#bus.onTurn(() => {
      if (now() === was) return;
      was = now();
      listener();
    });
  };
  readonly close = (): Promise<void> => Promise.resolve();
}
