import { spawnSync } from 'node:child_process';
import type { z } from 'zod';
import { equalBytes, toHex } from '../../../shared/bytes.ts';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Clock, LogFn } from '../../../shared/ports.ts';
import { err, never, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import { enoughTries } from '../../families/memory-card.ts';
import { SLE } from '../../families/sle.ts';
import type { KeyProvider } from '../../keys/types.ts';
import { changesNothing, readOnlyChannel } from '../../readers/reading.ts';
import type { Acceptance, CardChannel, CardLayout, MemoryCardPort } from '../../types.ts';
import { nextPurchase } from '../fields.ts';
import { MAX_LINE } from '../../lines.ts';
import { programEnv } from '../../program.ts';
import { AdapterProcess } from './child.ts';
import {
  classifySchema,
  doneSchema,
  imageSchema,
  lineSchema,
  ONCE,
  planSchema,
  planToWire,
  readingSchema,
  readingToWire,
  sameSchema,
} from './protocol.ts';
import type { Ask, Wire } from './protocol.ts';

export interface ProcessLayoutOptions {
  /** The layout's name, in readings and stored plans: never changed once cards were sold to. */
  readonly id: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Where it runs. */
  readonly cwd: string;
  /**
   * ATRs of its cards, hex, `X` for any digit: known without the program, so that its cards are
   * never taken for foreign.
   */
  readonly atrs: readonly string[];
  /** How the maker's meters take a purchase. */
  readonly acceptance: Acceptance;
  readonly keys: KeyProvider;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * A question about images alone: the program is started for it and ends with it. It holds the core
 * up meanwhile.
 */
const ONCE_TIMEOUT_MS = 3_000;
/** Answers about images are the same for ever; so many are kept. */
const REMEMBERED = 500;

/**
 * A layout whose rules are a maker's own program. The program never has the card: it asks for each
 * exchange, and the kiosk carries it out on the insertion that it was asked about. Reading goes
 * over a channel that lets no change through; a write whose program dies, hangs or contradicts what
 * was sent is in doubt, and the next reading tells.
 */
export function processLayout(
  o: ProcessLayoutOptions,
): CardLayout & { readonly close: () => void } {
  const atrs = o.atrs.map((text) => new RegExp(`^${text.toUpperCase().replaceAll('X', '.')}$`));
  const process = new AdapterProcess(o);
  const remembered = new Map<string, string>();

  /**
   * One question about images.
   *
   * @throws nothing: a program that fails says nothing
   */
  function once<T>(schema: z.ZodType<T>, job: Wire): Result<T, Failure> {
    const line = JSON.stringify({ id: 1, ...job });
    let answer = remembered.get(line);
    if (answer === undefined) {
      const [program = '', ...args] = o.command;
      const run = spawnSync(program, [...args, ONCE], {
        cwd: o.cwd,
        env: programEnv(),
        input: `${line}\n`,
        timeout: ONCE_TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_LINE,
        encoding: 'utf8',
      });
      if (run.error !== undefined || run.status !== 0)
        return err(
          failure(
            'CARD-0107',
            `${o.id} adapter, ${String(job['do'])}: ${run.error?.message ?? `ended with ${String(run.status ?? run.signal)}`}`,
          ),
        );
      answer = run.stdout;
    }
    let said;
    try {
      said = lineSchema.parse(JSON.parse(answer));
    } catch (cause) {
      return err(
        failure(
          'CARD-0107',
          `${o.id} adapter, ${String(job['do'])}: no answer of the protocol`,
          cause,
        ),
      );
    }
    if ('fail' in said) return err(failure(said.fail.code, said.fail.detail));
    const value = 'ok' in said ? schema.safeParse(said.ok) : null;
    if (value === null || !value.success)
      return err(
        failure(
          'CARD-0107',
          `${o.id} adapter, ${String(job['do'])}: ${value?.error.message ?? 'a question instead of an answer'}`,
        ),
      );
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(line, answer);
    return ok(value.data);
  }

  return {
    id: o.id,
    acceptance: o.acceptance,
    mayBe: (atr) => atrs.some((pattern) => pattern.test(toHex(atr))),
    read: async (channel) => {
      const read = await process.job(readingSchema, { do: 'read' }, (ask) =>
        answer(ask, readOnlyChannel(channel), null),
      );
      return read.ok ? ok({ ...read.value, layout: o.id }) : read;
    },
    readImage: async (channel) => {
      const read = await process.job(imageSchema, { do: 'read-image' }, (ask) =>
        answer(ask, readOnlyChannel(channel), null),
      );
      return read.ok ? ok(read.value.image) : read;
    },
    proveAuthority: async (reading) => {
      const proved = await process.job(
        doneSchema,
        { do: 'prove', reading: readingToWire(reading) },
        (ask) => answer(ask, null, o.keys),
      );
      return proved.ok
        ? ok(undefined)
        : err(
            failure(
              'CARD-0206',
              `${proved.error.code} ${proved.error.detail ?? ''}`.trimEnd(),
              proved.error,
            ),
          );
    },
    plan: (reading, purchase) => {
      const next = nextPurchase(reading, purchase);
      if (!next.ok) return next;
      const { count, quantity, cumulative, tag } = next.value;
      const made = once(planSchema, {
        do: 'plan',
        reading: readingToWire(reading),
        purchase: { ...purchase, count, cumulative, tag: toHex(tag) },
      });
      if (!made.ok) return made;
      // A write that changes nothing would read as carried out before it began.
      if (equalBytes(made.value.after, reading.image))
        return err(
          failure(
            'CARD-0104',
            `${o.id} adapter, plan: the card would be after the purchase as it was before`,
          ),
        );
      return ok({
        cardNo: reading.cardNo,
        before: reading.image,
        after: made.value.after,
        tag,
        count,
        quantity,
        cumulative,
        steps: made.value.steps,
      });
    },
    apply: async (channel, plan) => {
      let touched = false;
      const applied = await process.job(
        doneSchema,
        { do: 'apply', plan: planToWire(plan) },
        (ask) => {
          touched ||= changes(ask);
          return answer(ask, channel, o.keys);
        },
      );
      if (applied.ok) return ok(undefined);
      // Whatever the program says, or however it ended: what was sent to the card may be on it.
      return touched && applied.error.code !== 'CARD-0203'
        ? err(
            failure(
              'CARD-0203',
              `${applied.error.code} ${applied.error.detail ?? ''}`.trimEnd(),
              applied.error,
            ),
          )
        : applied;
    },
    classify: (plan, current) => {
      // Byte for byte as planned, or as before: no program is needed to see it.
      if (equalBytes(current, plan.after)) return 'after';
      if (equalBytes(current, plan.before)) return 'before';
      const said = once(classifySchema, {
        do: 'classify',
        plan: { before: toHex(plan.before), after: toHex(plan.after), tag: toHex(plan.tag) },
        current: toHex(current),
      });
      // A card that nobody can judge is not written, refunded or called delivered by a guess: a
      // person looks at it.
      return said.ok ? said.value.verdict : 'foreign';
    },
    sameCard: (a, b) => {
      const said = once(sameSchema, { do: 'same-card', a: toHex(a), b: toHex(b) });
      return said.ok && said.value.same;
    },
    close: () => process.close(),
  };
}

/** True: after this, something may be on the card. A code that is presented is no purchase. */
function changes(ask: Ask): boolean {
  if (ask.op === 'write') return true;
  return (
    ask.op === 'transmit' && !changesNothing(ask.apdu) && ask.apdu[1] !== EXTERNAL_AUTHENTICATE
  );
}
const EXTERNAL_AUTHENTICATE = 0x82;

type Said = Promise<Result<Wire, Failure>>;

/**
 * Carries out what the program asks for.
 *
 * @param channel null: the card is not to be touched.
 * @param keys null: no key is to be used
 */
function answer(ask: Ask, channel: CardChannel | null, keys: KeyProvider | null): Said {
  const fails = (f: Failure): Said => Promise.resolve(err(f));
  const not = (what: string): Said => fails(failure('CARD-0202', `${ask.op}: not sent, ${what}`));
  const bytes = async (r: Promise<Result<Uint8Array, Failure>>): Said => {
    const got = await r;
    return got.ok ? ok({ bytes: toHex(got.value) }) : got;
  };
  const done = async (r: Promise<Result<unknown, Failure>>): Said => {
    const got = await r;
    return got.ok ? ok({}) : got;
  };
  const byKeys = (use: (keys: KeyProvider) => Said): Said =>
    keys === null ? not('no keys for reading') : use(keys);
  const byCard = (use: (channel: CardChannel) => Said): Said =>
    channel === null ? not('this job has no card') : use(channel);
  const byMemory = (use: (memory: MemoryCardPort) => Said): Said =>
    byCard((c) =>
      c.memory === null
        ? fails(failure('CARD-0103', 'this reader does not speak to memory cards'))
        : use(c.memory),
    );
  switch (ask.op) {
    case 'prove':
      return byKeys((k) => done(k.prove(ask.s8)));
    case 'external-auth':
      return byKeys((k) => bytes(k.externalAuth(ask.s8, ask.challenge)));
    case 'update-mac':
      return byKeys((k) => bytes(k.updateMac(ask.s8, ask.challenge, ask.header, ask.data)));
    case 'has-code':
      return byKeys((k) => done(k.proveCode(ask.chip, ask.cardNo)));
    case 'transmit':
      return byCard((c) => bytes(c.transmit(ask.apdu)));
    case 'reset':
      return byCard((c) => bytes(c.reset()));
    case 'select':
      return byMemory((m) => done(m.select(ask.chip)));
    case 'read':
      return byMemory((m) => bytes(m.read(ask.chip, ask.area, ask.at, ask.length)));
    case 'write':
      return byMemory((m) => done(m.write(ask.chip, ask.area, ask.at, ask.bytes)));
    case 'counter':
      return byMemory(async (m) => {
        const counter = await m.counter(ask.chip);
        return counter.ok ? ok({ counter: counter.value }) : counter;
      });
    case 'verify':
      return byKeys((k) => byMemory((m) => present(ask, k, m)));
    default:
      return never(ask);
  }
}

/**
 * The code goes from the key provider to the card, and nowhere else; and never with the last try,
 * whatever the program thinks of that.
 */
async function present(
  ask: Ask & { readonly op: 'verify' },
  keys: KeyProvider,
  memory: MemoryCardPort,
): Said {
  const counter = await memory.counter(ask.chip);
  if (!counter.ok) return counter;
  const tries = enoughTries(SLE[ask.chip], counter.value);
  if (!tries.ok) return tries;
  const code = await keys.cardCode(ask.chip, ask.cardNo);
  if (!code.ok) return code;
  const outcome = await memory.present(ask.chip, code.value);
  return outcome.ok
    ? ok({ verified: outcome.value.verified, counter: outcome.value.counter })
    : outcome;
}
