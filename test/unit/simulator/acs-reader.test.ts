import { describe, expect, it } from 'vitest';
import { At24, blankAt24 } from '../../../src/simulator/card/at24.ts';
import type { At24Type } from '../../../src/simulator/card/at24.ts';
import { AT88SC102_SETTINGS, At88Sc102, blank102 } from '../../../src/simulator/card/at88sc102.ts';
import {
  AT88SC1608_SETTINGS,
  At88Sc1608,
  blank1608,
} from '../../../src/simulator/card/at88sc1608.ts';
import { IN_FLIGHT, updated } from '../../../src/simulator/card/chip.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { Sle4428, blank4428 } from '../../../src/simulator/card/sle4428.ts';
import { Sle4442, blank4442 } from '../../../src/simulator/card/sle4442.ts';
import { AcsReader, pageCodeOf } from '../../../src/simulator/reader/acs.ts';
import type { AcsChip, AcsVariant } from '../../../src/simulator/reader/acs.ts';
import { say } from './slots.ts';

function inserted(chip: AcsChip, variant?: AcsVariant): AcsReader {
  const reader = new AcsReader(chip, variant);
  reader.insert();
  return reader;
}
const new4442 = (): Sle4442 => new Sle4442({ ...blank4442(), security: '07116806' });
function new4428(): Sle4428 {
  const chip = new Sle4428(blank4428());
  chip.poke(1021, bytesOf('FF1234'));
  return chip;
}
function new102(): At88Sc102 {
  const chip = new At88Sc102({ ...blank102('C0DE'), issuerFuse: false });
  chip.poke(0x56, bytesOf('112233445566'));
  chip.poke(0x9c, bytesOf('A1A2A3A4'));
  return chip;
}
function new1608(): At88Sc1608 {
  const chip = new At88Sc1608(blank1608('5EC0DE'));
  chip.pokeConfig(AT88SC1608_SETTINGS.accessAt + 1, Uint8Array.of(0x23 | (3 << 2)));
  chip.pokeConfig(AT88SC1608_SETTINGS.passwordsAt + 24, bytesOf('FF010203FF0A0B0C'));
  return chip;
}
const TYPES: readonly (readonly [string, () => AcsChip, string, string])[] = [
  ['SLE4442', new4442, '06', '3B04A2131091'],
  ['SLE4428', new4428, '05', '3B0492231091'],
  ['AT24C16', () => new At24(blankAt24('c16')), '01', '3B00'],
  ['AT24C64', () => new At24(blankAt24('c64')), '02', '3B00'],
  ['AT88SC102', new102, '09', '3B00'],
  ['AT88SC1608', new1608, '04', '3B00'],
];

