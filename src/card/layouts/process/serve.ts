import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { fromHex, toHex } from '../../../shared/bytes.ts';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type { CardCode, KeyProvider } from '../../keys/types.ts';
import type { CardChannel, CardLayout, CardReading, WritePlan } from '../../types.ts';
import { PROTOCOL_VERSION, readingSchema, readingToWire } from './protocol.ts';
import type { Wire } from './protocol.ts';

/**
 * The other end of the protocol, for a layout of this tree: the sample adapter, and a pattern for
 * makers' own. It has neither card nor keys; what it needs of them it asks for.
 */
const hex = z.string().transform((text) => fromHex(text));
const jobSchema = z.object({
  id: z.number(),
  do: z.string(),
  version: z.number().optional(),
  reading: readingSchema.optional(),
  purchase: z.object({ orderId: z.string(), quantity: z.number(), date: z.string() }).optional(),
  plan: z
    .object({
      before: hex,
      after: hex,
      tag: hex,
      cardNo: z.string().default(''),
      count: z.number().default(0),
      quantity: z.number().default(0),
      cumulative: z.number().default(0),
      steps: z.array(z.string()).default([]),
    })
    .optional(),
  current: hex.optional(),
  a: hex.optional(),
  b: hex.optional(),
});
type Job = z.infer<typeof jobSchema>;
const replySchema = z.object({
  answer: z
    .object({
      bytes: hex.optional(),
      counter: z.number().optional(),
      verified: z.boolean().optional(),
    })
    .optional(),
  failed: z.object({ code: z.string(), detail: z.string().optional() }).optional(),
});
type Reply = z.infer<typeof replySchema>['answer'] & object;

