import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLE_KEYS } from '../../src/card/keys/sample.ts';
import { DEMO_USER } from '../../src/demo/technician.ts';
import { Customer } from '../kill/customer.ts';
import { Hall, root, until } from '../support/hall.ts';

/**
 * A hall sells by QR code and by the customer's code, its core dies in the middle of a code
 * payment, and a technician comes; then every byte that was written, logged or shown is searched
 * for every secret there is, in every form that one leaks in.
 */
const CODES = ['134201337700915526', '101112131415161718', '287700915526134201'] as const;
/**
 * Where secrets belong: the key files; the pretend bank, whose books name the codes; the cards,
 * which hold their own keys.
 */
const THEIR_PLACE = /^(keys|sandbox|cards)(\/|$)/;

interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}
/** A secret as it is, in hex of both cases, and in base64 wherever in a longer text it begins. */
function forms(what: string, secret: Uint8Array): Needle[] {
  const raw = Buffer.from(secret);
  const hex = raw.toString('hex');
  // What stands before shifts base64 by a third of a byte's bits; the first and last characters are
  // shared with neighbours.
  const based = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), raw])
      .toString('base64')
      .replaceAll('=', '')
      .slice(shift === 0 ? 0 : shift + 1, -2),
  );
  return [
    { what: `${what}, raw`, bytes: raw },
    { what: `${what}, hex`, bytes: Buffer.from(hex) },
    { what: `${what}, HEX`, bytes: Buffer.from(hex.toUpperCase()) },
    ...based.flatMap((text, i) =>
      [text, text.replaceAll('+', '-').replaceAll('/', '_')].map((t) => ({
        what: `${what}, base64 at ${i}`,
        bytes: Buffer.from(t),
      })),
    ),
  ];
}
function keyForms(what: string, pem: string): Needle[] {
  const key = createPrivateKey(pem);
  const { d = '' } = key.export({ format: 'jwk' });
  const lines = pem.split('\n').filter((l) => l !== '' && !l.startsWith('-----'));
  return [
    ...forms(`${what}, private part`, Buffer.from(d, 'base64url')),
    ...forms(`${what}, DER`, key.export({ type: 'pkcs8', format: 'der' })),
    // A line from the middle of its PEM; the first one says only what kind of key it is.
    ...(lines.length > 4
      ? [{ what: `${what}, PEM`, bytes: Buffer.from(lines[Math.floor(lines.length / 2)] ?? '') }]
      : [{ what: `${what}, PEM`, bytes: Buffer.from(lines.join('')) }]),
  ];
}
const found = (hay: Buffer, needles: readonly Needle[]): string[] =>
  needles.filter((n) => hay.includes(n.bytes)).map((n) => n.what);

let hall: Hall;
let reports: string;
let leftovers: Buffer[] = [];
let needles: Needle[];
const snapshots: string[] = [];

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name));
}
const corePid = (): number => Number(readFileSync(join(hall.dataDir, 'kiosk', 'core.pid'), 'utf8'));

