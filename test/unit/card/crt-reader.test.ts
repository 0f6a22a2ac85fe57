import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  layoutRegistry,
  pl24Layout,
  plCpuLayout,
  psamKeyProvider,
  samPort,
} from '../../../src/card/index.ts';
import type { CardChannel } from '../../../src/card/index.ts';
import { CrtReader } from '../../../src/card/readers/crt/reader.ts';
import type { SerialLine } from '../../../src/card/readers/serial-line.ts';
import type { MemoryCardPort } from '../../../src/card/types.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { sample24, sample4428 } from '../../../src/simulator/card/catalogue-blocks.ts';
import { counterRandom, CpuCard } from '../../../src/simulator/card/cpu-card.ts';
import { issue } from '../../../src/simulator/card/catalogue.ts';
import { Psam } from '../../../src/simulator/card/psam.ts';
import {
  BIN_CARDS,
  CRT_310_MOVES,
  CRT_571_MOVES,
  CrtDevice,
} from '../../../src/simulator/reader/crt.ts';
import type { CrtCard, CrtDeviceOptions } from '../../../src/simulator/reader/crt.ts';
import { crtAt24, crtSle4428, crtSle4442 } from '../../../src/simulator/reader/crt-memory.ts';
import { ManualClock } from '../../support/clock.ts';
import { golden4428, golden4442, pl4428, pl4442 } from './chips.ts';
import { codeOf, demoKeys, GOLDEN_PURCHASE, must, plCpu } from './rig.ts';

let clock: ManualClock;
let device: CrtDevice;
let reader: CrtReader;
let lines: { readonly line: SerialLine; readonly unplug: () => void }[];
/** The port is not there. */
let absent: boolean;

/** A serial cable between the driver and the simulated device, bytes and all. */
function cable(): Promise<SerialLine> {
  if (absent) return Promise.reject(new Error('ENOENT'));
  let take: (bytes: Uint8Array) => void = () => undefined;
  let gone: (cause: unknown) => void = () => undefined;
  let open = true;
  back = (bytes) => {
    if (open) take(bytes);
  };
  const line: SerialLine = {
    write: (bytes) => {
      if (open) device.receive(bytes);
    },
    onData: (l) => {
      take = l;
    },
    onClose: (l) => {
      gone = l;
    },
    close: () => {
      open = false;
      return Promise.resolve();
    },
  };
  lines.push({
    line,
    unplug: () => {
      open = false;
      gone(new Error('EIO'));
    },
  });
  return Promise.resolve(line);
}
let back: (bytes: Uint8Array) => void = () => undefined;

function deviceOf(more: Partial<CrtDeviceOptions> = {}): CrtDevice {
  return new CrtDevice({
    clock,
    firmware: 'CRT-571-F2 V1.10',
    move: CRT_571_MOVES,
    initKeep: 0x33,
    motionMs: 900,
    send: (bytes) => clock.after(1, () => back(bytes)),
    ...more,
  });
}
const golden = (): CpuCard =>
  new CpuCard(
    issue({ cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577' }),
    counterRandom(1),
  );

/** Time goes on in small steps, and whatever waits for it with it. */
async function pass(ms: number): Promise<void> {
  for (let t = 0; t < ms; t += 10) {
    clock.advance(10);
    await new Promise<void>((done) => setImmediate(done));
  }
}
/** Lets time go on until it is so. */
async function until(what: string, is: () => boolean, mostMs = 20_000): Promise<void> {
  for (let t = 0; t <= mostMs; t += 25) {
    if (is()) return;
    await pass(25);
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
  await until('done', () => done, 60_000);
  return work;
}
function start(): void {
  reader = new CrtReader({
    id: 'crt',
    path: '/dev/ttyS0',
    open: cable,
    clock,
    log: () => undefined,
  });
}

beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 10, 22));
  lines = [];
  absent = false;
  device = deviceOf();
});
afterEach(async () => {
  await reader.close();
});

