import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createCentral } from '../../../src/central/central.ts';
import type { Central } from '../../../src/central/central.ts';
import { Journal } from '../../../src/journal/journal.ts';
import type { ReconcileAnswer } from '../../../src/main/cli/reconcile.ts';
import {
  DEMO_APPID,
  DEMO_MCHID,
  DEMO_TERMINAL,
  DIRECT,
  hallKeys,
  hallPorts,
  writeTerminalJson,
} from '../../../src/demo/setup.ts';
import { demoWallets } from '../../../src/demo/wallets.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { ed25519Signer } from '../../../src/shared/signing.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { memoryBooks } from '../../../src/simulator/payment-books.ts';
import type { Books } from '../../../src/simulator/payment-books.ts';
import { createPayTown } from '../../../src/simulator/pay-town.ts';
import type { SandboxServer } from '../../../src/simulator/sandbox-http.ts';
import { openSqliteDb } from '../../../src/simulation/sqlite-db.ts';
import { cli, temporaryFolder, writeJournal } from './fixtures.ts';

/** The command as an operator runs it, over HTTP, the morning after. */
let folder = '';
let remove: () => void;
let central: Central;
let town: SandboxServer;
let books: Books;
let good = '';
/** The fixture's journal is of noon; that day's bill is there the next morning. */
const DAY = '2026-11-22';
const MORNING = Date.parse(`${DAY}T11:00:00+08:00`) + 86_400_000;
const clock = { ...systemClock, nowMs: () => MORNING };

beforeAll(async () => {
  ({ folder, remove } = temporaryFolder());
  const keys = hallKeys(folder);
  books = memoryBooks();
  central = createCentral({
    db: openSqliteDb(),
    ...DEMO_DATA,
    policySigner: ed25519Signer(keys.policyPrivateKeyPem),
    answerSigner: ed25519Signer(keys.answerPrivateKeyPem),
    gatewaySigner: ed25519Signer(keys.gatewayPrivateKeyPem),
    now: clock.nowMs,
    terminals: [{ terminalId: DEMO_TERMINAL, publicKeyPem: keys.terminalPublicKeyPem, epoch: 1 }],
  });
  let port = 0;
  const common = {
    port: 0,
    dataDir: null,
    publicUrl: () => `http://127.0.0.1:${port}`,
    now: clock.nowMs,
    randomBytes: (n: number) => new Uint8Array(randomBytes(n)),
  };
  town = createPayTown(0, demoWallets(keys, common, { wechat: books }));
  const [c, s] = await Promise.all([central.start(), town.start()]);
  port = s.port;
  writeTerminalJson(
    folder,
    { ...hallPorts(20_000), centralLine: c.terminals.port, paymentLine: s.port },
    keys,
    false,
    DIRECT,
  );
  good = readFileSync(join(folder, 'terminal.json'), 'utf8');
}, 60_000);
afterAll(async () => {
  await Promise.all([central.close(), town.close()]);
  remove();
});
beforeEach(() => {
  writeFileSync(join(folder, 'terminal.json'), good);
  for (const part of ['kiosk', 'kiosk-second'])
    rmSync(join(folder, part), { recursive: true, force: true });
  const { dataDir, secondPath } = JSON.parse(good) as { dataDir: string; secondPath: string };
  writeJournal(join(folder, dataDir), join(folder, secondPath), {
    ...systemClock,
    nowMs: () => Date.parse(`${DAY}T12:00:00+08:00`),
  });
});

const run = (date: string, ...more: string[]) =>
  cli(['reconcile', '--date', date, '--config', 'terminal.json', ...more], folder, { clock });
const paid = (outTradeNo: string): void => {
  books.putOrder({
    outTradeNo,
    appid: DEMO_APPID,
    mchid: DEMO_MCHID,
    description: 'x',
    notifyUrl: '',
    attach: '',
    total: 10_000,
    expiresAtMs: 1,
    createdAtMs: MORNING - 86_400_000,
    codeUrls: [],
    state: 'SUCCESS',
    transactionId: `42${outTradeNo}`,
    paidAtMs: Date.parse(`${DAY}T00:30:00+08:00`),
    captures: 1,
  });
};

