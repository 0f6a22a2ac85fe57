import type { IssuedPolicy, Policy, SignedPolicy } from '../../shared/policy.ts';
import type { KeyId, Signer } from '../../shared/ports.ts';
import { signText } from '../../shared/signatures.ts';
import { DAY_MS } from '../../shared/time.ts';

/** For how long a policy counts after it was issued, where the operator says nothing else. */
export const POLICY_VALID_DAYS = 30;
/**
 * How often it is issued anew. By the clock's own hours, so that several processes say the same to
 * the byte.
 */
const RENEW_MS = 3_600_000;

/** The policy as it is sent now, signed, with the end of its time. */
export function policyIssuer(
  policy: Policy,
  signer: Signer & KeyId,
  now: () => number,
  validDays = POLICY_VALID_DAYS,
): () => SignedPolicy {
  let issued: { readonly hour: number; readonly signed: SignedPolicy } | null = null;
  return () => {
    const hour = Math.floor(now() / RENEW_MS);
    if (issued?.hour !== hour) {
      const expiresAtMs = (hour + 1) * RENEW_MS + validDays * DAY_MS;
      const body = JSON.stringify({ ...policy, expiresAtMs } satisfies IssuedPolicy);
      issued = { hour, signed: { body, ...signText(signer, body) } };
    }
    return issued.signed;
  };
}
