import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Decrypter } from 'age-encryption';
import { makeBundle } from '../../../src/main/export/bundle.ts';
import type { BundleParts } from '../../../src/main/export/bundle.ts';
import { openBundle } from '../../../src/main/export/open.ts';
import { exportKey, openExport } from '../../../src/main/cli/export.ts';
import { deviceName, findPlace, sticksIn } from '../../../src/main/export/stick.ts';
import { harmless, shiftsCsv, shiftsXlsx } from '../../../src/main/export/tables.ts';
import { writeNew } from '../../../src/main/export/write.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { openToRead } from '../../../src/journal/open-to-read.ts';
import type { OpenToRead } from '../../../src/journal/open-to-read.ts';
import { ed25519Keyring, ed25519Signer } from '../../../src/shared/signing.ts';
import { shiftHash } from '../../../src/shared/shift-hash.ts';
import type { ClosedShift } from '../../../src/shared/shift.ts';
import { unzip, zip } from '../../../src/shared/zip.ts';
import { T0 } from '../../support/kiosk-world.ts';
import { emptyShift } from '../../support/shifts.ts';
import { Rig, TERMINAL, sale } from '../journal/rig.ts';

let folder: string;
let rig: Rig;
let read: OpenToRead | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-export-'));
  rig = new Rig(folder);
});
afterEach(() => {
  read?.close();
  read = null;
  rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const pem = generateKeyPairSync('ed25519')
  .privateKey.export({ format: 'pem', type: 'pkcs8' })
  .toString();
const publicPem = createPublicKey(createPrivateKey(pem))
  .export({ format: 'pem', type: 'spki' })
  .toString();
const keys = ed25519Keyring(publicPem);

const closed = (change: Partial<ClosedShift> = {}): ClosedShift => {
  const shift = emptyShift({
    number: 12,
    captured: { count: 3, fen: 30_005 },
    delivered: { count: 3, fen: 30_005 },
    services: [
      {
        key: 'card-gas',
        captured: { count: 3, fen: 30_005 },
        delivered: { count: 3, fen: 30_005 },
        refunded: { count: 0, fen: 0 },
        parked: { count: -1, fen: -700 },
        transit: { count: 0, fen: 0 },
      },
    ],
  });
  return {
    shift,
    hash: shiftHash(shift),
    who: '张工',
    why: '',
    closedMs: T0,
    at: { epoch: 1, seq: 2 },
    ...change,
  };
};

/** A journal with two sales and a closed shift. */
function parts(change: Partial<BundleParts> = {}): BundleParts {
  const j = rig.open();
  j.append(sale(1));
  j.closeShift('张工', '');
  j.append(sale(2));
  read = openToRead(Journal.file(rig.dataDir));
  return {
    db: read.db,
    terminalId: TERMINAL,
    program: 'test',
    signer: ed25519Signer(pem),
    recipients: [],
    log: '{"message":"a line"}\n',
    nowMs: T0,
    ...change,
  };
}

describe('tables', () => {
  it('run no formula, and say nothing that a spreadsheet takes for something else', () => {
    for (const text of ['=1+1', '+1', '-1', '@x', '\t=1', '\r=1', '\n=1', '＝1+1', '＠x'])
      expect(harmless(text)).toBe(`'${text}`);
    expect(harmless('张工=')).toBe('张工=');
    const csv = shiftsCsv([closed({ who: '=cmd|"/c calc"!A0', why: 'a,"b"\nc' })], true);
    expect(csv.startsWith('\uFEFF班次,')).toBe(true);
    const [table = ''] = csv.split('\r\n\r\n');
    const rows = parse(table, { bom: true, relax_quotes: false });
    const at = (name: string): string | undefined => rows[1]?.[rows[0]?.indexOf(name) ?? -1];
    expect(at('班次')).toBe('1-12 班');
    expect(at('收款')).toBe('300.05');
    expect(at('结班人')).toBe('\'=cmd|"/c calc"!A0');
    expect(at('说明')).toBe('a,"b"\nc');
    expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  });

  it('the worksheet, read by other means: sheets, sums as numbers, texts as texts', async () => {
    const book = await shiftsXlsx([closed({ who: '=1+1' })], true);
    const text = (name: string): string =>
      unzip(book, 1 << 24)
        .find((e) => e.name.toString() === name)
        ?.bytes.toString('utf8') ?? '';
    expect(
      [...text('xl/workbook.xml').matchAll(/<sheet [^>]*name="([^"]+)"/g)].map((m) => m[1]),
    ).toEqual(['班次', '业务', '付款方式']);
    const sheet = text('xl/worksheets/sheet1.xml');
    expect(sheet).not.toContain('<f>');
    expect(sheet).toMatch(/<v>300\.05<\/v>/);
    expect(text('xl/sharedStrings.xml')).toContain("'=1+1");
    expect(text('xl/sharedStrings.xml')).toContain('燃气卡');
  });

  it('an archive of ours is opened by another program', () => {
    const file = join(folder, 'a.zip');
    const long = Buffer.alloc(100_000, 'x');
    writeFileSync(
      file,
      zip([
        { name: 'a.txt', bytes: Buffer.from('一') },
        { name: 'long.txt', bytes: long },
      ]),
    );
    const out = execFileSync('python3', [
      '-c',
      'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint([(i.filename,i.file_size) for i in z.infolist()])',
      file,
    ]);
    expect(out.toString().trim()).toBe("[('a.txt', 3), ('long.txt', 100000)]");
  });
});

describe('what leaves', () => {
  it('sealed: facts, log and settlements, for the company’s key only; the company verifies and opens it', async () => {
    const { identity, recipient } = await exportKey();
    const other = await exportKey();
    const { name, bytes } = await makeBundle(parts({ recipients: [recipient] }));
    expect(name).toMatch(/^pilotlight-000000000311-\d{8}-\d{6}\.zip\.age$/);
    expect(Buffer.from(bytes).includes('8800003921')).toBe(false);
    expect(await openBundle(bytes, [other.identity], keys)).toMatchObject({ ok: false });
    const opened = await openBundle(bytes, [identity], keys);
    if (!opened.ok) throw new Error(opened.error);
    expect(opened.value.files.map((f) => f.name)).toEqual([
      'settlement.csv',
      'settlement.xlsx',
      'shifts.jsonl',
      'facts.jsonl',
      'log.txt',
    ]);
    expect(opened.value.manifest).toMatchObject({
      terminalId: TERMINAL,
      facts: { from: { epoch: 1, seq: 1 }, to: { epoch: 1, seq: 15 }, count: 15 },
      shifts: [{ ref: '1-1' }],
    });
    // Another terminal’s key did not sign it.
    const stranger = generateKeyPairSync('ed25519').publicKey.export({
      format: 'pem',
      type: 'spki',
    });
    expect(await openBundle(bytes, [identity], ed25519Keyring(stranger.toString()))).toMatchObject({
      ok: false,
      error: expect.stringMatching(/signature/),
    });
  });

  it('without a company’s key nothing with a person in it leaves', async () => {
    const { name, bytes } = await makeBundle(parts());
    expect(name).toMatch(/\.zip$/);
    const all = unzip(Buffer.from(bytes), 1 << 24);
    expect(all.map((e) => e.name.toString())).toEqual([
      'manifest.json',
      'manifest.sig',
      'settlement.csv',
      'settlement.xlsx',
    ]);
    for (const { name: file, bytes: inside } of all) {
      const texts = file.toString().endsWith('.xlsx')
        ? unzip(inside, 1 << 24).map((e) => e.bytes.toString())
        : [inside.toString()];
      for (const text of texts)
        for (const secret of ['8800003921', '1002203344', '张工', 'PL-'])
          expect(text).not.toContain(secret);
    }
    expect(await openBundle(bytes, [], keys)).toMatchObject({ ok: true });
  });

  it('whatever was changed, left out or put in is found', async () => {
    const { identity, recipient } = await exportKey();
    const { bytes } = await makeBundle(parts({ recipients: [recipient] }));
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const entries = unzip(Buffer.from(await decrypter.decrypt(bytes)), 1 << 24).map((e) => ({
      name: e.name.toString(),
      bytes: e.bytes,
    }));
    const judged = async (files: typeof entries): Promise<string> => {
      const opened = await openBundle(zip(files), [], keys);
      return opened.ok ? 'well' : opened.error;
    };
    expect(await judged(entries)).toBe('well');
    for (const { name } of entries) {
      const changed = entries.map((e) =>
        e.name === name ? { name, bytes: Buffer.concat([e.bytes, Buffer.from(' x')]) } : e,
      );
      expect(await judged(changed), name).not.toBe('well');
      expect(await judged(entries.filter((e) => e.name !== name)), name).not.toBe('well');
    }
    expect(await judged([...entries, { name: 'run.exe', bytes: Buffer.from('x') }])).toMatch(
      /does not name/,
    );
  });

  it('is unpacked into a new folder, never over anything', async () => {
    const { bytes } = await makeBundle(parts());
    const file = join(folder, 'x.zip');
    const terminalKeyFile = join(folder, 'terminal.pub.pem');
    writeFileSync(file, bytes);
    writeFileSync(terminalKeyFile, publicPem);
    const out = join(folder, 'out');
    expect(await openExport({ file, keyFile: null, terminalKeyFile, out })).toMatchObject({
      ok: true,
    });
    expect(readdirSync(out).toSorted()).toEqual([
      'manifest.json',
      'settlement.csv',
      'settlement.xlsx',
    ]);
    expect(await openExport({ file, keyFile: null, terminalKeyFile, out })).toMatchObject({
      ok: false,
    });
  });
});

describe('the stick', () => {
  const MOUNTS = [
    '22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
    '40 22 8:17 / /media/KING\\040STON rw,nosuid,nodev,noexec,sync - vfat /dev/sdb1 rw',
    '41 22 8:33 / /run/media/kiosk/OTHER ro,nosuid - vfat /dev/sdc1 ro',
    '42 22 8:49 / /mnt/data rw - ext4 /dev/sdd1 rw',
    '43 22 0:50 / /run/media/kiosk/deep/er rw - tmpfs tmpfs rw',
    'half a line',
  ].join('\n');

  it('is what the system mounted where sticks are, with its device', () => {
    expect(sticksIn(MOUNTS)).toEqual([
      { path: '/media/KING STON', device: '8:17', readOnly: false },
      { path: '/run/media/kiosk/OTHER', device: '8:33', readOnly: true },
    ]);
    expect(deviceName(statSync('/').dev)).toMatch(/^\d+:\d+$/);
    expect([deviceName(0x811), deviceName(0x10_3f_05)]).toEqual(['8:17', '63:261']);
  });

  it('none, several, a folder of the operator’s own; a link to a folder is none', async () => {
    expect(await findPlace(null, () => '')).toEqual({ state: 'none' });
    expect(await findPlace(null, () => MOUNTS)).toEqual({ state: 'several' });
    const own = join(folder, 'own');
    expect(await findPlace(own)).toEqual({ state: 'none' });
    mkdirSync(own);
    expect(await findPlace(own)).toMatchObject({ state: 'ready', path: own, device: null });
    symlinkSync(own, join(folder, 'link'));
    expect(await findPlace(join(folder, 'link'))).toEqual({ state: 'none' });
    // Mounted, and gone before it was looked at.
    expect(await findPlace(null, () => MOUNTS.split('\n')[1] as string)).toEqual({ state: 'none' });
  });

  const bytes = Buffer.alloc(700_000, 7);
  const stick = (): string => {
    const path = join(folder, 'stick');
    mkdirSync(path, { recursive: true });
    return path;
  };

  it('is written whole, synced and read back; nothing of the way is left', async () => {
    expect(await writeNew(stick(), 'a.zip', bytes, null)).toEqual({ ok: true, value: undefined });
    expect(readdirSync(stick())).toEqual(['a.zip']);
    expect(readFileSync(join(stick(), 'a.zip')).equals(bytes)).toBe(true);
    const { dev } = statSync(stick());
    expect(await writeNew(stick(), 'b.zip', bytes, deviceName(dev))).toMatchObject({ ok: true });
  });

  it('no link on it is followed, and nothing on it is written over', async () => {
    const target = join(folder, 'precious');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(stick(), 'a.zip.part'));
    expect(await writeNew(stick(), 'a.zip', bytes, null)).toMatchObject({
      ok: false,
      error: { code: 'MNT-0205' },
    });
    expect(readFileSync(target, 'utf8')).toBe('precious');
    // What is there and not ours is not taken away either, begun or whole.
    expect(readdirSync(stick())).toEqual(['a.zip.part']);
    writeFileSync(join(stick(), 'b.zip'), 'precious');
    symlinkSync(join(folder, 'nothing'), join(stick(), 'c.zip'));
    for (const name of ['b.zip', 'c.zip'])
      expect(await writeNew(stick(), name, bytes, null)).toMatchObject({
        ok: false,
        error: { code: 'MNT-0205', detail: `${name} is there already` },
      });
    expect(readFileSync(join(stick(), 'b.zip'), 'utf8')).toBe('precious');
    expect(readdirSync(stick())).toEqual(['a.zip.part', 'b.zip', 'c.zip']);
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });

  it.runIf(existsSync('/dev/shm'))(
    'a stick that was pulled as it began: nothing stays on our own disk',
    async () => {
      const other = mkdtempSync('/dev/shm/pilotlight-export-');
      try {
        const { dev } = statSync(stick());
        const result = await writeNew(stick(), 'a.zip', bytes, deviceName(dev), {
          open: (path, flags) => open(path, flags, 0o600),
          rename: async () => {
            // The folder turns out to be another device's, with what was written in it.
            rmSync(stick(), { recursive: true });
            writeFileSync(join(other, 'a.zip'), bytes);
            symlinkSync(other, join(folder, 'stick'));
          },
        });
        expect(result).toMatchObject({ error: { code: 'MNT-0205', detail: 'the stick is gone' } });
        expect(readdirSync(other)).toEqual([]);
      } finally {
        rmSync(other, { recursive: true, force: true });
      }
    },
  );

  it('an empty folder whose stick was pulled is not written to', async () => {
    expect(await writeNew(stick(), 'a.zip', bytes, '250:1')).toMatchObject({
      ok: false,
      error: { code: 'MNT-0205' },
    });
    expect(readdirSync(stick())).toEqual([]);
  });

  it.each([
    ['EIO', 'MNT-0205'],
    ['ENODEV', 'MNT-0205'],
    ['ENOSPC', 'MNT-0204'],
    ['EROFS', 'MNT-0203'],
  ])('%s at any step: %s, and no half file under the name', async (code, told) => {
    const fail = (): never => {
      throw Object.assign(new Error(code), { code });
    };
    for (let at = 0; at < 9; at += 1) {
      let step = 0;
      const next = (): void => {
        if (step++ === at) fail();
      };
      const watched = (handle: FileHandle): FileHandle =>
        new Proxy(handle, {
          get: (of, key) => {
            const value = Reflect.get(of, key) as unknown;
            if (typeof value !== 'function') return value;
            const call = value.bind(of) as (...args: unknown[]) => unknown;
            return key === 'close'
              ? call
              : async (...args: unknown[]) => {
                  next();
                  return call(...args);
                };
          },
        });
      const result = await writeNew(stick(), `x${at}.zip`, bytes, null, {
        open: async (path, flags) => {
          next();
          return watched(await open(path, flags, 0o600));
        },
        rename: async (from, to) => {
          next();
          await rename(from, to);
        },
      });
      expect(result, `step ${at}`).toMatchObject({ ok: false, error: { code: told } });
      expect(existsSync(join(stick(), `x${at}.zip.part`))).toBe(false);
    }
  });

  it('one that reads back something else is not believed', async () => {
    const result = await writeNew(stick(), 'a.zip', bytes, null, {
      open: async (path, flags) => {
        const handle = await open(path, flags, 0o600);
        handle.readFile = (() => Promise.resolve(Buffer.alloc(3))) as never;
        return handle;
      },
      rename,
    });
    expect(result).toMatchObject({ ok: false, error: { code: 'MNT-0206' } });
    expect(readdirSync(stick())).toEqual([]);
  });

  it.runIf(process.getuid?.() !== 0)('one that is not ours to write: MNT-0203', async () => {
    chmodSync(stick(), 0o500);
    expect(await writeNew(stick(), 'a.zip', bytes, null)).toMatchObject({
      ok: false,
      error: { code: 'MNT-0203' },
    });
  });
});
