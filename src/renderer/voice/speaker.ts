import type { CardEntry, Locale } from '../../shared/contract/index.ts';
import type { Loudness } from '../../shared/policy-voice.ts';
import { keyOf, mayBeHeard, segmentClips } from './prompts.ts';
import type { Listening, Part, Prompt, Repeat, Segment } from './prompts.ts';
import type { ClipId } from './words.ts';

/** The time that a {@link Speaker} goes by. */
export interface SpeakerClock {
  readonly monoMs: () => number;
  /** Runs `fn` once after `delayMs`; returns how to cancel it. */
  readonly after: (delayMs: number, fn: () => void) => () => void;
}

/** A sentence that sounds. */
export interface Playing {
  readonly durationMs: number;
  readonly stop: () => void;
}

/** What sound comes out of. */
export interface Sound {
  /**
   * Clips one behind the other, at this share of full volume. Null: one of them is missing, or
   * nothing can be heard here now.
   */
  play(clips: readonly ClipId[], locale: Locale, gain: number): Promise<Playing | null>;
}

/** How the customer, his headphones and the policy have it. */
export interface Manner {
  readonly locale: Locale;
  /** How this machine takes a card; left out: it is inserted. */
  readonly way?: CardEntry['way'];
  readonly listening: Listening;
  /** Null: silent. */
  readonly loudness: Loudness | null;
}

/** The same sentence is not said again so soon, whatever screens come and go. */
export const SAME_MS = 8_000;
/** Between a sentence and its repetition it is silent at least so long. */
export const PAUSE_MS = 1_500;
/** Nobody came in so long: whoever left it is gone, and neighbours are not. */
export const MOST_REPEATS = 24;
/** Each louder repetition by so much, about 2 dB. */
const LOUDER = 1.26;

/** Loudness is heard by its ratio: half the percent is meant to sound half as loud. */
export const gainOf = (percent: number): number => (percent / 100) ** 2;

/** What of a sentence may be heard, the best first. */
function partsFor(segment: Segment, listening: Listening): readonly Part[] {
  if (mayBeHeard(segment, listening)) return [segment.part, ...(segment.otherwise ?? [])];
  return segment.open === undefined ? [] : [segment.open];
}

/** How loud the `n`th repetition is. */
export function louderGain({ percent, mostPercent }: Loudness, n: number, louder: boolean): number {
  const base = gainOf(percent);
  return louder ? Math.max(base, Math.min(gainOf(mostPercent), base * LOUDER ** n)) : base;
}

/**
 * Says one prompt at a time. The next screen's prompt ends the one before; on the same screen what
 * is new waits until what still stands there was said. Remembers what a visit has heard until
 * {@link forget}.
 */
export class Speaker {
  readonly #clock: SpeakerClock;
  readonly #sound: Sound;
  #manner: Manner;
  #screen = '';
  /** Counts what was begun: an answer that comes late belongs to nothing any more. */
  #turn = 0;
  #playing: Playing | null = null;
  #cancel = (): void => undefined;
  #current: Prompt | null = null;
  /** Of it: what is being said, and what comes after. */
  #saying: Segment | null = null;
  #left: Segment[] = [];
  #waiting: Prompt | null = null;
  /** Behind that: what is read of the screen. */
  #toRead: Prompt | null = null;
  #repeat: Repeat | null = null;
  #repeats = 0;
  #said = new Map<string, number>();

  constructor(clock: SpeakerClock, sound: Sound, manner: Manner) {
    this.#clock = clock;
    this.#sound = sound;
    this.#manner = manner;
  }

  /** From the next sentence on. Muted: at once. */
  manner(manner: Manner): void {
    this.#manner = manner;
    if (manner.loudness === null) this.#hush();
  }

