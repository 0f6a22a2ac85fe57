import { expect, test, vi } from 'vitest';
import type { Prompt, Repeat, Segment } from '../../../src/renderer/voice/prompts.ts';
import {
  MOST_REPEATS,
  SAME_MS,
  Speaker,
  gainOf,
  louderGain,
} from '../../../src/renderer/voice/speaker.ts';
import type { Manner, Playing, Sound } from '../../../src/renderer/voice/speaker.ts';
import { speak } from '../../../src/renderer/voice/voice.ts';
import type { ViewState } from '../../../src/renderer/state/store.ts';
import type { ClipId, SaidKey } from '../../../src/renderer/voice/words.ts';
import type { Locale, Snapshot } from '../../../src/shared/contract/index.ts';
import { ManualClock } from '../../support/clock.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';

const CLIP_MS = 1_000;

/** A loudspeaker that writes down what it plays. */
class Tape implements Sound {
  readonly heard: { at: number; clips: readonly ClipId[]; gain: number; cutAt: number | null }[] =
    [];
  missing = new Set<string>();
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  play(clips: readonly ClipId[], _locale: Locale, gain: number): Promise<Playing | null> {
    if (clips.some((id) => this.missing.has(id))) return Promise.resolve(null);
    const entry = { at: this.#clock.monoMs(), clips, gain, cutAt: null as number | null };
    this.heard.push(entry);
    return Promise.resolve({
      durationMs: CLIP_MS * clips.length,
      stop: () => (entry.cutAt = this.#clock.monoMs()),
    });
  }

  get ids(): string[] {
    return this.heard.map(({ clips }) => clips.join(' '));
  }
}

const LOUD: Manner = {
  locale: 'zh-CN',
  listening: 'loudspeaker',
  loudness: { percent: 50, mostPercent: 100 },
};
const say = (key: SaidKey): Segment => ({ part: { say: key } });
const tell = (...keys: SaidKey[]): Prompt => ({ urgent: false, segments: keys.map(say) });
const urge = (...keys: SaidKey[]): Prompt => ({ urgent: true, segments: keys.map(say) });

function room(manner: Manner = LOUD) {
  const clock = new ManualClock(0);
  const tape = new Tape(clock);
  const speaker = new Speaker(clock, tape, manner);
  /** Time passes in small steps, so that what one end begins has begun. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      await settle();
      clock.advance(Math.min(left, 100));
    }
    await settle();
  };
  return { clock, tape, speaker, pass };
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

test('sentences follow each other; the next screen ends what is said', async () => {
  const { tape, speaker, pass } = room();
  speaker.show('pay', tell('pay.scan.wechat', 'pay.onlyScreen'), null);
  await pass(1_500);
  expect(tape.ids).toEqual(['m/pay.scan.wechat', 'm/pay.onlyScreen']);
  speaker.show('writing', urge('writing.title'), null);
  await pass(100);
  expect(tape.heard[1]?.cutAt).not.toBeNull();
  expect(tape.ids.at(-1)).toBe('m/writing.title');
  // A screen that says nothing is silent, too.
  speaker.show('maintenance', null, null);
  expect(tape.heard.at(-1)?.cutAt).not.toBeNull();
});

test('on one screen what must be done now interrupts, and the rest waits for it', async () => {
  const { tape, speaker, pass } = room();
  speaker.show('pay', tell('pay.scan.wechat', 'pay.onlyScreen'), null);
  await pass(200);
  speaker.show('pay', urge('pay.card-out', 'pay.card-out.lead'), null);
  await pass(200);
  expect(tape.heard[0]?.cutAt).not.toBeNull();
  speaker.show('pay', tell('pay.check.asking'), null);
  speaker.show('pay', tell('pay.check.not-paid'), null);
  await pass(200);
  expect(tape.ids.at(-1)).toBe('m/pay.card-out');
  await pass(4_000);
  // One deep: what was asked for later is what counts.
  expect(tape.ids).toEqual([
    'm/pay.scan.wechat',
    'm/pay.card-out',
    'm/pay.card-out.lead',
    'm/pay.check.not-paid',
  ]);
});

test('the same sentence is not said again within a while; what was cut was not said', async () => {
  const { tape, speaker, pass } = room();
  speaker.show('reading', urge('reading.card.title', 'doNotRemove'), null);
  await pass(1_500);
  speaker.show('amount', tell('amount.title', 'doNotRemove'), null);
  await pass(3_000);
  expect(tape.ids).toEqual([
    'm/reading.card.title',
    'm/doNotRemove',
    'm/amount.title',
    'm/doNotRemove',
  ]);
  speaker.show('reading', urge('reading.card.title'), null);
  speaker.show('amount', tell('amount.title'), null);
  await pass(2_000);
  expect(tape.ids).toHaveLength(4);
  await pass(SAME_MS);
  speaker.show('reading', urge('reading.card.title'), null);
  await pass(100);
  expect(tape.ids).toHaveLength(5);
});

test('a sum is heard whole once: cut by the next screen it is said there, else not again', async () => {
  const received: Segment = {
    part: { own: 'received', sum: { value: '100.00', unit: 'yuan' } },
    once: 'received 1',
  };
  const sum = 'w/received/before n/1h u/yuan';
  const writing: Prompt = { urgent: true, segments: [received, say('writing.title')] };
  const done: Prompt = { urgent: true, segments: [received, say('done.take.title')] };
  const cut = room();
  cut.speaker.show('writing', writing, null);
  await cut.pass(2_900);
  cut.speaker.show('done', done, null);
  await cut.pass(6_000);
  expect(cut.tape.ids).toEqual([sum, sum, 'm/done.take.title']);
  const hushed = room();
  hushed.speaker.show('writing', writing, null);
  await hushed.pass(2_900);
  hushed.speaker.show('maintenance', null, null);
  await hushed.pass(500);
  hushed.speaker.show('done', done, null);
  await hushed.pass(3_200);
  expect(hushed.tape.ids).toEqual([sum, sum, 'm/done.take.title']);
  const whole = room();
  whole.speaker.show('writing', writing, null);
  await whole.pass(3_200);
  whole.speaker.show('done', done, null);
  await whole.pass(60_000);
  expect(whole.tape.ids).toEqual([sum, 'm/writing.title', 'm/done.take.title']);
  whole.speaker.forget();
  whole.speaker.show('writing', writing, null);
  await whole.pass(100);
  expect(whole.tape.ids.at(-1)).toBe(sum);
});

test('“take your card” comes each five seconds and louder, and ends with the card', async () => {
  const { tape, speaker, pass } = room();
  const repeat: Repeat = { segments: [say('take.title')], everyMs: 5_000, louder: true };
  const prompt: Prompt = { ...urge('take.title'), repeat };
  speaker.show('take-card', prompt, repeat);
  await pass(16_000);
  expect(tape.heard.map(({ at }) => at - (tape.heard[0]?.at ?? 0))).toEqual([
    0, 5_000, 10_000, 15_000,
  ]);
  const gains = tape.heard.map(({ gain }) => gain);
  expect(gains).toEqual(gains.toSorted((a, b) => a - b));
  expect(gains[3]).toBeGreaterThan(gains[0] as number);
  // Another revision of the same screen does not begin anew.
  speaker.show('take-card', null, { ...repeat, segments: [...repeat.segments] });
  await pass(4_500);
  expect(tape.heard).toHaveLength(5);
  // The card is out: the same screen repeats nothing any more.
  speaker.show('take-card', null, null);
  await pass(20_000);
  expect(tape.heard).toHaveLength(5);
});

test('whoever left a card is not called for ever', async () => {
  const { tape, speaker, pass } = room();
  const repeat: Repeat = { segments: [say('take.title')], everyMs: 5_000, louder: true };
  speaker.show('take-card', { ...urge('take.title'), repeat }, repeat);
  await pass(10 * 60_000);
  expect(tape.heard).toHaveLength(1 + MOST_REPEATS);
  expect(tape.heard.at(-1)?.gain).toBe(gainOf(100));
});

test('louder never passes what the hour allows', () => {
  const night = { percent: 30, mostPercent: 60 };
  expect(louderGain(night, 0, true)).toBe(gainOf(30));
  expect(louderGain(night, 1, false)).toBe(gainOf(30));
  expect(louderGain(night, 1, true)).toBeGreaterThan(gainOf(30));
  expect(louderGain(night, 50, true)).toBe(gainOf(60));
});

test('a sentence with a missing clip is silent, and the next one is said', async () => {
  const { tape, speaker, pass } = room();
  tape.missing.add('n/1h');
  speaker.show(
    'writing',
    {
      urgent: true,
      segments: [
        { part: { own: 'received', sum: { value: '100.00', unit: 'yuan' } } },
        say('writing.title'),
      ],
    },
    null,
  );
  await pass(500);
  expect(tape.ids).toEqual(['m/writing.title']);
});

test('private sentences need headphones; muted is silent at once', async () => {
  const balance: Segment = {
    part: { own: 'balance', sum: { value: '12.30', unit: 'yuan' } },
    isPrivate: true,
  };
  const prompt: Prompt = { urgent: false, segments: [balance, say('topUp.title')] };
  const hall = room();
  hall.speaker.show('top-up', prompt, null);
  await hall.pass(500);
  expect(hall.tape.ids).toEqual(['m/topUp.title']);
  hall.speaker.manner({ ...LOUD, loudness: null });
  expect(hall.tape.heard[0]?.cutAt).not.toBeNull();
  hall.speaker.show('bills', tell('bills.choose'), null);
  await hall.pass(3_000);
  expect(hall.tape.ids).toHaveLength(1);
  const ears = room({ ...LOUD, listening: 'headphones' });
  ears.speaker.show('top-up', prompt, null);
  await ears.pass(8_000);
  expect(ears.tape.ids).toEqual(['w/balance/before n/12 n/point n/3 u/yuan', 'm/topUp.title']);
});

// ---- with the store's snapshots ----

function page() {
  const { clock, tape, pass } = room();
  let state: ViewState = { snapshot: null, receivedAt: 0, link: 'starting' };
  let touchedAt = -Infinity;
  const listeners = new Set<(s: ViewState) => void>();
  const put = (next: Partial<ViewState>): void => {
    state = { ...state, ...next };
    for (const listener of listeners) listener(state);
  };
  const stop = speak(
    {
      getState: () => state,
      subscribe: (l) => {
        listeners.add(l);
        return () => listeners.delete(l);
      },
    },
    tape,
    clock,
    () => touchedAt,
  );
  const show = (snapshot: Snapshot): void =>
    put({ snapshot, receivedAt: clock.monoMs(), link: 'up' });
  const touch = (): void => void (touchedAt = clock.monoMs());
  return { clock, tape, pass, put, show, stop, touch };
}
const shown = (screen: string, variant: string): Snapshot => {
  const found = screenFixtures('zh-CN').find((f) => f.screen === screen && f.variant === variant);
  if (found === undefined) throw new Error(`${screen}--${variant}`);
  return found.snapshot;
};

test('a visit: spoken as it goes, silent while the line is lost, warned when its time runs out', async () => {
  const { tape, pass, put, show, stop } = page();
  show(shown('start', 'ready'));
  await pass(5_000);
  expect(tape.ids).toEqual([]);
  const amount = { ...shown('amount', 'choose') } as Snapshot & { deadlineMs: number | null };
  amount.deadlineMs = amount.nowMs + 30_000;
  show(amount);
  await pass(9_000);
  expect(tape.ids[0]).toBe('m/amount.title');
  expect(tape.ids).not.toContain('w/hurry.more/before');
  await pass(2_000);
  expect(tape.ids.at(-1)).toBe('w/hurry.more/before');
  show(shown('pay', 'waiting'));
  await pass(100);
  put({ link: 'lost' });
  await pass(100);
  expect(tape.heard.at(-1)?.cutAt).not.toBeNull();
  const heard = tape.heard.length;
  await pass(5_000);
  expect(tape.heard).toHaveLength(heard);
  // Back again it says where one is, and calls again for a card that is still in.
  show(shown('take-card', 'visit-over'));
  await pass(500);
  put({ link: 'lost' });
  await pass(SAME_MS);
  put({ link: 'up' });
  await pass(8_000);
  expect(tape.ids.slice(heard).filter((id) => id === 'm/take.title')).toHaveLength(3);
  stop();
});

test('muted for the visit; switched on again it says where one is', async () => {
  const { tape, pass, show, stop } = page();
  const pay = shown('pay', 'waiting');
  show({ ...shown('amount', 'choose'), voice: { muted: true } });
  await pass(3_000);
  show({ ...pay, voice: { muted: true } });
  await pass(3_000);
  expect(tape.ids).toEqual([]);
  show({ ...pay, revision: pay.revision + 1 });
  await pass(200);
  expect(tape.ids[0]).toMatch(/^w\/toPay\/before n\//);
  show({ ...shown('amount', 'choose'), voice: { policy: { on: false } } });
  const heard = tape.heard.length;
  await pass(3_000);
  expect(tape.heard).toHaveLength(heard);
  stop();
});

test('a voice that fails costs the screen nothing', async () => {
  const told = vi.spyOn(console, 'error').mockReturnValue(undefined);
  const { tape, pass, show, stop } = page();
  const play = vi.spyOn(tape, 'play').mockRejectedValue(new Error('no device'));
  show(shown('amount', 'choose'));
  await pass(500);
  expect(() => show({ ...shown('pay', 'waiting'), amountFen: null } as never)).not.toThrow();
  await pass(500);
  expect(told).toHaveBeenCalledTimes(2);
  play.mockRestore();
  show(shown('take-card', 'visit-over'));
  await pass(500);
  expect(tape.ids).toEqual(['m/take.title']);
  told.mockRestore();
  stop();
});

test('an empty hall is not talked to: neither in the morning nor when the screen greets the next', async () => {
  const { tape, pass, show, stop, touch } = page();
  const start = shown('start', 'ready');
  const quiet = { from: '00:00', to: '23:59', volume: 0 };
  show({ ...start, voice: { policy: { quiet } } });
  await pass(1_000);
  // The quiet hours end, the customer before spoke English and had muted it.
  show({ ...start, locale: 'en', voice: { muted: true } });
  await pass(1_000);
  show(start);
  await pass(5_000);
  expect(tape.ids).toEqual([]);
  touch();
  show({ ...start, locale: 'en' });
  await pass(500);
  expect(tape.ids).toEqual(['m/start.hello']);
  stop();
});

test('nothing of one visit keeps the next from hearing it', async () => {
  const { tape, pass, show, stop } = page();
  const amount = shown('amount', 'choose');
  show(amount);
  await pass(2_500);
  show(shown('start', 'ready'));
  show(amount);
  await pass(500);
  expect(tape.ids.filter((id) => id === 'm/amount.title')).toHaveLength(2);
  stop();
});

test('a key ends what can wait, and nothing that must be done now', async () => {
  const { tape, speaker, pass } = room();
  speaker.show('amount', tell('amount.title', 'doNotRemove'), null);
  await pass(100);
  speaker.interrupt();
  await pass(3_000);
  expect(tape.ids).toEqual(['m/amount.title']);
  expect(tape.heard[0]?.cutAt).not.toBeNull();
  speaker.show('writing', urge('writing.title'), null);
  await pass(100);
  speaker.interrupt();
  speaker.read(tell('back' as SaidKey), true);
  await pass(3_000);
  expect(tape.ids.slice(1)).toEqual(['m/writing.title', 'm/back']);
  expect(tape.heard[1]?.cutAt).toBeNull();
});

test('what is read of a screen waits; what a key asks for does not; urgent ones win over both', async () => {
  const { tape, speaker, pass } = room();
  speaker.show('amount', tell('amount.title'), null);
  speaker.read(tell('doNotRemove', 'info.take'), false);
  await pass(1_500);
  expect(tape.ids).toEqual(['m/amount.title', 'm/doNotRemove']);
  speaker.read(tell('info.title'), true);
  await pass(100);
  expect(tape.ids.at(-1)).toBe('m/info.title');
  speaker.show('amount', urge('take.title'), null);
  await pass(100);
  expect(tape.ids.at(-1)).toBe('m/take.title');
  expect(tape.heard.at(-2)?.cutAt).not.toBeNull();
});

test('a call that is repeated goes on behind a key that cut it', async () => {
  const { tape, speaker, pass } = room();
  const repeat: Repeat = { segments: [say('take.title')], everyMs: 5_000, louder: true };
  speaker.show('take-card', urge('take.title'), repeat);
  await pass(1_500);
  speaker.read(tell('take.lead', 'info.take'), false);
  await pass(500);
  speaker.interrupt();
  await pass(12_000);
  expect(tape.ids.filter((id) => id === 'm/take.title').length).toBeGreaterThanOrEqual(3);
});

test('a clip that nobody made is said otherwise; what may not be heard, by its open word', async () => {
  const { tape, speaker, pass } = room();
  tape.missing = new Set(['t/1', 't/2']);
  const part = (...clips: ClipId[]) => ({ clips });
  speaker.read(
    {
      urgent: false,
      segments: [
        { part: part('t/1'), otherwise: [part('t/2'), part('w/spoken.onScreen/before')] },
        { part: part('n/7'), isPrivate: true, open: part('w/spoken.withHeadphones/before') },
        { part: part('n/8'), isPrivate: true },
      ],
    },
    true,
  );
  await pass(5_000);
  expect(tape.ids).toEqual(['w/spoken.onScreen/before', 'w/spoken.withHeadphones/before']);
  speaker.manner({ ...LOUD, listening: 'headphones' });
  speaker.read({ urgent: false, segments: [{ part: part('n/7'), isPrivate: true }] }, true);
  await pass(2_000);
  expect(tape.ids.at(-1)).toBe('n/7');
  // Asked for again it is said again, and otherwise not so soon.
  speaker.read({ urgent: false, segments: [{ part: part('n/7') }] }, true);
  await pass(2_000);
  expect(tape.ids).toHaveLength(3);
  speaker.read({ urgent: false, segments: [{ part: part('n/7'), again: true }] }, true);
  await pass(2_000);
  expect(tape.ids).toHaveLength(4);
});

test('what a screen was about to say, and still shows, is said though something urgent is new', async () => {
  const { speaker, tape, pass } = room();
  const still = (...keys: SaidKey[]): Segment[] => keys.map(say);
  // The card was torn out; a second later its slip is there.
  speaker.show('in-doubt', urge('doubt.card.title', 'doubt.safe', 'doubt.card.lead'), null);
  await pass(500);
  speaker.show(
    'in-doubt',
    {
      ...urge('receipt.printed'),
      still: still('doubt.card.title', 'doubt.safe', 'doubt.card.lead', 'receipt.printed'),
    },
    null,
  );
  await pass(6_000);
  expect(tape.ids).toEqual([
    'm/doubt.card.title',
    'm/doubt.safe',
    'm/doubt.card.lead',
    'm/receipt.printed',
  ]);
  expect(tape.heard.every(({ cutAt }) => cutAt === null)).toBe(true);
});

test('what is true no more is cut off, and not said behind what is new', async () => {
  const { speaker, tape, pass } = room();
  speaker.show('pay', urge('pay.paying', 'pay.paying.lead', 'doubt.safe'), null);
  await pass(500);
  speaker.show(
    'pay',
    { ...urge('pay.unknown'), still: [say('pay.unknown'), say('doubt.safe')] },
    null,
  );
  await pass(6_000);
  expect(tape.ids).toEqual(['m/pay.paying', 'm/doubt.safe', 'm/pay.unknown']);
  expect(tape.heard[0]?.cutAt).not.toBeNull();
});
