import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrtReader, PcscReader, VirtualReader } from '../../../src/card/index.ts';
import type { CardLayout, CardReader } from '../../../src/card/index.ts';
import { CRT_FRAMING } from '../../../src/card/readers/crt/frames.ts';
import { recordPcsc, recordSerial, serialTranscript } from '../../../src/card/readers/record.ts';
import { Transcript } from '../../../src/card/readers/transcript.ts';
import { recordingIn } from '../../../src/main/core/recording.ts';
import { fromHex } from '../../../src/shared/bytes.ts';
import type { Result } from '../../../src/shared/result.ts';
import type { Failure } from '../../../src/shared/errors.ts';
import { CardSlot } from '../../../src/simulator/vpcd/client.ts';
import { sampleCard } from '../../../src/simulator/card/catalogue.ts';
import { ManualClock, systemClock } from '../../support/clock.ts';
import { FakePcsc } from '../../support/fake-pcsc.ts';
import { replayCard, replayPcsc, replaySerial, Script } from '../../support/replay.ts';
import { acs, golden4442, pl4442 } from './chips.ts';
import { cardIn, codeOf, GOLDEN_PURCHASE, must, plCpu } from './rig.ts';

const textOf = (name: string): string =>
  readFileSync(new URL(`../../transcripts/${name}.txt`, import.meta.url), 'utf8');
let clock: ManualClock;
let reader: CardReader;

beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 10, 22));
});
afterEach(async () => {
  await reader.close();
});

async function pass(ms: number): Promise<void> {
  for (let t = 0; t < ms; t += 50) {
    clock.advance(50);
    await new Promise<void>((done) => {
      setImmediate(done);
    });
  }
}
async function during<T>(work: Promise<T>): Promise<T> {
  let over = false;
  void work.finally(() => {
    over = true;
  });
  for (let t = 0; !over; t++) {
    if (t > 2_000) throw new Error('no end');
    await pass(50);
  }
  return work;
}

/** The purchase of the recordings; stops where something fails. */
async function purchase(
  layout: CardLayout,
  quantity: number = GOLDEN_PURCHASE.quantity,
): Promise<string> {
  for (let t = 0; reader.status().state !== 'present'; t++) {
    if (t > 200) return `still ${reader.status().state}`;
    await pass(50);
  }
  const channel = reader.open(reader.status().insertion);
  const reading = await during(layout.read(channel));
  if (!reading.ok) return codeOf(reading);
  const plan = must(layout.plan(reading.value, { ...GOLDEN_PURCHASE, quantity }));
  const steps: (() => Promise<Result<unknown, Failure>>)[] = [
    () => layout.apply(channel, plan),
    () => channel.reset(),
  ];
  for (const step of steps) {
    const done = await during(step());
    if (!done.ok) return codeOf(done);
  }
  const image = await during(layout.readImage(channel));
  return image.ok ? layout.classify(plan, image.value) : codeOf(image);
}

const pcscOf = (script: Script): PcscReader => {
  const service = replayPcsc(script);
  return new PcscReader({ id: 'r', model: 'acs', clock, log: () => undefined, service });
};

