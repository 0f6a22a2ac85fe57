import { createHmac } from 'node:crypto';
import type { Signer } from '../../shared/ports.ts';
import type { Leg } from './rows.ts';

/**
 * So many times one trade is opened at one wallet. Each has a number of its own, and after a backup
 * was put back every one of them is asked about.
 */
export const MAX_LEGS = 5;

/**
 * The gateway's own numbers. They follow from what a terminal asked for, under a secret that no
 * database holds: a gateway that lost the row finds the number again (decision 0067). Nobody else
 * can tell or guess one.
 */
export interface Numbers {
  /**
   * A wallet's trade: `G` and 26 hex digits.
   *
   * @param n the trade's first, second, … at this merchant's wallet
   */
  readonly leg: (trade: TradeName, at: Pick<Leg, 'merchant' | 'wallet'>, n: number) => string;
  /** A terminal's refund at whichever wallet: `H` and 26 hex digits. */
  readonly refund: (terminalId: string, outRefundNo: string) => string;
  /** What a trade's page is opened with. */
  readonly token: (trade: TradeName) => string;
}

/** A terminal's own name for a payment. */
export interface TradeName {
  readonly terminalId: string;
  readonly outTradeNo: string;
}

/** Signed once: no other text of the gateway's key begins like this. */
const LABEL = 'PILOTLIGHT-GATEWAY-NUMBERS\n1\n';
/** 104 bits, as long as the random ones of before: every wallet takes 27 letters and digits. */
const HEX_DIGITS = 26;

/**
 * @param signer the gateway's own key; its signatures are the same each time (Ed25519, RFC 8032)
 * @throws Error where they are not: such numbers would not be found again
 */
export function makeNumbers(signer: Signer): Numbers {
  const text = Buffer.from(LABEL, 'utf8');
  const secret = signer.sign(text);
  if (!Buffer.from(secret).equals(signer.sign(text)))
    throw new Error('the gateway’s key signs differently each time: it needs an Ed25519 key');
  const mac = (...parts: readonly (string | number)[]): Buffer =>
    createHmac('sha256', secret).update(JSON.stringify(parts)).digest();
  const hex = (bytes: Buffer): string => bytes.toString('hex').slice(0, HEX_DIGITS).toUpperCase();
  return {
    leg: ({ terminalId, outTradeNo }, { merchant, wallet }, n) =>
      `G${hex(mac('leg', terminalId, outTradeNo, merchant, wallet, n))}`,
    refund: (terminalId, outRefundNo) => `H${hex(mac('refund', terminalId, outRefundNo))}`,
    token: ({ terminalId, outTradeNo }) =>
      mac('page', terminalId, outTradeNo).subarray(0, 16).toString('base64url'),
  };
}

/**
 * A number of {@link Numbers}, or a random one of before: whatever else a merchant's bill lists is
 * another system's.
 */
export const OWN_NUMBER = /^G[0-9A-F]{26}$/;
