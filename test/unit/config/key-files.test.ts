import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/main/config.ts';
import type { LoadedConfig } from '../../../src/main/config.ts';
import { loadCardKeys, sealCardKeys } from '../../../src/main/core/card-keys.ts';
import { loadTerminalKeys } from '../../../src/main/core/terminal-keys.ts';
import { DIRECT, hallKeys, hallPorts, writeTerminalJson } from '../../../src/demo/setup.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { loadPayments } from '../../../src/payment/load.ts';
import type { Failure } from '../../../src/shared/errors.ts';
import type { Result } from '../../../src/shared/result.ts';
import { temporaryFolder } from '../cli/fixtures.ts';

/**
 * Every file that holds a secret, and what loads it: in production none of them may be readable by
 * anybody but its owner.
 */
let folder = '';
let remove: () => void;
let loaded: LoadedConfig;
const at = (name: string): string => join(folder, 'keys', name);
const id = (): string => 'machine-1';
const production = (): LoadedConfig => ({
  ...loaded,
  config: {
    ...loaded.config,
    mode: 'production',
    keys: { kind: 'sealed', file: at('sealed.json'), secretFile: at('secret') },
  },
});
const payments = (of: LoadedConfig, index: number): Result<unknown, Failure> => {
  const payment = of.config.payments[index];
  return loadPayments(
    { ...of.config, payments: payment === undefined ? [] : [payment] },
    of.baseDir,
    { clock: systemClock, random: systemRandom, timeoutMs: 1 },
  );
};

beforeAll(() => {
  ({ folder, remove } = temporaryFolder());
  mkdirSync(join(folder, 'keys'), { recursive: true });
  writeFileSync(
    at('plain.json'),
    JSON.stringify({ psc: 'C1'.repeat(16), auth: 'A1'.repeat(16), mac: 'B2'.repeat(16) }),
    { mode: 0o600 },
  );
  if (
    !sealCardKeys(
      { from: at('plain.json'), to: at('sealed.json'), secret: at('secret') },
      systemRandom,
      id,
    ).ok
  )
    throw new Error('not sealed');
  const keys = hallKeys(folder);
  const file = writeTerminalJson(folder, hallPorts(20_000), keys, false, DIRECT);
  const written = JSON.parse(readFileSync(file, 'utf8')) as { payments: Record<string, unknown>[] };
  // What a gateway's wallet has besides.
  Object.assign(written.payments[0] as Record<string, unknown>, {
    apiV3KeyFile: 'keys/apiv3.key',
    browser: { appSecretFile: 'keys/app.secret' },
  });
  writeFileSync(at('app.secret'), 'an-official-accounts-secret', { mode: 0o600 });
  writeFileSync(file, JSON.stringify(written));
  const config = loadConfig(file);
  if (!config.ok) throw new Error(config.error.detail);
  loaded = config.value;
});
afterAll(() => remove());

const FILES: readonly [
  key: string,
  file: string,
  load: (of: LoadedConfig) => Result<unknown, Failure>,
][] = [
  ['payments[0].merchantKeyFile', 'merchant.pem', (of) => payments(of, 0)],
  ['payments[0].appKeyFile', 'merchant.pem', (of) => payments(of, 1)],
  ['payments[0].apiV3KeyFile', 'apiv3.key', (of) => payments(of, 0)],
  ['payments[0].browser.appSecretFile', 'app.secret', (of) => payments(of, 0)],
  ['central.keyFile', 'terminal.pem', (of) => loadTerminalKeys(of)],
  ['keys.file', 'sealed.json', (of) => loadCardKeys(of, id)],
  ['keys.secretFile', 'secret', (of) => loadCardKeys(of, id)],
];

