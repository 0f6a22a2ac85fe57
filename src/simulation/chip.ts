import { Interposer, LIES } from '../simulator/reader/interposer.ts';
import type { SimCard } from './card.ts';

/** A chip that a customer holds between his card and the reader, until he goes. */
export interface Chip {
  readonly card: SimCard;
  readonly device: Interposer;
}

/** It lets one purchase through, and says that it was refused. */
export function chipFor(card: SimCard, onLie: () => void): Chip {
  const count = (): number => card.content({ cumulative: 0 }, null).count;
  const before = count();
  const enough = (): boolean => {
    if (count() === before) return false;
    onLie();
    return true;
  };
  return { card, device: new Interposer(card.slot, { ...LIES[card.chip], enough }) };
}