describe('a motor reader', () => {
  it('knows its model before it moves anything, takes a card in, reads and writes it, gives it back', async () => {
    start();
    await until('entry on', () => device.entryOn);
    expect(reader.name()).toBe('CRT-571-F2 V1.10 /dev/ttyS0');
    expect(device.transcript.filter((l) => l.startsWith('=>')).slice(0, 2)).toEqual([
      '=> F2 00 00 03 43 A4 30 03 25',
      '=> F2 00 00 03 43 30 33 03 B2',
    ]);
    expect(reader.status().state).toBe('empty');
    const card = golden();
    expect(device.offer({ kind: 'cpu', card })).toBe(true);
    await until('present', () => reader.status().state === 'present');
    const { insertion } = reader.status();
    const channel = reader.open(insertion);
    const reading = must(await during(plCpu.read(channel)));
    expect(reading).toMatchObject({ cardNo: '8800003921', userNo: '1002203344' });
    const plan = must(plCpu.plan(reading, GOLDEN_PURCHASE));
    must(await during(plCpu.apply(channel, plan)));
    must(await during(channel.reset()));
    expect(plCpu.classify(plan, must(await during(plCpu.readImage(channel))))).toBe('after');
    must(await during(reader.gate.eject()));
    expect(reader.status()).toEqual({ state: 'leaving', insertion });
    expect(device.motions).toEqual(['ic', 'gate']);
    // Held out at the gate it is neither a new card nor let in again.
    await pass(2_000);
    expect(reader.status()).toEqual({ state: 'leaving', insertion });
    expect(device.entryOn).toBe(false);
    expect(codeOf(await during(channel.transmit(fromHex('00A40000023F00'))))).toBe('CARD-0102');
    device.take();
    await until('entry on again', () => device.entryOn);
    expect(reader.status()).toEqual({ state: 'empty', insertion });
  });

  it('captures; a model without a bin says so and moves nothing', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    must(await during(reader.gate.capture()));
    expect(device.bin).toHaveLength(1);
    // Held out at the gate it is taken in as well; a full bin (A1) takes no more.
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    must(await during(reader.gate.eject()));
    must(await during(reader.gate.capture()));
    expect([device.bin.length, device.place]).toEqual([2, 'none']);
    while (device.bin.length < BIN_CARDS) device.bin.push({ kind: 'cpu', card: golden() });
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    expect(codeOf(await during(reader.gate.capture()))).toBe('CARD-0111');
    expect(device.bin).toHaveLength(BIN_CARDS);
    must(await during(reader.gate.eject()));
    expect(reader.status().state).toBe('leaving');
    await reader.close();

    device = deviceOf({ firmware: 'CRT-310 V2.0', move: CRT_310_MOVES, initKeep: 0x34 });
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    // 33 is this model's IC position, and the other's bin.
    expect(device.motions).toEqual(['ic']);
    expect(codeOf(await during(reader.gate.capture()))).toBe('CARD-0107');
    expect(device.motions).toEqual(['ic']);
    must(await during(reader.gate.eject()));
    expect(device.place).toBe('gate');
  });

  it('an unknown firmware: out of service, nothing is ever moved', async () => {
    device = deviceOf({ firmware: 'XYZ-900' });
    start();
    await pass(70_000);
    expect(reader.status()).toMatchObject({
      state: 'offline',
      failure: { code: 'CARD-0107', detail: expect.stringContaining('XYZ-900') },
    });
    expect(device.motions).toEqual([]);
    expect(device.transcript.some((l) => l.startsWith('=> F2 00 00 03 43 30'))).toBe(false);
  });

  it('a card that lay inside when the power failed is read again, under a new insertion', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    const first = reader.status().insertion;
    const channel = reader.open(first);
    device.powerCycle();
    const answer = await during(plCpu.readImage(channel));
    expect(answer.ok).toBe(false);
    await until(
      'present again',
      () => reader.status().state === 'present' && reader.status().insertion > first,
    );
    must(await during(plCpu.read(reader.open(reader.status().insertion))));
  });
});