describe('an ACS reader', () => {
  it.each(TYPES)(
    '%s: its ATR, its type only, and nothing before the type is selected',
    (_, make, type, atr) => {
      const reader = inserted(make());
      expect(hexOf(reader.answerToReset() as Uint8Array)).toBe(atr);
      expect(say(reader, 'FFB0000001')).toBe('6300');
      for (const [, , other] of TYPES) {
        expect(say(reader, `FFA4000001${other}`)).toBe(other === type ? '9000' : '6300');
        expect(say(reader, 'FFB0000001').slice(-4)).toBe(other === type ? '9000' : '6300');
      }
      expect(say(reader, 'FFA400000108')).toBe('6A81');
      expect(say(reader, 'FFA4000002')).toBe('6700');
      expect(say(reader, `FFA4000001${type}`, 'FFEE000000')).toBe('6A81');
      // Selected until the next reset.
      reader.reset();
      expect(say(reader, 'FFB0000001')).toBe('6300');
      expect(say(reader, `FFA4000001${type}`)).toBe('9000');
      reader.remove();
      expect(reader.process(bytesOf('FFB0000001')).kind).toBe('silent');
      reader.insert();
      expect(say(reader, 'FFB0000001')).toBe('6300');
    },
  );

  it.each([
    ['another class', '00B0000001', '6E00'],
    ['a stump', 'FFB000', '6700'],
    ['a wrong length', 'FFD0004002AA', '6700'],
  ])('refuses %s', (_, apdu, sw) => {
    expect(say(inserted(new4442()), 'FFA400000106', apdu)).toBe(sw);
  });

  it('gives the chip’s answer to reset on selection when it is an old ACR38', () => {
    expect(say(inserted(new4442(), 'acr38'), 'FFA400000106')).toBe('A21310919000');
    expect(say(inserted(new4428(), 'acr38'), 'FFA400000105')).toBe('922310919000');
  });

  it('is silent with a mute chip, or without power, and torn with a cut one', () => {
    const mute = new4442();
    mute.arm({ mute: true });
    const reader = inserted(mute);
    expect(reader.answerToReset()).toBeNull();
    expect(reader.process(bytesOf('FFA400000106')).kind).toBe('silent');
    const off = inserted(new4442());
    say(off, 'FFA400000106');
    off.powerOff();
    expect(say(off, 'FFB0000001')).toBe('6300');
    const late = new4442();
    const slot = inserted(late);
    say(slot, 'FFA400000106');
    late.arm({ mute: true });
    expect(slot.process(bytesOf('FFB0000001')).kind).toBe('silent');
    const cut = new4442();
    const torn = inserted(cut);
    say(torn, 'FFA400000106');
    cut.arm({ atCommand: 1, when: 'before' });
    expect(torn.process(bytesOf('FFB0000001')).kind).toBe('torn');
    expect(torn.transcript).toEqual([
      '-- inserted',
      '=> FFA400000106',
      '<= 9000',
      '=> FFB0000001',
      '-- torn',
    ]);
  });
});

