import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { openSqliteDb } from '../../../src/simulation/sqlite-db.ts';
import { createCentral } from '../../../src/central/central.ts';
import type { Central } from '../../../src/central/central.ts';
import { CrtReader, PcscReader } from '../../../src/card/index.ts';
import { crtCommand } from '../../../src/card/readers/crt/frames.ts';
import type { SerialLine } from '../../../src/card/readers/serial-line.ts';
import { readOnlyChannel } from '../../../src/card/readers/reading.ts';
import { lookAtCard } from '../../../src/main/cli/card-look.ts';
import type { ReaderMaker } from '../../../src/main/cli/card-look.ts';
import type { DoctorReport, Finding } from '../../../src/main/cli/doctor.ts';
import type { PcscProbe } from '../../../src/main/cli/pcsc-probe.ts';
import {
  DEMO_TERMINAL,
  DIRECT,
  hallKeys,
  hallPorts,
  writeTerminalJson,
} from '../../../src/demo/setup.ts';
import { demoWallets } from '../../../src/demo/wallets.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { SimulatedPrinter } from '../../../src/simulator/printer/printer.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { ed25519Signer } from '../../../src/shared/signing.ts';
import { createPayTown } from '../../../src/simulator/pay-town.ts';
import type { SandboxServer } from '../../../src/simulator/sandbox-http.ts';
import { CRT_571_MOVES, CrtDevice } from '../../../src/simulator/reader/crt.ts';
import { LAYOUT_CASES } from '../../conformance/cards.ts';
import type { LayoutCase, Specimen } from '../../conformance/cards.ts';
import { authority, serverCertificate } from '../../support/certificates.ts';
import { connectProxy, tlsFront } from '../../support/private-network.ts';
import { FakePcsc } from '../../support/fake-pcsc.ts';
import { cardIn, GOLDEN_PURCHASE, must } from '../card/rig.ts';
import { cli, temporaryFolder, writeJournal } from './fixtures.ts';

type Json = Record<string, unknown>;

let folder = '';
let remove: () => void;
let central: Central;
let sandbox: SandboxServer;
let printer: SimulatedPrinter;
/** The far end of a scanner's line; it reads nothing. */
const scanner = createServer((line) => line.on('error', () => undefined));
let good = '';

beforeAll(async () => {
  ({ folder, remove } = temporaryFolder());
  const keys = hallKeys(folder);
  writeFileSync(
    join(folder, 'keys', 'stranger.pub.pem'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
      type: 'spki',
      format: 'pem',
    }),
  );
  writeFileSync(
    join(folder, 'keys', 'stranger-ed.pub.pem'),
    generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }),
  );
  central = createCentral({
    db: openSqliteDb(),
    ...DEMO_DATA,
    policySigner: ed25519Signer(keys.policyPrivateKeyPem),
    answerSigner: ed25519Signer(keys.answerPrivateKeyPem),
    gatewaySigner: ed25519Signer(keys.gatewayPrivateKeyPem),
    now: () => Date.now(),
    terminals: [{ terminalId: DEMO_TERMINAL, publicKeyPem: keys.terminalPublicKeyPem, epoch: 1 }],
  });
  const common = {
    port: 0,
    dataDir: join(folder, 'sandbox'),
    now: () => Date.now(),
    randomBytes: (n: number) => new Uint8Array(randomBytes(n)),
  };
  sandbox = createPayTown(0, demoWallets(keys, common));
  printer = new SimulatedPrinter();
  await once(scanner.listen(0, '127.0.0.1'), 'listening');
  const [c, s, p] = await Promise.all([central.start(), sandbox.start(), printer.start(0)]);
  writeTerminalJson(
    folder,
    {
      ...hallPorts(20_000),
      centralLine: c.terminals.port,
      paymentLine: s.port,
      printer: p,
      scanner: (scanner.address() as AddressInfo).port,
    },
    keys,
    false,
    DIRECT,
  );
  good = readFileSync(join(folder, 'terminal.json'), 'utf8');
  writeJournal(join(folder, 'kiosk'), join(folder, 'kiosk-second'));
}, 60_000);
afterAll(async () => {
  scanner.close();
  await Promise.all([central.close(), sandbox.close(), printer.close()]);
  remove();
});
beforeEach(() => writeFileSync(join(folder, 'terminal.json'), good));
afterEach(() => {
  printer.condition.paper = 'ok';
});