describe('a bad line', () => {
  it.each(['drop-command', 'nak', 'ack-lost', 'broken', 'stops-in-the-middle'] as const)(
    '%s: the answer comes all the same, and nothing was moved twice',
    async (kind) => {
      start();
      await until('entry on', () => device.entryOn);
      device.offer({ kind: 'cpu', card: golden() });
      await until('present', () => reader.status().state === 'present');
      device.faults.push({ kind });
      must(await during(plCpu.read(reader.open(reader.status().insertion))));
      device.faults.push({ kind: 'ack-lost' }, { kind: 'ack-lost' }, { kind }, { kind });
      const moved = device.motions.length;
      await during(reader.gate.eject());
      expect(device.motions.length).toBe(moved + 1);
    },
  );

  it('a code of which neither the taking nor the answer comes through is not presented again: one try is spent, not two', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'memory', card: crtSle4442(golden4442()) });
    await until('present', () => reader.status().state === 'present');
    const { insertion } = reader.status();
    const memory = reader.open(insertion).memory as MemoryCardPort;
    must(await during(memory.select('SLE4442')));
    expect(must(await during(memory.counter('SLE4442')))).toBe(0x07);
    device.faults.push({ kind: 'silent' });
    expect(codeOf(await during(memory.present('SLE4442', fromHex('000000'))))).toBe('CARD-0106');
    await until(
      'present again',
      () => reader.status().state === 'present' && reader.status().insertion > insertion,
    );
    const again = reader.open(reader.status().insertion).memory as MemoryCardPort;
    must(await during(again.select('SLE4442')));
    expect(must(await during(again.counter('SLE4442')))).toBe(0x06);
    // A device that says it did not take a code is told it again.
    device.faults.push({ kind: 'nak' });
    expect(must(await during(again.present('SLE4442', fromHex('000000'))))).toMatchObject({
      verified: false,
    });
  });

  it('no answer at all: what the card did is not known, and it counts as inserted anew', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    const { insertion } = reader.status();
    device.faults.push({ kind: 'stuck' });
    expect(
      codeOf(await during(reader.open(insertion).transmit(fromHex('00A4040008504C2E4D45544552')))),
    ).toBe('CARD-0106');
    await until(
      'present again',
      () => reader.status().state === 'present' && reader.status().insertion === insertion + 1,
    );
  });

  it('unplugged and plugged in: offline, and usable within 5 s', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    absent = true;
    lines.at(-1)?.unplug();
    await until('offline', () => reader.status().state === 'offline');
    await pass(60_000);
    absent = false;
    await until('present', () => reader.status().state === 'present', 5_000);
  });

  it('a jam and a card wrenched out are told with the device’s own code', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    const { insertion } = reader.status();
    // Power off of both kinds, then the motion.
    device.faults.push(
      { kind: 'error', code: '65' },
      { kind: 'error', code: '65' },
      { kind: 'error', code: '10' },
    );
    const jam = await during(reader.gate.eject());
    expect(jam).toMatchObject({
      ok: false,
      error: { code: 'CARD-0111', detail: expect.stringContaining('10 card jam') },
    });
    await pass(3_000);
    // It is not read again and again: somebody tries once more, or takes it out.
    expect(reader.status()).toMatchObject({
      state: 'mute',
      insertion,
      failure: { code: 'CARD-0111' },
    });
    must(await during(reader.gate.eject()));
    expect(reader.status().state).toBe('leaving');
    device.take();
    await until('entry on again', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    const card = reader.open(reader.status().insertion);
    device.wrench();
    expect((await during(plCpu.read(card))).ok).toBe(false);
    await until('empty', () => reader.status().state === 'empty');
  });
});

