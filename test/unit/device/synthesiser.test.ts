import { describe, expect, test } from 'vitest';
import { isThere } from '../../../scripts/lib/speech.mjs';
import { SpokenTexts, ownTexts, textsToSay } from '../../../src/main/core/spoken-texts.ts';
import {
  ESPEAK_COMMANDS,
  SYNTHESIS_MS,
  espeakSynthesiser,
} from '../../../src/main/core/synthesiser.ts';
import type { Synthesiser } from '../../../src/main/core/synthesiser.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { LOUD_DB, measure, samplesOf } from '../../../src/shared/clip-level.ts';
import type { Policy } from '../../../src/shared/policy.ts';
import { MAX_OWN_CLIPS, MAX_SPOKEN_TEXTS, spokenTextId } from '../../../src/shared/spoken-text.ts';
import type { SnapshotOf } from '../../../src/shared/contract/index.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';
import { ManualClock, systemClock } from '../../support/clock.ts';

/** A synthesiser that is this script. */
const script = (source: string) => {
  const command = [process.execPath, '-e', source];
  return { 'zh-CN': command, en: command };
};
const logged: string[] = [];
const log = (_level: string, _room: string, message: string): void => void logged.push(message);
const made = (source: string, clock = systemClock): Synthesiser =>
  espeakSynthesiser(clock, log, script(source));

describe('a child that is no synthesiser costs one clip and nothing else', () => {
  test.each([
    ['crashes', `process.abort()`, 'ended with'],
    ['ends with an error', `process.exit(3)`, 'ended with 3'],
    ['writes without an end', `for(;;) require('fs').writeSync(1, Buffer.alloc(1<<20))`, 'longer'],
  ])('%s', async (_what, source, says) => {
    logged.length = 0;
    expect(await made(source).clip('停气', 'zh-CN')).toBeNull();
    expect(logged.join()).toContain(says);
  });

  test.each([
    ['says nothing', ``],
    ['says something else', `process.stdout.write('no sound')`],
    ['says silence', `const b=Buffer.alloc(44100);b.write('RIFF');process.stdout.write(b)`],
    ['does not read', `process.stdin.destroy(); setTimeout(() => undefined, 50)`],
  ])('%s', async (_what, source) => {
    expect(await made(source).clip('停气', 'zh-CN')).toBeNull();
  });

  test('cannot be begun at all', async () => {
    // As a machine without memory or files: `spawn` itself throws.
    const command = ['no\0program'];
    const synthesiser = espeakSynthesiser(systemClock, log, { 'zh-CN': command, en: command });
    expect(await synthesiser.clip('停气', 'zh-CN')).toBeNull();
  });

  test('hangs: it is killed in its time', async () => {
    const clock = new ManualClock(0);
    const answer = espeakSynthesiser(clock, log, script(`setInterval(() => undefined, 1000)`)).clip(
      '停气',
      'zh-CN',
    );
    expect(clock.pending()).toBe(1);
    clock.advance(SYNTHESIS_MS);
    expect(await answer).toBeNull();
    expect(clock.pending()).toBe(0);
  });

  test('is not installed: silent, and not looked for again', async () => {
    logged.length = 0;
    const none = ['/nowhere/espeak-ng'];
    const absent = espeakSynthesiser(systemClock, log, { 'zh-CN': none, en: none });
    expect(await absent.clip('停气', 'zh-CN')).toBeNull();
    expect(await absent.clip('停气', 'zh-CN')).toBeNull();
    expect(logged).toHaveLength(1);
  });
});

test('no text is an argument of a program, and each is bounded', async () => {
  const heard: string[] = [];
  const echo = espeakSynthesiser(
    systemClock,
    (_l, _r, message) => void heard.push(message),
    script(
      `let t='';process.stdin.on('data',(d)=>t+=d).on('end',()=>process.exit(process.argv.length===1&&t.length<=400?7:8))`,
    ),
  );
  await echo.clip(`-w /etc/passwd; $(reboot) ${'x'.repeat(5_000)}`, 'en');
  expect(heard.join()).toContain('ended with 7');
});

describe.skipIf(!isThere('espeak-ng', '--version'))('with espeak-ng', () => {
  test('a text is a WAV file as loud as every clip', async () => {
    for (const [text, locale] of [
      ['幸福小区停气检修，请关好阀门。', 'zh-CN'],
      ['No gas in Xingfu: please shut the valve.', 'en'],
    ] as const) {
      const wav = await espeakSynthesiser(systemClock, log, ESPEAK_COMMANDS).clip(text, locale);
      if (wav === null) throw new Error('no clip');
      expect(Buffer.from(wav.subarray(0, 4)).toString()).toBe('RIFF');
      const { ms, loudDb } = measure(samplesOf(wav.subarray(44)));
      expect(ms).toBeGreaterThan(1_500);
      expect(ms).toBeLessThan(8_000);
      expect(Math.abs(loudDb - LOUD_DB)).toBeLessThan(2);
    }
  });
});

