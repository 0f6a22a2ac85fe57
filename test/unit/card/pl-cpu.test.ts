import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layoutRegistry, plCpuLayout, technicianOf } from '../../../src/card/index.ts';
import type { CardReading, WritePlan } from '../../../src/card/index.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { ok } from '../../../src/shared/result.ts';
import { CATALOGUE, issue, sampleCard } from '../../../src/simulator/card/catalogue.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import type { CpuCardState } from '../../../src/simulator/card/cpu-card.ts';
import { sealed } from '../../../src/simulator/card/codec.ts';
import {
  GOLDEN_AFTER,
  GOLDEN_BEFORE,
  GOLDEN_CHALLENGES,
  GOLDEN_PURCHASE,
  GOLDEN_WIRE,
  cardIn,
  codeOf,
  demoKeys,
  inOrder,
  must,
  plCpu,
  scriptedRandom,
  until,
  virtualRig,
} from './rig.ts';
import type { Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await virtualRig();
});
afterEach(async () => {
  await rig.close();
});

function goldenCard(): CpuCard {
  return sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES));
}

function altered(change: Partial<CpuCardState>, files: CpuCardState['files'] = {}): CpuCard {
  const state = goldenCard().toJSON();
  return new CpuCard(
    { ...state, ...change, files: { ...state.files, ...files } },
    counterRandom(1),
  );
}

async function readCode(card: CpuCard): Promise<string> {
  rig.slot.insert(card);
  return codeOf(await plCpu.read(await cardIn(rig.reader)));
}

async function planned(card: CpuCard): Promise<{ reading: CardReading; plan: WritePlan }> {
  rig.slot.insert(card);
  const reading = must(await plCpu.read(await cardIn(rig.reader)));
  return { reading, plan: must(plCpu.plan(reading, GOLDEN_PURCHASE)) };
}

function patch(hex: string, at: number, bytes: string): string {
  return hex.slice(0, 2 * at) + bytes + hex.slice(2 * at + bytes.length);
}

