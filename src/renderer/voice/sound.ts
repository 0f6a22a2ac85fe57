import { CLIP_RATE } from '../../shared/clip-level.ts';
import type { Locale } from '../../shared/contract/index.ts';
import { openClips } from './clip-file.ts';
import type { Playing, Sound } from './speaker.ts';
import type { ClipId } from './words.ts';

/** Clips are kept decoded, the last ones used: a sum has a dozen, a visit needs a few sums. */
const KEPT_CLIPS = 50;
/** Between the fragments of a sum, so that they do not run into each other. */
const GAP_S = 0.03;
/** From the order to play to the first sample: enough for a slow board not to miss it. */
const LEAD_S = 0.05;
/** A sound device that is allowed is there within this. */
const RESUME_MS = 400;
/** So long after the last sentence nobody speaks any more. */
const REST_MS = 10_000;

/** Told to the page whenever a sentence sounds: `detail` is its clips. Tests listen; nothing else. */
export const SAID_EVENT = 'pilotlight:said';
/** See {@link SAID_EVENT}. */
export interface SaidDetail {
  readonly clips: readonly ClipId[];
  readonly locale: Locale;
  readonly gain: number;
}

/** The machine's own files, by their path. Null: there is no such file. */
async function load(path: string): Promise<ArrayBuffer | null> {
  try {
    const answer = await fetch(path);
    const bytes = answer.ok ? await answer.arrayBuffer() : null;
    return bytes === null || bytes.byteLength === 0 ? null : bytes;
  } catch {
    return null;
  }
}

/**
 * Web Audio over the clips that the build made, and those of policy's texts, which the shell has
 * from the core. A browser lets nothing sound before the first touch of its page: until then every
 * sentence is silent, and its text stays.
 */
export class ClipSound implements Sound {
  readonly #page: Window;
  #context: AudioContext | null = null;
  #resting: ReturnType<typeof setTimeout> | undefined;
  readonly #files = new Map<Locale, Promise<ReturnType<typeof openClips>>>();
  readonly #decoded = new Map<string, Promise<AudioBuffer | null>>();

  constructor(page: Window) {
    this.#page = page;
    const wake = (): void => {
      // What the browser does not allow yet is asked for again at the next touch.
      if (this.#context?.state === 'suspended') void this.#context.resume().catch(() => undefined);
    };
    for (const kind of ['pointerdown', 'pointerup', 'keydown'] as const)
      page.addEventListener(kind, wake, { capture: true });
  }

  async play(clips: readonly ClipId[], locale: Locale, gain: number): Promise<Playing | null> {
    const context = await this.#running();
    if (context === null) return null;
    const buffers: AudioBuffer[] = [];
    for (const buffer of await Promise.all(clips.map((id) => this.#clip(context, id, locale)))) {
      if (buffer === null) return null;
      buffers.push(buffer);
    }
    const volume = context.createGain();
    volume.gain.value = gain;
    volume.connect(context.destination);
    const from = context.currentTime + LEAD_S;
    let at = from;
    const sources = buffers.map((buffer) => {
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(volume);
      source.start(at);
      at += buffer.duration + GAP_S;
      return source;
    });
    this.#rest(at - context.currentTime);
    const detail: SaidDetail = { clips, locale, gain };
    this.#page.dispatchEvent(new CustomEvent(SAID_EVENT, { detail }));
    return {
      durationMs: (at - from + LEAD_S) * 1000,
      stop: () => {
        for (const source of sources) source.stop();
        volume.disconnect();
      },
    };
  }

  /** Null: the browser lets nothing sound yet, or there is no sound device. */
  async #running(): Promise<AudioContext | null> {
    try {
      // At the clips' own rate they are half as large as at a sound card's.
      this.#context ??= new AudioContext({ sampleRate: CLIP_RATE });
    } catch {
      return null;
    }
    const context = this.#context;
    // What is not allowed yet is neither granted nor refused.
    if (context.state !== 'running')
      await Promise.race([
        context.resume().catch(() => undefined),
        new Promise((done) => setTimeout(done, RESUME_MS)),
      ]);
    return context.state === 'running' ? context : null;
  }

  /** An open sound device costs the idle screen its quiet: it is let go after the last sentence. */
  #rest(inSeconds: number): void {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(
      () => void this.#context?.suspend().catch(() => undefined),
      inSeconds * 1000 + REST_MS,
    );
  }

  #file(locale: Locale): Promise<ReturnType<typeof openClips>> {
    let file = this.#files.get(locale);
    if (file === undefined) {
      file = load(`/voice/${locale}.clips`).then((bytes) =>
        bytes === null ? null : openClips(bytes),
      );
      this.#files.set(locale, file);
    }
    return file;
  }

  #clip(context: AudioContext, id: ClipId, locale: Locale): Promise<AudioBuffer | null> {
    const key = `${locale} ${id}`;
    const kept = this.#decoded.get(key);
    const clip = kept ?? this.#decode(context, id, locale);
    // The last one used is the last one dropped.
    this.#decoded.delete(key);
    this.#decoded.set(key, clip);
    const [oldest] = this.#decoded.keys();
    if (oldest !== undefined && this.#decoded.size > KEPT_CLIPS) this.#decoded.delete(oldest);
    // A policy's clip may come later.
    if (kept === undefined)
      void clip.then((buffer) => {
        if (buffer === null && this.#decoded.get(key) === clip) this.#decoded.delete(key);
      });
    return clip;
  }

  async #decode(context: AudioContext, id: ClipId, locale: Locale): Promise<AudioBuffer | null> {
    const bytes = id.startsWith('t/')
      ? await load(`/said/${id.slice(2)}.wav`)
      : ((await this.#file(locale))?.body(id) ?? null);
    if (bytes === null) return null;
    try {
      return await context.decodeAudioData(bytes);
    } catch {
      return null;
    }
  }
}
