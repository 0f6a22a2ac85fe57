import { afterEach, expect, it } from 'vitest';
import { accountsOf, COUNT } from '../concurrency/company.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/** A thief with a terminal's key says of every card that it has more gas than was bought. */
const ACCOUNTS = accountsOf(12);
let room: Room;
afterEach(() => room.close());
const t = (i: number): Terminal => room.terminals[i] as Terminal;

function seen(i: number, account: (typeof ACCOUNTS)[number], used: number): void {
  t(i).journal.add('card-seen', null, {
    cardNo: account.cardNo,
    layout: 'pl-4442',
    count: COUNT,
    cumulative: account.cumulative,
    tag: 'A1B2C3D4',
    taken: COUNT,
    remaining: 0,
    used,
  });
}

it('stops five cards in a day, and staff hear of it: a city is not locked out', async () => {
  room = await openRoom('sqlite', 2, { accounts: ACCOUNTS, claims: [] });
  for (const account of ACCOUNTS) {
    seen(0, account, account.cumulative);
    seen(0, account, account.cumulative + 90_000);
  }
  await t(0).upload();
  expect((await room.central.data()).stoppedCards).toHaveLength(5);
  const alarm = () =>
    room.db.query('SELECT alarm FROM terminals WHERE terminal_id = $1', [t(0).id]);
  expect(await alarm()).toEqual([{ alarm: 'TOO MANY: card-stop' }]);
  // What an honest kiosk reads stops the card, and so does another day.
  const last = ACCOUNTS.at(-1) as (typeof ACCOUNTS)[number];
  seen(1, last, last.cumulative + 90_000);
  await t(1).upload();
  expect((await room.central.data()).stoppedCards).toHaveLength(6);
  room.now += 86_400_000;
  for (const account of ACCOUNTS) seen(0, account, account.cumulative + 90_000);
  await t(0).upload();
  expect((await room.central.data()).stoppedCards.length).toBeLessThanOrEqual(11);
});
