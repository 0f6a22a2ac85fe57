import { createHash } from 'node:crypto';
import { bytesOf, hexOf, numberHex, sealed } from './codec.ts';
import { tripleDesBlock } from './des.ts';
import type { Sle4442State } from './sle4442.ts';

/** layouts.md, sample key KM-PSC. */
const MASTER_CODE = bytesOf('00112233445566778899AABBCCDDEEFF');

/** The code of a PL-4442 card, 3 bytes. */
export function codeOf4442(cardNo: string): Uint8Array {
  return tripleDesBlock(MASTER_CODE, bytesOf(`${cardNo}505343`)).subarray(0, 3);
}

/** First 4 bytes of the order id's SHA-256, in hex. */
export function tagHex(orderId: string): string {
  return createHash('sha256').update(orderId, 'ascii').digest('hex').slice(0, 8).toUpperCase();
}

/** One of the two purchase blocks. Quantities in the layout's 0.01 units. */
export interface Purchase4442 {
  readonly seq: number;
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
  /** Order tag, 8 hex digits; 00000000: none. */
  readonly tag: string;
}

/** The 16 bytes of a purchase block, in hex. */
export function purchaseHex(p: Purchase4442): string {
  return sealed(
    `${numberHex(p.seq, 1)}${numberHex(p.count, 2)}${numberHex(p.quantity, 3)}${numberHex(p.cumulative, 4)}${p.tag}`,
  );
}

/** What an issuer puts on a card. */
export interface Issue4442 {
  /** 10 digits each. */
  readonly cardNo: string;
  readonly userNo: string;
  /** 01 gas (default), 02 water, 03 heat. */
  readonly kind?: string;
  /** 01 volume (default), 02 fen. */
  readonly unit?: string;
  readonly region?: string;
  /** Default 50: a user's card. */
  readonly mark?: string;
  /** Blocks A and B; null: erased. Without `a`: a new card, A with seq 01 and zeros. */
  readonly a?: Purchase4442 | null;
  readonly b?: Purchase4442 | null;
  /** Default: alarm 10.00, overdraft 5.00, ceiling 1 000.00. */
  readonly alarm?: number;
  readonly overdraft?: number;
  readonly ceiling?: number;
  readonly replacements?: number;
  /** The 32 bytes that a meter writes, in hex; default: none did, zeros. */
  readonly meterArea?: string;
  /** The chip's error counter; default 07. */
  readonly tries?: number;
}

const ERASED = 'FF'.repeat(16);

/** A card as its issuer hands it out (layouts.md, "PL-4442"): issuer area protected, code set. */
export function issue4442(card: Issue4442): Sle4442State {
  const issuer = `${card.mark ?? '50'}${card.cardNo}${card.userNo}${card.kind ?? '01'}${card.unit ?? '01'}${card.region ?? '03'}01`;
  const check = bytesOf(issuer).reduce((sum, byte) => sum ^ byte, 0);
  const block = (p: Purchase4442 | null): string => (p === null ? ERASED : purchaseHex(p));
  const fresh: Purchase4442 = { seq: 1, count: 0, quantity: 0, cumulative: 0, tag: '00000000' };
  const limits = sealed(
    `${numberHex(card.alarm ?? 1000, 2)}${numberHex(card.overdraft ?? 500, 2)}${numberHex(card.ceiling ?? 100_000, 4)}${numberHex(card.replacements ?? 0, 1)}00`,
  );
  const main = [
    `A2131091${'FF'.repeat(28)}`,
    issuer + numberHex(check, 1),
    block(card.a === undefined ? fresh : card.a),
    block(card.b ?? null),
    limits + 'FF'.repeat(4),
    card.meterArea ?? '00'.repeat(32),
    ERASED.repeat(8),
  ].join('');
  return {
    kind: 'sle4442',
    main,
    protection: '00000000',
    security: numberHex(card.tries ?? 7, 1) + hexOf(codeOf4442(card.cardNo)),
  };
}
