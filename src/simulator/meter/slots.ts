import type { At24 } from '../card/at24.ts';
import type { At88Sc102 } from '../card/at88sc102.ts';
import type { At88Sc1608 } from '../card/at88sc1608.ts';
import { bytesOf, hexOf } from '../card/codec.ts';
import { codeFor, proofOf } from '../card/issue-blocks.ts';
import { codeOf4442 } from '../card/issue-4442.ts';
import { sectorKeyHex } from '../card/issue-m1.ts';
import type { MifareClassic } from '../card/mifare-classic.ts';
import * as sle4428 from '../card/sle4428.ts';
import type { Sle4428 } from '../card/sle4428.ts';
import {
  COMPARE,
  READ_MAIN,
  READ_SECURITY,
  UPDATE_MAIN,
  UPDATE_SECURITY,
} from '../card/sle4442.ts';
import type { Sle4442 } from '../card/sle4442.ts';
import type { CardBytes, CardInMeter } from './block-meter.ts';

/**
 * The meters' side of each chip: its commands by the chip's own procedure, without a reader
 * between.
 */

const AREA_LENGTH = 32;

/** The map that PL-4442 and PL-4428 share. */
function shared(main: Uint8Array): CardBytes {
  const area = main.slice(0x60, 0x60 + AREA_LENGTH);
  return {
    identity: main.slice(0x20, 0x30),
    blocks: [main.slice(0x30, 0x40), main.slice(0x40, 0x50)],
    areas: [area, area],
  };
}

/** A meter’s slot for SLE4442 cards. */
export function in4442(card: Sle4442): CardInMeter {
  return {
    mark: 0x50,
    rule: 'count-exact',
    once: false,
    peek: () => shared(card.peek()),
    read: () => {
      const atr = card.powerOn();
      return atr === null || hexOf(atr) !== 'A2131091' ? null : shared(card.send(READ_MAIN, 0));
    },
    unlock: (cardNo) => {
      const counter = card.send(READ_SECURITY, 0)[0] as number;
      if (counter === 0) return false;
      card.send(UPDATE_SECURITY, 0, counter & (counter - 1));
      for (const [i, byte] of codeOf4442(cardNo).entries()) card.send(COMPARE, i + 1, byte);
      card.send(UPDATE_SECURITY, 0, 0xff);
      return card.send(READ_SECURITY, 0)[0] === 0x07;
    },
    write: (area) => {
      const have = card.send(READ_MAIN, 0x60);
      for (const [i, byte] of area.entries())
        if (have[i] !== byte) card.send(UPDATE_MAIN, 0x60 + i, byte);
    },
    powerOff: () => card.powerOff(),
  };
}

/** A meter’s slot for SLE4428 cards. */
export function in4428(card: Sle4428): CardInMeter {
  return {
    mark: 0x51,
    rule: 'count-exact',
    once: false,
    peek: () => shared(card.peek()),
    read: () => {
      const atr = card.powerOn();
      return atr === null || hexOf(atr) !== '92231091' ? null : shared(card.send(sle4428.READ, 0));
    },
    unlock: (cardNo) => {
      const counter = (): number => card.send(sle4428.READ, sle4428.COUNTER_ADDRESS)[0] as number;
      const before = counter();
      if (before === 0) return false;
      card.send(sle4428.WRITE_COUNTER, sle4428.COUNTER_ADDRESS, before & (before - 1));
      for (const [i, byte] of codeOf4442(cardNo).subarray(0, 2).entries())
        card.send(sle4428.VERIFY, sle4428.CODE_ADDRESS + i, byte);
      card.send(sle4428.UPDATE, sle4428.COUNTER_ADDRESS, 0xff);
      return counter() === 0xff;
    },
    write: (area) => {
      const have = card.send(sle4428.READ, 0x60);
      for (const [i, byte] of area.entries())
        if (have[i] !== byte) card.send(sle4428.UPDATE, 0x60 + i, byte);
    },
    powerOff: () => card.powerOff(),
  };
}

/** PL-M1: sector 1 identity and blocks, sector 2 the area. */
export function inM1(card: MifareClassic): CardInMeter {
  const uid = hexOf(card.uid);
  const of = (block: (number: number) => Uint8Array): CardBytes => {
    const area = Uint8Array.of(...block(8), ...block(9));
    return { identity: block(4), blocks: [block(5), block(6)], areas: [area, area] };
  };
  return {
    mark: 0x52,
    rule: 'count-exact',
    once: false,
    peek: () => of((number) => card.peek(number)),
    read: () => {
      if (card.powerOn() === null) return null;
      const blocks = new Map<number, Uint8Array>();
      for (const sector of [1, 2]) {
        if (!card.authenticate(sector * 4, 'A', bytesOf(sectorKeyHex(uid, sector, 'A'))))
          return null;
        for (const i of [0, 1, 2])
          blocks.set(sector * 4 + i, card.read(sector * 4 + i) ?? new Uint8Array(16));
      }
      return of((number) => blocks.get(number) as Uint8Array);
    },
    unlock: () => card.authenticate(8, 'B', bytesOf(sectorKeyHex(uid, 2, 'B'))),
    write: (area) => {
      for (const i of [0, 1]) card.write(8 + i, area.slice(16 * i, 16 * i + 16));
    },
    powerOff: () => card.powerOff(),
  };
}

