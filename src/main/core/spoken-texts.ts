import { LOCALES } from '../../shared/contract/index.ts';
import type { Locale, Snapshot } from '../../shared/contract/index.ts';
import type { Policy } from '../../shared/policy.ts';
import { MAX_OWN_CLIPS, MAX_SPOKEN_TEXTS, spokenTextId } from '../../shared/spoken-text.ts';
import type { BothTexts } from '../../shared/spoken-text.ts';
import type { Synthesiser } from './synthesiser.ts';

/**
 * The texts of a policy that screens say: what is agreed to, what is interrupted, and what is
 * chosen by its name; then what is only told. The first ones are made first.
 */
export function textsToSay(policy: Policy): readonly BothTexts[] {
  const { credit, info, requests } = policy;
  const all = [
    ...(credit?.texts ?? []).flatMap(({ points }) => points),
    ...(info?.outages ?? []).flatMap(({ area, reason }) => [area, reason]),
    ...(credit?.texts ?? []).map(({ title }) => title),
    ...(credit === undefined ? [] : [credit.userNo.hint]),
    ...(credit?.payees ?? []).map(({ company }) => company),
    ...(requests?.categories ?? []).flatMap(({ name, choices }) => [
      name,
      ...(choices ?? []).map((choice) => choice.name),
    ]),
    ...(info?.papers ?? []).map(({ title }) => title),
    ...(info?.prices ?? []).map(({ name }) => name),
    ...policy.notices.flatMap(({ title, body }) => [title, body]),
    ...(info?.papers ?? []).flatMap(({ bring, where }) => [...bring, where]),
    ...(info?.stations ?? []).flatMap(({ name, address, does }) => [name, does, address]),
  ];
  const once = new Map(all.map((both) => [`${both.zh}\n${both.en}`, both]));
  return [...once.values()].slice(0, MAX_SPOKEN_TEXTS);
}

/** A text of a person's own, in the language that he listens in. */
export interface OwnText {
  readonly text: string;
  readonly locale: Locale;
}
/** Members of a screen that are names, addresses and what staff wrote; nothing that is digits. */
const OWN_MEMBERS = new Set(['holderMasked', 'address', 'reply']);
/** More is on no screen, and a screen that has more is not read by clips of this machine. */
const MOST_OWN = 8;
const MOST_OWN_CHARS = 60;

/**
 * What of a screen only its reader may hear, and no build has made a clip of: whose account it is,
 * and where. None unless he listens by headphones, in spoken mode.
 */
export function ownTexts(snapshot: Snapshot): readonly OwnText[] {
  const { locale, voice } = snapshot;
  if (voice?.spoken !== true || voice.headphones !== true) return [];
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, member] of Object.entries(value as Record<string, unknown>))
      if (typeof member !== 'string') look(member);
      else if (OWN_MEMBERS.has(name) && /\p{L}/u.test(member) && member.length <= MOST_OWN_CHARS)
        found.add(member);
  };
  look(snapshot);
  return [...found].slice(0, MOST_OWN).map((text) => ({ text, locale }));
}

interface Wanted {
  readonly id: string;
  readonly text: string;
  readonly locale: Locale;
  readonly isOwn: boolean;
}
/** Takes a WAV file; `isOwn`: of a person's text, not of a policy's. */
export type ClipMade = (id: string, wav: Uint8Array, isOwn: boolean) => void;

/**
 * Makes the clips of each policy's texts as it arrives, one after the other, and hands each over
 * once. A newer policy takes the place of what is still to be made.
 */
export class SpokenTexts {
  readonly #synthesiser: Synthesiser;
  readonly #made: ClipMade;
  readonly #done = new Set<string>();
  /** Not tried again before the next policy comes, however often its screen is drawn. */
  readonly #failed = new Set<string>();
  /** The newest of persons' own that were made; see {@link MAX_OWN_CLIPS}. */
  #own: readonly string[] = [];
  #wanted: readonly Wanted[] = [];
  #busy = false;
  #stopped = false;

  constructor(synthesiser: Synthesiser, made: ClipMade) {
    this.#synthesiser = synthesiser;
    this.#made = made;
  }

  /** This policy counts from now on. */
  policy(policy: Policy): void {
    this.#failed.clear();
    this.#wanted = textsToSay(policy).flatMap((both) =>
      LOCALES.map((locale) => {
        const text = locale === 'en' ? both.en : both.zh;
        return { id: spokenTextId(text, locale), text, locale, isOwn: false };
      }),
    );
    if (!this.#busy) void this.#make();
  }

  /**
   * A person listens by headphones, and this stands on his screen: it is said to him, and sooner
   * than anything else. What is hidden of a name is said as such.
   */
  own(texts: readonly OwnText[]): void {
    const wanted = texts.map(({ text, locale }) => ({
      id: spokenTextId(text, locale),
      text: text.replace(/\*+/g, locale === 'en' ? ' something ' : '某'),
      locale,
      isOwn: true,
    }));
    this.#wanted = [
      ...wanted,
      ...this.#wanted.filter(({ id }) => !wanted.some((w) => w.id === id)),
    ];
    if (!this.#busy) void this.#make();
  }

  stop(): void {
    this.#stopped = true;
    this.#wanted = [];
  }

  async #make(): Promise<void> {
    this.#busy = true;
    for (;;) {
      const [next, ...rest] = this.#wanted.filter(({ id }) => !this.#isOver(id));
      this.#wanted = rest;
      if (next === undefined || this.#stopped) break;
      const wav = await this.#synthesiser.clip(next.text, next.locale);
      if (wav === null) this.#failed.add(next.id);
      if (wav === null || this.#stopped) continue;
      if (next.isOwn) this.#own = [...this.#own, next.id].slice(-MAX_OWN_CLIPS);
      else this.#done.add(next.id);
      this.#made(next.id, wav, next.isOwn);
    }
    this.#busy = false;
  }

  #isOver(id: string): boolean {
    return this.#done.has(id) || this.#failed.has(id) || this.#own.includes(id);
  }
}
