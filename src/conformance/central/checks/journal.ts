import { epochAnswerSchema, problemSchema } from '../../../shared/central-api/index.ts';
import { genesisHash } from '../../../shared/journal-hash.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import type { Answer } from '../asking.ts';
import type { Batch, Journal } from '../journal.ts';
import { refused } from '../world.ts';
import type { World } from '../world.ts';

const STARTED = { version: 'suite', node: '0', recoveredOrders: 0 };

/** @throws NotKept where the journal stands elsewhere than it did */
async function stands(journal: Journal, where: string): Promise<void> {
  const { seq, hash } = journal.head;
  const batch = { ...journal.take(), events: [] };
  const answer = await journal.send(batch);
  const said = answer.json as { readonly ackSeq?: unknown; readonly ackHash?: unknown } | null;
  must(
    answer.status === 200 && said?.ackSeq === seq && said.ackHash === hash,
    `${where}: stood at ${seq} ${hash}, came ${answer.told}`,
  );
}

/** Facts: each once, in order, by its hash. */
export const JOURNALS: readonly Check<World>[] = [
  {
    id: 'JRN-01',
    says: 'A batch without facts is answered with where central holds the journal.',
    run: async ({ seller, helper, forked }) => {
      for (const { journal } of [seller, helper, forked]) {
        await journal.begin();
        await stands(journal, 'asked twice');
      }
    },
  },
  {
    id: 'JRN-02',
    says: 'A whole sale is taken, and counted once: count, cumulative, the year’s use, and the remainder.',
    run: async (world) => {
      const card = world.card();
      const before = await world.account(card);
      const { quote } = await world.sold(card);
      const after = await world.account(card);
      const want = {
        count: before.count + 1,
        cumulative: before.cumulative + quote.quantity,
        yearQuantity: before.yearQuantity + quote.quantity,
      };
      const { count, cumulative, yearQuantity } = after;
      must(
        JSON.stringify({ count, cumulative, yearQuantity }) === JSON.stringify(want),
        `expected ${JSON.stringify(want)}, came ${JSON.stringify({ count, cumulative, yearQuantity })}`,
      );
      must(after.claim === null, 'the delivered order still claims its card');
      if (world.parts.receipts !== null)
        must(
          after.carriedMicro === quote.carriedAfterMicro,
          `the remainder is ${after.carriedMicro}, the quote promised ${quote.carriedAfterMicro}`,
        );
    },
  },
  {
    id: 'JRN-03',
    says: 'The same batch again, and twice at once, is acknowledged alike and counted once.',
    run: async (world) => {
      const { seller } = world;
      const card = world.card();
      const { count, cumulative } = await world.account(card);
      const sale = await world.quoted(card);
      world.pay(sale);
      world.begin(sale, cumulative);
      world.deliver(sale, cumulative);
      await seller.journal.begin();
      const batch = seller.journal.take();
      const answers = await Promise.all([seller.journal.send(batch), seller.journal.send(batch)]);
      answers.push(await seller.journal.send(batch));
      for (const answer of answers) seller.journal.acked(batch, answer);
      const after = await world.account(card);
      must(after.count === count + 1, `the count went from ${count} to ${after.count}`);
    },
  },
  {
    id: 'JRN-04',
    says: 'A batch that begins too late is a gap; expectedSeq says from where to send, and nothing is taken.',
    run: async ({ seller }) => {
      const { journal } = seller;
      await journal.begin();
      const { seq, hash } = journal.head;
      const [lost, late] = chain(journal, 2);
      must(lost !== undefined && late !== undefined, 'no facts were made');
      const answer = await journal.send({
        epoch: seller.terminal.epoch,
        fromSeq: seq + 2,
        prevHash: lost.hash,
        events: [late],
      });
      refused(answer, 'gap');
      const problem = problemSchema.parse(answer.json);
      must(problem.expectedSeq === seq + 1, `expectedSeq is ${String(problem.expectedSeq)}`);
      must(journal.head.hash === hash, 'the journal moved');
      await stands(journal, 'after a gap');
    },
  },
  {
    id: 'JRN-05',
    says: 'A fact whose hash is not that of its contents is refused, and nothing of its batch is taken.',
    run: async ({ seller }) => {
      const { journal } = seller;
      await journal.begin();
      const batch = batchOf(journal, seller.terminal.epoch, chain(journal, 2));
      const [first, second] = batch.events;
      must(first !== undefined && second !== undefined, 'no facts were made');
      refused(
        await journal.send({
          ...batch,
          events: [first, { ...second, body: { ...STARTED, recoveredOrders: 1 } }],
        }),
        'bad-request',
      );
      await stands(journal, 'after a broken chain');
    },
  },
  {
    id: 'JRN-06',
    says: 'A head under another key’s signature is refused.',
    run: async ({ seller, helper }) => {
      const { journal } = seller;
      await journal.begin();
      const batch = batchOf(journal, seller.terminal.epoch, chain(journal, 1));
      const headSig = Buffer.from(
        helper.terminal.signer.sign(Buffer.from(`${batch.epoch}:${batch.fromSeq}:`, 'utf8')),
      ).toString('base64');
      refused(await journal.send(batch, { headSig }), 'bad-signature');
      await stands(journal, 'after a strange head');
    },
  },
  {
    id: 'JRN-07',
    says: 'Numbers that do not follow each other are refused.',
    run: async ({ seller }) => {
      const { journal } = seller;
      await journal.begin();
      const [first, , third] = chain(journal, 3);
      must(first !== undefined && third !== undefined, 'no facts were made');
      refused(
        await journal.send(batchOf(journal, seller.terminal.epoch, [first, third])),
        'bad-request',
      );
      await stands(journal, 'after a hole in a batch');
    },
  },
  {
    id: 'JRN-08',
    says: 'A kind that is not known, or a body of another form, is acknowledged and named as set aside.',
    run: async (world) => {
      const { journal } = world.seller;
      await journal.begin();
      journal.raw('suite-of-tomorrow', null, { any: world.upTo(1_000) });
      journal.raw('order-paid', null, { attemptId: 7 });
      const from = journal.head.seq;
      const aside = await journal.flush();
      must(
        JSON.stringify([...aside]) === JSON.stringify([from + 1, from + 2]),
        `set aside: ${aside.join(', ')}`,
      );
    },
  },
  {
    id: 'JRN-09',
    says: 'The hash covers canonical JSON: keys in any order on the way, every character, every number.',
    run: async ({ seller }) => {
      const { journal } = seller;
      await journal.begin();
      journal.raw('core-started', null, {
        recoveredOrders: 0,
        version: '长明 \u{1F525} "quoted" \\ \u2028 \u0001',
        node: '24',
        extra: { z: [1e21, 0.1, -0, 1e-7, true, null], a: { é: 1, e: 2, É: 3 } },
      });
      await journal.flush();
    },
  },
  {
    id: 'JRN-10',
    says: 'Another terminal’s order in a journal is set aside, and changes nothing.',
    run: async (world) => {
      const { seller, helper } = world;
      const card = world.card();
      const sale = await world.quoted(card);
      await seller.journal.flush();
      await helper.journal.begin();
      helper.journal.add('order-closed', sale.orderId, { why: 'customer' });
      const aside = await helper.journal.flush();
      must(aside.length === 1, 'it was taken');
      const { claim } = await world.account(card);
      must(claim?.orderId === sale.orderId, 'another terminal’s fact freed the card');
      seller.journal.add('order-closed', sale.orderId, { why: 'customer' });
      await seller.journal.flush();
    },
  },
  {
    id: 'JRN-11',
    says: 'An epoch that nobody granted is refused.',
    run: async ({ seller }) => {
      const { terminal, journal } = seller;
      const epoch = terminal.epoch + 1_000;
      const prevHash = genesisHash(terminal.id, epoch);
      refused(await journal.send({ epoch, fromSeq: 1, prevHash, events: [] }), 'old-epoch');
    },
  },
  {
    id: 'JRN-12',
    says: 'A delivery of an order that was never paid is set aside: no count moves by it.',
    run: async (world) => {
      const card = world.card();
      const { count, cumulative } = await world.account(card);
      const sale = await world.quoted(card);
      world.begin(sale, cumulative);
      world.deliver(sale, cumulative);
      const aside = await sale.machine.journal.flush();
      must(aside.length === 2, `set aside: ${aside.join(', ')}`);
      const after = await world.account(card);
      must(after.count === count, `the count went from ${count} to ${after.count}`);
      sale.machine.journal.add('order-closed', sale.orderId, { why: 'customer' });
      await sale.machine.journal.flush();
    },
  },
];

