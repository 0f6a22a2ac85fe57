import { describe, expect, it } from 'vitest';
import { sampleCard } from '../../../src/simulator/card/catalogue.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import {
  MifareClassic,
  accessHex,
  blankMifare,
  valueBlock,
  valueOf,
} from '../../../src/simulator/card/mifare-classic.ts';
import {
  ACR122,
  ACR128,
  ContactlessCpu,
  ContactlessReader,
} from '../../../src/simulator/reader/contactless.ts';
import type { KeyStore } from '../../../src/simulator/reader/contactless.ts';
import { say } from './slots.ts';

const A = 'A0A1A2A3A4A5';
const B = 'B0B1B2B3B4B5';

/** Sector 1: blocks 4 and 5 for values (110), 6 open, key A reads and takes away, key B does all. */
function card(): MifareClassic {
  const chip = new MifareClassic(blankMifare('DEADBEEF'));
  chip.poke(4, valueBlock(1000, 4));
  chip.poke(7, bytesOf(`${A}${accessHex([6, 6, 0, 3])}69${B}`));
  return chip;
}
function reading(chip = card()): ContactlessReader {
  const reader = new ContactlessReader(chip);
  reader.insert();
  say(reader, `FF82000006${A}`, `FF82000106${B}`);
  return reader;
}
const OPEN_A = 'FF860000050100046000';
const OPEN_B = 'FF860000050100046101';

describe('a contactless reader', () => {
  it('has the ATR of PC/SC part 3 and tells the UID', () => {
    const reader = reading();
    expect(hexOf(reader.answerToReset() as Uint8Array)).toBe(
      '3B8F8001804F0CA000000306030001000000006A',
    );
    expect(say(reader, 'FFCA000000')).toBe('DEADBEEF9000');
    expect(say(reader, 'FFCA000004')).toBe('DEADBEEF9000');
    expect(say(reader, 'FFCA000007')).toBe('6C04');
    expect(say(reader, 'FFCA010000')).toBe('6A81');
  });

  it.each([['FF860000050100046000'], ['FF8800046000']])(
    'authenticates (%s), reads, and loses it with any failure',
    (open) => {
      const reader = reading();
      expect(say(reader, 'FFB0000410')).toBe('6300');
      expect(say(reader, open)).toBe('9000');
      expect(say(reader, 'FFB0000410')).toBe(`${hexOf(valueBlock(1000, 4))}9000`);
      expect(say(reader, 'FFB0000400')).toHaveLength(36);
      expect(say(reader, 'FFB0000408')).toBe('6C10');
      expect(say(reader, 'FFB0000410').slice(-4)).toBe('9000');
      expect(say(reader, 'FFB0000810')).toBe('6300');
      expect(say(reader, 'FFB0000410')).toBe('6300');
      say(reader, open);
      reader.reset();
      expect(say(reader, 'FFB0000410')).toBe('6300');
    },
  );

  it.each([
    ['a wrong key', ['FF860000050100046001'], '6300'],
    ['a key type that is none', ['FF860000050100046200'], '6300'],
    ['another version', ['FF860000050200046000'], '6A81'],
    ['a block above FF', ['FF860000050101046000'], '6A81'],
    ['a short form', ['FF8600000401000460'], '6700'],
    ['a place that is none', [`FF82000206${A}`], '6300'],
    ['a kind of place that is none', [`FF82200006${A}`], '6300'],
    ['a short key', ['FF82000005A0A1A2A3A4'], '6700'],
    ['a write without the right', [OPEN_A, `FFD6000410${hexOf(valueBlock(1, 4))}`], '6300'],
    ['a short write', [OPEN_B, 'FFD600040100'], '6700'],
    ['adding without the right', [OPEN_A, 'FFD7000405010000000A'], '6300'],
    ['a value in a block that holds none', [OPEN_B, 'FFB1000604'], '6300'],
    ['adding to one', [OPEN_B, 'FFD7000605010000000A'], '6300'],
    ['an operation that is none', [OPEN_B, 'FFD7000405040000000A'], '6A81'],
    ['a copy that is none', [OPEN_B, 'FFD70004020405'], '6A81'],
    ['a copy into another sector', [OPEN_B, 'FFD70004020308'], '6300'],
    ['a short operation', [OPEN_B, 'FFD700040401000000'], '6700'],
    ['what it does not have', ['FFEE000000'], '6A81'],
    ['another class', ['00A40400'], '6E00'],
  ])('refuses %s', (_, apdus, sw) => {
    const chip = card();
    const before = JSON.stringify(chip);
    expect(say(reading(chip), ...apdus)).toBe(sw);
    expect(JSON.stringify(chip)).toBe(before);
  });

  it('an empty place opens nothing', () => {
    const reader = new ContactlessReader(card());
    reader.insert();
    expect(say(reader, OPEN_A)).toBe('6300');
  });

  it('writes blocks and values, highest byte first in the command', () => {
    const chip = card();
    const reader = reading(chip);
    expect(say(reader, OPEN_B, 'FFB1000404')).toBe('000003E89000');
    expect(say(reader, 'FFB1000403')).toBe('6C04');
    expect(say(reader, 'FFD7000405010000000A', 'FFB1000404')).toBe('000003F29000');
    expect(say(reader, 'FFD700040502000003F3', 'FFB1000404')).toBe('FFFFFFFF9000');
    expect(say(reader, 'FFD700040500000186A0', 'FFB1000404')).toBe('000186A09000');
    expect(say(reader, 'FFD70004020305', 'FFB1000504')).toBe('000186A09000');
    expect(valueOf(chip.peek(5))).toEqual({ value: 100_000, address: 4 });
    expect(say(reader, `FFD6000610${'5A'.repeat(16)}`)).toBe('9000');
    expect(hexOf(chip.peek(6))).toBe('5A'.repeat(16));
    // Key A only takes away.
    expect(say(reader, OPEN_A, 'FFD7000405020000000A', 'FFB1000404')).toBe('000186969000');
    expect(say(reader, 'FFB0000710')).toBe(
      `000000000000${accessHex([6, 6, 0, 3])}69${'00'.repeat(6)}9000`,
    );
  });

  it('keeps its keys from card to card, the volatile one only while the card is there', () => {
    const keys: KeyStore = new Map();
    const first = new ContactlessReader(card(), ACR128, keys);
    first.insert();
    expect(say(first, `FF82002006${A}`)).toBe('9000');
    expect(say(first, `FF82201F06${B}`)).toBe('9000');
    expect(say(first, `FF82000006${B}`)).toBe('6300');
    expect(say(first, 'FF860000050100046020')).toBe('9000');
    expect(say(first, 'FF86000005010004611F')).toBe('9000');
    first.remove();
    const second = new ContactlessReader(card(), ACR128, keys);
    second.insert();
    expect(say(second, 'FF860000050100046020')).toBe('6300');
    expect(say(second, 'FF86000005010004611F')).toBe('9000');
    const own: KeyStore = new Map();
    const third = new ContactlessReader(card(), ACR122, own);
    third.insert();
    say(third, `FF82000106${B}`);
    third.remove();
    third.insert();
    expect(say(third, OPEN_B)).toBe('9000');
  });

  it('is torn with its card, silent without it', () => {
    const chip = card();
    const reader = reading(chip);
    chip.arm({ afterOps: 1, inFlight: 'partial' });
    expect(say(reader, OPEN_B, 'FFD7000405010000000A')).toBe('torn');
    expect(valueOf(chip.peek(4))).toBeNull();
    reader.remove();
    expect(say(reader, 'FFCA000000')).toBe('silent');
  });
});

