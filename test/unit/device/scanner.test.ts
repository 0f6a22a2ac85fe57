import { beforeEach, describe, expect, it } from 'vitest';
import { LineScanner } from '../../../src/device/scanner/line-scanner.ts';
import type { ScannerFraming } from '../../../src/device/scanner/framing.ts';
import { SCANNER_MODELS } from '../../../src/device/scanner/models.ts';
import type { ScannerLine } from '../../../src/device/scanner/line-scanner.ts';
import { openTcpLine } from '../../../src/device/scanner/tcp-line.ts';
import { SimulatedScanner } from '../../../src/simulator/scanner/scanner.ts';
import { ManualClock, systemClock } from '../../support/clock.ts';

/** The other end of the line, byte by byte. */
class Wire {
  readonly written: number[] = [];
  fails = 0;
  opens = 0;
  #data: (bytes: Uint8Array) => void = () => undefined;
  #gone: (cause: unknown) => void = () => undefined;
  readonly open = (): Promise<ScannerLine> => {
    this.opens += 1;
    if (this.fails-- > 0) return Promise.reject(new Error('no such port'));
    return Promise.resolve({
      write: (bytes) => void this.written.push(...bytes),
      onData: (listener) => {
        this.#data = listener;
      },
      onClose: (listener) => {
        this.#gone = listener;
      },
      close: () => Promise.resolve(),
    });
  };
  send(text: string): void {
    this.#data(Buffer.from(text, 'latin1'));
  }
  pull(): void {
    this.#gone(new Error('unplugged'));
  }
}

const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
};
let clock: ManualClock;
let wire: Wire;
let codes: string[];
let logged: string[];
const start = async (
  model: keyof typeof SCANNER_MODELS = 'plain',
  framing: ScannerFraming = {},
): Promise<LineScanner> => {
  const scanner = new LineScanner({
    open: wire.open,
    model: SCANNER_MODELS[model],
    framing,
    clock,
    log: (_level, _room, text) => void logged.push(text),
  });
  scanner.onCode((code) => void codes.push(code));
  await settle();
  return scanner;
};
beforeEach(() => {
  clock = new ManualClock(0);
  wire = new Wire();
  codes = [];
  logged = [];
});

