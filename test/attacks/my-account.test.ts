import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SeedHousehold } from '../../src/central/use/households.ts';
import { DEMO_POLICY } from '../../src/demo/central-data.ts';
import type { MyAccount, MyAccountRequest } from '../../src/shared/central-api/index.ts';
import { abnormalMonth, lastMonths } from '../../src/shared/my-account.ts';
import { DAY_MS } from '../../src/shared/time.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * Whoever has a terminal's key, and wants to know who is at home: use tells it. He may ask as often
 * as the busiest hall, and no oftener; he has no card in his reader, but can say that he has.
 */
const RULES = { abnormalPercent: 200, abnormalAbove: 500, byNumber: true, lookUps: 3 };
const USERS = Array.from({ length: 40 }, (_, i) => `20022034${String(i).padStart(2, '0')}`);
const HOUSEHOLDS: readonly SeedHousehold[] = USERS.map((userNo, i) => ({
  userNo,
  phoneLast4: String(1_000 + i * 7),
  uses: [],
}));
const PEM = generateKeyPairSync('x25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const MINUTE_MS = 60_000;

let room: Room;
beforeEach(async () => {
  room = await openRoom('sqlite', 2, {
    requestKeys: [PEM],
    households: HOUSEHOLDS,
    creditAccounts: USERS.map((userNo) => ({ userNo, holderName: '王国强', address: '' })),
    policy: { ...DEMO_POLICY, myAccount: RULES },
  });
});
afterEach(() => room.close());
const thief = (): Terminal => room.terminals[0] as Terminal;
const honest = (): Terminal => room.terminals[1] as Terminal;

/** Asks, a whole day's worth a minute at a time. @returns what was told; null: too often */
async function ask(by: Terminal, asked: MyAccountRequest): Promise<MyAccount | null | 'refused'> {
  const told = await by.client.myAccount(asked);
  return told.ok ? told.value : 'refused';
}

it('a terminal that counts through card numbers gets twenty a minute, and a few hundred a day', async () => {
  let refused = 0;
  let answered = 0;
  for (let minute = 0; minute < 40; minute++) {
    for (let n = 0; n < 21; n++) {
      const cardNo = String(8_800_003_900 + minute * 21 + n);
      if ((await ask(thief(), { by: 'card', cardNo })) === 'refused') refused += 1;
      else answered += 1;
    }
    if (minute === 0) expect([answered, refused]).toEqual([20, 1]);
    room.now += MINUTE_MS;
  }
  expect(answered).toBeLessThanOrEqual(500);
  expect(refused).toBeGreaterThan(300);
  const alarm = (await room.central.data()).terminals.find((t) => t.terminalId === thief().id);
  expect(alarm?.alarm).toBe('TOO MANY: my-account');
  // Everybody else's customers see theirs.
  expect(await ask(honest(), { by: 'card', cardNo: '8800003921' })).not.toBe('refused');
  room.now += DAY_MS;
  expect(await ask(thief(), { by: 'card', cardNo: '8800003921' })).not.toBe('refused');
});

it('the digits of one household are not tried through, by however many terminals', async () => {
  const [userNo = ''] = USERS;
  let opened = 0;
  for (let day = 0; day < 3; day++) {
    for (let n = 0; n < 30; n++) {
      const last4 = String(990 + day * 30 + n).padStart(4, '0');
      const by = n % 2 === 0 ? thief() : honest();
      const told = await ask(by, { by: 'number', userNo, last4 });
      if (told !== null && told !== 'refused') opened += 1;
      if (n % 10 === 9) room.now += MINUTE_MS;
    }
    room.now += DAY_MS;
  }
  // The right ones came as the eleventh of the first day.
  expect(opened).toBe(0);
  expect(await ask(honest(), { by: 'number', userNo, last4: '1000' })).not.toBeNull();
});

it('one guess for each household of a street: an unknown number is told like a wrong guess', async () => {
  const told = new Set<string>();
  for (const userNo of [...USERS.slice(0, 10), ...USERS.slice(0, 10).map((u) => `9${u.slice(1)}`)])
    told.add(JSON.stringify(await ask(thief(), { by: 'number', userNo, last4: '0000' })));
  expect([...told]).toEqual(['null']);
});

it('readings that a terminal makes up fill no table, and alarm no household', async () => {
  const cards = Array.from({ length: 100 }, (_, i) => `77000${String(i).padStart(5, '0')}`);
  const tell = (cardNo: string, visit: string, used: number): void =>
    void thief().journal.add('card-seen', null, {
      cardNo,
      layout: 'pl-cpu',
      count: 41,
      cumulative: 205_000,
      tag: '00000000',
      taken: 41,
      remaining: 0,
      used,
      visit,
    });
  for (const cardNo of cards) tell(cardNo, '2605010800', 1);
  for (let n = 0; n < 60; n++) tell('8800003921', `260${(n % 5) + 1}010800`, n * 100_000);
  tell('8800003921', '2505010800', 0);
  await thief().upload();
  expect(await room.db.query('SELECT 1 FROM card_readings')).toHaveLength(6);
  const account = await ask(honest(), { by: 'card', cardNo: '8800003921' });
  if (account === null || account === 'refused') throw new Error('no account');
  const [use] = account.uses;
  expect(use?.months.map((m) => m.month)).toEqual(lastMonths(room.now, 12));
  expect(abnormalMonth(use?.months ?? [], RULES)).toBeNull();
});
