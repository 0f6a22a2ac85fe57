import { Dice } from './dice.ts';
import type { Service } from './net.ts';
import type { Town } from './town.ts';

type Request = Parameters<Service>[0];
type Answer = NonNullable<Awaited<ReturnType<Service>>>;

/** A stream of its own. */
const STREAM = 14;
/** So much of what he saw he keeps, to play it again. */
const KEPT = 40;
/** Of so many exchanges he leaves the rest alone, or nobody would be served at all. */
const MEDDLES = 0.12;
/** What he does to one exchange. */
const TRICKS = [
  'alters-request',
  'repeats-request',
  'sends-older-request',
  'drops-request',
  'drops-answer',
  'delays-answer',
  'alters-answer',
  'replays-answer',
  'swaps-answers',
  'refuses',
  'grants',
] as const;

/** Refusals that would end, free or park an order if they were believed. */
const REFUSALS = [
  'already-delivered',
  'refund-claimed',
  'counter-claimed',
  'not-in-doubt',
  'count-mismatch',
  'hot-listed',
  'unknown-card',
  'fork',
  'old-epoch',
  'gap',
  'revoked',
  'key-refused',
  'not-yet',
  'internal',
] as const;

/**
 * Somebody on the line between the kiosks and central, with TLS broken: he reads all, changes what
 * he likes, and holds what passes back. What he cannot do is sign.
 */
export class Middle {
  readonly #world: Town;
  readonly #dice: Dice;
  readonly #requests: Request[] = [];
  readonly #answers: { readonly path: string; readonly answer: Answer }[] = [];

  constructor(world: Town) {
    this.#world = world;
    this.#dice = new Dice(world.seed, STREAM);
  }

  /** The service as the kiosk at the end of his line finds it. */
  between(service: Service): Service {
    return async (request) => {
      const dice = this.#dice;
      keep(this.#requests, request);
      const trick = this.#world.quiet || !dice.chance(MEDDLES) ? null : dice.pick(TRICKS);
      if (trick !== null) {
        this.#world.count(`line-${trick}`);
        this.#world.tell(`LINE ${trick}: ${request.path}`);
      }
      if (trick === 'refuses') return this.#refusal();
      if (trick === 'grants') return this.#grant(request);
      if (trick === 'drops-request') return null;
      const said = await service(this.#sent(trick, request));
      if (trick === 'repeats-request') void service(request);
      if (said === null) return null;
      const passed = this.#passed(trick, request, said);
      keep(this.#answers, { path: request.path, answer: said });
      return passed;
    };
  }

  #sent(trick: (typeof TRICKS)[number] | null, request: Request): Request {
    const dice = this.#dice;
    if (trick === 'sends-older-request') return dice.pick(this.#requests);
    return trick === 'alters-request' ? { ...request, body: altered(request.body, dice) } : request;
  }

  #passed(trick: (typeof TRICKS)[number] | null, request: Request, said: Answer): Answer | null {
    const dice = this.#dice;
    if (trick === 'drops-answer') return null;
    if (trick === 'delays-answer') return { ...said, delayMs: dice.between(1_000, 40_000) };
    if (trick === 'alters-answer') return { ...said, body: altered(said.body, dice) };
    if (trick === 'replays-answer')
      return this.#answers.findLast((a) => a.path === request.path)?.answer ?? null;
    return trick === 'swaps-answers' && this.#answers.length > 0
      ? dice.pick(this.#answers).answer
      : said;
  }

  #refusal(): Answer {
    const type = `about:pilotlight/${this.#dice.pick(REFUSALS)}`;
    const status = this.#dice.pick([400, 401, 403, 404, 409, 429, 500, 503]);
    return made(status, { type, title: '', status, expectedSeq: 1 });
  }

  /** What each kind of question would like to hear. */
  #grant({ path, body }: Request): Answer {
    const serverTimeMs = this.#world.nowMs + this.#dice.pick([0, 3_600_000, -3_600_000]);
    const asked = parsed(body);
    const outTradeNo = asked?.['outTradeNo'];
    const amountFen = asked?.['amountFen'];
    if (path.includes('/payments/'))
      return made(200, {
        outTradeNo,
        result: this.#dice.pick([
          { kind: 'paid', transactionId: '4200', amountFen, paidAtMs: serverTimeMs },
          { kind: 'closed' },
          { kind: 'not-found' },
          { kind: 'done', refundId: '5000', refundFen: amountFen },
          { kind: 'reversed', refunded: true },
          { kind: 'pending', qrText: 'https://thief.example/q/1' },
        ]),
      });
    if (path.includes('/claim'))
      return made(200, { kind: asked?.['kind'], ttlMs: 0, order: null, serverTimeMs });
    if (path.includes('/keys')) return made(200, { bytes: '00000000', serverTimeMs });
    if (path.includes('/journal')) {
      const events = asked?.['events'];
      const last = Array.isArray(events)
        ? (events.at(-1) as { seq?: number; hash?: string })
        : null;
      return made(200, {
        ackSeq: last?.seq ?? 0,
        ackHash: last?.hash ?? '',
        serverTimeMs,
        nextUploadAfterMs: 60_000,
        quarantined: [],
      });
    }
    if (path.includes('/commands'))
      return made(200, { commands: [], epoch: this.#dice.between(1, 3), serverTimeMs });
    if (path.includes('/epochs')) return made(200, { granted: 9, serverTimeMs });
    return made(200, { serverTimeMs });
  }
}

function keep<T>(into: T[], what: T): void {
  into.push(what);
  if (into.length > KEPT) into.shift();
}
const made = (status: number, body: unknown): Answer => ({
  status,
  headers: {},
  body: new TextEncoder().encode(JSON.stringify(body)),
});

function parsed(body: Uint8Array): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** One value of it is another one; what is no JSON has one byte changed. */
function altered(body: Uint8Array, dice: Dice): Uint8Array {
  const json = parsed(body);
  if (json === null) {
    const copy = body.slice();
    if (copy.length > 0) copy[dice.below(copy.length)] = dice.below(256);
    return copy;
  }
  const leaves: [Record<string, unknown>, string][] = [];
  const walk = (node: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(node)) {
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>);
      else leaves.push([node, key]);
    }
  };
  walk(json);
  if (leaves.length > 0) {
    const [node, key] = dice.pick(leaves);
    node[key] = another(node[key], dice);
  }
  return new TextEncoder().encode(JSON.stringify(json));
}
function another(value: unknown, dice: Dice): unknown {
  if (typeof value === 'number')
    return dice.pick([0, 1, value + 1, value * 10, Math.floor(value / 10), value + 3_600_000]);
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string')
    return dice.pick(['', `${value}0`, value.replace(/\d/, '7'), value.toLowerCase()]);
  return dice.pick([null, 0, '']);
}
