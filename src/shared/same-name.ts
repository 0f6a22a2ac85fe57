/** Names as people type them: case, width, spaces, signs and what is not seen tell nobody apart. */
export const sameName = (a: string, b: string): boolean => foldedName(a) === foldedName(b);
/** A name without what tells nobody apart; empty where nothing of it does. */
export const foldedName = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]|\p{Default_Ignorable_Code_Point}/gu, '');