describe('reading', () => {
  it('reads the golden card whole', async () => {
    rig.slot.insert(goldenCard());
    const reading = must(await plCpu.read(await cardIn(rig.reader)));
    expect({ ...reading, image: toHex(reading.image), tag: toHex(reading.tag) }).toEqual({
      layout: 'PL-CPU',
      cardNo: '8800003921',
      userNo: '1002203344',
      kind: 'gas',
      unit: 'volume',
      region: 3,
      count: 41,
      lastQuantity: 5000,
      cumulative: 205_000,
      tag: '00000000',
      meter: {
        visited: true,
        countTaken: 41,
        remainingQuantity: 1234,
        cumulativeUsed: 203_766,
        lastVisit: '2511150830',
        valveClosed: false,
        faults: 0,
        meterNo: '0260001577',
      },
      visited: true,
      fresh: false,
      unfinished: false,
      image: `504C303053414D500101100000000088000039212024010120440101000010022033440101030103E801F4000000${GOLDEN_BEFORE}`,
    });
    expect(codeOf(await plCpu.proveAuthority(reading))).toBe('ok');
  });

  it.each(CATALOGUE.filter((c) => c.id !== 'mute'))('reads $id or says why not', async (sample) => {
    rig.slot.insert(sample.make());
    const result = await plCpu.read(await cardIn(rig.reader));
    const ownReason = sample.expectedCode?.startsWith('CARD') === true && sample.id !== 'fresh';
    expect(codeOf(result)).toBe(ownReason ? sample.expectedCode : 'ok');
    if (!result.ok) return;
    const { value } = result;
    expect([value.cardNo, value.userNo, value.count]).toEqual([
      sample.cardNo,
      sample.userNo,
      sample.count,
    ]);
    expect(value.fresh).toBe(sample.id === 'fresh');
    expect(value.visited).toBe(sample.id !== 'fresh' && sample.id !== 'not-visited');
    expect(value.meter.meterNo).toBe(sample.meterNo ?? '0000000000');
    expect(value.kind).toBe(sample.id === 'water' ? 'water' : 'gas');
    expect(value.meter.faults).toBe(sample.id === 'meter-fault' ? 6 : 0);
  });

  const state = issue({ cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577' });
  const file = (id: '15' | '16' | '17' | '1A'): string => state.files[id] as string;
  const area = file('1A').slice(0, -4);
  it.each<[string, CpuCard, string]>([
    ['no FCI', altered({ noFci: true }), 'CARD-0104'],
    ['card locked', altered({ selectSw: '6A81' }), 'CARD-0110'],
    ['memory failure on SELECT', altered({ selectSw: '6581' }), 'CARD-0106'],
    ['blank card', altered({}, { '15': 'FF'.repeat(30) }), 'CARD-0105'],
    ['no holder yet', altered({}, { '16': 'FF'.repeat(16) }), 'CARD-0105'],
    ['unknown application version', altered({}, { '15': patch(file('15'), 9, '02') }), 'CARD-0103'],
    ['unknown layout version', altered({}, { '16': patch(file('16'), 8, '02') }), 'CARD-0103'],
    ['serial not BCD', altered({}, { '15': patch(file('15'), 19, '2A') }), 'CARD-0104'],
    ['user number not BCD', altered({}, { '16': patch(file('16'), 0, 'F0') }), 'CARD-0104'],
    ['unknown kind', altered({}, { '16': patch(file('16'), 5, '09') }), 'CARD-0104'],
    ['date not BCD', altered({}, { '17': patch(file('17'), 10, 'FA') }), 'CARD-0104'],
    ['count FFFF', altered({}, { '17': 'FF'.repeat(17) }), 'CARD-0104'],
    [
      'cumulative below the purchase',
      altered({}, { '17': patch(file('17'), 6, '00000001') }),
      'CARD-0104',
    ],
    ['file too short', altered({}, { '17': file('17').slice(2) }), 'CARD-0104'],
    ['meter ahead of the card', altered({}, { '1A': sealed(patch(area, 1, '002A')) }), 'CARD-0104'],
    ['visit date not BCD', altered({}, { '1A': sealed(patch(area, 11, 'AA')) }), 'CARD-0104'],
    ['meter number not BCD', altered({}, { '1A': sealed(patch(area, 18, 'AA')) }), 'CARD-0104'],
    ['bad crc', altered({}, { '1A': patch(file('1A'), 4, '99') }), 'CARD-0104'],
  ])('%s', async (_, card, code) => {
    expect(await readCode(card)).toBe(code);
  });

  it('a flag other than 58 means that no meter wrote', async () => {
    rig.slot.insert(altered({}, { '1A': sealed(patch(area, 0, '00')) }));
    expect(must(await plCpu.read(await cardIn(rig.reader)))).toMatchObject({
      fresh: true,
      visited: false,
    });
  });

  it('the registry reads with the layout that knows the card', async () => {
    const registry = layoutRegistry([plCpu]);
    rig.slot.insert(goldenCard());
    const status = await until(rig.reader, (s) => s.state === 'present');
    if (status.state !== 'present') throw new Error('no card');
    const channel = rig.reader.open(status.insertion);
    expect(must(await registry.read(channel, status.atr)).layout.id).toBe('PL-CPU');
    expect(registry.byId('PL-CPU')).toBe(plCpu);
    expect(codeOf(await registry.read(channel, fromHex('3B04A2131091')))).toBe('CARD-0103');
  });
});

describe('planning', () => {
  it('is the golden record', async () => {
    const { plan, reading } = await planned(goldenCard());
    expect(toHex(plan.after.subarray(46))).toBe(GOLDEN_AFTER);
    expect(toHex(plan.before)).toBe(toHex(reading.image));
    expect([toHex(plan.tag), plan.count, plan.quantity, plan.cumulative, plan.cardNo]).toEqual([
      'ADE6788A',
      42,
      3773,
      208_773,
      '8800003921',
    ]);
  });

  it('refuses what does not fit', async () => {
    const { reading } = await planned(goldenCard());
    const refuse = (
      r: Partial<CardReading>,
      p: Partial<typeof GOLDEN_PURCHASE> | { quantity?: number; date?: string } = {},
    ): string => codeOf(plCpu.plan({ ...reading, ...r }, { ...GOLDEN_PURCHASE, ...p }));
    expect(refuse({ count: 0xfffe })).toBe('CARD-0104');
    expect(refuse({ cumulative: 0xffff_ffff })).toBe('CARD-0104');
    expect(refuse({}, { quantity: 0 })).toBe('CARD-0104');
    expect(refuse({}, { quantity: 1.5 })).toBe('CARD-0104');
    expect(refuse({}, { date: '22.11.2026' })).toBe('CARD-0104');
    expect(refuse({ tag: fromHex('ADE6788A') })).toBe('CARD-0104');
  });
});

describe('writing', () => {
  it('puts the golden bytes on the wire, and the read-back is the after-image', async () => {
    const card = goldenCard();
    const { plan } = await planned(card);
    card.transcript.length = 0;
    const channel = await cardIn(rig.reader);
    must(await plCpu.apply(channel, plan));
    expect(inOrder(card.transcript, GOLDEN_WIRE)).toBe(true);
    expect(card.transcript.filter((l) => l.startsWith('=>')).length).toBe(9);
    must(await channel.reset());
    const image = must(await plCpu.readImage(channel));
    expect(plCpu.classify(plan, image)).toBe('after');
    expect(toHex(image)).toBe(toHex(plan.after));
    expect(must(await plCpu.read(channel))).toMatchObject({
      count: 42,
      visited: false,
      cumulative: 208_773,
    });
  });

  it('believes no 9000', async () => {
    const card = goldenCard();
    const { plan } = await planned(card);
    card.arm({ kind: 'lie' });
    const channel = await cardIn(rig.reader);
    must(await plCpu.apply(channel, plan));
    must(await channel.reset());
    expect(plCpu.classify(plan, must(await plCpu.readImage(channel)))).toBe('before');
  });

  const WRITE_APDUS = 9;
  const cases = Array.from(
    { length: WRITE_APDUS },
    (_, i) =>
      [
        [i + 1, 'before'],
        [i + 1, 'after'],
      ] as const,
  ).flat();
  it.each(cases)('torn at APDU %i, %s it: the next insertion tells which', async (at, when) => {
    const card = goldenCard();
    const { plan } = await planned(card);
    const first = await cardIn(rig.reader);
    card.arm({ kind: 'tear', at, when, from: 'arming' });
    const result = await plCpu.apply(first, plan);
    expect(codeOf(result)).toBe(at === WRITE_APDUS ? 'CARD-0203' : 'CARD-0102');
    await until(rig.reader, (s) => s.state === 'empty');
    expect(codeOf(await first.transmit(fromHex('0084000008')))).toBe('CARD-0102');
    rig.slot.insert(card);
    const second = await cardIn(rig.reader);
    expect(second.insertion).toBe(first.insertion + 1);
    const found = plCpu.classify(plan, must(await plCpu.readImage(second)));
    expect(found).toBe(at === WRITE_APDUS && when === 'after' ? 'after' : 'before');
    if (found === 'before') {
      must(await plCpu.apply(second, plan));
      must(await second.reset());
      expect(plCpu.classify(plan, must(await plCpu.readImage(second)))).toBe('after');
    }
    expect(codeOf(await plCpu.apply(second, plan))).toBe('CARD-0205');
    expect(toHex(card.peek('17') as Uint8Array)).toBe(GOLDEN_AFTER);
  });

  it('never writes to the card that came instead', async () => {
    const card = goldenCard();
    const { plan } = await planned(card);
    const first = await cardIn(rig.reader);
    const other = sampleCard('good').make();
    const otherBytes = JSON.stringify(other);
    rig.slot.insert(other);
    await until(rig.reader, (s) => s.state === 'present' && s.insertion > first.insertion);
    expect(codeOf(await plCpu.apply(first, plan))).toBe('CARD-0102');
    const second = await cardIn(rig.reader);
    expect(codeOf(await plCpu.apply(second, plan))).toBe('CARD-0205');
    expect(plCpu.classify(plan, must(await plCpu.readImage(second)))).toBe('foreign');
    expect(JSON.stringify(other)).toBe(otherBytes);
  });

  it('a card exchanged in the middle of the write gets nothing', async () => {
    const card = goldenCard();
    const other = sampleCard('good').make();
    const { plan } = await planned(card);
    const channel = await cardIn(rig.reader);
    const swapping = plCpuLayout({
      ...demoKeys,
      updateMac: async (...args) => {
        rig.slot.insert(other);
        await until(rig.reader, (s) => s.state === 'present' && s.insertion > channel.insertion);
        return demoKeys.updateMac(...args);
      },
    });
    expect(codeOf(await swapping.apply(channel, plan))).toBe('CARD-0203');
    expect(other.transcript.filter((l) => l.startsWith('=>'))).toEqual([]);
    expect(toHex(card.peek('17') as Uint8Array)).toBe(GOLDEN_BEFORE);
  });

  it('a wrong key is refused, and costs one try', async () => {
    const card = goldenCard();
    const { plan } = await planned(card);
    const wrong = plCpuLayout({
      ...demoKeys,
      externalAuth: () => Promise.resolve(ok(new Uint8Array(8))),
    });
    expect(codeOf(await wrong.apply(await cardIn(rig.reader), plan))).toBe('CARD-0201');
    expect(card.toJSON().authTries).toBe(2);
    expect(card.transcript.at(-1)).toBe('<= 63C2');
  });

  it('a wrong MAC is refused, and nothing is written', async () => {
    const card = goldenCard();
    const { plan } = await planned(card);
    const wrong = plCpuLayout({
      ...demoKeys,
      updateMac: () => Promise.resolve(ok(new Uint8Array(4))),
    });
    expect(codeOf(await wrong.apply(await cardIn(rig.reader), plan))).toBe('CARD-0202');
    expect(card.transcript.at(-1)).toBe('<= 6988');
    expect(toHex(card.peek('17') as Uint8Array)).toBe(GOLDEN_BEFORE);
  });
});

describe('classifying', () => {
  it('judges by identity and record only', async () => {
    const card = goldenCard();
    const { plan } = await planned(card);
    const record = (hex: string): Uint8Array => fromHex(toHex(plan.before.subarray(0, 46)) + hex);
    expect(plCpu.classify(plan, plan.before)).toBe('before');
    expect(plCpu.classify(plan, plan.after)).toBe('after');
    expect(plCpu.classify(plan, record('002A00000EBD00032F85261122ADE6788B'))).toBe('foreign');
    expect(plCpu.classify(plan, record('002A00000EBE00032F85261122ADE6788A'))).toBe('foreign');
    expect(plCpu.classify(plan, record('FF'.repeat(17)))).toBe('foreign');
    expect(plCpu.classify(plan, new Uint8Array(0))).toBe('foreign');
    const stranger = plan.after.slice();
    stranger[19] = 0x22;
    expect(plCpu.classify(plan, stranger)).toBe('foreign');
    expect(plCpu.sameCard(plan.before, plan.after)).toBe(true);
    expect(plCpu.sameCard(plan.after, stranger)).toBe(false);
  });
});

describe('a technician’s card (docs/layouts/pl-technician.md)', () => {
  const CHALLENGE = fromHex('A1B2C3D4E5F60718');
  const present = plCpu.presentPin as NonNullable<typeof plCpu.presentPin>;

  it('is a staff card to every reading, and says whose number it carries', async () => {
    rig.slot.insert(sampleCard('technician').make());
    const read = await layoutRegistry([plCpu]).read(
      await cardIn(rig.reader),
      fromHex('3B6500009C02020702'),
    );
    expect(codeOf(read)).toBe('CARD-0109');
    expect(technicianOf(read)).toEqual({ cardNo: '8800009101', judgedBy: 'PL-CPU' });
    rig.slot.insert(sampleCard('staff').make());
    expect(technicianOf(await plCpu.read(await cardIn(rig.reader)))).toBeNull();
  });

  it('judges its PIN and proves itself through a reader, byte by byte; what was verified is forgotten', async () => {
    const card = sampleCard('technician').make();
    rig.slot.insert(card);
    const channel = await cardIn(rig.reader);
    expect(must(await present(channel, '8800009101', '2580', CHALLENGE))).toBe('open');
    expect(
      inOrder(card.transcript, [
        '-- reset',
        '=> 00A4040008504C2E4D45544552',
        '=> 00B095001E',
        '=> 00200000',
        '<= 63C3',
        '=> 00200000022580',
        '<= 9000',
        '=> 0088000108A1B2C3D4E5F60718',
        '<= 6108',
        '=> 00C0000008',
        '<= 897795A18D6139929000',
        '-- reset',
      ]),
    ).toBe(true);
    expect(must(await channel.transmit(fromHex('00A4040008504C2E4D45544552'))).slice(-2)).toEqual(
      fromHex('9000'),
    );
    expect(must(await channel.transmit(fromHex('00200000')))).toEqual(fromHex('63C3'));
    expect(must(await present(channel, '8800009102', '2580', CHALLENGE))).toBe('not-ours');
    expect(must(await present(channel, '8800009101', '25801', CHALLENGE))).toBe('wrong');
    expect(must(await present(channel, '8800009101', '2581', CHALLENGE))).toBe('locked');
    expect(must(await present(channel, '8800009101', '2580', CHALLENGE))).toBe('locked');
    expect(card.toJSON().technician?.tries).toBe(1);
  });
});
