import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CLIP_MS, isThere, unpacked } from '../../../scripts/lib/speech.mjs';
import { openClips, packClips } from '../../../src/renderer/voice/clip-file.ts';
import { clipTexts } from '../../../src/renderer/voice/clips.ts';
import {
  LOUD_DB,
  PEAK_DB,
  finished,
  measure,
  rawOf,
  samplesOf,
} from '../../../src/shared/clip-level.ts';
import { LOCALES } from '../../../src/shared/contract/index.ts';

const fileOf = (locale: string): string =>
  new URL(`../../../dist/renderer/voice/${locale}.clips`, import.meta.url).pathname;
/** As near as clips are to one loudness: bent peaks and very short words cost a little. */
const LOUD_WITHIN_DB = 2.5;
/** A character takes so long to say, from and to. */
const MS_A_CHARACTER = { 'zh-CN': [100, 700], en: [25, 220] } as const;

const bufferOf = (bytes: Uint8Array): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;

test('a clip file gives back what was put in; what is none is refused', () => {
  const clip = (id: string, body: number[]) => ({
    id,
    ms: 10,
    peakDb: -1,
    loudDb: -20,
    body: Uint8Array.from(body),
  });
  const file = packClips('a voice', [clip('m/一', [1, 2, 3]), clip('n/0', []), clip('n/1', [9])]);
  const open = openClips(bufferOf(file));
  expect([...new Uint8Array(open?.body('m/一') ?? new ArrayBuffer())]).toEqual([1, 2, 3]);
  expect([...new Uint8Array(open?.body('n/1') ?? new ArrayBuffer())]).toEqual([9]);
  expect(open?.body('n/0')?.byteLength).toBe(0);
  expect(open?.body('m/none')).toBeNull();
  expect(open?.list.voice).toBe('a voice');
  for (const bad of [[], [1], [255, 255, 255, 255, 1], [2, 0, 0, 0, 65, 66]])
    expect(openClips(bufferOf(Uint8Array.from(bad)))).toBeNull();
});

test('speech is cut to what sounds, brought to one loudness, and never clipped', () => {
  const rate = 22_050;
  const tone = (share: number): Float32Array =>
    Float32Array.from({ length: rate * 2 }, (_, i) =>
      i < rate / 2 || i > rate * 1.5 ? 0 : share * Math.sin((i * 2 * Math.PI * 300) / rate),
    );
  for (const share of [0.02, 0.2, 0.99]) {
    const { ms, loudDb, peakDb } = measure(finished(tone(share)));
    expect(ms).toBeGreaterThan(1_000);
    expect(ms).toBeLessThan(1_100);
    expect(Math.abs(loudDb - LOUD_DB)).toBeLessThan(0.5);
    expect(peakDb).toBeLessThanOrEqual(PEAK_DB);
  }
  // A click beside a whisper is bent.
  const spiky = tone(0.03);
  spiky[rate] = 0.9;
  expect(measure(finished(spiky)).peakDb).toBeLessThanOrEqual(PEAK_DB);
  expect(finished(new Float32Array(rate))).toHaveLength(0);
  expect([...samplesOf(rawOf(Float32Array.from([0, 0.5, -1])))].map((s) => s.toFixed(2))).toEqual([
    '0.00',
    '0.50',
    '-1.00',
  ]);
});

describe.skipIf(!LOCALES.every((l) => existsSync(fileOf(l))))('the clips of the build', () => {
  test.each(LOCALES)('%s: one for each text, of one loudness, as long as its text', (locale) => {
    const open = openClips(bufferOf(readFileSync(fileOf(locale))));
    const texts = clipTexts(locale);
    const clips = open?.list.clips ?? {};
    expect(Object.keys(clips).toSorted(), 'out of date: npm run build').toEqual(
      [...texts.keys()].toSorted(),
    );
    for (const [id, text] of texts) {
      const clip = clips[id];
      if (clip === undefined) throw new Error(id);
      expect(clip.bytes, id).toBeGreaterThan(500);
      expect(clip.ms, id).toBeGreaterThanOrEqual(CLIP_MS.least);
      expect(clip.ms, id).toBeLessThanOrEqual(CLIP_MS.most);
      expect(clip.peakDb, id).toBeLessThanOrEqual(PEAK_DB);
      expect(Math.abs(clip.loudDb - LOUD_DB), `${id} ${clip.loudDb} dB`).toBeLessThan(
        LOUD_WITHIN_DB,
      );
      // A letter that is named, and the other language’s word, have their own time.
      const [least, most] =
        /\p{Script=Han}/u.test(text) || locale === 'en'
          ? MS_A_CHARACTER[locale]
          : [MS_A_CHARACTER.en[0], MS_A_CHARACTER['zh-CN'][1]];
      if (id.startsWith('l/') || /^\P{Script=Han}{1,3}$/u.test(text)) continue;
      const characters = [...text].filter((c) => /[\p{L}\p{N}]/u.test(c)).length;
      expect(clip.ms / characters, `${id} ${text}`).toBeGreaterThan(least);
      expect(clip.ms / characters, `${id} ${text}`).toBeLessThan(most);
    }
  });

  test.skipIf(!isThere('sox', '--version'))('what was measured is what is in the file', () => {
    for (const locale of LOCALES) {
      const open = openClips(bufferOf(readFileSync(fileOf(locale))));
      for (const id of [
        'm/take.title',
        'n/1h',
        'n/7',
        'u/m3',
        'w/received/before',
        'e/CARD-0101',
      ]) {
        const body = open?.body(id);
        if (body === null || body === undefined) {
          // In English the sum comes first.
          expect(locale === 'en' && id === 'w/received/before').toBe(true);
          continue;
        }
        const listed = open?.list.clips[id];
        const { ms, loudDb } = measure(unpacked(new Uint8Array(body)));
        expect(Math.abs(ms - (listed?.ms ?? 0)), id).toBeLessThan(30);
        expect(Math.abs(loudDb - LOUD_DB), id).toBeLessThan(LOUD_WITHIN_DB + 1);
      }
    }
  });
});