beforeAll(async () => {
  reports = mkdtempSync(join(tmpdir(), 'pilotlight-reports-'));
  // A core has a clean environment: whoever starts it cannot have it write reports of itself.
  hall = await Hall.start(['--shell', 'browser'], {
    NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-directory=${reports}`,
  });
  const keys = JSON.parse(readFileSync(join(hall.dataDir, 'keys', 'keys.json'), 'utf8')) as {
    sandbox: { merchantPrivateKeyPem: string; platformPrivateKeyPem: string };
    policyPrivateKeyPem: string;
  };
  needles = [
    ...keyForms('the merchant’s key', keys.sandbox.merchantPrivateKeyPem),
    ...keyForms(
      'the terminal’s key',
      readFileSync(join(hall.dataDir, 'keys', 'terminal.pem'), 'utf8'),
    ),
    ...keyForms('the platform’s key', keys.sandbox.platformPrivateKeyPem),
    ...keyForms('central’s policy key', keys.policyPrivateKeyPem),
    ...['unionpay.key', 'apiv3.key'].flatMap((name) =>
      forms(name, readFileSync(join(hall.dataDir, 'keys', name))),
    ),
    ...Object.entries(SAMPLE_KEYS).flatMap(([name, key]) => forms(`the card’s ${name} key`, key)),
    ...CODES.flatMap((code) => forms(`payment code ${code}`, Buffer.from(code))),
    // Four digits stand in many a number; as a value of its own they do not.
    { what: 'the PIN', bytes: Buffer.from(`"${DEMO_USER.pin}"`) },
  ];

  const customer = await Customer.at(hall);
  customer.onSnapshot = (s) => snapshots.push(JSON.stringify(s));
  await customer.toPay('golden', 10_000);
  await hall.dock({ do: 'pay' });
  await customer.on('done');
  // By code, and once more with the password typed only after the core has died.
  await customer.toPay('good', 5_000);
  await hall.dock({ do: 'show-code', code: CODES[0] });
  await customer.on('done');
  await customer.toPay('water', 5_000);
  await hall.dock({ do: 'show-code', code: CODES[2] });
  await customer.on('done');
  await hall.dock({ do: 'meter', id: 'golden' });
  await customer.toPay('golden', 5_000);
  await hall.dock({ do: 'faults', faults: { askPassword: 1 } });
  await hall.dock({ do: 'show-code', code: CODES[1] });
  await customer.on('pay', (s) => s.byCode && s.state === 'paying');
  const pid = corePid();
  // What a crash leaves behind, where something collects it: environment and arguments.
  leftovers = ['environ', 'cmdline'].map((name) => readFileSync(`/proc/${pid}/${name}`));
  process.kill(pid, 'SIGABRT');
  await until('another core', () => corePid() !== pid);
  await hall.dock({ do: 'pay', codeUrl: `auth:${CODES[1]}` });
  await until(
    'all ended',
    () => hall.rows().orders.every((o) => ['delivered', 'closed', 'refunded'].includes(o.state)),
    90_000,
  );
  await until('told', () => hall.rows().outbox === 0, 30_000);
  customer.leave();
}, 180_000);
afterAll(async () => {
  await hall.dispose();
  rmSync(reports, { recursive: true, force: true });
});

describe('after a day with a crash in it', () => {
  it('the search finds what is there: planted in each form, and the codes in the bank’s own books', () => {
    const bank = Buffer.concat(
      files(hall.dataDir)
        .filter((f) => relative(hall.dataDir, f).startsWith('sandbox'))
        .map((f) => readFileSync(f)),
    );
    for (const code of CODES)
      expect(found(bank, forms(code, Buffer.from(code)))).toContain(`${code}, raw`);
    const secret = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
    for (const text of [
      secret,
      secret.toString('hex'),
      secret.toString('hex').toUpperCase(),
      ...['', 'x', 'xy'].map((before) =>
        Buffer.concat([Buffer.from(before), secret, Buffer.from('after')]).toString('base64'),
      ),
    ])
      expect(
        found(Buffer.concat([Buffer.from('before '), Buffer.from(text)]), forms('it', secret)),
        String(text),
      ).not.toEqual([]);
  });

  it('no secret is in the journal, the second log, backups, central’s database, or any other file of the hall', () => {
    const searched = files(hall.dataDir)
      .map((file) => relative(hall.dataDir, file).replaceAll(sep, '/'))
      .filter((file) => !THEIR_PLACE.test(file));
    for (const part of [
      'kiosk/journal.db',
      'kiosk-second/second-1.log',
      'terminal.json',
      'central/',
    ])
      expect(
        searched.some((f) => f.startsWith(part)),
        part,
      ).toBe(true);
    // The configuration has the PIN's hash, and must not have the PIN.
    expect(
      searched.flatMap((file) =>
        found(readFileSync(join(hall.dataDir, file)), needles).map((what) => `${file}: ${what}`),
      ),
    ).toEqual([]);
  });

  it('nor in what was printed, shown, or left by the crash', () => {
    expect(snapshots.length).toBeGreaterThan(20);
    expect(found(Buffer.from(snapshots.join('\n')), needles)).toEqual([]);
    expect(hall.output.length).toBeGreaterThan(100);
    expect(found(Buffer.from(hall.output), needles)).toEqual([]);
    expect(leftovers.map((left) => left.length > 20)).toEqual([true, true]);
    for (const left of leftovers) {
      expect(left.includes('NODE_OPTIONS')).toBe(false);
      expect(found(left, needles)).toEqual([]);
    }
    for (const file of files(reports)) expect(found(readFileSync(file), needles), file).toEqual([]);
  });

  it('and no private key is among the project’s own files', () => {
    const listed = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
      .stdout.split('\0')
      .filter((f) => f !== '');
    expect(listed.length).toBeGreaterThan(300);
    const held = listed.filter((file) => {
      const path = join(root, file);
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
      return /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s"'`+\\n]*[A-Za-z0-9+/]{40,}/.test(
        readFileSync(path, 'latin1'),
      );
    });
    expect(held).toEqual([]);
  });
});
