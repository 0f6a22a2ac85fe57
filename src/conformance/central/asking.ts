import { gzipSync } from 'node:zlib';
import {
  API_VERSION,
  PROBLEM_PREFIX,
  PROBLEM_STATUS,
  PROBLEMS,
  problemSchema,
} from '../../shared/central-api/index.ts';
import type { ProblemType } from '../../shared/central-api/index.ts';
import { TERMINAL_API } from '../../shared/central-api/routes.ts';
import type { ApiRoute } from '../../shared/central-api/routes.ts';
import { answerText, GATEWAY_PATH } from '../../shared/gateway-api.ts';
import { GATEWAY_API } from '../../shared/gateway-routes.ts';
import { sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock, KeyId, Random, Signer } from '../../shared/ports.ts';
import type { Keyring } from '../../shared/signatures.ts';
import {
  ANSWER_KEY,
  ANSWER_SIGNATURE,
  signedAnswerText,
  signedHeaders,
} from '../../shared/signed-request.ts';

/** What came back, read as far as it can be. */
export interface Answer {
  readonly status: number;
  readonly json: unknown;
  /** A refusal's name; empty: it is no refusal of the promised form. */
  readonly problem: ProblemType | '';
  /** For a report: status and body, cut. */
  readonly told: string;
  /** Why its signature is not believed; null: it holds. */
  readonly unsigned: string | null;
}

