import { afterAll, describe, expect, it } from 'vitest';
import { SAMPLE_KEYS } from '../../../src/card/keys/sample.ts';
import { sealKeys, sealedKeyProvider } from '../../../src/card/keys/sealed.ts';
import type { MachineBinding } from '../../../src/card/keys/sealed.ts';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCardKeys, sealCardKeys } from '../../../src/main/core/card-keys.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { codeOf, demoKeys, must } from './rig.ts';

let n = 0;
const random = {
  bytes: (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => (n = (n * 73 + 41) & 255)),
};
const here: MachineBinding = { machineId: '4f1c\n', secret: new Uint8Array(32).fill(7) };
const keys = {
  psc: fromHex('00112233445566778899AABBCCDDEE01'),
  auth: fromHex('A1'.repeat(16)),
  mac: fromHex('B2'.repeat(16)),
};

describe('sealed keys', () => {
  it('open on their machine, and work as the keys they are', async () => {
    const text = sealKeys(keys, here, random);
    for (const key of Object.values(keys)) expect(text.toUpperCase()).not.toContain(toHex(key));
    const provider = must(sealedKeyProvider(text, here));
    // Two master keys, two codes for one card.
    const cardNo = fromHex('8800003921');
    expect(toHex(must(await demoKeys.cardCode('SLE4442', cardNo)))).toBe('116806');
    expect(must(await provider.cardCode('SLE4442', cardNo))).not.toEqual(
      must(await demoKeys.cardCode('SLE4442', cardNo)),
    );
    expect(must(await provider.externalAuth(new Uint8Array(8), new Uint8Array(8)))).toHaveLength(8);
  });

  it('two seals of the same keys share nothing', () => {
    const [a, b] = [sealKeys(keys, here, random), sealKeys(keys, here, random)].map(
      (t) => JSON.parse(t) as Record<string, string>,
    );
    for (const field of ['salt', 'nonce', 'sealed', 'tag']) expect(a?.[field]).not.toBe(b?.[field]);
  });

  it('not on another machine, nor beside another secret; the answer gives nothing away', () => {
    const text = sealKeys(keys, here, random);
    for (const there of [
      { ...here, machineId: '4f1d' },
      { ...here, secret: new Uint8Array(32).fill(8) },
    ]) {
      const opened = sealedKeyProvider(text, there);
      expect(codeOf(opened)).toBe('CONF-0101');
      expect(JSON.stringify(opened)).not.toMatch(/A1A1|B2B2/);
    }
    expect(() => sealKeys(keys, { ...here, machineId: ' ' }, random)).toThrow(RangeError);
    expect(() => sealKeys(keys, { ...here, secret: new Uint8Array(16) }, random)).toThrow(
      RangeError,
    );
  });

  it('every changed bit is seen', () => {
    const file = JSON.parse(sealKeys(keys, here, random)) as Record<string, string>;
    for (const field of ['salt', 'nonce', 'sealed', 'tag']) {
      const bytes = fromHex(file[field] as string);
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        const bad = bytes.slice();
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(
          codeOf(sealedKeyProvider(JSON.stringify({ ...file, [field]: toHex(bad) }), here)),
          `${field} bit ${bit}`,
        ).toBe('CONF-0101');
      }
    }
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      JSON.stringify({ ...file, format: 'other' }),
      JSON.stringify({ ...file, more: 1 }),
    ])
      expect(codeOf(sealedKeyProvider(text, here))).toBe('CONF-0101');
  });

  it('a published key in it: CONF-0103', () => {
    for (const name of ['psc', 'auth', 'mac', 'load'] as const)
      expect(
        codeOf(
          sealedKeyProvider(sealKeys({ ...keys, [name]: SAMPLE_KEYS[name] }, here, random), here),
        ),
      ).toBe('CONF-0103');
  });
});

describe('key files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-keys-'));
  const at = (name: string): string => join(folder, name);
  const id = (): string => 'machine-1';
  const config = (mode: 'demo' | 'production' = 'production') =>
    ({
      path: at,
      config: { mode, keys: { kind: 'sealed', file: 'sealed.json', secretFile: 'secret' } },
    }) as unknown as Parameters<typeof loadCardKeys>[0];
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are sealed once, for this machine, readable by their owner only, and open again', () => {
    writeFileSync(
      at('keys.json'),
      JSON.stringify({ psc: 'C1'.repeat(16), auth: 'A1'.repeat(16), mac: 'B2'.repeat(16) }),
      { mode: 0o600 },
    );
    expect(
      must(
        sealCardKeys(
          { from: at('keys.json'), to: at('sealed.json'), secret: at('secret') },
          random,
          id,
        ),
      ),
    ).toEqual({ madeSecret: true });
    for (const name of ['sealed.json', 'secret'])
      expect(statSync(at(name)).mode & 0o777).toBe(0o600);
    expect(must(loadCardKeys(config(), id)).id).toBe('sealed');
    expect(codeOf(loadCardKeys(config(), () => 'machine-2'))).toBe('CONF-0101');
    const before = readFileSync(at('sealed.json'), 'utf8');
    expect(
      codeOf(
        sealCardKeys(
          { from: at('keys.json'), to: at('sealed.json'), secret: at('secret') },
          random,
          id,
        ),
      ),
    ).toBe('CONF-0101');
    expect(readFileSync(at('sealed.json'), 'utf8')).toBe(before);
    expect(
      must(
        sealCardKeys(
          { from: at('keys.json'), to: at('again.json'), secret: at('secret') },
          random,
          id,
        ),
      ),
    ).toEqual({ madeSecret: false });
  });

  it('that others can read, or that are not there, are refused by name', () => {
    chmodSync(at('secret'), 0o640);
    expect(loadCardKeys(config(), id)).toMatchObject({
      ok: false,
      error: { code: 'CONF-0101', detail: expect.stringContaining('keys.secretFile') },
    });
    chmodSync(at('secret'), 0o600);
    chmodSync(at('sealed.json'), 0o604);
    expect(loadCardKeys(config(), id)).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('chmod 600') },
    });
    rmSync(at('sealed.json'));
    expect(loadCardKeys(config(), id)).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('ENOENT') },
    });
  });

  it('bad keys are refused without being repeated', () => {
    const bad = 'C1'.repeat(15);
    writeFileSync(
      at('bad.json'),
      JSON.stringify({ psc: bad, auth: 'A1'.repeat(16), mac: 'B2'.repeat(16) }),
      { mode: 0o600 },
    );
    const sealed = sealCardKeys(
      { from: at('bad.json'), to: at('never.json'), secret: at('secret') },
      random,
      id,
    );
    expect(sealed).toMatchObject({
      ok: false,
      error: { code: 'CONF-0101', detail: expect.stringContaining('psc') },
    });
    expect(JSON.stringify(sealed)).not.toContain(bad);
    writeFileSync(
      at('sample.json'),
      JSON.stringify({ psc: 'C1'.repeat(16), auth: toHex(SAMPLE_KEYS.auth), mac: 'B2'.repeat(16) }),
      { mode: 0o600 },
    );
    expect(
      codeOf(
        sealCardKeys(
          { from: at('sample.json'), to: at('never.json'), secret: at('secret') },
          random,
          id,
        ),
      ),
    ).toBe('CONF-0103');
    expect(existsSync(at('never.json'))).toBe(false);
  });
});
