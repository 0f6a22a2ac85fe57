import { describe, expect, it } from 'vitest';
import { transmitT0 } from '../../../src/card/readers/t0.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { codeOf, must } from './rig.ts';

function script(...answers: readonly string[]) {
  const sent: string[] = [];
  const left = [...answers];
  return {
    sent,
    send: (raw: Uint8Array) => {
      sent.push(toHex(raw));
      const next = left.shift();
      return Promise.resolve(next === undefined ? err(failure('CARD-0102')) : ok(fromHex(next)));
    },
  };
}

describe('the T=0 aftermath', () => {
  it('fetches what waits, until the end', async () => {
    const s = script('6103', 'AABBCC6102', 'DDEE9000');
    expect(toHex(must(await transmitT0(fromHex('00A4040001AA'), s.send)))).toBe('AABBCCDDEE9000');
    expect(s.sent).toEqual(['00A4040001AA', '00C0000003', '00C0000002']);
  });

  it('repeats a read with the right length', async () => {
    const s = script('6C02', 'AABB9000');
    expect(toHex(must(await transmitT0(fromHex('00B0950000'), s.send)))).toBe('AABB9000');
    expect(s.sent).toEqual(['00B0950000', '00B0950002']);
  });

  it('repeats only the GET RESPONSE that got 6C, not the command before it', async () => {
    const s = script('6104', '6C02', 'AABB9000');
    expect(toHex(must(await transmitT0(fromHex('805200000B0011223344556677889900'), s.send)))).toBe(
      'AABB9000',
    );
    expect(s.sent).toEqual(['805200000B0011223344556677889900', '00C0000004', '00C0000002']);
  });

  it.each([
    '04D697000511223344 55',
    '0082000008 1122334455667788',
    '805200000B 1122334455667788990011 04',
    '80500002 0B 1122334455667788990011 10',
    '00A4040001AA00',
  ])('never repeats %s', async (hex) => {
    const s = script('6C04', '9000');
    expect(toHex(must(await transmitT0(fromHex(hex), s.send)))).toBe('6C04');
    expect(s.sent).toHaveLength(1);
  });

  it('gives up on a card that corrects the length twice or never ends', async () => {
    expect(toHex(must(await transmitT0(fromHex('00B0950000'), script('6C02', '6C02').send)))).toBe(
      '6C02',
    );
    expect(
      codeOf(await transmitT0(fromHex('00B0950001'), () => Promise.resolve(ok(fromHex('6101'))))),
    ).toBe('CARD-0106');
  });

  it('passes failures on', async () => {
    expect(codeOf(await transmitT0(fromHex('00A4040001AA'), script('6103').send))).toBe(
      'CARD-0102',
    );
    expect(codeOf(await transmitT0(fromHex('00B0950001'), script('90').send))).toBe('CARD-0106');
  });
});
