import type { Snapshot, VoiceView } from '../../shared/contract/index.ts';
import { loudnessAt } from '../../shared/policy-voice.ts';
import type { Loudness } from '../../shared/policy-voice.ts';
import { entryOf } from '../state/entry.ts';
import { offeredAtEnd } from '../state/leaving.ts';
import { WARN_MS, remainingMs } from '../state/time.ts';
import type { ViewState } from '../state/store.ts';
import { promptOf, prompts } from './prompts.ts';
import type { Scene } from './prompts.ts';
import { Speaker } from './speaker.ts';
import type { Manner, Sound, SpeakerClock } from './speaker.ts';

/** Where snapshots come from: the renderer's store. */
export interface Views {
  getState(): ViewState;
  subscribe(listener: (state: ViewState) => void): () => void;
}

/** In an ear nothing needs to grow louder. */
const HEADPHONES_PERCENT = 60;
/** What the core shows so soon after a touch is its answer. */
const TOUCHED_MS = 2_000;

/** When a page was touched last, by finger or key; long ago, if never. */
export function touches(page: Window, clock: SpeakerClock): () => number {
  let at = -Infinity;
  for (const kind of ['pointerdown', 'pointerup', 'keydown'] as const)
    page.addEventListener(kind, () => (at = clock.monoMs()), { capture: true });
  return () => at;
}

/** Headphones are for one: no hall has its quiet hours there, and no policy its silence. */
function loudnessOf(voice: VoiceView | undefined, nowMs: number): Loudness | null {
  const own = voice?.volume;
  if (voice?.headphones === true)
    return {
      percent: own ?? HEADPHONES_PERCENT,
      mostPercent: Math.max(own ?? 0, HEADPHONES_PERCENT),
    };
  const loudness = loudnessAt(voice?.policy, nowMs);
  return loudness === null || own === undefined
    ? loudness
    : { ...loudness, percent: Math.min(own, loudness.mostPercent) };
}

/** How a snapshot has its voice, at this wall time of the core's. */
function mannerOf({ locale, voice, header }: Snapshot, nowMs: number): Manner {
  const listening = voice?.headphones === true ? 'headphones' : 'loudspeaker';
  return {
    locale,
    way: entryOf({ header }).way,
    listening,
    loudness: voice?.muted === true ? null : loudnessOf(voice, nowMs),
  };
}

/**
 * Speaks what the screens show. While the line to the core is down nothing is said: what stands
 * there may be over. Returns how to stop.
 *
 * @param touchedAt when somebody touched the page last, by that clock
 * @param attach given who speaks, for what keys ask for
 */
export function speak(
  views: Views,
  sound: Sound,
  clock: SpeakerClock,
  touchedAt: () => number,
  attach: (speaker: Pick<Speaker, 'read' | 'interrupt'>) => void = () => undefined,
): () => void {
  let before: Scene | null = null;
  let cancel = (): void => undefined;
  const speaker = new Speaker(clock, sound, {
    locale: 'zh-CN',
    listening: 'loudspeaker',
    loudness: null,
  });
  attach(speaker);

  /** Whatever is amiss with the voice, the screen is drawn. */
  const look = (): void => {
    try {
      lookAtScreen();
    } catch (error) {
      console.error('voice:', error);
    }
  };

  const lookAtScreen = (): void => {
    cancel();
    cancel = () => undefined;
    const { snapshot, receivedAt, link } = views.getState();
    if (snapshot === null || link !== 'up') {
      // Back again, the screen says where one is.
      before = null;
      speaker.show('', null, null);
      return;
    }
    const at = clock.monoMs();
    const manner = mannerOf(snapshot, snapshot.nowMs + Math.max(0, at - receivedAt));
    const scene: Scene = {
      snapshot,
      hurry: hurryNow(snapshot, receivedAt, at),
      touched: at - touchedAt() < TOUCHED_MS,
    };
    if (snapshot.screen === 'start' && before?.snapshot.screen !== 'start') speaker.forget();
    // Nobody waits for the end of a language that he has just left.
    if (before !== null && before.snapshot.locale !== snapshot.locale) speaker.show('', null, null);
    speaker.manner(manner);
    speaker.show(snapshot.screen, prompts(before, scene), promptOf(snapshot)?.repeat ?? null);
    before = scene;
  };

  /** Within the last seconds; else looks again when they begin. */
  function hurryNow(snapshot: Snapshot, receivedAt: number, at: number): Scene['hurry'] {
    const offered = offeredAtEnd(snapshot);
    if (offered === null || !('deadlineMs' in snapshot) || snapshot.deadlineMs === null)
      return null;
    const left = remainingMs(snapshot.deadlineMs, snapshot.nowMs, receivedAt, at);
    if (left <= WARN_MS) return left > 0 ? offered : null;
    cancel = clock.after(left - WARN_MS, look);
    return null;
  }

  const unsubscribe = views.subscribe(look);
  look();
  return () => {
    unsubscribe();
    cancel();
    speaker.show('', null, null);
  };
}
