import type { MemoryDialect } from '../memory.ts';
import { ACS_ACR38, ACS_CCID } from './acs.ts';
import { OMNIKEY } from './omnikey.ts';

/** Every dialect of memory cards, in the order in which reader names are looked up. */
export const DIALECTS: readonly MemoryDialect[] = [ACS_CCID, ACS_ACR38, OMNIKEY];

/**
 * The dialect under this id (the configuration's word), else the one that knows the reader's name;
 * null: this reader has none.
 */
export function dialectOf(readerName: string, id?: string): MemoryDialect | null {
  return DIALECTS.find((d) => (id === undefined ? d.names.test(readerName) : d.id === id)) ?? null;
}
