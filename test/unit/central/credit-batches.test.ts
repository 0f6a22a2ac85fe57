import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import { grantToken, notCreditedDigest, postedDigest } from '../../../src/shared/grants.ts';
import type { CreditQuote } from '../../../src/shared/sale.ts';
import { CreditTerminal, saleOf } from '../../support/credit.ts';
import { ENGINES, openRoom, QUICK_KEYS } from './harness.ts';
import type { Engine, Room, Terminal, TestJournal } from './harness.ts';

const T = '000000000311';
const NOW = 1_780_000_000_000;
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: '3000000001',
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
    items: [{ item: 'G1', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 5_000 }],
  },
];
/** Two top-ups of one meter, and its bill. */
const ITEMS = ['balance', 'balance', 'G1'] as const;
const idOf = (order: number): string => `PL-${T}-1-000${order}-7000`;
const FEN = 5_000;

interface Step {
  readonly order: number;
  readonly kind: keyof typeof FACTS;
  readonly odd: boolean;
  readonly cut: boolean;
}
type Tell = (j: TestJournal, s: Step, id: string, sale: CreditQuote) => number;
const failure = { code: 'SALE-0120' };
const grant = (kind: 'credit' | 'void', orderId: string, digest: string): string =>
  grantToken(QUICK_KEYS.answers, { kind, terminalId: T, orderId, digest, grantedMs: NOW });

/** Every kind of fact that changes the books of a sale without a card. */
const FACTS = {
  'credit-quoted': (j, s, id, sale) =>
    j.add('credit-quoted', id, s.odd ? { ...sale, expiresAtMs: 1 } : sale),
  'attempt-creating': (j, _s, id) =>
    j.add('attempt-creating', id, {
      attemptId: `${id}/1`,
      provider: 'gateway',
      outTradeNo: `P${id}`,
      outRefundNo: `R${id}`,
      amountFen: FEN,
      expiresAtMs: NOW,
    }),
  'order-paid': (j, s, id) =>
    j.add('order-paid', id, { attemptId: `${id}/1`, amountFen: s.odd ? 1 : FEN }),
  'credit-posting': (j, _s, id) => j.add('credit-posting', id, { attemptId: `${id}/1` }),
  'credit-posted': (j, s, id) => {
    const told = { reference: `CR${id}`, postedMs: NOW };
    const token = grant('credit', id, postedDigest(told));
    return j.add('credit-posted', id, s.odd ? told : { ...told, grant: token });
  },
  'order-in-doubt': (j, _s, id) => j.add('order-in-doubt', id, { failure, wants: 'write' }),
  'order-closed': (j, _s, id) => j.add('order-closed', id, { why: 'customer' }),
  'order-refunding': (j, s, id) => {
    const token = grant('void', id, notCreditedDigest(id));
    const body = { attemptId: `${id}/1`, failure };
    return j.add('order-refunding', id, s.odd ? body : { ...body, grant: token });
  },
  'order-refunded': (j, _s, id) => j.add('order-refunded', id, { attemptId: `${id}/1` }),
  'order-parked': (j, _s, id) => j.add('order-parked', id, { reason: 'x', nextStep: 'y' }),
} satisfies Record<string, Tell>;
const QUIET = ['credit-quoted', 'attempt-creating', 'order-paid', 'credit-posting'] as const;

const step: fc.Arbitrary<Step> = fc.record({
  order: fc.constantFrom(0, 1, 2),
  kind: fc.constantFrom(
    ...(Object.keys(FACTS) as (keyof typeof FACTS)[]),
    'credit-posted' as const,
  ),
  odd: fc.constantFrom(false, false, false, true),
  cut: fc.constantFrom(false, false, false, true),
});
const story = fc.record({
  far: fc.tuple(...ITEMS.map(() => fc.integer({ min: 0, max: QUIET.length }))),
  steps: fc.array(step, { minLength: 3, maxLength: 20 }),
});

