import { gatewayOpenings } from './062-gateway-openings.ts';
import { keysForDistribution } from './061-keys-for-distribution.ts';
import { companyAccounts } from './059-company-accounts.ts';
import { initial } from './001-initial.ts';
import { claimsAndEpochs } from './002-claims-epochs.ts';
import { openWrites } from './003-open-writes.ts';
import { counterClaims } from './004-counter-claims.ts';
import { nonces } from './005-nonces.ts';
import { keptAndKeys } from './006-kept-and-keys.ts';
import { gateway } from './007-gateway.ts';
import { reconciliation } from './008-reconciliation.ts';
import { gatewaySettlements } from './009-gateway-settlements.ts';
import { cardUids } from './010-card-uids.ts';
import { gatewayOrders } from './011-gateway-orders.ts';
import { heldFacts } from './012-held-facts.ts';
import { terminalStatus } from './013-terminal-status.ts';
import { livesHeard } from './014-lives-heard.ts';
import { evidence } from './015-evidence.ts';
import { nonceMarks } from './016-nonce-marks.ts';
import { gatewayPages } from './017-gateway-pages.ts';
import { unprovenRefunds } from './018-unproven-refunds.ts';
import { cardsSeen } from './019-cards-seen.ts';
import { orderRecords } from './020-order-records.ts';
import { handRequests } from './021-hand-requests.ts';
import { refundBudgets } from './022-refund-budgets.ts';
import { terminalKeys } from './023-terminal-keys.ts';
import { refundSecond } from './024-refund-second.ts';
import { tariffDays } from './025-tariff-days.ts';
import { accountUse } from './026-account-use.ts';
import { soldAsOf } from './027-sold-as-of.ts';
import { keyRefusals } from './028-key-refusals.ts';
import { chipChanges } from './029-chip-changes.ts';
import { saleFindings } from './030-sale-findings.ts';
import { closeSent } from './031-close-sent.ts';
import { ratings } from './032-ratings.ts';
import { requests } from './033-requests.ts';
import { credit } from './037-credit.ts';
import { creditOffice } from './038-credit-office.ts';
import { accountBook } from './039-account-book.ts';
import { meterCommands } from './040-meter-commands.ts';
import { receipts } from './035-receipts.ts';
import { oneAccountAMeter } from './041-one-account-a-meter.ts';
import { fuelCards } from './049-fuel-cards.ts';
import { cardGrants } from './051-card-grants.ts';
import { partsOfBills } from './050-parts-of-bills.ts';
import { accountUseByMonth } from './044-account-use-by-month.ts';
import { invoices } from './042-invoices.ts';
import { creditActs } from './046-credit-acts.ts';
import { outageSms } from './047-outage-sms.ts';
import { merchants } from './052-merchants.ts';
import { heartbeats } from './053-heartbeats.ts';
import { staff } from './054-staff.ts';
import { staffIndexes } from './055-staff-indexes.ts';
import { enrolments } from './056-enrolments.ts';
import { policies } from './057-policies.ts';
import { accountImports } from './058-account-imports.ts';
import { gatewayLives } from './063-gateway-lives.ts';
import { gatewayUnseenCloses } from './064-gateway-unseen-closes.ts';

/** In order; a migration that was released is never changed. */
export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: 'initial', sql: initial },
  { name: 'claims and epochs', sql: claimsAndEpochs },
  { name: 'open writes', sql: openWrites },
  { name: 'counter claims', sql: counterClaims },
  { name: 'nonces', sql: nonces },
  { name: 'kept answers and key uses', sql: keptAndKeys },
  { name: 'gateway', sql: gateway },
  { name: 'reconciliation', sql: reconciliation },
  { name: 'gateway settlements', sql: gatewaySettlements },
  { name: 'card uids', sql: cardUids },
  { name: 'gateway orders', sql: gatewayOrders },
  { name: 'held facts', sql: heldFacts },
  { name: 'terminal status', sql: terminalStatus },
  { name: 'lives heard', sql: livesHeard },
  { name: 'evidence', sql: evidence },
  { name: 'nonce marks', sql: nonceMarks },
  { name: 'gateway pages', sql: gatewayPages },
  { name: 'unproven refunds', sql: unprovenRefunds },
  { name: 'cards seen', sql: cardsSeen },
  { name: 'order records', sql: orderRecords },
  { name: 'hand requests', sql: handRequests },
  { name: 'refund budgets', sql: refundBudgets },
  { name: 'terminal keys', sql: terminalKeys },
  { name: 'refund second', sql: refundSecond },
  { name: 'tariff days', sql: tariffDays },
  { name: 'account use', sql: accountUse },
  { name: 'sold as of', sql: soldAsOf },
  { name: 'key refusals', sql: keyRefusals },
  { name: 'chip changes', sql: chipChanges },
  { name: 'sale findings', sql: saleFindings },
  { name: 'close sent', sql: closeSent },
  { name: 'ratings', sql: ratings },
  { name: 'requests', sql: requests },
  { name: 'credit', sql: credit },
  { name: 'credit office', sql: creditOffice },
  { name: 'account book', sql: accountBook },
  { name: 'meter commands', sql: meterCommands },
  { name: 'receipts', sql: receipts },
  { name: 'one account a meter', sql: oneAccountAMeter },
  { name: 'fuel cards', sql: fuelCards },
  { name: 'parts of bills', sql: partsOfBills },
  { name: 'account use by month', sql: accountUseByMonth },
  { name: 'invoices', sql: invoices },
  { name: 'credit acts', sql: creditActs },
  { name: 'outage sms', sql: outageSms },
  { name: 'card grants', sql: cardGrants },
  { name: 'merchants', sql: merchants },
  { name: 'heartbeats', sql: heartbeats },
  { name: 'keys for distribution', sql: keysForDistribution },
  { name: 'gateway openings', sql: gatewayOpenings },
  { name: 'staff', sql: staff },
  { name: 'staff indexes', sql: staffIndexes },
  { name: 'enrolments', sql: enrolments },
  { name: 'policies', sql: policies },
  { name: 'account imports', sql: accountImports },
  { name: 'company accounts', sql: companyAccounts },
  { name: 'gateway lives', sql: gatewayLives },
  { name: 'gateway unseen closes', sql: gatewayUnseenCloses },
];