describe('recorded transcripts, replayed under the real drivers', () => {
  it.each([
    ['pl-cpu-pcscd', plCpu],
    ['pl-4442-acs', pl4442],
  ] as const)('%s', async (name, layout) => {
    const script = new Script(name, textOf(name));
    reader = pcscOf(script);
    expect(await purchase(layout)).toBe('after');
    await pass(100);
    expect(reader.status().state).toBe('empty');
    await reader.close();
    script.end();
  });

  it.each([
    ['pl-cpu-pcscd', plCpu],
    ['pl-4442-acs', pl4442],
  ] as const)('%s, as a card in the virtual reader', async (name, layout) => {
    const script = new Script(name, textOf(name));
    const virtual = new VirtualReader({
      id: 'v',
      host: '127.0.0.1',
      port: 0,
      clock: systemClock,
      log: () => undefined,
    });
    reader = virtual;
    const slot = new CardSlot({
      host: '127.0.0.1',
      port: await virtual.listening(),
      clock: systemClock,
    });
    slot.insert(replayCard(script));
    const channel = await cardIn(virtual);
    const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
    must(await layout.apply(channel, plan));
    must(await channel.reset());
    expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
    slot.remove();
    // What is left is the PC/SC connection's own end.
    script.take('release');
    script.end();
  });

  it('pl-4442-crt', async () => {
    const script = new Script('pl-4442-crt', textOf('pl-4442-crt'));
    const crt = new CrtReader({
      id: 'crt',
      path: '/dev/ttyS0',
      open: replaySerial(script, CRT_FRAMING),
      clock,
      log: () => undefined,
    });
    reader = crt;
    expect(await purchase(pl4442)).toBe('after');
    must(await during(crt.gate.eject()));
    expect(crt.status().state).toBe('leaving');
    await pass(1_000);
    expect(crt.status().state).toBe('empty');
    await crt.close();
    script.end();
  });

  it('the first byte that differs is shown, and nothing goes on', async () => {
    const script = new Script('pl-cpu-pcscd', textOf('pl-cpu-pcscd'));
    reader = pcscOf(script);
    // The record differs from its last quantity byte on, and so does the MAC.
    expect(await purchase(plCpu, GOLDEN_PURCHASE.quantity + 1)).toMatch(/^CARD-/);
    let said = '';
    try {
      script.end();
    } catch (error) {
      said = (error as Error).message;
    }
    const line =
      textOf('pl-cpu-pcscd')
        .split('\n')
        .findIndex((l) => l.startsWith('=> 04D6')) + 1;
    expect(said.split('\n')).toEqual([
      `pl-cpu-pcscd:${line}: not as recorded`,
      '  recorded  => 04D6970015002A00000EBD00032F85261122ADE6788A0D48C210',
      expect.stringMatching(
        /^ {2}now {7}=> 04D6970015002A00000EBE00032F86261122ADE6788A[0-9A-F]{8}$/,
      ),
      `            ${' '.repeat('=> 04D6970015002A00000E'.length)}^`,
    ]);
  });

  it('a driver that stops early, or says more than was recorded, is told', async () => {
    const whole = textOf('pl-4442-acs');
    const early = new Script('early', whole);
    reader = pcscOf(early);
    await pass(500);
    expect(() => early.end()).toThrow(/the driver stopped before\n {2}connect 1/);
    await reader.close();
    const short = new Script('short', whole.slice(0, whole.indexOf('reset\n')));
    reader = pcscOf(short);
    expect(await purchase(pl4442)).not.toBe('after');
    expect(() => short.end()).toThrow(/recorded {2}\(nothing more\)\n {2}now {7}reset/);
  });
});

/** Codes and keys of the golden cards, as they would stand in a recording. */
const PSC = '116806';

describe('a masked recording', () => {
  async function recordAcs(masked: boolean): Promise<string> {
    const pcsc = new FakePcsc();
    const lines: string[] = [];
    const transcript = new Transcript((line) => void lines.push(line), masked);
    const recorded = recordPcsc(pcsc.service, () => transcript);
    reader = new PcscReader({
      id: 'r',
      model: 'acs',
      clock,
      log: () => undefined,
      service: recorded,
    });
    pcsc.plug('Virtual PCD 00 00');
    await pass(300);
    pcsc.insert('Virtual PCD 00 00', acs(golden4442()));
    expect(await purchase(pl4442)).toBe('after');
    // The security memory is open to whoever presented the code: its bytes are the code.
    const channel = reader.open(reader.status().insertion);
    must(await during(channel.transmit(fromHex('FFA400000106'))));
    must(await during(channel.transmit(fromHex(`FF20000003${PSC}`))));
    must(await during(channel.transmit(fromHex('FFB1000004'))));
    must(await during(channel.transmit(fromHex(`FFD2000103${PSC}`))));
    await reader.close();
    return lines.join('\n');
  }

  it('of an ACS reader holds no code, and is replayed all the same', async () => {
    const open = await recordAcs(false);
    expect(open.match(new RegExp(PSC, 'g'))?.length).toBeGreaterThanOrEqual(4);
    clock = new ManualClock(0);
    const masked = await recordAcs(true);
    expect(masked).not.toContain(PSC);
    expect(masked).toContain('=> FF20000003XXXXXX');
    expect(masked).toContain('=> FFD2000103XXXXXX');
    expect(masked).toContain('<= 07XXXXXX9000');
    // Everything else is there as it was.
    expect(masked.split('\n').filter((l) => !l.includes('XX'))).toEqual(
      open.split('\n').filter((_, i) => !(masked.split('\n')[i] ?? '').includes('XX')),
    );
    clock = new ManualClock(0);
    const script = new Script('masked', masked);
    reader = pcscOf(script);
    expect(await purchase(pl4442)).toBe('after');
  });

  it('of a motor reader hides the code within the frame, and the check byte that tells of it', async () => {
    const lines: string[] = [];
    const transcript = serialTranscript((line) => void lines.push(line), true, CRT_FRAMING);
    const script = new Script('pl-4442-crt', textOf('pl-4442-crt'));
    const played = replaySerial(script, CRT_FRAMING);
    const crt = new CrtReader({
      id: 'crt',
      path: '/dev/ttyS0',
      open: () => recordSerial(played, CRT_FRAMING, transcript),
      clock,
      log: () => undefined,
    });
    reader = crt;
    expect(await purchase(pl4442)).toBe('after');
    must(await during(crt.gate.eject()));
    expect(crt.status().state).toBe('leaving');
    await pass(1_000);
    expect(crt.status().state).toBe('empty');
    await crt.close();
    script.end();
    const text = lines.join('\n');
    expect(textOf('pl-4442-crt')).toContain(PSC);
    expect(text).not.toContain(PSC);
    expect(text).toContain('=> F200000B43533300200301' + '03XXXXXX03XX');
    // A recording of a replay is the recording, but for the mask and the comments.
    const said = textOf('pl-4442-crt')
      .split('\n')
      .filter((l) => l !== '' && !l.startsWith('#'));
    expect(lines.map((l, i) => (l.includes('X') ? said[i] : l))).toEqual(said);
  });

  it.each([
    ['a PIN', '0020000003123456', '0020000003XXXXXX'],
    ['a change of PIN', '805E010007123456FF654321', '805E010007XXXXXXXXXXXXXX'],
    ['a key that is written', '80D4010003010203', '80D4010003XXXXXX'],
    ['a key for a contactless reader', 'FF82000006A0A1A2A3A4A5', 'FF82000006XXXXXXXXXXXX'],
    [
      'a sector’s keys',
      'FFD6000710A0A1A2A3A4A5FF078069B0B1B2B3B4B5',
      `FFD6000710${'XX'.repeat(16)}`,
    ],
    ['the code bytes of an SLE4428', 'FFD003FD03FF1234', 'FFD003FD03FFXXXX'],
    ['the motor reader’s new code', '00D0020103112233', '00D0020103XXXXXX'],
  ])('%s is hidden', (_what, apdu, shown) => {
    reader = pcscOf(new Script('', ''));
    const lines: string[] = [];
    new Transcript((line) => void lines.push(line), true).sent(fromHex(apdu));
    new Transcript((line) => void lines.push(line), false).sent(fromHex(apdu));
    expect(lines).toEqual([`=> ${shown}`, `=> ${apdu}`]);
  });
});

