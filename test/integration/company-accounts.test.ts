import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { httpCompanyAccounts } from '../../src/central/sale/company-accounts-http.ts';
import type { CompanyAccounts } from '../../src/central/sale/company-accounts.ts';
import { systemClock } from '../../src/main/ports.ts';
import type { Clock } from '../../src/shared/ports.ts';
import type { SimAccount, SimPurchase } from '../../src/simulator/company-accounts/system.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room } from '../unit/central/harness.ts';

/**
 * The company's billing system, a process of its own that is killed when a purchase is in its file
 * and before anybody heard of it, over and over. What is in the file is what it booked.
 */
const NOW = 1_780_000_000_000;
const ACCOUNT: SimAccount = {
  cardNo: '8800007001',
  userNo: '1002207001',
  holderName: '王小明',
  meterNo: 'M1',
  kind: 'gas',
  unit: 'volume',
  state: 'normal',
  count: 5,
  cumulative: 0,
  yearQuantity: 0,
  ceilingQuantity: 100_000,
  perPurchaseQuantity: null,
  limit: null,
  tariff: { tariffId: 'g', version: 1, tiers: [{ uptoQuantity: null, priceE4: 25_000 }] },
  announced: [],
};
let dir: string;
let child: ChildProcess | null = null;
let port = 0;
let room: Room;

async function start(die = 0): Promise<void> {
  const file = path.join(dir, 'company.jsonl');
  const args = ['--file', file, '--accounts', JSON.stringify([ACCOUNT]), '--now', String(room.now)];
  const server = spawn(
    process.execPath,
    ['test/support/company-process.ts', ...args, '--die', String(die)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  child = server;
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  port = Number(line.toString());
}
async function stop(): Promise<void> {
  const was = child;
  child = null;
  if (was === null || was.exitCode !== null || was.signalCode !== null) return;
  was.kill('SIGKILL');
  await once(was, 'exit');
}
const books = (): readonly SimPurchase[] => {
  const file = path.join(dir, 'company.jsonl');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as SimPurchase)
    : [];
};
const http = (): CompanyAccounts => {
  const clock: Clock = { ...systemClock, nowMs: () => room.now };
  return httpCompanyAccounts({
    baseUrl: `http://127.0.0.1:${port}`,
    secret: 's3',
    clock,
    timeoutMs: 2_000,
  });
};

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'pilotlight-company-'));
  room = await openRoom('sqlite', 1, {
    accounts: [],
    claims: [],
    tariffs: [],
    accountSource: {
      credit: false,
      byCard: (...args) => http().byCard(...args),
      byUser: (...args) => http().byUser(...args),
      book: (...args) => http().book(...args),
    },
  });
  room.now = NOW;
});
afterEach(async () => {
  await stop();
  await room.close();
  rmSync(dir, { recursive: true, force: true });
});

it('killed after each booking before it answers: no purchase is lost, none is booked twice', async () => {
  const [terminal] = room.terminals;
  if (terminal === undefined) throw new Error('no terminal');
  const orders: string[] = [];
  await start();
  for (let n = 1; n <= 4; n++) {
    const account = await terminal.client.account(ACCOUNT.cardNo);
    if (!account.ok) throw new Error(JSON.stringify(account.error));
    // Whatever was told, heard or lost before, the card's count is what was written to it.
    expect(account.value.account.count).toBe(5 + n - 1);
    const orderId = `PL-${terminal.id}-1-000${n}-700${n}`;
    orders.push(orderId);
    const { cardNo } = ACCOUNT;
    const q = await terminal.client.quote({ orderId, cardNo, nextCount: 5 + n, amountFen: 5_000 });
    if (!q.ok) throw new Error(JSON.stringify(q.error));
    terminal.journal.quoted(orderId, q.value, ACCOUNT.userNo);
    terminal.journal.paid(orderId, 5_000);
    terminal.journal.delivered(orderId, q.value);
    expect(await terminal.upload()).toEqual([]);
    await stop();
    await start(1);
    await room.central.sweepPayments();
    expect(child?.signalCode ?? (await once(child as ChildProcess, 'exit'))[1]).toBe('SIGKILL');
    expect(books().map((p) => p.orderId)).toEqual(orders);
    // Another life of both.
    await room.central.close();
    await room.central.open();
    room.now += 3_600_000;
    await start();
    // The last one is told without its answer once more, and then heard.
    if (n % 2 === 0) await room.central.sweepPayments();
  }
  room.now += 3_600_000;
  await stop();
  await start();
  await room.central.sweepPayments();
  expect(books().map((p) => [p.orderId, p.tellNo])).toEqual(orders.map((id, i) => [id, i + 1]));
  const rows = await room.db.query<{ state: string }>('SELECT state FROM company_purchases');
  expect(rows.map((row) => row.state)).toEqual(['booked', 'booked', 'booked', 'booked']);
});
