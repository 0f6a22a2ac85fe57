import { fork, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBillingClient } from '../../src/billing/client.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import type { Snapshot } from '../../src/shared/contract/index.ts';
import { ed25519Keyring, ed25519Signer } from '../../src/shared/signing.ts';
import { DAY_MS, chinaDate } from '../../src/shared/time.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../src/simulator/wechat/sandbox.ts';
import type { WechatSandbox } from '../../src/simulator/wechat/sandbox.ts';
import { root, until } from '../support/hall.ts';
import { freePorts } from '../support/ports.ts';
import { Cluster } from '../support/postgres.ts';

/**
 * What an engineer does by docs/central.md, step by step, with the programs that he uses: a
 * PostgreSQL of Debian's, central as a service (two processes of it), a terminal that is enrolled
 * from a folder of its own, accounts from a file, a price for tomorrow, a policy, a sale, and the
 * end of the terminal's key.
 */
const PILOTLIGHT = join(root, 'bin', 'pilotlight.mjs');
const TERMINAL = '000000000321';
const sandboxKeys = generateSandboxKeys();

let folder: string;
let cluster: Cluster;
let database: string;
let wallet: WechatSandbox;
let ports: { terminals: number; pages: number; staff: number; other: number; reader: number };
const running: ChildProcess[] = [];
let core: ChildProcess | null = null;
let shown: Snapshot | null = null;
let said = '';
let slot: CardSlot;

const office = (): string => join(folder, 'central');
const hall = (): string => join(folder, 'terminal');

function ran(cwd: string, ...args: string[]): { readonly status: number; readonly out: string } {
  const run = spawnSync(process.execPath, [PILOTLIGHT, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status: run.status ?? -1, out: `${run.stdout}${run.stderr}` };
}
/** A command of central's that does what it is told. */
function central(...args: string[]): string {
  const { status, out } = ran(office(), 'central', ...args);
  if (status !== 0) throw new Error(`central ${args.join(' ')}: ${status}\n${out}`);
  return out;
}
function write(file: string, value: unknown): string {
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 });
  return file;
}
async function service(config: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PILOTLIGHT, 'central', '--config', config], {
    cwd: office(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
  running.push(child);
  await until(
    'central to be ready',
    async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200,
    40_000,
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${said.slice(-2_000)}`);
  });
  return child;
}
const on = <S extends Snapshot['screen']>(
  screen: S,
  more: (s: Extract<Snapshot, { screen: S }>) => boolean = () => true,
): Promise<Extract<Snapshot, { screen: S }>> =>
  until(
    `screen ${screen}`,
    () => {
      const now = shown;
      return now?.screen === screen && more(now as Extract<Snapshot, { screen: S }>)
        ? (now as Extract<Snapshot, { screen: S }>)
        : null;
    },
    40_000,
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}; shown: ${JSON.stringify(shown)}\n${said.slice(-3_000)}`);
  });
function tap(type: string, value?: number): void {
  if (shown === null) throw new Error('nothing is shown');
  const { screen, revision } = shown;
  core?.send({
    type: 'intent',
    intent: { type, screen, revision, ...(value === undefined ? {} : { value }) },
  });
}

