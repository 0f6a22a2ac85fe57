import { expect, it } from 'vitest';
import { speakerDevice } from '../../../src/device/speaker/device.ts';
import type { SpeakerOptions } from '../../../src/device/speaker/device.ts';
import type { RunProgram } from '../../../src/device/speaker/types.ts';
import {
  keepSpeakerLevel,
  keptSpeakerLevel,
} from '../../../src/kiosk/maintenance/speaker-level.ts';
import { runProgram } from '../../../src/main/core/run-program.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { ManualClock } from '../../support/clock.ts';
import { World } from '../../support/kiosk-world.ts';

/** The loudspeaker: what alsa-utils say, as they say it, and how loud the machine speaks. */
const APLAY = `**** List of PLAYBACK Hardware Devices ****
card 0: HDMI [HDA Intel HDMI], device 3: HDMI 0 [HDMI 0]
  Subdevices: 1/1
card 1: PCH [HDA Intel PCH], device 0: ALC887 Analog [ALC887 Analog]
  Subdevices: 1/1
`;
const AMIXER = (level: string): string => `Simple mixer control 'Master',0
  Capabilities: pvolume pvolume-joined pswitch pswitch-joined
  Playback channels: Mono
  Limits: Playback 0 - 64
  Mono: Playback 48 ${level} [-12.00dB] [on]
`;
const NONE = `aplay: device_list:279: no soundcards found...\n`;
interface Said {
  aplay?: string | null;
  amixer?: string | null;
  play?: { code: number | null; stderr: string };
}
function speaker(said: Said, change: Partial<SpeakerOptions> = {}) {
  const ran: string[] = [];
  const run: RunProgram = (command, args) => {
    ran.push([command, ...args].join(' '));
    const stdout = command === 'amixer' ? said.amixer : said.aplay;
    if (command === 'aplay' && args[0] !== '-l')
      return Promise.resolve({ stdout: '', ...(said.play ?? { code: 0, stderr: '' }) });
    if (stdout === null || stdout === undefined) return Promise.resolve(null);
    return Promise.resolve({ code: stdout === NONE ? 1 : 0, stdout, stderr: '' });
  };
  const clock = new ManualClock(0);
  const device = speakerDevice({ run, clock, mixer: 'Master', level: () => null, ...change });
  return { device, ran, clock };
}

it('card and mixer are told, and asked no oftener than need be', async () => {
  const { device, ran, clock } = speaker(
    { aplay: APLAY, amixer: AMIXER('[74%]') },
    { level: () => 60 },
  );
  expect(await device.look()).toMatchObject({
    state: 'online',
    usable: true,
    detail: { zh: '声卡 HDA Intel HDMI · 主音量 74% · 本机语音 60%' },
  });
  await device.look();
  expect(ran).toEqual(['aplay -l', 'amixer -M sget Master']);
  clock.advance(300_000);
  await device.look();
  expect(ran.length).toBe(4);
});

it('its self-test plays a chime on the card that is named, and asks whether it was heard', async () => {
  const { device, ran } = speaker({ aplay: APLAY, amixer: AMIXER('[74%]') }, { card: 'PCH' });
  const test = await device.selfTest();
  expect(test).toMatchObject({ ok: true, detail: { zh: /请确认听到“叮咚”.*HDA Intel PCH/ } });
  expect(ran).toEqual([
    'aplay -l',
    'amixer -c PCH -M sget Master',
    'aplay -q -D plughw:CARD=PCH -t wav -',
  ]);
});

it.each([
  ['no card', { aplay: NONE }, /no sound card/],
  ['no alsa-utils', { aplay: null }, /aplay is not installed/],
  ['a mixer at zero', { aplay: APLAY, amixer: AMIXER('[0%]') }, /mixer 0%/],
  ['a muted one', { aplay: APLAY, amixer: AMIXER('[50%]').replace('[on]', '[off]') }, /muted/],
  [
    'a card that somebody else holds',
    { aplay: APLAY, amixer: AMIXER('[50%]'), play: { code: 1, stderr: 'Device or resource busy' } },
    /not played: Device or resource busy/,
  ],
])('%s: the test is not passed, and says why', async (_what, said, words) => {
  const test = await speaker(said).device.selfTest();
  expect([test.ok, test.detail.en]).toEqual([false, expect.stringMatching(words)]);
});

it('a card of another name is none', async () => {
  const { device } = speaker({ aplay: APLAY, amixer: null }, { card: 'USB' });
  expect(await device.look()).toMatchObject({
    usable: false,
    lastError: 'DEV-0501',
    detail: { en: 'not available: no sound card called USB' },
  });
});

it('a card without a mixer is loud as it is', async () => {
  const { device } = speaker({ aplay: APLAY, amixer: null });
  expect(await device.look()).toMatchObject({ usable: true });
});

it('programs of this machine are run with what they are given; one that is not there is none', async () => {
  const run = runProgram(systemClock);
  expect(await run('cat', [], { input: Uint8Array.of(65, 66), timeoutMs: 5_000 })).toEqual({
    code: 0,
    stdout: 'AB',
    stderr: '',
  });
  expect(await run('no-such-program', [], { timeoutMs: 5_000 })).toBeNull();
  expect((await run('sleep', ['30'], { timeoutMs: 50 }))?.code).toBeNull();
});

it('the level is kept over a restart, said to the page as the policy’s loudness, and taken back', async () => {
  const w = new World();
  try {
    await w.start();
    expect([w.kiosk.speakerLevel, w.snapshot.voice?.policy?.volume]).toEqual([null, undefined]);
    w.kiosk.setSpeakerLevel(35);
    expect([keptSpeakerLevel(w.journal), w.snapshot.voice?.policy]).toEqual([35, { volume: 35 }]);
    await w.start();
    expect(w.snapshot.voice?.policy?.volume).toBe(35);
    w.kiosk.setSpeakerLevel(null);
    expect([keptSpeakerLevel(w.journal), w.snapshot.voice]).toEqual([null, undefined]);
    for (const wrong of [-1, 101, 33.3]) expect(() => keepSpeakerLevel(w.journal, wrong)).toThrow();
  } finally {
    expect(await w.close()).toEqual([]);
  }
});
