import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stderrLog, systemClock, systemRandom } from '../../../src/main/ports.ts';
import { centralConfigSchema } from '../../../src/main/central/config.ts';
import { runCentral } from '../../../src/main/central/run.ts';

let folder: string;
let said: string[];
let wrong: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-central-'));
  said = [];
  wrong = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Config = Record<string, unknown>;
const least = (): Config => ({
  mode: 'demo',
  dataDir: 'data',
  database: { kind: 'embedded' },
  keys: { policy: 'k/policy.key', answers: 'k/answers.key', gateway: 'k/gateway.key' },
  listen: {
    terminals: { port: 1801 },
    pages: { port: 1802 },
    staff: { port: 1803 },
  },
});
const PRODUCTION = { mode: 'production', staff: { publicOrigin: 'https://central.example' } };
function write(config: unknown, mode = 0o600): void {
  writeFileSync(join(folder, 'central.json'), JSON.stringify(config), { mode });
}
const run = (...args: string[]): Promise<number> =>
  runCentral(args, {
    cwd: folder,
    out: (line) => said.push(line),
    err: (line) => wrong.push(line),
    clock: systemClock,
    random: systemRandom,
    log: stderrLog,
    machineId: () => 'machine',
    stdin: () => Promise.resolve(new Uint8Array()),
    user: 'tester',
    told: Promise.resolve(),
  });