describe('--record', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-record-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is refused outside demo mode, and masks where the keys are not the sample ones', async () => {
    reader = pcscOf(new Script('', ''));
    expect(
      codeOf(recordingIn(folder, { mode: 'production', keys: { kind: 'sample' } }, clock)),
    ).toBe('CONF-0101');
    expect(readdirSync(folder)).toEqual([]);
    const sealed = must(
      recordingIn(
        folder,
        { mode: 'demo', keys: { kind: 'sealed', file: 'f', secretFile: 's' } },
        clock,
      ),
    ).virtual('reader-0');
    sealed.sent(fromHex('FF20000003116806'));
    const [file] = readdirSync(folder);
    expect(readFileSync(join(folder, file ?? ''), 'utf8')).toBe(
      '# Pilotlight transcript, virtual reader, codes and keys masked\n=> FF20000003XXXXXX\n',
    );
  });

  it('writes what the virtual reader and its card say to one another', async () => {
    const transcript = must(
      recordingIn(folder, { mode: 'demo', keys: { kind: 'sample' } }, clock),
    ).virtual('reader-0');
    const virtual = new VirtualReader({
      id: 'v',
      host: '127.0.0.1',
      port: 0,
      clock: systemClock,
      log: () => undefined,
      transcript,
    });
    reader = virtual;
    const slot = new CardSlot({
      host: '127.0.0.1',
      port: await virtual.listening(),
      clock: systemClock,
    });
    const card = sampleCard('golden').make();
    slot.insert(card);
    const channel = await cardIn(virtual);
    must(await plCpu.read(channel));
    must(await channel.reset());
    slot.remove();
    await new Promise<void>((done) => {
      const off = virtual.onStatus((s) => {
        if (s.state === 'empty') {
          off();
          done();
        }
      });
      if (virtual.status().state === 'empty') done();
    });
    const [file] = readdirSync(folder);
    const lines = readFileSync(join(folder, file ?? ''), 'utf8')
      .trim()
      .split('\n');
    expect(lines.slice(0, 3)).toEqual([
      '# Pilotlight transcript, virtual reader, sample keys',
      'insert 3B6500009C02020702',
      '=> 00A4040008504C2E4D45544552',
    ]);
    expect(lines.slice(-2)).toEqual(['reset', 'remove']);
    // As the card saw it.
    expect(lines.filter((l) => /^[=<]/.test(l))).toEqual(
      card.transcript.filter((l) => /^(=>|<=) /.test(l)),
    );
  });
});