describe('an ACS reader with an SLE4442', () => {
  const selected = (variant?: AcsVariant, chip = new4442()): AcsReader => {
    const reader = inserted(chip, variant);
    say(reader, 'FFA400000106');
    return reader;
  };

  it('reads memory, counter and protection', () => {
    const reader = selected();
    expect(say(reader, 'FFB0000004')).toBe('A21310919000');
    expect(say(reader, 'FFB0000000')).toHaveLength(2 * 256 + 4);
    expect(say(reader, 'FFB000F011')).toBe('6700');
    expect(say(reader, 'FFB1000004')).toBe('070000009000');
    expect(say(reader, 'FFB1000000')).toBe('6700');
    expect(say(reader, 'FFB2000004')).toBe('F0FFFFFF9000');
    expect(say(reader, 'FFB2000003')).toBe('6700');
  });

  it('as an old ACR38 puts the protection bytes behind what it reads, and wants Le 00 for the counter', () => {
    const reader = selected('acr38');
    expect(say(reader, 'FFB0000004')).toBe('A2131091F0FFFFFF9000');
    expect(say(reader, 'FFB1000000')).toBe('070000009000');
    expect(say(reader, 'FFB1000004')).toBe('6700');
  });

  it.each<AcsVariant>(['ccid', 'acr38'])(
    '%s: answers 90 and the error counter to a code, right or wrong',
    (variant) => {
      const reader = selected(variant);
      expect(say(reader, 'FF20000003111111')).toBe('9006');
      expect(say(reader, 'FF20000003111111')).toBe('9004');
      expect(say(reader, 'FF20000003116806')).toBe('9007');
      for (const left of ['9006', '9004', '9000', '9000'])
        expect(say(reader, 'FF20000003111111')).toBe(left);
      reader.reset();
      // Locked: it looks like success to whoever compares with 9000.
      expect(say(reader, 'FFA400000106', 'FF20000003116806')).toBe('9000');
      expect(say(reader, 'FFD00040015A')).toBe('9000');
      expect(say(reader, 'FFB0004001').slice(0, 2)).toBe('FF');
      expect(say(reader, 'FF200000021168')).toBe('6700');
    },
  );

  it('answers 9000 to a write that the chip did not carry out', () => {
    const chip = new4442();
    const reader = selected('ccid', chip);
    expect(say(reader, 'FFD00040025A5B')).toBe('9000');
    expect(hexOf(chip.peek().subarray(0x40, 0x42))).toBe('FFFF');
    say(reader, 'FF20000003116806');
    expect(say(reader, 'FFD00040025A5B')).toBe('9000');
    expect(hexOf(chip.peek().subarray(0x40, 0x42))).toBe('5A5B');
    expect(say(reader, 'FFD000FF025A5B')).toBe('6700');
    // Selecting again powers the chip down.
    say(reader, 'FFA400000106');
    say(reader, 'FFD0004001EE');
    expect(chip.peek()[0x40]).toBe(0x5a);
  });

  it('protects what compares, below 20', () => {
    const reader = selected();
    say(reader, 'FF20000003116806');
    expect(say(reader, 'FFD1000502FF00')).toBe('9000');
    expect(say(reader, 'FFB2000004')).toBe('D0FFFFFF9000');
    expect(say(reader, 'FFD1001F02FFFF')).toBe('6700');
  });

  it('changes the code, and shows it while it is known', () => {
    const reader = selected();
    expect(say(reader, 'FFD2000103010203')).toBe('9000');
    expect(say(reader, 'FF20000003116806')).toBe('9007');
    expect(say(reader, 'FFD2000103010203')).toBe('9000');
    expect(say(reader, 'FFB1000004')).toBe('070102039000');
    say(reader, 'FFA400000106');
    expect(say(reader, 'FF20000003010203')).toBe('9007');
    expect(say(reader, 'FFD20001020102')).toBe('6700');
  });

  it.each(IN_FLIGHT)('cut at every change of presenting and writing: %s in flight', (inFlight) => {
    const apdus = ['FF20000003116806', 'FFD00040042A002A00'];
    for (let n = 1; n <= 6; n++) {
      const chip = new4442();
      const reader = selected('ccid', chip);
      chip.arm({ afterOps: n, inFlight });
      const kinds = apdus.map((apdu) => reader.process(bytesOf(apdu)).kind);
      expect(kinds[n <= 2 ? 0 : 1]).toBe('torn');
      const target = [0x2a, 0x00, 0x2a, 0x00];
      expect([...chip.peek().subarray(0x40, 0x44)]).toEqual(
        target.map((byte, i) =>
          i < n - 3 ? byte : i === n - 3 ? updated(0xff, byte, inFlight) : 0xff,
        ),
      );
      reader.remove();
      reader.insert();
      expect(say(reader, 'FFA400000106', 'FF20000003116806')).toBe('9007');
      expect(say(reader, 'FFD00040042A002A00', 'FFB0004004')).toBe('2A002A009000');
    }
  });
});

describe('an ACS reader with an SLE4428', () => {
  const selected = (variant?: AcsVariant): AcsReader => {
    const reader = inserted(new4428(), variant);
    say(reader, 'FFA400000105');
    return reader;
  };

  it('reads, the old ACR38 no more than EC at once', () => {
    expect(say(selected(), 'FFB00000FF')).toHaveLength(2 * 255 + 4);
    expect(say(selected('acr38'), 'FFB00000ED')).toBe('6700');
    expect(say(selected('acr38'), 'FFB00000EC')).toHaveLength(2 * 0xec + 4);
    expect(say(selected(), 'FFB003FD03')).toBe('FF00009000');
    expect(say(selected(), 'FFB003FE03')).toBe('6700');
    expect(say(selected(), 'FFB1000003')).toBe('FF00009000');
    expect(say(selected('acr38'), 'FFB1000000')).toBe('FF00009000');
    expect(say(selected(), 'FFB2000004')).toBe('00FF1FF89000');
    expect(say(selected(), 'FFB2000021')).toBe('6700');
  });

  it('presents its code, writes, protects and changes the code', () => {
    const reader = selected();
    expect(say(reader, 'FFD00100015A', 'FFB0010001')).toBe('FF9000');
    expect(say(reader, 'FF200000021235')).toBe('90FE');
    expect(say(reader, 'FF200000021234')).toBe('90FF');
    expect(say(reader, 'FFD00100025A5B', 'FFB0010002')).toBe('5A5B9000');
    expect(say(reader, 'FFD1010002AA5B', 'FFB2010001')).toBe('FD9000');
    expect(say(reader, 'FFD003FE025678')).toBe('9000');
    expect(say(reader, 'FFA400000105', 'FF200000025678')).toBe('90FF');
    for (let i = 0; i < 9; i++) say(reader, 'FF200000020000');
    expect(say(reader, 'FF200000025678')).toBe('9000');
    expect(say(reader, 'FFB003FD01')).toBe('009000');
    expect(say(reader, 'FFD2000103010203')).toBe('6A81');
  });
});