async function doctor(
  change: (config: Json) => void = () => undefined,
  ports: Parameters<typeof cli>[2] = {},
): Promise<{ code: number; report: DoctorReport; of: (check: string) => Finding[] }> {
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
    expect(new Set(report.findings.map((f) => f.check))).toEqual(
      new Set([
        'card-pins',
        'runtime',
        'config',
        'key-files',
        'card-keys',
        'maintenance',
        'core',
        'journal',
        'disk',
        'letters',
        'reader',
        'pcsc',
        'printer',
        'scanner',
        'payment',
        'central',
        'policy',
        'clock',
      ]),
    );
    expect(report.findings.every((f) => f.level === 'OK' || f.action !== null)).toBe(true);
  });

  test('the text form names level, check and what to do', async () => {
    printer.condition.paper = 'low';
    const { out } = await cli(['doctor', '--config', 'terminal.json'], folder);
    expect(out).toMatch(
      /^WARN {2}printer +ready; the paper is low: put in a new roll\n +→ put in a new roll$/m,
    );
    expect(out.trimEnd()).toMatch(/\d+ ok, 2 warnings, 0 failures$/);
  });
});

describe('doctor on a broken configuration', () => {
  test('no file: CONF-0101', async () => {
    const { code, out } = await cli(['doctor', '--config', 'absent.json', '--json'], folder);
    expect(code).toBe(1);
    expect(
      (JSON.parse(out) as DoctorReport).findings.find((f) => f.level === 'FAIL'),
    ).toMatchObject({
      code: 'CONF-0101',
      text: expect.stringContaining('absent.json does not exist'),
    });
  });

  test('every bad key has its own line', async () => {
    const { code, of } = await doctor((config) => {
      config['terminalId'] = '31';
      config['keys'] = { kind: 'hsm' };
      config['colour'] = 'blue';
      delete config['central'];
    });
    expect(code).toBe(1);
    const bad = of('config').filter((f) => f.level === 'FAIL');
    expect(bad.map((f) => f.code)).toEqual(['CONF-0101', 'CONF-0101', 'CONF-0101', 'CONF-0101']);
    expect(bad.map((f) => f.text).join('\n')).toMatch(
      /terminalId: [^]*keys\.kind: key provider kind "hsm" is not built; available: sample[^]*central: [^]*colour/,
    );
  });

  test('what does not depend on the wrong keys is looked at all the same', async () => {
    const { code, of } = await doctor((config) => {
      config['readers'] = [{ kind: 'tea-leaves' }];
      config['colour'] = 'blue';
    });
    expect(code).toBe(1);
    expect(of('journal').map((f) => f.level)).toEqual(['OK']);
    expect(of('central').map((f) => f.level)).toEqual(['OK']);
    expect(of('printer').map((f) => f.level)).toEqual(['OK']);
    // Of the readers nothing is said, and that nothing is said.
    expect([of('pcsc'), of('reader'), of('card')]).toEqual([[], [], []]);
    expect(of('config').at(-1)?.text).toContain('what depends on these keys was not checked');
  });

  test('a refusal over two keys leaves the rest to be looked at', async () => {
    const { of } = await doctor((config) => {
      config['keys'] = { kind: 'psam', reader: { kind: 'crt-sam', slot: 1 } };
    });
    expect(of('config')[0]?.text).toContain('keys.reader.kind');
    expect(of('card-keys')).toEqual([]);
    expect(of('journal').map((f) => f.level)).toEqual(['OK']);
  });

  test('files of another user, and a disk that is not mounted', async () => {
    const second = join(folder, 'kiosk-second');
    const owners = {
      uid: 4_242,
      fstab: () => `# disks\nUUID=1 / ext4 defaults 0 1\nUUID=2 ${second} ext4 sync 0 2\n`,
      mounts: () => '/dev/sda1 / ext4 rw 0 0\n',
    };
    const { of } = await doctor(() => undefined, { owners });
    const [first] = of('owner');
    expect(first).toMatchObject({ level: 'FAIL', code: 'JRNL-0108' });
    expect(first?.zh.text).toContain('归别的用户所有');
    expect(first?.action).toBe(`chown -R 4242: ${join(folder, 'kiosk')}`);
    expect(of('disk').filter((f) => f.level === 'FAIL')).toMatchObject([
      { code: 'JRNL-0108', text: expect.stringContaining(`${second} is in fstab and not mounted`) },
    ]);
    const mine = await doctor(() => undefined, {
      owners: {
        ...owners,
        uid: statSync(join(folder, 'kiosk')).uid,
        mounts: () => `/dev/sdb1 ${second} ext4 rw 0 0\n`,
      },
    });
    // Root is told nothing of owners.
    expect(mine.of('owner').every((f) => f.level === 'OK')).toBe(true);
    expect(mine.of('disk').every((f) => f.level !== 'FAIL')).toBe(true);
  });

  test('in Chinese, every line of it', async () => {
    const { out } = await cli(['doctor', '--config', 'terminal.json', '--lang', 'zh'], folder);
    expect(out).toMatch(/^正常 {2}printer +就绪$/m);
    expect(out.trimEnd()).toMatch(/正常 \d+ 项，注意 \d+ 项，故障 0 项$/);
    const { report } = await doctor((config) => {
      config['keys'] = { kind: 'sealed', file: 'absent', secretFile: 'absent' };
      config['readers'] = [{ kind: 'pcsc', match: 'acs' }];
    });
    const english = report.findings.filter(
      (f) => f.check !== 'runtime' && !/[\u4e00-\u9fff]/.test(f.zh.text),
    );
    expect(english).toEqual([]);
  });

  test('--as a user that is not there, and --lang of another', async () => {
    const args = ['doctor', '--config', 'terminal.json'];
    const refused = await cli([...args, '--as', 'no-such-user'], folder);
    expect([refused.code, refused.err]).toEqual([
      2,
      'pilotlight: --as no-such-user: there is no such user\n',
    ]);
    expect((await cli([...args, '--lang', 'fr'], folder)).code).toBe(2);
    const asked: string[] = [];
    await cli([...args, '--as', 'pilotlight'], folder, {
      become: (user) => {
        asked.push(user);
        return null;
      },
    });
    expect(asked).toEqual(['pilotlight']);
  });

  test('a motor reader’s port that is not there', async () => {
    const { code, of } = await doctor((config) => {
      config['readers'] = [{ kind: 'crt', path: '/dev/no-such-port' }];
    });
    expect(code).toBe(1);
    expect(of('reader')).toEqual([
      expect.objectContaining({
        level: 'FAIL',
        code: 'CARD-0107',
        text: expect.stringContaining('ENOENT'),
      }),
    ]);
  });

  test('keys that are elsewhere are named', async () => {
    for (const [keys, text] of [
      [{ kind: 'psam', reader: { kind: 'pcsc', match: 'SAM' } }, /in a PSAM/],
      [
        { kind: 'central' },
        /at central: nothing is sold while it is away; .* public keys of wechat, .*BILL-0112/,
      ],
    ] as const) {
      const { of } = await doctor((config) => {
        config['keys'] = keys;
      });
      expect(of('card-keys')).toMatchObject([
        { level: 'OK', text: expect.stringMatching(text) as string },
      ]);
    }
  });

  test('PINs that are presented blind are a warning of their own; else they are said to be asked for', async () => {
    for (const purse of [undefined, {}, { pinTries: 'asked' }]) {
      const { of } = await doctor((config) => {
        if (purse !== undefined) config['purse'] = purse;
      });
      expect(of('card-pins')).toMatchObject([{ level: 'OK', code: null }]);
    }
    const { of } = await doctor((config) => {
      config['purse'] = { pinTries: 'blind' };
    });
    expect(of('card-pins')).toMatchObject([
      { level: 'WARN', code: 'CONF-0104', action: expect.stringContaining('63Cx') as string },
    ]);
  });

  test('nobody who may enter maintenance mode: said, and how to mend it', async () => {
    const { of } = await doctor((config) => {
      delete config['maintenance'];
    });
    expect(of('maintenance')).toEqual([
      expect.objectContaining({ level: 'WARN', action: expect.stringContaining('pilotlight pin') }),
    ]);
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
      config['central'] = {
        ...(config['central'] as Json),
        keyFile: 'keys/open.pem',
        policyKeyFile: 'keys/terminal.pem',
      };
      const payment = (config['payments'] as Json[])[0] as Json;
      payment['merchantKeyFile'] = 'keys/absent.pem';
      payment['platformKeys'] = { AB12: 'keys/policy.pub.pem' };
      ((config['payments'] as Json[])[1] as Json)['alipayKeyFile'] = 'keys/merchant.pem';
    });
    expect(code).toBe(1);
    expect(of('key-files').map((f) => `${f.level} ${f.text}`)).toEqual([
      expect.stringMatching(/^WARN central\.keyFile: .*mode 644/),
      expect.stringMatching(/^FAIL central\.policyKeyFile: .*a private key, where the public key/),
      'OK central.answerKeyFile: Ed25519 public key',
      expect.stringMatching(/^FAIL payments\[0\]\.merchantKeyFile: .*ENOENT/),
      expect.stringMatching(/^FAIL payments\[0\]\.platformKeys\.AB12: .*ed25519 key, RSA/),
      expect.stringMatching(/^OK payments\[1\]\.appKeyFile/),
      expect.stringMatching(
        /^FAIL payments\[1\]\.alipayKeyFile: .*a private key, where the public key or certificate/,
      ),
    ]);
    rmSync(join(keys, 'open.pem'));
  });

  test('key files of UnionPay and of a gateway that is not central', async () => {
    const keys = join(folder, 'keys');
    writeFileSync(join(keys, 'ums.key'), 'two words', { mode: 0o600 });
    const more = (config: Json): void => {
      config['payments'] = [
        ...(config['payments'] as Json[]),
        {
          kind: 'unionpay',
          baseUrl: 'http://127.0.0.1:9',
          appId: 'a',
          appKeyFile: 'keys/ums.key',
          mid: '1',
          tid: '2',
          msgSrcId: '3194',
          notifyUrl: 'https://pay.example.com/n',
        },
        { kind: 'gateway', answerKeyFile: 'keys/policy.pub.pem' },
      ];
    };
    expect(
      (await doctor(more))
        .of('key-files')
        .slice(-2)
        .map((f) => `${f.level} ${f.text}`),
    ).toEqual([
      expect.stringMatching(/^FAIL payments\[2\]\.appKeyFile: .*not one line/),
      expect.stringMatching(/^OK payments\[3\]\.answerKeyFile: Ed25519 public key$/),
    ]);
    writeFileSync(join(keys, 'ums.key'), '0123456789abcdef0123456789abcdef\n');
    expect((await doctor(more)).of('key-files').at(-2)).toMatchObject({
      level: 'OK',
      text: 'payments[2].appKeyFile: shared key',
    });
    rmSync(join(keys, 'ums.key'));
  });

  test('a damaged journal: JRNL-0103, and not to be repaired by hand', async () => {
    const log = join(folder, 'kiosk-second', 'second-1.log');
    const whole = readFileSync(log, 'utf8');
    writeFileSync(log, whole.split('\n').slice(0, 4).join('\n'));
    const { code, of } = await doctor();
    writeFileSync(log, whole);
    expect(code).toBe(1);
    expect(of('journal')[0]).toMatchObject({
      level: 'FAIL',
      code: 'JRNL-0103',
      action: expect.stringContaining('do not repair by hand'),
    });
  });

  test('answers of the payment line that fail their check: PAY-0201', async () => {
    const { code, of } = await doctor((config) => {
      const payment = (config['payments'] as Json[])[0] as Json;
      payment['platformKeys'] = Object.fromEntries(
        Object.keys(payment['platformKeys'] as Json).map((serial) => [
          serial,
          'keys/stranger.pub.pem',
        ]),
      );
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
      config['scanner'] = { kind: 'serial', path: '/dev/no-such-scanner' };
      config['ups'] = { kind: 'nut', address: 'tcp://127.0.0.1:9', name: 'ups' };
      config['modbus'] = {
        path: '/dev/no-such-bus',
        inputs: { door: { address: 0 } },
        outputs: { alarm: { address: 3 } },
      };
    });
    expect(code).toBe(1);
    expect(of('ups')[0]).toMatchObject({ level: 'WARN', code: 'DEV-0301' });
    for (const [check, trouble] of [
      ['door', 'DEV-0402'],
      ['lamps', 'DEV-0403'],
    ] as const)
      expect(of(check)[0]).toMatchObject({
        level: 'WARN',
        code: trouble,
        text: expect.stringContaining('/dev/no-such-bus'),
      });
    expect(of('payment')[0]).toMatchObject({ level: 'FAIL', code: expect.stringMatching(/^PAY-/) });
    expect(of('central')[0]).toMatchObject({ level: 'FAIL', code: 'BILL-0101' });
    expect(of('printer')[0]).toMatchObject({ level: 'WARN', code: 'DEV-0101' });
    expect(of('scanner')[0]).toMatchObject({
      level: 'WARN',
      code: 'DEV-0201',
      text: expect.stringContaining('/dev/no-such-scanner'),
    });
  });

  test('central behind a private network’s own certificate, and a proxy: what is wrong is said', async () => {
    const company = authority('Company network');
    writeFileSync(join(folder, 'keys', 'company.pem'), company.certPem);
    writeFileSync(join(folder, 'keys', 'other.pem'), authority('Another').certPem);
    const toPort = new URL(((JSON.parse(good) as Json)['central'] as { baseUrl: string }).baseUrl);
    const [front, proxy] = await Promise.all([
      tlsFront(serverCertificate(company, ['localhost']), Number(toPort.port)),
      connectProxy(),
    ]);
    const line = async (host: string, more: Json): Promise<Finding> => {
      const { of } = await doctor((config) => {
        const central = config['central'] as Json;
        config['central'] = { ...central, baseUrl: `https://${host}:${front.port}`, ...more };
      });
      return of('central')[0] as Finding;
    };
    const caFile = 'keys/company.pem';
    try {
      expect(await line('localhost', { caFile })).toMatchObject({ level: 'OK' });
      for (const more of [{}, { caFile: 'keys/other.pem' }])
        expect(await line('localhost', more)).toMatchObject({
          level: 'FAIL',
          code: 'BILL-0101',
          action: expect.stringContaining('central.caFile'),
        });
      expect(await line('127.0.0.1', { caFile })).toMatchObject({
        level: 'FAIL',
        action: expect.stringContaining('another name'),
      });
      expect(await line('localhost', { caFile: 'keys/nothing.pem' })).toMatchObject({
        level: 'FAIL',
        code: 'CONF-0101',
        text: expect.stringContaining('central.caFile'),
      });
      const through = { caFile, proxy: `http://127.0.0.1:${proxy.port}` };
      expect(await line('localhost', through)).toMatchObject({ level: 'OK' });
      proxy.refuses = true;
      expect(await line('localhost', through)).toMatchObject({
        level: 'FAIL',
        code: 'BILL-0101',
        text: expect.stringContaining('407'),
        action: expect.stringContaining('central.proxy'),
      });
    } finally {
      front.close();
      proxy.close();
    }
  });

  test('a policy that terminal.json asks more of', async () => {
    const { of } = await doctor((config) => {
      (config['central'] as Json)['minPolicyVersion'] = 9;
    });
    expect(of('policy')[0]).toMatchObject({ level: 'FAIL', code: 'SALE-0118' });
  });

  test('a terminal that central does not know', async () => {
    const { code, of } = await doctor((config) => {
      config['terminalId'] = '000000000999';
    });
    expect(code).toBe(1);
    expect(of('policy')[0]).toMatchObject({ level: 'FAIL', code: 'BILL-0103' });
    expect(of('journal')[0]).toMatchObject({
      level: 'FAIL',
      code: 'JRNL-0101',
      text: expect.stringContaining('belongs to terminal 000000000311'),
    });
  });

  test('a clock that is minutes wrong', async () => {
    const { code, of } = await doctor(undefined, {
      clock: { ...systemClock, nowMs: () => Date.now() + 400_000 },
    });
    expect(code).toBe(1);
    expect(of('clock')[0]).toMatchObject({ level: 'FAIL', code: 'CORE-0102' });
  });

  test.each<[string, PcscProbe, Partial<Finding>]>([
    [
      'no addon',
      { kind: 'no-addon', detail: 'Cannot find module' },
      { level: 'FAIL', code: 'CARD-0107' },
    ],
    [
      'no service',
      { kind: 'no-service', detail: '0x8010001D' },
      { level: 'FAIL', code: 'CARD-0107' },
    ],
    ['no reader', { kind: 'readers', names: [] }, { level: 'FAIL', code: 'CARD-0107' }],
    [
      'another reader',
      { kind: 'readers', names: ['Other 00'] },
      { level: 'FAIL', code: 'CARD-0107' },
    ],
    [
      'the reader',
      { kind: 'readers', names: ['Other 00', 'ACS ACR38U 01'] },
      { level: 'OK', code: null },
    ],
  ])('PC/SC: %s', async (_name, probe, want) => {
    const { of } = await doctor(realReader, pcsc(probe));
    expect(of('pcsc')[0]).toMatchObject(want);
  });
});

