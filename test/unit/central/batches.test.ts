import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import { toHex } from '../../../src/shared/bytes.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Engine, Room, Terminal, TestJournal } from './harness.ts';

/** Two cards, each of an account of its own, at the same count. */
const CARDS: readonly SeedAccount[] = ['8800003934', '8800003927'].map(
  (cardNo) => DEMO_ACCOUNTS.find((a) => a.cardNo === cardNo) as SeedAccount,
);
/** Whose orders they are, and on which card; three of them want the same count of one card. */
const ORDERS = [
  { of: 0, card: 0, firm: true },
  { of: 1, card: 0, firm: false },
  { of: 0, card: 0, firm: false },
  { of: 1, card: 1, firm: true },
] as const;
const idOf = (order: number): string =>
  `PL-00000000031${1 + (ORDERS[order]?.of ?? 0)}-1-000${order}-0000`;

/** What a fact is made of; `odd`: something of it is not as it should be. */
interface Step {
  readonly terminal: number;
  readonly order: number;
  readonly kind: keyof typeof FACTS;
  readonly attempt: 'a' | 'b';
  readonly odd: boolean;
  /** The batch ends after it. */
  readonly cut: boolean;
}

interface Told extends Step {
  readonly id: string;
  readonly q: Quote;
}

type Tell = (j: TestJournal, s: Told) => number;
const failure = { code: 'CARD-0203' };
const attemptOf = (s: Told): string => `${s.id}-${s.attempt}`;
const assist = (j: TestJournal, s: Told, verdict: 'after' | 'before' | 'superseded') => ({
  origin: `00000000031${1 + (ORDERS[s.order]?.of ?? 0)}`,
  cardNo: s.odd ? '8800003999' : s.q.cardNo,
  verdict,
  written: true,
  count: s.q.nextCount,
  quantity: s.q.quantity,
  cumulative: 205_000 + s.q.quantity,
  ...(s.odd ? {} : { grant: j.writeClaim(s.id, s.q.cardNo) }),
  ...(verdict === 'superseded' ? { tag: toHex(orderTag(s.id)) } : {}),
});