describe('an ACS reader with an AT24Cxx', () => {
  const wrote = (type: At24Type, pageCode: string | null): string => {
    const chip = new At24(blankAt24(type));
    const reader = inserted(chip);
    say(reader, `FFA40000010${chip.size > 2048 ? '2' : '1'}`);
    if (pageCode !== null) expect(say(reader, `FF01000001${pageCode}`)).toBe('9000');
    expect(
      say(
        reader,
        `FFD0000428${Array.from({ length: 40 }, (_, i) => hexOf(Uint8Array.of(i))).join('')}`,
      ),
    ).toBe('9000');
    return say(reader, 'FFB0000428').slice(0, -4);
  };
  const right = Array.from({ length: 40 }, (_, i) => hexOf(Uint8Array.of(i))).join('');

  it('writes page by page, of 8 unless told; told of too big a page it spoils the chip’s memory', () => {
    for (const type of ['c02', 'c04', 'c64'] as const) {
      expect(wrote(type, null)).toBe(right);
      expect(wrote(type, hexOf(Uint8Array.of(pageCodeOf(new At24(blankAt24(type))))))).toBe(right);
      expect(wrote(type, '07')).not.toBe(right);
    }
  });

  it('forgets its page size when the card leaves, not with a reset', () => {
    const chip = new At24(blankAt24('c02'));
    const reader = inserted(chip);
    say(reader, 'FFA400000101', 'FF0100000104');
    reader.reset();
    say(reader, 'FFA400000101', 'FFD00000080001020304050607');
    const spoilt = (): boolean => {
      const before = hexOf(chip.peek().subarray(0, 8));
      say(reader, 'FFD000040C000102030405060708090A0B');
      return hexOf(chip.peek().subarray(0, 8)) !== `${before.slice(0, 8)}00010203`;
    };
    expect(spoilt()).toBe(true);
    reader.remove();
    reader.insert();
    say(reader, 'FFA400000101');
    expect(spoilt()).toBe(false);
  });

  it.each([
    ['an unknown page size', 'FF0100000102', '6A81'],
    ['writing past the end', 'FFD000FF020102', '6700'],
    ['reading past the end', 'FFB000FF02', '6700'],
    ['a code', 'FF20000003FFFFFF', '6A81'],
  ])('refuses %s', (_, apdu, sw) => {
    expect(say(inserted(new At24(blankAt24('c02'))), 'FFA400000101', apdu)).toBe(sw);
  });
});

