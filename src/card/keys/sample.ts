import { concatBytes, fromHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { desEncrypt, diversify, retailMac } from './des-mac.ts';
import type { KeyProvider } from './types.ts';

/** layouts.md, "sample key" table. Published, and therefore worthless outside demo and tests. */
const KM_PSC = fromHex('00112233445566778899AABBCCDDEEFF');
const MK_AUTH = fromHex('0F1E2D3C4B5A69788796A5B4C3D2E1F0');
const MK_MAC = fromHex('1032547698BADCFE0123456789ABCDEF');
/** Diversification of an SLE4442's code: `PSC` behind the card number (layouts.md, "PL-4442", Code). */
const PSC_TAIL = fromHex('505343');

/** cards.md 3.2: the ICV of a 4-byte challenge is the challenge ‖ 00000000. */
const ICV_TAIL = new Uint8Array(4);

function badLength(what: string, got: number): Failure {
  return failure('CARD-0206', `${what}: ${got} bytes`);
}

/** The sample keys' provider. Refused with CONF-0103 outside demo mode. */
export function sampleKeyProvider(mode: 'demo' | 'production'): Result<KeyProvider, Failure> {
  if (mode !== 'demo') return err(failure('CONF-0103', `mode ${mode}`));
  return ok({
    id: 'sample',
    prove: (s8) => Promise.resolve(s8.length === 8 ? ok(undefined) : err(badLength('diversification data', s8.length))),
    cardCode: (_chip, cardNo) => Promise.resolve(cardNo.length === 5 ? ok(desEncrypt(KM_PSC, concatBytes(cardNo, PSC_TAIL)).subarray(0, 3)) : err(badLength('card number', cardNo.length))),
    externalAuth: (s8, challenge) => {
      if (s8.length !== 8 || challenge.length !== 8) return Promise.resolve(err(badLength('challenge', challenge.length)));
      return Promise.resolve(ok(desEncrypt(diversify(MK_AUTH, s8), challenge)));
    },
    updateMac: (s8, challenge, header5, data) => {
      if (s8.length !== 8 || challenge.length !== 4) return Promise.resolve(err(badLength('challenge', challenge.length)));
      const mac = retailMac(diversify(MK_MAC, s8), concatBytes(challenge, ICV_TAIL), concatBytes(header5, data));
      return Promise.resolve(ok(mac.subarray(0, 4)));
    },
  });
}
