import {
  creditAccountAnswerSchema,
  creditQuoteAnswerSchema,
  creditWordSchema,
} from '../../../shared/central-api/index.ts';
import type { CreditAccount, CreditWord, FirmCredit } from '../../../shared/central-api/index.ts';
import { notCreditedDigest, postedDigest, readGrant } from '../../../shared/grants.ts';
import { makeAttemptIds } from '../../../shared/order-id.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import type { Answer } from '../asking.ts';
import { answered, lasting, refused } from '../world.ts';
import type { World } from '../world.ts';

/** A book outside may take its time. */
const ASK_EVERY_MS = 1_000;
const ASK_TIMES = 30;

const setUp = (world: World) => {
  const { credit } = world.config;
  must(credit !== undefined, 'the file has no credit account');
  return credit;
};

async function accountOf(world: World): Promise<CreditAccount> {
  const answer = await world.looker().terminal.get(`/v1/credit/accounts/${setUp(world).userNo}`);
  const said = creditAccountAnswerSchema.safeParse(answer.json);
  must(answer.status === 200 && said.success, `no account: ${answer.told}`);
  return said.data.account;
}
const balanceOf = async (world: World): Promise<number> => {
  const { topUp } = await accountOf(world);
  must(topUp !== null, 'the account is not topped up');
  return topUp.balanceFen;
};

async function askTopUp(world: World, orderId: string, amountFen: number): Promise<Answer> {
  const { userNo, payee } = setUp(world);
  const { asOfMs } = await accountOf(world);
  return world.seller.terminal.post('/v1/credit/quotes', {
    orderId,
    userNo,
    payee,
    lines: [{ item: 'balance', amountFen }],
    asOfMs,
  });
}
function firmOf(answer: Answer): FirmCredit {
  const said = creditQuoteAnswerSchema.safeParse(answer.json);
  must(answer.status === 200 && said.success, `no quote: ${answer.told}`);
  return said.data.quote;
}
/** A quoted top-up of a sum that nobody could know before. */
async function quoted(world: World): Promise<FirmCredit> {
  const sum = setUp(world).minFen + world.upTo(2_000);
  return firmOf(await askTopUp(world, world.orderId(world.seller), sum));
}

/** What a terminal sends to have a paid order posted. */
function posting(world: World, quote: FirmCredit, walletNumber = world.walletNumber()) {
  const { userNo, payee, amountFen, lines, expiresAtMs, grant, orderId } = quote;
  const ids = makeAttemptIds(orderId, 1, world.random);
  return {
    sale: { userNo, payee, amountFen, lines, expiresAtMs, grant },
    attemptId: ids.attemptId,
    transactionId: walletNumber,
    evidence: world.receipt(world.seller, orderId, {
      outTradeNo: ids.outTradeNo,
      amountFen,
      walletNumber,
    }),
  };
}
const post = (world: World, orderId: string, body: unknown): Promise<Answer> =>
  world.seller.terminal.post(`/v1/credit/orders/${orderId}/post`, body);
const giveUp = (world: World, orderId: string): Promise<Answer> =>
  world.seller.terminal.post(`/v1/credit/orders/${orderId}/void`, undefined);

/** Central's word, and its token for it. @throws NotKept where either is missing or another's */
function wordOf(world: World, orderId: string, answer: Answer): CreditWord {
  const said = creditWordSchema.safeParse(answer.json);
  must(answer.status === 200 && said.success, `no word: ${answer.told}`);
  const word = said.data;
  if (word.state === 'posting') return word;
  const read = readGrant(world.parts.answerKeys, word.grant);
  const digest = word.state === 'posted' ? postedDigest(word) : notCreditedDigest(orderId);
  must(
    read.ok &&
      read.value.orderId === orderId &&
      read.value.digest === digest &&
      read.value.kind === (word.state === 'posted' ? 'credit' : 'void'),
    `the token is not of this word: ${answer.told}`,
  );
  return word;
}
/** The same, asked again until it is final. */
async function finalWord(world: World, orderId: string, ask: () => Promise<Answer>) {
  for (let i = 0; ; i++) {
    const answer = await ask();
    const word = wordOf(world, orderId, answer);
    if (word.state !== 'posting') return { word, answer };
    must(i < ASK_TIMES, `still posting after ${ASK_TIMES} times`);
    await world.wait(ASK_EVERY_MS);
  }
}
async function stateOf(
  world: World,
  orderId: string,
  ask: () => Promise<Answer>,
): Promise<CreditWord['state']> {
  return (await finalWord(world, orderId, ask)).word.state;
}

