import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { reply, serveJson } from '../json-server.ts';

/**
 * A platform that sends SMS as central meets one (docs/services.md), a process of its own:
 * `--file FILE --secret TEXT --answers at-once|lost|never [--port N]`. It prints its port.
 *
 * `at-once`: a message is on its phone, and it says so · `lost`: it is, and the answer is lost ·
 * `never`: nothing is heard of it. A message's id is sent once, however often it is told. Beside
 * the contract: `GET /outbox` shows what the phones have, `POST /answer` is what a phone writes
 * back.
 */
const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    secret: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    answers: { type: 'string', default: 'at-once' },
  },
});
interface Sms {
  readonly id: string;
  readonly to: string;
  readonly text: string;
}
interface Reply {
  readonly seq: number;
  readonly from: string;
  readonly text: string;
  readonly atMs: number;
}
interface Books {
  readonly sent: readonly Sms[];
  readonly replies: readonly Reply[];
}
const file = values.file ?? 'sms-platform.json';
let books: Books = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as Books)
  : { sent: [], replies: [] };
function keep(next: Books): void {
  books = next;
  writeFileSync(`${file}.new`, JSON.stringify(next), { flush: true });
  renameSync(`${file}.new`, file);
}

/** Null: the answer is lost on its way. */
type Answer = readonly [status: number, body: unknown] | null;
const MOBILE = /^1[3-9]\d{9}$/;

function take({ id, to, text }: Sms): Answer {
  if (values.answers === 'never') return null;
  if (!MOBILE.test(to)) return [200, { id, state: 'refused', detail: 'not a mobile' }];
  if (!books.sent.some((m) => m.id === id))
    keep({ ...books, sent: [...books.sent, { id, to, text }] });
  return values.answers === 'lost' ? null : [200, { id, state: 'accepted' }];
}

function answer(method: string, url: URL, body: string): Answer {
  const path = `${method} ${url.pathname}`;
  if (path === 'POST /messages') return take(JSON.parse(body) as Sms);
  if (path === 'GET /replies') {
    const after = Number(url.searchParams.get('after') ?? '0');
    return [200, { replies: books.replies.filter((r) => r.seq > after).slice(0, 200) }];
  }
  if (path === 'GET /outbox') return [200, books.sent];
  if (path === 'POST /answer') {
    const told = JSON.parse(body) as Omit<Reply, 'seq'>;
    keep({ ...books, replies: [...books.replies, { ...told, seq: books.replies.length + 1 }] });
    return [200, {}];
  }
  const id = /^GET \/messages\/([^/]+)$/.exec(path)?.[1];
  if (id === undefined) return [404, { error: 'nothing' }];
  const named = decodeURIComponent(id);
  const state = books.sent.some((m) => m.id === named) ? 'accepted' : 'unheard';
  return values.answers === 'never' ? null : [200, { id: named, state }];
}

serveJson(Number(values.port), (request, text, response) => {
  if (request.headers.authorization !== `Bearer ${values.secret}`)
    return reply(response, 401, { error: 'who is this' });
  const said = answer(request.method ?? '', new URL(request.url ?? '/', 'http://sms'), text);
  if (said === null) return void request.socket.destroy();
  reply(response, ...said);
});
