import type Database from 'better-sqlite3';
import type { Place, ToldRecord } from './records.ts';
import { statementsOf } from './statements.ts';

/** A fact as it is told to people. */
export interface ToldFact extends Place {
  readonly kind: string;
  readonly atMs: number;
  readonly orderId: string | null;
  readonly body: unknown;
}

/** Facts before one place, and, where it is named, not before another. */
export interface BackFrom {
  readonly before: Place;
  readonly notBefore?: Place;
}

/** What one look back found. */
export interface BackRead {
  /** The newest first. */
  readonly facts: readonly ToldFact[];
  /** All from here on were looked at: the next look goes on before it. Null: none are left. */
  readonly reached: Place | null;
}

const told = (r: ToldRecord): ToldFact => ({
  epoch: r.epoch,
  seq: r.seq,
  kind: r.kind,
  atMs: r.wall_ms,
  orderId: r.order_id,
  body: JSON.parse(r.body) as unknown,
});

/**
 * Facts of some kinds, read backwards. However long the journal is and however seldom they are, no
 * more than `stretch` facts are looked at: kinds have no index (it would be paid for at every
 * append), so one that is looked for in vain takes several looks.
 *
 * @param most facts that are given
 * @param stretch facts that are looked at
 */
export function readBack(
  db: Database.Database,
  { before, notBefore }: BackFrom,
  kinds: ReadonlySet<string>,
  most: number,
  stretch: number,
): BackRead {
  const st = statementsOf(db);
  const end = st.stretchBack.get(before.epoch, before.seq, stretch - 1);
  const floor = notBefore ?? end ?? { epoch: 0, seq: 0 };
  const list = `/${[...kinds].join('/')}/`;
  const { epoch, seq } = before;
  const facts = st.readBack.all(epoch, seq, floor.epoch, floor.seq, list, most).map(told);
  const last = facts.at(-1);
  if (last !== undefined && facts.length === most)
    return { facts, reached: { epoch: last.epoch, seq: last.seq } };
  return { facts, reached: notBefore ?? end ?? null };
}

/**
 * Where the facts of that wall time and later begin; beyond the last one if there are none. Facts
 * are in order and clocks nearly so: where one was set back it is a place nearby.
 */
export function placeOfTime(db: Database.Database, wallMs: number, head: Place): Place {
  const st = statementsOf(db);
  const isLater = (epoch: number, seq: number): boolean =>
    (st.wallAt.get(epoch, seq) ?? 0) >= wallMs;
  let found: Place = { epoch: head.epoch, seq: head.seq + 1 };
  const oldest = st.firstPlace.get()?.epoch ?? head.epoch;
  for (let { epoch } = head; epoch >= oldest; epoch -= 1) {
    const { first, last } = st.edges.get(epoch, epoch) ?? { first: null, last: null };
    if (first === null || last === null) continue;
    if (!isLater(epoch, last)) return found;
    let [low, high] = [first, last];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isLater(epoch, middle)) high = middle;
      else low = middle + 1;
    }
    found = { epoch, seq: low };
    if (low > first) return found;
  }
  return found;
}
