import { bytesOf, hexOf, numberHex } from './codec.ts';
import { tripleDesBlock } from './des.ts';
import { purchaseHex } from './issue-4442.ts';
import type { Purchase4442 } from './issue-4442.ts';
import { accessHex, blankMifare } from './mifare-classic.ts';
import type { MifareClassicState } from './mifare-classic.ts';

/** layouts.md, "sample key" table: KM-PSC. */
const MASTER = bytesOf('00112233445566778899AABBCCDDEEFF');

/** A sector's own key (docs/layouts/pl-m1.md, Keys). */
export function sectorKeyHex(uid: string, sector: number, which: 'A' | 'B'): string {
  return hexOf(
    tripleDesBlock(
      MASTER,
      bytesOf(`${uid}4D${numberHex(sector, 1)}${which === 'A' ? '41' : '42'}00`),
    ).subarray(0, 6),
  );
}

export interface IssueM1 {
  /** 4 bytes, hex. */
  readonly uid: string;
  readonly cardNo: string;
  readonly userNo: string;
  /** Default 52: a user's card. */
  readonly mark?: string;
  readonly a: Purchase4442 | null;
  readonly b: Purchase4442 | null;
  /** The 32 bytes that a meter writes, in hex. */
  readonly meterArea?: string;
}

/** Data blocks: read with either key, written with key B; the trailer: changed with key B only. */
const SALE_ACCESS = `${accessHex([4, 4, 4, 3])}69`;

/** A PL-M1 card as its issuer hands it out. */
export function issueM1(card: IssueM1): MifareClassicState {
  const issuer = `${card.mark ?? '52'}${card.cardNo}${card.userNo}01010301`;
  const identity =
    issuer +
    numberHex(
      bytesOf(issuer).reduce((sum, b) => sum ^ b, 0),
      1,
    );
  const block = (p: Purchase4442 | null): string => (p === null ? '00'.repeat(16) : purchaseHex(p));
  const trailer = (sector: number): string =>
    sectorKeyHex(card.uid, sector, 'A') + SALE_ACCESS + sectorKeyHex(card.uid, sector, 'B');
  const blank = blankMifare(card.uid).blocks;
  const ours =
    identity +
    block(card.a) +
    block(card.b) +
    trailer(1) +
    (card.meterArea ?? '00'.repeat(32)) +
    '00'.repeat(16) +
    trailer(2);
  return { kind: 'mifare-classic', blocks: blank.slice(0, 4 * 32) + ours + blank.slice(12 * 32) };
}
