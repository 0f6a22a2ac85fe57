import type { PaymentProvider } from '../../payment/types.ts';
import { readReceipt } from '../../shared/evidence.ts';
import type { PaymentEvidence } from '../../shared/evidence.ts';
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
  /** For whom it was issued; null: a wallet knows nothing of terminals and orders. */
  readonly issuedTo: { readonly terminalId: string; readonly orderId: string } | null;
}

/** What a token is asked to be the grant of. */
export type Granted = Pick<Grant, 'kind' | 'terminalId' | 'orderId' | 'digest'>;

/** Whose word central takes: its own, under its signature, and that of whoever took the money. */
export interface Trust {
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
  readonly wallets: readonly PaymentProvider[];
}

/** Belief by signatures; no database and no clock. */
export function trustIn({ answerKeys, gatewayKeys, wallets }: TrustParts): Trust {
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
        const { terminalId, orderId, ...proof } = read.value;
        return ok({ ...proof, issuedTo: { terminalId, orderId } });
      }
      const { wallet } = evidence;
      const read = wallets.find((w) => w.kind === wallet)?.readEvidence?.(evidence);
      if (read === undefined) return err('unknown-key');
      if (!read.ok) return read;
      const { transactionId: walletNumber, ...capture } = read.value;
      return ok({ wallet, walletNumber, ...capture, issuedTo: null });
    },
  };
}
