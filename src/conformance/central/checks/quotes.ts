import { announcedSchema, quoteAnswerSchema } from '../../../shared/central-api/index.ts';
import { issuedPolicySchema, signedPolicySchema } from '../../../shared/policy.ts';
import type { IssuedPolicy } from '../../../shared/policy.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import type { SuiteCard } from '../config.ts';
import { answered, lasting, refused } from '../world.ts';
import type { World } from '../world.ts';

/** The policy as central signed it. @throws NotKept where it is not believed */
async function policyOf(world: World): Promise<IssuedPolicy> {
  const answer = await world.seller.terminal.get('/v1/policy');
  const sent = signedPolicySchema.safeParse(answer.json);
  must(answer.status === 200 && sent.success, `no policy: ${answer.told}`);
  const { body, ...signature } = sent.data;
  const wrong = world.parts.policyKeys.disbelief(body, signature);
  must(wrong === null, `the policy is not believed: ${wrong ?? ''}`);
  const policy = issuedPolicySchema.safeParse(JSON.parse(body));
  must(policy.success, () => `the policy is out of bounds: ${String(policy.error?.message)}`);
  return policy.data;
}

/** What a preview of this sum says. @throws NotKept where it is not what the tariff gives */
async function pricedRight(world: World, card: SuiteCard, amountFen: number): Promise<void> {
  const account = await world.account(card);
  const answer = await world.askQuote(world.seller, card, null, amountFen, account.count + 1);
  const quote = world.quoteOf(answer);
  const want = world.priced(card, account, amountFen);
  must(
    quote.quantity === want.quantity &&
      quote.amountFen === amountFen &&
      quote.carriedAfterMicro === want.remainderMicro &&
      JSON.stringify(quote.shares) === JSON.stringify(want.shares),
    `${amountFen} fen of ${card.cardNo} give ${want.quantity} by the tariff, remainder ${want.remainderMicro}; came ${answer.told}`,
  );
}

