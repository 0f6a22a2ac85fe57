import type { ErrorText } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { DEVICE_NAMES } from '../device.ts';
import type { Device, DeviceReport, SelfTest } from '../device.ts';
import { chime } from './chime.ts';
import type { RunProgram } from './types.ts';

/** What the loudspeaker is looked at with. */
export interface SpeakerOptions {
  readonly run: RunProgram;
  readonly clock: Clock;
  /** The sound card by its name; left out: the default one. */
  readonly card?: string | undefined;
  /** The control that sets how loud it is. */
  readonly mixer: string;
  /** How loud the machine speaks by its own level; null: as the policy has it. */
  readonly level: () => number | null;
}

/** What ALSA says of the card. */
interface Sound {
  readonly card: string | null;
  /** Percent of the mixer; null: it has none. */
  readonly volume: number | null;
  readonly muted: boolean;
  /** Why nothing can be said of it. */
  readonly why: string | null;
}

/** A list is printed at once; a chime of 700 ms takes its time. */
const ASK_MS = 5_000;
const PLAY_MS = 8_000;
/** A card comes and goes seldom: two programs are started no oftener than this. */
const LOOK_EVERY_MS = 300_000;

/** `card 0: PCH [HDA Intel PCH], device 0: …`, as `aplay -l` of alsa-utils lists it. */
const CARD = /^card \d+: ([\w-]+) \[([^\]]*)\]/m;
/** `Front Left: Playback 48 [74%] [-19.50dB] [on]`, as `amixer sget` shows a control. */
const LEVEL = /\[(\d{1,3})%\].*\[(on|off)\]/;

async function soundOf({ run, card, mixer }: SpeakerOptions): Promise<Sound> {
  const none = (why: string): Sound => ({ card: null, volume: null, muted: false, why });
  const list = await run('aplay', ['-l'], { timeoutMs: ASK_MS });
  if (list === null) return none('aplay is not installed (alsa-utils)');
  const lines = list.stdout.split('\n');
  const found =
    card === undefined
      ? CARD.exec(list.stdout)
      : (lines.map((l) => CARD.exec(l)).find((m) => m?.[1] === card) ?? null);
  if (found === null)
    return none(card === undefined ? 'no sound card' : `no sound card called ${card}`);
  const control = await run(
    'amixer',
    [...(card === undefined ? [] : ['-c', card]), '-M', 'sget', mixer],
    { timeoutMs: ASK_MS },
  );
  const level = control === null || control.code !== 0 ? null : LEVEL.exec(control.stdout);
  return {
    card: found[2] ?? found[1] ?? '',
    volume: level === null ? null : Number(level[1]),
    muted: level?.[2] === 'off',
    why: null,
  };
}

function wordsOf({ card, volume, muted, why }: Sound, level: number | null): ErrorText {
  if (why !== null) return { zh: `不可用：${why}`, en: `not available: ${why}` };
  const zh = [`声卡 ${card}`];
  const en = [`card ${card}`];
  if (volume !== null) {
    zh.push(muted ? '主音量静音' : `主音量 ${volume}%`);
    en.push(muted ? 'muted' : `mixer ${volume}%`);
  }
  if (level !== null) {
    zh.push(`本机语音 ${level}%`);
    en.push(`own level ${level}%`);
  }
  return { zh: zh.join(' · '), en: en.join(' · ') };
}

const UNASKED: Sound = { card: '', volume: null, muted: false, why: null };

/**
 * The loudspeaker as a device: ALSA's card and mixer. Its self-test plays a chime and asks whoever
 * stands there whether he heard it; nothing else could tell.
 */
export function speakerDevice(options: SpeakerOptions): Device {
  const { run, clock, card, level } = options;
  let sound = UNASKED;
  let lookedMono = Number.NEGATIVE_INFINITY;
  const report = (): DeviceReport => {
    const dead = sound.why !== null || sound.muted || sound.volume === 0;
    return {
      state: sound.why !== null ? 'offline' : dead ? 'user-error' : 'online',
      usable: !dead,
      detail: wordsOf(sound, level()),
      advice: dead
        ? {
            zh: '检查声卡和喇叭线；用 alsamixer 打开主音量并保存（alsactl store）',
            en: 'check card and cable; raise the main volume by alsamixer and keep it (alsactl store)',
          }
        : null,
      consumables: [],
      lastError: dead ? 'DEV-0501' : null,
    };
  };
  const ask = async (): Promise<void> => {
    lookedMono = clock.monoMs();
    sound = await soundOf(options);
  };
  const play = async (): Promise<SelfTest> => {
    await ask();
    if (!report().usable) return { ok: false, detail: report().detail };
    const began = clock.monoMs();
    const device = card === undefined ? [] : ['-D', `plughw:CARD=${card}`];
    const played = await run('aplay', ['-q', ...device, '-t', 'wav', '-'], {
      input: chime(),
      timeoutMs: PLAY_MS,
    });
    const ms = Math.round(clock.monoMs() - began);
    const { zh, en } = report().detail;
    if (played?.code !== 0) {
      const why = played === null ? 'aplay' : (played.stderr.split('\n')[0] ?? '').slice(0, 80);
      return {
        ok: false,
        detail: { zh: `提示音没有放出来：${why}`, en: `the chime was not played: ${why}` },
      };
    }
    return {
      ok: true,
      detail: {
        zh: `提示音已播放，${ms} 毫秒；请确认听到“叮咚”。${zh}`,
        en: `the chime was played in ${ms} ms: did you hear it? ${en}`,
      },
    };
  };
  return {
    id: 'speaker',
    name: DEVICE_NAMES.speaker,
    report,
    look: async () => {
      if (clock.monoMs() - lookedMono >= LOOK_EVERY_MS) await ask();
      return report();
    },
    selfTest: play,
    // It is only ever asked.
    onChange: () => () => undefined,
  };
}
