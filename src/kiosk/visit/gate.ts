import type { CardGate } from '../../card/types.ts';
import type { Snapshot } from '../../shared/contract/index.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import type { KioskState } from '../state/kiosk.ts';

/** A card that a jammed motor did not give back is tried again this often. */
const AGAIN_MS = 5_000;

/**
 * True while the visit still has use for the card that is in: it is read, sold to, paid for or
 * written.
 */
export function needsCard(state: KioskState, shown: Snapshot): boolean {
  const { session } = state;
  if (
    state.cardBusy ||
    [...state.orders.values()].some((o) => o.writing) ||
    (session.at === 'assist' && session.stage === 'writing')
  )
    return true;
  switch (shown.screen) {
    case 'reading':
    case 'card-info':
    case 'amount':
    case 'pay':
    case 'writing':
    case 'maintenance':
    case 'maintenance-pin':
      return true;
    case 'unfinished':
      return shown.state === 'found' || shown.state === 'finishing';
    case 'in-doubt':
      // Central's word is waited for, and then the same card is written.
      return shown.reason === 'central';
    case 'cannot-sell':
      // Goes on by itself once the last payment is known.
      return shown.reason === 'SALE-0114';
    case 'start':
    case 'insert-card':
    case 'done':
    case 'refunding':
    case 'order-status':
    case 'take-card':
    case 'cancelled':
    case 'out-of-service':
      return false;
  }
}

/**
 * Works a motor reader's gate: shut while the kiosk is out of service, and the card is given back
 * once nobody needs it.
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

  look(state: KioskState, shown: Snapshot): void {
    const { reader } = state;
    if (reader.state === 'offline') {
      // It forgets what it was told.
      this.#accepting = null;
      this.#leaving = null;
      return;
    }
    const accepting = shown.screen !== 'out-of-service';
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
      needsCard(state, shown)
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

  #failed(why: string, forget: () => void): void {
    this.#log('warn', 'card', `gate: ${why}`);
    this.#clock.after(AGAIN_MS, () => {
      forget();
      this.#again();
    });
  }
}