describe('central.json', () => {
  test.each<[string, (c: Config) => unknown, RegExp]>([
    ['no JSON', () => '{', /central\.json: /],
    ['an unknown key', (c) => ({ ...c, colour: 'red' }), /colour/],
    ['no database', (c) => ({ ...c, database: {} }), /database\.kind "undefined" is not built/],
    [
      'a password in the address',
      (c) => ({ ...c, database: { kind: 'postgres', url: 'postgres://u:secret@127.0.0.1/c' } }),
      /database\.url: the password stands in database\.passwordFile/,
    ],
    [
      'two doors at one port',
      (c) => ({ ...c, listen: { ...(c['listen'] as object), staff: { port: 1801 } } }),
      /listen: two doors have one port/,
    ],
    [
      'a gateway as a wallet',
      (c) => ({
        ...c,
        payments: { publicUrl: 'http://127.0.0.1', wallets: [{ wallet: { kind: 'gateway' } }] },
      }),
      /payments\.wallets\[0\]: a gateway is no wallet/,
    ],
    [
      'a gateway as a wallet of the terminals',
      (c) => ({ ...c, terminalWallets: [{ wallet: { kind: 'gateway' } }] }),
      /terminalWallets\[0\]: a gateway is no wallet/,
    ],
    [
      'a production without log-in',
      (c) => ({ ...c, mode: 'production' }),
      /staff: its people log in/,
    ],
    [
      'sample keys in production',
      (c) => ({ ...c, ...PRODUCTION, cardKeys: { kind: 'sample' } }),
      /cardKeys\.kind: the published keys are refused/,
    ],
    [
      'card keys on any disk in production',
      (c) => ({
        ...c,
        ...PRODUCTION,
        cardKeys: { kind: 'sealed', file: 'a', secretFile: 'b' },
      }),
      /cardKeys\.diskKey: /,
    ],
    [
      'pages in clear in production',
      (c) => ({
        ...c,
        ...PRODUCTION,
        payments: {
          publicUrl: 'http://pay.example',
          wallets: [
            {
              wallet: {
                kind: 'alipay',
                baseUrl: 'https://openapi.alipay.com',
                appId: '2021000000000311',
                appKeyFile: 'a',
                alipayKeyFile: 'b',
              },
            },
          ],
        },
      }),
      /payments\.publicUrl: https is needed/,
    ],
  ])('%s: one sentence, and nothing is begun', async (_name, change, sentence) => {
    const made = change(least());
    if (typeof made === 'string') writeFileSync(join(folder, 'central.json'), made);
    else write(made);
    expect(await run('check')).toBe(1);
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(sentence);
    expect(wrong[0]).toContain('CONF-0101');
    expect(wrong[0]).not.toContain('secret@');
  });

  test('production refuses a configuration and keys that others may change or read', async () => {
    write({ ...least(), ...PRODUCTION });
    expect(await run('init')).toBe(0);
    expect(statSync(join(folder, 'k/answers.key')).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(folder, 'k/answers.key'));
    rmSync(join(folder, 'k/answers.key'));
    writeFileSync(join(folder, 'k/answers.key'), key, { mode: 0o644 });
    expect(await run('init')).toBe(1);
    expect(wrong.at(-1)).toMatch(/keys\.answers: .*readable by others/);
    rmSync(join(folder, 'central.json'));
    write({ ...least(), ...PRODUCTION }, 0o666);
    const { mode } = statSync(join(folder, 'central.json'));
    // Where this shell's umask took the bits away there is nothing to refuse.
    if ((mode & 0o022) !== 0) {
      expect(await run('init')).toBe(1);
      expect(wrong.at(-1)).toMatch(/can be changed by others/);
    }
  });

  test('a secret that others may read, or that is empty, is none: the database’s too', async () => {
    const database = {
      kind: 'postgres',
      url: 'postgres://u@127.0.0.1:1/c',
      passwordFile: 'db.secret',
    };
    write({ ...least(), ...PRODUCTION, database });
    expect(await run('init')).toBe(0);
    const check = async (text: string, mode: number): Promise<string> => {
      rmSync(join(folder, 'db.secret'), { force: true });
      writeFileSync(join(folder, 'db.secret'), text, { mode });
      expect(await run('check')).toBe(1);
      return wrong.at(-1) ?? '';
    };
    expect(await check('word', 0o644)).toMatch(/database\.passwordFile: .*readable by others/);
    expect(await check('\n', 0o600)).toMatch(/database\.passwordFile: .*is empty/);
    writeFileSync(join(folder, 'sms.secret'), '\n', { mode: 0o600 });
    const outside = { baseUrl: 'https://sms.example', secretFile: 'sms.secret' };
    write({ ...least(), ...PRODUCTION, smsPlatform: outside });
    expect(await run('check')).toBe(1);
    expect(wrong.at(-1)).toMatch(/smsPlatform\.secretFile: .*is empty/);
  });

  test('a WeChat that nobody can pay with by the gateway’s code is named', async () => {
    const rsa = () =>
      generateKeyPairSync('rsa', {
        modulusLength: 2_048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
    writeFileSync(join(folder, 'merchant.pem'), rsa().privateKey, { mode: 0o600 });
    writeFileSync(join(folder, 'platform.pem'), rsa().publicKey, { mode: 0o600 });
    writeFileSync(join(folder, 'app.secret'), '0123456789abcdef0123456789abcdef', { mode: 0o600 });
    const check = async (more: object): Promise<readonly string[]> => {
      const wallet = {
        kind: 'wechat',
        baseUrl: 'https://api.mch.weixin.qq.com',
        mchid: '1900000001',
        appid: 'wx0000000000000001',
        merchantSerial: '5157F09EFDC096DE15EBE81A47057A72',
        merchantKeyFile: 'merchant.pem',
        platformKeys: { PUB_KEY_ID_1: 'platform.pem' },
        notifyUrl: 'https://pay.example/pay/notify/wechat',
        ...more,
      };
      write({
        ...least(),
        payments: { publicUrl: 'https://pay.example', wallets: [{ wallet }] },
      });
      if (said.length === 0) expect(await run('init')).toBe(0);
      said = [];
      expect([await run('check'), wrong]).toEqual([0, []]);
      return said.filter((line) => line.includes('wallets[0]'));
    };
    expect(await check({})).toEqual([
      expect.stringContaining('wallet.browser: left out, so nobody pays with WeChat'),
    ]);
    expect(await check({ browser: { appSecretFile: 'app.secret' } })).toEqual([]);
  });

  test('init makes what is missing once, and writes over nothing', async () => {
    write({ ...least(), keys: { ...(least()['keys'] as object), requests: ['k/requests.key'] } });
    expect(await run('check')).toBe(1);
    expect(wrong.at(-1)).toMatch(/keys\.policy: .*is not there; `init` makes it/);
    expect(await run('init')).toBe(0);
    const first = readFileSync(join(folder, 'k/policy.key'), 'utf8');
    expect(await run('init')).toBe(0);
    expect(readFileSync(join(folder, 'k/policy.key'), 'utf8')).toBe(first);
    expect(said.filter((line) => line.endsWith('made'))).toHaveLength(4);
    expect(said.filter((line) => line.endsWith('is there'))).toHaveLength(4);
    // One key for two things is refused: what one signs would be taken for the other's.
    writeFileSync(join(folder, 'k/gateway.key'), first);
    expect(await run('check')).toBe(1);
    expect(wrong.at(-1)).toMatch(/a key each/);
  });

  test('the service is given more time to end than any configuration takes', () => {
    const resources = join(import.meta.dirname, '../../../resources');
    const unit = readFileSync(join(resources, 'linux/pilotlight-central@.service'), 'utf8');
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    const most = (ms: number): boolean =>
      centralConfigSchema.safeParse({ ...least(), stopMs: ms }).success;
    expect([most(120_000), most(seconds * 1_000)]).toEqual([true, false]);
  });

  test('wrong words are wrong usage, and do nothing', async () => {
    for (const args of [['nothing'], ['check', '--config'], ['init', '--by=']])
      expect(await run(...args)).toBe(2);
    expect(await run('--help')).toBe(0);
    expect(said.at(-1)).toContain('pilotlight central init');
  });
});