describe('reconcile', () => {
  test('a day on which nothing happened: 0', async () => {
    const { code, out } = await run('2026-01-05');
    expect(out).toContain('The books agree.');
    expect(code).toBe(0);
  });

  test('no bill of a day with payments: 3, and nobody is accused', async () => {
    const { code, out } = await run(DAY);
    expect(out).toContain('it says that nothing happened');
    expect(out).not.toContain('order-not-captured');
    expect(code).toBe(3);
  });

  test('differences: 1, each in words; the journal is not touched', async () => {
    paid('SHOP-1');
    const file = Journal.file(join(folder, 'kiosk'));
    const before = statSync(file).mtimeMs;
    // The fixture's two attempts that were paid are in no bill and, not uploaded, not at central.
    const { code, out } = await run(DAY, '--json');
    const answer = JSON.parse(out) as ReconcileAnswer;
    expect(code).toBe(1);
    expect(answer).toMatchObject({
      date: DAY,
      terminalId: DEMO_TERMINAL,
      ledger: 'compared',
      ledgerDetail: null,
      complete: true,
      persons: 2,
    });
    expect(answer.providers.map((p) => Object.keys(p).join())).toEqual(
      Array(2).fill('provider,bill,complete,detail,payments,refunds,reversals,others'),
    );
    expect(answer.differences.map((d) => `${d.type} ${d.outTradeNo}`).toSorted()).toEqual([
      'not-yet PL0311T2',
      'not-yet PL0311T3',
      'order-not-captured PL0311T2',
      'order-not-captured PL0311T3',
    ]);
    expect(Object.keys(answer.differences[0] ?? {}).join()).toBe(
      'type,provider,outTradeNo,orderId,attemptId,journalFen,billFen,ledgerFen,did,person,what,system,todo',
    );
    expect(statSync(file).mtimeMs).toBe(before);
  });

  test('the bill has it: the journal’s payments are found in it by number, and a stranger’s is told', async () => {
    for (const no of ['PL0311T2', 'PL0311T3', `P${DEMO_TERMINAL}E9N0001A1XAAAAA`]) paid(no);
    const { code, out } = await run(DAY);
    expect(out).toMatch(
      /captured-no-order: wechat P\d{12}E9N0001A1XAAAAA; journal -, bill 100\.00, ledger -/,
    );
    expect(out).toContain('人工：查明账本为何没有这笔交易');
    expect(out).toContain('1 for a person.');
    expect(code).toBe(1);
  });

  test('the day is not over: 3', async () => {
    const { code, out } = await run(chinaDate(MORNING));
    expect(out).toContain('run it again later');
    expect(code).toBe(3);
  });

  test('central away: 3, and what can be compared is', async () => {
    writeFileSync(
      join(folder, 'terminal.json'),
      good.replace(/("central":\s*\{\s*"baseUrl":\s*")[^"]+/, '$1http://127.0.0.1:9'),
    );
    const { code, out } = await run('2026-01-05', '--json');
    expect(JSON.parse(out)).toMatchObject({
      complete: false,
      ledger: 'away',
      providers: [{ bill: 'nothing' }, { bill: 'nothing' }],
    });
    expect(code).toBe(3);
  });

  test('no journal, or no configuration: 3, and why', async () => {
    rmSync(join(folder, 'kiosk'), { recursive: true });
    expect(await run(DAY)).toMatchObject({
      code: 3,
      err: expect.stringContaining('no journal at') as string,
    });
    expect(
      await cli(['reconcile', '--date', DAY, '--config', 'nowhere.json'], folder, { clock }),
    ).toMatchObject({ code: 3, err: expect.stringContaining('CONF-0101') as string });
  });

  test.each([
    [[]],
    [['--date', 'yesterday']],
    [['--date', '2026-02-30']],
    [['--date', DAY, '--yes']],
  ])('%j is wrong usage: 2', async (args) => {
    expect((await cli(['reconcile', ...args], folder, { clock })).code).toBe(2);
  });
});
