import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../../src/central/http/listen.ts';
import type { OpenDoor } from '../../../src/central/http/listen.ts';
import { createCompanySystem } from '../../../src/simulator/company-accounts/system.ts';
import { openStand } from './stand.ts';
import type { Stand } from './stand.ts';

const BIN = fileURLToPath(new URL('../../../bin/pilotlight.mjs', import.meta.url));

describe('npx pilotlight conformance', () => {
  let stand: Stand;
  let door: OpenDoor;
  let folder: string;
  const config = (): string => path.join(folder, 'suite.json');
  beforeAll(async () => {
    stand = await openStand('sqlite');
    door = await listen(stand.central.handle, {});
    folder = mkdtempSync(path.join(tmpdir(), 'pilotlight-suite-'));
    for (const [name, { privateKeyPem, publicKeyPem }] of Object.entries(stand.pems)) {
      writeFileSync(path.join(folder, `${name}.pem`), privateKeyPem, { mode: 0o600 });
      writeFileSync(path.join(folder, `${name}.pub.pem`), publicKeyPem);
    }
    writeFileSync(config(), JSON.stringify(stand.config));
  });
  afterAll(async () => {
    await door.close();
    await stand.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(...args: readonly string[]) {
    const child = spawn(process.execPath, [BIN, 'conformance', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number];
    return { code, out, err };
  }

  it('runs as a program of its own: a table, 0 where all is kept, JUnit beside it', async () => {
    const junit = path.join(folder, 'junit.xml');
    const args = ['--url', door.baseUrl, '--config', config(), '--no-wait', '--junit', junit];
    const { code, out, err } = await run('central', ...args);
    expect(err).toBe('');
    expect(out).not.toContain('FAIL');
    expect(out).toContain('ok   SIG-06');
    expect(out).toContain('skip CLM-07');
    expect(out).toMatch(/\d+ passed, 0 failed, 5 skipped\n$/);
    expect(code).toBe(0);
    expect(readFileSync(junit, 'utf8')).toContain('failures="0" skipped="5"');
  });

  it('ends with 1 where a promise is not kept, and says which; for a program as JSON', async () => {
    const wrong = { ...stand.config, unknownCard: stand.config.cards[0]?.cardNo };
    const file = path.join(folder, 'wrong.json');
    writeFileSync(file, JSON.stringify(wrong));
    // Central counts by the minute; the run before was in this one.
    await new Promise<void>((resolve) => void stand.clock.after(61_000, resolve));
    const args = ['--url', door.baseUrl, '--config', file, '--only', 'REF', '--json'];
    const { code, out } = await run('central', ...args);
    expect(code).toBe(1);
    const said = JSON.parse(out) as { checks: { id: string; result: string; came: string }[] };
    expect(said.checks.filter((c) => c.result === 'failed').map((c) => c.id)).toEqual(['REF-01']);
  });

  it('asks a billing system too', async () => {
    const cards = ['8800006001', '8800006002', '8800006003'] as const;
    const company = createCompanySystem({
      secret: 's3',
      now: () => Date.now(),
      file: null,
      accounts: cards.map((cardNo, i) => ({
        cardNo,
        userNo: `200220600${i}`,
        holderName: '李梅',
        meterNo: `M${i}`,
        kind: 'gas',
        unit: 'volume',
        state: 'normal',
        count: i,
        cumulative: 0,
        yearQuantity: 0,
        ceilingQuantity: 100_000,
        perPurchaseQuantity: null,
        limit: null,
        tariff: { tariffId: 'g', version: 1, tiers: [{ uptoQuantity: null, priceE4: 26_500 }] },
        announced: [],
      })),
    });
    const port = await company.listen();
    writeFileSync(path.join(folder, 'secret'), 's3\n');
    const file = path.join(folder, 'accounts.json');
    writeFileSync(file, JSON.stringify({ secretFile: 'secret', cards, unknownCard: '8800006999' }));
    const url = `http://127.0.0.1:${port}`;
    const { code, out } = await run('accounts', '--url', url, '--config', file);
    await company.close();
    expect(out).toMatch(/11 passed, 0 failed, 1 skipped\n$/);
    expect(code).toBe(0);
  });

  it.each([
    ['no suite', []],
    ['a suite that is none', ['kiosk', '--url', 'http://127.0.0.1:1', '--config', 'CONFIG']],
    ['no address', ['central', '--config', 'CONFIG']],
    ['an address that is none', ['central', '--url', 'ftp://x', '--config', 'CONFIG']],
    ['no file', ['central', '--url', 'http://127.0.0.1:1', '--config', '/nowhere.json']],
    ['an option that is none', ['central', '--speed', '9']],
  ])('ends with 2 for %s', async (_, args) => {
    const { code, err } = await run(...args.map((a) => (a === 'CONFIG' ? config() : a)));
    expect(err).not.toBe('');
    expect(err).not.toMatch(/\n {4}at /);
    expect(code).toBe(2);
  });
});
