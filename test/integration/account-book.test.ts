import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpAccountBook } from '../../src/central/sale/account-book-http.ts';
import type { AccountBook } from '../../src/central/sale/account-book.ts';
import { decideBook, underWay } from '../../src/central/sale/credit-decisions.ts';
import { systemClock } from '../../src/main/ports.ts';
import type { CreditQuote } from '../../src/shared/sale.ts';
import type { SeedCreditAccount } from '../../src/central/fleet/seed.ts';
import { CreditTerminal, paidSale, saleOf } from '../support/credit.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room } from '../unit/central/harness.ts';

/**
 * The company's own account book, a process of its own that dies before and after it posted, and
 * central that dies between what it stores and what it sends. What is in the book's file is what
 * the customer got.
 */
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: '3000000001',
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
  },
  {
    userNo: '3000000002',
    holderName: '李梅',
    address: '人民路 8 号',
    items: [{ item: 'G1', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 5_000 }],
  },
];
let dir: string;
let room: Room;
let child: ChildProcess | null = null;
let port = 0;
const FEN = 5_000;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pilotlight-book-'));
});
afterEach(async () => {
  await stop();
  await room.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(manner: string, more: readonly string[] = []): Promise<void> {
  const args = ['--file', file(), '--manner', manner, '--secret', 's3', '--port', String(port)];
  const server = spawn(
    process.execPath,
    ['src/simulator/account-book/server.ts', ...args, ...more],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
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
const file = (): string => join(dir, 'book.jsonl');
const inBook = (): readonly string[] =>
  existsSync(file()) ? readFileSync(file(), 'utf8').trim().split('\n').filter(Boolean) : [];
const http = (secret = 's3'): AccountBook =>
  httpAccountBook({
    baseUrl: `http://127.0.0.1:${port}`,
    secret,
    clock: systemClock,
    timeoutMs: 400,
  });
/** The book's port may change with each life of its process. */
const book: AccountBook = {
  manner: () => http().manner(),
  send: (posting) => http().send(posting),
  ask: (about) => http().ask(about),
};
async function open(over: AccountBook = book): Promise<void> {
  room = await openRoom('sqlite', 1, {
    creditAccounts: ACCOUNTS,
    accountBook: over,
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
async function quoted(
  userNo = '3000000001',
  item = 'balance',
): Promise<{ id: string; sale: CreditQuote }> {
  const id = `PL-${T}-1-${String(++orders).padStart(4, '0')}-7000`;
  const lines = [{ item, amountFen: FEN }];
  const said = await k().quote({ orderId: id, userNo, payee: 'house', lines, asOfMs: room.now });
  if (!said.ok) throw new Error(said.detail);
  return { id, sale: saleOf(said.value.quote) };
}
const post = async ({ id, sale }: { id: string; sale: CreditQuote }): Promise<string> => {
  const said = await k().post(id, paidSale(T, id, sale));
  return said.ok ? said.value.state : said.type;
};
/** A while later central looks again by itself. */
const later = async (): Promise<void> => {
  room.now += 3_700_000;
  await room.central.sweepPayments();
};
const balance = async (): Promise<number> =>
  Number(
    (
      await room.db.query<{ b: unknown }>(
        `SELECT balance_fen AS b FROM credit_accounts WHERE user_no = '3000000001'`,
      )
    )[0]?.b,
  );

describe('an idempotent book', () => {
  it('posts at once, and says so for ever', async () => {
    await start('idempotent');
    await open();
    const order = await quoted();
    expect(await post(order)).toBe('posted');
    expect(await post(order)).toBe('posted');
    expect(inBook()).toHaveLength(1);
    expect(await balance()).toBe(FEN);
    const [row] = await room.db.query<{ voucher: string; reference: string }>(
      'SELECT voucher, reference FROM postings',
    );
    expect(inBook()[0]).toContain(row?.reference);
    expect(row?.voucher).toBe('V1');
  });
  it.each(['die-before', 'die-after', 'silent'])(
    'that has “%s” is sent the same again',
    async (fault) => {
      await start('idempotent', ['--fault', fault]);
      await open();
      const order = await quoted();
      expect(await post(order)).toBe('posting');
      // Neither posted nor not: no money goes back meanwhile.
      expect(await k().void(order.id)).toMatchObject({ value: { state: 'posting' } });
      expect(await balance()).toBe(0);
      await stop();
      await start('idempotent');
      await later();
      expect(await post(order)).toBe('posted');
      expect(inBook()).toHaveLength(1);
      expect(await balance()).toBe(FEN);
    },
  );
  it('that refuses ends it: the money goes back, and its bill is free', async () => {
    await start('idempotent', ['--refuse', '3000000002']);
    await open();
    const order = await quoted('3000000002', 'G1');
    expect(await post(order)).toBe('refused');
    expect(await k().void(order.id)).toMatchObject({ value: { state: 'refused', why: 'account' } });
    await quoted('3000000002', 'G1');
    expect(inBook()).toEqual([]);
  });
  it('that is away gets nothing, and is sent it when it is back', async () => {
    port = 1;
    await open();
    const order = await quoted();
    expect(await post(order)).toBe('posting');
    expect(await room.db.query('SELECT book_sent_ms FROM postings')).toEqual([
      { book_sent_ms: null },
    ]);
    port = 0;
    await start('idempotent');
    await later();
    expect(await post(order)).toBe('posted');
    expect(inBook()).toHaveLength(1);
  });
  it('keeps its bill from everybody while it has not spoken', async () => {
    port = 1;
    await open();
    const order = await quoted('3000000002', 'G1');
    expect(await post(order)).toBe('posting');
    room.now += 86_400_000;
    await expect(quoted('3000000002', 'G1')).rejects.toThrow();
    port = 0;
  });
});

describe('a queryable book', () => {
  it('is asked, and never sent again', async () => {
    await start('queryable', ['--fault', 'die-after']);
    await open();
    const order = await quoted();
    expect(await post(order)).toBe('posting');
    await stop();
    await start('queryable');
    await later();
    expect(await post(order)).toBe('posted');
    expect(inBook()).toHaveLength(1);
    expect(await balance()).toBe(FEN);
  });
  it('that has not heard of it may yet hear: two persons decide', async () => {
    await start('queryable', ['--fault', 'die-before']);
    await open();
    const order = await quoted();
    await post(order);
    await stop();
    await start('queryable');
    await later();
    expect(await post(order)).toBe('posting');
    expect(inBook()).toEqual([]);
    expect(await underWay(room.db, order.id)).toMatchObject({ said: 'unheard', asked: null });
    const say = (who: string, word: 'posted' | 'refused') =>
      decideBook(
        room.db,
        { orderId: order.id, word, voucher: word === 'posted' ? 'V9' : '', who, why: '查账' },
        room.now,
      );
    expect(await say('王芳', 'refused')).toBe('asked');
    expect(await say('王芳', 'refused')).toBe('same-person');
    expect(await say('李主管', 'posted')).toBe('other');
    expect(await post(order)).toBe('posting');
    expect(await say('王芳', 'refused')).toBe('asked');
    expect(await say('李主管', 'refused')).toBe('done');
    expect(await say('李主管', 'refused')).toBe('gone');
    expect(await post(order)).toBe('refused');
    expect(await balance()).toBe(0);
  });
  it('is asked first about what a restored database made anew', async () => {
    await start('queryable');
    await open();
    const order = await quoted();
    expect(await post(order)).toBe('posted');
    await room.db.query('DELETE FROM postings');
    await room.db.query('DELETE FROM meter_commands');
    await room.db.query(
      'UPDATE credit_accounts SET balance_fen = 0, on_the_way_fen = 0, topped_count = 0, topped_fen = 0',
    );
    expect(await post(order)).toBe('posted');
    expect(inBook()).toHaveLength(1);
    expect(await balance()).toBe(FEN);
    const other = await quoted();
    await room.db.query('DELETE FROM postings WHERE order_id = $1', [other.id]);
    expect(await post(other)).toBe('posted');
    expect(inBook()).toHaveLength(2);
  });
});

describe('a book by file only', () => {
  it('is sent nothing: two persons say what became of it', async () => {
    await start('file-only');
    await open();
    const order = await quoted();
    expect(await post(order)).toBe('posting');
    await later();
    expect(inBook()).toEqual([]);
    expect(await underWay(room.db, order.id)).toMatchObject({ manner: 'file-only' });
    const page = async (target: string): Promise<string> =>
      (await room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) }))
        .body;
    const [, line] = (await page('/console/credit/book-file?date=2026-05-29')).split('\r\n');
    expect(line).toMatch(/^"CR20260529[0-9A-F]{12}","3000000001","house","5000","balance:5000",/);
    expect(await page(`/console/credit/posting?order=${order.id}`)).toContain('只收日终文件');
    for (const who of ['王芳', '李主管'])
      await decideBook(
        room.db,
        { orderId: order.id, word: 'posted', voucher: 'F1', who, why: '日终文件' },
        room.now,
      );
    expect(await post(order)).toBe('posted');
    expect(await balance()).toBe(FEN);
  });
});

describe('central', () => {
  it('that dies after it stored that it sends, and before it does, sends once', async () => {
    await start('idempotent');
    let dead = true;
    await open({
      ...book,
      send: (posting) => (dead ? new Promise(() => undefined) : book.send(posting)),
    });
    const order = await quoted();
    void post(order);
    while ((await room.db.query('SELECT 1 FROM postings WHERE book_sent_ms > 0')).length === 0)
      await new Promise((resolve) => setImmediate(resolve));
    const { db, now } = room;
    dead = false;
    // Another process on the same database.
    const again = await openRoom({ ...db, close: () => Promise.resolve() }, 1, {
      creditAccounts: ACCOUNTS,
      accountBook: book,
    });
    again.now = now + 3_700_000;
    await again.central.sweepPayments();
    expect(inBook()).toHaveLength(1);
    expect(await db.query('SELECT state FROM postings')).toEqual([{ state: 'posted' }]);
    await again.close();
  });
  it('believes no other answer than one about the very reference and sum, by the right secret', async () => {
    await start('idempotent');
    await open();
    const posting = {
      reference: 'R1',
      orderId: 'o',
      userNo: '3000000001',
      payee: 'house',
      amountFen: FEN,
      lines: [],
      paidMs: 1,
      walletNumber: '4',
    };
    expect(await http('wrong').manner()).toBeNull();
    expect(await http('wrong').send(posting)).toMatchObject({ kind: 'unknown' });
    expect(await http().send(posting)).toEqual({ kind: 'posted', voucher: 'V1' });
    expect(await http().send({ ...posting, amountFen: 1 })).toMatchObject({ kind: 'unknown' });
    expect(await http().ask({ ...posting, reference: 'R2' })).toEqual({ kind: 'unheard' });
    const lying = (body: unknown) =>
      httpAccountBook({
        baseUrl: 'http://book/v1',
        secret: '',
        clock: systemClock,
        timeoutMs: 1_000,
        send: () =>
          Promise.resolve({
            status: 200,
            header: () => null,
            body: Buffer.from(JSON.stringify(body)),
          }),
      });
    const right = { state: 'posted', reference: 'R1', amountFen: FEN, voucher: 'V1' };
    expect(await lying(right).send(posting)).toMatchObject({ kind: 'posted' });
    expect(await lying(right).ask(posting)).toMatchObject({ kind: 'posted' });
    for (const wrong of [
      { ...right, reference: 'R2' },
      { ...right, amountFen: 1 },
      { state: 'ok' },
    ]) {
      expect(await lying(wrong).send(posting)).toMatchObject({ kind: 'unknown' });
      expect(await lying(wrong).ask(posting)).toMatchObject({ kind: 'unknown' });
    }
  });
});
