import type { KeyUse } from '../../shared/contract/index.ts';
import { DEFAULT_VOICE } from '../../shared/policy-voice.ts';
import { offeredAtEnd } from '../state/leaving.ts';
import { act, store } from '../state/store.ts';
import { remainingMs } from '../state/time.ts';
import type { TypedKey } from '../state/wedge.ts';
import { numberClips } from '../voice/numbers.ts';
import type { Prompt, Segment } from '../voice/prompts.ts';
import {
  countPart,
  freshSegments,
  ownPart,
  screenSegments,
  stopSegments,
  typedKind,
} from '../voice/spoken-prompts.ts';
import type { Page } from '../voice/spoken-prompts.ts';
import { ownClip } from '../voice/words.ts';
import type { ClipId, OwnKey } from '../voice/words.ts';
import { useOf } from './keymap.ts';
import { KeyScreen } from './screen.ts';
import type { PageStop } from './screen.ts';

/** Who says it. */
export interface Reader {
  /** `now`: in the place of what is said; otherwise behind it. */
  read(prompt: Prompt, now: boolean): void;
  interrupt(): void;
}
/** What the keyboard stands on. */
export interface KeyboardOptions {
  readonly page: Window;
  readonly monoMs: () => number;
  readonly after: (delayMs: number, fn: () => void) => () => void;
  /** What stands there now, and whether a moment later it still hears. */
  readonly glance: () => () => boolean;
}

/** Technicians see their screens. */
const STAFF = /^maintenance/;
/** A drawn change and those right behind it are looked at together. */
const SETTLE_MS = 60;
/** A screen that ends sooner is kept by whoever moves on it: it takes so long to hear half of it. */
const KEEP_MS = 45_000;
/** Whoever presses keys is there; it is told this often. */
const ACTIVITY_MS = 5_000;
const VOLUME_STEP = 15;

const tell = (segments: readonly Segment[]): Prompt => ({ urgent: false, segments });

/**
 * The whole of a visit by keys: up and down, confirm, cancel, digits; and what the spoken mode says
 * to them. Nothing is pressed by it that a finger could not press.
 */
export class Keyboard {
  readonly #o: KeyboardOptions;
  readonly #screen: KeyScreen;
  #reader: Reader | null = null;
  #spoken = false;
  #view = '';
  #stops: readonly PageStop[] = [];
  #activeAt = -Infinity;
  #cancelLook = (): void => undefined;
  #waits = false;

  constructor(options: KeyboardOptions) {
    this.#o = options;
    this.#screen = new KeyScreen(options.page.document);
  }

