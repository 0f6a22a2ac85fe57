import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { MerchantWallet, Merchants } from '../../payment/merchants.ts';
import type { Capture } from '../../payment/types.ts';
import { readReceipt } from '../../shared/evidence.ts';
import type { PaymentEvidence, WalletAnswer } from '../../shared/evidence.ts';
import { readGrant } from '../../shared/grants.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { Keyring } from '../../shared/signatures.ts';
import type { Grant } from '../../shared/trust.ts';

/** What somebody's signature says was captured, before it is known to fit anything here. */
export interface Proof {
  readonly wallet: string;
  /** The wallet's own number. */
  readonly walletNumber: string;
  /** The terminal's number of the trade. */
  readonly outTradeNo: string;
  readonly amountFen: number;
  /** When the wallet took it, ms; null: it does not say. */
  readonly paidMs: number | null;
  /** The merchant account that has the money. */
  readonly merchant: string;
  /** For whom it was issued; null: a wallet knows nothing of terminals and orders. */
  readonly issuedTo: { readonly terminalId: string; readonly orderId: string } | null;
}

/** What a token is asked to be the grant of. */
export type Granted = Pick<Grant, 'kind' | 'terminalId' | 'orderId' | 'digest'>;

/** Whose word central takes: its own, under its signature, and that of whoever took the money. */
export interface Trust {
  /** Whether credit is posted in an account book outside, whose word alone ends a posting. */
  readonly outside: boolean;
  /** The merchant account that collects for a payee, as it is configured now. */
  readonly collectorOf: Merchants['collectorOf'];
  /**
   * Whether the token is central's own grant of this.
   *
   * @returns when it was granted; null: it grants something else, or nothing
   */
  readonly granted: (token: string | undefined, what: Granted) => number | null;
  /** The same, with all that the token says. */
  readonly grant: (token: string | undefined, what: Granted) => Grant | null;
  /**
   * What was captured. `unknown-key`: it may be true, but the key is not known here (yet).
   * `not-proven`: it is not what it is said to be.
   */
  readonly proof: (evidence: PaymentEvidence) => Result<Proof, 'unknown-key' | 'not-proven'>;
}

/** What central believes by. */
export interface TrustParts {
  /** Central's own key for grants, and those that it had before. */
  readonly answerKeys: Keyring;
  /** The gateway's own key, and those that it had before. */
  readonly gatewayKeys: Keyring;
  /** The wallets whose own answers are evidence: with their public keys. */
  readonly wallets: readonly MerchantWallet[];
  /** Who collects for a payee. */
  readonly collectorOf: Merchants['collectorOf'];
  /** Left out: credit is posted in central's own database. */
  readonly outside?: boolean;
}

/** Belief by signatures; no database and no clock. */
export function trustIn({
  answerKeys,
  gatewayKeys,
  wallets,
  collectorOf,
  outside = false,
}: TrustParts): Trust {
  const grant: Trust['grant'] = (token, what) => {
    const read = token === undefined ? null : readGrant(answerKeys, token);
    if (read === null || !read.ok) return null;
    const { kind, terminalId, orderId, digest } = read.value;
    return kind === what.kind &&
      terminalId === what.terminalId &&
      orderId === what.orderId &&
      digest === what.digest
      ? read.value
      : null;
  };
  return {
    outside,
    collectorOf,
    grant,
    granted: (token, what) => grant(token, what)?.grantedMs ?? null,
    proof: (evidence) => {
      if (evidence.kind === 'receipt') {
        const read = readReceipt(gatewayKeys, evidence.token);
        if (!read.ok)
          return err(
            read.error === 'signature by a key that is not known here'
              ? 'unknown-key'
              : 'not-proven',
          );
        const { terminalId, orderId, merchant = HOUSE_MERCHANT, ...proof } = read.value;
        return ok({ ...proof, merchant, issuedTo: { terminalId, orderId } });
      }
      const read = readAnswer(wallets, evidence);
      if (!read.ok) return read;
      const { transactionId: walletNumber, ...capture } = read.value;
      return ok({ wallet: evidence.wallet, walletNumber, ...capture, issuedTo: null });
    },
  };
}

/**
 * Whose wallet an answer is of, by whose keys and names it holds. One that holds for two merchants
 * (they were given one key of a wallet that names no merchant) says nothing of either.
 */
function readAnswer(
  wallets: readonly MerchantWallet[],
  evidence: WalletAnswer,
): Result<Capture & { readonly merchant: string }, 'unknown-key' | 'not-proven'> {
  let known: (Capture & { readonly merchant: string }) | null = null;
  let strange = true;
  for (const { merchant, provider } of wallets) {
    const read = provider.kind === evidence.wallet ? provider.readEvidence?.(evidence) : undefined;
    if (read === undefined || (!read.ok && read.error === 'unknown-key')) continue;
    strange = false;
    if (!read.ok) continue;
    if (known !== null && known.merchant !== merchant) return err('not-proven');
    known = { ...read.value, merchant };
  }
  return known === null ? err(strange ? 'unknown-key' : 'not-proven') : ok(known);
}