/** What is asked otherwise than an honest terminal would. */
export interface Asked {
  readonly timestampMs?: number;
  readonly nonce?: string;
  /** Signs in the terminal's place. */
  readonly signer?: Signer & KeyId;
  readonly terminalId?: string;
  /** What is sent where another thing was signed. */
  readonly sent?: {
    readonly method?: 'GET' | 'POST';
    readonly target?: string;
    readonly body?: Uint8Array;
  };
  /** Headers that are set, or (undefined) left away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly gzip?: boolean;
}

/** What was heard in a run, beside what each check asked about. */
export interface Heard {
  /** Answers whose signature did not hold; cut off at a few. */
  readonly unsigned: string[];
  /** Answers of another form than docs/api has. */
  readonly misformed: string[];
  answers: number;
}

/** With what a run asks. */
export interface AskParts {
  readonly url: string;
  readonly send: HttpSend;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
  readonly answerKeys: Keyring;
  readonly gatewayKeys: Keyring | null;
  readonly heard: Heard;
}

const MAX_BYTES = 4 << 20;
const MINUTE_MS = 61_000;
const TABLE = [...TERMINAL_API, ...GATEWAY_API].map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`),
}));

function routeOf(method: string, path: string): ApiRoute | null {
  const name = path.split('?', 1)[0] ?? '';
  return TABLE.find((one) => one.route.method === method && one.pattern.test(name))?.route ?? null;
}

/** One terminal of a run: it signs as docs/api/README.md says. */
export class Terminal {
  readonly id: string;
  readonly epoch: number;
  readonly signer: Signer & KeyId;
  readonly #parts: AskParts;
  constructor(id: string, epoch: number, signer: Signer & KeyId, parts: AskParts) {
    this.id = id;
    this.epoch = epoch;
    this.signer = signer;
    this.#parts = parts;
  }

  get(path: string, over: Asked = {}): Promise<Answer> {
    return this.ask('GET', path, undefined, over);
  }
  post(path: string, body: unknown, over: Asked = {}): Promise<Answer> {
    return this.ask('POST', path, body, over);
  }

  /**
   * A central that counts what terminals ask for says `too-many`: then it waits for the next
   * minute.
   *
   * @param body bytes are sent as they are, all else as JSON
   */
  async ask(method: 'GET' | 'POST', path: string, body: unknown, over: Asked): Promise<Answer> {
    const answer = await this.#ask(method, path, body, over);
    if (answer.problem !== 'too-many' || over.nonce !== undefined) return answer;
    await sleep(this.#parts.clock, MINUTE_MS);
    return this.#ask(method, path, body, over);
  }

  #ask(method: 'GET' | 'POST', path: string, body: unknown, over: Asked): Promise<Answer> {
    const { clock, random, url } = this.#parts;
    const base = new URL(url);
    const target = `${base.pathname.replace(/\/+$/, '')}${path}`;
    const plain =
      body instanceof Uint8Array
        ? body
        : Buffer.from(body === undefined ? '' : JSON.stringify(body), 'utf8');
    const bytes = over.gzip === true ? gzipSync(plain) : plain;
    const terminalId = over.terminalId ?? this.id;
    const nonce = over.nonce ?? Buffer.from(random.bytes(16)).toString('hex');
    const mark = {
      method,
      target,
      timestamp: String(over.timestampMs ?? Math.floor(clock.nowMs())),
      nonce,
      body: bytes,
    };
    const headers: Record<string, string | undefined> = {
      'Pilotlight-Api': String(API_VERSION),
      ...(method === 'POST' ? { 'Content-Type': 'application/json' } : {}),
      ...(over.gzip === true ? { 'Content-Encoding': 'gzip' } : {}),
      ...signedHeaders(terminalId, over.signer ?? this.signer, mark),
      ...over.headers,
    };
    return this.#send(base, { terminalId, method, target, nonce, bytes, headers, path }, over);
  }

  async #send(
    base: URL,
    asked: {
      readonly terminalId: string;
      readonly method: 'GET' | 'POST';
      readonly target: string;
      readonly nonce: string;
      readonly bytes: Uint8Array;
      readonly headers: Readonly<Record<string, string | undefined>>;
      readonly path: string;
    },
    { sent = {} }: Asked,
  ): Promise<Answer> {
    const { send, clock, timeoutMs, heard } = this.#parts;
    const method = sent.method ?? asked.method;
    const target = sent.target ?? asked.target;
    const body = sent.body ?? asked.bytes;
    const headers = Object.fromEntries(
      Object.entries(asked.headers).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    const reply = await sendWithin(
      send,
      {
        method,
        origin: base.origin,
        target,
        headers,
        body: method === 'GET' ? null : body,
        maxBytes: MAX_BYTES,
      },
      clock,
      timeoutMs,
    );
    if (!reply.ok) throw new Error(`no answer to ${method} ${asked.path}: ${reply.error.said}`);
    const { status } = reply.value;
    const said = Buffer.from(reply.value.body ?? new Uint8Array(0));
    const mark = {
      terminalId: asked.terminalId,
      method,
      target,
      nonce: asked.nonce,
      asked: method === 'GET' ? new Uint8Array(0) : body,
      status,
      body: said,
    };
    const unsigned = this.#disbelief(asked.path, mark, reply.value.header);
    const answer = { ...read(status, said), unsigned };
    heard.answers += 1;
    // What is refused before it is read (too large, no such resource, no path) is refused by whoever stands
    // before central, and signed by nobody.
    const early =
      [413, 414, 431].includes(status) ||
      (status === 404 && routeOf(method, asked.path) === null) ||
      (status !== 200 && asked.path.includes('%'));
    if (unsigned !== null && !early && isSigning(headers))
      heard.unsigned.push(`${method} ${asked.path}: ${unsigned}`);
    const odd = misformed(method, asked.path, answer);
    // Nor in central’s form, where a front server refuses a path that no server can read.
    const byFront =
      [413, 414, 431].includes(status) || (status === 400 && asked.path.includes('%'));
    if (odd !== null && !byFront) heard.misformed.push(`${method} ${asked.path}: ${odd}`);
    return answer;
  }

  #disbelief(
    path: string,
    mark: Parameters<typeof signedAnswerText>[0],
    header: (name: string) => string | null,
  ): string | null {
    const signature = header(ANSWER_SIGNATURE) ?? '';
    const keyId = header(ANSWER_KEY) ?? undefined;
    if (!path.startsWith(GATEWAY_PATH))
      return this.#parts.answerKeys.disbelief(signedAnswerText(mark), { signature, keyId });
    const { terminalId, method, target, nonce, status, body } = mark;
    const text = answerText(terminalId, method, target, nonce, status, body);
    // Only results count at the gateway; its refusals say nothing, signed or not.
    if (status !== 200) return null;
    return (
      this.#parts.gatewayKeys?.disbelief(text, { signature, keyId }) ??
      (this.#parts.gatewayKeys === null ? 'no key of the gateway is known' : null)
    );
  }
}

/** An answer is bound to a terminal and a nonce; one to a request without them is not signed. */
const isSigning = (headers: Readonly<Record<string, string>>): boolean =>
  headers['Pilotlight-Terminal'] !== undefined && headers['Pilotlight-Nonce'] !== undefined;

function read(status: number, said: Buffer): Omit<Answer, 'unsigned'> {
  const text = said.toString('utf8');
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Of no form: whoever asks says so.
  }
  const problem = problemSchema.safeParse(json);
  const name =
    status !== 200 && problem.success && problem.data.type.startsWith(PROBLEM_PREFIX)
      ? problem.data.type.slice(PROBLEM_PREFIX.length)
      : '';
  return {
    status,
    json,
    problem: PROBLEMS.find((one) => one === name) ?? '',
    told: `${status} ${text.slice(0, 200)}`,
  };
}

/** Why an answer has not the form that docs/api promises; null: it has. */
function misformed(method: string, path: string, answer: Omit<Answer, 'unsigned'>): string | null {
  const { status, json, problem, told } = answer;
  if (status !== 200) {
    if (problem === '') return `no problem of a known type: ${told}`;
    const usual = PROBLEM_STATUS[problem];
    return status === usual || problem === 'bad-request' || problem === 'internal'
      ? null
      : `${problem} goes with ${usual}: ${told}`;
  }
  const parsed = routeOf(method, path)?.answer.safeParse(json);
  if (parsed === undefined || parsed.success) return null;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}: ${told}`;
}
