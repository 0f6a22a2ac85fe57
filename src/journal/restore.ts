import type Database from 'better-sqlite3';
import { canonicalJson } from '../shared/canonical-json.ts';
import { EVENTS } from '../shared/facts/catalogue.ts';
import type { EventBody, JournalEvent } from '../shared/facts/catalogue.ts';
import { counterOf, terminalOf as terminalOfOrder } from '../shared/order-id.ts';
import type { MetaKey } from './records.ts';
import { genesisHash } from '../shared/journal-hash.ts';
import { shiftHash } from '../shared/shift-hash.ts';
import { Book } from './book.ts';
import { EVENT_COLUMNS, before, toLogged } from './records.ts';
import type { Anchor, EventRecord, Place, ShiftRecord } from './records.ts';
import { chainHash } from './hash.ts';
import { anchorOf, isOurs, judgeCopy, linkProblem } from './inspect.ts';
import { migrate } from './schema.ts';
import type { LoggedEvent } from './records.ts';
import type { JournalStorage, SecondStore } from './storage.ts';

/** One thing that facts can be had from. */
export interface Source {
  readonly what: 'database' | 'backup' | 'second log';
  readonly name: string;
  /** Facts in it whose hashes are right. */
  readonly events: number;
  /** The last of them; null: none. */
  readonly upto: Place | null;
  /** What is wrong with it; null: nothing. */
  readonly problem: string | null;
}

/** What a restore would do. Making it changes nothing on the disks. */
export interface RestorePlan {
  readonly why: string;
  /** The backup to start from; null: from the first fact or an anchor. */
  readonly base: string | null;
  readonly anchor: Anchor | null;
  /** Facts to add to the base, in order. */
  readonly add: readonly LoggedEvent[];
  /** Where the restored journal will stand. */
  readonly head: Anchor;
  readonly baseSeq: number;
  readonly secondLogSeq: number;
  /** A fact behind the head was seen that cannot be joined to it: what comes after the head is lost. */
  readonly lost: boolean;
  /**
   * Nothing can be missing: the second log, which is written before every effect, is whole and ends
   * at the head.
   */
  readonly complete: boolean;
  /** What the kiosk noted beside the facts, from the damaged database where that is still sound. */
  readonly notes: ReadonlyMap<string, string>;
  /** What identifies the customers of requests, as far as the damaged database can be read. */
  readonly parts: readonly RequestPart[];
  /** Closed shifts, likewise: of those whose facts were pruned no log tells any more. */
  readonly shifts: readonly ShiftRecord[];
}

/** A row of `request_parts`; its fact holds the hash of `sealed`, so that a wrong one is known. */
interface RequestPart {
  readonly number: string;
  readonly epoch: number;
  readonly seq: number;
  readonly made_ms: number;
  readonly sealed: string;
  readonly acked_ms: number | null;
}

/** Notes that belong to the journal itself and are made anew. */
const OWN_NOTES = new Set([
  'terminal_id',
  'epoch',
  'order_counter',
  'schema_digest',
  'anchor',
  'opened',
  'pruning',
  'suspect',
  'condition',
]);
/** A number is given out before the order's first fact: so many may be known nowhere. */
const NUMBERS_SKIPPED = 100;

/** All facts that were found, by place. */
class Pool {
  readonly #at = new Map<string, LoggedEvent[]>();
  last: Place | null = null;
  /** Up to where the last prune that is told of went. */
  pruned: Anchor | null = null;