/** Commands that change a card, or spend a try of its code: not by the driver's own list. */
const changes = (apdu: Uint8Array): boolean =>
  [
    0x20, 0x21, 0x24, 0x2c, 0x5e, 0x82, 0xd0, 0xd1, 0xd2, 0xd4, 0xd6, 0xd7, 0xe0, 0x50, 0x52, 0x54,
  ].includes(apdu[1] as number);

describe('the cards in the readers', () => {
  const only =
    (reader: Json) =>
    (config: Json): void => {
      config['readers'] = [reader];
    };
  const [front, motor] = [
    only({ kind: 'pcsc', match: 'front' }),
    only({ kind: 'crt', path: process.execPath }),
  ];
  const service = pcsc({ kind: 'readers', names: ['ACS back 00 01', 'Front 00 00'] });

  /** Two PC/SC readers and a motor reader, with these cards in them. */
  async function hall(inFront: Specimen | null, inside: Specimen | null) {
    const fake = new FakePcsc();
    fake.plug('ACS back 00 01');
    fake.plug('Front 00 00');
    if (inFront !== null) fake.insert('Front 00 00', inFront.slot);
    let toHost: (bytes: Uint8Array) => void = () => undefined;
    const device = new CrtDevice({
      clock: systemClock,
      firmware: 'CRT-571-F2 V1.10',
      move: CRT_571_MOVES,
      initKeep: 0x33,
      send: (bytes) => toHost(bytes),
    });
    if (inside?.crt !== undefined) {
      // It was in before anybody looked: taken in under an earlier host.
      device.receive(crtCommand(0x30, 0x33));
      await new Promise((done) => {
        setTimeout(done, 5);
      });
      device.receive(crtCommand(0x33, 0x30));
      await new Promise((done) => {
        setTimeout(done, 5);
      });
      expect(device.offer(inside.crt)).toBe(true);
      device.transcript.length = 0;
    }
    const line: SerialLine = {
      write: (bytes) => device.receive(bytes),
      onData: (take) => {
        toHost = (bytes) => queueMicrotask(() => take(bytes));
      },
      onClose: () => undefined,
      close: () => Promise.resolve(),
    };
    const log = (): void => undefined;
    const readers: ReaderMaker = (r, id) =>
      r.kind === 'crt'
        ? new CrtReader({
            id,
            path: r.path ?? '',
            open: () => Promise.resolve(line),
            clock: systemClock,
            log,
          })
        : new PcscReader({
            id,
            match: r.match ?? '',
            model: 'acs',
            clock: systemClock,
            log,
            service: fake.service,
          });
    return { fake, device, readers };
  }
  const caseOf = (name: string): LayoutCase => LAYOUT_CASES[name] as LayoutCase;

  test('two readers: each card with its layout, its number masked, its count, and what the kiosk would say', async () => {
    const { fake, readers } = await hall(caseOf('PL-CPU').golden(), caseOf('PL-4442').golden());
    fake.insert('ACS back 00 01', caseOf('PL-4442').golden().slot);
    const { code, of, report } = await doctor(front, { ...service, readers });
    expect(report.findings.filter((f) => f.level === 'FAIL')).toEqual([]);
    expect(code).toBe(0);
    const says = 'count 41; the kiosk says: sold to, if its account agrees';
    expect(of('card').map((f) => [f.level, f.text])).toEqual([
      ['OK', `readers[0] “Front 00 00”, memory cards: none: PL-CPU card 8800 **** 3921, ${says}`],
      [
        'OK',
        `not configured: “ACS back 00 01”, memory cards: acs: PL-4442 card 8800 **** 3921, ${says}`,
      ],
    ]);
    const crt = await doctor(motor, { readers });
    expect(crt.of('card').map((f) => [f.level, f.text])).toEqual([
      [
        'OK',
        `readers[0] “CRT-571-F2 V1.10 ${process.execPath}”: PL-4442 card 8800 **** 3921, ${says}`,
      ],
    ]);
    expect(JSON.stringify([report, crt.report])).not.toContain('8800003921');
  });

  test('whatever card it is: the doctor only reads, presents nothing, and takes no card in', async () => {
    const cards = ['PL-CPU', 'PL-4442', 'PL-4428', 'PL-M1'].flatMap((name) => [
      caseOf(name).golden,
      ...caseOf(name).refused.map((r) => r.make),
    ]);
    let looked = 0;
    for (const make of cards) {
      const [card, inside] = [make(), caseOf('PL-4442').golden()];
      const kept = [card.keeps(), inside.keeps()];
      const { fake, device, readers } = await hall(card, inside);
      await lookAtCard({ kind: 'pcsc', match: 'front' }, readers, systemClock);
      expect(fake.sent.length).toBeGreaterThan(0);
      expect(fake.sent.filter(({ apdu }) => changes(apdu)).map(({ apdu }) => toHex(apdu))).toEqual(
        [],
      );
      if (looked++ < 2) {
        await lookAtCard({ kind: 'crt', path: '/dev/ttyS0' }, readers, systemClock);
        const inner = device.transcript
          .filter((l) => /^=> F2 00 .. .. 43 5[1-4] /.test(l))
          .map((l) => fromHex(l.slice(3)).subarray(7));
        expect(inner.length).toBeGreaterThan(2);
        expect(inner.filter((apdu) => apdu.length > 3 && changes(apdu))).toEqual([]);
        expect(device.motions).toEqual(['ic']);
        expect(device.entryOn).toBe(false);
      }
      expect([card.keeps(), inside.keeps()]).toEqual(kept);
    }
  });

  test('its channel only reads: a layout that would write is refused before anything is sent', async () => {
    for (const name of ['PL-CPU', 'PL-4442']) {
      const { layout, golden } = caseOf(name);
      const card = golden();
      const kept = card.keeps();
      const { fake, readers } = await hall(card, null);
      const reader = readers({ kind: 'pcsc', match: 'front' }, 'r', '.');
      if (reader === null) throw new Error('no reader');
      const channel = readOnlyChannel(await cardIn(reader));
      const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
      expect((await layout.apply(channel, plan)).ok).toBe(false);
      expect(fake.sent.filter(({ apdu }) => changes(apdu))).toEqual([]);
      expect(card.keeps()).toBe(kept);
      await reader.close();
    }
  });

  test('no card, and a reader that is not there', async () => {
    const empty = await hall(null, null);
    const { of } = await doctor(front, { ...service, readers: empty.readers });
    expect(of('card').map((f) => f.text)).toEqual([
      'readers[0] “Front 00 00”: no card',
      'not configured: “ACS back 00 01”: no card',
    ]);
    empty.fake.unplug('Front 00 00');
    const hurried = {
      ...systemClock,
      after: (ms: number, fn: () => void) => systemClock.after(ms / 40, fn),
    };
    const gone = await lookAtCard({ kind: 'pcsc', match: 'front' }, empty.readers, hurried);
    expect(gone).toMatchObject({ level: 'FAIL', code: 'CARD-0107' });
  });

  test('a running core has its readers to itself', async () => {
    const { readers } = await hall(null, null);
    const file = join(folder, 'kiosk', 'core.pid');
    writeFileSync(file, String(process.pid));
    try {
      const { of } = await doctor(front, {
        ...service,
        readers: (...args) => {
          throw new Error(`opened ${readers(...args)?.id ?? ''}`);
        },
      });
      expect(of('card').map((f) => f.text)).toEqual([
        'not looked at: the running core has the readers',
      ]);
    } finally {
      rmSync(file);
    }
  });
});