/** Every kind of fact that changes the books. */
const FACTS = {
  'order-quoted': (j, s) => {
    const account = CARDS[ORDERS[s.order]?.card ?? 0] as SeedAccount;
    j.quoted(s.id, s.q, s.odd ? '1002203399' : account.userNo, {
      offline: ORDERS[s.order]?.firm === false,
    });
    return j.events.length;
  },
  'attempt-creating': (j, s) =>
    j.add('attempt-creating', s.id, {
      attemptId: attemptOf(s),
      provider: 'wechat',
      outTradeNo: `T${attemptOf(s)}`,
      outRefundNo: `R${attemptOf(s)}`,
      amountFen: s.q.amountFen,
      expiresAtMs: 1_780_000_120_000,
    }),
  'attempt-paid': (j, s) =>
    j.add('attempt-paid', s.id, {
      attemptId: attemptOf(s),
      transactionId: '4200',
      amountFen: s.q.amountFen,
      taken: s.odd,
    }),
  'order-paid': (j, s) =>
    j.add('order-paid', s.id, {
      attemptId: attemptOf(s),
      amountFen: s.q.amountFen + (s.odd ? 1 : 0),
    }),
  'order-delivering': (j, s) => j.delivering(s.id, s.q),
  'order-kept': (j, s) => j.add('order-kept', s.id, { insertion: 1, record: '00FF' }),
  'order-in-doubt': (j, s) => j.inDoubt(s.id),
  'order-delivered': (j, s) =>
    j.add('order-delivered', s.id, {
      by: s.odd ? 'elsewhere' : 'read-back',
      count: s.q.nextCount,
      quantity: s.q.quantity,
      cumulative: 205_000 + s.q.quantity,
    }),
  'order-closed': (j, s) => j.add('order-closed', s.id, { why: 'customer' }),
  'order-refunding': (j, s) => j.add('order-refunding', s.id, { attemptId: attemptOf(s), failure }),
  'attempt-refunded': (j, s) =>
    j.add('attempt-refunded', s.id, {
      attemptId: attemptOf(s),
      refundId: '50',
      amountFen: s.q.amountFen,
    }),
  'order-refunded': (j, s) => j.add('order-refunded', s.id, { attemptId: attemptOf(s) }),
  'attempt-parked': (j, s) =>
    j.add('attempt-parked', s.id, {
      attemptId: attemptOf(s),
      reason: 'PAY-0107',
      failure,
      ...(s.odd ? { amountFen: 1 } : {}),
    }),
  'order-parked': (j, s) => j.add('order-parked', s.id, { reason: 'x', nextStep: 'y' }),
  'attempt-refund-retried': (j, s) =>
    j.add('attempt-refund-retried', s.id, { attemptId: attemptOf(s), who: '王', why: 'x' }),
  'parked-settled': (j, s) =>
    j.add('parked-settled', s.id, {
      attemptId: s.odd ? attemptOf(s) : null,
      how: s.attempt === 'a' ? 'refunded-by-hand' : 'delivered-by-hand',
      reference: '7',
      who: '王',
      why: 'x',
    }),
  'assist-writing': (j, s) =>
    j.add('assist-writing', s.id, {
      ...assist(j, s, 'before'),
      insertion: 1,
      before: '',
      after: '',
    }),
  'assist-kept': (j, s) =>
    j.add('assist-kept', s.id, { ...assist(j, s, 'before'), insertion: 1, record: '0F' }),
  after: (j, s) => j.add('assist-ended', s.id, assist(j, s, 'after')),
  before: (j, s) => j.add('assist-ended', s.id, assist(j, s, 'before')),
  superseded: (j, s) => j.add('assist-ended', s.id, assist(j, s, 'superseded')),
  'epoch-began': (j) =>
    j.add('epoch-began', null, {
      previousEpoch: 0,
      previousSeq: 0,
      previousHash: '',
      why: 'x',
    }),
  'journal-restored': (j) =>
    j.add('journal-restored', null, {
      aside: '',
      why: 'x',
      backupSeq: 0,
      secondLogSeq: 0,
      restoredSeq: 0,
      lostAfterSeq: null,
    }),
  'damage-accepted': (j) => j.add('damage-accepted', null, { who: '王', why: 'x' }),
} satisfies Record<string, Tell>;

/** What goes on by itself most of the time, so that orders come far. */
const QUIET = ['order-quoted', 'attempt-creating', 'order-paid', 'order-delivering'] as const;

const step: fc.Arbitrary<Step> = fc.record({
  terminal: fc.constantFrom(0, 1),
  order: fc.constantFrom(0, 1, 2, 3),
  kind: fc.constantFrom(
    ...(Object.keys(FACTS) as (keyof typeof FACTS)[]),
    'order-delivered' as const,
    'order-delivered' as const,
    'after' as const,
  ),
  attempt: fc.constantFrom('a', 'a', 'b'),
  odd: fc.constantFrom(false, false, false, true),
  cut: fc.constantFrom(false, false, false, true),
});
const story = fc.record({
  /** How far each order comes before anything odd. */
  far: fc.tuple(...ORDERS.map(() => fc.integer({ min: 0, max: QUIET.length }))),
  steps: fc.array(step, { minLength: 4, maxLength: 30 }),
});

/** Everything that the books say; times of arrival are the room's, which stands still. */
const TABLES = {
  orders: 'order_id',
  accounts: 'user_no',
  reserves: 'order_id',
  claims: 'card_no',
  quotes: 'order_id',
  ledger: 'entry_id',
  quarantine: 'terminal_id, epoch, seq',
  terminal_notes: 'terminal_id, epoch, seq',
  journal_events: 'terminal_id, epoch, seq',
  terminals: 'terminal_id',
  cursors: 'terminal_id, epoch',
} as const;
async function booksOf({ db }: Room): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [name, order] of Object.entries(TABLES))
    all[name] = await db.query(`SELECT * FROM ${name} ORDER BY ${order}`);
  return all;
}

