import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { reply, serveJson } from '../json-server.ts';
import { picture } from './picture.ts';

/**
 * A provider of e-invoices as central meets one (docs/invoices.md), a process of its own that may
 * be killed at any moment: what it took is in its file, a line for each change, synced before it
 * answers. `--file FILE --secret TEXT [--port N] [--answers HOW]`. It prints the port it listens
 * on.
 *
 * `--answers`, and `POST /_control {"answers": …}` while it runs: `at-once` · `later`: it has the
 * request, and issues it when it is asked about it · `never`: it has it, and issues nothing until
 * that is changed · `refuse` · `lose`: it issues, and its answer never arrives.
 *
 * `--fault`, for the first request of its life that it takes: `die-before` it is on disk ·
 * `die-after` it is issued, unanswered.
 */
const ANSWERS = ['at-once', 'later', 'never', 'refuse', 'lose'] as const;
type Answers = (typeof ANSWERS)[number];
const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    secret: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    answers: { type: 'string', default: 'at-once' },
    fault: { type: 'string' },
  },
});
const isAnswers = (how: unknown): how is Answers => ANSWERS.some((one) => one === how);
let answers: Answers = isAnswers(values.answers) ? values.answers : 'at-once';
let { fault } = values;

/** One request under its id, as it was taken first. */
interface Taken {
  readonly requestId: string;
  readonly kind: 'blue' | 'red';
  readonly amountFen: number;
  readonly askedMs: number;
  readonly buyerName: string;
  /** A red one's: what it takes back. */
  readonly of: string | null;
  readonly state: 'pending' | 'issued' | 'refused';
  readonly number: string | null;
  readonly issuedMs: number | null;
  readonly reason: string | null;
}
const file = values.file ?? 'invoices.jsonl';
const taken = new Map<string, Taken>();
if (existsSync(file))
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const one = JSON.parse(line) as Taken;
    taken.set(one.requestId, one);
  }

function keep(one: Taken): Taken {
  const fd = openSync(file, 'a');
  writeSync(fd, `${JSON.stringify(one)}\n`);
  fsyncSync(fd);
  closeSync(fd);
  taken.set(one.requestId, one);
  return one;
}

/** 20 digits: two of the year, two of the region, and a number of its own. */
const nextNumber = (): string => {
  const issued = [...taken.values()].filter((one) => one.number !== null).length;
  return `2634${String(issued + 1).padStart(16, '0')}`;
};
const issue = (one: Taken): Taken =>
  keep({ ...one, state: 'issued', number: nextNumber(), issuedMs: one.askedMs });
const refuse = (one: Taken, reason: string): Taken => keep({ ...one, state: 'refused', reason });

let ownUrl = '';
function said(one: Taken): unknown {
  const { requestId, state } = one;
  if (state === 'pending') return { state, requestId, detail: '税务平台处理中' };
  if (state === 'refused') return { state, requestId, reason: one.reason };
  const { number, issuedMs, amountFen, buyerName } = one;
  const url = `${ownUrl}/pictures/${number}.pdf`;
  return { state, requestId, number, issuedMs, url, amountFen, buyerName };
}

/** What a tax office would not take; null: it is right. */
function faultOf(one: Taken): string | null {
  if (one.kind === 'blue') return null;
  const blue = [...taken.values()].find((b) => b.number === one.of && b.kind === 'blue');
  if (blue?.state !== 'issued') return '没有这张蓝字发票';
  if (blue.amountFen !== one.amountFen) return '只能全额红冲';
  const before = [...taken.values()].some(
    (r) => r.kind === 'red' && r.of === one.of && r.state !== 'refused',
  );
  return before ? '这张发票已经红冲' : null;
}

/** Takes a request, once under its id; told again it says what became of the first. */
function take(told: Record<string, unknown>, response: ServerResponse): void {
  const { requestId, kind, amountFen, askedMs } = told;
  if (
    typeof requestId !== 'string' ||
    (kind !== 'blue' && kind !== 'red') ||
    typeof askedMs !== 'number' ||
    typeof amountFen !== 'number' ||
    amountFen <= 0
  )
    return reply(response, 400, { error: 'not a request' });
  const known = taken.get(requestId);
  if (known !== undefined) return reply(response, 200, said(known));
  const broken = fault;
  fault = undefined;
  if (broken === 'die-before') process.exit(1);
  const fresh: Taken = {
    requestId,
    kind,
    amountFen,
    askedMs,
    buyerName: (told['buyer'] as { readonly name?: string } | undefined)?.name ?? '',
    of: (told['of'] as { readonly number?: string } | undefined)?.number ?? null,
    state: 'pending',
    number: null,
    issuedMs: null,
    reason: null,
  };
  const wrong = answers === 'refuse' ? '购方名称与税号不符' : faultOf(fresh);
  if (wrong !== null) return reply(response, 200, said(refuse(fresh, wrong)));
  const one = answers === 'later' || answers === 'never' ? keep(fresh) : issue(fresh);
  if (broken === 'die-after') process.exit(1);
  // Whoever asked hears nothing more.
  if (answers === 'lose') return void response.destroy();
  reply(response, 200, said(one));
}

/** What became of one; `later` it is issued when somebody asks. */
function query(requestId: string): unknown {
  const known = taken.get(requestId);
  if (known === undefined) return { state: 'unheard', requestId };
  return said(known.state === 'pending' && answers !== 'never' ? issue(known) : known);
}

function answer(request: IncomingMessage, text: string, response: ServerResponse): void {
  const { method = '', url = '/' } = request;
  const shown = /^\/pictures\/(\d{20})\.pdf$/.exec(url)?.[1];
  if (method === 'GET' && shown !== undefined) {
    const one = [...taken.values()].find((i) => i.number === shown);
    if (one === undefined) return reply(response, 404, { error: 'no such invoice' });
    response.writeHead(200, { 'content-type': 'application/pdf' });
    response.end(picture(shown, one));
    return;
  }
  if (method === 'GET' && url === '/_control')
    return reply(response, 200, { answers, taken: [...taken.values()] });
  if (method === 'POST' && url === '/_control') {
    const how = (JSON.parse(text) as { readonly answers?: unknown }).answers;
    if (!isAnswers(how)) return reply(response, 400, { error: ANSWERS.join(', ') });
    answers = how;
    return reply(response, 200, { answers });
  }
  if (request.headers.authorization !== `Bearer ${values.secret}`)
    return reply(response, 401, { error: 'who is this' });
  if (method === 'POST' && url === '/invoices')
    return take(JSON.parse(text) as Record<string, unknown>, response);
  const asked = /^\/invoices\/([^/]+)$/.exec(url)?.[1];
  if (method !== 'GET' || asked === undefined) return reply(response, 404, { error: 'nothing' });
  reply(response, 200, query(decodeURIComponent(asked)));
}

serveJson(Number(values.port), answer, (port) => {
  ownUrl = `http://127.0.0.1:${port}`;
});
