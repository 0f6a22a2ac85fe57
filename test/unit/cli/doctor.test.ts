import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCentral } from '../../../src/central/server.ts';
import type { Central } from '../../../src/central/server.ts';
import type { DoctorReport, Finding } from '../../../src/main/cli/doctor.ts';
import type { PcscProbe } from '../../../src/main/cli/pcsc-probe.ts';
import { DEMO_ALIPAY_APP, DEMO_APPID, DEMO_MCHID, DEMO_TERMINAL, hallKeys, hallPorts, writeTerminalJson } from '../../../src/main/demo/setup.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { SimulatedPrinter } from '../../../src/simulator/printer/printer.ts';
import { ed25519Signer } from '../../../src/shared/signing.ts';
import { createAlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import { createPayTown } from '../../../src/simulator/pay-town.ts';
import type { PayTown } from '../../../src/simulator/pay-town.ts';
import { createWechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import { cli, temporaryFolder, writeJournal } from './fixtures.ts';

type Json = Record<string, unknown>;

let folder = '';
let remove: () => void;
let central: Central;
let sandbox: PayTown;
let printer: SimulatedPrinter;
let good = '';

beforeAll(async () => {
  ({ folder, remove } = temporaryFolder());
  const keys = hallKeys(folder);
  writeFileSync(join(folder, 'keys', 'stranger.pub.pem'), generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(folder, 'keys', 'stranger-ed.pub.pem'), generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }));
  central = createCentral({ dataDir: null, port: 0, policySigner: ed25519Signer(keys.policyPrivateKeyPem), now: () => Date.now(), terminals: [{ terminalId: DEMO_TERMINAL, publicKeyPem: keys.terminalPublicKeyPem, epoch: 1 }] });
  const common = { port: 0, dataDir: join(folder, 'sandbox'), now: () => Date.now(), randomBytes: (n: number) => new Uint8Array(randomBytes(n)) };
  const wechat = createWechatSandbox({
    ...common,
    merchantPublicKeyPem: keys.sandbox.merchantPublicKeyPem,
    platformPrivateKeyPem: keys.sandbox.platformPrivateKeyPem,
    platformSerial: keys.sandbox.platformSerial,
    mchid: DEMO_MCHID,
    appid: DEMO_APPID,
  });
  sandbox = createPayTown(0, wechat, createAlipaySandbox({ ...common, appPublicKeyPem: keys.sandbox.merchantPublicKeyPem, alipayPrivateKeyPem: keys.sandbox.platformPrivateKeyPem, appId: DEMO_ALIPAY_APP }));
  printer = new SimulatedPrinter();
  const [c, s, p] = await Promise.all([central.start(), sandbox.start(), printer.start(0)]);
  writeTerminalJson(folder, { ...hallPorts(20_000), centralLine: c.port, paymentLine: s.port, printer: p }, keys, false);
  good = readFileSync(join(folder, 'terminal.json'), 'utf8');
  writeJournal(join(folder, 'kiosk'), join(folder, 'kiosk-second'));
}, 60_000);
afterAll(async () => {
  await Promise.all([central.close(), sandbox.close(), printer.close()]);
  remove();
});
beforeEach(() => writeFileSync(join(folder, 'terminal.json'), good));
afterEach(() => {
  printer.condition.paper = 'ok';
});

async function doctor(change: (config: Json) => void = () => undefined, ports: Parameters<typeof cli>[2] = {}): Promise<{ code: number; report: DoctorReport; of: (check: string) => Finding[] }> {
  const config = JSON.parse(good) as Json;
  change(config);
  writeFileSync(join(folder, 'terminal.json'), JSON.stringify(config));
  const { code, out } = await cli(['doctor', '--config', 'terminal.json', '--json'], folder, ports);
  const report = JSON.parse(out) as DoctorReport;
  return { code, report, of: (check) => report.findings.filter((f) => f.check === check) };
}
const pcsc = (probe: PcscProbe) => ({ pcsc: () => Promise.resolve(probe) });
const realReader = (config: Json): void => {
  config['readers'] = [{ kind: 'pcsc', match: 'acs' }];
};

describe('doctor on a good configuration', () => {
  test('every line is there, none fails, exit 0', async () => {
    const { code, report } = await doctor();
    expect(report.findings.filter((f) => f.level === 'FAIL')).toEqual([]);
    expect(code).toBe(0);
    expect(new Set(report.findings.map((f) => f.check))).toEqual(new Set(['runtime', 'config', 'key-files', 'card-keys', 'maintenance', 'core', 'journal', 'disk', 'reader', 'pcsc', 'printer', 'payment', 'central', 'policy', 'clock']));
    expect(report.findings.every((f) => f.level === 'OK' || f.action !== null)).toBe(true);
  });

  test('the text form names level, check and what to do', async () => {
    printer.condition.paper = 'low';
    const { out } = await cli(['doctor', '--config', 'terminal.json'], folder);
    expect(out).toMatch(/^WARN {2}printer +ready, the paper is low\n +→ put in a new roll$/m);
    expect(out.trimEnd()).toMatch(/\d+ ok, 2 warnings, 0 failures$/);
  });
});