describe('memory cards in a motor reader', () => {
  const registry = layoutRegistry([pl4442, pl4428, pl24Layout(demoKeys), plCpu]);
  const present = async (card: CrtCard): Promise<CardChannel> => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer(card);
    await until('present', () => reader.status().state === 'present');
    return reader.open(reader.status().insertion);
  };
  const atr = (): Uint8Array => {
    const status = reader.status();
    return status.state === 'present' ? status.atr : new Uint8Array(0);
  };
  const sold = async (channel: CardChannel): Promise<string> => {
    const { layout, reading } = must(await during(registry.read(channel, atr())));
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    must(await during(layout.apply(channel, plan)));
    must(await during(channel.reset()));
    expect(layout.classify(plan, must(await during(layout.readImage(channel))))).toBe('after');
    return layout.id;
  };

  it('an SLE4442 and an SLE4428 are told by their first bytes, bought for and given back', async () => {
    const chip = golden4428();
    expect(await sold(await present({ kind: 'memory', card: crtSle4428(chip) }))).toBe('PL-4428');
    expect(toHex(atr())).toBe('3B0492231091');
    expect(chip.toJSON().main.slice(2 * 0x40, 2 * 0x50)).toBe('2A002A000EBD00032F85ADE6788A2FC4');
    must(await during(reader.gate.eject()));
    device.take();
    await until('entry on again', () => device.entryOn);
    device.offer({ kind: 'memory', card: crtSle4442(golden4442()) });
    await until('present', () => reader.status().state === 'present');
    expect(await sold(reader.open(reader.status().insertion))).toBe('PL-4442');
  });

  it('an SLE4428 of another code is refused; a locked one is not tried', async () => {
    const channel = await present({
      kind: 'memory',
      card: crtSle4428(sample4428('4428-other-key').make()),
    });
    const plan = must(pl4428.plan(must(await during(pl4428.read(channel))), GOLDEN_PURCHASE));
    expect(await during(pl4428.apply(channel, plan))).toMatchObject({
      ok: false,
      error: { code: 'CARD-0201', detail: expect.stringContaining('FE') },
    });
    device.wrench();
    await until('empty', () => reader.status().state === 'empty' && device.entryOn);
    device.offer({ kind: 'memory', card: crtSle4428(sample4428('4428-locked').make()) });
    await until('present', () => reader.status().state === 'present');
    expect(codeOf(await during(pl4428.read(reader.open(reader.status().insertion))))).toBe(
      'CARD-0110',
    );
  });

  it.each(['24-golden', '24-big'] as const)(
    '%s: a chip without an answer to reset is found, bought for, and powered off',
    async (id) => {
      const chip = sample24(id).make();
      expect(await sold(await present({ kind: 'memory', card: crtAt24(chip) }))).toBe('PL-24');
      expect(toHex(atr())).toBe('3B00');
      expect(toHex(chip.peek().subarray(0x40, 0x50))).toBe('2A002A000EBD00032F85ADE6788A2FC4');
      const { insertion } = reader.status();
      must(await during(reader.gate.eject()));
      expect(device.transcript.some((l) => l.startsWith('=> F2 00 00 03 43 54 31'))).toBe(true);
      expect(reader.status()).toMatchObject({ state: 'leaving', insertion });
    },
  );

  it('a reader that knows no such chip says so of each kind, and the card stays in', async () => {
    const channel = await present({ kind: 'memory', card: crtAt24(sample24('24-golden').make()) });
    for (const chip of ['SLE4442', 'AT88SC102', 'AT88SC1608'] as const)
      expect(codeOf(await during((channel.memory as MemoryCardPort).select(chip)))).toBe(
        'CARD-0103',
      );
    device.faults.push({ kind: 'error', code: '62' });
    expect(codeOf(await during((channel.memory as MemoryCardPort).select('AT24C64')))).toBe(
      'CARD-0103',
    );
    expect(
      codeOf(
        await during(
          (channel.memory as MemoryCardPort).eraseZone('AT88SC102', 1, new Uint8Array(6)),
        ),
      ),
    ).toBe('CARD-0103');
    expect(codeOf(await during((channel.memory as MemoryCardPort).counter('AT24C16')))).toBe(
      'CARD-0103',
    );
    expect(
      codeOf(
        await during((channel.memory as MemoryCardPort).present('AT24C16', new Uint8Array(2))),
      ),
    ).toBe('CARD-0103');
    must(await during(pl24Layout(demoKeys).read(channel)));
  });

  it('a card that answers to nothing is mute still', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({
      kind: 'memory',
      card: { ...crtAt24(sample24('24-golden').make()), power: () => false },
    });
    await until('mute', () => reader.status().state === 'mute');
    expect(reader.status()).toMatchObject({ state: 'mute', failure: { code: 'CARD-0101' } });
  });

  it('a reader that powers an I2C chip where none acknowledges has a mute card, not a present one', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({
      kind: 'memory',
      card: { ...crtAt24(sample24('24-golden').make()), operate: () => Uint8Array.of(0x6f, 0x00) },
    });
    await until('mute', () => reader.status().state === 'mute');
    expect(reader.status()).toMatchObject({ state: 'mute', failure: { code: 'CARD-0101' } });
  });
});
describe('SAMs in a motor reader’s own slots', () => {
  const SELECT = '00A4040008504C2E4D45544552';

  it('are reset and spoken to one by one, while a customer’s card is read between them', async () => {
    const sams = { 0: golden(), 3: golden() };
    device = deviceOf({ sams });
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    const channel = reader.open(reader.status().insertion);
    const [first, other] = [reader.sam(0), reader.sam(3)];
    expect(codeOf(await during(first.transmit(fromHex(SELECT))))).toBe('CARD-0107');
    const atr = must(await during(first.reset()));
    expect(atr[0]).toBe(0x3b);
    must(await during(other.reset()));
    // 61xx is fetched as from every card; the slot is told again only where it changes.
    device.transcript.length = 0;
    const answers = await during(
      Promise.all([
        first.transmit(fromHex(SELECT)),
        plCpu.read(channel),
        other.transmit(fromHex('0084000008')),
        other.transmit(fromHex('0084000004')),
      ]),
    );
    expect(answers.map((answer) => answer.ok)).toEqual([true, true, true, true]);
    expect(must(answers[0])[0]).toBe(0x6f);
    const slots = device.transcript
      .filter((l) => l.startsWith('=> F2 00 00 04 43 52 40'))
      .map((l) => l.slice(24, 26));
    expect(slots.length).toBeLessThanOrEqual(3);
    expect(slots.at(-1)).toBe('33');
    // Given back, the card takes no SAM with it.
    must(await during(reader.gate.eject()));
    must(await during(other.transmit(fromHex('0084000008'))));
  });

  it('a PSAM among them gives what a purchase needs, over the reader that holds the customer’s card', async () => {
    const psam = new Psam();
    device = deviceOf({ sams: { 2: psam } });
    start();
    await until('entry on', () => device.entryOn);
    const keys = psamKeyProvider(samPort(() => reader, 2));
    const layout = plCpuLayout(keys);
    const buy = async (): Promise<string> => {
      device.offer({ kind: 'cpu', card: golden() });
      await until('present', () => reader.status().state === 'present');
      const channel = reader.open(reader.status().insertion);
      const reading = must(await during(layout.read(channel)));
      const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
      const applied = await during(
        layout
          .proveAuthority(reading)
          .then((there) => (there.ok ? layout.apply(channel, plan) : there)),
      );
      must(await during(channel.reset()));
      const verdict = layout.classify(plan, must(await during(layout.readImage(channel))));
      must(await during(reader.gate.eject()));
      device.take();
      await until('entry on', () => device.entryOn);
      return applied.ok ? verdict : `${applied.error.code} ${verdict}`;
    };
    expect(await buy()).toBe('after');
    // Its session outlives the customer; after the reader's power was cut it is begun anew.
    expect(await buy()).toBe('after');
    device.powerCycle();
    expect(codeOf(await during(keys.prove(fromHex('0000008800003921'))))).toBe('CARD-0206');
    await until('entry on', () => device.entryOn);
    expect(await buy()).toBe('after');
    // Mute, it refuses the sale and writes nothing.
    psam.dieAfter(0);
    expect(await buy()).toBe('CARD-0206 before');
    psam.revive();
    expect(await buy()).toBe('after');
    expect(
      codeOf(await psamKeyProvider(samPort(() => null, 2)).prove(fromHex('0000008800003921'))),
    ).toBe('CARD-0206');
  });

  it('an empty slot does not answer; a number that no reader has is a mistake of the program', async () => {
    device = deviceOf({ sams: { 1: golden() } });
    start();
    await until('entry on', () => device.entryOn);
    const nothing = await during(reader.sam(2).reset());
    expect(codeOf(nothing)).toBe('CARD-0101');
    expect(nothing.ok ? '' : nothing.error.detail).toContain('63');
    expect(() => reader.sam(5)).toThrow(RangeError);
  });

  it('lose their session with the reader’s power, and nothing is sent to them before a reset', async () => {
    const sam = golden();
    device = deviceOf({ sams: { 0: sam } });
    start();
    await until('entry on', () => device.entryOn);
    const port = reader.sam(0);
    must(await during(port.reset()));
    must(await during(port.transmit(fromHex('0084000008'))));
    device.powerCycle();
    expect((await during(port.transmit(fromHex('0084000008')))).ok).toBe(false);
    await until('entry on', () => device.entryOn);
    const said = sam.transcript.length;
    expect(codeOf(await during(port.transmit(fromHex('0084000008'))))).toBe('CARD-0107');
    expect(sam.transcript.length).toBe(said);
    must(await during(port.reset()));
    must(await during(port.transmit(fromHex('0084000008'))));
  });

  it('a broken exchange ends the session: the SAM is reset before it is asked again', async () => {
    const sam = golden();
    device = deviceOf({ sams: { 0: sam } });
    start();
    await until('entry on', () => device.entryOn);
    const port = reader.sam(0);
    must(await during(port.reset()));
    device.faults.push({ kind: 'error', code: '66' });
    expect(codeOf(await during(port.transmit(fromHex('0084000008'))))).toBe('CARD-0106');
    const said = sam.transcript.length;
    expect(codeOf(await during(port.transmit(fromHex('0084000008'))))).toBe('CARD-0107');
    expect(sam.transcript.length).toBe(said);
  });
});

