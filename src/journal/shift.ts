import type Database from 'better-sqlite3';
import type { EventBody, JournalEvent } from '../shared/facts/catalogue.ts';
import { MICRO_PER_FEN } from '../shared/money.ts';
import type { Sale } from '../shared/sale.ts';
import type { Shift, ShiftLine, ShiftService, ShiftSum } from '../shared/shift.ts';
import { SETTLED_HOW, SHIFT_SERVICES } from '../shared/shift.ts';
import { chinaDate } from '../shared/time.ts';
import { fold } from './fold.ts';
import type { AttemptRow, OrderRow } from './fold.ts';
import { before } from './records.ts';
import type { Place } from './records.ts';
import { UNSEEN } from './statements.ts';

/**
 * The settlement of a stretch of the journal: each order's facts are folded as the journal folds
 * them, and wherever an attempt's money is somewhere else after a fact than before, that is a move.
 * Pure over the facts: the same stretch gives the same statement for ever.
 */

/** Where a captured payment is. `none`: nothing was captured. */
export type MoneyPlace =
  | 'none'
  | 'transit'
  | 'delivered'
  | 'refunded'
  | 'parked'
  | EventBody<'parked-settled'>['how'];
/** What identity it counts in: what a person settled was parked, and leaves that side no more. */
type Side = 'none' | 'transit' | 'delivered' | 'refunded' | 'parked';
const sideOf = (place: MoneyPlace): Side =>
  place === 'refunded-by-hand' || place === 'delivered-by-hand' || place === 'nothing-due'
    ? 'parked'
    : place;

/** One attempt's money. */
interface Piece {
  readonly place: MoneyPlace;
  readonly fen: number;
}
const NOTHING: Piece = { place: 'none', fen: 0 };

/**
 * Where the money of an attempt is, by the rows. `statedFen`: what the provider says it captured of
 * an attempt that was parked for it; null: nothing was said.
 */
export function moneyOf(order: OrderRow, attempt: AttemptRow, statedFen: number | null): Piece {
  const fen = attempt.transactionId === null ? statedFen : attempt.amountFen;
  if (fen === null) return NOTHING;
  const ofOrder = order.paidBy === attempt.attemptId;
  if (attempt.state === 'refunded') return { place: 'refunded', fen };
  if (ofOrder && order.state === 'delivered') return { place: 'delivered', fen };
  if (attempt.settled !== null) return { place: attempt.settled.how, fen };
  if (attempt.state === 'parked') return { place: 'parked', fen };
  if (attempt.state === 'refunding' || !ofOrder || order.state !== 'parked')
    return { place: 'transit', fen };
  return { place: order.settled?.how ?? 'parked', fen };
}

interface Fact extends Place {
  readonly kind: string;
  readonly wall_ms: number;
  readonly order_id: string | null;
  readonly body: string;
}
const FACT = 'epoch, seq, kind, wall_ms, order_id, body';

/** An order as its facts up to here make it. */
interface Followed {
  order: OrderRow | undefined;
  readonly attempts: Map<string, AttemptRow>;
  readonly stated: Map<string, number>;
  readonly pieces: Map<string, Piece>;
  /** Attempts whose money an earlier shift captured. */
  readonly older: Set<string>;
}

/** Orders that are remembered between facts; one that is not is read again from its first fact. */
const MOST_FOLLOWED = 500;
const MOST_DATES = 62;
const MOST_OPEN = 40;

interface Flows {
  captured: ShiftSum;
  delivered: ShiftSum;
  refunded: ShiftSum;
  parked: ShiftSum;
  transit: ShiftSum;
}
const ZERO: ShiftSum = { count: 0, fen: 0 };
const noFlows = (): Flows => ({
  captured: ZERO,
  delivered: ZERO,
  refunded: ZERO,
  parked: ZERO,
  transit: ZERO,
});
const plus = (a: ShiftSum, count: number, fen: number): ShiftSum => ({
  count: a.count + count,
  fen: a.fen + fen,
});

/** What a shift begins with. */
export interface ShiftBegin {
  readonly number: number;
  readonly from: Place;
  readonly opening: Shift['opening'];
}
/** The first shift of a journal: of one whose older facts were pruned, after them. */
export const firstShift = (anchor: Place | null): ShiftBegin => ({
  number: 1,
  from: anchor === null ? { epoch: 0, seq: 0 } : { epoch: anchor.epoch, seq: anchor.seq },
  opening: { transit: ZERO, parked: ZERO },
});
/** The shift after this one. */
export const nextShift = (s: Shift): ShiftBegin => ({
  number: s.number + 1,
  from: s.to,
  opening: s.closing,
});

