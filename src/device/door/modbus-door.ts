import type { ModbusBus } from '../modbus/bus.ts';
import type { Point } from '../modbus/types.ts';
import type { Door, DoorState } from './types.ts';

/** A contact bounces; so many looks that agree are believed. */
export const AGREE = 3;

/**
 * The door's contact at an input of the module: it is closed, and the input on, while the door is
 * closed. So a wire that is cut, or a contact that fell off, reads as an open door. `invert`: a
 * contact that is on while the door is open, of which a cut wire reads as closed.
 */
export class ModbusDoor implements Door {
  readonly #bus: Pick<ModbusBus, 'input' | 'onTurn' | 'look'>;
  readonly #point: Point;
  readonly #changed = new Set<() => void>();
  readonly #off: () => void;
  #state: DoorState = 'unknown';
  #last: boolean | null = null;
  #agreed = 0;

  constructor(bus: Pick<ModbusBus, 'input' | 'onTurn' | 'look'>, point: Point) {
    this.#bus = bus;
    this.#point = point;
    this.#off = bus.onTurn(() => this.#look());
  }

  readonly state = (): DoorState => this.#state;
  readonly onChange = (listener: () => void): (() => void) => {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  };
  readonly look = (): Promise<void> => this.#bus.look();
  readonly close = (): Promise<void> => {
    this.#off();
    return Promise.resolve();
  };

  #look(): void {
    const closed = this.#bus.input(this.#point);
    this.#agreed = closed === this.#last ? this.#agreed + 1 : 1;
    this.#last = closed;
    if (closed === null) return this.#set(this.#state === 'open' ? 'open' : 'unknown');
    if (this.#agreed >= AGREE) this.#set(closed ? 'closed' : 'open');
  }

  #set(state: DoorState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#changed) listener();
  }
}
