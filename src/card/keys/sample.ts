import { fromHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { masterKeyProvider } from './master.ts';
import type { MasterKeys } from './master.ts';
import type { KeyProvider } from './types.ts';

/** layouts.md, "sample key" table. Published, and therefore worthless outside demo and tests. */
export const SAMPLE_KEYS: Required<MasterKeys> = {
  psc: fromHex('00112233445566778899AABBCCDDEEFF'),
  auth: fromHex('0F1E2D3C4B5A69788796A5B4C3D2E1F0'),
  mac: fromHex('1032547698BADCFE0123456789ABCDEF'),
  load: fromHex('11223344556677888877665544332211'),
};

/** The sample keys' provider. Refused with CONF-0103 outside demo mode. */
export function sampleKeyProvider(mode: 'demo' | 'production'): Result<KeyProvider, Failure> {
  return mode === 'demo'
    ? ok(masterKeyProvider('sample', SAMPLE_KEYS))
    : err(failure('CONF-0103', `mode ${mode}`));
}
