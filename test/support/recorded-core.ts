import { createServer } from 'node:net';
import { screenFixtures } from './screens-fixtures.ts';
import { PLAIN_ACCESS, shellToCoreSchema } from '../../src/shared/contract/index.ts';
import type { Access, Locale, Snapshot } from '../../src/shared/contract/index.ts';

/**
 * A core that plays recorded screens: the page, the WebSocket, the shell and the way to the core's
 * process are the real ones; what a core takes to decide is in no figure here. Its argument is the
 * path of a socket: each line on it names the screen to show, with `+idle` one that soon attracts.
 */

/** Of screens that are asked for with `+idle`: so soon they attract. */
const IDLE_MS = 2_500;

let revision = Date.now();

/** As a core would send it now: its deadline is ahead by as much as it was when it was recorded. */
function fresh(snapshot: Snapshot): Snapshot {
  revision += 1;
  const nowMs = Date.now();
  const left =
    'deadlineMs' in snapshot && snapshot.deadlineMs !== null
      ? { deadlineMs: nowMs + (snapshot.deadlineMs - snapshot.nowMs) }
      : {};
  return { ...snapshot, ...left, nowMs, revision };
}

const ways = new Map<string, ReadonlyMap<string, Snapshot>>();
/** All recorded screens, as a customer with this language and these modes sees them. */
function screens(locale: Locale, access: Access): ReadonlyMap<string, Snapshot> {
  const name = JSON.stringify([locale, access]);
  let all = ways.get(name);
  if (all === undefined) {
    const made = screenFixtures(locale, access);
    all = new Map(made.map((f) => [`${f.screen}--${f.variant}`, f.snapshot]));
    ways.set(name, all);
  }
  return all;
}

let shown = 'start--services';
let locale: Locale = 'zh-CN';
let access: Access = PLAIN_ACCESS;

function show(key: string): void {
  const [name = '', idle] = key.split('+');
  const snapshot = screens(locale, access).get(name);
  if (snapshot === undefined) throw new Error(`no such screen: ${key}`);
  shown = key;
  const attract = idle === 'idle' && snapshot.screen === 'start' ? { attractAfterMs: IDLE_MS } : {};
  process.send?.({ type: 'snapshot', snapshot: { ...fresh(snapshot), ...attract } });
}

/** Where a control leads to in a recorded visit. */
function next(type: string, value: unknown): string {
  if (type === 'open' && value === 'info') return 'info--menu';
  if (type === 'open') return 'insert-card--unfinished';
  if (type === 'info-topic') return value === 'menu' ? 'info--menu' : `info--${String(value)}`;
  if (type === 'choose-amount') return 'amount--quoted';
  if (type === 'pay') return 'pay--waiting';
  return 'start--services';
}

process.on('message', (raw) => {
  const message = shellToCoreSchema.parse(raw);
  if (message.type === 'shutdown') process.exit(0);
  if (message.type === 'hello') return show(shown);
  const { intent } = message;
  if (intent.type === 'activity') return;
  if (intent.type === 'set-locale') {
    locale = intent.value;
    return show(shown);
  }
  if (intent.type === 'set-access') {
    access = { ...access, [intent.value]: intent.on };
    return show(shown);
  }
  show(next(intent.type, 'value' in intent ? intent.value : null));
});
setInterval(() => process.send?.({ type: 'heartbeat' }), 2_000);
// Recorded screens are made before the first one is asked for.
screens('en', access);
createServer((bench) => {
  let text = '';
  bench.on('data', (chunk) => {
    text += chunk.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) show(line);
  });
}).listen(process.argv[2]);
