import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cardEntryOf } from '../../../src/shared/config/devices.ts';
import { loadConfig } from '../../../src/main/config.ts';
import { terminalConfigSchema } from '../../../src/shared/config/terminal.ts';

const example = new URL('../../../resources/terminal.example.json', import.meta.url);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The example in demo mode, with these keys changed. */
function load(change: Record<string, unknown>) {
  const file = join(folder, 'terminal.json');
  writeFileSync(
    file,
    JSON.stringify({
      ...(JSON.parse(readFileSync(example, 'utf8')) as object),
      mode: 'demo',
      ...change,
    }),
  );
  return loadConfig(file);
}
function refusal(change: Record<string, unknown>): string {
  const loaded = load(change);
  return loaded.ok ? 'accepted' : `${loaded.error.code} ${loaded.error.detail ?? ''}`;
}
const payment = (change: Record<string, unknown>) => ({
  payments: [
    {
      kind: 'wechat',
      baseUrl: 'https://api.mch.weixin.qq.com',
      mchid: '1900000001',
      appid: 'wx0000000000000001',
      merchantSerial: '0000000000000000000000000000000000000001',
      merchantKeyFile: 'keys/merchant.pem',
      platformKeys: { PUB_KEY_ID_0000000000000000000000000000000001: 'keys/wechat.pub.pem' },
      notifyUrl: 'https://pay.example.com/wechat/notify',
      ...change,
    },
  ],
});

