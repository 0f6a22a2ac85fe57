import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { reply, serveJson } from '../json-server.ts';

/**
 * A company's account book as central meets one (docs/credit.md), a process of its own that may be
 * killed at any moment: what it posted is in its file, a line each, synced before it answers.
 * `--file FILE --manner idempotent|queryable|file-only --secret TEXT [--port N] [--refuse USER]`.
 * It prints the port it listens on.
 *
 * `POST /_control {"answers": …}` while it runs: `at-once` · `lose`: it posts, and its answer never
 * arrives · `refuse`: it takes nothing. `GET /_lines`: what is in it.
 *
 * `--fault`, for the first posting of its life: `die-before` it is in the book · `die-after` it is,
 * unanswered · `silent`: it is, and nobody is ever answered.
 */
const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    manner: { type: 'string', default: 'idempotent' },
    secret: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    refuse: { type: 'string' },
    fault: { type: 'string' },
  },
});
interface Line {
  readonly reference: string;
  readonly userNo: string;
  readonly amountFen: number;
  readonly voucher: string;
}
const file = values.file ?? 'account-book.jsonl';
const lines: Line[] = existsSync(file)
  ? readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((text) => (text === '' ? [] : [JSON.parse(text) as Line]))
  : [];
let { fault } = values;
const ANSWERS = ['at-once', 'lose', 'refuse'] as const;
let answers: (typeof ANSWERS)[number] = 'at-once';

function keep(line: Line): void {
  const fd = openSync(file, 'a');
  writeSync(fd, `${JSON.stringify(line)}\n`);
  fsyncSync(fd);
  closeSync(fd);
  lines.push(line);
}

/** Posts it, or says what was posted under its reference before, as far as the book promises that. */
function post(told: Record<string, unknown>, response: ServerResponse): void {
  const { reference, userNo, amountFen } = told;
  if (
    typeof reference !== 'string' ||
    typeof userNo !== 'string' ||
    typeof amountFen !== 'number' ||
    amountFen <= 0
  )
    return reply(response, 400, { error: 'not a posting' });
  const known = lines.find((line) => line.reference === reference);
  if (known !== undefined && values.manner === 'idempotent')
    return known.userNo === userNo && known.amountFen === amountFen
      ? reply(response, 200, { state: 'posted', ...known })
      : reply(response, 409, { error: 'the reference is of another posting' });
  if (userNo === values.refuse || answers === 'refuse')
    return reply(response, 200, { state: 'refused', reference, detail: 'account closed' });
  const broken = fault;
  fault = undefined;
  if (broken === 'die-before') process.exit(1);
  const line = { reference, userNo, amountFen, voucher: `V${lines.length + 1}` };
  keep(line);
  if (broken === 'die-after') process.exit(1);
  if (broken === 'silent' || answers === 'lose') return;
  reply(response, 200, { state: 'posted', ...line });
}

function control(text: string, response: ServerResponse): void {
  const { answers: wanted } = JSON.parse(text) as { readonly answers?: unknown };
  const found = ANSWERS.find((one) => one === wanted);
  if (found === undefined) return reply(response, 400, { error: `one of ${ANSWERS.join(', ')}` });
  answers = found;
  reply(response, 200, { answers });
}

function answer(request: IncomingMessage, text: string, response: ServerResponse): void {
  const { method = '', url = '/' } = request;
  if (request.headers.authorization !== `Bearer ${values.secret}`)
    return reply(response, 401, { error: 'who is this' });
  if (method === 'POST' && url === '/_control') return control(text, response);
  if (method === 'GET' && url === '/_lines') return reply(response, 200, lines);
  if (method === 'GET' && url === '/book')
    return reply(response, 200, { version: 1, manner: values.manner });
  if (values.manner === 'file-only') return reply(response, 404, { error: 'by file only' });
  if (method === 'POST' && url === '/postings')
    return post(JSON.parse(text) as Record<string, unknown>, response);
  const reference = /^\/postings\/([^/]+)$/.exec(url)?.[1];
  if (method !== 'GET' || reference === undefined)
    return reply(response, 404, { error: 'nothing' });
  const known = lines.find((line) => line.reference === decodeURIComponent(reference));
  reply(
    response,
    200,
    known === undefined
      ? { state: 'unheard', reference: decodeURIComponent(reference) }
      : { state: 'posted', ...known },
  );
}

serveJson(Number(values.port), answer);
