import type { CompanyAccount } from '../../shared/company-accounts.ts';
import type { LogFn } from '../../shared/ports.ts';
import type { Db, Sql } from '../db/sql.ts';
import { num } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { ownAccounts } from './company-accounts.ts';
import type { AccountSource, CompanyAccounts } from './company-accounts.ts';
import { takeCreditAccount } from './company-credit.ts';
import { takeAccount } from './company-mirror.ts';
import { noteFinding, settleFindings } from './company-findings.ts';
import type { Said } from './company-answers.ts';
import { tellPurchases } from './company-teller.ts';

/** What is told to whoever asked, where the company's system does not say. */
const notKnown = (detail: string): Refusal =>
  new Refusal('internal', `the company’s system: ${detail}`, { status: 503 });

interface Kept extends Said {
  readonly account: CompanyAccount;
}

/**
 * Where the accounts come from: central's own tables, unless a company keeps them.
 *
 * @throws where the company keeps accounts without a card too, and no account book outside posts to
 *   them (`outside`)
 */
export function accountSource(
  db: () => Db,
  by: {
    readonly accountSource?: CompanyAccounts;
    readonly outside: boolean;
    readonly now: () => number;
    readonly log?: LogFn;
  },
): AccountSource {
  const { accountSource: company } = by;
  if (company === undefined) return ownAccounts;
  if (company.credit && !by.outside)
    throw new Error('credit accounts that a company keeps need its account book');
  return companySource(db, company, by.now, by.log);
}

/**
 * Accounts that a company keeps. Nothing is guessed: where it does not answer, central does not
 * either (503), and kiosks go by their own rules for a central that is away. It is asked before a
 * transaction and never within one, so no lock waits for another company's line.
 */
function companySource(
  db: () => Db,
  company: CompanyAccounts,
  now: () => number,
  log?: LogFn,
): AccountSource {
  async function card(cardNo: string): Promise<void> {
    const kept = await keptOf(db(), cardNo);
    const said = await company.byCard(cardNo, kept?.etag ?? null);
    if (said.kind === 'nobody') {
      await forgetCard(db(), cardNo);
      throw new Refusal('unknown-card', 'no account has this card');
    }
    if (said.kind === 'unknown') throw notKnown(said.detail);
    if (said.kind === 'unchanged' && kept === null) throw notKnown('says unchanged of nothing');
    const [account, heard] =
      said.kind === 'known'
        ? [said.account, { etag: said.etag, saidMs: said.account.asOfMs }]
        : // All of it stands, now; among the company's answers it has the place that it had.
          [{ ...(kept as Kept).account, asOfMs: now() }, kept as Kept];
    const why = await db().transaction((tx) => takeAccount(tx, account, heard, now()));
    if (why === null) return settleFindings(db(), cardNo);
    await noteFinding(db(), cardNo, why, now());
    throw notKnown(`says what cannot be: ${why.kind}`);
  }

  async function user(userNo: string): Promise<void> {
    if (!company.credit) return;
    const said = await company.byUser(userNo);
    // 304 is not asked for here.
    if (said.kind === 'unknown' || said.kind === 'unchanged')
      throw notKnown(said.kind === 'unknown' ? said.detail : 'says unchanged of nothing');
    const account = said.kind === 'nobody' ? null : said.account;
    const why = await db().transaction((tx) => takeCreditAccount(tx, userNo, account, now()));
    if (why === null) return settleFindings(db(), userNo);
    await noteFinding(db(), userNo, why, now());
    throw notKnown(`says what cannot be: ${why.kind}`);
  }

  return { card, user, sweep: () => tellPurchases(db(), company, now, log) };
}

async function keptOf(sql: Sql, cardNo: string): Promise<Kept | null> {
  const [row] = await sql.query<{ etag: string | null; answer: string; as_of_ms: unknown }>(
    'SELECT etag, answer, as_of_ms FROM company_cards WHERE card_no = $1',
    [cardNo],
  );
  if (row === undefined) return null;
  const account = JSON.parse(row.answer) as CompanyAccount;
  return { etag: row.etag, saidMs: num(row.as_of_ms), account };
}

/** Its account is not asked for under this card any more; what it bought stays. */
async function forgetCard(sql: Sql, cardNo: string): Promise<void> {
  await sql.query('DELETE FROM company_cards WHERE card_no = $1', [cardNo]);
}
