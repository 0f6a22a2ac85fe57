import { z } from 'zod';
import { voicePolicySchema } from '../policy-voice.ts';

/** Percent of full volume, as a customer sets it by keys. */
export const volumeStep = z.number().int().min(10).max(100);

/**
 * How the screen is to speak; left out, and each member of it: as {@link DEFAULT_VOICE} has it, on
 * the loudspeaker, and nobody has muted it.
 */
export const voiceView = z
  .object({
    policy: voicePolicySchema.exactOptional(),
    /** The customer's button, for the visit. */
    muted: z.literal(true).exactOptional(),
    /** Headphones are plugged in: one person hears it, and may hear of his own means. */
    headphones: z.literal(true).exactOptional(),
    /** Spoken mode: the whole screen is read, and what is reached and typed by keys. */
    spoken: z.literal(true).exactOptional(),
    /** The customer's own loudness for the visit, percent; left out: the policy's. */
    volume: volumeStep.exactOptional(),
  })
  .exactOptional();
/** See {@link voiceView}. */
export type VoiceView = NonNullable<z.infer<typeof voiceView>>;
