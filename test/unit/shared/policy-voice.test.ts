import { expect, test } from 'vitest';
import { DEFAULT_VOICE, loudnessAt, voicePolicySchema } from '../../../src/shared/policy-voice.ts';
import { MAX_SPOKEN_CHARS, spokenPart, spokenTextId } from '../../../src/shared/spoken-text.ts';

/** An hour of a day in China. */
const at = (clock: string): number => Date.parse(`2026-11-22T${clock}:00+08:00`);

test('a policy that says nothing has the usual voice: by day, and quieter at night', () => {
  expect(loudnessAt(undefined, at('12:00'))).toEqual({ percent: 70, mostPercent: 100 });
  expect(loudnessAt({}, at('21:59'))?.percent).toBe(70);
  expect(loudnessAt({}, at('22:00'))).toEqual({ percent: 30, mostPercent: 60 });
  expect(loudnessAt({}, at('03:00'))?.percent).toBe(30);
  expect(loudnessAt({}, at('06:59'))?.percent).toBe(30);
  expect(loudnessAt({}, at('07:00'))?.percent).toBe(70);
});

test('each part may be said, and hours within a day too', () => {
  const noon = { quiet: { from: '12:00', to: '14:00', volume: 80 } };
  expect(loudnessAt(noon, at('13:00'))).toEqual({ percent: 80, mostPercent: 100 });
  expect(loudnessAt(noon, at('23:00'))?.percent).toBe(DEFAULT_VOICE.volume);
  expect(loudnessAt({ quiet: null }, at('03:00'))?.percent).toBe(70);
  expect(loudnessAt({ volume: 40 }, at('12:00'))?.percent).toBe(40);
});

test('silent by switch, by volume, by hour', () => {
  expect(loudnessAt({ on: false }, at('12:00'))).toBeNull();
  expect(loudnessAt({ volume: 0 }, at('12:00'))).toBeNull();
  expect(loudnessAt({ quiet: { from: '22:00', to: '07:00', volume: 0 } }, at('01:00'))).toBeNull();
});

test('a policy out of its bounds is refused', () => {
  for (const bad of [
    { volume: 101 },
    { volume: -1 },
    { on: 'yes' },
    { quiet: { from: '24:00', to: '07:00', volume: 30 } },
    { quiet: { from: '22:00', to: '07:00' } },
  ])
    expect(voicePolicySchema.safeParse(bad).success).toBe(false);
  expect(voicePolicySchema.safeParse({ on: true, volume: 50, quiet: null }).success).toBe(true);
});

test('a long text is said to the end of a sentence; its clip goes by what is said', () => {
  expect(spokenPart(' 停气。\n请关阀。 ', 'zh-CN')).toBe('停气。 请关阀。');
  const long = `${'管道检修，'.repeat(15)}请关阀。${'天'.repeat(200)}`;
  const part = spokenPart(long, 'zh-CN');
  expect(part.endsWith('请关阀。')).toBe(true);
  expect(spokenPart('天'.repeat(500), 'zh-CN')).toHaveLength(MAX_SPOKEN_CHARS['zh-CN']);
  expect(spokenTextId(long, 'zh-CN')).toBe(spokenTextId(part, 'zh-CN'));
  expect(spokenTextId('停气', 'zh-CN')).not.toBe(spokenTextId('停气', 'en'));
  expect(spokenTextId('停气', 'zh-CN')).not.toBe(spokenTextId('停水', 'zh-CN'));
  expect(spokenTextId('停气', 'zh-CN')).toMatch(/^[0-9a-f]{16}$/);
});
