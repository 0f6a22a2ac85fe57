import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chatter } from '../../src/card/chatter.ts';
import { processLayout } from '../../src/card/index.ts';
import { Lines } from '../../src/card/lines.ts';
import { Waiting } from '../../src/card/readers/crt/cutter.ts';
import { ACK, CrtParser, crtCommand } from '../../src/card/readers/crt/frames.ts';
import { CrtLink } from '../../src/card/readers/crt/link.ts';
import { crt02Command, Crt02Parser } from '../../src/card/readers/crt/link02.ts';
import type { SerialLine } from '../../src/card/readers/serial-line.ts';
import { fromHex } from '../../src/shared/bytes.ts';
import { seededRandom } from '../support/kiosk-world.ts';
import { ManualClock, systemClock } from '../support/clock.ts';
import { acs, Desk, golden4442 } from '../unit/card/chips.ts';
import { demoKeys } from '../unit/card/rig.ts';

/** Something speaks without an end to what listens: a cable with a fault, a box between. */
const MEGABYTE = 1 << 20;
const NOISE: readonly (readonly [string, Uint8Array])[] = [
  ['bytes that begin nothing', new Uint8Array(MEGABYTE)],
  ['beginnings', new Uint8Array(MEGABYTE).fill(0xf2)],
  ['beginnings of the old dialect', new Uint8Array(MEGABYTE).fill(0x02)],
  ['handshakes', new Uint8Array(MEGABYTE).fill(ACK)],
  ['anything', Uint8Array.from(seededRandom('noise').bytes(65_536))],
  // The longest frame that may be, again and again, and never whole in its check.
  [
    'frames',
    Uint8Array.from({ length: MEGABYTE }, (_, i) => [0xf2, 0, 0x02, 0x57][i % 606] ?? 0x55),
  ],
];