describe.skipIf(process.platform === 'win32')('a file that holds a secret', () => {
  it.each(FILES)(
    '%s: refused in production when others can read it, named by its key',
    (key, file, load) => {
      expect(load(production()).ok).toBe(true);
      for (const mode of [0o640, 0o604, 0o660, 0o666, 0o610]) {
        chmodSync(at(file), mode);
        expect(load(production()), mode.toString(8)).toMatchObject({
          ok: false,
          error: { code: 'CONF-0101', detail: expect.stringContaining(key) as string },
        });
      }
      chmodSync(at(file), 0o400);
      expect(load(production()).ok).toBe(true);
      chmodSync(at(file), 0o600);
    },
  );

  it('what a kiosk believes: refused in production when others can change it', () => {
    for (const mode of [0o664, 0o646, 0o666]) {
      chmodSync(at('policy.pub.pem'), mode);
      expect(loadTerminalKeys(production())).toMatchObject({
        ok: false,
        error: {
          code: 'CONF-0101',
          detail: expect.stringContaining('central.policyKeyFile') as string,
        },
      });
      expect(loadTerminalKeys(loaded).ok).toBe(true);
    }
    chmodSync(at('policy.pub.pem'), 0o644);
    expect(loadTerminalKeys(production()).ok).toBe(true);
    const file = join(folder, 'production.json');
    writeFileSync(file, JSON.stringify({ ...production().config, maintenance: { users: [] } }));
    const told = () => {
      const config = loadConfig(file);
      return config.ok ? 'accepted' : config.error.detail;
    };
    chmodSync(file, 0o666);
    expect(told()).toContain('can be changed by others (mode 666)');
    chmodSync(file, 0o644);
    expect(told()).not.toContain('can be changed by others');
    const program = join(folder, 'maker');
    const layouts = [{ kind: 'process', id: 'MAKER', command: [program], atrs: ['3BFF'] }];
    const { config } = production();
    writeFileSync(file, JSON.stringify({ ...config, maintenance: { users: [] }, layouts }));
    expect(told()).not.toContain('can be changed by others');
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o757);
    expect(told()).toContain(`${program} can be changed by others (mode 757)`);
    chmodSync(program, 0o755);
    expect(told()).not.toContain('can be changed by others');
  });

  it('a demo’s own keys are not refused for it', () => {
    chmodSync(at('terminal.pem'), 0o644);
    expect(loadTerminalKeys(loaded).ok).toBe(true);
    chmodSync(at('terminal.pem'), 0o600);
  });

  it('a private key where central’s public one belongs is refused: it would lie about in the open', () => {
    const swapped = {
      ...production(),
      config: {
        ...production().config,
        central: { ...loaded.config.central, policyKeyFile: at('terminal.pem') },
      },
    };
    expect(loadTerminalKeys(swapped)).toMatchObject({
      ok: false,
      error: {
        code: 'CONF-0101',
        detail: expect.stringContaining('central.policyKeyFile') as string,
      },
    });
    expect(
      loadTerminalKeys({
        ...swapped,
        config: {
          ...swapped.config,
          central: { ...loaded.config.central, keyFile: at('none.pem') },
        },
      }),
    ).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('central.keyFile') as string },
    });
  });
});

describe('an address that a wallet’s secret is sent to', () => {
  const given = (browser: Readonly<Record<string, string>>): Result<unknown, Failure> => {
    const { config, ...more } = production();
    const [wechat] = config.payments;
    if (wechat?.kind !== 'wechat') throw new Error('the first wallet is another');
    const own = { appSecretFile: 'keys/app.secret', ...browser };
    return payments({ ...more, config: { ...config, payments: [{ ...wechat, browser: own }] } }, 0);
  };
  it.each(['apiUrl', 'authorizeUrl'])('%s: in production not over a plain line', (name) => {
    expect(given({ [name]: 'http://api.example.cn' })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining(`browser.${name}: production needs https`) },
    });
    for (const address of ['https://api.example.cn', 'http://127.0.0.1:9'])
      expect(given({ [name]: address }).ok).toBe(true);
  });
});
