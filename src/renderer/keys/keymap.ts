import type { KeyUse, Keypad } from '../../shared/contract/index.ts';

/**
 * What the keys of a keypad are for, where terminal.json does not say: by UI Events' `key` or
 * `code`. Numeric keypads have digits, Enter and signs; those made for kiosks send function keys
 * that their maker's tool sets (docs/install.md).
 */
export const USUAL_KEYS: Readonly<Record<KeyUse, readonly string[]>> = {
  spoken: ['*', 'F1', 'Help'],
  repeat: ['#', '.', 'F2'],
  louder: ['+', 'AudioVolumeUp'],
  softer: ['-', 'AudioVolumeDown'],
  up: ['ArrowUp', 'ArrowLeft'],
  down: ['ArrowDown', 'ArrowRight'],
  confirm: ['Enter', ' '],
  cancel: ['Escape', 'Cancel'],
  delete: ['Backspace', 'Delete', 'Clear'],
  plugged: [],
  unplugged: [],
};

/** A key as the page hears of it. */
export interface PressedKey {
  readonly key: string;
  readonly code: string;
}

/** What a key is for on this machine: a digit, or a use. Null: nothing. */
export function useOf(
  { key, code }: PressedKey,
  keypad: Keypad | undefined,
): KeyUse | { readonly digit: string } | null {
  const uses = Object.keys(USUAL_KEYS) as KeyUse[];
  const given = uses.find((use) => {
    const keys = keypad?.[use];
    return keys !== undefined && (keys.includes(key) || keys.includes(code));
  });
  if (given !== undefined) return given;
  if (/^\d$/.test(key)) return { digit: key };
  // A key that the machine has for something else is not what it usually is.
  return uses.find((use) => keypad?.[use] === undefined && USUAL_KEYS[use].includes(key)) ?? null;
}