/** Accounts, prices, and who may buy what. */
export const QUOTES: readonly Check<World>[] = [
  {
    id: 'POL-01',
    says: 'The policy is signed by the policy key, within its bounds, and counts for a while yet.',
    run: async (world) => {
      const policy = await policyOf(world);
      must(policy.expiresAtMs > world.clock.nowMs(), 'the policy is over');
      must(
        announcedSchema.safeParse(policy.tariffs ?? []).success,
        'announced tariffs are of another form',
      );
    },
  },
  {
    id: 'QUO-01',
    says: 'Every card of the file has its account: user number, unit, tariff, and no count lost.',
    run: async (world) => {
      await world.survey();
      for (const card of world.config.cards) {
        const a = await world.account(card);
        must(
          a.cardNo === card.cardNo && a.userNo === card.userNo && a.unit === card.unit,
          `card ${card.cardNo} is told as ${a.cardNo} of ${a.userNo}, ${a.unit}`,
        );
        must(a.count >= card.count, `card ${card.cardNo} has count ${a.count}`);
        must(
          a.tariff.tariffId === card.tariff.tariffId &&
            a.tariff.version === card.tariff.version &&
            JSON.stringify(a.tariff.tiers) === JSON.stringify(card.tariff.tiers),
          `card ${card.cardNo} has tariff ${JSON.stringify(a.tariff)}`,
        );
        must(
          a.holderName.includes('*'),
          `the holder’s name is told in full to a terminal: card ${card.cardNo}`,
        );
      }
    },
  },
  {
    id: 'QUO-02',
    says: 'A preview gives what the tariff gives, to the 0.01 unit, for sums that nobody could know before.',
    run: async (world) => {
      const card = world.card();
      for (let i = 0; i < 3; i++) await pricedRight(world, card, world.amountFen());
    },
  },
  {
    id: 'QUO-03',
    says: 'A firm quote claims the card’s next count: another terminal is refused, until it is given back.',
    run: async (world) => {
      const { seller, helper } = world;
      const card = world.card();
      const [mine, other] = [world.orderId(seller), world.orderId(helper)];
      const amountFen = world.amountFen();
      const quote = world.quoteOf(await world.askQuote(seller, card, mine, amountFen));
      must(quote.orderId === mine, `the quote is of ${String(quote.orderId)}`);
      must(quote.expiresAtMs > world.clock.nowMs(), 'the quote is over at once');
      refused(await world.askQuote(helper, card, other, amountFen), 'claimed');
      const { claim } = await world.account(card, helper);
      must(claim?.orderId === mine, `the account tells of the claim ${JSON.stringify(claim)}`);
      answered(await seller.terminal.post(`/v1/quotes/${mine}/release`, undefined));
      const third = world.orderId(helper);
      world.quoteOf(await world.askQuote(helper, card, third, amountFen));
      answered(await helper.terminal.post(`/v1/quotes/${third}/release`, undefined));
    },
  },
  {
    id: 'QUO-04',
    says: 'Of two terminals that ask for one card at the same moment, one gets it.',
    run: async (world) => {
      const card = world.card();
      const { count } = await world.account(card);
      const machines = [world.seller, world.helper];
      const orders = machines.map((machine) => world.orderId(machine));
      const amountFen = world.amountFen();
      const answers = await Promise.all(
        machines.map((machine, i) =>
          world.askQuote(machine, card, orders[i] ?? '', amountFen, count + 1),
        ),
      );
      const got = answers.filter((answer) => quoteAnswerSchema.safeParse(answer.json).success);
      for (const [i, machine] of machines.entries())
        await machine.terminal.post(`/v1/quotes/${orders[i] ?? ''}/release`, undefined);
      must(got.length === 1, `${got.length} of them got the card`);
    },
  },
  {
    id: 'QUO-05',
    says: 'Another count than the next one is refused.',
    run: async (world) => {
      const card = world.card();
      const { count } = await world.account(card);
      for (const next of [count, count + 2])
        refused(
          await world.askQuote(world.seller, card, world.orderId(world.seller), 2_000, next),
          'count-mismatch',
        );
    },
  },
  {
    id: 'QUO-06',
    says: 'Less than the policy’s least sum is too small, more than its greatest over the limit.',
    run: async (world) => {
      const policy = await policyOf(world);
      const card = world.card();
      const asked = (amountFen: number) => world.askQuote(world.seller, card, null, amountFen);
      refused(await asked(policy.minFen - 1), 'too-small');
      refused(await asked(policy.maxFen + 1), 'over-limit');
    },
  },
  {
    id: 'IDM-01',
    says: 'A quote that is asked for twice is the same quote; with another sum the id is refused.',
    run: async (world) => {
      const { seller } = world;
      const card = world.card();
      const id = world.orderId(seller);
      const amountFen = world.amountFen();
      const { count } = await world.account(card);
      const asked = (sum: number) => world.askQuote(seller, card, id, sum, count + 1);
      const first = await asked(amountFen);
      world.quoteOf(first);
      const again = await asked(amountFen);
      must(lasting(first.json) === lasting(again.json), `another quote came: ${again.told}`);
      refused(await asked(amountFen + 100), 'bad-request');
      answered(await seller.terminal.post(`/v1/quotes/${id}/release`, undefined));
      // Given back is given back, whoever is late.
      refused(await asked(amountFen), 'bad-request');
      answered(await seller.terminal.post(`/v1/quotes/${id}/release`, undefined));
    },
  },
  {
    id: 'IDM-02',
    says: 'A release that overtakes its quote is kept: the late quote is refused.',
    run: async (world) => {
      const { seller } = world;
      const id = world.orderId(seller);
      answered(await seller.terminal.post(`/v1/quotes/${id}/release`, undefined));
      refused(await world.askQuote(seller, world.card(), id, 2_000), 'bad-request');
    },
  },
  {
    id: 'IDM-03',
    says: 'An order’s number carries its terminal: nobody quotes or releases another one’s.',
    run: async (world) => {
      const { seller, helper } = world;
      const id = world.orderId(helper);
      refused(await world.askQuote(seller, world.card(), id, 2_000), 'bad-request');
      refused(await seller.terminal.post(`/v1/quotes/${id}/release`, undefined), 'bad-request');
    },
  },
];
