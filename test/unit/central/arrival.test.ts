import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { accountsOf } from '../../concurrency/company.ts';
import { Kiosk, settleAll, Street } from '../../concurrency/kiosk.ts';
import type { Behind } from '../../concurrency/kiosk.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Engine, Room, Terminal, TestJournal } from './harness.ts';

/**
 * Facts of several kiosks reach central in any order, each kiosk's own in theirs: lines are cut for
 * hours, and a central that was restored hears everything once more. The books come to be the same.
 */
const KIOSKS = 4;
const ACCOUNTS: readonly SeedAccount[] = accountsOf(3, 1);

/** What honest kiosks wrote down in a day, and central's books at its end. */
async function day(seed: number): Promise<{
  readonly journals: readonly TestJournal[];
  readonly books: unknown;
  readonly seen: Street['seen'];
}> {
  const room = await openRoom('sqlite', KIOSKS, { accounts: ACCOUNTS, claims: [] });
  const terminal = (i: number): Terminal => room.terminals[i] as Terminal;
  let orders = 0;
  const behind: Behind = {
    get now() {
      return room.now;
    },
    set now(to) {
      room.now = to;
    },
    offices: { length: 1 },
    accounts: ACCOUNTS,
    client: (i) => terminal(i).client,
    journal: (i) => terminal(i).journal,
    account: (i) => ACCOUNTS[i] as SeedAccount,
    orderId: (i) => `PL-${terminal(i).id}-1-${String(++orders).padStart(4, '0')}-7000`,
  };
  const street = new Street(behind, seed);
  const kiosks = room.terminals.map((_, i) => new Kiosk(street, i));
  for (let n = 0; n < 24; n++) {
    const kiosk = kiosks[street.random(KIOSKS)] as Kiosk;
    await kiosk.visit();
    await kiosk.assist();
    if (street.random(4) === 0) await kiosk.settle();
  }
  await settleAll(street, kiosks);
  const books = await booksOf(room);
  await room.close();
  return { journals: room.terminals.map((t) => t.journal), books, seen: street.seen };
}

/**
 * The books, but for whose report put a delivery into them: where two kiosks read the purchase on
 * the card, that is the first one's.
 */
async function booksOf({ db }: Room): Promise<unknown> {
  const numbers = (rows: readonly Record<string, unknown>[]) =>
    rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([k, v]) => [k, typeof v === 'boolean' ? Number(v) : v]),
      ),
    );
  return {
    orders: numbers(
      await db.query(`SELECT order_id, terminal_id, state, money_taken, amount_fen, quantity,
        delivered_by IS NOT NULL AS delivered, refund_claimed_ms IS NOT NULL AS refunded
        FROM orders ORDER BY order_id`),
    ),
    ledger: await db.query(`SELECT order_id, attempt_id, user_no, kind, amount_fen, quantity, micro
      FROM ledger ORDER BY order_id, kind, attempt_id`),
    accounts: await db.query(`SELECT a.user_no, count, cumulative,
      (SELECT SUM(u.quantity) FROM account_use u WHERE u.user_no = a.user_no)::bigint AS used,
      carried_micro + COALESCE((SELECT SUM(micro) FROM reserves r
        WHERE r.user_no = a.user_no AND r.state = 'held'), 0)::bigint AS carried
      FROM accounts a ORDER BY a.user_no`),
    claims: await db.query('SELECT card_no FROM claims WHERE expires_ms IS NULL'),
    quarantine: await db.query('SELECT terminal_id, seq, reason FROM quarantine'),
    held: await db.query('SELECT terminal_id, seq, reason FROM held_facts'),
  };
}

const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const RUNS: Record<Engine, number> = FULL
  ? { postgres: 40, sqlite: 1_500 }
  : { postgres: 2, sqlite: 40 };

describe.each(ENGINES)('facts in any order, on %s', (engine) => {
  it(
    'come to the same books, and nothing is left for a person',
    async () => {
      const met: Record<string, number> = {};
      let waited = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.nat(1_000_000),
          fc.infiniteStream(fc.nat(KIOSKS - 1)),
          fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
          async (seed, turns, lengths) => {
            const { journals, books, seen } = await day(seed);
            for (const [what, n] of Object.entries(seen)) met[what] = (met[what] ?? 0) + n;
            // It never gave a quote or a claim: all it knows is what it is told.
            const room = await openRoom(engine, KIOSKS, { accounts: ACCOUNTS, claims: [] });
            try {
              for (const [i, terminal] of room.terminals.entries())
                terminal.journal = journals[i] as TestJournal;
              let left = journals.map((j) => j.events.length);
              while (left.some((n) => n > 0)) {
                const i = turns.next().value as number;
                const terminal = room.terminals[i] as Terminal;
                await terminal.upload(lengths.next().value as number);
                left = room.terminals.map((t) => t.journal.events.length - t.sent);
                waited += (await room.db.query('SELECT 1 FROM held_facts')).length;
              }
              expect(await booksOf(room)).toEqual(books);
            } finally {
              await room.close();
            }
          },
        ),
        { numRuns: RUNS[engine], ...(FULL ? {} : { seed: 611, endOnFailure: true }) },
      );
      if (engine !== 'sqlite') return;
      expect(waited).toBeGreaterThan(0);
      for (const what of ['delivered', 'finished elsewhere', 'refunded', 'closed'])
        expect(met[what], what).toBeGreaterThan(0);
    },
    FULL ? 900_000 : 120_000,
  );
});
