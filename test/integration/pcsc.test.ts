import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PcscReader } from '../../src/card/index.ts';
import type { CardReader } from '../../src/card/index.ts';
import { fromHex, toHex } from '../../src/shared/bytes.ts';
import type { LogFn } from '../../src/shared/ports.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { pcscService } from '../../src/main/pcsc/service.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { childrenOf, runs } from '../support/processes.ts';
import {
  GOLDEN_AFTER,
  GOLDEN_CHALLENGES,
  GOLDEN_PURCHASE,
  GOLDEN_WIRE,
  cardIn,
  codeOf,
  inOrder,
  must,
  plCpu,
  scriptedRandom,
  until,
} from '../unit/card/rig.ts';

let pcscd: Pcscd;
let slot: CardSlot;
const readers: CardReader[] = [];

function reader(match: string): PcscReader {
  const log: LogFn = (level, room, message, detail) => {
    if (process.env['CARD_LOG'] !== undefined) console.log(level, room, message, detail);
  };
  const made = new PcscReader({
    id: 'r',
    match,
    clock: systemClock,
    log,
    service: pcscService(systemClock, log),
  });
  readers.push(made);
  return made;
}

const pathTo = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A second program at the same service, which does as it is told (test/support/other-client.cjs). */
async function otherClient(): Promise<{
  readonly say: (what: 'hold' | 'reset' | 'leave') => Promise<string>;
  readonly end: () => Promise<void>;
}> {
  const child = spawn(
    process.execPath,
    [pathTo('../support/other-client.cjs'), 'Virtual PCD 00 00'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> =>
    ((await lines.next()) as { value?: string }).value ?? 'gone';
  if ((await line()) !== 'there') throw new Error('the other program has no reader');
  return {
    say: (what) => {
      child.stdin.write(`${what}\n`);
      return line();
    },
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

beforeAll(async () => {
  pcscd = await preparePcscd();
  await pcscd.start();
  slot = new CardSlot({ host: '127.0.0.1', port: pcscd.port, clock: systemClock });
});
afterEach(async () => {
  slot.remove();
  for (const r of readers.splice(0)) {
    await until(r, (s) => s.state === 'empty' || s.state === 'offline');
    await r.close();
  }
});
afterAll(async () => {
  await pcscd.stop();
});

describe('a card in a PC/SC reader', () => {
  it('is read whole and takes the golden purchase, byte for byte', async () => {
    const r = reader('virtual pcd');
    const card = sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES));
    slot.insert(card);
    const status = await until(r, (s) => s.state === 'present');
    expect(status.state === 'present' ? toHex(status.atr) : '').toBe('3B6500009C02020702');
    expect(r.name()).toContain('Virtual PCD');
    const channel = r.open(status.insertion);
    const reading = must(await plCpu.read(channel));
    expect(reading).toMatchObject({ cardNo: '8800003921', count: 41, visited: true });
    const plan = must(plCpu.plan(reading, GOLDEN_PURCHASE));
    card.transcript.length = 0;
    must(await plCpu.apply(channel, plan));
    expect(inOrder(card.transcript, GOLDEN_WIRE)).toBe(true);
    must(await channel.reset());
    expect(card.transcript.at(-1)).toBe('-- reset');
    expect(plCpu.classify(plan, must(await plCpu.readImage(channel)))).toBe('after');
    expect(toHex(card.peek('17') as Uint8Array)).toBe(GOLDEN_AFTER);
    expect(r.status()).toMatchObject({ state: 'present', insertion: status.insertion });
  });

  it.each(['before', 'after'] as const)(
    'torn %s the update: the next insertion tells',
    async (when) => {
      const r = reader('virtual pcd');
      const card = sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES));
      slot.insert(card);
      const first = await cardIn(r);
      const plan = must(plCpu.plan(must(await plCpu.read(first)), GOLDEN_PURCHASE));
      card.arm({ kind: 'tear', at: 9, when, from: 'arming' });
      const torn = await plCpu.apply(first, plan);
      expect(codeOf(torn)).toBe('CARD-0203');
      // The exchange's own code, or the monitor's word where that came first.
      expect(torn.ok ? '' : torn.error.detail).toMatch(/0x801000|0 bytes|card removed/);
      expect(codeOf(await first.transmit(fromHex('0084000008')))).toBe('CARD-0102');
      await until(r, (s) => s.state === 'empty');
      slot.insert(card);
      const second = await cardIn(r);
      expect(second.insertion).toBeGreaterThan(first.insertion);
      expect(codeOf(await first.transmit(fromHex('0084000008')))).toBe('CARD-0102');
      expect(plCpu.classify(plan, must(await plCpu.readImage(second)))).toBe(
        when === 'after' ? 'after' : 'before',
      );
    },
  );

  it('a card exchanged behind the reader’s back receives nothing of the first one’s', async () => {
    const r = reader('virtual pcd');
    const card = sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES));
    const other = sampleCard('good').make();
    const before = JSON.stringify(other);
    slot.insert(card);
    const first = await cardIn(r);
    const plan = must(plCpu.plan(must(await plCpu.read(first)), GOLDEN_PURCHASE));
    slot.insert(other);
    const swapped = await plCpu.apply(first, plan);
    expect(swapped.ok).toBe(false);
    await until(r, (s) => s.state === 'present' && s.insertion > first.insertion);
    expect(codeOf(await plCpu.apply(first, plan))).toBe('CARD-0102');
    expect(codeOf(await plCpu.apply(await cardIn(r), plan))).toBe('CARD-0205');
    expect(JSON.stringify(other)).toBe(before);
    expect(other.transcript.some((l) => l.startsWith('=> 04D6') || l.startsWith('=> 0082'))).toBe(
      false,
    );
  });

  it('foreign, staff and locked cards say so', async () => {
    const r = reader('virtual pcd');
    for (const id of ['foreign', 'staff', 'locked']) {
      slot.insert(sampleCard(id).make());
      expect(codeOf(await plCpu.read(await cardIn(r)))).toBe(sampleCard(id).expectedCode);
      slot.remove();
      await until(r, (s) => s.state === 'empty');
    }
  });

  it('comes back by itself when pcscd is killed and started again', async () => {
    const r = reader('virtual pcd');
    const card = sampleCard('golden').make();
    slot.insert(card);
    const channel = await cardIn(r);
    must(await plCpu.read(channel));
    for (let round = 0; round < 2; round++) {
      await pcscd.kill();
      const lost = await until(r, (s) => s.state === 'offline');
      expect(lost.state === 'offline' ? lost.failure.code : '').toBe('CARD-0107');
      expect(codeOf(await channel.transmit(fromHex('0084000008')))).toBe('CARD-0107');
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await pcscd.start();
      const startedAt = performance.now();
      const again = await cardIn(r, 10_000);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(again.insertion).toBeGreaterThan(channel.insertion);
      expect(codeOf(await channel.transmit(fromHex('0084000008')))).toBe('CARD-0102');
      expect(must(await plCpu.read(again)).cardNo).toBe('8800003921');
    }
  });

  it('a service that comes back without the reader, and later with it: usable within 5 s, and what was open stays over', async () => {
    const r = reader('virtual pcd');
    const card = sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES));
    slot.insert(card);
    const channel = await cardIn(r);
    const plan = must(plCpu.plan(must(await plCpu.read(channel)), GOLDEN_PURCHASE));
    await pcscd.kill();
    await pcscd.start(false);
    const none = await until(
      r,
      (s) => s.state === 'offline' && (s.failure.detail ?? '').includes('no reader matches'),
      10_000,
    );
    expect(none.state === 'offline' ? none.failure.code : '').toBe('CARD-0107');
    expect(codeOf(await plCpu.apply(channel, plan))).toBe('CARD-0107');
    await pcscd.kill();
    await pcscd.start();
    const startedAt = performance.now();
    const again = await cardIn(r, 10_000);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(codeOf(await plCpu.apply(channel, plan))).toBe('CARD-0102');
    must(await plCpu.apply(again, plan));
    expect(plCpu.classify(plan, must(await plCpu.readImage(again)))).toBe('after');
  });

  it('another program at the same card: it cannot have ours, nor reset it; a card that it had is read once it lets go, and forgot what was verified', async () => {
    const r = reader('virtual pcd');
    await until(r, (s) => s.state === 'empty' || s.state === 'offline');
    const other = await otherClient();
    try {
      const card = sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES));
      slot.insert(card);
      const first = await cardIn(r);
      const plan = must(plCpu.plan(must(await plCpu.read(first)), GOLDEN_PURCHASE));
      // Ours: it is refused (8010000B), all through a purchase.
      const applied = plCpu.apply(first, plan);
      expect(await other.say('hold')).toMatch(/0x8010000b/i);
      expect(await other.say('hold')).toMatch(/0x8010000b/i);
      must(await applied);
      expect(r.status()).toMatchObject({ state: 'present', insertion: first.insertion });

      // Theirs, before we were connected: we wait, say who is in the way, and come to it when it is
      // let go.
      slot.remove();
      await until(r, (s) => s.state === 'empty');
      slot.insert(card);
      const second = await cardIn(r);
      expect(await other.say('hold')).toBe('ok');
      const held = await plCpu.read(second);
      expect(held.ok ? '' : [held.error.code, held.error.detail]).toEqual([
        'CARD-0107',
        'SCardConnect: 0x8010000B, held by another process',
      ]);
      const resets = card.transcript.filter((line) => line === '-- reset').length;
      expect(await other.say('reset')).toBe('ok');
      expect(card.transcript.filter((line) => line === '-- reset').length).toBeGreaterThan(resets);
      const now = await cardIn(r);
      expect(plCpu.classify(plan, must(await plCpu.readImage(now)))).toBe('after');
      expect(must(await plCpu.read(now))).toMatchObject({ cardNo: '8800003921', count: 42 });
    } finally {
      await other.end();
    }
  });

  it('the process that has the service dies with the core, whatever it is in', async () => {
    const card = sampleCard('golden').make();
    slot.insert(card);
    const core = spawn(
      process.execPath,
      [
        '--input-type=module-typescript',
        '-e',
        `
      import { PcscReader } from ${JSON.stringify(pathTo('../../src/card/index.ts'))};
      import { pcscService } from ${JSON.stringify(pathTo('../../src/main/pcsc/service.ts'))};
      import { systemClock } from ${JSON.stringify(pathTo('../../src/main/ports.ts'))};
      const log = () => undefined;
      const r = new PcscReader({ id: 'r', match: 'virtual pcd', clock: systemClock, log, service: pcscService(systemClock, log) });
      r.onStatus((s) => { if (s.state === 'present') ask(r.open(s.insertion)); });
      const ask = async (channel) => { while ((await channel.transmit(Uint8Array.of(0, 0x84, 0, 0, 8))).ok) console.log('answered'); };
    `,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(core, 'exit');
    try {
      await once(core.stdout, 'data');
      core.stdout.resume();
      // Its next command, or the one just on its way, is caught in a card that does not answer.
      slot.delayMs = 60_000;
      await expect.poll(() => slot.held(), { timeout: 10_000 }).toBeGreaterThan(0);
      const [host] = childrenOf('pcsc/main.ts', core.pid);
      expect(host).toBeGreaterThan(0);
      core.kill('SIGKILL');
      await ended;
      await expect.poll(() => runs(host ?? 0), { timeout: 5_000 }).toBe(false);
    } finally {
      core.kill('SIGKILL');
      slot.delayMs = 0;
      slot.remove();
      await pcscd.kill();
      await pcscd.start();
    }
  });

  it('without a matching reader, and without a service, it is offline', async () => {
    const r = reader('no such reader');
    const none = await until(
      r,
      (s) => s.state === 'offline' && (s.failure.detail ?? '').includes('no such reader'),
    );
    expect(none.state === 'offline' ? none.failure.code : '').toBe('CARD-0107');
    await pcscd.kill();
    const gone = await until(
      r,
      (s) => s.state === 'offline' && /0x801000/.test(s.failure.detail ?? ''),
    );
    expect(gone.state === 'offline' ? gone.failure.code : '').toBe('CARD-0107');
    await pcscd.start();
    const back = reader('virtual pcd');
    await until(back, (s) => s.state === 'empty');
  });
});