async function quoteOf(room: Room, order: number): Promise<Quote> {
  const { of, card, firm } = ORDERS[order] as (typeof ORDERS)[number];
  const { cardNo } = CARDS[card] as SeedAccount;
  const answer = await (room.terminals[of] as Terminal).client.quote({
    orderId: firm ? idOf(order) : null,
    cardNo,
    nextCount: 42,
    amountFen: 10_000,
  });
  if (!answer.ok) throw new Error(answer.error.code);
  return answer.value;
}

/** Tells the story to a central that nobody spoke to; the facts that were set aside. */
async function tellTo(
  room: Room,
  { far, steps }: { far: readonly number[]; steps: readonly Step[] },
  together: boolean,
  seen: Map<string, { applied: number; aside: number }>,
): Promise<void> {
  // Those that are not claimed are priced first.
  const quotes: Quote[] = [];
  for (const order of [1, 2, 0, 3]) quotes[order] = await quoteOf(room, order);
  const quiet = far.flatMap((n, order) =>
    QUIET.slice(0, n).map((kind): Step => ({
      terminal: ORDERS[order]?.of ?? 0,
      order,
      kind,
      attempt: 'a',
      odd: false,
      cut: false,
    })),
  );
  const kinds: string[][] = [[], []];
  const upload = async (i: number): Promise<void> => {
    const t = room.terminals[i] as Terminal;
    const from = t.sent;
    const aside = new Set(await t.upload());
    for (let seq = from + 1; seq <= t.sent; seq++) {
      const kind = kinds[i]?.[seq - 1] ?? '';
      const count = seen.get(kind) ?? { applied: 0, aside: 0 };
      count[aside.has(seq) ? 'aside' : 'applied'] += 1;
      seen.set(kind, count);
    }
  };
  let speaks = 0;
  for (const s of [...quiet, ...steps]) {
    // Another terminal's turn: what the first one said is told before.
    if (s.terminal !== speaks) await upload(speaks);
    speaks = s.terminal;
    const t = room.terminals[s.terminal] as Terminal;
    const tell: Tell = FACTS[s.kind];
    tell(t.journal, { ...s, id: idOf(s.order), q: quotes[s.order] as Quote });
    kinds[s.terminal]?.push(s.kind);
    if (!together || s.cut) await upload(s.terminal);
  }
  await upload(speaks);
}

const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const RUNS: Record<Engine, number> = FULL
  ? { postgres: 60, sqlite: 3_000 }
  : { postgres: 3, sqlite: 100 };

describe.each(ENGINES)('batches on %s', (engine) => {
  it(
    'the books are the same however the facts are cut into batches',
    async () => {
      const seen = new Map<string, { applied: number; aside: number }>();
      await fc.assert(
        fc.asyncProperty(story, async (told) => {
          const ends: Record<string, unknown>[] = [];
          for (const together of [false, true]) {
            const room = await openRoom(engine, 2, { claims: [] });
            await tellTo(room, told, together, seen);
            ends.push(await booksOf(room));
            await room.close();
          }
          expect(ends[1]).toEqual(ends[0]);
        }),
        { numRuns: RUNS[engine], ...(FULL ? {} : { seed: 311, endOnFailure: true }) },
      );
      if (engine === 'postgres') return;
      // Every kind was met by books that took it and, but for those that nothing is wrong with, by
      // books that did not.
      for (const kind of Object.keys(FACTS)) {
        expect(seen.get(kind)?.applied, `${kind} applied`).toBeGreaterThan(0);
        if (!['epoch-began', 'journal-restored', 'damage-accepted'].includes(kind))
          expect(seen.get(kind)?.aside, `${kind} set aside`).toBeGreaterThan(0);
      }
    },
    FULL ? 900_000 : 120_000,
  );
});