describe('terminal.json', () => {
  test('the JSON Schema in resources is up to date (node scripts/schema.mjs)', () => {
    const check = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('../../../scripts/schema.mjs', import.meta.url)), '--check'],
      { encoding: 'utf8' },
    );
    expect([check.status, check.stderr]).toEqual([0, '']);
  });

  test('the example is a configuration of production, as it stands', () => {
    expect(terminalConfigSchema.safeParse(JSON.parse(readFileSync(example, 'utf8'))).success).toBe(
      true,
    );
    expect(refusal({ mode: 'production' })).toBe('accepted');
    expect(refusal({ mode: 'production', keys: { kind: 'sample' } })).toMatch(
      /^CONF-0103 .*keys\.kind: sample keys are refused outside demo mode$/,
    );
    expect(load({}).ok).toBe(true);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a misspelt key', { terminalID: '1' }, /^CONF-0101 .*Unrecognized key: "terminalID"/],
    [
      'a way to treat PINs that is not built',
      { purse: { pinTries: 'guessed' } },
      /^CONF-0101 .*purse\.pinTries: /,
    ],
    ['a purse key that is not one', { purse: { asksTries: false } }, /^CONF-0101 .*"asksTries"/],
    ['a key deep inside', payment({ mchid: 'abc' }), /^CONF-0101 .*payments\[0\]\.mchid: /],
    [
      'no platform key',
      payment({ platformKeys: {} }),
      /payments\[0\]\.platformKeys: at least one platform key/,
    ],
    [
      'a reader kind that is not built',
      { readers: [{ kind: 'serial' }] },
      /readers\[0\]\.kind: reader kind "serial" is not built; available: pcsc, crt, process, virtual/,
    ],
    [
      'a reader kind that nobody knows',
      { readers: [{ kind: 'usb' }] },
      /readers\[0\]\.kind: reader kind "usb" is not built/,
    ],
    [
      'a key provider that is not built',
      { keys: { kind: 'hsm' } },
      /keys\.kind: key provider kind "hsm" is not built; available: sample, sealed, psam, central/,
    ],
    [
      'a payment kind that is not built',
      payment({ kind: 'paypal' }),
      /payments\[0\].*payment kind "paypal" is not built; available: wechat, alipay, unionpay, gateway/,
    ],
    [
      'a printer kind that is not built',
      { printer: { kind: 'laser' } },
      /printer\.kind: printer kind "laser" is not built; available: escpos, virtual, none/,
    ],
    [
      'an escpos printer that is nowhere',
      { printer: { kind: 'escpos' } },
      /printer: escpos needs a path/,
    ],
    [
      'a printer model that is not built',
      { printer: { kind: 'escpos', path: '/dev/usb/lp0', model: 'x' } },
      /printer\.model: printer model "x" is not built; available: generic-58, /,
    ],
    [
      'a network printer without a port',
      { printer: { kind: 'escpos', path: 'tcp://10.0.0.9' } },
      /printer\.path: a network printer needs tcp:\/\/HOST:PORT/,
    ],
    [
      'a rate for a printer that is none of a serial port',
      { printer: { kind: 'escpos', path: '/dev/usb/lp0', baudRate: 9600 } },
      /printer\.baudRate, printer\.flow: only a serial printer has them/,
    ],
    [
      'marked paper in a printer that knows no marks',
      { printer: { kind: 'escpos', path: '/dev/ttyS0', markedPaper: true } },
      /printer\.markedPaper: no command for marked paper is known of the model generic-58/,
    ],
    [
      'framing of a scanner that types',
      { scanner: { kind: 'keyboard', suffix: 'TAB' } },
      /scanner: only a serial scanner has a prefix and a suffix/,
    ],
    [
      'a scanner kind that is not built',
      { scanner: { kind: 'bluetooth' } },
      /scanner\.kind: scanner kind "bluetooth" is not built; available: serial, virtual, keyboard, none/,
    ],
    [
      'a serial scanner without its port',
      { scanner: { kind: 'serial' } },
      /scanner: serial and virtual need a path/,
    ],
    [
      'two providers of one kind',
      { payments: [payment({}).payments[0], payment({}).payments[0]] },
      /payments: one of each kind/,
    ],
    [
      'a virtual reader elsewhere than on loopback',
      { readers: [{ kind: 'virtual', path: 'tcp://10.0.0.1:7001' }] },
      /readers\[0\]\.path: a virtual reader needs tcp:\/\/127\.0\.0\.1:PORT/,
    ],
    [
      'a PSAM reader without a name',
      { keys: { kind: 'psam', reader: { kind: 'pcsc' } } },
      /^CONF-0101 .*keys\.reader\.match: a PSAM needs/,
    ],
    [
      'a PSAM in the customer’s reader',
      {
        readers: [{ kind: 'pcsc', match: 'acs' }],
        keys: { kind: 'psam', reader: { kind: 'pcsc', match: 'ACS' } },
      },
      /keys\.reader\.match: a PSAM needs/,
    ],
    [
      'a virtual PSAM elsewhere',
      { keys: { kind: 'psam', reader: { kind: 'virtual', path: 'tcp://10.0.0.1:1' } } },
      /keys\.reader\.path: a virtual PSAM needs/,
    ],
    [
      'a SAM slot without a motor reader',
      { keys: { kind: 'psam', reader: { kind: 'crt-sam', slot: 1 } } },
      /^CONF-0101 .*keys\.reader\.kind: a SAM slot is the motor reader’s/,
    ],
    [
      'a SAM slot of a maker’s reader that is none',
      { keys: { kind: 'psam', reader: { kind: 'process-sam', slot: 1 } } },
      /keys\.reader\.kind: a SAM slot is the reader’s own/,
    ],
    [
      'a maker’s reader without its program',
      { readers: [{ kind: 'process' }] },
      /readers\[0\]\.command: a reader of kind process needs its program/,
    ],
    [
      'a program of a reader that needs none',
      { readers: [{ kind: 'pcsc', command: ['/bin/true'] }] },
      /readers\[0\]\.command: .* no other has one/,
    ],
    [
      'a SAM slot that no reader has',
      {
        readers: [{ kind: 'crt', path: '/dev/ttyS0' }],
        keys: { kind: 'psam', reader: { kind: 'crt-sam', slot: 5 } },
      },
      /keys\.reader\.slot/,
    ],
    [
      'a SAM slot of an old motor reader',
      {
        readers: [{ kind: 'crt', path: '/dev/ttyS0', dialect: '02' }],
        keys: { kind: 'psam', reader: { kind: 'crt-sam' } },
      },
      /keys\.reader\.kind: the SAM slots of a motor reader of dialect 02 are not known/,
    ],
    [
      'a dialect of a reader that has none',
      { readers: [{ kind: 'pcsc', dialect: '02' }] },
      /readers\[0\]\.dialect: only a motor reader has one/,
    ],
    [
      'a dialect that is not built',
      { readers: [{ kind: 'crt', path: '/dev/ttyS0', dialect: '03' }] },
      /motor reader dialect "03" is not built; available: f2, 02/,
    ],
    [
      'a way of the card that is not drawn',
      { readers: [{ kind: 'pcsc', entry: 'swipe' }] },
      /way of the card "swipe" is not built; available: insert, motor, place/,
    ],
    [
      'a SAM slot by name',
      {
        readers: [{ kind: 'crt', path: '/dev/ttyS0' }],
        keys: { kind: 'psam', reader: { kind: 'crt-sam', match: 'SAM' } },
      },
      /keys\.reader: a SAM slot is named by its number alone/,
    ],
    [
      'a slot of a reader that has none',
      { keys: { kind: 'psam', reader: { kind: 'pcsc', match: 'SAM', slot: 1 } } },
      /keys\.reader\.slot: only the customer’s reader/,
    ],
    [
      'central over a line in clear',
      {
        mode: 'production',
        keys: { kind: 'central' },
        central: { baseUrl: 'http://central.invalid', keyFile: 'k' },
      },
      /^CONF-0101 .*central\.baseUrl: https is needed/,
    ],
    [
      'UnionPay without a gateway, whose answers prove nothing to central',
      {
        mode: 'production',
        keys: { kind: 'central' },
        central: { baseUrl: 'https://central.invalid', keyFile: 'k' },
        payments: [
          {
            kind: 'unionpay',
            baseUrl: 'https://ums.invalid',
            appId: 'A',
            appKeyFile: 'k',
            mid: '1',
            tid: '1',
            msgSrcId: '3194',
            notifyUrl: 'https://x.invalid/',
          },
        ],
      },
      /^CONF-0101 .*payments\[0\]\.kind: UnionPay’s answers prove nothing/,
    ],
    [
      'a city’s card keys on a disk that anybody opens',
      {
        mode: 'production',
        keys: { kind: 'sealed', file: 'f', secretFile: 's' },
        central: { baseUrl: 'https://central.invalid', keyFile: 'k' },
      },
      /^CONF-0101 .*keys\.diskKey: who takes the disk/,
    ],
    [
      'two readers',
      { readers: [{ kind: 'pcsc' }, { kind: 'pcsc' }] },
      /readers: one reader is supported so far/,
    ],
    [
      'a layout kind that is not built',
      { layouts: [{ kind: 'dll', id: 'M-1', command: ['x'], atrs: ['3B04'] }] },
      /layouts\[0\]\.kind: layout kind "dll" is not built; available: process/,
    ],
    [
      'an ATR that is none',
      { layouts: [{ kind: 'process', id: 'M-1', command: ['x'], atrs: ['3B0'] }] },
      /layouts\[0\]\.atrs/,
    ],
    [
      'a layout twice',
      {
        layouts: [
          { kind: 'process', id: 'M-1', command: ['x'], atrs: ['3B04'] },
          { kind: 'process', id: 'M-1', command: ['y'], atrs: ['3B05'] },
        ],
      },
      /layouts: M-1 is there twice/,
    ],
    ['no reader', { readers: [] }, /readers: /],
  ])('%s is refused by name', (_name, change, want) => {
    expect(refusal(change)).toMatch(want);
  });

  test('a file that is not JSON, and one that is not there', () => {
    writeFileSync(join(folder, 'bad.json'), '{');
    for (const file of ['bad.json', 'absent.json']) {
      const loaded = loadConfig(join(folder, file));
      expect(loaded.ok ? 'accepted' : loaded.error.code).toBe('CONF-0101');
    }
  });
});

describe('how a card gets to the reader', () => {
  test('is drawn as the reader takes it, or as it was said', () => {
    expect(cardEntryOf({ kind: 'pcsc' })).toEqual({ way: 'insert', chip: 'up' });
    expect(cardEntryOf({ kind: 'crt' })).toEqual({ way: 'motor', chip: 'up' });
    expect(cardEntryOf({ kind: 'pcsc', entry: 'place', chip: 'down' })).toEqual({
      way: 'place',
      chip: 'down',
    });
    expect(cardEntryOf({ kind: 'crt', entry: 'insert' }).way).toBe('insert');
  });
});