describe('a card at the gate', () => {
  /** A process ends, and another one begins beside the same device. */
  async function again(): Promise<void> {
    await reader.close();
    start();
  }

  it('held out by a process that is gone: it waits to be taken still, and can be taken in', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    must(await during(reader.gate.eject()));
    await again();
    await until('known', () => reader.status().state !== 'offline');
    expect(reader.status()).toEqual({ state: 'leaving', insertion: 0 });
    await pass(3_000);
    expect(reader.status().state).toBe('leaving');
    expect([device.entryOn, device.motions]).toEqual([false, ['ic', 'gate']]);
    must(await during(reader.gate.capture()));
    expect([device.bin.length, device.place]).toEqual([1, 'none']);
    await until('entry on again', () => device.entryOn);
    expect(reader.status()).toEqual({ state: 'empty', insertion: 0 });
  });

  it('… the device’s power gone too, taken by its owner: the next one comes in', async () => {
    start();
    await until('entry on', () => device.entryOn);
    device.offer({ kind: 'cpu', card: golden() });
    await until('present', () => reader.status().state === 'present');
    must(await during(reader.gate.eject()));
    device.powerCycle();
    await again();
    await until('leaving', () => reader.status().state === 'leaving');
    device.take();
    await until('empty', () => reader.status().state === 'empty');
    await until('entry on', () => device.entryOn);
    expect(device.offer({ kind: 'cpu', card: golden() })).toBe(true);
    await until('present', () => reader.status().state === 'present');
  });

  it('on its way in it is no such card; pushed in half and left it is', async () => {
    start();
    await until('entry on', () => device.entryOn);
    expect(device.halfIn({ kind: 'cpu', card: golden() })).toBe(true);
    await pass(9_000);
    expect(reader.status().state).toBe('empty');
    await until('leaving', () => reader.status().state === 'leaving', 2_000);
    device.take();
    await until('empty', () => reader.status().state === 'empty');
    // Each card has its own time.
    expect(device.halfIn({ kind: 'cpu', card: golden() })).toBe(true);
    await pass(9_000);
    expect(reader.status().state).toBe('empty');
  });
});

it('the answer to the move to the gate is lost: the card lies there, is still to be taken, and is never taken for gone', async () => {
  start();
  await until('entry on', () => device.entryOn);
  device.offer({ kind: 'cpu', card: golden() });
  await until('present', () => reader.status().state === 'present');
  const { insertion } = reader.status();
  const seen: string[] = [];
  reader.onStatus((s) => seen.push(s.state));
  // Powering off is said twice, in two ways; the third command is the move.
  device.faults.push({ kind: 'ack-lost' }, { kind: 'ack-lost' }, { kind: 'answer-lost' });
  expect(codeOf(await during(reader.gate.eject()))).toBe('CARD-0111');
  expect(device.motions).toEqual(['ic', 'gate']);
  await until('leaving', () => reader.status().state === 'leaving');
  await pass(3_000);
  expect(reader.status()).toEqual({ state: 'leaving', insertion });
  expect(device.entryOn).toBe(false);
  expect(seen).not.toContain('empty');
  device.take();
  await until('empty', () => reader.status().state === 'empty');
  expect(device.motions).toEqual(['ic', 'gate']);
});