const TABLES = {
  orders: 'order_id',
  postings: 'order_id',
  credit_accounts: 'user_no',
  credit_items: 'item',
  meter_commands: 'meter_no, count',
  ledger: 'entry_id',
  quarantine: 'terminal_id, epoch, seq',
  terminals: 'terminal_id',
} as const;
async function booksOf({ db }: Room): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [name, order] of Object.entries(TABLES))
    all[name] = await db.query(`SELECT * FROM ${name} ORDER BY ${order}`);
  return all;
}

async function tellTo(
  room: Room,
  { far, steps }: { far: readonly number[]; steps: readonly Step[] },
  together: boolean,
  seen: Map<string, { applied: number; aside: number }>,
): Promise<void> {
  const t = room.terminals[0] as Terminal;
  const kiosk = new CreditTerminal(
    t.id,
    () => room.central,
    () => room.now,
  );
  const sales: CreditQuote[] = [];
  for (const [order, item] of ITEMS.entries()) {
    const said = await kiosk.quote({
      orderId: idOf(order),
      userNo: '3000000001',
      payee: 'house',
      lines: [{ item, amountFen: FEN }],
      asOfMs: room.now,
    });
    if (!said.ok) throw new Error(said.detail);
    sales.push(saleOf(said.value.quote));
  }
  const quiet = far.flatMap((n, order) =>
    QUIET.slice(0, n).map((kind): Step => ({ order, kind, odd: false, cut: false })),
  );
  const kinds: string[] = [];
  const upload = async (): Promise<void> => {
    const from = t.sent;
    const aside = new Set(await t.upload());
    for (let seq = from + 1; seq <= t.sent; seq++) {
      const kind = kinds[seq - 1] ?? '';
      const count = seen.get(kind) ?? { applied: 0, aside: 0 };
      count[aside.has(seq) ? 'aside' : 'applied'] += 1;
      seen.set(kind, count);
    }
  };
  for (const s of [...quiet, ...steps]) {
    const tell: Tell = FACTS[s.kind];
    tell(t.journal, s, idOf(s.order), sales[s.order] as CreditQuote);
    kinds.push(s.kind);
    if (!together || s.cut) await upload();
  }
  await upload();
}

const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const RUNS: Record<Engine, number> = FULL
  ? { postgres: 40, sqlite: 2_000 }
  : { postgres: 1, sqlite: 80 };

describe.each(ENGINES)('credit in batches on %s', (engine) => {
  it(
    'the books are the same however the facts are cut into batches',
    async () => {
      const seen = new Map<string, { applied: number; aside: number }>();
      await fc.assert(
        fc.asyncProperty(story, async (told) => {
          const ends: Record<string, unknown>[] = [];
          for (const together of [false, true]) {
            const room = await openRoom(engine, 1, { creditAccounts: ACCOUNTS, claims: [] });
            await tellTo(room, told, together, seen);
            ends.push(await booksOf(room));
            await room.close();
          }
          expect(ends[1]).toEqual(ends[0]);
          const states = (ends[0]?.['orders'] ?? []) as { order_id: string; state: string }[];
          const postings = (ends[0]?.['postings'] ?? []) as { order_id: string; state: string }[];
          // Whatever is told: what went back is not credited, what is delivered is.
          for (const { order_id, state } of states) {
            const posting = postings.find((p) => p.order_id === order_id)?.state;
            if (state === 'refunding' || state === 'refunded' || state === 'closed')
              expect(posting).toBe('void');
            if (state === 'delivered') expect(posting).toBe('posted');
          }
        }),
        { numRuns: RUNS[engine], ...(FULL ? {} : { seed: 311, endOnFailure: true }) },
      );
      if (engine === 'postgres') return;
      for (const kind of Object.keys(FACTS)) {
        expect(seen.get(kind)?.applied, `${kind} applied`).toBeGreaterThan(0);
        expect(seen.get(kind)?.aside, `${kind} set aside`).toBeGreaterThan(0);
      }
    },
    FULL ? 900_000 : 120_000,
  );
});
