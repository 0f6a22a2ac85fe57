import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Crt02Parser, crt02Command } from '../../../src/card/readers/crt/link02.ts';
import type { SerialLine } from '../../../src/card/readers/serial-line.ts';
import { crtModelOf } from '../../../src/card/readers/crt/models.ts';
import { CrtReader } from '../../../src/card/readers/crt/reader.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { issue } from '../../../src/simulator/card/catalogue.ts';
import { counterRandom, CpuCard } from '../../../src/simulator/card/cpu-card.ts';
import type { CpuCardState } from '../../../src/simulator/card/cpu-card.ts';
import { OldCrtDevice } from '../../../src/simulator/reader/crt-old.ts';
import type { OldCrtOptions } from '../../../src/simulator/reader/crt-old.ts';
import { ManualClock } from '../../support/clock.ts';
import { codeOf, GOLDEN_PURCHASE, must, plCpu } from './rig.ts';

describe('frames of the old dialect', () => {
  // As drivers in public repositories write them out (link02.ts names them), and cards.md 5.1.
  it.each([
    ['reset, card stays', 0x30, 0x30, '', '02 00 02 30 30 03 03'],
    ['status', 0x31, 0x30, '', '02 00 02 31 30 03 02'],
    ['out at the front', 0x32, 0x30, '', '02 00 02 32 30 03 01'],
    ['out at the rear', 0x32, 0x33, '', '02 00 02 32 33 03 02'],
    ['magnetic cards at the front, none at the rear', 0x2f, 0x32, '31', '02 00 03 2F 32 31 03 2E'],
    ['serial number', 0x30, 0x3a, '', '02 00 02 30 3A 03 09'],
    [
      'PL.METER',
      0x37,
      0x31,
      '00 0D 00 A4 04 00 08 50 4C 2E 4D 45 54 45 52',
      '02 00 11 37 31 00 0D 00 A4 04 00 08 50 4C 2E 4D 45 54 45 52 03 CA',
    ],
  ])('%s', (_what, cm, pm, data, frame) => {
    expect(toHex(crt02Command(cm, pm, fromHex(data)))).toBe(frame.replaceAll(' ', ''));
    expect([...fromHex(frame)].reduce((sum, b) => sum ^ b, 0)).toBe(0);
  });

  it('are cut by their length, however they come in pieces, with 02 and 03 among the data', () => {
    const frame = crt02Command(0x37, 0x31, fromHex('0203060403'));
    for (let at = 0; at <= frame.length; at++) {
      const parser = new Crt02Parser();
      const tokens = [
        ...parser.push(Uint8Array.of(0x06, ...frame.subarray(0, at))),
        ...parser.push(Uint8Array.of(...frame.subarray(at), 0x04)),
      ];
      expect(tokens).toEqual([
        { kind: 'ack' },
        { kind: 'frame', cm: 0x37, pm: 0x31, data: fromHex('0203060403') },
        { kind: 'eot' },
      ]);
    }
    for (let bit = 0; bit < 8; bit++) {
      const bad = frame.slice();
      bad[6] = (bad[6] as number) ^ (1 << bit);
      expect([...new Crt02Parser().push(bad)][0]).toEqual({ kind: 'broken', detail: 'BCC' });
    }
  });

  it('a model of one dialect is none of the other', () => {
    expect([
      crtModelOf('CRT-310 V2.0')?.move.ic,
      crtModelOf('CRT-310 V2.0', '02')?.move.ic,
    ]).toEqual([0x33, 0x2f]);
    expect([
      crtModelOf('CRT-571', '02'),
      crtModelOf('CRT-288', '02'),
      crtModelOf('CRT-188', '02'),
    ]).toEqual([null, null, null]);
  });
});

let clock: ManualClock;
let device: OldCrtDevice;
let reader: CrtReader;
let back: (bytes: Uint8Array) => void;