/** How many bytes are copied while this runs. */
function copied(work: () => void): number {
  let bytes = 0;
  const { prototype } = Uint8Array;
  const slice: (this: Uint8Array, ...range: number[]) => Uint8Array<ArrayBuffer> = Reflect.get(
    prototype,
    'slice',
  );
  const set: (this: Uint8Array, what: ArrayLike<number>, at?: number) => void = Reflect.get(
    prototype,
    'set',
  );
  const spies = [
    vi.spyOn(prototype, 'slice').mockImplementation(function (this: Uint8Array, ...range) {
      const part = slice.apply(this, range as number[]);
      bytes += part.length;
      return part;
    }),
    vi.spyOn(prototype, 'set').mockImplementation(function (this: Uint8Array, ...what) {
      bytes += what[0].length;
      set.apply(this, what);
    }),
  ];
  try {
    work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return bytes;
}

describe('a megabyte of noise on a motor reader’s line', () => {
  it.each(NOISE)('%s: each byte is touched a few times, whole and in pieces', (_name, noise) => {
    for (const Parser of [CrtParser, Crt02Parser])
      for (const size of [noise.length, 997]) {
        const parser = new Parser();
        let tokens = 0;
        const bytes = copied(() => {
          for (let at = 0; at < noise.length; at += size)
            for (const _token of parser.push(noise.subarray(at, at + size))) tokens++;
        });
        expect(bytes).toBeLessThan(4 * noise.length);
        expect(tokens).toBeLessThanOrEqual(noise.length);
        // One frame at the most is kept of it.
        expect(parser.reset()).toBeLessThanOrEqual(606);
      }
  });

  it('what is said after it is heard', () => {
    const answer = fromHex('F2 00 00 06 50 31 30 30 32 30 03 94');
    const parser = new CrtParser();
    for (const _token of parser.push(new Uint8Array(MEGABYTE).fill(0xf2)));
    parser.reset();
    expect([...parser.push(answer)]).toMatchObject([{ kind: 'ok', cm: 0x31, pm: 0x30 }]);
    // A frame right behind a beginning that was none is not lost with it.
    expect([...new CrtParser().push(Uint8Array.of(0xf2, 0xff, ...answer))]).toMatchObject([
      { kind: 'broken' },
      { kind: 'ok' },
    ]);
    const old = crt02Command(0x31, 0x30);
    expect([...new Crt02Parser().push(Uint8Array.of(2, 0xff, ...old))].at(-1)).toMatchObject({
      kind: 'frame',
      cm: 0x31,
    });
  });

  it('of what nobody waits for only the newest is kept', () => {
    const waiting = new Waiting<number>(64);
    for (let n = 0; n < 10_000; n++) waiting.put(n);
    const kept: number[] = [];
    for (let one = waiting.take(); one !== undefined; one = waiting.take()) kept.push(one);
    expect(kept).toHaveLength(64);
    expect(kept.at(-1)).toBe(9_999);
  });

  it('a command ends in its time though the line never falls silent', async () => {
    const clock = new ManualClock(0);
    let hear: (bytes: Uint8Array) => void = () => undefined;
    let written = 0;
    const line: SerialLine = {
      write: () => void written++,
      onData: (listener) => {
        hear = listener;
      },
      onClose: () => undefined,
      close: () => Promise.resolve(),
    };
    const link = new CrtLink(line, clock);
    let over: unknown = null;
    void link.command(0x31, 0x30, new Uint8Array(0), 1_000).then((outcome) => {
      over = outcome;
    });
    // Taken, and then 04s, which are no answer, sixty thousand to the second.
    let rounds = 0;
    for (; over === null && rounds < 200; rounds++) {
      hear(new Uint8Array(1_000).fill(rounds === 0 ? ACK : 0x06));
      clock.advance(16);
      for (let i = 0; i < 3; i++) await new Promise<void>((done) => setImmediate(done));
    }
    expect(over).toMatchObject({ ok: false, error: { code: 'CARD-0106' } });
    expect(rounds).toBeLessThan(120);
    expect(written).toBeLessThan(10);
    expect(crtCommand(0x31, 0x30)).toHaveLength(9);
    await link.close();
  });
});

describe('a maker’s program that never stops', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-flood-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** What the kiosk is told of it, and what went to the log meanwhile. */
  async function asked(program: string): Promise<{ detail: string; logged: number }> {
    const file = join(folder, 'adapter.mjs');
    writeFileSync(file, program);
    let logged = 0;
    const layout = processLayout({
      id: 'PL-4442',
      command: [process.execPath, file],
      cwd: folder,
      atrs: ['3B04A2131091'],
      acceptance: 'count-exact',
      keys: demoKeys,
      clock: systemClock,
      log: (_level, _room, message, detail) => {
        if (message.includes('says')) logged += String(detail).length;
      },
    });
    try {
      const read = await layout.read(new Desk(acs(golden4442())).insert());
      return { detail: read.ok ? 'read' : (read.error.detail ?? ''), logged };
    } finally {
      layout.close();
    }
  }
  const WRITES = `const more = (s, text) => { while (s.write(text)); s.once('drain', () => more(s, text)); };`;

  it('writes a line without an end: it is ended, and so is what it says', async () => {
    const { detail } = await asked(`${WRITES} more(process.stdout, 'x'.repeat(65536));`);
    expect(detail).toContain('a line of more than 65536 characters');
  });

  it('writes lines that nobody asked for: it is ended before they are many', async () => {
    const { detail } = await asked(`${WRITES} more(process.stdout, '{}\\n'.repeat(9000));`);
    expect(detail).toContain('lines that nobody asked for');
  });

  it('writes errors without an end: some are logged, and the rest is counted', async () => {
    const { detail, logged } = await asked(`
      import { createInterface } from 'node:readline';
      ${WRITES}
      createInterface({ input: process.stdin }).on('line', () => {
        let sent = 0;
        const some = () => {
          for (; sent < 400; sent++) if (!process.stderr.write('e'.repeat(65536))) return process.stderr.once('drain', some);
          process.exit(3);
        };
        some();
      });`);
    expect(detail).toContain('ended with');
    expect(logged).toBeLessThan(40 * 500);
  });

  it('of its lines no more is kept than it may have waiting', () => {
    const honest = new Lines();
    expect(honest.take('{"a":1}\n{"b"')).toBeNull();
    expect(honest.take(':2}\n')).toBeNull();
    expect([honest.shift(), honest.shift(), honest.shift()]).toEqual([
      '{"a":1}',
      '{"b":2}',
      undefined,
    ]);
    const slow = new Lines();
    let wrong: string | null = null;
    for (let n = 0; n < 1_000 && wrong === null; n++) wrong = slow.take('{}\n');
    expect(wrong).not.toBeNull();
    expect(slow.length).toBe(0);
    expect(new Lines().take(`${'x'.repeat(70_000)}\n`)).toContain('65536');
  });

  it('what it says again after a minute is heard again', () => {
    const clock = new ManualClock(0);
    const lines: string[] = [];
    const say = chatter(clock, (text) => lines.push(text));
    for (let n = 0; n < 1_000; n++) say('x'.repeat(9_000));
    expect(lines).toHaveLength(30);
    clock.advance(60_000);
    say('at last');
    expect(lines.slice(30)).toEqual(['… and 970 times more', 'at last']);
    expect(Math.max(...lines.map((line) => line.length))).toBe(500);
  });
});
