import { must, runChecks } from '../check.ts';
import type { Check, Outcome } from '../check.ts';
import { CLAIMS } from './checks/claims.ts';
import { CREDIT } from './checks/credit.ts';
import { GATEWAY } from './checks/gateway.ts';
import { FORKS, JOURNALS } from './checks/journal.ts';
import { QUOTES } from './checks/quotes.ts';
import { REFUSALS } from './checks/refusals.ts';
import { SIGNATURES } from './checks/signatures.ts';
import { World } from './world.ts';
import type { CentralSuiteParts } from './world.ts';

const MANY = 3;
const few = (lines: readonly string[]): string =>
  `${lines.length} of them, the first: ${[...new Set(lines)].slice(0, MANY).join(' · ')}`;

/** About every answer of the run: last, so that it has heard all. */
const HEARD: readonly Check<World>[] = [
  {
    id: 'ALL-01',
    says: 'Every answer of this run that a signed request got is signed and bound to it.',
    run: ({ heard }) => {
      must(heard.answers > 0, () => 'nothing was answered');
      must(heard.unsigned.length === 0, () => few(heard.unsigned));
      return Promise.resolve();
    },
  },
  {
    id: 'ALL-02',
    says: 'Every answer of this run has the form of docs/api: its schema, or a problem of a known type with its status.',
    run: ({ heard }) => {
      must(heard.answers > 0, () => 'nothing was answered');
      must(heard.misformed.length === 0, () => few(heard.misformed));
      return Promise.resolve();
    },
  },
];

/** Every check, in the order in which they are made. */
export const CENTRAL_CHECKS: readonly Check<World>[] = [
  ...SIGNATURES,
  ...QUOTES,
  ...JOURNALS,
  ...CLAIMS,
  ...CREDIT,
  ...GATEWAY,
  ...REFUSALS,
  ...FORKS,
  ...HEARD,
];

/** How a suite is run. */
export interface SuiteRun {
  readonly waits: boolean;
  readonly only?: readonly string[] | undefined;
  readonly heard?: (outcome: Outcome) => void;
}

/**
 * Runs the suite against a central, wherever it is.
 *
 * `waits`: leases are waited for, some minutes of the clock that is given · `only`: these groups,
 * and what is said of every answer; left out: all
 */
export function runCentralSuite(
  parts: CentralSuiteParts,
  { waits, only, heard }: SuiteRun,
): Promise<readonly Outcome[]> {
  const { config, receipts, gatewayKeys } = parts;
  const offered = new Set([
    ...(waits ? ['waits'] : []),
    ...(receipts === null ? [] : ['receipts']),
    ...(config.credit === undefined ? [] : ['credit']),
    ...(gatewayKeys === null ? [] : ['gateway']),
    ...(parts.pages === null ? [] : ['pages']),
    ...(config.suspended === undefined ? [] : ['suspended']),
    ...(config.revoked === undefined ? [] : ['revoked']),
    ...(config.hotListedCard === undefined ? [] : ['hot-listed']),
    ...(config.debtCard === undefined ? [] : ['debt']),
  ]);
  const checks =
    only === undefined
      ? CENTRAL_CHECKS
      : CENTRAL_CHECKS.filter(({ id }) => [...only, 'ALL'].includes(id.split('-', 1)[0] ?? ''));
  return runChecks(checks, new World(parts), offered, parts.clock, heard);
}
