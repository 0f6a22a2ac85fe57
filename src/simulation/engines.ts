import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPglite } from '../central/db/pglite.ts';
import {
  ed25519Signer,
  ed25519Verifier,
  rsaSha256Signer,
  rsaSha256Verifier,
} from '../shared/signing.ts';
import { fileStorage } from '../journal/storage.ts';
import { memoryStorage } from './memory-storage.ts';
import { quickKey } from './signing.ts';
import { openSqliteDb } from './sqlite-db.ts';
import type { Engines } from './town.ts';

/**
 * Central's SQL on SQLite in memory, keyed hashes for signatures: what thousands of sessions a
 * minute take.
 */
export const QUICK: Engines = {
  name: 'quick',
  centralDb: () => Promise.resolve(openSqliteDb()),
  disk: () => {
    const storage = memoryStorage();
    return {
      storage,
      faulty: storage,
      lose: () => storage.wipe('database'),
      dispose: () => storage.retire(),
    };
  },
  key: (name) => {
    const key = quickKey(name);
    return { signer: key, verifier: key, publicKeyPem: name };
  },
};

/**
 * PostgreSQL (embedded), journals on files, and real Ed25519 and RSA keys, made once: against these
 * the quick ones are checked.
 */
export const REAL: Engines = (() => {
  const made = new Map<
    string,
    {
      signer: ReturnType<typeof ed25519Signer>;
      verifier: ReturnType<typeof ed25519Verifier>;
      publicKeyPem: string;
    }
  >();
  return {
    name: 'real',
    centralDb: () => openPglite(null),
    disk: () => {
      const folder = mkdtempSync(join(tmpdir(), 'pilotlight-simulate-'));
      const data = join(folder, 'data');
      return {
        storage: fileStorage(data, join(folder, 'second')),
        faulty: null,
        lose: () => rmSync(data, { recursive: true, force: true }),
        dispose: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
    key: (name) => {
      const old = made.get(name);
      if (old !== undefined) return old;
      const rsa = name === 'merchant' || name === 'platform';
      const pair = rsa
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519');
      const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
      const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }) as string;
      const key = {
        signer: rsa
          ? { ...rsaSha256Signer(privateKey), verify: rsaSha256Verifier(publicKey).verify }
          : ed25519Signer(privateKey),
        verifier: rsa ? rsaSha256Verifier(publicKey) : ed25519Verifier(publicKey),
        publicKeyPem: publicKey,
      };
      made.set(name, key);
      return key;
    },
  };
})();