describe('a CPU card in a contactless reader', () => {
  const inField = (id = 'golden'): ContactlessCpu => {
    const slot = new ContactlessCpu(sampleCard(id).make(), '08112233');
    slot.insert();
    return slot;
  };

  it('has an ATR of its historical bytes, tells UID and answer to select, and passes everything else', () => {
    const slot = inField();
    expect(hexOf(slot.answerToReset() ?? new Uint8Array(0))).toBe('3B858001504C4350555E');
    expect(say(slot, 'FFCA000000')).toBe('081122339000');
    expect(say(slot, 'FFCA010000')).toBe('0A78809002504C4350559000');
    expect(say(slot, 'FFCA000004')).toBe('081122339000');
    expect(say(slot, 'FFCA000008')).toBe('6C04');
    expect(say(slot, 'FFCA0000')).toBe('6700');
    expect(say(slot, 'FFCA020000')).toBe('6A81');
    expect(say(slot, 'FFB0000410')).toBe('6A81');
    expect(say(slot, '00A4040008504C2E4D45544552').slice(0, 2)).toBe('61');
    expect(hexOf(slot.reset() ?? new Uint8Array(0))).toBe('3B858001504C4350555E');
  });

  it('has none when the card is mute, and is torn with it', () => {
    expect(inField('mute').answerToReset()).toBeNull();
    expect(say(inField('mute'), 'FFCA000000')).toBe('silent');
    const slot = inField();
    slot.card.arm({ kind: 'tear', at: 1, when: 'before', from: 'arming' });
    expect(say(slot, '0084000008')).toBe('torn');
  });
});