/** Counts a shift fact by fact; may go on as facts are added. Changes nothing. */
export class ShiftTally {
  readonly #db: Database.Database;
  readonly #ofOrderFacts: Database.Statement<[string], Fact>;
  readonly #begin: ShiftBegin;
  readonly #followed = new Map<string, Followed>();
  readonly #lines = {
    services: new Map<string, Flows>(),
    payments: new Map<string, Flows>(),
  };
  readonly #dates = new Set<string>();
  readonly #settled = {
    'refunded-by-hand': ZERO,
    'delivered-by-hand': ZERO,
    'nothing-due': ZERO,
  };
  readonly #carried = { usedMicro: 0, goodsMicro: 0, afterMicro: 0 };
  readonly #orders = { begun: 0, closed: 0, doubts: 0 };
  #flows = noFlows();
  #extra = ZERO;
  #olderDelivered = ZERO;
  #olderRefunded = ZERO;
  #reversed = ZERO;
  #unknown = 0;
  #firstMs: number | null = null;
  #lastMs: number | null = null;
  #at: Place;

  constructor(db: Database.Database, begin: ShiftBegin) {
    this.#db = db;
    this.#ofOrderFacts = db.prepare<[string], Fact>(
      `SELECT ${FACT} FROM events WHERE order_id = ${UNSEEN} ORDER BY epoch, seq`,
    );
    this.#begin = begin;
    this.#at = begin.from;
  }

  /** The last fact that was counted. */
  get at(): Place {
    return this.#at;
  }

  /** Counts the next facts up to `upto`, `most` of them at the most. True: all are counted. */
  advance(upto: Place, most = Number.MAX_SAFE_INTEGER): boolean {
    let left = most;
    for (const fact of this.#db
      .prepare<[number, number, number], Fact>(
        `SELECT ${FACT} FROM events WHERE (epoch = ? AND seq > ?) OR epoch > ? ORDER BY epoch, seq`,
      )
      .iterate(this.#at.epoch, this.#at.seq, this.#at.epoch)) {
      if (before(upto, fact)) return true;
      if (left-- <= 0) return false;
      this.#count(fact);
    }
    return true;
  }

  #count(fact: Fact): void {
    this.#firstMs ??= fact.wall_ms;
    this.#lastMs = fact.wall_ms;
    if (fact.order_id !== null) this.#ofOrder(fact, fact.order_id);
    this.#at = { epoch: fact.epoch, seq: fact.seq };
  }

  #ofOrder(fact: Fact, orderId: string): void {
    const one = this.#follow(orderId, fact);
    const was = one.order?.state;
    take(one, fact, orderId);
    const { order } = one;
    // Another kiosk's order: its money is not this journal's.
    if (order === undefined) return;
    if (was === undefined) this.#orders.begun += 1;
    if (order.state !== was && order.state === 'closed') this.#orders.closed += 1;
    if (order.state !== was && order.state === 'in-doubt') this.#orders.doubts += 1;
    this.#beside(one, fact);
    for (const attempt of one.attempts.values()) {
      const old = one.pieces.get(attempt.attemptId) ?? NOTHING;
      const now = moneyOf(order, attempt, one.stated.get(attempt.attemptId) ?? null);
      one.pieces.set(attempt.attemptId, now);
      if (old.place !== now.place) this.#move(one, order, attempt, old, now, fact.wall_ms);
    }
  }

  /** What is told beside the money that counts. */
  #beside({ attempts }: Followed, { kind, body }: Fact): void {
    if (kind === 'attempt-closed') {
      const b = JSON.parse(body) as EventBody<'attempt-closed'>;
      const fen = attempts.get(b.attemptId)?.amountFen ?? 0;
      if (b.reversed === true) this.#reversed = plus(this.#reversed, 1, fen);
    }
    if (kind === 'attempt-parked') {
      const b = JSON.parse(body) as EventBody<'attempt-parked'>;
      if (b.amountFen === undefined && attempts.get(b.attemptId)?.transactionId === null)
        this.#unknown += 1;
    }
  }

  #move(
    one: Followed,
    order: OrderRow,
    attempt: AttemptRow,
    old: Piece,
    now: Piece,
    wallMs: number,
  ): void {
    const { fen } = now;
    const older = one.older.has(attempt.attemptId);
    const from = sideOf(old.place);
    const to = sideOf(now.place);
    this.#dates.add(chinaDate(wallMs));
    const ways: Flows[] = [this.#flows, lineOf(this.#lines.payments, paymentOf(attempt))];
    for (const flows of ways) shift(flows, from, to, 1, fen);
    for (const [key, part] of partsOf(order.sale, fen))
      shift(lineOf(this.#lines.services, key), from, to, 1, part);
    if (from === 'none' && attempt.taken !== true) this.#extra = plus(this.#extra, 1, fen);
    for (const how of SETTLED_HOW) {
      if (now.place === how) this.#settled[how] = plus(this.#settled[how], 1, fen);
      if (old.place === how) this.#settled[how] = plus(this.#settled[how], -1, -fen);
    }
    if (older && to === 'delivered') this.#olderDelivered = plus(this.#olderDelivered, 1, fen);
    if (older && to === 'refunded') this.#olderRefunded = plus(this.#olderRefunded, 1, fen);
    if (to === 'delivered') this.#carry(order.sale, 1);
    if (from === 'delivered') this.#carry(order.sale, -1);
  }

  /** The remainder that a delivered card sale used and left at central. */
  #carry(sale: Sale, sign: 1 | -1): void {
    if (sale.kind !== 'card') return;
    const { carriedUsedMicro: used, carriedAfterMicro: after } = sale;
    this.#carried.usedMicro += sign * used;
    this.#carried.afterMicro += sign * after;
    this.#carried.goodsMicro += sign * (sale.amountFen * MICRO_PER_FEN + used - after);
  }

  /** The order as it was before this fact. */
  #follow(orderId: string, at: Place): Followed {
    const have = this.#followed.get(orderId);
    if (have !== undefined) return have;
    if (this.#followed.size >= MOST_FOLLOWED) this.#followed.clear();
    const one: Followed = {
      order: undefined,
      attempts: new Map(),
      stated: new Map(),
      pieces: new Map(),
      older: new Set(),
    };
    for (const fact of this.#ofOrderFacts.all(orderId)) {
      if (!before(fact, at)) break;
      take(one, fact, orderId);
      if (one.order === undefined || before(this.#begin.from, fact)) continue;
      for (const a of one.attempts.values())
        if (moneyOf(one.order, a, one.stated.get(a.attemptId) ?? null).place !== 'none')
          one.older.add(a.attemptId);
    }
    if (one.order !== undefined)
      for (const a of one.attempts.values())
        one.pieces.set(a.attemptId, moneyOf(one.order, a, one.stated.get(a.attemptId) ?? null));
    this.#followed.set(orderId, one);
    return one;
  }

  /** The statement of what was counted. `stock`: what the rows say is still open. */
  statement(stock: OpenMoney): Shift {
    const { opening, number, from } = this.#begin;
    const byHand = SETTLED_HOW.reduce(
      (n, how) => plus(n, this.#settled[how].count, this.#settled[how].fen),
      ZERO,
    );
    const f = this.#flows;
    const closing = {
      transit: plus(opening.transit, f.transit.count, f.transit.fen),
      parked: plus(opening.parked, f.parked.count - byHand.count, f.parked.fen - byHand.fen),
    };
    return {
      version: 1,
      number,
      from,
      to: this.#at,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      dates: [...this.#dates].toSorted().slice(-MOST_DATES),
      opening,
      ...f,
      extra: this.#extra,
      olderDelivered: this.#olderDelivered,
      olderRefunded: this.#olderRefunded,
      settled: { ...this.#settled },
      closing,
      reversed: this.#reversed,
      unknown: this.#unknown,
      carried: { ...this.#carried },
      orders: { ...this.#orders },
      services: linesOf(this.#lines.services),
      payments: linesOf(this.#lines.payments),
      difference: {
        transitFen: stock.transitFen - closing.transit.fen,
        parkedFen: stock.parkedFen - closing.parked.fen,
      },
      open: stock.open.slice(0, MOST_OPEN).map((o) => ({ ...o })),
      more: Math.max(0, stock.open.length - MOST_OPEN),
    };
  }
}

/** One more fact of an order. */
function take(one: Followed, fact: Fact, orderId: string): void {
  const body = JSON.parse(fact.body) as unknown;
  const folded = fold(
    { order: () => one.order, attempt: (id) => one.attempts.get(id) },
    { kind: fact.kind, orderId, body } as JournalEvent,
    fact.wall_ms,
  );
  if (folded.order !== undefined) one.order = folded.order;
  if (folded.attempt !== undefined) one.attempts.set(folded.attempt.attemptId, folded.attempt);
  if (fact.kind !== 'attempt-parked') return;
  const { attemptId, amountFen } = body as EventBody<'attempt-parked'>;
  if (amountFen !== undefined) one.stated.set(attemptId, amountFen);
}

/** Money goes from one side to another. */
function shift(flows: Flows, from: Side, to: Side, count: number, fen: number): void {
  if (from === to) return;
  if (from === 'none') flows.captured = plus(flows.captured, count, fen);
  else flows[from] = plus(flows[from], -count, -fen);
  if (to !== 'none') flows[to] = plus(flows[to], count, fen);
}

/** How it was paid: the provider, by its code on the screen or the customer's own. */
const paymentOf = (a: AttemptRow): string => `${a.provider}/${a.method ?? 'qr'}`;

/** What a payment was for: of a credit sale each kind of line its part. */
function partsOf(sale: Sale, fen: number): readonly (readonly [ShiftService, number])[] {
  if (sale.kind === 'card') return [[`card-${sale.cardKind ?? 'gas'}`, fen]];
  const first = `credit-${sale.lines[0]?.kind ?? 'balance'}` as const;
  // What the provider stated otherwise is nobody's line.
  if (fen !== sale.amountFen) return [[first, fen]];
  const parts = new Map<ShiftService, number>();
  for (const { kind, amountFen } of sale.lines)
    parts.set(`credit-${kind}`, (parts.get(`credit-${kind}`) ?? 0) + amountFen);
  const told = [...parts.values()].reduce((n, part) => n + part, 0);
  parts.set(first, (parts.get(first) ?? 0) + fen - told);
  return [...parts];
}

function lineOf(lines: Map<string, Flows>, key: string): Flows {
  let flows = lines.get(key);
  if (flows === undefined) lines.set(key, (flows = noFlows()));
  return flows;
}

const ORDER: readonly string[] = SHIFT_SERVICES;
function linesOf(lines: ReadonlyMap<string, Flows>): ShiftLine[] {
  return [...lines]
    .toSorted(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b) || (a < b ? -1 : 1))
    .map(([key, flows]) => ({ key, ...flows }));
}

/** What the rows say is not at an end: each attempt with its place. */
export interface OpenMoney {
  readonly transitFen: number;
  readonly parkedFen: number;
  /** Parked first, then by order. */
  readonly open: Shift['open'];
}

/**
 * All money of a journal that is in transit or parked, by its rows as they stand. Knows nothing of
 * shifts: what a shift's counting is held against.
 */
export function openMoney(db: Database.Database): OpenMoney {
  const attemptsOf = db
    .prepare<[string], string>('SELECT row FROM attempts WHERE order_id = ?')
    .pluck();
  const stated = db
    .prepare<[string], string>(
      "SELECT body FROM events WHERE order_id = ? AND kind = 'attempt-parked' ORDER BY epoch, seq",
    )
    .pluck();
  const open: Shift['open'] = [];
  let transitFen = 0;
  let parkedFen = 0;
  for (const text of db
    .prepare<[], string>(
      `SELECT row FROM orders WHERE state NOT IN ('delivered','closed','refunded','parked') OR waits = 1
         OR order_id IN (SELECT order_id FROM attempts WHERE waits = 1 OR state = 'refunding'
           OR (state = 'paid' AND json_extract(row, '$.taken') = 0)) ORDER BY order_id`,
    )
    .pluck()
    .all()) {
    const order = JSON.parse(text) as OrderRow;
    for (const row of attemptsOf.all(order.orderId)) {
      const attempt = JSON.parse(row) as AttemptRow;
      const said =
        attempt.state === 'parked' && attempt.transactionId === null
          ? stated
              .all(order.orderId)
              .map((b) => JSON.parse(b) as EventBody<'attempt-parked'>)
              .findLast((b) => b.attemptId === attempt.attemptId && b.amountFen !== undefined)
          : undefined;
      const { place, fen } = moneyOf(order, attempt, said?.amountFen ?? null);
      if (place === 'transit') transitFen += fen;
      if (place === 'parked') parkedFen += fen;
      if (place === 'transit' || place === 'parked')
        open.push({ orderId: order.orderId, place, fen });
    }
  }
  const rank = (o: Shift['open'][number]): number => (o.place === 'parked' ? 0 : 1);
  return { transitFen, parkedFen, open: open.toSorted((a, b) => rank(a) - rank(b)) };
}
