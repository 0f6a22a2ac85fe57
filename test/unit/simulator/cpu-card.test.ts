import { describe, expect, it } from 'vitest';
import { CATALOGUE, issue, sampleCard } from '../../../src/simulator/card/catalogue.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import type { CpuCardState } from '../../../src/simulator/card/cpu-card.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { Meter } from '../../../src/simulator/meter/meter.ts';
import { GOLDEN_AFTER, GOLDEN_BEFORE, GOLDEN_CHALLENGES, scriptedRandom } from '../card/rig.ts';

const SELECT = '00A4040008504C2E4D45544552';
const AUTH = '0082000008B2F2673EB6D48ED8';
const UPDATE = `04D6970015${GOLDEN_AFTER}0D48C210`;

function golden(...challenges: readonly string[]): CpuCard {
  const card = sampleCard('golden').make(
    scriptedRandom(...(challenges.length === 0 ? GOLDEN_CHALLENGES : challenges)),
  );
  card.insert();
  return card;
}

function say(card: CpuCard, ...commands: readonly string[]): string {
  let last = '';
  for (const hex of commands) {
    const outcome = card.process(bytesOf(hex));
    last = outcome.kind === 'answer' ? hexOf(outcome.bytes) : outcome.kind;
  }
  return last;
}

describe('the simulated card', () => {
  it('has the golden bytes', () => {
    const card = golden();
    expect(say(card, SELECT)).toBe('6111');
    expect(say(card, '00C0000011')).toBe('6F0F8408504C2E4D45544552A5038801159000');
    expect(say(card, '00B0970011')).toBe(`${GOLDEN_BEFORE}9000`);
    expect(say(card, '00B09A0020')).toBe(
      '580029000004D200031BF625111508300000026000157700000000000000C38B9000',
    );
    expect(hexOf(card.atr)).toBe('3B6500009C02020702');
  });

  it('takes the golden update and nothing less', () => {
    const card = golden();
    expect(say(card, SELECT, '0084000008', AUTH)).toBe('9000');
    expect(say(card, '0084000004', UPDATE)).toBe('9000');
    expect(hexOf(card.peek('17') as Uint8Array)).toBe(GOLDEN_AFTER);
  });

  it.each([
    ['before authentication', [SELECT, '0084000004', UPDATE], '6982'],
    ['without secure messaging', [SELECT, '0084000008', AUTH, `00D6970011${GOLDEN_AFTER}`], '6987'],
    ['without a challenge', [SELECT, '0084000008', AUTH, UPDATE], '6984'],
    [
      'with a challenge that another command used up',
      [SELECT, '0084000008', AUTH, '0084000004', '00B0970011', UPDATE],
      '6984',
    ],
    [
      'with a wrong MAC',
      [SELECT, '0084000008', AUTH, '0084000004', `${UPDATE.slice(0, -1)}1`],
      '6988',
    ],
    [
      'of another file',
      [SELECT, '0084000008', AUTH, '0084000004', UPDATE.replace('04D697', '04D696')],
      '6982',
    ],
    ['after a reset', [SELECT, '0084000008', AUTH, 'reset', SELECT, '0084000004', UPDATE], '6982'],
  ])('refuses an update %s', (_, commands, sw) => {
    const card = golden(
      'A1B2C3D4E5F60718',
      ...(commands.includes('0084000004') && commands.includes(AUTH) ? ['A1B2C3D4'] : []),
    );
    const fixed = commands.includes(AUTH) ? card : golden('A1B2C3D4');
    let last = '';
    for (const command of commands) {
      if (command === 'reset') fixed.reset();
      else last = say(fixed, command);
    }
    expect(last).toBe(sw);
    expect(hexOf(fixed.peek('17') as Uint8Array)).toBe(GOLDEN_BEFORE);
  });

  it.each([
    ['unknown instruction', [SELECT, '00AA0000'], '6D00'],
    ['unknown class', ['10A4040000'], '6E00'],
    ['short command', ['00A404'], '6700'],
    ['wrong Lc', ['00A40400085000'], '6700'],
    ['other application', ['00A4040008A000000333010101'], '6A82'],
    ['read before select', ['00B0950001'], '6A82'],
    ['missing file', [SELECT, '00B0990001'], '6A82'],
    ['bad P1', [SELECT, '00B0000001'], '6A86'],
    ['offset past the end', [SELECT, '00B0971101'], '6B00'],
    ['too long', [SELECT, '00B0970020'], '6C11'],
    ['authentication without a challenge', [SELECT, AUTH], '6984'],
    ['unknown key', [SELECT, '0084000008', '0082000108B2F2673EB6D48ED8'], '6A88'],
    ['nothing to fetch', [SELECT, '00B0970011', '00C0000011'], '6985'],
  ])('answers %s', (_, commands, sw) => {
    expect(say(golden('A1B2C3D4E5F60718'), ...commands)).toBe(sw);
  });

  it('counts wrong keys and locks', () => {
    const zeros = Array.from({ length: 5 }, () => '0000000000000000');
    const card = golden(...zeros);
    const wrong = ['0084000008', '00820000081111111111111111'];
    expect(say(card, SELECT, ...wrong)).toBe('63C2');
    expect(say(card, ...wrong)).toBe('63C1');
    expect(say(card, ...wrong)).toBe('63C0');
    expect(say(card, ...wrong)).toBe('6983');
    const again = CpuCard.fromJSON(
      JSON.parse(JSON.stringify(card)) as CpuCardState,
      scriptedRandom('A1B2C3D4E5F60718'),
    );
    expect(say(again, SELECT, '0084000008', AUTH)).toBe('6983');
  });

  it('tells nothing of a lie', () => {
    const card = golden();
    card.arm({ kind: 'lie' });
    expect(say(card, SELECT, '0084000008', AUTH, '0084000004', UPDATE)).toBe('9000');
    expect(hexOf(card.peek('17') as Uint8Array)).toBe(GOLDEN_BEFORE);
  });

  it('tears before and after, from insertion and from arming', () => {
    const before = golden();
    before.arm({ kind: 'tear', at: 2, when: 'before', from: 'insertion' });
    expect(say(before, SELECT, '00B0970011')).toBe('torn');
    const after = golden();
    say(after, SELECT, '0084000008', AUTH, '0084000004');
    after.arm({ kind: 'tear', at: 1, when: 'after', from: 'arming' });
    expect(say(after, UPDATE)).toBe('torn');
    expect(hexOf(after.peek('17') as Uint8Array)).toBe(GOLDEN_AFTER);
  });

  it('survives JSON', () => {
    for (const sample of CATALOGUE) {
      const card = sample.make();
      expect(
        CpuCard.fromJSON(
          JSON.parse(JSON.stringify(card)) as CpuCardState,
          counterRandom(1),
        ).toJSON(),
      ).toEqual(card.toJSON());
    }
  });
});

