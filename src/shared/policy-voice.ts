import { z } from 'zod';
import { chinaTime } from './time.ts';

const percent = z.number().int().min(0).max(100);
/** `08:30`, of a day's 24 hours. */
const hourMinute = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/);

/**
 * How the machine speaks. The policy's `voice`; left out, or a part of it: {@link DEFAULT_VOICE}. A
 * machine that must be silent says so with `on`: a customer's mute button lasts for the visit only.
 */
export const voicePolicySchema = z.object({
  on: z.boolean().exactOptional(),
  /** Of what the loudspeaker gives, by day; what must be acted on grows louder up to all of it. */
  volume: percent.exactOptional(),
  /** Each night, by China's clock; `to` before `from` is past midnight. Null: there are none. */
  quiet: z.object({ from: hourMinute, to: hourMinute, volume: percent }).nullable().exactOptional(),
});
export type VoicePolicy = z.infer<typeof voicePolicySchema>;

/** Heard across a hall by day, and by whoever stands there at night. */
export const DEFAULT_VOICE = {
  on: true,
  volume: 70,
  quiet: { from: '22:00', to: '07:00', volume: 30 },
} as const satisfies Required<VoicePolicy>;

/** How loud it is at an instant: to begin with, and at the most when a prompt has to grow louder. */
export interface Loudness {
  readonly percent: number;
  readonly mostPercent: number;
}

/** No quiet hour is broken by what grows louder: it doubles, and no more. */
const QUIET_MOST = 2;

/** How loud the policy has it at `nowMs`; null: it does not speak. */
export function loudnessAt(policy: VoicePolicy | undefined, nowMs: number): Loudness | null {
  const { on, volume, quiet } = { ...DEFAULT_VOICE, ...policy };
  if (!on) return null;
  const clock = chinaTime(nowMs).slice(11, 16);
  const isQuiet =
    quiet !== null &&
    (quiet.from <= quiet.to
      ? clock >= quiet.from && clock < quiet.to
      : clock >= quiet.from || clock < quiet.to);
  const percentNow = isQuiet ? quiet.volume : volume;
  if (percentNow === 0) return null;
  return {
    percent: percentNow,
    mostPercent: isQuiet ? Math.min(100, percentNow * QUIET_MOST) : 100,
  };
}
