import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stderrLog, systemRandom } from '../../../src/main/ports.ts';
import { runCentral } from '../../../src/main/central/run.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (...parts: string[]): string => readFileSync(join(root, ...parts), 'utf8');
const samples = join(root, 'resources', 'samples', 'central');
const sample = (name: string): string => join(samples, name);

let folder: string;
let said: string[];
let typed = '';
/** Carries out what an engineer types by docs/central.md. @returns its exit code and all its lines */
async function run(...args: string[]): Promise<{ code: number; text: string }> {
  said = [];
  const say = (line: string): void => void said.push(line);
  const code = await runCentral(args, {
    cwd: folder,
    out: say,
    err: say,
    // Before the day that the sample's next price names.
    clock: {
      nowMs: () => Date.parse('2026-06-01T00:00:00Z'),
      monoMs: () => 0,
      after: () => () => undefined,
    },
    random: systemRandom,
    log: stderrLog,
    machineId: () => 'machine',
    stdin: () => Promise.resolve(Buffer.from(typed)),
    user: 'tester',
    told: Promise.resolve(),
  });
  return { code, text: said.join('\n') };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-samples-'));
  const config = {
    mode: 'demo',
    dataDir: 'data',
    database: { kind: 'embedded' },
    keys: { policy: 'k/policy.key', answers: 'k/answers.key', gateway: 'k/gateway.key' },
    listen: { terminals: { port: 1801 }, pages: { port: 1802 }, staff: { port: 1803 } },
  };
  writeFileSync(join(folder, 'central.json'), JSON.stringify(config));
  expect((await run('init')).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the templates, in the order of docs/central.md', () => {
  test('are taken as they are by the commands that they are for', async () => {
    expect((await run('check')).text).toContain('database: reached, schema 0: empty');
    for (const [words, told] of [
      [['tariff', 'add', sample('tariff.json')], 'gas-residential version 1'],
      [['account', 'import', sample('accounts.csv'), '--dry-run'], 'new 2, changed 0'],
      [['account', 'import', sample('accounts.csv')], 'new 2, changed 0'],
      [['account', 'import', sample('credit-accounts.csv'), '--kind', 'credit'], 'new 2'],
      [['account', 'import', sample('bills.csv'), '--kind', 'bill'], 'new 1'],
      [['policy', 'publish', sample('policy.json'), '--why', 'opening'], 'version 1: global'],
      [
        ['policy', 'publish', sample('policy-site.json'), '--scope', 'site:城东', '--why', 'hall'],
        'version 2: site:城东',
      ],
      [['tariff', 'add', sample('tariff-next.json')], 'version 2 holds from 2027-01-01'],
      [['staff', 'add', '李雷', '--role', 'administrator'], 'one-time code of 李雷'],
    ] as const) {
      const { code, text } = await run(...words);
      expect(code, text).toBe(0);
      expect(text).toContain(told);
    }
    expect((await run('check')).text).toMatch(/database: reached, schema \d+$/);
  }, 120_000);

  test('a part of a policy is no policy: each field is named, and where it belongs', async () => {
    const { code, text } = await run('policy', 'publish', sample('policy-site.json'));
    expect(code).toBe(1);
    expect(text).toContain('global: presetsFen: is missing');
    expect(text).toContain('policy.json');
    expect(text).toContain('--scope site:NAME');
    expect(text).not.toContain('undefined');
  }, 30_000);

  test('the payees of the bills are those of the policy', () => {
    const policy = JSON.parse(read('resources/samples/central/policy.json')) as {
      credit: { payees: { id: string }[] };
    };
    const ids = policy.credit.payees.map((p) => p.id);
    const lines = ['credit-accounts.csv', 'bills.csv'].flatMap((name) => {
      const [head = '', ...rows] = read('resources/samples/central', name).trim().split(/\r?\n/);
      const at = head.split(',').indexOf('收款方');
      return rows.map((row) => row.split(',')[at]);
    });
    expect(lines.length).toBeGreaterThan(0);
    for (const payee of lines) expect(ids).toContain(payee);
  });
});

describe('a file for a command', () => {
  test('comes by the standard input where it is named -', async () => {
    typed = JSON.stringify({
      tariffId: 'typed',
      version: 1,
      tiers: [{ upto: null, price: '1' }],
    });
    expect((await run('tariff', 'add', '-')).text).toContain('typed version 1');
    typed = '{';
    expect(await run('tariff', 'add', '-')).toMatchObject({ code: 1 });
  }, 30_000);

  test('that is not there is said in words', async () => {
    expect((await run('tariff', 'add', 'nothing.json')).text).toBe(
      'central tariff: nothing.json: there is no such file',
    );
  }, 30_000);
});

test('the examples of configuration and front server have the same three names', () => {
  const nginx = read('resources/linux/nginx-central.conf');
  const doors = [...nginx.matchAll(/server_name (\S+);[\s\S]*?proxy_pass http:\/\/(\S+);/g)].map(
    ([, name, to]) => [name, to],
  );
  const config = JSON.parse(read('resources/central.example.json')) as {
    staff: { publicOrigin: string };
    payments: { publicUrl: string };
    listen: Record<'terminals' | 'pages' | 'staff', { port: number }>;
  };
  const upstream = /upstream pilotlight_terminals \{\s+server (\S+) /.exec(nginx)?.[1];
  const at = (door: 'terminals' | 'pages' | 'staff'): string =>
    `127.0.0.1:${config.listen[door].port}`;
  expect(upstream).toBe(at('terminals'));
  expect(doors).toEqual([
    ['central.gas.example', 'pilotlight_terminals'],
    [new URL(config.payments.publicUrl).host, at('pages')],
    [new URL(config.staff.publicOrigin).host, at('staff')],
  ]);
});
