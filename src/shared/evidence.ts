import { z } from 'zod';
import { fen, natural } from './facts/bounds.ts';
import type { KeyId, Signer } from './ports.ts';
import type { Result } from './result.ts';
import { seal, tokenSchema, unseal } from './sealed-text.ts';
import type { Unsealed } from './sealed-text.ts';
import type { Keyring } from './signatures.ts';

const LABEL = 'PILOTLIGHT-RECEIPT';

/** Wallets whose answers carry a signature of their own, by a key that only they have. */
export const SIGNING_WALLETS = ['wechat', 'alipay'] as const;
/** See {@link SIGNING_WALLETS}. */
export type SigningWallet = (typeof SIGNING_WALLETS)[number];

/**
 * That an attempt's money was captured, by the word of whoever can know it, and that nobody can
 * change on its way. `receipt`: the gateway's, see {@link Receipt}. `wallet-answer`: what a wallet
 * said of the trade itself: the text that its signature covers, and the name of its key. It holds
 * what the wallet calls the payer; a receipt does not.
 */
export const evidenceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('receipt'), token: tokenSchema }),
  z.object({
    kind: z.literal('wallet-answer'),
    wallet: z.enum(SIGNING_WALLETS),
    /** The serial or id under which the wallet's public key is known; empty where it has one. */
    key: z.string().max(100),
    covered: z.string().max(8_000),
    /** Base64. */
    signature: z.string().max(1_000),
  }),
]);
/** See {@link evidenceSchema}. */
export type PaymentEvidence = z.infer<typeof evidenceSchema>;
/** What a wallet said under its own signature. */
export type WalletAnswer = Extract<PaymentEvidence, { kind: 'wallet-answer' }>;

/** The gateway's word that a wallet took the money of a terminal's trade, for one order. */
const receiptSchema = z.object({
  terminalId: z.string().max(64),
  orderId: z.string().min(1).max(64),
  /** The terminal's number of the trade. */
  outTradeNo: z.string().max(64),
  amountFen: fen,
  wallet: z.string().max(20),
  /** The wallet's own number of the payment: it pays one order, ever. */
  walletNumber: z.string().min(1).max(64),
  /** When the wallet took it; null: it does not say. */
  paidMs: natural.nullable(),
  /** The merchant account that has it; left out: the house's. */
  merchant: z.string().min(1).max(32).optional(),
});
/** See {@link receiptSchema}. */
export type Receipt = z.infer<typeof receiptSchema>;

/** A receipt under the gateway's signature. */
export const receiptToken = (signer: Signer & KeyId, receipt: Receipt): string =>
  seal(signer, LABEL, receipt);
/** What a receipt says, once the gateway's signature on it holds. */
export const readReceipt = (keys: Keyring, token: string): Result<Receipt, Unsealed> =>
  unseal(keys, LABEL, token, receiptSchema);
