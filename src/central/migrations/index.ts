import { initial } from './001-initial.ts';

/** In order; a migration that was released is never changed. */
export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [{ name: 'initial', sql: initial }];