  /** Takes it when its own hash is right. */
  add(e: LoggedEvent): boolean {
    if (
      chainHash(e.prevHash, {
        epoch: e.epoch,
        seq: e.seq,
        kind: e.kind,
        wallMs: e.wallMs,
        orderId: e.orderId,
        bodyJson: canonicalJson(e.body),
      }) !== e.hash
    )
      return false;
    const key = `${e.epoch}:${e.seq}`;
    const there = this.#at.get(key);
    if (there === undefined) this.#at.set(key, [e]);
    else if (!there.some((t) => t.hash === e.hash)) there.push(e);
    if (this.last === null || before(this.last, e)) this.last = e;
    if (e.kind === 'journal-pruned') this.#wasPruned(e.body as EventBody<'journal-pruned'>);
    return true;
  }
  #wasPruned({ epoch, uptoSeq, uptoHash }: EventBody<'journal-pruned'>): void {
    const upto = { epoch, seq: uptoSeq, hash: uptoHash };
    if (this.pruned === null || before(this.pruned, upto)) this.pruned = upto;
  }
  get epochs(): number[] {
    return [...new Set([...this.#at.keys()].map((k) => Number(k.split(':')[0])))].toSorted(
      (a, b) => a - b,
    );
  }

  /** The longest chain of facts that follows `head` (null: the very first ones). */
  from(head: Anchor | null, terminalId: string): LoggedEvent[] {
    const chain: LoggedEvent[] = [];
    let at = head;
    for (;;) {
      const next = this.#after(at, terminalId);
      if (next.length === 0) return chain;
      // Two facts under one number that both follow: the longer story is taken.
      const only = next[0] as LoggedEvent;
      const best =
        next.length === 1
          ? null
          : next
              .map((e) => [e, ...this.from(placeOf(e), terminalId)])
              .toSorted((a, b) => b.length - a.length)[0];
      if (best !== null && best !== undefined) return [...chain, ...best];
      chain.push(only);
      at = placeOf(only);
    }
  }

  #after(head: Anchor | null, terminalId: string): LoggedEvent[] {
    const follows = (e: LoggedEvent): boolean =>
      linkProblem(
        head,
        {
          epoch: e.epoch,
          seq: e.seq,
          kind: e.kind,
          body: JSON.stringify(e.body),
          prev_hash: e.prevHash,
        },
        terminalId,
      ) === null;
    if (head !== null) {
      const same = (this.#at.get(`${head.epoch}:${head.seq + 1}`) ?? []).filter(follows);
      if (same.length > 0) return same;
    }
    for (const epoch of this.epochs) {
      if (head !== null && epoch <= head.epoch) continue;
      const first = (this.#at.get(`${epoch}:1`) ?? []).filter(follows);
      if (first.length > 0) return first;
    }
    return [];
  }
}

const placeOf = (e: LoggedEvent): Anchor => ({ epoch: e.epoch, seq: e.seq, hash: e.hash });
const message = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);

/** What can be had from what is there; null: nothing. */
export function planRestore(
  storage: JournalStorage,
  terminalId: string,
  why: string,
): RestorePlan | null {
  return survey(storage, terminalId, why).plan;
}

/** Whose journal this is, as far as anything there says; null: nothing does. */
export function terminalOf(storage: JournalStorage): string | null {
  const ask = (db: Database.Database): string | undefined =>
    db.prepare<[], string>("SELECT value FROM meta WHERE key = 'terminal_id'").pluck().get();
  const looks = [
    ...(storage.exists() ? [() => storage.look(ask)] : []),
    ...storage.backups.list().map((name) => () => storage.backups.look(name, ask)),
    ...storage.second.epochs().map((epoch) => () => ownerOf(storage.second, epoch)),
  ];
  for (const look of looks) {
    try {
      const found = look();
      if (found !== undefined) return found;
    } catch {
      // This one says nothing any more.
    }
  }
  return null;
}

/**
 * A log that begins at its beginning shows whose it is once it holds an order: the order's number
 * names a terminal, and the first fact's hash proves it.
 */
function ownerOf(second: SecondStore, epoch: number): string | undefined {
  const { anchor, first } = second.scan(epoch);
  if (anchor !== null) return anchor.terminalId;
  const tried = new Set<string>();
  for (const { orderId } of second.facts(epoch)) {
    const id = orderId === null ? '' : terminalOfOrder(orderId);
    if (id === '' || tried.has(id)) continue;
    if (genesisHash(id, epoch) === first?.prevHash) return id;
    tried.add(id);
  }
  return undefined;
}

/**
 * All that there is, and what could be made of it. Changes nothing. `why` empty: nothing is wrong
 * with the database.
 */
export function survey(
  storage: JournalStorage,
  terminalId: string,
  why: string,
): { readonly sources: readonly Source[]; readonly plan: RestorePlan | null } {
  const pool = new Pool();
  const sources: Source[] = [];
  const anchors: Anchor[] = [];
  const notes = new Map<string, string>();
  const parts: RequestPart[] = [];
  const shifts: ShiftRecord[] = [];

  let databaseHead: Place | null = null;
  let sound = false;
  if (storage.exists()) {
    let problem = why === '' ? null : why;
    const seen: Place[] = [];
    try {
      storage.look((db) => {
        const owner = db
          .prepare<[], string>("SELECT value FROM meta WHERE key = 'terminal_id'")
          .pluck()
          .get();
        if (owner !== undefined && owner !== terminalId)
          throw new Error(`it belongs to terminal ${owner}`);
        const anchor = anchorOf(db);
        if (anchor !== null) anchors.push(anchor);
        sound = db.pragma('quick_check(1)', { simple: true }) === 'ok';
        if (sound)
          for (const { key, value } of db
            .prepare<[], { key: string; value: string }>('SELECT key, value FROM meta')
            .all())
            notes.set(key, value);
        parts.push(...readParts(db));
        shifts.push(...readShifts(db));
        databaseHead =
          db
            .prepare<[], Place>(
              'SELECT epoch, seq FROM events ORDER BY epoch DESC, seq DESC LIMIT 1',
            )
            .get() ?? null;
        // From both ends: a bad page in the middle hides only what is on it.
        if (!readRun(db, 'ASC', pool, seen)) readRun(db, 'DESC', pool, seen);
      });
    } catch (cause) {
      problem = [why, message(cause)].filter((t) => t !== '').join('; ');
    }
    sources.push({
      what: 'database',
      name: 'journal.db',
      events: new Set(seen.map((p) => `${p.epoch}:${p.seq}`)).size,
      upto: latest(seen),
      problem,
    });
  }

  let secondWhole = true;
  let secondLast: Place | null = null;
  for (const epoch of storage.second.epochs()) {
    const log = storage.second.scan(epoch);
    if (log.first === null && log.lastBeyond === null && log.anchor === null && !log.torn) continue;
    const mine = isOurs(log, terminalId, epoch);
    let good = 0;
    let upto: Place | null = null;
    // One at a time: what the database had of them is not kept twice.
    for (const e of mine ? storage.second.facts(epoch, true) : []) {
      if (e.epoch !== epoch || !pool.add(e)) continue;
      good += 1;
      if (upto === null || before(upto, e)) upto = placeOf(e);
    }
    if (mine && log.anchor !== null) anchors.push(log.anchor);
    if (upto !== null && (secondLast === null || before(secondLast, upto))) secondLast = upto;
    if (!mine || log.torn || good < log.lines) secondWhole = false;
    sources.push({
      what: 'second log',
      name: `second-${epoch}.log`,
      events: good,
      upto,
      problem: !mine
        ? 'not this terminal’s, or it does not begin at its beginning'
        : log.torn
          ? `torn after ${log.lines} lines`
          : null,
    });
  }
  // A log begins before what was pruned of the database, and may be bad there: nobody needs that.
  if (pool.pruned !== null) anchors.push(pool.pruned);

  const bases: { readonly name: string; readonly head: Anchor }[] = [];
  for (const name of storage.backups.list()) {
    try {
      const judged = storage.backups.look(name, (db) => judgeCopy(db, terminalId));
      if (judged.ok) bases.push({ name, head: judged.value.head });
      sources.push({
        what: 'backup',
        name,
        events: judged.ok ? judged.value.events : 0,
        upto: judged.ok && judged.value.head.seq > 0 ? judged.value.head : null,
        problem: judged.ok ? null : judged.error,
      });
    } catch (cause) {
      sources.push({ what: 'backup', name, events: 0, upto: null, problem: message(cause) });
    }
  }

  interface Way {
    readonly base: string | null;
    readonly anchor: Anchor | null;
    readonly baseHead: Anchor | null;
    readonly add: readonly LoggedEvent[];
    readonly head: Anchor;
  }
  const ways: Way[] = [];
  for (const { name, head } of bases) {
    const add = pool.from(head.seq === 0 ? null : head, terminalId);
    ways.push({
      base: name,
      anchor: null,
      baseHead: head,
      add,
      head: add.length === 0 ? head : placeOf(add.at(-1) as LoggedEvent),
    });
  }
  for (const anchor of [null, ...anchors]) {
    const add = pool.from(anchor, terminalId);
    if (add.length > 0)
      ways.push({
        base: null,
        anchor,
        baseHead: null,
        add,
        head: placeOf(add.at(-1) as LoggedEvent),
      });
  }
  // The furthest; of those that go equally far a backup, since it knows what central acknowledged.
  const best = ways.reduce<Way | null>(
    (a, b) => (a === null || before(a.head, b.head) ? b : a),
    null,
  );
  if (best === null) return { sources, plan: null };
  const lost = [pool.last, databaseHead].some((p) => p !== null && before(best.head, p));
  const endsAt = (p: Place | null): boolean =>
    p !== null && p.epoch === best.head.epoch && p.seq === best.head.seq;
  const plan: RestorePlan = {
    why,
    base: best.base,
    anchor: best.anchor,
    add: best.add,
    head: best.head,
    baseSeq: best.baseHead?.seq ?? 0,
    secondLogSeq: secondLast?.seq ?? 0,
    lost,
    complete: !lost && ((secondWhole && endsAt(secondLast)) || (sound && endsAt(databaseHead))),
    notes,
    parts,
    shifts,
  };
  return { sources, plan };
}

/** Reads events until the database cannot go on. False: it could not to the end. */
function readRun(
  db: Database.Database,
  direction: 'ASC' | 'DESC',
  pool: Pool,
  seen: Place[],
): boolean {
  try {
    for (const r of db
      .prepare<[], EventRecord>(
        `SELECT ${EVENT_COLUMNS} FROM events ORDER BY epoch ${direction}, seq ${direction}`,
      )
      .iterate()) {
      const event = readable(r);
      if (event !== null && pool.add(event)) seen.push({ epoch: r.epoch, seq: r.seq });
    }
    return true;
  } catch {
    // What comes behind is not to be had from here.
    return false;
  }
}

/** Those that can be read. */
function readParts(db: Database.Database): RequestPart[] {
  const found: RequestPart[] = [];
  try {
    for (const row of db.prepare<[], RequestPart>('SELECT * FROM request_parts').iterate())
      if (typeof row.sealed === 'string' && Number.isSafeInteger(row.made_ms)) found.push(row);
  } catch {
    // A journal of before requests, or a bad page: what was read so far is kept.
  }
  return found;
}

/** Those that can be read, and are what their hash says. */
function readShifts(db: Database.Database): ShiftRecord[] {
  const found: ShiftRecord[] = [];
  try {
    for (const row of db.prepare<[], ShiftRecord>('SELECT * FROM shifts').iterate()) {
      const body = EVENTS['shift-closed'].safeParse(JSON.parse(row.body));
      if (body.success && shiftHash(body.data.shift) === body.data.hash) found.push(row);
    }
  } catch {
    // A journal of before shifts, or a bad page: what was read so far is kept.
  }
  return found;
}

function readable(r: EventRecord): LoggedEvent | null {
  try {
    return toLogged(r);
  } catch {
    return null;
  }
}

function latest(places: readonly Place[]): Place | null {
  return places.reduce<Place | null>((a, b) => (a === null || before(a, b) ? b : a), null);
}

/**
 * Builds the restored journal beside the damaged one, then sets that aside whole and takes its
 * place. Cut at any point, it is ended or begun anew at the next start. Returns where the damaged
 * file lies.
 *
 * @throws on any disk error.
 */
export function carryOut(
  storage: JournalStorage,
  plan: RestorePlan,
  { terminalId, nowMs }: { readonly terminalId: string; readonly nowMs: number },
): string {
  const aside = `damaged-${nowMs}`;
  storage.build(plan.base, (db) => {
    db.pragma('foreign_keys = ON');
    const migrated = migrate(db);
    if (!migrated.ok) throw new Error(migrated.error.detail ?? migrated.error.code);
    db.transaction(() => {
      fill(new Book(db), plan, terminalId, nowMs, aside);
    })();
  });
  storage.swap(aside);
  return storage.asidePath(aside);
}

function fill(
  book: Book,
  plan: RestorePlan,
  terminalId: string,
  nowMs: number,
  aside: string,
): void {
  const put = (event: LoggedEvent): void => {
    book.put({ kind: event.kind, orderId: event.orderId, body: event.body } as JournalEvent, {
      ...event,
      monoMs: 0,
      bootId: 'restored',
      bodyJson: canonicalJson(event.body),
    });
  };
  book.setMeta('terminal_id', terminalId);
  if (plan.base === null && plan.anchor !== null) {
    const { epoch, seq, hash } = plan.anchor;
    book.setMeta('anchor', JSON.stringify({ epoch, seq, hash }));
  }
  for (const event of plan.add) put(event);
  for (const [key, value] of plan.notes)
    if (!OWN_NOTES.has(key) && !key.startsWith('sent:')) book.setMeta(key as MetaKey, value);

  let counter = Math.max(
    Number(book.meta('order_counter') ?? '0'),
    Number(plan.notes.get('order_counter') ?? '0'),
  );
  for (const id of book.st.orderIds.iterate()) {
    const number = counterOf(id);
    if (Number.isSafeInteger(number) && number > counter) counter = number;
  }
  book.setMeta('order_counter', String(counter + NUMBERS_SKIPPED));
  const putPart = book.db.prepare<[string, number, number, number, string, number | null]>(
    'INSERT OR IGNORE INTO request_parts VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const p of plan.parts)
    putPart.run(p.number, p.epoch, p.seq, p.made_ms, p.sealed, p.acked_ms);
  // One whose fact is lost is none: the facts after the head would be in it.
  for (const s of plan.shifts)
    if (!before(plan.head, s)) book.st.putShift.run(s.epoch, s.seq, s.wall_ms, s.body);
  // Any fact may have been sent since the backup was made.
  const sent = book.db
    .prepare<[], { epoch: number; last: number }>(
      'SELECT epoch, max(seq) last FROM events GROUP BY epoch',
    )
    .all();
  for (const { epoch, last } of sent) book.setMeta(`sent:${epoch}`, String(last));
  const {
    epoch,
    seq,
    hash: prevHash,
  } = plan.head.seq === 0
    ? { ...plan.head, hash: genesisHash(terminalId, plan.head.epoch) }
    : plan.head;
  if (!plan.complete) book.setMeta('suspect', JSON.stringify({ epoch, seq }));
  book.setMeta('epoch', String(epoch));

  const lostAfterSeq = plan.lost ? seq : null;
  const body = {
    aside,
    why: plan.why,
    backupSeq: plan.baseSeq,
    secondLogSeq: plan.secondLogSeq,
    restoredSeq: seq,
    lostAfterSeq,
  };
  const facts = {
    epoch,
    seq: seq + 1,
    kind: 'journal-restored',
    wallMs: nowMs,
    orderId: null,
    bodyJson: canonicalJson(body),
  };
  put({ ...facts, body, prevHash, hash: chainHash(prevHash, facts) });
  book.setMeta(
    'condition',
    JSON.stringify({
      kind: 'restored',
      atMs: nowMs,
      why: plan.why,
      aside,
      restoredSeq: seq,
      lostAfterSeq,
      accepted: false,
      epochGranted: false,
    }),
  );
}
