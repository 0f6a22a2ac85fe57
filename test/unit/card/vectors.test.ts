import { describe, expect, it } from 'vitest';
import { desEncrypt, diversify, pad80, retailMac } from '../../../src/card/keys/des-mac.ts';
import { sampleKeyProvider } from '../../../src/card/keys/sample.ts';
import { crc16 } from '../../../src/card/layouts/crc16.ts';
import { fciName, updateBinaryHeader } from '../../../src/card/families/fmcos.ts';
import { concatBytes, fromHex, toHex } from '../../../src/shared/bytes.ts';
import { GOLDEN_AFTER, codeOf, demoKeys, must } from './rig.ts';

const S8 = fromHex('0000008800003921');
const MK_AUTH = fromHex('0F1E2D3C4B5A69788796A5B4C3D2E1F0');
const MK_MAC = fromHex('1032547698BADCFE0123456789ABCDEF');

describe('golden values of the layouts', () => {
  it('diversifies the sample keys', () => {
    expect(toHex(diversify(MK_AUTH, S8))).toBe('5B65FC38E7CDFAA410A609982DC34C17');
    expect(toHex(diversify(MK_MAC, S8))).toBe('303A56A67AA34376853123D98EE4782D');
  });

  it('answers the external authentication challenge', async () => {
    expect(toHex(must(await demoKeys.externalAuth(S8, fromHex('A1B2C3D4E5F60718'))))).toBe('B2F2673EB6D48ED8');
  });

  it('makes the update MAC', async () => {
    const header = updateBinaryHeader(0x17, 0, 17);
    expect(toHex(header)).toBe('04D6970015');
    expect(toHex(must(await demoKeys.updateMac(S8, fromHex('A1B2C3D4'), header, fromHex(GOLDEN_AFTER))))).toBe('0D48C210');
  });

  it('checks the golden meter area', () => {
    expect(crc16(new TextEncoder().encode('123456789'))).toBe(0x29b1);
    expect(crc16(fromHex('580029000004D200031BF625111508300000026000157700000000000000'))).toBe(0xc38b);
  });
});

describe('vectors of the card notes, 3.3', () => {
  const KEY = fromHex('00112233445566778899AABBCCDDEEFF');

  it('diversification', () => {
    expect(toHex(diversify(KEY, fromHex('1000000300000145')))).toBe('D1C8BE1E274CA40D66B45D4921DFDB77');
  });

  it('external authentication under sixteen FF', () => {
    const blank = new Uint8Array(16).fill(0xff);
    expect(toHex(desEncrypt(blank, fromHex('A1B2C3D400000000')))).toBe('85DB7A6BFBEA24CB');
    expect(toHex(desEncrypt(blank, fromHex('A1B2C3D4E5F60718')))).toBe('8CBAA7414635FC58');
  });

  it('secure-messaging MAC with a short and a long challenge', () => {
    const message = concatBytes(fromHex('04D6950008'), fromHex('01020304'));
    expect(toHex(retailMac(KEY, fromHex('A1B2C3D400000000'), message).subarray(0, 4))).toBe('BE9ADD69');
    expect(toHex(retailMac(KEY, fromHex('A1B2C3D4E5F60718'), message).subarray(0, 4))).toBe('D7E6C137');
  });

  it('pads always', () => {
    expect(toHex(pad80(new Uint8Array(0)))).toBe('8000000000000000');
    expect(toHex(pad80(new Uint8Array(8)))).toBe('00000000000000008000000000000000');
  });
});

describe('key provider', () => {
  it('refuses to exist outside demo mode', () => {
    expect(codeOf(sampleKeyProvider('production'))).toBe('CONF-0103');
  });

  it('refuses what is not a challenge', async () => {
    expect(codeOf(await demoKeys.prove(new Uint8Array(7)))).toBe('CARD-0206');
    expect(codeOf(await demoKeys.externalAuth(S8, new Uint8Array(4)))).toBe('CARD-0206');
    expect(codeOf(await demoKeys.updateMac(S8, new Uint8Array(8), new Uint8Array(5), new Uint8Array(1)))).toBe('CARD-0206');
  });
});

describe('FCI', () => {
  it('finds the name', () => {
    expect(toHex(fciName(fromHex('6F0F8408504C2E4D45544552A503880115')) as Uint8Array)).toBe('504C2E4D45544552');
  });

  it.each(['', '6F', '6F05', '6F028405', '6F0484', '7000', '6F03A50100', '6F81048401AA'])('sees none in %j', (hex) => {
    expect(fciName(fromHex(hex))).toBeNull();
  });
});
