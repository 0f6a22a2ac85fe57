import type { CardGate } from '../../card/types.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { err } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { Needs } from './service.ts';

/** A card that a jammed motor did not give back is tried again this often. */
const AGAIN_MS = 5_000;

/** The card is being read or written: whatever the visit needs, it stays. */
function inUse(state: KioskState): boolean {
  return state.cardBusy || [...state.orders.values()].some((o) => o.writing);
}

/**
 * Works a motor reader's gate by what the visit needs: shut where no card may come in, and the card
 * is given back once nobody needs it.
 */
export class GateKeeper {
  readonly #gate: CardGate;
  readonly #clock: Clock;
  readonly #log: LogFn;
  readonly #again: () => void;
  #accepting: boolean | null = null;
  /** The insertion that was told to leave. */
  #leaving: number | null = null;

  /** @param again looks once more: something could not be done */
  constructor(gate: CardGate, clock: Clock, log: LogFn, again: () => void) {
    this.#gate = gate;
    this.#clock = clock;
    this.#log = log;
    this.#again = again;
  }

  look(state: KioskState, needs: Needs): void {
    const { reader } = state;
    if (reader.state === 'offline') {
      // It forgets what it was told.
      this.#accepting = null;
      this.#leaving = null;
      return;
    }
    const accepting = needs.card !== 'shut';
    if (accepting !== this.#accepting) {
      this.#accepting = accepting;
      void this.#gate.accept(accepting).then((done) => {
        if (!done.ok)
          this.#failed(describeFailure(done.error), () => {
            this.#accepting = null;
          });
      });
    }
    if (
      (reader.state !== 'present' && reader.state !== 'mute') ||
      reader.insertion === this.#leaving ||
      needs.card === 'in' ||
      inUse(state)
    )
      return;
    const { insertion } = reader;
    this.#leaving = insertion;
    void this.#gate.eject().then((done) => {
      if (!done.ok)
        this.#failed(describeFailure(done.error), () => {
          if (this.#leaving === insertion) this.#leaving = null;
        });
    });
  }

  /**
   * Takes the card of this insertion into the bin. What did not go is held out again (CARD-0111,
   * CARD-0107); another insertion, or a card in use, is left alone (CARD-0102).
   */
  async capture(insertion: number, state: KioskState): Promise<Result<void, Failure>> {
    if (state.reader.insertion !== insertion || inUse(state))
      return err(failure('CARD-0102', 'the card is not the one that was left'));
    const done = await this.#gate.capture();
    if (!done.ok) {
      this.#leaving = null;
      this.#again();
    }
    return done;
  }

  #failed(why: string, forget: () => void): void {
    this.#log('warn', 'card', `gate: ${why}`);
    this.#clock.after(AGAIN_MS, () => {
      forget();
      this.#again();
    });
  }
}