/**
 * PL-102: each zone is a page of one purchase, 16 bytes block and 32 bytes answer behind 16 that
 * stay erased.
 */
export function in102(card: At88Sc102): CardInMeter {
  const { map } = card.settings;
  const zones = [map.az1.at >> 3, map.az2.at >> 3] as const;
  const of = (memory: Uint8Array): CardBytes => {
    const part = (at: number, length: number): Uint8Array => memory.slice(at, at + length);
    return {
      identity: Uint8Array.of(...part(map.iz.at >> 3, 8), ...part(map.cpz.at >> 3, 8)),
      blocks: [part(zones[0] + 16, 16), part(zones[1] + 16, 16)],
      areas: [part(zones[0] + 32, AREA_LENGTH), part(zones[1] + 32, AREA_LENGTH)],
    };
  };
  return {
    mark: 0x53,
    rule: 'count-greater',
    once: true,
    peek: () => of(card.peek()),
    read: () => (card.powerOn() === null ? null : of(card.read(0, map.mtz.at >> 3))),
    unlock: (cardNo) => {
      const counter = (): Uint8Array => card.read(map.scac.at >> 3, 1);
      card.compare(map.sc.at, bytesOf(codeFor(cardNo, 'PSC', 2)));
      const bit = [0, 1, 2, 3, 4, 5, 6, 7].find(
        (i) => ((counter()[0] as number) & (0x80 >> i)) !== 0,
      );
      if (bit === undefined || bit >= card.settings.tries) return false;
      card.write(map.scac.at + bit);
      card.erase(map.scac.at);
      return counter()[0] === 0xff;
    },
    write: (area, slot) => {
      const at = zones[slot] + 32;
      const have = card.read(at, AREA_LENGTH);
      for (const [i, byte] of area.entries()) {
        for (let bit = 0; bit < 8; bit++)
          if ((byte & (0x80 >> bit)) === 0 && ((have[i] as number) & (0x80 >> bit)) !== 0)
            card.write((at + i) * 8 + bit);
      }
    },
    powerOff: () => card.powerOff(),
  };
}

/** PL-1608: zones 0 identity, 1 blocks, 2 area. */
export function in1608(card: At88Sc1608): CardInMeter {
  const of = (zone: (number: number, length: number) => Uint8Array): CardBytes => {
    const blocks = zone(1, 32);
    const area = zone(2, AREA_LENGTH);
    return {
      identity: zone(0, 16),
      blocks: [blocks.slice(0, 16), blocks.slice(16)],
      areas: [area, area],
    };
  };
  return {
    mark: 0x54,
    rule: 'cumulative',
    once: false,
    peek: () => of((number, length) => card.peek(number).slice(0, length)),
    read: () => {
      const atr = card.powerOn();
      return atr === null || hexOf(atr) !== '2CAA55A0'
        ? null
        : of((number, length) => card.readUser(number, 0, length));
    },
    unlock: (cardNo) => card.verify(2, 'write', bytesOf(codeFor(cardNo, 'PW2', 3))),
    write: (area) => {
      for (const at of [0, 16]) card.writeUser(2, at, area.slice(at, at + 16));
    },
    powerOff: () => card.powerOff(),
  };
}

/** PL-24: a page of 32 bytes each for identity, blocks with their proofs, and area. */
export function in24(card: At24): CardInMeter {
  const of = (main: Uint8Array): CardBytes => {
    const identity = main.slice(0, 16);
    const cardNo = hexOf(identity.subarray(1, 6));
    const block = (at: number): Uint8Array | null => {
      const bytes = main.slice(at, at + 16);
      return hexOf(main.subarray(at + 16, at + 24)) === proofOf(cardNo, identity, bytes)
        ? bytes
        : null;
    };
    const area = main.slice(0x60, 0x60 + AREA_LENGTH);
    return { identity, blocks: [block(0x20), block(0x40)], areas: [area, area] };
  };
  return {
    mark: 0x55,
    rule: 'count-exact',
    once: false,
    peek: () => of(card.peek()),
    read: () => (card.powerOn() === null ? null : of(card.read(0, 0x80))),
    // The chip keeps nobody out.
    unlock: () => true,
    write: (area) => {
      for (let at = 0; at < AREA_LENGTH; at += 8) card.write(0x60 + at, area.slice(at, at + 8));
    },
    powerOff: () => card.powerOff(),
  };
}
