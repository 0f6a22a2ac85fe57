import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { httpMeterPlatform } from '../../src/central/sale/meter-platform.ts';
import type { MeterPlatform } from '../../src/central/sale/meter-platform.ts';
import { OVERDUE_MS } from '../../src/central/sale/meter-sender.ts';
import type { SeedCreditAccount } from '../../src/central/fleet/seed.ts';
import { systemClock } from '../../src/main/ports.ts';
import { CreditTerminal, paidSale, saleOf } from '../support/credit.ts';
import { orderRefDigits } from '../../src/shared/order-id.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * The platform of the IoT meters, a process of its own that answers at once, later or never, and is
 * killed. A meter is told what it has in all: told again it gains nothing, and nothing is lost.
 */
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: '3000000001',
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
    balanceFen: 100,
  },
];
let dir: string;
let room: Room;
let child: ChildProcess | null = null;
let port = 1;
const file = (): string => join(dir, 'meters.json');
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pilotlight-meters-'));
});
afterEach(async () => {
  await stop();
  await room.close();
  rmSync(dir, { recursive: true, force: true });
});
async function start(answers: string): Promise<void> {
  const args = ['--file', file(), '--secret', 's3', '--answers', answers];
  const server = spawn(process.execPath, ['src/simulator/meter-platform/server.ts', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = server;
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  port = Number(line.toString());
}
async function stop(): Promise<void> {
  const was = child;
  child = null;
  port = 1;
  if (was === null || was.exitCode !== null || was.signalCode !== null) return;
  was.kill('SIGKILL');
  await once(was, 'exit');
}
const http: MeterPlatform = {
  tell: (command) =>
    httpMeterPlatform({
      baseUrl: `http://127.0.0.1:${port}`,
      secret: 's3',
      clock: systemClock,
      timeoutMs: 2_000,
    }).tell(command),
};
async function open(meterPlatform: MeterPlatform = http): Promise<void> {
  room = await openRoom('sqlite', 1, {
    creditAccounts: ACCOUNTS,
    meterPlatform,
    clock: { nowMs: () => room.now, monoMs: () => room.now, after: () => () => undefined },
  });
}
const T = '000000000311';
const k = () =>
  new CreditTerminal(
    T,
    () => room.central,
    () => room.now,
  );
let orders = 0;
async function topUp(fen: number, userNo = '3000000001'): Promise<string> {
  const id = `PL-${T}-1-${String(++orders).padStart(4, '0')}-7000`;
  const lines = [{ item: 'balance', amountFen: fen }];
  const asked = { orderId: id, userNo, payee: 'house', lines, asOfMs: room.now };
  const said = await k().quote(asked);
  if (!said.ok) throw new Error(said.detail);
  const sale = saleOf(said.value.quote);
  const word = await k().post(id, paidSale(T, id, sale));
  expect(word).toMatchObject({ value: { state: 'posted' } });
  const { journal } = kiosk();
  journal.add('credit-quoted', id, sale);
  journal.paid(id, fen);
  return id;
}
const stands = async () => {
  const said = await k().account('3000000001');
  if (!said.ok) throw new Error(said.detail);
  const { balanceFen, onTheWayFen } = said.value.account.topUp ?? {};
  return [balanceFen, onTheWayFen];
};
const kiosk = (): Terminal => room.terminals[0] as Terminal;
/** What whoever asks by the slip's number hears of the meter. */
const status = async (id: string): Promise<string | undefined> => {
  expect(await kiosk().upload()).toEqual([]);
  const said = await kiosk().client.ordersByRef(orderRefDigits(id) ?? '');
  return said.ok ? said.value[0]?.meter : 'no answer';
};
const later = async (): Promise<void> => {
  room.now += 3_700_000;
  await room.central.sweepPayments();
};
/** What the meter has, and how often it was changed. */
const meter = (): unknown => {
  const [one] = JSON.parse(readFileSync(file(), 'utf8')) as [[string, Record<string, unknown>]];
  return { confirmed: one[1]['confirmed'], applied: one[1]['applied'] };
};
const page = async (): Promise<string> =>
  (
    await room.central.staff({
      method: 'GET',
      target: '/console/credit',
      headers: {},
      body: new Uint8Array(0),
    })
  ).body;

it('a meter that confirms at once: credited at once, on its way until it has it', async () => {
  await start('at-once');
  await open();
  const id = await topUp(5_000);
  expect(await stands()).toEqual([5_100, 5_000]);
  // Whoever asks by his slip's number hears how far it is.
  expect(await status(id)).toBe('on-the-way');
  await room.central.sweepPayments();
  expect(await stands()).toEqual([5_100, 0]);
  expect(meter()).toEqual({ confirmed: { count: 1, totalFen: 5_000 }, applied: 1 });
  await later();
  expect(meter()).toMatchObject({ applied: 1 });
  expect(await status(id)).toBe('confirmed');
  expect(await page()).toContain('表端都已生效');
});

it('one that confirms later is told the newest of two, and has both', async () => {
  await start('later');
  await open();
  const first = await topUp(5_000);
  await topUp(2_000);
  await room.central.sweepPayments();
  expect(await stands()).toEqual([7_100, 7_000]);
  // It was told, and has not confirmed it.
  expect(await status(first)).toBe('on-the-way');
  await later();
  expect(await stands()).toEqual([7_100, 0]);
  expect(await status(first)).toBe('confirmed');
  expect(meter()).toEqual({ confirmed: { count: 2, totalFen: 7_000 }, applied: 1 });
});

it('a platform that is killed, or whose answer is lost: told again, gained once', async () => {
  await open({
    tell: async (command) => {
      await http.tell(command);
      return null;
    },
  });
  await start('at-once');
  await topUp(5_000);
  await room.central.sweepPayments();
  expect(await stands()).toEqual([5_100, 5_000]);
  await stop();
  await room.db.query(`UPDATE meter_commands SET look_ms = 0`);
  const { db } = room;
  const again = await openRoom({ ...db, close: () => Promise.resolve() }, 1, {
    creditAccounts: ACCOUNTS,
    meterPlatform: http,
  });
  await again.central.sweepPayments();
  expect(await stands()).toEqual([5_100, 5_000]);
  await start('at-once');
  again.now += 3_700_000;
  await again.central.sweepPayments();
  await again.close();
  expect(await stands()).toEqual([5_100, 0]);
  expect(meter()).toEqual({ confirmed: { count: 1, totalFen: 5_000 }, applied: 1 });
});

it('one that never confirms is overdue, and somebody is sent: no money goes back', async () => {
  await start('never');
  await open();
  await topUp(5_000);
  await room.central.sweepPayments();
  expect(await page()).not.toContain('超时');
  room.now += OVERDUE_MS + 1;
  await room.central.sweepPayments();
  const { body } = await room.central.staff({
    method: 'GET',
    target: '/console/credit/meter?meter=M1&count=1',
    headers: {},
    body: new Uint8Array(0),
  });
  const token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? '';
  const form = { token, meter: 'M1', count: '1', who: '王芳', why: 'WX-7' };
  const sent = await room.central.staff({
    method: 'POST',
    target: '/console/credit/meter',
    headers: {},
    body: Buffer.from(new URLSearchParams(form).toString()),
  });
  expect(sent.status).toBe(303);
  const shown = await page();
  expect(shown).toContain('超时');
  expect(shown).toContain('WX-7');
  expect(await stands()).toEqual([5_100, 5_000]);
  expect(await room.db.query('SELECT state FROM postings')).toEqual([{ state: 'posted' }]);
});

it('a meter that has another total than was topped up: somebody looks, nothing is believed', async () => {
  await open({ tell: ({ count }) => Promise.resolve({ count, totalFen: 9_999 }) });
  await topUp(5_000);
  await room.central.sweepPayments();
  expect(await stands()).toEqual([5_100, 5_000]);
  expect(await page()).toContain('the meter has count 1, total 9999 fen');
});

it('a meter that was moved to another account: each has what it paid, and goes on counting', async () => {
  let has = { count: 0, totalFen: 0 };
  await open({ tell: () => Promise.resolve(has) });
  await topUp(5_000);
  await room.db.query(
    `INSERT INTO credit_accounts (user_no, holder_name, address, state, balance_fen)
     VALUES ('3000000009', '李梅', '清河路', 'normal', 0)`,
  );
  const gets = `UPDATE credit_accounts SET meter_no = 'M1', top_up_payee = 'house',
    topped_count = 1, topped_fen = 5000 WHERE user_no = '3000000009'`;
  // Never two accounts at once: each would tell it a first top-up.
  await expect(room.db.query(gets)).rejects.toThrow();
  await room.db.query(`UPDATE credit_accounts SET meter_no = NULL WHERE user_no = '3000000001'`);
  await room.db.query(gets);
  await topUp(2_000, '3000000009');
  has = { count: 2, totalFen: 7_000 };
  await room.central.sweepPayments();
  expect(
    await room.db.query('SELECT user_no, on_the_way_fen FROM credit_accounts ORDER BY user_no'),
  ).toEqual([
    { user_no: '3000000001', on_the_way_fen: 0 },
    { user_no: '3000000009', on_the_way_fen: 0 },
  ]);
});
