import type { CrtCard } from '../../src/simulator/reader/crt.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';
import type { Specimen } from './cards.ts';

/** Counts the exchanges of a bench's cards, and lets a card leave at one of them. */
export class Watch {
  count = 0;
  #tear: { left: number; readonly when: 'before' | 'after' } | null = null;

  tear(at: number, when: 'before' | 'after'): void {
    this.#tear = { left: at, when };
  }
  calm(): void {
    this.#tear = null;
  }
  /** Whether this exchange is the one; `after`: it is carried out first. */
  #now(): 'before' | 'after' | null {
    this.count++;
    if (this.#tear === null || --this.#tear.left > 0) return null;
    const { when } = this.#tear;
    this.#tear = null;
    return when;
  }

  slot(card: Specimen): SlotCard {
    const { slot } = card;
    return {
      insert: () => slot.insert(),
      remove: () => slot.remove(),
      reset: () => slot.reset(),
      answerToReset: () => slot.answerToReset(),
      powerOff: () => slot.powerOff(),
      process: (apdu) => {
        const now = this.#now();
        if (now === 'after') slot.process(apdu);
        return now === null ? slot.process(apdu) : { kind: 'torn' };
      },
    };
  }

  crt(card: Specimen): CrtCard {
    const held = card.crt;
    if (held === undefined) throw new Error('no motor reader takes this card');
    if (held.kind === 'cpu') return { kind: 'cpu', card: this.slot(card) };
    const inner = held.card;
    return {
      kind: 'memory',
      card: {
        kind: inner.kind,
        insert: () => inner.insert(),
        remove: () => inner.remove(),
        reset: () => inner.reset(),
        powerOff: () => inner.powerOff(),
        ...(inner.power === undefined
          ? {}
          : { power: (type: number) => inner.power?.(type) === true }),
        operate: (command) => {
          const now = this.#now();
          if (now === 'after') inner.operate(command);
          return now === null ? inner.operate(command) : null;
        },
      },
    };
  }
}
