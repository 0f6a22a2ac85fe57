import { describe, expect, it } from 'vitest';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { Sle4428, blank4428 } from '../../../src/simulator/card/sle4428.ts';
import { Sle4442, blank4442 } from '../../../src/simulator/card/sle4442.ts';
import { OMNIKEY_SETTINGS, OmnikeyReader } from '../../../src/simulator/reader/omnikey.ts';
import type { OmnikeySettings } from '../../../src/simulator/reader/omnikey.ts';
import { say } from './slots.ts';

function with4442(settings: Partial<OmnikeySettings> = {}): {
  readonly chip: Sle4442;
  readonly reader: OmnikeyReader;
} {
  const chip = new Sle4442({ ...blank4442(), security: '07116806' });
  const reader = new OmnikeyReader(chip, { ...OMNIKEY_SETTINGS, ...settings });
  reader.insert();
  return { chip, reader };
}
function with4428(): { readonly chip: Sle4428; readonly reader: OmnikeyReader } {
  const chip = new Sle4428(blank4428());
  chip.poke(1021, bytesOf('FF1234'));
  const reader = new OmnikeyReader(chip);
  reader.insert();
  return { chip, reader };
}

describe('an OMNIKEY reader', () => {
  it('needs no card type and reads', () => {
    const { reader } = with4442();
    expect(hexOf(reader.answerToReset() as Uint8Array)).toBe('3B04A2131091');
    expect(say(reader, 'FFB0000004')).toBe('A21310919000');
    expect(say(reader, 'FFB0000000')).toHaveLength(516);
    expect(say(reader, 'FF3A000004')).toBe('F0FFFFFF9000');
    const other = with4428().reader;
    expect(hexOf(other.answerToReset() as Uint8Array)).toBe('3B0492231091');
    expect(say(other, 'FFB003FD03')).toBe('FF00009000');
    expect(say(other, 'FF3A000004')).toBe('00FF1FF89000');
  });

  it.each([
    ['the ACS selection', 'FFA400000106', '6D00'],
    ['the ACS write', 'FFD0004001AA', '6D00'],
    ['reading past the end', 'FFB000FF02', '6B00'],
    ['protection past the end', 'FF3A000005', '6B00'],
    ['writing past the end', 'FFD600FF020102', '6B00'],
    ['an empty write', 'FFD6004000', '6700'],
    ['a write before the code', 'FFD6004001AA', '6982'],
    ['a short code', 'FF200000021168', '6700'],
    ['a new code alone', 'FF21000003010203', '6700'],
    ['a read without Le', 'FFB00000', '6700'],
  ])('refuses %s', (_, apdu, sw) => {
    const { chip, reader } = with4442();
    expect(say(reader, apdu)).toBe(sw);
    expect(chip.ops).toBe(0);
  });

  it('tells the tries left, without spending one', () => {
    const { reader } = with4442();
    expect(say(reader, 'FF20000000')).toBe('63C3');
    expect(say(reader, 'FF20000003111111')).toBe('63C2');
    expect(say(reader, 'FF200000')).toBe('63C2');
    expect(say(reader, 'FF20000003116806')).toBe('9000');
    expect(say(reader, 'FF200000')).toBe('9000');
    reader.reset();
    expect(say(reader, 'FF200000')).toBe('63C3');
    for (const sw of ['63C2', '63C1', '6983', '6983'])
      expect(say(reader, 'FF20000003111111')).toBe(sw);
    expect(say(reader, 'FF20000003116806')).toBe('6983');
    expect(say(reader, 'FF200000')).toBe('6983');
    expect(say(with4442({ verifyTellsTries: false }).reader, 'FF200000')).toBe('6700');
  });

  it('writes after the code, until the reset', () => {
    const { chip, reader } = with4442();
    expect(say(reader, 'FF20000003116806', 'FFD60040025A5B')).toBe('9000');
    expect(hexOf(chip.peek().subarray(0x40, 0x42))).toBe('5A5B');
    reader.reset();
    expect(say(reader, 'FFD6004001AA')).toBe('6982');
    const silent = with4442({ unverifiedWrite: null });
    expect(say(silent.reader, 'FFD6004001AA')).toBe('9000');
    expect(silent.chip.peek()[0x40]).toBe(0xff);
  });

  it('changes the code with the present one, or the new one alone, as set', () => {
    const { reader } = with4442();
    expect(say(reader, 'FF21000006111111010203')).toBe('63C2');
    expect(say(reader, 'FF21000006116806010203')).toBe('9000');
    reader.reset();
    expect(say(reader, 'FF20000003010203')).toBe('9000');
    const alone = with4442({ changeCarries: 'new' });
    expect(say(alone.reader, 'FF21000003010203')).toBe('6982');
    expect(say(alone.reader, 'FF20000003116806', 'FF21000003010203')).toBe('9000');
    expect(alone.chip.toJSON().security).toBe('07010203');
  });

  it('does the same for an SLE4428', () => {
    const { chip, reader } = with4428();
    expect(say(reader, 'FF200000021235')).toBe('63C7');
    expect(say(reader, 'FF200000021234', 'FFD60100025A5B')).toBe('9000');
    expect(hexOf(chip.peek().subarray(0x100, 0x102))).toBe('5A5B');
    expect(say(reader, 'FF2100000412345678')).toBe('9000');
    reader.reset();
    expect(say(reader, 'FF200000025678')).toBe('9000');
  });

  it('is torn with its chip', () => {
    const { chip, reader } = with4442();
    chip.arm({ afterOps: 4, inFlight: 'ff' });
    expect(say(reader, 'FF20000003116806', 'FFD60040025A5B')).toBe('torn');
    expect(hexOf(chip.peek().subarray(0x40, 0x42))).toBe('5AFF');
    reader.remove();
    reader.insert();
    expect(say(reader, 'FFD60040025A5B')).toBe('6982');
  });
});
