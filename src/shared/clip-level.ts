/**
 * One loudness for everything that the machine says: clips of the build, and those it makes itself
 * of policy's texts. Samples are numbers between -1 and 1.
 */

/** Samples a second of every clip; espeak-ng's own. */
export const CLIP_RATE = 22_050;
/** How loud speech is on the average, where it sounds; and its highest peak (dBFS). */
export const LOUD_DB = -20;
export const PEAK_DB = -1;
/** Silence is below this share of full scale. */
const SILENCE = 0.01;
/** What is left of silence at both ends. */
const KEPT_MS = { before: 10, after: 60 };
const FADE_MS = 5;
/** From here up peaks are bent, as a share of the highest. */
const KNEE = 0.7;
const FULL = 32_768;

const db = (share: number): number => (share === 0 ? -Infinity : 20 * Math.log10(share));
const tenth = (n: number): number => Math.round(n * 10) / 10;
const samplesIn = (ms: number): number => Math.round((ms * CLIP_RATE) / 1000);

/** 16 bit little-endian samples as numbers. */
export function samplesOf(raw: Uint8Array): Float32Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float32Array.from(
    { length: raw.length >> 1 },
    (_, i) => view.getInt16(i * 2, true) / FULL,
  );
}

/** The other way round. */
export function rawOf(samples: Float32Array): Uint8Array {
  const raw = new Uint8Array(samples.length * 2);
  const view = new DataView(raw.buffer);
  samples.forEach((s, i) => view.setInt16(i * 2, Math.round(s * (FULL - 1)), true));
  return raw;
}

/** Length, highest peak, and loudness of what sounds. */
export function measure(samples: Float32Array): {
  readonly ms: number;
  readonly peakDb: number;
  readonly loudDb: number;
} {
  const window = samplesIn(20);
  let peak = 0;
  let sum = 0;
  let count = 0;
  for (let from = 0; from < samples.length; from += window) {
    const part = samples.subarray(from, from + window);
    let energy = 0;
    for (const s of part) {
      peak = Math.max(peak, Math.abs(s));
      energy += s * s;
    }
    if (Math.sqrt(energy / part.length) < SILENCE) continue;
    sum += energy;
    count += part.length;
  }
  return {
    ms: Math.round((samples.length / CLIP_RATE) * 1000),
    peakDb: tenth(db(peak)),
    loudDb: tenth(db(count === 0 ? 0 : Math.sqrt(sum / count))),
  };
}

/** A click is worse than a vowel a little less loud: peaks are bent, not cut. */
function limited(samples: Float32Array): Float32Array {
  const most = 10 ** (PEAK_DB / 20);
  const knee = most * KNEE;
  return samples.map((s) => {
    const a = Math.abs(s);
    return a <= knee
      ? s
      : Math.sign(s) * (knee + (most - knee) * Math.tanh((a - knee) / (most - knee)));
  });
}

/**
 * What a synthesiser said, without the silence at both ends, faded in and out, as loud as all the
 * others. Empty: nothing sounds in it.
 */
export function finished(samples: Float32Array): Float32Array {
  const sounds = (s: number): boolean => Math.abs(s) >= SILENCE;
  const first = samples.findIndex(sounds);
  if (first < 0) return new Float32Array(0);
  const cut = samples.slice(
    Math.max(0, first - samplesIn(KEPT_MS.before)),
    Math.min(samples.length, samples.findLastIndex(sounds) + 1 + samplesIn(KEPT_MS.after)),
  );
  const fade = Math.min(samplesIn(FADE_MS), cut.length >> 1);
  for (let i = 0; i < fade; i++) {
    const end = cut.length - 1 - i;
    cut[i] = ((cut[i] as number) * i) / fade;
    cut[end] = ((cut[end] as number) * i) / fade;
  }
  const { loudDb } = measure(cut);
  const gain = Number.isFinite(loudDb) ? 10 ** ((LOUD_DB - loudDb) / 20) : 1;
  return limited(cut.map((s) => s * gain));
}
