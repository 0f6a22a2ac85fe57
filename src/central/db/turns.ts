import type { Db } from './sql.ts';

/**
 * One step at a time for each key, in this process and among all that have the database. Who comes
 * meanwhile waits, and goes on whatever became of the step before.
 */
export function inTurn(db: () => Db): (key: string, step: () => Promise<void>) => Promise<void> {
  const turns = new Map<string, Promise<void>>();
  return async (key, step) => {
    const work = (): Promise<void> => db().alone(key, step);
    const mine = (turns.get(key) ?? Promise.resolve()).then(work, work);
    turns.set(key, mine);
    try {
      await mine;
    } finally {
      if (turns.get(key) === mine) turns.delete(key);
    }
  };
}
