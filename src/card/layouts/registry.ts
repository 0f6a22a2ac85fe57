import { toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel, CardLayout, CardReading } from '../types.ts';
import { NOT_THIS_LAYOUT } from './fields.ts';

/** A card read by the layout that knows it. */
export interface ReadCard {
  readonly layout: CardLayout;
  readonly reading: CardReading;
}

/** The layouts of one kiosk, in the order in which they are tried. */
export interface LayoutRegistry {
  readonly all: readonly CardLayout[];
  /** Layouts that may know a card with this ATR. */
  readonly candidates: (atr: Uint8Array) => readonly CardLayout[];
  /** The layout that wrote a stored plan or reading. */
  readonly byId: (id: string) => CardLayout | undefined;
  /**
   * Reads a card by the first layout that knows it; CARD-0103 when none does, and otherwise the
   * failure of the layout that recognised the card, or of the exchange itself.
   */
  readonly read: (channel: CardChannel, atr: Uint8Array) => Promise<Result<ReadCard, Failure>>;
}

/** The layouts of one machine: finds the one that an ATR is of, or that a name names. */
export function layoutRegistry(layouts: readonly CardLayout[]): LayoutRegistry {
  const candidates = (atr: Uint8Array): readonly CardLayout[] =>
    layouts.filter((l) => l.mayBe(atr));
  return {
    all: layouts,
    candidates,
    byId: (id) => layouts.find((l) => l.id === id),
    read: async (channel, atr) => {
      let last: Failure = failure('CARD-0103', `no layout for ATR ${toHex(atr)}`);
      for (const layout of candidates(atr)) {
        const reading = await layout.read(channel);
        if (reading.ok) return ok({ layout, reading: reading.value });
        last = reading.error;
        if (!NOT_THIS_LAYOUT.has(last.code)) break;
      }
      return err(last);
    },
  };
}
