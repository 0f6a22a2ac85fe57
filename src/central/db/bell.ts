import type { Db } from './sql.ts';

/** How whoever waits for a change in the database is woken; see {@link Db.ring}. */
export type Bell = Pick<Db, 'ring' | 'onRing'>;

/** A bell that is heard in this process only: all there is where one process has the database. */
export function localBell(): Bell {
  const listeners = new Set<(name: string) => void>();
  return {
    ring: (name) => {
      for (const heard of listeners) heard(name);
    },
    onRing: (heard) => {
      listeners.add(heard);
      return () => void listeners.delete(heard);
    },
  };
}