/** Sales without a card: quoted, posted once, or given up for good. */
export const CREDIT: readonly Check<World>[] = [
  {
    id: 'CRD-01',
    says: 'An account is told masked; an unknown number is not found.',
    needs: ['credit'],
    run: async (world) => {
      const { userNo, unknownUserNo } = setUp(world);
      const account = await accountOf(world);
      must(account.userNo === userNo, `another account: ${account.userNo}`);
      must(account.holderName.includes('*'), 'the holder’s name is told in full');
      refused(
        await world.seller.terminal.get(`/v1/credit/accounts/${unknownUserNo}`),
        'unknown-user',
      );
    },
  },
  {
    id: 'CRD-02',
    says: 'A quote that is asked for twice is the same; with another sum its id is refused.',
    needs: ['credit'],
    run: async (world) => {
      const { userNo, payee, minFen } = setUp(world);
      const orderId = world.orderId(world.seller);
      const { asOfMs } = await accountOf(world);
      const ask = (amountFen: number) =>
        world.seller.terminal.post('/v1/credit/quotes', {
          orderId,
          userNo,
          payee,
          lines: [{ item: 'balance', amountFen }],
          asOfMs,
        });
      const first = await ask(minFen);
      firmOf(first);
      const again = await ask(minFen);
      must(lasting(first.json) === lasting(again.json), `another quote came: ${again.told}`);
      refused(await ask(minFen + 100), 'bad-request');
      answered(await giveUp(world, orderId));
    },
  },
  {
    id: 'CRD-03',
    says: 'Nothing is posted without evidence of the payment, nor by another order’s, nor for another sum.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      const [mine, other] = [await quoted(world), await quoted(world)];
      const before = await balanceOf(world);
      const right = posting(world, mine);
      refused(await post(world, mine.orderId, { ...right, evidence: null }), 'not-proven');
      const others = posting(world, other);
      refused(
        await post(world, mine.orderId, { ...right, evidence: others.evidence }),
        'not-proven',
      );
      const dear = { ...right.sale, amountFen: right.sale.amountFen + 10_000 };
      refused(await post(world, mine.orderId, { ...right, sale: dear }), 'not-proven');
      must((await balanceOf(world)) === before, 'the balance moved');
      for (const { orderId } of [mine, other])
        must(
          (await stateOf(world, orderId, () => giveUp(world, orderId))) === 'void',
          'a refused posting changed its order',
        );
    },
  },
  {
    id: 'CRD-04',
    says: 'A paid order is posted once, whoever asks how often: word, reference, time and token stay, the balance rises once.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      const quote = await quoted(world);
      const { orderId, amountFen } = quote;
      const before = await balanceOf(world);
      const body = posting(world, quote);
      const ask = () => post(world, orderId, body);
      await Promise.all([ask(), ask(), ask()]);
      const { word, answer } = await finalWord(world, orderId, ask);
      must(word.state === 'posted', `it is ${word.state}`);
      const again = await ask();
      must(lasting(answer.json) === lasting(again.json), `another word came: ${again.told}`);
      const after = await balanceOf(world);
      must(
        after === before + amountFen,
        `the balance went from ${before} to ${after}, ${amountFen} were paid`,
      );
    },
  },
  {
    id: 'CRD-05',
    says: 'What was posted stays posted: a void of it answers so.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      const quote = await quoted(world);
      const { orderId } = quote;
      const body = posting(world, quote);
      const { answer } = await finalWord(world, orderId, () => post(world, orderId, body));
      const voided = await giveUp(world, orderId);
      must(lasting(answer.json) === lasting(voided.json), `the void says ${voided.told}`);
    },
  },
  {
    id: 'CRD-06',
    says: 'What was given up is never posted, whatever proves its payment: the void is final.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      const quote = await quoted(world);
      const { orderId } = quote;
      const before = await balanceOf(world);
      const voided = await finalWord(world, orderId, () => giveUp(world, orderId));
      must(voided.word.state === 'void', `it is ${voided.word.state}`);
      const body = posting(world, quote);
      const late = await post(world, orderId, body);
      must(
        lasting(late.json) === lasting(voided.answer.json),
        `posted after it was given up: ${late.told}`,
      );
      must((await balanceOf(world)) === before, 'the balance moved');
    },
  },
  {
    id: 'CRD-07',
    says: 'A void of an order that was never heard of is kept: its quote comes too late.',
    needs: ['credit'],
    run: async (world) => {
      const orderId = world.orderId(world.seller);
      must((await stateOf(world, orderId, () => giveUp(world, orderId))) === 'void', 'not void');
      const late = await askTopUp(world, orderId, setUp(world).minFen);
      must(late.status !== 200, `quoted after it was given up: ${late.told}`);
      must((await stateOf(world, orderId, () => giveUp(world, orderId))) === 'void', 'not void');
    },
  },
  {
    id: 'CRD-08',
    says: 'A wallet’s number pays one order, ever.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      const [first, second] = [await quoted(world), await quoted(world)];
      const number = world.walletNumber();
      const body = posting(world, first, number);
      await finalWord(world, first.orderId, () => post(world, first.orderId, body));
      refused(await post(world, second.orderId, posting(world, second, number)), 'not-proven');
      answered(await giveUp(world, second.orderId));
    },
  },
  {
    id: 'CRD-09',
    says: 'Of a posting and a void at the same moment one holds, and both say which; the money follows it.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      for (let i = 0; i < 3; i++) {
        const quote = await quoted(world);
        const { orderId, amountFen } = quote;
        const before = await balanceOf(world);
        const body = posting(world, quote);
        await Promise.all([post(world, orderId, body), giveUp(world, orderId)]);
        const posted = await stateOf(world, orderId, () => post(world, orderId, body));
        const voided = await stateOf(world, orderId, () => giveUp(world, orderId));
        must(posted === voided, `posting says ${posted}, void says ${voided}`);
        const want = before + (posted === 'posted' ? amountFen : 0);
        const after = await balanceOf(world);
        must(after === want, `${posted}, and the balance went from ${before} to ${after}`);
      }
    },
  },
  {
    id: 'CRD-10',
    says: 'Nobody posts or gives up another terminal’s order.',
    needs: ['credit', 'receipts'],
    run: async (world) => {
      const quote = await quoted(world);
      const { orderId } = quote;
      const { terminal } = world.helper;
      refused(await terminal.post(`/v1/credit/orders/${orderId}/void`, undefined), 'bad-request');
      refused(
        await terminal.post(`/v1/credit/orders/${orderId}/post`, posting(world, quote)),
        'bad-request',
      );
      must((await stateOf(world, orderId, () => giveUp(world, orderId))) === 'void', 'not void');
    },
  },
];