/** Another hash under a number that is held. */
export const FORKS: readonly Check<World>[] = [
  {
    id: 'FRK-01',
    says: 'Another fact under a number that is held is a fork, each time; what was held stands.',
    run: async ({ forked }) => {
      const { journal, terminal } = forked;
      await journal.begin();
      const prevHash = journal.head.hash;
      const fromSeq = journal.head.seq + 1;
      journal.add('core-started', null, STARTED);
      await journal.flush();
      const other = journal.fact(fromSeq, prevHash, 'core-started', null, {
        ...STARTED,
        version: 'a copy of this disk',
      });
      const batch = { epoch: terminal.epoch, fromSeq, prevHash, events: [other] };
      for (let i = 0; i < 2; i++) refused(await journal.send(batch), 'fork');
      await stands(journal, 'after a fork');
    },
  },
  {
    id: 'FRK-02',
    says: 'New facts behind another past are a fork, and are not taken.',
    run: async ({ forked }) => {
      const { journal, terminal } = forked;
      await journal.begin();
      const { seq } = journal.head;
      const prevHash = '0'.repeat(64);
      const strange = journal.fact(seq + 1, prevHash, 'core-started', null, STARTED);
      refused(
        await journal.send({
          epoch: terminal.epoch,
          fromSeq: seq + 1,
          prevHash,
          events: [strange],
        }),
        'fork',
      );
      await stands(journal, 'after a fork');
    },
  },
  {
    id: 'FRK-03',
    says: 'Who only says where it stands, by another hash, is a fork too.',
    run: async ({ forked }) => {
      const { journal, terminal } = forked;
      await journal.begin();
      const fromSeq = journal.head.seq + 1;
      const asked = { epoch: terminal.epoch, fromSeq, prevHash: 'f'.repeat(64), events: [] };
      refused(await journal.send(asked), 'fork');
    },
  },
  {
    id: 'FRK-04',
    says: 'A forked terminal may ask for a new epoch; a person grants it, nobody else.',
    run: async ({ forked }) => {
      const { terminal, journal } = forked;
      const { seq: lastSeq, hash: lastHash } = journal.head;
      const answer: Answer = await terminal.post('/v1/epochs', {
        epoch: terminal.epoch,
        lastSeq,
        lastHash,
        why: 'conformance suite',
      });
      const said = epochAnswerSchema.safeParse(answer.json);
      must(answer.status === 200 && said.success, `no answer about an epoch: ${answer.told}`);
      must(said.data.granted === null, `epoch ${String(said.data.granted)} was granted by itself`);
    },
  },
];

/** So many facts behind the journal's head, not added to it. */
function chain(journal: Journal, n: number): Batch['events'] {
  const { seq, hash } = journal.head;
  const events: Batch['events'][number][] = [];
  for (let i = 1; i <= n; i++)
    events.push(journal.fact(seq + i, events.at(-1)?.hash ?? hash, 'core-started', null, STARTED));
  return events;
}
const batchOf = (journal: Journal, epoch: number, events: Batch['events']): Batch => ({
  epoch,
  fromSeq: journal.head.seq + 1,
  prevHash: journal.head.hash,
  events,
});
