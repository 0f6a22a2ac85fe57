import type Database from 'better-sqlite3';
import { canonicalJson } from '../shared/canonical-json.ts';
import type { EventBody } from '../shared/facts/catalogue.ts';
import { shiftHash } from '../shared/shift-hash.ts';
import type { ClosedShift, Shift } from '../shared/shift.ts';
import { anchorOf } from './inspect.ts';
import { before } from './records.ts';
import type { Place, ShiftRecord } from './records.ts';
import { ShiftTally, firstShift, nextShift, openMoney } from './shift.ts';
import type { ShiftBegin } from './shift.ts';
import { statementsOf } from './statements.ts';

/** What a `shift-closed` of this record says. */
export function closedShift({ epoch, seq, wall_ms, body }: ShiftRecord): ClosedShift {
  const { shift, hash, who, why } = JSON.parse(body) as EventBody<'shift-closed'>;
  return { shift, hash, who, why, closedMs: wall_ms, at: { epoch, seq } };
}

/** The closed shifts of a journal, the newest first. */
export function closedShifts(db: Database.Database, most: number): ClosedShift[] {
  return statementsOf(db).shifts.all(most).map(closedShift);
}

/** What was found when a day's bills were compared, by provider; empty: they were not, yet. */
export function comparedOn(db: Database.Database, date: string): EventBody<'reconciled'>[] {
  return statementsOf(db)
    .compared.all(date)
    .map((body) => JSON.parse(body) as EventBody<'reconciled'>);
}

/** Keeps count of the shift that is open. Every fact of the journal is in one shift. */
export class Daybook {
  readonly #db: Database.Database;
  #tally: { readonly begin: ShiftBegin; readonly tally: ShiftTally } | null = null;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /** The shift that was closed last; null: none was. */
  last(): ClosedShift | null {
    return closedShifts(this.#db, 1)[0] ?? null;
  }

  /**
   * The open shift up to `head`; null: the count is not there yet, and goes on when this is asked
   * again. `most`: facts that are counted now.
   */
  soFar(head: Place, most: number): Shift | null {
    const last = this.last();
    const begin = last === null ? firstShift(anchorOf(this.#db)) : nextShift(last.shift);
    // Of a shift that was closed, or of a first one whose begin was pruned: it begins anew.
    if (
      this.#tally === null ||
      this.#tally.begin.number !== begin.number ||
      !isSame(this.#tally.begin.from, begin.from)
    )
      this.#tally = { begin, tally: new ShiftTally(this.#db, begin) };
    const { tally } = this.#tally;
    return tally.advance(head, most) ? tally.statement(openMoney(this.#db)) : null;
  }
}

const isSame = (a: Place, b: Place): boolean => a.epoch === b.epoch && a.seq === b.seq;

/**
 * What is wrong with the closed shifts of a journal: each is what its fact says, follows the one
 * before, and is what its facts come to where they are all kept.
 */
export function shiftProblems(db: Database.Database): string[] {
  const anchor = anchorOf(db);
  const fact = db
    .prepare<[number, number], string>(
      "SELECT body FROM events WHERE epoch = ? AND seq = ? AND kind = 'shift-closed'",
    )
    .pluck();
  const problems: string[] = [];
  let last: ClosedShift | null = null;
  const kept = closedShifts(db, Number.MAX_SAFE_INTEGER).toReversed();
  for (const closed of kept) {
    const { shift, hash, who, why, at } = closed;
    const name = `shift ${shift.number}, event ${at.seq} of epoch ${at.epoch}`;
    const told = fact.get(at.epoch, at.seq);
    const isKept = anchor === null || before(anchor, at);
    if (isKept && told !== canonicalJson({ shift, hash, who, why }))
      problems.push(`${name}: is not what its fact says`);
    if (shiftHash(shift) !== hash) problems.push(`${name}: the statement has another hash`);
    if (
      last !== null &&
      canonicalJson(nextShift(last.shift)) !==
        canonicalJson({ number: shift.number, from: shift.from, opening: shift.opening })
    )
      problems.push(`${name}: does not begin where the last one ended`);
    if ((anchor === null || !before(shift.from, anchor)) && recount(db, shift) !== hash)
      problems.push(`${name}: its facts come to something else`);
    last = closed;
  }
  const facts =
    db
      .prepare<[], number>("SELECT count(*) FROM events WHERE kind = 'shift-closed'")
      .pluck()
      .get() ?? 0;
  if (facts > kept.length) problems.push(`shifts: ${kept.length} rows, ${facts} facts`);
  return problems;
}

/** The hash of a shift counted again. What the rows said then is not to be had any more. */
function recount(db: Database.Database, shift: Shift): string {
  const tally = new ShiftTally(db, shift);
  tally.advance(shift.to);
  const again = tally.statement({ transitFen: 0, parkedFen: 0, open: [] });
  const { open, more, difference } = shift;
  return shiftHash({ ...again, open, more, difference });
}