describe('an ACS reader with an AT88SC102', () => {
  const selected = (chip = new102()): AcsReader => {
    const reader = inserted(chip);
    say(reader, 'FFA400000109');
    return reader;
  };

  it('says 9000 to a code, right or wrong; the counter tells; 6300 once no try is left', () => {
    const reader = selected();
    expect(say(reader, 'FF20080A02C0DF')).toBe('9000');
    expect(say(reader, 'FFB0000C01')).toBe('7F9000');
    expect(say(reader, 'FF20080A02C0DE')).toBe('9000');
    expect(say(reader, 'FFB0000C01')).toBe('FF9000');
    for (let i = 0; i < 8; i++) expect(say(reader, 'FF20080A020000')).toBe('9000');
    expect(say(reader, 'FF20080A02C0DE')).toBe('6300');
  });

  it('writes bits, erases words and zones', () => {
    const reader = selected();
    expect(say(reader, 'FFD0001802C355', 'FFB0001802')).toBe('FFFF9000');
    say(reader, 'FF20080A02C0DE');
    expect(say(reader, 'FFD0001802C355', 'FFB0001802')).toBe('C3559000');
    expect(say(reader, 'FFD0001801F0', 'FFB0001802')).toBe('C0559000');
    expect(say(reader, 'FFD2001800', 'FFB0001802')).toBe('C0559000');
    expect(say(reader, 'FF20005606112233445567', 'FFB0001802')).toBe('C0559000');
    expect(say(reader, 'FF20005606112233445566', 'FFB0001802')).toBe('FFFF9000');
    expect(say(reader, 'FFD0000E011E', 'FFD2000E00', 'FFB0000E01')).toBe('FF9000');
    // Zone 2 erases with its counter only.
    expect(say(reader, 'FFD00060010F', 'FF20009C04A1A2A3A4', 'FFB0006001')).toBe('0F9000');
    expect(say(reader, 'FF20809C04A1A2A3A4', 'FFB0006001')).toBe('FF9000');
    expect(say(reader, 'FFB000A001')).toBe('7F9000');
    expect(say(reader, 'FF20005602A1A2')).toBe('6700');
    expect(say(reader, 'FF20080B02C0DE')).toBe('6A81');
    expect(say(reader, 'FFB000B202')).toBe('6700');
  });

  it('erases zone 2 so often as its counter has bits', () => {
    const chip = new102();
    chip.poke(AT88SC102_SETTINGS.map.ec2.at / 8, new Uint8Array(16));
    const reader = selected(chip);
    say(reader, 'FF20080A02C0DE');
    expect(say(reader, 'FF20809C04A1A2A3A4')).toBe('6300');
  });

  it('blows a fuse', () => {
    const chip = new At88Sc102(blank102('C0DE'));
    const reader = selected(chip);
    expect(say(reader, 'FF20080A02C0DE', 'FF0500000406100101')).toBe('9000');
    expect(chip.toJSON().issuerFuse).toBe(false);
  });
});

describe('an ACS reader with an AT88SC1608', () => {
  it('reads and writes zones behind their passwords, across pages', () => {
    const reader = inserted(new1608());
    expect(say(reader, 'FFA400000104')).toBe('9000');
    expect(say(reader, 'FFB0010002')).toBe('00009000');
    expect(say(reader, 'FF2000000403010204')).toBe('90FE');
    expect(say(reader, 'FF2000000403010203')).toBe('90FF');
    expect(say(reader, 'FFD0010E04A1A2A3A4', 'FFB0010E04')).toBe('A1A2A3A49000');
    expect(say(reader, 'FF200000040B0A0B0C')).toBe('90FF');
    expect(say(reader, 'FFB1005808')).toBe('FF010203FF0A0B0C9000');
    expect(say(reader, 'FFD1005903111213', 'FFB1005804')).toBe('FF1112139000');
    for (let i = 0; i < 8; i++) say(reader, 'FF2000000403999999');
    expect(say(reader, 'FF2000000403111213')).toBe('9000');
    expect(say(reader, 'FFB0000000')).toHaveLength(516);
    expect(say(reader, 'FFB1007002').slice(-4)).toBe('9000');
    expect(say(reader, 'FFB1007F02')).toBe('6700');
    expect(say(reader, 'FFD000FF020102')).toBe('6700');
  });

  it('as an old ACR38 says 9000 to every password', () => {
    const reader = inserted(new1608(), 'acr38');
    expect(say(reader, 'FFA400000104')).toBe('2CAA55A09000');
    expect(say(reader, 'FF2000000403010204')).toBe('9000');
    expect(say(reader, 'FFB1005801')).toBe('FE9000');
  });
});