/** A thousand households; the last of them has the sample card. */
function accounts(): string {
  const head =
    '卡号,户号,户名,表号,类别,计量方式,状态,价格编号,价格版本,表上限,购买次数,累计购量,本年购量,结转余额';
  const rows = Array.from({ length: 999 }, (_, n) => {
    const nn = String(n).padStart(4, '0');
    return `660000${nn},100300${nn},用户${n},026000${nn},燃气,气量,正常,gas-home,1,1000,0,0,0,0`;
  });
  return [
    head,
    ...rows,
    '8800003934,1002203334,王秀英,0000157734,燃气,气量,正常,gas-home,1,1000,41,2050,214.50,0',
    '',
  ].join('\r\n');
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-central-'));
  for (const part of ['central', 'terminal']) mkdirSync(join(folder, part));
  cluster = await Cluster.start();
  database = await cluster.create();
  const first = await freePorts(8);
  ports = {
    terminals: first,
    pages: first + 1,
    staff: first + 2,
    other: first + 3,
    reader: first + 7,
  };
  wallet = createWechatSandbox({
    port: 0,
    dataDir: null,
    merchantPublicKeyPem: sandboxKeys.merchantPublicKeyPem,
    platformPrivateKeyPem: sandboxKeys.platformPrivateKeyPem,
    platformSerial: sandboxKeys.platformSerial,
    mchid: '1900000109',
    appid: 'wxd678efh567hg6787',
    now: () => Date.now(),
    randomBytes,
  });
}, 60_000);
afterAll(async () => {
  core?.kill('SIGKILL');
  for (const child of running) child.kill('SIGKILL');
  slot?.remove();
  await wallet?.close();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a company sets central up', () => {
  test('keys and configuration; two processes on one PostgreSQL', async () => {
    const { baseUrl } = await wallet.start();
    mkdirSync(join(office(), 'keys'));
    write(join(office(), 'keys', 'merchant.pem'), sandboxKeys.merchantPrivateKeyPem);
    write(join(office(), 'keys', 'platform.pub.pem'), sandboxKeys.platformPublicKeyPem);
    const config = (from: number) => ({
      mode: 'demo',
      dataDir: 'data',
      database: { kind: 'postgres', url: cluster.url(database) },
      keys: {
        policy: 'keys/policy.key',
        answers: 'keys/answers.key',
        gateway: 'keys/gateway.key',
        requests: ['keys/requests.key'],
      },
      listen: {
        terminals: { port: from },
        pages: { port: from + 1 },
        staff: { port: from + 2 },
      },
      cardKeys: { kind: 'sample' },
      payments: {
        publicUrl: `http://127.0.0.1:${ports.pages}`,
        wallets: [
          {
            wallet: {
              kind: 'wechat',
              baseUrl,
              mchid: '1900000109',
              appid: 'wxd678efh567hg6787',
              merchantSerial: sandboxKeys.merchantSerial,
              merchantKeyFile: 'keys/merchant.pem',
              platformKeys: { [sandboxKeys.platformSerial]: 'keys/platform.pub.pem' },
              notifyUrl: 'https://pay.example.com/n',
            },
          },
        ],
      },
    });
    write(join(office(), 'central.json'), config(ports.terminals));
    write(join(office(), 'other.json'), config(ports.other));
    expect(central('init')).toContain('keys/policy.key made');
    expect(central('check')).toContain('database: reached');
    await Promise.all([
      service('central.json', ports.terminals),
      service('other.json', ports.other),
    ]);
  }, 60_000);

  test('prices, a thousand accounts, a policy; a dry run first', () => {
    const tiers = (first: string) => [
      { upto: '360', price: first },
      { upto: null, price: '3.9750' },
    ];
    const v1 = { tariffId: 'gas-home', version: 1, tiers: tiers('2.6500') };
    central('tariff', 'add', write(join(office(), 'v1.json'), v1));
    const file = write(join(office(), 'accounts.csv'), accounts());
    expect(central('account', 'import', file, '--dry-run')).toContain('new 1000');
    expect(central('account', 'import', file)).toContain('new 1000');
    const bad = write(join(office(), 'bad.csv'), accounts().replace('8800003934', '88000039'));
    const refused = ran(office(), 'central', 'account', 'import', bad);
    expect(refused.status).toBe(1);
    expect(refused.out).toContain('line 1001, 卡号: not-this');
    const v2 = {
      ...v1,
      version: 2,
      from: chinaDate(Date.now() + DAY_MS),
      tiers: tiers('2.8000'),
    };
    central('tariff', 'add', write(join(office(), 'v2.json'), v2));
    const policy = {
      hotline: '0558-5550110',
      presetsFen: [5_000, 10_000],
      minFen: 1_000,
      maxFen: 100_000,
      payWindowMs: 120_000,
      offline: { accountMaxAgeMs: 86_400_000, capFen: 200_000 },
      unsynced: { maxEvents: 5_000, maxFen: 2_000_000, maxAgeMs: 259_200_000 },
      maxClockSkewMs: 300_000,
      notices: [],
      sites: [],
    };
    central('policy', 'publish', write(join(office(), 'policy.json'), policy), '--why', 'opening');
    central(
      'policy',
      'publish',
      write(join(office(), 'east.json'), { hotline: '0558-5550119' }),
      '--scope',
      'site:城东',
      '--why',
      'own hotline',
    );
  }, 60_000);
});

