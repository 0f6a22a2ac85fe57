import { afterEach, expect, it } from 'vitest';
import { accountsOf, COUNT, soldOffline } from '../concurrency/company.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * A thief with a terminal's key says that the line was down: then he prices the sale himself, at
 * the first tier, to an account that has used the cheap ones up.
 */
const ACCOUNTS = accountsOf(2).map((account) => ({ ...account, yearQuantity: 90_000 }));
let room: Room;
afterEach(() => room.close());
const t = (i: number): Terminal => room.terminals[i] as Terminal;
const reasons = async () =>
  (await room.db.query<{ reason: string }>('SELECT reason FROM quarantine')).map((r) => r.reason);

it('is priced by the year’s tiers as central knows them', async () => {
  room = await openRoom('sqlite', 2, { accounts: ACCOUNTS, claims: [] });
  const [account] = ACCOUNTS;
  if (account === undefined) throw new Error('no account');
  const id = `PL-${t(0).id}-1-0001-7000`;
  const cheap = soldOffline(account, 1, id);
  const { cardNo } = account;
  const ask = { orderId: null, cardNo, nextCount: COUNT + 1, amountFen: cheap.amountFen };
  const told = await t(0).client.quote(ask);
  if (!told.ok) throw new Error(told.error.code);
  expect(cheap.quantity).toBeGreaterThan(told.value.quantity);
  t(0).journal.quoted(id, cheap, account.userNo, { offline: true });
  await t(0).upload();
  expect(await reasons()).toEqual([expect.stringContaining('by the year’s tiers')]);
  expect(await room.db.query('SELECT 1 FROM orders')).toEqual([]);
});

it('a year began since: what was dearer by the old one’s tiers counts', async () => {
  const [account] = ACCOUNTS.map((a) => ({ ...a, carriedMicro: 0 }));
  if (account === undefined) throw new Error('no account');
  room = await openRoom('sqlite', 2, { accounts: [account], claims: [] });
  const id = `PL-${t(0).id}-1-0001-7000`;
  const { cardNo } = account;
  const ask = { orderId: null, cardNo, nextCount: COUNT + 1, amountFen: 10_000 };
  const told = await t(0).client.quote(ask);
  if (!told.ok) throw new Error(told.error.code);
  await room.db.query('UPDATE account_use SET quantity = 0');
  const dear = { ...told.value, orderId: id };
  t(0).journal.quoted(id, dear, account.userNo, { offline: true });
  expect(await t(0).upload()).toEqual([]);
});
