import { blank102, AT88SC102_SETTINGS } from './at88sc102.ts';
import type { At88Sc102State } from './at88sc102.ts';
import { AT88SC1608_SETTINGS } from './at88sc1608.ts';
import type { At88Sc1608State } from './at88sc1608.ts';
import { AT24_SIZES } from './at24.ts';
import type { At24State, At24Type } from './at24.ts';
import { bytesOf, hexOf, numberHex } from './codec.ts';
import { cardKey, macOf, tripleDesBlock } from './des.ts';
import { codeOf4442, issue4442, purchaseHex } from './issue-4442.ts';
import type { Purchase4442 } from './issue-4442.ts';
import { blank4428 } from './sle4428.ts';
import type { Sle4428State } from './sle4428.ts';

/**
 * Issuing of the layouts with two purchase blocks on chips other than SLE4442 and Mifare
 * (docs/layouts).
 */

/** layouts.md, sample keys KM-PSC and MK-MAC. */
const MASTER_CODE = bytesOf('00112233445566778899AABBCCDDEEFF');
const MASTER_MAC = bytesOf('1032547698BADCFE0123456789ABCDEF');

/** What an issuer puts on a card, and what a meter wrote. */
export interface IssueBlocks {
  /** 10 digits each. */
  readonly cardNo: string;
  readonly userNo: string;
  /** 01 gas (default), 02 water, 03 heat. */
  readonly kind?: string;
  /** Default: a user's card of the layout. */
  readonly mark?: string;
  /** Blocks A and B; null: erased. Without `a`: a new card, A with seq 01 and zeros. */
  readonly a?: Purchase4442 | null;
  readonly b?: Purchase4442 | null;
  /**
   * The 32 bytes that a meter wrote, in hex; null or absent: none did. On PL-102 behind block A,
   * and `meterAreaB` behind B.
   */
  readonly meterArea?: string | null;
  readonly meterAreaB?: string | null;
}

const FRESH: Purchase4442 = { seq: 1, count: 0, quantity: 0, cumulative: 0, tag: '00000000' };
const ERASED = 'FF'.repeat(16);
const blockHex = (p: Purchase4442 | null | undefined): string =>
  p === null || p === undefined ? ERASED : purchaseHex(p);

/**
 * The 16 bytes of an identity, in hex: mark, card and user number, kind, unit 01, region 03,
 * version 01, XOR.
 */
export function identityHex(card: IssueBlocks, mark: string): string {
  const issuer = `${card.mark ?? mark}${card.cardNo}${card.userNo}${card.kind ?? '01'}010301`;
  return (
    issuer +
    numberHex(
      bytesOf(issuer).reduce((sum, byte) => sum ^ byte, 0),
      1,
    )
  );
}

/** The first `bytes` of the cryptogram of card number and purpose (three characters). */
export function codeFor(cardNo: string, purpose: string, bytes: number): string {
  return hexOf(
    tripleDesBlock(
      MASTER_CODE,
      bytesOf(cardNo + hexOf(new TextEncoder().encode(purpose))),
    ).subarray(0, bytes),
  );
}

/** The proof behind a PL-24 block, 8 bytes in hex. */
export function proofOf(cardNo: string, identity: Uint8Array, block: Uint8Array): string {
  return hexOf(
    macOf(cardKey(MASTER_MAC, bytesOf(`${cardNo}4D4143`)), new Uint8Array(8), [
      ...identity,
      ...block,
    ]),
  );
}

/**
 * A PL-4428 card: the map of PL-4442 under its own factory area, mark and code
 * (docs/layouts/pl-4428.md).
 */
export function issue4428(card: IssueBlocks, tries = 0xff): Sle4428State {
  const { meterArea, ...rest } = card;
  const map = issue4442({
    ...rest,
    mark: card.mark ?? '51',
    ...(meterArea === undefined || meterArea === null ? {} : { meterArea }),
  }).main.slice(8, 0x80 * 2);
  const code = hexOf(codeOf4442(card.cardNo).subarray(0, 2));
  return {
    ...blank4428(),
    main: `92231091${map}${'FF'.repeat(1021 - 0x80)}${numberHex(tries, 1)}${code}`,
  };
}

/** A PL-102 card, personalised: both fuses are blown, so that zone 2 is erased as often as zone 1. */
export function issue102(card: IssueBlocks): At88Sc102State {
  const { map } = AT88SC102_SETTINGS;
  const memory = bytesOf(blank102(codeFor(card.cardNo, 'PSC', 2)).memory);
  const put = (bit: number, hex: string): void => memory.set(bytesOf(hex), bit >> 3);
  const identity = identityHex(card, '53');
  put(map.iz.at, identity.slice(0, 16));
  put(map.cpz.at, identity.slice(16));
  put(
    map.az1.at + 128,
    blockHex(card.a === undefined ? FRESH : card.a) + (card.meterArea ?? 'FF'.repeat(32)),
  );
  put(map.ez1.at, codeFor(card.cardNo, 'EZ1', 6));
  put(map.az2.at + 128, blockHex(card.b) + (card.meterAreaB ?? 'FF'.repeat(32)));
  put(map.ez2.at, codeFor(card.cardNo, 'EZ2', 4));
  return { kind: 'at88sc102', memory: hexOf(memory), issuerFuse: false, ec2Fuse: false };
}

/**
 * Access registers of a PL-1608 card's zones 0, 1, 2 and of all others: read by everybody; 0 and
 * the rest closed for ever, 1 and 2 written with passwords 1 and 2.
 */
const ACCESS_1608 = ['7D', '67', '6B', '7D', '7D', '7D', '7D', '7D'].join('');

/** A PL-1608 card, personalised. */
export function issue1608(card: IssueBlocks): At88Sc1608State {
  const config = new Uint8Array(128).fill(0xff);
  config.set(bytesOf('2CAA55A0'));
  config.set(bytesOf(ACCESS_1608), AT88SC1608_SETTINGS.accessAt);
  for (let set = 0; set < 8; set++) {
    config.set(
      bytesOf(codeFor(card.cardNo, `PW${set}`, 3)),
      AT88SC1608_SETTINGS.passwordsAt + 8 * set + 1,
    );
    config.set(
      bytesOf(codeFor(card.cardNo, `PR${set}`, 3)),
      AT88SC1608_SETTINGS.passwordsAt + 8 * set + 5,
    );
  }
  const zone = (hex: string): string => hex + 'FF'.repeat(256 - hex.length / 2);
  const user =
    zone(identityHex(card, '54')) +
    zone(blockHex(card.a === undefined ? FRESH : card.a) + blockHex(card.b)) +
    zone(card.meterArea ?? '00'.repeat(32)) +
    zone('').repeat(5);
  return { kind: 'at88sc1608', user, config: hexOf(config), personalised: true };
}

/** A PL-24 card on the chip of this size. */
export function issue24(card: IssueBlocks, type: At24Type = 'c02'): At24State {
  const identity = identityHex(card, '55');
  const page = (hex: string): string => hex + 'FF'.repeat(32 - hex.length / 2);
  const proven = (p: Purchase4442 | null | undefined): string => {
    const block = blockHex(p);
    return page(
      p === null || p === undefined
        ? block
        : block + proofOf(card.cardNo, bytesOf(identity), bytesOf(block)),
    );
  };
  const map =
    page(identity) +
    proven(card.a === undefined ? FRESH : card.a) +
    proven(card.b) +
    page(card.meterArea ?? '00'.repeat(32));
  return { kind: 'at24', type, main: map + 'FF'.repeat(AT24_SIZES[type].size - map.length / 2) };
}
