import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ProcessReader } from '../../src/card/index.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { compileMaker, shortPort } from '../support/maker-reader.ts';
import { acs, golden4442, pl4442 } from '../unit/card/chips.ts';
import { cardIn, codeOf, GOLDEN_PURCHASE, must, plCpu, until } from '../unit/card/rig.ts';

/** A reader by a maker's library: the sample program over the stand-in library. */
let folder: string;
let made: Awaited<ReturnType<typeof compileMaker>>;
let reader: ProcessReader;
let slot: CardSlot;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-maker-'));
  made = await compileMaker(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  slot?.remove();
  await reader.close();
});

function started(
  command: readonly string[],
  port: number,
  clock: Clock = systemClock,
  hasGate = false,
): void {
  reader = new ProcessReader({
    id: 'maker',
    command,
    cwd: folder,
    hasGate,
    clock,
    log: () => undefined,
  });
  slot = new CardSlot({ host: '127.0.0.1', port, clock: systemClock });
}
async function rig(): Promise<void> {
  const port = await shortPort();
  started([made.program, made.library, String(port), '115200'], port);
}

it.each([
  ['a CPU card', plCpu, () => sampleCard('golden').make()],
  ['an SLE4442', pl4442, () => acs(golden4442())],
])('%s is sold to through the library, and read back', async (_what, layout, card) => {
  await rig();
  slot.insert(card());
  const channel = await cardIn(reader);
  expect(reader.name()).toBe('dcrf32');
  const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
  must(await layout.apply(channel, plan));
  must(await channel.reset());
  expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
  slot.remove();
  await until(reader, (s) => s.state === 'empty');
  expect(codeOf(await channel.reset())).toBe('CARD-0102');
});

it('a card that was changed for another in the same instant is another insertion', async () => {
  await rig();
  slot.insert(sampleCard('golden').make());
  const first = await cardIn(reader);
  slot.insert(sampleCard('good').make());
  // The next exchange finds out, before the reader was asked how it stands.
  expect(codeOf(await plCpu.read(first))).toBe('CARD-0102');
  const second = await cardIn(reader);
  expect(second.insertion).toBeGreaterThan(first.insertion);
  expect(must(await plCpu.read(second)).cardNo).not.toBe('8800003921');
});

