import { API_VERSION, commandsAnswerSchema } from '../../../shared/central-api/index.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import { answered, refused } from '../world.ts';
import type { World } from '../world.ts';

const COMMANDS = '/v1/commands';
/** Bodies are at most 2 MiB as sent and 8 MiB inflated; 200 facts are far below either. */
const TOO_LARGE = { plain: 3 << 20, inflated: 12 << 20 };

/** What is asked wrongly, and who may not ask. */
export const REFUSALS: readonly Check<World>[] = [
  {
    id: 'REF-01',
    says: 'A card that no account has is not found.',
    run: async ({ seller, config }) =>
      refused(
        await seller.terminal.get(`/v1/accounts/by-card/${config.unknownCard}`),
        'unknown-card',
      ),
  },
  {
    id: 'REF-02',
    says: 'A card number that is none is refused.',
    run: async ({ seller }) =>
      refused(await seller.terminal.get('/v1/accounts/by-card/12345'), 'bad-request'),
  },
  {
    id: 'REF-03',
    says: 'A body of another form, or that is not JSON, is refused.',
    run: async ({ seller }) => {
      for (const body of [{}, { orderId: null, cardNo: 8800003921, nextCount: '42' }, [], 'text'])
        refused(await seller.terminal.post('/v1/quotes', body), 'bad-request');
      for (const text of ['', '{', '{"orderId":null}x', '\u0000'])
        refused(await seller.terminal.post('/v1/quotes', Buffer.from(text)), 'bad-request');
    },
  },
  {
    id: 'REF-04',
    says: 'Sums and counts that are no whole numbers, or below zero, are refused.',
    run: async (world) => {
      const { cardNo } = world.card();
      for (const amountFen of [-100, 10.5, 1e300, null])
        refused(
          await world.seller.terminal.post('/v1/quotes', {
            orderId: null,
            cardNo,
            nextCount: 1,
            amountFen,
          }),
          'bad-request',
        );
    },
  },
  {
    id: 'REF-05',
    says: 'A newer version of the API than is spoken here is refused.',
    run: async ({ seller }) => {
      const headers = { 'Pilotlight-Api': String(API_VERSION + 1) };
      refused(await seller.terminal.get(COMMANDS, { headers }), 'api-version');
      answered(await seller.terminal.get(COMMANDS, { headers: { 'Pilotlight-Api': undefined } }));
    },
  },
  {
    id: 'REF-06',
    says: 'What is too large, as sent or inflated, is refused, and central goes on.',
    run: async ({ seller }) => {
      const big = Buffer.alloc(TOO_LARGE.inflated, 0x20);
      const inflated = await seller.terminal.post('/v1/quotes', big, { gzip: true });
      must(
        inflated.status === 413 || inflated.status === 400,
        `${TOO_LARGE.inflated} bytes, inflated: ${inflated.told}`,
      );
      // A server may close the line before it was told all of it.
      const plain = await seller.terminal.post('/v1/quotes', big.subarray(0, TOO_LARGE.plain)).then(
        (answer) => answer.status,
        () => 0,
      );
      must([0, 400, 413].includes(plain), `${TOO_LARGE.plain} bytes, plain: ${plain}`);
      answered(await seller.terminal.get(COMMANDS));
    },
  },
  {
    id: 'REF-07',
    says: 'An encoding that is not gzip, or a body that only says so, is refused.',
    run: async ({ seller }) => {
      for (const encoding of ['br', 'gzip'])
        refused(
          await seller.terminal.post(
            '/v1/quotes',
            {},
            { headers: { 'Content-Encoding': encoding } },
          ),
          'bad-request',
        );
    },
  },
  {
    id: 'REF-08',
    says: 'A resource that is not there is not found, and not an error of the service.',
    run: async ({ seller }) => {
      for (const path of ['/v1/nothing', '/v1/quotes/%00/release', '/v1/quotes/%zz/release']) {
        const answer = await seller.terminal.post(path, undefined);
        must(answer.status >= 400 && answer.status < 500, `${path}: ${answer.told}`);
      }
    },
  },
  {
    id: 'REF-09',
    says: 'Nothing is sold to a card on the hot list.',
    needs: ['hot-listed'],
    run: async (world) => {
      const cardNo = world.config.hotListedCard ?? '';
      const { count, state } = await world.account({ ...world.card(), cardNo });
      must(state === 'hot-listed', `its account is told as ${state}`);
      refused(
        await world.seller.terminal.post('/v1/quotes', {
          orderId: world.orderId(world.seller),
          cardNo,
          nextCount: count + 1,
          amountFen: 2_000,
        }),
        'hot-listed',
      );
    },
  },
  {
    id: 'REF-10',
    says: 'Nothing is sold to an account with a debt.',
    needs: ['debt'],
    run: async (world) => {
      const cardNo = world.config.debtCard ?? '';
      const { count, state } = await world.account({ ...world.card(), cardNo });
      must(state === 'debt', `its account is told as ${state}`);
      refused(
        await world.seller.terminal.post('/v1/quotes', {
          orderId: world.orderId(world.seller),
          cardNo,
          nextCount: count + 1,
          amountFen: 2_000,
        }),
        'debt',
      );
    },
  },
  {
    id: 'REF-11',
    says: 'A suspended terminal begins nothing, and ends what it began: it uploads and is told commands.',
    needs: ['suspended'],
    run: async (world) => {
      const { suspended } = world;
      must(suspended !== null, 'the file has no key of it');
      const { count } = await world.account(world.card());
      refused(
        await world.askQuote(suspended, world.card(), world.orderId(suspended), 2_000, count + 1),
        'suspended',
      );
      answered(await suspended.terminal.get(COMMANDS));
      await suspended.journal.begin();
      suspended.journal.add('core-started', null, {
        version: 'suite',
        node: '0',
        recoveredOrders: 0,
      });
      await suspended.journal.flush();
    },
  },
  {
    id: 'REF-12',
    says: 'A revoked terminal is refused whatever it asks.',
    needs: ['revoked'],
    run: async (world) => {
      const { revoked } = world;
      must(revoked !== null, 'the file has no key of it');
      for (const path of [COMMANDS, '/v1/policy', `/v1/accounts/by-card/${world.card().cardNo}`])
        refused(await revoked.terminal.get(path), 'revoked');
      const { id } = revoked.terminal;
      refused(
        await revoked.terminal.post('/v1/journal', {
          epoch: 1,
          fromSeq: 1,
          prevHash: '0'.repeat(64),
          events: [],
          headSig: id,
        }),
        'revoked',
      );
    },
  },
  {
    id: 'CMD-01',
    says: 'A terminal is told its epoch, which is the one of the file, and a heartbeat is taken or not known.',
    run: async ({ seller }) => {
      const answer = await seller.terminal.get(COMMANDS);
      const said = commandsAnswerSchema.safeParse(answer.json);
      must(answer.status === 200 && said.success, `no commands: ${answer.told}`);
      must(said.data.epoch === seller.terminal.epoch, `its epoch is ${said.data.epoch}`);
      const beat = await seller.terminal.post('/v1/heartbeat', {
        version: 'suite',
        atMs: said.data.serverTimeMs,
        level: 'in-service',
        codes: [],
        devices: [],
        freeBytes: 1,
        clockSkewMs: null,
        unsent: { events: 0, oldestMs: null },
      });
      must(beat.status === 200 || beat.status === 404, `a heartbeat: ${beat.told}`);
    },
  },
];