function start(more: Partial<OldCrtOptions> = {}): void {
  device = new OldCrtDevice({
    clock,
    firmware: 'CRT-310-N V2.01',
    motionMs: 900,
    send: (bytes) => clock.after(1, () => back(bytes)),
    ...more,
  });
  const line = (): Promise<SerialLine> =>
    Promise.resolve({
      write: (bytes) => device.receive(bytes),
      onData: (l) => (back = l),
      onClose: () => undefined,
      close: () => Promise.resolve(),
    });
  reader = new CrtReader({
    id: 'crt',
    path: '/dev/ttyS0',
    dialect: '02',
    open: line,
    clock,
    log: () => undefined,
  });
}
async function until(what: string, is: () => boolean, mostMs = 40_000): Promise<void> {
  for (let t = 0; t <= mostMs; t += 10) {
    if (is()) return;
    clock.advance(10);
    await new Promise<void>((done) => setImmediate(done));
  }
  throw new Error(
    `not ${what}: ${JSON.stringify(reader.status())}\n${device.transcript.slice(-12).join('\n')}`,
  );
}
async function during<T>(work: Promise<T>): Promise<T> {
  let done = false;
  void work.finally(() => {
    done = true;
  });
  await until('done', () => done);
  return work;
}
const golden = (more: Partial<CpuCardState> = {}): CpuCard =>
  new CpuCard(
    { ...issue({ cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577' }), ...more },
    counterRandom(1),
  );
async function present(card: CpuCard): Promise<number> {
  await until('open', () => device.open);
  expect(device.offer(card)).toBe(true);
  await until('present', () => reader.status().state === 'present');
  return reader.status().insertion;
}

describe('an old CRT-310', () => {
  beforeEach(() => {
    clock = new ManualClock(Date.UTC(2026, 10, 22));
  });
  afterEach(async () => {
    await reader.close();
  });

  it('takes a card in, to its contacts, sells to it, and holds it out to be taken', async () => {
    start();
    const channel = reader.open(await present(golden()));
    const reading = must(await during(plCpu.read(channel)));
    const plan = must(plCpu.plan(reading, GOLDEN_PURCHASE));
    must(await during(plCpu.apply(channel, plan)));
    must(await during(channel.reset()));
    expect(plCpu.classify(plan, must(await during(plCpu.readImage(channel))))).toBe('after');
    expect(device.open).toBe(false);
    must(await during(reader.gate.eject()));
    expect([reader.status().state, device.motions]).toEqual(['leaving', ['contacts', 'held']]);
    expect(codeOf(await during(channel.transmit(fromHex('0084000008'))))).toBe('CARD-0102');
    device.take();
    await until('empty', () => reader.status().state === 'empty' && device.open);
    // Nothing behind the rear is known to be a bin.
    expect(codeOf(await during(reader.gate.capture()))).toBe('CARD-0107');
  });

  it.each(['drop-command', 'nak', 'ack-lost', 'broken'] as const)(
    '%s: the answer comes all the same, and nothing was moved twice',
    async (kind) => {
      start();
      await present(golden());
      device.faults.push({ kind });
      must(await during(reader.gate.eject()));
      expect(device.motions).toEqual(['contacts', 'held']);
    },
  );

  it.each(['answer-lost', 'broken-for-good', 'stuck'] as const)(
    '%s: once it was told to begin, a motion is never sent again',
    async (kind) => {
      start();
      await present(golden());
      const before = device.transcript.length;
      device.faults.push({ kind });
      expect(codeOf(await during(reader.gate.eject()))).toBe('CARD-0111');
      expect(
        device.transcript.slice(before).filter((l) => l.startsWith('=> 02 00 02 32 31')),
      ).toHaveLength(1);
      expect(device.motions.length).toBe(kind === 'stuck' ? 1 : 2);
    },
  );

  it('cut at every command of a purchase, before and after it: nothing torn, and bought once in the end', async () => {
    let cuts = 0;
    for (let at = 1; ; at++) {
      for (const when of ['before', 'after'] as const) {
        start();
        const card = golden();
        const plan = must(
          plCpu.plan(
            must(await during(plCpu.read(reader.open(await present(card))))),
            GOLDEN_PURCHASE,
          ),
        );
        card.arm({ kind: 'tear', at, when, from: 'arming' });
        const applied = await during(plCpu.apply(reader.open(reader.status().insertion), plan));
        if (applied.ok) {
          expect(cuts).toBeGreaterThan(10);
          return;
        }
        cuts++;
        await until('empty', () => reader.status().state !== 'present');
        card.disarm();
        const again = reader.open(await present(card));
        const verdict = plCpu.classify(plan, must(await during(plCpu.readImage(again))));
        expect(['before', 'after']).toContain(verdict);
        if (verdict === 'before') must(await during(plCpu.apply(again, plan)));
        expect(plCpu.classify(plan, must(await during(plCpu.readImage(again))))).toBe('after');
        await reader.close();
      }
    }
  });

  it('what it says of a failed motion, and its negative answer, are kept with the failure', async () => {
    start();
    await present(golden());
    device.faults.push({ kind: 'fails', code: 0x57 });
    const failed = await during(reader.gate.eject());
    expect(failed.ok ? '' : failed.error.detail).toContain('PW the card is not where it must be');
    device.faults.push({ kind: 'error', code: 0x33 });
    const refused = await during(reader.gate.eject());
    expect(refused.ok ? '' : refused.error.detail).toContain('E3');
    must(await during(reader.gate.eject()));
  });

  it('an entry that did not open as it was told is said, and not believed', async () => {
    start({ openCode: 0x34 });
    await until('asked', () => device.transcript.some((l) => l.startsWith('=> 02 00 03 2F 33')));
    const told = await during(reader.gate.accept(true));
    expect(told.ok ? '' : told.error.detail).toContain('the entry is not as it was told');
    expect(device.open).toBe(false);
  });

  it('that lost its power is begun anew, empty or with a card inside', async () => {
    start();
    await until('open', () => device.open);
    must(await during(reader.gate.accept(true)));
    device.powerCycle();
    await until('noticed', () => reader.status().state === 'offline');
    const first = await present(golden());
    device.powerCycle();
    expect((await during(reader.open(first).transmit(fromHex('0084000008')))).ok).toBe(false);
    await until(
      'another insertion',
      () => reader.status().state === 'present' && reader.status().insertion > first,
    );
    must(await during(plCpu.read(reader.open(reader.status().insertion))));
  });

  it('tells of a card that was held out before its host began: it is to be taken, and it has no bin', async () => {
    start();
    await present(golden());
    must(await during(reader.gate.eject()));
    await reader.close();
    const lying = device;
    start();
    device = lying;
    await until('leaving', () => reader.status().state === 'leaving');
    expect(codeOf(await during(reader.gate.capture()))).toBe('CARD-0107');
    expect(reader.status().state).toBe('leaving');
    device.take();
    await until('open', () => device.open);
    expect(reader.status().state).toBe('empty');
  });

  it('a memory card and a T=1 card are mute to it: nothing is guessed, and they are given back', async () => {
    start();
    await until('open', () => device.open);
    device.offer(golden({ mute: true }));
    await until('mute', () => reader.status().state === 'mute');
    must(await during(reader.gate.eject()));
    device.take();
    await until('open again', () => device.open);
    device.offer(golden({ atr: '3B8001' + '81' }));
    await until('mute', () => reader.status().state === 'mute');
    expect(
      new Set(device.transcript.filter((l) => l.startsWith('=> 02')).map((l) => l.slice(12, 14))),
    ).toEqual(new Set(['30', '31', '2F', '32', '37']));
    expect(codeOf(await during(reader.sam(0).reset()))).toBe('CARD-0106');
  });

  it.each(['CRT-288-K', 'CRT-571', ''])(
    'firmware "%s" is no model of this dialect: nothing is moved',
    async (firmware) => {
      start({ firmware });
      await until('known', () => device.transcript.length > 3);
      await until(
        'offline',
        () => reader.status().state === 'offline' && 'failure' in reader.status(),
      );
      for (let t = 0; t < 35_000; t += 500) {
        clock.advance(500);
        await new Promise<void>((done) => setImmediate(done));
      }
      expect(device.motions).toEqual([]);
      expect(device.transcript.filter((l) => /^=> 02 00 0. (2F|32|37)/.test(l))).toEqual([]);
    },
  );
});
