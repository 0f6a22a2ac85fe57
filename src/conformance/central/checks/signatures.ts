import { timeAnswerSchema } from '../../../shared/central-api/routes.ts';
import { toHex } from '../../../shared/bytes.ts';
import { signText } from '../../../shared/signatures.ts';
import { requestText } from '../../../shared/signed-request.ts';
import { must } from '../../check.ts';
import type { Check } from '../../check.ts';
import { answered, refused } from '../world.ts';
import type { World } from '../world.ts';

/** The window is 300 s to either side. */
const OUTSIDE_MS = 360_000;
const COMMANDS = '/v1/commands';
const preview = (world: World, amountFen: number) => ({
  orderId: null,
  cardNo: world.config.cards[0]?.cardNo ?? '',
  nextCount: 1,
  amountFen,
});

/** Who asks, whether it is for the first time, and whether nothing was changed on the way. */
export const SIGNATURES: readonly Check<World>[] = [
  {
    id: 'SIG-01',
    says: 'An honest request is answered, and an answer is signed by the answer key and bound to its request.',
    run: async ({ seller }) => {
      const answer = await seller.terminal.get(COMMANDS);
      answered(answer);
      must(answer.unsigned === null, answer.unsigned ?? '');
    },
  },
  {
    id: 'SIG-02',
    says: 'A refusal is signed like an answer.',
    run: async ({ seller, config }) => {
      const answer = await seller.terminal.get(`/v1/accounts/by-card/${config.unknownCard}`);
      must(answer.status !== 200, `card ${config.unknownCard} is known: ${answer.told}`);
      must(answer.unsigned === null, `${answer.told}: ${answer.unsigned}`);
    },
  },
  {
    id: 'SIG-03',
    says: 'A request without one of the four headers is refused.',
    run: async ({ seller }) => {
      for (const name of ['Terminal', 'Timestamp', 'Nonce', 'Signature'])
        refused(
          await seller.terminal.get(COMMANDS, { headers: { [`Pilotlight-${name}`]: undefined } }),
          'bad-signature',
        );
    },
  },
  {
    id: 'SIG-04',
    says: 'A signature by another key is refused, another terminal’s too.',
    run: async ({ seller, helper }) =>
      refused(
        await seller.terminal.get(COMMANDS, { signer: helper.terminal.signer }),
        'bad-signature',
      ),
  },
  {
    id: 'SIG-05',
    says: 'A timestamp of six minutes ago, or ahead, is refused.',
    run: async ({ seller, clock }) => {
      for (const off of [-OUTSIDE_MS, OUTSIDE_MS])
        refused(
          await seller.terminal.get(COMMANDS, { timestampMs: Math.floor(clock.nowMs()) + off }),
          'bad-signature',
        );
    },
  },
  {
    id: 'SIG-06',
    says: 'The same request a second time is not carried out: replayed.',
    run: async ({ seller, clock, random }) => {
      const once = {
        nonce: toHex(random.bytes(12)),
        timestampMs: Math.floor(clock.nowMs()),
      };
      answered(await seller.terminal.get(COMMANDS, once));
      refused(await seller.terminal.get(COMMANDS, once), 'replayed');
      // … with another signature over another moment: it is the nonce that counts.
      refused(
        await seller.terminal.get(COMMANDS, { ...once, timestampMs: once.timestampMs + 1 }),
        'replayed',
      );
    },
  },
  {
    id: 'SIG-07',
    says: 'The same request six times at once is carried out once.',
    run: async ({ seller, clock, random }) => {
      const once = { nonce: toHex(random.bytes(12)), timestampMs: Math.floor(clock.nowMs()) };
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => seller.terminal.get(COMMANDS, once)),
      );
      const done = answers.filter((answer) => answer.status === 200);
      must(done.length === 1, `${done.length} of 6 were carried out`);
    },
  },
  {
    id: 'SIG-08',
    says: 'A body that was altered on the way is refused.',
    run: async (world) =>
      refused(
        await world.seller.terminal.post('/v1/quotes', preview(world, 1_000), {
          sent: { body: Buffer.from(JSON.stringify(preview(world, 2_000))) },
        }),
        'bad-signature',
      ),
  },
  {
    id: 'SIG-09',
    says: 'A target that was altered on the way is refused, its query too.',
    run: async ({ seller }) => {
      for (const target of [`${COMMANDS}?a=1`, '/v1/policy'])
        refused(await seller.terminal.get(COMMANDS, { sent: { target } }), 'bad-signature');
    },
  },
  {
    id: 'SIG-10',
    says: 'A method that was altered on the way is refused.',
    run: async ({ seller }) =>
      refused(
        await seller.terminal.ask('POST', COMMANDS, undefined, { sent: { method: 'GET' } }),
        'bad-signature',
      ),
  },
  {
    id: 'SIG-11',
    says: 'A terminal that nobody registered is refused.',
    run: async (world) =>
      refused(
        await world.seller.terminal.get(COMMANDS, { terminalId: `99${world.upTo(1_000_000_000)}` }),
        'unknown-terminal',
        'bad-signature',
      ),
  },
  {
    id: 'SIG-12',
    says: 'A nonce that is empty, too long, or not visible characters is refused.',
    run: async ({ seller }) => {
      for (const nonce of ['n'.repeat(65), 'a b'])
        refused(await seller.terminal.get(COMMANDS, { nonce }), 'bad-signature');
    },
  },
  {
    id: 'SIG-13',
    says: 'A signature with a line feed or padding too many is refused: one signature has one spelling.',
    run: async ({ seller, clock, random }) => {
      const nonce = toHex(random.bytes(12));
      const timestamp = String(Math.floor(clock.nowMs()));
      const { terminal } = seller;
      const text = requestText({
        method: 'GET',
        target: COMMANDS,
        timestamp,
        nonce,
        body: new Uint8Array(0),
      });
      const { signature } = signText(terminal.signer, text);
      refused(
        await terminal.get(COMMANDS, {
          nonce,
          timestampMs: Number(timestamp),
          headers: { 'Pilotlight-Signature': `${signature}=` },
        }),
        'bad-signature',
      );
    },
  },
  {
    id: 'SIG-14',
    says: 'A gzip body is taken; its signature covers the bytes as sent.',
    run: async (world) => {
      const answer = await world.seller.terminal.post('/v1/quotes', preview(world, 1_000), {
        gzip: true,
      });
      // The count is made up: whatever is said of it, the request was read.
      must(
        answer.status === 200 || answer.problem === 'count-mismatch',
        `a gzip body is not read: ${answer.told}`,
      );
    },
  },
  {
    id: 'TIM-01',
    says: 'The time is told without a signature, and is within the window of this machine’s.',
    run: async ({ seller, clock }) => {
      const answer = await seller.terminal.get('/v1/time', {
        headers: {
          'Pilotlight-Terminal': undefined,
          'Pilotlight-Timestamp': undefined,
          'Pilotlight-Nonce': undefined,
          'Pilotlight-Signature': undefined,
        },
      });
      const said = timeAnswerSchema.safeParse(answer.json);
      must(answer.status === 200 && said.success, `no time: ${answer.told}`);
      const off = said.data.serverTimeMs - clock.nowMs();
      must(Math.abs(off) < 300_000, `central’s clock is ${Math.round(off)} ms from this one`);
    },
  },
  {
    id: 'TIM-02',
    says: 'The time is signed for who names itself and a nonce: nobody on the way sets a kiosk’s clock.',
    run: async ({ seller }) => {
      const answer = await seller.terminal.get('/v1/time');
      answered(answer);
      must(answer.unsigned === null, answer.unsigned ?? '');
    },
  },
];
