import { describe, expect, it } from 'vitest';
import { plCpuLayout, plPurseLayout, REFERENCE_PURSE } from '../../../src/card/index.ts';
import type {
  CardChannel,
  Keep,
  KeyProvider,
  PinNotes,
  WritePlan,
} from '../../../src/card/index.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import { issuePurse } from '../../../src/simulator/card/issue-purse.ts';
import type { PurseMaking } from '../../../src/simulator/card/issue-purse.ts';
import { PurseMeter } from '../../../src/simulator/meter/meter-purse.ts';
import { Desk } from './chips.ts';
import { codeOf, demoKeys, inOrder, must, scriptedRandom } from './rig.ts';

/** 2026-11-22 09:26:41 in China. */
const NOW = Date.UTC(2026, 10, 22, 1, 26, 41);
const purse = plPurseLayout(demoKeys, { terminalId: '000000000311', nowMs: () => NOW });
/** The golden values: 100.00 yuan. */
const LOAD = { orderId: 'PL-000000000311-1-0042', quantity: 10_000, date: '2026-11-22' } as const;

function purseCard(more: Partial<PurseMaking> = {}, random = counterRandom(1)): CpuCard {
  return new CpuCard(
    issuePurse({ cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577', ...more }),
    random,
  );
}

interface Sale {
  readonly card: CpuCard;
  readonly desk: Desk;
  readonly channel: CardChannel;
  readonly plan: WritePlan & { readonly kept: Uint8Array[] };
  readonly keep: Keep;
}
async function sale(card: CpuCard): Promise<Sale> {
  const desk = new Desk(card);
  const channel = desk.insert();
  const plan = must(purse.plan(must(await purse.read(channel)), LOAD));
  const kept: Uint8Array[] = [];
  const keep: Keep = (record) => {
    kept.push(record.slice());
    return Promise.resolve(ok(undefined));
  };
  card.transcript.length = 0;
  return { card, desk, channel, plan: { ...plan, kept }, keep };
}
const withKeys = (change: Partial<KeyProvider>): ReturnType<typeof plPurseLayout> =>
  plPurseLayout({ ...demoKeys, ...change }, { terminalId: '000000000311', nowMs: () => NOW });

describe('a load', () => {
  it('has the golden bytes on the wire, keeps both answers before CREDIT, and its TAC after', async () => {
    // Random of the reading's INITIALIZE, then of the load's.
    const s = await sale(purseCard({}, scriptedRandom('00000000', '11223344')));
    const order: string[] = [];
    const keep: Keep = (record) => {
      order.push(
        `kept ${toHex(record)}, wire ${s.card.transcript.findLast((l) => l.startsWith('=>'))?.slice(3, 9) ?? ''}`,
      );
      return s.keep(record);
    };
    must(await purse.apply(s.channel, s.plan, keep));
    expect(
      inOrder(s.card.transcript, [
        '=> 00200000',
        '<= 63C3',
        '=> 0020000003123456',
        '<= 9000',
        '=> 805000020B0100002710000000000311',
        '=> 00C0000010',
        '<= 0000000000290100' + '11223344' + '37DD07E0' + '9000',
        '=> 805200000B20261122092641FD131F8E',
        '=> 00C0000004',
      ]),
    ).toBe(true);
    const terms = `002900002710000000000311`;
    expect(order).toEqual([
      `kept 01${terms}000000001122334437DD07E0, wire 00C000`,
      `kept 02${terms}20261122092641FD131F8E, wire 00C000`,
      expect.stringMatching(
        new RegExp(`^kept 03${terms}20261122092641FD131F8E[0-9A-F]{8}, wire 00C000$`),
      ) as string,
    ]);
    must(await s.channel.reset());
    const image = must(await purse.readImage(s.channel));
    expect(purse.classify(s.plan, image)).toBe('after');
    const tac = purse.proof?.(s.plan, image);
    expect(toHex(tac as Uint8Array)).toBe(s.card.purse?.state.proof?.tac);
    expect(must(await purse.read(s.channel))).toMatchObject({
      count: 42,
      lastQuantity: 10_000,
      cumulative: 215_000,
      visited: false,
    });
  });

  it('is not begun where nobody keeps the answer, nor where it cannot be kept', async () => {
    const s = await sale(purseCard());
    expect(codeOf(await purse.apply(s.channel, s.plan))).toBe('CARD-0206');
    const full: Keep = () => Promise.resolve(err(failure('JRNL-0104')));
    expect(codeOf(await purse.apply(s.channel, s.plan, full))).toBe('JRNL-0104');
    expect(s.card.transcript.some((l) => l.startsWith('=> 8052'))).toBe(false);
  });

  it('a card whose MAC1 does not hold gets no MAC2', async () => {
    const s = await sale(purseCard({ purse: { loadKey: '00'.repeat(16) } }));
    expect(codeOf(await purse.apply(s.channel, s.plan, s.keep))).toBe('CARD-0201');
    expect(s.card.transcript.some((l) => l.startsWith('=> 8052'))).toBe(false);
  });

  it('a wrong MAC2 is refused with 9302, and nothing is loaded', async () => {
    const s = await sale(purseCard());
    const wrong = withKeys({
      loadLeave: (_s8, _answer, when) => Promise.resolve(ok({ when, mac2: new Uint8Array(4) })),
    });
    expect(codeOf(await wrong.apply(s.channel, s.plan, s.keep))).toBe('CARD-0202');
    expect(s.card.transcript.at(-1)).toBe('<= 9302');
    expect(purse.classify(s.plan, must(await purse.readImage(s.channel)))).toBe('before');
  });

  it.each([
    ['9303', 'CARD-0110'],
    ['9402', 'CARD-0202'],
    ['9403', 'CARD-0202'],
    ['6982', 'CARD-0202'],
    ['6985', 'CARD-0202'],
  ])(
    'INITIALIZE answered with %s is %s, on reading and on writing; nothing is kept',
    async (sw, code) => {
      const s = await sale(purseCard());
      const says: CardChannel = {
        ...s.channel,
        transmit: (apdu) =>
          apdu[1] === 0x50 ? Promise.resolve(ok(fromHex(sw))) : s.channel.transmit(apdu),
      };
      expect(codeOf(await purse.read(says))).toBe(code);
      expect(codeOf(await purse.apply(says, s.plan, s.keep))).toBe(code);
      expect(s.plan.kept).toEqual([]);
    },
  );

  const prove = (channel: CardChannel, challenge = '1122334455667788') =>
    purse.provenImage?.(channel, fromHex(challenge)) ?? Promise.reject(new Error('no proof'));

  it('proves that nothing was loaded, over a challenge of ours; an answer to another one is nobody’s proof', async () => {
    const s = await sale(purseCard());
    const image = must(await purse.readImage(s.channel));
    expect(toHex(must(await prove(s.channel)))).toBe(toHex(image));
    expect(s.card.transcript).toContain('=> 805000020B0100000014112233445566');
    const played: CardChannel = {
      ...s.channel,
      transmit: (apdu, bound) =>
        s.channel.transmit(
          apdu[1] === 0x50 ? fromHex('805000020B0100000014999999999999') : apdu,
          bound,
        ),
    };
    expect(codeOf(await prove(played))).toBe('CARD-0201');
  });

  it('a leave that was made before the proof loads nothing after it', async () => {
    const s = await sale(purseCard());
    let held: Uint8Array = new Uint8Array(0);
    const holding: CardChannel = {
      ...s.channel,
      transmit: (apdu, bound) => {
        if (apdu[1] !== 0x52) return s.channel.transmit(apdu, bound);
        held = apdu;
        return Promise.resolve(ok(fromHex('6988')));
      },
    };
    const kept: Uint8Array[] = [];
    const keep: Keep = (record) => {
      kept.push(record);
      return Promise.resolve(ok(undefined));
    };
    expect(codeOf(await purse.apply(holding, s.plan, keep))).toBe('CARD-0202');
    expect([purse.exposed?.(kept.slice(0, 1)), purse.exposed?.(kept)]).toEqual([false, true]);
    must(await prove(s.channel));
    expect(toHex(must(await s.channel.transmit(held)))).not.toMatch(/9000$/);
    expect(purse.classify(s.plan, must(await purse.readImage(s.channel)))).toBe('before');
  });

  it('a key provider that fails leaves the card as it was', async () => {
    const s = await sale(purseCard());
    const gone = withKeys({ loadLeave: () => Promise.resolve(err(failure('CARD-0206', 'gone'))) });
    expect(codeOf(await gone.apply(s.channel, s.plan, s.keep))).toBe('CARD-0206');
    expect(purse.classify(s.plan, must(await purse.readImage(s.channel)))).toBe('before');
  });

  it.each([
    ['6988', 'CARD-0202'],
    ['9303', 'CARD-0202'],
    ['9402', 'CARD-0202'],
    ['6985', 'CARD-0202'],
    ['6581', 'CARD-0203'],
    ['6F00', 'CARD-0203'],
  ])('CREDIT answered with %s is %s', async (sw, code) => {
    const s = await sale(purseCard());
    const says: CardChannel = {
      ...s.channel,
      transmit: (apdu) =>
        apdu[1] === 0x52 ? Promise.resolve(ok(fromHex(sw))) : s.channel.transmit(apdu),
    };
    expect(codeOf(await purse.apply(says, s.plan, s.keep))).toBe(code);
  });
});

describe('the PIN', () => {
  it('is not presented with fewer than two tries left; one that is wrong costs one', async () => {
    const last = purseCard({ purse: { pinTries: 1 } });
    expect(codeOf(await purse.read(new Desk(last).insert()))).toBe('CARD-0110');
    expect(last.transcript.some((l) => l.startsWith('=> 0020000003'))).toBe(false);
    const other = purseCard({ purse: { pin: '654321' } });
    const desk = new Desk(other);
    expect(codeOf(await purse.read(desk.insert()))).toBe('CARD-0201');
    expect(codeOf(await purse.read(desk.insert()))).toBe('CARD-0201');
    expect(codeOf(await purse.read(desk.insert()))).toBe('CARD-0110');
    expect(other.purse?.state.pinTries).toBe(1);
  });

  /** Notes as a disk would keep them. */
  const kept = () => {
    const left = new Map<string, number>();
    const notes: PinNotes & { full: boolean } = {
      full: false,
      left: (cardNo) => left.get(cardNo) ?? null,
      keep: (cardNo, n) => {
        if (notes.full) return false;
        if (n === null) left.delete(cardNo);
        else left.set(cardNo, n);
        return true;
      },
    };
    return { left, notes };
  };
  const blind = (pinNotes?: PinNotes) =>
    plPurseLayout(demoKeys, {
      terminalId: '000000000311',
      nowMs: () => NOW,
      settings: { ...REFERENCE_PURSE, asksTries: false },
      ...(pinNotes === undefined ? {} : { pinNotes }),
    });
  const MUM = { lacks: ['ask-tries'] } as const;
  const asked = (card: CpuCard): number =>
    card.transcript.filter((l) => l.startsWith('=> 0020')).length;

  it('a card that does not tell its tries is refused, unless the settings say that it does not', async () => {
    const mum = purseCard({ purse: MUM });
    expect(codeOf(await purse.read(new Desk(mum).insert()))).toBe('CARD-0106');
    const { left, notes } = kept();
    const before = asked(mum);
    for (let visit = 0; visit < 5; visit++)
      expect(must(await blind(notes).read(new Desk(mum).insert())).count).toBe(41);
    // Presented, and never asked; what it took is not remembered against it.
    expect(asked(mum) - before).toBe(5);
    expect(left.size).toBe(0);
    // Nowhere to keep the count, or no room: not presented.
    expect(codeOf(await blind().read(new Desk(mum).insert()))).toBe('CARD-0110');
    notes.full = true;
    expect(codeOf(await blind(notes).read(new Desk(mum).insert()))).toBe('CARD-0110');
    expect(asked(mum) - before).toBe(5);
  });

  it('presented blind, the last try that is known of stays: told by the refusal, and over restarts', async () => {
    const { left, notes } = kept();
    const other = purseCard({ purse: { ...MUM, pin: '654321' } });
    const desk = new Desk(other);
    const codes: string[] = [];
    for (let visit = 0; visit < 4; visit++)
      codes.push(codeOf(await blind(notes).read(desk.insert())));
    expect(codes).toEqual(['CARD-0201', 'CARD-0201', 'CARD-0110', 'CARD-0110']);
    expect(other.purse?.state.pinTries).toBe(1);
    expect([...left]).toEqual([['8800003921', 1]]);
    // One that was tried elsewhere tells so by its first refusal; another card is not concerned.
    const tired = purseCard({
      cardNo: '8800003922',
      purse: { ...MUM, pin: '654321', pinTries: 2 },
    });
    expect(codeOf(await blind(notes).read(new Desk(tired).insert()))).toBe('CARD-0201');
    expect(codeOf(await blind(notes).read(new Desk(tired).insert()))).toBe('CARD-0110');
    expect(tired.purse?.state.pinTries).toBe(1);
  });

  it('presented blind, a try whose end nobody saw counts: pulled out, or cut, again and again', async () => {
    for (const when of ['before', 'after'] as const) {
      const { left, notes } = kept();
      const other = purseCard({ purse: { ...MUM, pin: '654321' } });
      for (let visit = 0; visit < 4; visit++) {
        const channel = new Desk(other).insert();
        const pulled: CardChannel = {
          ...channel,
          transmit: async (apdu) => {
            if (apdu[1] !== 0x20) return channel.transmit(apdu);
            // Kept before it leaves.
            expect(left.get('8800003921')).toBe(2 - visit);
            if (when === 'after') await channel.transmit(apdu);
            return err(failure('CARD-0102', 'pulled out'));
          },
        };
        expect(codeOf(await blind(notes).read(pulled))).toBe(visit < 2 ? 'CARD-0102' : 'CARD-0110');
      }
      expect(other.purse?.state.pinTries).toBe(when === 'after' ? 1 : 3);
    }
    // One that takes its PIN after a try whose end nobody saw has all its tries again.
    const { left, notes } = kept();
    notes.keep('8800003921', 2);
    const good = purseCard({ purse: MUM });
    expect(must(await blind(notes).read(new Desk(good).insert())).count).toBe(41);
    expect(left.size).toBe(0);
  });

  it('a company without one', async () => {
    const open = plPurseLayout(demoKeys, {
      terminalId: '000000000311',
      nowMs: () => NOW,
      pin: null,
    });
    const card = purseCard({ purse: { pin: null } });
    expect(must(await open.read(new Desk(card).insert())).count).toBe(41);
    expect(card.transcript.some((l) => l.startsWith('=> 0020'))).toBe(false);
  });
});

describe('whose a load is', () => {
  /** A load whose answer was lost: the card has it, and left. */
  async function lost(more: Partial<PurseMaking> = {}): Promise<Sale> {
    const s = await sale(purseCard(more));
    // SELECT, its answer, two files, VERIFY twice, INITIALIZE, its answer, CREDIT.
    s.card.arm({ kind: 'tear', at: 9, when: 'after', from: 'arming' });
    expect(codeOf(await purse.apply(s.channel, s.plan, s.keep))).toBe('CARD-0203');
    expect(s.plan.kept).toHaveLength(2);
    return s;
  }
  const found = async (
    s: Sale,
    plan: Parameters<typeof purse.classify>[0] = s.plan,
  ): Promise<string> => purse.classify(plan, must(await purse.readImage(s.desk.insert())));

  it('the card’s proof, or its log, names it ours: each alone is enough', async () => {
    expect(await found(await lost())).toBe('after');
    expect(await found(await lost({ purse: { lacks: ['prove'] } }))).toBe('after');
    expect(await found(await lost({ purse: { lacks: ['log'] } }))).toBe('after');
  });

  it('sequence number and balance alone prove nothing', async () => {
    expect(await found(await lost({ purse: { lacks: ['prove', 'log'] } }))).toBe('foreign');
    const s = await lost();
    expect(await found(s, { ...s.plan, kept: [] })).toBe('foreign');
    // Only the answer to INITIALIZE was kept: nobody could have credited.
    expect(await found(s, { ...s.plan, kept: s.plan.kept.slice(0, 1) })).toBe('foreign');
  });

  it('another’s load under our number, of the same amount at the same terminal, is foreign', async () => {
    const s = await sale(purseCard());
    const gone = withKeys({
      loadLeave: async (...args) => {
        await demoKeys.loadLeave(...args);
        return err(failure('CARD-0206'));
      },
    });
    await gone.apply(s.channel, s.plan, s.keep);
    const mine = must(
      await demoKeys.loadLeave(
        fromHex('0000008800003921'),
        {
          balance: 0,
          amount: 10_000,
          seq: 41,
          random: s.plan.kept[0]?.slice(17, 21) as Uint8Array,
          terminal: fromHex('000000000311'),
          mac1: s.plan.kept[0]?.slice(21, 25) as Uint8Array,
        },
        fromHex('20261122092641'),
      ),
    );
    must(
      await s.keep(
        Uint8Array.of(
          0x02,
          ...(s.plan.kept[0] as Uint8Array).subarray(1, 13),
          ...mine.when,
          ...mine.mac2,
        ),
      ),
    );
    const later = plPurseLayout(demoKeys, { terminalId: '000000000311', nowMs: () => NOW + 1_000 });
    must(await later.apply(s.desk.insert(), s.plan, () => Promise.resolve(ok(undefined))));
    expect(await found(s)).toBe('foreign');
    expect(codeOf(await purse.apply(s.desk.insert(), s.plan, s.keep))).toBe('CARD-0205');
  });

  it('unchanged is not credited, whatever was kept, and the load is begun anew', async () => {
    const s = await sale(purseCard());
    s.card.arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    expect(codeOf(await purse.apply(s.channel, s.plan, s.keep))).toBe('CARD-0203');
    expect(await found(s)).toBe('before');
    must(await purse.apply(s.desk.insert(), s.plan, s.keep));
    expect(await found(s)).toBe('after');
    expect(s.card.purse?.state.balance).toBe(10_000);
  });

  it('one whose meter took the money meanwhile, and one that was loaded once more since, are found', async () => {
    const s = await lost();
    const meter = PurseMeter.ofCard(s.card, 1_000_000);
    expect(meter?.visit(s.card, '2611221200')).toEqual({ accepted: true, credited: 10_000 });
    expect(await found(s)).toBe('after');
    expect(codeOf(await purse.apply(s.desk.insert(), s.plan, s.keep))).toBe('ok');
    const channel = s.desk.insert();
    const next = must(
      purse.plan(must(await purse.read(channel)), { ...LOAD, orderId: 'PL-000000000311-1-0043' }),
    );
    must(await purse.apply(channel, next, () => Promise.resolve(ok(undefined))));
    expect(await found(s)).toBe('after');
  });

  it('a card that was set back is foreign', async () => {
    const s = await sale(purseCard());
    const old = new Desk(purseCard({ purse: { onlineSeq: 40 } }));
    expect(purse.classify(s.plan, must(await purse.readImage(old.insert())))).toBe('foreign');
  });
});

describe('visits', () => {
  it('visited: the meter’s count, or a debit that is newer than the last load', async () => {
    const s = await sale(purseCard());
    must(await purse.apply(s.channel, s.plan, s.keep));
    const read = async () => must(await purse.read(s.desk.insert()));
    expect((await read()).visited).toBe(false);
    const meter = PurseMeter.ofCard(s.card, 1_000_000) as PurseMeter;
    expect(meter.visit(s.card, '2611221200', true).credited).toBe(10_000);
    expect(await read()).toMatchObject({ visited: true, meter: { countTaken: 41 } });
    expect(meter.visit(s.card, '2611221201')).toEqual({ accepted: true, credited: 0 });
    expect(await read()).toMatchObject({
      visited: true,
      cumulative: 215_000,
      meter: { countTaken: 42, remainingQuantity: 11_234 },
    });
  });

  it('a new card is fresh, and a card of mode file is another layout’s', async () => {
    const blank = purseCard({ count: 0, meterNo: null });
    expect(must(await purse.read(new Desk(blank).insert()))).toMatchObject({
      fresh: true,
      count: 0,
      lastQuantity: 0,
      cumulative: 0,
    });
    expect(codeOf(await plCpuLayout(demoKeys).read(new Desk(blank).insert()))).toBe('CARD-0103');
    const volume = issuePurse({
      cardNo: '8800003921',
      userNo: '1002203344',
      meterNo: '0260001577',
    });
    const files = {
      ...volume.files,
      '16': `${(volume.files['16'] as string).slice(0, 12)}01${(volume.files['16'] as string).slice(14)}`,
    };
    expect(
      codeOf(
        await purse.read(new Desk(new CpuCard({ ...volume, files }, counterRandom(1))).insert()),
      ),
    ).toBe('CARD-0104');
  });
});