describe('doctor on a broken configuration', () => {
  test('no file: CONF-0101', async () => {
    const { code, out } = await cli(['doctor', '--config', 'absent.json', '--json'], folder);
    expect(code).toBe(1);
    expect((JSON.parse(out) as DoctorReport).findings.find((f) => f.level === 'FAIL')).toMatchObject({ code: 'CONF-0101', text: expect.stringContaining('absent.json does not exist') });
  });

  test('every bad key has its own line', async () => {
    const { code, of } = await doctor((config) => {
      config['terminalId'] = '31';
      config['keys'] = { kind: 'psam' };
      config['colour'] = 'blue';
      delete config['central'];
    });
    expect(code).toBe(1);
    const bad = of('config').filter((f) => f.level === 'FAIL');
    expect(bad.map((f) => f.code)).toEqual(['CONF-0101', 'CONF-0101', 'CONF-0101', 'CONF-0101']);
    expect(bad.map((f) => f.text).join('\n')).toMatch(/terminalId: [^]*keys\.kind: key provider kind "psam" is not built; available: sample[^]*central: [^]*colour/);
  });

  test('a motor reader’s port that is not there', async () => {
    const { code, of } = await doctor((config) => {
      config['readers'] = [{ kind: 'crt', path: '/dev/no-such-port' }];
    });
    expect(code).toBe(1);
    expect(of('reader')).toEqual([expect.objectContaining({ level: 'FAIL', code: 'CARD-0107', text: expect.stringContaining('ENOENT') })]);
  });

  test('nobody who may enter maintenance mode: said, and how to mend it', async () => {
    const { of } = await doctor((config) => {
      delete config['maintenance'];
    });
    expect(of('maintenance')).toEqual([expect.objectContaining({ level: 'WARN', action: expect.stringContaining('pilotlight pin') })]);
  });

  test('sample keys in production: CONF-0103', async () => {
    const { code, of } = await doctor((config) => {
      config['mode'] = 'production';
    });
    expect(code).toBe(1);
    expect(of('config')[0]).toMatchObject({ level: 'FAIL', code: 'CONF-0103' });
  });

  test('key files: absent, of the wrong kind, readable by others', async () => {
    const keys = join(folder, 'keys');
    copyFileSync(join(keys, 'terminal.pem'), join(keys, 'open.pem'));
    chmodSync(join(keys, 'open.pem'), 0o644);
    const { code, of } = await doctor((config) => {
      config['central'] = { ...(config['central'] as Json), keyFile: 'keys/open.pem', policyKeyFile: 'keys/terminal.pem' };
      const payment = (config['payments'] as Json[])[0] as Json;
      payment['merchantKeyFile'] = 'keys/absent.pem';
      payment['platformKeys'] = { AB12: 'keys/policy.pub.pem' };
      ((config['payments'] as Json[])[1] as Json)['alipayKeyFile'] = 'keys/merchant.pem';
    });
    expect(code).toBe(1);
    expect(of('key-files').map((f) => `${f.level} ${f.text}`)).toEqual([
      expect.stringMatching(/^WARN central\.keyFile: .*mode 644/),
      expect.stringMatching(/^FAIL central\.policyKeyFile: .*a private key, where the public key/),
      expect.stringMatching(/^FAIL payments\[0\]\.merchantKeyFile: .*ENOENT/),
      expect.stringMatching(/^FAIL payments\[0\]\.platformKeys\.AB12: .*ed25519 key, RSA/),
      expect.stringMatching(/^OK payments\[1\]\.appKeyFile/),
      expect.stringMatching(/^FAIL payments\[1\]\.alipayKeyFile: .*a private key, where the public key or certificate/),
    ]);
    rmSync(join(keys, 'open.pem'));
  });

  test('key files of UnionPay and of a gateway that is not central', async () => {
    const keys = join(folder, 'keys');
    writeFileSync(join(keys, 'ums.key'), 'two words', { mode: 0o600 });
    const more = (config: Json): void => {
      config['payments'] = [
        ...(config['payments'] as Json[]),
        { kind: 'unionpay', baseUrl: 'http://127.0.0.1:9', appId: 'a', appKeyFile: 'keys/ums.key', mid: '1', tid: '2', msgSrcId: '3194', notifyUrl: 'https://pay.example.com/n' },
        { kind: 'gateway', answerKeyFile: 'keys/policy.pub.pem' },
      ];
    };
    expect((await doctor(more)).of('key-files').slice(-2).map((f) => `${f.level} ${f.text}`)).toEqual([expect.stringMatching(/^FAIL payments\[2\]\.appKeyFile: .*not one line/), expect.stringMatching(/^OK payments\[3\]\.answerKeyFile: Ed25519 public key$/)]);
    writeFileSync(join(keys, 'ums.key'), '0123456789abcdef0123456789abcdef\n');
    expect((await doctor(more)).of('key-files').at(-2)).toMatchObject({ level: 'OK', text: 'payments[2].appKeyFile: shared key' });
    rmSync(join(keys, 'ums.key'));
  });

  test('a damaged journal: JRNL-0103, and not to be repaired by hand', async () => {
    const log = join(folder, 'kiosk-second', 'second-1.log');
    const whole = readFileSync(log, 'utf8');
    writeFileSync(log, whole.split('\n').slice(0, 4).join('\n'));
    const { code, of } = await doctor();
    writeFileSync(log, whole);
    expect(code).toBe(1);
    expect(of('journal')[0]).toMatchObject({ level: 'FAIL', code: 'JRNL-0103', action: expect.stringContaining('do not repair by hand') });
  });

  test('answers of the payment line that fail their check: PAY-0201', async () => {
    const { code, of } = await doctor((config) => {
      const payment = (config['payments'] as Json[])[0] as Json;
      payment['platformKeys'] = Object.fromEntries(Object.keys(payment['platformKeys'] as Json).map((serial) => [serial, 'keys/stranger.pub.pem']));
    });
    expect(code).toBe(1);
    expect(of('payment')[0]).toMatchObject({ level: 'FAIL', code: 'PAY-0201' });
  });

  test('a policy that another key signed: BILL-0102', async () => {
    const { code, of } = await doctor((config) => {
      (config['central'] as Json)['policyKeyFile'] = 'keys/stranger-ed.pub.pem';
    });
    expect(code).toBe(1);
    expect(of('policy')[0]).toMatchObject({ level: 'FAIL', code: 'BILL-0102' });
  });

  test('services away: each with its code', async () => {
    const { code, of } = await doctor((config) => {
      // Port 9 (discard) is closed on a machine that offers nothing there.
      ((config['payments'] as Json[])[0] as Json)['baseUrl'] = 'http://127.0.0.1:9';
      (config['central'] as Json)['baseUrl'] = 'http://127.0.0.1:9';
      config['printer'] = { kind: 'virtual', path: 'tcp://127.0.0.1:9' };
    });
    expect(code).toBe(1);
    expect(of('payment')[0]).toMatchObject({ level: 'FAIL', code: expect.stringMatching(/^PAY-/) });
    expect(of('central')[0]).toMatchObject({ level: 'FAIL', code: 'BILL-0101' });
    expect(of('printer')[0]).toMatchObject({ level: 'WARN', code: 'DEV-0101' });
  });

  test('a terminal that central does not know', async () => {
    const { code, of } = await doctor((config) => {
      config['terminalId'] = '000000000999';
    });
    expect(code).toBe(1);
    expect(of('policy')[0]).toMatchObject({ level: 'FAIL', code: 'BILL-0103' });
    expect(of('journal')[0]).toMatchObject({ level: 'FAIL', code: 'JRNL-0101', text: expect.stringContaining('belongs to terminal 000000000311') });
  });

  test('a clock that is minutes wrong', async () => {
    const { code, of } = await doctor(undefined, { clock: { ...systemClock, nowMs: () => Date.now() + 400_000 } });
    expect(code).toBe(1);
    expect(of('clock')[0]).toMatchObject({ level: 'FAIL', code: 'CORE-0102' });
  });

  test.each<[string, PcscProbe, Partial<Finding>]>([
    ['no addon', { kind: 'no-addon', detail: 'Cannot find module' }, { level: 'FAIL', code: 'CARD-0107' }],
    ['no service', { kind: 'no-service', detail: '0x8010001D' }, { level: 'FAIL', code: 'CARD-0107' }],
    ['no reader', { kind: 'readers', names: [] }, { level: 'FAIL', code: 'CARD-0107' }],
    ['another reader', { kind: 'readers', names: ['Other 00'] }, { level: 'FAIL', code: 'CARD-0107' }],
    ['the reader', { kind: 'readers', names: ['Other 00', 'ACS ACR38U 01'] }, { level: 'OK', code: null }],
  ])('PC/SC: %s', async (_name, probe, want) => {
    const { of } = await doctor(realReader, pcsc(probe));
    expect(of('pcsc')[0]).toMatchObject(want);
  });
});