  /** Begins to listen, behind whoever listens to scanners. */
  listen(): void {
    const { page } = this.#o;
    page.addEventListener('keydown', (event) => this.#onKey(event), { capture: true });
    page.addEventListener('keyup', (event) => {
      // A button would be pressed once more.
      if (event.key === ' ') event.preventDefault();
    });
    page.addEventListener('pointerdown', () => this.#byKeys(false), { capture: true });
    page.document.addEventListener('focusin', (event) => this.#screen.focused(event.target));
    new MutationObserver(() => this.#soon()).observe(page.document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
      attributeFilter: ['disabled', 'aria-pressed', 'inert', 'data-deaf', 'data-screen'],
    });
    store.subscribe(() => this.#soon());
  }

  /** By this all is said. */
  readonly attach = (reader: Reader): void => {
    this.#reader = reader;
  };

  /** A character that a person typed. */
  readonly typed = (key: TypedKey): void => {
    const use = useOf(key, store.getState().snapshot?.header.keypad);
    if (use === null || !key.mayAct()) return;
    this.#use(use);
  };

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    // A character waits for whether it begins a code; Enter behind one was its end.
    const isCharacter = event.key.length === 1 && event.key !== ' ';
    if (isCharacter || (event.defaultPrevented && !/^F\d/.test(event.key))) return;
    const { snapshot } = store.getState();
    // Of characters whoever listens to scanners tells; Tab is a way on as well.
    const use =
      event.key === 'Tab' && this.#isOn()
        ? event.shiftKey
          ? ('up' as const)
          : ('down' as const)
        : event.key === 'Tab'
          ? null
          : useOf(event, snapshot?.header.keypad);
    if (event.key === 'Tab') this.#byKeys(true);
    if (use === null || typeof use !== 'string') return;
    event.preventDefault();
    // A key that is held goes on moving, and presses nothing again.
    if (event.repeat && use !== 'up' && use !== 'down') return;
    if (this.#o.glance()()) this.#use(use, event.repeat);
  }

  /** @param held nobody may be there: something lies on the key */
  #use(use: KeyUse | { readonly digit: string }, held = false): void {
    this.#byKeys(true);
    this.#screen.look();
    if (this.#isOn()) this.#reader?.interrupt();
    if (typeof use !== 'string') this.#digit(use.digit);
    else this.#do(use);
    if (!held) this.#stayAwake();
    this.#soon();
  }

  #do(use: KeyUse): void {
    switch (use) {
      case 'up':
      case 'down':
        return this.#move(use === 'down' ? 1 : -1);
      case 'confirm':
        return this.#confirm();
      case 'cancel':
        return this.#press(this.#screen.back());
      case 'delete':
        return this.#delete();
      case 'spoken':
        if (!STAFF.test(this.#screen.name)) act({ type: 'set-spoken', value: !this.#isOn() });
        return;
      case 'repeat':
        return this.#readAll();
      case 'louder':
      case 'softer':
        return this.#volume(use === 'louder' ? VOLUME_STEP : -VOLUME_STEP);
      case 'plugged':
      case 'unplugged':
        return act({ type: 'set-headphones', value: use === 'plugged' });
      default:
        return use satisfies never;
    }
  }

  #move(by: 1 | -1): void {
    const stop = this.#screen.move(by, this.#isOn());
    if (stop !== null) this.#say(this.#segments(stop));
  }

  #confirm(): void {
    const here = this.#screen.current();
    if (here !== null && (here.kind === 'control' || here.kind === 'key')) return this.#press(here);
    const ok = this.#screen.padKey('ok');
    if (ok !== null) return this.#press(ok);
    this.#sayOwn('spoken.pickFirst');
  }

  /** As a finger would: what is off does nothing. */
  #press(stop: PageStop | null): void {
    if (stop === null) return this.#sayOwn('spoken.nothing');
    if (stop.disabled) return this.#say(this.#segments(stop));
    stop.el.click();
  }

  #digit(digit: string): void {
    const { hasPad } = this.#screen;
    if (!hasPad && !this.#isOn()) return;
    const stop = hasPad ? this.#screen.padKey(digit) : this.#screen.choice(Number(digit));
    if (stop === null || stop.disabled) return this.#press(stop);
    if (!hasPad) {
      this.#screen.go(stop);
      return this.#press(stop);
    }
    stop.el.click();
    this.#toTyped();
    this.#say(this.#echo(digit));
  }

  #delete(): void {
    const stop = this.#screen.padKey('del');
    if (stop === null || stop.disabled) return this.#press(stop);
    stop.el.click();
    this.#toTyped();
    this.#sayOwn('spoken.deleted');
  }