// ---- which texts, and when ----

const policy = (...areas: string[]): Policy => ({
  ...DEMO_POLICY,
  credit: undefined,
  requests: undefined,
  notices: [],
  info: {
    papers: [],
    prices: [],
    outages: areas.map((zh) => ({
      area: { zh, en: `${zh} area` },
      reason: { zh: '检修', en: 'repairs' },
      fromMs: 1,
      toMs: 2,
    })),
  },
});

test('each text of a policy is made once, in both languages; a failed one when a policy brings it again', async () => {
  const asked: string[] = [];
  const fails = new Set(['检修']);
  const clips: string[] = [];
  const texts = new SpokenTexts(
    {
      clip: (text) => {
        asked.push(text);
        return Promise.resolve(fails.has(text) ? null : new Uint8Array([1]));
      },
    },
    (id) => clips.push(id),
  );
  texts.policy(policy('幸福小区'));
  await expect.poll(() => asked).toHaveLength(4);
  await expect.poll(() => clips).toHaveLength(3);
  expect(clips).toContain(spokenTextId('幸福小区', 'zh-CN'));
  expect(clips).toContain(spokenTextId('repairs', 'en'));
  fails.clear();
  texts.policy(policy('幸福小区', '和平里'));
  await expect.poll(() => clips).toHaveLength(6);
  expect(asked.filter((text) => text === '幸福小区')).toHaveLength(1);
  texts.stop();
  texts.policy(policy('西园'));
  await Promise.resolve();
  expect(asked).not.toContain('西园');
});

test('a newer policy takes the place of what is still to be made', async () => {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const texts = new SpokenTexts(
    {
      clip: (text) => {
        asked.push(text);
        return new Promise((done) => waiting.push(() => done(new Uint8Array([1]))));
      },
    },
    () => undefined,
  );
  texts.policy(policy('旧的'));
  expect(asked).toEqual(['旧的']);
  texts.policy(policy('新的'));
  waiting[0]?.();
  await expect.poll(() => asked.at(-1)).toBe('新的');
  expect(asked).not.toContain('旧的 area');
});

test('no policy makes more than a machine can say', () => {
  expect(textsToSay(DEMO_POLICY).length).toBeGreaterThan(0);
  expect(textsToSay(policy(...Array.from({ length: 150 }, (_, i) => `区${i}`)))).toHaveLength(
    MAX_SPOKEN_TEXTS,
  );
});

test('what a screen says again and again is made once, and what failed is not tried at each snapshot', async () => {
  const asked: string[] = [];
  const kept: string[] = [];
  const texts = new SpokenTexts(
    {
      clip: (text) => {
        asked.push(text);
        return Promise.resolve(text === '坏' ? null : new Uint8Array([1]));
      },
    },
    (id, _wav, isOwn) => void (isOwn && kept.push(id)),
  );
  const quiet = (): Promise<void> => new Promise((done) => setImmediate(done));
  const screen = ['李某华', '坏'].map((text) => ({ text, locale: 'zh-CN' as const }));
  for (let n = 0; n < 20; n++) {
    texts.own(screen);
    await quiet();
  }
  expect(asked).toEqual(['李某华', '坏']);
  // Others come; his is forgotten as the shell forgets it, and is made anew for him.
  for (let n = 0; n < MAX_OWN_CLIPS; n++) {
    texts.own([{ text: `某${n}`, locale: 'zh-CN' }]);
    await quiet();
  }
  texts.own(screen);
  await quiet();
  expect(asked.filter((text) => text === '李某华')).toHaveLength(2);
  expect(kept).toHaveLength(MAX_OWN_CLIPS + 2);
  texts.policy(policy());
  texts.own(screen);
  await quiet();
  expect(asked.filter((text) => text === '坏')).toHaveLength(2);
});

test('whose account it is is made for headphones only, before the policy’s own texts', async () => {
  const order: string[] = [];
  const texts = new SpokenTexts(
    {
      clip: (text) => {
        order.push(text);
        return Promise.resolve(new Uint8Array([1]));
      },
    },
    () => undefined,
  );
  const fixture = screenFixtures('zh-CN').find(({ screen }) => screen === 'is-it-you');
  const s = fixture?.snapshot as SnapshotOf<'is-it-you'>;
  for (const voice of [undefined, { spoken: true as const }, { headphones: true as const }])
    expect(ownTexts({ ...s, ...(voice === undefined ? {} : { voice }) })).toEqual([]);
  const own = ownTexts({ ...s, voice: { spoken: true, headphones: true } });
  expect(own).toEqual([
    { text: s.holderMasked, locale: 'zh-CN' },
    { text: s.address, locale: 'zh-CN' },
  ]);
  texts.policy(DEMO_POLICY);
  texts.own(own);
  await new Promise((done) => setImmediate(done));
  const at = order.indexOf(s.holderMasked.replace('*', '某'));
  expect(at).toBeGreaterThanOrEqual(0);
  expect(at).toBeLessThan(4);
  texts.stop();
});