  /**
   * What is shown now, what of it is new to say, and what is repeated while it stays. A screen's
   * own name tells whether it is another one.
   */
  show(screen: string, prompt: Prompt | null, repeat: Repeat | null): void {
    const isNew = screen !== this.#screen;
    this.#screen = screen;
    if (isNew || repeat === null || JSON.stringify(repeat) !== JSON.stringify(this.#repeat)) {
      this.#repeat = repeat;
      this.#repeats = 0;
    }
    if (isNew) this.#hush();
    if (prompt === null) return;
    if (this.#current !== null && prompt.still !== undefined) {
      this.#goOn(prompt, prompt.still);
    } else if (this.#current === null || prompt.urgent) {
      this.#waiting = null;
      this.#begin(this.#say(prompt));
    } else this.#waiting = prompt;
  }

  /**
   * More of the screen that speaks: what it was about to say and still shows is said before it;
   * only a sentence that is true no more is cut off by what must be done now.
   */
  #goOn(prompt: Prompt, still: readonly Segment[]): void {
    const keys = new Set(still.map(keyOf));
    const isTrue = (segment: Segment): boolean => keys.has(keyOf(segment));
    const left = this.#left.filter(isTrue);
    const more = [...(this.#waiting?.segments.filter(isTrue) ?? []), ...prompt.segments];
    if (prompt.urgent && (this.#saying === null || !isTrue(this.#saying))) {
      this.#waiting = null;
      this.#begin(this.#say({ ...prompt, segments: [...left, ...more] }));
      return;
    }
    this.#left = left;
    this.#waiting = { ...prompt, segments: more };
  }

  /** A key was pressed: what can wait is not said to its end. */
  interrupt(): void {
    this.#waiting = null;
    this.#toRead = null;
    if (this.#current === null || this.#current.urgent) return;
    this.#hush();
    this.#ended(this.#clock.monoMs());
  }

  /**
   * What was asked for by keys, or is read of the screen: behind what is urgent; `now`: in the
   * place of everything else, otherwise behind it, too.
   */
  read(prompt: Prompt, now: boolean): void {
    if (this.#current === null || (now && !this.#current.urgent)) {
      this.#toRead = null;
      this.#begin(this.#say(prompt));
    } else this.#toRead = prompt;
  }

  /** The visit is over: nothing of it is remembered. */
  forget(): void {
    this.#said = new Map();
  }

  /** A sentence that cannot be said costs nothing but itself. */
  #begin(saying: Promise<void>): void {
    saying.catch((error: unknown) => {
      console.error('voice:', error);
      this.#hush();
    });
  }

  #hush(): void {
    this.#turn += 1;
    this.#cancel();
    this.#playing?.stop();
    this.#playing = null;
    this.#current = null;
    this.#saying = null;
    this.#left = [];
    this.#waiting = null;
    this.#toRead = null;
  }

  #isOver(segment: Segment): boolean {
    const { once, again } = segment;
    if (again === true) return false;
    if (once !== undefined) return this.#said.has(once);
    const [part] = partsFor(segment, this.#manner.listening);
    const at = part === undefined ? undefined : this.#said.get(this.#key(part));
    return at !== undefined && this.#clock.monoMs() - at < SAME_MS;
  }

  /** The same words, by whichever message they come. */
  #key(part: Part): string {
    const { locale, way } = this.#manner;
    return `${locale} ${segmentClips({ part }, locale, way).join(' ')}`;
  }

  async #say(prompt: Prompt): Promise<void> {
    this.#cancel();
    this.#playing?.stop();
    this.#turn += 1;
    const turn = this.#turn;
    this.#current = prompt;
    const began = this.#clock.monoMs();
    this.#left = [...prompt.segments];
    for (let next = this.#left.shift(); next !== undefined; next = this.#left.shift()) {
      if (this.#isOver(next)) continue;
      this.#saying = next;
      await this.#sentence(next, 0, turn);
      if (turn !== this.#turn) return;
    }
    this.#ended(began);
  }

  /** Sounds one sentence to its end; what is interrupted was not said. */
  async #sentence(segment: Segment, gainStep: number, turn: number): Promise<void> {
    const { locale, way, listening, loudness } = this.#manner;
    if (loudness === null) return;
    const gain = louderGain(loudness, gainStep, this.#repeat?.louder === true && gainStep > 0);
    let playing: Playing | null = null;
    let said = '';
    for (const part of partsFor(segment, listening)) {
      const clips = segmentClips({ part }, locale, way);
      said = segment.once ?? this.#key(part);
      if (clips.length > 0) playing = await this.#sound.play(clips, locale, gain);
      if (playing !== null || turn !== this.#turn) break;
    }
    if (playing === null) return;
    if (turn !== this.#turn) {
      playing.stop();
      return;
    }
    this.#playing = playing;
    await new Promise<void>((done) => {
      const end = this.#clock.after(playing.durationMs, done);
      this.#cancel = () => {
        end();
        done();
      };
    });
    if (turn !== this.#turn) return;
    this.#playing = null;
    this.#said.set(said, this.#clock.monoMs());
  }

  /** What waits comes next; else the repetition, in its time. */
  #ended(began: number): void {
    this.#current = null;
    this.#saying = null;
    this.#cancel = () => undefined;
    const next = this.#waiting ?? this.#toRead;
    if (this.#waiting === null) this.#toRead = null;
    this.#waiting = null;
    if (next !== null) {
      this.#begin(this.#say(next));
      return;
    }
    const repeat = this.#repeat;
    if (repeat === null || this.#repeats >= MOST_REPEATS) return;
    const turn = this.#turn;
    const passed = this.#clock.monoMs() - began;
    this.#cancel = this.#clock.after(Math.max(PAUSE_MS, repeat.everyMs - passed), () => {
      if (turn === this.#turn && this.#repeat === repeat) this.#begin(this.#sayAgain(repeat, turn));
    });
  }

  async #sayAgain(repeat: Repeat, turn: number): Promise<void> {
    this.#repeats += 1;
    this.#current = { urgent: false, segments: repeat.segments };
    const began = this.#clock.monoMs();
    this.#left = [];
    for (const segment of repeat.segments) {
      this.#saying = segment;
      await this.#sentence(segment, this.#repeats, turn);
      if (turn !== this.#turn) return;
    }
    this.#ended(began);
  }
}