  /** Whoever types by keys confirms what he typed, and presses no digit with it. */
  #toTyped(): void {
    const typed = this.#screen.stops.find(({ kind }) => kind === 'typed');
    if (typed !== undefined) this.#screen.go(typed);
  }

  /** A digit as it may be heard; of a secret only how many there are. */
  #echo(digit: string): readonly Segment[] {
    const page = this.#page();
    const clips: readonly ClipId[] = [`n/${Number(digit)}`];
    const typed = this.#screen.stops.find(({ kind }) => kind === 'typed');
    const before = typed?.text.replace(/\D/g, '').length ?? 0;
    const count = countPart('spoken.count', before + 1, page.locale);
    if (page.typed === 'sum') return [{ part: { clips } }];
    if (page.typed === 'secret') return [{ part: count }];
    return [{ part: { clips }, isPrivate: true, open: count }];
  }

  #volume(by: number): void {
    const voice = store.getState().snapshot?.voice;
    if (voice?.spoken !== true && voice?.headphones !== true) return;
    const now = voice.volume ?? voice.policy?.volume ?? DEFAULT_VOICE.volume;
    const value = Math.min(100, Math.max(10, now + by));
    act({ type: 'set-volume', value });
    const clips = [
      ownClip('spoken.volume', 'before'),
      ...numberClips(String(value), this.#page().locale, false),
    ];
    this.#say([{ part: { clips } }]);
  }

  /** A screen that ends soon is kept by moving on it; the start screen stays as one has it. */
  #stayAwake(): void {
    const { snapshot, receivedAt } = store.getState();
    const at = this.#o.monoMs();
    if (snapshot === null || at - this.#activeAt < ACTIVITY_MS) return;
    if (snapshot.screen === 'start' && this.#isOn()) {
      this.#activeAt = at;
      act({ type: 'activity' });
    }
    if (!('deadlineMs' in snapshot) || snapshot.deadlineMs === null) return;
    const left = remainingMs(snapshot.deadlineMs, snapshot.nowMs, receivedAt, at);
    if (left > KEEP_MS || offeredAtEnd(snapshot) !== 'more') return;
    this.#activeAt = at;
    act({ type: 'more-time' });
  }

  #byKeys(on: boolean): void {
    const { documentElement } = this.#o.page.document;
    if (on) documentElement.dataset['keys'] = '';
    else delete documentElement.dataset['keys'];
  }

  #isOn(): boolean {
    const { snapshot, link } = store.getState();
    return link === 'up' && snapshot?.voice?.spoken === true && !STAFF.test(snapshot.screen);
  }

  #soon(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#cancelLook();
    this.#cancelLook = this.#o.after(SETTLE_MS, () => {
      this.#waits = false;
      this.#look();
    });
  }

  /** The drawn screen is another one, or says something new. */
  #look(): void {
    if (this.#screen.root === null) return;
    const before = this.#stops;
    this.#stops = this.#screen.look();
    const view = this.#screen.view();
    const same = view === this.#view;
    this.#view = view;
    this.#screen.keep(same);
    const on = this.#isOn();
    const was = this.#spoken;
    this.#spoken = on;
    this.#screen.number(on);
    if (!on) {
      if (was) this.#reader?.read(tell([{ part: ownPart('spoken.off') }]), true);
      return;
    }
    const page = this.#page();
    if (!was)
      return this.#reader?.read(
        tell([{ part: ownPart('spoken.on') }, ...screenSegments(this.#stops, page)]),
        true,
      );
    const fresh = same
      ? freshSegments(before, this.#stops, page)
      : screenSegments(this.#stops, page);
    if (fresh.length > 0) this.#reader?.read(tell(fresh), false);
  }

  #readAll(): void {
    this.#say(screenSegments(this.#screen.stops, this.#page()));
  }

  #page(): Page {
    const { snapshot } = store.getState();
    return {
      screen: snapshot?.screen ?? 'start',
      locale: snapshot?.locale ?? 'zh-CN',
      typed: typedKind(this.#screen.stops),
    };
  }

  #segments(stop: PageStop): readonly Segment[] {
    return stopSegments(stop, this.#page());
  }

  /** What was asked for by a key is said, however lately it was. */
  #say(segments: readonly Segment[]): void {
    if (!this.#isOn()) return;
    this.#reader?.read(tell(segments.map((s) => ({ ...s, again: true as const }))), true);
  }

  #sayOwn(key: OwnKey): void {
    this.#say([{ part: ownPart(key) }]);
  }
}
