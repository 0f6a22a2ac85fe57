import { describe, expect, it } from 'vitest';
import { CrtParser, crtCommand } from '../../../src/card/readers/crt/frames.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';

/** The frames of cards.md 5.1. */
const COMMANDS: readonly (readonly [string, number, number, string, string])[] = [
  ['init keep', 0x30, 0x33, '', 'F2 00 00 03 43 30 33 03 B2'],
  ['status', 0x31, 0x30, '', 'F2 00 00 03 43 31 30 03 B0'],
  ['sensors', 0x31, 0x31, '', 'F2 00 00 03 43 31 31 03 B1'],
  ['entry on', 0x33, 0x30, '', 'F2 00 00 03 43 33 30 03 B2'],
  ['entry off', 0x33, 0x31, '', 'F2 00 00 03 43 33 31 03 B3'],
  ['to the IC position', 0x32, 0x31, '', 'F2 00 00 03 43 32 31 03 B2'],
  ['to the gate', 0x32, 0x30, '', 'F2 00 00 03 43 32 30 03 B3'],
  ['eject', 0x32, 0x39, '', 'F2 00 00 03 43 32 39 03 BA'],
  ['bin', 0x32, 0x33, '', 'F2 00 00 03 43 32 33 03 B0'],
  ['4442 reset', 0x53, 0x30, '', 'F2 00 00 03 43 53 30 03 D2'],
  ['4442 off', 0x53, 0x31, '', 'F2 00 00 03 43 53 31 03 D3'],
  ['4442 read 256', 0x53, 0x33, '00 B0 00 00 00', 'F2 00 00 08 43 53 33 00 B0 00 00 00 03 6A'],
  ['4442 security', 0x53, 0x33, '00 B0 02 00 04', 'F2 00 00 08 43 53 33 00 B0 02 00 04 03 6C'],
  [
    '4442 verify',
    0x53,
    0x33,
    '00 20 03 01 03 FF FF FF',
    'F2 00 00 0B 43 53 33 00 20 03 01 03 FF FF FF 03 07',
  ],
  [
    '4442 write [20]=11',
    0x53,
    0x33,
    '00 D0 00 20 01 11',
    'F2 00 00 09 43 53 33 00 D0 00 20 01 11 03 3B',
  ],
  ['CPU reset 5 V', 0x51, 0x30, '33', 'F2 00 00 04 43 51 30 33 03 E4'],
  ['balance', 0x51, 0x39, '80 5C 00 02 04', 'F2 00 00 08 43 51 39 80 5C 00 02 04 03 08'],
];

describe('commands', () => {
  it.each(COMMANDS)('%s', (_name, cm, pm, data, frame) => {
    expect(toHex(crtCommand(cm, pm, fromHex(data)))).toBe(frame.replaceAll(' ', ''));
  });
});

describe('answers', () => {
  const one = (hex: string): unknown => [...new CrtParser().push(fromHex(hex))][0];

  it('empty, a 4442’s ATR, a code verified', () => {
    expect(one('F2 00 00 06 50 31 30 30 32 30 03 94')).toMatchObject({
      kind: 'ok',
      cm: 0x31,
      pm: 0x30,
      status: fromHex('30 32 30'),
      data: new Uint8Array(0),
    });
    expect(one('F2 00 00 0A 50 53 30 32 32 30 A2 13 10 91 03 C8')).toMatchObject({
      kind: 'ok',
      status: fromHex('32 32 30'),
      data: fromHex('A2 13 10 91'),
    });
    expect(one('F2 00 00 08 50 53 33 32 32 30 90 00 03 69')).toMatchObject({
      kind: 'ok',
      data: fromHex('90 00'),
    });
  });

  it('a jam, under both headers', () => {
    expect(one('F2 00 00 05 4E 32 31 31 30 03 B8')).toMatchObject({
      kind: 'error',
      cm: 0x32,
      pm: 0x31,
      error: '10',
    });
    expect(one('F2 00 00 05 45 32 31 31 30 03 B3')).toMatchObject({ kind: 'error', error: '10' });
  });

  it('a 03 in the data does not end the frame; pieces and neighbours do not matter', () => {
    const frame = '06 F2 00 00 0A 50 53 33 32 32 30 03 03 F2 06 03 4E 06';
    const whole = fromHex(frame);
    // BCC of the frame above, by hand: XOR of F2 … 03.
    const bcc = fromHex('F2 00 00 0A 50 53 33 32 32 30 03 03 F2 06 03').reduce(
      (sum, b) => sum ^ b,
      0,
    );
    whole[whole.length - 2] = bcc;
    const parser = new CrtParser();
    const tokens = [...whole].flatMap((b) => [...parser.push(Uint8Array.of(b))]);
    expect(tokens.map((t) => t.kind)).toEqual(['ack', 'ok', 'ack']);
    expect(tokens[1]).toMatchObject({ data: fromHex('03 03 F2 06') });
  });

  it('every flipped bit of a frame is found, or leaves it waiting for more', () => {
    const frame = fromHex('F2 00 00 0A 50 53 30 32 32 30 A2 13 10 91 03 C8');
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const bad = frame.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      const good = [...new CrtParser().push(bad)].filter(
        (t) => t.kind === 'ok' || t.kind === 'error',
      );
      // The address is not judged, but it is covered by the BCC.
      expect(good, `bit ${bit}`).toEqual([]);
    }
  });
});
