import type { Screen } from '../../shared/contract/index.ts';
import { MAX_CODE, bareCode } from '../../shared/scanned.ts';
import { act, store } from './store.ts';

/**
 * A scanner that types sends its keys 1 to 10 ms from one another; after a pause of this length a
 * code is over, or another one begins. No finger is that quick twice.
 */
const GAP_MS = 100;
/** What the core takes as a code (its contract). */
const CODE = /^[!-~]{6,256}$/;
/**
 * So many characters, each quick behind the one before, are no person's: two fingers at once are
 * quick twice.
 */
const BURST = 3;
/** Keys that press what has the focus, or move it. */
const PRESSES: ReadonlySet<string> = new Set(['Enter', 'Tab', ' ']);

/** Where time comes from. */
export interface WedgeClock {
  readonly now: () => number;
  /** Runs `then` after a while. @returns what takes it back */
  readonly after: (ms: number, then: () => void) => () => void;
}

type Key = Pick<
  KeyboardEvent,
  'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'repeat' | 'getModifierState'
>;

/** A character that a person typed, and whether what he saw then still hears it. */
export interface TypedKey {
  readonly key: string;
  readonly code: string;
  readonly mayAct: () => boolean;
}

/**
 * The character of a key, or null. An input method swallows it (`Process`), so the key's place on
 * the board says it then; Caps Lock turns letters about, and no code means that.
 */
function character(event: Key): string | null {
  // Ctrl with a letter is how some scanners type a control character: framing.
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (event.key === 'Process' || event.key === 'Unidentified') {
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
    return digit ?? (event.shiftKey ? letter : letter?.toLowerCase()) ?? null;
  }
  if (event.key.length !== 1) return null;
  if (!event.getModifierState('CapsLock')) return event.key;
  const lower = event.key.toLowerCase();
  return event.key === lower ? event.key.toUpperCase() : lower;
}

/**
 * Listens to a scanner that is a keyboard, on every screen: characters in quick succession, ended
 * by Enter, TAB or a pause, are one code, and none of its keys presses anything. The screens on
 * which a kiosk takes codes are told, of a payment or a bill; elsewhere a code is nobody's. It is
 * kept nowhere. A key that is pressed alone does what keys do: a number pad or an assistive switch
 * goes on working. Its character is a person's once the pause behind it shows that no code began
 * with it.
 *
 * @param typed told of each character of a person
 * @param glance what he saw when he pressed it
 * @returns the end of listening
 */
export function listenToWedge(
  target: Pick<Window, 'addEventListener' | 'removeEventListener'>,
  clock: WedgeClock,
  typed: (key: TypedKey) => void = () => undefined,
  glance: () => () => boolean = () => () => true,
): () => void {
  let text = '';
  /** The keys behind `text`, while they may be a person's. */
  let keys: TypedKey[] = [];
  /** The screen that takes codes, and on which the whole code came. */
  let wanted: Screen | null = null;
  let last = Number.NEGATIVE_INFINITY;
  let cancelPause = (): void => undefined;

  const listening = (): Screen | null => {
    const { snapshot } = store.getState();
    const takes =
      (snapshot?.screen === 'pay' && snapshot.scanner) ||
      (snapshot?.screen === 'user-no' && snapshot.scanner && !snapshot.busy);
    return takes ? snapshot.screen : null;
  };
  function end(): void {
    cancelPause();
    const code = bareCode(text);
    const persons = keys.length < BURST ? keys : [];
    text = '';
    keys = [];
    for (const key of persons) typed(key);
    if (wanted !== null && listening() === wanted && CODE.test(code))
      act({ type: 'scan', value: code });
  }
  const onKey = (event: KeyboardEvent): void => {
    const quick = clock.now() - last <= GAP_MS;
    if (!quick) [text, keys] = ['', []];
    const char = event.key === ' ' && text === '' ? null : character(event);
    if (PRESSES.has(event.key) && (event.key !== ' ' || text === '')) {
      // Behind characters it ends a code; alone it is a person's, or a switch's.
      if (text === '') return;
      event.preventDefault();
      event.stopPropagation();
      end();
      return;
    }
    if (char === null) return;
    // A key that is held down says nothing more: not of a person, and no scanner holds one.
    if (event.repeat) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    last = clock.now();
    event.preventDefault();
    event.stopPropagation();
    // A code that began on another screen was not shown to this one.
    wanted = text === '' || listening() === wanted ? listening() : null;
    if (text.length <= MAX_CODE) text += char;
    if (keys.length < BURST) keys.push({ key: char, code: event.code, mayAct: glance() });
    cancelPause();
    cancelPause = clock.after(GAP_MS, end);
  };
  const listener = onKey as EventListener;
  target.addEventListener('keydown', listener, true);
  return () => {
    cancelPause();
    target.removeEventListener('keydown', listener, true);
  };
}
