import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bool } from '../../../src/central/db/sql.ts';
import { CLAIM_MS, CLAIM_USE_MS } from '../../../src/shared/central-api/index.ts';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { confirmHands } from './hands.ts';
import { ANY_REFUND, ENGINES, openRoom } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

/** What the card itself holds of the one purchase. */
type Card = 'before' | 'torn' | 'after';

/**
 * One step of a story with one torn purchase and three kiosks; 0 is the origin. `insert`: the card
 * is put into a kiosk, which does what kiosks do, if central answers; its write ends as told, and
 * the read-back is the origin's look at a card that refused it. `heard: false`: central's answer is
 * lost. `refund`: the origin asks for the refund claim in the background, naming the claim under
 * which it last saw the card unwritten. `lost`: a technician says that the card will not come back
 * (it may all the same), and the origin asks for the counter claim.
 */
type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'upload'; readonly kiosk: number; readonly count: number }
  | {
      readonly kind: 'insert';
      readonly kiosk: number;
      readonly write: Card;
      readonly heard: boolean;
      readonly wantsRefund: boolean;
    }
  | { readonly kind: 'refund'; readonly heard: boolean }
  | { readonly kind: 'lost'; readonly heard: boolean }
  | { readonly kind: 'commands' };

const kiosk = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1_000, 60_000, CLAIM_USE_MS, CLAIM_MS - 1, CLAIM_MS),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('upload' as const),
      kiosk,
      count: fc.constantFrom(1, 3, 50),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      kiosk,
      write: fc.constantFrom<Card>('before', 'torn', 'after'),
      heard: fc.constantFrom(true, true, true, false),
      wantsRefund: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('refund' as const),
      heard: fc.constantFrom(true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lost' as const),
      heard: fc.constantFrom(true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commands' as const) }) },
);

class Story {
  readonly room: Room;
  readonly account: SeedAccount;
  readonly id: string;
  quote!: Quote;
  card: Card = 'before';
  /** The origin's own view: what its journal says. */
  origin: 'open' | 'wants-refund' | 'lost' | 'parked' | 'delivered' | 'refunded' = 'open';
  /** The grant under which it last saw the card unwritten; its refund claims name that. */
  saw: number | null = null;

  constructor(room: Room, account: SeedAccount, id: string) {
    this.room = room;
    this.account = account;
    this.id = id;
  }
  t(i: number): Terminal {
    return this.room.terminals[i] as Terminal;
  }
  async begin(firstWrite: Card, wantsRefund: boolean): Promise<void> {
    const q = await this.t(0).client.quote({
      orderId: this.id,
      cardNo: this.account.cardNo,
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error(JSON.stringify(q.error));
    this.quote = q.value;
    const j = this.t(0).journal;
    j.quoted(this.id, q.value, this.account.userNo);
    j.paid(this.id, 10_000);
    j.delivering(this.id, q.value);
    this.card = firstWrite;
    const certain = firstWrite === 'before' && wantsRefund;
    j.inDoubt(this.id, certain ? 'refund' : 'write');
    if (certain) this.origin = 'wants-refund';
  }

  async run(s: Step): Promise<void> {
    switch (s.kind) {
      case 'wait':
        this.room.now += s.ms;
        return;
      case 'upload':
        await this.upload(s.kiosk, s.count);
        return;
      case 'insert':
        return s.kiosk === 0
          ? this.atOrigin(s.write, s.heard, s.wantsRefund)
          : this.elsewhere(s.kiosk, s.write, s.heard);
      case 'refund':
        return this.refund(s.heard);
      case 'lost':
        return this.lost(s.heard);
      case 'commands': {
        const c = await this.t(0).client.commands();
        if (!c.ok) throw new Error(JSON.stringify(c.error));
        if (c.value.commands.some((x) => x.kind === 'delivered-elsewhere' && x.orderId === this.id))
          this.originDelivered('elsewhere');
        return;
      }
      default:
        s satisfies never;
    }
  }
  async upload(i: number, count?: number): Promise<void> {
    expect(
      await this.t(i).upload(count),
      `kiosk ${i}: nothing that kiosks tell is set aside`,
    ).toEqual([]);
  }
  private originDelivered(by: 'later-read' | 'elsewhere'): void {
    if (this.origin === 'delivered') return;
    expect(this.card).toBe('after');
    this.t(0).journal.add('order-delivered', this.id, {
      by,
      count: 42,
      quantity: this.quote.quantity,
      cumulative: 205_000 + this.quote.quantity,
    });
    this.origin = 'delivered';
  }
  private async atOrigin(write: Card, heard: boolean, wantsRefund: boolean): Promise<void> {
    if (this.origin === 'delivered' || this.origin === 'refunded' || this.origin === 'parked')
      return;
    if (this.card === 'after') return this.originDelivered('later-read');
    if (this.origin === 'lost' && this.card === 'before') {
      // Under the counter claim at once, otherwise by the refund claim.
      const counter = await this.t(0).client.claim(this.id, 'counter', this.account.cardNo);
      if (counter.ok && heard) return this.refunded();
      this.t(0).journal.inDoubt(this.id, 'refund');
      this.origin = 'wants-refund';
      return;
    }
    const claim = await this.t(0).client.claim(this.id, 'write', this.account.cardNo);
    if (!claim.ok || !heard) return;
    const j = this.t(0).journal;
    if (this.card === 'before' && wantsRefund) {
      j.inDoubt(this.id, 'refund');
      this.origin = 'wants-refund';
      this.saw = claim.value.serverTimeMs;
      return this.refund(heard);
    }
    j.delivering(this.id, this.quote);
    this.saw = null;
    this.write(write);
    this.origin = 'open';
    if (this.isAfter()) this.originDelivered('later-read');
    else if (this.card === 'before') {
      // The card refused its write, and is gone after the read-back; it is asked in the background.
      j.inDoubt(this.id, 'refund');
      this.saw = claim.value.serverTimeMs;
      this.origin = 'wants-refund';
    } else j.inDoubt(this.id);
  }
  private async elsewhere(i: number, write: Card, heard: boolean): Promise<void> {
    const claim = await this.t(i).client.claim(this.id, 'write', this.account.cardNo);
    if (!claim.ok || !heard) return;
    expect(claim.value.order).toMatchObject({ orderId: this.id, quantity: this.quote.quantity });
    const j = this.t(i).journal;
    const origin = this.t(0).id;
    if (this.card !== 'after') {
      j.add('assist-writing', this.id, {
        origin,
        cardNo: this.account.cardNo,
        insertion: 1,
        before: 'AA00',
        after: 'BB',
        count: 42,
        quantity: this.quote.quantity,
        cumulative: 205_000 + this.quote.quantity,
        grant: j.writeClaim(this.id, this.account.cardNo),
      });
      this.write(write);
    }
    j.assisted(origin, this.id, this.quote, this.card, { claimMs: claim.value.serverTimeMs });
  }
  private isAfter(): boolean {
    return this.card === 'after';
  }
  /** A write that ends as told; nothing makes a torn card whole but a whole write. */
  private write(end: Card): void {
    expect(['refunded', 'parked'], 'nobody writes under a final claim').not.toContain(this.origin);
    this.card = end === 'before' ? this.card : end;
  }
  private async refund(heard: boolean): Promise<void> {
    if (this.origin !== 'wants-refund') return;
    const claim = await this.t(0).client.claim(this.id, 'refund', this.account.cardNo, this.saw);
    if (claim.ok) expect(this.card, 'a refund claim means that nothing was written').toBe('before');
    if (!claim.ok && claim.error.code === 'BILL-0110') {
      this.t(0).journal.inDoubt(this.id, 'counter');
      this.origin = 'lost';
    }
    if (claim.ok && heard) this.refunded();
  }
  private refunded(): void {
    expect(this.card, 'a refund means that nothing was written').toBe('before');
    const j = this.t(0).journal;
    j.add('order-refunding', this.id, {
      attemptId: `${this.id}/1`,
      failure: { code: 'CARD-0203' },
      grant: j.refundClaim(this.id, this.account.cardNo),
    });
    j.add('attempt-refunded', this.id, {
      attemptId: `${this.id}/1`,
      refundId: '503',
      amountFen: 10_000,
    });
    j.add('order-refunded', this.id, { attemptId: `${this.id}/1` });
    this.origin = 'refunded';
  }

  private async lost(heard: boolean): Promise<void> {
    if (this.origin !== 'open' && this.origin !== 'wants-refund' && this.origin !== 'lost') return;
    const j = this.t(0).journal;
    if (this.origin !== 'lost') j.inDoubt(this.id, 'counter');
    this.origin = 'lost';
    const claim = await this.t(0).client.claim(this.id, 'counter', this.account.cardNo);
    if (!claim.ok && claim.error.code === 'BILL-0107') {
      j.inDoubt(this.id, 'refund');
      this.origin = 'wants-refund';
    }
    if (!claim.ok || !heard) return;
    j.add('order-parked', this.id, { reason: 'card-lost', nextStep: 'counter' });
    this.origin = 'parked';
  }

  async check(): Promise<void> {
    const kinds = await this.kinds();
    const order = (
      await this.room.db.query<{
        refund_claimed_ms: unknown;
        counter_claim: unknown;
        delivered_by: string | null;
      }>('SELECT refund_claimed_ms, counter_claim, delivered_by FROM orders WHERE order_id = $1', [
        this.id,
      ])
    )[0];
    expect(kinds.filter((k) => k === 'delivered').length).toBeLessThanOrEqual(1);
    expect(kinds.filter((k) => k === 'refunded').length).toBeLessThanOrEqual(1);
    if (order === undefined) return;
    const refund = order.refund_claimed_ms !== null && !bool(order.counter_claim);
    expect(
      refund && (order.delivered_by !== null || kinds.includes('delivered')),
      'never a delivery and a refund claim',
    ).toBe(false);
    if (kinds.includes('delivered')) expect(this.card).toBe('after');
    if (refund) expect(this.card).toBe('before');
  }
  async kinds(): Promise<readonly string[]> {
    return (
      await this.room.db.query<{ kind: string }>('SELECT kind FROM ledger WHERE order_id = $1', [
        this.id,
      ])
    ).map((r) => r.kind);
  }
  /**
   * Faults cease: everybody uploads, leases run out, the card comes to a kiosk. It must end, and
   * end once.
   */
  async end(at: number, wantsRefund: boolean): Promise<void> {
    for (const i of [2, 0, 1]) await this.upload(i);
    this.room.now += CLAIM_MS;
    for (let round = 0; round < 2; round++) {
      await this.run({ kind: 'insert', kiosk: at, write: 'after', heard: true, wantsRefund });
      await this.run({ kind: 'refund', heard: true });
      for (const i of [0, 1, 2]) await this.upload(i);
      await this.run({ kind: 'commands' });
      await this.upload(0);
    }
    if (this.origin === 'lost') {
      await this.run({ kind: 'lost', heard: true });
      await this.upload(0);
    }
    await this.check();
    const byHand =
      this.origin === 'parked'
        ? this.card === 'after'
          ? 'delivered-by-hand'
          : 'refunded-by-hand'
        : null;
    if (byHand !== null) {
      // The desk looks at the meter; nobody had told.
      this.t(0).journal.add('parked-settled', this.id, {
        attemptId: null,
        how: byHand,
        reference: 'BANK-9',
        who: 'wang',
        why: 'x',
      });
      await this.upload(0);
      await confirmHands(this.room.db, this.room.now);
    }
    const kinds = [...(await this.kinds())].toSorted();
    const done = await this.t(0).client.commands();
    expect(done).toMatchObject({ ok: true, value: { commands: [] } });
    const account = await this.t(0).client.account(this.account.cardNo);
    if (!account.ok) throw new Error(JSON.stringify(account.error));
    expect(account.value.account.claim).toBeNull();
    if (byHand !== null) {
      expect(kinds).toEqual(
        byHand === 'refunded-by-hand' ? ['captured', 'refunded'] : ['captured'],
      );
      expect(account.value.account).toMatchObject({
        count: 41,
        carriedMicro: 0,
        cumulative: 205_000,
      });
    } else if (this.origin === 'refunded') {
      expect(kinds).toEqual(['captured', 'refunded']);
      expect(account.value.account).toMatchObject({
        count: 41,
        carriedMicro: 0,
        cumulative: 205_000,
      });
    } else {
      expect(this.origin).toBe('delivered');
      expect(kinds).toEqual(['captured', 'carried', 'delivered']);
      expect(account.value.account).toMatchObject({
        count: 42,
        carriedMicro: this.quote.carriedAfterMicro,
        cumulative: 205_000 + this.quote.quantity,
      });
    }
  }
}

/**
 * PILOTLIGHT_FULL=1: more stories, and new ones at each run. The fast ones are the same each time,
 * and end in every way.
 */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const STORIES_SEED = 311;
/** PGlite is the slower by far: it gets fewer of the same stories. */
const RUNS: Record<Engine, number> = FULL
  ? { postgres: 40, sqlite: 1_500 }
  : { postgres: 12, sqlite: 250 };
const ACCOUNTS: readonly SeedAccount[] = Array.from({ length: 2_000 }, (_, i) => ({
  ...(DEMO_ACCOUNTS[1] as SeedAccount),
  cardNo: String(8_800_010_000 + i),
  userNo: String(1_002_210_000 + i),
}));

describe.each(ENGINES)('stories of claims on %s', (engine) => {
  let room: Room;
  let told = 0;
  beforeAll(async () => {
    room = await openRoom(engine, 3, {
      refundBudget: ANY_REFUND,
      accounts: ACCOUNTS.slice(0, engine === 'postgres' ? 60 : 2_000),
    });
  }, 60_000);
  afterAll(() => room.close());

  it('never a delivery and a refund, at most one of each, remainders exact, never wedged', async () => {
    const ends = { delivered: 0, refunded: 0, elsewhere: 0, parked: 0, lostAndDelivered: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Card>('before', 'before', 'torn', 'after'),
        fc.array(step, { minLength: 5, maxLength: 40 }),
        kiosk,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        async (first, steps, at, refundFirst, refundLast, known) => {
          const n = told++;
          const story = new Story(
            room,
            ACCOUNTS[n] as SeedAccount,
            `PL-000000000311-1-${String(n).padStart(4, '0')}-0000`,
          );
          await story.begin(first, refundFirst);
          // Half of the stories begin late: told to central, the origin's lease over.
          if (known) {
            await story.upload(0);
            room.now += CLAIM_MS;
          }
          for (const s of steps) {
            await story.run(s);
            await story.check();
          }
          await story.end(at, refundLast);
          if (story.origin === 'refunded') ends.refunded++;
          else if (story.origin === 'parked') ends.parked++;
          else ends.delivered++;
          if (
            story.origin === 'delivered' &&
            room.terminals[0]?.journal.events.some(
              (e) => e.kind === 'order-parked' && e.orderId === story.id,
            )
          )
            ends.lostAndDelivered++;
          if (
            room.terminals
              .slice(1)
              .some((t) =>
                t.journal.events.some(
                  (e) =>
                    e.kind === 'assist-ended' &&
                    e.orderId === story.id &&
                    (e.body as { verdict: string }).verdict === 'after',
                ),
              )
          )
            ends.elsewhere++;
        },
      ),
      {
        numRuns: RUNS[engine],
        ...(FULL ? {} : { seed: STORIES_SEED }),
        endOnFailure: engine === 'postgres',
        examples: [
          // A half-written card comes to the origin, whose write claim is granted and not heard; it
          // is pulled again.
          [
            'before',
            [
              { kind: 'insert', kiosk: 1, write: 'torn', heard: true, wantsRefund: false },
              { kind: 'wait', ms: CLAIM_MS },
              { kind: 'insert', kiosk: 0, write: 'before', heard: false, wantsRefund: false },
              { kind: 'wait', ms: 1_000 },
              { kind: 'refund', heard: true },
              { kind: 'insert', kiosk: 0, write: 'before', heard: true, wantsRefund: false },
              { kind: 'commands' },
            ],
            0,
            true,
            false,
            true,
          ],
          // The origin saw an unwritten card; another kiosk wrote it and could not tell; its lease
          // ran out.
          [
            'before',
            [
              { kind: 'insert', kiosk: 1, write: 'after', heard: true, wantsRefund: false },
              { kind: 'wait', ms: CLAIM_MS },
              { kind: 'refund', heard: true },
              { kind: 'upload', kiosk: 0, count: 50 },
              { kind: 'refund', heard: true },
            ],
            2,
            true,
            false,
            true,
          ],
          // The same, and the origin’s own late fact in between.
          [
            'before',
            [
              { kind: 'insert', kiosk: 1, write: 'torn', heard: true, wantsRefund: false },
              { kind: 'upload', kiosk: 1, count: 50 },
              { kind: 'wait', ms: CLAIM_MS },
              { kind: 'refund', heard: true },
            ],
            1,
            true,
            false,
            true,
          ],
          // Another kiosk wrote it and could not tell; its lease ran out; the card was said to be
          // lost.
          [
            'before',
            [
              { kind: 'insert', kiosk: 1, write: 'after', heard: true, wantsRefund: false },
              { kind: 'wait', ms: CLAIM_MS },
              { kind: 'lost', heard: true },
              { kind: 'upload', kiosk: 0, count: 50 },
              { kind: 'upload', kiosk: 1, count: 50 },
            ],
            0,
            false,
            false,
            true,
          ],
          // The claim was granted and not heard; the card came back unwritten.
          [
            'before',
            [
              { kind: 'lost', heard: false },
              { kind: 'upload', kiosk: 0, count: 50 },
              { kind: 'insert', kiosk: 0, write: 'after', heard: true, wantsRefund: false },
            ],
            2,
            false,
            false,
            true,
          ],
        ],
      },
    );
    // The stories are worth telling only when they end in every way.
    if (engine !== 'sqlite') return;
    const { lostAndDelivered, ...often } = ends;
    for (const [end, n] of Object.entries(often)) expect(n, end).toBeGreaterThan(5);
    expect(lostAndDelivered).toBeGreaterThan(0);
  }, 600_000);
});
