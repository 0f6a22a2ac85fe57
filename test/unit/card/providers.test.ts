import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  centralKeyProvider,
  pl24Layout,
  pl4442Layout,
  plCpuLayout,
  plM1Layout,
  plPurseLayout,
  psamKeyProvider,
  readerPort,
} from '../../../src/card/index.ts';
import type {
  ApduPort,
  CardChannel,
  CardLayout,
  Keep,
  KeyProvider,
  WritePlan,
} from '../../../src/card/index.ts';
import { masterKeyProvider } from '../../../src/card/keys/master.ts';
import type { MasterKeys } from '../../../src/card/keys/master.ts';
import { purseMac } from '../../../src/card/keys/purse-mac.ts';
import { SAMPLE_KEYS } from '../../../src/card/keys/sample.ts';
import { sealedKeyProvider, sealKeys } from '../../../src/card/keys/sealed.ts';
import { DEMO_ACCOUNTS, DEMO_TARIFFS } from '../../../src/demo/central-data.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { loadCardKeys, psamSettings } from '../../../src/main/core/card-keys.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import type { CardKeyRequest } from '../../../src/shared/central-api/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { At24 } from '../../../src/simulator/card/at24.ts';
import { issue } from '../../../src/simulator/card/catalogue.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import { cardKey, macOf, tripleDesBlock } from '../../../src/simulator/card/des.ts';
import { issue4442 } from '../../../src/simulator/card/issue-4442.ts';
import { issue24 } from '../../../src/simulator/card/issue-blocks.ts';
import { issueM1 } from '../../../src/simulator/card/issue-m1.ts';
import { issuePurse } from '../../../src/simulator/card/issue-purse.ts';
import { MifareClassic } from '../../../src/simulator/card/mifare-classic.ts';
import { Psam, SAMPLE_PSAM } from '../../../src/simulator/card/psam.ts';
import { Sle4442 } from '../../../src/simulator/card/sle4442.ts';
import { AcsReader } from '../../../src/simulator/reader/acs.ts';
import { ContactlessReader } from '../../../src/simulator/reader/contactless.ts';
import type { SlotCard } from '../../../src/simulator/vpcd/client.ts';
import { openRoom } from '../central/harness.ts';
import type { Room } from '../central/harness.ts';
import { acs, Desk, golden4442 } from './chips.ts';
import { cardIn, codeOf, must, virtualRig } from './rig.ts';

/** A company's own: what is published opens none of its cards. */
const COMPANY: Required<MasterKeys> = {
  psc: fromHex('C1'.repeat(16)),
  auth: fromHex('A10F'.repeat(8)),
  mac: fromHex('B20E'.repeat(8)),
  load: fromHex('D30D'.repeat(8)),
};
/** Its CIPHER DATA gives all 8 bytes of a MAC by P1 25. */
const OWN_PSAM = {
  application: 'DF01',
  wholeMac: 0x25,
  keys: [
    { usage: 0x28, id: 1, key: toHex(COMPANY.auth) },
    { usage: 0x28, id: 2, key: toHex(COMPANY.mac) },
    { usage: 0x28, id: 3, key: toHex(COMPANY.load) },
    { usage: 0x08, id: 1, key: toHex(COMPANY.psc) },
  ],
};

