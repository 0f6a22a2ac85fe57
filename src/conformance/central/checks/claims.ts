import { CLAIM_MS, claimAnswerSchema } from '../../../shared/central-api/index.ts';
import type { ClaimAnswer } from '../../../shared/central-api/index.ts';
import { readGrant } from '../../../shared/grants.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import type { Answer } from '../asking.ts';
import { refused } from '../world.ts';
import type { Sale, World } from '../world.ts';

/** What an answer grants. @throws NotKept where it grants nothing, or another kind */
function granted(answer: Answer, kind: ClaimAnswer['kind']): ClaimAnswer {
  const said = claimAnswerSchema.safeParse(answer.json);
  must(
    answer.status === 200 && said.success && said.data.kind === kind,
    `no ${kind} claim: ${answer.told}`,
  );
  return said.data;
}

/** A refund whose write never left the machine: no reader's word, and no budget. */
const UNEXPOSED = { unwritten: 'unexposed', writes: 1 } as const;

/** Ends an order whose refund was granted: told, and its card is free again. */
async function handBack(world: World, sale: Sale, grant: string | undefined): Promise<void> {
  const { orderId, machine, attemptId, quote } = sale;
  const { journal } = machine;
  const { amountFen } = quote;
  const failure = { code: 'CARD-0203' };
  journal.add('order-refunding', orderId, {
    attemptId,
    failure,
    ...(grant === undefined ? {} : { grant }),
  });
  const outRefundNo = `R${world.walletNumber()}`;
  journal.add('attempt-refunding', orderId, { attemptId, outRefundNo, amountFen, why: 'suite' });
  journal.add('attempt-refunded', orderId, { attemptId, refundId: outRefundNo, amountFen });
  journal.add('order-refunded', orderId, { attemptId });
  const aside = await journal.flush();
  must(aside.length === 0, `facts of a granted refund were set aside: ${aside.join(', ')}`);
}