/** A program that answers as it is told, line by line. */
function scripted(body: string): readonly string[] {
  const file = join(folder, 'scripted.mjs');
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline';
const say = (m) => process.stdout.write(JSON.stringify(m) + '\\n');
const hello = { version: 1, name: 'scripted', memory: false, mifare: false, gate: false, sams: 0 };
createInterface({ input: process.stdin }).on('line', (line) => {
  const job = JSON.parse(line);
  if (job.do === 'hello') say({ id: job.id, ok: hello });
  else if (job.do === 'status') say({ id: job.id, ok: { state: 'present', card: 1, atr: '3B00' } });
  else { ${body} }
});
`,
  );
  return [process.execPath, file];
}
/** Its time-outs, forty times as fast. */
const hurried: Clock = {
  ...systemClock,
  monoMs: () => systemClock.monoMs() * 40,
  after: (ms, fn) => systemClock.after(ms / 40, fn),
};
const SELECT = Uint8Array.of(0x00, 0xa4, 0x00, 0x00);

it.each([
  ['dies', `process.exit(3)`],
  ['hangs', ``],
  ['says what is no message', `process.stdout.write('not JSON\\n')`],
  ['answers another job', `say({ id: job.id + 7, ok: { bytes: '9000' } })`],
  ['answers what is not of the protocol', `say({ id: job.id, ok: { bytes: 'xyz' } })`],
])('a program that %s in an exchange: offline, and back with a new insertion', async (_w, body) => {
  started(scripted(body), 0, hurried);
  const channel = await cardIn(reader);
  const waits = until(reader, (s) => s.state === 'offline');
  expect(['CARD-0107', 'CARD-0108']).toContain(codeOf(await channel.transmit(SELECT)));
  await waits;
  const again = await cardIn(reader);
  expect(again.insertion).toBeGreaterThan(channel.insertion);
  expect(codeOf(await channel.transmit(SELECT))).toBe('CARD-0102');
});

it.each([
  ['hangs in an exchange', ``],
  ['is left behind by its script', `process.kill(process.ppid, 'SIGKILL')`],
])(
  'the program behind a script %s: nothing of it is left when the next one begins',
  async (_w, body) => {
    const [node = '', file = ''] = scripted(
      `setInterval(() => {}, 1_000); appendFileSync('pids', process.pid + '\\n'); ${body}`,
    );
    writeFileSync(file, `import { appendFileSync } from 'node:fs';\n${readFileSync(file, 'utf8')}`);
    rmSync(join(folder, 'pids'), { force: true });
    started(['sh', '-c', `"${node}" "${file}"; true`], 0, hurried);
    const channel = await cardIn(reader);
    const waits = until(reader, (s) => s.state === 'offline');
    expect(['CARD-0107', 'CARD-0108']).toContain(codeOf(await channel.transmit(SELECT)));
    await waits;
    await cardIn(reader);
    const left = readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n').map(Number);
    const lives = (pid: number): boolean => {
      try {
        // One that is dead and waits for its parent still has a number.
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    try {
      expect([left.length, left.filter(lives)]).toEqual([1, []]);
    } finally {
      for (const pid of left) if (lives(pid)) process.kill(pid, 'SIGKILL');
    }
  },
);

it('a program that dies of its first look each time is begun more and more seldom', async () => {
  const waits: string[] = [];
  const [node = '', file = ''] = scripted('');
  const dying = readFileSync(file, 'utf8').replace(
    'say({ id: job.id, ok: { state',
    'setTimeout(() => process.exit(3), 1), $&',
  );
  writeFileSync(file, dying);
  reader = new ProcessReader({
    id: 'maker',
    command: [node, file],
    cwd: folder,
    hasGate: false,
    clock: hurried,
    log: (_level, _room, message) => {
      const wait = /lost, again in (\d+) ms/.exec(message)?.[1];
      if (wait !== undefined) waits.push(wait);
    },
  });
  await cardIn(reader);
  for (let n = 0; n < 400 && waits.length < 4; n++) await new Promise((r) => setTimeout(r, 10));
  expect(waits.slice(0, 4)).toEqual(['500', '1000', '2000', '5000']);
});

it('a card whose exchanges break is a new insertion each time, and mute after the third', async () => {
  started(
    scripted(
      `if (job.do === 'reset') say({ id: job.id, ok: { atr: '3B00' } });
       else say({ id: job.id, fail: { code: 'CARD-0106', detail: 'dc_cpuapdu: -4' } });`,
    ),
    0,
    hurried,
  );
  const seen = new Set<number>();
  for (let i = 0; i < 4; i++) {
    const channel = await cardIn(reader);
    seen.add(channel.insertion);
    const broken = await channel.transmit(SELECT);
    expect(broken.ok ? '' : broken.error.detail).toContain('dc_cpuapdu: -4');
  }
  expect(seen.size).toBe(4);
  expect((await until(reader, (s) => s.state === 'mute')).state).toBe('mute');
});

it('a line that nobody asked for ends the program: it could be taken for another answer', async () => {
  started(
    scripted(`say({ id: job.id, ok: { bytes: '9000' } }); say({ id: job.id + 1, ok: {} });`),
    0,
    hurried,
  );
  const channel = await cardIn(reader);
  const waits = until(reader, (s) => s.state === 'offline');
  await channel.transmit(SELECT);
  await waits;
});

it('a program that knows no motor where terminal.json has one moves nothing', async () => {
  reader = new ProcessReader({
    id: 'maker',
    command: scripted(''),
    cwd: folder,
    hasGate: true,
    clock: hurried,
    log: () => undefined,
  });
  const status = await until(
    reader,
    (s) => s.state === 'offline' && s.failure.detail?.includes('knows of none') === true,
  );
  expect(status.state).toBe('offline');
});

/**
 * A program with a motor. Its card stays in the slot's status, with the same number, until it was
 * asked a few times more: libraries learn late that a card moved.
 */
function motor(body: string): void {
  const [node = '', file = ''] = scripted(
    `told.push(job.do + (job.on ?? '')); appendFileSync('told', told.at(-1) + '\\n'); ${body}`,
  );
  const source = readFileSync(file, 'utf8')
    .replace('gate: false', 'gate: true')
    .replace("ok: { state: 'present', card: 1, atr: '3B00' }", 'ok: slot()');
  writeFileSync(
    file,
    `import { appendFileSync } from 'node:fs';
const told = [];
let card = 1, gone = 0, accepted = 0;
const slot = () => {
  if (gone > 0 && --gone === 0) card = null;
  return card === null ? { state: 'empty' } : { state: 'present', card, atr: '3B00' };
};
${source}`,
  );
  rmSync(join(folder, 'told'), { force: true });
  started([node, file], 0, hurried, true);
}
const moves = (): string[] => readFileSync(join(folder, 'told'), 'utf8').trim().split('\n');
/** The states from now on, as they change; the last is `last`. */
async function statesUntil(last: string): Promise<string[]> {
  const seen: string[] = [];
  const off = reader.onStatus((s) => seen.push(`${s.state} ${s.insertion}`));
  await until(reader, (s) => s.state === last);
  off();
  return seen;
}

it.each([
  ['given back', 'eject', ['leaving 1', 'empty 1']],
  ['captured', 'capture', ['empty 1']],
] as const)(
  'a card that was %s is no new one while its program goes on naming it',
  async (_what, verb, want) => {
    motor(`if (job.do === '${verb}') gone = 8; say({ id: job.id, ok: {} });`);
    const channel = await cardIn(reader);
    const states: string[] = [];
    reader.onStatus((s) => states.push(`${s.state} ${s.insertion}`));
    expect(await reader.gate?.[verb]()).toEqual({ ok: true, value: undefined });
    // The entry is told once the slot is empty, and not before.
    for (let n = 0; n < 400 && !moves().includes('accepttrue'); n++)
      await new Promise((r) => setTimeout(r, 5));
    expect([states, moves()]).toEqual([want, [verb, 'accepttrue']]);
    expect(codeOf(await channel.transmit(SELECT))).toBe('CARD-0102');
  },
);

it('a card that did not move is stuck until it is told once more, and never a new one', async () => {
  motor(`if (job.do === 'eject' && accepted++ < 1)
      say({ id: job.id, fail: { code: 'CARD-0111', detail: 'dc_eject: -9' } });
    else { gone = 1; say({ id: job.id, ok: {} }); }`);
  await cardIn(reader);
  const states = statesUntil('empty');
  const stuck = await reader.gate?.eject();
  expect(stuck).toMatchObject({ ok: false, error: { code: 'CARD-0111' } });
  expect(reader.status()).toMatchObject({ state: 'mute', failure: { code: 'CARD-0111' } });
  // It was looked at meanwhile, and is still what it was.
  await new Promise((r) => setTimeout(r, 100));
  expect(reader.status()).toMatchObject({ state: 'mute', insertion: 1 });
  expect((await reader.gate?.eject())?.ok).toBe(true);
  expect(await states).toEqual(['mute 1', 'leaving 1', 'empty 1']);
});

it('a reader that says in a motion that its device is away is begun anew', async () => {
  motor(`say({ id: job.id, fail: { code: 'CARD-0107', detail: 'dc_eject: -1' } });`);
  const channel = await cardIn(reader);
  const waits = until(reader, (s) => s.state === 'offline');
  expect(codeOf((await reader.gate?.eject()) as never)).toBe('CARD-0107');
  await waits;
  expect((await cardIn(reader)).insertion).toBeGreaterThan(channel.insertion);
});

it('an entry that did not open is told again until it has', async () => {
  motor(`card = null;
    if (job.do === 'accept' && accepted++ < 2)
      say({ id: job.id, fail: { code: 'CARD-0106', detail: 'dc_entry: -3' } });
    else say({ id: job.id, ok: {} });`);
  await cardIn(reader);
  expect((await reader.gate?.capture())?.ok).toBe(true);
  for (let n = 0; n < 400 && moves().length < 4; n++) await new Promise((r) => setTimeout(r, 5));
  await new Promise((r) => setTimeout(r, 50));
  expect(moves()).toEqual(['capture', 'accepttrue', 'accepttrue', 'accepttrue']);
});