const NOW = 1_780_000_000_000;
const UID = '0A1B2C3E';
const BOUGHT = { count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' };
function mifareOf(keys: MasterKeys, cardNo: string, userNo: string, uid: string): MifareClassic {
  const card = new MifareClassic(
    issueM1({
      uid,
      cardNo,
      userNo,
      a: { ...BOUGHT, seq: 0x29 },
      b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
      meterArea: toHex(golden4442().peek().subarray(0x60, 0x80)),
    }),
  );
  for (const sector of [1, 2]) {
    const trailer = card.peek(sector * 4 + 3);
    for (const [at, which] of [
      [0, '41'],
      [10, '42'],
    ] as const)
      trailer.set(
        tripleDesBlock(keys.psc, bytesOf(`${uid}4D0${sector}${which}00`)).subarray(0, 6),
        at,
      );
    card.poke(sector * 4 + 3, trailer);
  }
  return card;
}
/** As its profile in terminal.json says. */
const psamOf = (psam: Psam): KeyProvider =>
  psamKeyProvider(portOf(psam), psamSettings({ wholeMac: '25' }));
const ORDER = 'PL-000000000311-1-0042-7391';
interface Kind {
  readonly name: string;
  readonly cardNo: string;
  readonly userNo: string;
  readonly unit: 'volume' | 'money';
  readonly card: (keys: MasterKeys) => SlotCard;
  readonly layout: (keys: KeyProvider) => CardLayout;
}
const KINDS: readonly Kind[] = [
  {
    name: 'PL-CPU',
    cardNo: '8800003961',
    userNo: '1002203361',
    unit: 'volume',
    card: (keys) => {
      const tail = bytesOf('0000008800003961');
      return new CpuCard(
        {
          ...issue({ cardNo: '8800003961', userNo: '1002203361', meterNo: '0000157761' }),
          authKey: hexOf(cardKey(keys.auth, tail)),
          macKey: hexOf(cardKey(keys.mac, tail)),
        },
        counterRandom(1),
      );
    },
    layout: plCpuLayout,
  },
  {
    name: 'PL-4442',
    cardNo: '8800003962',
    userNo: '1002203362',
    unit: 'volume',
    card: (keys) => {
      const state = issue4442({
        cardNo: '8800003962',
        userNo: '1002203362',
        a: { seq: 0x29, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' },
        b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
        meterArea: toHex(golden4442().peek().subarray(0x60, 0x80)),
      });
      return new AcsReader(
        new Sle4442({
          ...state,
          security: `07${hexOf(tripleDesBlock(keys.psc, bytesOf('8800003962505343')).subarray(0, 3))}`,
        }),
        'ccid',
      );
    },
    layout: pl4442Layout,
  },
  {
    name: 'PL-PURSE',
    cardNo: '8800003963',
    userNo: '1002203363',
    unit: 'money',
    card: (keys) =>
      new CpuCard(
        issuePurse({
          cardNo: '8800003963',
          userNo: '1002203363',
          meterNo: '0000157763',
          purse: { loadKey: hexOf(cardKey(keys.load as Uint8Array, bytesOf('0000008800003963'))) },
        }),
        counterRandom(3),
      ),
    layout: (keys) => plPurseLayout(keys, { terminalId: '000000000311', nowMs: () => NOW }),
  },
  {
    name: 'PL-M1',
    cardNo: '8800003964',
    userNo: '1002203364',
    unit: 'volume',
    card: (keys) => new ContactlessReader(mifareOf(keys, '8800003964', '1002203364', UID)),
    layout: plM1Layout,
  },
  {
    name: 'PL-24',
    cardNo: '8800003965',
    userNo: '1002203365',
    unit: 'volume',
    card: (keys) => {
      const chip = new At24(
        issue24({
          cardNo: '8800003965',
          userNo: '1002203365',
          a: { ...BOUGHT, seq: 0x29 },
          b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
          meterArea: toHex(golden4442().peek().subarray(0x60, 0x80)),
        }),
      );
      const main = chip.peek();
      const own = cardKey(keys.mac, bytesOf('88000039654D4143'));
      for (const at of [0x20, 0x40])
        chip.poke(
          at + 16,
          macOf(own, new Uint8Array(8), [...main.subarray(0, 16), ...main.subarray(at, at + 16)]),
        );
      return acs(chip);
    },
    layout: pl24Layout,
  },
];
const ACCOUNTS: readonly SeedAccount[] = KINDS.map(({ cardNo, userNo, unit }) => ({
  ...(DEMO_ACCOUNTS[1] as SeedAccount),
  cardNo,
  userNo,
  unit,
  ...(unit === 'money' ? { tariffId: 'money', tariffVersion: 1 } : {}),
}));

const companyCentral = (): Promise<Room> =>
  openRoom('sqlite', 2, {
    accounts: ACCOUNTS,
    tariffs: [
      ...DEMO_TARIFFS,
      { tariffId: 'money', version: 1, tiers: [{ uptoQuantity: null, priceE4: 10_000 }] },
    ],
    cardKeys: masterKeyProvider('hsm', COMPANY),
  });
/** The sale that central knows of: this terminal's quote for the card. */
async function quoted(room: Room, kind: Kind, orderId = ORDER, terminal = 0): Promise<number> {
  return must(
    (await room.terminals[terminal]?.client.quote({
      orderId,
      cardNo: kind.cardNo,
      nextCount: 42,
      amountFen: 10_000,
    })) ?? err(failure('BILL-0101')),
  ).quantity;
}

interface Write {
  readonly layout: CardLayout;
  readonly channel: CardChannel;
  readonly plan: WritePlan & { readonly kept: Uint8Array[] };
  readonly keep: Keep;
  readonly desk: Desk;
}
async function prepared(
  kind: Kind,
  keys: KeyProvider,
  card: SlotCard,
  quantity = 10_000,
  orderId = ORDER,
): Promise<Write> {
  const layout = kind.layout(keys);
  const desk = new Desk(card);
  const channel = desk.insert();
  const reading = must(await layout.read(channel));
  const kept: Uint8Array[] = [];
  return {
    layout,
    channel,
    desk,
    plan: { ...must(layout.plan(reading, { orderId, quantity, date: '2026-11-22' })), kept },
    keep: (record) => {
      kept.push(record.slice());
      return Promise.resolve(ok(undefined));
    },
  };
}
const verdictOf = async (w: Write): Promise<string> =>
  w.layout.classify(w.plan, must(await w.layout.readImage(w.desk.insert())));

/** A PSAM in this process, without a reader around it. */
function portOf(psam: Psam): ApduPort {
  const desk = new Desk(psam);
  let channel = desk.insert();
  return {
    transmit: (apdu) => channel.transmit(apdu),
    reset: async () => {
      channel = desk.insert();
      return channel.reset();
    },
  };
}

let n = 0;
const random = {
  bytes: (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => (n = (n * 73 + 41) & 255)),
};
const machine = { machineId: 'm', secret: new Uint8Array(32).fill(7) };

describe('every provider writes every kind of card', () => {
  let room: Room;
  beforeAll(async () => {
    room = await companyCentral();
  });
  afterAll(() => room.close());
  const providers: readonly (readonly [string, Required<MasterKeys>, () => KeyProvider])[] = [
    ['sample', SAMPLE_KEYS, () => masterKeyProvider('sample', SAMPLE_KEYS)],
    ['sealed', COMPANY, () => must(sealedKeyProvider(sealKeys(COMPANY, machine, random), machine))],
    ['psam', COMPANY, () => psamOf(new Psam(OWN_PSAM))],
    [
      'central',
      COMPANY,
      () =>
        centralKeyProvider((request) =>
          (room.terminals[0] as Room['terminals'][number]).client.cardKey(request),
        ),
    ],
  ];
  for (const kind of KINDS) {
    it.each(providers)(`${kind.name} with %s`, async (name, masters, make) => {
      const orderId = `PL-000000000311-1-0042-${kind.cardNo.slice(-4)}`;
      const quantity = name === 'central' ? await quoted(room, kind, orderId) : 10_000;
      const w = await prepared(kind, make(), kind.card(masters), quantity, orderId);
      must(await w.layout.proveAuthority(must(await w.layout.read(w.channel))));
      must(await w.layout.apply(w.channel, w.plan, w.keep));
      expect(await verdictOf(w)).toBe('after');
      // A code is used and gone; only a purse's own answers are kept.
      expect(w.plan.kept).toHaveLength(kind.name === 'PL-PURSE' ? 3 : 0);
    });
  }

  it.each(providers)(
    '%s judges a technician’s card, of its own company and this number only',
    async (_name, masters, make) => {
      const cardNo = fromHex('8800009101');
      const challenge = fromHex('A1B2C3D4E5F60718');
      const answer = (keys: Required<MasterKeys>, before = '4D4E54'): Uint8Array =>
        tripleDesBlock(cardKey(keys.auth, bytesOf(`${before}8800009101`)), challenge);
      const provider = make();
      must(await provider.checkTechnician(cardNo, challenge, answer(masters)));
      expect(
        codeOf(
          await provider.checkTechnician(
            cardNo,
            challenge,
            answer(masters === COMPANY ? SAMPLE_KEYS : COMPANY),
          ),
        ),
      ).toBe('CARD-0201');
      expect(
        codeOf(await provider.checkTechnician(cardNo, challenge, answer(masters, '000000'))),
      ).toBe('CARD-0201');
      expect(
        codeOf(await provider.checkTechnician(fromHex('8800009102'), challenge, answer(masters))),
      ).toBe('CARD-0201');
      expect(
        codeOf(
          await provider.checkTechnician(cardNo, fromHex('A1B2C3D4E5F60719'), answer(masters)),
        ),
      ).toBe('CARD-0201');
    },
  );

  it.each(providers)(
    '%s judges a purse’s answer, and makes nothing of it',
    async (_n, masters, make) => {
      const s8 = fromHex('0000008800003964');
      const terminal = fromHex('123456789012');
      const random = fromHex('11223344');
      const session = tripleDesBlock(cardKey(masters.load, s8), bytesOf('1122334400298000'));
      const data = bytesOf('000000000000001502123456789012');
      const mac1 = purseMac(session, data);
      const said = { balance: 0, amount: 0x15, seq: 0x29, random, terminal, mac1 };
      const provider = make();
      must(await provider.checkLoad(s8, said));
      for (const other of [
        { ...said, balance: 1 },
        { ...said, seq: 0x2a },
        { ...said, terminal: fromHex('123456789013') },
      ])
        expect(codeOf(await provider.checkLoad(s8, other))).toBe('CARD-0201');
    },
  );

  it('the golden values of a technician’s card (docs/layouts/pl-technician.md)', async () => {
    expect(hexOf(cardKey(SAMPLE_KEYS.auth, bytesOf('4D4E548800009101')))).toBe(
      'BA7FBF0BD632562AAEE2AEA8D2230469',
    );
    must(
      await masterKeyProvider('sample', SAMPLE_KEYS).checkTechnician(
        fromHex('8800009101'),
        fromHex('A1B2C3D4E5F60718'),
        fromHex('897795A18D613992'),
      ),
    );
  });

  it('as terminal.json names them', async () => {
    const s8 = fromHex('0000008800003961');
    const asked: string[] = [];
    const load = (keys: object) =>
      must(
        loadCardKeys(
          { path: (p: string) => p, config: { mode: 'production', keys } } as unknown as Parameters<
            typeof loadCardKeys
          >[0],
          () => 'm',
          {
            psam: ({ match }) => {
              asked.push(match ?? '');
              return portOf(new Psam(OWN_PSAM));
            },
            central: (request) => {
              asked.push(request.verb);
              return Promise.resolve(ok({ bytes: '', serverTimeMs: 1 }));
            },
          },
        ),
      );
    must(await load({ kind: 'psam', reader: { kind: 'pcsc', match: 'SAM' } }).prove(s8));
    must(await load({ kind: 'central' }).prove(s8));
    expect(
      codeOf(
        await load({
          kind: 'psam',
          reader: { kind: 'pcsc', match: 'SAM' },
          profile: { auth: '2809' },
        }).prove(s8),
      ),
    ).toBe('CARD-0206');
    expect(asked).toEqual(['SAM', 'prove', 'SAM']);
    // Without their ports (doctor) they are named, and answer nothing.
    const named = must(
      loadCardKeys({
        path: (p: string) => p,
        config: { mode: 'production', keys: { kind: 'central' } },
      } as unknown as Parameters<typeof loadCardKeys>[0]),
    );
    expect([named.id, codeOf(await named.prove(s8))]).toEqual(['central', 'CARD-0206']);
  });

  it('a PSAM in a reader of its own; one that is taken out says so', async () => {
    const rig = await virtualRig();
    try {
      rig.slot.insert(new Psam(OWN_PSAM));
      await cardIn(rig.reader);
      const keys = psamKeyProvider(readerPort(rig.reader));
      must(await keys.prove(fromHex('0000008800003961')));
      rig.slot.remove();
      await new Promise<void>((gone) => {
        const stop = rig.reader.onStatus((s) => {
          if (s.state !== 'empty') return;
          stop();
          gone();
        });
      });
      expect(codeOf(await keys.prove(fromHex('0000008800003961')))).toBe('CARD-0206');
    } finally {
      await rig.close();
    }
  });
});

describe('a PSAM', () => {
  for (const kind of KINDS) {
    it(`that falls mute at any command leaves a ${kind.name} unwritten, and one that is back writes it`, async () => {
      let whole = 0;
      for (let after = 0; ; after++) {
        const psam = new Psam(OWN_PSAM);
        const w = await prepared(kind, psamOf(psam), kind.card(COMPANY));
        psam.dieAfter(after);
        const applied = await w.layout.apply(w.channel, w.plan, w.keep);
        if (applied.ok) {
          whole = after;
          break;
        }
        expect(codeOf(applied)).toBe('CARD-0206');
        psam.revive();
        expect(await verdictOf(w)).toBe('before');
        must(await w.layout.apply(w.desk.insert(), w.plan, w.keep));
        expect(await verdictOf(w)).toBe('after');
      }
      expect(whole).toBeGreaterThan(3);
    });
  }

  it('that was reset by another, or pulled for a moment, is selected again', async () => {
    const psam = new Psam(OWN_PSAM);
    const keys = psamKeyProvider(portOf(psam));
    must(await keys.externalAuth(fromHex('0000008800003961'), new Uint8Array(8)));
    psam.powerOff();
    must(await keys.externalAuth(fromHex('0000008800003961'), new Uint8Array(8)));
    let broken = 1;
    const port = portOf(psam);
    const flaky = psamKeyProvider({
      ...port,
      transmit: (apdu) =>
        broken-- > 0 ? Promise.resolve(err(failure('CARD-0106'))) : port.transmit(apdu),
    });
    must(await flaky.externalAuth(fromHex('0000008800003961'), new Uint8Array(8)));
  });

  it('is asked one thing at a time: its register serves one computation', async () => {
    const keys = psamKeyProvider(portOf(new Psam(OWN_PSAM)));
    const direct = masterKeyProvider('m', COMPANY);
    const cards = ['0000008800003961', '0000008800003962', '0000008800003963'].map(fromHex);
    const both = async (p: KeyProvider) =>
      Promise.all(cards.map(async (s8) => toHex(must(await p.externalAuth(s8, s8)))));
    expect(await both(keys)).toEqual(await both(direct));
  });

  it('without a key is a provider that is not there; one without a load key sells no purses', async () => {
    const s8 = fromHex('0000008800003963');
    const bare = psamKeyProvider(
      portOf(new Psam({ ...OWN_PSAM, keys: OWN_PSAM.keys.slice(0, 1) })),
    );
    for (const answer of [
      await bare.prove(s8),
      await bare.proveCode('SLE4442', fromHex('8800003962')),
      await bare.cardCode('SLE4442', fromHex('8800003962')),
    ])
      expect(codeOf(answer)).toBe('CARD-0206');
    const filesOnly = psamKeyProvider(portOf(new Psam(OWN_PSAM)), psamSettings({ load: null }));
    must(await filesOnly.prove(s8));
    expect(codeOf(await filesOnly.prove(s8, 'purse'))).toBe('CARD-0206');
  });

  it('whose command set gives four bytes of a MAC refuses PL-24 cards, and says so before anything is read of them', async () => {
    const published = psamKeyProvider(portOf(new Psam(OWN_PSAM)));
    const cardNo = fromHex('8800003965');
    for (const answer of [
      await published.proveBlock(cardNo),
      await published.blockMac(cardNo, new Uint8Array(32)),
      await published.checkBlocks(cardNo, [{ data: new Uint8Array(32), mac: new Uint8Array(8) }]),
    ])
      expect(codeOf(answer)).toBe('CARD-0206');
    expect(
      codeOf(await pl24Layout(published).read(new Desk((KINDS[4] as Kind).card(COMPANY)).insert())),
    ).toBe('CARD-0206');
    // Its profile says that it gives eight, and it does not: refused by the card itself.
    expect(
      codeOf(
        await psamOf(new Psam({ application: OWN_PSAM.application, keys: OWN_PSAM.keys })).blockMac(
          cardNo,
          new Uint8Array(32),
        ),
      ),
    ).toBe('CARD-0206');
    expect(must(await psamOf(new Psam(OWN_PSAM)).blockMac(cardNo, new Uint8Array(32)))).toEqual(
      must(await masterKeyProvider('m', COMPANY).blockMac(cardNo, new Uint8Array(32))),
    );
  });

  it('of another make: places and modes as its profile says', async () => {
    expect(
      psamSettings({
        application: '315041592E',
        auth: '4802',
        mac: '2805',
        load: '2707',
        psc: '0803',
        encrypt: '80',
        macWithStart: '07',
      }),
    ).toEqual({
      application: fromHex('315041592E'),
      auth: { usage: 0x48, id: 2 },
      mac: { usage: 0x28, id: 5 },
      load: { usage: 0x27, id: 7 },
      psc: { usage: 8, id: 3 },
      encrypt: 0x80,
      macWithStart: 7,
    });
    const moved = new Psam({
      application: '3F01',
      keys: [{ usage: 0x28, id: 9, key: toHex(COMPANY.auth) }],
    });
    const keys = psamKeyProvider(
      portOf(moved),
      psamSettings({ application: '3F01', auth: '2809' }),
    );
    const s8 = fromHex('0000008800003961');
    expect(must(await keys.externalAuth(s8, new Uint8Array(8)))).toEqual(
      must(await masterKeyProvider('m', COMPANY).externalAuth(s8, new Uint8Array(8))),
    );
  });

  it('simulated: refuses what it should, and no command reads a key', () => {
    const psam = new Psam(SAMPLE_PSAM);
    const said = (hex: string): string => {
      const outcome = psam.process(fromHex(hex));
      return outcome.kind === 'answer' ? toHex(outcome.bytes) : outcome.kind;
    };
    expect(said('801A280108' + '00'.repeat(8))).toBe('6985');
    expect(said('00A4000002DF02')).toBe('6A82');
    expect(said('00A4000002DF01')).toBe('9000');
    expect(said('80FA000008' + '00'.repeat(8))).toBe('6985');
    expect(said('801A280908' + '00'.repeat(8))).toBe('9403');
    expect(said('801A280100')).toBe('6700');
    expect(said('801A080108' + '00'.repeat(8))).toBe('6700');
    expect(said('801A280108' + '00'.repeat(8))).toBe('9000');
    expect(said('80FA000007' + '00'.repeat(7))).toBe('6700');
    expect(said('801A280108' + '00'.repeat(8))).toBe('9000');
    expect(said('80FA990008' + '00'.repeat(8))).toBe('6A86');
    expect(said('801A280108' + '00'.repeat(8))).toBe('9000');
    expect(said('80FA000008' + '00'.repeat(8))).toBe('6108');
    expect(said('00C0000008')).toMatch(/^[0-9A-F]{16}9000$/);
    expect(said('80FA000008' + '00'.repeat(8))).toBe('6985');
    for (const read of ['00B0000010', '00B2010410', '80CA000010'])
      expect(said(read)).toMatch(/^6[7D]00$/);
    for (const { key } of SAMPLE_PSAM.keys) expect(psam.transcript.join()).not.toContain(key);
  });
});

describe('central', () => {
  let room: Room;
  beforeAll(async () => {
    room = await companyCentral();
  });
  afterAll(() => room.close());
  const keysOf = (terminal = 0): KeyProvider =>
    centralKeyProvider((request) =>
      (room.terminals[terminal] as Room['terminals'][number]).client.cardKey(request),
    );
  const [cpu, memory, purse] = KINDS as [Kind, Kind, Kind];
  const s8 = fromHex('0000008800003961');

  it('computes for no card without a sale of this terminal’s, and only for what that sale writes', async () => {
    expect(codeOf(await keysOf().externalAuth(s8, new Uint8Array(8)))).toBe('CARD-0206');
    expect(codeOf(await keysOf().cardCode('SLE4442', fromHex(memory.cardNo)))).toBe('CARD-0206');
    const quantity = await quoted(room, cpu);
    must(await keysOf().externalAuth(s8, new Uint8Array(8)));
    expect(codeOf(await keysOf(1).externalAuth(s8, new Uint8Array(8)))).toBe('CARD-0206');
    const foreign = await prepared(
      cpu,
      keysOf(),
      cpu.card(COMPANY),
      quantity,
      'PL-000000000311-1-0043-1111',
    );
    expect(codeOf(await foreign.layout.apply(foreign.channel, foreign.plan))).toBe('CARD-0206');
    expect(await verdictOf(foreign)).toBe('before');
    const inPurse = await quoted(room, purse, 'PL-000000000311-1-0044-2222');
    for (const wrong of [inPurse + 1, inPurse - 1]) {
      const w = await prepared(purse, keysOf(), purse.card(COMPANY), wrong);
      expect(codeOf(await w.layout.apply(w.channel, w.plan, w.keep))).toBe('CARD-0206');
    }
    const other = plPurseLayout(keysOf(), { terminalId: '000000000399', nowMs: () => NOW });
    const w = await prepared(purse, keysOf(), purse.card(COMPANY), inPurse);
    expect(codeOf(await other.apply(w.channel, w.plan, w.keep))).toBe('CARD-0206');
  });

  it('computes no technician’s answer for a terminal that calls his number a card of its sale', async () => {
    const own = await companyCentral();
    try {
      const { client } = own.terminals[0] as Room['terminals'][number];
      await quoted(own, KINDS[0] as Kind);
      must(
        await client.cardKey({
          verb: 'external-auth',
          s8: '0000008800003961',
          challenge: '00'.repeat(8),
        }),
      );
      expect(
        codeOf(
          await client.cardKey({
            verb: 'external-auth',
            s8: '4D4E548800003961',
            challenge: '00'.repeat(8),
          }),
        ),
      ).toBe('CARD-0206');
    } finally {
      await own.close();
    }
  });

  it('a card whose MAC1 does not hold gets no MAC2 from it either', async () => {
    const w = await prepared(purse, keysOf(), purse.card(SAMPLE_KEYS));
    expect(codeOf(await w.layout.apply(w.channel, w.plan, w.keep))).toBe('CARD-0201');
  });

  it('the date and time of a load are central’s own', async () => {
    const w = await prepared(purse, keysOf(), purse.card(COMPANY));
    must(await w.layout.apply(w.channel, w.plan, w.keep));
    // 1 780 000 000 s, in China.
    expect(toHex(w.plan.kept[1] as Uint8Array)).toContain('20260529042640');
  });

  it('another terminal’s order under a write claim: its holder may, its seller may not meanwhile', async () => {
    const [t0, t1] = room.terminals as [Room['terminals'][number], Room['terminals'][number]];
    const id = 'PL-000000000311-1-0045-3333';
    const q = must(
      await t0.client.quote({
        orderId: id,
        cardNo: memory.cardNo,
        nextCount: 42,
        amountFen: 10_000,
      }),
    );
    t0.journal.quoted(id, q, memory.userNo);
    t0.journal.paid(id, 10_000);
    expect(await t0.upload()).toEqual([]);
    must(await keysOf(0).cardCode('SLE4442', fromHex(memory.cardNo)));
    expect(codeOf(await keysOf(1).cardCode('SLE4442', fromHex(memory.cardNo)))).toBe('CARD-0206');
    t0.journal.delivering(id, q);
    t0.journal.inDoubt(id);
    expect(await t0.upload()).toEqual([]);
    room.now += 200_000;
    must(await t1.client.claim(id, 'write', memory.cardNo));
    expect(must(await keysOf(1).cardCode('SLE4442', fromHex(memory.cardNo)))).toHaveLength(3);
    expect(codeOf(await keysOf(0).cardCode('SLE4442', fromHex(memory.cardNo)))).toBe('CARD-0206');
    t1.journal.assisted(t0.id, id, q, 'after');
    expect(await t1.upload()).toEqual([]);
    expect(codeOf(await keysOf(1).cardCode('SLE4442', fromHex(memory.cardNo)))).toBe('CARD-0206');
  });

  it('keeps who asked, for which order, and never what it answered', async () => {
    const rows = await room.db.query<{ verb: string; granted: unknown; order_id: string | null }>(
      'SELECT * FROM key_uses ORDER BY id',
    );
    expect(
      rows.some(
        (r) =>
          r.verb === 'code' && Boolean(r.granted) && r.order_id === 'PL-000000000311-1-0045-3333',
      ),
    ).toBe(true);
    expect(rows.some((r) => r.verb === 'code' && !r.granted && r.order_id === null)).toBe(true);
    const code = toHex(
      must(await masterKeyProvider('m', COMPANY).cardCode('SLE4442', fromHex(memory.cardNo))),
    );
    const tables = [
      'orders',
      'quotes',
      'claims',
      'journal_events',
      'key_uses',
      'ledger',
      'quarantine',
      'terminals',
      'terminal_notes',
    ];
    for (const table of tables)
      expect(
        JSON.stringify(await room.db.query(`SELECT * FROM ${table}`)).toUpperCase(),
        table,
      ).not.toContain(code);
  });

  it('away, slow or without keys: refused before the sale, and in a write nothing is sent that was not answered', async () => {
    for (const ask of [
      () => Promise.resolve(err(failure('BILL-0101', 'no answer within 4000 ms'))),
      () => Promise.resolve(ok({ bytes: '', serverTimeMs: 1 })),
      () => Promise.resolve(ok({ bytes: 'AA'.repeat(9), serverTimeMs: 1 })),
    ]) {
      for (const kind of KINDS) {
        if (kind.name === 'PL-M1' || kind.name === 'PL-24') {
          // These are not even read without it.
          expect(
            codeOf(
              await kind
                .layout(centralKeyProvider(ask))
                .read(new Desk(kind.card(COMPANY)).insert()),
            ),
            kind.name,
          ).toBe('CARD-0206');
          continue;
        }
        const w = await prepared(kind, centralKeyProvider(ask), kind.card(COMPANY));
        expect(codeOf(await w.layout.apply(w.channel, w.plan, w.keep))).toBe('CARD-0206');
        expect(await verdictOf(w)).toBe('before');
      }
    }
    const away = centralKeyProvider(() => Promise.resolve(err(failure('BILL-0101'))));
    expect(codeOf(await away.prove(s8))).toBe('CARD-0206');
    expect(codeOf(await away.proveCode('SLE4442', fromHex(memory.cardNo)))).toBe('CARD-0206');
    const none = await openRoom('sqlite', 1, {
      accounts: ACCOUNTS,
      tariffs: [
        ...DEMO_TARIFFS,
        { tariffId: 'money', version: 1, tiers: [{ uptoQuantity: null, priceE4: 10_000 }] },
      ],
    });
    const client = (none.terminals[0] as Room['terminals'][number]).client;
    expect(codeOf(await centralKeyProvider((r) => client.cardKey(r)).prove(s8))).toBe('CARD-0206');
    await none.close();
  });

  const [mifare, at24] = KINDS.slice(3) as [Kind, Kind];
  const uid = fromHex(UID);
  const number = (kind: Kind): Uint8Array => fromHex(kind.cardNo);

  it('a Mifare card’s writing key: for the card of a sale, the sector that is sold in, and the chip that this card number was first sold under', async () => {
    const own = await companyCentral();
    try {
      const keys = (terminal: number): KeyProvider =>
        centralKeyProvider((request) =>
          (own.terminals[terminal] as Room['terminals'][number]).client.cardKey(request),
        );
      expect(toHex(must(await keys(0).sectorKey(uid, 1, 'A')))).toBe(
        toHex(tripleDesBlock(COMPANY.psc, bytesOf(`${UID}4D014100`)).subarray(0, 6)),
      );
      must(await keys(0).proveSector());
      expect(codeOf(await keys(0).sectorKey(uid, 1, 'B', number(mifare)))).toBe('CARD-0206');
      expect(codeOf(await keys(0).sectorKey(uid, 1, 'B'))).toBe('CARD-0206');
      await quoted(own, mifare);
      expect(codeOf(await keys(1).sectorKey(uid, 1, 'B', number(mifare)))).toBe('CARD-0206');
      // Refusals bind nothing; the meters' sector is nobody's at a kiosk.
      expect(codeOf(await keys(0).sectorKey(uid, 2, 'B', number(mifare)))).toBe('CARD-0206');
      expect(await own.db.query('SELECT * FROM card_uids')).toEqual([]);
      const key = must(await keys(0).sectorKey(uid, 1, 'B', number(mifare)));
      expect(key).toEqual(must(await masterKeyProvider('m', COMPANY).sectorKey(uid, 1, 'B')));
      must(await keys(0).sectorKey(uid, 1, 'B', number(mifare)));
      expect(codeOf(await keys(0).sectorKey(fromHex('99999999'), 1, 'B', number(mifare)))).toBe(
        'CARD-0206',
      );
      // The chip is taken: no other number gets its key.
      await quoted(own, memory, 'PL-000000000311-1-0046-4444');
      expect(codeOf(await keys(0).sectorKey(uid, 1, 'B', number(memory)))).toBe('CARD-0206');
      const uses = await own.db.query<{ verb: string; card_no: string; granted: unknown }>(
        'SELECT verb, card_no, granted FROM key_uses ORDER BY id',
      );
      expect(uses.map((u) => [u.verb, u.card_no, Boolean(u.granted)])).toEqual([
        ['sector-key A', `uid ${UID}`, true],
        ['sector-key', mifare.cardNo, false],
        ['sector-key', mifare.cardNo, false],
        ['sector-key', mifare.cardNo, false],
        ['sector-key', mifare.cardNo, true],
        ['sector-key', mifare.cardNo, true],
        ['sector-key', mifare.cardNo, false],
        ['sector-key', memory.cardNo, false],
      ]);
      for (const table of ['orders', 'quotes', 'key_uses', 'card_uids', 'terminal_notes'])
        expect(
          JSON.stringify(await own.db.query(`SELECT * FROM ${table}`)).toUpperCase(),
          table,
        ).not.toContain(toHex(key));
    } finally {
      await own.close();
    }
  });

  it('a block’s proof: judged for anybody and told to nobody, made for the block of a sale only', async () => {
    const own = await companyCentral();
    try {
      const keys = centralKeyProvider((request) =>
        (own.terminals[0] as Room['terminals'][number]).client.cardKey(request),
      );
      const asked: CardKeyRequest[] = [];
      const listening = centralKeyProvider((request) => {
        asked.push(request);
        return (own.terminals[0] as Room['terminals'][number]).client.cardKey(request);
      });
      const reading = must(await pl24Layout(listening).read(new Desk(at24.card(COMPANY)).insert()));
      expect(asked.map((r) => r.verb)).toEqual(['check-blocks']);
      expect(codeOf(await pl24Layout(keys).read(new Desk(at24.card(SAMPLE_KEYS)).insert()))).toBe(
        'CARD-0104',
      );
      must(await pl24Layout(keys).proveAuthority(reading));
      const block = (orderId: string, quantity: number): Uint8Array => {
        const { after } = must(
          pl24Layout(keys).plan(reading, { orderId, quantity, date: '2026-11-22' }),
        );
        return Uint8Array.of(...after.subarray(0, 16), ...after.subarray(32, 48));
      };
      expect(codeOf(await keys.blockMac(number(at24), block(ORDER, 5_000)))).toBe('CARD-0206');
      const quantity = await quoted(own, at24);
      for (const foreign of [
        block(ORDER, quantity + 1),
        block('PL-000000000311-1-0043-1111', quantity),
        Uint8Array.from(block(ORDER, quantity), (b, i) => (i === 5 ? b ^ 1 : b)),
        Uint8Array.from(block(ORDER, quantity), (b, i) => (i === 18 ? b ^ 1 : b)),
      ]) {
        expect(codeOf(await keys.blockMac(number(at24), foreign))).toBe('CARD-0206');
      }
      expect(codeOf(await keys.blockMac(number(memory), block(ORDER, quantity)))).toBe('CARD-0206');
      expect(must(await keys.blockMac(number(at24), block(ORDER, quantity)))).toHaveLength(8);
      const uses = await own.db.query<{ verb: string; granted: unknown }>(
        'SELECT verb, granted FROM key_uses ORDER BY id',
      );
      expect(uses.slice(0, 2).map((u) => [u.verb, Boolean(u.granted)])).toEqual([
        ['check-blocks', true],
        ['check-blocks', false],
      ]);
      expect(uses.filter((u) => u.verb === 'block-mac').map((u) => Boolean(u.granted))).toEqual([
        false,
        false,
        false,
        false,
        false,
        false,
        true,
      ]);
    } finally {
      await own.close();
    }
  });
});