describe('the meter', () => {
  const NOW = '2611220930';

  it('takes a new purchase once', () => {
    const card = sampleCard('golden').make();
    const meter = Meter.ofCard(card, 100_000) as Meter;
    card.poke('17', bytesOf(GOLDEN_AFTER));
    expect(meter.visit(card, NOW)).toEqual({ accepted: true, credited: 3773 });
    expect(meter.visit(card, NOW)).toEqual({ accepted: true, credited: 0 });
    expect(meter.state()).toMatchObject({ count: 42, remaining: 1234 + 3773 });
    expect((Meter.ofCard(card, 100_000) as Meter).state()).toEqual(meter.state());
    meter.consume(99_999);
    expect(meter.state()).toMatchObject({ remaining: 0, used: 203_766 + 1234 + 3773 });
  });

  it('refuses a skipped count, a full meter and another meter’s card', () => {
    const card = sampleCard('golden').make();
    const base = (Meter.ofCard(card, 100_000) as Meter).state();
    expect(new Meter({ ...base, count: 39 }).visit(card, NOW)).toEqual({
      accepted: false,
      reason: 'count',
      credited: 0,
    });
    expect(new Meter({ ...base, count: 40, remaining: 96_000 }).visit(card, NOW)).toEqual({
      accepted: false,
      reason: 'ceiling',
      credited: 0,
    });
    expect(new Meter({ ...base, meterNo: '0000000001' }).visit(card, NOW)).toEqual({
      accepted: false,
      reason: 'other meter',
      credited: 0,
    });
  });

  it('takes the first purchase of a new card', () => {
    const state = issue({ cardNo: '8800003999', userNo: '1002203399', meterNo: null, count: 1 });
    const card = new CpuCard(state, counterRandom(1));
    const meter = new Meter({
      meterNo: '0000157799',
      count: 0,
      remaining: 0,
      used: 0,
      ceiling: 100_000,
      valveClosed: false,
      faults: 0,
    });
    expect(meter.visit(card, NOW)).toEqual({ accepted: true, credited: 5000 });
  });
});
