import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { KEY_NAMES } from './load.ts';
import type { LoadedCentral } from './load.ts';

/**
 * `central init`: makes the keys that the configuration names and that are not there yet, and says
 * which; nothing that exists is written over.
 *
 * @returns lines for whoever typed it
 */
export function makeKeys({ config, path }: LoadedCentral): readonly string[] {
  const wanted: readonly (readonly [string, string, 'ed25519' | 'x25519'])[] = [
    ...KEY_NAMES.map((name) => [name, path(config.keys[name]), 'ed25519'] as const),
    ...(config.keys.requests ?? []).map(
      (file, i) => [`requests[${i}]`, path(file), 'x25519'] as const,
    ),
  ];
  return wanted.map(([name, file, type]) => {
    if (existsSync(file)) return `keys.${name}: ${file} is there`;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { privateKey } =
      type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
      flag: 'wx',
    });
    return `keys.${name}: ${file} made`;
  });
}
