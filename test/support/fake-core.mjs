// A core for the shells' tests: speaks the contract, and does what its first argument says: ok |
// crash | hang | mute | late | bad-config | garbage | deaf | flood | clips. The second names a file for
// what it heard.
import { appendFileSync } from 'node:fs';

const [mode = 'ok', log] = process.argv.slice(2);
const note = (line) => {
  if (log !== undefined) appendFileSync(log, `${line}\n`);
};
note(`start ${process.pid}`);

let revision = Date.now();
let locale = 'zh-CN';
let notices = [];
const header = {
  brand: { zh: '阜城燃气 自助服务', en: 'Fucheng Gas Self-service' },
  site: { zh: '测试厅', en: 'Test hall' },
  terminalName: { zh: '03号机', en: 'No. 3' },
  terminalId: 'T-1',
  hotline: '0558-5550110',
  panel: null,
};
const push = () => {
  revision += 3;
  process.send({
    type: 'snapshot',
    snapshot: {
      screen: 'start',
      revision,
      locale,
      access: { largeText: false, lowReach: false, highContrast: false },
      header,
      nowMs: Date.now(),
      demo: true,
      tiles: ['query', 'unfinished'],
      providers: ['wechat'],
      payAway: [],
      degraded: [],
      word: null,
      outage: null,
      emergency: '',
      selling: true,
      notices,
    },
  });
};

if (mode === 'bad-config') process.exit(78);
if (mode === 'crash') process.exit(1);
if (mode === 'mute') {
  // Never says a word: a journal that is never read to its end.
  setInterval(() => undefined, 1000);
} else if (mode === 'hang' || mode === 'late') {
  // `late` has a long journal to read first, as the shell's silence goes.
  if (mode === 'late') await new Promise((resolve) => setTimeout(resolve, 1_500));
  push();
  setInterval(() => undefined, 1000);
} else if (mode === 'garbage') {
  process.send({ type: 'snapshot', snapshot: { screen: 'nonsense' } });
  process.send({ type: 'heartbeat' });
  push();
  setInterval(() => process.send({ type: 'heartbeat' }), 50);
} else {
  if (mode === 'clips') {
    const clip = (id, bytes) => process.send({ type: 'clip', id, wav: bytes.toString('base64') });
    clip('0123456789abcdef', Buffer.from('RIFF one'));
    clip('../../etc/passwd', Buffer.from('no such name'));
    for (let n = 0; n < 40; n++)
      process.send({ type: 'clip', own: true, id: String(n).padStart(16, 'e'), wav: 'AAAA' });
    clip('0000000000000000', Buffer.from('RIFF two'));
  }
  const beat = setInterval(() => process.send({ type: 'heartbeat' }), 50);
  if (mode === 'deaf') process.on('SIGTERM', () => note('sigterm'));
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message) => {
    note(JSON.stringify(message));
    if (message.type === 'hello') push();
    if (message.type === 'intent' && mode === 'flood') {
      const text = { zh: '水'.repeat(30_000), en: '' };
      notices = [{ title: text, body: text }];
      for (let n = 0; n < 200; n++) push();
      notices = [];
    }
    if (message.type === 'intent') {
      if (message.intent.type === 'set-locale') locale = message.intent.value;
      if (message.intent.type === 'exit') process.exit(3);
      push();
    }
    if (message.type === 'shutdown' && mode !== 'deaf') {
      clearInterval(beat);
      process.disconnect();
    }
  });
}
