import { describe, expect, it } from 'vitest';
import { desEncrypt, diversify, pad80, retailMac } from '../../../src/card/keys/des-mac.ts';
import {
  loadMac1Data,
  loadMac2Data,
  loadSessionKey,
  loadTacData,
  purchaseSessionKey,
  purseMac,
  tacKey,
} from '../../../src/card/keys/purse-mac.ts';
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
    expect(toHex(must(await demoKeys.externalAuth(S8, fromHex('A1B2C3D4E5F60718'))))).toBe(
      'B2F2673EB6D48ED8',
    );
  });

  it('makes the update MAC', async () => {
    const header = updateBinaryHeader(0x17, 0, 17);
    expect(toHex(header)).toBe('04D6970015');
    expect(
      toHex(must(await demoKeys.updateMac(S8, fromHex('A1B2C3D4'), header, fromHex(GOLDEN_AFTER)))),
    ).toBe('0D48C210');
  });

  it('loads the golden purse', async () => {
    const dlk = diversify(fromHex('11223344556677888877665544332211'), S8);
    expect(toHex(dlk)).toBe('63836F608A2500C4074F4FB261CAAD7B');
    expect(toHex(loadSessionKey(dlk, fromHex('11223344'), 0x29))).toBe('9FAEBDACD4D23898');
    const answer = {
      balance: 0,
      amount: 10_000,
      seq: 0x29,
      random: fromHex('11223344'),
      terminal: fromHex('000000000311'),
      mac1: fromHex('37DD07E0'),
    };
    const leave = must(await demoKeys.loadLeave(S8, answer, fromHex('20261122092641')));
    expect([toHex(leave.when), toHex(leave.mac2)]).toEqual(['20261122092641', 'FD131F8E']);
    for (const change of [
      { balance: 1 },
      { amount: 10_001 },
      { seq: 0x2a },
      { random: fromHex('11223345') },
      { mac1: fromHex('37DD07E1') },
    ])
      expect(codeOf(await demoKeys.loadLeave(S8, { ...answer, ...change }, leave.when))).toBe(
        'CARD-0201',
      );
    expect(
      codeOf(await demoKeys.loadLeave(S8, { ...answer, random: new Uint8Array(3) }, leave.when)),
    ).toBe('CARD-0206');
    expect(codeOf(await demoKeys.loadLeave(S8, answer, new Uint8Array(6)))).toBe('CARD-0206');
  });

  it('checks the golden meter area', () => {
    expect(crc16(new TextEncoder().encode('123456789'))).toBe(0x29b1);
    expect(crc16(fromHex('580029000004D200031BF625111508300000026000157700000000000000'))).toBe(
      0xc38b,
    );
  });
});

describe('vectors of the card notes, 3.3', () => {
  const KEY = fromHex('00112233445566778899AABBCCDDEEFF');

  it('diversification', () => {
    expect(toHex(diversify(KEY, fromHex('1000000300000145')))).toBe(
      'D1C8BE1E274CA40D66B45D4921DFDB77',
    );
  });

  it('external authentication under sixteen FF', () => {
    const blank = new Uint8Array(16).fill(0xff);
    expect(toHex(desEncrypt(blank, fromHex('A1B2C3D400000000')))).toBe('85DB7A6BFBEA24CB');
    expect(toHex(desEncrypt(blank, fromHex('A1B2C3D4E5F60718')))).toBe('8CBAA7414635FC58');
  });

  it('secure-messaging MAC with a short and a long challenge', () => {
    const message = concatBytes(fromHex('04D6950008'), fromHex('01020304'));
    expect(toHex(retailMac(KEY, fromHex('A1B2C3D400000000'), message).subarray(0, 4))).toBe(
      'BE9ADD69',
    );
    expect(toHex(retailMac(KEY, fromHex('A1B2C3D4E5F60718'), message).subarray(0, 4))).toBe(
      'D7E6C137',
    );
  });

  const TERMS = { amount: 0x1000, terminal: fromHex('001122334455') };
  const DLK = fromHex('11223344556677888877665544332211');
  const DTK = KEY;
  const WHEN = fromHex('20260122093000');

  it('a load: session key, MAC1 and MAC2 of the account (type 01) and of the purse (type 02)', () => {
    const key = loadSessionKey(DLK, fromHex('11223344'), 0);
    expect(toHex(key)).toBe('9B1D924E05595603');
    expect(toHex(purseMac(key, loadMac1Data(0, TERMS, 0x01)))).toBe('2988AE5A');
    expect(toHex(purseMac(key, loadMac2Data(TERMS, fromHex('20111221214822'), 0x01)))).toBe(
      '3A845BF0',
    );
    expect(toHex(purseMac(key, loadMac1Data(0, TERMS)))).toBe('A5638AA0');
    expect(toHex(purseMac(key, loadMac2Data(TERMS, WHEN)))).toBe('5B4CFBFC');
  });

  it('a load’s TAC, and the load after it', () => {
    expect(toHex(tacKey(DTK))).toBe('88'.repeat(8));
    expect(toHex(purseMac(tacKey(DTK), loadTacData(0x1000, 0, TERMS, WHEN)))).toBe('77CCDA0E');
    const key = loadSessionKey(DLK, fromHex('A1B2C3D4'), 1);
    const terms = { ...TERMS, amount: 0x7d0 };
    expect(toHex(key)).toBe('608141CE3D3C5C0B');
    expect(toHex(purseMac(key, loadMac1Data(0x1000, terms)))).toBe('E3FD65D6');
    expect(toHex(purseMac(key, loadMac2Data(terms, WHEN)))).toBe('951237AC');
    expect(toHex(purseMac(tacKey(DTK), loadTacData(0x17d0, 1, terms, WHEN)))).toBe('80414DD5');
  });

  it('a purchase: session key, MAC1, MAC2 and TAC', () => {
    const key = purchaseSessionKey(DLK, fromHex('11223344'), 0, fromHex('00000001'));
    expect(toHex(key)).toBe('003238ABC57659DD');
    const when = fromHex('20120229135100');
    const terms = concatBytes(fromHex('0000100006'), TERMS.terminal);
    expect(toHex(purseMac(key, concatBytes(terms, when)))).toBe('F15CAB75');
    expect(toHex(purseMac(key, fromHex('00001000')))).toBe('56988A13');
    expect(toHex(purseMac(tacKey(DTK), concatBytes(terms, fromHex('00000001'), when)))).toBe(
      'B3A0D49C',
    );
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
    expect(
      codeOf(await demoKeys.updateMac(S8, new Uint8Array(8), new Uint8Array(5), new Uint8Array(1))),
    ).toBe('CARD-0206');
  });
});

describe('FCI', () => {
  it('finds the name', () => {
    expect(toHex(fciName(fromHex('6F0F8408504C2E4D45544552A503880115')) as Uint8Array)).toBe(
      '504C2E4D45544552',
    );
  });

  it.each(['', '6F', '6F05', '6F028405', '6F0484', '7000', '6F03A50100', '6F81048401AA'])(
    'sees none in %j',
    (hex) => {
      expect(fciName(fromHex(hex))).toBeNull();
    },
  );
});
