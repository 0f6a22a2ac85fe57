import type { Announced } from '../../shared/central-api/index.ts';
import { MAX_AGE_MS, MAX_TARIFFS } from '../../shared/policy.ts';
import type { IssuedPolicy, Policy, SignedPolicy } from '../../shared/policy.ts';
import type { KeyId, Signer } from '../../shared/ports.ts';
import { signText } from '../../shared/signatures.ts';
import { DAY_MS } from '../../shared/time.ts';
import { select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { toldTariff } from '../sale/standing.ts';
import { TARIFFS } from '../sale/tables.ts';

/** For how long a policy counts after it was issued, where the operator says nothing else. */
export const POLICY_VALID_DAYS = 30;
/**
 * How often it is issued anew. By the clock's own hours, so that several processes say the same to
 * the byte.
 */
const RENEW_MS = 3_600_000;

/**
 * The policy as it is sent now, signed, with the end of its time and what is announced.
 *
 * @param sealTo the public key that requests are sealed to; null: none are taken
 */
export function policyIssuer(
  policy: Policy,
  signer: Signer & KeyId,
  now: () => number,
  validDays = POLICY_VALID_DAYS,
  sealTo: string | null = null,
): (tariffs: readonly Announced[]) => SignedPolicy {
  let issued: SignedPolicy | null = null;
  return (tariffs) => {
    const hour = Math.floor(now() / RENEW_MS);
    const expiresAtMs = (hour + 1) * RENEW_MS + validDays * DAY_MS;
    const told = tariffs.length === 0 ? {} : { tariffs: [...tariffs] };
    const sealed = sealTo === null || policy.requests === undefined ? {} : { sealTo };
    const issuedNow = { ...policy, expiresAtMs, ...told, ...sealed } satisfies IssuedPolicy;
    const body = JSON.stringify(issuedNow);
    if (issued?.body !== body) issued = { body, ...signText(signer, body) };
    return issued;
  };
}

/**
 * The versions of tariffs that every kiosk is told of with the policy: those to come, and those
 * that began since the oldest account answer by which anything may be sold offline.
 */
export async function announcedTariffs(sql: Sql, nowMs: number): Promise<readonly Announced[]> {
  const rows = await select(
    sql,
    TARIFFS,
    `from_ms > $1 ORDER BY from_ms, tariff_id, version LIMIT ${MAX_TARIFFS}`,
    [nowMs - MAX_AGE_MS],
  );
  return rows.flatMap((row) =>
    row.from_ms === null ? [] : [{ fromMs: row.from_ms, tariff: toldTariff(row) }],
  );
}