describe('a scanner on a serial line', () => {
  it('ends a code at CR, at CR LF, or when the line is quiet; in whatever pieces it comes', async () => {
    const scanner = await start();
    expect(scanner.failure()).toBeNull();
    scanner.look(true);
    wire.send('1345678901');
    clock.advance(60);
    wire.send('23456789\r\n');
    wire.send('2812345678901234');
    expect(codes).toEqual(['134567890123456789']);
    clock.advance(99);
    expect(codes).toHaveLength(1);
    clock.advance(1);
    expect(codes).toEqual(['134567890123456789', '2812345678901234']);
    wire.send('a1\rb2\r');
    expect(codes.slice(2)).toEqual(['a1', 'b2']);
  });

  it('hears nothing while it is not asked to look, and what it read before is nobody’s', async () => {
    const scanner = await start();
    wire.send('134567890123456789\r');
    scanner.look(true);
    wire.send('1345');
    scanner.look(false);
    scanner.look(true);
    wire.send('6789\r');
    expect(codes).toEqual(['6789']);
  });

  it('drops noise and runs that are too long, whole, and logs no part of them', async () => {
    const scanner = await start();
    scanner.look(true);
    wire.send('13456\u0000789\r');
    wire.send(`${'9'.repeat(300)}\r`);
    expect(codes).toEqual([]);
    wire.send('134567890123456789\r');
    expect(codes).toEqual(['134567890123456789']);
    expect(logged.join()).not.toMatch(/13456|999/);
  });

  it.each([
    ['STX … ETX', '\u0002134567890123456789\u0003'],
    ['STX … ETX CR', '\u0002134567890123456789\u0003\r'],
    ['TAB behind', '134567890123456789\t'],
    ['LF behind', '134567890123456789\n'],
    ['GS behind', '134567890123456789\u001D\r'],
    ['ETX behind', '134567890123456789\u0003\r'],
    ['NUL at both edges', '\u0000134567890123456789\u0000\r\n'],
    ['EOT, GS and DEL behind', '134567890123456789\u001D\u007F\u0004\r'],
    ['the symbology before', ']Q1134567890123456789\r'],
    ['the symbology within a frame', '\u0002]Q1134567890123456789\u0003'],
  ])('what frames a code is none of it: %s', async (_what, sent) => {
    const scanner = await start();
    scanner.look(true);
    wire.send(sent);
    clock.advance(100);
    expect(codes).toEqual(['134567890123456789']);
    // And the next one, on its heels, is another code.
    wire.send(`${sent}${sent}`);
    clock.advance(100);
    expect(codes).toEqual(Array.from({ length: 3 }, () => '134567890123456789'));
    expect(logged.filter((line) => line.includes('dropped'))).toEqual([]);
  });

  it.each<[string, ScannerFraming, string]>([
    ['CR', { suffix: 'CR' }, '134567890123456789\r'],
    ['LF', { suffix: 'LF' }, '134567890123456789\r\n'],
    ['CRLF', { suffix: 'CRLF' }, '134567890123456789\r\n'],
    ['TAB', { suffix: 'TAB' }, '134567890123456789\t'],
    ['GS', { suffix: 'GS' }, '134567890123456789\u001D'],
    ['ETX', { suffix: 'ETX' }, '\u0002134567890123456789\u0003'],
    ['text', { suffix: 'text:##' }, '134567890123456789##'],
    ['a prefix', { prefix: 'QR:', suffix: 'CR' }, 'QR:134567890123456789\r'],
    [
      'a prefix before the symbology',
      { prefix: 'A', suffix: 'GS' },
      'A]Q1134567890123456789\u001D',
    ],
    ['a prefix behind it', { prefix: 'A', suffix: 'GS' }, ']Q1A134567890123456789\u001D'],
  ])(
    'as configured it is told at once, and so is the next one: %s',
    async (_what, framing, sent) => {
      const scanner = await start('plain', framing);
      scanner.look(true);
      wire.send(sent);
      wire.send(sent);
      expect(codes).toEqual(Array.from({ length: 2 }, () => '134567890123456789'));
      // Another machine's, or garbled: without its prefix it is none.
      if (framing.prefix === undefined) return;
      wire.send('134567890123456789\r\u001D');
      clock.advance(100);
      expect(codes).toHaveLength(2);
      expect(logged.join()).not.toContain('13456');
    },
  );

  it('as configured nothing ends a code but silence', async () => {
    const scanner = await start('plain', { suffix: 'none' });
    scanner.look(true);
    wire.send('134567890123456789');
    expect(codes).toEqual([]);
    clock.advance(100);
    expect(codes).toEqual(['134567890123456789']);
  });

  it.each([
    ['honeywell', [0x16, 0x54, 0x0d], [0x16, 0x55, 0x0d]],
    ['datalogic', [0x54], [0x58]],
    ['zkteco', [0x54], [0x50]],
    ['plain', [], []],
  ] as const)('%s is told to look, and to stop', async (model, on, off) => {
    const scanner = await start(model);
    scanner.look(true);
    scanner.look(true);
    // Dark as it comes up, whatever it did before.
    expect(wire.written).toEqual([...off, ...on]);
    scanner.look(false);
    expect(wire.written).toEqual([...off, ...on, ...off]);
  });

  it('framing inside a code is none: the line garbles', async () => {
    const scanner = await start();
    scanner.look(true);
    for (const inside of ['\u0003', '\u0000', '\u001D']) wire.send(`13456${inside}78901\r`);
    expect(codes).toEqual([]);
    expect(logged.filter((line) => line.includes('dropped'))).toHaveLength(3);
  });

  it('is told to look by its trigger, again after the line came back', async () => {
    wire.fails = 2;
    const scanner = await start('honeywell');
    const seen: boolean[] = [];
    scanner.onChange(() => void seen.push(scanner.failure() === null));
    expect(scanner.failure()).toMatchObject({ code: 'DEV-0201' });
    scanner.look(true);
    clock.advance(500);
    await settle();
    clock.advance(1_000);
    await settle();
    expect(scanner.failure()).toBeNull();
    expect(wire.written).toEqual([0x16, 0x54, 0x0d]);
    wire.send('1345');
    wire.pull();
    expect(scanner.failure()).toMatchObject({ code: 'DEV-0201' });
    clock.advance(500);
    await settle();
    wire.send('6789\r');
    expect(codes).toEqual(['6789']);
    scanner.look(false);
    expect(wire.written).toEqual([0x16, 0x54, 0x0d, 0x16, 0x54, 0x0d, 0x16, 0x55, 0x0d]);
    expect(seen).toEqual([true, false, true]);
    await scanner.close();
    clock.advance(60_000);
    expect(wire.opens).toBe(4);
  });

  it('works over a real connection', async () => {
    const simulated = new SimulatedScanner();
    const port = await simulated.start(0);
    const scanner = new LineScanner({
      open: () => openTcpLine('127.0.0.1', port),
      model: SCANNER_MODELS.plain,
      clock: systemClock,
      log: () => undefined,
    });
    await new Promise<void>((done) => void scanner.onChange(done));
    scanner.look(true);
    const read = new Promise<string>((done) => void scanner.onCode(done));
    expect(simulated.show('134567890123456789')).toBe(true);
    expect(await read).toBe('134567890123456789');
    await scanner.close();
    await simulated.close();
  });
});