describe('a terminal', () => {
  test('is let in from a folder of its own by a code, and a person’s comparison', async () => {
    const added = central('terminal', 'add', '--id', TERMINAL, '--site', '城东', '--name', '1号机');
    const code = /code\s+([0-9A-Z-]{19})/.exec(added)?.[1] ?? '';
    write(join(hall(), 'example.json'), {
      mode: 'demo',
      terminalId: '000000000001',
      site: 'not yet',
      dataDir: 'journal',
      secondPath: 'second',
      readers: [{ kind: 'virtual', path: `tcp://127.0.0.1:${ports.reader}` }],
      keys: { kind: 'central' },
      payments: [{ kind: 'gateway' }],
      central: { baseUrl: 'https://not.yet', keyFile: 'keys/terminal.pem' },
      printer: { kind: 'none' },
    });
    const enrolled = ran(
      hall(),
      'enrol',
      '--central',
      `http://127.0.0.1:${ports.terminals}`,
      '--code',
      code,
      '--from',
      'example.json',
    );
    expect(enrolled.status).toBe(0);
    const digits = /machine\s+((?:\d{4} ?){5})/.exec(enrolled.out)?.[1]?.trim() ?? '';
    // Both sides show central's digits.
    const theirs = /central\s+((?:\d{4} ?){5})/.exec(added)?.[1]?.trim() ?? '';
    expect(enrolled.out).toContain(theirs);
    expect(central('terminal', 'confirm', TERMINAL, ...digits.split(' '))).not.toContain('refused');
    const json = JSON.parse(readFileSync(join(hall(), 'terminal.json'), 'utf8')) as {
      terminalId: string;
    };
    expect(json.terminalId).toBe(TERMINAL);
    expect(ran(hall(), 'enrol', '--central', 'https://x.example', '--code', code).status).not.toBe(
      0,
    );
  }, 30_000);

  test('sells: by its policy, at today’s price, paid through the gateway; central has it to the fen', async () => {
    core = fork(
      join(root, 'src', 'main', 'core', 'main.ts'),
      ['--config', join(hall(), 'terminal.json')],
      { cwd: hall(), stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env } },
    );
    for (const stream of [core.stdout, core.stderr])
      stream?.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
    core.on('message', (message: { type: string; snapshot: Snapshot }) => {
      if (message.type === 'snapshot') shown = message.snapshot;
    });
    core.send({ type: 'hello' });
    const start = await on('start', (s) => s.selling);
    expect(start.header.hotline).toBe('0558-5550119');
    slot = new CardSlot({ host: '127.0.0.1', port: ports.reader, clock: systemClock });
    slot.insert(sampleCard('good').make());
    await on('amount');
    tap('choose-amount', 5_000);
    const quoted = await on('amount', (s) => s.quote?.amountFen === 5_000 && !s.busy);
    // 50 yuan at 2.65 yuan, not at tomorrow's 2.80.
    expect(quoted.quote?.quantity).toBe(1_886);
    tap('pay', 5_000);
    await on('no-slip');
    tap('pay', 5_000);
    const pay = await on('pay', (s) => s.qrText !== null);
    const opened = await fetch(pay.qrText ?? '', {
      method: 'POST',
      body: new URLSearchParams({ wallet: 'wechat' }),
      redirect: 'manual',
    });
    expect(wallet.control.pay({ codeUrl: opened.headers.get('location') ?? '' }).paid).toBe(true);
    const done = await on('done');
    expect(done.amountFen).toBe(5_000);
    slot.remove();
    await until(
      'the sale in the books',
      () => central('terminal', 'show', TERMINAL, '--json').includes('"unsent"'),
      20_000,
    );
    const ledger = await until('the ledger', async () => {
      const rows = await cluster.ask<{ kind: string; amount_fen: string }>(
        'SELECT kind, amount_fen FROM ledger ORDER BY kind',
        [],
        database,
      );
      return rows.some((r) => r.kind === 'delivered') ? rows : null;
    });
    expect(ledger.map((r) => [r.kind, Number(r.amount_fen)])).toEqual(
      expect.arrayContaining([
        ['captured', 5_000],
        ['delivered', 5_000],
      ]),
    );
    expect(wallet.control.books().orders.map((o) => [o.state, o.total])).toEqual([
      ['SUCCESS', 5_000],
    ]);
  }, 90_000);

  test('hears of tomorrow’s price with its policy, at either process', async () => {
    for (const port of [ports.terminals, ports.other]) {
      const policy = await client(port).policy();
      if (!policy.ok) throw new Error(policy.error.code);
      const told = JSON.stringify(policy.value);
      expect(told).toContain('gas-home');
      expect(told).toContain('28000');
    }
  });

  test('revoked, it is refused within a second, at both processes', async () => {
    const clients = [client(ports.terminals), client(ports.other)];
    for (const one of clients) expect((await one.policy()).ok).toBe(true);
    central('terminal', 'revoke', TERMINAL, '--why', 'stolen');
    const revokedMs = Date.now();
    for (const one of clients) {
      const told = await one.policy();
      expect(told).toMatchObject({
        ok: false,
        error: { detail: expect.stringMatching(/revoked/) },
      });
    }
    expect(Date.now() - revokedMs).toBeLessThan(1_000);
    expect(central('terminal', 'list')).toContain('revoked');
    // The kiosk itself: it asks, and sells nothing.
    slot.insert(sampleCard('good').make());
    await on('cannot-sell');
  }, 60_000);
});

describe('central', () => {
  test('ends in order when it is told to', async () => {
    for (const child of running.splice(0)) {
      const over = new Promise((done) => child.once('exit', (code) => done(code)));
      child.kill('SIGTERM');
      expect(await over).toBe(0);
    }
  }, 30_000);
});

/** The terminal's own key in somebody's hands: what it is worth. */
function client(port: number) {
  const { central: line } = JSON.parse(readFileSync(join(hall(), 'terminal.json'), 'utf8')) as {
    central: { keyFile: string; policyKeyFile?: string; answerKeyFile?: string };
  };
  const read = (file: string): string => readFileSync(resolve(hall(), file), 'utf8');
  const beside = (name: string): string => join(dirname(line.keyFile), name);
  return createBillingClient({
    baseUrl: `http://127.0.0.1:${port}`,
    terminalId: TERMINAL,
    signer: ed25519Signer(read(line.keyFile)),
    policyKeys: ed25519Keyring(read(line.policyKeyFile ?? beside('policy.pub.pem'))),
    answerKeys: ed25519Keyring(read(line.answerKeyFile ?? beside('answers.pub.pem'))),
    clock: systemClock,
    random: systemRandom,
    timeoutMs: 5_000,
  });
}