/** Writing, refunding, deciding: one of them, by one. */
export const CLAIMS: readonly Check<World>[] = [
  {
    id: 'CLM-01',
    says: 'While the order’s own terminal may write, another one is refused; asked again by its holder it is granted again.',
    run: async (world) => {
      const { seller, helper } = world;
      const sale = await world.inDoubt();
      refused(await world.claim(helper, sale, 'write'), 'claimed');
      for (let i = 0; i < 2; i++) {
        const { ttlMs } = granted(await world.claim(seller, sale, 'write'), 'write');
        must(ttlMs > 0 && ttlMs <= CLAIM_MS, `it holds for ${ttlMs} ms`);
      }
      refused(await world.claim(helper, sale, 'write'), 'claimed');
      refused(await world.claim(helper, sale, 'refund', UNEXPOSED), 'bad-request');
      const { grant } = granted(await world.claim(seller, sale, 'refund', UNEXPOSED), 'refund');
      await handBack(world, sale, grant);
    },
  },
  {
    id: 'CLM-02',
    says: 'A refund claim is final: asked again it is the same, and nobody is granted the write any more.',
    run: async (world) => {
      const { seller, helper } = world;
      const sale = await world.inDoubt();
      const { count } = await world.account(sale.card);
      const first = granted(await world.claim(seller, sale, 'refund', UNEXPOSED), 'refund');
      granted(await world.claim(seller, sale, 'refund', UNEXPOSED), 'refund');
      for (const machine of [seller, helper])
        refused(await world.claim(machine, sale, 'write'), 'refund-claimed');
      await handBack(world, sale, first.grant);
      const after = await world.account(sale.card);
      must(after.count === count, `a refunded order moved the count to ${after.count}`);
      must(after.claim === null, 'the refunded order still claims its card');
    },
  },
  {
    id: 'CLM-03',
    says: 'No claim on an order that is not known, is on another card, or took no money.',
    run: async (world) => {
      const { seller } = world;
      const unknown = { orderId: world.orderId(seller), card: world.card() };
      refused(await world.claim(seller, unknown, 'write'), 'not-in-doubt');
      refused(await world.claim(seller, unknown, 'refund', UNEXPOSED), 'not-in-doubt');
      const sale = await world.quoted();
      await seller.journal.flush();
      refused(await world.claim(seller, sale, 'refund', UNEXPOSED), 'not-in-doubt');
      const others = { ...sale, card: world.card() };
      refused(await world.claim(seller, others, 'write'), 'bad-request');
      seller.journal.add('order-closed', sale.orderId, { why: 'customer' });
      await seller.journal.flush();
    },
  },
  {
    id: 'CLM-04',
    says: 'No money goes back for a delivered order, and it is not written again.',
    run: async (world) => {
      const sale = await world.sold();
      refused(await world.claim(world.seller, sale, 'refund', UNEXPOSED), 'already-delivered');
      for (const machine of [world.seller, world.helper])
        refused(await world.claim(machine, sale, 'write'), 'already-delivered');
    },
  },
  {
    id: 'CLM-05',
    says: 'A granted claim carries central’s token for this terminal and order, by the answer key.',
    run: async (world) => {
      const { seller } = world;
      const sale = await world.inDoubt();
      const { grant = '' } = granted(
        await world.claim(seller, sale, 'refund', UNEXPOSED),
        'refund',
      );
      const read = readGrant(world.parts.answerKeys, grant);
      must(read.ok, `the token: ${read.ok ? '' : read.error}`);
      must(
        read.value.kind === 'refund-claim' &&
          read.value.terminalId === seller.terminal.id &&
          read.value.orderId === sale.orderId,
        `the token grants ${JSON.stringify(read.value)}`,
      );
      await handBack(world, sale, grant);
    },
  },
  {
    id: 'CLM-06',
    says: 'Once a lease ran out whoever has the card gets the write, with all that it needs; its holder alone.',
    needs: ['waits'],
    run: async (world) => {
      const { helper, seller } = world;
      const sale = await world.stale();
      const { order } = granted(await world.claim(helper, sale, 'write'), 'write');
      must(order !== null, 'the plan of the write is not told');
      const { quote } = sale;
      must(
        order.orderId === sale.orderId &&
          order.terminalId === seller.terminal.id &&
          order.cardNo === sale.card.cardNo &&
          order.nextCount === quote.nextCount &&
          order.quantity === quote.quantity &&
          order.amountFen === quote.amountFen &&
          order.before === 'AA00' &&
          order.plan.length === 1,
        `another order is told: ${JSON.stringify(order)}`,
      );
      refused(await world.claim(seller, sale, 'write'), 'claimed');
    },
  },
  {
    id: 'CLM-07',
    says: 'No refund while another terminal’s write claim is open, nor before it told what it wrote.',
    needs: ['waits'],
    run: async (world) => {
      const { helper, seller } = world;
      const sale = await world.stale();
      granted(await world.claim(helper, sale, 'write'), 'write');
      refused(await world.claim(seller, sale, 'refund', UNEXPOSED), 'claimed');
      // A lease that ran out says nothing of what its holder did with it.
      await world.wait(CLAIM_MS + 1_000);
      refused(await world.claim(seller, sale, 'refund', UNEXPOSED), 'claimed');
    },
  },
  {
    id: 'CLM-08',
    says: 'Of a refund and a write that are asked for at the same moment, one is granted.',
    needs: ['waits'],
    run: async (world) => {
      const { helper, seller } = world;
      const sale = await world.stale();
      const both = await Promise.all([
        world.claim(seller, sale, 'refund', UNEXPOSED),
        world.claim(helper, sale, 'write'),
      ]);
      const got = both.filter((answer) => answer.status === 200);
      must(got.length === 1, `${got.length} of them were granted`);
    },
  },
  {
    id: 'CLM-09',
    says: 'What another terminal delivered under its claim counts, is told to the order’s own, and is never refunded.',
    needs: ['waits'],
    run: async (world) => {
      const { helper, seller } = world;
      const sale = await world.stale();
      const { count } = await world.account(sale.card);
      const { order, serverTimeMs, grant } = granted(
        await world.claim(helper, sale, 'write'),
        'write',
      );
      must(order !== null, 'the plan of the write is not told');
      helper.journal.add('assist-ended', sale.orderId, {
        origin: seller.terminal.id,
        cardNo: sale.card.cardNo,
        verdict: 'after',
        written: true,
        count: order.nextCount,
        quantity: order.quantity,
        cumulative: order.cumulative,
        claimMs: serverTimeMs,
        ...(grant === undefined ? {} : { grant }),
      });
      const aside = await helper.journal.flush();
      must(aside.length === 0, 'the delivery was set aside');
      const after = await world.account(sale.card);
      must(after.count === count + 1, `the count went from ${count} to ${after.count}`);
      refused(await world.claim(seller, sale, 'refund', UNEXPOSED), 'already-delivered');
      const told = await seller.terminal.get('/v1/commands');
      must(
        JSON.stringify(told.json).includes(`"delivered-elsewhere","orderId":"${sale.orderId}"`),
        `the order’s own terminal is not told: ${told.told}`,
      );
    },
  },
  {
    id: 'CLM-10',
    says: 'After a counter claim nobody writes and nothing goes back by itself.',
    run: async (world) => {
      const { seller, helper } = world;
      const sale = await world.inDoubt();
      granted(await world.claim(seller, sale, 'counter'), 'counter');
      granted(await world.claim(seller, sale, 'counter'), 'counter');
      refused(await world.claim(seller, sale, 'refund', UNEXPOSED), 'counter-claimed');
      for (const machine of [seller, helper])
        refused(await world.claim(machine, sale, 'write'), 'counter-claimed');
    },
  },
];
