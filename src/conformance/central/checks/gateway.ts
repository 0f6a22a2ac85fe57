import {
  closeAnswer,
  createAnswer,
  GATEWAY_PATH,
  queryAnswer,
} from '../../../shared/gateway-api.ts';
import { sendWithin } from '../../../shared/http.ts';
import { makeAttemptIds } from '../../../shared/order-id.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import type { Answer } from '../asking.ts';
import type { World } from '../world.ts';

const verb = (world: World, name: string, body: unknown): Promise<Answer> =>
  world.seller.terminal.post(`${GATEWAY_PATH}${name}`, body);

/** A trade number of a new order. */
function trade(world: World) {
  const orderId = world.orderId(world.seller);
  const { outTradeNo } = makeAttemptIds(orderId, 1, world.random);
  return { orderId, outTradeNo };
}
/** A code for a sum that nobody pays. */
const create = (world: World, of: ReturnType<typeof trade>, amountFen = 1_234) =>
  verb(world, 'create', {
    ...of,
    amountFen,
    description: 'conformance suite',
    expiresAtMs: Math.floor(world.clock.nowMs()) + 120_000,
  });

/** @throws NotKept unless it is a signed result about this trade, of this kind */
function kind(answer: Answer, outTradeNo: string, ...kinds: readonly string[]): void {
  must(answer.status === 200, `expected a result, came ${answer.told}`);
  must(answer.unsigned === null, `not the gateway’s word: ${answer.unsigned ?? ''}`);
  const said = answer.json as {
    readonly outTradeNo?: unknown;
    readonly result?: { readonly kind?: unknown };
  };
  must(said.outTradeNo === outTradeNo, `of another trade: ${answer.told}`);
  must(
    kinds.includes(String(said.result?.kind)),
    `expected ${kinds.join(' or ')}, came ${answer.told}`,
  );
}

const MAX_PAGE = 1 << 20;

/** The payment gateway, as far as nobody pays. */
export const GATEWAY: readonly Check<World>[] = [
  {
    id: 'GW-01',
    says: 'A number that nobody used is not found, by the gateway’s own signature.',
    needs: ['gateway'],
    run: async (world) => {
      const { outTradeNo } = trade(world);
      const answer = await verb(world, 'query', { outTradeNo, amountFen: 0 });
      kind(answer, outTradeNo, 'not-found');
      must(queryAnswer.safeParse(answer.json).success, `of another form: ${answer.told}`);
    },
  },
  {
    id: 'GW-02',
    says: 'A code that is asked for twice is the same code, and is pending.',
    needs: ['gateway'],
    run: async (world) => {
      const of = trade(world);
      const first = await create(world, of);
      kind(first, of.outTradeNo, 'pending');
      must(createAnswer.safeParse(first.json).success, `of another form: ${first.told}`);
      const again = await create(world, of);
      must(
        JSON.stringify(first.json) === JSON.stringify(again.json),
        `another code came: ${again.told}`,
      );
      kind(
        await verb(world, 'query', { outTradeNo: of.outTradeNo, amountFen: 1_234 }),
        of.outTradeNo,
        'pending',
      );
      await verb(world, 'close', { outTradeNo: of.outTradeNo, amountFen: 1_234 });
    },
  },
  {
    id: 'GW-03',
    says: 'A close of a number that is not known ends it for good: a code that comes late is refused.',
    needs: ['gateway'],
    run: async (world) => {
      const of = trade(world);
      const closed = await verb(world, 'close', { outTradeNo: of.outTradeNo, amountFen: 1_234 });
      kind(closed, of.outTradeNo, 'closed', 'not-found');
      must(closeAnswer.safeParse(closed.json).success, `of another form: ${closed.told}`);
      kind(await create(world, of), of.outTradeNo, 'refused');
    },
  },
  {
    id: 'GW-04',
    says: 'A terminal asks about its own trades alone.',
    needs: ['gateway'],
    run: async (world) => {
      const of = trade(world);
      kind(await create(world, of), of.outTradeNo, 'pending');
      const answer = await world.helper.terminal.post(`${GATEWAY_PATH}query`, {
        outTradeNo: of.outTradeNo,
        amountFen: 1_234,
      });
      kind(answer, of.outTradeNo, 'not-found');
      await verb(world, 'close', { outTradeNo: of.outTradeNo, amountFen: 1_234 });
    },
  },
  {
    id: 'GW-05',
    says: 'The address of a code leads to a page of this central’s for a phone, without anything that is not its customer’s.',
    needs: ['gateway', 'pages'],
    run: async (world) => {
      const { pages, send, clock } = world.parts;
      const of = trade(world);
      const answer = await create(world, of);
      kind(answer, of.outTradeNo, 'pending');
      const { qrText } = createAnswer.parse(answer.json).result as { readonly qrText: string };
      const { pathname, search } = new URL(qrText);
      const page = await sendWithin(
        send,
        {
          method: 'GET',
          origin: new URL(pages ?? '').origin,
          target: pathname + search,
          headers: { 'user-agent': 'conformance suite' },
          body: null,
          maxBytes: MAX_PAGE,
        },
        clock,
        world.parts.timeoutMs,
      );
      must(page.ok, () => `no answer: ${page.ok ? '' : page.error.said}`);
      const text = Buffer.from(page.value.body ?? new Uint8Array(0)).toString('utf8');
      must(page.value.status === 200, `${qrText}: ${page.value.status}`);
      must(text.includes('12.34'), 'the page does not name the sum');
      await verb(world, 'close', { outTradeNo: of.outTradeNo, amountFen: 1_234 });
    },
  },
];