/** Serves jobs until the input ends. */
export async function serveLayout(
  make: (keys: KeyProvider) => CardLayout,
  input: Readable,
  output: Writable,
): Promise<void> {
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    return line.done === true ? null : JSON.parse(line.value);
  };
  const say = (message: Wire): void => void output.write(`${JSON.stringify(message)}\n`);
  let id = 0;

  async function ask(question: Wire): Promise<Result<Reply, Failure>> {
    say({ id, ask: question });
    const { answer, failed } = replySchema.parse(await next());
    if (failed !== undefined) return err(failure(failed.code as Failure['code'], failed.detail));
    return ok(answer ?? {});
  }
  const bytes = async (question: Wire): Promise<Result<Uint8Array, Failure>> => {
    const said = await ask(question);
    return said.ok ? ok(said.value.bytes ?? new Uint8Array(0)) : said;
  };
  const done = async (question: Wire): Promise<Result<void, Failure>> => {
    const said = await ask(question);
    return said.ok ? ok(undefined) : said;
  };

  /** Whose code is presented next: the code itself stays with the kiosk. */
  let codeOf: Uint8Array = new Uint8Array(0);
  let presenting = false;
  const isSle = (code: CardCode): code is 'SLE4442' | 'SLE4428' =>
    code === 'SLE4442' || code === 'SLE4428';
  const notGiven = (what: string): Promise<{ readonly ok: false; readonly error: Failure }> =>
    Promise.resolve(err(failure('CARD-0206', `${what}: not given to programs`)));
  const keys: KeyProvider = {
    id: 'kiosk',
    prove: (s8) => done({ op: 'prove', s8: toHex(s8) }),
    proveCode: (code, cardNo) =>
      isSle(code)
        ? done({ op: 'has-code', chip: code, cardNo: toHex(cardNo) })
        : notGiven('this code'),
    cardCode: async (code, cardNo) => {
      if (!isSle(code)) return notGiven('this code');
      codeOf = cardNo;
      const there = presenting
        ? ok(undefined)
        : await done({ op: 'has-code', chip: code, cardNo: toHex(cardNo) });
      return there.ok ? ok(new Uint8Array(code === 'SLE4442' ? 3 : 2)) : there;
    },
    blockMac: () => notGiven('proofs of blocks'),
    checkBlocks: () => notGiven('proofs of blocks'),
    proveBlock: () => notGiven('proofs of blocks'),
    proveSector: () => notGiven('sector keys'),
    checkTechnician: () => notGiven('judging technicians’ cards'),
    loadLeave: () => notGiven('loads of purses'),
    checkLoad: () => notGiven('loads of purses'),
    sectorKey: () => notGiven('sector keys'),
    externalAuth: (s8, challenge) =>
      bytes({ op: 'external-auth', s8: toHex(s8), challenge: toHex(challenge) }),
    updateMac: (s8, challenge, header, data) =>
      bytes({
        op: 'update-mac',
        s8: toHex(s8),
        challenge: toHex(challenge),
        header: toHex(header),
        data: toHex(data),
      }),
  };
  const channel: CardChannel = {
    insertion: 0,
    transmit: (apdu) => bytes({ op: 'transmit', apdu: toHex(apdu) }),
    reset: () => bytes({ op: 'reset' }),
    mifare: null,
    memory: {
      select: (chip) => done({ op: 'select', chip }),
      read: (chip, area, at, length) => bytes({ op: 'read', chip, area, at, length }),
      write: (chip, area, at, data) => done({ op: 'write', chip, area, at, bytes: toHex(data) }),
      counter: async (chip) => {
        const said = await ask({ op: 'counter', chip });
        return said.ok ? ok(said.value.counter ?? 0) : said;
      },
      present: async (chip) => {
        const said = await ask({ op: 'verify', chip, cardNo: toHex(codeOf) });
        return said.ok
          ? ok({ verified: said.value.verified === true, counter: said.value.counter ?? 0 })
          : said;
      },
      // The protocol has no AT88SC102.
      eraseZone: () => Promise.resolve(err(failure('CARD-0103', 'no erasing over this protocol'))),
    },
  };
  const layout = make(keys);

  async function work(job: Job): Promise<Result<Wire, Failure>> {
    const reading =
      job.reading === undefined
        ? null
        : ({ ...job.reading, layout: layout.id } satisfies CardReading);
    const plan = (job.plan ?? null) as WritePlan | null;
    presenting = job.do === 'apply';
    switch (job.do) {
      case 'hello':
        return ok({ version: PROTOCOL_VERSION, layout: layout.id });
      case 'read': {
        const read = await layout.read(channel);
        return read.ok ? ok(readingToWire(read.value)) : read;
      }
      case 'read-image': {
        const image = await layout.readImage(channel);
        return image.ok ? ok({ image: toHex(image.value) }) : image;
      }
      case 'prove': {
        const proved =
          reading === null
            ? err(failure('CARD-0104', 'no reading'))
            : await layout.proveAuthority(reading);
        return proved.ok ? ok({}) : proved;
      }
      case 'plan': {
        const made =
          reading === null || job.purchase === undefined
            ? err(failure('CARD-0104', 'no reading'))
            : layout.plan(reading, job.purchase);
        return made.ok ? ok({ after: toHex(made.value.after), steps: made.value.steps }) : made;
      }
      case 'apply': {
        const applied =
          plan === null ? err(failure('CARD-0104', 'no plan')) : await layout.apply(channel, plan);
        return applied.ok ? ok({}) : applied;
      }
      case 'classify':
        return plan === null || job.current === undefined
          ? err(failure('CARD-0104', 'no plan'))
          : ok({ verdict: layout.classify(plan, job.current) });
      case 'same-card':
        return job.a === undefined || job.b === undefined
          ? err(failure('CARD-0104', 'no images'))
          : ok({ same: layout.sameCard(job.a, job.b) });
      default:
        return err(failure('CARD-0106', `no such job: ${job.do}`));
    }
  }

  for (let line = await next(); line !== null; line = await next()) {
    const job = jobSchema.parse(line);
    id = job.id;
    const result = await work(job);
    say(
      result.ok
        ? { id, ok: result.value }
        : {
            id,
            fail: {
              code: result.error.code,
              ...(result.error.detail === undefined
                ? {}
                : { detail: result.error.detail.slice(0, 500) }),
            },
          },
    );
  }
}
