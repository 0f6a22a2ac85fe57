import type { CardEntry, Header } from '../../shared/contract/index.ts';

/** How this machine's reader takes a card. */
export const entryOf = ({ header }: { readonly header: Header }): CardEntry =>
  header.cardEntry ?? { way: 'insert', chip: 'up' };

/** … and by which message it is said. */
export function howKey(header: Header) {
  const { way, chip } = entryOf({ header });
  return way === 'place' ? 'entry.place' : (`entry.${way}.${chip}` as const);
}
