import { choicesOf } from '../voice/spoken-prompts.ts';
import { stopsOf } from '../voice/stops.ts';
import type { Drawn, Stop } from '../voice/stops.ts';

/** Where one is on the drawn screen, and how one gets on by keys. */
export type PageStop = Stop<HTMLElement & Drawn>;

/** Leads back, the nearest first; each only where a screen offers it. */
const BACK = [
  'keypad-close',
  'request-back',
  'back',
  'not-me',
  'cancel',
  'info-topic',
  'exit',
  'leave',
];

const isShown = (el: HTMLElement): boolean => el.getClientRects().length > 0;
/** By what a control is known again when it is drawn anew. */
const keyOf = ({ kind, intent, value, text }: PageStop): string =>
  [kind, intent, value, intent === null ? text : ''].join(' ');

/** The screen as stops, and the one that one is at. It moves the focus with it. */
export class KeyScreen {
  readonly #document: Document;
  #stops: readonly PageStop[] = [];
  #at: { readonly key: string; readonly index: number } | null = null;

  constructor(page: Document) {
    this.#document = page;
  }

  /** The customers' screen; null: there is none, or nothing on it hears now. */
  get root(): HTMLElement | null {
    const root = this.#document.querySelector<HTMLElement>('[data-screen]');
    return root === null || root.closest('[inert], [data-deaf]') !== null ? null : root;
  }
  get stops(): readonly PageStop[] {
    return this.#stops;
  }
  get name(): string {
    return this.root?.dataset['screen'] ?? '';
  }

  /** Looks at what is drawn now. */
  look(): readonly PageStop[] {
    const { root } = this;
    this.#stops = root === null ? [] : stopsOf<HTMLElement & Drawn>(root, isShown);
    return this.#stops;
  }

  /** Which controls stand there, as far as a person would call it another screen. */
  view(): string {
    const root = this.root;
    const part = root?.querySelector<HTMLElement>('[data-step], [data-page]');
    const ok = this.#stops.find(({ kind, intent }) => kind === 'key' && intent !== 'key');
    return [
      root?.dataset['screen'],
      root?.lang,
      part?.dataset['step'],
      part?.dataset['page'],
      ok?.intent,
    ].join(' ');
  }

  current(): PageStop | null {
    const active = this.#document.activeElement;
    const focused =
      active === null || active === this.#document.body
        ? undefined
        : this.#stops.find(({ el }) => el === active);
    return focused ?? this.#marked() ?? null;
  }

  #marked(): PageStop | undefined {
    const at = this.#at;
    if (at === null) return undefined;
    const marked = this.#stops.find(({ el }) => 'cursor' in el.dataset);
    return marked ?? this.#stops.find((stop) => keyOf(stop) === at.key);
  }

  /** Goes there. What cannot have the focus is marked. */
  go(stop: PageStop): void {
    for (const el of this.#document.querySelectorAll<HTMLElement>('[data-cursor]'))
      delete el.dataset['cursor'];
    stop.el.dataset['cursor'] = '';
    if (stop.el.tagName !== 'BUTTON') stop.el.tabIndex = -1;
    stop.el.focus({ preventScroll: true });
    this.#at = { key: keyOf(stop), index: this.#stops.indexOf(stop) };
  }

  /** One on, or back; behind the last comes the first. @param all texts, too, and what is off */
  move(by: 1 | -1, all: boolean): PageStop | null {
    const here = this.current();
    const from = here === null ? -1 : this.#stops.indexOf(here);
    const { length } = this.#stops;
    for (let n = 1; n <= length; n++) {
      const stop = this.#stops[(from + by * n + length * (n + 1)) % length];
      if (stop === undefined) continue;
      const isControl = stop.kind === 'control' || stop.kind === 'key';
      if (!all && (!isControl || stop.disabled)) continue;
      this.go(stop);
      return stop;
    }
    return null;
  }

  /** What had the focus and lost it has it again, if it is still there; else its heading has. */
  keep(sameView: boolean): void {
    const { activeElement, body } = this.#document;
    const { root } = this;
    if (root === null) return;
    const at = this.#at;
    if (!sameView) this.#at = null;
    if (activeElement !== null && activeElement !== body) {
      const focused = this.#stops.find(({ el }) => el === activeElement);
      // React may have used the element for another control.
      if (focused === undefined || at === null || !sameView || keyOf(focused) === at.key) return;
    }
    const same =
      at === null || !sameView ? undefined : this.#stops.find((stop) => keyOf(stop) === at.key);
    if (same !== undefined && !same.disabled) return this.go(same);
    if (activeElement !== body && activeElement !== null) return;
    const heading = this.#stops.find(({ kind, place }) => kind === 'heading' && place === 'main');
    const stop = heading ?? this.#stops.find(({ place }) => place === 'main');
    if (stop === undefined) return;
    if (stop.el.tagName !== 'BUTTON') stop.el.tabIndex = -1;
    stop.el.focus({ preventScroll: true });
  }

  /** Somebody, or the page, moved the focus by itself. */
  focused(el: EventTarget | null): void {
    const stop = this.#stops.find((one) => one.el === el);
    if (stop === undefined) return;
    for (const other of this.#document.querySelectorAll<HTMLElement>('[data-cursor]'))
      if (other !== el) delete other.dataset['cursor'];
    this.#at = { key: keyOf(stop), index: this.#stops.indexOf(stop) };
  }

  /** A key of the pad that stands there, by its name, pressed or not to be. */
  padKey(name: string): PageStop | null {
    return this.#stops.find(({ kind, el }) => kind === 'key' && el.dataset['key'] === name) ?? null;
  }
  get hasPad(): boolean {
    return this.#stops.some(({ kind }) => kind === 'key');
  }

  /** The control that a number chooses. */
  choice(n: number): PageStop | null {
    return choicesOf(this.#stops)[n - 1] ?? null;
  }
  /** Draws the numbers, or takes them away. */
  number(on: boolean): void {
    const choices = on ? choicesOf(this.#stops) : [];
    for (const el of this.#document.querySelectorAll<HTMLElement>('[data-choice]'))
      if (!choices.some((stop) => stop.el === el)) delete el.dataset['choice'];
    for (const [i, { el }] of choices.entries())
      if (el.dataset['choice'] !== String(i + 1)) el.dataset['choice'] = String(i + 1);
  }

  /** The way back that is offered now. */
  back(): PageStop | null {
    for (const intent of BACK) {
      const stop = this.#stops.find(
        (one) =>
          one.kind === 'control' &&
          one.intent === intent &&
          !one.disabled &&
          (intent !== 'info-topic' || one.value === 'menu'),
      );
      if (stop !== undefined) return stop;
    }
    return null;
  }
}
